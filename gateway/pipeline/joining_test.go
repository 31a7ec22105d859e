package pipeline

import (
	"slices"
	"testing"
	"time"

	"portti/cda"
	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/cda/organisations"
	"portti/cda/rules/catalogue"
	"portti/fixtures"
	"portti/internal/xmltree"
	"portti/store"
)

var arrived = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// The provider of the tests, with a unit, and the vendor's joining point.
const (
	provider = "1.2.246.10.99999921.10.0"
	branch   = provider + ".301"
	point    = "1.2.246.10.99999938.10.0"
)

// known is what the archive knows in these tests.
func known(t *testing.T, joined organisations.Joined) *Organisations {
	t.Helper()
	r, err := organisations.New(true,
		organisations.Organisation{OID: own}, organisations.Organisation{OID: county}, organisations.Organisation{OID: provider},
		organisations.Organisation{OID: branch, Parent: provider}, organisations.Organisation{OID: unit, Parent: county}) // under own's arc, and county's
	if err != nil {
		t.Fatal(err)
	}
	o := new(Organisations)
	o.Set(organisations.NewDirectory(r, joined))
	return o
}

// storing is a frame that brings a document, or with kind "query" asks for some.
func storing(t *testing.T, kind, sender, user, controller string) *frame.Frame {
	t.Helper()
	f := frameOf(t, sender, user, controller)
	f.Interaction = &interactions.Interaction{Kind: kind}
	return f
}

func TestPRO_ProfilesAndPhasesOfJoinedSystems(t *testing.T) {
	tested := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	base := System{ID: "atj", Organisation: own, Class: organisations.ClassA2, JointTest: tested, Devices: []string{vendor}}
	with := func(change func(*System)) System { s := base; change(&s); return s }
	for _, c := range []struct {
		name   string
		system System
		kind   string
		group  string
		want   []string
	}{
		{"PRO-1 stores", base, "store", "5", nil},
		{"PRO-1 fetches", base, "query", "", nil},
		{"PRO-2 storing stores", with(func(s *System) { s.Profile = organisations.Storing }), "store", "5", nil},
		{"PRO-2 storing fetches", with(func(s *System) { s.Profile = organisations.Storing }), "query", "", []string{RuleProfileFetch}},
		{"PRO-3 viewing fetches", with(func(s *System) { s.Profile = organisations.Viewing }), "query", "", nil},
		{"PRO-3 viewing stores", with(func(s *System) { s.Profile = organisations.Viewing }), "store", "5", []string{RuleProfileStore}},
		{"PRO-4 archiving stores what is old", with(func(s *System) { s.Profile, s.Class = organisations.Archiving, organisations.ClassB }), "store", "3", nil},
		{"PRO-4 archiving stores a relationship", with(func(s *System) { s.Profile = organisations.Archiving }), "store", "1", nil},
		{"PRO-4 archiving stores phase II", with(func(s *System) { s.Profile = organisations.Archiving }), "store", "5", []string{RuleProfileOld}},
		{"PRO-4 archiving fetches", with(func(s *System) { s.Profile = organisations.Archiving }), "query", "", []string{RuleProfileFetch}},
		{"phases", with(func(s *System) { s.Phases = []string{"old"} }), "store", "5", []string{RulePhase}},
		{"PRO-6 class B", with(func(s *System) { s.Class = organisations.ClassB }), "store", "5", []string{RuleSystemClass}},
		{"PRO-6 untested", with(func(s *System) { s.JointTest = time.Time{} }), "store", "5", []string{RuleSystemUntested}},
		{"PRO-6 tested later", with(func(s *System) { s.JointTest = arrived.AddDate(0, 0, 1) }), "store", "5", []string{RuleSystemUntested}},
		{"PRO-6 over", with(func(s *System) { s.To = tested }), "store", "5", []string{RuleSystemTime}},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := fixtureDocument(t)
			doc.Custodian.ID.Root, doc.Local.DocumentGroup.Code = own, c.group
			for _, peer := range []Peer{{Organisation: own}, {}} { // with a certificate, and by the device alone
				a := KnownAccess{Profile: catalogue.Strict, World: Test, Organisations: known(t, organisations.Joined{Systems: []organisations.System{c.system}})}
				q := AccessQuery{Peer: peer, Frame: storing(t, c.kind, vendor, own, own), Document: doc, Arrived: arrived}
				if got := rulesOf(a.Decide(q)); !slices.Equal(got, c.want) {
					t.Errorf("peer %q: %v, want %v", peer.Organisation, got, c.want)
				}
			}
		})
	}
}

func TestPRO6_SystemsAreToldApartByDeviceAndFingerprint(t *testing.T) {
	viewing := organisations.System{ID: "v", Organisation: own, Profile: organisations.Viewing, Devices: []string{vendor}}
	full := organisations.System{ID: "f", Organisation: own, Fingerprint: "aa", Devices: []string{vendor + ".9"}}
	a := KnownAccess{Profile: catalogue.Strict, World: Test, Organisations: known(t, organisations.Joined{Systems: []organisations.System{viewing, full}})}
	for _, c := range []struct {
		sender, fingerprint string
		want                []string
	}{
		{vendor, "aa", []string{RuleProfileStore}},
		{vendor + ".9", "aa", nil},
		{vendor + ".9", "bb", []string{RuleProfileStore, RuleSender}}, // not the certificate of that system
		{own, "aa", nil},
	} {
		q := AccessQuery{Peer: Peer{Organisation: own, Fingerprint: c.fingerprint}, Frame: storing(t, "store", c.sender, own, own), Arrived: arrived}
		if got := rulesOf(a.Decide(q)); !slices.Equal(got, c.want) {
			t.Errorf("%s with %s: %v, want %v", c.sender, c.fingerprint, got, c.want)
		}
	}
}

