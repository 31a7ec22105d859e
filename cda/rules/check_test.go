package rules

import (
	"html"
	"slices"
	"strings"
	"testing"
	"time"

	"portti/cda"
	"portti/cda/internal/testdoc"
	"portti/cda/rules/catalogue"
	"portti/internal/finding"
	"portti/internal/xmltree"

	"github.com/google/go-cmp/cmp"
)

// judged reads and judges a document alone, with its body.
func judged(tb testing.TB, document string, change ...func(*Input)) []finding.Finding {
	tb.Helper()
	d, out := cda.Read(parse(tb, []byte(document)))
	in := Input{Doc: d, Now: time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)}
	body, fs := d.JudgeBody()
	in.Body = body
	for _, c := range change {
		c(&in)
	}
	return append(append(out, fs...), Check(in)...)
}

func ids(fs []finding.Finding) []string {
	var out []string
	for _, f := range fs {
		out = append(out, f.Rule)
	}
	slices.Sort(out)
	return out
}

func TestOwnDocumentsAreClean(t *testing.T) {
	for name, doc := range map[string]string{"phase II": testdoc.Phase2(), "relationship": testdoc.Relationship()} {
		if fs := judged(t, doc); len(fs) > 0 {
			t.Errorf("%s: %+v", name, fs)
		}
	}
}

// mutation is one change of the phase II document, and the exact set of rules
// that it breaks.
type mutation struct {
	old, new string
	want     []string
}

