package pipeline

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"portti/cda"
	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/fixtures"
	"portti/internal/finding"
	"portti/store"
)

// shelf is an archive for queries: a store whose log can fail and is seen.
type shelf struct {
	*store.Store
	logged []store.Entries
	err    error
}

func (s *shelf) Log(_ context.Context, e store.Entries) error {
	s.logged = append(s.logged, e)
	return s.err
}

// release is a Release by functions.
type release struct {
	begin  []finding.Finding
	scope  store.Scope
	decide func(Found) Ruling
}

func (r release) Begin(context.Context, Asker) (Releasing, []finding.Finding, error) {
	return r, r.begin, nil
}
func (r release) Scope() store.Scope                                { return r.scope }
func (r release) Decide(_ context.Context, f Found) (Ruling, error) { return r.decide(f), nil }
func give(Found) Ruling                                             { return Ruling{} }
func giveAs(r Ruling) func(Found) Ruling                            { return func(Found) Ruling { return r } }
func anywhere() store.Scope                                         { return store.Scope{All: true, Purpose: "test"} }
func queryOf(t *testing.T, op interactions.Operation, d *fixtures.Document) Request {
	t.Helper()
	w := fixtures.Default()
	org, p := w.Organisations[1], w.Professionals[0]
	a := frame.Ask{Params: []frame.AskParam{
		{Field: interactions.FieldDocument, Value: d.OID},
		{Field: interactions.FieldSpecialReason, Value: "3"},
	}}
	a.Operation, a.Sender, a.CreationTime, a.MessageID = op, org.OID, w.Now, cda.ID{Root: org.OID, Extension: "1"}
	a.User = frame.User{ID: cda.ID{Root: cda.RootHetu, Extension: p.Hetu}, Name: cda.Name{Family: []string{p.Family}, Given: []string{p.Given}},
		Organization: cda.Organization{ID: cda.ID{Root: org.Units[0].OID}}}
	var b bytes.Buffer
	if err := frame.WriteQuery(&b, a); err != nil {
		t.Fatal(err)
	}
	return request(b.String())
}

