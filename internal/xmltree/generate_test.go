package xmltree_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// generator makes random documents, mostly well-formed, with every construct the
// parser knows, and now and then one fault.
type generator struct {
	*rand.Rand
	bytes.Buffer
	faults float64 // chance of a fault at each place where one is possible
	scope  []string
}

func newGenerator(seed uint64) *generator {
	return &generator{Rand: rand.New(rand.NewPCG(seed, 7))}
}

func (g *generator) chance(p float64) bool { return g.Float64() < p }
func (g *generator) fault() bool           { return g.chance(g.faults) }

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

// document makes one document in some encoding.
func (g *generator) document() []byte {
	g.Reset()
	g.scope = []string{""}
	g.faults = pick(g, 0, 0, 0, 0.004, 0.02)
	encoding := pick(g, "", "", "", "UTF-8", "utf-8", "ISO-8859-1", "UTF-16")
	bom := encoding == "UTF-16" || encoding == "" && g.chance(0.1)
	declared := encoding
	if g.chance(0.04) {
		declared = pick(g, "UTF-8", "UTF-16", "UTF-16LE", "UTF-16BE", "iso-8859-1", "US-ASCII", "", "latin1", "windows-1252")
		bom = g.chance(0.5)
	}
	if declared != "" || g.chance(0.3) {
		g.declaration(declared)
	}
	g.misc()
	g.element(1 + g.IntN(6))
	g.misc()
	if g.fault() {
		g.WriteString(pick(g, "x", "<a/>", "&amp;", "<![CDATA[]]>", "</a>"))
	}
	return encode(g, g.String(), encoding, bom)
}

func (g *generator) declaration(encoding string) {
	q := pick(g, "'", `"`)
	eq := pick(g, "=", "=", "=", " = ", "\n=")
	g.WriteString("<?xml " + "version" + eq + q + pick(g, "1.0", "1.0", "1.0", "1.0", "1.0", "1.0", "1.0", "1.0", "1.3") + q)
	if encoding != "" {
		g.WriteString(pick(g, " ", "\n\t") + "encoding" + eq + q + encoding + q)
	}
	if g.chance(0.2) {
		g.WriteString(" standalone" + eq + q + pick(g, "yes", "no") + q)
	}
	if g.fault() {
		g.WriteString(pick(g, " x='1'", " version='1.0'", "?", " standalone='maybe'", " encoding='UTF-8'"))
	}
	g.WriteString(pick(g, "", "", " ") + "?>")
}

func (g *generator) misc() {
	for g.chance(0.3) {
		switch g.IntN(3) {
		case 0:
			g.comment()
		case 1:
			g.instruction()
		default:
			g.WriteString(pick(g, "\n", "\r\n", " ", "\t\r"))
		}
	}
}

func (g *generator) comment() {
	g.WriteString("<!--" + g.chars("-<&>]é€") + pick(g, "", "", "\r\n", " - "))
	if g.fault() {
		g.WriteString(pick(g, "--", "-", "\x01"))
	}
	g.WriteString("-->")
}

func (g *generator) instruction() {
	g.WriteString("<?" + pick(g, "pi", "xml-stylesheet", "x", "ä", "XMLx"))
	if g.fault() {
		g.WriteString(pick(g, ":y", "<", "?"))
	}
	if g.chance(0.7) {
		g.WriteString(pick(g, " ", "\r\n", "  ") + g.chars("?<&'\"é"))
	}
	g.WriteString("?>")
}

// chars makes a run of characters without markup; special ones come now and then.
func (g *generator) chars(special string) string {
	var b strings.Builder
	specials := []rune(special)
	for range g.IntN(12) {
		switch {
		case g.chance(0.15):
			b.WriteRune(specials[g.IntN(len(specials))])
		case g.chance(0.003):
			b.WriteRune(g.boundary())
		case g.chance(0.1):
			b.WriteString(pick(g, "\n", "\r\n", "\r", "\t", " "))
		default:
			b.WriteByte(byte('a' + g.IntN(26)))
		}
	}
	s := strings.ReplaceAll(b.String(), "--", "-.")
	return strings.ReplaceAll(strings.ReplaceAll(s, "?>", "?."), "]]>", "]].")
}

