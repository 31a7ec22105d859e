package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"
)

// FlagState is the state of a suspicion that a document stands in the wrong
// register (REK-6).
type FlagState string

// The states of a flag.
const (
	// Suspected: found, nothing done yet.
	Suspected FlagState = "suspected"
	// Reported: reported as a data breach.
	Reported FlagState = "reported"
	// Cleared: looked into, the register is right.
	Cleared FlagState = "cleared"
	// Corrected: put right by a transfer.
	Corrected FlagState = "corrected"
)

// open tells whether something is still to be done.
func (f FlagState) open() bool { return f == Suspected || f == Reported }

// Flag is a state of a suspicion about a series.
type Flag struct {
	// SetID is the series, Document its newest version when it was found.
	SetID, Document string
	// Controller is whose register the series stood in.
	Controller string
	State      FlagState
	// Rule is what was found, Reason more in words, By who.
	Rule, Reason, By string
	At               time.Time
}

// flagWhy is the part of a flag that may be personal.
type flagWhy struct {
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
}

// Flag records a state of a suspicion about the series f.SetID; document and
// controller are the series' own. It begins with Suspected; the same state again,
// by the same rule, changes nothing and gives false. Errors: ErrNotFound for an
// unknown series, ErrInput for a state that cannot follow.
func (s *Store) Flag(ctx context.Context, f Flag) (changed bool, err error) {
	if f.SetID == "" || f.By == "" || f.State == "" {
		return false, input("flag", "series, state and who are needed")
	}
	k, err := s.noteKey(ctx)
	if err != nil {
		return false, fail("flag", err)
	}
	err = s.do(ctx, "flag", 0, func(t *tx) error {
		changed, err = t.raise(&f, k)
		return err
	})
	return changed, err
}

