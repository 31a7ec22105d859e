package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Problem is one thing that Check found wrong.
type Problem struct {
	// Area is "file", "schema", "settings", "document", "frame", "receipt", "countersignature", "leaf",
	// "series", "index", "state", "order", "log", "nullification", "result", "counters", "key", "disposal", "event",
	// "hold", "run", "notice", "tree", "checkpoint" or "signature".
	Area string
	// ID is the document or series concerned, or a number as "#12".
	ID string
	// Detail says what is wrong, without personal data.
	Detail string
}

// CheckReport is what Check looked at and found.
type CheckReport struct {
	Documents, Bytes, Leaves, LogRows int64
	// Signed is how many documents' signatures were judged.
	Signed   int64
	Problems []Problem
	// More counts the problems beyond MaxProblems.
	More int64
}

// MaxProblems is how many problems a report lists.
const MaxProblems = 10_000

// OK tells that nothing is wrong.
func (r *CheckReport) OK() bool { return len(r.Problems) == 0 }

func (r *CheckReport) add(area, id, format string, args ...any) {
	if len(r.Problems) >= MaxProblems {
		r.More++
		return
	}
	r.Problems = append(r.Problems, Problem{area, id, fmt.Sprintf(format, args...)})
}

// checkBatch is how many rows one snapshot of the check covers, so that it never
// holds the WAL long.
const checkBatch = 200

// Check reads everything again and names whatever is damaged, missing or does not
// fit: SQLite's own structure, tables and triggers as they should be, the bytes of documents and frames against their
// hashes, leaves against rows and salts, numbers without gaps, series against
// documents, index and counters against both. It changes nothing and may run while
// the archive serves. The error tells only that the check itself could not go on.
func (s *Store) Check(ctx context.Context) (*CheckReport, error) { return s.check(ctx, nil) }

func (s *Store) check(ctx context.Context, judge SignatureJudge) (*CheckReport, error) {
	r := new(CheckReport)
	c := &checker{s: s, r: r, judge: judge}
	steps := []func(context.Context) error{c.file, c.schema, c.settings, c.documents, c.countersignatures, c.leaves, c.series, c.nullifications,
		c.usage, c.disclosures, c.messages, c.purges, c.results, c.directory, c.transfers, c.steps, c.flags, c.states, c.orders, c.keys, c.counters, c.dataKeys, c.merkle, c.stamps, c.retention}
	for _, step := range steps {
		err := step(ctx)
		switch {
		case err == nil:
		case errors.Is(err, ErrDamaged):
			r.add("file", "", "%v", err) // the rest is still worth looking at
		default:
			return r, err
		}
	}
	return r, nil
}

type checker struct {
	s *Store
	r *CheckReport
	// judge is nil where signatures are not looked at.
	judge SignatureJudge
	// one, where set, has the record of one row made and nothing judged (ProveRow).
	one *oneRow
}

