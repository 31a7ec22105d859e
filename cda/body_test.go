package cda

import (
	"encoding/base64"
	"strings"
	"testing"

	"portti/cda/internal/testdoc"
	"portti/internal/shared"
	"portti/internal/xmltree"

	"github.com/google/go-cmp/cmp"
)

func bodyOf(t *testing.T, doc string) (*Document, *Body, []string) {
	t.Helper()
	d, fs := Read(parse(t, []byte(doc)))
	b, more := d.BodyContent(d.Body.Node)
	return d, b, append(ruleIDs(fs), ruleIDs(more)...)
}

func TestBodyContent(t *testing.T) {
	_, b, rules := bodyOf(t, testdoc.Phase2())
	if len(rules) > 0 {
		t.Fatal(rules)
	}
	if string(b.Display.Bytes) != testdoc.XHTML || b.Display.Recognised != XHTML || b.Display.Declared != XHTML || b.Display.Source != "xhtml" {
		t.Errorf("display form %+v", b.Display)
	}
	if string(b.JSON.Bytes) != testdoc.JSON || b.JSON.Recognised != JSON || b.JSON.Source != "json" {
		t.Errorf("structured form %+v", b.JSON)
	}
}

// The content is given for the element that the signatures cover, and for no
// other: neither to whoever has no signature nor to one over another element.
func TestXSWBodyIsNotGivenForAnotherElement(t *testing.T) {
	d, _ := Read(parse(t, []byte(testdoc.Phase2())))
	for _, covered := range []xmltree.Node{xmltree.None, xmltree.Doc, d.Root, d.Body.Text, d.Body.Node - 1, d.Body.Node + 1} {
		b, fs := d.BodyContent(covered)
		if b != nil || len(fs) != 1 || fs[0].Rule != RuleBodyNotCovered {
			t.Errorf("covered %d: %v %v", covered, b, fs)
		}
	}
	first, _ := d.BodyContent(d.Body.Node)
	if second, _ := d.BodyContent(d.Body.Node); first == nil || first != second {
		t.Error("the body is decoded again")
	}
	if judged, _ := d.JudgeBody(); judged != first {
		t.Error("the body is decoded again for judging")
	}
}

// A second body, signed or not, is told and never read.
func TestXSWSecondBody(t *testing.T) {
	doc := testdoc.Replace(testdoc.Phase2(), `<component><nonXMLBody`, `<component><nonXMLBody ID="evil"><text mediaType="text/plain">evil</text></nonXMLBody></component><component><nonXMLBody`)
	d, b, rules := bodyOf(t, doc)
	if diff := cmp.Diff([]string{RuleBodyRepeated, RuleTextMediaUnknown}, rules); diff != "" {
		t.Error(diff)
	}
	if d.Body.ID != "evil" || string(b.Display.Bytes) != "evil" {
		t.Errorf("the first body counts: %+v", d.Body)
	}
	signed := d.Tree.Path(d.Root, NamespaceHL7, "component") // not the second body's element
	if b, _ := d.BodyContent(signed); b != nil {
		t.Error("content for another element")
	}
}

