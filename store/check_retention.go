package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
)

// cells are a row's values between its number and its leaf. A value of another
// type than the column's, as damage may leave it, reads as the zero value.
type cells []any

func (c cells) text(i int) string {
	v, _ := c[i].(string)
	return v
}

func (c cells) int(i int) int64 {
	v, _ := c[i].(int64)
	return v
}

func (c cells) bytes(i int) []byte {
	v, _ := c[i].([]byte)
	return v
}

// leafyTable is a table whose rows have leaves.
type leafyTable struct {
	area, table, columns string
	kind                 byte
	// record gives the record that the row's leaf binds; plain is the row's payload
	// unpacked, which stands in column payload (-1 for none).
	record  func(r cells, plain []byte) *record
	payload int
}

var leafyTables = []leafyTable{
	{"disposal", "disposals", `(SELECT d.id FROM documents d WHERE d.seq = x.document), x.at, x.reason, x.payload`, leafDisposal,
		func(r cells, plain []byte) *record { return disposalRecord(r.text(0), r.int(1), r.text(2), plain) }, 3},
	{"event", "events", `x.kind, x.controller, x.document, x.subject, x.day, x.at, x.payload`, leafEvent,
		func(r cells, plain []byte) *record {
			return eventRecord(r.text(0), r.text(1), r.text(2), r.bytes(3), r[4], r.int(5), plain)
		}, 6},
	{"hold", "holds", `x.kind, x.controller, x.subject, x.at, x.payload`, leafHold,
		func(r cells, plain []byte) *record {
			return holdRecord(r.text(0), r.text(1), r.bytes(2), r.int(3), plain)
		}, 4},
	{"hold", "hold_releases", `x.hold, x.at, x.payload`, leafRelease,
		func(r cells, plain []byte) *record { return releaseRecord(r.int(0), r.int(1), plain) }, 2},
	{"run", "disposal_runs", `x.plan, x.at, x.payload`, leafRun,
		func(r cells, plain []byte) *record { return runRecord(r.bytes(0), r.int(1), plain) }, 2},
	{"notice", "filed_notices", `x.id, x.owner, x.sha256, x.event, x.arrived, x.bundle`, leafNotice,
		func(r cells, _ []byte) *record {
			return noticeRecord(r.text(0), r.text(1), r.bytes(2), r.int(3), r.int(4), r.bytes(5))
		}, -1},
}

// retention checks the rows of events, holds, disposals and filed notices against
// their leaves, and disposals and bundles against what they are about.
func (c *checker) retention(ctx context.Context) error {
	for i := range leafyTables {
		if err := c.leafy(ctx, &leafyTables[i]); err != nil {
			return err
		}
	}
	if err := c.remains(ctx); err != nil {
		return err
	}
	return c.bundles(ctx)
}

func (c *checker) leafy(ctx context.Context, t *leafyTable) error {
	q := `SELECT x.seq, x.leaf, l.kind, l.subject, l.entry, t.salt, ` + t.columns + ` FROM ` + t.table + ` x
		LEFT JOIN leaves l ON l.seq = x.leaf LEFT JOIN salts t ON t.leaf = x.leaf WHERE x.seq > ? ORDER BY x.seq LIMIT ?`
	return c.each(ctx, q, 0, func(_ *sql.Tx, rows *sql.Rows) (int64, error) {
		vs, err := values(rows)
		if err != nil {
			return 0, err
		}
		row, leaf := cells(vs[6:]), cells(vs[:6])
		seq := leaf.int(0)
		var plain []byte
		if t.payload >= 0 {
			if plain, err = c.s.plain(place{t.table + ".payload", num(seq)}, nil, row.bytes(t.payload)); err != nil {
				c.r.add(t.area, num(seq), "its payload cannot be read")
				return seq, nil
			}
		}
		kind, known := vs[2].(int64)
		subject, _ := vs[3].(int64)
		c.leaf(t.kind, leaf.int(1), seq, t.area+" "+num(seq), sql.NullInt64{Int64: kind, Valid: known},
			sql.NullInt64{Int64: subject, Valid: known}, leaf.bytes(4), leaf.bytes(5), t.record(row, plain))
		return seq, nil
	})
}

// bundles checks the messages of notices against their hashes and notices.
func (c *checker) bundles(ctx context.Context) error {
	err := c.each(ctx, `SELECT seq, sha256, payload, event IS (SELECT max(event) FROM filed_notices n WHERE n.bundle = filed_bundles.sha256)
		FROM filed_bundles WHERE seq > ? ORDER BY seq LIMIT ?`, 0,
		func(_ *sql.Tx, rows *sql.Rows) (int64, error) {
			var seq int64
			var sum, payload []byte
			var agrees bool
			if err := rows.Scan(&seq, &sum, &payload, &agrees); err != nil {
				return seq, err
			}
			if !agrees {
				c.r.add("notice", num(seq), "its message is of another time than its notices")
			}
			plain, err := c.s.plain(bundlePlace(sum), nil, payload)
			if have := sha256.Sum256(plain); err != nil || string(have[:]) != string(sum) {
				c.r.add("notice", num(seq), "its message does not match its SHA-256")
			}
			return seq, nil
		})
	if err != nil {
		return err
	}
	return c.each(ctx, `SELECT n.seq, EXISTS (SELECT 1 FROM filed_bundles b WHERE b.sha256 = n.bundle) FROM filed_notices n
		WHERE n.seq > ? ORDER BY n.seq LIMIT ?`, 0, func(_ *sql.Tx, rows *sql.Rows) (int64, error) {
		var seq int64
		var there bool
		err := rows.Scan(&seq, &there)
		if err == nil && !there {
			c.r.add("notice", num(seq), "its message is missing")
		}
		return seq, err
	})
}
