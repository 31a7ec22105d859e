package rules

import (
	"strings"
	"testing"

	"portti/cda/internal/testdoc"
	"portti/cda/rules/pdfcheck"

	"github.com/google/go-cmp/cmp"
)

// TestDOC12_XHTMLVocabulary: what a display form is made of, and codes in it.
func TestDOC12_XHTMLVocabulary(t *testing.T) {
	for _, c := range []struct {
		inner string
		want  []string
	}{
		{`<table summary="x"><tbody><tr><td colspan="2" aria-label="y">z</td></tr></tbody></table>`, nil},
		{`<marquee>a</marquee><marquee>b</marquee>`, []string{"BODY-XHTML-ELEMENT-UNKNOWN"}},
		{`<p data-x="1">a</p><p data-x="2">b</p>`, []string{"BODY-XHTML-ATTRIBUTE-UNKNOWN"}},
		{`<p class="soc-hdr9">a</p>`, []string{"BODY-XHTML-CLASS-UNKNOWN"}},
		{`<p class="own soc-content">a</p>`, nil},
		{`<style>p { background: URL(x) }</style>`, []string{"BODY-XHTML-STYLE"}},
		{`<style>p { color: black }</style>`, nil},
		{`<img alt="" src="data:image/png;base64,` + strings.Repeat("A", 5_000_000) + `"/>`, []string{"BODY-XHTML-PICTURE-SIZE"}},
		{`<p>` + testdoc.ClientHetu + ` ja ` + testdoc.ClientHetu + `</p>`, []string{"BODY-XHTML-HETU-UNMASKED"}},
		{`<p><![CDATA[` + testdoc.ClientHetu + `]]></p>`, []string{"BODY-XHTML-HETU-UNMASKED"}},
	} {
		display := strings.Replace(testdoc.XHTML, `<p>010181****</p>`, c.inner, 1)
		if diff := cmp.Diff(c.want, ids(judged(t, testdoc.With(display, testdoc.JSON)))); diff != "" {
			t.Errorf("%.80s: %s", c.inner, diff)
		}
	}
}

// TestDOC12_PDF: what the rules tell of a PDF.
func TestDOC12_PDF(t *testing.T) {
	const meta = "<< /Type /Metadata >>\nstream\n<pdfaid:part>1</pdfaid:part>\nendstream\n"
	for _, c := range []struct {
		pdf  string
		want []string
	}{
		{"%PDF-1.4\n" + meta + "%%EOF", nil},
		{" %PDF-1.4\n" + meta + "%%EOF", []string{"BODY-PDF-HEADER"}},
		{"%PDF-1.4\n" + meta, []string{"BODY-PDF-END"}},
		{"%PDF-1.4\n" + meta + "trailer << /Encrypt 1 0 R >> %%EOF", []string{"BODY-PDF-ENCRYPTED"}},
		{"%PDF-1.4\n" + meta + "<< /S /JavaScript >> %%EOF", []string{"BODY-PDF-SCRIPT"}},
		{"%PDF-1.4\n" + meta + "<< /S /Launch >> %%EOF", []string{"BODY-PDF-LAUNCH"}},
		{"%PDF-1.4\n" + meta + "<< /Names << /EmbeddedFiles 7 0 R >> >> %%EOF", []string{"BODY-PDF-EMBEDDED"}},
		{"%PDF-1.4\n %%EOF", []string{"BODY-PDF-ARCHIVAL"}},
		{"%PDF-1.7\n" + strings.Replace(meta, ">1<", ">3<", 1) + "%%EOF", []string{"BODY-PDF-PART"}},
		{"%PDF-1.7\n" + meta + "<< /Type /ObjStm /Filter /LZWDecode >>\nstream\nx\nendstream %%EOF", []string{"BODY-PDF-PARTIAL"}},
	} {
		doc := testdoc.Replace(testdoc.With(c.pdf, testdoc.JSON), `mediaType="application/xhtml+xml"`, `mediaType="application/pdf"`)
		doc = testdoc.Replace(doc, `<f:fileFormat code="2"`, `<f:fileFormat code="1"`)
		if diff := cmp.Diff(c.want, ids(judged(t, doc))); diff != "" {
			t.Errorf("%q: %s", c.pdf, diff)
		}
	}
}

// TestDOC12_PDFStructure: each verdict of package pdfcheck has its rule; what is
// encrypted cannot be read, which is told once.
func TestDOC12_PDFStructure(t *testing.T) {
	const meta = "<< /Type /Metadata >>\nstream\n<pdfaid:part>1</pdfaid:part>\nendstream\n"
	for _, c := range []struct {
		verdict pdfcheck.Verdict
		more    string
		want    []string
	}{
		{pdfcheck.Unchecked, "", nil},
		{pdfcheck.Sound, "", nil},
		{pdfcheck.Unreadable, "", []string{"BODY-PDF-STRUCTURE"}},
		{pdfcheck.Invalid, "", []string{"BODY-PDF-INVALID"}},
		{pdfcheck.Exhausting, "", []string{"BODY-PDF-EXHAUSTING"}},
		{pdfcheck.Unreadable, "/Encrypt 1 0 R", []string{"BODY-PDF-ENCRYPTED"}},
	} {
		doc := testdoc.Replace(testdoc.With("%PDF-1.4\n"+meta+c.more+" %%EOF", testdoc.JSON), `mediaType="application/xhtml+xml"`, `mediaType="application/pdf"`)
		doc = testdoc.Replace(doc, `<f:fileFormat code="2"`, `<f:fileFormat code="1"`)
		if diff := cmp.Diff(c.want, ids(judged(t, doc, func(in *Input) { in.PDF = c.verdict }))); diff != "" {
			t.Errorf("%s: %s", c.verdict, diff)
		}
	}
}