// TestMutations breaks one thing at a time: META-1 to META-4, ARK-3, DOC-12.
func TestMutations(t *testing.T) {
	client := `<recordTarget><patientRole><id root="1.2.246.21" extension="010181-900C"/>`
	hetu := `extension="010181-900C"`
	related := func(attrs, inner string) string {
		return `<relatedDocument ` + attrs + `><parentDocument>` + inner + `</parentDocument></relatedDocument><authorization>`
	}
	first := `<id root="1.2.246.10.99999901.95.2026.1.16"/><setId root="1.2.246.10.99999901.95.2026.1.17"/>`
	for _, m := range []mutation{
		// missing, empty, null
		{`<realmCode code="FI"/>`, ``, []string{"META-REALM-MISSING"}},
		{`<realmCode code="FI"/>`, `<realmCode/>`, []string{"META-REALM-EMPTY"}},
		{`<realmCode code="FI"/>`, `<realmCode code="SE"/>`, []string{"META-REALM-UNKNOWN"}},
		{`extension="POCD_HD000040"`, `extension="POCD_HD000041"`, []string{"META-TYPEID-VALUE"}},
		{`<typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>`, ``, []string{"META-TYPEID-MISSING"}},
		{`<id root="1.2.246.10.99999901.95.2026.1.17"/>`, ``, []string{"META-ID-MISSING"}},
		{`<id root="1.2.246.10.99999901.95.2026.1.17"/>`, `<id nullFlavor="NI"/>`, []string{"META-ID-NULL"}},
		{`<id root="1.2.246.10.99999901.95.2026.1.17"/>`, `<id root="1.2.246.10.99999901.95.2026.1.17" extension="4"/>`,
			[]string{"META-ID-EXTENSION", "META-VERSION-FIRST-SETID"}},
		{`displayName="Suunnitelma"/>`, `/><code code="15" codeSystem="1.2.246.537.6.1506.201701"/>`, []string{"META-CODE-REPEATED"}},
		{`<code code="15" codeSystem="1.2.246.537.6.1506.201701" displayName="Suunnitelma"/>`, `<code nullFlavor="NA"/>`, []string{"META-CODE-NULL"}},
		{`<code code="15" codeSystem="1.2.246.537.6.1506.201701"`, `<code code="15" codeSystem="1.2.246.537.6.1505.201601"`, []string{"META-CODE-CODESYSTEM"}},
		{`<code code="15" codeSystem="1.2.246.537.6.1506.201701"`, `<code code="15"`, []string{"META-CODE-CODESYSTEM"}},
		{`<code code="15" codeSystem="1.2.246.537.6.1506.201701"`, `<code code="20" codeSystem="1.2.246.537.6.1506.201701"`, []string{"META-CODE-UNLISTED"}},
		{`<code code="15" codeSystem="1.2.246.537.6.1506.201701"`, `<code code="15" codeSystem="1.2.246.537.6.1506.202501"`, nil},
		{`<effectiveTime value="20260323105424+0200"/>`, `<effectiveTime value="20260323105424"/>`, []string{"META-EFFECTIVETIME-OFFSET"}},
		{`<effectiveTime value="20260323105424+0200"/>`, `<effectiveTime value="20260323"/>`, []string{"META-EFFECTIVETIME-PRECISION"}},
		{`<effectiveTime value="20260323105424+0200"/>`, `<effectiveTime value="23.3.2026"/>`, []string{"META-EFFECTIVETIME-SYNTAX"}},
		{`<effectiveTime value="20260323105424+0200"/>`, `<effectiveTime value="20270323105424+0200"/>`, []string{"CROSS-JSON-DATE-DIFFERS", "META-EFFECTIVETIME-FUTURE"}},
		{`<effectiveTime value="20260323105424+0200"/>`, `<effectiveTime/>`, []string{"META-EFFECTIVETIME-EMPTY"}},
		{`<languageCode code="fi"/>`, `<languageCode code="FI"/>`, nil},
		{`<languageCode code="fi"/>`, `<languageCode code="ru"/>`, []string{"META-LANGUAGE-UNLISTED"}},
		{`<f:creationTime value="20260323105424+0200"/>`, ``, []string{"META-CREATIONTIME-MISSING"}},
		{`<f:documentGroup code="5"`, `<f:documentGroup code="77"`, []string{"META-GROUP-UNKNOWN"}},
		{`<f:documentGroup code="5"`, `<f:documentGroup code="4"`, []string{"META-GROUP-ASSUMED"}},
		{`<f:specificDocumentType code="15007" codeSystem="1.2.246.537.6.1506.201701"/>`, ``, []string{"META-SPECIFICTYPE-MISSING"}},
		{`<f:functionCode code="24"`, `<f:functionCode code="XX"`, []string{"META-FUNCTION-UNLISTED"}},
		{`<f:functionCode code="24" codeSystem="1.2.246.537.6.1221.201601"/>`, ``, []string{"META-FUNCTION-MISSING"}},
		{`<f:outsourcingServiceCustomer root="1.2.246.10.99999901.10.0"/>`, `<f:outsourcingServiceCustomer root="1.2.246.10.99999901.10.9"/>`, []string{"META-ORGANISER-DIFFERS"}},
		{`<f:outsourcingServiceCustomer root="1.2.246.10.99999901.10.0"/>`, `<f:outsourcingServiceCustomer root="1.2.246.010"/>`, []string{"META-ORGANISER-DIFFERS", "META-ORGANISER-OID"}},
		{`<f:softwareSupport moderator="Valmistaja" product="Järjestelmä" version="1.0"/>`, `<f:softwareSupport moderator="Valmistaja"/>`, []string{"META-SOFTWARE-EMPTY"}},
		{`<f:type>Sosiaalihuollon palveluprosessi</f:type>`, `<f:type>Muu</f:type>`, []string{"META-SERVICEPROCESS-TYPE-VALUE"}},
		{`<f:code code="3" codeSystem="1.2.246.537.6.1277.201701"/>`, ``, []string{"META-SERVICEPROCESS-CODE-MISSING"}},
		{`<administrativeGenderCode code="2"`, `<administrativeGenderCode code="7"`, []string{"META-GENDER-UNKNOWN"}},
		// content specification
		{`1.2.246.537.6.1506.15007.2024.11.28`, `1.2.246.537.6.1506.15009.2024.11.28`, []string{"META-CONTENTSPECIFICATION-TYPE"}},
		{`1.2.246.537.6.1506.15007.2024.11.28`, `1.2.246.537.6.1505.1.2023.6.1`, []string{"META-CONTENTSPECIFICATION-GROUP"}},
		{`1.2.246.537.6.1506.15007.2024.11.28`, `1.2.246.537.6.1507.15007.2024.11.28`, []string{"META-CONTENTSPECIFICATION-FORM"}},
		{`1.2.246.537.6.1506.15007.2024.11.28`, `1.2.246.537.6.1506.15007.2024.011.28`, []string{"META-CONTENTSPECIFICATION-OID"}},
		// case
		{`<id root="1.2.246.10.99999901.95.2026.2.5"/>`, `<id root="1.2.246.10.99999901.95.2026.2.5" nullFlavor="NA"/>`, []string{"META-CASE-ROOTNULL"}},
		{`<id root="1.2.246.10.99999901.95.2026.2.5"/>`, `<id nullFlavor="NA"/>`, []string{"META-CASE-NULL"}},
		// client
		{client, `<recordTarget><patientRole>`, []string{"META-CLIENT-ID-MISSING"}},
		{client, `<recordTarget><patientRole><id nullFlavor="NA"/>`, nil},
		{hetu, ``, []string{"META-CLIENT-ID-NOEXTENSION"}},
		{hetu, `extension="010181-900"`, []string{"META-CLIENT-ID-HETU-LENGTH"}},
		{hetu, `extension="0101B1-900C"`, []string{"META-CLIENT-ID-HETU-CHARACTER"}},
		{hetu, `extension="010181Z900C"`, []string{"META-CLIENT-ID-HETU-CENTURY"}},
		{hetu, `extension="320181-900C"`, []string{"META-CLIENT-ID-HETU-DATE"}},
		{hetu, `extension="010181-0010"`, []string{"META-CLIENT-ID-HETU-INDIVIDUAL"}},
		{hetu, `extension="010181-900D"`, []string{"META-CLIENT-ID-HETU-CHECK"}},
		{hetu, `extension="` + cda.FormatHetu(time.Date(1981, 1, 2, 0, 0, 0, 0, time.UTC), 900) + `"`, []string{"CROSS-JSON-CLIENT-ID-DIFFERS", "META-CLIENT-BIRTH-DIFFERS"}},
		{hetu, `extension="` + cda.FormatHetu(time.Date(1981, 1, 1, 0, 0, 0, 0, time.UTC), 901) + `"`, []string{"CROSS-JSON-CLIENT-ID-DIFFERS", "META-CLIENT-SEX-DIFFERS"}},
		{client, `<recordTarget><patientRole><id root="1.2.246.10.99999901.22.2026" extension="010181-900C"/>`, nil},
		{client, `<recordTarget><patientRole><id root="1.2.246.10.99999901.22.2026"/>`, []string{"META-CLIENT-ID-NOEXTENSION"}},
		{client, `<recordTarget><patientRole><id root="1.2.246.99" extension="1"/>`, []string{"META-CLIENT-ID-ROOT"}},
		{client, client + `</patientRole></recordTarget>` + client, []string{"META-BIRTHTIME-MISSING", "META-CLIENT-NAME-MISSING", "META-CLIENT-TWICE"}},
		{`<birthTime value="19810101"/>`, `<birthTime value="1981010112"/>`, []string{"META-BIRTHTIME-PRECISION"}},
		{`<assignedAuthor><id root="1.2.246.537.26" extension="90000000001"/>`, `<assignedAuthor><id root="1.2.246.537.26" extension="9000"/>`, []string{"META-AUTHOR-ID-NUMBER"}},
		{`<assignedAuthor><id root="1.2.246.537.26" extension="90000000001"/>`, `<assignedAuthor><id root="1.2.246.21" extension="010181-900D"/>`, []string{"META-AUTHOR-ID-HETU"}},
		{`<f:assignedAuthorSigner>90000000001<`, `<f:assignedAuthorSigner>9000<`, []string{"META-SIGNER-NUMBER"}},
		// versions
		{`<setId root="1.2.246.10.99999901.95.2026.1.17"/>`, `<setId root="1.2.246.10.99999901.95.2026.1.1"/>`, []string{"META-VERSION-FIRST-SETID"}},
		{`<versionNumber value="1"/>`, `<versionNumber value="0"/>`, []string{"META-VERSION-SYNTAX"}},
		{`<versionNumber value="1"/>`, `<versionNumber value="01"/>`, []string{"META-VERSION-SYNTAX"}},
		{`<versionNumber value="1"/>`, `<versionNumber value="2"/>`, []string{"META-VERSION-NEXT-ID", "META-VERSION-NEXT-UNRELATED"}},
		{`<authorization>`, related(`typeCode="RPLC"`, first), []string{"META-VERSION-FIRST-RELATED"}},
		{`<authorization>`, related(`typeCode="APND"`, first), nil},
		{`<authorization>`, related(`typeCode="XXX"`, first), []string{"META-RELATED-TYPECODE"}},
		{`<authorization>`, related(`typeCode="APND"`, `<id root="1.2.246.10.1"/>`), []string{"META-RELATED-SETID-MISSING"}},
		{`<f:signature><f:assignedAuthorSigner>90000000001</f:assignedAuthorSigner>`, `<f:signature>`, []string{"META-SIGNER-MISSING"}},
		{`<birthTime value="19810101"/>`, ``, []string{"META-BIRTHTIME-MISSING"}},
		// body
		{`ID="OID1.2.246.10.99999901.95.2026.1.17"`, `ID="OID1.2.246.10.99999901.95.2026.1.18"`, []string{"BODY-ID-DIFFERS"}},
		{`ID="OID1.2.246.10.99999901.95.2026.1.17"`, ``, []string{"BODY-ID-MISSING"}},
		{`<f:fileFormat code="2"`, `<f:fileFormat code="1"`, []string{"BODY-FILEFORMAT-DIFFERS"}},
		{`mediaType="application/xhtml+xml"`, `mediaType="application/pdf"`, []string{"BODY-FILEFORMAT-DIFFERS", "BODY-TEXT-FORMAT-DIFFERS"}},
		{`mediaType="application/xhtml+xml"`, `mediaType="image/tiff"`, []string{"BODY-TEXT-MEDIATYPE-UNKNOWN"}},
		{`mediaType="application/xhtml+xml"`, `mediaType="text/html"`, []string{"BODY-TEXT-MEDIATYPE-UNKNOWN"}},
		{`<confidentialityCode code="6"`, `<confidentialityCode code="5"`, []string{"META-CONFIDENTIALITY-HEALTH"}},
		{`mediaType="application/xhtml+xml"`, ``, []string{"BODY-TEXT-MEDIATYPE-MISSING"}},
		{`representation="B64"`, `representation="HEX"`, []string{"BODY-TEXT-REPRESENTATION"}},
		{`representation="B64"`, `representation="B64" compression="DF"`, []string{"BODY-TEXT-COMPRESSION"}},
		{`<f:structuredFileFormat code="5" codeSystem="1.2.246.537.5.40179.2008"/>`, ``, []string{"META-STRUCTUREDFILEFORMAT-MISSING"}},
	} {
		doc := testdoc.Replace(testdoc.Phase2(), m.old, m.new)
		if diff := cmp.Diff(m.want, ids(judged(t, doc))); diff != "" {
			t.Errorf("%s → %s: %s", m.old, m.new, diff)
		}
	}
}

