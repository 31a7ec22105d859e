package store

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// tenYears lets a document go ten years after its case was closed, or at the
// clients' death where there is no case.
type tenYears struct{}

func (tenYears) LastCase([]string) bool { return true }
func (tenYears) Due(r *RetentionFacts) (time.Time, string) {
	switch {
	case !r.CaseClosed.IsZero():
		return r.CaseClosed.AddDate(10, 0, 0), "TEN"
	case len(r.Clients) > 0 && !r.Clients[0].Death.IsZero():
		return r.Clients[0].Death, "TEN"
	}
	return time.Time{}, "TEN"
}

var (
	anna  = Actor{ID: "99900000011", Name: "Anna Arkistonhoitaja"}
	bertt = Actor{ID: "99900000012", Name: "Bertta Tarkastaja"}
)

func deed(action string) Usage {
	return Usage{DataController: ctlA, LogController: ctlA, User: anna.ID, UserName: anna.Name, Action: action, Purpose: "archive"}
}

func record1(tb testing.TB, s *Store, kind EventKind, subject string, day time.Time) {
	tb.Helper()
	err := s.RecordEvents(bg, []Event{{Kind: kind, Controller: ctlA, Subject: subject, Day: day, By: anna, Source: "test"}}, []Usage{deed("event")})
	if err != nil {
		tb.Fatal(err)
	}
}

