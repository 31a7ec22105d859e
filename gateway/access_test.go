package gateway

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/fixtures"
	"portti/gateway/access"
	"portti/gateway/pipeline"
	"portti/store"
)

// accessScenarios are, for each requirement on access, a story over the wire.
var accessScenarios = []struct {
	id, name string
	try      func(*testing.T)
}{
	{"LUO-1", "own use needs no permission", ownUse},
	{"LUO-2", "informed, permitted and not prohibited, or not at all", disclosureByPermission},
	{"LUO-2", "an authority's ground in law opens what is closed", wideSearch},
	{"LUO-3", "all data, a controller, a service task, a document; and withdrawn again", prohibitions},
	{"LUO-4", "without a case connection only by a special reason", caseConnection},
	{"LUO-5", "disclosed data only to the strongly authenticated", strongAuthentication},
	{"LUO-7", "a statement of will that any provider records takes effect at once", willAtOnce},
	{"RKO-1", "the organiser's client relationship document forms the right", rightFormed},
	{"RKO-2", "a right needs a contract", rightByContract},
	{"RKO-3", "the provider stores into the given case and fetches there", providerStores},
	{"RKO-4", "closed seven weekdays after the end, and opened again", rightCloses},
	{"RKO-5", "suspended, and goes on", rightSuspended},
	{"RKO-6", "a prohibition does not stop it", rightDespiteProhibition},
	{"DOC-5", "no document before or after its client relationship", inRelationship},
	{"DOC-6", "every document in an open case of its clients", inCase},
	{"DOC-5", "a client relationship and a case have one series each, and a second is told of", secondSeries},
	{"DOC-7", "a case note belongs to a case", noteInCase},
	{"DOC-8", "in a shared case for whoever is in it", sharedCase},
	{"DOC-8", "disclosed by the permission of each client in it", everyClientsWill},
	{"DOC-9", "non-disclosure for safety is known of the client", protectedClient},
	{"DOC-10", "a temporary id is joined to an identity code later", temporaryJoined},
	{"DOC-10", "one temporary code of two roots is two persons", temporaryTwice},
	{"ARK-8", "informing is recorded by a message, once, by whom it names", informedByMessage},
	{"ARK-8", "a client's will is asked for: in force at once, by version, by whom it may be known", willAsked},
	{"REK-2", "nobody stores into another's register", foreignStore},
}

func TestAccessScenarios(t *testing.T) {
	for _, s := range accessScenarios {
		t.Run(s.id+"/"+s.name, s.try)
	}
}

// scene is a gateway with the child's relationships and cases in both counties, and
// documents of the first.
type scene struct {
	*gate
	t       *testing.T
	w       *fixtures.World
	a, b, p *fixtures.Organisation
	child   *fixtures.Client
}

// strict starts a gateway that demands cases, with samples.
func strict(t *testing.T, change func(*Config), names ...string) *scene {
	t.Helper()
	w := world()
	g := startWith(t, func(c *Config) {
		c.Access = access.Settings{}
		if change != nil {
			change(c)
		}
	}, names...)
	return &scene{g, t, w, w.Organisation("utuvaara"), w.Organisation("sumula"), w.Organisation("hoivapilvi"), w.Client("child")}
}

var childSamples = []string{"relationship-child", "relationship-child-sumula", "case", "case-sumula", "plan"}

func (s *scene) doc(name string) string { return s.w.Doc(name).OID }

// inform records that the child was informed.
func (s *scene) inform() {
	s.t.Helper()
	s.accepted(s.order(interactions.Inform, s.a, s.child, nil))
}

// will makes a statement of will of the child, recorded by an organisation.
func (s *scene) will(k fixtures.Kind, by *fixtures.Organisation, change func(*fixtures.Spec)) *fixtures.Document {
	s.t.Helper()
	x := s.w.Spec(k)
	x.Clients, x.Controller, x.Organiser, x.Unit, x.System = []*fixtures.Client{s.child}, by, by, by.Units[0], by.System
	x.ProhibitControllers = nil
	s.w.Belong(&x)
	if change != nil {
		change(&x)
	}
	d := build(s.t, x)
	s.accepted(s.w.Frame(d))
	return d
}

