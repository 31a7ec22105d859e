package gateway

import (
	"slices"
	"testing"

	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/cda/organisations"
	"portti/fixtures"
	"portti/gateway/access"
	"portti/gateway/pipeline"
	"portti/store"
	"portti/xmldsig/pki"
)

// joinedScenarios are those of joined systems, joining points and registry-use rights:
// over mutual TLS, each system by its own certificate.
var joinedScenarios = []struct {
	id, name string
	try      func(*joinedScene)
}{
	{"PRO-1", "a connecting system stores and fetches", connectingSystem},
	{"PRO-2", "a storing system stores, and fetches nothing", storingSystem},
	{"PRO-3", "a viewing system fetches, and stores nothing", viewingSystem},
	{"PRO-4", "an archiving application brings old documents of whom it serves", archivingApplication},
	{"PRO-5", "a joining point sends for several organisations, for each into its own register", joiningPoint},
	{"PRO-6", "a certificate whose system has not joined, or whose time is over", systemOutOfTime},
	{"REK-2", "another's certificate opens no register", foreignCertificate},
	{"RKO-1", "the organiser's relationship document opens its register to the provider", providerByCertificate},
	{"RKO-2", "not without a contract", providerWithoutContract},
	{"RKO-5", "the organiser suspends the right and lets it go on; the provider cannot", suspendedByOrganiser},
	{"RKO-7", "the organiser's and the provider's system, turn by turn", registryTrial},
	{"ARK-5", "the provider's query finds the organiser's documents of the client, and its log names both", providerFetches},
}

// TestJoinedScenarios runs them against one gateway, whose archive has the child's
// relationship and case.
func TestJoinedScenarios(t *testing.T) {
	files := tlsFiles(t, RequireClientCertificates)
	g := start(t, func(c *Config) {
		c.Listen, c.TLSListen, c.TLS, c.Access = "", "127.0.0.1:0", files, access.Settings{}
	})
	g.URL = "https://" + g.TLSAddr().String()
	w := world()
	s := &joinedScene{scene: scene{gate: g, t: t, w: w, a: w.Organisation("utuvaara"), b: w.Organisation("sumula"), p: w.Organisation("hoivapilvi"), child: w.Client("child")}}
	leaf, err := w.Authority.Client(pki.Organisation{OID: vendor, Name: "Keksitty järjestelmätalo", System: "Välittäjä"})
	if err != nil {
		t.Fatal(err)
	}
	s.vendor = &fixtures.System{Device: w.Migration.Device, Transport: leaf}
	s.joined(nil)
	for _, name := range []string{"relationship-child", "case", "plan"} {
		s.as(s.a.System).accepted(w.Frame(w.Doc(name)))
	}
	for _, x := range joinedScenarios {
		t.Run(x.id+"/"+x.name, func(t *testing.T) {
			one := *s
			one.t, one.gate = t, &gate{Instance: g.Instance, t: t, URL: g.URL, log: g.log}
			one.joined(nil)
			x.try(&one)
		})
	}
}

// joinedScene has the vendor's system beside those of the organisations.
type joinedScene struct {
	scene
	vendor *fixtures.System
}

// vendor is the organisation behind that system.
const vendor = "1.2.246.10.99999938.10.0"

// joined makes known what has joined, with a change.
func (s *joinedScene) joined(change func(*organisations.Joined)) {
	s.t.Helper()
	j := joinedWorld(s.t)
	// The system that the vendor runs for others: a migration's, or a joining point.
	j.Systems[slices.IndexFunc(j.Systems, func(x organisations.System) bool { return x.ID == "migration" })].Organisation = vendor
	if change != nil {
		change(&j)
	}
	s.know(j)
}

// system changes one joined system.
func (s *joinedScene) system(id string, change func(*organisations.System)) {
	s.t.Helper()
	s.joined(func(j *organisations.Joined) {
		change(&j.Systems[slices.IndexFunc(j.Systems, func(x organisations.System) bool { return x.ID == id })])
	})
}

// as is the gateway as a system reaches it, by its own certificate.
func (s *joinedScene) as(x *fixtures.System) *gate {
	return &gate{Instance: s.Instance, t: s.t, URL: s.URL, log: s.log, http: tlsClient(s.t, x.Transport, 0)}
}

// fresh makes a document of a kind that has not been sent.
func (s *joinedScene) fresh(k fixtures.Kind, change func(*fixtures.Spec)) *fixtures.Document {
	s.t.Helper()
	x := s.w.Spec(k)
	if change != nil {
		change(&x)
	}
	return build(s.t, x)
}

// note is a note of the provider in the organiser's register.
func (s *joinedScene) providersNote() []byte {
	s.t.Helper()
	d := s.scene.note(nil)
	return s.w.FrameWith(d, fixtures.FrameOptions{Sender: s.p.OID})
}

// plan asks for the child's plan in a use situation.
func (s *joinedScene) plan(by *fixtures.Organisation, use string) *answered {
	s.t.Helper()
	a := asking(by, interactions.QueryDocument, append(byID(s.doc("plan")), byClient(s.child), byUse(use))...)
	return s.as(by.System).ask(a)
}

