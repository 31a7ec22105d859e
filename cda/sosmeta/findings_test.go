package sosmeta

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portti/internal/shared"
)

// base is a case document (asia-asiakirja) without findings, of invented people.
const base = `{
  "asia_asiakirja": {
    "palvelunjarjestajan_toimintayksikko": {"system": "urn:oid:1.2.246.537.6.202.2008", "code": "1.2.246.10.99999901.10.0", "display": "Testialue"},
    "asiakas": [
      {"sukunimi": "Testaaja", "etunimet": "Äimä", "henkilotunnus": {"system": "1.2.246.21", "value": "010181-900C"}}
    ],
    "asian_tiedot": {
      "asiatunnus": {"value": "1.2.246.10.99999901.14.2025.1"},
      "nimi": {"system": "urn:oid:1.2.246.537.6.1265.201701", "code": "1", "display": "Asia"},
      "tila": {"system": "urn:oid:1.2.246.537.6.1501.201601", "code": "1", "display": "Avoin"},
      "avauspaiva": "2025-01-01",
      "palvelutehtava": {"system": "urn:oid:1.2.246.537.6.1221.201601", "code": "10", "display": "Lastensuojelu"}
    }
  }
}`

// told writes findings as "RULE line:column pointer", joined by "; ".
func told(rep *Report) string {
	var out []string
	for _, f := range rep.Findings {
		out = append(out, fmt.Sprintf("%s %d:%d %s", f.Rule, f.Line, f.Column, f.XPath))
	}
	return strings.Join(out, "; ")
}

func caseDocument(tb testing.TB) *Structure {
	tb.Helper()
	st, ok := Default().Lookup("1.2.246.537.6.1505.2.2022.6.28")
	if !ok {
		tb.Fatal("no case document")
	}
	return st
}

