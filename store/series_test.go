package store

import (
	"fmt"
	"sync"
	"testing"
)

func TestARK3_VersionRules(t *testing.T) {
	tests := []struct {
		name  string
		edit  func(a *Archival)
		rules []string
	}{
		{"good", func(a *Archival) {}, nil},
		{"number skips", func(a *Archival) { a.Version = 4 }, []string{RuleVersionNumber}},
		{"number stays", func(a *Archival) { a.Version = 2 }, []string{RuleVersionNumber}},
		{"number zero", func(a *Archival) { a.Version = 0 }, []string{RuleVersionNumber}},
		{"number negative", func(a *Archival) { a.Version = -1 }, []string{RuleVersionNumber}},
		{"replaces an older one", func(a *Archival) { a.Replaces = id(1) }, []string{RuleNotNewest}},
		{"replaces an unknown one", func(a *Archival) { a.Replaces = id(99) }, []string{RuleNotNewest}},
		{"lost race", func(a *Archival) { a.Replaces, a.Version = id(1), 2 }, []string{RuleNotNewest}},
		{"replaces nothing", func(a *Archival) { a.Replaces = "" }, []string{RuleParentMissing}},
		{"unknown series", func(a *Archival) { a.SetID = id(98) }, []string{RuleSetUnknown}},
		{"set id is a later version's id", func(a *Archival) { a.SetID = id(2) }, []string{RuleSetUnknown}},
		{"other controller", func(a *Archival) { a.Controller = ctlB }, []string{RuleSetUnknown}},
		{"other client", func(a *Archival) { a.Index.Clients = []string{cli2} }, []string{RuleClientDiffers}},
		{"no client", func(a *Archival) { a.Index.Clients = nil }, []string{RuleClientDiffers}},
		{"one more client", func(a *Archival) { a.Index.Clients = []string{cli2, cli1} }, nil},
		{"other spelling of the client", func(a *Archival) { a.Index.Clients = []string{" 010181-900c"} }, nil},
		{"other group", func(a *Archival) { a.Index.Group = "4" }, []string{RuleGroupDiffers}},
		{"three faults", func(a *Archival) { a.Version, a.Index.Group, a.Index.Clients = 9, "4", nil },
			[]string{RuleVersionNumber, RuleGroupDiffers, RuleClientDiffers}},
		{"first with another set id", func(a *Archival) { a.Version, a.Replaces = 1, "" }, []string{RuleSetFirst}},
		{"first that replaces", func(a *Archival) { a.Version, a.SetID = 1, a.ID }, []string{RuleParentFirst}},
		{"first that nullifies", func(a *Archival) { a.Version, a.SetID, a.Replaces, a.Nullifies = 1, a.ID, "", true },
			[]string{RuleParentMissing}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t)
			a := doc(id(1))
			mustArchive(t, s, a)
			mustArchive(t, s, next(a, id(2)))
			b := next(a, id(3))
			b.Version, b.Replaces = 3, id(2)
			tt.edit(&b)
			if tt.rules == nil {
				mustArchive(t, s, b)
				return
			}
			refused(t, s, b, tt.rules...)
			if vs, err := s.Series(bg, all, id(1)); err != nil || len(vs) != 2 {
				t.Fatalf("series after refusal: %v %v", vs, err)
			}
		})
	}
}

func TestARK10_TakenIDs(t *testing.T) {
	s := open(t)
	a := doc(id(1))
	mustArchive(t, s, a)

	other := doc(id(1))
	other.Document = []byte("<other/>")
	if out := refused(t, s, other, RuleIDBytes); !out.Suspicious {
		t.Error("other bytes under the same id are not suspicious")
	}
	facts := doc(id(1))
	facts.Facts = []byte("SP2")
	refused(t, s, facts, RuleResendDiffers)
	register := doc(id(1))
	register.Register = "2"
	refused(t, s, register, RuleResendDiffers)
	wantBytes(t, s, a)
}

