package store

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// model is the archive in memory, as plainly as it can be said.
type model struct {
	docs     map[string]*modelDoc
	order    []string
	sets     map[string][]string // set id → document ids
	nullBy   map[string]string   // set id → id of the nullified document
	present  map[string]string   // set id → present controller
	orders   []Order
	messages int
	usage    int
}

type modelDoc struct {
	a Archival
	n int
}

func newModel() *model {
	return &model{docs: map[string]*modelDoc{}, sets: map[string][]string{}, nullBy: map[string]string{}, present: map[string]string{}}
}

func (m *model) newest(set string) string {
	ids := m.sets[set]
	return ids[len(ids)-1]
}

// archive tells what must come of archiving a: the kind, or the rules.
func (m *model) archive(a Archival) (OutcomeKind, []string) {
	m.messages++
	if d := m.docs[a.ID]; d != nil {
		return m.resend(a, d.a)
	}
	rules := m.judge(a)
	m.usage++
	if len(rules) > 0 {
		return Refused, rules
	}
	m.docs[a.ID] = &modelDoc{a, len(m.order)}
	m.order = append(m.order, a.ID)
	m.sets[a.SetID] = append(m.sets[a.SetID], a.ID)
	m.present[a.SetID] = a.Controller
	if a.Nullifies {
		m.nullBy[a.SetID] = a.ID
	}
	return Archived, nil
}

func (m *model) resend(a, old Archival) (OutcomeKind, []string) {
	var rule string
	switch {
	case a.Controller != old.Controller && a.Controller != m.present[old.SetID]:
		rule = RuleIDTaken
	case string(a.Document) != string(old.Document):
		rule = RuleIDBytes
	case a.SetID != old.SetID || a.Version != old.Version || a.Replaces != old.Replaces || string(a.Facts) != string(old.Facts) || a.Nullifies != old.Nullifies:
		rule = RuleResendDiffers
	default:
		return Duplicate, nil
	}
	m.usage++
	return Refused, []string{rule}
}

func (m *model) judge(a Archival) (rules []string) {
	add := func(bad bool, rule string) {
		if bad {
			rules = append(rules, rule)
		}
	}
	if a.Version == 1 {
		add(a.SetID != a.ID, RuleSetFirst)
		add(a.Replaces != "", RuleParentFirst)
		add(a.Nullifies && a.Replaces == "", RuleParentMissing)
		return rules
	}
	if a.Version < 1 {
		return []string{RuleVersionNumber}
	}
	add(a.Replaces == "", RuleParentMissing)
	ids := m.sets[a.SetID]
	if len(ids) == 0 || m.present[a.SetID] != a.Controller {
		return append(rules, RuleSetUnknown)
	}
	last := m.docs[m.newest(a.SetID)].a
	switch {
	case m.nullBy[a.SetID] != "":
		rules = append(rules, RuleNullified)
	case a.Replaces != "" && a.Replaces != last.ID:
		rules = append(rules, RuleNotNewest)
	case a.Version != len(ids)+1:
		rules = append(rules, RuleVersionNumber)
	}
	add(a.Index.Group != last.Index.Group, RuleGroupDiffers)
	add(!slices.ContainsFunc(a.Index.Clients, func(c string) bool { return slices.Contains(last.Index.Clients, c) }), RuleClientDiffers)
	return rules
}

func (m *model) nullify(n Nullification) (OutcomeKind, []string) {
	m.messages++
	d := m.docs[n.DocumentID]
	kind, rules := Refused, []string(nil)
	switch {
	case d == nil || m.present[d.a.SetID] != n.Controller:
		rules = []string{RuleDocumentUnknown}
	case m.nullBy[d.a.SetID] == n.DocumentID:
		return Duplicate, nil
	case m.nullBy[d.a.SetID] != "":
		rules = []string{RuleNullified}
	case m.newest(d.a.SetID) != n.DocumentID:
		rules = []string{RuleNotNewest}
	default:
		kind = Nullified
		m.nullBy[d.a.SetID] = n.DocumentID
	}
	m.usage++
	return kind, rules
}

func (m *model) status(id string) Status {
	a := m.docs[id].a
	switch {
	case m.nullBy[a.SetID] != "":
		return NullifiedSeries
	case m.newest(a.SetID) == id:
		return Current
	}
	return Replaced
}

// visible gives what a client's search must find, newest first.
func (m *model) visible(client string, sc Scope, earlier, nullified bool) (ids []string) {
	for i := len(m.order) - 1; i >= 0; i-- {
		id := m.order[i]
		a := m.docs[id].a
		st := m.status(id)
		switch {
		case !slices.Contains(a.Index.Clients, client) || !slices.Contains(sc.Controllers, m.present[a.SetID]):
		case st == NullifiedSeries && !nullified:
		case m.newest(a.SetID) != id && !earlier:
		default:
			ids = append(ids, id)
		}
	}
	return ids
}

