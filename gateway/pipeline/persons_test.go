package pipeline

import (
	"encoding/json"
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
			whole(s, clientIDs(d))
			if got := s.Persons()[0].IDs; !slices.Equal(got, []string{root + " " + code}) {
				t.Errorf("%s, %s: %q", name, what, got)
			}
		}
	}
	s := &store.State{Permission: &store.Permission{Client: store.Person{IDs: []string{hetu, "010101A903Z"}}}}
	whole(s, clientIDs(d))
	if got := s.Persons()[0].IDs; !slices.Equal(got, []string{hetu, "010101A903Z"}) {
		t.Errorf("identity codes: %q", got)
	}
}

// Two clients with one code under two roots stay two, however the body writes them.
func TestDOC10_TwoClientsWithOneTemporaryCodeStayTwo(t *testing.T) {
	const one, two = "1.2.246.10.99999901.22.2019 010101A901X", "1.2.246.10.99999902.22.2019 010101A901X"
	d := &cda.Metadata{}
	for _, root := range []string{"1.2.246.10.99999901.22.2019", "1.2.246.10.99999902.22.2019"} {
		d.Clients = append(d.Clients, cda.Client{ID: cda.ID{Root: root, Extension: "010101A901X"}})
	}
	for _, key := range []string{one, two, "010101A901X", "1.2.246.10.99999903.22.2019 010101A901X"} {
		if got := meant(clientIDs(d), key); got != key {
			t.Errorf("%q became %q", key, got)
		}
	}
}

// A note of disclosure without the root of a temporary id is of the header's client.
func TestDOC10_LOG2_ANoteIsOfTheHeadersClient(t *testing.T) {
	const key = "1.2.246.10.99999901.22.2019 010101A901X"
	a := &store.Archival{Index: store.Index{Clients: []string{key}}}
	for _, body := range []string{`{"value":"010101A901X"}`, `{"system":"urn:oid:1.2.246.10.99999901.22.2019","value":"010101A901X"}`} {
		var n note
		if err := json.Unmarshal([]byte(`{"asiakas":[{"tilapainen_yksilointitunnus":`+body+`}]}`), &n); err != nil {
			t.Fatal(err)
		}
		if got := n.clients(a); !slices.Equal(got, []string{key}) {
			t.Errorf("%s: %q", body, got)
		}
	}
}
