package store

import (
	"context"
	"database/sql"
)

const (
	sqlCheckState = `SELECT t.seq, t.linked, t.keys, t.facts, t.checksum,
		EXISTS (SELECT 1 FROM bodies b WHERE b.seq = t.seq) FROM doc_state t WHERE t.seq > ? ORDER BY t.seq LIMIT ?`
	sqlCheckStateKey  = `SELECT count(*) FROM state_keys WHERE key = ? AND seq = ?`
	sqlCheckStateLost = `SELECT count(*) FROM state_keys k WHERE NOT EXISTS
		(SELECT 1 FROM doc_state t WHERE t.seq = k.seq)`
	sqlHasState   = `SELECT count(*) FROM doc_state WHERE seq = ?`
	sqlSweepState = `DELETE FROM state_keys WHERE NOT EXISTS (SELECT 1 FROM doc_state t WHERE t.seq = state_keys.seq)`
)

// states checks the rows of states against their checksums and keys.
func (c *checker) states(ctx context.Context) error {
	err := c.each(ctx, sqlCheckState, 0, func(tx *sql.Tx, rows *sql.Rows) (int64, error) {
		var seq, linked, checksum int64
		var keys []byte
		var facts string
		var body bool
		if err := rows.Scan(&seq, &linked, &keys, &facts, &checksum, &body); err != nil {
			return seq, err
		}
		switch r := (&stateRow{linked, keys, facts}); {
		case columnsRecord(r.columns()).checksum() != checksum:
			c.r.add("state", num(seq), "its row is damaged")
			return seq, nil
		case !body:
			c.r.add("state", num(seq), "is of a document that has no content")
		}
		for i := 0; i+keySize <= len(keys); i += keySize {
			var there int
			if err := tx.QueryRowContext(ctx, sqlCheckStateKey, keys[i:i+keySize], seq).Scan(&there); err != nil {
				return seq, err
			}
			if there == 0 {
				c.r.add("state", num(seq), "cannot be found by one of its keys")
			}
		}
		return seq, nil
	})
	if err != nil {
		return err
	}
	return c.s.reading("check", func(db *sql.DB) error {
		var n int64
		if err := db.QueryRowContext(ctx, sqlCheckStateLost).Scan(&n); err != nil || n == 0 {
			return err
		}
		c.r.add("state", "", "%d keys lead to no state", n)
		return nil
	})
}

const sqlCheckOrders = `SELECT o.seq, o.id, o.kind, o.organiser, o.task, o.unit, o.at, o.arrived, o.recorder, o.client_key, o.payload, o.leaf,
	l.kind, l.subject, l.entry, t.salt FROM orders o LEFT JOIN leaves l ON l.seq = o.leaf LEFT JOIN salts t ON t.leaf = o.leaf
	WHERE o.seq > ? ORDER BY o.seq LIMIT ?`

// orders checks each against its leaf, and that it is found by its client.
func (c *checker) orders(ctx context.Context) error {
	next := int64(1)
	return c.each(ctx, sqlCheckOrders, 0, func(_ *sql.Tx, rows *sql.Rows) (int64, error) {
		var o Order
		var seq, at, arrived, leaf int64
		var client, payload, entry, salt []byte
		var kind, subject sql.NullInt64
		err := rows.Scan(&seq, &o.ID, &o.Kind, &o.Organiser, &o.Task, &o.Unit, &at, &arrived, &o.Recorder, &client, &payload, &leaf,
			&kind, &subject, &entry, &salt)
		if err != nil {
			return seq, err
		}
		if seq != next {
			c.r.add("order", num(next), "orders up to %s are missing", num(seq-1))
		}
		next = seq + 1
		o.At, o.Arrived = fromMicros(at), fromMicros(arrived)
		plain, p, err := c.s.openOrder(seq, payload)
		if err != nil {
			c.r.add("order", num(seq), "%v", err)
			return seq, nil
		}
		if k := c.s.keys.client(p.Client); string(k[:]) != string(client) {
			c.r.add("order", num(seq), "cannot be found by its client")
		}
		c.leaf(leafOrder, leaf, seq, "order "+num(seq), kind, subject, entry, salt, o.record(plain))
		return seq, nil
	})
}