// element makes an element with at most depth levels below.
func (g *generator) element(depth int) {
	scope := g.scope
	defer func() { g.scope = scope }()
	decls := g.declarations()
	name := g.name(g.scope[g.IntN(len(g.scope))], "a", "b", "id", "section", "ä", "x.y-z", "_")
	g.WriteString("<" + name)
	attrs := append(decls, g.attributes()...)
	g.Shuffle(len(attrs), func(i, j int) { attrs[i], attrs[j] = attrs[j], attrs[i] })
	for _, a := range attrs {
		g.WriteString(pick(g, " ", " ", " ", "\n  ", "\r\n\t") + a)
	}
	if g.fault() {
		g.WriteString(pick(g, "/", " =", " a", " b='", "<", " é", ","))
	}
	g.WriteString(pick(g, "", "", "", " ", "\n"))
	if g.chance(0.2) {
		g.WriteString("/>")
		return
	}
	g.WriteString(">")
	for range g.IntN(5) {
		g.content(depth)
	}
	if g.fault() {
		name += pick(g, "x", ":", " y")
	}
	g.WriteString("</" + name + pick(g, "", "", "", " ", "\r\n") + ">")
}

func (g *generator) name(prefix string, locals ...string) string {
	if g.fault() {
		locals = []string{"1", "-a", "a:b:c", "a:", ":a", "a×", "zz:a", "xmlns:a", "xml:a", "a\u0e46", "\U00010000", "a;"}
	}
	local := pick(g, locals...)
	if g.chance(0.03) {
		local = pick(g, "", "a") + string(g.boundary()) + pick(g, "", "b")
	}
	if prefix == "" {
		return local
	}
	return prefix + ":" + local
}

// boundary makes a character at or beside the edge of a range that matters to XML, or
// any at all.
func (g *generator) boundary() rune {
	r := pick(g, 0xB7, 0xC0, 0xD6, 0xD8, 0xF6, 0xF8, 0x2FF, 0x300, 0x36F, 0x370, 0x37D, 0x37F, 0x1FFF, 0x200C, 0x200D,
		0x203F, 0x2040, 0x2070, 0x218F, 0x2C00, 0x2FEF, 0x3001, 0xD7FF, 0xF900, 0xFDCF, 0xFDF0, 0xFFFD, 0x10000, 0xEFFFF,
		rune(0x80+g.IntN(0x2000)), rune(g.IntN(0x10FFFF)))
	if r += rune(g.IntN(3) - 1); utf8.ValidRune(r) {
		return r
	}
	return 0xD7FF
}

// declarations makes namespace declarations and brings their prefixes into scope.
func (g *generator) declarations() []string {
	var out []string
	seen := map[string]bool{}
	for g.chance(0.3) {
		p := pick(g, "", "p", "q", "hl7", "å")
		if seen[p] && !g.fault() {
			continue
		}
		seen[p] = true
		uri := pick(g, "urn:a", "urn:b", "urn:hl7-org:v3", "http://x.example/y?a=1&amp;b=2")
		if g.chance(0.03) {
			uri = pick(g, "urn:å", "relative", "../x", "a b", " ", "urn:x&#10;", "'", "&quot;")
		}
		switch {
		case p == "":
			out = append(out, `xmlns="`+pick(g, uri, uri, "")+`"`)
			continue
		case g.fault():
			out = append(out, pick(g, "xmlns:p=''", "xmlns:xml='urn:x'", "xmlns:xmlns='urn:x'",
				"xmlns:z='http://www.w3.org/XML/1998/namespace'", "xmlns='http://www.w3.org/2000/xmlns/'",
				"xmlns:xml='http://www.w3.org/XML/1998/namespace'", "xmlns:='urn:x'"))
		default:
			out = append(out, "xmlns:"+p+"="+`"`+uri+`"`)
		}
		g.scope = append(g.scope[:len(g.scope):len(g.scope)], p)
	}
	return out
}