// A finding tells line, column and path of the very value.
func TestFindingsPointAtTheValue(t *testing.T) {
	doc := testdoc.Replace(testdoc.Phase2(), `<f:functionCode code="24"`, `<f:functionCode code="XX"`)
	f := judged(t, doc)[0]
	line := 1 + strings.Count(doc[:strings.Index(doc, `code="XX"`)], "\n")
	text := strings.Split(doc, "\n")[line-1]
	if f.Line != line || f.Column != 1+strings.Index(text, "XX") || !strings.HasSuffix(f.XPath, "/@code") || f.Value != "XX" {
		t.Errorf("%+v in line %d: %s", f, line, text)
	}
	r := catalogue.Default().Resolve(f, catalogue.Strict, catalogue.Finnish)
	if !strings.Contains(r.Message, "XX") || !strings.Contains(r.Message, "Palvelutehtävä") {
		t.Errorf("message %q", r.Message)
	}
}

func TestVersionChain(t *testing.T) {
	doc := testdoc.Replace(testdoc.Phase2(), `<versionNumber value="1"/>`, `<versionNumber value="3"/>`)
	doc = testdoc.Replace(doc, `<setId root="1.2.246.10.99999901.95.2026.1.17"/>`, `<setId root="1.2.246.10.99999901.95.2026.1.1"/>`)
	parent := func(id, set, version string) string {
		return `<relatedDocument typeCode="RPLC"><parentDocument><id root="` + id + `"/><setId root="` + set + `"/><versionNumber value="` + version + `"/></parentDocument></relatedDocument>`
	}
	const series = "1.2.246.10.99999901.95.2026.1.1"
	for _, c := range []struct {
		related string
		want    []string
	}{
		{parent("1.2.246.10.99999901.95.2026.1.16", series, "2"), nil},
		{parent("1.2.246.10.99999901.95.2026.1.16", series, "1"), []string{"META-RELATED-VERSION-ORDER"}},
		{parent(testdoc.ID, series, "2"), []string{"META-RELATED-ID-SELF"}},
		{parent("1.2.246.10.99999901.95.2026.1.16", testdoc.ID, "2"), []string{"META-RELATED-SETID-DIFFERS"}},
		{parent("1.2.246.10.99999901.95.2026.1.16", series, "2") + parent("1.2.246.10.99999901.95.2026.1.15", series, "2"), []string{"META-RELATED-SEVERAL"}},
	} {
		got := ids(judged(t, testdoc.Replace(doc, `<authorization>`, c.related+`<authorization>`)))
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.related, diff)
		}
	}
}

