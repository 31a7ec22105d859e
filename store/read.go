package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Scope bounds a read. The zero Scope sees nothing.
type Scope struct {
	// Controllers are those whose registers may be read.
	Controllers []string
	// Purpose is why: a code of purpose of use, or the caller's own word. It must not
	// be empty.
	Purpose string
	// All lifts the bound of controllers: for the archive's own upkeep only, never for
	// a request that came over the wire.
	All bool
}

func (sc Scope) check(op string) error {
	if sc.Purpose == "" {
		return &Error{Kind: ErrScope, Op: op, Err: errors.New("no purpose")}
	}
	return nil
}

// where gives the SQL condition for a column to be in scope, and its arguments.
func (sc Scope) where(column string) (string, []any) {
	if sc.All {
		return "1", nil
	}
	if len(sc.Controllers) == 0 {
		return "0", nil
	}
	args := make([]any, len(sc.Controllers))
	for i, c := range sc.Controllers {
		args[i] = c
	}
	return column + " IN (" + marks(len(args)) + ")", args
}

// Parameters that are compared for equality stand in a CAST. SQLite's planner looks
// at the value of a bare one (it might be 0 or 1) and then plans the statement anew
// whenever the driver clears its bindings, which is at each use: four times the
// whole cost of a lookup.
const (
	asText = "CAST(? AS TEXT)"
	asBlob = "CAST(? AS BLOB)"
	asInt  = "CAST(? AS INTEGER)"
)

// marks gives n parameters of a text.
func marks(n int) string { return strings.TrimSuffix(strings.Repeat(asText+", ", n), ", ") }

// Version is what is known of a document version beside its content.
type Version struct {
	ID, SetID, Replaces string
	Version             int
	Status              Status
	// Controller and Register are the present ones.
	Controller, Register string
	SHA256               [sha256.Size]byte
	// Size is in bytes.
	Size    int64
	Arrived time.Time
	// Nullifies tells that this version nullified its series.
	Nullifies bool
	// Disposed tells that the content is gone by disposal.
	Disposed bool
	// Leaf is the position of the integrity leaf.
	Leaf int64
}

// Document is a document version with its exact bytes.
type Document struct {
	Version
	Bytes []byte
}

// reading runs f with the readers' pool, which stays open while f runs.
func (s *Store) reading(op string, f func(*sql.DB) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.read == nil {
		return &Error{Kind: ErrUnavailable, Op: op, Hint: hints[ErrUnavailable]}
	}
	select {
	case <-s.gone:
		return &Error{Kind: ErrClosed, Op: op}
	default:
	}
	err := f(s.read)
	if errors.Is(err, sql.ErrNoRows) {
		return &Error{Kind: ErrNotFound, Op: op}
	}
	return fail(op, err)
}

// snapshot runs f in a read transaction: all its statements see one state.
func (s *Store) snapshot(ctx context.Context, op string, f func(*sql.Tx) error) error {
	return s.reading(op, func(db *sql.DB) error { return snapshotOf(ctx, db, f) })
}

func snapshotOf(ctx context.Context, db *sql.DB, f func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	return errors.Join(f(tx), tx.Rollback())
}

// sqlVersion reads a version with everything that Version has. Status is told from
// the series, not from the index, which may be under rebuilding.
const sqlVersion = `SELECT d.id, d.set_id, d.replaces, d.version, s.controller, s.register, d.sha256, d.size, d.arrived,
	d.nullifies, d.leaf, s.newest = d.seq, s.nullified IS NOT NULL,
	EXISTS (SELECT 1 FROM disposals x WHERE x.document = d.seq)`

func scanVersion(scan func(...any) error, v *Version, more ...any) error {
	var sum []byte
	var arrived int64
	var newest, nullified bool
	err := scan(append([]any{&v.ID, &v.SetID, &v.Replaces, &v.Version, &v.Controller, &v.Register, &sum, &v.Size,
		&arrived, &v.Nullifies, &v.Leaf, &newest, &nullified, &v.Disposed}, more...)...)
	if err != nil {
		return err
	}
	copy(v.SHA256[:], sum)
	v.Arrived = fromMicros(arrived)
	switch {
	case nullified:
		v.Status = NullifiedSeries
	case newest:
		v.Status = Current
	default:
		v.Status = Replaced
	}
	return nil
}

// Document gives a document by id, byte for byte as it came, of any status: what a
// status permits is for the caller to decide.
//
// Errors: ErrNotFound where it is not there or not in scope; ErrDamaged where its
// bytes do not match their hash. A disposed document comes without bytes.
func (s *Store) Document(ctx context.Context, sc Scope, id string) (*Document, error) {
	if err := sc.check("document"); err != nil {
		return nil, err
	}
	in, args := sc.where("s.controller")
	q := sqlVersion + `, b.payload, t.salt FROM documents d JOIN series s ON s.set_id = d.set_id
		LEFT JOIN bodies b ON b.seq = d.seq LEFT JOIN salts t ON t.leaf = d.leaf WHERE d.id = ` + asText + ` AND ` + in
	var d Document
	err := s.reading("document", func(db *sql.DB) error {
		var payload, salt []byte
		if err := scanVersion(db.QueryRowContext(ctx, q, append([]any{id}, args...)...).Scan, &d.Version, &payload, &salt); err != nil {
			return err
		}
		return d.open(s, payload, salt)
	})
	if err != nil {
		return nil, err
	}
	return &d, nil
}

