package cda

import (
	"testing"
	"time"
)

func TestParseTS(t *testing.T) {
	for _, c := range []struct {
		in        string
		fault     TSFault
		precision Precision
		offset    bool
		want      string // RFC 3339 in UTC
	}{
		{"2026", TSOk, PrecisionYear, false, "2025-12-31T22:00:00Z"},
		{"202603", TSOk, PrecisionMonth, false, "2026-02-28T22:00:00Z"},
		{"20260323", TSOk, PrecisionDay, false, "2026-03-22T22:00:00Z"},
		{"2026032310", TSOk, PrecisionHour, false, "2026-03-23T08:00:00Z"},
		{"202603231054", TSOk, PrecisionMinute, false, "2026-03-23T08:54:00Z"},
		{"20260323105424", TSOk, PrecisionSecond, false, "2026-03-23T08:54:24Z"},
		{"20260723105424", TSOk, PrecisionSecond, false, "2026-07-23T07:54:24Z"}, // summer time
		{"20260323105424+0200", TSOk, PrecisionSecond, true, "2026-03-23T08:54:24Z"},
		{"20260323105424-0330", TSOk, PrecisionSecond, true, "2026-03-23T14:24:24Z"},
		{"20260323105424+02", TSOk, PrecisionSecond, true, "2026-03-23T08:54:24Z"},
		{"2026032310+0200", TSOk, PrecisionHour, true, "2026-03-23T08:00:00Z"},
		{"20260323105424+0000", TSOk, PrecisionSecond, true, "2026-03-23T10:54:24Z"},
		{"20170922151558.936", TSOk, PrecisionFraction, false, "2017-09-22T12:15:58.936Z"},
		{"20170922151558.9361234567890+0300", TSOk, PrecisionFraction, true, "2017-09-22T12:15:58.936123456Z"},
		{"20240229", TSOk, PrecisionDay, false, "2024-02-28T22:00:00Z"},
		{"", TSEmpty, 0, false, ""},
		{"20260", TSSyntax, 0, false, ""},
		{"202603231", TSSyntax, 0, false, ""},
		{"202603231054245", TSSyntax, 0, false, ""},
		{"2026032310542412345", TSSyntax, 0, false, ""}, // libxml2's schema takes it
		{"2026-03-23", TSSyntax, 0, false, ""},
		{"20260323T105424", TSSyntax, 0, false, ""},
		{" 20260323", TSSyntax, 0, false, ""},
		{"20260323 ", TSSyntax, 0, false, ""},
		{"20260323105424.", TSSyntax, 0, false, ""},
		{"202603231054.5", TSSyntax, 0, false, ""},
		{"20260323105424+2", TSSyntax, 0, false, ""},
		{"20260323105424+020", TSSyntax, 0, false, ""},
		{"20260323105424+02:00", TSSyntax, 0, false, ""},
		{"20260323105424Z", TSSyntax, 0, false, ""},
		{"+0200", TSSyntax, 0, false, ""},
		{"٢٠٢٦", TSSyntax, 0, false, ""},
		{"20261301", TSCalendar, 0, false, ""},
		{"20260001", TSCalendar, 0, false, ""},
		{"20260230", TSCalendar, 0, false, ""},
		{"20230229", TSCalendar, 0, false, ""},
		{"20260300", TSCalendar, 0, false, ""},
		{"2026032324", TSCalendar, 0, false, ""},
		{"202603231060", TSCalendar, 0, false, ""},
		{"20260323105460", TSCalendar, 0, false, ""},
		{"0000", TSCalendar, 0, false, ""},
		{"20260323+0200", TSOffset, 0, false, ""},
		{"20260323105424+1401", TSOffset, 0, false, ""},
		{"20260323105424+0260", TSOffset, 0, false, ""},
	} {
		ts := ParseTS(c.in)
		if ts.Fault != c.fault || ts.Raw != c.in {
			t.Errorf("%q: %v, want %v", c.in, ts.Fault, c.fault)
			continue
		}
		if c.fault != TSOk {
			if !ts.Time.IsZero() || ts.Valid() {
				t.Errorf("%q: a time although it is wrong: %v", c.in, ts.Time)
			}
			continue
		}
		if got := ts.Time.UTC().Format(time.RFC3339Nano); got != c.want || ts.Precision != c.precision || ts.HasOffset != c.offset {
			t.Errorf("%q: %s precision %d offset %v, want %s %d %v", c.in, got, ts.Precision, ts.HasOffset, c.want, c.precision, c.offset)
		}
	}
}

func TestNewTimestampReadsBack(t *testing.T) {
	at := time.Date(2026, 7, 17, 13, 6, 52, 987_654_321, Helsinki())
	ts := NewTimestamp(at)
	if ts.Raw != "20260717130652+0300" {
		t.Fatalf("wrote %q", ts.Raw)
	}
	back := ParseTS(ts.Raw)
	if !back.Time.Equal(ts.Time) || back.Precision != ts.Precision || !back.HasOffset {
		t.Fatalf("%+v came back as %+v", ts, back)
	}
}

// FuzzTS: what is taken can be written again to the same moment.
func FuzzTS(f *testing.F) {
	for _, s := range []string{"2026", "20260323105424+0200", "20170922151558.936", "20260323-1400", "99991231235959-1400", "0001"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ts := ParseTS(s)
		if ts.Fault != TSOk {
			if !ts.Time.IsZero() {
				t.Fatalf("%q is wrong (%v) and has a time", s, ts.Fault)
			}
			return
		}
		if ts.Precision < PrecisionYear || ts.Precision > PrecisionFraction {
			t.Fatalf("%q: precision %d", s, ts.Precision)
		}
		if y := ts.Time.UTC().Year(); y < 1 || y > 9999 {
			return
		}
		if back := ParseTS(FormatTS(ts.Time.UTC().Truncate(time.Second))); back.Fault != TSOk || !back.Time.Equal(ts.Time.Truncate(time.Second)) {
			t.Fatalf("%q: %v came back as %v", s, ts.Time, back.Time)
		}
	})
}

func TestParseNumber(t *testing.T) {
	for in, want := range map[string]int{"1": 1, "0": 0, "27": 27, "999999999": 999999999} {
		if n := ParseNumber(in); !n.Valid || n.Value != want {
			t.Errorf("%q: %+v", in, n)
		}
	}
	for _, bad := range []string{"", "01", "-1", "+1", "1 ", "1.0", "1234567890", "x", "٣"} {
		if n := ParseNumber(bad); n.Valid || n.Value != 0 {
			t.Errorf("%q: %+v", bad, n)
		}
	}
}
