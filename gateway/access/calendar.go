package access

import (
	"time"

	"portti/cda"
)

// Calendar tells weekdays (arkipäivä) in Finland: Monday to Friday without public
// holidays (church act 652/2023 1:6 §, 388/1937, 272/1944). Whether Saturday,
// Christmas Eve and Midsummer Eve count is nowhere told for the closing of a
// registry-use right, so they are switches; by default they do not.
type Calendar struct {
	SaturdayCounts     bool `yaml:"saturday_counts"`
	ChristmasEveCounts bool `yaml:"christmas_eve_counts"`
	MidsummerEveCounts bool `yaml:"midsummer_eve_counts"`
}

// Easter gives Easter Sunday of a year, by the Gregorian computus (the form of
// Meeus, Jones and Butcher), at midnight UTC.
func Easter(year int) time.Time {
	a, b, c := year%19, year/100, year%100
	d, e := b/4, b%4
	f := (b + 8) / 25
	g := (b - f + 1) / 3
	h := (19*a + b - d - g + 15) % 30
	i, k := c/4, c%4
	l := (32 + 2*e + 2*i - h - k) % 7
	m := (a + 11*h + 22*l) / 451
	n := h + l - 7*m + 114
	return time.Date(year, time.Month(n/31), n%31+1, 0, 0, 0, 0, time.UTC)
}

// fixedHolidays are those of the same day each year.
var fixedHolidays = map[[2]int]string{
	{1, 1}: "uudenvuodenpäivä", {1, 6}: "loppiainen", {5, 1}: "vappu",
	{12, 6}: "itsenäisyyspäivä", {12, 25}: "joulupäivä", {12, 26}: "tapaninpäivä",
}

// easterHolidays are told in days from Easter Sunday. Helluntai is a Sunday.
var easterHolidays = map[int]string{
	-2: "pitkäperjantai", 0: "pääsiäispäivä", 1: "2. pääsiäispäivä", 39: "helatorstai", 49: "helluntaipäivä",
}

// Holiday gives the Finnish name of the public holiday on the day of t (in t's own
// zone), "" where it is none. Sundays are not named unless they are one.
func Holiday(t time.Time) string {
	y, m, d := t.Date()
	if name := fixedHolidays[[2]int{int(m), d}]; name != "" {
		return name
	}
	day := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	if name := easterHolidays[int(day.Sub(Easter(y)).Hours())/24]; name != "" {
		return name
	}
	if day.Weekday() != time.Saturday {
		return ""
	}
	switch {
	case m == time.June && d >= 20 && d <= 26:
		return "juhannuspäivä"
	case m == time.October && d == 31, m == time.November && d <= 6:
		return "pyhäinpäivä"
	}
	return ""
}

// Weekday tells whether the day of t counts as a weekday (arkipäivä).
func (c Calendar) Weekday(t time.Time) bool {
	_, m, d := t.Date()
	switch w := t.Weekday(); {
	case w == time.Sunday, Holiday(t) != "":
		return false
	case m == time.December && d == 24 && !c.ChristmasEveCounts:
		return false
	case m == time.June && w == time.Friday && d >= 19 && d <= 25 && !c.MidsummerEveCounts:
		return false
	case w == time.Saturday:
		return c.SaturdayCounts
	}
	return true
}

// Closing gives the moment at which what ended on the day of ended closes: at 24:00
// Helsinki time of the n-th weekday after that day, or of that day itself where n
// is 0.
func (c Calendar) Closing(ended time.Time, n int) time.Time {
	day := ended.In(cda.Helsinki())
	for n > 0 {
		day = day.AddDate(0, 0, 1)
		if c.Weekday(day) {
			n--
		}
	}
	y, m, d := day.Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, cda.Helsinki())
}
