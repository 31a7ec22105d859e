package codes

import (
	"fmt"
	"strings"
	"time"
)

// take puts one attribute of a code server's code where it belongs. The names
// differ between its REST answers, its XML and CSV (kanta-facts-2 5): letter case,
// spaces and underscores do not count. The first value of a name stands.
func (c *Code) take(name, language, value string) {
	value = strings.TrimSpace(value)
	if value == "" {
		return
	}
	sv := strings.EqualFold(language, "sv")
	switch plainName(name) {
	case "longname", "nimi", "name", "fi", "pitkanimi", "pitkänimi":
		if sv {
			set(&c.SV, value)
		} else {
			set(&c.FI, value)
		}
	case "longnamesv", "namn", "sv", "namesv", "nimisv":
		set(&c.SV, value)
	case "parentid", "parent", "yläkoodi":
		set(&c.Parent, value)
	case "hierarchylevel":
	case "status":
		set(&c.Status, statusWord(value))
	default:
		if c.Attributes == nil {
			c.Attributes = make(map[string]string)
		}
		if sv {
			name += "@sv"
		}
		if _, ok := c.Attributes[name]; !ok {
			c.Attributes[name] = value
		}
	}
}

func set(to *string, value string) {
	if *to == "" {
		*to = value
	}
}

func plainName(s string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "_", "", "-", "", ":", "").Replace(s))
}

// statusWord gives the REST word for the XML export's number where it is known.
func statusWord(s string) string {
	if s == "1" {
		return "ACTIVE"
	}
	return strings.ToUpper(s)
}

// The code server's words for "since ever" and "for ever".
var (
	ever    = time.Date(1900, 1, 2, 0, 0, 0, 0, time.UTC)
	forever = time.Date(2099, 12, 31, 0, 0, 0, 0, time.UTC)
)

// bound gives the zero time for the code server's default dates.
func bound(t time.Time) time.Time {
	if t.Before(ever) || !t.Before(forever) {
		return time.Time{}
	}
	return t
}

// parseTime reads the code server's times: with or without zone, fraction and
// time of day, and the Finnish d.m.yyyy. Times without zone are taken for UTC.
func parseTime(s string) (time.Time, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02 15:04:05", time.DateOnly, "2.1.2006"} {
		if t, err := time.Parse(layout, s); err == nil {
			return bound(t), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time that the code server writes", s)
}

// endOfDay moves a To without time of day to the end of its day.
func endOfDay(t time.Time) time.Time {
	if t.IsZero() || t.Hour()+t.Minute()+t.Second() > 0 {
		return t
	}
	return t.AddDate(0, 0, 1).Add(-time.Second)
}

// newList begins a loaded list of a code system by its OID, whose version arc is
// told by the shipped lists or by its look.
func newList(oid string) *List {
	base, version, known, _ := Default().Split(oid)
	l := &List{System: base, Version: version, Loaded: true}
	if known {
		for _, k := range Default().Lists(base) {
			set(&l.Name, k.Name)
			set(&l.NameSV, k.NameSV)
		}
	}
	return l
}

// finish orders and checks a list just read.
func (l *List) finish() (*List, error) {
	if len(l.Codes) == 0 {
		return nil, fmt.Errorf("codes: %s: no codes", l.OID())
	}
	for i := range l.Codes {
		l.Codes[i].To = endOfDay(l.Codes[i].To)
	}
	l.To = endOfDay(l.To)
	l.sortCodes()
	return l, l.index()
}