func byUse(use string) frame.AskParam { return by(interactions.FieldUse, use) }

// given demands that the plan is in the answer, or not.
func (s *joinedScene) given(what string, got *answered, want bool) {
	s.t.Helper()
	if slices.Contains(got.ids(), s.doc("plan")) != want {
		s.t.Errorf("%s: %s %v %v, want %t", what, got.Code, got.ids(), got.rules(), want)
	}
}

// refusedBy demands that a query is refused by a rule.
func (s *joinedScene) refusedBy(what string, got *answered, rule string) {
	s.t.Helper()
	if got.Code == frame.Answered || !slices.Contains(got.rules(), rule) {
		s.t.Errorf("%s: %s %v, want %s", what, got.Code, got.rules(), rule)
	}
}

func connectingSystem(s *joinedScene) {
	s.as(s.a.System).accepted(s.w.Frame(s.fresh(fixtures.Note, nil)))
	s.given("its own", s.plan(s.a, "1"), true)
}

func storingSystem(s *joinedScene) {
	s.system("utuvaara", func(x *organisations.System) { x.Profile = organisations.Storing })
	s.as(s.a.System).accepted(s.w.Frame(s.fresh(fixtures.Note, nil)))
	s.refusedBy("a storing system asks", s.plan(s.a, "1"), pipeline.RuleProfileFetch)
}

func viewingSystem(s *joinedScene) {
	s.system("utuvaara", func(x *organisations.System) { x.Profile = organisations.Viewing })
	s.as(s.a.System).refused(s.w.Frame(s.fresh(fixtures.Note, nil)), pipeline.RuleProfileStore)
	s.as(s.a.System).refused(s.order(interactions.Inform, s.a, s.child, nil), pipeline.RuleProfileStore)
	s.given("a viewing system asks", s.plan(s.a, "1"), true)
}

func archivingApplication(s *joinedScene) {
	s.system("migration", func(x *organisations.System) { x.Controllers = []string{s.a.OID} })
	by := func(x *fixtures.Spec) { x.System = s.w.Migration }
	send := func(d *fixtures.Document) []byte {
		return s.w.FrameWith(d, fixtures.FrameOptions{Sender: s.w.Migration.Device})
	}
	old := s.fresh(fixtures.OldXHTML, by)
	s.as(s.vendor).accepted(send(old))
	s.as(s.vendor).refused(send(s.fresh(fixtures.Phase2XHTML, by)), pipeline.RuleProfileOld)
	s.as(s.vendor).refused(s.order(interactions.Inform, s.a, s.child, func(o *frame.Order) { o.Sender = s.w.Migration.Device }), pipeline.RuleProfileOld)
	elsewhere := s.fresh(fixtures.OldXHTML, func(x *fixtures.Spec) {
		by(x)
		x.Controller, x.Organiser, x.Unit = s.b, s.b, s.b.Units[0]
	})
	s.as(s.vendor).refused(send(elsewhere), pipeline.RuleController)
}

func joiningPoint(s *joinedScene) {
	point := s.vendor
	s.system("migration", func(x *organisations.System) {
		x.Class, x.Profile, x.SendsFor = organisations.ClassA1, organisations.Connecting, []string{s.a.OID, s.b.OID}
	})
	send := func(d *fixtures.Document) []byte {
		return s.w.FrameWith(d, fixtures.FrameOptions{Sender: point.Device})
	}
	of := func(o *fixtures.Organisation) func(*fixtures.Spec) {
		return func(x *fixtures.Spec) {
			x.Controller, x.Organiser, x.Unit = o, o, o.Units[0]
			x.Author, x.System = professionalOf(o), o.System
		}
	}
	s.as(point).accepted(send(s.fresh(fixtures.OldXHTML, of(s.a))))
	s.as(point).accepted(send(s.fresh(fixtures.OldXHTML, of(s.b))))
	crossed := s.fresh(fixtures.OldXHTML, func(x *fixtures.Spec) { of(s.b)(x); x.Author = professionalOf(s.a) })
	s.as(point).refused(send(crossed), pipeline.RuleController)
	s.as(point).refused(send(s.fresh(fixtures.OldXHTML, func(x *fixtures.Spec) { of(s.a)(x); x.Author = professionalOf(s.p) })), pipeline.RuleJoiningPoint)
	ask := asking(s.a, interactions.QueryDocument, append(byID(s.doc("plan")), byClient(s.child), byUse("1"))...)
	ask.Sender = point.Device
	s.given("for the one whose register it is", s.as(point).ask(ask), true)
	ask.User.Organization.ID.Root, ask.MessageID.Extension = s.b.Units[0].OID, ask.MessageID.Extension+"1"
	s.given("for the other", s.as(point).ask(ask), false)
	ask.User.Organization.ID.Root, ask.MessageID.Extension = s.p.Units[0].OID, ask.MessageID.Extension+"2"
	got := s.as(point).ask(ask)
	s.refusedBy("for one that it does not send for", got, pipeline.RuleJoiningPoint)
	if got.Code != frame.AnswerError || slices.Contains(got.rules(), pipeline.RuleFailure) || !slices.ContainsFunc(s.usage("search"), func(u store.Usage) bool {
		return u.Refused == pipeline.RuleJoiningPoint && u.DataController == vendor
	}) {
		s.t.Errorf("a refused attempt is no failure, and is logged: %s %v", got.Code, got.rules())
	}
}

