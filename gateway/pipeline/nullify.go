package pipeline

import (
	"context"
	"strconv"

	"portti/cda/frame/interactions"
	"portti/internal/finding"
	"portti/internal/xmltree"
	"portti/store"
)

// nullify judges a nullification by frame alone (kanta-interface 10.2 b and c): who
// may, and whether the frame means the document that it names.
func (m *message) nullify(ctx context.Context) {
	m.alone()
	m.access()
	if m.Library == nil {
		m.unsupported()
	}
	if m.decision = Decide(m.findings, nil, m.Judge.Profile); m.decision == Reject {
		return
	}
	f := m.frame
	n := &store.Nullification{
		DocumentID: f.Nullified().Root, Controller: f.Document.Custodian.ID.Root, Reason: f.Document.Reason.Code,
		Frame: f.Tree.Source(), Message: m.messageRow(), Answer: m.outcomeAnswer,
	}
	fs, err := m.means(ctx, n)
	m.watch.lap("nullify")
	if err != nil {
		m.lost(err)
	}
	m.findings = append(m.findings, fs...)
	if m.decision = max(m.decision, Decide(m.findings, nil, m.Judge.Profile)); m.decision == Reject {
		return
	}
	n.Usage = []store.Usage{m.usage(n.DocumentID, n.Controller, m.frameClients())}
	m.nullification = n
}

// means compares the frame with the document to nullify. One that is not there is for
// the archive to tell of.
func (m *message) means(ctx context.Context, n *store.Nullification) ([]finding.Finding, error) {
	sc := store.Scope{Controllers: []string{n.Controller}, Purpose: "nullify"}
	every := store.Filter{Earlier: true, Nullified: true}
	hits, err := m.Library.Lookup(ctx, sc, []string{n.DocumentID}, every)
	if err != nil || len(hits) == 0 {
		return nil, err
	}
	h, d := &hits[0], &m.frame.Document
	var out []finding.Finding
	differs := func(rule string, node xmltree.Node, got, want string) {
		if got != "" && got != want {
			out = append(out, finding.Finding{
				Rule: rule, Place: m.frame.Tree.Place(at(node, d.Node), finding.SourceFrame), Value: got,
				Params: []finding.Param{finding.P("expected", want)},
			})
		}
	}
	differs(RuleNullifySet, d.SetID.Node, d.SetID.Root, h.SetID)
	differs(RuleNullifyRegister, d.Register.Node, d.Register.Code, h.Register)
	if n.DocumentID == d.ID.Root {
		differs(RuleNullifyVersion, d.Version.Node, strconv.Itoa(d.Version.Value), strconv.Itoa(h.Version.Version))
	}
	same, err := m.sameClient(ctx, sc, n.DocumentID, every)
	if err == nil && !same {
		out = append(out, finding.Finding{
			Rule: RuleNullifyClient, Place: m.frame.Tree.Place(at(d.Clients[0].ID.Node, d.Node), finding.SourceFrame),
		})
	}
	return out, err
}

// sameClient tells whether one of the frame's clients is one of the document's; also
// where the frame knows none by a code.
func (m *message) sameClient(ctx context.Context, sc store.Scope, id string, f store.Filter) (bool, error) {
	clients := m.frameClients()
	for _, c := range clients {
		f.Client = c
		hits, err := m.Library.Lookup(ctx, sc, []string{id}, f)
		if err != nil || len(hits) > 0 {
			return true, err
		}
	}
	return len(clients) == 0, nil
}

func (m *message) frameClients() []string {
	var out []string
	for _, c := range m.frame.Document.Clients {
		if c.ID.HasValue() {
			out = append(out, c.ID.PersonKey())
		}
	}
	return out
}

// commitNullification writes the mark and answers.
func (m *message) commitNullification(ctx context.Context) Answer {
	return m.commitAlone(&m.nullification.Message, func() (store.Outcome, error) { return m.Library.Nullify(ctx, *m.nullification) })
}

// commitAlone writes what a frame without package asks for, with row as its message, and
// answers.
func (m *message) commitAlone(row *store.Message, write func() (store.Outcome, error)) Answer {
	ack := m.ack(Accepted, m.findings)
	row.Answer = m.answer(Accepted, m.findings, ack)
	out, err := write()
	m.watch.lap("commit")
	if err != nil {
		return m.notNow(err)
	}
	return m.tell(out, ack)
}

// action is the word of the usage log for what a stored message does.
func (m *message) action() string {
	switch op := m.frame.Operation(); {
	case op == interactions.Nullify:
		return "nullify"
	case op.Orders():
		return orderKinds[op]
	}
	return "archive"
}

// refusedAlone is the usage-log row of a nullification by frame, or of an order, that
// access refused.
func (m *message) refusedAlone() []store.Usage {
	rule := m.accessRule()
	if rule == "" {
		return nil
	}
	id := m.frame.Nullified().Root
	if m.frame.Orders() {
		id = ""
	}
	u := m.usage(id, m.frame.Document.Custodian.ID.Root, m.frameClients())
	u.Refused = rule
	return []store.Usage{u}
}