func TestDOC12_FindingsNameFieldAndPlace(t *testing.T) {
	st := caseDocument(t)
	for _, c := range []struct{ old, new, want string }{
		{"", "", ""},
		{base, `[1]`, "SOS-ROOT-TYPE 1:1 "},
		{base, `null`, "SOS-ROOT-TYPE 1:1 "},
		{base, `{}`, "SOS-REQUIRED-MISSING 1:1 "},
		{`"asia_asiakirja"`, `"asiakkuusasiakirja"`, "SOS-ROOT-NAME 2:3 /asiakkuusasiakirja"},
		{`"asia_asiakirja": {`, `"muu": 1, "asia_asiakirja": {`, "SOS-FIELD-UNKNOWN 2:3 /muu"},
		{`"sukunimi": "Testaaja", `, ``, "SOS-REQUIRED-MISSING 5:7 /asia_asiakirja/asiakas/0"},
		{`"etunimet"`, `"etunimi"`, "SOS-REQUIRED-MISSING 5:7 /asia_asiakirja/asiakas/0; SOS-FIELD-UNKNOWN 5:32 /asia_asiakirja/asiakas/0/etunimi"},
		{`"sukunimi": "Testaaja"`, `"sukunimi": 5`, "SOS-TYPE 5:20 /asia_asiakirja/asiakas/0/sukunimi"},
		{`"sukunimi": "Testaaja"`, `"sukunimi": null`, "SOS-VALUE-NULL 5:20 /asia_asiakirja/asiakas/0/sukunimi"},
		{`"sukunimi": "Testaaja"`, `"sukunimi": ["Testaaja"]`, "SOS-REPEAT-NOT-ALLOWED 5:20 /asia_asiakirja/asiakas/0/sukunimi"},
		{`"sukunimi": "Testaaja"`, `"sukunimi": [["Testaaja"], ""]`, "SOS-REPEAT-NOT-ALLOWED 5:20 /asia_asiakirja/asiakas/0/sukunimi; SOS-TYPE 5:21 /asia_asiakirja/asiakas/0/sukunimi/0; SOS-TEXT-LENGTH 5:35 /asia_asiakirja/asiakas/0/sukunimi/1"},
		{`"sukunimi": "Testaaja"`, `"sukunimi": ""`, "SOS-TEXT-LENGTH 5:20 /asia_asiakirja/asiakas/0/sukunimi"},
		{`"sukunimi": "Testaaja"`, `"sukunimi": "\u00a0 "`, ""},
		{`"sukunimi": "Testaaja"`, `"sukunimi": " \n"`, "SOS-TEXT-BLANK 5:20 /asia_asiakirja/asiakas/0/sukunimi"},
		{`"system": "urn:oid:1.2.246.537.6.1221.201601"`, `"system": "urn:oid:1.2.246.537.6.12210"`, "SOS-CODE-SYSTEM 12:36 /asia_asiakirja/asian_tiedot/palvelutehtava/system"},
		{`"system": "urn:oid:1.2.246.537.6.1221.201601", `, ``, "SOS-CODE-SYSTEM-MISSING 12:25 /asia_asiakirja/asian_tiedot/palvelutehtava"},
		{`"code": "10", "display": "Lastensuojelu"`, `"display": "Lastensuojelu"`, "SOS-CODE-VALUE-MISSING 12:25 /asia_asiakirja/asian_tiedot/palvelutehtava"},
		{`, "display": "Lastensuojelu"`, ``, "SOS-CODE-DISPLAY-MISSING 12:25 /asia_asiakirja/asian_tiedot/palvelutehtava"},
		{`{"value": "1.2.246.10.99999901.14.2025.1"}`, `{"system": "x"}`, "SOS-ID-VALUE-MISSING 8:21 /asia_asiakirja/asian_tiedot/asiatunnus"},
		{`"system": "1.2.246.21"`, `"system": "urn:oid:1.2.246.22"`, "SOS-ID-SYSTEM 5:80 /asia_asiakirja/asiakas/0/henkilotunnus/system"},
		{`"2025-01-01"`, `"1.1.2025"`, "SOS-DATE-FORM 11:21 /asia_asiakirja/asian_tiedot/avauspaiva"},
		{`"2025-01-01"`, `"2025-02-29"`, "SOS-DATE-CALENDAR 11:21 /asia_asiakirja/asian_tiedot/avauspaiva"},
		{`"2025-01-01"`, `"2025-01"`, ""},
		{`"avauspaiva": "2025-01-01"`, `"avauspaiva": "2025-01-01", "yhteinen_asia": "ei"`, "SOS-TYPE 11:52 /asia_asiakirja/asian_tiedot/yhteinen_asia"},
		{`"henkilotunnus"`, `"asiaan_liittymishetki": "2025-01-01T10:00", "henkilotunnus"`, "SOS-TIME-FORM 5:77 /asia_asiakirja/asiakas/0/asiaan_liittymishetki"},
		{`"henkilotunnus"`, `"asiaan_liittymishetki": "2025-02-30T10:00:00Z", "henkilotunnus"`, "SOS-TIME-CALENDAR 5:77 /asia_asiakirja/asiakas/0/asiaan_liittymishetki"},
		{"[\n      {\"sukunimi\": \"Testaaja\", \"etunimet\": \"Äimä\", \"henkilotunnus\": {\"system\": \"1.2.246.21\", \"value\": \"010181-900C\"}}\n    ]", `[]`, "SOS-REPEAT-MIN 4:16 /asia_asiakirja/asiakas"},
		{"[\n      {\"sukunimi\": \"Testaaja\", \"etunimet\": \"Äimä\", \"henkilotunnus\": {\"system\": \"1.2.246.21\", \"value\": \"010181-900C\"}}\n    ]", `{"sukunimi": "T", "etunimet": "Ä", "henkilotunnus": {"value": "010181-900C"}, "x": 1}`, "SOS-REPEAT-ARRAY 4:16 /asia_asiakirja/asiakas; SOS-FIELD-UNKNOWN 4:94 /asia_asiakirja/asiakas/x"},
		{`"etunimet": "Äimä"`, `"etunimet": "Äimä", "etunimet": "Oili"`, "SOS-JSON-DUPLICATE-KEY 5:52 /asia_asiakirja/asiakas/0/etunimet"},
	} {
		src := strings.Replace(base, c.old, c.new, 1)
		if c.old != "" && src == base {
			t.Fatalf("%q does not stand in the base document", c.old)
		}
		if got := told(st.Validate([]byte(src), Options{})); got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.new, got, c.want)
		}
	}
}