// disclosure is another county's query about the child's documents, all in order
// unless changed.
type disclosure struct {
	by                              *fixtures.Organisation
	unit, use, reason, ground, task string
	weak                            bool
}

func (s *scene) query(d disclosure) *answered {
	s.t.Helper()
	params := append(byID(s.doc("plan")), byClient(s.child))
	if d.use == "" {
		d.use = "903"
	}
	params = append(params, by(interactions.FieldUse, d.use))
	if !d.weak {
		params = append(params, by(interactions.FieldAuthentication, pipeline.Strong))
	}
	for f, v := range map[interactions.Field]string{interactions.FieldSpecialReason: d.reason, interactions.FieldGround: d.ground, interactions.FieldUserTask: d.task} {
		if v != "" {
			params = append(params, by(f, v))
		}
	}
	a := asking(d.by, interactions.QueryMetadata, params...)
	if d.unit != "" {
		a.User.Organization.ID.Root = d.unit
	}
	return s.ask(a)
}

// sees demands that the plan is (not) given, or the query refused by a rule.
func (s *scene) sees(what string, d disclosure, want string) {
	s.t.Helper()
	got := s.query(d)
	switch seen := slices.Contains(got.ids(), s.doc("plan")); {
	case want == "given" && !seen, want != "given" && seen:
		s.t.Errorf("%s: %s, want %s: %v", what, got.Code, want, got.rules())
	case strings.HasPrefix(want, "ACCESS-") && !slices.Contains(got.rules(), want):
		s.t.Errorf("%s: rules %v, want %s", what, got.rules(), want)
	}
}

const hidden = "hidden"

func ownUse(t *testing.T) {
	s := strict(t, nil, childSamples...)
	s.will(fixtures.Permission, s.a, func(x *fixtures.Spec) { x.Permitted = false })
	s.sees("own use after a refusal of everything", disclosure{by: s.a, use: "1", weak: true}, "given")
	s.sees("another in own use", disclosure{by: s.b, use: "1"}, hidden)
}

func disclosureByPermission(t *testing.T) {
	s := strict(t, nil, childSamples...)
	s.sees("without anything", disclosure{by: s.b}, hidden)
	permission := s.will(fixtures.Permission, s.b, nil)
	s.sees("permitted but not informed", disclosure{by: s.b}, hidden)
	s.inform()
	s.sees("informed and permitted", disclosure{by: s.b}, "given")
	p, err := s.Store.SearchDisclosures(t.Context(), everything, store.LogFilter{DocumentID: s.doc("plan"), Attempts: "done"}, 10, "")
	if err != nil || len(p.Entries) != 1 {
		t.Fatalf("%+v %v", p, err)
	}
	if e := p.Entries[0]; e.DataController != s.a.OID || e.Recipient != s.b.Units[0].OID || !strings.Contains(e.Ground, permission.OID) || !strings.Contains(e.Ground, "703/2023") {
		t.Errorf("the disclosure log says %+v", e.Disclosure)
	}
}

func wideSearch(t *testing.T) {
	s := strict(t, nil, childSamples...)
	s.know(joinedWorld(t))
	s.will(fixtures.Permission, s.a, func(x *fixtures.Spec) { x.Permitted = false })
	s.sees("no ground", disclosure{by: s.b}, hidden)
	s.sees("an authority's ground", disclosure{by: s.b, ground: "1"}, "given")
	s.sees("a private provider's", disclosure{by: s.p, unit: s.p.OID, ground: "1", reason: "1"}, hidden)
}

