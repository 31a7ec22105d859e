package cda

import (
	"strings"
	"testing"
)

func TestCheckOID(t *testing.T) {
	for _, c := range []struct {
		in   string
		want OIDFault
		at   int
	}{
		{"1.2.246.10.99999901.95.2026.1", OIDOk, 0},
		{"0.0", OIDOk, 0},
		{"2.999", OIDOk, 0},
		{"2.25.329800735698586629295641978511506172918", OIDOk, 0},
		{"1.39", OIDOk, 0},
		{"", OIDEmpty, 0},
		{"1", OIDShort, 0},
		{"1.2.", OIDEmptyArc, 4},
		{".1.2", OIDEmptyArc, 0},
		{"1..2", OIDEmptyArc, 2},
		{"1.2.246.010", OIDLeadingZero, 8},
		{"1.2.246.00", OIDLeadingZero, 8},
		{"1.2.a", OIDCharacter, 4},
		{"1.2 .3", OIDCharacter, 3},
		{"urn:oid:1.2", OIDCharacter, 0},
		{"1.2.-3", OIDCharacter, 4},
		{"3.1", OIDFirstArcs, 0},
		{"10.1", OIDFirstArcs, 0},
		{"1.40", OIDFirstArcs, 2},
		{"0.100", OIDFirstArcs, 2},
		{"1.2." + strings.Repeat("1", MaxOID), OIDLong, MaxOID},
		{"1.2.٣", OIDCharacter, 4},
	} {
		if got, at := CheckOID(c.in); got != c.want || at != c.at {
			t.Errorf("%q: %v at %d, want %v at %d", c.in, got, at, c.want, c.at)
		}
		if ValidOID(c.in) != (c.want == OIDOk) {
			t.Errorf("ValidOID(%q) is %v", c.in, ValidOID(c.in))
		}
	}
}

func TestInSystemComparesTheBase(t *testing.T) {
	for _, c := range []struct {
		system, base string
		want         bool
	}{
		{"1.2.246.537.6.1506.201701", "1.2.246.537.6.1506", true},
		{"1.2.246.537.6.1506", "1.2.246.537.6.1506", true},
		{"urn:oid:1.2.246.537.6.1506.201701", "1.2.246.537.6.1506", true},
		{"1.2.246.537.6.15060.201701", "1.2.246.537.6.1506", false},
		{"1.2.246.537.6.150", "1.2.246.537.6.1506", false},
		{"", "1.2.246.537.6.1506", false},
	} {
		if got := InSystem(c.system, c.base); got != c.want {
			t.Errorf("InSystem(%q, %q) is %v", c.system, c.base, got)
		}
	}
}

func TestBusinessID(t *testing.T) {
	for _, c := range []struct {
		oid, id, rest string
		ok, valid     bool
	}{
		{"1.2.246.10.2012566.10.40", "0201256-6", "10.40", true, true}, // leading zero dropped
		{"1.2.246.10.99999901.10.0", "9999990-1", "10.0", true, false},
		{"1.2.246.10.2012566", "0201256-6", "", true, true},
		{"1.2.246.537.10.15675350.10.0", "", "", false, false},
		{"1.2.246.10.123456789.10", "", "", false, false},
		{"1.2.246.10.x.10", "", "", false, false},
		{"1.2.246.10.", "", "", false, false},
	} {
		id, rest, ok := BusinessID(c.oid)
		if id != c.id || rest != c.rest || ok != c.ok {
			t.Errorf("%q: %q %q %v", c.oid, id, rest, ok)
		}
		if ok && ValidBusinessID(id) != c.valid {
			t.Errorf("ValidBusinessID(%q) is %v", id, !c.valid)
		}
	}
	for _, bad := range []string{"", "0201256-5", "0201256 6", "020125-66", "x201256-6", "0000001-1"} {
		if ValidBusinessID(bad) {
			t.Errorf("%q is valid", bad)
		}
	}
}

func TestIsTemporaryClientRoot(t *testing.T) {
	for root, want := range map[string]bool{
		"1.2.246.10.99999901.22.2026":        true,
		"1.2.246.10.99999901.10.5.22.2026":   true,
		"1.2.246.537.10.15675350.22.2003":    true,
		"1.2.246.21":                         false,
		"1.2.246.10.99999901.22.26":          false,
		"1.2.246.10.99999901.22.20x6":        false,
		"1.2.246.10.99999901.22.1899":        false,
		"1.2.246.10.99999901.95.2026":        false,
		"2.2.246.10.99999901.22.2026":        false,
		"1.2.246.10.99999901.22.2026.1":      false,
		"1.2.246.10.99999901.22.2026.22.202": false,
	} {
		if got := IsTemporaryClientRoot(root); got != want {
			t.Errorf("%q: %v", root, got)
		}
	}
}

// FuzzOID: what is valid is digits and dots in the right places, and stays so
// when taken apart.
func FuzzOID(f *testing.F) {
	for _, s := range []string{"1.2.246", "1..2", "01.2", "1.40", "2.999.1", ".", "1."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		fault, at := CheckOID(s)
		if at < 0 || at > len(s) {
			t.Fatalf("%q: place %d", s, at)
		}
		if fault != OIDOk {
			return
		}
		for _, arc := range strings.Split(s, ".") {
			if arc == "" || arc != "0" && arc[0] == '0' || strings.Trim(arc, "0123456789") != "" {
				t.Fatalf("%q is taken with arc %q", s, arc)
			}
		}
	})
}

func TestDOC10_PersonKeyTellsTemporaryIDsApart(t *testing.T) {
	for want, id := range map[string]ID{
		"010101A900X": {Root: RootHetu, Extension: "010101A900X"},
		"1.2.246.10.99999901.22.2019 010101A900X":      {Root: "1.2.246.10.99999901.22.2019", Extension: "010101A900X"},
		"1.2.246.10.99999901.10.1.22.2020 010101A900X": {Root: "1.2.246.10.99999901.10.1.22.2020", Extension: "010101A900X"},
		"1.2.246.10.99999901.22.2020":                  {Root: "1.2.246.10.99999901.22.2020"},
		"":                                             {},
	} {
		if got := id.PersonKey(); got != want {
			t.Errorf("%+v: %q, want %q", id, got, want)
		}
	}
}
