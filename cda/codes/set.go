package codes

import (
	_ "embed" // known.yaml
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"
)

//go:embed known.yaml
var knownYAML string

// Set holds code systems, several versions of each. It is read-only and safe for
// concurrent use.
type Set struct {
	bySystem map[string][]*List // loaded before open, newest version and import first
}

// Shipped gives the open lists of known.yaml. Each call reads them anew.
func Shipped() ([]*List, error) {
	var lists []*List
	dec := yaml.NewDecoder(strings.NewReader(knownYAML))
	dec.KnownFields(true)
	if err := dec.Decode(&lists); err != nil {
		return nil, fmt.Errorf("codes: known.yaml: %w", err)
	}
	return lists, nil
}

var defaultSet = sync.OnceValue(func() *Set {
	lists, err := Shipped()
	if err == nil {
		var s *Set
		if s, err = NewSet(lists...); err == nil {
			return s
		}
	}
	panic(err) // excluded by a test
})

// Default gives the set of the shipped lists.
func Default() *Set { return defaultSet() }

// NewSet makes a set of lists, which it keeps.
func NewSet(lists ...*List) (*Set, error) {
	s := &Set{bySystem: make(map[string][]*List)}
	for _, l := range lists {
		if err := l.index(); err != nil {
			return nil, err
		}
		s.bySystem[l.System] = append(s.bySystem[l.System], l)
	}
	for _, ls := range s.bySystem {
		slices.SortStableFunc(ls, preferred)
	}
	return s, nil
}

// preferred orders the lists of one system: loaded ones first, then the newer
// version, then the newer import.
func preferred(a, b *List) int {
	switch {
	case a.Loaded != b.Loaded && a.Loaded:
		return -1
	case a.Loaded != b.Loaded:
		return 1
	}
	if c := compareVersions(b.Version, a.Version); c != 0 {
		return c
	}
	return b.Imported.Compare(a.Imported)
}

// compareVersions compares version arcs by their first four digits, the year
// (2008 and 200801 are of one year), then as numbers.
func compareVersions(a, b string) int {
	if c := strings.Compare(a[:min(4, len(a))], b[:min(4, len(b))]); c != 0 {
		return c
	}
	return compareCodes(a, b)
}

// Systems gives the OIDs of all known code systems, sorted.
func (s *Set) Systems() []string {
	var out []string
	for k := range s.bySystem {
		out = append(out, k)
	}
	slices.SortFunc(out, compareOID)
	return out
}

func compareOID(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), compareCodes)
}

// Lists gives the lists of a code system, the preferred first. The caller must
// not change the slice.
func (s *Set) Lists(system string) []*List { return s.bySystem[system] }

// Split parts a code system as messages carry it ("urn:oid:1.2.246.537.6.1221.201601")
// into the OID of a known system and the version arcs after it. Of an unknown
// system the last arc is taken for the version where it looks like a year or a
// year and month; ok is false for what is no OID.
func (s *Set) Split(system string) (base, version string, known, ok bool) {
	oid := strings.TrimPrefix(system, "urn:oid:")
	if !isOID(oid) {
		return system, "", false, false
	}
	for base = oid; base != ""; base = parentOID(base) {
		if _, known = s.bySystem[base]; known {
			return base, strings.TrimPrefix(oid[len(base):], "."), true, true
		}
	}
	if up := parentOID(oid); up != "" && isOID(up) && looksLikeVersion(oid[len(up)+1:]) {
		return up, oid[len(up)+1:], false, true
	}
	return oid, "", false, true
}

func parentOID(oid string) string {
	i := strings.LastIndexByte(oid, '.')
	if i < 0 {
		return ""
	}
	return oid[:i]
}

func looksLikeVersion(arc string) bool {
	return (len(arc) == 4 || len(arc) == 6) && (strings.HasPrefix(arc, "19") || strings.HasPrefix(arc, "20"))
}

// list gives the list that judges codes of a system and version at a time, and
// whether it is of the version asked for.
func (s *Set) list(base, version string, at time.Time) (l *List, same bool) {
	lists := s.bySystem[base]
	if len(lists) == 0 {
		return nil, false
	}
	if version == "" {
		for _, l := range lists {
			if l.Loaded && validAt(l.From, l.To, at) {
				return l, true
			}
		}
		return lists[0], true
	}
	for _, exact := range []bool{true, false} { // a list without version stands for any
		for _, l := range lists {
			if l.Loaded && (exact && l.Version == version || !exact && l.Version == "") {
				return l, true
			}
		}
	}
	for _, l := range lists {
		if l.Version == version {
			return l, true
		}
	}
	return lists[0], lists[0].Version == ""
}

// validAt tells whether at lies between from and to, both inclusive; zero times
// bound nothing.
func validAt(from, to, at time.Time) bool {
	return at.IsZero() || !at.Before(from) && (to.IsZero() || !at.After(to))
}