// A document of a shared case needs the permission of each client in it.
func everyClientsWill(t *testing.T) {
	s := strict(t, nil, "relationship-child", "relationship-mother", "relationship-father", "relationship-child-sumula", "case-shared", "plan-shared")
	s.inform()
	s.will(fixtures.Permission, s.b, nil)
	plan := s.doc("plan-shared")
	sees := func(what string, want bool) {
		t.Helper()
		got := s.ask(asking(s.b, interactions.QueryMetadata, append(byID(plan), byClient(s.child), by(interactions.FieldUse, "903"),
			by(interactions.FieldAuthentication, pipeline.Strong))...))
		if slices.Contains(got.ids(), plan) != want {
			t.Errorf("%s: %v %v", what, got.ids(), got.rules())
		}
	}
	sees("the child's permission alone", false)
	for _, name := range []string{"mother", "father"} {
		c := s.w.Client(name)
		s.accepted(s.order(interactions.Inform, s.a, c, nil))
		s.will(fixtures.Permission, s.a, func(x *fixtures.Spec) { x.Clients = []*fixtures.Client{c}; s.w.Belong(x) })
	}
	sees("everybody's permission", true)
	s.will(fixtures.Prohibition, s.a, func(x *fixtures.Spec) {
		x.Clients, x.ProhibitTasks = []*fixtures.Client{s.w.Client("father")}, []fixtures.Code{fixtures.TaskFamilies}
		s.w.Belong(x)
	})
	sees("one of them prohibits", false)
}

func prohibitions(t *testing.T) {
	s := strict(t, nil, childSamples...)
	s.inform()
	permission := s.will(fixtures.Permission, s.b, nil)
	s.sees("permitted", disclosure{by: s.b}, "given")
	refusal := version(t, permission, func(x *fixtures.Spec) { x.Permitted = false })
	s.accepted(s.w.Frame(refusal))
	s.sees("all data prohibited", disclosure{by: s.b}, hidden)
	s.accepted(s.w.Frame(version(t, refusal, func(x *fixtures.Spec) { x.Permitted = true })))
	s.sees("permitted again", disclosure{by: s.b}, "given")
	last := s.will(fixtures.Prohibition, s.a, func(x *fixtures.Spec) { x.ProhibitControllers = []*fixtures.Organisation{s.a} })
	s.sees("the controller's data", disclosure{by: s.b}, hidden)
	for _, c := range []struct {
		what   string
		change func(*fixtures.Spec)
		want   string
	}{
		{"another controller's data", func(x *fixtures.Spec) { x.ProhibitControllers = []*fixtures.Organisation{s.p} }, "given"},
		{"the service task's data", func(x *fixtures.Spec) { x.ProhibitTasks = []fixtures.Code{fixtures.TaskFamilies} }, hidden},
		{"another service task's data", func(x *fixtures.Spec) { x.ProhibitTasks = []fixtures.Code{fixtures.TaskDisability} }, "given"},
		{"the document", func(x *fixtures.Spec) { x.ProhibitDocuments = []*fixtures.Document{s.w.Doc("plan")} }, hidden},
		{"nothing any more", func(*fixtures.Spec) {}, "given"},
	} {
		last = version(t, last, func(x *fixtures.Spec) {
			x.ProhibitControllers, x.ProhibitTasks, x.ProhibitDocuments = nil, nil, nil
			c.change(x)
		})
		s.accepted(s.w.Frame(last))
		s.sees(c.what, disclosure{by: s.b}, c.want)
	}
}

func caseConnection(t *testing.T) {
	s := strict(t, nil, childSamples...)
	s.inform()
	s.will(fixtures.Permission, s.b, nil)
	elsewhere := s.b.Unit("disability").OID
	s.sees("a unit that does not serve the client", disclosure{by: s.b, unit: elsewhere}, access.RuleConnection)
	s.sees("with a special reason", disclosure{by: s.b, unit: elsewhere, reason: "1"}, "given")
	s.sees("the client's own unit", disclosure{by: s.b}, "given")
	// Decree 457/2024, where the message tells the professional's work task.
	s.sees("who arranges services", disclosure{by: s.b, task: "arranging"}, "given")
	s.sees("who mediates in family matters", disclosure{by: s.b, task: "mediating"}, hidden)
	s.sees("who keeps the records of the own register", disclosure{by: s.b, task: "records"}, hidden)
}

func strongAuthentication(t *testing.T) {
	s := strict(t, nil, childSamples...)
	s.inform()
	s.will(fixtures.Permission, s.b, nil)
	s.sees("weakly authenticated", disclosure{by: s.b, weak: true}, access.RuleStrong)
	s.sees("strongly", disclosure{by: s.b}, "given")
}

