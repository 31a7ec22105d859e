package store

import (
	"bytes"
	"context"
)

// OrderMessage is an order that came by a message.
type OrderMessage struct {
	Order
	// Raw is the exact request, kept where the order is refused.
	Raw     []byte
	Message Message
	// Usage are the rows of the usage log.
	Usage []Usage
	// Answer as in Archival.
	Answer func(Outcome) Answer
}

// TakeOrder records an order that came by a message, durably, with the message's row.
// The same order under the same id again is a Duplicate, whatever its message; another
// one under an id that is taken is refused. Errors as of PutOrder; ErrInput also for
// an order without id.
func (s *Store) TakeOrder(ctx context.Context, o OrderMessage) (Outcome, error) {
	row, m, err := s.prepareOrder(ctx, &o)
	if err != nil {
		return Outcome{}, fail("order", err)
	}
	var out Outcome
	err = s.do(ctx, "order", len(m.raw), func(t *tx) (err error) {
		out, err = t.takeOrder(row, &m, o.Answer)
		return err
	})
	if err != nil {
		return Outcome{}, err
	}
	return out, nil
}

func (s *Store) prepareOrder(ctx context.Context, o *OrderMessage) (*orderRow, messageRow, error) {
	if o.ID == "" {
		return nil, messageRow{}, input("order", "id is empty")
	}
	row, err := s.orderRow(ctx, &o.Order)
	if err != nil {
		return nil, messageRow{}, err
	}
	if row.usage, err = s.usageRows(ctx, o.Usage, row.Arrived, s.sealingKey); err != nil {
		return nil, messageRow{}, err
	}
	m := s.messageRow(&o.Message, s.arrival(o.Message.Arrived))
	m.raw = pack(o.Raw)
	m.key, err = s.sealingKey(ctx, "", sealMessages)
	return row, m, err
}

const sqlOrderByID = `SELECT seq, kind, organiser, task, unit, at, arrived, recorder, payload, leaf FROM orders WHERE id = ? AND id <> ''`

// takeOrder judges and records, in the writer.
func (t *tx) takeOrder(r *orderRow, m *messageRow, answer func(Outcome) Answer) (Outcome, error) {
	if known, out, err := t.orderAgain(r, m, answer); known || err != nil {
		return out, err
	}
	d, err := t.known(r.ID)
	switch {
	case err != nil:
		return Outcome{}, err
	case d != nil:
		return t.refuseOrder(r, m, answer, RuleIDTaken)
	}
	if err := r.write(t); err != nil {
		return Outcome{}, err
	}
	return Outcome{Kind: Recorded, Arrived: r.Arrived, Leaf: t.seq.leaf - 1}, t.logMessage(withoutRaw(m), Recorded, nil, m.Suspicious, 0)
}

// orderAgain answers an order whose id is known; false where it is not.
func (t *tx) orderAgain(r *orderRow, m *messageRow, answer func(Outcome) Answer) (bool, Outcome, error) {
	var o Order
	var seq, at, arrived, leaf int64
	var payload []byte
	known, err := t.found(sqlOrderByID, []any{r.ID}, &seq, &o.Kind, &o.Organiser, &o.Task, &o.Unit, &at, &arrived, &o.Recorder, &payload, &leaf)
	if err != nil || !known {
		return false, Outcome{}, err
	}
	plain, _, err := t.w.s.openOrder(seq, payload)
	if err != nil {
		return true, Outcome{}, err
	}
	rule := RuleIDBytes
	if o.Recorder != r.Recorder {
		rule = RuleIDTaken // says nothing of who has it
	}
	o.ID, o.At, o.Arrived = r.ID, fromMicros(at), r.Arrived
	if !bytes.Equal(o.record(plain).b, r.record(r.plain).b) {
		out, err := t.refuseOrder(r, m, answer, rule)
		return true, out, err
	}
	out := Outcome{Kind: Duplicate, Arrived: fromMicros(arrived), Leaf: leaf, Receipt: Receipt{Verdict: m.Verdict, Findings: m.Findings}}
	return true, out, t.logAnswer(withoutRaw(m), out, answer, 0)
}

func (t *tx) refuseOrder(r *orderRow, m *messageRow, answer func(Outcome) Answer, rule string) (Outcome, error) {
	out := Outcome{Kind: Refused, Findings: one(rule, r.ID), Suspicious: true, Leaf: -1}
	if err := t.logAnswer(m, out, answer, 0); err != nil {
		return Outcome{}, err
	}
	return out, t.logUsage(r.usage, rule)
}

// withoutRaw is a message that went well: its octets are not kept.
func withoutRaw(m *messageRow) *messageRow {
	row := *m
	row.raw = pack(nil)
	return &row
}