func addHold(tb testing.TB, s *Store, h Hold) int64 {
	tb.Helper()
	h.Controller, h.Reason, h.By = ctlA, "oikeudenkäynti", anna
	n, err := s.AddHold(bg, h, deed("hold"))
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

func fileNotice(tb testing.TB, s *Store, id string) FileOutcome {
	tb.Helper()
	out, err := s.File(bg, notice(id, "päätös"))
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// notice is a bundle of one disclosure notice.
func notice(id, what string) FiledBundle {
	d := Disclosure{At: noon, DataController: ctlA, LogController: ctlA, Client: cli1, Recipient: "Kela", Description: what}
	return FiledBundle{ContentType: "application/fhir+json", Authorization: "token", Body: []byte(`{"id":"` + id + what + `"}`), Owner: ctlA,
		Notices: []FiledNotice{{ID: id, Sum: [32]byte([]byte((what + "                                ")[:32])), Controller: ctlA, Event: noon, Disclosures: []Disclosure{d}}},
		Message: Message{ID: "n-" + id, Owner: ctlA}, Usage: []Usage{deed("notice")}}
}

// begun begins a run.
func begun(tb testing.TB, s *Store) int64 {
	tb.Helper()
	run, err := s.BeginDisposal(bg, DisposalRun{Plan: [32]byte{1}, By: anna, Second: bertt})
	if err != nil {
		tb.Fatal(err)
	}
	return run
}

func disposal(a Archival, run int64) Disposal {
	return Disposal{Run: run, Document: a.ID, SHA256: sha256.Sum256(a.Document), Rule: "TEN", Policy: tenYears{}, Usage: deed("dispose")}
}

func dispose(tb testing.TB, s *Store, a Archival, run int64, want DisposalOutcome) {
	tb.Helper()
	if out, err := s.Dispose(bg, disposal(a, run)); out != want || err != nil {
		tb.Fatalf("disposal of %s: %q, want %q; %v", a.ID, out, want, err)
	}
}

func TestARK9_DisposalDestroysTheContentAndLeavesProof(t *testing.T) {
	c := &clock{t: noon}
	s := open(t, func(o *Options) { o.Now = c.now })
	a := doc(id(1))
	b := next(a, id(2))
	other := doc(id(3))
	other.Index.Case = "1.2.246.10.99999901.96.2"
	for _, x := range []Archival{a, b, other} {
		mustArchive(t, s, x)
	}
	record1(t, s, CaseClosed, a.Index.Case, noon)
	run := begun(t, s)
	dispose(t, s, b, run, NotDue)
	c.set(noon.AddDate(10, 0, 1))
	dispose(t, s, other, run, NotDue) // its case is open
	dispose(t, s, a, run, Disposed)
	dispose(t, s, b, run, Disposed)
	dispose(t, s, b, run, AlreadyDisposed)
	for _, x := range []Archival{a, b} {
		d, err := s.Document(bg, inA, x.ID)
		if err != nil || !d.Disposed || d.Bytes != nil || d.SHA256 != sha256.Sum256(x.Document) {
			t.Errorf("tombstone of %s: %+v %v", x.ID, d, err)
		}
	}
	wantBytes(t, s, other)
	p, err := s.Search(bg, inA, Filter{Client: cli1, Earlier: true}, 10, "")
	if err != nil || len(p.Hits) != 1 {
		t.Errorf("found after the disposal: %+v %v", p, err)
	}
	if n, err := s.Counts(bg, inA); err != nil || n.Documents != 1 || n.Current != 1 || n.Bytes != 500 {
		t.Errorf("counts %+v %v", n, err)
	}
	for _, q := range []string{`SELECT count(*) FROM bodies`, `SELECT count(*) FROM frames`, `SELECT count(*) FROM receipts`, `SELECT count(*) FROM doc_index`,
		`SELECT count(*) FROM salts t JOIN leaves l ON l.seq = t.leaf WHERE l.kind = 1`} {
		if n := count(t, s, q); n != 1 {
			t.Errorf("%s gives %d", q, n)
		}
	}
	u, err := s.SearchUsage(bg, inA, LogFilter{Action: "dispose"}, 10, "")
	if err != nil || len(u.Entries) != 2 || u.Entries[0].DocumentID != b.ID || u.Entries[0].UserName != anna.Name {
		t.Errorf("log rows %+v %v", u, err)
	}
	wantClean(t, s)
	if out := archive(t, s, a); out.Kind != Duplicate {
		t.Errorf("a disposed document comes again: %+v", out)
	}
	refused(t, s, next(b, id(4)), RuleDisposed)
	nullify(t, s, nullification(b.ID), Refused, RuleDisposed)
	if err := s.Reindex(bg, func([]byte) (Index, error) { return other.Index, nil }); err != nil {
		t.Error(err)
	}
	wantClean(t, s)
}

// Nullified series are counted and their notices destroyed.
func TestARK9_DisposalOfANullifiedSeries(t *testing.T) {
	c := &clock{t: noon}
	s := open(t, func(o *Options) { o.Now = c.now })
	a := doc(id(1))
	mustArchive(t, s, a)
	nullify(t, s, nullification(a.ID), Nullified, "")
	record1(t, s, CaseClosed, a.Index.Case, noon)
	c.set(noon.AddDate(11, 0, 0))
	dispose(t, s, a, begun(t, s), Disposed)
	if n := count(t, s, `SELECT count(*) FROM notices`); n != 0 {
		t.Errorf("%d notices left", n)
	}
	nullify(t, s, nullification(a.ID), Duplicate, "")
	wantClean(t, s)
}

func TestARK9_WhatIsHeldStays(t *testing.T) {
	c := &clock{t: noon}
	s := open(t, func(o *Options) { o.Now = c.now })
	a := doc(id(1))
	mustArchive(t, s, a)
	record1(t, s, CaseClosed, a.Index.Case, noon)
	c.set(noon.AddDate(10, 0, 1))
	run := begun(t, s)
	for _, h := range []Hold{{Kind: "document", Subject: a.ID}, {Kind: "series", Subject: a.SetID}, {Kind: "case", Subject: a.Index.Case},
		{Kind: "client", Subject: " " + cli1}, {Kind: "controller"}} {
		n := addHold(t, s, h)
		dispose(t, s, a, run, HeldBack)
		wantErr(t, s.ReleaseHold(bg, inB, n, anna, "x", deed("release")), ErrNotFound)
		if err := s.ReleaseHold(bg, inA, n, anna, "päättynyt", deed("release")); err != nil {
			t.Fatal(err)
		}
		wantErr(t, s.ReleaseHold(bg, inA, n, anna, "x", deed("release")), ErrNotFound)
	}
	addHold(t, s, Hold{Kind: "client", Subject: cli2}) // of another client
	hs, err := s.Holds(bg, inA)
	if err != nil || len(hs) != 6 || hs[3].Subject != " "+cli1 || hs[0].Released.IsZero() || hs[0].ReleasedBy != anna || !hs[5].Released.IsZero() {
		t.Errorf("%+v %v", hs, err)
	}
	wantClean(t, s)
	dispose(t, s, a, run, Disposed)
	wantClean(t, s)
}

// An event that is changed or withdrawn changes the period at once.
func TestARK9_PeriodsFollowTheirStartEvents(t *testing.T) {
	s := open(t)
	a := doc(id(1))
	a.Index.Clients = []string{cli1, cli2}
	a.Events = []Event{{Kind: CaseClosed, Controller: ctlA, Subject: a.Index.Case, Day: noon, Document: a.ID}}
	mustArchive(t, s, a)
	facts := func() (out RetentionFacts) {
		t.Helper()
		if err := s.Retention(bg, inA, tenYears{}, func(r *RetentionFacts) error { out = *r; return nil }); err != nil {
			t.Fatal(err)
		}
		return out
	}
	midnight := noon.Truncate(24 * time.Hour)
	if r := facts(); !r.CaseClosed.Equal(midnight) || !r.LastCaseClosed.Equal(midnight) || r.Class != a.Index.RetentionClass || len(r.Clients) != 2 {
		t.Errorf("%+v", r)
	}
	record1(t, s, CaseClosed, a.Index.Case, time.Time{})
	record1(t, s, Death, cli2, noon.AddDate(1, 0, 0))
	b := next(a, id(2)) // a version that says the same as was in force is no second row
	b.Index.Case = "other"
	b.Events = []Event{{Kind: CaseClosed, Controller: ctlA, Subject: a.Index.Case}, {Kind: CaseClosed, Controller: ctlA, Subject: "never closed"}}
	mustArchive(t, s, b)
	record1(t, s, DecisionEnd, a.SetID, noon.AddDate(2, 0, 0))
	r := facts() // of the newest
	if !r.CaseClosed.IsZero() || !r.LastCaseClosed.IsZero() || !r.Clients[0].Death.IsZero() ||
		!r.Clients[1].Death.Equal(midnight.AddDate(1, 0, 0)) || !r.DecisionEnd.Equal(midnight.AddDate(2, 0, 0)) {
		t.Errorf("%+v", r)
	}
	if n := count(t, s, `SELECT count(*) FROM events`); n != 4 {
		t.Errorf("%d events", n)
	}
	err := s.RecordEvents(bg, []Event{{Kind: "birthday", Controller: ctlA, Subject: cli1, By: anna}}, []Usage{deed("event")})
	wantErr(t, err, ErrInput)
	wantErr(t, s.RecordEvents(bg, []Event{{Kind: Death, Controller: ctlA, Subject: cli1, By: anna}}, nil), ErrInput)
	wantErr(t, s.RecordEvents(bg, []Event{{Kind: Death, Controller: ctlA, Subject: cli1}}, []Usage{deed("event")}), ErrInput)
	wantClean(t, s)
}

// A client's last case counts only when every one of the same task is closed.
func TestARK9_LastCaseOfTheClient(t *testing.T) {
	s := open(t)
	a, b, c := doc(id(1)), doc(id(2)), doc(id(3))
	b.Index.Case, c.Index.Case, c.Index.Tasks = "case-b", "case-c", []string{"10"}
	for _, x := range []Archival{a, b, c} {
		mustArchive(t, s, x)
	}
	last := func() (out time.Time) {
		t.Helper()
		err := s.Retention(bg, inA, tenYears{}, func(r *RetentionFacts) error {
			if r.ID == a.ID {
				out = r.LastCaseClosed
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	record1(t, s, CaseClosed, a.Index.Case, noon)
	if d := last(); !d.IsZero() {
		t.Errorf("another case is open, told closed at %v", d)
	}
	record1(t, s, CaseClosed, "case-b", noon.AddDate(3, 0, 0)) // the case of the other task stays open
	if d := last(); !d.Equal(noon.Truncate(24*time.Hour).AddDate(3, 0, 0)) {
		t.Errorf("last case closed at %v", d)
	}
}

func TestARK9_ADisposalNeedsTwoPeopleAndTheReviewedBytes(t *testing.T) {
	c := &clock{t: noon}
	s := open(t, func(o *Options) { o.Now = c.now })
	a := doc(id(1))
	mustArchive(t, s, a)
	for _, r := range []DisposalRun{{}, {By: anna}, {By: anna, Second: anna}, {By: anna, Second: Actor{ID: " " + anna.ID, Name: "X"}}} {
		_, err := s.BeginDisposal(bg, r)
		wantErr(t, err, ErrInput)
	}
	record1(t, s, CaseClosed, a.Index.Case, noon)
	c.set(noon.AddDate(10, 0, 1))
	run := begun(t, s)
	d := disposal(a, run)
	d.SHA256[0]++
	if out, err := s.Dispose(bg, d); out != Changed || err != nil {
		t.Errorf("other bytes: %q %v", out, err)
	}
	d = disposal(a, run)
	d.Rule = "OTHER"
	if out, err := s.Dispose(bg, d); out != NotDue || err != nil {
		t.Errorf("another rule: %q %v", out, err)
	}
	if out, err := s.Dispose(bg, disposal(doc(id(9)), run)); out != Changed || err != nil {
		t.Errorf("unknown: %q %v", out, err)
	}
	d = disposal(a, run)
	d.Usage.Client = cli1
	_, err := s.Dispose(bg, d)
	wantErr(t, err, ErrInput)
	d = disposal(a, run)
	d.Policy, d.Replay, d.SHA256 = nil, true, [32]byte{}
	addHold(t, s, Hold{Kind: "document", Subject: a.ID})
	if out, err := s.Dispose(bg, d); out != Disposed || err != nil {
		t.Errorf("replay after a restore: %q %v", out, err)
	}
	wantClean(t, s)
}

// What has been disposed of lately must not be looked for after an I/O error.
func TestARK9_TheArchiveReopensAfterADisposal(t *testing.T) {
	c := &clock{t: noon}
	var fault atomic.Bool
	s := open(t, func(o *Options) {
		o.Now = c.now
		o.beforeCommit = func() error {
			if fault.CompareAndSwap(true, false) {
				return &Error{Kind: ErrUnavailable, Op: "test"}
			}
			return nil
		}
	})
	a := doc(id(1))
	mustArchive(t, s, a)
	record1(t, s, CaseClosed, a.Index.Case, noon)
	c.set(noon.AddDate(10, 0, 1))
	dispose(t, s, a, begun(t, s), Disposed)
	fault.Store(true)
	wantErr(t, s.LogMessage(bg, Message{ID: "m", Owner: ctlA}), ErrUnavailable)
	if err := tryDeed(s, func(s *Store) error { return s.LogMessage(bg, Message{ID: "m", Owner: ctlA}) }, 20*time.Second); err != nil {
		t.Errorf("the archive does not come back: %v", err)
	}
}

// The check names what a disposal left, and damage in each new table.
func TestARK9_CheckSeesDamageInRetention(t *testing.T) {
	for name, q := range map[string]string{
		"event":    `UPDATE events SET day = day + 1`,
		"hold":     `UPDATE holds SET kind = 'case'`,
		"run":      `UPDATE disposal_runs SET plan = zeroblob(32)`,
		"notice":   `UPDATE filed_notices SET owner = 'x'`,
		"disposal": `UPDATE disposals SET reason = 'x'`,
		"leaf":     `DELETE FROM events`,
	} {
		c := &clock{t: noon}
		s := open(t, func(o *Options) { o.Now = c.now })
		a := doc(id(1))
		mustArchive(t, s, a)
		record1(t, s, CaseClosed, a.Index.Case, noon)
		addHold(t, s, Hold{Kind: "client", Subject: cli2})
		fileNotice(t, s, id(900))
		c.set(noon.AddDate(10, 0, 1))
		dispose(t, s, a, begun(t, s), Disposed)
		wantClean(t, s)
		db := rawDB(t, s)
		for _, drop := range []string{"events_keep_update", "events_keep_delete", "holds_keep_update", "disposal_runs_keep_update",
			"filed_notices_keep_update", "disposals_keep_update"} {
			if _, err := db.Exec(`DROP TRIGGER ` + drop); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
		r, err := s.Check(bg)
		if err != nil || !slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Area == name || p.Area == "leaf" }) {
			t.Errorf("%s: the check says %+v, %v", name, r.Problems, err)
		}
	}
}

func TestLUO6_ANoticeIsFiledOnce(t *testing.T) {
	s := open(t)
	if out := fileNotice(t, s, id(900)); !out.Filed[0] || out.Refused != -1 {
		t.Errorf("%+v", out)
	}
	if out := fileNotice(t, s, id(900)); out.Filed[0] || out.Refused != -1 || out.Arrived[0].IsZero() {
		t.Errorf("again: %+v", out)
	}
	b := notice(id(900), "toinen")
	b.Notices = append(notice(id(901), "toinen").Notices, b.Notices...)
	out, err := s.File(bg, b)
	if err != nil || out.Refused != 1 || out.Findings[0].Rule != RuleNoticeTaken || slices.Contains(out.Filed, true) {
		t.Errorf("other content: %+v %v", out, err)
	}
	foreign := notice(id(900), "päätös")
	foreign.Owner = ctlB
	if out, err := s.File(bg, foreign); err != nil || out.Refused != 0 {
		t.Errorf("another sender: %+v %v", out, err)
	}
	// a known notice beside a new one: the new one is filed
	b = notice(id(900), "päätös")
	b.Notices = append(b.Notices, notice(id(902), "lausunto").Notices...)
	b.Body = []byte("both")
	if out, err = s.File(bg, b); err != nil || out.Filed[0] || !out.Filed[1] {
		t.Errorf("%+v %v", out, err)
	}
	for id, want := range map[string]string{id(900): `{"id":"` + id(900) + `päätös"}`, id(902): "both"} {
		if _, body, err := s.Filed(bg, inA, id); err != nil || string(body) != want {
			t.Errorf("%s: %q %v", id, body, err)
		}
	}
	_, _, err = s.Filed(bg, inB, id(900))
	wantErr(t, err, ErrNotFound)
	p, err := s.SearchDisclosures(bg, inA, LogFilter{Client: cli1}, 10, "")
	if err != nil || len(p.Entries) != 2 {
		t.Errorf("%+v %v", p, err)
	}
	u, err := s.SearchUsage(bg, inA, LogFilter{Attempts: RefusedAttempts}, 10, "")
	if err != nil || len(u.Entries) != 2 || u.Entries[0].Refused != RuleNoticeTaken {
		t.Errorf("refused attempts: %+v %v", u, err)
	}
	wantClean(t, s)
}

// Notices end with the disclosure log.
func TestLUO6_NoticesAreKeptTwelveYears(t *testing.T) {
	c := &clock{t: noon}
	s := open(t, func(o *Options) { o.Now = c.now })
	fileNotice(t, s, id(900))
	c.set(noon.AddDate(LogYears, 0, 1))
	if n, err := s.Purge(bg, DisclosureLog, noon.AddDate(50, 0, 0)); n != 3 || err != nil { // row, notice, message
		t.Errorf("%d rows went, %v", n, err)
	}
	_, _, err := s.Filed(bg, all, id(900))
	wantErr(t, err, ErrNotFound)
	wantClean(t, s)
}

func TestLOG3_RetentionTablesAreAppendOnly(t *testing.T) {
	s := open(t)
	record1(t, s, Death, cli1, noon)
	n := addHold(t, s, Hold{Kind: "controller"})
	if err := s.ReleaseHold(bg, inA, n, anna, "x", deed("release")); err != nil {
		t.Fatal(err)
	}
	begun(t, s)
	fileNotice(t, s, id(900))
	db := rawDB(t, s)
	for _, table := range []string{"events", "holds", "hold_releases", "disposal_runs", "filed_notices", "filed_bundles"} {
		if n := count(t, s, `SELECT count(*) FROM `+table); n == 0 {
			t.Errorf("%s is empty: nothing is tried", table)
		}
		for _, q := range []string{`DELETE FROM ` + table, `UPDATE ` + table + ` SET seq = seq`} {
			if _, err := db.Exec(q); err == nil {
				t.Errorf("%s went through", q)
			}
		}
	}
}

func TestDisposalHonoursAVisitorsError(t *testing.T) {
	s := open(t)
	mustArchive(t, s, doc(id(1)))
	stop := errors.New("stop")
	if err := s.Retention(bg, inA, tenYears{}, func(*RetentionFacts) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
}

// The state of a case document starts the period by itself; opened again it stops,
// and a nullified closing counts for nothing. Every id of a client holds.
func TestARK9_CaseDocumentsStartThePeriod(t *testing.T) {
	s := open(t)
	a := doc(id(1))
	mustArchive(t, s, a)
	facts := func() (out RetentionFacts) {
		t.Helper()
		err := s.Retention(bg, inA, tenYears{}, func(r *RetentionFacts) error {
			if r.ID == a.ID {
				out = *r
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	c := doc(id(2))
	c.Index.Group, c.Index.State = "2", &State{Case: &Case{ID: a.Index.Case, Closed: "2025-01-02T10:00:00+02:00"}}
	mustArchive(t, s, c)
	if r := facts(); r.CaseClosed.Format(time.DateOnly) != "2025-01-02" {
		t.Errorf("closed at %v", r.CaseClosed)
	}
	open := next(c, id(3))
	open.Index.State = &State{Case: &Case{ID: a.Index.Case}}
	mustArchive(t, s, open)
	if r := facts(); !r.CaseClosed.IsZero() {
		t.Errorf("opened again, told closed at %v", r.CaseClosed)
	}
	again := next(open, id(4))
	again.Index.State = c.Index.State
	mustArchive(t, s, again)
	if r := facts(); r.CaseClosed.IsZero() {
		t.Error("closed again, told open")
	}
	nullify(t, s, nullification(again.ID), Nullified, "")
	if r := facts(); !r.CaseClosed.IsZero() {
		t.Errorf("nullified, told closed at %v", r.CaseClosed)
	}
	rel := doc(id(5))
	rel.Index.Group, rel.Index.State = "1", &State{Relationship: &Relationship{ID: "r", Client: Person{IDs: []string{cli1, "temporary-1"}}, Birth: "1981-01-01"}}
	mustArchive(t, s, rel)
	record1(t, s, Death, "temporary-1", noon)
	addHold(t, s, Hold{Kind: "client", Subject: "temporary-1"})
	if r := facts(); r.Clients[0].Birth.Year() != 1981 || r.Clients[0].Death.IsZero() || len(r.Holds) != 1 {
		t.Errorf("%+v", r)
	}
	wantClean(t, s)
}

// What was known and held before a change of controller stays so.
func TestREK5_PeriodsAndHoldsFollowATransfer(t *testing.T) {
	s := open(t)
	a := doc(id(1))
	mustArchive(t, s, a)
	record1(t, s, CaseClosed, a.Index.Case, noon)
	addHold(t, s, Hold{Kind: "case", Subject: a.Index.Case})
	mustApply(t, s, mustPlan(t, s, planOf(ctlA, ctlB)).ID)
	var r RetentionFacts
	if err := s.Retention(bg, inB, tenYears{}, func(f *RetentionFacts) error { r = *f; return nil }); err != nil {
		t.Fatal(err)
	}
	if r.Controller != ctlB || r.CaseClosed.IsZero() || len(r.Holds) != 1 {
		t.Errorf("%+v", r)
	}
}

// In an encrypted archive everything of this file's works as well, and nothing of it
// stands in plain text.
func TestSEC1_RetentionAndNoticesAreSealed(t *testing.T) {
	c := &clock{t: noon}
	s := open(t, sealed, func(o *Options) { o.Now = c.now })
	a := doc(id(1))
	mustArchive(t, s, a)
	record1(t, s, CaseClosed, a.Index.Case, noon)
	n := addHold(t, s, Hold{Kind: "client", Subject: cli1})
	if err := s.ReleaseHold(bg, inA, n, anna, "x", deed("release")); err != nil {
		t.Fatal(err)
	}
	fileNotice(t, s, id(900))
	if hs, err := s.Holds(bg, inA); err != nil || hs[0].Subject != cli1 || hs[0].ReleaseReason != "x" {
		t.Errorf("%+v %v", hs, err)
	}
	if _, body, err := s.Filed(bg, inA, id(900)); err != nil || len(body) == 0 {
		t.Error(err)
	}
	if p, err := s.SearchUsage(bg, inA, LogFilter{User: anna.ID}, 10, ""); err != nil || len(p.Entries) != 4 {
		t.Errorf("%d rows, %v", len(p.Entries), err)
	}
	c.set(noon.AddDate(10, 0, 1))
	dispose(t, s, a, begun(t, s), Disposed)
	wantClean(t, s)
	for _, table := range []string{"events", "holds", "hold_releases", "disposal_runs", "disposals", "filed_bundles"} {
		if n := count(t, s, `SELECT count(*) FROM `+table+` WHERE hex(substr(payload, 1, 1)) <> '04'`); n != 0 {
			t.Errorf("%s: %d rows are not sealed", table, n)
		}
	}
}

// Statistics tell no small numbers and no persons.
func TestARK14_StatisticsHideSmallNumbers(t *testing.T) {
	s := open(t)
	for i := range 6 {
		a := doc(id(i))
		if i == 0 {
			a.Index.Group = "1"
		}
		mustArchive(t, s, a)
	}
	st, err := s.Statistics(bg, inA)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, l := range st.Lines {
		seen[l.What+" "+l.Group+" "+l.Month] = l.Count.String()
	}
	for key, want := range map[string]string{"documents 1 2026-03": "<5", "documents 5 2026-03": "5", "current 5 ": "5", "usage:archive  2026-03": "6"} {
		if seen[key] != want {
			t.Errorf("%s: %q, want %q of %v", key, seen[key], want, seen)
		}
	}
	b, err := json.Marshal(st)
	if err != nil || !strings.Contains(string(b), `"count":"\u003c5"`) || strings.Contains(string(b), cli1) {
		t.Errorf("%s %v", b, err)
	}
	if other, err := s.Statistics(bg, inB); err != nil || len(other.Lines) != 0 {
		t.Errorf("another's scope: %+v %v", other, err)
	}
}
