package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"portti/store/proof"
)

// oneRow narrows a check to one row: what its leaf must be the hash of is kept, and
// nothing is judged.
type oneRow struct {
	seq    int64
	salt   []byte
	record *record
}

// take keeps the record of the row that is asked for.
func (o *oneRow) take(seq int64, salt []byte, r *record) {
	if seq == o.seq {
		o.salt, o.record = salt, r
	}
}

// leafRows tells, for each kind of leaf but documents, the check that makes the record
// of its rows, and the names of the record's fields in order: text, unless int or
// bytes is said.
var leafRows = map[byte]struct {
	check  func(*checker, context.Context) error
	about  string
	fields string
}{
	leafUsage: {(*checker).usage, "usage row",
		"at:int data-controller log-controller system document action purpose refused content:bytes"},
	leafDisclosure: {(*checker).disclosures, "disclosure row",
		"at:int data-controller log-controller recipient document purpose ground refused content:bytes"},
	leafNullification: {(*checker).nullifications, "nullification",
		"set-id document by reason owner device message-id arrived:int frame-sha256:bytes verdict findings:bytes"},
	leafDisposal:  {leafyCheck(leafDisposal), "disposal", "document at:int reason content:bytes"},
	leafPurge:     {(*checker).purges, "purge", "log before:int at:int"},
	leafDirectory: {(*checker).directory, "directory entry", "kind key at:int removed:int sha256:bytes by"},
	leafTransfer: {(*checker).transfers, "transfer",
		"kind from-controller from-register to-controller to-register at:int series:int digest:bytes selection:bytes content:bytes"},
	leafTransferStep: {(*checker).steps, "transfer step", "transfer:int step at:int series:int digest:bytes by"},
	leafFlag:         {(*checker).flags, "flag", "set-id document controller state rule at:int content:bytes"},
	leafOrder:        {(*checker).orders, "order", "id kind organiser task unit recorder at:int arrived:int content:bytes"},
	leafEvent:        {leafyCheck(leafEvent), "event", "kind controller document subject:bytes known:int day:int at:int content:bytes"},
	leafHold:         {leafyCheck(leafHold), "hold", "kind controller subject:bytes at:int content:bytes"},
	leafRelease:      {leafyCheck(leafRelease), "release of a hold", "hold:int at:int content:bytes"},
	leafRun:          {leafyCheck(leafRun), "disposal run", "plan:bytes at:int content:bytes"},
	leafNotice:       {leafyCheck(leafNotice), "filed notice", "id owner sha256:bytes event:int arrived:int bundle-sha256:bytes"},
}

// leafyCheck checks the table of a kind of leaf.
func leafyCheck(kind byte) func(*checker, context.Context) error {
	return func(c *checker, ctx context.Context) error {
		i := slices.IndexFunc(leafyTables, func(t leafyTable) bool { return t.kind == kind })
		return c.leafy(ctx, &leafyTables[i])
	}
}

// leafNames tells how the leaf of a row is asked for by name: "disposal:" and the
// document's id, for one.
var leafNames = map[string]string{
	"leaf":          `SELECT seq FROM leaves WHERE seq = CAST(? AS INTEGER)`,
	"usage":         `SELECT leaf FROM usage_log WHERE seq = CAST(? AS INTEGER)`,
	"disclosure":    `SELECT leaf FROM disclosure_log WHERE seq = CAST(? AS INTEGER)`,
	"document":      `SELECT leaf FROM documents WHERE id = ?`,
	"nullification": `SELECT n.leaf FROM documents d JOIN nullifications n ON n.set_id = d.set_id AND n.document = d.seq WHERE d.id = ?`,
	"disposal":      `SELECT x.leaf FROM disposals x JOIN documents d ON d.seq = x.document WHERE d.id = ?`,
	"notice":        `SELECT leaf FROM filed_notices WHERE id = ?`,
}