// file asks SQLite.
func (c *checker) file(ctx context.Context) error {
	return c.s.reading("check", func(db *sql.DB) error {
		for _, q := range []string{`PRAGMA integrity_check(100)`, `PRAGMA foreign_key_check`} {
			if err := c.pragma(ctx, db, q); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *checker) pragma(ctx context.Context, db *sql.DB, q string) error {
	rows, err := db.QueryContext(ctx, q)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		vs, err := values(rows)
		if err != nil {
			return err
		}
		if len(vs) != 1 || vs[0] != "ok" {
			c.r.add("file", "", "%s: %v", q, vs)
		}
	}
	return rows.Err()
}

// values scans a row of any shape.
func values(rows *sql.Rows) ([]any, error) {
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	vs, ps := make([]any, len(names)), make([]any, len(names))
	for i := range vs {
		ps[i] = &vs[i]
	}
	return vs, rows.Scan(ps...)
}

// each runs q for batch after batch of rows behind a number, until one is empty.
// visit gives the number of its row.
func (c *checker) each(ctx context.Context, q string, after int64, visit func(*sql.Tx, *sql.Rows) (int64, error)) error {
	limit := checkBatch
	if c.one != nil {
		after, limit = c.one.seq-1, 1
	}
	for {
		n := 0
		err := c.s.snapshot(ctx, "check", func(tx *sql.Tx) error {
			rows, err := tx.QueryContext(ctx, q, after, limit)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				if after, err = visit(tx, rows); err != nil {
					return err
				}
				n++
			}
			return rows.Err()
		})
		if err != nil || n < checkBatch {
			return err
		}
	}
}

func num(n int64) string { return fmt.Sprintf("#%d", n) }

const sqlCheckDocuments = `SELECT d.seq, d.id, d.set_id, d.version, d.replaces, d.controller, d.register, d.owner, d.sha256, d.size,
	d.frame_sha256, d.frame_size, d.facts, d.arrived, d.device, d.message_id, d.nullifies, d.leaf,
	b.payload, f.payload, r.verdict, r.payload, l.kind, l.subject, l.entry, t.salt,
	EXISTS (SELECT 1 FROM disposals x WHERE x.document = d.seq), s.newest,
	(SELECT p.id FROM documents p WHERE p.set_id = d.set_id AND p.version = d.version - 1)
	FROM documents d LEFT JOIN bodies b ON b.seq = d.seq LEFT JOIN frames f ON f.seq = d.seq
	LEFT JOIN receipts r ON r.seq = d.seq LEFT JOIN leaves l ON l.seq = d.leaf LEFT JOIN salts t ON t.leaf = d.leaf
	LEFT JOIN series s ON s.set_id = d.set_id
	WHERE d.seq > ? ORDER BY d.seq LIMIT ?`

// documentRow is a row of sqlCheckDocuments.
type documentRow struct {
	seq, leaf     int64
	f             documentFacts
	body, frame   []byte
	verdict       sql.NullString
	receipt       []byte
	kind, subject sql.NullInt64
	entry, salt   []byte
	disposed      bool
	newest        sql.NullInt64
	previous      sql.NullString
}

func (c *checker) documents(ctx context.Context) error {
	var last int64
	return c.each(ctx, sqlCheckDocuments, 0, func(tx *sql.Tx, rows *sql.Rows) (int64, error) {
		var d documentRow
		f := &d.f
		err := rows.Scan(&d.seq, &f.id, &f.setID, &f.version, &f.replaces, &f.controller, &f.register, &f.owner, &f.sum, &f.size,
			&f.frameSum, &f.frameSize, &f.facts, &f.arrived, &f.device, &f.messageID, &f.nullifies, &d.leaf,
			&d.body, &d.frame, &d.verdict, &d.receipt, &d.kind, &d.subject, &d.entry, &d.salt, &d.disposed, &d.newest, &d.previous)
		if err != nil {
			return last, err
		}
		if d.seq != last+1 {
			c.r.add("document", num(last+1), "documents up to %s are missing", num(d.seq-1))
		}
		last = d.seq
		c.r.Documents++
		c.r.Bytes += f.size
		c.document(&d)
		return last, c.index(ctx, tx, &d)
	})
}

func (c *checker) document(d *documentRow) {
	f := &d.f
	if !d.newest.Valid {
		c.r.add("series", f.setID, "missing, though document %s is of it", f.id)
	}
	switch {
	case f.version == 1 && f.id != f.setID:
		c.r.add("document", f.id, "version 1 is not its set's id")
	case f.version > 1 && d.previous.String != f.replaces:
		c.r.add("document", f.id, "version %d does not replace version %d", f.version, f.version-1)
	}
	if d.disposed {
		return
	}
	s := c.s
	b, err := s.verified(place{inBodies, f.id}, d.salt, d.body, f.sum)
	c.content("document", f.id, d.body, b, f.size, err)
	if err == nil && c.judge != nil {
		c.r.Signed++
		if err := c.judge(f.id, b, fromMicros(f.arrived)); err != nil {
			c.r.add("signature", f.id, "%v", err)
		}
	}
	b, err = s.verifiedFrame(f.id, d.salt, d.frame, d.body, f.frameSum)
	c.content("frame", f.id, d.frame, b, f.frameSize, err)
	findings, err := s.plain(place{inReceipts, f.id}, d.salt, d.receipt)
	if err != nil {
		c.r.add("receipt", f.id, "%v", err)
	}
	c.leaf(leafDocument, d.leaf, d.seq, f.id, d.kind, d.subject, d.entry, d.salt, f.record(d.verdict.String, findings))
}

func (c *checker) content(area, id string, payload, b []byte, size int64, err error) {
	switch {
	case payload == nil:
		c.r.add(area, id, "its content is missing")
	case err != nil:
		c.r.add(area, id, "%v", err)
	case int64(len(b)) != size:
		c.r.add(area, id, "size is %d, recorded %d", len(b), size)
	}
}

// leaf checks that the leaf of a row is there, is about it and fits its record.
func (c *checker) leaf(kind byte, n, seq int64, id string, have, subject sql.NullInt64, entry, salt []byte, r *record) {
	switch {
	case c.one != nil:
		c.one.take(seq, salt, r)
	case !have.Valid:
		c.r.add("leaf", num(n), "missing, of %s", id)
	case have.Int64 != int64(kind) || subject.Int64 != seq:
		c.r.add("leaf", num(n), "is not about %s", id)
	case salt == nil:
		c.r.add("leaf", num(n), "its salt is missing, of %s", id)
	default:
		if sum := entryHash(kind, salt, r); string(sum[:]) != string(entry) {
			c.r.add("leaf", num(n), "does not fit the facts of %s", id)
		}
	}
}

const (
	sqlCheckIndex = `SELECT ` + indexColumns + `, checksum FROM doc_index WHERE seq = ?`
	sqlCheckKey   = `SELECT count(*) FROM index_keys WHERE key = ? AND effective = ? AND seq = ?`
)

// index checks the index rows of a document.
func (c *checker) index(ctx context.Context, tx *sql.Tx, d *documentRow) error {
	rows, err := tx.QueryContext(ctx, sqlCheckIndex, d.seq)
	if err != nil {
		return err
	}
	defer rows.Close()
	there := rows.Next()
	switch {
	case there && d.disposed:
		c.r.add("index", d.f.id, "has an index row, though it is disposed of")
		return nil
	case !there && !d.disposed:
		c.r.add("index", d.f.id, "has no index row")
	}
	if !there {
		return rows.Err()
	}
	vs, err := values(rows)
	if err != nil {
		return err
	}
	n := len(vs) - 1
	keys, ok := vs[23].([]byte) // text of the same octets has the same checksum
	if !ok || columnsRecord(vs[:n]).checksum() != vs[n] {
		c.r.add("index", d.f.id, "its index row is damaged")
		return nil
	}
	for i := 0; i+keySize <= len(keys); i += keySize {
		var there int
		if err := tx.QueryRowContext(ctx, sqlCheckKey, keys[i:i+keySize], vs[13], d.seq).Scan(&there); err != nil {
			return err
		}
		if there == 0 {
			c.r.add("index", d.f.id, "cannot be found by one of its keys")
		}
	}
	if s := c.s.keys.stated(); hasKey(keys, s[:]) {
		var there int
		if err := tx.QueryRowContext(ctx, sqlHasState, d.seq).Scan(&there); err != nil {
			return err
		}
		if there == 0 {
			c.r.add("state", d.f.id, "is missing")
		}
	}
	return rows.Err()
}

const sqlCheckLeaves = `SELECT l.seq, l.kind, CASE l.kind
	WHEN 1 THEN EXISTS (SELECT 1 FROM documents x WHERE x.seq = l.subject AND x.leaf = l.seq)
	WHEN 2 THEN EXISTS (SELECT 1 FROM usage_log x WHERE x.seq = l.subject AND x.leaf = l.seq)
		OR NOT EXISTS (SELECT 1 FROM salts x WHERE x.leaf = l.seq)
	WHEN 3 THEN EXISTS (SELECT 1 FROM disclosure_log x WHERE x.seq = l.subject AND x.leaf = l.seq)
		OR NOT EXISTS (SELECT 1 FROM salts x WHERE x.leaf = l.seq)
	WHEN 4 THEN EXISTS (SELECT 1 FROM nullifications x WHERE x.seq = l.subject AND x.leaf = l.seq)
	WHEN 5 THEN EXISTS (SELECT 1 FROM disposals x WHERE x.seq = l.subject AND x.leaf = l.seq)
	WHEN 6 THEN EXISTS (SELECT 1 FROM purges x WHERE x.seq = l.subject AND x.leaf = l.seq)
	WHEN 10 THEN EXISTS (SELECT 1 FROM directory x WHERE x.seq = l.subject AND x.leaf = l.seq)
	WHEN 11 THEN EXISTS (SELECT 1 FROM transfers x WHERE x.seq = l.subject AND x.leaf = l.seq)
	WHEN 12 THEN EXISTS (SELECT 1 FROM transfer_steps x WHERE x.seq = l.subject AND x.leaf = l.seq)
	WHEN 13 THEN EXISTS (SELECT 1 FROM flags x WHERE x.seq = l.subject AND x.leaf = l.seq)
	WHEN 20 THEN EXISTS (SELECT 1 FROM orders x WHERE x.seq = l.subject AND x.leaf = l.seq)
	WHEN 41 THEN EXISTS (SELECT 1 FROM events x WHERE x.seq = l.subject AND x.leaf = l.seq)
	WHEN 42 THEN EXISTS (SELECT 1 FROM holds x WHERE x.seq = l.subject AND x.leaf = l.seq)
	WHEN 43 THEN EXISTS (SELECT 1 FROM hold_releases x WHERE x.seq = l.subject AND x.leaf = l.seq)
	WHEN 44 THEN EXISTS (SELECT 1 FROM disposal_runs x WHERE x.seq = l.subject AND x.leaf = l.seq)
	WHEN 45 THEN EXISTS (SELECT 1 FROM filed_notices x WHERE x.seq = l.subject AND x.leaf = l.seq)
		OR NOT EXISTS (SELECT 1 FROM salts x WHERE x.leaf = l.seq)
	ELSE 0 END FROM leaves l WHERE l.seq > ? ORDER BY l.seq LIMIT ?`

// leaves checks that they are gap-free and that what they are about is there. A log
// row may be gone only with its salt.
func (c *checker) leaves(ctx context.Context) error {
	next := int64(0)
	return c.each(ctx, sqlCheckLeaves, -1, func(_ *sql.Tx, rows *sql.Rows) (int64, error) {
		var n, kind int64
		var there bool
		if err := rows.Scan(&n, &kind, &there); err != nil {
			return n, err
		}
		if n != next {
			c.r.add("leaf", num(next), "leaves up to %s are missing", num(n-1))
		}
		next = n + 1
		c.r.Leaves++
		if !there {
			c.r.add("leaf", num(n), "what it is about (kind %d) is missing", kind)
		}
		return n, nil
	})
}

const sqlCheckSeries = `SELECT d.seq, s.set_id, s.version = d.version,
	NOT EXISTS (SELECT 1 FROM documents x WHERE x.set_id = s.set_id AND x.version > s.version), d.set_id = s.set_id,
	s.nullified IS (SELECT n.seq FROM nullifications n WHERE n.set_id = s.set_id),
	s.controller = coalesce((SELECT m.to_controller FROM transferred m WHERE m.set_id = s.set_id AND m.newest = d.seq ORDER BY m.step DESC LIMIT 1), d.controller),
	s.register = coalesce((SELECT m.to_register FROM transferred m WHERE m.set_id = s.set_id AND m.newest = d.seq ORDER BY m.step DESC LIMIT 1), d.register)
	FROM documents d JOIN series s ON s.newest = d.seq AND s.set_id = d.set_id WHERE d.seq > ? ORDER BY d.seq LIMIT ?`

// series checks each series against its documents, by way of its newest.
func (c *checker) series(ctx context.Context) error {
	var found int64
	err := c.each(ctx, sqlCheckSeries, 0, func(_ *sql.Tx, rows *sql.Rows) (int64, error) {
		var seq int64
		var setID string
		var version, newest, own, nullified, controller, register bool
		err := rows.Scan(&seq, &setID, &version, &newest, &own, &nullified, &controller, &register)
		if err != nil {
			return seq, err
		}
		found++
		for _, p := range []struct {
			ok   bool
			what string
		}{{version, "version number"}, {newest, "newest version"}, {own, "newest document"},
			{nullified, "nullification"}, {controller, "controller"}, {register, "register"}} {
			if !p.ok {
				c.r.add("series", setID, "its %s does not fit its documents", p.what)
			}
		}
		return seq, nil
	})
	if err != nil {
		return err
	}
	return c.s.reading("check", func(db *sql.DB) error {
		var n int64
		if err := db.QueryRowContext(ctx, `SELECT count(*) FROM series s WHERE NOT EXISTS
			(SELECT 1 FROM documents d WHERE d.seq = s.newest AND d.set_id = s.set_id)`).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			c.r.add("series", "", "%d series name a newest version that is not theirs", n)
		}
		return nil
	})
}