// What another controller's system is told must be the same whether the thing
// exists or not.
func TestREK2_AnotherControllersDocumentsAreNotRevealed(t *testing.T) {
	s := open(t)
	a := doc(id(1))
	mustArchive(t, s, a)

	same := doc(id(1))
	same.Controller = ctlB
	refused(t, s, same, RuleIDTaken)
	bytes := doc(id(1))
	bytes.Controller, bytes.Document = ctlB, []byte("<other/>")
	out := refused(t, s, bytes, RuleIDTaken)
	if len(out.Findings[0].Params) != 0 || out.Receipt.Verdict != "" || !out.Arrived.IsZero() {
		t.Errorf("refusal tells too much: %+v", out)
	}
	foreign, absent := next(a, id(2)), next(a, id(3))
	foreign.Controller, absent.Controller, absent.SetID = ctlB, ctlB, id(77)
	f, n := refused(t, s, foreign, RuleSetUnknown), refused(t, s, absent, RuleSetUnknown)
	if len(f.Findings[0].Params) != len(n.Findings[0].Params) {
		t.Errorf("a foreign series is told of otherwise than an absent one: %v %v", f.Findings, n.Findings)
	}
	if !f.Suspicious || n.Suspicious {
		t.Error("the archivist is to see the foreign attempt, and only that")
	}
}

func TestARK3_ParallelNewVersionsOneWins(t *testing.T) {
	s := open(t)
	a := doc(id(1))
	mustArchive(t, s, a)
	var wg sync.WaitGroup
	kinds := make([]Outcome, 20)
	for i := range kinds {
		wg.Go(func() {
			out, err := s.Archive(bg, next(a, id(100+i)))
			if err != nil {
				t.Error(err)
			}
			kinds[i] = out
		})
	}
	wg.Wait()
	won := 0
	for _, out := range kinds {
		switch {
		case out.Kind == Archived:
			won++
		case out.Findings[0].Rule != RuleNotNewest:
			t.Errorf("loser is told %v", out.Findings)
		}
	}
	if won != 1 {
		t.Errorf("%d versions won", won)
	}
}

func nullification(id string) Nullification {
	a := doc(id)
	m := a.Message
	m.ID = "n-" + id
	u := a.Usage
	u[0].Action = "nullify"
	return Nullification{DocumentID: id, Controller: ctlA, Reason: "1", Frame: []byte("<nullify/>"), Message: m, Usage: u}
}

func nullify(tb testing.TB, s *Store, n Nullification, kind OutcomeKind, rule string) Outcome {
	tb.Helper()
	out, err := s.Nullify(bg, n)
	if err != nil {
		tb.Fatal(err)
	}
	if out.Kind != kind || rule != "" && (len(out.Findings) != 1 || out.Findings[0].Rule != rule) {
		tb.Fatalf("nullification gives %+v, want kind %d %s", out, kind, rule)
	}
	return out
}

func TestARK3_NullificationByNotice(t *testing.T) {
	s := open(t)
	a := doc(id(1))
	b := next(a, id(2))
	mustArchive(t, s, a)
	mustArchive(t, s, b)

	nullify(t, s, nullification(id(9)), Refused, RuleDocumentUnknown)
	foreign := nullification(b.ID)
	foreign.Controller = ctlB
	nullify(t, s, foreign, Refused, RuleDocumentUnknown)
	nullify(t, s, nullification(a.ID), Refused, RuleNotNewest)

	first := nullify(t, s, nullification(b.ID), Nullified, "")
	again := nullify(t, s, nullification(b.ID), Duplicate, "")
	if again.Leaf != first.Leaf || !again.Arrived.Equal(first.Arrived) || again.Receipt.MessageID != "n-"+b.ID {
		t.Errorf("again %+v, first %+v", again, first)
	}
	nullify(t, s, nullification(a.ID), Refused, RuleNullified)
	refused(t, s, next(b, id(3)), RuleNullified)
	if out := archive(t, s, b); out.Kind != Duplicate {
		t.Errorf("resend of a nullified document gives %+v", out)
	}
	wantStatus(t, s, a.ID, NullifiedSeries)
	wantStatus(t, s, b.ID, NullifiedSeries)
	wantBytes(t, s, a) // kept
}

