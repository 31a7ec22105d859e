package gateway

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/cda/organisations"
	"portti/fixtures"
	"portti/gateway/pipeline"
	"portti/store"
)

// joinedWorld is what has joined in the fixtures' world.
func joinedWorld(t *testing.T) organisations.Joined {
	t.Helper()
	j, err := organisations.ParseJoined(world().JoinedYAML())
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// know puts the invented register and what has joined into the gateway's archive, and
// makes it count.
func (g *gate) know(j organisations.Joined) {
	g.t.Helper()
	name := filepath.Join(g.t.TempDir(), "register.xml")
	if err := os.WriteFile(name, world().RegisterXML(), 0o600); err != nil {
		g.t.Fatal(err)
	}
	r, err := organisations.ImportFiles(world().Now, true, name)
	if err != nil {
		g.t.Fatal(err)
	}
	var entries []store.DirectoryEntry
	put := func(kind, key string, entry any) {
		b, err := organisations.Encode(entry)
		if err != nil {
			g.t.Fatal(err)
		}
		entries = append(entries, store.DirectoryEntry{Kind: kind, Key: key, Content: b})
	}
	put(store.DirectoryOrganisations, organisations.RegisterOID, r)
	for _, s := range j.Systems {
		put(store.DirectorySystem, s.ID, s)
	}
	for _, k := range j.Contracts {
		put(store.DirectoryContract, k.ID, k)
	}
	for _, r := range j.Registers {
		put(store.DirectoryRegister, r.ID, r)
	}
	if err := g.Store.PutDirectory(g.t.Context(), "test", entries...); err != nil {
		g.t.Fatal(err)
	}
	if err := g.Judge.Organisations.LoadOrganisations(g.t.Context(), g.Store); err != nil {
		g.t.Fatal(err)
	}
}

// built makes a document of a kind with a change.
func built(t *testing.T, k fixtures.Kind, serial int64, change func(*fixtures.Spec)) *fixtures.Document {
	t.Helper()
	s := world().Spec(k)
	s.Serial = serial
	change(&s)
	d, err := world().Build(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// ofJoining are the rules of joined systems.
var ofJoining = []string{pipeline.RuleSystemUnknown, pipeline.RuleSystemTime, pipeline.RuleSystemClass, pipeline.RuleSystemUntested,
	pipeline.RuleProfileFetch, pipeline.RuleProfileStore, pipeline.RuleProfileOld, pipeline.RulePhase, pipeline.RuleJoiningPoint,
	pipeline.RuleController, pipeline.RuleRegistryRight, pipeline.RuleSigner}

// registerScenario is a document that is sent where something is known of
// organisations, with the rules of areas ORG and ACCESS that it must meet.
type registerScenario struct {
	name   string // begins with the requirement's id
	joined func(*organisations.Joined)
	kind   fixtures.Kind
	change func(*fixtures.Spec)
	want   []string
}

// registerScenarios are, for each requirement, what must be refused for the
// organisations that it names or comes from, and what must not.
func registerScenarios() []registerScenario {
	w := world()
	a, b, c := w.Organisation("utuvaara"), w.Organisation("sumula"), w.Organisation("hoivapilvi")
	stranger := *a.Units[0]
	stranger.OID = "1.2.246.10.99999901.10.999"
	system := func(id string, change func(*organisations.System)) func(*organisations.Joined) {
		return func(j *organisations.Joined) {
			change(&j.Systems[slices.IndexFunc(j.Systems, func(s organisations.System) bool { return s.ID == id })])
		}
	}
	unit := func(u *fixtures.Unit) func(*fixtures.Spec) { return func(s *fixtures.Spec) { s.Unit = u } }
	return []registerScenario{
		{"REK-7 a unit that is known", nil, fixtures.Plan, unit(a.Units[1]), nil},
		{"REK-7 a unit under another's arc", nil, fixtures.Plan, unit(a.Unit("moved")), nil},
		{"REK-7 an unknown unit where the phase demands one", nil, fixtures.Plan, unit(&stranger), []string{"ORG-BODY-UNKNOWN", "ORG-UNIT-UNKNOWN"}},
		{"REK-7 an ended unit", nil, fixtures.Phase2XHTML, unit(a.Unit("ended")), []string{"ORG-UNIT-ENDED"}},
		{"META-1 an old document of a unit that has ended since", nil, fixtures.OldXHTML, unit(a.Unit("ended")), nil},
		{"REK-3 another controller than the organiser", nil, fixtures.Phase2XHTML, func(s *fixtures.Spec) { s.Controller = b }, []string{pipeline.RuleRegistryRight, "ORG-CONTROLLER-ORGANISER"}},
		{"REK-3 a unit of another county", nil, fixtures.Phase2XHTML, unit(b.Units[0]), []string{"ORG-UNIT-FOREIGN"}},
		{"REK-3 a provider's unit with contract", nil, fixtures.Phase2XHTML, unit(c.Units[0]), nil},
		{"REK-3 a provider's unit without contract", func(j *organisations.Joined) { j.Contracts = nil }, fixtures.Phase2XHTML, unit(c.Units[0]), []string{"ORG-UNIT-FOREIGN"}},
		{"REK-1 a register that the controller has not", func(j *organisations.Joined) { j.Registers[0].Code = "7" }, fixtures.Plan, unit(a.Units[0]), []string{"ORG-REGISTER-UNKNOWN"}},
		{"REK-4 the register of a ceased organiser", func(j *organisations.Joined) {
			j.Registers = append(j.Registers, organisations.ControllerRegister{ID: "t", Controller: b.OID, Code: "1", Kind: organisations.TakenOver, Predecessor: a.OID})
		}, fixtures.Phase2XHTML, func(s *fixtures.Spec) { s.Controller = b }, nil},
		{"PRO-1 a connecting system stores", nil, fixtures.Phase2PDF, unit(a.Units[0]), nil},
		{"PRO-2 a storing system stores", system("utuvaara", func(s *organisations.System) { s.Profile = organisations.Storing }), fixtures.Phase2PDF, unit(a.Units[0]), nil},
		{"PRO-3 a viewing system may not store", system("utuvaara", func(s *organisations.System) { s.Profile = organisations.Viewing }), fixtures.Phase2PDF, unit(a.Units[0]), []string{pipeline.RuleProfileStore}},
		{"PRO-4 an archiving application brings an old document", nil, fixtures.OldPDF, unit(a.Units[0]), nil},
		{"PRO-4 and no other", nil, fixtures.Phase2PDF, func(s *fixtures.Spec) { s.System = w.Migration }, []string{pipeline.RuleProfileOld}},
		{"PRO-6 a system that is not tested", system("utuvaara", func(s *organisations.System) { s.JointTest = w.Now.AddDate(0, 1, 0) }), fixtures.Phase2PDF, unit(a.Units[0]), []string{pipeline.RuleSystemUntested}},
		{"PRO-6 a phase that it is not accepted for", system("utuvaara", func(s *organisations.System) { s.Phases = []string{"old"} }), fixtures.Phase2PDF, unit(a.Units[0]), []string{pipeline.RulePhase}},
	}
}

// TestREK_ScenariosOverTheWire sends what registerScenarios tell.
func TestREK_ScenariosOverTheWire(t *testing.T) {
	w := world()
	a := w.Organisation("utuvaara")
	for i, x := range registerScenarios() {
		t.Run(x.name, func(t *testing.T) {
			g := startWith(t, nil, "relationship-child", "case", "relationship-elder")
			j := joinedWorld(t)
			if x.joined != nil {
				x.joined(&j)
			}
			g.know(j)
			d := built(t, x.kind, int64(7001+i), x.change)
			r := g.send(w.FrameWith(d, fixtures.FrameOptions{Sender: d.Spec.System.Device}))
			var got []string
			for _, rule := range r.rules() {
				if strings.HasPrefix(rule, "ORG-") || slices.Contains(ofJoining, rule) {
					got = append(got, rule)
				}
			}
			slices.Sort(got)
			// The case that the documents belong to is in the first county's register.
			accepted := len(x.want) == 0 && d.Spec.Controller == a
			if got = slices.Compact(got); !slices.Equal(got, x.want) || (r.ack.Code == "CA") != accepted {
				t.Errorf("%v, want %v\n%s", got, x.want, r)
			}
		})
	}
}

// The controller of archived documents is changed while the gateway runs: queries
// follow the new one, the old one finds nothing, and the bytes are as they came.
func controllerChanges(t *testing.T) {
	w := world()
	g := startWith(t, nil, "relationship-child", "case", "plan")
	a, b := w.Organisations[0], w.Organisations[1]
	plan := w.Doc("plan")
	count := func(o *fixtures.Organisation) int {
		t.Helper()
		return len(g.found(asking(o, interactions.QueryMetadata, byClient(w.Client("child")))).ids())
	}
	if n, m := count(a), count(b); n != 3 || m != 0 {
		t.Fatalf("before: %d and %d", n, m)
	}
	x, err := g.Store.PlanTransfer(t.Context(), store.TransferPlan{Kind: store.ControllerChange, FromController: a.OID, ToController: b.OID, Reason: "yhdistyminen", By: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if x, err = g.Store.ApplyTransfer(t.Context(), x.ID, "test"); err != nil || x.Moved != 3 {
		t.Fatal(x, err)
	}
	if n, m := count(a), count(b); n != 0 || m != 3 {
		t.Errorf("after: %d and %d", n, m)
	}
	if d, err := g.Store.Document(t.Context(), store.Scope{Controllers: []string{b.OID}, Purpose: "test"}, plan.OID); err != nil || string(d.Bytes) != string(plan.Bytes) {
		t.Errorf("the original: %v", err)
	}
	if r := g.send(w.Frame(plan)); r.ack.Code != "CA" {
		t.Errorf("a resend of what came before: %s", r)
	}
}

// PRO-2: a storing system may not fetch, and a viewing one may.
func TestPRO2_StoringSystemMayNotFetch(t *testing.T) {
	w := world()
	a := w.Organisations[0]
	for profile, refused := range map[organisations.Profile]bool{organisations.Storing: true, organisations.Archiving: true, organisations.Viewing: false, organisations.Connecting: false} {
		g := start(t, nil)
		j := joinedWorld(t)
		j.Systems[0].Profile = profile
		g.know(j)
		ask := asking(a, interactions.QueryMetadata, byClient(w.Client("child")))
		ask.Sender = a.System.Device
		got := g.ask(ask)
		if slices.Contains(got.rules(), pipeline.RuleProfileFetch) != refused || (got.Code == frame.Answered) == refused {
			t.Errorf("%s: %s %v", profile, got.Code, got.rules())
		}
	}
}
