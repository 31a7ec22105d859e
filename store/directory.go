package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// The kinds of entries of the directory.
const (
	// DirectoryOrganisations is the national register of organisations, one import
	// an entry's version.
	DirectoryOrganisations = "organisations"
	// DirectorySystem is a joined system, DirectoryContract a contract between an
	// organiser and a provider, DirectoryRegister a register of a controller.
	DirectorySystem   = "system"
	DirectoryContract = "contract"
	DirectoryRegister = "register"
)

// directoryKinds are the kinds that there are.
var directoryKinds = []string{DirectoryOrganisations, DirectorySystem, DirectoryContract, DirectoryRegister}

// DirectoryEntry is a version of an entry of the directory: of what the archive
// knows of organisations. Its content is the caller's own form.
type DirectoryEntry struct {
	// Kind is one of the Directory constants, Key the caller's name for the entry.
	Kind, Key string
	Content   []byte
	// Removed takes the entry out of force. What it was stays in its history.
	Removed bool
	// At is the time of the version and By who made it; PutDirectory sets them.
	At time.Time
	By string
}

// PutDirectory makes entries the newest of their kind and key, all or none.
// An entry that says what is in force already is left out. Errors: ErrInput for an
// unknown kind, an empty key, or the removal of what is not there.
func (s *Store) PutDirectory(ctx context.Context, by string, entries ...DirectoryEntry) error {
	if by == "" {
		return input("directory", "nobody is named who makes the change")
	}
	size := 0
	for _, e := range entries {
		if !slices.Contains(directoryKinds, e.Kind) || e.Key == "" {
			return input("directory", "entry of kind %q with key %q", e.Kind, e.Key)
		}
		size += len(e.Content)
	}
	k, err := s.noteKey(ctx)
	if err != nil {
		return fail("directory", err)
	}
	now := s.now()
	return s.do(ctx, "directory", size, func(t *tx) error {
		for i := range entries {
			e := entries[i]
			e.At, e.By = now, by
			if err := t.putDirectory(&e, k); err != nil {
				return err
			}
		}
		return nil
	})
}

// noteKey seals who did something with the archive itself, and why.
func (s *Store) noteKey(ctx context.Context) (*dataKey, error) {
	return s.sealingKey(ctx, "", sealLogs)
}

// note makes the payload of such a note in a row.
func (t *tx) note(k *dataKey, column string, seq int64, plain []byte) ([]byte, error) {
	return t.w.s.seal(k, place{column, num(seq)}, nil, pack(plain))
}

// openNote reads a note.
func (s *Store) openNote(column string, seq int64, payload []byte) ([]byte, error) {
	return s.plain(place{column, num(seq)}, nil, payload)
}

