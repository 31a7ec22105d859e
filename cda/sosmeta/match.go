package sosmeta

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// matchClass tells how a pattern is matched: the three forms that the national
// structures use by hand, any other by Go's regexp.
type matchClass uint8

const (
	matchAny matchClass = iota
	matchDate
	matchMoment
	matchSystem
	matchRegexp
)

// The patterns of dates and times in the national structures. Note that the day
// may be 00 and the 31st stands for every month.
const (
	datePattern   = `^-?[0-9]{4}(-(0[1-9]|1[0-2])(-(0[0-9]|[1-2][0-9]|3[0-1]))?)?$`
	momentPattern = `^-?[0-9]{4}(-(0[1-9]|1[0-2])(-(0[0-9]|[1-2][0-9]|3[0-1])(T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?(Z|(\+|-)((0[0-9]|1[0-3]):[0-5][0-9]|14:00)))?)?)?$`
)

type matcher struct {
	class  matchClass
	prefix string // matchSystem: "urn:oid:" and the OID
	re     *regexp.Regexp
}

// newMatcher compiles a pattern. Patterns are searched for anywhere in the text,
// as JSON Schema says; one that Go's regexp does not know is an error.
func newMatcher(pattern string) (matcher, error) {
	switch pattern {
	case "":
		return matcher{}, nil
	case datePattern:
		return matcher{class: matchDate}, nil
	case momentPattern:
		return matcher{class: matchMoment}, nil
	}
	if oid := systemOfPattern(pattern); oid != "" {
		return matcher{class: matchSystem, prefix: "urn:oid:" + oid}, nil
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return matcher{}, fmt.Errorf("pattern %q: %w", pattern, err)
	}
	return matcher{class: matchRegexp, re: re}, nil
}

// systemOfPattern gives the OID of a pattern of the form
// ^urn:oid:1\.2\.3(\.\d+)*$, or "".
func systemOfPattern(pattern string) string {
	s, ok := strings.CutPrefix(pattern, "^urn:oid:")
	if !ok {
		return ""
	}
	if s, ok = strings.CutSuffix(s, `(\.\d+)*$`); !ok {
		return ""
	}
	oid := strings.ReplaceAll(s, `\.`, ".")
	if !isOID(oid) || strings.Count(s, `\.`) != strings.Count(oid, ".") {
		return ""
	}
	return oid
}

func (m *matcher) matches(b []byte) bool {
	switch m.class {
	case matchDate:
		n, _ := datePart(b)
		return n > 0 && n == len(b)
	case matchMoment:
		return isMoment(b)
	case matchSystem:
		return hasArcs(b, m.prefix)
	case matchRegexp:
		return m.re.Match(b)
	}
	return true
}

// datePart reads the longest year, year-month or date at the head of b and gives
// its length (0 for none) and whether it has a day.
func datePart(b []byte) (n int, full bool) {
	if len(b) > 0 && b[0] == '-' {
		n = 1
	}
	if len(b) < n+4 || !digits(b[n:n+4]) {
		return 0, false
	}
	n += 4
	if len(b) < n+3 || b[n] != '-' || !inRange(b[n+1:n+3], 1, 12) {
		return n, false
	}
	n += 3
	if len(b) < n+3 || b[n] != '-' || !inRange(b[n+1:n+3], 0, 31) {
		return n, false
	}
	return n + 3, true
}

func digits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// inRange tells whether two digits are a number from lo to hi.
func inRange(b []byte, lo, hi int) bool {
	if !digits(b) {
		return false
	}
	v := int(b[0]-'0')*10 + int(b[1]-'0')
	return v >= lo && v <= hi
}

func isMoment(b []byte) bool {
	n, full := datePart(b)
	if n == 0 {
		return false
	}
	if n == len(b) {
		return true
	}
	if !full || b[n] != 'T' {
		return false
	}
	return isClock(b[n+1:])
}

// isClock tells whether b is hh:mm:ss with optional fraction and a zone.
func isClock(b []byte) bool {
	if len(b) < 9 || !inRange(b[0:2], 0, 23) || b[2] != ':' || !inRange(b[3:5], 0, 59) || b[5] != ':' || !inRange(b[6:8], 0, 59) {
		return false
	}
	b = b[8:]
	if b[0] == '.' {
		n := 1
		for n < len(b) && b[n] >= '0' && b[n] <= '9' {
			n++
		}
		if n == 1 || n == len(b) {
			return false
		}
		b = b[n:]
	}
	if len(b) == 1 {
		return b[0] == 'Z'
	}
	if len(b) != 6 || b[0] != '+' && b[0] != '-' || b[3] != ':' {
		return false
	}
	return inRange(b[1:3], 0, 13) && inRange(b[4:6], 0, 59) || string(b[1:]) == "14:00"
}

// hasArcs tells whether b is prefix followed by any number of ".digits".
func hasArcs(b []byte, prefix string) bool {
	if len(b) < len(prefix) || string(b[:len(prefix)]) != prefix {
		return false
	}
	b = b[len(prefix):]
	for len(b) > 0 {
		if b[0] != '.' {
			return false
		}
		n := 1
		for n < len(b) && b[n] >= '0' && b[n] <= '9' {
			n++
		}
		if n == 1 {
			return false
		}
		b = b[n:]
	}
	return true
}

// inCalendar tells whether a string that matches the date or moment pattern
// names a day that the calendar has. A year or month alone is fine, a year
// before our era is not judged.
func inCalendar(b []byte) bool {
	n, full := datePart(b)
	if !full || b[0] == '-' {
		return true
	}
	_, err := time.Parse(time.DateOnly, string(b[:n]))
	return err == nil
}

// longEnough tells whether b has at least n code points.
func longEnough(b []byte, n int) bool {
	if len(b) == 0 {
		return n == 0
	}
	return n <= 1 || utf8.RuneCount(b) >= n
}
