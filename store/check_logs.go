package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
)

const sqlCheckUsage = `SELECT u.seq, u.at, u.data_controller, u.log_controller, u.client_key, u.user_key, u.user_name_key, u.system,
	u.document_id, u.action, u.purpose, u.refused, u.payload, u.leaf, l.kind, l.subject, l.entry, t.salt
	FROM usage_log u LEFT JOIN leaves l ON l.seq = u.leaf LEFT JOIN salts t ON t.leaf = u.leaf
	WHERE u.seq > ? ORDER BY u.seq LIMIT ?`

func (c *checker) usage(ctx context.Context) error {
	g := gaps{c: c, log: "usage", kind: leafUsage}
	return c.each(ctx, sqlCheckUsage, 0, func(tx *sql.Tx, rows *sql.Rows) (int64, error) {
		var u Usage
		var seq, at, leaf int64
		var client, user, name, payload, entry, salt []byte
		var kind, subject sql.NullInt64
		err := rows.Scan(&seq, &at, &u.DataController, &u.LogController, &client, &user, &name, &u.System, &u.DocumentID,
			&u.Action, &u.Purpose, &u.Refused, &payload, &leaf, &kind, &subject, &entry, &salt)
		if err != nil {
			return seq, err
		}
		if err := g.see(ctx, tx, seq, leaf); err != nil {
			return seq, err
		}
		var p usagePayload
		plain, ok := c.logPayload("usage", inUsage, seq, payload, &p)
		if !ok {
			return seq, nil
		}
		k := c.s.keys
		if string(client) != string(k.person(p.Client)) || string(user) != string(k.person(p.User)) || string(name) != string(k.name(p.UserName)) {
			c.r.add("log", num(seq), "usage row cannot be found by its keys")
		}
		row := usageRow{Usage: &u, at: fromMicros(at), plain: plain}
		c.leaf(leafUsage, leaf, seq, "usage row "+num(seq), kind, subject, entry, salt, row.record(u.Refused))
		return seq, nil
	})
}

// gaps notices missing numbers in a log; its beginning may have been purged. Rows
// are purged by the time of what they tell, so a row told late leaves a gap in the
// middle: such a gap is known by leaves without salts.
type gaps struct {
	c          *checker
	log        string
	kind       byte // of the rows' leaves, 0 where they have none
	last, leaf int64
}

const sqlPurgedLeaves = `SELECT count(*) FROM leaves l WHERE l.seq > ? AND l.seq < ? AND l.kind = ? AND l.subject > ? AND l.subject < ?
	AND NOT EXISTS (SELECT 1 FROM salts s WHERE s.leaf = l.seq)`

func (g *gaps) see(ctx context.Context, tx *sql.Tx, seq, leaf int64) error {
	g.c.r.LogRows++
	last, before := g.last, g.leaf
	g.last, g.leaf = seq, leaf
	if last == 0 || seq == last+1 {
		return nil
	}
	var purged int64
	if g.kind != 0 {
		if err := tx.QueryRowContext(ctx, sqlPurgedLeaves, before, leaf, g.kind, last, seq).Scan(&purged); err != nil {
			return err
		}
	}
	if purged != seq-last-1 {
		g.c.r.add("log", num(last+1), "%s rows up to %s are missing", g.log, num(seq-1))
	}
	return nil
}

func (c *checker) logPayload(log, column string, seq int64, payload []byte, into any) ([]byte, bool) {
	plain, err := c.s.plain(place{column, num(seq)}, nil, payload)
	if err == nil {
		err = json.Unmarshal(plain, into)
	}
	if err != nil {
		c.r.add("log", num(seq), "%s row cannot be read", log)
		return nil, false
	}
	return plain, true
}

