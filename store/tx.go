package store

import (
	"database/sql"
	"time"
)

// tx is the writer's transaction as jobs see it: statements, the next numbers, and
// what is to be settled once before the commit. Copying it is a savepoint of its
// fields.
type tx struct {
	w     *writer
	seq   sequences
	marks []mark
	// unmark are documents whose content is gone: there is nothing to re-check.
	unmark []int64
	deltas []delta
}

// delta changes a row of counters.
type delta struct {
	controller, register, group string
	documents, current          int64
	nullified, bytes            int64
}

func (t *tx) exec(q string, args ...any) error {
	st, err := t.w.stmt(q)
	if err != nil {
		return err
	}
	_, err = st.Exec(args...)
	return err
}

// execCount is exec that tells how many rows changed.
func (t *tx) execCount(q string, args ...any) (int64, error) {
	st, err := t.w.stmt(q)
	if err != nil {
		return 0, err
	}
	r, err := st.Exec(args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (t *tx) row(q string, args []any, dest ...any) error {
	st, err := t.w.stmt(q)
	if err != nil {
		return err
	}
	return st.QueryRow(args...).Scan(dest...)
}

// found is row for a row that may be missing.
func (t *tx) found(q string, args []any, dest ...any) (bool, error) {
	switch err := t.row(q, args, dest...); err {
	case nil:
		return true, nil
	case sql.ErrNoRows:
		return false, nil
	default:
		return false, err
	}
}

const (
	sqlLeaf = `INSERT INTO leaves (seq, kind, subject, entry) VALUES (?, ?, ?, ?)`
	sqlSalt = `INSERT INTO salts (leaf, salt) VALUES (?, ?)`
	sqlAdd  = `INSERT INTO counters (controller, register, doc_group, documents, current, nullified, bytes)
		VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET documents = documents + excluded.documents,
		current = current + excluded.current, nullified = nullified + excluded.nullified, bytes = bytes + excluded.bytes`
)

// leaf adds an integrity leaf for the row subject and gives its position.
func (t *tx) leaf(l *leaf, subject int64) (int64, error) {
	n := t.seq.leaf
	if err := t.exec(sqlLeaf, n, int64(l.kind), subject, l.entry[:]); err != nil {
		return 0, err
	}
	if err := t.exec(sqlSalt, n, l.salt[:]); err != nil {
		return 0, err
	}
	t.seq.leaf++
	return n, nil
}

// flush settles what the jobs of the group gathered.
func (t *tx) flush() error {
	for _, d := range merged(t.deltas) {
		err := t.exec(sqlAdd, d.controller, d.register, d.group, d.documents, d.current, d.nullified, d.bytes)
		if err != nil {
			return err
		}
	}
	return nil
}

func merged(ds []delta) []delta {
	var out []delta
next:
	for _, d := range ds {
		for i := range out {
			o := &out[i]
			if o.controller == d.controller && o.register == d.register && o.group == d.group {
				o.documents += d.documents
				o.current += d.current
				o.nullified += d.nullified
				o.bytes += d.bytes
				continue next
			}
		}
		out = append(out, d)
	}
	return out
}

// micros is a time in the database: microseconds since 1970 UTC.
func micros(t time.Time) int64 { return t.UnixMicro() }

// optionalMicros is micros, or NULL for the zero time.
func optionalMicros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

func fromMicros(v int64) time.Time { return time.UnixMicro(v).UTC() }

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