const (
	sqlDirectoryNow = `SELECT removed, sha256 FROM directory WHERE kind = ` + asText + ` AND key = ` + asText + ` ORDER BY seq DESC LIMIT 1`
	sqlPutDirectory = `INSERT INTO directory (seq, kind, key, at, removed, sha256, payload, actor, leaf) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
)

func (t *tx) putDirectory(e *DirectoryEntry, k *dataKey) error {
	if e.Removed {
		e.Content = nil
	}
	sum := sha256.Sum256(e.Content)
	var removed bool
	var have []byte
	there, err := t.found(sqlDirectoryNow, []any{e.Kind, e.Key}, &removed, &have)
	switch {
	case err != nil:
		return err
	case e.Removed && (!there || removed):
		return input("directory", "no %s %q is in force", e.Kind, e.Key)
	case there && removed == e.Removed && bytes.Equal(have, sum[:]):
		return nil
	}
	l, err := newLeaf(leafDirectory, e.record(sum[:]), t.w.s.opt.Random)
	if err != nil {
		return err
	}
	leaf, err := t.leaf(&l, t.seq.directory)
	if err != nil {
		return err
	}
	actor, err := t.note(k, inDirectory, t.seq.directory, []byte(e.By))
	if err != nil {
		return err
	}
	err = t.exec(sqlPutDirectory, t.seq.directory, e.Kind, e.Key, micros(e.At), flag(e.Removed), sum[:], pack(e.Content), actor, leaf)
	if err == nil {
		t.seq.directory++
	}
	return err
}

func (e *DirectoryEntry) record(sum []byte) *record {
	return new(record).text(e.Kind, e.Key).int(micros(e.At), flag(e.Removed)).bytes(sum).text(e.By)
}

const directoryColumns = `SELECT d.seq, d.kind, d.key, d.at, d.removed, d.sha256, d.payload, d.actor FROM directory d`

const sqlDirectory = directoryColumns + ` WHERE NOT EXISTS
	(SELECT 1 FROM directory x WHERE x.kind = d.kind AND x.key = d.key AND x.seq > d.seq) AND d.removed = 0 ORDER BY d.kind, d.key`

// Directory gives the entries in force. They are public facts of organisations, so
// no scope bounds them. Errors: ErrDamaged where content does not match its hash.
func (s *Store) Directory(ctx context.Context) ([]DirectoryEntry, error) {
	return s.directory(ctx, sqlDirectory)
}

// DirectoryHistory gives every version of an entry, the newest first.
func (s *Store) DirectoryHistory(ctx context.Context, kind, key string) ([]DirectoryEntry, error) {
	return s.directory(ctx, directoryColumns+` WHERE d.kind = `+asText+` AND d.key = `+asText+` ORDER BY d.seq DESC`, kind, key)
}

func (s *Store) directory(ctx context.Context, q string, args ...any) (out []DirectoryEntry, err error) {
	err = s.reading("directory", func(db *sql.DB) error {
		out, err = s.readDirectory(ctx, db, false, q, args...)
		return err
	})
	return out, err
}

// readDirectory reads entries; peeking without who made them, which may be sealed.
func (s *Store) readDirectory(ctx context.Context, db *sql.DB, peeking bool, q string, args ...any) (out []DirectoryEntry, err error) {
	rows, err := db.QueryContext(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var e DirectoryEntry
		var seq, at int64
		var sum, payload, actor []byte
		if err := rows.Scan(&seq, &e.Kind, &e.Key, &at, &e.Removed, &sum, &payload, &actor); err != nil {
			return nil, err
		}
		e.At = fromMicros(at)
		if e.Content, err = verifiedPlain(payload, sum); err == nil && !peeking {
			e.By, err = s.actor(inDirectory, seq, actor)
		}
		if err != nil {
			return nil, &Error{Kind: ErrDamaged, Op: "directory", Err: err, Hint: hints[ErrDamaged]}
		}
		out = append(out, e)
	}
	return out, rows.Err()
}

// actor reads a note that is a name.
func (s *Store) actor(column string, seq int64, payload []byte) (string, error) {
	b, err := s.openNote(column, seq, payload)
	return string(b), err
}

// PeekDirectory gives the entries in force of the archive in a directory, without
// owning it: another process may be at work on it. Who made them is left out. A directory without an archive,
// or with one of an earlier schema, has none.
func PeekDirectory(ctx context.Context, dir string) (out []DirectoryEntry, err error) {
	if _, err := os.Stat(filepath.Join(dir, dbFile)); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, nil
		}
		return nil, fail("directory", err)
	}
	s := &Store{opt: Options{Dir: dir}.withDefaults()}
	db, err := s.openDB("query_only", 1)
	if err != nil {
		return nil, fail("directory", err)
	}
	defer func() { err = errors.Join(err, fail("directory", db.Close())) }()
	var there bool
	err = db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'directory')`).Scan(&there)
	if err != nil || !there {
		return nil, fail("directory", err)
	}
	out, err = s.readDirectory(ctx, db, true, sqlDirectory)
	return out, fail("directory", err)
}

const sqlCheckDirectory = `SELECT d.seq, d.kind, d.key, d.at, d.removed, d.sha256, d.payload, d.actor, d.leaf, l.kind, l.subject, l.entry, t.salt
	FROM directory d LEFT JOIN leaves l ON l.seq = d.leaf LEFT JOIN salts t ON t.leaf = d.leaf WHERE d.seq > ? ORDER BY d.seq LIMIT ?`

// directory checks the entries' versions against their hashes and leaves.
func (c *checker) directory(ctx context.Context) error {
	last := int64(0)
	return c.each(ctx, sqlCheckDirectory, 0, func(_ *sql.Tx, rows *sql.Rows) (int64, error) {
		var e DirectoryEntry
		var seq, at, leaf int64
		var sum, payload, actor, entry, salt []byte
		var kind, subject sql.NullInt64
		err := rows.Scan(&seq, &e.Kind, &e.Key, &at, &e.Removed, &sum, &payload, &actor, &leaf, &kind, &subject, &entry, &salt)
		if err != nil {
			return seq, err
		}
		c.sequence("directory", &last, seq)
		e.At = fromMicros(at)
		if _, err = verifiedPlain(payload, sum); err == nil {
			e.By, err = c.s.actor(inDirectory, seq, actor)
		}
		if err != nil {
			c.r.add("directory", num(seq), "%v", err)
			return seq, nil
		}
		c.leaf(leafDirectory, leaf, seq, "directory entry "+num(seq), kind, subject, entry, salt, e.record(sum))
		return seq, nil
	})
}

// sequence notices missing numbers of a table that loses no rows.
func (c *checker) sequence(area string, last *int64, seq int64) {
	if seq != *last+1 {
		c.r.add(area, num(*last+1), "rows up to %s are missing", num(seq-1))
	}
	*last = seq
}
