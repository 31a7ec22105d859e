package store

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// spread makes n documents over controllers, clients, tasks, types and times.
func spread(n int) []Archival {
	var out []Archival
	for i := range n {
		a := doc(id(i))
		a.Controller = []string{ctlA, ctlB}[i%2]
		x := &a.Index
		x.Clients = []string{[]string{cli1, cli2, "030383-902B"}[i%3]}
		if i%10 == 0 {
			x.Clients = append(x.Clients, "040484-903D")
		}
		x.Author = fmt.Sprint("9990000000", i%4)
		x.Case = fmt.Sprint("1.2.3.", i%7)
		x.Relationship = fmt.Sprint("1.2.4.", i%6)
		x.Unit = fmt.Sprint("1.2.5.", i%5)
		x.Tasks = [][]string{{"24"}, {"25"}, {"24", "26"}, nil}[i%4]
		x.Group = []string{"4", "5"}[i%2]
		x.GeneralType = fmt.Sprint(10 + i%3)
		x.SpecificType = fmt.Sprint(15000 + i%5)
		x.Effective = noon.Add(time.Duration(i*37%n) * time.Hour / 2) // some at the same time
		x.Created = noon.Add(-time.Hour)
		x.Summary = []byte(a.ID)
		out = append(out, a)
	}
	return out
}

// searchAll follows continuations to the end.
func searchAll(tb testing.TB, s *Store, sc Scope, f Filter, limit int) (ids []string) {
	tb.Helper()
	next := ""
	for range 10_000 {
		p, err := s.Search(bg, sc, f, limit, next)
		if err != nil {
			tb.Fatalf("%+v: %v", f, err)
		}
		if len(p.Hits) > limit {
			tb.Fatalf("%d hits on a page of %d", len(p.Hits), limit)
		}
		for _, h := range p.Hits {
			ids = append(ids, h.ID)
		}
		if p.Next == "" {
			return ids
		}
		next = p.Next
	}
	tb.Fatal("the search does not end")
	return nil
}

// filters are searches with the same thing said as a condition on a document.
var filters = map[string]struct {
	f  Filter
	ok func(a *Archival) bool
}{
	"everything":     {Filter{}, func(a *Archival) bool { return true }},
	"client":         {Filter{Client: cli2}, func(a *Archival) bool { return slices.Contains(a.Index.Clients, cli2) }},
	"second client":  {Filter{Client: "040484-903d "}, func(a *Archival) bool { return len(a.Index.Clients) == 2 }},
	"unknown client": {Filter{Client: "050585-904F"}, func(a *Archival) bool { return false }},
	"author":         {Filter{Author: "99900000001"}, func(a *Archival) bool { return a.Index.Author == "99900000001" }},
	"case":           {Filter{Case: "1.2.3.4"}, func(a *Archival) bool { return a.Index.Case == "1.2.3.4" }},
	"relationship":   {Filter{Relationship: "1.2.4.2"}, func(a *Archival) bool { return a.Index.Relationship == "1.2.4.2" }},
	"unit":           {Filter{Units: []string{"1.2.5.1", "1.2.5.3"}}, func(a *Archival) bool { return a.Index.Unit == "1.2.5.1" || a.Index.Unit == "1.2.5.3" }},
	"task":           {Filter{Tasks: []string{"26"}}, func(a *Archival) bool { return slices.Contains(a.Index.Tasks, "26") }},
	"two tasks":      {Filter{Tasks: []string{"24", "26"}}, func(a *Archival) bool { return slices.Contains(a.Index.Tasks, "24") }},
	"no such task":   {Filter{Tasks: []string{"2"}}, func(a *Archival) bool { return false }},
	"group":          {Filter{Groups: []string{"5"}}, func(a *Archival) bool { return a.Index.Group == "5" }},
	"general type":   {Filter{GeneralTypes: []string{"11"}}, func(a *Archival) bool { return a.Index.GeneralType == "11" }},
	"specific type":  {Filter{SpecificTypes: []string{"15001"}}, func(a *Archival) bool { return a.Index.SpecificType == "15001" }},
	"register":       {Filter{Registers: []string{"2"}}, func(a *Archival) bool { return false }},
	"time": {Filter{EffectiveFrom: noon.Add(5 * time.Hour), EffectiveUntil: noon.Add(20 * time.Hour)}, func(a *Archival) bool {
		return !a.Index.Effective.Before(noon.Add(5*time.Hour)) && a.Index.Effective.Before(noon.Add(20*time.Hour))
	}},
	"client, task and type": {Filter{Client: cli1, Tasks: []string{"24"}, GeneralTypes: []string{"10"}}, func(a *Archival) bool {
		return a.Index.Clients[0] == cli1 && slices.Contains(a.Index.Tasks, "24") && a.Index.GeneralType == "10"
	}},
	"client and author": {Filter{Client: cli1, Author: "99900000003"}, func(a *Archival) bool {
		return a.Index.Clients[0] == cli1 && a.Index.Author == "99900000003"
	}},
	"case and client": {Filter{Client: cli2, Case: "1.2.3.1"}, func(a *Archival) bool {
		return a.Index.Clients[0] == cli2 && a.Index.Case == "1.2.3.1"
	}},
	"unit, group, time": {Filter{Units: []string{"1.2.5.0"}, Groups: []string{"4"}, EffectiveFrom: noon.Add(3 * time.Hour)}, func(a *Archival) bool {
		return a.Index.Unit == "1.2.5.0" && a.Index.Group == "4" && !a.Index.Effective.Before(noon.Add(3*time.Hour))
	}},
}