func (g *generator) attributes() []string {
	var out []string
	seen := map[string]bool{}
	for g.chance(0.5) {
		prefix := ""
		if g.chance(0.2) {
			prefix = pick(g, g.scope[g.IntN(len(g.scope))], "xml")
		}
		name := g.name(prefix, "root", "extension", "ID", "id", "lang", "space", "code", "ö")
		if seen[name] && !g.fault() {
			continue
		}
		seen[name] = true
		q := pick(g, "'", `"`)
		value := strings.ReplaceAll(g.chars("'\">]é€😀"), q, "")
		for g.chance(0.2) {
			value += g.reference()
		}
		if g.fault() {
			value += pick(g, "<", "&", "\x02", "\x7f", "\ufffe")
		}
		out = append(out, name+pick(g, "=", "=", "=", " = ", "\n=")+q+value+q)
	}
	return out
}

func (g *generator) reference() string {
	if g.fault() {
		return pick(g, "&nbsp;", "&#0;", "&#xD800;", "&#x110000;", "&#99999999999999999999;", "&#;", "&#x;",
			"&amp", "&;", "&#xFFFE;", "&# 32;", "&#X20;", "&a:b;", "&amp ;")
	}
	return pick(g, "&amp;", "&lt;", "&gt;", "&quot;", "&apos;", "&#13;", "&#10;", "&#x9;", "&#xe9;", "&#x1F600;", "&#0065;")
}

func (g *generator) content(depth int) {
	switch n := g.IntN(12); {
	case n < 4 && depth > 0:
		g.element(depth - 1)
	case n < 7:
		g.WriteString(strings.ReplaceAll(g.chars("]>'\"é€😀"), "]]>", "]]"))
	case n == 7:
		g.WriteString(g.reference())
	case n == 8:
		g.WriteString("<![CDATA[" + g.chars("<&]>é") + pick(g, "", "]", "]]") + "]]>")
	case n == 9:
		g.comment()
	case n == 10:
		g.instruction()
	default:
		if g.fault() {
			g.WriteString(pick(g, "]]>", "<", "<!", "<!ELEMENT a>", "\x00", "\x0b", "\xff", "\xc0\x80", "\xed\xa0\x80",
				"\xf4\x90\x80\x80", "\ufffe", "\uffff", "<![CDATA[", "<!--", "<?", "<?xml version='1.0'?>", "</", "\xe9"))
		}
	}
}

// encode writes text in the encoding declared, at times in another.
func encode(g *generator, text, encoding string, bom bool) []byte {
	switch {
	case encoding == "UTF-16":
		return toUTF16(text, g.chance(0.5), bom)
	case encoding == "ISO-8859-1":
		var b []byte
		for _, r := range text {
			if r > 0xFF {
				r = '?'
			}
			b = append(b, byte(r))
		}
		return b
	case bom:
		return []byte("\xef\xbb\xbf" + text)
	default:
		return []byte(text)
	}
}

