package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
)

const sqlKeepResult = `INSERT INTO results (id, sha256, payload) VALUES (?, ?, ?)`

// KeepResult keeps a result of the workbench under an id of its own, for the test
// world: what it holds is no part of the archive proper.
func (s *Store) KeepResult(ctx context.Context, id string, result []byte) error {
	if id == "" || len(result) == 0 {
		return fail("keep result", input("keep result", "id or result is empty"))
	}
	sum, payload := sha256.Sum256(result), pack(result)
	k, err := s.sealingKey(ctx, "", sealMessages)
	if err != nil {
		return fail("keep result", err)
	}
	if payload, err = s.seal(k, place{inResults, id}, nil, payload); err != nil {
		return fail("keep result", err)
	}
	return s.do(ctx, "keep result", len(payload), func(t *tx) error {
		return t.exec(sqlKeepResult, id, sum[:], payload)
	})
}

// Result gives a result of the workbench. Errors: ErrNotFound, ErrDamaged.
func (s *Store) Result(ctx context.Context, id string) ([]byte, error) {
	var out []byte
	err := s.reading("result", func(db *sql.DB) error {
		var sum, payload []byte
		if err := db.QueryRowContext(ctx, `SELECT sha256, payload FROM results WHERE id = `+asText, id).Scan(&sum, &payload); err != nil {
			return err
		}
		var err error
		if out, err = s.verified(place{inResults, id}, nil, payload, sum); err != nil {
			return &Error{Kind: ErrDamaged, Op: "result", Err: fmt.Errorf("result %s: %w", id, err), Hint: hints[ErrDamaged]}
		}
		return nil
	})
	return out, err
}

// results checks each against its hash.
func (c *checker) results(ctx context.Context) error {
	return c.s.reading("check", func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, `SELECT id, sha256, payload FROM results`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id string
			var sum, payload []byte
			if err := rows.Scan(&id, &sum, &payload); err != nil {
				return err
			}
			if _, err := c.s.verified(place{inResults, id}, nil, payload, sum); err != nil {
				c.r.add("result", id, "%v", err)
			}
		}
		return rows.Err()
	})
}
