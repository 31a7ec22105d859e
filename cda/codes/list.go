package codes

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Code is one value of a code system.
type Code struct {
	// Code is the value as messages carry it.
	Code string `json:"code" yaml:"code"`
	// FI and SV are its names; "" where not known.
	FI string `json:"fi,omitempty" yaml:"fi"`
	SV string `json:"sv,omitempty" yaml:"sv"`
	// Parent is the code above it, "" for the top level or where not known.
	Parent string `json:"parent,omitempty" yaml:"parent"`
	// From and To bound its validity, both inclusive; zero for no bound.
	From time.Time `json:"from,omitzero" yaml:"-"`
	To   time.Time `json:"to,omitzero" yaml:"-"`
	// Status is the code server's: ACTIVE, PROPOSAL, DELETED, or "".
	Status string `json:"status,omitempty" yaml:"-"`
	// Source and Certainty are set where they differ from the list's.
	Source    string `json:"source,omitempty" yaml:"source"`
	Certainty string `json:"certainty,omitempty" yaml:"certainty"`
	// Attributes are the code server's further attributes by name, such as those
	// of the organisation register.
	Attributes map[string]string `json:"attributes,omitempty" yaml:"-"`
}

// List is one version of a code system.
type List struct {
	// System is the OID without version arc, Version the arc, "" if not known.
	System  string `json:"system" yaml:"system"`
	Version string `json:"version,omitempty" yaml:"version"`
	// Name and NameSV are the code system's names.
	Name   string `json:"name,omitempty" yaml:"name"`
	NameSV string `json:"name_sv,omitempty" yaml:"name_sv"`
	// Loaded tells that the list is whole: a code that is not in it does not exist.
	Loaded bool `json:"loaded" yaml:"-"`
	// From and To bound the version's validity, both inclusive; zero for no bound.
	From time.Time `json:"from,omitzero" yaml:"-"`
	To   time.Time `json:"to,omitzero" yaml:"-"`
	// Imported is the time of the import, Source where the list is from and
	// Certainty how sure it is (V, I …; "" for imports).
	Imported  time.Time `json:"imported,omitzero" yaml:"-"`
	Source    string    `json:"source,omitempty" yaml:"source"`
	Certainty string    `json:"certainty,omitempty" yaml:"certainty"`
	Codes     []Code    `json:"codes" yaml:"codes"`

	byCode   map[string]int
	children map[string][]int // indexes of the codes right under one
}

// OID gives the list's OID with its version arc.
func (l *List) OID() string {
	if l.Version == "" {
		return l.System
	}
	return l.System + "." + l.Version
}

// index makes the list ready for look-ups. A code that stands twice, or under a
// code that does not exist, or under itself, is an error.
func (l *List) index() error {
	if !isOID(l.System) || l.Version != "" && !isArcs(l.Version) {
		return fmt.Errorf("codes: %q with version %q is not a code system's OID", l.System, l.Version)
	}
	l.byCode = make(map[string]int, len(l.Codes))
	l.children = make(map[string][]int)
	for i, c := range l.Codes {
		if c.Code == "" {
			return fmt.Errorf("codes: %s: code %d is empty", l.OID(), i+1)
		}
		if _, again := l.byCode[c.Code]; again {
			return fmt.Errorf("codes: %s: code %q stands twice", l.OID(), c.Code)
		}
		l.byCode[c.Code] = i
	}
	for i, c := range l.Codes {
		l.children[c.Parent] = append(l.children[c.Parent], i)
		if c.Parent == "" {
			continue
		}
		if _, ok := l.byCode[c.Parent]; !ok && l.Loaded {
			return fmt.Errorf("codes: %s: code %q stands under %q, which does not exist", l.OID(), c.Code, c.Parent)
		}
	}
	return l.circles()
}

// circles finds codes that stand under themselves.
func (l *List) circles() error {
	done := make(map[string]bool, len(l.Codes))
	for _, c := range l.Codes {
		seen := map[string]bool{}
		for at := c.Code; at != "" && !done[at]; {
			if seen[at] {
				return fmt.Errorf("codes: %s: code %q stands under itself", l.OID(), at)
			}
			seen[at] = true
			i, ok := l.byCode[at]
			if !ok {
				break
			}
			at = l.Codes[i].Parent
		}
		for k := range seen {
			done[k] = true
		}
	}
	return nil
}

// Lookup gives the code, or nil.
func (l *List) Lookup(code string) *Code {
	if i, ok := l.byCode[code]; ok {
		return &l.Codes[i]
	}
	return nil
}

// Hierarchical tells whether any code stands under another.
func (l *List) Hierarchical() bool { return len(l.children[""]) < len(l.Codes) }

// Leaf tells whether no code stands under this one (lehtisolmu).
func (l *List) Leaf(code string) bool { return len(l.children[code]) == 0 }

// Children gives the codes right under parent, "" for the top level, in the
// list's order.
func (l *List) Children(parent string) []*Code {
	var out []*Code
	for _, i := range l.children[parent] {
		out = append(out, &l.Codes[i])
	}
	return out
}

// sortCodes orders codes as people count: numbers by value before words. (The
// code server sorts ids as texts, 10 right after 1.)
func (l *List) sortCodes() {
	slices.SortStableFunc(l.Codes, func(a, b Code) int { return compareCodes(a.Code, b.Code) })
}

func compareCodes(a, b string) int {
	na, nb := isNumber(a), isNumber(b)
	switch {
	case na && nb:
		x, y := strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
		if len(x) != len(y) {
			return len(x) - len(y)
		}
		if c := strings.Compare(x, y); c != 0 {
			return c
		}
	case na:
		return -1
	case nb:
		return 1
	}
	return strings.Compare(a, b)
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// isOID tells whether s is an OID in canonical dotted form.
func isOID(s string) bool {
	return strings.Count(s, ".") > 0 && isArcs(s) && s[0] <= '2' && s[1] == '.'
}

// isArcs tells whether s is numbers without leading zeros, joined by dots.
func isArcs(s string) bool {
	if s == "" || len(s) > 200 {
		return false
	}
	begin := 0
	for i := 0; i <= len(s); i++ {
		switch {
		case i < len(s) && s[i] >= '0' && s[i] <= '9':
		case i < len(s) && s[i] != '.', i == begin, s[begin] == '0' && i > begin+1:
			return false
		default:
			begin = i + 1
		}
	}
	return true
}
