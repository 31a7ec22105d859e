package sosmeta

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"portti/internal/finding"
)

func TestDOC11_ChoiceByContentSpecificationID(t *testing.T) {
	day := func(s string) time.Time {
		d, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	tb, err := importTiny(t, tiny)
	if err != nil {
		t.Fatal(err)
	}
	newer, err := importTiny(t, strings.NewReplacer("1506.1.2025.1.31", "1506.1.2025.6.1", "2025-01-31", "2025-06-01").Replace(tiny))
	if err != nil {
		t.Fatal(err)
	}
	if err := tb.SetValidity("1.2.246.537.6.1506.1.2025.1.31", day("2025-01-31"), day("2025-12-31")); err != nil {
		t.Fatal(err)
	}
	set := NewSet(tb, newer)
	const older, newest = "1.2.246.537.6.1506.1.2025.1.31", "1.2.246.537.6.1506.1.2025.6.1"
	if v := set.Versions("1.2.246.537.6.1506.1"); len(v) != 2 || v[0].OID != older || v[1].OID != newest {
		t.Errorf("versions %v", v)
	}
	for _, c := range []struct {
		id    string
		at    time.Time
		found bool
		want  string
	}{
		{older, day("2025-07-01"), true, ""},
		{newest, day("2025-07-01"), true, ""},
		{older, time.Time{}, true, ""},
		{older, day("2025-01-30"), true, RuleNotYetValid},
		{older, day("2025-12-31").Add(23 * time.Hour), true, ""},
		{older, day("2026-01-01"), true, RuleEnded},
		{"1.2.246.537.6.1506.1.2025.2.1", time.Time{}, false, RuleVersionUnknown},
		{"1.2.246.537.6.1506.2.2025.1.31", time.Time{}, false, RuleUnknown},
		{"1.2.246.537.6.1506.1", time.Time{}, false, RuleUnknown},
		{"1.2.246.537.6.1506.1.2025.01.31", time.Time{}, false, RuleUnknown},
		{"urn:oid:" + older, time.Time{}, false, RuleUnknown},
		{older + " ", time.Time{}, false, RuleUnknown},
		{"", time.Time{}, false, RuleUnknown},
	} {
		st, fs := set.Choose(c.id, c.at)
		var got []string
		for _, f := range fs {
			got = append(got, f.Rule)
		}
		if s := strings.Join(got, " "); s != c.want || (st != nil) != c.found {
			t.Errorf("%q %+v: %s, structure %v", c.id, c.at, s, st != nil)
		}
	}
	_, fs := set.Choose("1.2.246.537.6.1506.1.2025.2.1", time.Time{})
	if p := fmt.Sprint(fs[0].Params); !strings.Contains(p, older+", "+newest) {
		t.Errorf("the known versions are not told: %s", p)
	}
}

func TestFactsOfADocument(t *testing.T) {
	st, _ := Default().Lookup("1.2.246.537.6.1505.1.2023.6.1")
	rep := st.Validate([]byte(relation), Options{Facts: true})
	var got []string
	for i := range rep.Facts {
		f := &rep.Facts[i]
		got = append(got, fmt.Sprintf("%v %s=%s", f.Kind, f.Path[strings.LastIndexByte(f.Path, '/')+1:], f.Value))
		checkPlace(t, relation, rep, finding.Finding{Place: f.Place()})
	}
	want := "relationship asiakkuuden_yksilointitunnus=1.2.246.10.99999901.95777.2026.1; surname sukunimi=Testaaja; given-names etunimet=Testi; " +
		"identity-code henkilotunnus=010181-900C; non-disclosure turvakielto=false; phone puhelinnumero=000; surname sukunimi=Esimerkki; given-names etunimet=Koe; " +
		"non-disclosure turvakielto=false; code rooli=99; date asiakkuuden_alkamispvm=2025-01-01; unit palvelunjarjestajan_toimintayksikko=1.2.246.10.99999901.10.0; " +
		"service-task palvelutehtava=24; unit palveluyksikon_nimi=1.2.246.10.99999901.10.1; date asiakkuuden_alkamispvm=2025-01-01; date lastensuojelun_asiakkuuden_alkamispvm=2025-01-01"
	if s := strings.Join(got, "; "); s != want {
		t.Errorf("got %s\nwant %s", s, want)
	}
	unit := rep.Facts[11]
	if unit.System != "urn:oid:1.2.246.537.6.202.2008" || unit.Display != "Testialue" || unit.Pointer() != "/asiakkuusasiakirja/palvelunjarjestajan_toimintayksikko" ||
		unit.Path != "asiakkuusasiakirja/palvelunjarjestajan_toimintayksikko" || unit.LeafOnly {
		t.Errorf("%+v", unit)
	}
}

// Without a structure facts are found by key, and escapes are resolved.
func TestFactsWithoutAStructure(t *testing.T) {
	src := `{"muu": {"asiakas": [{"sukunimi": "P\u00e4iv\u00e4", "henkilotunnus": {"value": "010181-900C", "system": "x"}, "turvakielto": true, "etunimet": null}]}}`
	rep := Decode([]byte(src), Options{Facts: true})
	if len(rep.Facts) != 3 {
		t.Fatalf("%+v", rep.Facts)
	}
	for i, want := range []string{"surname Päivä  /muu/asiakas/0/sukunimi", "identity-code 010181-900C x /muu/asiakas/0/henkilotunnus", "non-disclosure true  /muu/asiakas/0/turvakielto"} {
		f := &rep.Facts[i]
		if got := fmt.Sprintf("%v %s %s %s", f.Kind, f.Value, f.System, f.Pointer()); got != want || !strings.HasPrefix(f.Path, "muu/asiakas/") {
			t.Errorf("got %s, want %s (%s)", got, want, f.Path)
		}
	}
}

func TestLeafOnlyFieldsAreTold(t *testing.T) {
	n := 0
	for _, st := range Default().List() {
		st.Root()
		for _, f := range st.flat {
			if f.LeafOnly {
				n++
				if f.System != "1.2.246.537.6.1251" {
					t.Errorf("%s: %s", f.Path(), f.System)
				}
			}
		}
	}
	if n != 9 {
		t.Errorf("%d fields", n)
	}
}
