package store

import (
	"context"
	"crypto/sha256"
	"time"
)

// Nullify marks the series of a document as nullified (mitätöinti) by a message
// that brings no document of its own. The documents are kept, hidden from ordinary
// searches, and the series takes no further versions. Nullifying the same document
// again is a Duplicate.
//
// A nullification that comes as a new version goes through Archive with Nullifies.
func (s *Store) Nullify(ctx context.Context, n Nullification) (Outcome, error) {
	p, err := s.prepareNullification(ctx, &n)
	if err != nil {
		return Outcome{}, fail("nullify", err)
	}
	var out Outcome
	err = s.do(ctx, "nullify", len(p.frame), func(t *tx) (err error) {
		out, err = t.nullify(p)
		return err
	})
	if err != nil {
		return Outcome{}, err
	}
	return out, nil
}

type preparedNullification struct {
	*Nullification
	arrived  time.Time
	frameSum [sha256.Size]byte
	frame    []byte
	receipt  []byte
	key      *dataKey
	message  messageRow
	usage    []usageRow
}

func (s *Store) prepareNullification(ctx context.Context, n *Nullification) (*preparedNullification, error) {
	if n.DocumentID == "" || n.Controller == "" {
		return nil, input("nullify", "document id or controller is empty")
	}
	p := &preparedNullification{Nullification: n, arrived: s.arrival(n.Message.Arrived)}
	p.frameSum = sha256.Sum256(n.Frame)
	p.frame, p.receipt = pack(n.Frame), pack(n.Message.Findings)
	p.message = s.messageRow(&n.Message, p.arrived)
	p.message.documentID = n.DocumentID
	var err error
	if p.key, err = s.sealingKey(ctx, n.Controller, sealDocuments); err != nil {
		return nil, err
	}
	if p.message.key, err = s.sealingKey(ctx, "", sealMessages); err != nil {
		return nil, err
	}
	p.usage, err = s.usageRows(ctx, n.Usage, p.arrived, s.sealingKey)
	return p, err
}

// nullify judges and marks, in the writer.
func (t *tx) nullify(p *preparedNullification) (Outcome, error) {
	k, err := t.known(p.DocumentID)
	if err != nil {
		return Outcome{}, err
	}
	if k == nil || k.controller != p.Controller {
		return t.refuseNullification(p, RuleDocumentUnknown, k != nil)
	}
	s, err := t.series(k.facts.setID)
	if err != nil {
		return Outcome{}, err
	}
	switch {
	case s.nullified:
		return t.nullifiedBefore(p, k, s)
	case s.disposed:
		return t.refuseNullification(p, RuleDisposed, false)
	case s.newestID != p.DocumentID:
		return t.refuseNullification(p, RuleNotNewest, false)
	}
	return t.markNullified(p, s)
}

func (t *tx) refuseNullification(p *preparedNullification, rule string, suspicious bool) (Outcome, error) {
	out := Outcome{Kind: Refused, Findings: one(rule, p.DocumentID), Suspicious: suspicious, Leaf: -1}
	m := p.message
	m.raw = p.frame
	if err := t.logAnswer(&m, out, p.Answer, 0); err != nil {
		return Outcome{}, err
	}
	return out, t.logUsage(p.usage, rule)
}

const (
	sqlNullification = `SELECT seq, document, device, message_id, arrived, leaf FROM nullifications WHERE set_id = ?`
	sqlNotice        = `SELECT n.verdict, n.receipt, t.salt FROM notices n LEFT JOIN salts t ON t.leaf = ? WHERE n.seq = ?`
)