// professionalOf gives a professional who works in an organisation.
func professionalOf(o *fixtures.Organisation) *fixtures.Professional {
	for _, p := range world().Professionals {
		if p.Unit.Organisation == o {
			return p
		}
	}
	return nil
}

func systemOutOfTime(s *joinedScene) {
	for _, x := range []struct {
		change func(*organisations.System)
		rule   string
	}{
		{func(x *organisations.System) { x.To = s.w.Now.AddDate(0, -1, 0) }, pipeline.RuleSystemTime},
		{func(x *organisations.System) { x.Organisation = vendor }, pipeline.RuleSystemUnknown},
		{func(x *organisations.System) { x.Class = organisations.ClassB }, pipeline.RuleSystemClass},
	} {
		s.system("utuvaara", x.change)
		s.as(s.a.System).refused(s.w.Frame(s.fresh(fixtures.Note, nil)), x.rule)
		s.refusedBy("and asks", s.plan(s.a, "1"), x.rule)
	}
}

func foreignCertificate(s *joinedScene) {
	s.as(s.b.System).refused(s.w.Frame(s.fresh(fixtures.Note, nil)), pipeline.RuleSender)
	s.as(s.b.System).refused(s.w.FrameWith(s.fresh(fixtures.Note, nil), fixtures.FrameOptions{Sender: s.b.OID}), pipeline.RuleController)
	s.given("another asks as its own", s.plan(s.b, "1"), false)
}

func providerByCertificate(s *joinedScene) {
	s.as(s.p.System).accepted(s.providersNote())
	s.as(s.b.System).refused(s.w.FrameWith(s.scene.note(nil), fixtures.FrameOptions{Sender: s.b.OID}), pipeline.RuleRegistryRight)
}

func providerWithoutContract(s *joinedScene) {
	s.joined(func(j *organisations.Joined) {
		for i := range j.Contracts {
			j.Contracts[i].To = s.w.Now.AddDate(0, -1, 0)
		}
	})
	s.as(s.p.System).refused(s.providersNote(), pipeline.RuleController)
	s.given("a provider without contract", s.plan(s.p, "902"), false)
}

func suspendedByOrganiser(s *joinedScene) {
	about := func(o *frame.Order) { o.Unit, o.Task = s.p.Units[0].OID, fixtures.TaskFamilies.Code }
	s.as(s.a.System).accepted(s.order(interactions.Suspend, s.a, s.child, about))
	s.as(s.p.System).refused(s.providersNote(), pipeline.RuleRegistryRight)
	s.given("while it is suspended", s.plan(s.p, "902"), false)
	own := s.order(interactions.Resume, s.p, s.child, func(o *frame.Order) { about(o); o.Controller.ID.Root = s.a.OID })
	if r := s.as(s.p.System).send(own); r.ack == nil || r.ack.Code != "CE" {
		s.t.Errorf("the provider lets its own right go on: %v", r)
	}
	s.given("after the provider's own try", s.plan(s.p, "902"), false)
	s.as(s.a.System).accepted(s.order(interactions.Resume, s.a, s.child, about))
	s.as(s.p.System).accepted(s.providersNote())
	s.given("after the organiser's", s.plan(s.p, "902"), true)
}

func registryTrial(s *joinedScene) {
	note := s.scene.note(nil)
	s.as(s.p.System).accepted(s.w.FrameWith(note, fixtures.FrameOptions{Sender: s.p.OID}))
	ask := asking(s.a, interactions.QueryDocument, append(byID(note.OID), byClient(s.child))...)
	if got := s.as(s.a.System).ask(ask); !slices.Equal(got.ids(), []string{note.OID}) {
		s.t.Errorf("the organiser finds %v %v", got.ids(), got.rules())
	}
	correction := version(s.t, note, nil)
	s.as(s.p.System).accepted(s.w.FrameWith(correction, fixtures.FrameOptions{Sender: s.p.OID}))
	s.as(s.a.System).accepted(s.w.FrameWith(version(s.t, correction, func(x *fixtures.Spec) {
		x.Unit, x.Author, x.System = s.a.Units[0], professionalOf(s.a), s.a.System
	}), fixtures.FrameOptions{Sender: s.a.OID}))
}

func providerFetches(s *joinedScene) {
	got := s.plan(s.p, "902")
	s.given("the provider", got, true)
	rows := s.usage("fetch")
	if !slices.ContainsFunc(rows, func(u store.Usage) bool { return u.DataController == s.a.OID && u.System == s.p.OID && u.Refused == "" }) {
		s.t.Errorf("the usage log has no row of it: %+v", rows)
	}
}
