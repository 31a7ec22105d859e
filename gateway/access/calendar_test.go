package access

import (
	"slices"
	"strings"
	"testing"
	"time"

	"portti/cda"
)

// holidays are the weekday holidays (Monday to Saturday) of Finland, written out
// from almanacs, not computed.
var holidays = map[int]string{
	2024: "01-01 01-06 03-29 04-01 05-01 05-09 06-22 11-02 12-06 12-25 12-26",
	2025: "01-01 01-06 04-18 04-21 05-01 05-29 06-21 11-01 12-06 12-25 12-26",
	2026: "01-01 01-06 04-03 04-06 05-01 05-14 06-20 10-31 12-25 12-26",
	2027: "01-01 01-06 03-26 03-29 05-01 05-06 06-26 11-06 12-06 12-25",
	2028: "01-01 01-06 04-14 04-17 05-01 05-25 06-24 11-04 12-06 12-25 12-26",
	2029: "01-01 01-06 03-30 04-02 05-01 05-10 06-23 11-03 12-06 12-25 12-26",
	2030: "01-01 04-19 04-22 05-01 05-30 06-22 11-02 12-06 12-25 12-26",
}

var easters = map[int]string{2024: "03-31", 2025: "04-20", 2026: "04-05", 2027: "03-28", 2028: "04-16", 2029: "04-01", 2030: "04-21",
	2000: "04-23", 1943: "04-25", 2285: "03-22", 1818: "03-22", 2038: "04-25"}

func TestEaster(t *testing.T) {
	for year, want := range easters {
		if got := Easter(year).Format("01-02"); got != want {
			t.Errorf("%d: %s, want %s", year, got, want)
		}
	}
}

func TestRKO4_HolidaysOf2024To2030(t *testing.T) {
	for year, list := range holidays {
		var got []string
		for d := time.Date(year, 1, 1, 12, 0, 0, 0, cda.Helsinki()); d.Year() == year; d = d.AddDate(0, 0, 1) {
			if Holiday(d) != "" && d.Weekday() != time.Sunday {
				got = append(got, d.Format("01-02"))
			}
		}
		if want := strings.Fields(list); !slices.Equal(got, want) {
			t.Errorf("%d: %v, want %v", year, got, want)
		}
	}
}

// Every day of seven years: a weekday is Monday to Friday, no holiday and no eve;
// a switch changes exactly its own days.
func TestRKO4_WeekdaysAndSwitches(t *testing.T) {
	all := Calendar{SaturdayCounts: true, ChristmasEveCounts: true, MidsummerEveCounts: true}
	for d := time.Date(2024, 1, 1, 0, 0, 0, 0, cda.Helsinki()); d.Year() <= 2030; d = d.AddDate(0, 0, 1) {
		sunday, saturday := d.Weekday() == time.Sunday, d.Weekday() == time.Saturday
		holiday := slices.Contains(strings.Fields(holidays[d.Year()]), d.Format("01-02"))
		christmas := d.Format("01-02") == "12-24"
		next := d.AddDate(0, 0, 1)
		midsummer := d.Month() == time.June && Holiday(next) == "juhannuspäivä"
		if want := !sunday && !saturday && !holiday && !christmas && !midsummer; (Calendar{}).Weekday(d) != want {
			t.Errorf("%s: not %v", d.Format(time.DateOnly), want)
		}
		if want := !sunday && !holiday; all.Weekday(d) != want {
			t.Errorf("%s with every switch: not %v", d.Format(time.DateOnly), want)
		}
		if c := (Calendar{SaturdayCounts: true}); c.Weekday(d) != (Calendar{}).Weekday(d) && !saturday {
			t.Errorf("%s is changed by the switch of Saturdays", d.Format(time.DateOnly))
		}
		if c := (Calendar{ChristmasEveCounts: true}); c.Weekday(d) != (Calendar{}).Weekday(d) && !christmas {
			t.Errorf("%s is changed by the switch of Christmas Eve", d.Format(time.DateOnly))
		}
		if c := (Calendar{MidsummerEveCounts: true}); c.Weekday(d) != (Calendar{}).Weekday(d) && !midsummer {
			t.Errorf("%s is changed by the switch of Midsummer Eve", d.Format(time.DateOnly))
		}
	}
}

// Closing by hand: the last moment is 24:00 Helsinki time of the n-th weekday.
func TestRKO4_Closing(t *testing.T) {
	for _, c := range []struct {
		name, ended string
		n           int
		calendar    Calendar
		want        string // the first moment after
	}{
		{"no delay: the day itself", "2026-03-04", 0, Calendar{}, "2026-03-05T00:00:00+02:00"},
		{"seven plain weekdays", "2026-03-02", 7, Calendar{}, "2026-03-12T00:00:00+02:00"},
		{"ended on a Saturday", "2026-03-07", 1, Calendar{}, "2026-03-10T00:00:00+02:00"},
		{"over Easter 2026", "2026-04-01", 7, Calendar{}, "2026-04-15T00:00:00+03:00"},
		{"over Easter 2024 and the change to summer time", "2024-03-27", 2, Calendar{}, "2024-04-03T00:00:00+03:00"},
		{"over Christmas 2026", "2026-12-22", 7, Calendar{}, "2027-01-06T00:00:00+02:00"},
		{"the same with Christmas Eve counted", "2026-12-22", 7, Calendar{ChristmasEveCounts: true}, "2027-01-05T00:00:00+02:00"},
		{"over Midsummer 2026", "2026-06-17", 2, Calendar{}, "2026-06-23T00:00:00+03:00"},
		{"the same with Midsummer Eve counted", "2026-06-17", 2, Calendar{MidsummerEveCounts: true}, "2026-06-20T00:00:00+03:00"},
		{"with Saturdays counted", "2026-03-02", 7, Calendar{SaturdayCounts: true}, "2026-03-11T00:00:00+02:00"},
		{"May Day on a Friday", "2026-04-30", 1, Calendar{}, "2026-05-05T00:00:00+03:00"},
		{"Independence Day on a Monday", "2027-12-03", 1, Calendar{}, "2027-12-08T00:00:00+02:00"},
		{"the autumn change of time", "2026-10-23", 1, Calendar{}, "2026-10-27T00:00:00+02:00"},
	} {
		ended, _ := moment(c.ended)
		if got := c.calendar.Closing(ended, c.n).Format(time.RFC3339); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
