package store

import (
	"errors"
	"reflect"
	"slices"
	"testing"
)

const temp1 = "010101A998X"

// stated is a document of a group with a state, about the clients.
func stated(docID, group string, s State, clients ...string) Archival {
	a := doc(docID)
	a.Index.Group, a.Index.Clients, a.Index.State = group, clients, &s
	return a
}

func relationship(docID, relID string, ids ...string) Archival {
	return stated(docID, "1", State{Relationship: &Relationship{ID: relID, Client: Person{IDs: ids}, Organiser: ctlA, Begin: "2026-01-01",
		Units: []RelationshipUnit{{Unit: ctlB + ".10", Task: "24", Provider: true, Begin: "2026-01-01"}}}}, ids...)
}

func stateOf(t *testing.T, s *Store, client string) []string {
	t.Helper()
	c, err := s.ClientState(bg, all, client)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, x := range c.Statements {
		ids = append(ids, x.ID)
	}
	return ids
}

func TestDOC5_TheNewestVersionInForceIsTheState(t *testing.T) {
	s := open(t)
	first := relationship(id(1), "rel-1", cli1)
	mustArchive(t, s, first)
	second := next(first, id(2))
	ended := *first.Index.State.Relationship
	ended.End = "2026-02-01"
	second.Index.State = &State{Relationship: &ended}
	mustArchive(t, s, second)
	mustArchive(t, s, stated(id(3), "8", State{Permission: &Permission{Client: Person{IDs: []string{cli1}}, Positive: true}}, cli1))
	c, err := s.ClientState(bg, all, cli1)
	if err != nil || len(c.Statements) != 2 {
		t.Fatal(c, err)
	}
	if r := c.Statements[0]; r.ID != id(2) || r.State.Relationship.End != "2026-02-01" || !r.State.Relationship.Client.Self {
		t.Errorf("%+v", r)
	}
	if slices.Contains(c.Statements[0].State.Relationship.Client.IDs, cli1) {
		t.Error("an identity code comes out of the state")
	}
	nullify(t, s, nullification(id(2)), Nullified, "")
	if got := stateOf(t, s, cli1); !slices.Equal(got, []string{id(3)}) {
		t.Errorf("after the nullification: %v", got)
	}
	if got := stateOf(t, s, cli2); len(got) != 0 {
		t.Errorf("another client's: %v", got)
	}
}

func TestDOC8_EachClientOfACaseIsToldFromTheOthers(t *testing.T) {
	s := open(t)
	mustArchive(t, s, stated(id(1), "2", State{Case: &Case{ID: "case-1", Organiser: ctlA, Shared: true, Clients: []CaseClient{
		{Person: Person{IDs: []string{cli1}}, Joined: "2026-01-01T10:00:00"}, {Person: Person{IDs: []string{cli2}}, Left: "2026-02-01T10:00:00"}}}}, cli1, cli2))
	x, err := s.CaseStatement(bg, all, "case-1", cli2)
	if err != nil || x == nil {
		t.Fatal(x, err)
	}
	if cs := x.State.Case.Clients; cs[0].Self || !cs[1].Self || cs[1].Left == "" {
		t.Errorf("%+v", cs)
	}
	if x, err := s.CaseStatement(bg, all, "case-2", cli2); x != nil || err != nil {
		t.Errorf("a case that is not there: %v %v", x, err)
	}
}

// A version of the client relationship that names both ids joins them: searches by
// either find the documents of both, and no original changes.
func TestDOC10_ATemporaryIDIsJoinedLater(t *testing.T) {
	s := open(t)
	first := relationship(id(1), "rel-1", temp1)
	mustArchive(t, s, first)
	note := doc(id(2))
	note.Index.Clients = []string{temp1}
	mustArchive(t, s, note)
	before, err := s.Document(bg, all, id(2))
	if err != nil {
		t.Fatal(err)
	}
	later := next(note, id(3))
	later.Index.Clients = []string{cli1}
	refused(t, s, later, RuleClientDiffers)
	joined := next(first, id(4))
	joined.Index.Clients, joined.Index.State = []string{cli1, temp1}, relationship(id(4), "rel-1", cli1, temp1).Index.State
	mustArchive(t, s, joined)
	mustArchive(t, s, later)
	only := next(joined, id(5))
	only.Index.Clients, only.Index.State = []string{cli1}, relationship(id(5), "rel-1", cli1).Index.State
	mustArchive(t, s, only)
	for _, client := range []string{temp1, cli1} {
		p, err := s.Search(bg, inA, Filter{Client: client, Earlier: true}, 10, "")
		if err != nil || len(p.Hits) != 5 {
			t.Errorf("search by %s: %d hits, %v", client, len(p.Hits), err)
		}
		if p, err := s.Search(bg, inA, Filter{Client: client, Case: note.Index.Case}, 10, ""); err != nil || len(p.Hits) != 2 {
			t.Errorf("search by %s and case: %d hits, %v", client, len(p.Hits), err)
		}
		if got := stateOf(t, s, client); !slices.Equal(got, []string{id(5)}) {
			t.Errorf("state by %s: %v", client, got)
		}
	}
	foreign := relationship(id(6), "rel-6", temp1, cli2)
	foreign.Controller = ctlB
	mustArchive(t, s, foreign)
	if p, err := s.Search(bg, inA, Filter{Client: cli2}, 10, ""); err != nil || len(p.Hits) != 0 {
		t.Errorf("another register's joining counts here: %v %v", p, err)
	}
	if p, err := s.Search(bg, inA, Filter{Client: cli2}, 10, ""); err != nil || len(p.Hits) != 0 {
		t.Errorf("search by a stranger: %v %v", p, err)
	}
	after, err := s.Document(bg, all, id(2))
	if err != nil || !reflect.DeepEqual(before.Bytes, after.Bytes) {
		t.Error("the original changed")
	}
	nullify(t, s, nullification(id(5)), Nullified, "")
	if p, _ := s.Search(bg, inA, Filter{Client: temp1, Earlier: true}, 10, ""); len(p.Hits) != 1 {
		t.Errorf("a nullified relationship joins nothing, but: %d hits", len(p.Hits))
	}
}

