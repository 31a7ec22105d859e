package observe

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"portti/cda"
	"portti/conformance/cases"
	"portti/conformance/report"
	"portti/conformance/run"
	"portti/conformance/wire"
)

// Plan says whom a session observes and through which cases it leads.
type Plan struct {
	// Name is what the system is called.
	Name string `json:"name"`
	// Certificate is the organisation's OID in the client certificate, Device the
	// OID that messages name as sender. One of them is enough; with neither every
	// message is taken to be this system's.
	Certificate string `json:"certificate,omitempty"`
	Device      string `json:"device,omitempty"`
	// Profile, IDs, Tags and Trial choose the cases, Excluded leaves some out (by ids).
	Profile  cases.Profile `json:"profile,omitempty"`
	IDs      []string      `json:"ids,omitempty"`
	Tags     []string      `json:"tags,omitempty"`
	Trial    string        `json:"trial,omitempty"`
	Excluded []string      `json:"excluded,omitempty"`
}

// session leads one system through its cases.
type session struct {
	id    string
	plan  Plan
	set   *cases.Set
	cases []*cases.Case
	run   *report.Run
	// at and step are the place: case and step within.
	at, step int
	sent     map[string]*sent // by step name, within the case
	knob     string           // a fault for the next message, set by hand
	ended    bool             // by hand, whatever is left
}

// sent is what came at a step.
type sent struct {
	id  string
	sum [sha256.Size]byte
	doc *message
}

func newSession(id string, p Plan, set *cases.Set, list []*cases.Case, now time.Time) *session {
	s := &session{id: id, plan: p, set: set, cases: list, sent: map[string]*sent{}}
	s.run = &report.Run{Mode: cases.Client, Profile: p.Profile, Trial: p.Trial, Started: now, Ended: now,
		Target: report.Target{Name: p.Name, Peer: strings.TrimSpace(p.Certificate + " " + p.Device)}}
	for _, c := range list {
		s.run.Results = append(s.run.Results, open(c))
	}
	return s
}

// open is the result of a case that has not begun: its steps and knobs are told.
func open(c *cases.Case) report.Case {
	r := run.Blank(c)
	for i := range c.Steps {
		r.Steps = append(r.Steps, report.Step{Say: c.Steps[i].Say, Verdict: report.Open, Expected: c.Steps[i].Knob})
	}
	return r
}

// mine tells whether a message is of the observed system.
func (s *session) mine(m *message) bool {
	return (s.plan.Certificate == "" || s.plan.Certificate == m.organisation) && (s.plan.Device == "" || s.plan.Device == m.device)
}

// done tells that nothing is left to do.
func (s *session) done() bool { return s.ended || s.at >= len(s.cases) }

// current is the step that is waited for, nil at the end.
func (s *session) current() *cases.Step {
	if s.done() {
		return nil
	}
	return &s.cases[s.at].Steps[s.step]
}

// aside tells that a message only prepares what is asked for: a relationship or a
// case before the document that needs it.
func (s *session) aside(m *message) bool {
	x := s.current()
	if x != nil && x.Await.Query != "" {
		return m.query == "" // what is stored before is found then
	}
	return x == nil || m.preparation() && !slices.Contains(x.Await.Groups, m.group) && x.Await.Same == ""
}

// settle judges the message of the current step and moves on.
func (s *session) settle(m *message, a *wire.Answer, now time.Time, took time.Duration) {
	x := s.current()
	st := &s.run.Results[s.at].Steps[s.step]
	*st = report.Step{Say: x.Say, Verdict: report.Passed, Expected: x.Knob, Took: report.Milliseconds(took)}
	j := &judge{session: s, m: m, a: a, want: &x.Await, out: st}
	j.judge(x)
	if x.As != "" {
		s.sent[x.As] = &sent{id: m.documentID, sum: m.sum, doc: m}
	}
	s.run.Ended = now
	c := &s.run.Results[s.at]
	if c.Began.IsZero() {
		c.Began = now
	}
	c.Took = report.Milliseconds(now.Sub(c.Began))
	if st.Verdict == report.Failed {
		c.Verdict = report.Failed
		s.next()
		return
	}
	if s.step++; s.step == len(s.cases[s.at].Steps) {
		c.Verdict = report.Passed
		s.next()
	}
}

// next goes to the next case.
func (s *session) next() {
	s.at, s.step = s.at+1, 0
	s.sent = map[string]*sent{}
}