const sqlCheckNullifications = `SELECT n.seq, n.set_id, d.id, coalesce(b.id, ''), n.reason, n.owner, n.device, n.message_id,
	n.arrived, n.frame_sha256, c.frame, c.verdict, c.receipt, n.leaf, l.kind, l.subject, l.entry, t.salt, n.by_document IS NULL,
	EXISTS (SELECT 1 FROM disposals x WHERE x.document = n.document)
	FROM nullifications n JOIN documents d ON d.seq = n.document LEFT JOIN documents b ON b.seq = n.by_document
	LEFT JOIN notices c ON c.seq = n.seq LEFT JOIN leaves l ON l.seq = n.leaf LEFT JOIN salts t ON t.leaf = n.leaf WHERE n.seq > ? ORDER BY n.seq LIMIT ?`

func (c *checker) nullifications(ctx context.Context) error {
	return c.each(ctx, sqlCheckNullifications, 0, func(_ *sql.Tx, rows *sql.Rows) (int64, error) {
		var n nullFacts
		var seq, leaf int64
		var frame, receipt, entry, salt []byte
		var kind, subject sql.NullInt64
		var verdict sql.NullString
		var notice, disposed bool
		err := rows.Scan(&seq, &n.setID, &n.document, &n.by, &n.reason, &n.owner, &n.device, &n.messageID, &n.arrived,
			&n.frameSum, &frame, &verdict, &receipt, &leaf, &kind, &subject, &entry, &salt, &notice, &disposed)
		if err != nil || disposed {
			return seq, err
		}
		n.verdict = verdict.String
		if notice {
			if _, err := c.s.verified(place{inNoticeFrame, n.setID}, salt, frame, n.frameSum); err != nil {
				c.r.add("nullification", n.setID, "its frame: %v", err)
			}
		}
		if n.findings, err = c.s.plain(place{inNotices, n.setID}, salt, receipt); err != nil {
			c.r.add("nullification", n.setID, "its receipt: %v", err)
		}
		c.leaf(leafNullification, leaf, seq, "nullification of "+n.setID, kind, subject, entry, salt, n.record())
		return seq, nil
	})
}

