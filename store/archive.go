package store

import (
	"bytes"
	"context"
	"strconv"

	"portti/internal/finding"
)

// Archive stores a document version with everything that belongs to it, or tells
// why not. It returns after the commit has reached the disk; the outcome is then
// final and a resend gets the same.
//
// A Duplicate is judged by document id and SHA-256 of the document's bytes; access
// must have been judged before. The version rules are those of kanta-interface
// 10.3. A refusal is an Outcome, not an error; it too has been logged.
//
// Errors: *Error; where Retry tells so, the same call may be made again.
func (s *Store) Archive(ctx context.Context, a Archival) (Outcome, error) {
	p, err := s.prepare(ctx, &a, true)
	if err != nil {
		return Outcome{}, fail("archive", err)
	}
	var out Outcome
	err = s.do(ctx, "archive", len(p.body)+len(p.frame), func(t *tx) (err error) {
		out, err = t.archive(p)
		return err
	})
	if err != nil {
		return Outcome{}, err
	}
	return out, nil
}

// archive judges and stores, in the writer.
func (t *tx) archive(p *prepared) (Outcome, error) {
	known, err := t.known(p.ID)
	if err != nil {
		return Outcome{}, err
	}
	if known != nil {
		return t.resent(p, known)
	}
	if t.stale(&p.Judged, t.w.s.keys.sum(byCase, p.Index.Case), t.w.s.keys.sum(byRelationship, p.Index.Relationship)) {
		return Outcome{Kind: Stale, Leaf: -1}, nil
	}
	fs, suspicious, prev, err := t.judgeVersion(p)
	if err != nil {
		return Outcome{}, err
	}
	if len(fs) > 0 {
		return t.refuse(p, fs, suspicious)
	}
	return t.store(p, prev)
}

// knownDocument is what the archive knows of an id.
type knownDocument struct {
	id         string
	seq        int64
	facts      documentFacts
	controller string // at present
	leaf       int64
}

// Two lookups and not one join: SQLite plans a join anew for every parameter that
// the driver clears, which costs more than all the rest of it.
const (
	sqlKnown = `SELECT seq, set_id, version, replaces, controller, register, sha256, facts, arrived, device, message_id,
		nullifies, leaf FROM documents WHERE id = ?`
	sqlController = `SELECT controller FROM series WHERE set_id = ?`
)

func (t *tx) known(id string) (*knownDocument, error) {
	k := knownDocument{id: id}
	f := &k.facts
	ok, err := t.found(sqlKnown, []any{id}, &k.seq, &f.setID, &f.version, &f.replaces, &f.controller, &f.register,
		&f.sum, &f.facts, &f.arrived, &f.device, &f.messageID, &f.nullifies, &k.leaf)
	if !ok {
		return nil, err
	}
	return &k, t.row(sqlController, []any{f.setID}, &k.controller)
}

// resent judges a document whose id the archive has already.
func (t *tx) resent(p *prepared, k *knownDocument) (Outcome, error) {
	f := &k.facts
	switch {
	case p.Controller != f.controller && p.Controller != k.controller:
		return t.refuse(p, one(RuleIDTaken, p.ID), true)
	case !bytes.Equal(p.sum[:], f.sum):
		return t.refuse(p, one(RuleIDBytes, p.ID), true)
	case !sameFacts(p, f):
		return t.refuse(p, one(RuleResendDiffers, p.ID), true)
	}
	out := Outcome{Kind: Duplicate, Arrived: fromMicros(f.arrived), Leaf: k.leaf}
	var err error
	if out.Receipt, err = t.receipt(p.ID, k); err != nil {
		return Outcome{}, err
	}
	return out, t.logAnswer(&p.message, out, p.Answer, k.seq)
}

func sameFacts(p *prepared, f *documentFacts) bool {
	return p.SetID == f.setID && int64(p.Version) == f.version && p.Replaces == f.replaces &&
		p.Register == f.register && flag(p.Nullifies) == f.nullifies && bytes.Equal(p.facts[:], f.facts)
}

