package rules

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"portti/cda"
	"portti/cda/internal/testdoc"
	"portti/internal/finding"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// caseJSON is a case document's structured form.
const caseJSON = `{"asia_asiakirja":{"palvelunjarjestajan_toimintayksikko":{"system":"urn:oid:1.2.246.537.6.202.2008","code":"1.2.246.10.99999901.10.0","display":"E"},` +
	`"asiakas":[{"sukunimi":"Asiakas","etunimet":"Testi","henkilotunnus":{"value":"010181-900C"}}],` +
	`"asian_tiedot":{"asiatunnus":{"value":"1.2.246.10.99999901.95.2026.2.5"},"nimi":{"system":"urn:oid:1.2.246.537.6.1265","code":"99","display":"Muu"},` +
	`"lisatieto_luokkaan_muu":"Keksitty","tila":{"system":"urn:oid:1.2.246.537.6.1501","code":"1","display":"Avoin"},"avauspaiva":"2026-03-23",` +
	`"palvelutehtava":{"system":"urn:oid:1.2.246.537.6.1221.201601","code":"24","display":"Lapsiperheiden palvelut"}}}}`

// caseDocument gives a case document (asia-asiakirja) with that structured form.
func caseDocument(structured string) string {
	s := testdoc.With(testdoc.XHTML, structured)
	for _, r := range [][2]string{
		{`<code code="15" codeSystem="1.2.246.537.6.1506.201701" displayName="Suunnitelma"/>`, `<code nullFlavor="NA"/>`},
		{`<f:specificDocumentType code="15007" codeSystem="1.2.246.537.6.1506.201701"/>`, ``},
		{`<f:documentGroup code="5"`, `<f:documentGroup code="2"`},
		{`1.2.246.537.6.1506.15007.2024.11.28`, `1.2.246.537.6.1505.2.2022.6.28`},
	} {
		s = testdoc.Replace(s, r[0], r[1])
	}
	return s
}

func relationshipDocument(structured string) string {
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	return testdoc.Replace(testdoc.Relationship(), b64(testdoc.RelationshipJSON), b64(structured))
}

// TestJSONAgainstHeader changes one thing in the structured form at a time:
// kanta-interface 6.2 and 11, META-1, DOC-5, DOC-6, DOC-8.
func TestJSONAgainstHeader(t *testing.T) {
	plan := func(s string) string { return testdoc.With(testdoc.XHTML, s) }
	forms := map[string]struct {
		json string
		doc  func(string) string
		base []string
	}{
		"plan":         {testdoc.JSON, plan, nil},
		"case":         {caseJSON, caseDocument, []string{"CODE-UNCHECKED"}},
		"relationship": {testdoc.RelationshipJSON, relationshipDocument, nil},
	}
	other := cda.FormatHetu(time.Date(1977, 7, 7, 0, 0, 0, 0, time.UTC), 977)
	for _, c := range []struct{ form, old, new, want string }{
		{"plan", "x", "x", ""},
		{"case", "x", "x", ""},
		{"relationship", "x", "x", ""},
		{"plan", "010181-900C", other, "CROSS-JSON-CLIENT-ID-DIFFERS"},
		{"relationship", "010181-900C", other, "CROSS-JSON-CLIENT-ID-DIFFERS"},
		{"plan", "010181-900C", "010181-900c", ""},
		{"plan", `"sukunimi":"Asiakas"`, `"sukunimi":"Muu"`, "CROSS-JSON-SURNAME-DIFFERS"},
		{"plan", `"sukunimi":"Asiakas"`, `"sukunimi":" ASIAKAS "`, ""},
		{"plan", `"etunimet":"Testi"`, `"etunimet":"Toinen"`, "CROSS-JSON-GIVENNAMES-DIFFERS"},
		{"plan", `"2026-03-23"`, `"2026-03-22"`, "CROSS-JSON-DATE-DIFFERS"},
		{"plan", `"2026-03-23"`, `"2026-03"`, ""},
		{"relationship", "1981-01-01", "1981-01-02", "CROSS-JSON-BIRTHDATE-DIFFERS"},
		{"relationship", "1981-01-01", "1981", ""},
		{"relationship", "2026.3.1", "2026.3.2", "CROSS-JSON-RELATIONSHIP-DIFFERS"},
		{"relationship", "1.2.246.10.99999901.95.2026.3.1", "urn:oid:1.2.246.10.99999901.95.2026.3.1", ""},
		{"relationship", testdoc.Unit, testdoc.Unit + "7", "CROSS-JSON-UNIT-ABSENT"},
		{"relationship", testdoc.Controller + `"`, testdoc.Controller + `7"`, "CROSS-JSON-ORGANISER-DIFFERS"},
		{"case", "2026.2.5", "2026.2.6", "CROSS-JSON-CASE-DIFFERS"},
		{"case", `"code":"24"`, `"code":"20"`, "CODE-DISPLAY-DIFFERS CROSS-JSON-SERVICETASK-DIFFERS"},
	} {
		f := forms[c.form]
		want := append(strings.Fields(c.want), f.base...)
		fs := judged(t, f.doc(strings.Replace(f.json, c.old, c.new, 1)))
		slices.Sort(want)
		if diff := cmp.Diff(want, ids(fs), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: %s → %s: %s", c.form, c.old, c.new, diff)
		}
		for _, x := range fs {
			if strings.HasPrefix(x.Rule, "CROSS-JSON") && x.Rule != RuleJSONUnit && (x.Source != finding.SourceJSON || x.Line == 0 || x.XPath == "") {
				t.Errorf("%s stands at %+v", x.Rule, x.Place)
			}
		}
	}
}