func willAtOnce(t *testing.T) {
	s := strict(t, nil, childSamples...)
	s.inform()
	s.will(fixtures.Permission, s.p, nil) // the private provider records it in its own register
	s.sees("right after the acknowledgement", disclosure{by: s.b}, "given")
	s.will(fixtures.Permission, s.a, func(x *fixtures.Spec) { x.Permitted = false })
	s.sees("refused by a later statement elsewhere", disclosure{by: s.b}, hidden)
}

func rightFormed(t *testing.T) {
	s := strict(t, nil, childSamples...)
	d := disclosure{by: s.p, use: "902", weak: true}
	s.sees("the provider that the relationship names", d, "given")
	first := s.w.Doc("relationship-child")
	without := *first.Spec.Relationship
	without.Provider = nil
	s.accepted(s.w.Frame(version(t, first, func(x *fixtures.Spec) { x.Relationship = &without })))
	s.sees("named no more", d, hidden)
}

func rightByContract(t *testing.T) {
	s := strict(t, nil, childSamples...)
	j := joinedWorld(t)
	s.know(j)
	d := disclosure{by: s.p, use: "902"}
	s.sees("with a contract", d, "given")
	for i := range j.Contracts {
		j.Contracts[i].To = s.w.Now.AddDate(0, -1, 0)
	}
	s.know(j)
	s.sees("whose contract has ended", d, hidden)
}

// note makes a provider's note in the organiser's register.
func (s *scene) note(change func(*fixtures.Spec)) *fixtures.Document {
	s.t.Helper()
	x := s.w.Doc("note-provider").Spec
	x.Serial, x.OID = 0, ""
	if change != nil {
		change(&x)
	}
	return build(s.t, x)
}

func providerStores(t *testing.T) {
	s := strict(t, nil, append(childSamples, "relationship-disabled", "case-disability")...)
	s.accepted(s.w.Frame(s.w.Doc("note-provider")))
	s.sees("and fetches", disclosure{by: s.p, use: "902"}, "given")
	other := s.note(func(x *fixtures.Spec) {
		x.Clients, x.Task, x.Consent = []*fixtures.Client{s.w.Client("disabled")}, fixtures.TaskDisability, fixtures.Code{}
		s.w.Belong(x)
	})
	s.refused(s.w.Frame(other), pipeline.RuleRegistryRight)
	relationship := version(t, s.w.Doc("relationship-child"), func(x *fixtures.Spec) { x.System = s.p.System })
	s.refused(s.w.Frame(relationship), pipeline.RuleRegistryRight)
}

func rightCloses(t *testing.T) {
	now := world().Now // a Monday
	s := strict(t, func(c *Config) {
		c.Access.Delays = map[string]int{world().Organisations[0].OID: 7}
		c.Now = func() time.Time { return now }
	}, childSamples...)
	first := s.w.Doc("relationship-child")
	ended := *first.Spec.Relationship
	ended.Ended = now
	second := version(t, first, func(x *fixtures.Spec) { x.Relationship = &ended })
	s.accepted(s.w.Frame(second))
	d := disclosure{by: s.p, use: "902"}
	now = time.Date(2026, 3, 11, 21, 59, 0, 0, time.UTC) // the seventh weekday, 23.59 in Helsinki
	s.sees("on the last day", d, "given")
	now = now.Add(2 * time.Minute)
	s.sees("after it", d, hidden)
	s.refused(s.w.Frame(s.note(nil)), pipeline.RuleRegistryRight)
	again := ended
	again.Ended = time.Time{}
	s.accepted(s.w.Frame(version(t, second, func(x *fixtures.Spec) { x.Relationship, x.Effective = &again, now.Add(-time.Minute) })))
	s.sees("opened again", d, "given")
}

