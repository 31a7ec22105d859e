package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"slices"
)

// Statement is a document in force that says something of a client, with what it
// says.
type Statement struct {
	Version
	State State
}

// ClientState is all that the archive's documents in force and its orders say of a
// client.
type ClientState struct {
	// Statements stand in order of arrival.
	Statements []Statement
	// Orders stand in order of arrival.
	Orders []Order
	// Mark is what a document that is judged by this brings along (Archival.Judged).
	Mark StateMark
}

// maxLinks bounds how many ids one client may be known by.
const maxLinks = 32

// ClientState gives what is known of a client under every id that documents in
// force join to the one given (DOC-10). It looks beyond the scope's controllers,
// for a client's will and relationships count wherever they were recorded: sc must
// say All, and what comes out is for deciding access only, never for an answer.
//
// A client of whom nothing is known has an empty state.
func (s *Store) ClientState(ctx context.Context, sc Scope, client string) (ClientState, error) {
	var out ClientState
	if err := sc.check("state"); err != nil {
		return out, err
	}
	if !sc.All {
		return out, input("state", "the scope must be All")
	}
	err := s.snapshot(ctx, "state", func(tx *sql.Tx) error {
		keys, err := linked(ctx, tx, sc, s.keys.client(client))
		if err != nil {
			return err
		}
		if out.Statements, err = statements(ctx, tx, keys, keys); err != nil {
			return err
		}
		if out.Orders, err = s.orders(ctx, tx, keys); err != nil {
			return err
		}
		out.Mark, err = markAt(ctx, tx, keys)
		return err
	})
	return out, err
}

// CaseStatement gives the case document in force of an asiatunnus, whoever's it
// is; nil where there is none. Self is set for the client. As ClientState, it is
// for deciding access only.
func (s *Store) CaseStatement(ctx context.Context, sc Scope, caseID, client string) (*Statement, error) {
	return s.oneStatement(ctx, sc, s.keys.sum(byCase, caseID), client, func(x *State) bool { return x.Case != nil && x.Case.ID == caseID })
}

// RelationshipStatement is CaseStatement for the id of a client relationship.
func (s *Store) RelationshipStatement(ctx context.Context, sc Scope, id, client string) (*Statement, error) {
	return s.oneStatement(ctx, sc, s.keys.sum(byRelationship, id), client, func(x *State) bool { return x.Relationship != nil && x.Relationship.ID == id })
}

func (s *Store) oneStatement(ctx context.Context, sc Scope, k key, client string, is func(*State) bool) (out *Statement, err error) {
	if err := sc.check("state"); err != nil {
		return nil, err
	}
	if !sc.All {
		return nil, input("state", "the scope must be All")
	}
	err = s.snapshot(ctx, "state", func(tx *sql.Tx) error {
		self, err := linked(ctx, tx, sc, s.keys.client(client))
		if err != nil {
			return err
		}
		found, err := statements(ctx, tx, []key{k}, self)
		for i := range found {
			if is(&found[i].State) {
				out = &found[i] // the last to arrive
			}
		}
		return err
	})
	return out, err
}

const sqlLinks = `SELECT d.keys, d.facts FROM state_keys k JOIN doc_state d ON d.seq = k.seq
	JOIN documents x ON x.seq = k.seq JOIN series s ON s.set_id = x.set_id
	WHERE k.key = ` + asBlob + ` AND d.linked = 1 AND s.nullified IS NULL AND `

// querier is a read transaction or the writer's own.
type querier interface {
	QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, q string, args ...any) *sql.Row
}

// linked gives the keys of all ids that documents join to one, that one first. A
// document joins ids by naming one client by several; it does so as long as its
// series is not nullified, whatever later versions name; and within the scope's
// registers alone, for a temporary id is unique only where it was given.
func linked(ctx context.Context, tx querier, sc Scope, k key) ([]key, error) {
	out := []key{k}
	for i := 0; i < len(out) && len(out) < maxLinks; i++ {
		more, err := linksOf(ctx, tx, sc, out[i])
		if err != nil {
			return nil, err
		}
		for _, m := range more {
			if !slices.Contains(out, m) && len(out) < maxLinks {
				out = append(out, m)
			}
		}
	}
	return out, nil
}

func linksOf(ctx context.Context, tx querier, sc Scope, k key) (out []key, err error) {
	in, args := sc.where("s.controller")
	rows, err := tx.QueryContext(ctx, sqlLinks+in, append([]any{k[:]}, args...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var keys []byte
		var facts string
		if err := rows.Scan(&keys, &facts); err != nil {
			return nil, err
		}
		var s State
		if err := json.Unmarshal([]byte(facts), &s); err != nil {
			return nil, damagedState(err)
		}
		for _, p := range s.Persons() {
			if p.has([]key{k}) {
				out = append(out, p.keys()...)
			}
		}
	}
	return out, rows.Err()
}

func damagedState(err error) error {
	return &Error{Kind: ErrDamaged, Op: "state", Err: err, Hint: "rebuild the index"}
}

func (p *Person) keys() (out []key) {
	for _, id := range p.IDs {
		var k key
		if n, err := hex.Decode(k[:], []byte(id)); err == nil && n == keySize {
			out = append(out, k)
		}
	}
	return out
}

func (p *Person) has(keys []key) bool {
	return slices.ContainsFunc(p.keys(), func(k key) bool { return slices.Contains(keys, k) })
}

const sqlStatements = sqlVersion + `, t.facts, d.seq FROM state_keys k JOIN doc_state t ON t.seq = k.seq
	JOIN documents d ON d.seq = k.seq JOIN series s ON s.set_id = d.set_id
	WHERE k.key = ` + asBlob + ` AND s.newest = d.seq AND s.nullified IS NULL`

// statements gives the documents in force under keys, in order of arrival. self
// are the keys of the client that is asked for.
func statements(ctx context.Context, tx querier, keys, self []key) ([]Statement, error) {
	bySeq := make(map[int64]Statement)
	for _, k := range keys {
		if err := statementsOf(ctx, tx, k, self, bySeq); err != nil {
			return nil, err
		}
	}
	seqs := make([]int64, 0, len(bySeq))
	for seq := range bySeq {
		seqs = append(seqs, seq)
	}
	slices.Sort(seqs)
	out := make([]Statement, len(seqs))
	for i, seq := range seqs {
		out[i] = bySeq[seq]
	}
	return out, nil
}

func statementsOf(ctx context.Context, tx querier, k key, self []key, into map[int64]Statement) error {
	rows, err := tx.QueryContext(ctx, sqlStatements, k[:])
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var x Statement
		var facts string
		var seq int64
		if err := scanVersion(rows.Scan, &x.Version, &facts, &seq); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(facts), &x.State); err != nil {
			return damagedState(err)
		}
		for _, p := range x.State.Persons() {
			p.Self = p.has(self)
		}
		into[seq] = x
	}
	return rows.Err()
}