// DOC-12: what runs, loads or is not well-formed does not pass.
func TestDOC12_DisplayForm(t *testing.T) {
	div := func(inner string) string {
		return `<div xmlns="http://www.w3.org/1999/xhtml" class="x soc-document" id="OID` + testdoc.ID + `">` + inner + `</div>`
	}
	for _, c := range []struct {
		display string
		want    []string
	}{
		{div(``), nil},
		{div(`<p>x</p><a href="https://esimerkki.invalid/">x</a><a href="#luku">y</a>`), nil},
		{div(`<script>alert(1)</script>`), []string{"BODY-XHTML-ELEMENT"}},
		{div(`<SCRIPT>alert(1)</SCRIPT>`), []string{"BODY-XHTML-ELEMENT"}},
		{div(`<x:script xmlns:x="http://www.w3.org/1999/xhtml">1</x:script>`), []string{"BODY-XHTML-ELEMENT"}},
		{div(`<p onclick="x()">x</p>`), []string{"BODY-XHTML-EVENT"}},
		{div(`<p OnMouseOver="x()">x</p>`), []string{"BODY-XHTML-EVENT"}},
		{div(`<a href="javascript:x()">x</a>`), []string{"BODY-XHTML-SCRIPT"}},
		{div(`<a href=" java&#10;script:x()">x</a>`), []string{"BODY-XHTML-SCRIPT"}},
		{div(`<a href="data:text/html,x">x</a>`), []string{"BODY-XHTML-SCRIPT"}},
		{div(`<img src="http://esimerkki.invalid/a.png"/>`), []string{"BODY-XHTML-EXTERNAL"}},
		{div(`<img src="data:image/svg+xml;base64,AAAA"/>`), []string{"BODY-XHTML-EXTERNAL"}},
		{div(`<p style="background:url(http://x.invalid/)">x</p>`), []string{"BODY-XHTML-STYLE"}},
		{div(`<?php x ?>`), []string{"BODY-XHTML-ELEMENT"}},
		{`<div class="soc-document" id="OID` + testdoc.ID + `"/>`, []string{"BODY-XHTML-NAMESPACE"}},
		{`<div xmlns="http://www.w3.org/1999/xhtml" class="soc-document" id="OID1.2.3"/>`, []string{"BODY-XHTML-ID-DIFFERS"}},
		{`<div xmlns="http://www.w3.org/1999/xhtml" class="document"/>`, []string{"BODY-XHTML-ROOT"}},
		{`<html xmlns="http://www.w3.org/1999/xhtml"/>`, []string{"BODY-XHTML-ROOT"}},
		{div(`<p>`), []string{"BODY-XHTML-SYNTAX"}},
		{div(`&nbsp;`), []string{"BODY-XHTML-SYNTAX"}},
		{`<!DOCTYPE html>` + div(``), []string{"BODY-XHTML-SYNTAX"}},
		{`  `, []string{"BODY-TEXT-EMPTY"}},
		{`%PDF-1.4 %%EOF`, []string{"BODY-PDF-ARCHIVAL", "BODY-TEXT-FORMAT-DIFFERS"}},
		{`%PDF-1.4`, []string{"BODY-PDF-ARCHIVAL", "BODY-PDF-END", "BODY-TEXT-FORMAT-DIFFERS"}},
		{"<div>\xff</div>", []string{"BODY-TEXT-UTF8"}},
	} {
		if diff := cmp.Diff(c.want, ids(judged(t, testdoc.With(c.display, testdoc.JSON)))); diff != "" {
			t.Errorf("%s: %s", c.display, diff)
		}
	}
}

