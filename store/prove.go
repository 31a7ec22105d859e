package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"portti/store/proof"
)

// leafPrefix before a number asks for the proof of a leaf alone.
const leafPrefix = "leaf:"

// Prove proves that a document version is in the archive as it was answered: a file
// that can be checked with the checkpoint key alone. Where no checkpoint covers the
// document yet, one is made. "leaf:N" as id proves the hash of any leaf, such as
// a log row's, without what it is about (ProveRow proves that too); it needs a scope of All.
//
// Errors: ErrNotFound where it is not there, not in scope, or disposed: then only its
// leaf can be proven.
func (s *Store) Prove(ctx context.Context, sc Scope, id string) (*proof.Inclusion, error) {
	if err := sc.check("prove"); err != nil {
		return nil, err
	}
	p := new(proof.Inclusion)
	find := func(tx *sql.Tx) error { return s.documentRecord(ctx, tx, sc, id, p) }
	if n, ok := strings.CutPrefix(id, leafPrefix); ok && sc.All {
		var err error
		if p.Index, err = strconv.ParseInt(n, 10, 64); err != nil {
			return nil, input("prove", "%q is no number of a leaf", n)
		}
		find = func(tx *sql.Tx) error { return leafEntry(ctx, tx, p) }
	}
	if err := s.snapshot(ctx, "prove", find); err != nil {
		return nil, err
	}
	return s.prove(ctx, p)
}

// prove completes the proof of a leaf and holds it against the key.
func (s *Store) prove(ctx context.Context, p *proof.Inclusion) (*proof.Inclusion, error) {
	if err := s.covering(ctx, p.Index); err != nil {
		return nil, err
	}
	err := s.snapshot(ctx, "prove", func(tx *sql.Tx) error { return s.include(ctx, tx, p) })
	if errors.Is(err, errTree) {
		err = &Error{Kind: ErrDamaged, Op: "prove", Err: err, Hint: hints[ErrDamaged]}
	}
	if err != nil {
		return nil, err
	}
	if _, err := p.Verify(s.CheckpointKey()); err != nil {
		return nil, &Error{Kind: ErrDamaged, Op: "prove", Err: fmt.Errorf("leaf %d: %w", p.Index, err), Hint: hints[ErrDamaged]}
	}
	return p, nil
}

func leafEntry(ctx context.Context, tx *sql.Tx, p *proof.Inclusion) error {
	p.Subject = leafPrefix + strconv.FormatInt(p.Index, 10)
	return tx.QueryRowContext(ctx, `SELECT kind, entry FROM leaves WHERE seq = ?`, p.Index).Scan(&p.Kind, &p.Entry)
}

const sqlProveDocument = `SELECT d.id, d.set_id, d.replaces, d.version, d.controller, d.register, d.owner, d.sha256, d.size,
	d.frame_sha256, d.frame_size, d.facts, d.arrived, d.device, d.message_id, d.nullifies, r.verdict, r.payload,
	l.seq, l.kind, l.entry, t.salt
	FROM documents d JOIN series s ON s.set_id = d.set_id JOIN receipts r ON r.seq = d.seq JOIN leaves l ON l.seq = d.leaf
	JOIN salts t ON t.leaf = d.leaf WHERE d.id = ` + asText + ` AND `

// documentRecord reads the record of a document's leaf, field by field.
func (s *Store) documentRecord(ctx context.Context, tx *sql.Tx, sc Scope, id string, p *proof.Inclusion) error {
	in, args := sc.where("s.controller")
	var f documentFacts
	var verdict string
	var payload []byte
	err := tx.QueryRowContext(ctx, sqlProveDocument+in, append([]any{id}, args...)...).Scan(&f.id, &f.setID, &f.replaces,
		&f.version, &f.controller, &f.register, &f.owner, &f.sum, &f.size, &f.frameSum, &f.frameSize, &f.facts, &f.arrived,
		&f.device, &f.messageID, &f.nullifies, &verdict, &payload, &p.Index, &p.Kind, &p.Entry, &p.Salt)
	if err != nil {
		return err
	}
	findings, err := s.plain(place{inReceipts, f.id}, p.Salt, payload)
	if err != nil {
		return &Error{Kind: ErrDamaged, Op: "prove", Err: fmt.Errorf("receipt of document %s: %w", id, err), Hint: hints[ErrDamaged]}
	}
	p.Subject = "document " + f.id
	p.Fields = f.fields(verdict, findings)
	return nil
}

// fields are the record (see record) with names.
func (d *documentFacts) fields(verdict string, findings []byte) []proof.Field {
	text := func(name, v string) proof.Field { return proof.Field{Name: name, Text: &v} }
	num := func(name string, v int64) proof.Field { return proof.Field{Name: name, Int: &v} }
	octets := func(name string, v []byte) proof.Field { return proof.Field{Name: name, Bytes: &v} }
	return []proof.Field{
		text("id", d.id), text("set-id", d.setID), text("replaces", d.replaces), num("version", d.version),
		text("controller", d.controller), text("register", d.register), text("owner", d.owner),
		octets("sha256", d.sum), num("size", d.size), octets("frame-sha256", d.frameSum), num("frame-size", d.frameSize),
		octets("facts", d.facts), num("arrived", d.arrived), text("device", d.device), text("message-id", d.messageID),
		num("nullifies", d.nullifies), text("verdict", verdict), octets("findings", blob(findings)),
	}
}