// The archive does what the model does, for random operations.
func TestProperty_ArchiveEqualsItsModel(t *testing.T) {
	template := t.TempDir()
	s, err := Open(bg, Options{Dir: template})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(template, "run")
		if err != nil {
			rt.Fatal(err)
		}
		defer os.RemoveAll(dir)
		for _, name := range []string{dbFile, keyFile} {
			b, err := os.ReadFile(filepath.Join(template, name))
			if err != nil {
				rt.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
				rt.Fatal(err)
			}
		}
		p := &property{rt: rt, dir: dir, m: newModel()}
		p.open()
		defer func() { p.s.Close() }()
		rt.Repeat(map[string]func(*rapid.T){
			"first": p.first, "version": p.version, "version again": p.version, "resend": p.resend, "nullify": p.nullify,
			"order": p.order, "orders": p.orders, "search": p.search, "transfer": p.transfer, "reopen": p.reopen, "reindex": p.reindex, "": p.invariants,
		})
		if r, err := p.s.Check(bg); err != nil || !r.OK() {
			rt.Fatalf("check: %+v %v", r.Problems, err)
		}
	})
}

type property struct {
	rt  *rapid.T
	dir string
	s   *Store
	m   *model
	n   int
}

func (p *property) open() {
	s, err := Open(bg, Options{Dir: p.dir, synchronous: "OFF", Now: (&clock{t: noon}).now})
	if err != nil {
		p.rt.Fatal(err)
	}
	p.s = s
}

func (p *property) reopen(rt *rapid.T) {
	if err := p.s.Close(); err != nil {
		rt.Fatal(err)
	}
	p.open()
}

// fresh gives a new document's id.
func (p *property) fresh() string { p.n++; return id(p.n) }

// some picks an id that exists, or one that does not.
func (p *property) some(rt *rapid.T) string {
	if len(p.m.order) == 0 || rapid.IntRange(0, 9).Draw(rt, "unknown") == 0 {
		return id(9999)
	}
	return rapid.SampledFrom(p.m.order).Draw(rt, "id")
}

func (p *property) vary(rt *rapid.T, a *Archival) {
	clients := []string{cli1, cli2}
	switch rapid.IntRange(0, 14).Draw(rt, "change") {
	case 0:
		a.Controller = ctlB
	case 1:
		a.Version += rapid.IntRange(-2, 2).Draw(rt, "step")
	case 2:
		a.Replaces = p.some(rt)
	case 3:
		a.Replaces = ""
	case 4:
		a.SetID = p.some(rt)
	case 5:
		a.Index.Group = "4"
	case 6:
		a.Index.Clients = []string{rapid.SampledFrom(clients).Draw(rt, "client")}
	case 7:
		a.Index.Clients = clients
	case 8:
		a.Nullifies = true
	case 9:
		a.Document = []byte("<other/>" + a.ID)
	case 10:
		a.Facts = []byte("other")
	}
}

func (p *property) archive(rt *rapid.T, a Archival) {
	out, err := p.s.Archive(bg, a)
	if err != nil {
		rt.Fatal(err)
	}
	kind, rules := p.m.archive(a)
	sameOutcome(rt, out, kind, rules)
}

func sameOutcome(rt *rapid.T, out Outcome, kind OutcomeKind, rules []string) {
	var have []string
	for _, f := range out.Findings {
		have = append(have, f.Rule)
	}
	if out.Kind != kind || !slices.Equal(have, rules) {
		rt.Fatalf("outcome %d %v, the model says %d %v", out.Kind, have, kind, rules)
	}
}

func (p *property) first(rt *rapid.T) {
	a := doc(p.fresh())
	p.vary(rt, &a)
	p.archive(rt, a)
}

func (p *property) version(rt *rapid.T) {
	d := p.m.docs[p.some(rt)]
	if d == nil {
		rt.Skip()
	}
	a := next(p.m.docs[p.m.newest(d.a.SetID)].a, p.fresh())
	a.Controller = p.m.present[d.a.SetID]
	p.vary(rt, &a)
	p.archive(rt, a)
}

func (p *property) resend(rt *rapid.T) {
	d := p.m.docs[p.some(rt)]
	if d == nil {
		rt.Skip()
	}
	a := d.a
	p.vary(rt, &a)
	p.archive(rt, a)
}

func (p *property) nullify(rt *rapid.T) {
	n := nullification(p.some(rt))
	n.Controller = rapid.SampledFrom([]string{ctlA, ctlA, ctlB}).Draw(rt, "controller")
	out, err := p.s.Nullify(bg, n)
	if err != nil {
		rt.Fatal(err)
	}
	kind, rules := p.m.nullify(n)
	sameOutcome(rt, out, kind, rules)
}