func TestLUO7_OrdersAreRecordedWithTheirLogRow(t *testing.T) {
	s := open(t)
	if err := s.PutOrder(bg, Order{Kind: OrderInform, Client: cli1, At: noon, Recorder: ctlA, User: "u1"}); err != nil {
		t.Fatal(err)
	}
	if err := s.PutOrder(bg, Order{Kind: OrderSuspend, Client: cli1, Organiser: ctlA, Task: "24", Recorder: ctlA}); err != nil {
		t.Fatal(err)
	}
	c, err := s.ClientState(bg, all, cli1)
	if err != nil || len(c.Orders) != 2 || c.Orders[0].Kind != OrderInform || !c.Orders[0].At.Equal(noon) || c.Orders[1].Task != "24" {
		t.Fatalf("%+v %v", c, err)
	}
	if c.Orders[0].Client != "" {
		t.Error("the client comes out of an order")
	}
	if n := count(t, s, "SELECT count(*) FROM usage_log WHERE action IN ('inform', 'suspend')"); n != 2 {
		t.Errorf("%d log rows", n)
	}
	for _, bad := range []Order{{Kind: "x", Client: cli1, Recorder: ctlA}, {Kind: OrderInform, Recorder: ctlA},
		{Kind: OrderInform, Client: cli1}, {Kind: OrderResume, Client: cli1, Recorder: ctlA}} {
		if err := s.PutOrder(bg, bad); !errors.Is(err, ErrInput) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	wantClean(t, s)
}

func TestREK2_StateIsForDecidingOnly(t *testing.T) {
	s := open(t)
	mustArchive(t, s, relationship(id(1), "rel-1", cli1))
	for _, sc := range []Scope{inA, {All: true}} {
		if _, err := s.ClientState(bg, sc, cli1); err == nil {
			t.Errorf("scope %+v was let in", sc)
		}
		if _, err := s.CaseStatement(bg, sc, "c", cli1); err == nil {
			t.Errorf("scope %+v was let in", sc)
		}
	}
}

// The state is no second truth: a rebuild from the documents gives the same, also
// after damage, which the check tells.
func TestReindexMakesTheStateAnew(t *testing.T) {
	s := open(t)
	docs := map[string]Archival{}
	for _, a := range []Archival{relationship(id(1), "rel-1", temp1, cli1), doc(id(2)),
		stated(id(3), "9", State{Prohibition: &Prohibition{Client: Person{IDs: []string{cli1}}, Items: []Prohibited{{Level: "task", Target: "24"}}}}, cli1)} {
		mustArchive(t, s, a)
		docs[string(a.Document)] = a
	}
	read := func(b []byte) (Index, error) { return docs[string(b)].Index, nil }
	before, err := s.ClientState(bg, all, temp1)
	if err != nil || len(before.Statements) != 2 {
		t.Fatal(before, err)
	}
	db := rawDB(t, s)
	for _, damage := range []string{
		`DELETE FROM doc_state WHERE seq = 1`, `DELETE FROM doc_state; DELETE FROM state_keys`, `DELETE FROM state_keys WHERE seq = 3`, `UPDATE doc_state SET facts = '{}' WHERE seq = 3`,
		`INSERT INTO state_keys VALUES (x'00112233445566778899aabbccddeeff', 2)`, `UPDATE doc_state SET linked = 0`,
	} {
		if _, err := db.Exec(damage); err != nil {
			t.Fatal(err)
		}
		r, err := s.Check(bg)
		if err != nil || r.OK() {
			t.Errorf("%s goes unseen: %v", damage, err)
		}
		if err := s.Reindex(bg, read); err != nil {
			t.Fatal(err)
		}
		after, err := s.ClientState(bg, all, temp1)
		if err != nil || !reflect.DeepEqual(before, after) {
			t.Errorf("after %s: %+v %v", damage, after, err)
		}
		wantClean(t, s)
	}
}

func TestCheckSeesDamagedOrders(t *testing.T) {
	for _, damage := range []string{`UPDATE orders SET at = at + 1`, `UPDATE orders SET client_key = x'00112233445566778899aabbccddeeff'`,
		`DELETE FROM orders WHERE seq = 1`} {
		s := open(t)
		for range 2 {
			if err := s.PutOrder(bg, Order{Kind: OrderInform, Client: cli1, At: noon, Recorder: ctlA}); err != nil {
				t.Fatal(err)
			}
		}
		db := rawDB(t, s)
		if _, err := db.Exec(damage); err == nil {
			t.Errorf("%s goes through the trigger", damage)
		}
		dropTriggers(t, db)
		if _, err := db.Exec(damage); err != nil {
			t.Fatal(err)
		}
		r, err := s.Check(bg)
		if err != nil || !slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Area == "order" || p.Area == "leaf" }) {
			t.Errorf("%s goes unseen: %+v %v", damage, r, err)
		}
	}
}

