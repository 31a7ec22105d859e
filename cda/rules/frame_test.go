package rules

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"portti/cda"
	"portti/cda/codes"
	"portti/cda/frame"
	"portti/cda/internal/testdoc"
	"portti/cda/rules/catalogue"

	"github.com/google/go-cmp/cmp"
)

// framed writes the frame of a document.
func framed(tb testing.TB, document string, change ...func(*frame.Options)) string {
	tb.Helper()
	d, _ := cda.Read(parse(tb, []byte(document)))
	o := frame.Options{
		MessageID:    cda.ID{Root: "1.2.246.10.99999901.18.2026", Extension: "17"},
		CreationTime: time.Date(2026, 3, 23, 10, 54, 30, 0, cda.Helsinki()), Sender: testdoc.Controller,
		User: frame.User{
			ID: cda.ID{Root: cda.RootHetu, Extension: "010181-900C"}, Name: cda.Name{Family: []string{"Testi"}, Given: []string{"Käyttäjä"}},
			Organization: cda.Organization{ID: cda.ID{Root: testdoc.Unit}},
		},
	}
	for _, c := range change {
		c(&o)
	}
	var out bytes.Buffer
	if err := frame.Write(&out, &d.Metadata, []byte(document), o); err != nil {
		tb.Fatal(err)
	}
	return out.String()
}

// pair judges a frame and a document.
func pair(tb testing.TB, framed, document string, change ...func(*Input)) []string {
	tb.Helper()
	in, fs := inputOf(tb, []byte(framed), []byte(document))
	for _, c := range change {
		c(&in)
	}
	return ids(append(fs, Check(in)...))
}

func TestFrameAndDocumentAgree(t *testing.T) {
	for _, doc := range []string{testdoc.Phase2(), testdoc.Relationship()} {
		if got := pair(t, framed(t, doc), doc); got != nil {
			t.Errorf("got %v", got)
		}
	}
}

// TestCrossChecks changes one thing in the frame at a time (design/decisions,
// Comparing frame and document).
func TestCrossChecks(t *testing.T) {
	doc := testdoc.Phase2()
	whole := framed(t, doc)
	for _, m := range []mutation{
		{`</text><statusCode`, `</text><statusCode`, nil},
		{`<id root="` + testdoc.ID + `"/><code code="1"`, `<id root="1.2.246.10.99999901.95.2026.1.99"/><code code="1"`, []string{"CROSS-ID-DIFFERS"}},
		{`<setId root="` + testdoc.ID + `"/>`, `<setId root="1.2.246.10.99999901.95.2026.1.99"/>`, []string{"CROSS-SETID-DIFFERS"}},
		{`<versionNumber value="1"/>`, `<versionNumber value="2"/>`, []string{"CROSS-VERSION-DIFFERS"}},
		{`<patient classCode="PAT"><id extension="010181-900C"`, `<patient classCode="PAT"><id extension="020181-904J"`, []string{"CROSS-CLIENT-ID-DIFFERS"}},
		{`<given>Testi</given>`, `<given>Toinen</given>`, []string{"CROSS-CLIENT-NAME-DIFFERS"}},
		{`<given qualifier="CL">Testi</given>`, `<given qualifier="CL">Toinen</given>`, nil},
		{`<birthTime value="19810101"/>`, `<birthTime value="19810102"/>`, []string{"CROSS-BIRTHTIME-DIFFERS"}},
		{`<id root="` + testdoc.Controller + `"/><name>Esimerkin hyvinvointialue</name>`, `<id root="1.2.246.10.99999902.10.0"/>`, []string{"CROSS-CUSTODIAN-DIFFERS"}},
		{`<name>Esimerkin hyvinvointialue</name>`, `<name>Toinen nimi</name>`, nil},
		{`<code code="1" codeSystem="1.2.246.537.6.1264.201701"/>`, `<code code="2" codeSystem="1.2.246.537.6.1264.201701"/>`, []string{"CROSS-REGISTER-DIFFERS"}},
		{`<code code="1" codeSystem="1.2.246.537.6.1264.201701"/>`, `<code code="1" codeSystem="1.2.246.537.6.1264.202601"/>`, nil},
		{`<effectiveTime value="20260323105424+0200"/>`, `<effectiveTime value="20260323085424+0000"/>`, nil},
		{`<effectiveTime value="20260323105424+0200"/>`, `<effectiveTime value="20260323105034+0200"/>`, []string{"CROSS-EFFECTIVETIME-DIFFERS"}},
		{`<languageCode code="fi"/>`, `<languageCode code="FI"/>`, nil},
		{`<languageCode code="fi"/>`, ``, nil},
		{`<languageCode code="fi"/>`, `<languageCode code="sv"/>`, []string{"CROSS-LANGUAGE-DIFFERS"}},
		{`<confidentialityCode code="6" codeSystem="1.2.246.777.5.99902.2006"/>`, `<confidentialityCode code="5" codeSystem="1.2.246.777.5.99902.2006"/>`, []string{"CROSS-CONFIDENTIALITY-DIFFERS"}},
		{`<assignedAuthor classCode="ASSIGNED"><id extension="90000000001" root="1.2.246.537.26"/>`, `<assignedAuthor classCode="ASSIGNED"><id extension="010181-900C" root="1.2.246.21"/>`, nil},
		{`<receiver typeCode="RCV"><device classCode="DEV" determinerCode="INSTANCE"><id root="1.2.246.556.18007.2"/>`,
			`<receiver typeCode="RCV"><device classCode="DEV" determinerCode="INSTANCE"><id root="1.2.246.556.1"/>`, []string{"FRAME-RECEIVER-UNKNOWN"}},
		{`<processingCode code="D"/>`, `<processingCode code="P"/>`, []string{"FRAME-PROCESSINGCODE-WORLD"}},
		{`<reasonCode code="SP17"`, `<reasonCode code="SP1"`, []string{"META-GROUP-SERVICEREQUEST"}},
		{`<assignedPerson><id extension="010181-900C" root="1.2.246.21"/>`, `<assignedPerson><id extension="010181-900D" root="1.2.246.21"/>`, []string{"FRAME-USER-ID-HETU"}},
		{`<family>Testi</family>`, `<family>` + cda.FormatHetu(time.Date(1981, 1, 1, 0, 0, 0, 0, time.UTC), 123) + `</family>`, []string{"PERSON-REAL-FRAME"}},
	} {
		got := pair(t, testdoc.Replace(whole, m.old, m.new), doc)
		if diff := cmp.Diff(m.want, got); diff != "" {
			t.Errorf("%s → %s: %s", m.old, m.new, diff)
		}
	}
}

