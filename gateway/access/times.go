package access

import (
	"time"

	"portti/cda"
)

// forms are the forms of dates and moments in structured bodies.
var forms = []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02", "2006-01", "2006"}

// moment reads a date or moment as written; one without offset is Helsinki time.
// day tells that no clock time was given. The zero time stands for none, or for one
// that cannot be read.
func moment(s string) (t time.Time, day bool) {
	for i, f := range forms {
		if t, err := time.ParseInLocation(f, s, cda.Helsinki()); err == nil {
			return t, i >= 3
		}
	}
	return time.Time{}, false
}

// from is when something that begins on that day (or moment) is in effect.
func from(s string) time.Time {
	t, _ := moment(s)
	return t
}

// until is when something that ends on that day or moment is over: exclusive, the
// day itself is within. The zero time where it has no end.
func until(s string) time.Time {
	t, day := moment(s)
	if day {
		return t.In(cda.Helsinki()).AddDate(0, 0, 1)
	}
	return t
}

// adult is the age from which a client is no minor.
const adult = 18

// minor tells whether a client born on that day is under age at t.
func minor(birth string, t time.Time) bool {
	b, day := moment(birth)
	return day && b.AddDate(adult, 0, 0).After(t)
}