func TestBodyJSON(t *testing.T) {
	for _, c := range []struct {
		json string
		want []string
	}{
		{`[]`, []string{"SOS-ROOT-TYPE"}},
		{`{"x"}`, []string{"SOS-JSON-SYNTAX"}},
		{`<div/>`, []string{"BODY-JSON-FORMAT-DIFFERS"}},
		{"{\"a\":\"\xff\"}", []string{"BODY-JSON-UTF8"}},
		{``, []string{"BODY-JSON-EMPTY"}},
	} {
		if diff := cmp.Diff(c.want, ids(judged(t, testdoc.With(testdoc.XHTML, c.json)))); diff != "" {
			t.Errorf("%s: %s", c.json, diff)
		}
	}
	doc := testdoc.Cut(testdoc.Phase2(), "<f:json>", "</f:json>")
	bare := testdoc.Cut(testdoc.Cut(doc, "<f:structuredFileFormat", "/>"), "<f:contentSpecificationId>", "</f:contentSpecificationId>")
	if got := ids(judged(t, bare)); got != nil {
		t.Errorf("DOC-3: an unstructured document of phase II: %v", got)
	}
	note := testdoc.Replace(bare, `<code code="15" codeSystem="1.2.246.537.6.1506`, `<code code="19" codeSystem="1.2.246.537.6.1506`)
	if diff := cmp.Diff([]string{"META-CONTENTSPECIFICATION-MISSING", "META-STRUCTUREDFILEFORMAT-MISSING"}, ids(judged(t, note))); diff != "" {
		t.Errorf("DOC-7: a case note without structure: %s", diff)
	}
	if diff := cmp.Diff([]string{"BODY-JSON-MISSING"}, ids(judged(t, doc))); diff != "" {
		t.Error(diff)
	}
}