func TestProductionDemandsProcessingCodeP(t *testing.T) {
	doc := testdoc.Phase2()
	whole := framed(t, doc)
	production := func(in *Input) { in.World = Production }
	if got := pair(t, whole, doc, production); !slices.Equal(got, []string{"FRAME-PROCESSINGCODE-WORLD"}) {
		t.Errorf("D in production: %v", got)
	}
	if got := pair(t, testdoc.Replace(whole, `<processingCode code="D"/>`, `<processingCode code="P"/>`), doc, production); got != nil {
		t.Errorf("P in production: %v", got)
	}
}

// Several clients are matched by id whatever their order (DOC-8).
func TestDOC8_SeveralClients(t *testing.T) {
	client := func(hetu, name string) string {
		return `<recordTarget><patientRole><id root="1.2.246.21" extension="` + hetu + `"/><patient><name><given>` + name +
			`</given><family>Asiakas</family></name><birthTime value="19810101"/></patient></patientRole></recordTarget>`
	}
	born := time.Date(1981, 1, 1, 0, 0, 0, 0, time.UTC)
	a, b := client(cda.FormatHetu(born, 902), "Aada"), client(cda.FormatHetu(born, 903), "Bea")
	one := strings.NewReplacer(testdoc.ClientHetu, cda.FormatHetu(born, 902), `"etunimet":"Testi"`, `"etunimet":"Aada"`)
	clients := between(one.Replace(testdoc.JSON), `"asiakas":[`, "]")
	second := strings.NewReplacer(cda.FormatHetu(born, 902), cda.FormatHetu(born, 903), "Aada", "Bea").Replace(clients)
	both := strings.Replace(one.Replace(testdoc.JSON), clients, clients+","+second, 1)
	base := testdoc.Cut(testdoc.With(testdoc.XHTML, both), "<recordTarget>", "</recordTarget>")
	with := func(clients string) string { return testdoc.Replace(base, "<author>", clients+"<author>") }
	for _, c := range []struct {
		frame, document string
		want            []string
	}{
		{a + b, b + a, nil},
		{a, a + b, []string{"CROSS-CLIENT-ID-DIFFERS", "CROSS-CLIENTS-NUMBER"}},
		{a + client(cda.FormatHetu(born, 904), "Bea"), a + b, []string{"CROSS-CLIENT-ID-DIFFERS"}},
		{a + client(cda.FormatHetu(born, 903), "Eri"), a + b, []string{"CROSS-CLIENT-NAME-DIFFERS"}},
	} {
		if diff := cmp.Diff(c.want, pair(t, framed(t, with(c.frame)), with(c.document))); diff != "" {
			t.Error(diff)
		}
	}
	relationshipOfA := testdoc.Replace(testdoc.Relationship(), base64.StdEncoding.EncodeToString([]byte(testdoc.RelationshipJSON)),
		base64.StdEncoding.EncodeToString([]byte(one.Replace(testdoc.RelationshipJSON))))
	relationship := testdoc.Replace(testdoc.Cut(relationshipOfA, "<recordTarget>", "</recordTarget>"), "<author>", a+b+"<author>")
	if got := ids(judged(t, relationship)); !slices.Equal(got, []string{"META-CLIENT-SEVERAL"}) {
		t.Errorf("relationship of two: %v", got)
	}
}

