package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
)

// What a disposal leaves of a document: its row and those of its nullifications. With
// the salts their leaves can no longer be made again, so the tombstone holds a hash.
var remaining = []string{
	`SELECT seq, id, set_id, version, replaces, controller, register, owner, sha256, size, frame_sha256, frame_size, facts, arrived,
		device, message_id, nullifies, leaf FROM documents WHERE seq = ?`,
	`SELECT seq, set_id, document, by_document, reason, owner, device, message_id, arrived, frame_sha256, leaf
		FROM nullifications WHERE document = ? ORDER BY seq`,
}

// remainsSum is the hash over what stays of a document, in hexadecimal.
func remainsSum(ctx context.Context, db querier, seq int64) (string, error) {
	r := new(record)
	for _, q := range remaining {
		if err := remainsOf(ctx, db, q, seq, r); err != nil {
			return "", err
		}
	}
	sum := sha256.Sum256(r.b)
	return hex.EncodeToString(sum[:]), nil
}

func remainsOf(ctx context.Context, db querier, q string, seq int64, r *record) error {
	rows, err := db.QueryContext(ctx, q, seq)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		vs, err := values(rows)
		if err != nil {
			return err
		}
		for _, v := range vs {
			switch v := v.(type) {
			case int64:
				r.int(v)
			case string:
				r.text(v)
			case []byte:
				r.bytes(v)
			default:
				r.text("") // NULL
			}
		}
	}
	return rows.Err()
}

// remains looks for content that a disposal should have destroyed, and holds what
// stays against the tombstone.
func (c *checker) remains(ctx context.Context) error {
	q := `SELECT d.seq, d.id, EXISTS (SELECT 1 FROM bodies b WHERE b.seq = d.seq) OR EXISTS (SELECT 1 FROM frames b WHERE b.seq = d.seq)
		OR EXISTS (SELECT 1 FROM receipts b WHERE b.seq = d.seq) OR EXISTS (SELECT 1 FROM salts s WHERE s.leaf = d.leaf)
		OR EXISTS (SELECT 1 FROM countersignatures b WHERE b.seq = d.seq), x.seq, x.payload
		FROM documents d JOIN disposals x ON x.document = d.seq WHERE d.seq > ? ORDER BY d.seq LIMIT ?`
	return c.each(ctx, q, 0, func(tx *sql.Tx, rows *sql.Rows) (int64, error) {
		var seq, disposal int64
		var id string
		var left bool
		var payload []byte
		if err := rows.Scan(&seq, &id, &left, &disposal, &payload); err != nil {
			return seq, err
		}
		if left {
			c.r.add("disposal", id, "content is left, though it is disposed of")
		}
		plain, err := c.s.plain(place{inDisposals, num(disposal)}, nil, payload)
		if err != nil {
			return seq, nil // told where its leaf is checked
		}
		var stone tombstone
		if err := json.Unmarshal(plain, &stone); err != nil || stone.Remains == "" {
			return seq, nil // of a time when tombstones held none, or told with its leaf
		}
		have, err := remainsSum(ctx, tx, seq)
		if err == nil && have != stone.Remains {
			c.r.add("disposal", id, "what stays of the document is not as its tombstone tells")
		}
		return seq, err
	})
}
