package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
)

const sqlCheckTransfers = `SELECT t.seq, t.kind, t.from_controller, t.from_register, t.to_controller, t.to_register, t.at, t.series, t.digest,
	t.selection, t.payload, t.leaf, l.kind, l.subject, l.entry, x.salt
	FROM transfers t LEFT JOIN leaves l ON l.seq = t.leaf LEFT JOIN salts x ON x.leaf = t.leaf WHERE t.seq > ? ORDER BY t.seq LIMIT ?`

// transfers checks plans of transfers against their leaves.
func (c *checker) transfers(ctx context.Context) error {
	last := int64(0)
	return c.each(ctx, sqlCheckTransfers, 0, func(_ *sql.Tx, rows *sql.Rows) (int64, error) {
		var x Transfer
		var at, leaf int64
		var digest, selection, payload, entry, salt []byte
		var kind, subject sql.NullInt64
		err := rows.Scan(&x.ID, &x.Kind, &x.FromController, &x.FromRegister, &x.ToController, &x.ToRegister, &at, &x.Count, &digest,
			&selection, &payload, &leaf, &kind, &subject, &entry, &salt)
		if err != nil {
			return x.ID, err
		}
		c.sequence("transfer", &last, x.ID)
		x.PlannedAt = fromMicros(at)
		list, err := unpack(selection)
		if err == nil {
			payload, err = c.s.openNote(inTransfers, x.ID, payload)
		}
		if err != nil {
			c.r.add("transfer", num(x.ID), "%v", err)
			return x.ID, nil
		}
		c.leaf(leafTransfer, leaf, x.ID, "transfer "+num(x.ID), kind, subject, entry, salt, x.record(digest, list, payload))
		return x.ID, nil
	})
}

const sqlCheckSteps = `SELECT s.seq, s.transfer, s.step, s.at, s.series, s.digest, s.actor, s.leaf, l.kind, l.subject, l.entry, x.salt
	FROM transfer_steps s LEFT JOIN leaves l ON l.seq = s.leaf LEFT JOIN salts x ON x.leaf = s.leaf WHERE s.seq > ? ORDER BY s.seq LIMIT ?`

// steps checks the steps of transfers against their leaves, and the series of each
// part against its hash.
func (c *checker) steps(ctx context.Context) error {
	last := int64(0)
	err := c.each(ctx, sqlCheckSteps, 0, func(tx *sql.Tx, rows *sql.Rows) (int64, error) {
		var seq, transfer, at, series, leaf int64
		var step string
		var digest, actor, entry, salt []byte
		var kind, subject sql.NullInt64
		err := rows.Scan(&seq, &transfer, &step, &at, &series, &digest, &actor, &leaf, &kind, &subject, &entry, &salt)
		if err != nil {
			return seq, err
		}
		c.sequence("transfer", &last, seq)
		by, err := c.s.actor(inSteps, seq, actor)
		if err != nil {
			c.r.add("transfer", num(transfer), "step %s: %v", num(seq), err)
			return seq, nil
		}
		c.leaf(leafTransferStep, leaf, seq, "transfer step "+num(seq), kind, subject, entry, salt, stepRecord(transfer, step, at, series, digest, by))
		have, n, err := partDigest(ctx, tx, seq)
		if err == nil && (string(have[:]) != string(digest) || step == "part" && n != series) {
			c.r.add("transfer", num(transfer), "the series of step %s are not those that were changed", num(seq))
		}
		return seq, err
	})
	if err != nil {
		return err
	}
	return c.s.reading("check", func(db *sql.DB) error {
		var n int64
		err := db.QueryRowContext(ctx, `SELECT count(*) FROM transferred m WHERE NOT EXISTS (SELECT 1 FROM transfer_steps s WHERE s.seq = m.step)`).Scan(&n)
		if err == nil && n > 0 {
			c.r.add("transfer", "", "%d changes of series belong to no transfer", n)
		}
		return err
	})
}

const sqlPart = `SELECT set_id, newest, from_controller, from_register, to_controller, to_register FROM transferred WHERE step = ? ORDER BY set_id`

// partDigest hashes the series of a step anew, in the order in which they went.
func partDigest(ctx context.Context, tx *sql.Tx, step int64) (sum [sha256.Size]byte, n int64, err error) {
	rows, err := tx.QueryContext(ctx, sqlPart, step)
	if err != nil {
		return sum, 0, err
	}
	defer rows.Close()
	r := new(record)
	for rows.Next() {
		var m seriesMove
		if err := rows.Scan(&m.setID, &m.newest, &m.from, &m.fromRegister, &m.to, &m.toRegister); err != nil {
			return sum, n, err
		}
		m.record(r)
		n++
	}
	return sha256.Sum256(r.b), n, rows.Err()
}

const sqlCheckFlags = `SELECT f.seq, f.set_id, f.document, f.controller, f.state, f.rule, f.at, f.payload, f.leaf, l.kind, l.subject, l.entry, x.salt
	FROM flags f LEFT JOIN leaves l ON l.seq = f.leaf LEFT JOIN salts x ON x.leaf = f.leaf WHERE f.seq > ? ORDER BY f.seq LIMIT ?`

// flags checks suspicions against their leaves.
func (c *checker) flags(ctx context.Context) error {
	last := int64(0)
	return c.each(ctx, sqlCheckFlags, 0, func(_ *sql.Tx, rows *sql.Rows) (int64, error) {
		var leaf int64
		var entry, salt []byte
		var kind, subject sql.NullInt64
		f, seq, plain, err := c.s.scanFlag(rows.Scan, &leaf, &kind, &subject, &entry, &salt)
		if err != nil && seq == 0 {
			return seq, err
		}
		c.sequence("flag", &last, seq)
		if err != nil {
			c.r.add("flag", num(seq), "%v", err)
			return seq, nil
		}
		c.leaf(leafFlag, leaf, seq, "flag "+num(seq), kind, subject, entry, salt, f.record(plain))
		return seq, nil
	})
}