func (d *Document) open(s *Store, payload, salt []byte) (err error) {
	if d.Disposed && payload == nil {
		return nil
	}
	if d.Bytes, err = s.verified(place{inBodies, d.ID}, salt, payload, d.SHA256[:]); err != nil {
		return &Error{Kind: ErrDamaged, Op: "document", Err: fmt.Errorf("document %s: %w", d.ID, err), Hint: hints[ErrDamaged]}
	}
	return nil
}

// verified opens a payload and checks it against its SHA-256.
func (s *Store) verified(at place, salt, payload, sum []byte) ([]byte, error) {
	p, err := s.unseal(at, salt, payload)
	if err != nil {
		return nil, err
	}
	return verifiedPlain(p, sum)
}

// verifiedPlain is verified for a payload that is not sealed.
func verifiedPlain(payload, sum []byte) ([]byte, error) {
	b, err := unpack(payload)
	if err == nil {
		err = matches(b, sum)
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

// verifiedFrame is verified for the frame of document id; body is that document's
// payload.
func (s *Store) verifiedFrame(id string, salt, payload, body, sum []byte) ([]byte, error) {
	payload, err := s.unseal(place{inFrames, id}, salt, payload)
	if err != nil {
		return nil, err
	}
	var document []byte
	if len(payload) > 0 && payload[0] == codecCut {
		if document, err = s.plain(place{inBodies, id}, salt, body); err != nil {
			return nil, err
		}
	}
	b, err := unpackFrame(payload, document)
	if err == nil {
		err = matches(b, sum)
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

func matches(b, sum []byte) error {
	if have := sha256.Sum256(b); !bytes.Equal(have[:], sum) {
		return errors.New("its bytes do not match their SHA-256")
	}
	return nil
}

// Frame gives the exact frame or request that a document came in. Errors as Document.
func (s *Store) Frame(ctx context.Context, sc Scope, id string) ([]byte, error) {
	if err := sc.check("frame"); err != nil {
		return nil, err
	}
	in, args := sc.where("s.controller")
	// A frame kept whole needs no body; 2 is codecCut, 4 codecSealed.
	q := `SELECT d.frame_sha256, f.payload, b.payload, t.salt FROM documents d JOIN series s ON s.set_id = d.set_id
		JOIN frames f ON f.seq = d.seq LEFT JOIN bodies b ON b.seq = d.seq AND substr(f.payload, 1, 1) IN (x'02', x'04')
		LEFT JOIN salts t ON t.leaf = d.leaf WHERE d.id = ` + asText + ` AND ` + in
	var out []byte
	err := s.reading("frame", func(db *sql.DB) error {
		var sum, payload, body, salt []byte
		if err := db.QueryRowContext(ctx, q, append([]any{id}, args...)...).Scan(&sum, &payload, &body, &salt); err != nil {
			return err
		}
		var err error
		if out, err = s.verifiedFrame(id, salt, payload, body, sum); err != nil {
			return &Error{Kind: ErrDamaged, Op: "frame", Err: fmt.Errorf("frame of document %s: %w", id, err), Hint: hints[ErrDamaged]}
		}
		return nil
	})
	return out, err
}

// Series gives the versions of a series, first to newest. Errors: ErrNotFound.
func (s *Store) Series(ctx context.Context, sc Scope, setID string) ([]Version, error) {
	if err := sc.check("series"); err != nil {
		return nil, err
	}
	in, args := sc.where("s.controller")
	q := sqlVersion + ` FROM documents d JOIN series s ON s.set_id = d.set_id
		WHERE d.set_id = ` + asText + ` AND ` + in + ` ORDER BY d.version`
	var out []Version
	err := s.reading("series", func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, q, append([]any{setID}, args...)...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var v Version
			if err := scanVersion(rows.Scan, &v); err != nil {
				return err
			}
			out = append(out, v)
		}
		return rows.Err()
	})
	if err == nil && len(out) == 0 {
		return nil, &Error{Kind: ErrNotFound, Op: "series"}
	}
	return out, err
}

// Counts are numbers of documents within a scope, without personal data.
type Counts struct {
	// Documents counts all versions; Current the series whose newest version is in
	// force; Nullified the series that are nullified; Bytes the documents' sizes.
	Documents, Current, Nullified, Bytes int64
	// Groups tells the same by controller, register and document group.
	Groups []GroupCount
}

// GroupCount is one line of Counts.
type GroupCount struct {
	Controller, Register, Group          string
	Documents, Current, Nullified, Bytes int64
}

// Counts counts what is in scope. Its cost does not depend on the archive's size.
func (s *Store) Counts(ctx context.Context, sc Scope) (Counts, error) {
	var c Counts
	if err := sc.check("counts"); err != nil {
		return c, err
	}
	in, args := sc.where("controller")
	q := `SELECT controller, register, doc_group, documents, current, nullified, bytes FROM counters WHERE ` + in +
		` ORDER BY controller, register, doc_group`
	err := s.reading("counts", func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, q, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var g GroupCount
			if err := rows.Scan(&g.Controller, &g.Register, &g.Group, &g.Documents, &g.Current, &g.Nullified, &g.Bytes); err != nil {
				return err
			}
			c.add(g)
		}
		return rows.Err()
	})
	return c, err
}

func (c *Counts) add(g GroupCount) {
	c.Groups = append(c.Groups, g)
	c.Documents += g.Documents
	c.Current += g.Current
	c.Nullified += g.Nullified
	c.Bytes += g.Bytes
}
