package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// reindexBatch is how many documents one commit of a rebuild covers: few enough
// that traffic hardly waits.
const reindexBatch = 32

// Reindex makes the index rows of every document anew from its bytes, while the
// archive serves. read gives the Index of a document; it must not call the store.
// A document that read fails for, or that is damaged, keeps its old rows; the
// errors come back joined, each naming its document.
//
// Documents archived meanwhile have their rows already. Rows of the index that
// belong to no document are removed.
func (s *Store) Reindex(ctx context.Context, read func(document []byte) (Index, error)) error {
	var errs []error
	var last int64
	for {
		batch, err := s.reindexRead(ctx, last, read, &errs)
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		if batch.last == last {
			break
		}
		last = batch.last
		if err := s.do(ctx, "reindex", 0, batch.write); err != nil {
			return errors.Join(append(errs, err)...)
		}
	}
	errs = append(errs, s.sweepKeys(ctx), s.sweepStates(ctx), s.repairCounters(ctx))
	return errors.Join(errs...)
}

type reindexed struct {
	seq                  int64
	newest, nullified    bool
	controller, register string
	size                 int64
	id                   string
	arrived              int64
	index                Index
	row                  indexRow
	// indexedFor is the controller that row's keys name.
	indexedFor string
}

type reindexBatchRows struct {
	last int64
	docs []reindexed
}

const sqlReindex = `SELECT d.seq, d.id, d.sha256, d.size, d.controller, d.arrived, s.controller, s.register, s.newest = d.seq,
	s.nullified IS NOT NULL, b.payload, t.salt FROM documents d JOIN series s ON s.set_id = d.set_id
	LEFT JOIN bodies b ON b.seq = d.seq LEFT JOIN salts t ON t.leaf = d.leaf WHERE d.seq > ? ORDER BY d.seq LIMIT ?`

// reindexRead reads and interprets the next batch, outside the writer.
func (s *Store) reindexRead(ctx context.Context, after int64, read func([]byte) (Index, error), errs *[]error) (reindexBatchRows, error) {
	batch := reindexBatchRows{last: after}
	err := s.reading("reindex", func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, sqlReindex, after, reindexBatch)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var d reindexed
			var original string
			var sum, payload, salt []byte
			err := rows.Scan(&d.seq, &d.id, &sum, &d.size, &original, &d.arrived, &d.controller, &d.register, &d.newest, &d.nullified, &payload, &salt)
			if err != nil {
				return err
			}
			batch.last = d.seq
			if payload == nil {
				continue // disposed
			}
			if err := s.interpret(&d, payload, salt, sum, read); err != nil {
				*errs = append(*errs, fmt.Errorf("document %s: %w", d.id, err))
				continue
			}
			batch.docs = append(batch.docs, d)
		}
		return rows.Err()
	})
	if err != nil {
		return batch, err
	}
	// A key may have to be made, which waits for the writer: not while reading.
	for i := range batch.docs {
		d := &batch.docs[i]
		k, err := s.sealingKey(ctx, d.controller, sealDocuments)
		if err != nil {
			return batch, err
		}
		if d.row, err = s.indexRow(&d.index, d.id, d.controller, fromMicros(d.arrived), k); err != nil {
			*errs = append(*errs, fmt.Errorf("document %s: %w", d.id, err))
			d.row.Group = ""
		}
	}
	batch.docs = slices.DeleteFunc(batch.docs, func(d reindexed) bool { return d.row.Group == "" })
	return batch, nil
}

func (s *Store) interpret(d *reindexed, payload, salt, sum []byte, read func([]byte) (Index, error)) error {
	b, err := s.verified(place{inBodies, d.id}, salt, payload, sum)
	if err != nil {
		return err
	}
	if d.index, err = read(b); err != nil {
		return err
	}
	if d.index.Group == "" {
		return errors.New("document group is empty")
	}
	d.indexedFor = d.controller
	return nil
}

const (
	sqlOldIndex   = `SELECT doc_group, effective, keys FROM doc_index WHERE seq = ?`
	sqlDropIndex  = `DELETE FROM doc_index WHERE seq = ?`
	sqlDropKey    = `DELETE FROM index_keys WHERE key = ? AND effective = ? AND seq = ?`
	sqlKeysOf     = `SELECT effective, keys FROM doc_index WHERE seq = ?`
	sqlKeysAfter  = `SELECT key, effective, seq FROM index_keys WHERE (key, effective, seq) > (?, ?, ?) ORDER BY key, effective, seq LIMIT ?`
	sqlHasBody    = `SELECT 1 FROM bodies WHERE seq = ?`
	sqlPresent    = `SELECT newest = ?, nullified IS NOT NULL, controller, register FROM series WHERE set_id = (SELECT set_id FROM documents WHERE seq = ?)`
	sweepKeysRows = 2000
)

