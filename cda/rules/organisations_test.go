package rules

import (
	"slices"
	"strings"
	"testing"
	"time"

	"portti/cda"
	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/cda/internal/testdoc"
	"portti/cda/organisations"
	"portti/cda/sosmeta"
	"portti/internal/finding"
)

// OIDs of the own document and of others.
const (
	ownOrg     = "1.2.246.10.99999901.10.0"
	ownUnit    = "1.2.246.10.99999901.10.7"
	division   = "1.2.246.10.99999901.10.1"
	ended      = "1.2.246.10.99999901.10.8"
	young      = "1.2.246.10.99999901.10.9"
	elsewhere  = "1.2.246.10.99999945.10.5" // own's unit, under another's arc
	foreignOrg = "1.2.246.10.99999911.10.0"
	foreign    = "1.2.246.10.99999911.10.201"
	provider   = "1.2.246.10.99999921.10.0"
	branch     = "1.2.246.10.99999921.10.301"
	nobody     = "1.2.246.10.99999901.10.999"
)

func dayOf(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

// directory is a register of those above; whole tells whether it is all there is.
func directory(tb testing.TB, whole bool, joined organisations.Joined) *organisations.Directory {
	tb.Helper()
	operating, service := organisations.SocialOperating, organisations.SocialService
	r, err := organisations.New(whole,
		organisations.Organisation{OID: ownOrg, Kinds: operating, Name: "Esimerkin hyvinvointialue"},
		organisations.Organisation{OID: division, Parent: ownOrg},
		organisations.Organisation{OID: ownUnit, Parent: division, Kinds: service},
		organisations.Organisation{OID: elsewhere, Parent: ownOrg, Kinds: service},
		organisations.Organisation{OID: ended, Parent: ownOrg, Kinds: service, To: dayOf("2025-12-31")},
		organisations.Organisation{OID: young, Parent: ownOrg, Kinds: service, From: dayOf("2026-06-01")},
		organisations.Organisation{OID: foreignOrg, Kinds: operating},
		organisations.Organisation{OID: foreign, Parent: foreignOrg, Kinds: service},
		organisations.Organisation{OID: provider, Kinds: operating, Sector: organisations.Private},
		organisations.Organisation{OID: branch, Parent: provider, Kinds: service},
	)
	if err != nil {
		tb.Fatal(err)
	}
	return organisations.NewDirectory(r, joined)
}

// unitOf puts another OID into the document's service unit.
func unitOf(oid string) func(string) string {
	return func(doc string) string { return strings.ReplaceAll(doc, `root="`+ownUnit+`"`, `root="`+oid+`"`) }
}

// organisationIDs gives the rules of area ORG that a document breaks.
func organisationIDs(tb testing.TB, doc string, change ...func(*Input)) []string {
	tb.Helper()
	var out []finding.Finding
	for _, f := range judged(tb, doc, change...) {
		if strings.HasPrefix(f.Rule, "ORG-") {
			out = append(out, f)
		}
	}
	return ids(out)
}

func with(d *organisations.Directory) func(*Input) { return func(in *Input) { in.Directory = d } }

func TestREK7_OwnDocumentsAreCleanUnderTheRegister(t *testing.T) {
	for name, doc := range map[string]string{"phase II": testdoc.Phase2(), "relationship": testdoc.Relationship()} {
		if got := organisationIDs(t, doc, with(directory(t, true, organisations.Joined{}))); got != nil {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// The unit of a phase II document, which demands one (META-3): every fault by itself,
// as the register is whole or not.
func TestREK7_UnitAgainstTheRegister(t *testing.T) {
	contract := organisations.Joined{Contracts: []organisations.Contract{{ID: "k", Organiser: ownOrg, Provider: provider}}}
	for _, c := range []struct {
		name, unit string
		whole      bool
		joined     organisations.Joined
		want       []string
	}{
		{"unknown", nobody, true, contract, []string{"ORG-UNIT-UNKNOWN"}},
		{"not in a part", nobody, false, contract, []string{"ORG-UNIT-UNLISTED"}},
		{"ended", ended, true, contract, []string{"ORG-UNIT-ENDED"}},
		{"not yet", young, false, contract, []string{"ORG-UNIT-NOTYET"}},
		{"a division", division, true, contract, []string{"ORG-UNIT-KIND"}},
		{"another controller's", foreign, true, contract, []string{"ORG-UNIT-FOREIGN"}},
		{"a provider's without contract", branch, true, organisations.Joined{}, []string{"ORG-UNIT-FOREIGN"}},
		{"a provider's with contract", branch, true, contract, nil},
		{"own, under another's arc", elsewhere, true, contract, nil},
	} {
		doc := unitOf(c.unit)(testdoc.Phase2())
		if got := organisationIDs(t, doc, with(directory(t, c.whole, c.joined))); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		if got := organisationIDs(t, doc); got != nil {
			t.Errorf("%s, without a register: %v", c.name, got)
		}
	}
}

func TestREK7_PlaceAndValueOfAFinding(t *testing.T) {
	for _, f := range judged(t, unitOf(ended)(testdoc.Phase2()), with(directory(t, true, organisations.Joined{}))) {
		if f.Rule == "ORG-UNIT-ENDED" {
			if f.Value != ended || !strings.HasSuffix(f.XPath, "encounterParticipant[1]/assignedEntity[1]/representedOrganization[1]/id[1]/@root") || f.Line != 16 {
				t.Errorf("%+v", f)
			}
			return
		}
	}
	t.Error("not found")
}

func TestREK3_ControllerIsTheOrganiser(t *testing.T) {
	controller := func(oid string) string {
		doc := testdoc.Phase2()
		i := strings.Index(doc, "<custodian>")
		return doc[:i] + strings.Replace(doc[i:], ownOrg, oid, 1)
	}
	taken := organisations.Joined{Registers: []organisations.ControllerRegister{
		{ID: "t", Controller: foreignOrg, Code: "1", Kind: organisations.TakenOver, Predecessor: ownOrg}}}
	for _, c := range []struct {
		name, controller string
		joined           organisations.Joined
		want             []string
	}{
		{"itself", ownOrg, organisations.Joined{}, nil},
		{"another", foreignOrg, organisations.Joined{}, []string{"ORG-CONTROLLER-ORGANISER"}},
		{"another that took over its register", foreignOrg, taken, nil},
		{"unknown", nobody, organisations.Joined{}, []string{"ORG-CONTROLLER-UNKNOWN"}},
		{"a unit", ownUnit, organisations.Joined{}, []string{"ORG-CONTROLLER-KIND"}},
		{"not in the register, but with a register of its own", nobody, organisations.Joined{Registers: []organisations.ControllerRegister{{ID: "r", Controller: nobody, Code: "1"}}}, nil},
		{"without that register", foreignOrg, organisations.Joined{Registers: []organisations.ControllerRegister{{ID: "r", Controller: foreignOrg, Code: "2"},
			{ID: "t", Controller: foreignOrg, Code: "3", Kind: organisations.TakenOver, Predecessor: ownOrg}}}, []string{"ORG-REGISTER-UNKNOWN"}},
	} {
		if got := organisationIDs(t, controller(c.controller), with(directory(t, true, c.joined))); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestMETA2_OrganiserNameAndRelationshipBody(t *testing.T) {
	d := directory(t, true, organisations.Joined{})
	doc := strings.ReplaceAll(testdoc.Phase2(), `outsourcingServiceCustomer root="`+ownOrg, `outsourcingServiceCustomer root="`+nobody)
	if got := organisationIDs(t, doc, with(d)); !slices.Contains(got, "ORG-ORGANISER-UNKNOWN") {
		t.Errorf("organiser: %v", got)
	}
	i := strings.Index(testdoc.Phase2(), "<custodian>")
	doc = testdoc.Phase2()[:i] + strings.Replace(testdoc.Phase2()[i:], "<name>", "<name>Entinen ", 1)
	if got := organisationIDs(t, doc, with(d)); !slices.Contains(got, "ORG-CONTROLLER-NAME") {
		t.Errorf("name: %v", got)
	}
}

// A nullification by a unit that has ended since must go through: what is asked of
// it is only that the organisations are known.
func TestREK7_NullificationByAnEndedUnit(t *testing.T) {
	d := directory(t, true, organisations.Joined{})
	for oid, want := range map[string][]string{ended: nil, foreign: nil, nobody: {"ORG-UNIT-UNKNOWN"}} {
		tree, _ := cda.Read(parse(t, []byte(unitOf(oid)(testdoc.Phase2()))))
		in := Input{Doc: tree, Directory: d}
		in.complete()
		c := &checker{Input: in, t: tree.Tree, m: &tree.Metadata, group: "phase2", operation: "nullify"}
		c.organisations()
		if got := ids(c.out.Items()); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", oid, got, want)
		}
	}
}

func TestPartiesAreComplete(t *testing.T) {
	p := parties()
	for _, x := range p.Parties {
		letters := strings.Fields(x.Letters)
		if len(letters) != len(p.Groups) || x.Source == "" {
			t.Errorf("%s has %d letters for %d groups, source %q", x.ID, len(letters), len(p.Groups), x.Source)
		}
		for _, l := range letters {
			if !strings.Contains("DR-", l) {
				t.Errorf("%s: letter %q", x.ID, l)
			}
		}
	}
	for _, g := range append(slices.Clone(p.Groups), p.Organised...) {
		if DefaultBook().Table.GroupByKey(g) == nil && g != "other" {
			t.Errorf("group %q is not in the table", g)
		}
	}
}

// Every rule about every party is found, each alone: what is demanded of it and what
// only remarked, by a whole register and by a part of one.
func TestREK7_EveryRuleOfEveryParty(t *testing.T) {
	root := func(oid string) cda.ID { return cda.ID{Root: oid, Node: 1} }
	put := map[string]func(c *checker, oid string){
		"CONTROLLER": func(c *checker, oid string) { c.m.Custodian.ID.Root = oid },
		"ORGANISER":  func(c *checker, oid string) { c.m.Local.Organiser.Root = oid },
		"UNIT":       func(c *checker, oid string) { c.m.Encounter.Units[0].Organization.ID.Root = oid },
		"PROVIDER":   func(c *checker, oid string) { c.m.Local.ServiceProvider = root(oid) },
		"AUTHOR":     func(c *checker, oid string) { c.m.Authors[0].Organization.ID = root(oid) },
		"USER":       func(c *checker, oid string) { c.Frame.User.Organization.ID = root(oid) },
		"BODY":       func(*checker, string) {},
	}
	check := func(party, group, oid string, whole bool) []string {
		d, _ := cda.Read(parse(t, []byte(testdoc.Phase2())))
		tree := parse(t, []byte("<a/>"))
		in := Input{Doc: d, Directory: directory(t, whole, organisations.Joined{}), Frame: &frame.Frame{Tree: tree, Root: tree.Root(), Interaction: &interactions.Interaction{}}}
		in.complete()
		c := &checker{Input: in, t: d.Tree, m: &d.Metadata, group: group, operation: interactions.New}
		put[party](c, oid)
		c.organisations()
		if party == "BODY" {
			c.bodyOrganisations([]sosmeta.Fact{{Kind: sosmeta.FactUnit, Value: "urn:oid:" + oid}, {Kind: sosmeta.FactCode, Value: nobody}})
		}
		return ids(c.out.Items())
	}
	// The organiser is what units belong to and the controller must be, so where it is
	// changed to what is known, others tell of it too.
	seen := map[string]bool{}
	for _, p := range parties().Parties {
		demanded, remarked := "", ""
		for i, l := range strings.Fields(p.Letters) {
			if l == "D" {
				demanded = p.firstOf(demanded, parties().Groups[i])
			}
			if l == "R" {
				remarked = p.firstOf(remarked, parties().Groups[i])
			}
		}
		for _, c := range []struct {
			kind, group, oid string
			whole            bool
		}{
			{kindUnknown, demanded, nobody, true}, {kindUnlisted, demanded, nobody, false}, {kindUnlisted, remarked, nobody, true},
			{kindEnded, demanded, ended, true}, {kindNotYet, demanded, young, true}, {kindLapsed, remarked, ended, true}, {kindLapsed, remarked, young, true},
			{kindKind, demanded, division, true}, {kindAlien, demanded, foreign, true},
		} {
			rule := p.rule(c.kind)
			if c.group == "" || !slices.Contains(p.rules(), rule) {
				continue
			}
			if p.ID == "PROVIDER" && c.kind == kindAlien {
				c.oid = provider
			}
			got := check(p.ID, c.group, c.oid, c.whole)
			if !slices.Contains(got, rule) || p.ID != "ORGANISER" && p.ID != "CONTROLLER" && len(got) != 1 {
				t.Errorf("%s of %s in group %s: %v", c.kind, p.ID, c.group, got)
			}
			seen[rule] = true
		}
		if got := check(p.ID, "old", foreign, true); p.ID == "UNIT" && got != nil {
			t.Errorf("an old document of another's unit: %v", got)
		}
		if got := check(p.ID, "old", nobody, true); p.ID == "BODY" && got != nil {
			t.Errorf("what is not looked at: %v", got)
		}
	}
	for _, id := range organisationRules() {
		if !seen[id] && !strings.HasSuffix(id, "-"+kindName) && id != RuleControllerOrganiser && id != RuleRegisterUnknown {
			t.Errorf("%s is tried by no case", id)
		}
	}
}

// firstOf keeps the first group found, phase II before any.
func (p *party) firstOf(have, next string) string {
	if have == "" || next == "phase2" {
		return next
	}
	return have
}
