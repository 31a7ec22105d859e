package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"slices"
)

// StateMark tells which state of clients a judgement was made by: what the archive
// held then, and by which keys the clients are known. The zero StateMark is of no
// judgement.
type StateMark struct {
	made bool
	leaf int64 // the last leaf that the judgement could see
	keys []key
}

// And gives the mark of a judgement made by both.
func (m StateMark) And(o StateMark) StateMark {
	switch {
	case !o.made:
		return m
	case !m.made:
		return o
	}
	return StateMark{made: true, leaf: min(m.leaf, o.leaf), keys: slices.Concat(m.keys, o.keys)}
}

// markAt is the mark of a judgement by what tx sees of keys.
func markAt(ctx context.Context, tx *sql.Tx, keys []key) (StateMark, error) {
	m := StateMark{made: true, keys: keys}
	return m, tx.QueryRowContext(ctx, `SELECT coalesce(max(seq), -1) FROM leaves`).Scan(&m.leaf)
}

// maxChanges bounds the keys that are remembered.
const maxChanges = 1 << 16

// changes remembers at which leaf what is known of clients changed last: every change
// has one. It is the writer's own. What a job that was undone has left here makes a
// judgement be made again at most.
type changes struct {
	at map[key]int64
	// floor is the leaf of the last change that is not remembered by its key.
	floor int64
}

// changed notes keys whose state the job at hand changes, by the leaf of the change: the
// last one where it has been added, else the next.
func (t *tx) changed(keys []byte, leaf int64) {
	c := &t.w.changes
	if c.at == nil || len(c.at) > maxChanges {
		c.at, c.floor = make(map[key]int64), t.seq.leaf-1
	}
	for i := 0; i+keySize <= len(keys); i += keySize {
		c.at[key(keys[i:i+keySize])] = leaf
	}
}

// stale tells whether what a judgement was made by has changed since.
func (t *tx) stale(m *StateMark, more ...key) bool {
	if !m.made {
		return false
	}
	c := &t.w.changes
	since := func(leaf int64) bool { return leaf > m.leaf && leaf < t.seq.leaf }
	if since(c.floor) {
		return true
	}
	return slices.ContainsFunc(slices.Concat(m.keys, more), func(k key) bool {
		leaf, ok := c.at[k]
		return ok && since(leaf)
	})
}

const sqlSeriesStates = `SELECT group_concat(hex(s.keys), '') FROM doc_state s JOIN documents d ON d.seq = s.seq WHERE d.set_id = ?`

// changedSeries notes everyone whose state documents of a series tell.
func (t *tx) changedSeries(setID string, leaf int64) error {
	var keys sql.NullString
	if err := t.row(sqlSeriesStates, []any{setID}, &keys); err != nil || !keys.Valid {
		return err
	}
	b, err := hex.DecodeString(keys.String)
	if err == nil {
		t.changed(b, leaf)
	}
	return err
}
