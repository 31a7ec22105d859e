package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"portti/store/proof"
)

// Exported is a document version with all that belongs to it.
type Exported struct {
	Version
	// Bytes is nil where the document is disposed of, or where Damage tells why.
	Bytes  []byte
	Damage error
	Frame  []byte
	// Countersignature is the archive's own signature, if it made one.
	Countersignature []byte
	// Index is the metadata index row: column to value. Summary is its JSON.
	Index   map[string]any
	Summary json.RawMessage
	// Receipt is what was answered.
	Verdict  string
	Findings json.RawMessage
	// Proof is nil where the document is disposed of.
	Proof *proof.Inclusion
}

const sqlExport = sqlVersion + `, d.seq FROM documents d JOIN series s ON s.set_id = d.set_id WHERE d.seq > ? AND `

// Export gives every document version in scope, in the order of their coming, of any
// status, with what belongs to it. What is damaged is given with Damage, and the rest
// goes on. An error of visit ends it.
func (s *Store) Export(ctx context.Context, sc Scope, visit func(*Exported) error) error {
	if err := sc.check("export"); err != nil {
		return err
	}
	if err := s.Checkpoint(ctx); err != nil {
		return err
	}
	in, args := sc.where("s.controller")
	for after := int64(0); ; {
		var seqs []int64
		var versions []Version
		err := s.reading("export", func(db *sql.DB) error {
			rows, err := db.QueryContext(ctx, sqlExport+in+` ORDER BY d.seq LIMIT 100`, append([]any{after}, args...)...)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var v Version
				var seq int64
				if err := scanVersion(rows.Scan, &v, &seq); err != nil {
					return err
				}
				seqs, versions = append(seqs, seq), append(versions, v)
			}
			return rows.Err()
		})
		if err != nil || len(seqs) == 0 {
			return err
		}
		for i := range versions {
			x, err := s.exported(ctx, sc, seqs[i], &versions[i])
			if err == nil {
				err = visit(x)
			}
			if err != nil {
				return err
			}
		}
		after = seqs[len(seqs)-1]
	}
}

// exported gathers what belongs to a version.
func (s *Store) exported(ctx context.Context, sc Scope, seq int64, v *Version) (*Exported, error) {
	x := &Exported{Version: *v}
	if x.Disposed {
		return x, nil
	}
	// note keeps damage and passes on what hinders the whole.
	note := func(err error) error {
		if errors.Is(err, ErrDamaged) || errors.Is(err, ErrNotFound) {
			x.Damage = errors.Join(x.Damage, err)
			return nil
		}
		return err
	}
	d, err := s.Document(ctx, sc, v.ID)
	if err == nil {
		x.Bytes = d.Bytes
	}
	if err := note(err); err != nil {
		return nil, err
	}
	x.Frame, err = s.Frame(ctx, sc, v.ID)
	if err := note(err); err != nil {
		return nil, err
	}
	x.Countersignature, err = s.Countersignature(ctx, sc, v.ID)
	if err := note(err); err != nil {
		return nil, err
	}
	x.Proof, err = s.Prove(ctx, sc, v.ID)
	if err := note(err); err != nil {
		return nil, err
	}
	if p := x.Proof; p != nil {
		x.Verdict = *p.Field("verdict").Text
		x.Findings = *p.Field("findings").Bytes
	}
	return x, note(s.exportedIndex(ctx, seq, x))
}

func (s *Store) exportedIndex(ctx context.Context, seq int64, x *Exported) error {
	return s.reading("export", func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, `SELECT `+indexColumns+` FROM doc_index WHERE seq = ?`, seq)
		if err != nil {
			return err
		}
		defer rows.Close()
		if !rows.Next() {
			return errors.Join(rows.Err(), &Error{Kind: ErrDamaged, Op: "export", Err: errors.New("document " + x.ID + " has no index row")})
		}
		names, err := rows.Columns()
		if err != nil {
			return err
		}
		vs, err := values(rows)
		if err != nil {
			return err
		}
		x.Index = make(map[string]any)
		for i, name := range names {
			b, isBlob := vs[i].([]byte)
			switch {
			case name == "summary" && isBlob:
				if x.Summary, err = s.plain(place{inSummaries, x.ID}, nil, b); err != nil {
					return &Error{Kind: ErrDamaged, Op: "export", Err: err}
				}
			case isBlob || name == "clients":
			default:
				x.Index[name] = vs[i]
			}
		}
		return rows.Err()
	})
}