func rightSuspended(t *testing.T) {
	s := strict(t, nil, childSamples...)
	d := disclosure{by: s.p, use: "902"}
	order := func(op interactions.Operation) {
		t.Helper()
		s.accepted(s.order(op, s.a, s.child, func(o *frame.Order) { o.Unit, o.Task = s.p.Units[0].OID, fixtures.TaskFamilies.Code }))
	}
	order(interactions.Suspend)
	s.sees("suspended", d, hidden)
	s.refused(s.w.Frame(s.note(nil)), pipeline.RuleRegistryRight)
	order(interactions.Resume)
	s.sees("resumed", d, "given")
	s.accepted(s.w.Frame(s.note(nil)))
}

func rightDespiteProhibition(t *testing.T) {
	s := strict(t, nil, childSamples...)
	s.will(fixtures.Permission, s.a, func(x *fixtures.Spec) { x.Permitted = false })
	s.will(fixtures.Prohibition, s.a, func(x *fixtures.Spec) { x.ProhibitControllers = []*fixtures.Organisation{s.a} })
	s.sees("everything prohibited", disclosure{by: s.p, use: "902"}, "given")
	p, err := s.Store.SearchDisclosures(t.Context(), everything, store.LogFilter{DocumentID: s.doc("plan"), Attempts: "done"}, 10, "")
	if err != nil || len(p.Entries) != 1 || !strings.HasPrefix(p.Entries[0].Ground, string(access.RegistryRight)) {
		t.Errorf("disclosure log: %+v %v", p.Entries, err)
	}
}

func inRelationship(t *testing.T) {
	s := strict(t, nil, "case")
	plan := s.w.Doc("plan")
	s.refused(s.w.Frame(plan), access.RuleRelationshipUnknown)
	first := s.w.Doc("relationship-child")
	s.accepted(s.w.Frame(first))
	s.accepted(s.w.Frame(plan))
	ended := *first.Spec.Relationship
	ended.Ended = s.w.Now.AddDate(0, 0, -3)
	s.accepted(s.w.Frame(version(t, first, func(x *fixtures.Spec) { x.Relationship = &ended })))
	x := s.w.Spec(fixtures.Plan)
	s.refused(s.w.Frame(build(t, x)), access.RuleRelationshipEnded)
	x.Effective = s.w.Now.AddDate(0, 0, -4)
	s.accepted(s.w.Frame(build(t, x))) // written while it lasted
	s.accepted(s.w.Frame(plan))        // a resend is what it was
}

func inCase(t *testing.T) {
	s := strict(t, nil, "relationship-child", "relationship-mother", "relationship-elder")
	plan := s.w.Doc("plan")
	s.refused(s.w.Frame(plan), access.RuleCaseUnknown)
	s.accepted(s.w.Frame(s.w.Doc("old-pdf"))) // exempt
	first := s.w.Doc("case")
	s.accepted(s.w.Frame(first))
	s.accepted(s.w.Frame(plan))
	x := s.w.Spec(fixtures.Plan)
	x.Clients, x.Consent = []*fixtures.Client{s.w.Client("mother")}, fixtures.Code{}
	s.refused(s.w.Frame(build(t, x)), access.RuleCaseClient)
	closed := *first.Spec.Case
	closed.Closed = s.w.Now.AddDate(0, 0, -1)
	s.accepted(s.w.Frame(version(t, first, func(x *fixtures.Spec) { x.Case = &closed })))
	s.refused(s.w.Frame(build(t, s.w.Spec(fixtures.Plan))), access.RuleCaseClosed)
	s.accepted(s.w.Frame(version(t, plan, nil))) // a correction
}

func secondSeries(t *testing.T) {
	s := strict(t, nil, childSamples...)
	told := func(what string, d *fixtures.Document, rule string) {
		t.Helper()
		r := s.accepted(s.w.Frame(d))
		if has := slices.ContainsFunc(r.rules(), func(x string) bool { return strings.HasSuffix(x, "-SECOND") }); has != (rule != "") || rule != "" && r.detail(rule) == nil {
			t.Errorf("%s: %v, want %q", what, r.rules(), rule)
		}
	}
	for name, rule := range map[string]string{"relationship-child": access.RuleRelationshipSecond, "case": access.RuleCaseSecond} {
		first := s.w.Doc(name)
		told(name+" again", first, "")
		x := first.Spec
		x.Serial, x.OID = 0, ""
		second := build(t, x)
		told("another series of "+name, second, rule)
		told("a version of "+name, version(t, first, nil), "")
		s.accepted(s.w.FrameWith(second, fixtures.FrameOptions{NoText: true, Extension: "66201" + name[:1]}))
	}
	// Another client's relationship, another case, another controller's.
	told("the mother's", s.w.Doc("relationship-mother"), "")
	told("the father's", s.w.Doc("relationship-father"), "")
	told("a shared case", s.w.Doc("case-shared"), "")
	x := s.w.Doc("relationship-child").Spec
	old := *x.Relationship
	old.Old = true
	x.Serial, x.OID, x.Relationship = 0, "", &old
	told("one of before the joining", build(t, x), "")
}

