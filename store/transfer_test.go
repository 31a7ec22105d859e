package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

const operator = "Hallinta Henkilö"

func planOf(from, to string) TransferPlan {
	return TransferPlan{Kind: ControllerChange, FromController: from, ToController: to, Reason: "yhdistyminen", Ground: "päätös 1 §", By: operator}
}

func mustPlan(tb testing.TB, s *Store, p TransferPlan) Transfer {
	tb.Helper()
	x, err := s.PlanTransfer(bg, p)
	if err != nil {
		tb.Fatal(err)
	}
	return x
}

func mustApply(tb testing.TB, s *Store, id int64) Transfer {
	tb.Helper()
	x, err := s.ApplyTransfer(bg, id, operator)
	if err != nil {
		tb.Fatal(err)
	}
	return x
}

// found gives the ids that a search under a scope finds.
func found(tb testing.TB, s *Store, sc Scope, f Filter) (ids []string) {
	tb.Helper()
	for next := ""; ; {
		p, err := s.Search(bg, sc, f, 100, next)
		if err != nil {
			tb.Fatal(err)
		}
		for _, h := range p.Hits {
			ids = append(ids, h.ID)
		}
		if next = p.Next; next == "" {
			slices.Sort(ids)
			return ids
		}
	}
}

// The controller of everything changes: reads follow the new one by every key, the
// originals keep what they came with, and the history tells how.
func TestREK5_ChangeOfControllerFollowsEveryRead(t *testing.T) {
	s := open(t)
	first := doc(id(1))
	mustArchive(t, s, first)
	mustArchive(t, s, next(first, id(2)))
	for i := 3; i < 130; i++ {
		mustArchive(t, s, doc(id(i)))
	}
	nullify(t, s, nullification(id(3)), Nullified, "")
	keep := doc(id(200))
	keep.Controller = "1.2.246.10.99999903.19.1"
	mustArchive(t, s, keep)

	x := mustPlan(t, s, planOf(ctlA, ctlB))
	if x.Count != 128 || x.State != Planned {
		t.Fatalf("plan %+v", x)
	}
	if n := len(found(t, s, inA, Filter{})); n != 127 {
		t.Fatalf("a plan alone changed something: %d", n)
	}
	if x = mustApply(t, s, x.ID); x.State != Done || x.Moved != 128 {
		t.Fatalf("applied: %+v", x)
	}
	for name, f := range map[string]Filter{
		"all": {}, "client": {Client: cli1}, "case": {Case: first.Index.Case}, "author": {Author: first.Index.Author}, "unit": {Units: []string{first.Index.Unit}},
		"type": {SpecificTypes: []string{"15007"}}, "general type": {GeneralTypes: []string{"15"}}, "group": {Groups: []string{"5"}}, "task": {Tasks: []string{"24"}},
	} {
		if n := len(found(t, s, inB, f)); n != 127 {
			t.Errorf("by %s the new controller finds %d", name, n)
		}
		if ids := found(t, s, inA, f); len(ids) != 0 {
			t.Errorf("by %s the old controller finds %v", name, ids)
		}
	}
	d, err := s.Document(bg, inB, id(2))
	if err != nil || d.Controller != ctlB || string(d.Bytes) != string(next(first, id(2)).Document) {
		t.Errorf("document %+v %v", d, err)
	}
	if n := count(t, s, `SELECT count(*) FROM documents WHERE controller = ?`, ctlA); n != 129 {
		t.Errorf("originals were touched: %d keep their controller", n)
	}
	h, err := s.SeriesTransfers(bg, inB, id(1))
	if err != nil || len(h) != 1 || h[0].FromController != ctlA || h[0].ToController != ctlB || h[0].Newest != id(2) {
		t.Errorf("history %+v %v", h, err)
	}
	c, err := s.Counts(bg, inB)
	if err != nil || c.Documents != 129 || c.Nullified != 1 {
		t.Errorf("counts %+v %v", c, err)
	}
	wantClean(t, s)

	// The series goes on at the new controller, and a resend of the old is known.
	third := next(next(first, id(2)), id(500))
	third.Controller = ctlB
	mustArchive(t, s, third)
	stranger := next(third, id(501))
	stranger.Controller = ctlA
	refused(t, s, stranger, RuleSetUnknown)
	if out := archive(t, s, first); out.Kind != Duplicate {
		t.Errorf("resend of an original: %+v", out)
	}
	wantClean(t, s)
	if err := s.Reindex(bg, func(b []byte) (Index, error) { return first.Index, nil }); err != nil {
		t.Fatal(err)
	}
	if n := len(found(t, s, inB, Filter{Units: []string{first.Index.Unit}})); n != 127 {
		t.Errorf("after a rebuilt index: %d", n)
	}
	wantClean(t, s)
}

