package pipeline

import (
	"context"
	"time"

	"portti/cda/frame"
	"portti/internal/finding"
	"portti/store"
)

// Trier is an archive that tells what it would answer; *store.Store is one.
type Trier interface {
	Shelf
	Try(context.Context, store.Archival) (store.Outcome, error)
}

// Trial is a judged document that is held against an archive.
type Trial struct {
	Peer   Peer
	Frame  *frame.Frame
	Judged *Judgement
	// Refused tells that findings about the frame or its package refuse the message.
	Refused bool
	Arrived time.Time
}

// Try gives what access and the archive would say of a document; nothing is kept.
// As at the SOAP door, the archive is asked only of what nothing refused before.
func Try(ctx context.Context, j *Judge, access Access, archive Trier, t Trial) ([]finding.Finding, error) {
	m := &message{
		Pipeline: &Pipeline{Options: Options{Judge: j, Access: access}},
		req:      Request{Peer: t.Peer, Arrived: t.Arrived}, watch: newStopwatch(),
		frame: t.Frame, judged: t.Judged,
	}
	m.access()
	if err := m.together(ctx, archive); err != nil {
		return m.findings, err
	}
	m.decide()
	if t.Refused || m.decision == Reject {
		return m.findings, m.report.Failure
	}
	a := m.newArchival()
	a.Message.Answer = store.Answer{Verdict: string(Accepted)}
	out, err := archive.Try(ctx, *a)
	if err != nil {
		return m.findings, err
	}
	if out.Kind == store.Refused {
		return append(m.findings, m.placed(out.Findings)...), nil
	}
	return m.findings, nil
}
