package xmldsig

import (
	"strings"
	"time"
)

// timeFault tells what is wrong with a timestamp.
type timeFault uint8

const (
	timeFine timeFault = iota
	timeBad
	timeNoZone
)

// parseDateTime reads an xs:dateTime with a zone (interface 7.3: UTC with Z and a
// fraction of seconds, or local time with offset). White space around it is
// collapsed as the type demands; digits of the fraction beyond the ninth are cut.
func parseDateTime(s string) (time.Time, timeFault) {
	s = strings.Trim(s, " \t\r\n")
	const layout = "2006-01-02T15:04:05"
	if len(s) < len(layout) || !dateTimeShape(s[:len(layout)]) {
		return time.Time{}, timeBad
	}
	clock, rest := s[:len(layout)], s[len(layout):]
	nano, rest, ok := fraction(rest)
	if !ok {
		return time.Time{}, timeBad
	}
	midnight := strings.HasSuffix(clock, "T24:00:00") && nano == 0
	if midnight {
		clock = clock[:11] + "00:00:00"
	}
	t, err := time.Parse(layout, clock)
	if err != nil {
		return time.Time{}, timeBad
	}
	if midnight {
		t = t.AddDate(0, 0, 1)
	}
	if rest == "" {
		return time.Time{}, timeNoZone
	}
	offset, ok := zone(rest)
	if !ok {
		return time.Time{}, timeBad
	}
	t = t.Add(time.Duration(nano) - offset)
	if offset == 0 {
		return t, timeFine
	}
	return t.In(time.FixedZone("", int(offset/time.Second))), timeFine
}

// dateTimeShape tells whether every place of s holds the digit or sign it should:
// time.Parse alone takes forms that xs:dateTime does not have.
func dateTimeShape(s string) bool {
	const shape = "dddd-dd-ddTdd:dd:dd"
	for i := range len(shape) {
		if shape[i] == 'd' && (s[i] < '0' || s[i] > '9') || shape[i] != 'd' && s[i] != shape[i] {
			return false
		}
	}
	return true
}

// fraction cuts ".digits" off and gives it in nanoseconds.
func fraction(s string) (nano int64, rest string, ok bool) {
	if s == "" || s[0] != '.' {
		return 0, s, true
	}
	i, unit := 1, int64(100_000_000)
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		nano += int64(s[i]-'0') * unit
		unit /= 10
	}
	return nano, s[i:], i > 1
}

// zone reads "Z" or an offset up to 14 hours.
func zone(s string) (time.Duration, bool) {
	if s == "Z" {
		return 0, true
	}
	if len(s) != 6 || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	t, err := time.Parse("15:04", s[1:])
	if err != nil || s[3] != ':' {
		return 0, false
	}
	d := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
	if d > 14*time.Hour {
		return 0, false
	}
	if s[0] == '-' {
		d = -d
	}
	return d, true
}
