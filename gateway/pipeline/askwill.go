package pipeline

import (
	"context"
	"slices"
	"strconv"
	"time"

	"portti/gateway/access"
	"portti/internal/finding"
)

// WillTeller is a Releasing that knows a client's will.
type WillTeller interface {
	Will(ctx context.Context, client string) (access.Known, error)
}

// tellWill tells what the documents of a query of will do not: informing, which is no
// document, and which of the statements found are in force (ARK-8). Whoever may not
// see a statement or an informing is not told of it.
func (m *message) tellWill(ctx context.Context, q *query) error {
	teller, ok := q.releasing.(WillTeller)
	if !ok {
		m.unsupported()
		return nil
	}
	will, err := teller.Will(ctx, q.asker.Client)
	if err != nil {
		return err
	}
	for _, i := range will.Informings {
		if err := m.tellInforming(ctx, q, i); err != nil || m.refusedQuery() {
			return err
		}
	}
	q.tellStatements(will)
	m.findings = append(m.findings, m.atQuery(q.told)...)
	return nil
}

// tellInforming decides on an informing as on a document of its recorder.
func (m *message) tellInforming(ctx context.Context, q *query, i access.InformingState) error {
	var g given
	var err error
	g.Controller, g.Index.Phase = i.Recorder, string(access.Informing)
	if g.ruling, err = q.releasing.Decide(ctx, g.Found); err != nil {
		return err
	}
	switch {
	case g.ruling.Outcome == Refused:
		m.findings = append(m.findings, m.atQuery([]finding.Finding{{Rule: g.ruling.Rule, Value: g.ruling.Value}})...)
		q.logs.refuse(&g)
		return nil
	case g.ruling.Outcome == Hidden:
		return nil
	case g.ruling.Disclosed:
		q.logs.informings = append(q.logs.informings, g)
	}
	q.told = append(q.told, finding.Finding{Rule: RuleWillInformed, Value: i.Recorder,
		Params: []finding.Param{finding.P("time", i.At.UTC().Format(time.RFC3339))}})
	return nil
}

// tellStatements tells which of the documents found are in force.
func (q *query) tellStatements(will access.Known) {
	if p := will.Permission; p != nil && slices.Contains(q.found, p.ID) {
		rule := RuleWillDenied
		if p.Positive {
			rule = RuleWillPermitted
		}
		q.told = append(q.told, finding.Finding{Rule: rule, Value: p.ID})
	}
	if ps := will.Prohibitions; len(ps) > 0 && slices.Contains(q.found, ps[0].ID) {
		q.told = append(q.told, finding.Finding{Rule: RuleWillProhibited, Value: ps[0].ID,
			Params: []finding.Param{finding.P("count", strconv.Itoa(len(ps)))}})
	}
}