func noteInCase(t *testing.T) {
	s := strict(t, nil, "relationship-child")
	s.refused(s.w.Frame(s.w.Doc("note")), access.RuleCaseUnknown)
	s.accepted(s.w.Frame(s.w.Doc("case")))
	s.accepted(s.w.Frame(s.w.Doc("note")))
}

func sharedCase(t *testing.T) {
	s := strict(t, nil, "relationship-child", "relationship-mother", "relationship-father", "case-shared", "plan-shared")
	first := s.w.Doc("case-shared")
	left := *first.Spec.Case
	left.Left = map[string]time.Time{"father": s.w.Now.AddDate(0, 0, -1)}
	s.accepted(s.w.Frame(version(t, first, func(x *fixtures.Spec) { x.Case = &left })))
	x := s.w.Doc("plan-shared").Spec
	x.Serial, x.OID = 0, ""
	s.refused(s.w.Frame(build(t, x)), access.RuleCaseClient)
	x.Clients = []*fixtures.Client{s.w.Client("mother"), s.w.Client("child")}
	s.accepted(s.w.Frame(build(t, x)))
}

func protectedClient(t *testing.T) {
	s := strict(t, nil, "relationship-protected", "case-protected", "note-protected", "relationship-child")
	for name, want := range map[string]bool{"protected": true, "child": false} {
		a, err := s.Engine.Client(t.Context(), s.w.Client(name).Hetu, s.w.Now, access.Requester{Organisation: s.a.OID})
		if err != nil {
			t.Fatal(err)
		}
		if d := a.Document(access.Document{Controller: s.a.OID, Phase: access.Phase2}); d.Protected != want {
			t.Errorf("%s: protected %v", name, d.Protected)
		}
	}
	got := s.found(asking(s.a, interactions.QueryMetadata, byClient(s.w.Client("protected"))))
	if len(got.ids()) != 3 || strings.Contains(string(got.body), "postalCode") || strings.Contains(string(got.body), "streetAddressLine") {
		t.Errorf("%v: an address in the answer\n%s", got.ids(), got.body)
	}
}

func temporaryJoined(t *testing.T) {
	s := strict(t, nil, "relationship-temporary")
	first := s.w.Doc("relationship-temporary")
	unknown := *s.w.Client("temporary")
	known := unknown
	known.Hetu = fixtures.TestHetu(unknown.Born, 'A', 97)
	relationship := *first.Spec.Relationship
	relationship.Client = &known
	joined := version(t, first, func(x *fixtures.Spec) { x.Clients, x.Relationship = []*fixtures.Client{&known}, &relationship })
	byHetu := byClient(&fixtures.Client{Hetu: known.Hetu})
	s.has("before the joining, by identity code", asking(s.a, interactions.QueryMetadata, byHetu))
	s.accepted(s.w.Frame(joined))
	for what, p := range map[string]func() []string{
		"identity code": func() []string {
			return s.found(asking(s.a, interactions.QueryMetadata, byHetu, flag(interactions.FieldNewest, false))).ids()
		},
		"temporary id": func() []string {
			return s.found(asking(s.a, interactions.QueryMetadata, byClient(&unknown), flag(interactions.FieldNewest, false))).ids()
		},
	} {
		if got := p(); len(got) != 2 || !slices.Contains(got, first.OID) || !slices.Contains(got, joined.OID) {
			t.Errorf("by %s: %v", what, got)
		}
	}
	if got := s.served(first.OID); string(got) != string(first.Bytes) {
		t.Error("the original changed")
	}
}

