package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"time"
)

// DisposalRun is a reviewed run of disposal (hävittäminen): a plan that somebody
// made, and two people who answer for carrying it out.
type DisposalRun struct {
	// Plan is the SHA-256 of the reviewed plan.
	Plan [sha256.Size]byte
	// By carries it out, Second has reviewed it; they are not the same.
	By, Second Actor
}

// runPayload is the personal part of a run.
type runPayload struct {
	By     Actor `json:"by"`
	Second Actor `json:"second"`
}

func runRecord(plan []byte, at int64, plain []byte) *record {
	return new(record).bytes(plan).int(at).bytes(plain)
}

const sqlRun = `INSERT INTO disposal_runs (seq, plan, at, payload, leaf) VALUES (?, ?, ?, ?, ?)`

// BeginDisposal records a run, durably, before anything is disposed of. It gives
// the run's number. A run that was cut short is taken up by beginning another of
// the same plan: what is disposed of already stays so.
func (s *Store) BeginDisposal(ctx context.Context, r DisposalRun) (run int64, err error) {
	const op = "dispose"
	if r.By.missing() || r.Second.missing() || normalID(r.By.ID) == normalID(r.Second.ID) {
		return 0, input(op, "two different people must answer for a disposal, each by id and name")
	}
	now := s.now()
	plain, err := json.Marshal(runPayload{r.By, r.Second})
	if err != nil {
		return 0, fail(op, err)
	}
	l, err := newLeaf(leafRun, runRecord(r.Plan[:], micros(now), plain), s.opt.Random)
	if err != nil {
		return 0, fail(op, err)
	}
	key, err := s.sealingKey(ctx, "", sealLogs)
	if err != nil {
		return 0, err
	}
	err = s.do(ctx, op, 0, func(t *tx) error {
		if run, err = t.number("disposal_runs"); err != nil {
			return err
		}
		n, err := t.leaf(&l, run)
		if err != nil {
			return err
		}
		payload, err := s.seal(key, place{inRuns, num(run)}, nil, pack(plain))
		if err != nil {
			return err
		}
		return t.exec(sqlRun, run, r.Plan[:], micros(now), payload, n)
	})
	return run, err
}

// Disposal is the disposal of one document version.
type Disposal struct {
	// Run is the run it belongs to.
	Run int64
	// Document is its id, SHA256 that of the bytes that were reviewed.
	Document string
	SHA256   [sha256.Size]byte
	// Rule is the retention rule by which it was planned.
	Rule string
	// Policy judges anew, in the same transaction: the document goes only where it is
	// due by Rule now and no hold is in force.
	Policy RetentionPolicy
	// Usage is the log row of the deed; it must not name the client.
	Usage Usage
	// Replay repeats, after a restore, a disposal that the backup does not know of:
	// nothing is judged anew.
	Replay bool
}

// DisposalOutcome is what became of a Disposal.
type DisposalOutcome string

// The outcomes. All but Disposed leave the archive as it was.
const (
	Disposed        DisposalOutcome = "disposed"
	AlreadyDisposed DisposalOutcome = "disposed-before"
	HeldBack        DisposalOutcome = "held"
	NotDue          DisposalOutcome = "not-due"
	Changed         DisposalOutcome = "changed" // other bytes than reviewed, another controller's, or unknown
)

// tombstone is the payload of a disposal: why the content is gone. No personal data.
type tombstone struct {
	Run  int64  `json:"run"`
	Rule string `json:"rule"`
	Due  string `json:"due,omitempty"`
	// Remains is the hash over what stays (remainsSum).
	Remains string `json:"remains"`
}

func disposalRecord(document string, at int64, reason string, plain []byte) *record {
	return new(record).text(document).int(at).text(reason).bytes(plain)
}

// Dispose destroys the content of a document version for good: document, frame,
// receipt, notices, index and the salts of its leaves, in one transaction with the
// tombstone, its leaf and the log row. What stays are the facts without personal
// data (id, series, controller, size, hashes, times). A version that is not the
// newest may go before the newest.
func (s *Store) Dispose(ctx context.Context, d Disposal) (out DisposalOutcome, err error) {
	const op = "dispose"
	if d.Document == "" || d.Run == 0 || d.Rule == "" || d.Policy == nil && !d.Replay {
		return "", input(op, "document, run, rule or policy is missing")
	}
	if d.Usage.Client != "" {
		return "", input(op, "the log row of a disposal must not name the client")
	}
	now := s.now()
	d.Usage.DocumentID = d.Document
	log, err := s.usageRows(ctx, []Usage{d.Usage}, now, s.sealingKey)
	if err != nil {
		return "", fail(op, err)
	}
	err = s.do(ctx, op, 0, func(t *tx) (err error) {
		out, err = t.dispose(ctx, &d, now, log)
		return err
	})
	return out, err
}