func TestARK4_SearchFindsWhatItShould(t *testing.T) {
	s := open(t)
	docs := spread(120)
	for _, a := range docs {
		mustArchive(t, s, a)
	}
	scopes := map[string]Scope{"A": inA, "B": inB, "both": {Controllers: []string{ctlA, ctlB, ctlA}, Purpose: "test"}, "all": all}
	for name, f := range filters {
		for in, sc := range scopes {
			want := expected(docs, f.ok, sc)
			for _, limit := range []int{1, 7, 1000} {
				if have := searchAll(t, s, sc, f.f, limit); !slices.Equal(have, want) {
					t.Errorf("%s in %s by %d: %d hits, want %d\n%v\n%v", name, in, limit, len(have), len(want), have, want)
				}
			}
		}
	}
}

// expected gives the ids of matching documents, newest effective time first, of
// those at the same time the last archived first.
func expected(docs []Archival, ok func(*Archival) bool, sc Scope) []string {
	type at struct {
		id string
		t  time.Time
		n  int
	}
	var found []at
	for i := range docs {
		a := &docs[i]
		if ok(a) && (sc.All || slices.Contains(sc.Controllers, a.Controller)) {
			found = append(found, at{a.ID, a.Index.Effective, i})
		}
	}
	slices.SortFunc(found, func(a, b at) int {
		if c := b.t.Compare(a.t); c != 0 {
			return c
		}
		return b.n - a.n
	})
	var ids []string
	for _, f := range found {
		ids = append(ids, f.id)
	}
	return ids
}

func TestARK4_HitTellsTheIndexAndSummary(t *testing.T) {
	s := open(t)
	a := spread(3)[2]
	out := mustArchive(t, s, a)
	p, err := s.Search(bg, all, Filter{Case: a.Index.Case}, 10, "")
	if err != nil || len(p.Hits) != 1 {
		t.Fatal(p, err)
	}
	h := p.Hits[0]
	want := a.Index
	want.Clients, want.Author = nil, ""
	if fmt.Sprintf("%+v", h.Index) != fmt.Sprintf("%+v", want) {
		t.Errorf("index\n%+v\nwant\n%+v", h.Index, want)
	}
	if h.ID != a.ID || h.Leaf != out.Leaf || h.Size != int64(len(a.Document)) || h.Status != Current || !h.Arrived.Equal(out.Arrived) {
		t.Errorf("version %+v", h.Version)
	}
}

func TestARK3_SearchShowsNewestUnlessAskedOtherwise(t *testing.T) {
	s := open(t)
	a := doc(id(1))
	b := next(a, id(2))
	c := doc(id(3))
	for _, x := range []Archival{a, b, c} {
		mustArchive(t, s, x)
	}
	nullify(t, s, nullification(c.ID), Nullified, "")
	for name, tt := range map[string]struct {
		f    Filter
		want int
	}{"plain": {Filter{}, 1}, "earlier": {Filter{Earlier: true}, 2}, "nullified": {Filter{Nullified: true}, 2},
		"both": {Filter{Earlier: true, Nullified: true}, 3}} {
		if have := searchAll(t, s, all, tt.f, 10); len(have) != tt.want {
			t.Errorf("%s: %v", name, have)
		}
	}
	if from := s.now(); len(searchAll(t, s, all, Filter{ArrivedFrom: from}, 10)) != 0 ||
		len(searchAll(t, s, all, Filter{ArrivedUntil: from}, 10)) != 1 {
		t.Error("arrival times do not bound")
	}
}