func TestREK5_TransferIsLoggedForBothControllersAndReversible(t *testing.T) {
	s := open(t)
	mustArchive(t, s, doc(id(1)))
	x := mustApply(t, s, mustPlan(t, s, planOf(ctlA, ctlB)).ID)
	for _, c := range []string{ctlA, ctlB} {
		if n := count(t, s, `SELECT count(*) FROM usage_log WHERE action = 'transfer' AND log_controller = ?`, c); n != 1 {
			t.Errorf("%d log rows of %s", n, c)
		}
	}
	if again := mustApply(t, s, x.ID); again.State != Done || again.Moved != 1 {
		t.Errorf("applied twice: %+v", again)
	}
	if n := count(t, s, `SELECT count(*) FROM transferred`); n != 1 {
		t.Errorf("%d changes", n)
	}
	mustApply(t, s, mustPlan(t, s, planOf(ctlB, ctlA)).ID)
	h, err := s.SeriesTransfers(bg, inA, id(1))
	if err != nil || len(h) != 2 || h[1].ToController != ctlA {
		t.Errorf("history after going back: %+v %v", h, err)
	}
	all, err := s.Transfers(bg, inB)
	if err != nil || len(all) != 2 || all[0].By != operator || all[0].Ground != "päätös 1 §" {
		t.Errorf("transfers %+v %v", all, err)
	}
	wantClean(t, s)
}