const (
	sqlFlagged  = `SELECT state, rule FROM flags WHERE set_id = ` + asText + ` ORDER BY seq DESC LIMIT 1`
	sqlKeepFlag = `INSERT INTO flags (seq, set_id, document, controller, state, rule, at, payload, leaf) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
)

func (t *tx) raise(f *Flag, k *dataKey) (bool, error) {
	var m seriesMove
	var nullified bool
	there, err := t.found(sqlMoveOf, []any{f.SetID}, &m.newest, &f.Document, &f.Controller, &m.fromRegister, &nullified)
	if err != nil {
		return false, err
	}
	if !there {
		return false, &Error{Kind: ErrNotFound, Op: "flag"}
	}
	var last FlagState
	var rule string
	if _, err := t.found(sqlFlagged, []any{f.SetID}, &last, &rule); err != nil {
		return false, err
	}
	if f.Rule == "" {
		f.Rule = rule
	}
	switch {
	case last == f.State && rule == f.Rule:
		return false, nil
	case f.State == Suspected && last == Reported && rule == f.Rule:
		return false, nil // found again, while it is being looked into
	case f.State == Suspected && f.Rule == "", f.State != Suspected && !last.open():
		return false, input("flag", "%q cannot follow %q", f.State, last)
	}
	return true, t.keepFlag(f, k)
}

func (t *tx) keepFlag(f *Flag, k *dataKey) error {
	f.At = t.w.s.now()
	plain, err := json.Marshal(flagWhy{f.By, f.Reason})
	if err != nil {
		return err
	}
	l, err := newLeaf(leafFlag, f.record(plain), t.w.s.opt.Random)
	if err != nil {
		return err
	}
	leaf, err := t.leaf(&l, t.seq.flag)
	if err != nil {
		return err
	}
	payload, err := t.note(k, inFlags, t.seq.flag, plain)
	if err != nil {
		return err
	}
	err = t.exec(sqlKeepFlag, t.seq.flag, f.SetID, f.Document, f.Controller, string(f.State), f.Rule, micros(f.At), payload, leaf)
	if err == nil {
		t.seq.flag++
	}
	return err
}

func (f *Flag) record(why []byte) *record {
	return new(record).text(f.SetID, f.Document, f.Controller, string(f.State), f.Rule).int(micros(f.At)).bytes(why)
}

// correctFlag closes the suspicion about a series that a correction puts right.
func (t *tx) correctFlag(x *Transfer, m *seriesMove, by actor) error {
	if x.Kind != Correction {
		return nil
	}
	var last FlagState
	var rule string
	if _, err := t.found(sqlFlagged, []any{m.setID}, &last, &rule); err != nil || !last.open() {
		return err
	}
	return t.keepFlag(&Flag{SetID: m.setID, Document: m.newestID, Controller: m.to, State: Corrected, Rule: rule, Reason: x.Reason, By: by.name}, by.key)
}

const sqlFlags = `SELECT flags.seq, flags.set_id, flags.document, flags.controller, flags.state, flags.rule, flags.at, flags.payload FROM flags JOIN series s ON s.set_id = flags.set_id WHERE `

// Flags gives the suspicions about the series in a scope, newest first. Where all
// is not set, only those about which something is still to be done, each in its
// present state; else every state there was.
func (s *Store) Flags(ctx context.Context, sc Scope, all bool) (out []Flag, err error) {
	if err := sc.check("flags"); err != nil {
		return nil, err
	}
	in, args := sc.where("s.controller")
	q := sqlFlags + in
	if !all {
		q += ` AND NOT EXISTS (SELECT 1 FROM flags x WHERE x.set_id = flags.set_id AND x.seq > flags.seq) AND flags.state IN ('suspected', 'reported')`
	}
	err = s.reading("flags", func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, q+` ORDER BY flags.seq DESC`, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			f, _, _, err := s.scanFlag(rows.Scan)
			if err != nil {
				return err
			}
			out = append(out, f)
		}
		return rows.Err()
	})
	return out, err
}

// scanFlag reads a flag with its number and its note. Where the note alone cannot be
// read, the number is there beside the error.
func (s *Store) scanFlag(scan func(...any) error, more ...any) (f Flag, seq int64, plain []byte, err error) {
	var at int64
	var payload []byte
	err = scan(append([]any{&seq, &f.SetID, &f.Document, &f.Controller, &f.State, &f.Rule, &at, &payload}, more...)...)
	if err != nil {
		return f, 0, nil, err
	}
	f.At = fromMicros(at)
	if plain, err = s.openNote(inFlags, seq, payload); err != nil {
		return f, seq, nil, err
	}
	var w flagWhy
	err = json.Unmarshal(plain, &w)
	f.By, f.Reason = w.By, w.Reason
	return f, seq, plain, err
}

// SeriesFacts is what is known of a series without its content, for a review of
// where it stands.
type SeriesFacts struct {
	// SetID is the series, Newest its newest document.
	SetID, Newest string
	// Controller and Register are the present ones; OriginalController and
	// OriginalRegister those that the newest document came to.
	Controller, Register                 string
	OriginalController, OriginalRegister string
	// Owner is the organisation that sent the newest document, Device its system.
	Owner, Device string
	// Group, Unit, Organiser, Provider and Implementer are those of the index.
	Group, Unit, Organiser, Provider, Implementer string
	Tasks                                         string
	Effective, Arrived                            time.Time
	Nullified                                     bool
}

const sqlEachSeries = `SELECT s.set_id, d.id, s.controller, s.register, d.controller, d.register, d.owner, d.device,
	coalesce(i.doc_group, ''), coalesce(i.unit, ''), coalesce(i.organiser, ''), coalesce(i.provider, ''), coalesce(i.implementer, ''),
	coalesce(i.tasks, ''), coalesce(i.effective, d.arrived), d.arrived, s.nullified IS NOT NULL
	FROM series s JOIN documents d ON d.seq = s.newest LEFT JOIN doc_index i ON i.seq = s.newest WHERE s.set_id > ` + asText + ` AND `

// EachSeries visits every series in a scope, in order of their set ids, in
// stretches of which each sees one state. visit must not call the store.
func (s *Store) EachSeries(ctx context.Context, sc Scope, visit func(SeriesFacts) error) error {
	if err := sc.check("series"); err != nil {
		return err
	}
	in, args := sc.where("s.controller")
	for after, n := "", checkBatch; n == checkBatch; {
		n = 0
		err := s.snapshot(ctx, "series", func(tx *sql.Tx) error {
			rows, err := tx.QueryContext(ctx, sqlEachSeries+in+` ORDER BY s.set_id LIMIT `+asInt, append(append([]any{after}, args...), checkBatch)...)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				f, err := scanSeries(rows.Scan)
				if err != nil {
					return err
				}
				after = f.SetID
				n++
				if err := visit(f); err != nil {
					return err
				}
			}
			return rows.Err()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func scanSeries(scan func(...any) error) (f SeriesFacts, err error) {
	var effective, arrived int64
	err = scan(&f.SetID, &f.Newest, &f.Controller, &f.Register, &f.OriginalController, &f.OriginalRegister, &f.Owner, &f.Device,
		&f.Group, &f.Unit, &f.Organiser, &f.Provider, &f.Implementer, &f.Tasks, &effective, &arrived, &f.Nullified)
	f.Effective, f.Arrived = fromMicros(effective), fromMicros(arrived)
	return f, err
}