func toUTF16(text string, big, bom bool) []byte {
	var b []byte
	put := func(u uint16) {
		if big {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	if bom {
		put(0xFEFF)
	}
	for _, u := range utf16.Encode([]rune(text)) {
		put(u)
	}
	return b
}

// tokens are what a mutation likes to put somewhere.
var tokens = []string{
	"<", ">", "/>", "</", "<a>", "</a>", "<a/>", "&", "&amp;", "&#10;", "&#xD;", "&x;", ";", "'", `"`, "=", " ", "\n", "\r", "\r\n", "\t",
	"<!--", "-->", "--", "<![CDATA[", "]]>", "]]", "<?", "?>", "<?xml version='1.0'?>", ":", "xmlns", " xmlns='urn:x'", " xmlns:p='urn:p'",
	" xmlns=''", " xmlns:p=''", "xml:", "p:", " a='1'", ` ID="x"`, "\x00", "\x1f", "\x7f", "\x80", "\xef\xbb\xbf", "\xff", "é", "€", "😀",
	"\ufffe", "\xc3", "1", "-", ".", "!", "?", "/", "[", "]", "#", " standalone='yes'", "encoding='UTF-16'", "encoding='ISO-8859-1'", "1.1",
}

// mutate changes a document at a few places.
func (g *generator) mutate(doc []byte, others [][]byte) []byte {
	b := bytes.Clone(doc)
	for range 1 + g.IntN(3) {
		i := g.IntN(len(b) + 1)
		j := min(len(b), i+1+g.IntN(8))
		switch g.IntN(8) {
		case 0:
			b = append(b[:i:i], b[j:]...)
		case 1:
			b = append(b[:j:j], b[i:]...)
		case 2, 3, 4:
			b = append(append(b[:i:i], pick(g, tokens...)...), b[i:]...)
		case 5:
			if i < len(b) {
				b[i] = byte(g.IntN(256))
			}
		case 6:
			o := others[g.IntN(len(others))]
			k := g.IntN(len(o) + 1)
			b = append(append(b[:i:i], o[k:min(len(o), k+g.IntN(40))]...), b[i:]...)
		default:
			if g.chance(0.1) {
				b = b[:i]
			} else {
				b = append(append(b[:i:i], pick(g, tokens...)...), b[j:]...)
			}
		}
	}
	return b
}

// clinical makes a document like a CDA of about size bytes, of which body in 0…1 is
// base64: header-like markup with indentation, codes, ids, names and narrative text.
func clinical(size int, body float64) []byte {
	g := newGenerator(uint64(size))
	g.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
		`<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:hl7fi="urn:hl7finland" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">` + "\n")
	markup := int(float64(size) * (1 - body))
	for k := 0; g.Len() < markup; k++ {
		fmt.Fprintf(g, "  <recordTarget typeCode=\"RCT\">\n    <patientRole classCode=\"PAT\">\n"+
			"      <id root=\"1.2.246.21\" extension=\"010190-9%03d\"/>\n      <patient>\n        <name><given>Aada</given><family>Testinen</family></name>\n"+
			"        <administrativeGenderCode code=\"%d\" codeSystem=\"1.2.246.537.5.1\" codeSystemName=\"AR/YDIN - Sukupuoli\" displayName=\"nainen\"/>\n"+
			"        <birthTime value=\"19%02d0101\"/>\n      </patient>\n    </patientRole>\n  </recordTarget>\n"+
			"  <section ID=\"s%d\">\n    <title>Asiakassuunnitelma &amp; arvio</title>\n    <text><paragraph styleCode=\"xContent\">Käynti sujui hyvin, seuraava tapaaminen sovittu.</paragraph></text>\n"+
			"    <hl7fi:localHeader>\n      <hl7fi:fileFormat code=\"1\" codeSystem=\"1.2.246.537.5.40179.2008\"/>\n    </hl7fi:localHeader>\n  </section>\n",
			900+k%100, k%3, k%100, k)
	}
	g.WriteString("  <component>\n    <nonXMLBody ID=\"OID1.2.246.10.99999901.11.1\">\n      <text mediaType=\"application/pdf\" representation=\"B64\">")
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	tail := "</text>\n    </nonXMLBody>\n  </component>\n</ClinicalDocument>\n"
	for room := size - g.Len() - len(tail); room > 0; room-- {
		g.WriteByte(alphabet[g.IntN(len(alphabet))])
	}
	g.WriteString(tail)
	return g.Bytes()
}
