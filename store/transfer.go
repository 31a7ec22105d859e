package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// TransferKind tells what a change of controller or register is for.
type TransferKind string

// The kinds of transfers.
const (
	// ControllerChange is a change of organisation: business id, merger, sale, end (REK-5).
	ControllerChange TransferKind = "transfer"
	// Correction puts documents right that were stored into the wrong register (REK-6).
	Correction TransferKind = "move"
)

// TransferPlan says which series shall go from whom to whom.
type TransferPlan struct {
	Kind TransferKind
	// FromController is the present controller; FromRegister bounds the plan to one
	// of its registers, "" takes all.
	FromController, FromRegister string
	// ToController is the new controller, ToRegister the new register, "" the same.
	ToController, ToRegister string
	// Series are single series by their set id; none takes all of FromController's.
	Series []string
	// Reason and Ground tell why, in words and by which decision; By is who plans.
	Reason, Ground, By string
}

// TransferState tells how far a transfer has come.
type TransferState string

// The states of a transfer.
const (
	Planned    TransferState = "planned"
	Begun      TransferState = "begun"
	Done       TransferState = "done"
	DroppedOut TransferState = "dropped"
)

// Transfer is a plan and what has become of it.
type Transfer struct {
	// ID names it for ApplyTransfer.
	ID int64
	TransferPlan
	// Count is how many series the plan found, Moved how many have gone.
	Count, Moved int64
	State        TransferState
	// PlannedAt, and when the last step was taken.
	PlannedAt, Changed time.Time
}

// why is the part of a plan that may be personal.
type why struct {
	By     string `json:"by"`
	Reason string `json:"reason"`
	Ground string `json:"ground,omitempty"`
}

// check refuses plans that cannot be meant.
func (p *TransferPlan) check() error {
	switch {
	case p.Kind != ControllerChange && p.Kind != Correction:
		return input("transfer", "kind %q", p.Kind)
	case p.FromController == "" || p.ToController == "":
		return input("transfer", "from whom to whom is missing")
	case p.FromController == p.ToController && (p.ToRegister == "" || p.ToRegister == p.FromRegister):
		return input("transfer", "nothing would change")
	case p.Reason == "" || p.By == "":
		return input("transfer", "a reason and who does it are needed")
	case p.Kind == Correction && len(p.Series) == 0:
		return input("transfer", "a correction names its series")
	}
	return nil
}

// PlanTransfer records a plan with the series that it would change; nothing is
// changed yet. The plan tells their number. Errors: ErrInput where the plan cannot
// be meant or a series named is not the controller's, ErrNotFound where it finds none.
func (s *Store) PlanTransfer(ctx context.Context, p TransferPlan) (Transfer, error) {
	if err := p.check(); err != nil {
		return Transfer{}, err
	}
	p.Series = slices.Compact(slices.Sorted(slices.Values(p.Series)))
	n, digest, err := s.survey(ctx, &p)
	if err != nil {
		return Transfer{}, err
	}
	switch {
	case len(p.Series) > 0 && n != int64(len(p.Series)):
		return Transfer{}, input("transfer", "%d of %d series named are not the controller's", int64(len(p.Series))-n, len(p.Series))
	case n == 0:
		return Transfer{}, &Error{Kind: ErrNotFound, Op: "transfer", Err: errors.New("the controller has no such documents")}
	}
	out := Transfer{TransferPlan: p, Count: n, State: Planned, PlannedAt: s.now()}
	out.Changed = out.PlannedAt
	k, err := s.noteKey(ctx)
	if err != nil {
		return Transfer{}, fail("transfer", err)
	}
	err = s.do(ctx, "transfer", 0, func(t *tx) (err error) {
		out.ID, err = t.planTransfer(&out, digest[:], k)
		return err
	})
	return out, err
}

