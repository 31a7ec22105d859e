package pipeline

import (
	"context"
	"sync"
	"testing"
	"time"

	"portti/cda/rules/catalogue"
	"portti/fixtures"
	"portti/gateway/access"
	"portti/store"
)

// between is an archive in which something else happens after a document was judged
// and before it is written.
type between struct {
	*store.Store
	mu     sync.Mutex
	happen func()
	writes int
}

func (b *between) Archive(ctx context.Context, a store.Archival) (store.Outcome, error) {
	b.mu.Lock()
	f := b.happen
	b.happen = nil
	b.writes++
	b.mu.Unlock()
	if f != nil {
		f()
	}
	return b.Store.Archive(ctx, a)
}

// DOC-6, RKO-5: of two messages that come together the second is judged by what the
// first has changed: a case that is closed, a right that is suspended, meanwhile.
func TestDOC6_JudgedByWhatStandsWhenItIsWritten(t *testing.T) {
	w := fixtures.Default()
	st, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), Now: func() time.Time { return w.Now }})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	b := &between{Store: st}
	p := testPipeline(t, b, NewStateAccess(KnownAccess{Profile: catalogue.Strict, World: Test}, &access.Engine{State: st}))
	send := func(d *fixtures.Document) Answer { return p.Handle(t.Context(), request(string(w.Frame(d)))) }
	build := func(s fixtures.Spec) *fixtures.Document {
		t.Helper()
		d, err := w.Build(s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	another := func(name string) *fixtures.Document {
		s := w.Doc(name).Spec
		s.Serial, s.OID = 0, ""
		return build(s)
	}
	must := func(what string, d *fixtures.Document, want Verdict, rule string) {
		t.Helper()
		a := send(d)
		if a.Report.Verdict != want {
			t.Errorf("%s: %s %v, want %s", what, a.Report.Verdict, a.Report.Rules, want)
		}
		if named := len(rule) == 0; !named {
			for _, r := range a.Report.Rules {
				named = named || r == rule
			}
			if !named {
				t.Errorf("%s: %v, want %s", what, a.Report.Rules, rule)
			}
		}
	}
	must("the relationship", w.Doc("relationship-child"), Accepted, "")
	must("the case", w.Doc("case"), Accepted, "")

	b.happen = func() {
		o := store.Order{Kind: store.OrderSuspend, Client: w.Client("child").Hetu, Organiser: w.Organisations[0].OID, Recorder: w.Organisations[0].OID}
		if err := st.PutOrder(t.Context(), o); err != nil {
			t.Error(err)
		}
	}
	must("a provider whose right is suspended meanwhile", another("note-provider"), AtFault, RuleRegistryRight)

	b.writes = 0
	b.happen = func() { must("an anonymous other", w.Doc("relationship-mother"), Accepted, "") }
	must("somebody else's change", another("note"), Accepted, "")
	if b.writes != 2 {
		t.Errorf("%d writes: another client's change makes nobody wait", b.writes)
	}

	open := w.Doc("case")
	closed := *open.Spec.Case
	closed.Closed = w.Now.AddDate(0, 0, -3)
	s := open.Spec
	s.Replaces, s.Serial, s.OID, s.Case, s.Effective = open, 0, "", &closed, s.Effective.Add(time.Minute)
	closing, note := build(s), another("note")
	b.happen = func() { must("the closing", closing, Accepted, "") }
	must("into a case that is closed meanwhile", note, AtFault, access.RuleCaseClosed)
	if got, err := st.Lookup(t.Context(), store.Scope{All: true, Purpose: "test"}, []string{note.OID}, store.Filter{Earlier: true}); err != nil || len(got) != 0 {
		t.Errorf("%d of it in the archive, %v", len(got), err)
	}
}