// transfer gives all of a controller's series, or one, to the other.
func (p *property) transfer(rt *rapid.T) {
	x := planOf(ctlA, ctlB)
	if rapid.Bool().Draw(rt, "back") {
		x.FromController, x.ToController = ctlB, ctlA
	}
	var sets []string
	for _, set := range slices.Sorted(maps.Keys(p.m.sets)) {
		if p.m.present[set] == x.FromController {
			sets = append(sets, set)
		}
	}
	if len(sets) > 0 && rapid.Bool().Draw(rt, "one") {
		x.Kind, sets = Correction, []string{rapid.SampledFrom(sets).Draw(rt, "series")}
		x.Series = sets
	}
	plan, err := p.s.PlanTransfer(bg, x)
	if len(sets) == 0 {
		if !errors.Is(err, ErrNotFound) {
			rt.Fatalf("a plan for nothing: %v", err)
		}
		return
	}
	if err == nil {
		plan, err = p.s.ApplyTransfer(bg, plan.ID, operator)
	}
	if err != nil || plan.Moved != int64(len(sets)) {
		rt.Fatalf("transfer of %d series: %+v %v", len(sets), plan, err)
	}
	for _, set := range sets {
		p.m.present[set] = x.ToController
	}
	p.m.usage += 2 // as it begins, one row a controller
	if x.Kind == Correction {
		p.m.usage += 2 * len(sets)
	}
}

func (p *property) search(rt *rapid.T) {
	sc := Scope{Purpose: "test", Controllers: rapid.SampledFrom([][]string{{ctlA}, {ctlB}, {ctlA, ctlB}}).Draw(rt, "scope")}
	f := Filter{Client: rapid.SampledFrom([]string{cli1, cli2}).Draw(rt, "client"),
		Earlier: rapid.Bool().Draw(rt, "earlier"), Nullified: rapid.Bool().Draw(rt, "nullified")}
	want := p.m.visible(f.Client, sc, f.Earlier, f.Nullified)
	var have []string
	for next := ""; ; {
		page, err := p.s.Search(bg, sc, f, 3, next)
		if err != nil {
			rt.Fatal(err)
		}
		for _, h := range page.Hits {
			have = append(have, h.ID)
			if h.Status != p.m.status(h.ID) {
				rt.Fatalf("%s is %v, the model says %v", h.ID, h.Status, p.m.status(h.ID))
			}
		}
		if next = page.Next; next == "" {
			break
		}
	}
	if !slices.Equal(have, want) {
		rt.Fatalf("search %+v finds %v, the model %v", f, have, want)
	}
}

// reindex rebuilds the index from what the model knows of the documents' bytes.
func (p *property) reindex(rt *rapid.T) {
	byBytes := make(map[string]Index)
	for _, d := range p.m.docs {
		byBytes[string(d.a.Document)] = d.a.Index
	}
	err := p.s.Reindex(bg, func(b []byte) (Index, error) {
		x, ok := byBytes[string(b)]
		if !ok {
			return x, errors.New("unknown bytes")
		}
		return x, nil
	})
	if err != nil && !strings.Contains(err.Error(), "unknown bytes") {
		rt.Fatal(err)
	}
}

// invariants hold after every step.
func (p *property) invariants(rt *rapid.T) {
	c, err := p.s.Counts(bg, all)
	if err != nil {
		rt.Fatal(err)
	}
	if have, want := fmt.Sprint(c.Documents, c.Current, c.Nullified), fmt.Sprint(len(p.m.docs), len(p.m.sets)-len(p.m.nullBy), len(p.m.nullBy)); have != want {
		rt.Fatalf("counts %s, the model says %s", have, want)
	}
	for _, table := range []struct {
		name string
		want int
	}{{"message_log", p.m.messages}, {"usage_log", p.m.usage}} {
		var n int
		if err := p.s.read.QueryRow(`SELECT count(*) FROM ` + table.name).Scan(&n); err != nil || n != table.want {
			rt.Fatalf("%d rows in %s, the model says %d, %v", n, table.name, table.want, err)
		}
	}
	for _, set := range slices.Sorted(maps.Keys(p.m.sets)) {
		vs, err := p.s.Series(bg, all, set)
		if err != nil {
			rt.Fatal(err)
		}
		var ids []string
		for _, v := range vs {
			ids = append(ids, v.ID)
		}
		if !slices.Equal(ids, p.m.sets[set]) {
			rt.Fatalf("series %s is %v, the model says %v", set, ids, p.m.sets[set])
		}
	}
	if len(p.m.order) > 0 {
		last := p.m.docs[p.m.order[len(p.m.order)-1]].a
		if d, err := p.s.Document(bg, all, last.ID); err != nil || string(d.Bytes) != string(last.Document) {
			rt.Fatalf("last document: %v", err)
		}
	}
}
