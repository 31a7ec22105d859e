package codes

import (
	"strings"
	"testing"
	"time"

	"portti/cda/rules/catalogue"
	"portti/cda/sosmeta"
	"portti/internal/finding"
)

func date(t *testing.T, s string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestEveryRuleIsInTheCatalogue(t *testing.T) {
	c := catalogue.Default()
	mine := make(map[string]bool)
	for _, id := range Rules() {
		mine[id] = true
		if c.Rule(id) == nil {
			t.Errorf("%s is not in the catalogue", id)
		}
	}
	for _, id := range c.IDs() {
		if strings.HasPrefix(id, "CODE-") && !mine[id] {
			t.Errorf("%s is in the catalogue, but nothing emits it", id)
		}
	}
}

func TestShippedListsAreOpenAndSourced(t *testing.T) {
	lists, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, l := range lists {
		n += len(l.Codes)
		if l.Loaded || l.Name == "" || l.Source == "" || l.Certainty == "" {
			t.Errorf("%+v", l)
		}
	}
	if len(lists) < 110 || n < 390 {
		t.Errorf("%d lists, %d codes", len(lists), n)
	}
	for _, st := range sosmeta.Default().List() {
		checkSystems(t, st.Root())
		if !st.Group() {
			r := Default().CheckAs(Expectation{System: "1.2.246.537.6.1506", Level: LeafCodes}, "1.2.246.537.6.1506.201701", st.Code(), time.Time{})
			if r.Verdict != Known || r.Entry.FI != st.TitleFI {
				t.Errorf("%s: %v %+v", st.OID, r.Verdict, r.Entry)
			}
		}
	}
}

// checkSystems finds code systems of the structures that the data lack.
func checkSystems(t *testing.T, f *sosmeta.Field) {
	t.Helper()
	if f.System != "" && len(Default().Lists(f.System)) == 0 {
		t.Errorf("%s: code system %s is not known", f.Path(), f.System)
	}
	for _, c := range f.Fields {
		checkSystems(t, c)
	}
}

// world is a set with two loaded versions of a system and one open list.
func world(t *testing.T) *Set {
	t.Helper()
	older := &List{System: "1.2.3.4", Version: "201101", Name: "Vanha", Loaded: true, To: date(t, "2015-12-31"),
		Codes: []Code{{Code: "1", FI: "Yksi"}, {Code: "9", FI: "Poistunut"}}}
	newer := &List{System: "1.2.3.4", Version: "201601", Name: "Uusi", Loaded: true, From: date(t, "2016-01-01"),
		Codes: []Code{
			{Code: "1", FI: "Yksi", SV: "Ett"}, {Code: "11", FI: "Yksi yksi", Parent: "1"}, {Code: "2", FI: "Kaksi", To: date(t, "2020-12-31")},
			{Code: "3", FI: "Kolme", From: date(t, "2030-01-01")}, {Code: "4", FI: "Neljä", Status: "DELETED"},
		}}
	open := &List{System: "1.2.3.5", Version: "201601", Name: "Avoin", Codes: []Code{{Code: "1", FI: "Yksi"}}}
	empty := &List{System: "1.2.3.6", Name: "Tyhjä"}
	s, err := NewSet(older, newer, open, empty)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMETA4_UnknownEndedAndWrongClassAreDifferent(t *testing.T) {
	s := world(t)
	at := date(t, "2025-03-14")
	for _, c := range []struct {
		e            Expectation
		system, code string
		at           time.Time
		want         Verdict
		open         bool
		rule         string
	}{
		{Expectation{}, "urn:oid:1.2.3.4.201601", "1", at, Known, false, ""},
		{Expectation{}, "1.2.3.4.201601", "1", at, Known, false, ""},
		{Expectation{System: "1.2.3.4"}, "1.2.3.4", "1", at, Known, false, ""},
		{Expectation{}, "1.2.3.4", "9", at, Unknown, false, RuleUnknown},
		{Expectation{}, "1.2.3.4", "9", date(t, "2012-01-01"), Known, false, ""},
		{Expectation{}, "1.2.3.4.201101", "9", at, Ended, false, RuleEnded},
		{Expectation{}, "1.2.3.4.201101", "9", time.Time{}, Known, false, ""},
		{Expectation{}, "1.2.3.4.202501", "7", at, Unknown, true, RuleUnlisted},
		{Expectation{}, "1.2.3.4.201601", "2", at, Ended, false, RuleEnded},
		{Expectation{}, "1.2.3.4.201601", "2", date(t, "2020-12-31"), Known, false, ""},
		{Expectation{}, "1.2.3.4.201601", "3", at, NotYet, false, RuleNotYet},
		{Expectation{}, "1.2.3.4.201601", "4", at, Ended, false, RuleEnded},
		{Expectation{}, "1.2.3.4.201601", "1 ", at, Unknown, false, RuleUnknown},
		{Expectation{}, "1.2.3.4.201601", "", at, Unknown, false, RuleUnknown},
		{Expectation{System: "1.2.3.5"}, "1.2.3.4.201601", "1", at, WrongClass, false, RuleWrongClass},
		{Expectation{System: "1.2.3.4"}, "1.2.3.45.201601", "1", at, WrongClass, false, RuleWrongClass},
		{Expectation{Level: LeafCodes}, "1.2.3.4.201601", "1", at, WrongLevel, false, RuleNotLeaf},
		{Expectation{Level: LeafCodes}, "1.2.3.4.201601", "11", at, Known, false, ""},
		{Expectation{Level: TopCodes}, "1.2.3.4.201601", "11", at, WrongLevel, false, RuleNotTop},
		{Expectation{Level: TopCodes}, "1.2.3.4.201601", "1", at, Known, false, ""},
		{Expectation{}, "1.2.3.5.201601", "2", at, Unknown, true, RuleUnlisted},
		{Expectation{}, "1.2.3.6", "2", at, Unknown, true, RuleUnchecked},
		{Expectation{}, "1.2.3.7", "2", at, UnknownSystem, false, RuleSystemUnknown},
		{Expectation{}, "palvelutehtävä", "2", at, NoSystem, false, RuleSystemForm},
		{Expectation{}, "", "2", at, NoSystem, false, RuleSystemForm},
	} {
		r := s.CheckAs(c.e, c.system, c.code, c.at)
		f, bad := r.Finding("kenttä", finding.Place{Line: 7})
		if r.Verdict != c.want || r.Open != c.open || f.Rule != c.rule || bad != (c.rule != "") {
			t.Errorf("%+v %s %q: %v open %v, %s", c.e, c.system, c.code, r.Verdict, r.Open, f.Rule)
		}
		if bad && f.Line != 7 {
			t.Errorf("%s lost its place", f.Rule)
		}
	}
	if r := s.Check("1.2.3.4.201601", "1", at); !r.SameDisplay(" yksi ") || !r.SameDisplay("ETT") || r.SameDisplay("Kaksi") {
		t.Error("display names are not compared")
	}
}

func TestSplitFindsTheVersionArc(t *testing.T) {
	for in, want := range map[string]string{
		"urn:oid:1.2.246.537.6.1221.201601":      "1.2.246.537.6.1221 201601",
		"1.2.246.537.6.202.2008":                 "1.2.246.537.6.202 2008",
		"1.2.246.537.6.886.5007":                 "1.2.246.537.6.886.5007 ",
		"urn:oid:1.2.246.537.6.886.5007.2011.12": "1.2.246.537.6.886.5007 2011.12",
		"1.2.246.537.6.99999.201601":             "1.2.246.537.6.99999 201601",
		"1.2.246.537.6.99999":                    "1.2.246.537.6.99999 ",
		"x":                                      "x ",
	} {
		base, version, _, _ := Default().Split(in)
		if got := base + " " + version; got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}

func TestNewestImportCounts(t *testing.T) {
	list := func(code string, day string) *List {
		return &List{System: "1.2.3.4", Version: "201601", Loaded: true, Imported: date(t, day), Codes: []Code{{Code: code}}}
	}
	s, err := NewSet(list("new", "2025-02-01"), list("old", "2024-02-01"))
	if err != nil {
		t.Fatal(err)
	}
	if r := s.Check("1.2.3.4.201601", "new", time.Time{}); r.Verdict != Known {
		t.Errorf("got %v", r.Verdict)
	}
	if r := s.Check("1.2.3.4.201601", "old", time.Time{}); r.Verdict != Unknown || r.Open {
		t.Errorf("got %v", r.Verdict)
	}
}

func TestBrokenListsAreRefused(t *testing.T) {
	for _, l := range []*List{
		{System: "x", Codes: []Code{{Code: "1"}}},
		{System: "1.2.3", Version: "v1"},
		{System: "1.2.3", Codes: []Code{{Code: ""}}},
		{System: "1.2.3", Codes: []Code{{Code: "1"}, {Code: "1"}}},
		{System: "1.2.3", Loaded: true, Codes: []Code{{Code: "1", Parent: "2"}}},
		{System: "1.2.3", Codes: []Code{{Code: "1", Parent: "2"}, {Code: "2", Parent: "1"}}},
		{System: "1.2.3", Codes: []Code{{Code: "1", Parent: "1"}}},
	} {
		if _, err := NewSet(l); err == nil {
			t.Errorf("%+v was taken", l)
		}
	}
}

const body = `{"merkinta_x": {
 "palvelutehtava": {"system": "urn:oid:1.2.246.537.6.1221.201601", "code": "10", "display": "Lastensuojelu"},
 "toinen": {"system": "urn:oid:1.2.246.537.6.1221.201601", "code": "77", "display": "x"}
}}`

func TestMETA4_CodesOfAStructuredBody(t *testing.T) {
	st, ok := sosmeta.Default().Lookup("1.2.246.537.6.1506.19008.2024.12.19")
	if !ok {
		t.Fatal("no structure")
	}
	doc := func(task, display, service string) string {
		return `{"merkinta_rajoitustoimenpiteesta": {"asiakas": {"sukunimi": "T", "etunimet": "T", "henkilotunnus": {"value": "010181-900C"}},
"palvelutehtava": {"system": "urn:oid:1.2.246.537.6.1221.201601", "code": "` + task + `", "display": "` + display + `"},
"sosiaalipalvelu": {"system": "urn:oid:1.2.246.537.6.` + service + `", "code": "x", "display": "x"},
"yksikko": {"system": "urn:oid:1.2.246.537.6.202.2008", "code": "1.2.246.10.99999901.10.1", "display": "x"},
"laatija": [{"sukunimi": "T", "etunimet": "T"}]}}`
	}
	for _, c := range []struct{ task, display, service string }{
		{"10", "Lastensuojelu", "1222"},  // the structure names the accepted codes of both
		{"77", "Lastensuojelu", "12229"}, // and tells a wrong system itself
	} {
		rep := st.Validate([]byte(doc(c.task, c.display, c.service)), sosmeta.Options{Facts: true})
		if got := Default().CheckFacts(rep.Facts, time.Time{}); len(got) > 0 {
			t.Errorf("%+v: %v", c, got)
		}
	}
	st, ok = sosmeta.Default().Lookup("1.2.246.537.6.1505.2.2022.6.28")
	if !ok {
		t.Fatal("no structure")
	}
	for _, c := range []struct{ nimi, tila, want string }{
		{`"urn:oid:1.2.246.537.6.1265", "code": "99", "display": "Muu"`, `"urn:oid:1.2.246.537.6.1501", "code": "1", "display": "Avoin"`, "CODE-UNCHECKED /asia_asiakirja/asian_tiedot/tila 1"},
		{`"urn:oid:1.2.246.537.6.1265", "code": "99", "display": "Toinen"`, `"urn:oid:1.2.3", "code": "1", "display": "Avoin"`, "CODE-DISPLAY-DIFFERS /asia_asiakirja/asian_tiedot/nimi Toinen"},
		{`"urn:oid:1.2.246.537.6.1265.201701", "code": "98", "display": "Muu"`, `"urn:oid:1.2.246.537.6.15011", "code": "1", "display": "Avoin"`, "CODE-UNLISTED /asia_asiakirja/asian_tiedot/nimi 98"},
	} {
		src := `{"asia_asiakirja": {"asian_tiedot": {"nimi": {"system": ` + c.nimi + `}, "tila": {"system": ` + c.tila + `}}}}`
		rep := st.Validate([]byte(src), sosmeta.Options{Facts: true})
		var got []string
		for _, f := range Default().CheckFacts(rep.Facts, time.Time{}) {
			got = append(got, f.Rule+" "+f.XPath+" "+f.Value)
		}
		if s := strings.Join(got, "; "); s != c.want {
			t.Errorf("%s: %s", c.nimi, s)
		}
	}
	// Without a structure all codes are judged.
	rep := sosmeta.Decode([]byte(body), sosmeta.Options{Facts: true})
	got := Default().CheckFacts(rep.Facts, time.Time{})
	if len(rep.Facts) != 2 || len(got) != 1 || got[0].Rule != RuleUnlisted || got[0].XPath != "/merkinta_x/toinen" || got[0].Line != 3 {
		t.Errorf("%+v", got)
	}
}

func TestLeafCodesOfABody(t *testing.T) {
	s, err := NewSet(&List{System: "1.2.246.537.6.1251", Loaded: true, Name: "Syy", Codes: []Code{{Code: "1"}, {Code: "22", Parent: "1"}}})
	if err != nil {
		t.Fatal(err)
	}
	tested := 0
	for _, st := range sosmeta.Default().List() {
		g, err := st.Generate(sosmeta.GenerateOptions{Mode: sosmeta.Full, Codes: func(system string) (string, string, string, bool) {
			return "1", "x", "", system == "1.2.246.537.6.1251"
		}})
		if err != nil {
			t.Fatal(err)
		}
		facts := st.Validate(g.JSON, sosmeta.Options{Facts: true}).Facts
		want := 0
		for _, f := range facts {
			if f.LeafOnly && !f.Restricted {
				want++
			}
		}
		tested += want
		got := 0
		for _, f := range s.CheckFacts(facts, time.Time{}) {
			if f.Rule == RuleNotLeaf {
				got++
			}
		}
		if got != want {
			t.Errorf("%s: %d upper classes found of %d", st.OID, got, want)
		}
	}
	if tested == 0 {
		t.Error("no structure asks for leaf codes")
	}
}

func TestShowCodeSystem(t *testing.T) {
	for _, c := range []struct {
		oid, lang string
		want      []string
	}{
		{"1.2.246.537.6.1506", "fi", []string{"Asiakasasiakirjatyyppi\n1.2.246.537.6.1506.201701\navoin", "\n15  Suunnitelma\n", "\n  15007  Lapsiperheiden palvelujen asiakassuunnitelma\n"}},
		{"1.2.246.537.6.1506.201701", "sv", []string{"öppen", "\n  1000  "}},
		{"urn:oid:1.2.246.537.6.1221", "en", []string{"open, known values only, codes: 3 (kanta-interface 13.1", "24  Lapsiperheiden palvelut\n"}},
	} {
		var b strings.Builder
		if err := Default().Show(&b, c.oid, c.lang); err != nil {
			t.Fatal(err)
		}
		for _, w := range c.want {
			if !strings.Contains(b.String(), w) {
				t.Errorf("%s lacks %q:\n%.600s", c.oid, w, b.String())
			}
		}
	}
	if err := Default().Show(&strings.Builder{}, "1.2.3.4", "fi"); err == nil {
		t.Error("an unknown system was shown")
	}
}