func TestBodyForms(t *testing.T) {
	b64 := base64.StdEncoding.EncodeToString
	xhtml := b64([]byte(testdoc.XHTML))
	body := func(inner string) string {
		doc := testdoc.Cut(testdoc.Phase2(), "<component>", "</component>")
		return testdoc.Replace(doc, "</ClinicalDocument>", "<component>"+inner+"</component></ClinicalDocument>")
	}
	text := func(attrs, content string) string {
		return body(`<nonXMLBody><text ` + attrs + `>` + content + `</text></nonXMLBody>`)
	}
	const x = `mediaType="application/xhtml+xml" representation="B64"`
	for _, c := range []struct {
		name, doc string
		want      []string
	}{
		{"comment within", text(x, xhtml[:40]+"<!-- kommentti -->"+xhtml[40:]), nil},
		{"whitespace and lines", text(x, "\n\t"+xhtml[:40]+"\r\n "+xhtml[40:]+"\n"), nil},
		{"CDATA", text(x, "<![CDATA["+xhtml+"]]>"), nil},
		{"references", text(x, strings.Replace(xhtml, "P", "&#80;", 1)), nil},
		{"TXT", text(`mediaType="application/xhtml+xml" representation="TXT"`, "<![CDATA["+testdoc.XHTML+"]]>"), nil},
		{"no representation means TXT", text(`mediaType="application/xhtml+xml"`, strings.ReplaceAll(testdoc.XHTML, "<", "&lt;")), nil},
		{"PDF", text(`mediaType="application/pdf" representation="B64"`, b64([]byte("%PDF-1.4\n"))), nil},
		{"media type with parameter", text(`mediaType="application/xhtml+xml; charset=UTF-8" representation="B64"`, xhtml), nil},
		{"plain text", text(`mediaType="text/plain"`, "teksti"), []string{RuleTextMediaUnknown}},
		{"JSON as TXT", body(`<nonXMLBody><text ` + x + `>` + xhtml + `</text><f:json representation="TXT">{"a":1}</f:json></nonXMLBody>`), nil},
		{"JSON as B64", body(`<nonXMLBody><text ` + x + `>` + xhtml + `</text><f:json representation="B64">` + b64([]byte(`{}`)) + `</f:json></nonXMLBody>`), nil},
		{"structured", body(`<structuredBody ID="OIDx.0"><component/></structuredBody>`), nil},
		{"no body", body(``), []string{RuleBodyMissing}},
		{"no text", body(`<nonXMLBody/>`), []string{RuleTextMissing}},
		{"two texts", body(`<nonXMLBody><text ` + x + `>` + xhtml + `</text><text/></nonXMLBody>`), []string{RuleTextRepeated}},
		{"two JSONs", body(`<nonXMLBody><text ` + x + `>` + xhtml + `</text><f:json>e30=</f:json><f:json/></nonXMLBody>`), []string{RuleJSONRepeated}},
		{"element in text", text(x, xhtml+"<reference value='http://x'/>"), []string{RuleTextElement}},
		{"element in JSON", body(`<nonXMLBody><text ` + x + `>` + xhtml + `</text><f:json><f:a/></f:json></nonXMLBody>`), []string{RuleJSONElement}},
		{"JSON representation", body(`<nonXMLBody><text ` + x + `>` + xhtml + `</text><f:json representation="x">e30=</f:json></nonXMLBody>`), []string{RuleJSONRepresentation}},
		{"JSON base64", body(`<nonXMLBody><text ` + x + `>` + xhtml + `</text><f:json>{}</f:json></nonXMLBody>`), []string{RuleJSONBase64}},
		{"malleable trailing bits", text(x, b64([]byte("<div/>x"))[:9]+"B=="), []string{RuleTextBase64}},
		{"missing padding", text(x, strings.TrimRight(b64([]byte("<div/>x")), "=")), []string{RuleTextBase64}},
		{"text after padding", text(x, b64([]byte("<div/>x"))+xhtml), []string{RuleTextBase64}},
		{"compression", text(x+` compression="GZ"`, xhtml), []string{RuleTextCompression}},
		{"empty", text(x, ""), nil},
	} {
		_, _, rules := bodyOf(t, c.doc)
		if diff := cmp.Diff(c.want, rules); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

// A fault of base64 is placed at the very character, also after comments and
// line ends.
func TestBase64FaultIsPlaced(t *testing.T) {
	doc := testdoc.With("", "")
	doc = testdoc.Replace(doc, `representation="B64"></text>`, "representation=\"B64\">\n  AAAA<!-- å -->\r\n<![CDATA[BB!B]]></text>")
	_, fs := Read(parse(t, []byte(doc)))
	if len(fs) > 0 {
		t.Fatal(fs)
	}
	d, _ := Read(parse(t, []byte(doc)))
	_, out := d.BodyContent(d.Body.Node)
	if len(out) == 0 || out[0].Rule != RuleTextBase64 {
		t.Fatal(out)
	}
	f := out[0]
	lines := strings.Split(strings.ReplaceAll(doc, "\r\n", "\n"), "\n")
	if f.Line > len(lines) || f.Column > len(lines[f.Line-1]) || lines[f.Line-1][f.Column-1] != '!' {
		t.Errorf("%+v", f)
	}
	if !strings.HasSuffix(f.XPath, "/text[1]") {
		t.Errorf("path %s", f.XPath)
	}
}

func TestRecognise(t *testing.T) {
	for in, want := range map[string]Format{
		"%PDF-1.7":           PDF,
		"\xef\xbb\xbf{\"a\"": JSON,
		" [1]":               JSON,
		"<div>":              XHTML,
		"<h:div xmlns:h='http://www.w3.org/1999/xhtml'/>":                         XHTML,
		"<?xml version='1.0'?>\n<!-- x --><!DOCTYPE html><html xmlns='x'></html>": XHTML,
		"<svg/>":          PlainText,
		"<!-- unclosed":   PlainText,
		"teksti":          PlainText,
		"":                UnknownFormat,
		"\xff\xfe\x00abc": UnknownFormat,
	} {
		if got := recognise([]byte(in)); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

// The bodies of the real documents decode to what they declare.
func TestRealBodies(t *testing.T) {
	for _, name := range []string{
		"apotti_asiakassuunnitelma_S_as-signed.xml", "apotti_asiakassuunnitelma_S_pretty-printed-BREAKS-signature.xml",
		"apotti_asiakkuusasiakirja_S_system-signature-BODY-DIGEST-FAILS.xml",
	} {
		_, b, rules := bodyOf(t, string(shared.Read(t, "samples/social/"+name)))
		if len(rules) > 0 {
			t.Errorf("%s: %v", name, rules)
			continue
		}
		if b.Display.Recognised != XHTML || b.JSON.Recognised != JSON || !strings.Contains(string(b.Display.Bytes), "soc-document") {
			t.Errorf("%s: %s and %s", name, b.Display.Recognised, b.JSON.Recognised)
		}
	}
}