// An order that came by a message is there once, whatever is sent again, and its id
// stands for it alone.
func TestLUO2_OrderByMessage(t *testing.T) {
	s := open(t)
	take := func(o Order) Outcome {
		t.Helper()
		o.Client, o.At = cli1, noon
		out, err := s.TakeOrder(bg, OrderMessage{Order: o, Raw: []byte("<x/>"), Message: Message{ID: "1 2", Owner: ctlA, Answer: Answer{Verdict: "CA"}},
			Usage: []Usage{{DataController: o.Recorder, LogController: o.Recorder, Action: o.Kind}}})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	first := Order{ID: "1.2.3.4", Kind: OrderInform, Recorder: ctlA}
	other := first
	other.Recorder = ctlB
	suspend := first
	suspend.Kind, suspend.Organiser = OrderSuspend, ctlA
	for i, c := range []struct {
		o    Order
		kind OutcomeKind
		rule string
	}{{first, Recorded, ""}, {first, Duplicate, ""}, {suspend, Refused, RuleIDBytes}, {other, Refused, RuleIDTaken}} {
		out := take(c.o)
		if out.Kind != c.kind || (c.rule != "") != (len(out.Findings) > 0) || c.rule != "" && out.Findings[0].Rule != c.rule {
			t.Errorf("%d: %+v", i, out)
		}
	}
	st, err := s.ClientState(bg, all, cli1)
	if err != nil || len(st.Orders) != 1 || st.Orders[0].Kind != OrderInform {
		t.Errorf("%+v %v", st.Orders, err)
	}
	if _, err := s.TakeOrder(bg, OrderMessage{Order: Order{Kind: OrderInform, Client: cli1, Recorder: ctlA}}); !errors.Is(err, ErrInput) {
		t.Errorf("without id: %v", err)
	}
	if r, err := s.Check(bg); err != nil || !r.OK() {
		t.Errorf("%+v %v", r, err)
	}
}

// What a document was judged by is held against every change since: of its client under
// any id, by whoever left or joined, by orders, nullifications and transfers.
func TestDOC6_StaleJudgements(t *testing.T) {
	s := open(t)
	put := func(n int, a Archival, want OutcomeKind) {
		t.Helper()
		out, err := s.Archive(bg, a)
		if err != nil || out.Kind != want {
			t.Fatalf("%d: %+v %v, want %d", n, out, err, want)
		}
	}
	joined := doc(id(1))
	joined.Index.State = &State{Relationship: &Relationship{ID: "rel", Client: Person{IDs: []string{cli1, temp1}}}}
	put(1, joined, Archived)
	mark := func(client string) StateMark {
		t.Helper()
		c, err := s.ClientState(bg, all, client)
		if err != nil {
			t.Fatal(err)
		}
		return c.Mark
	}
	theCase := func(ids ...string) *State {
		c := &Case{ID: "case"}
		for _, id := range ids {
			c.Clients = append(c.Clients, CaseClient{Person: Person{IDs: []string{id}}})
		}
		return &State{Case: c}
	}
	before := mark(cli1)
	other := doc(id(2))
	other.Judged = before
	put(2, other, Archived)

	opened := doc(id(3))
	opened.Index.State = theCase(temp1) // known by the temporary id alone
	put(3, opened, Archived)
	late := doc(id(4))
	late.Judged = before
	put(4, late, Stale)
	if _, err := s.Document(bg, all, late.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("a stale document is there: %v", err)
	}
	late.Judged = mark(cli1)
	put(4, late, Archived)

	before = mark(cli1)
	left := next(opened, id(5))
	left.Index.State = theCase(cli2)
	put(5, left, Archived)
	out := doc(id(6))
	out.Judged = before
	put(6, out, Stale) // the client is in the case no more

	before = mark(cli2)
	nullify(t, s, nullification(left.ID), Nullified, "")
	out.Judged = before
	put(6, out, Stale)

	before = mark(cli2)
	if err := s.PutOrder(bg, Order{Kind: OrderInform, Client: cli2, Recorder: ctlA}); err != nil {
		t.Fatal(err)
	}
	out.Judged = before.And(mark(cli1))
	put(6, out, Stale)
	out.Judged = mark(cli2).And(mark(cli1))
	put(6, out, Archived)
}