func TestDOC12_FindingsOfCodesAndQuantities(t *testing.T) {
	for rule, change := range map[string]func(*node) bool{
		RuleCodeSystemOwn: func(n *node) bool {
			if n.field.role != systemRole || n.field.Accepted == nil {
				return false
			}
			n.text = "toinen/luokitus"
			return true
		},
		RuleCodeNotAccepted: func(n *node) bool {
			if n.field.role != codeRole || n.field.Accepted == nil {
				return false
			}
			n.text = "ei"
			return true
		},
		RuleQuantityAbsent: func(n *node) bool { return dropPart(n, quantityRole) },
		RuleUnitAbsent:     func(n *node) bool { return dropPart(n, unitRole) },
		RulePhrase: func(n *node) bool {
			if n.field.Phrases == nil {
				return false
			}
			n.text = "toinen teksti"
			return true
		},
	} {
		if !changedEverywhere(t, rule, change) {
			t.Errorf("%s: no structure has such a field", rule)
		}
	}
}

func dropPart(n *node, r role) bool {
	for _, c := range n.children {
		if c.field.role == r {
			n.drop(c)
			return true
		}
	}
	return false
}

// changedEverywhere changes the first fitting value of each structure's full
// document and expects exactly that rule.
func changedEverywhere(t *testing.T, rule string, change func(*node) bool) bool {
	t.Helper()
	found := false
	for _, st := range Default().List() {
		g := newGenerator(GenerateOptions{Mode: Full, Seed: 5, At: st.Version})
		root := g.object(st.Root())
		if err := g.repair(st, root); err != nil {
			t.Fatal(err)
		}
		before := told(st.Validate(root.json(), Options{}))
		for _, n := range root.flatten(nil) {
			if !change(n) {
				continue
			}
			found = true
			rep := st.Validate(root.json(), Options{})
			if n := len(rep.Findings); !rep.has(rule) || before == "" && n != 1 {
				t.Errorf("%s: %s: %s", st.OID, rule, told(rep))
			}
			break
		}
	}
	return found
}

func TestPhrasesAreWarningsUnlessExact(t *testing.T) {
	dir := shared.Path(t, "schemas/sosmeta")
	phrases, err := Phrases(dir)
	if err != nil {
		t.Fatal(err)
	}
	st, _ := Default().Lookup("1.2.246.537.6.1505.9.2023.6.5")
	g, err := st.Generate(GenerateOptions{Phrases: phrases})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []Options{{}, {PhrasesExact: true}} {
		if s := told(st.Validate(g.JSON, o)); s != "" {
			t.Errorf("the original phrase: %s", s)
		}
	}
	sv := swedishPhrase(t, filepath.Join(dir, st.OID+".json"))
	other := strings.Replace(string(g.JSON), phraseOf(t, g.JSON), sv, 1)
	if s := told(st.Validate([]byte(other), Options{})); s != "" {
		t.Errorf("the Swedish phrase: %s", s)
	}
	if s := told(st.Validate([]byte(other), Options{PhrasesExact: true})); !strings.HasPrefix(s, RulePhraseExact+" ") {
		t.Errorf("the Swedish phrase, exactly: %s", s)
	}
	g, err = st.Generate(GenerateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Marked) != 1 || g.Marked[0] != "/kieltoasiakirja/infoteksti" {
		t.Errorf("marked %v", g.Marked)
	}
	if s := told(st.Validate(g.JSON, Options{})); !strings.HasPrefix(s, RulePhrase+" ") || strings.Contains(s, ";") {
		t.Errorf("another phrase: %s", s)
	}
}

// phraseOf gives the JSON text of infoteksti.
func phraseOf(t *testing.T, doc []byte) string {
	t.Helper()
	in := Decode(doc, Options{}).Instance
	return string(in.Raw(in.Path(0, "kieltoasiakirja", "infoteksti")))
}

func swedishPhrase(t *testing.T, name string) string {
	t.Helper()
	src, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	in := Decode(src, Options{}).Instance
	list := in.Path(0, "properties", "kieltoasiakirja", "properties", "infoteksti", "sosmeta", "phrase")
	for c := range in.Children(list) {
		if in.Text(in.Get(c, "lang")) == "sv" {
			return string(in.Raw(in.Get(c, "value")))
		}
	}
	t.Fatal("no Swedish phrase")
	return ""
}