// write replaces the index rows of a batch.
func (b *reindexBatchRows) write(t *tx) error {
	for i := range b.docs {
		if err := t.reindex(&b.docs[i]); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) reindex(d *reindexed) error {
	// Between reading and now the document may have been disposed of, or a newer
	// version may have come.
	var there int64
	if ok, err := t.found(sqlHasBody, []any{d.seq}, &there); !ok {
		return err
	}
	if err := t.row(sqlPresent, []any{d.seq, d.seq}, &d.newest, &d.nullified, &d.controller, &d.register); err != nil {
		return err
	}
	if d.controller != d.indexedFor { // transferred meanwhile
		changed := t.w.s.keys.changes(&d.row.Index, strings.Fields(d.row.tasks), d.indexedFor, d.controller)
		for k := range slices.Chunk(d.row.keys, keySize) {
			if with, ok := changed[key(k)]; ok {
				copy(k, with[:])
			}
		}
	}
	group, err := t.dropIndex(d.seq)
	if err != nil {
		return err
	}
	t.recount(d, group)
	return t.index(d.seq, &d.row)
}

// dropIndex removes the index rows of a document and gives the group it had.
func (t *tx) dropIndex(seq int64) (group string, err error) {
	if err := t.dropState(seq); err != nil {
		return "", err
	}
	var effective int64
	var keys []byte
	if ok, err := t.found(sqlOldIndex, []any{seq}, &group, &effective, &keys); !ok {
		return "", err
	}
	for i := 0; i+keySize <= len(keys); i += keySize {
		if err := t.exec(sqlDropKey, keys[i:i+keySize], effective, seq); err != nil {
			return "", err
		}
	}
	return group, t.exec(sqlDropIndex, seq)
}

// recount moves a document's counts to its new group.
func (t *tx) recount(d *reindexed, old string) {
	if old == d.row.Group || old == "" {
		return
	}
	n := delta{controller: d.controller, register: d.register, group: d.row.Group, documents: 1, bytes: d.size}
	switch {
	case d.newest && d.nullified:
		n.nullified = 1
	case d.newest:
		n.current = 1
	}
	o := n
	o.group, o.documents, o.bytes, o.current, o.nullified = old, -n.documents, -n.bytes, -n.current, -n.nullified
	t.deltas = append(t.deltas, n, o)
}

// sweepKeys removes index keys that belong to no document.
func (s *Store) sweepKeys(ctx context.Context) error {
	at := entry{key: []byte{}}
	for {
		orphans, next, err := s.orphans(ctx, at)
		if err != nil {
			return err
		}
		if len(orphans) > 0 {
			if err := s.do(ctx, "reindex", 0, func(t *tx) error { return t.dropOrphans(orphans) }); err != nil {
				return err
			}
		}
		if next == nil {
			return nil
		}
		at = *next
	}
}

// sweepStates removes keys of states that damage has left without their row.
func (s *Store) sweepStates(ctx context.Context) error {
	return s.do(ctx, "reindex", 0, func(t *tx) error { return t.exec(sqlSweepState) })
}

// repairCounters settles what the counters lack, where damage has left them wrong.
// The writer counts anew only then: it takes a scan.
func (s *Store) repairCounters(ctx context.Context) error {
	c := &checker{s: s, r: new(CheckReport)}
	if err := c.counters(ctx); err != nil || c.r.OK() {
		return err
	}
	return s.do(ctx, "reindex", 0, func(t *tx) error {
		st, err := t.w.stmt(sqlCheckCounters)
		if err != nil {
			return err
		}
		// The group's own changes are not in the table yet.
		if err := t.flush(); err != nil {
			return err
		}
		t.deltas = nil
		rows, err := st.Query()
		if err != nil {
			return err
		}
		lacks, err := scanDeltas(rows)
		t.deltas = append(t.deltas, lacks...)
		return err
	})
}

// entry is a row of index_keys.
type entry struct {
	key            []byte
	effective, seq int64
}

// orphans looks at a batch of index keys behind an entry and picks those that no
// doc_index row lists. next is the batch's last entry, nil at the end.
func (s *Store) orphans(ctx context.Context, at entry) (out []entry, next *entry, err error) {
	err = s.snapshot(ctx, "reindex", func(tx *sql.Tx) error {
		batch, err := entriesAfter(ctx, tx, at)
		if err != nil || len(batch) == 0 {
			return err
		}
		next = &batch[len(batch)-1]
		out, err = orphanEntries(ctx, tx, batch)
		return err
	})
	return out, next, err
}

func entriesAfter(ctx context.Context, tx *sql.Tx, at entry) (batch []entry, err error) {
	rows, err := tx.QueryContext(ctx, sqlKeysAfter, at.key, at.effective, at.seq, sweepKeysRows)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var e entry
		if err := rows.Scan(&e.key, &e.effective, &e.seq); err != nil {
			return nil, err
		}
		batch = append(batch, e)
	}
	return batch, rows.Err()
}

func orphanEntries(ctx context.Context, tx *sql.Tx, batch []entry) (out []entry, err error) {
	st, err := tx.PrepareContext(ctx, sqlKeysOf)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	for _, e := range batch {
		var effective int64
		var keys []byte
		err := st.QueryRowContext(ctx, e.seq).Scan(&effective, &keys)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, err
		}
		if err != nil || effective != e.effective || !hasKey(keys, e.key) {
			out = append(out, e)
		}
	}
	return out, nil
}

func hasKey(keys, k []byte) bool {
	for i := 0; i+keySize <= len(keys); i += keySize {
		if string(keys[i:i+keySize]) == string(k) {
			return true
		}
	}
	return false
}

func (t *tx) dropOrphans(es []entry) error {
	for _, e := range es {
		// Looked at again inside the transaction: the document may have been reindexed.
		var effective int64
		var keys []byte
		ok, err := t.found(sqlKeysOf, []any{e.seq}, &effective, &keys)
		if err != nil {
			return err
		}
		if ok && effective == e.effective && hasKey(keys, e.key) {
			continue
		}
		if err := t.exec(sqlDropKey, e.key, e.effective, e.seq); err != nil {
			return err
		}
	}
	return nil
}