// between gives the text between two marks.
func between(s, begin, end string) string {
	_, s, _ = strings.Cut(s, begin)
	s, _, _ = strings.Cut(s, end)
	return s
}

// laterVersion makes version 2 of the phase II document.
func laterVersion(doc string) string {
	doc = testdoc.Replace(doc, `<id root="`+testdoc.ID+`"/>`, `<id root="1.2.246.10.99999901.95.2026.1.18"/>`)
	doc = testdoc.Replace(doc, `<versionNumber value="1"/>`, `<versionNumber value="2"/>`)
	doc = testdoc.Replace(doc, `<authorization>`, `<relatedDocument typeCode="RPLC"><parentDocument><id root="`+testdoc.ID+`"/><setId root="`+
		testdoc.ID+`"/><versionNumber value="1"/></parentDocument></relatedDocument><authorization>`)
	return testdoc.Replace(doc, `ID="OID`+testdoc.ID+`"`, `ID="OID1.2.246.10.99999901.95.2026.1.18"`)
}

func TestARK3_VersionFitsInteraction(t *testing.T) {
	later := laterVersion(testdoc.With("<div xmlns='http://www.w3.org/1999/xhtml' class='soc-document'/>", testdoc.JSON))
	if got := pair(t, framed(t, later), later); got != nil {
		t.Errorf("replacement: %v", got)
	}
	as := func(op string) func(*frame.Options) {
		return func(o *frame.Options) { o.Interaction = op }
	}
	if got := pair(t, framed(t, later, as("RCMR_IN200002FI01")), later); !slices.Equal(got, []string{"META-VERSION-INTERACTION"}) {
		t.Errorf("version 2 as new: %v", got)
	}
	first := testdoc.Phase2()
	want := []string{"FRAME-DOCUMENT-REASON-MISSING", "FRAME-DOCUMENT-RELATED-MISSING", "META-VERSION-INTERACTION"}
	if got := pair(t, framed(t, first, as("RCMR_IN200016FI01")), first); !slices.Equal(got, want) {
		t.Errorf("version 1 as replacement: %v", got)
	}
}

// A nullification's body may be empty, and what describes the body may be missing.
func TestARK3_NullificationMayBeEmpty(t *testing.T) {
	empty := laterVersion(testdoc.With(" ", " "))
	if got := pair(t, framed(t, empty), empty); !slices.Equal(got, []string{"BODY-JSON-EMPTY", "BODY-TEXT-EMPTY"}) {
		t.Errorf("empty replacement: %v", got)
	}
	for _, cut := range []string{"fileFormat", "structuredFileFormat", "specialContent"} {
		empty = testdoc.Cut(empty, "<f:"+cut+" ", "/>")
	}
	nullify := func(o *frame.Options) { o.Operation = "nullify" }
	if got := pair(t, framed(t, empty, nullify), empty); !slices.Equal(got, []string{"FRAME-SERVICEREQUEST-ASSUMED"}) {
		t.Errorf("empty nullification: %v", got)
	}
}

