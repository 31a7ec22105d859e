package cda

import (
	"strings"
	"testing"
	"time"
)

func TestParseHetu(t *testing.T) {
	for _, c := range []struct {
		in    string
		fault HetuFault
		born  string
	}{
		{"010181-900C", HetuOk, "1981-01-01"},
		{"010181-900c", HetuOk, "1981-01-01"},
		{"010181Y900C", HetuOk, "1981-01-01"},
		{"010181X900C", HetuOk, "1981-01-01"},
		{"010181W900C", HetuOk, "1981-01-01"},
		{"010181V900C", HetuOk, "1981-01-01"},
		{"010181U900C", HetuOk, "1981-01-01"},
		{"010181+900C", HetuOk, "1881-01-01"},
		{"010181A900C", HetuOk, "2081-01-01"},
		{"010181F900C", HetuOk, "2081-01-01"},
		{"010181u900c", HetuOk, "1981-01-01"},
		{"", HetuLength, ""},
		{"010181-900", HetuLength, ""},
		{"010181-900CC", HetuLength, ""},
		{"01O181-900C", HetuCharacter, ""},
		{"010181-9O0C", HetuCharacter, ""},
		{"010181/900C", HetuCentury, ""},
		{"010181G900C", HetuCentury, ""},
		{"010181T900C", HetuCentury, ""},
		{"010181Z900C", HetuCentury, ""},
		{"320181-900C", HetuDate, ""},
		{"290281-900C", HetuDate, ""},
		{"011381-900C", HetuDate, ""},
		{"000181-900C", HetuDate, ""},
		{"010081-900C", HetuDate, ""},
		{"010181-0010", HetuIndividual, ""},
		{"010181-0000", HetuIndividual, ""},
		{"010181-900D", HetuCheck, ""},
		{"010181-9000", HetuCheck, ""},
		{"010181-900Ä", HetuLength, ""},
	} {
		h, fault := ParseHetu(c.in)
		if fault != c.fault {
			t.Errorf("%q: %v, want %v", c.in, fault, c.fault)
		}
		if fault == HetuOk && h.Born.Format(time.DateOnly) != c.born {
			t.Errorf("%q: born %s, want %s", c.in, h.Born.Format(time.DateOnly), c.born)
		}
	}
}

func TestHetuTellsSexAndTestSeries(t *testing.T) {
	born := time.Date(1981, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		individual   int
		female, test bool
	}{{899, false, false}, {900, true, true}, {901, false, true}, {999, false, true}, {2, true, false}} {
		h, fault := ParseHetu(FormatHetu(born, c.individual))
		if fault != HetuOk || h.Female != c.female || h.Test != c.test || h.Individual != c.individual {
			t.Errorf("%d: %+v %v", c.individual, h, fault)
		}
	}
}

// A leap day exists in a leap year only.
func TestHetuLeapYears(t *testing.T) {
	for code, want := range map[string]bool{"290200A900": true, "290200-900": false, "290200+900": false, "290284-900": true} {
		found := false
		for _, check := range checkCharacters {
			if _, fault := ParseHetu(code + string(check)); fault == HetuOk {
				found = true
			}
		}
		if found != want {
			t.Errorf("%s: valid with some check character: %v, want %v", code, found, want)
		}
	}
}

func TestFormatHetuMakesValidCodes(t *testing.T) {
	for day := time.Date(1890, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2030; day = day.AddDate(0, 0, 37) {
		for _, individual := range []int{2, 899, 900, 950, 999} {
			code := FormatHetu(day, individual)
			h, fault := ParseHetu(code)
			if fault != HetuOk || !h.Born.Equal(day) || h.Value != code {
				t.Fatalf("%s for %s: %v %+v", code, day.Format(time.DateOnly), fault, h)
			}
		}
	}
}

func TestFindHetus(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []int
	}{
		{"010181-900C", []int{0}},
		{"x 010181-900C, y", []int{2}},
		{`{"value":"010181-900c"}`, []int{10}},
		{"010181-900C 010181+900C", []int{0, 12}},
		{"1010181-900C", nil}, // a digit before
		{"a010181-900C", nil},
		{"010181-900C1", nil},
		{"010181-900Cä", nil},
		{"ä010181-900C", nil},
		{"1.2.246.21.010181-900C.", []int{11}},
		{"010181-900", nil},
		{"010181-900D", nil},
		{"OID1.2.246.10.99999901.95777.2026.688883.2809773", nil},
		{"", nil},
		{"12345", nil},
		{"123456", nil},
	} {
		var got []int
		FindHetus(c.in, func(at int, _ Hetu) bool { got = append(got, at); return true })
		if len(got) != len(c.want) {
			t.Errorf("%q: found at %v, want %v", c.in, got, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%q: found at %v, want %v", c.in, got, c.want)
			}
		}
	}
}

// Found at every alignment, as the search looks at every sixth byte.
func TestFindHetusAtEveryOffset(t *testing.T) {
	for before := range 40 {
		for _, filler := range []string{" ", "1 ", "12345 ", "1234567 "} {
			text := strings.Repeat(filler, before) + "010181-900C"
			n := 0
			FindHetus(text, func(int, Hetu) bool { n++; return true })
			if n != 1 {
				t.Fatalf("%q: found %d", text, n)
			}
		}
	}
}

// FuzzHetu compares the search with a look at every place, and reading with writing.
func FuzzHetu(f *testing.F) {
	for _, s := range []string{"010181-900C", "x010181A900C y", "123456789", "0101811-900C 010181+900C", "290200A900", "\x80010181-900C"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var want, got []int
		for i := 0; i+hetuLength <= len(s); i++ {
			touched := i > 0 && alphanumeric(s[i-1]) || i+hetuLength < len(s) && alphanumeric(s[i+hetuLength])
			if _, fault := ParseHetu(s[i : i+hetuLength]); fault == HetuOk && !touched {
				want = append(want, i)
			}
		}
		FindHetus(s, func(at int, h Hetu) bool {
			got = append(got, at)
			if FormatHetu(h.Born, h.Individual)[:6] != h.Value[:6] || FormatHetu(h.Born, h.Individual)[7:] != h.Value[7:] {
				t.Errorf("%q reads as %+v", s, h)
			}
			return true
		})
		if len(got) != len(want) {
			t.Fatalf("%q: found %v, want %v", s, got, want)
		}
	})
}
