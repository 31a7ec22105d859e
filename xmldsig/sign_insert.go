package xmldsig

import (
	"bytes"
	"slices"

	"portti/internal/xmltree"
)

// headerAfter are the elements that follow signatureCollection in localHeader
// (interface 5.4); in localSocialHeader it is the last one.
var headerAfter = []string{
	"sender", "password", "patientRegistrySpecifier", "patientRegistrySpecifierName", "custodianTypeCode",
	"encompassingEncounterCode", "activeCustodian", "activeCustodianName", "encompassingEncounterMasterCode",
	"secondaryEncompassingEncounterId", "outsourcingServiceCustomer", "outsourcingServiceCustomerName",
	"retentionPeriodClass", "extendedRetentionPeriod", "sensitiveDocument", "eprServiceProvider",
	"eprServiceProviderName", "releaseDateForPatientViewing", "patientHomeMunicipality",
}

// insert puts the signature's text into the document's bytes, and the block that
// tells who signed before the collection.
func insert(t *xmltree.Tree, l layout, block, text string) []byte {
	e := editor{src: t.Source(), encoding: t.Encoding()}
	if l.collection != xmltree.None {
		start, _ := t.Range(l.collection)
		e.src = e.appendTo(t, l.collection, text)
		return e.splice(start, start, block)
	}
	text = block + `<signatureCollection xmlns="` + nsFI + `">` + text + "</signatureCollection>"
	if !l.social {
		for c := range t.Children(l.local) {
			if t.Space(c) == nsFI && slices.Contains(headerAfter, t.Local(c)) {
				start, _ := t.Range(c)
				return e.splice(start, start, text)
			}
		}
	}
	return e.appendTo(t, l.local, text)
}

// editor changes a document's original bytes.
type editor struct {
	src      []byte
	encoding string
}

// appendTo puts ASCII text at the end of an element's content.
func (e editor) appendTo(t *xmltree.Tree, n xmltree.Node, text string) []byte {
	start, end := t.Range(n)
	endTag := start + e.lastIndex(e.src[start:end], '<')
	if endTag > start {
		return e.splice(endTag, endTag, text)
	}
	// "<a/>" becomes "<a>text</a>"
	slash := start + e.lastIndex(e.src[start:end], '/')
	name := t.Local(n)
	if p := t.Prefix(n); p != "" {
		name = p + ":" + name
	}
	return e.splice(slash, end, ">"+text+"</"+name+">")
}

// lastIndex finds the last such character in b, which begins at a character.
func (e editor) lastIndex(b []byte, c byte) int {
	switch e.encoding {
	case "UTF-16LE", "UTF-16BE":
		hi := 0
		if e.encoding == "UTF-16LE" {
			hi = 1
		}
		for i := len(b) - 2; i >= 0; i -= 2 {
			if b[i+hi] == 0 && b[i+1-hi] == c {
				return i
			}
		}
		return -1
	}
	return bytes.LastIndexByte(b, c)
}

// splice puts text in place of [from, to), in the document's encoding.
func (e editor) splice(from, to int, text string) []byte {
	in := e.encode(text)
	out := make([]byte, 0, len(e.src)+len(in))
	out = append(out, e.src[:from]...)
	out = append(out, in...)
	return append(out, e.src[to:]...)
}

// encode writes text, ASCII but perhaps for an element's name, in the encoding.
func (e editor) encode(text string) []byte {
	var out []byte
	switch e.encoding {
	case "UTF-16LE":
		for _, r := range text {
			out = append(out, byte(r), byte(r>>8))
		}
	case "UTF-16BE":
		for _, r := range text {
			out = append(out, byte(r>>8), byte(r))
		}
	case "ISO-8859-1":
		for _, r := range text {
			out = append(out, byte(r))
		}
	default:
		out = []byte(text)
	}
	return out
}