func temporaryTwice(t *testing.T) {
	s := strict(t, nil, "relationship-temporary")
	first := s.w.Doc("relationship-temporary")
	for _, year := range []string{"2001", "2002"} {
		other := *s.w.Client("temporary")
		other.TemporaryRoot = other.TemporaryRoot[:len(other.TemporaryRoot)-4] + year
		x := first.Spec
		relationship := *x.Relationship
		relationship.Client = &other
		x.Serial, x.OID, x.Clients, x.Relationship = 0, "", []*fixtures.Client{&other}, &relationship
		d := build(t, x)
		if r := s.accepted(s.w.Frame(d)); r.detail(access.RuleRelationshipSecond) != nil {
			t.Errorf("%s: %v", year, r.rules())
		}
		s.has("the client of "+year, asking(s.a, interactions.QueryMetadata, byClient(&other)), d.OID)
	}
	s.has("the first client", asking(s.a, interactions.QueryMetadata, byClient(s.w.Client("temporary"))), first.OID)
}

// The state of clients is no second truth: a rebuild of the index from the documents
// gives the same (package store tries it after damage).
func TestDOC5_StateIsMadeAnewFromDocuments(t *testing.T) {
	var names []string
	for _, d := range world().Documents {
		names = append(names, d.Name)
	}
	s := strict(t, nil, names...)
	known := func() map[string]access.Known {
		out := map[string]access.Known{}
		for _, c := range s.w.Clients {
			_, id := c.ID()
			a, err := s.Engine.Client(t.Context(), id, s.w.Now, access.Requester{})
			if err != nil {
				t.Fatal(err)
			}
			out[c.Name] = a.Known()
		}
		return out
	}
	before := known()
	if k := before["mother"]; k.Permission == nil || len(k.Prohibitions) != 3 || len(before["child"].Rights) != 1 {
		t.Fatalf("%+v", before)
	}
	if err := s.Store.Reindex(t.Context(), pipeline.IndexOf(nil)); err != nil {
		t.Fatal(err)
	}
	for name, after := range known() {
		if !reflect.DeepEqual(before[name], after) {
			t.Errorf("%s: %+v, before %+v", name, after, before[name])
		}
	}
	if r, err := s.Store.Check(t.Context()); err != nil || !r.OK() {
		t.Errorf("check: %+v %v", r, err)
	}
	if len(s.has("the child's plans", asking(s.a, interactions.QueryMetadata, byClient(s.child), by(interactions.FieldSpecificType, "15007")), s.currentPlans()...).ids()) == 0 {
		t.Error("nothing is found any more")
	}
}

// currentPlans are the child's plans of the samples that no later version replaces.
func (s *scene) currentPlans() (out []string) {
	replaced := map[string]bool{}
	for _, d := range s.w.Documents {
		if r := d.Spec.Replaces; r != nil {
			replaced[r.OID] = true
		}
	}
	for _, d := range s.w.Documents {
		if d.Spec.Kind == fixtures.Plan && d.Specific.Code == "15007" && slices.Contains(d.Spec.Clients, s.child) && !replaced[d.OID] {
			out = append(out, d.OID)
		}
	}
	return out
}

func foreignStore(t *testing.T) {
	s := strict(t, nil, childSamples...)
	x := s.w.Spec(fixtures.Plan)
	x.System = s.b.System
	d := build(t, x)
	s.refused(s.w.Frame(d), pipeline.RuleRegistryRight)
	p, err := s.Store.Messages(t.Context(), everything, store.MessageFilter{Suspicious: true}, 10, "")
	if err != nil || len(p.Messages) != 1 || p.Messages[0].DocumentID != d.OID {
		t.Errorf("marked for the archivist: %+v %v", p, err)
	}
	var refused int
	for _, u := range s.usage("archive") {
		if u.Refused == pipeline.RuleRegistryRight && u.DataController == s.a.OID {
			refused++
		}
	}
	if refused != 1 {
		t.Errorf("%d refused attempts in the usage log", refused)
	}
}