func TestARK3_NullificationByNewVersion(t *testing.T) {
	s := open(t)
	a := doc(id(1))
	mustArchive(t, s, a)
	b := next(a, id(2))
	b.Nullifies, b.Reason = true, "1"
	mustArchive(t, s, b)
	wantStatus(t, s, a.ID, NullifiedSeries)
	wantStatus(t, s, b.ID, NullifiedSeries)
	if out := archive(t, s, b); out.Kind != Duplicate {
		t.Errorf("resend gives %+v", out)
	}
	refused(t, s, next(b, id(3)), RuleNullified)
	nullify(t, s, nullification(b.ID), Duplicate, "")
	c, err := s.Counts(bg, inA)
	if err != nil || c.Documents != 2 || c.Current != 0 || c.Nullified != 1 {
		t.Errorf("counts %+v %v", c, err)
	}
	wantClean(t, s)
}

func wantStatus(tb testing.TB, s *Store, id string, want Status) {
	tb.Helper()
	d, err := s.Document(bg, all, id)
	if err != nil || d.Status != want {
		tb.Fatalf("document %s: %v %v, want %v", id, d, err, want)
	}
}

// wantClean wants Check to find nothing.
func wantClean(tb testing.TB, s *Store) {
	tb.Helper()
	r, err := s.Check(bg)
	if err != nil {
		tb.Fatal(err)
	}
	for _, p := range r.Problems {
		tb.Errorf("check: %+v", p)
	}
}

// 64 clients write versions of the same 10 series: no gap, no double, no lost
// acknowledgement.
func TestARK3_ManyWritersOfTheSameSeries(t *testing.T) {
	const writers, sets, each = 64, 10, 6
	s := open(t)
	for i := range sets {
		mustArchive(t, s, doc(id(i)))
	}
	acknowledged := make([][]string, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				set := id((w + i) % sets)
				got, err := appendVersion(s, set, fmt.Sprintf("%s.%d.%d", set, w, i))
				if err != nil {
					t.Error(err)
					return
				}
				acknowledged[w] = append(acknowledged[w], got)
			}
		})
	}
	wg.Wait()
	n := 0
	for i := range sets {
		vs, err := s.Series(bg, inA, id(i))
		if err != nil {
			t.Fatal(err)
		}
		for j, v := range vs {
			if v.Version != j+1 || j > 0 && v.Replaces != vs[j-1].ID {
				t.Fatalf("series %d has version %d (replacing %s) at place %d", i, v.Version, v.Replaces, j)
			}
		}
		n += len(vs) - 1
	}
	for _, ids := range acknowledged {
		for _, id := range ids {
			if _, err := s.Document(bg, inA, id); err != nil {
				t.Errorf("acknowledged %s: %v", id, err)
			}
		}
	}
	if n != writers*each {
		t.Errorf("%d versions stored, %d acknowledged", n, writers*each)
	}
	wantClean(t, s)
}

// appendVersion tries until its version is the next one.
func appendVersion(s *Store, set, id string) (string, error) {
	for {
		vs, err := s.Series(bg, inA, set)
		if err != nil {
			return "", err
		}
		last := vs[len(vs)-1]
		out, err := s.Archive(bg, next(Archival{ID: last.ID, SetID: set, Version: last.Version, Controller: ctlA, Index: doc(id).Index}, id))
		if err != nil {
			return "", err
		}
		switch {
		case out.Kind == Archived:
			return id, nil
		case out.Kind != Refused || out.Findings[0].Rule != RuleNotNewest:
			return "", fmt.Errorf("outcome %+v", out)
		}
	}
}