func TestWithoutAssumptionsOurOwnCodesAreUnknown(t *testing.T) {
	book := DefaultBook().WithoutAssumptions()
	doc := testdoc.Replace(testdoc.Phase2(), `<f:documentGroup code="5"`, `<f:documentGroup code="4"`)
	got := ids(judged(t, doc, func(in *Input) { in.Book = book }))
	if !slices.Contains(got, "META-GROUP-UNKNOWN") || slices.Contains(got, "META-GROUP-ASSUMED") {
		t.Errorf("got %v", got)
	}
	if len(DefaultBook().Assumptions()) < 10 {
		t.Errorf("assumptions: %v", DefaultBook().Assumptions())
	}
	if rest := book.Assumptions(); slices.ContainsFunc(rest, func(a Assumption) bool { return strings.HasPrefix(a.What, "service") }) {
		t.Errorf("still assumed: %v", rest)
	}
}

func TestOverrideObligations(t *testing.T) {
	book, err := DefaultBook().Override(strings.NewReader(`
rows:
  - {field: GENDER, letters: "M M M M M M M M", source: own}
  - {field: CONSENT, letters: "F F F F F F F F", source: own}
  - {field: SOFTWARE, letters: "O O O O O O O O", source: own}
`))
	if err != nil {
		t.Fatal(err)
	}
	doc := testdoc.Cut(testdoc.Phase2(), "<administrativeGenderCode", "/>")
	doc = testdoc.Cut(doc, "<f:softwareSupport", "/>")
	want := []string{"META-FIELD-FORBIDDEN", "META-FIELD-MISSING"}
	if diff := cmp.Diff(want, ids(judged(t, doc, func(in *Input) { in.Book = book }))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"META-SOFTWARE-MISSING"}, ids(judged(t, doc))); diff != "" {
		t.Errorf("the default book was changed: %s", diff)
	}
	for _, bad := range []string{
		`rows: [{field: NOSUCH, letters: "M M M M M M M M"}]`,
		`rows: [{field: GENDER, letters: "M"}]`,
		`rows: [{field: GENDER, letters: "X M M M M M M M"}]`,
		`rows: [{field: GENDER, letters: "C M M M M M M M", condition: nosuch}]`,
		`groups: [a]`, `nosuch: 1`, `[`,
	} {
		if _, err := DefaultBook().Override(strings.NewReader(bad)); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}

// With the full list loaded an unknown code is an error (META-4).
func TestMETA4_LoadedListMakesUnknownCodesErrors(t *testing.T) {
	doc := testdoc.Replace(testdoc.Phase2(), `<f:functionCode code="24"`, `<f:functionCode code="XX"`)
	loaded, err := codes.NewSet(&codes.List{System: "1.2.246.537.6.1221", Name: "Palvelutehtävä", Loaded: true, Codes: []codes.Code{{Code: "24"}}})
	if err != nil {
		t.Fatal(err)
	}
	fs := judged(t, doc, func(in *Input) { in.Codes = loaded })
	if diff := cmp.Diff([]string{"META-FUNCTION-UNKNOWN error"}, brief(fs, catalogue.Strict)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"META-FUNCTION-UNLISTED warning"}, brief(judged(t, doc), catalogue.Strict)); diff != "" {
		t.Error(diff)
	}
}

func TestLenientDemandsLess(t *testing.T) {
	doc := testdoc.Cut(testdoc.Phase2(), "<f:softwareSupport", "/>")
	doc = testdoc.Replace(doc, `<effectiveTime value="20260323105424+0200"/>`, `<effectiveTime value="20260323105424"/>`)
	fs := judged(t, doc, func(in *Input) { in.Profile = catalogue.Lenient })
	if diff := cmp.Diff([]string{"META-EFFECTIVETIME-OFFSET info"}, brief(fs, catalogue.Lenient)); diff != "" {
		t.Error(diff)
	}
	if !refused(judged(t, doc), catalogue.Strict) {
		t.Error("taken in strict")
	}
}

// A document that is no CDA at all is told once, and nothing panics.
func TestForeignDocument(t *testing.T) {
	got := ids(judged(t, `<Bundle xmlns="http://hl7.org/fhir"/>`))
	if !slices.Equal(got, []string{"META-ROOT-WRONG"}) {
		t.Errorf("got %v", got)
	}
}
