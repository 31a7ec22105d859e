package store

import (
	"context"
	"database/sql"
	"slices"
)

// MaxLookup is the greatest number of names of one lookup.
const MaxLookup = 1000

// CROSS JOIN as in sqlHits: the names lead. The index row stands in twice, as i and,
// where a search has its list's entry, as k.
const sqlLookup = sqlVersion + indexFields + `, d.seq
	FROM documents d CROSS JOIN doc_index i ON i.seq = d.seq CROSS JOIN doc_index k ON k.seq = d.seq
	CROSS JOIN series s ON s.set_id = d.set_id WHERE `

// Lookup gives the documents of ids with their index, as Search does: those in scope
// for which the filter holds, newest effective time first. What lies outside is left
// out. Errors: ErrInput for more than MaxLookup ids.
func (s *Store) Lookup(ctx context.Context, sc Scope, ids []string, f Filter) ([]Hit, error) {
	return s.lookup(ctx, sc, "d.id", ids, f)
}

// LookupSeries is Lookup by the ids of version series.
func (s *Store) LookupSeries(ctx context.Context, sc Scope, setIDs []string, f Filter) ([]Hit, error) {
	return s.lookup(ctx, sc, "d.set_id", setIDs, f)
}

func (s *Store) lookup(ctx context.Context, sc Scope, column string, names []string, f Filter) ([]Hit, error) {
	if err := sc.check("lookup"); err != nil {
		return nil, err
	}
	if len(names) > MaxLookup {
		return nil, input("lookup", "%d names are more than %d", len(names), MaxLookup)
	}
	if len(names) == 0 {
		return nil, nil
	}
	var out []Hit
	err := s.snapshot(ctx, "lookup", func(tx *sql.Tx) (err error) {
		q := search{s: s, tx: tx, keys: s.keys, scope: sc, f: &f}
		if f.Client != "" {
			if q.clientKeys, err = linked(ctx, tx, sc, s.keys.client(f.Client)); err != nil {
				return err
			}
		}
		out, err = q.named(ctx, column, names)
		return err
	})
	return out, err
}

// named reads the hits whose column has one of the names.
func (q *search) named(ctx context.Context, column string, names []string) ([]Hit, error) {
	where, args := q.conditions()
	text := sqlLookup + column + ` IN (` + marks(len(names)) + `)` + where
	var all []any
	for _, n := range names {
		all = append(all, n)
	}
	all = append(all, args...)
	if t := q.f.EffectiveFrom; !t.IsZero() {
		text, all = text+` AND i.effective >= ?`, append(all, micros(t))
	}
	if t := q.f.EffectiveUntil; !t.IsZero() {
		text, all = text+` AND i.effective < ?`, append(all, micros(t))
	}
	rows, err := q.tx.QueryContext(ctx, text, all...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []placed
	for rows.Next() {
		h, err := q.s.scanHit(rows)
		if err != nil {
			return nil, err
		}
		found = append(found, h)
	}
	slices.SortFunc(found, func(a, b placed) int {
		if a.before(b.position) {
			return -1
		}
		return 1
	})
	var out []Hit
	for _, p := range found {
		out = append(out, p.Hit)
	}
	return out, rows.Err()
}