// A client of the header whom the structured form leaves out (DOC-8).
func TestDOC8_ClientLeftOutOfTheJSON(t *testing.T) {
	doc := testdoc.Replace(testdoc.Phase2(), "<author>", `<recordTarget><patientRole><id root="1.2.246.21" extension="`+
		cda.FormatHetu(time.Date(1981, 1, 1, 0, 0, 0, 0, time.UTC), 902)+`"/><patient><name><given>Aada</given><family>Asiakas</family></name>`+
		`<birthTime value="19810101"/></patient></patientRole></recordTarget><author>`)
	if diff := cmp.Diff([]string{"CROSS-JSON-CLIENT-ABSENT"}, ids(judged(t, doc))); diff != "" {
		t.Error(diff)
	}
}

// The structure is chosen by contentSpecificationId (DOC-4, DOC-11); one that is
// not known is told at the id, and the JSON read as such all the same.
func TestDOC11_ChoiceOfStructure(t *testing.T) {
	const id = `1.2.246.537.6.1506.15007.2024.11.28`
	for _, c := range []struct {
		id, json string
		want     []string
	}{
		{`1.2.246.537.6.1506.15007.2023.11.28`, testdoc.JSON, []string{"SOS-STRUCTURE-VERSION-UNKNOWN"}},
		{`1.2.246.537.6.1506.15007.2023.11.28`, strings.Replace(testdoc.JSON, "Testi", "Toinen", 1), []string{"CROSS-JSON-GIVENNAMES-DIFFERS", "SOS-STRUCTURE-VERSION-UNKNOWN"}},
		{`1.2.246.537.6.1506.15007.2023.11.28`, testdoc.JSON + "}", []string{"SOS-JSON-TRAILING", "SOS-STRUCTURE-VERSION-UNKNOWN"}},
		{id, strings.Replace(testdoc.JSON, `"kuvaus_asiakkaan_tilanteesta"`, `"kuvaus_x"`, 1), []string{"SOS-FIELD-UNKNOWN"}},
		{id, strings.Replace(testdoc.JSON, `"Keksitty."`, `7`, 1), []string{"SOS-TYPE"}},
	} {
		doc := testdoc.Replace(testdoc.With(testdoc.XHTML, c.json), id, c.id)
		fs := judged(t, doc)
		if diff := cmp.Diff(c.want, ids(fs)); diff != "" {
			t.Errorf("%s: %s", c.id, diff)
		}
		for _, f := range fs {
			if f.Rule == "SOS-STRUCTURE-VERSION-UNKNOWN" && !strings.Contains(f.XPath, "contentSpecificationId") {
				t.Errorf("%s at %s", f.Rule, f.XPath)
			}
		}
	}
}