// A real person (an identity code outside the 900 series) is refused wherever it
// stands, in the test world only.
func TestRealPersonsAreRefusedInTheTestWorld(t *testing.T) {
	real := cda.FormatHetu(time.Date(1981, 1, 1, 0, 0, 0, 0, time.UTC), 123)
	escaped := strings.ReplaceAll(real, "-", `\u002d`)
	reference := strings.ReplaceAll(real, "-", `&#45;`)
	xhtml := func(s string) string { return strings.Replace(testdoc.XHTML, "010181****", s, 1) }
	for _, c := range []struct {
		doc  string
		want []string
	}{
		{testdoc.Replace(testdoc.Phase2(), `displayName="Suunnitelma"`, `displayName="`+real+`"`), []string{"PERSON-REAL-HEADER"}},
		{testdoc.Replace(testdoc.Phase2(), `>Perustelu<`, `>Perustelu: `+real+`.<`), []string{"PERSON-REAL-HEADER"}},
		{testdoc.Replace(testdoc.Phase2(), `<realmCode`, `<!-- `+real+` --><realmCode`), []string{"PERSON-REAL-HEADER"}},
		{testdoc.With(xhtml(real), testdoc.JSON), []string{"PERSON-REAL-XHTML"}},
		{testdoc.With(xhtml(reference), testdoc.JSON), []string{"PERSON-REAL-XHTML"}},
		{testdoc.With(testdoc.XHTML, strings.Replace(testdoc.JSON, "Keksitty.", real, 1)), []string{"PERSON-REAL-JSON"}},
		{testdoc.With(testdoc.XHTML, strings.Replace(testdoc.JSON, "Keksitty.", escaped, 1)), []string{"PERSON-REAL-JSON"}},
		{testdoc.With("%PDF-1.4 "+real+" %%EOF", testdoc.JSON), []string{"BODY-PDF-ARCHIVAL", "BODY-TEXT-FORMAT-DIFFERS", "PERSON-REAL-PDF"}},
	} {
		fs := judged(t, c.doc)
		if diff := cmp.Diff(c.want, ids(fs)); diff != "" {
			t.Errorf("%s", diff)
		}
		for _, f := range fs {
			if r := catalogue.Default().Resolve(f, catalogue.Strict, catalogue.English); strings.Contains(r.Message+r.Value+r.Hint, real) {
				t.Errorf("%s shows the code", f.Rule)
			}
		}
		production := judged(t, c.doc, func(in *Input) { in.World = Production })
		for _, id := range ids(production) {
			if strings.HasPrefix(id, "PERSON-") {
				t.Errorf("in production: %s", id)
			}
		}
	}
}