const sqlPlanTransfer = `INSERT INTO transfers (seq, kind, from_controller, from_register, to_controller, to_register, at, series,
	digest, selection, payload, leaf) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

func (t *tx) planTransfer(x *Transfer, digest []byte, k *dataKey) (int64, error) {
	plain, err := json.Marshal(why{x.By, x.Reason, x.Ground})
	if err != nil {
		return 0, err
	}
	selection := []byte(strings.Join(x.Series, "\n"))
	l, err := newLeaf(leafTransfer, x.record(digest, selection, plain), t.w.s.opt.Random)
	if err != nil {
		return 0, err
	}
	seq := t.seq.transfer
	leaf, err := t.leaf(&l, seq)
	if err != nil {
		return 0, err
	}
	payload, err := t.note(k, inTransfers, seq, plain)
	if err != nil {
		return 0, err
	}
	t.seq.transfer++
	return seq, t.exec(sqlPlanTransfer, seq, string(x.Kind), x.FromController, x.FromRegister, x.ToController, x.ToRegister,
		micros(x.PlannedAt), x.Count, digest, pack(selection), payload, leaf)
}

func (x *Transfer) record(digest, selection, why []byte) *record {
	return new(record).text(string(x.Kind), x.FromController, x.FromRegister, x.ToController, x.ToRegister).
		int(micros(x.PlannedAt), x.Count).bytes(digest).bytes(selection).bytes(why)
}

// transferBatch is how many series one commit of a transfer changes: few enough
// that traffic hardly waits.
const transferBatch = 50

// survey counts the series that a plan finds, and hashes their ids.
func (s *Store) survey(ctx context.Context, p *TransferPlan) (n int64, digest [sha256.Size]byte, err error) {
	h := sha256.New()
	err = s.snapshot(ctx, "transfer", func(tx *sql.Tx) error {
		for after := ""; ; {
			batch, next, err := p.batch(ctx, tx, after, 1000)
			if err != nil {
				return err
			}
			for _, b := range batch {
				h.Write(new(record).text(b.setID).b)
			}
			n += int64(len(batch))
			if after = next; after == "" {
				return nil
			}
		}
	})
	h.Sum(digest[:0])
	return n, digest, err
}

// candidate is a series that a transfer shall change.
type candidate struct {
	setID, newestID string
}

const sqlCandidates = `SELECT s.set_id, d.id FROM series s JOIN documents d ON d.seq = s.newest WHERE s.controller = ` + asText +
	` AND (` + asText + ` = '' OR s.register = ` + asText + `) AND s.set_id > ` + asText + ` ORDER BY s.set_id LIMIT ` + asInt

const sqlCandidate = `SELECT s.set_id, d.id FROM series s JOIN documents d ON d.seq = s.newest WHERE s.controller = ` + asText +
	` AND (` + asText + ` = '' OR s.register = ` + asText + `) AND s.set_id = ` + asText

// batch gives the next series of a plan behind a set id, and where to go on; "" at
// the end.
func (p *TransferPlan) batch(ctx context.Context, tx *sql.Tx, after string, n int) (out []candidate, next string, err error) {
	args := []any{p.FromController, p.FromRegister, p.FromRegister}
	if len(p.Series) == 0 {
		out, err = candidates(ctx, tx, sqlCandidates, append(args, after, n)...)
		if len(out) == n {
			next = out[n-1].setID
		}
		return out, next, err
	}
	at, found := slices.BinarySearch(p.Series, after)
	if found {
		at++
	}
	end := min(at+n, len(p.Series))
	for _, setID := range p.Series[at:end] {
		one, err := candidates(ctx, tx, sqlCandidate, append(args, setID)...)
		if err != nil {
			return nil, "", err
		}
		out = append(out, one...)
	}
	if end < len(p.Series) {
		next = p.Series[end-1]
	}
	return out, next, nil
}

func candidates(ctx context.Context, tx *sql.Tx, q string, args ...any) (out []candidate, err error) {
	rows, err := tx.QueryContext(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c candidate
		if err := rows.Scan(&c.setID, &c.newestID); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// ApplyTransfer carries a plan out, in small commits between the traffic's. From
// each commit on the series in it are the new controller's; one that fails between
// two is gone on with by the same call. A plan that is done is told of as it is.
//
// It can be undone only by another transfer. Errors: ErrNotFound for an unknown
// plan, ErrStale where other series than the plan's would be changed by now, or
// where it was dropped: plan again.
func (s *Store) ApplyTransfer(ctx context.Context, id int64, by string) (Transfer, error) {
	who, err := s.who(ctx, by)
	if err != nil {
		return Transfer{}, err
	}
	x, digest, err := s.transfer(ctx, id)
	if err != nil {
		return Transfer{}, err
	}
	switch x.State {
	case Done:
		return x, nil
	case DroppedOut:
		return x, stale("the plan was dropped")
	case Planned:
		if err := s.beginTransfer(ctx, &x, digest, who); err != nil {
			return x, err
		}
	}
	if err := s.carryOut(ctx, &x, who); err != nil {
		return x, err
	}
	x, _, err = s.transfer(ctx, id)
	return x, err
}

// DropTransfer takes back a plan that has not begun. Errors as ApplyTransfer.
func (s *Store) DropTransfer(ctx context.Context, id int64, by string) error {
	x, _, err := s.transfer(ctx, id)
	if err != nil {
		return err
	}
	who, err := s.who(ctx, by)
	if err != nil {
		return err
	}
	return s.do(ctx, "transfer", 0, func(t *tx) error { return t.openStep(&x, "dropped", who) })
}

// actor is who does something with the archive itself, with the key of notes.
type actor struct {
	name string
	key  *dataKey
}

func (s *Store) who(ctx context.Context, by string) (actor, error) {
	if by == "" {
		return actor{}, input("transfer", "who does it is needed")
	}
	k, err := s.noteKey(ctx)
	return actor{by, k}, fail("transfer", err)
}

func stale(what string) error {
	return &Error{Kind: ErrStale, Op: "transfer", Err: errors.New(what), Hint: "plan the transfer again"}
}

// beginTransfer holds the plan against the present state and records that it begins.
func (s *Store) beginTransfer(ctx context.Context, x *Transfer, digest []byte, by actor) error {
	n, now, err := s.survey(ctx, &x.TransferPlan)
	if err != nil {
		return err
	}
	if n != x.Count || string(now[:]) != string(digest) {
		return stale(fmt.Sprintf("the plan found %d series, now there are %d", x.Count, n))
	}
	usage, err := s.transferUsage(ctx, x, by.name, "", x.Count)
	if err != nil {
		return err
	}
	return s.do(ctx, "transfer", 0, func(t *tx) error {
		if err := t.openStep(x, "begun", by); err != nil {
			return err
		}
		return t.logUsage(usage, "")
	})
}

// carryOut changes series batch by batch until none is left, then records the end.
func (s *Store) carryOut(ctx context.Context, x *Transfer, by actor) error {
	after := ""
	for {
		var batch []candidate
		var next string
		err := s.snapshot(ctx, "transfer", func(tx *sql.Tx) (err error) {
			batch, next, err = x.batch(ctx, tx, after, transferBatch)
			return err
		})
		if err != nil {
			return err
		}
		if len(batch) > 0 {
			if err := s.carryPart(ctx, x, by, batch); err != nil {
				return err
			}
		}
		if after = next; after == "" {
			break
		}
	}
	return s.do(ctx, "transfer", 0, func(t *tx) error { return t.closeTransfer(x, by) })
}

// carryPart changes one batch in one commit. A correction is logged for each
// document, a change of controller once for all of it (when it begins).
func (s *Store) carryPart(ctx context.Context, x *Transfer, by actor, batch []candidate) error {
	usage := make([][]usageRow, len(batch))
	if x.Kind == Correction {
		for i, c := range batch {
			var err error
			if usage[i], err = s.transferUsage(ctx, x, by.name, c.newestID, 1); err != nil {
				return err
			}
		}
	}
	return s.do(ctx, "transfer", 0, func(t *tx) error {
		var moved []seriesMove
		for i, c := range batch {
			m, ok, err := t.moveSeries(x, c.setID, t.seq.step)
			if err != nil {
				return err
			}
			if !ok {
				continue // changed meanwhile
			}
			moved = append(moved, *m)
			if err := t.logUsage(usage[i], ""); err != nil {
				return err
			}
			if err := t.correctFlag(x, m, by); err != nil {
				return err
			}
		}
		if len(moved) == 0 {
			return nil
		}
		return t.keepPart(x, moved, by)
	})
}

// transferUsage makes the log rows of a transfer or of one series of it: one in the
// log of each controller.
func (s *Store) transferUsage(ctx context.Context, x *Transfer, by, document string, count int64) ([]usageRow, error) {
	detail, err := json.Marshal(map[string]any{"transfer": x.ID, "from": x.FromController, "fromRegister": x.FromRegister,
		"to": x.ToController, "toRegister": x.ToRegister, "series": count, "reason": x.Reason, "ground": x.Ground})
	if err != nil {
		return nil, err
	}
	controllers := slices.Compact([]string{x.FromController, x.ToController})
	us := make([]Usage, len(controllers))
	for i, c := range controllers {
		us[i] = Usage{DataController: c, LogController: c, User: by, System: "portti", DocumentID: document, Action: string(x.Kind), Detail: detail}
	}
	return s.usageRows(ctx, us, s.now(), s.sealingKey)
}