// New documents of phase I are taken until their window closes; later versions
// always (DOC-2). The national window counts in production.
func TestDOC2_PhaseOneWindow(t *testing.T) {
	has := func(fs []finding.Finding) bool {
		for _, f := range fs {
			if f.Rule == RulePhase1Closed {
				return true
			}
		}
		return false
	}
	first := testdoc.Replace(testdoc.Phase2(), `<f:documentGroup code="5"`, `<f:documentGroup code="4"`)
	at := time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)
	window := func(until time.Time) func(*Input) { return func(in *Input) { in.Phase1Until = until } }
	production := func(in *Input) { in.World = Production }
	for _, c := range []struct {
		name   string
		doc    string
		change func(*Input)
		want   bool
	}{
		{"no window", first, window(time.Time{}), false},
		{"open", first, window(at), false},
		{"closed", first, window(at.Add(-time.Second)), true},
		{"production", first, production, true},
		{"later version", laterVersion(first), production, false},
		{"phase II", testdoc.Phase2(), production, false},
	} {
		if got := has(judged(t, c.doc, c.change)); got != c.want {
			t.Errorf("%s: told %v", c.name, got)
		}
	}
}

// A minor's document of phase II says whether guardians may see it (LUO-3).
func TestLUO3_MinorWithoutConsent(t *testing.T) {
	without := testdoc.Cut(testdoc.Phase2(), "<authorization>", "</authorization>")
	minor := func(born, stamp string) string {
		b, err := time.Parse("2006-01-02", born)
		if err != nil {
			t.Fatal(err)
		}
		structured := strings.Replace(testdoc.JSON, testdoc.ClientHetu, cda.FormatHetu(b, 900), 1)
		s := testdoc.Cut(testdoc.With(testdoc.XHTML, structured), "<authorization>", "</authorization>")
		s = testdoc.Replace(s, `extension="`+testdoc.ClientHetu+`"`, `extension="`+cda.FormatHetu(b, 900)+`"`)
		return testdoc.Replace(s, `<birthTime value="19810101"/>`, `<birthTime value="`+stamp+`"/>`)
	}
	for _, c := range []struct {
		doc  string
		want []string
	}{
		{without, nil},
		{minor("2008-03-24", "20080324"), []string{"META-CONSENT-MINOR-MISSING"}},
		{minor("2008-03-23", "20080323"), nil},
	} {
		if diff := cmp.Diff(c.want, ids(judged(t, c.doc))); diff != "" {
			t.Error(diff)
		}
	}
}

// General and specific type stand on their levels of the code system; ended codes
// are told apart from unknown ones (META-4).
func TestMETA4_LevelOfDocumentTypes(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{`<code code="15" codeSystem="1.2.246.537.6.1506`, `<code code="15007" codeSystem="1.2.246.537.6.1506`, "CODE-NOT-TOP"},
		{`<f:specificDocumentType code="15007"`, `<f:specificDocumentType code="15"`, "CODE-NOT-LEAF META-CONTENTSPECIFICATION-TYPE"},
	} {
		if diff := cmp.Diff(strings.Fields(c.want), ids(judged(t, testdoc.Replace(testdoc.Phase2(), c.old, c.new)))); diff != "" {
			t.Errorf("%s: %s", c.new, diff)
		}
	}
}

// TestManyClientsAreBounded: a document of 20 MB can repeat what is compared; the
// work does not grow with the product of both sides.
func TestManyClientsAreBounded(t *testing.T) {
	header := strings.Repeat(`<recordTarget><patientRole><id root="1.2.246.21" extension="`+testdoc.ClientHetu+`"/></patientRole></recordTarget>`, 3*maxClients)
	client := between(testdoc.JSON, `"asiakas":[`, "]")
	structured := strings.Replace(testdoc.JSON, client, client+strings.Repeat(","+client, 3*maxClients), 1)
	doc := testdoc.Replace(testdoc.With(testdoc.XHTML, structured), "<author>", header+"<author>")
	for _, f := range judged(t, doc) {
		if strings.HasPrefix(f.Rule, "CROSS-JSON") {
			t.Fatalf("%+v", f)
		}
	}
}
