package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
)

const sqlCountersignature = `INSERT INTO countersignatures (seq, sha256, payload) VALUES (?, ?, ?)`

// countersign keeps the archive's own signature of a document beside it.
func (t *tx) countersign(p *prepared, seq int64) error {
	if len(p.Countersignature) == 0 {
		return nil
	}
	sum := sha256.Sum256(p.Countersignature)
	return t.exec(sqlCountersignature, seq, sum[:], p.sealed.countersignature)
}

// Countersignature gives the archive's own signature (type 4) of a document that it
// signed when it stored it: a signature element that xmldsig.Attach puts in. It is
// empty where there is none. Errors as Document.
func (s *Store) Countersignature(ctx context.Context, sc Scope, id string) ([]byte, error) {
	if err := sc.check("countersignature"); err != nil {
		return nil, err
	}
	in, args := sc.where("s.controller")
	q := `SELECT c.sha256, c.payload, t.salt FROM documents d JOIN series s ON s.set_id = d.set_id
		LEFT JOIN countersignatures c ON c.seq = d.seq LEFT JOIN salts t ON t.leaf = d.leaf WHERE d.id = ` + asText + ` AND ` + in
	var out []byte
	err := s.reading("countersignature", func(db *sql.DB) error {
		var sum, payload, salt []byte
		if err := db.QueryRowContext(ctx, q, append([]any{id}, args...)...).Scan(&sum, &payload, &salt); err != nil || payload == nil {
			return err
		}
		var err error
		if out, err = s.verified(place{inCountersignatures, id}, salt, payload, sum); err != nil {
			return &Error{Kind: ErrDamaged, Op: "countersignature", Err: fmt.Errorf("signature of document %s: %w", id, err), Hint: hints[ErrDamaged]}
		}
		return nil
	})
	return out, err
}

const sqlCheckCountersignatures = `SELECT c.seq, coalesce(d.id, ''), c.sha256, c.payload, t.salt FROM countersignatures c
	LEFT JOIN documents d ON d.seq = c.seq LEFT JOIN salts t ON t.leaf = d.leaf WHERE c.seq > ? ORDER BY c.seq LIMIT ?`

// countersignatures checks each against its hash.
func (c *checker) countersignatures(ctx context.Context) error {
	return c.each(ctx, sqlCheckCountersignatures, 0, func(_ *sql.Tx, rows *sql.Rows) (int64, error) {
		var seq int64
		var id string
		var sum, payload, salt []byte
		if err := rows.Scan(&seq, &id, &sum, &payload, &salt); err != nil {
			return seq, err
		}
		if _, err := c.s.verified(place{inCountersignatures, id}, salt, payload, sum); err != nil {
			c.r.add("countersignature", id, "%v", err)
		}
		if id == "" {
			c.r.add("countersignature", num(seq), "of a document that is missing")
		}
		return seq, nil
	})
}
