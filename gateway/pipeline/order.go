package pipeline

import (
	"context"
	"slices"

	"portti/cda/frame/interactions"
	"portti/gateway/access"
	"portti/internal/finding"
	"portti/store"
)

// OrderTaker takes orders: informing, and the suspension of registry-use rights;
// *store.Store is one.
type OrderTaker interface {
	TakeOrder(context.Context, store.OrderMessage) (store.Outcome, error)
}

// OrderJudge is an Access that knows who may give an order and whether there is what
// it is about.
type OrderJudge interface {
	Order(context.Context, AccessQuery, store.Order) ([]finding.Finding, error)
}

// orderKinds are the archive's words for the operations.
var orderKinds = map[interactions.Operation]string{
	interactions.Inform: store.OrderInform, interactions.Suspend: store.OrderSuspend, interactions.Resume: store.OrderResume,
}

// order judges an order as far as it does not write.
func (m *message) order(ctx context.Context) {
	m.alone()
	m.access()
	if m.Orders == nil {
		m.unsupported()
	}
	if m.decision = Decide(m.findings, nil, m.Judge.Profile); m.decision == Reject {
		return
	}
	o := m.toldOrder()
	if o.Kind == store.OrderInform && o.At.After(m.req.Arrived) {
		m.findings = append(m.findings, finding.Finding{Rule: RuleOrderFuture, Value: m.frame.Document.EffectiveTime.Raw,
			Place: m.frame.Tree.Place(m.frame.Document.EffectiveTime.Node, finding.SourceFrame)})
	}
	if j, ok := m.Access.(OrderJudge); ok {
		fs, err := j.Order(ctx, AccessQuery{Peer: m.req.Peer, Frame: m.frame, Arrived: m.req.Arrived, Suspect: func() { m.suspicious = true }}, o)
		if err != nil {
			m.lost(err)
		}
		m.findings = append(m.findings, fs...)
	}
	m.watch.lap("order")
	if m.decision = max(m.decision, Decide(m.findings, nil, m.Judge.Profile)); m.decision == Reject {
		return
	}
	m.taking = &store.OrderMessage{Order: o, Raw: m.frame.Tree.Source(), Message: m.messageRow(), Answer: m.outcomeAnswer,
		Usage: []store.Usage{m.usage("", o.Recorder, m.frameClients())}}
}

// toldOrder is what the frame says.
func (m *message) toldOrder() store.Order {
	f := m.frame
	o := store.Order{ID: f.Document.ID.Root, Kind: orderKinds[f.Operation()], At: f.Document.EffectiveTime.Time,
		Recorder: f.Document.Custodian.ID.Root, User: f.User.ID.PersonKey(), Reason: f.Document.Reason.Code}
	if ids := m.frameClients(); len(ids) > 0 {
		o.Client = ids[0]
	}
	if o.Kind != store.OrderInform {
		o.Organiser, o.Task, o.Unit = o.Recorder, f.OrderTask().Code, f.OrderUnit().Root
	}
	return o
}

// commitOrder records and answers.
func (m *message) commitOrder(ctx context.Context) Answer {
	return m.commitAlone(&m.taking.Message, func() (store.Outcome, error) { return m.Orders.TakeOrder(ctx, *m.taking) })
}

// Order implements OrderJudge: whoever serves the organisation that the order names may
// give it, nobody else; a registry-use right is the organiser's alone to suspend.
func (a StateAccess) Order(ctx context.Context, q AccessQuery, o store.Order) ([]finding.Finding, error) {
	custodian := q.Frame.Document.Custodian
	if !slices.Contains(a.storer(q, o.Recorder, "").Own, o.Recorder) {
		if q.Suspect != nil {
			q.Suspect()
		}
		return []finding.Finding{q.fault(RuleRegistryRight, custodian.Node, o.Recorder, q.Frame.Sender.ID.Root)}, nil
	}
	if o.Kind == store.OrderInform {
		return nil, nil
	}
	asking, err := a.Engine.Client(ctx, o.Client, q.Arrived, access.Requester{})
	if err != nil {
		return nil, err
	}
	about := func(r access.KnownRight) bool {
		return r.Organiser == o.Organiser && (o.Task == "" || o.Task == r.Task) && (o.Unit == "" || o.Unit == r.Unit)
	}
	if !slices.ContainsFunc(asking.Known().Rights, about) {
		return []finding.Finding{q.fault(RuleOrderRight, at(q.Frame.Document.Encounter.Node, custodian.Node), o.Unit, o.Organiser)}, nil
	}
	return nil, nil
}