// keys checks that no index key leads to a document that has it not.
func (c *checker) keys(ctx context.Context) error {
	at := entry{key: []byte{}}
	for {
		orphans, next, err := c.s.orphans(ctx, at)
		for _, o := range orphans {
			c.r.add("index", num(o.seq), "an index key leads to it that is not its own")
		}
		if err != nil || next == nil {
			return err
		}
		at = *next
	}
}

// sqlCheckCounters gives what counters lack against a count, in one statement and
// thus one snapshot.
const sqlCheckCounters = `WITH real AS (
	SELECT s.controller, d.register, i.doc_group, count(*) documents, sum(d.size) bytes,
		0 current, 0 nullified FROM documents d JOIN series s ON s.set_id = d.set_id JOIN doc_index i ON i.seq = d.seq GROUP BY 1, 2, 3
	UNION ALL
	SELECT s.controller, s.register, i.doc_group, 0, 0, sum(s.nullified IS NULL), sum(s.nullified IS NOT NULL)
		FROM series s JOIN doc_index i ON i.seq = s.newest GROUP BY 1, 2, 3
	UNION ALL
	SELECT controller, register, doc_group, -documents, -bytes, -current, -nullified FROM counters)
	SELECT controller, register, doc_group, sum(documents), sum(current), sum(nullified), sum(bytes)
	FROM real GROUP BY 1, 2, 3
	HAVING sum(documents) <> 0 OR sum(bytes) <> 0 OR sum(current) <> 0 OR sum(nullified) <> 0`

func (c *checker) counters(ctx context.Context) error {
	return c.s.reading("check", func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, sqlCheckCounters)
		if err != nil {
			return err
		}
		lacks, err := scanDeltas(rows)
		for _, d := range lacks {
			c.r.add("counters", d.controller, "register %s, group %s: the counts are wrong", d.register, d.group)
		}
		return err
	})
}

func scanDeltas(rows *sql.Rows) (out []delta, err error) {
	defer rows.Close()
	for rows.Next() {
		var d delta
		if err := rows.Scan(&d.controller, &d.register, &d.group, &d.documents, &d.current, &d.nullified, &d.bytes); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, rows.Err()
}