// Leaf gives the number of a leaf by the name of its row: "leaf:", "usage:" or
// "disclosure:" and its number there; "document:", "nullification:" or "disposal:" and
// the document's id, whether disposed of or not; "notice:" and the notice's id. Numbers
// of leaves tell nothing of anybody, so no scope bounds them. Errors: ErrInput,
// ErrNotFound.
func (s *Store) Leaf(ctx context.Context, name string) (leaf int64, err error) {
	kind, id, _ := strings.Cut(name, ":")
	query := leafNames[kind]
	if query == "" || id == "" {
		return 0, input("prove", "%q names no leaf", name)
	}
	err = s.snapshot(ctx, "prove", func(tx *sql.Tx) error { return tx.QueryRowContext(ctx, query, id).Scan(&leaf) })
	return leaf, err
}

// ProveRow proves what stands in the row of a leaf, with its content: of a document,
// a log row, or any other deed. The content of a log row is personal; whoever hands it
// on logs that first. A scope that is not All sees the rows of its controllers' logs
// and documents.
//
// Errors: ErrNotFound where there is no such leaf in scope, or its row was purged or
// its document disposed of: Prove gives the leaf alone.
func (s *Store) ProveRow(ctx context.Context, sc Scope, leaf int64) (*proof.Inclusion, error) {
	const op = "prove"
	if err := sc.check(op); err != nil {
		return nil, err
	}
	p := &proof.Inclusion{Index: leaf}
	var subject int64
	var document string
	err := s.snapshot(ctx, op, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT l.kind, l.entry, l.subject, coalesce((SELECT d.id FROM documents d WHERE d.seq = l.subject AND d.leaf = l.seq), '')
			FROM leaves l WHERE l.seq = ?`, leaf).Scan(&p.Kind, &p.Entry, &subject, &document)
	})
	switch {
	case err != nil:
		return nil, err
	case p.Kind == leafDocument:
		return s.Prove(ctx, sc, document)
	}
	row := &oneRow{seq: subject}
	kind := leafRows[p.Kind]
	if kind.check == nil {
		return nil, &Error{Kind: ErrDamaged, Op: op, Err: fmt.Errorf("leaf %d is of an unknown kind", leaf), Hint: hints[ErrDamaged]}
	}
	if err := kind.check(&checker{s: s, r: new(CheckReport), one: row}, ctx); err != nil {
		return nil, fail(op, err)
	}
	if row.record == nil || row.salt == nil {
		return nil, &Error{Kind: ErrNotFound, Op: op}
	}
	if p.Fields, err = row.record.named(kind.fields); err != nil {
		return nil, &Error{Kind: ErrInternal, Op: op, Err: err}
	}
	if !sc.All && !ofLog(p, sc.Controllers) {
		return nil, &Error{Kind: ErrNotFound, Op: op}
	}
	p.Subject, p.Salt = fmt.Sprintf("%s %d", kind.about, subject), row.salt
	return s.prove(ctx, p)
}

// ofLog tells whether a proof is of a row of one of these controllers' logs.
func ofLog(p *proof.Inclusion, controllers []string) bool {
	f := p.Field("log-controller")
	return f != nil && f.Text != nil && slices.Contains(controllers, *f.Text)
}

var errRecord = errors.New("a record has not the fields of its kind")

// named gives the fields of a record with the names and types of its kind.
func (r *record) named(kinds string) (out []proof.Field, err error) {
	b := r.b
	for _, k := range strings.Fields(kinds) {
		if len(b) < 8 || uint64(len(b)-8) < binary.BigEndian.Uint64(b) {
			return nil, errRecord
		}
		n := binary.BigEndian.Uint64(b)
		v := slices.Clone(b[8 : 8+n])
		b = b[8+n:]
		name, kind, _ := strings.Cut(k, ":")
		f := proof.Field{Name: name}
		switch kind {
		case "int":
			if n != 8 {
				return nil, errRecord
			}
			i := int64(binary.BigEndian.Uint64(v))
			f.Int = &i
		case "bytes":
			f.Bytes = &v
		default:
			text := string(v)
			f.Text = &text
		}
		out = append(out, f)
	}
	if len(b) > 0 {
		return nil, errRecord
	}
	return out, nil
}