// shelved gives a pipeline over an archive with one document of the first controller.
func shelved(t *testing.T, r Release) (*shelf, *Pipeline, *fixtures.Document) {
	t.Helper()
	st, err := store.Open(context.Background(), store.Options{Dir: t.TempDir(), Now: func() time.Time { return fixtures.Default().Now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	s := &shelf{Store: st}
	p := testPipeline(t, s, KnownAccess{})
	p.Library, p.Release = s, r
	d := fixtures.Default().Doc("phase1-xhtml")
	if a := p.Handle(context.Background(), request(string(fixtures.Default().Frame(d)))); a.Report.Verdict != Accepted {
		t.Fatalf("%s", a.Body)
	}
	return s, p, d
}

// gives tells whether an answer holds the document's bytes.
func gives(a Answer) bool { return bytes.Contains(a.Body, []byte("Content-Transfer-Encoding")) }

func TestLOG1_NoAnswerLeavesBeforeItsLog(t *testing.T) {
	s, p, d := shelved(t, release{scope: anywhere(), decide: give})
	s.err = &store.Error{Kind: store.ErrFull, Op: "log"}
	a := p.Handle(context.Background(), queryOf(t, interactions.QueryDocument, d))
	if gives(a) || a.Report.Verdict != "AR" || !errors.Is(a.Report.Failure, store.ErrFull) {
		t.Errorf("%+v\n%s", a.Report, a.Body)
	}
	s.err = nil
	if a := p.Handle(context.Background(), queryOf(t, interactions.QueryDocument, d)); !gives(a) || a.Report.Verdict != "AA" {
		t.Errorf("%+v", a.Report)
	}
}

func TestLOG1_QueriesAreLogged(t *testing.T) {
	s, p, d := shelved(t, release{scope: anywhere(), decide: giveAs(Ruling{Disclosed: true, Ground: "law (703/2023)"})})
	p.Handle(context.Background(), queryOf(t, interactions.QueryDocument, d))
	w, e := fixtures.Default(), s.logged[0]
	client, user := d.Spec.Clients[0].Hetu, w.Professionals[0].Hetu
	if len(e.Usage) != 2 || e.Usage[0].Action != "search" || e.Usage[1].Action != "fetch" || e.Usage[1].DocumentID != d.OID {
		t.Fatalf("usage: %+v", e.Usage)
	}
	for _, u := range e.Usage {
		if u.Client != client || u.User != user || u.DataController != w.Organisations[0].OID || u.LogController != w.Organisations[1].OID ||
			u.Purpose != "1" || u.Refused != "" || !strings.Contains(string(u.Detail), `"specialReason":"3"`) {
			t.Errorf("%+v %s", u, u.Detail)
		}
	}
	if len(e.Disclosures) != 1 {
		t.Fatalf("disclosures: %+v", e.Disclosures)
	}
	x := e.Disclosures[0]
	if x.DocumentID != d.OID || x.Ground == "" || x.Client != client || x.User != user || x.DataController != w.Organisations[0].OID ||
		x.Recipient != w.Organisations[1].Units[0].OID || !strings.HasPrefix(x.Description, "document") {
		t.Errorf("%+v", x)
	}
	if m := e.Message; m == nil || m.Verdict != "AA" || len(m.Acknowledgement) != 0 {
		t.Errorf("message: %+v", m)
	}
}

func TestLUO1_HiddenAndRefusedDocuments(t *testing.T) {
	for _, c := range []struct {
		name    string
		r       release
		verdict Verdict
		outcome string
		logs    func(store.Entries) bool
	}{
		{"own registers only", release{}, "AA", "NF", func(e store.Entries) bool {
			return len(e.Usage) == 1 && e.Usage[0].Action == "search" && len(e.Disclosures) == 0
		}},
		{"hidden", release{scope: anywhere(), decide: giveAs(Ruling{Outcome: Hidden, Rule: RuleController})}, "AA", "NF", func(e store.Entries) bool {
			return len(e.Disclosures) == 1 && e.Disclosures[0].Refused == RuleController && e.Disclosures[0].Client != ""
		}},
		{"refused", release{scope: anywhere(), decide: giveAs(Ruling{Outcome: Refused, Rule: RuleController, Value: "1.2"})}, "AE", "AE", func(e store.Entries) bool {
			return len(e.Usage) == 1 && e.Usage[0].Refused == RuleController && e.Usage[0].Client != "" && e.Usage[0].DocumentID != ""
		}},
		{"refused as a whole", release{begin: []finding.Finding{{Rule: RuleSystemUnknown}}}, "AE", "AE", func(e store.Entries) bool {
			return len(e.Usage) == 1 && e.Usage[0].Refused == RuleSystemUnknown
		}},
	} {
		var r Release = c.r
		if c.name == "own registers only" {
			r = nil
		}
		s, p, d := shelved(t, r)
		a := p.Handle(context.Background(), queryOf(t, interactions.QueryDocument, d))
		if a.Report.Verdict != c.verdict || gives(a) || !bytes.Contains(a.Body, []byte(`<queryResponseCode code="`+c.outcome+`"/>`)) {
			t.Errorf("%s: %+v\n%s", c.name, a.Report, a.Body)
		}
		if len(s.logged) != 1 || !c.logs(s.logged[0]) {
			t.Errorf("%s: %+v", c.name, s.logged)
		}
	}
}

func TestDOC9_ProtectionIsMarkedInAnswers(t *testing.T) {
	_, p, d := shelved(t, release{scope: anywhere(), decide: giveAs(Ruling{Protected: true})})
	a := p.Handle(context.Background(), queryOf(t, interactions.QueryMetadata, d))
	if !bytes.Contains(a.Body, []byte(`code="TURVAKIELTO"`)) || bytes.Contains(a.Body, []byte("<addr")) {
		t.Errorf("%s", a.Body)
	}
}

func TestSessionsAreBounded(t *testing.T) {
	var ss sessions
	now := fixtures.Default().Now
	one := session{found: []string{"a", "b"}}
	for i := range maxSessions + 50 {
		ss.keep(string(rune('a'+i%26))+strings.Repeat("x", i), one, now.Add(time.Duration(i)*time.Millisecond))
	}
	if len(ss.m) > maxSessions {
		t.Errorf("%d sessions", len(ss.m))
	}
	ss.keep("k", one, now.Add(time.Second))
	if _, ok := ss.get("k", now.Add(sessionTime)); !ok {
		t.Error("a session is gone before its time")
	}
	if _, ok := ss.get("k", now.Add(2*sessionTime)); ok {
		t.Error("a session is there after its time")
	}
	if s := one; !s.open() || !slices.Contains(s.found, "b") {
		t.Error("what is left is not seen")
	}
}
