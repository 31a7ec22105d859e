package pipeline

import (
	"context"
	"errors"
	"time"

	"portti/cda/frame/interactions"
	"portti/internal/finding"
	"portti/store"
)

// askStatus tells a sender what became of its messages (SEC-2): the message log and
// the archive are asked by message id and document id, in the scope of the sender and
// of the controllers that it acts for.
func (m *message) askStatus(ctx context.Context, q *query) error {
	sc := store.Scope{Controllers: append([]string{m.owner()}, q.asker.Own...), Purpose: "status"}
	asked := &m.frame.Asked
	for _, v := range asked.Of(interactions.FieldMessage) {
		id := v.Text
		if v.Root != "" {
			id = v.Root + " " + v.Text
		}
		list, err := m.Library.MessageStatus(ctx, sc, id)
		if err := m.tellStatus(q, list, err); err != nil {
			return err
		}
	}
	for _, id := range asked.Texts(interactions.FieldDocument) {
		list, err := m.Library.DocumentStatus(ctx, sc, id)
		if err := m.tellStatus(q, list, err); err != nil {
			return err
		}
	}
	q.total = -1 // messages are no documents
	m.findings = append(m.findings, m.atQuery(q.told)...)
	return nil
}

func (m *message) tellStatus(q *query, list []store.MessageStatus, err error) error {
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	for _, s := range list {
		rule, arrived := RuleStatusOther, s.Arrived
		switch {
		case s.InArchive && s.Outcome != store.Nullified: // its document's nullification archives nothing
			rule, arrived = RuleStatusArchived, s.DocumentArrived
		case s.Outcome == store.Refused || s.Verdict == string(AtFault):
			rule = RuleStatusRefused
		}
		q.told = append(q.told, finding.Finding{Rule: rule, Value: s.DocumentID, Params: []finding.Param{
			finding.P("message", s.MessageID), finding.P("verdict", s.Verdict), finding.P("time", arrived.UTC().Format(time.RFC3339)),
		}})
	}
	return nil
}