func (t *tx) dispose(ctx context.Context, d *Disposal, now time.Time, log []usageRow) (DisposalOutcome, error) {
	k, err := t.known(d.Document)
	switch {
	case err != nil:
		return "", err
	case k == nil || !d.Replay && (!bytes.Equal(k.facts.sum, d.SHA256[:]) || k.controller != d.Usage.DataController):
		return Changed, nil
	}
	var gone int64
	if ok, err := t.found(`SELECT 1 FROM disposals WHERE document = ?`, []any{k.seq}, &gone); ok || err != nil {
		return AlreadyDisposed, err
	}
	f, err := t.retention(ctx, k.seq, d)
	if err != nil {
		return "", err
	}
	stone := tombstone{Run: d.Run, Rule: d.Rule}
	if !d.Replay {
		due, rule := d.Policy.Due(&f.r)
		switch {
		case len(f.r.Holds) > 0:
			return HeldBack, nil
		case due.IsZero() || due.After(now) || rule != d.Rule:
			return NotDue, nil
		}
		stone.Due = due.Format(time.DateOnly)
	}
	if stone.Remains, err = remainsSum(ctx, t.w.conn, k.seq); err != nil {
		return "", err
	}
	if err := t.bury(k, d.Rule, &stone, micros(now), log[0].key); err != nil {
		return "", err
	}
	if err := t.destroy(k, f); err != nil {
		return "", err
	}
	return Disposed, t.logUsage(log, "")
}

// retention reads the facts of one document, in the writer.
func (t *tx) retention(ctx context.Context, seq int64, d *Disposal) (*facts, error) {
	policy := d.Policy
	if policy == nil {
		policy = noPolicy{}
	}
	fs, err := t.w.s.retained(ctx, t.w.conn, sqlVersion+retentionFields+`WHERE d.seq = ?`, []any{seq}, policy)
	if err != nil {
		return nil, err
	}
	if len(fs) == 0 {
		return nil, &Error{Kind: ErrDamaged, Op: "dispose", Hint: "rebuild the index, then dispose again"}
	}
	return fs[0], nil
}

type noPolicy struct{}

func (noPolicy) LastCase([]string) bool                  { return false }
func (noPolicy) Due(*RetentionFacts) (time.Time, string) { return time.Time{}, "" }

const sqlBury = `INSERT INTO disposals (seq, document, at, reason, payload, leaf) VALUES (?, ?, ?, ?, ?, ?)`

// bury sets the tombstone, which is what lets the content go.
func (t *tx) bury(k *knownDocument, reason string, stone *tombstone, at int64, key *dataKey) error {
	plain, err := json.Marshal(stone)
	if err != nil {
		return err
	}
	l, err := newLeaf(leafDisposal, disposalRecord(k.id, at, reason, plain), t.w.s.opt.Random)
	if err != nil {
		return err
	}
	seq, err := t.number("disposals")
	if err != nil {
		return err
	}
	n, err := t.leaf(&l, seq)
	if err != nil {
		return err
	}
	payload, err := t.w.s.seal(key, place{inDisposals, num(seq)}, nil, pack(plain))
	if err != nil {
		return err
	}
	return t.exec(sqlBury, seq, k.seq, at, reason, payload, n)
}

// contents are the statements that destroy what belongs to a document, in order:
// each takes its number. Whoever keeps content of documents in a table of their own
// adds to this list.
var contents = []string{
	`DELETE FROM bodies WHERE seq = ?`,
	`DELETE FROM frames WHERE seq = ?`,
	`DELETE FROM receipts WHERE seq = ?`,
	`DELETE FROM countersignatures WHERE seq = ?`,
	`DELETE FROM notices WHERE seq IN (SELECT n.seq FROM nullifications n WHERE n.document = ?)`,
	`DELETE FROM salts WHERE leaf IN (SELECT n.leaf FROM nullifications n WHERE n.document = ?)`,
	`DELETE FROM salts WHERE leaf = (SELECT d.leaf FROM documents d WHERE d.seq = ?)`,
}

// destroy removes the content of a document whose tombstone stands.
func (t *tx) destroy(k *knownDocument, f *facts) error {
	for _, q := range contents {
		if err := t.exec(q, k.seq); err != nil {
			return err
		}
	}
	group, err := t.dropIndex(k.seq)
	if err != nil {
		return err
	}
	r := &f.r
	// Documents are counted under their own register, series under the series' present one.
	gone := delta{controller: r.Controller, register: k.facts.register, group: group, documents: -1, bytes: -f.size}
	left := delta{controller: r.Controller, register: r.Register, group: group}
	switch r.Status {
	case Current:
		left.current = -1
	case NullifiedSeries:
		newest := int64(0)
		if _, err := t.found(`SELECT 1 FROM series WHERE newest = ?`, []any{k.seq}, &newest); err != nil {
			return err
		}
		left.nullified = -newest
	}
	t.deltas = append(t.deltas, gone, left)
	t.unmark = append(t.unmark, k.seq)
	return nil
}
