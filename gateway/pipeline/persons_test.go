package pipeline

import (
	"slices"
	"testing"

	"portti/cda"
	"portti/store"
)

// A body that leaves out whose temporary id it writes means the header's.
func TestDOC10_AStateHasItsTemporaryIDsRootFromTheHeader(t *testing.T) {
	const root, code, hetu = "1.2.246.10.99999901.22.2019", "010101A901X", "010101A902Y"
	d := &cda.Metadata{Clients: []cda.Client{
		{ID: cda.ID{Root: cda.RootHetu, Extension: hetu}, MoreIDs: []cda.ID{{Root: root, Extension: code}}},
	}}
	for what, ids := range map[string][]string{"bare": {code}, "another root": {"1.2.246.10.99999901.22.2001 " + code}, "whole": {root + " " + code}} {
		for name, s := range map[string]*store.State{
			"permission":  {Permission: &store.Permission{Client: store.Person{IDs: slices.Clone(ids)}}},
			"prohibition": {Prohibition: &store.Prohibition{Client: store.Person{IDs: slices.Clone(ids)}}},
			"case":        {Case: &store.Case{Clients: []store.CaseClient{{Person: store.Person{IDs: slices.Clone(ids)}}}}},
		} {
			whole(s, d)
			if got := s.Persons()[0].IDs; !slices.Equal(got, []string{root + " " + code}) {
				t.Errorf("%s, %s: %q", name, what, got)
			}
		}
	}
	s := &store.State{Permission: &store.Permission{Client: store.Person{IDs: []string{hetu, "010101A903Z"}}}}
	whole(s, d)
	if got := s.Persons()[0].IDs; !slices.Equal(got, []string{hetu, "010101A903Z"}) {
		t.Errorf("identity codes: %q", got)
	}
}
