package retention

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"portti/store"
)

func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

var codes = []byte(`rules:
  - {id: RET-ADULTS, tasks: ["91"], start: case-closed, years: 10}
  - {id: RET-FAMILY-LAW, tasks: ["92"], start: family-law, years: 10}
  - {id: RET-FEES, types: ["93"], alone: true, start: decision-end, years: 12}
  - {id: RET-RECEIPTS, types: ["94"], alone: true, start: effective, years: 3}
classes:
  "2": {years: 50}
`)

func policy(t testing.TB) *Policy {
	t.Helper()
	p, err := Load(codes)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Each line of the annex gives its period, and what cannot be told keeps the document.
func TestARK9_PeriodsOfTheAnnex(t *testing.T) {
	p := policy(t)
	effective := day("2010-05-05")
	dead := []store.ClientDays{{Death: day("2015-01-01")}}
	for name, c := range map[string]struct {
		f    store.RetentionFacts
		want Verdict
	}{
		"families":           {store.RetentionFacts{Tasks: []string{"24"}, CaseClosed: day("2010-06-01")}, Verdict{Runs, "RET-FAMILIES", day("2040-06-02")}},
		"case open":          {store.RetentionFacts{Tasks: []string{"24"}}, Verdict{Reason: StartUnknown, Rule: "RET-FAMILIES"}},
		"adults":             {store.RetentionFacts{Tasks: []string{"91"}, CaseClosed: day("2010-06-01")}, Verdict{Due, "RET-ADULTS", day("2020-06-02")}},
		"two tasks":          {store.RetentionFacts{Tasks: []string{"91", "24"}, CaseClosed: day("2010-06-01")}, Verdict{Runs, "RET-FAMILIES", day("2040-06-02")}},
		"a task unknown":     {store.RetentionFacts{Tasks: []string{"91", "77"}, CaseClosed: day("2010-06-01")}, Verdict{Reason: NoRule}},
		"no task":            {store.RetentionFacts{CaseClosed: day("2010-06-01")}, Verdict{Reason: NoRule}},
		"child protection":   {store.RetentionFacts{Tasks: []string{"10"}, Clients: dead}, Verdict{Due, "RET-CHILD-PROTECTION", day("2017-01-02")}},
		"one client lives":   {store.RetentionFacts{Tasks: []string{"10"}, Clients: append([]store.ClientDays{{}}, dead...)}, Verdict{Reason: StartUnknown, Rule: "RET-CHILD-PROTECTION"}},
		"no client":          {store.RetentionFacts{Tasks: []string{"10"}}, Verdict{Reason: StartUnknown, Rule: "RET-CHILD-PROTECTION"}},
		"disability":         {store.RetentionFacts{Tasks: []string{"20"}, LastCaseClosed: day("2010-01-01"), Clients: []store.ClientDays{{NeedEnded: day("2012-01-01")}}}, Verdict{Due, "RET-DISABILITY", day("2022-01-02")}},
		"need goes on":       {store.RetentionFacts{Tasks: []string{"20"}, LastCaseClosed: day("2010-01-01"), Clients: []store.ClientDays{{}}}, Verdict{Reason: StartUnknown, Rule: "RET-DISABILITY"}},
		"relationship":       {store.RetentionFacts{Phase: "relationship", Tasks: []string{"24"}, Clients: dead}, Verdict{Due, "RET-RELATIONSHIP", day("2017-01-02")}},
		"newest will":        {store.RetentionFacts{Phase: "prohibition", Clients: dead}, Verdict{Runs, "RET-WILL", day("2027-01-02")}},
		"earlier will":       {store.RetentionFacts{Phase: "permission", Next: day("2012-03-03")}, Verdict{Due, "RET-WILL", day("2024-03-04")}},
		"matter of a child":  {store.RetentionFacts{Tasks: []string{"92"}, Clients: []store.ClientDays{{Birth: day("1970-01-01")}, {Birth: day("2001-02-02")}}, CaseClosed: day("2010-06-01")}, Verdict{Runs, "RET-FAMILY-LAW", day("2121-02-03")}},
		"matter of adults":   {store.RetentionFacts{Tasks: []string{"92"}, Clients: []store.ClientDays{{Birth: day("1970-01-01")}}, CaseClosed: day("2010-06-01")}, Verdict{Due, "RET-FAMILY-LAW", day("2020-06-02")}},
		"birth unknown":      {store.RetentionFacts{Tasks: []string{"92"}, Clients: []store.ClientDays{{}}, CaseClosed: day("2010-06-01")}, Verdict{Reason: StartUnknown, Rule: "RET-FAMILY-LAW"}},
		"fees":               {store.RetentionFacts{SpecificType: "93", Tasks: []string{"24"}, DecisionEnd: day("2011-01-01")}, Verdict{Due, "RET-FEES", day("2023-01-02")}},
		"receipt":            {store.RetentionFacts{GeneralType: "94", Tasks: []string{"24"}}, Verdict{Due, "RET-RECEIPTS", day("2013-05-06")}},
		"notice: the longer": {store.RetentionFacts{SpecificType: "19010", Tasks: []string{"91"}, CaseClosed: day("2010-01-01")}, Verdict{Due, "RET-NOTICE", day("2022-05-06")}},
		"class 1":            {store.RetentionFacts{Tasks: []string{"91"}, CaseClosed: day("2010-06-01"), Class: "1"}, Verdict{Reason: Permanent, Rule: "RET-ADULTS"}},
		"class unknown":      {store.RetentionFacts{Tasks: []string{"91"}, CaseClosed: day("2010-06-01"), Class: "9"}, Verdict{Reason: ClassUnknown, Rule: "RET-ADULTS"}},
		"class longer":       {store.RetentionFacts{Tasks: []string{"91"}, CaseClosed: day("2010-06-01"), Class: "2"}, Verdict{Runs, "RET-ADULTS", day("2060-05-06")}},
		"held":               {store.RetentionFacts{Tasks: []string{"91"}, CaseClosed: day("2010-06-01"), Holds: []int64{1}}, Verdict{Held, "RET-ADULTS", day("2020-06-02")}},
	} {
		c.f.Effective = effective
		if got := p.Judge(&c.f, day("2026-01-01")); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
		due, _ := p.Due(&c.f)
		if due.IsZero() == (c.want.Reason == Due || c.want.Reason == Runs || c.want.Reason == Held) {
			t.Errorf("%s: due %v", name, due)
		}
	}
}

func TestARK9_RulesAreData(t *testing.T) {
	for _, bad := range []string{"rules: [{id: a, start: nonsense, years: 1}]", "rules: [{id: a, start: death}]", "rules: [{start: death, years: 1}]", "rules: [{id: a, yeers: 1}]"} {
		if _, err := Load([]byte(bad)); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
	shipped, err := Load(nil)
	if err != nil || shipped.Hash() == policy(t).Hash() || len(shipped.Rules) < 14 || !shipped.Classes["1"].Forever {
		t.Errorf("%+v %v", shipped, err)
	}
	if !shipped.LastCase([]string{"20"}) || shipped.LastCase([]string{"24"}) {
		t.Error("the last case matters for disability services alone")
	}
}

const (
	controller = "1.2.246.10.99999901.10.0"
	client     = "010181-900C"
)

var (
	anna  = store.Actor{ID: "1", Name: "Anna"}
	berta = store.Actor{ID: "2", Name: "Berta"}
)

func put(t testing.TB, st *store.Store, id string, change func(*store.Archival)) store.Archival {
	t.Helper()
	a := store.Archival{ID: id, SetID: id, Version: 1, Controller: controller, Register: "1", Document: []byte("<d>" + id + " salaisuus</d>"), Frame: []byte("<f/>"),
		Index:   store.Index{Group: "5", Phase: "phase2", Clients: []string{client}, Tasks: []string{"91"}, Case: "case-" + id, Effective: day("2010-05-05")},
		Message: store.Message{ID: "m" + id, Owner: controller}, Usage: []store.Usage{{DataController: controller, LogController: controller, Action: "archive", DocumentID: id}}}
	change(&a)
	if out, err := st.Archive(t.Context(), a); err != nil || out.Kind != store.Archived {
		t.Fatal(out, err)
	}
	return a
}

func closed(t testing.TB, st *store.Store, id, on string) {
	t.Helper()
	err := st.RecordEvents(t.Context(), []store.Event{{Kind: store.CaseClosed, Controller: controller, Subject: "case-" + id, Day: day(on), By: anna}},
		[]store.Usage{{DataController: controller, LogController: controller, Action: "event", User: anna.ID, UserName: anna.Name}})
	if err != nil {
		t.Fatal(err)
	}
}

// From plan to tombstone: what is due goes with everything that belongs to it, what is
// held or has changed since the review stays, and another plan than the reviewed one
// does nothing.
func TestARK9_AReviewedPlanIsCarriedOut(t *testing.T) {
	now := day("2026-01-01")
	dir := t.TempDir()
	st, err := store.Open(t.Context(), store.Options{Dir: dir, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	p := policy(t)
	for _, id := range []string{"1.1", "1.2", "1.3", "1.4"} {
		put(t, st, id, func(a *store.Archival) {
			if id == "1.4" {
				a.Index.RetentionClass = "1"
			}
		})
		closed(t, st, id, "2010-06-01")
	}
	put(t, st, "1.5", func(*store.Archival) {}) // its case is open
	var plan bytes.Buffer
	s, err := Plan(t.Context(), st, p, controller, now, &plan)
	if err != nil || s.Planned != 3 || s.Rules["RET-ADULTS"] != 3 || s.Reasons[StartUnknown] != 1 || !slices.Equal(s.Permanent, []string{"1.4"}) {
		t.Fatalf("%+v %v", s, err)
	}
	if strings.Contains(plan.String(), client) {
		t.Error("the plan holds personal data")
	}
	// since the review: a hold, and a case that was opened again
	if _, err := st.AddHold(t.Context(), store.Hold{Kind: "document", Controller: controller, Subject: "1.2", Reason: "x", By: anna},
		store.Usage{DataController: controller, LogController: controller, Action: "hold"}); err != nil {
		t.Fatal(err)
	}
	err = st.RecordEvents(t.Context(), []store.Event{{Kind: store.CaseClosed, Controller: controller, Subject: "case-1.3", By: anna}},
		[]store.Usage{{DataController: controller, LogController: controller, Action: "event"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		plan   []byte
		hash   string
		policy *Policy
		second store.Actor
		now    time.Time
		want   error
	}{
		"another hash":   {plan.Bytes(), strings.Repeat("0", 64), p, berta, now, ErrHash},
		"another plan":   {append(plan.Bytes(), '\n', '{', '}'), s.Hash, p, berta, now, ErrHash},
		"other rules":    {plan.Bytes(), s.Hash, must(Load(nil)), berta, now, ErrStale},
		"too old":        {plan.Bytes(), s.Hash, p, berta, now.Add(MaxAge + time.Hour), ErrStale},
		"one person":     {plan.Bytes(), s.Hash, p, anna, now, store.ErrInput},
		"nothing at all": {nil, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", p, berta, now, ErrPlan},
	} {
		if _, err := Apply(t.Context(), st, c.policy, c.plan, c.hash, anna, c.second, c.now); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if d, err := st.Document(t.Context(), store.Scope{All: true, Purpose: "test"}, "1.1"); err != nil || d.Disposed {
		t.Fatal("a refused plan has disposed of something", err)
	}
	out, err := Apply(t.Context(), st, p, plan.Bytes(), s.Hash, anna, berta, now)
	if err != nil || out.Outcomes[store.Disposed] != 1 || out.Outcomes[store.HeldBack] != 1 || out.Outcomes[store.NotDue] != 1 || len(out.Left) != 2 {
		t.Fatalf("%+v %v", out, err)
	}
	again, err := Apply(t.Context(), st, p, plan.Bytes(), s.Hash, anna, berta, now)
	if err != nil || again.Outcomes[store.AlreadyDisposed] != 1 || again.Outcomes[store.Disposed] != 0 {
		t.Errorf("taken up again: %+v %v", again, err)
	}
	u, err := st.SearchUsage(t.Context(), store.Scope{All: true, Purpose: "test"}, store.LogFilter{Action: "dispose"}, 10, "")
	if err != nil || len(u.Entries) != 1 || u.Entries[0].UserName != anna.Name || !strings.Contains(string(u.Entries[0].Detail), berta.Name) || u.Entries[0].Purpose != "RET-ADULTS" {
		t.Errorf("%+v %v", u, err)
	}
	r, err := st.Check(t.Context())
	if err != nil || !r.OK() {
		t.Errorf("%+v %v", r, err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	// nothing of the content is left in the file, not even in pages given free
	b, err := os.ReadFile(dir + "/archive.db")
	if err != nil || bytes.Contains(b, []byte("1.1 salaisuus")) || !bytes.Contains(b, []byte("1.2 salaisuus")) {
		t.Errorf("content of a disposed document is left in the file: %v", err)
	}
}

func must(p *Policy, err error) *Policy {
	if err != nil {
		panic(err)
	}
	return p
}

func TestARK9_APlanIsOfOneController(t *testing.T) {
	if _, err := Plan(context.Background(), nil, policy(t), "", time.Now(), nil); err == nil {
		t.Error("a plan of all controllers")
	}
}