const sqlCheckDisclosures = `SELECT u.seq, u.at, u.data_controller, u.log_controller, u.client_key, u.user_key, u.recipient,
	u.document_id, u.purpose, u.ground, u.refused, u.payload, u.leaf, l.kind, l.subject, l.entry, t.salt
	FROM disclosure_log u LEFT JOIN leaves l ON l.seq = u.leaf LEFT JOIN salts t ON t.leaf = u.leaf
	WHERE u.seq > ? ORDER BY u.seq LIMIT ?`

func (c *checker) disclosures(ctx context.Context) error {
	g := gaps{c: c, log: "disclosure", kind: leafDisclosure}
	return c.each(ctx, sqlCheckDisclosures, 0, func(tx *sql.Tx, rows *sql.Rows) (int64, error) {
		var d Disclosure
		var seq, at, leaf int64
		var client, user, payload, entry, salt []byte
		var kind, subject sql.NullInt64
		err := rows.Scan(&seq, &at, &d.DataController, &d.LogController, &client, &user, &d.Recipient, &d.DocumentID,
			&d.Purpose, &d.Ground, &d.Refused, &payload, &leaf, &kind, &subject, &entry, &salt)
		if err != nil {
			return seq, err
		}
		if err := g.see(ctx, tx, seq, leaf); err != nil {
			return seq, err
		}
		var p disclosurePayload
		plain, ok := c.logPayload("disclosure", inDisclosure, seq, payload, &p)
		if !ok {
			return seq, nil
		}
		k := c.s.keys
		if string(client) != string(k.person(p.Client)) || string(user) != string(k.person(p.User)) {
			c.r.add("log", num(seq), "disclosure row cannot be found by its keys")
		}
		row := disclosureRow{Disclosure: &d, at: fromMicros(at), plain: plain}
		c.leaf(leafDisclosure, leaf, seq, "disclosure row "+num(seq), kind, subject, entry, salt, row.record())
		return seq, nil
	})
}

const sqlCheckMessages = `SELECT ` + messageColumns + `, checksum, seq FROM message_log WHERE seq > ? ORDER BY seq LIMIT ?`

func (c *checker) messages(ctx context.Context) error {
	g := gaps{c: c, log: "message"}
	return c.each(ctx, sqlCheckMessages, 0, func(tx *sql.Tx, rows *sql.Rows) (int64, error) {
		vs, err := values(rows)
		if err != nil {
			return 0, err
		}
		n := len(vs) - 2
		seq, ok := vs[n+1].(int64)
		if !ok {
			return 0, errors.New("message row without number")
		}
		if err := g.see(ctx, tx, seq, 0); err != nil {
			return seq, err
		}
		if columnsRecord(vs[:n]).checksum() != vs[n] {
			c.r.add("log", num(seq), "message row is damaged")
			return seq, nil
		}
		// By the checksum they are as written.
		for i, column := range []string{inAcks, inFindings, inRaw} {
			payload, _ := vs[12+i].([]byte)
			if _, err := c.s.plain(place{column, num(seq)}, nil, payload); err != nil {
				c.r.add("log", num(seq), "message row: %s: %v", column, err)
			}
		}
		return seq, nil
	})
}

const sqlCheckPurges = `SELECT p.seq, p.log, p.before, p.at, p.leaf, l.kind, l.subject, l.entry, t.salt FROM purges p
	LEFT JOIN leaves l ON l.seq = p.leaf LEFT JOIN salts t ON t.leaf = p.leaf WHERE p.seq > ? ORDER BY p.seq LIMIT ?`

func (c *checker) purges(ctx context.Context) error {
	return c.each(ctx, sqlCheckPurges, 0, func(_ *sql.Tx, rows *sql.Rows) (int64, error) {
		var seq, before, at, leaf int64
		var log string
		var kind, subject sql.NullInt64
		var entry, salt []byte
		if err := rows.Scan(&seq, &log, &before, &at, &leaf, &kind, &subject, &entry, &salt); err != nil {
			return seq, err
		}
		c.leaf(leafPurge, leaf, seq, "purge "+num(seq), kind, subject, entry, salt, purgeRecord(log, before, at))
		return seq, nil
	})
}
