package codes

import (
	"strings"
	"time"

	"portti/internal/finding"
)

// Verdict is what a check of a code comes to.
type Verdict uint8

// The verdicts (requirement META-4: unknown, ended and wrong class are different
// findings).
const (
	// Known: the code is in the list and valid at the time.
	Known Verdict = iota
	// Unknown: it is not in the list. Where Result.Open is set it may exist all the same.
	Unknown
	// Ended and NotYet: it is in the list, but its validity, or that of the version,
	// lies before or after the time; a code deleted on the code server has ended.
	Ended
	NotYet
	// WrongClass: the code system is not the one expected.
	WrongClass
	// WrongLevel: the code is in the list, but others stand under it where leaf
	// codes are asked for, or it is not of the top level where that is asked for.
	WrongLevel
	// UnknownSystem: nothing is known of the code system.
	UnknownSystem
	// NoSystem: the code system is not an OID.
	NoSystem
)

// String gives the verdict's name for tests and logs.
func (v Verdict) String() string {
	return [...]string{"known", "unknown", "ended", "not-yet", "wrong-class", "wrong-level", "unknown-system", "no-system"}[v]
}

// Level tells which codes of a hierarchy are meant.
type Level uint8

// The levels.
const (
	AnyLevel Level = iota
	LeafCodes
	TopCodes
)

// Expectation is what a field asks of a code.
type Expectation struct {
	// System is the OID without version arc, "" for any.
	System string
	Level  Level
}

// Result is the outcome of a check.
type Result struct {
	Verdict Verdict
	// Open tells that the list which judged is not whole, or of another version
	// than the code's: a missing code is then a remark, no error.
	Open bool
	// System and Version are the parts of the code system as given; Given is it as
	// it stood, Code the code.
	System, Version string
	Given, Code     string
	// Expected is the code system that a WrongClass should have had.
	Expected string
	// Level is what a WrongLevel did not meet.
	Level Level
	// List judged, Entry is the code in it; nil where there is none.
	List  *List
	Entry *Code
	// At is the time of the check; Bound the end of an Ended or the beginning of a
	// NotYet validity, zero where not known.
	At, Bound time.Time
}

// Check judges a code of a code system ("urn:oid:…" or a bare OID, with or without
// version arcs) at a time; the zero time asks for no validity.
func (s *Set) Check(system, code string, at time.Time) Result {
	return s.CheckAs(Expectation{}, system, code, at)
}

// CheckAs is Check for a field that expects a code system and level.
func (s *Set) CheckAs(e Expectation, system, code string, at time.Time) Result {
	base, version, known, ok := s.Split(system)
	r := Result{System: base, Version: version, Given: system, Code: code, Expected: e.System, Level: e.Level, At: at}
	switch {
	case !ok:
		r.Verdict = NoSystem
		return r
	case e.System != "" && base != e.System:
		r.Verdict = WrongClass
		return r
	case !known:
		r.Verdict = UnknownSystem
		return r
	}
	l, same := s.list(base, version, at)
	r.List, r.Entry = l, l.Lookup(code)
	r.Open = !l.Loaded || !same
	r.Verdict = r.judge()
	return r
}

func (r *Result) judge() Verdict {
	c := r.Entry
	if c == nil {
		return Unknown
	}
	for _, v := range []struct{ from, to time.Time }{{c.From, c.To}, {r.List.From, r.List.To}} {
		switch {
		case r.At.IsZero():
		case r.At.Before(v.from):
			r.Bound = v.from
			return NotYet
		case !v.to.IsZero() && r.At.After(v.to):
			r.Bound = v.to
			return Ended
		}
	}
	switch {
	case c.Status == "DELETED":
		return Ended
	case r.Level == LeafCodes && !r.List.Leaf(c.Code), r.Level == TopCodes && c.Parent != "":
		return WrongLevel
	}
	return Known
}

// SameDisplay tells whether a display name is the code's Finnish or Swedish name,
// whatever its case and spaces; true where the name is not known.
func (r *Result) SameDisplay(display string) bool {
	if r.Entry == nil || r.Entry.FI == "" && r.Entry.SV == "" {
		return true
	}
	return sameName(display, r.Entry.FI) || r.Entry.SV != "" && sameName(display, r.Entry.SV)
}

func sameName(a, b string) bool {
	return strings.EqualFold(strings.Join(strings.Fields(a), " "), strings.Join(strings.Fields(b), " "))
}

// Finding tells what is wrong with the code of a field, ok false where nothing is.
// A code that an open list lacks is a warning (CODE-UNLISTED); where nothing at
// all of the list is loaded, a remark that it was not checked (CODE-UNCHECKED).
func (r *Result) Finding(field string, place finding.Place) (f finding.Finding, bad bool) {
	f = finding.Finding{Place: place, Value: r.Code, Params: []finding.Param{
		finding.P("field", field), finding.P("system", r.Given), finding.P("list", r.listName())}}
	switch r.Verdict {
	case Known:
		return finding.Finding{}, false
	case Unknown:
		f.Rule = RuleUnknown
		switch {
		case r.Open && len(r.List.Codes) == 0:
			f.Rule = RuleUnchecked
		case r.Open:
			f.Rule = RuleUnlisted
		}
	case Ended:
		f.Rule = RuleEnded
		f.Params = append(f.Params, finding.P("bound", day(r.Bound)), finding.P("at", day(r.At)))
	case NotYet:
		f.Rule = RuleNotYet
		f.Params = append(f.Params, finding.P("bound", day(r.Bound)), finding.P("at", day(r.At)))
	case WrongClass:
		f.Rule, f.Value = RuleWrongClass, r.Given
		f.Params = append(f.Params, finding.P("expected", r.Expected))
	case WrongLevel:
		f.Rule = RuleNotLeaf
		if r.Level == TopCodes {
			f.Rule = RuleNotTop
		}
	case UnknownSystem:
		f.Rule, f.Value = RuleSystemUnknown, r.Given
	case NoSystem:
		f.Rule, f.Value = RuleSystemForm, r.Given
	}
	return f, true
}

func (r *Result) listName() string {
	if r.List == nil {
		return r.System
	}
	return r.List.Name
}

func day(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.Format(time.DateOnly)
}