// A joining point stores for each of its organisations into that one's register
// alone; who it is, the register of organisations tells and never the arc.
func TestPRO5_JoiningPointOfSeveralOrganisations(t *testing.T) {
	s := organisations.System{ID: "p", Organisation: point, Class: organisations.ClassA1, Model: organisations.Shared, SendsFor: []string{own, county}}
	a := KnownAccess{Profile: catalogue.Strict, World: Test, Organisations: known(t, organisations.Joined{Systems: []organisations.System{s}})}
	for _, c := range []struct {
		name, user, controller string
		want                   []string
	}{
		{"its own", own, own, nil},
		{"of a unit", unit, county, nil},
		{"of a unit, into the register that its arc names", unit, own, []string{RuleController}},
		{"of one into the other's", own, county, []string{RuleController}},
		{"of one that it does not send for", branch, provider, []string{RuleJoiningPoint}},
		{"of one that the register does not know", vendor, county, nil},
	} {
		q := AccessQuery{Peer: Peer{Organisation: point}, Frame: storing(t, "store", point, c.user, c.controller), Arrived: arrived}
		if got := rulesOf(a.Decide(q)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// rightsFor grants the question that it was made for.
type rightsFor struct {
	want RightQuery
	seen []RightQuery
}

func (r *rightsFor) MayStore(q RightQuery) bool {
	r.seen = append(r.seen, q)
	return q.Controller == r.want.Controller && q.Organisation == r.want.Organisation && q.Unit == r.want.Unit
}

func TestREK2_NoStoringIntoAnothersRegisterWithoutARight(t *testing.T) {
	systems := []organisations.System{{ID: "p", Organisation: provider, Devices: []string{vendor}}}
	contract := []organisations.Contract{{ID: "k", Organiser: own, Provider: provider, To: arrived.AddDate(0, 1, 0)}}
	tree, err := xmltree.Parse(fixtures.Default().Doc("note-provider").Bytes, xmltree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	doc, _ := cda.Read(tree)
	right := &rightsFor{want: RightQuery{Controller: own, Organisation: provider, Unit: doc.Encounter.Unit().ID.Root}}
	for _, c := range []struct {
		name       string
		contracts  []organisations.Contract
		rights     RegistryRights
		controller string
		at         time.Time
		want       []string
	}{
		{"its own register", nil, nil, provider, arrived, nil},
		{"another's, nothing known", nil, nil, own, arrived, []string{RuleController, RuleSigner}},
		{"another's, a contract alone", contract, nil, own, arrived, []string{RuleRegistryRight, RuleSigner}},
		{"another's, a contract that has ended", contract, nil, own, arrived.AddDate(0, 2, 0), []string{RuleController, RuleSigner}},
		{"another's, with a right", contract, right, own, arrived, nil},
		{"a third one's, with that right", contract, right, county, arrived, []string{RuleController, RuleSigner}},
	} {
		a := KnownAccess{Profile: catalogue.Strict, World: Test, Rights: c.rights,
			Organisations: known(t, organisations.Joined{Systems: systems, Contracts: c.contracts})}
		doc.Custodian.ID.Root = c.controller
		q := AccessQuery{Peer: Peer{Organisation: provider}, Frame: storing(t, "store", vendor, provider, c.controller), Document: doc, Arrived: c.at, Signers: []string{provider}}
		if got := rulesOf(a.Decide(q)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	if len(right.seen) == 0 || len(right.seen[0].Clients) == 0 || right.seen[0].Case == "" || len(right.seen[0].Tasks) == 0 || !right.seen[0].At.Equal(arrived) {
		t.Errorf("the question lacks something: %+v", right.seen)
	}
}

func TestDirectoryOfTheArchiveCounts(t *testing.T) {
	st, err := store.Open(t.Context(), store.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	var o Organisations
	if err := o.LoadOrganisations(t.Context(), st); err != nil || o.Directory() != nil {
		t.Fatalf("an empty archive: %v %v", o.Directory(), err)
	}
	put := func(kind, key string, entry any) {
		t.Helper()
		b, err := organisations.Encode(entry)
		if err != nil {
			t.Fatal(err)
		}
		if err := st.PutDirectory(t.Context(), "test", store.DirectoryEntry{Kind: kind, Key: key, Content: b}); err != nil {
			t.Fatal(err)
		}
	}
	r, err := organisations.New(true, organisations.Organisation{OID: own})
	if err != nil {
		t.Fatal(err)
	}
	put(store.DirectoryOrganisations, "r", r)
	put(store.DirectorySystem, "s", organisations.System{ID: "s", Organisation: own})
	put(store.DirectoryContract, "k", organisations.Contract{ID: "k", Organiser: own, Provider: provider})
	put(store.DirectoryRegister, "c", organisations.ControllerRegister{ID: "c", Controller: own, Code: "1", Kind: organisations.ClientRegister})
	if err := o.LoadOrganisations(t.Context(), st); err != nil {
		t.Fatal(err)
	}
	d := o.Directory()
	if !d.Register.Whole || len(d.Systems) != 1 || len(d.Contracts) != 1 || !d.HasRegister(own, "1", time.Time{}) {
		t.Errorf("%+v", d)
	}
	put(store.DirectorySystem, "s", organisations.System{ID: "s", Organisation: "none"})
	if err := o.LoadOrganisations(t.Context(), st); err == nil || o.Directory() != d {
		t.Errorf("a broken entry is taken: %v", err)
	}
}