// A page looks at a bounded number of entries: a filter that nothing meets ends
// early with a continuation.
func TestSearchPageIsBounded(t *testing.T) {
	s := open(t)
	err := s.do(bg, "test", 0, func(tx *tx) error {
		k := s.keys.sum(byController, ctlA)
		for i := range 3 * scanBudget {
			if err := tx.indexKeys(k[:], int64(i), int64(1_000_000+i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	pages, next := 0, ""
	for {
		p, err := s.Search(bg, inA, Filter{}, 10, next)
		if err != nil {
			t.Fatal(err)
		}
		pages++
		if next = p.Next; next == "" {
			break
		}
	}
	if pages < 3 || pages > 5 {
		t.Errorf("%d pages over 3 budgets", pages)
	}
}

func TestContinuationOfAnotherSearchIsRefused(t *testing.T) {
	s := open(t)
	for _, a := range spread(20) {
		mustArchive(t, s, a)
	}
	p, err := s.Search(bg, all, Filter{}, 2, "")
	if err != nil || p.Next == "" {
		t.Fatal(p, err)
	}
	for _, c := range []string{p.Next + "A", "x", strings.Repeat("A", 32)} {
		_, err = s.Search(bg, all, Filter{}, 2, c)
		wantErr(t, err, ErrInput)
	}
	_, err = s.Search(bg, all, Filter{Client: cli1}, 2, p.Next)
	wantErr(t, err, ErrInput)
	for _, limit := range []int{0, -1, MaxPage + 1} {
		_, err = s.Search(bg, all, Filter{}, limit, "")
		wantErr(t, err, ErrInput)
	}
}

// Every statement that serves traffic goes through an index: its cost does not grow
// with the archive but for the index's depth. Upkeep (Check, Reindex) may scan.
func TestNoStatementScansABigTable(t *testing.T) {
	s := open(t)
	seen := traceStatements(t, s)
	docs := spread(30)
	for _, a := range docs {
		mustArchive(t, s, a)
	}
	b := next(docs[0], id(100))
	mustArchive(t, s, b)
	archive(t, s, b)
	nullify(t, s, nullification(b.ID), Nullified, "")
	nullify(t, s, nullification(b.ID), Duplicate, "")
	if err := s.Log(bg, Entries{Disclosures: []Disclosure{{DataController: ctlA, LogController: ctlA, Recipient: ctlB}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PurgeMessages(bg, noon); err != nil {
		t.Fatal(err)
	}
	for _, sc := range []Scope{inA, {Controllers: []string{ctlA, ctlB}, Purpose: "test"}, all} {
		for _, f := range filters {
			searchAll(t, s, sc, f.f, 5)
		}
		for name, read := range reads {
			if _, err := read(s, sc); err != nil && !errors.Is(err, ErrNotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	mustArchive(t, s, relationship(id(101), "rel-1", cli1, temp1))
	if err := s.PutOrder(bg, Order{Kind: OrderInform, Client: cli1, Recorder: ctlA}); err != nil {
		t.Fatal(err)
	}
	if c, err := s.ClientState(bg, all, cli1); err != nil || len(c.Statements) == 0 {
		t.Fatal(c, err)
	}
	for q := range s.w.stmts {
		seen[q] = true
	}
	if len(seen) < 40 {
		t.Errorf("only %d statements were seen", len(seen))
	}
	for _, q := range slices.Sorted(maps.Keys(seen)) {
		for _, p := range explain(t, s, q) {
			t.Errorf("%s\n  in %s", p, q)
		}
	}
	if len(explain(t, s, `SELECT id FROM documents WHERE size = ? ORDER BY owner`)) != 2 {
		t.Error("a scan with a sort goes unnoticed")
	}
}

// small tables may be scanned: their size does not follow the number of documents.
var small = []string{"counters", "settings", "transfers", "flags", "holds"}

// explain gives the steps of a statement's plan that grow with the archive.
func explain(t *testing.T, s *Store, q string) (bad []string) {
	t.Helper()
	verb := strings.ToUpper(strings.Fields(q)[0])
	if verb != "SELECT" && verb != "UPDATE" && verb != "DELETE" {
		return nil
	}
	args := make([]any, strings.Count(q, "?"))
	rows, err := s.read.QueryContext(bg, "EXPLAIN QUERY PLAN "+q, args...)
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, x int
		var detail string
		if err := rows.Scan(&id, &parent, &x, &detail); err != nil {
			t.Fatal(err)
		}
		scan := strings.HasPrefix(detail, "SCAN") && !strings.HasPrefix(detail, "SCAN CONSTANT") &&
			!slices.Contains(small, strings.Fields(detail)[1])
		if scan || strings.Contains(detail, "USE TEMP B-TREE") && !strings.Contains(q, "counters") {
			bad = append(bad, detail)
		}
	}
	return bad
}

// Whoever reads more than is shown continues behind what was shown, without another read.
func TestSearchContinuesAfterAnyHit(t *testing.T) {
	s := open(t)
	for _, a := range spread(30) {
		mustArchive(t, s, a)
	}
	ids := searchAll(t, s, all, Filter{}, MaxPage)
	p, err := s.Search(bg, all, Filter{}, 20, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, 7, 19} {
		rest, err := s.Search(bg, all, Filter{}, MaxPage, p.After(n))
		if err != nil || rest.Hits[0].ID != ids[n] || len(rest.Hits) != len(ids)-n {
			t.Errorf("after %d: %v, %d hits", n, err, len(rest.Hits))
		}
	}
	if p.After(20) != p.Next || p.After(25) != p.Next {
		t.Error("behind the last hit the page goes on otherwise than by Next")
	}
}