// SIG-2: a professional's signature needs its metadata block; a system's does not.
func TestSIG2_ProfessionalSignatureNeedsItsData(t *testing.T) {
	doc := testdoc.Cut(testdoc.Phase2(), "<f:signature><f:assignedAuthorSigner>", "</f:time></f:signature>"[len("</f:time>"):])
	if diff := cmp.Diff([]string{"META-SIGNATUREINFO-MISSING"}, ids(judged(t, doc))); diff != "" {
		t.Error(diff)
	}
	if got := ids(judged(t, testdoc.Replace(doc, `<f:signatureDescription code="1"`, `<f:signatureDescription code="3"`))); got != nil {
		t.Errorf("system signature: %v", got)
	}
}

func TestStructuredBodyIsNotOneOfSocialWelfare(t *testing.T) {
	doc := testdoc.Cut(testdoc.Phase2(), "<component>", "</component>")
	doc = testdoc.Replace(doc, "</ClinicalDocument>", `<component><structuredBody ID="OID`+testdoc.ID+`.0"/></component></ClinicalDocument>`)
	doc = testdoc.Cut(testdoc.Cut(doc, "<f:structuredFileFormat", "/>"), "<f:contentSpecificationId>", "</f:contentSpecificationId>")
	if diff := cmp.Diff([]string{"BODY-STRUCTURED"}, ids(judged(t, doc))); diff != "" {
		t.Error(diff)
	}
}

// FuzzCheck: nothing that parses makes the rules panic, every finding is in the
// catalogue, and judging twice gives the same.
func FuzzCheck(f *testing.F) {
	known, book := catalogue.Default(), DefaultBook() // loaded before the clock of the first case runs
	f.Add(testdoc.Phase2(), testdoc.XHTML)
	f.Add(testdoc.Relationship(), `<div xmlns="http://www.w3.org/1999/xhtml"><a href="javascript:x"/></div>`)
	f.Add(strings.Replace(testdoc.Phase2(), `value="1"`, `value="2"`, 1), "%PDF-")
	f.Add(`<ClinicalDocument xmlns="urn:hl7-org:v3"><recordTarget/><author/><relatedDocument typeCode="RPLC"/><localSocialHeader xmlns="urn:hl7finland"><signature/><serviceProcess/></localSocialHeader></ClinicalDocument>`, "")
	f.Fuzz(func(t *testing.T, doc, display string) {
		i, j := strings.Index(doc, `representation="B64">`), strings.Index(doc, "</text>")
		if i >= 0 && j > i {
			doc = doc[:i] + `representation="TXT">` + html.EscapeString(display) + doc[j:]
		}
		tree, err := xmltree.Parse([]byte(doc), xmltree.DefaultLimits())
		if err != nil {
			return
		}
		d, _ := cda.Read(tree)
		body, _ := d.JudgeBody()
		for _, p := range []catalogue.Profile{catalogue.Strict, catalogue.Lenient} {
			in := Input{Doc: d, Body: body, Profile: p, Book: book, Now: time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)}
			first := Check(in)
			for _, x := range first {
				if known.Rule(x.Rule) == nil {
					t.Fatalf("%s is not in the catalogue", x.Rule)
				}
			}
			if diff := cmp.Diff(first, Check(in)); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}
