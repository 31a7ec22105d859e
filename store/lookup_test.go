package store

import (
	"errors"
	"slices"
	"testing"
)

// Of every filter a lookup of all ids finds what a search finds.
func TestARK4_LookupFindsWhatASearchFinds(t *testing.T) {
	s := open(t)
	docs := spread(120)
	var names []string
	for _, a := range docs {
		mustArchive(t, s, a)
		names = append(names, a.ID)
	}
	for name, f := range filters {
		for in, sc := range map[string]Scope{"A": inA, "all": all} {
			want := expected(docs, f.ok, sc)
			for how, look := range map[string]func() ([]Hit, error){
				"ids":    func() ([]Hit, error) { return s.Lookup(bg, sc, names, f.f) },
				"series": func() ([]Hit, error) { return s.LookupSeries(bg, sc, names, f.f) },
			} {
				hits, err := look()
				if err != nil {
					t.Fatal(err)
				}
				var have []string
				for _, h := range hits {
					have = append(have, h.ID)
				}
				if !slices.Equal(have, want) {
					t.Errorf("%s in %s by %s: %d hits, want %d", name, in, how, len(have), len(want))
				}
			}
		}
	}
	if hits, err := s.Lookup(bg, Scope{Purpose: "test"}, names, Filter{}); err != nil || len(hits) != 0 {
		t.Errorf("outside the scope: %d hits, %v", len(hits), err)
	}
	if _, err := s.Lookup(bg, all, make([]string, MaxLookup+1), Filter{}); !errors.Is(err, ErrInput) {
		t.Errorf("too many names: %v", err)
	}
	if _, err := s.Lookup(bg, Scope{All: true}, names, Filter{}); !errors.Is(err, ErrScope) {
		t.Errorf("no purpose: %v", err)
	}
}