func TestREK5_StaleAndSenselessPlans(t *testing.T) {
	s := open(t)
	mustArchive(t, s, doc(id(1)))
	x := mustPlan(t, s, planOf(ctlA, ctlB))
	mustArchive(t, s, doc(id(2)))
	_, err := s.ApplyTransfer(bg, x.ID, operator)
	wantErr(t, err, ErrStale)
	if n := len(found(t, s, inA, Filter{})); n != 2 {
		t.Errorf("a stale plan changed something: %d left", n)
	}
	dropped := mustPlan(t, s, planOf(ctlA, ctlB))
	if err := s.DropTransfer(bg, dropped.ID, operator); err != nil {
		t.Fatal(err)
	}
	_, err = s.ApplyTransfer(bg, dropped.ID, operator)
	wantErr(t, err, ErrStale)
	done := mustApply(t, s, mustPlan(t, s, planOf(ctlA, ctlB)).ID)
	wantErr(t, s.DropTransfer(bg, done.ID, operator), ErrStale)
	_, err = s.ApplyTransfer(bg, 99, operator)
	wantErr(t, err, ErrNotFound)
	_, err = s.PlanTransfer(bg, planOf(ctlA, ctlB))
	wantErr(t, err, ErrNotFound)
	for name, change := range map[string]func(*TransferPlan){
		"kind": func(p *TransferPlan) { p.Kind = "x" }, "nobody": func(p *TransferPlan) { p.By = "" }, "no reason": func(p *TransferPlan) { p.Reason = "" },
		"to itself": func(p *TransferPlan) { p.ToController = ctlB }, "correction of all": func(p *TransferPlan) { p.Kind = Correction },
		"another's series": func(p *TransferPlan) { p.Series = []string{id(1), id(77)} }, "to nobody": func(p *TransferPlan) { p.ToController = "" },
	} {
		p := planOf(ctlB, ctlA)
		change(&p)
		if _, err := s.PlanTransfer(bg, p); !errors.Is(err, ErrInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
	wantClean(t, s)
}

// Between two commits of a transfer the archive may stop: what went is whole, and the
// same call goes on.
func TestREK5_InterruptedTransferGoesOn(t *testing.T) {
	commits, stop := 0, errors.New("power")
	s := open(t, func(o *Options) {
		o.beforeCommit = func() error {
			if commits--; commits == 0 {
				return stop
			}
			return nil
		}
	})
	for i := range 3*transferBatch + 7 {
		mustArchive(t, s, doc(id(i)))
	}
	x := mustPlan(t, s, planOf(ctlA, ctlB))
	commits = 3 // begun, a part, and the next part fails
	if _, err := s.ApplyTransfer(bg, x.ID, operator); err == nil {
		t.Fatal("no failure was seen")
	}
	ts, err := s.Transfers(bg, all)
	if err != nil || ts[0].State != Begun || ts[0].Moved != transferBatch {
		t.Fatalf("after the failure %+v %v", ts, err)
	}
	if a, b := len(found(t, s, inA, Filter{})), len(found(t, s, inB, Filter{})); b != transferBatch || a != 2*transferBatch+7 {
		t.Errorf("%d and %d documents", a, b)
	}
	wantClean(t, s)
	if x = mustApply(t, s, x.ID); x.State != Done || x.Moved != 3*transferBatch+7 {
		t.Errorf("gone on with: %+v", x)
	}
	wantClean(t, s)
}

// A register of a controller can go alone, and a series to another register of the
// same controller (REK-4).
func TestREK4_OneRegisterOfAController(t *testing.T) {
	s := open(t)
	mustArchive(t, s, doc(id(1)))
	notice := doc(id(2))
	notice.Register = "2"
	mustArchive(t, s, notice)
	p := planOf(ctlA, ctlB)
	p.FromRegister = "2"
	mustApply(t, s, mustPlan(t, s, p).ID)
	if ids := found(t, s, inB, Filter{Registers: []string{"2"}}); !slices.Equal(ids, []string{id(2)}) {
		t.Errorf("the notification register: %v", ids)
	}
	if ids := found(t, s, inA, Filter{}); !slices.Equal(ids, []string{id(1)}) {
		t.Errorf("the client register: %v", ids)
	}
	wantClean(t, s)
	p = planOf(ctlA, ctlA)
	p.Kind, p.Series, p.FromRegister, p.ToRegister = Correction, []string{id(1)}, "1", "2"
	mustApply(t, s, mustPlan(t, s, p).ID)
	d, err := s.Document(bg, inA, id(1))
	if err != nil || d.Register != "2" || d.Controller != ctlA {
		t.Errorf("%+v %v", d, err)
	}
	wantClean(t, s)
}

func TestREK6_WrongRegisterIsFoundFlaggedReportedAndPutRight(t *testing.T) {
	s := open(t)
	mustArchive(t, s, doc(id(1)))
	wrong := doc(id(2))
	wrong.Index.Unit = "1.2.246.10.99999902.10.7"
	mustArchive(t, s, wrong)
	var suspects []SeriesFacts
	err := s.EachSeries(bg, all, func(f SeriesFacts) error {
		if !strings.HasPrefix(f.Unit, ctlA) {
			suspects = append(suspects, f)
		}
		return nil
	})
	if err != nil || len(suspects) != 1 || suspects[0].Newest != id(2) || suspects[0].Owner != ctlA || suspects[0].Register != "1" {
		t.Fatalf("found %+v %v", suspects, err)
	}
	flag := func(state FlagState, rule string) (bool, error) {
		return s.Flag(bg, Flag{SetID: id(2), State: state, Rule: rule, Reason: "yksikkö on toisen", By: operator})
	}
	for _, c := range []struct {
		state   FlagState
		rule    string
		changed bool
		kind    Kind
	}{
		{Reported, "", false, ErrInput}, {Suspected, "", false, ErrInput}, {Suspected, "ORG-UNIT-FOREIGN", true, ""}, {Suspected, "ORG-UNIT-FOREIGN", false, ""},
		{Reported, "", true, ""}, {Suspected, "ORG-UNIT-FOREIGN", false, ""},
	} {
		changed, err := flag(c.state, c.rule)
		if c.kind != "" {
			wantErr(t, err, c.kind)
		} else if err != nil || changed != c.changed {
			t.Errorf("%s: changed %v, %v", c.state, changed, err)
		}
	}
	open, err := s.Flags(bg, inA, false)
	if err != nil || len(open) != 1 || open[0].State != Reported || open[0].Rule != "ORG-UNIT-FOREIGN" || open[0].By != operator || open[0].Document != id(2) {
		t.Fatalf("flags %+v %v", open, err)
	}
	p := planOf(ctlA, ctlB)
	p.Kind, p.Series = Correction, []string{id(2)}
	mustApply(t, s, mustPlan(t, s, p).ID)
	if open, err = s.Flags(bg, all, false); err != nil || len(open) != 0 {
		t.Errorf("still open: %+v %v", open, err)
	}
	history, err := s.Flags(bg, inB, true)
	if err != nil || len(history) != 3 || history[0].State != Corrected {
		t.Errorf("history %+v %v", history, err)
	}
	for _, c := range []string{ctlA, ctlB} {
		if n := count(t, s, `SELECT count(*) FROM usage_log WHERE action = 'move' AND document_id = ? AND log_controller = ?`, id(2), c); n != 1 {
			t.Errorf("%d log rows of %s", n, c)
		}
	}
	if changed, err := flag(Suspected, "ORG-CONTROLLER-ENDED"); err != nil || !changed {
		t.Errorf("a new suspicion: %v %v", changed, err)
	}
	if changed, err := flag(Cleared, ""); err != nil || !changed {
		t.Errorf("cleared: %v %v", changed, err)
	}
	_, err = s.Flag(bg, Flag{SetID: id(9), State: Suspected, Rule: "X", By: operator})
	wantErr(t, err, ErrNotFound)
	wantClean(t, s)
}

func TestREK2_ControllerChangesOnlyByATransfer(t *testing.T) {
	s := open(t)
	mustArchive(t, s, doc(id(1)))
	mustArchive(t, s, doc(id(2)))
	mustApply(t, s, mustPlan(t, s, func() TransferPlan { p := planOf(ctlA, ctlB); p.Kind, p.Series = Correction, []string{id(1)}; return p }()).ID)
	db := rawDB(t, s)
	for _, q := range []string{
		`UPDATE series SET controller = '` + ctlB + `' WHERE set_id = '` + id(2) + `'`,
		`UPDATE series SET controller = '1.2.3' WHERE set_id = '` + id(1) + `'`,
		`UPDATE series SET controller = '` + ctlA + `' WHERE set_id = '` + id(1) + `'`,
	} {
		if _, err := db.Exec(q); err == nil {
			t.Errorf("%s went through", q)
		}
	}
}

func entryOf(kind, key, content string) DirectoryEntry {
	return DirectoryEntry{Kind: kind, Key: key, Content: []byte(content)}
}

func directoryText(tb testing.TB, s *Store) string {
	tb.Helper()
	es, err := s.Directory(bg)
	if err != nil {
		tb.Fatal(err)
	}
	var b strings.Builder
	for _, e := range es {
		fmt.Fprintf(&b, "%s %s=%s by %s;", e.Kind, e.Key, e.Content, e.By)
	}
	return b.String()
}

func TestREK7_DirectoryKeepsVersionsOfItsEntries(t *testing.T) {
	s := open(t)
	put := func(es ...DirectoryEntry) {
		t.Helper()
		if err := s.PutDirectory(bg, operator, es...); err != nil {
			t.Fatal(err)
		}
	}
	put(entryOf(DirectorySystem, "atj", "1"), entryOf(DirectoryContract, "k", "1"))
	put(entryOf(DirectorySystem, "atj", "2"), entryOf(DirectorySystem, "atj", "2"), entryOf(DirectoryOrganisations, "r", strings.Repeat("x", 500)))
	want := "contract k=1 by Hallinta Henkilö;organisations r=" + strings.Repeat("x", 500) + " by Hallinta Henkilö;system atj=2 by Hallinta Henkilö;"
	if got := directoryText(t, s); got != want {
		t.Errorf("in force: %s", got)
	}
	peeked, err := PeekDirectory(bg, s.opt.Dir)
	if err != nil || len(peeked) != 3 || string(peeked[2].Content) != "2" {
		t.Errorf("beside the archive at work: %+v %v", peeked, err)
	}
	put(DirectoryEntry{Kind: DirectoryContract, Key: "k", Removed: true})
	h, err := s.DirectoryHistory(bg, DirectoryContract, "k")
	if err != nil || len(h) != 2 || !h[0].Removed || string(h[1].Content) != "1" || h[1].At.IsZero() {
		t.Errorf("history: %+v %v", h, err)
	}
	if strings.Contains(directoryText(t, s), "contract") {
		t.Error("a removed entry is in force")
	}
	put(entryOf(DirectoryContract, "k", "3"))
	if h, err := s.DirectoryHistory(bg, DirectorySystem, "atj"); err != nil || len(h) != 2 {
		t.Errorf("the same again was kept: %+v %v", h, err)
	}
	wantErr(t, s.PutDirectory(bg, operator, entryOf("other", "x", "")), ErrInput)
	wantErr(t, s.PutDirectory(bg, operator, entryOf(DirectorySystem, "", "")), ErrInput)
	wantErr(t, s.PutDirectory(bg, "", entryOf(DirectorySystem, "x", "")), ErrInput)
	wantErr(t, s.PutDirectory(bg, operator, entryOf(DirectorySystem, "new", ""), DirectoryEntry{Kind: DirectorySystem, Key: "gone", Removed: true}), ErrInput)
	if strings.Contains(directoryText(t, s), "new") {
		t.Error("half of a change was kept")
	}
	wantClean(t, s)
	if es, err := PeekDirectory(bg, t.TempDir()); err != nil || es != nil {
		t.Errorf("a directory without an archive: %v %v", es, err)
	}
}

// While series change their controller, others are written: nothing is lost, counted
// twice or left between two controllers.
func TestREK5_TransferBesideTraffic(t *testing.T) {
	s := open(t)
	const old = 3 * transferBatch
	for i := range old {
		a := doc(id(i))
		a.Register = "2"
		mustArchive(t, s, a)
	}
	p := planOf(ctlA, ctlB)
	p.FromRegister = "2"
	x := mustPlan(t, s, p)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 25 {
				n := 10_000 + 100*w + i
				if out, err := s.Archive(bg, doc(id(n))); err != nil || out.Kind != Archived {
					t.Errorf("new document: %+v %v", out, err)
				}
				// A version of a series on its way: one of the two controllers may write it.
				a := doc(id(w*25 + i))
				v := next(a, id(20_000+100*w+i))
				v.Register = "2"
				for _, c := range []string{ctlA, ctlB} {
					v.Controller = c
					out, err := s.Archive(bg, v)
					if err != nil {
						t.Error(err)
					}
					if out.Kind == Archived {
						break
					}
				}
			}
		})
	}
	if _, err := s.ApplyTransfer(bg, x.ID, operator); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if n := count(t, s, `SELECT count(*) FROM series WHERE register = '2' AND controller = ?`, ctlB); n != old {
		t.Errorf("%d of %d series went", n, old)
	}
	if n := len(found(t, s, inA, Filter{})); n != 100 {
		t.Errorf("%d new documents stand at the old controller", n)
	}
	wantClean(t, s)
}

// A transfer between the reading and the writing of a rebuilt index: the rows are
// those of the new controller.
func TestREK5_TransferWhileTheIndexIsRebuilt(t *testing.T) {
	s := open(t)
	for i := range 5 {
		mustArchive(t, s, doc(id(i)))
	}
	x := mustPlan(t, s, planOf(ctlA, ctlB))
	var once sync.Once
	err := s.Reindex(bg, func([]byte) (Index, error) {
		once.Do(func() {
			done := make(chan error)
			go func() { _, err := s.ApplyTransfer(bg, x.ID, operator); done <- err }()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
		return doc(id(1)).Index, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n, m := len(found(t, s, inB, Filter{Units: []string{ctlA + ".10"}})), len(found(t, s, inA, Filter{})); n != 5 || m != 0 {
		t.Errorf("the new controller finds %d, the old one %d", n, m)
	}
	wantClean(t, s)
}