const sqlReceipt = `SELECT r.verdict, r.payload, t.salt FROM receipts r LEFT JOIN salts t ON t.leaf = ? WHERE r.seq = ?`

// receipt reads what was answered. After a disposal it is gone, which is no error.
func (t *tx) receipt(id string, k *knownDocument) (Receipt, error) {
	r := Receipt{MessageID: k.facts.messageID, Device: k.facts.device}
	var payload, salt []byte
	ok, err := t.found(sqlReceipt, []any{k.leaf, k.seq}, &r.Verdict, &payload, &salt)
	if !ok {
		return r, err
	}
	r.Findings, err = t.w.s.plain(place{inReceipts, id}, salt, payload)
	return r, err
}

// refuse logs a refused attempt.
func (t *tx) refuse(p *prepared, fs []finding.Finding, suspicious bool) (Outcome, error) {
	out := Outcome{Kind: Refused, Findings: fs, Suspicious: suspicious, Leaf: -1}
	m := p.message
	m.raw = pair(p.frame, p.body)
	if err := t.logAnswer(&m, out, p.Answer, 0); err != nil {
		return Outcome{}, err
	}
	return out, t.logUsage(p.usage, fs[0].Rule)
}

const (
	sqlDocument = `INSERT INTO documents (seq, id, set_id, version, replaces, controller, register, owner, sha256, size,
		frame_sha256, frame_size, facts, arrived, device, message_id, nullifies, leaf)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	sqlBody        = `INSERT INTO bodies (seq, payload) VALUES (?, ?)`
	sqlFrame       = `INSERT INTO frames (seq, payload) VALUES (?, ?)`
	sqlKeepReceipt = `INSERT INTO receipts (seq, verdict, payload) VALUES (?, ?, ?)`
)

// store writes a document that has been judged. prev is the series, nil for a first
// version.
func (t *tx) store(p *prepared, prev *series) (Outcome, error) {
	seq := t.seq.document
	leaf, err := t.leaf(&p.leaf, seq)
	if err != nil {
		return Outcome{}, err
	}
	f := p.facts0()
	steps := []func() error{
		func() error {
			return t.exec(sqlDocument, seq, f.id, f.setID, f.version, f.replaces, f.controller, f.register, f.owner,
				f.sum, f.size, f.frameSum, f.frameSize, f.facts, f.arrived, f.device, f.messageID, f.nullifies, leaf)
		},
		func() error { return t.exec(sqlBody, seq, p.sealed.body) },
		func() error { return t.exec(sqlFrame, seq, p.sealed.frame) },
		func() error { return t.exec(sqlKeepReceipt, seq, p.message.Verdict, p.sealed.receipt) },
		func() error { return t.countersign(p, seq) },
		func() error { return t.advance(p, prev, seq) },
		func() error { return t.index(seq, &p.index) },
		func() error { return t.nullifyBy(p, seq) },
		func() error { return t.logUsage(p.usage, "") },
		func() error { return t.logDisclosures(p.disclosures) },
		func() error { return t.tellEvents(p.events) },
		func() error { return t.logMessage(&p.message, Archived, nil, false, seq) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return Outcome{}, err
		}
	}
	t.seq.document++
	t.marks = append(t.marks, mark{seq, p.ID})
	return Outcome{Kind: Archived, Arrived: p.arrived, Leaf: leaf, Receipt: Receipt{MessageID: f.messageID,
		Device: f.device, Verdict: p.message.Verdict, Findings: p.message.Findings}}, nil
}

// one makes the findings of a refusal for one fault.
func one(rule, value string, params ...finding.Param) []finding.Finding {
	return []finding.Finding{{Rule: rule, Value: value, Params: params}}
}

func number(name string, n int64) finding.Param { return finding.P(name, strconv.FormatInt(n, 10)) }