// nullifiedBefore answers a nullification of a series that is nullified already: of
// the same document it is the same again, of another it comes too late.
func (t *tx) nullifiedBefore(p *preparedNullification, k *knownDocument, s *series) (Outcome, error) {
	var seq, doc, arrived int64
	var payload, salt []byte
	out := Outcome{Kind: Duplicate}
	r := &out.Receipt
	err := t.row(sqlNullification, []any{s.setID}, &seq, &doc, &r.Device, &r.MessageID, &arrived, &out.Leaf)
	if err != nil {
		return Outcome{}, err
	}
	if doc != k.seq {
		return t.refuseNullification(p, RuleNullified, false)
	}
	there, err := t.found(sqlNotice, []any{out.Leaf, seq}, &r.Verdict, &payload, &salt)
	if err != nil {
		return Outcome{}, err
	}
	if there { // gone after a disposal
		if r.Findings, err = t.w.s.plain(place{inNotices, s.setID}, salt, payload); err != nil {
			return Outcome{}, err
		}
	}
	out.Arrived = fromMicros(arrived)
	return out, t.logAnswer(&p.message, out, p.Answer, k.seq)
}

func (t *tx) markNullified(p *preparedNullification, s *series) (Outcome, error) {
	m := p.Message
	n := nullFacts{setID: s.setID, document: p.DocumentID, reason: p.Reason, owner: m.Owner, device: m.Device,
		messageID: m.ID, arrived: micros(p.arrived), frameSum: p.frameSum[:], verdict: m.Verdict, findings: m.Findings}
	l, err := newLeaf(leafNullification, n.record(), t.w.s.opt.Random)
	if err != nil {
		return Outcome{}, err
	}
	leaf, err := t.keepNullification(&n, &l, s.newest, nil, p.key, p.frame, p.receipt)
	if err != nil {
		return Outcome{}, err
	}
	t.deltas = append(t.deltas, delta{controller: s.controller, register: s.register, group: s.group, current: -1, nullified: 1})
	if err := t.logUsage(p.usage, ""); err != nil {
		return Outcome{}, err
	}
	if err := t.logMessage(&p.message, Nullified, nil, false, s.newest); err != nil {
		return Outcome{}, err
	}
	return Outcome{Kind: Nullified, Arrived: p.arrived, Leaf: leaf, Receipt: Receipt{MessageID: m.ID,
		Device: m.Device, Verdict: m.Verdict, Findings: m.Findings}}, nil
}

// nullifyBy closes the series of a document that nullifies it.
func (t *tx) nullifyBy(p *prepared, seq int64) error {
	if !p.Nullifies {
		return nil
	}
	_, err := t.keepNullification(p.nullFacts(), &p.nullLeaf, seq, seq, p.key, []byte{codecPlain}, p.receipt)
	t.deltas = append(t.deltas, delta{controller: p.Controller, register: p.Register, group: p.Index.Group, current: -1, nullified: 1})
	return err
}

const (
	sqlKeepNullification = `INSERT INTO nullifications (seq, set_id, document, by_document, reason, owner, device,
		message_id, arrived, frame_sha256, leaf) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	sqlKeepNotice = `INSERT INTO notices (seq, frame, verdict, receipt) VALUES (?, ?, ?, ?)`
	sqlNullify    = `UPDATE series SET nullified = ? WHERE set_id = ?`
)

func (t *tx) keepNullification(n *nullFacts, l *leaf, document int64, by any, k *dataKey, frame, receipt []byte) (int64, error) {
	seq := t.seq.nullification
	leaf, err := t.leaf(l, seq)
	if err != nil {
		return 0, err
	}
	err = t.exec(sqlKeepNullification, seq, n.setID, document, by, n.reason, n.owner, n.device, n.messageID,
		n.arrived, n.frameSum, leaf)
	if err != nil {
		return 0, err
	}
	if frame, err = t.w.s.seal(k, place{inNoticeFrame, n.setID}, l.salt[:], frame); err != nil {
		return 0, err
	}
	if receipt, err = t.w.s.seal(k, place{inNotices, n.setID}, l.salt[:], receipt); err != nil {
		return 0, err
	}
	if err := t.exec(sqlKeepNotice, seq, frame, n.verdict, receipt); err != nil {
		return 0, err
	}
	t.seq.nullification++
	if err := t.exec(sqlNullify, seq, n.setID); err != nil {
		return 0, err
	}
	return leaf, t.changedSeries(n.setID, leaf)
}