// again starts the case before the current one (or the current one, where it has
// begun) anew.
func (s *session) again() {
	if s.step == 0 && s.at > 0 {
		s.at--
	}
	if s.done() {
		return
	}
	s.step, s.sent = 0, map[string]*sent{}
	s.run.Results[s.at] = open(s.cases[s.at])
}

// judge holds a message against what was asked for.
type judge struct {
	*session
	m    *message
	a    *wire.Answer // the archive's own answer, nil where it was not asked
	want *cases.Await
	out  *report.Step
}

func (j *judge) problem(key string, params ...string) {
	j.out.Verdict = report.Failed
	j.out.Problems = append(j.out.Problems, run.NewProblem(j.set, key, params...))
}

func (j *judge) judge(x *cases.Step) {
	w, m := j.want, j.m
	if w.Query != "" {
		j.query()
	} else if w.Same != "" {
		j.same(j.sent[w.Same])
	} else {
		j.form()
	}
	if s := j.sent[w.Other]; s != nil && s.sum == m.sum {
		j.problem("await-other")
	}
	if w.SOAP != "" && w.SOAP != m.soap {
		j.problem("await-soap", "got", m.soap, "want", w.SOAP)
	}
	j.verdict(x)
}

func (j *judge) same(s *sent) {
	if s == nil || s.id != j.m.documentID || s.sum != j.m.sum {
		j.problem("await-same")
	}
}

// query judges a query: its kind, and that it asks about something.
func (j *judge) query() {
	if j.m.query != j.want.Query {
		j.problem("await-query", "got", orNone(j.m.query), "want", j.want.Query)
	}
	if j.m.about == 0 {
		j.problem("await-about")
	}
}

// form judges group, form, version and clients.
func (j *judge) form() {
	w, m := j.want, j.m
	differ := func(key, got, want string, ok bool) {
		if !ok {
			j.problem(key, "got", orNone(got), "want", want)
		}
	}
	bare := m.document == nil && m.nullifies // by frame alone
	differ("await-group", m.group, strings.Join(w.Groups, "|"), len(w.Groups) == 0 || bare || slices.Contains(w.Groups, m.group))
	differ("await-body", m.body, w.Body, w.Body == "" || bare || w.Body == m.body)
	j.version()
	if w.Replaces != "" {
		of := j.sent[w.Replaces]
		differ("await-replaces", m.replaces, of.id, of.id == m.replaces)
	}
	if w.Provider && !m.provider {
		j.problem("await-provider")
	}
	if w.Elsewhere && m.controller == m.device {
		j.problem("await-elsewhere")
	}
	if w.Attachment && m.attachments == 0 {
		j.problem("await-attachment")
	}
	differ("await-clients", strconv.Itoa(len(m.clients)), strconv.Itoa(w.Clients), w.Clients == 0 || len(m.clients) == w.Clients)
	if w.Client != "" && !slices.ContainsFunc(m.clients, func(c cda.Client) bool { return j.sortOf(c) == w.Client }) {
		j.problem("await-client", "want", w.Client)
	}
}

func orNone(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

func (j *judge) version() {
	m := j.m
	got := "first"
	switch {
	case m.nullifies:
		got = "nullification"
	case m.replaces != "" || m.version > 1:
		got = "next"
	}
	if w := j.want.Version; w != "" && w != got {
		j.problem("await-version", "got", fmt.Sprintf("%s (%d)", got, m.version), "want", w)
	}
}

// sortOf tells of which sort a client is.
func (j *judge) sortOf(c cda.Client) string {
	const grown = 18
	if cda.IsTemporaryClientRoot(c.ID.Root) {
		return "temporary"
	}
	if born := c.BirthTime.Time; !born.IsZero() && born.AddDate(grown, 0, 0).After(j.run.Started) {
		return "minor"
	}
	return "adult"
}

// verdict judges what the archive itself says of the message.
func (j *judge) verdict(x *cases.Step) {
	if j.a == nil {
		return
	}
	accepted := j.a.Ack != nil && (j.a.Ack.Code == "CA" || j.a.Ack.Code == "AA")
	if j.out.Got = "refused"; accepted {
		j.out.Got = "accepted"
	}
	if j.a.Ack != nil {
		for _, d := range j.a.Ack.Details {
			j.out.Findings = append(j.out.Findings, report.Finding{Rule: d.Rule, Severity: d.Severity.String(), Text: d.Text, Location: strings.Join(d.Location, " ")})
		}
	}
	switch {
	case x.Await.Refused && accepted:
		j.problem("await-accepted")
	case !x.Await.Refused && !accepted:
		j.problem("await-refused", "got", strings.Join(j.a.Rules(), " "))
	}
}
