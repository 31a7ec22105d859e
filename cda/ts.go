package cda

import (
	"sync"
	"time"
	_ "time/tzdata" // Helsinki's time must be known on machines without a zone database.

	"portti/internal/xmltree"
)

// Precision tells how much of a time stamp is written.
type Precision uint8

// The precisions, from none to fractions of a second.
const (
	NoPrecision Precision = iota
	PrecisionYear
	PrecisionMonth
	PrecisionDay
	PrecisionHour
	PrecisionMinute
	PrecisionSecond
	PrecisionFraction
)

// TSFault tells what is wrong with an HL7 time stamp.
type TSFault uint8

// The faults of a time stamp.
const (
	TSOk TSFault = iota
	// TSEmpty: no characters.
	TSEmpty
	// TSSyntax: not YYYY[MM[DD[HH[MM[SS[.ffff]]]]]][±ZZ[zz]].
	TSSyntax
	// TSCalendar: a month, day, hour, minute or second that does not exist.
	TSCalendar
	// TSOffset: an offset that does not exist, or stands on a date without time.
	TSOffset
)

// String names the fault for a finding's parameter.
func (f TSFault) String() string {
	return [...]string{"", "empty", "syntax", "calendar", "offset"}[f]
}

// Timestamp is an HL7 TS value.
type Timestamp struct {
	// Raw is the value as written.
	Raw string
	// Time is the moment (the first one, where the precision is coarse). A value
	// without offset is read as Finnish local time. Zero where Fault is set.
	Time      time.Time
	Precision Precision
	// HasOffset tells that the value names its offset from UTC.
	HasOffset bool
	// Fault is what is wrong with Raw; TSOk also where the value is null or absent.
	Fault      TSFault
	NullFlavor string
	Node       xmltree.Node
}

// Present tells that the element stands in the document, be it null or empty.
func (t Timestamp) Present() bool { return t.Node > 0 }

// HasValue tells that a value is given, right or wrong.
func (t Timestamp) HasValue() bool { return t.Raw != "" }

// Valid tells that a value is given and right.
func (t Timestamp) Valid() bool { return t.Raw != "" && t.Fault == TSOk }

// Helsinki is the zone of values without offset.
var Helsinki = sync.OnceValue(func() *time.Location {
	loc, err := time.LoadLocation("Europe/Helsinki")
	if err != nil { // cannot be: the zone database is linked in
		return time.FixedZone("EET", 2*60*60)
	}
	return loc
})

// NewTimestamp makes the Timestamp of a moment, to the second, with offset.
func NewTimestamp(t time.Time) Timestamp {
	return Timestamp{Raw: FormatTS(t), Time: t.Truncate(time.Second), Precision: PrecisionSecond, HasOffset: true}
}

// FormatTS writes a moment as the documents do: YYYYMMDDHHMMSS±ZZZZ.
func FormatTS(t time.Time) string { return t.Format("20060102150405-0700") }

// ParseTS reads an HL7 TS value. A fault is told in Timestamp.Fault.
func ParseTS(raw string) Timestamp {
	t := Timestamp{Raw: raw}
	t.Fault = t.parse()
	if t.Fault != TSOk {
		t.Time, t.Precision = time.Time{}, NoPrecision
	}
	return t
}

func (t *Timestamp) parse() TSFault {
	if t.Raw == "" {
		return TSEmpty
	}
	n := digits(t.Raw)
	if n < 4 || n > 14 || n%2 != 0 {
		return TSSyntax
	}
	t.Precision = Precision(n/2 - 1)
	nanos, rest, ok := fraction(t.Raw[n:], n)
	if !ok {
		return TSSyntax
	}
	if rest != t.Raw[n:] {
		t.Precision = PrecisionFraction
	}
	zone, fault := t.zone(rest)
	if fault != TSOk {
		return fault
	}
	parts := [6]int{1, 1, 1}
	parts[0] = number(t.Raw[:4])
	for i := 1; i < n/2-1; i++ {
		parts[i] = number(t.Raw[2+2*i : 4+2*i])
	}
	if parts[0] == 0 || parts[3] > 23 || parts[4] > 59 || parts[5] > 59 {
		return TSCalendar
	}
	t.Time = time.Date(parts[0], time.Month(parts[1]), parts[2], parts[3], parts[4], parts[5], nanos, zone)
	if parts[1] < 1 || parts[1] > 12 || parts[2] < 1 || parts[2] > daysIn(parts[0], parts[1]) {
		return TSCalendar
	}
	return TSOk
}

// zone reads what stands after the digits: nothing, or ±ZZ[zz].
func (t *Timestamp) zone(s string) (*time.Location, TSFault) {
	if s == "" {
		return Helsinki(), TSOk
	}
	if s[0] != '+' && s[0] != '-' || digits(s[1:]) != len(s)-1 || len(s) != 3 && len(s) != 5 {
		return nil, TSSyntax
	}
	minutes := 60 * number(s[1:3])
	if len(s) == 5 {
		if number(s[3:]) > 59 {
			return nil, TSOffset
		}
		minutes += number(s[3:])
	}
	if minutes > 14*60 || t.Precision < PrecisionHour {
		return nil, TSOffset
	}
	if s[0] == '-' {
		minutes = -minutes
	}
	t.HasOffset = true
	if minutes == 0 {
		return time.UTC, TSOk
	}
	return time.FixedZone("", 60*minutes), TSOk
}

// fraction reads ".f…" after a full time; more than nine digits are cut.
func fraction(s string, before int) (nanos int, rest string, ok bool) {
	if s == "" || s[0] != '.' {
		return 0, s, true
	}
	n := digits(s[1:])
	if before != 14 || n == 0 {
		return 0, s, false
	}
	unit := 100_000_000
	for i := 0; i < n && i < 9; i++ {
		nanos += int(s[1+i]-'0') * unit
		unit /= 10
	}
	return nanos, s[1+n:], true
}

// digits counts the leading ASCII digits.
func digits(s string) int {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return i
		}
	}
	return len(s)
}

// number reads ASCII digits; the caller knows that they are few.
func number(s string) int {
	v := 0
	for i := 0; i < len(s); i++ {
		v = v*10 + int(s[i]-'0')
	}
	return v
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}
