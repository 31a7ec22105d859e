package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
)

// schema compares tables, indexes and triggers with those that the migrations
// make: a trigger that is gone or changed is a wall that is down.
func (c *checker) schema(ctx context.Context) error {
	want, err := c.s.expectedSchema(ctx)
	if err != nil {
		return err
	}
	return c.s.reading("check", func(db *sql.DB) error {
		have, err := readSchema(ctx, db)
		if err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(want)) {
			if have[name] != want[name] {
				c.r.add("schema", name, "is not as the migrations made it")
			}
		}
		for _, name := range slices.Sorted(maps.Keys(have)) {
			if _, ok := want[name]; !ok {
				c.r.add("schema", name, "was not made by the migrations")
			}
		}
		return nil
	})
}

// madeSchema remembers what schema the program's own migrations make.
var madeSchema atomic.Pointer[map[string]string]

// expectedSchema runs the migrations on an empty database in memory.
func (s *Store) expectedSchema(ctx context.Context) (out map[string]string, err error) {
	own := s.opt.migrations == embedded
	if known := madeSchema.Load(); own && known != nil {
		return *known, nil
	}
	db, err := sql.Open("sqlite3", ":memory:")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // each connection would have a memory of its own
	if err = s.migrate(ctx, db); err == nil {
		out, err = readSchema(ctx, db)
	}
	if err = errors.Join(err, db.Close()); own && err == nil {
		madeSchema.Store(&out)
	}
	return out, err
}

func readSchema(ctx context.Context, db *sql.DB) (map[string]string, error) {
	rows, err := db.QueryContext(ctx, `SELECT type, name, tbl_name, coalesce(sql, ''), typeof(type) || typeof(name) || typeof(tbl_name) FROM sqlite_schema`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := make(map[string]string)
	for rows.Next() {
		var kind, name, table, text, types string
		if err := rows.Scan(&kind, &name, &table, &text, &types); err != nil {
			return nil, err
		}
		out[name] = fmt.Sprintf("%s of %s, %s: %s", kind, table, types, text)
	}
	return out, rows.Err()
}

const sqlSettings = `SELECT name, value FROM settings WHERE name <> ? ORDER BY name`

// settings checks the settings against their checksum.
func (c *checker) settings(ctx context.Context) error {
	return c.s.snapshot(ctx, "check", func(tx *sql.Tx) error {
		have, err := settingsChecksum(ctx, tx)
		if err != nil {
			return err
		}
		var want []byte
		err = tx.QueryRowContext(ctx, `SELECT value FROM settings WHERE name = ?`, setChecksum).Scan(&want)
		if errors.Is(err, sql.ErrNoRows) || err == nil && string(want) != string(have) {
			c.r.add("settings", "", "they do not match their checksum")
			return nil
		}
		return err
	})
}

func settingsChecksum(ctx context.Context, tx *sql.Tx) ([]byte, error) {
	rows, err := tx.QueryContext(ctx, sqlSettings, setChecksum)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	r := new(record)
	for rows.Next() {
		var name string
		var value []byte
		if err := rows.Scan(&name, &value); err != nil {
			return nil, err
		}
		r.text(name).bytes(value)
	}
	return fmt.Appendf(nil, "%08x", r.checksum()), rows.Err()
}
