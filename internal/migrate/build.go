package migrate

import (
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"portti/cda"
	"portti/xmldsig"
)

// Checker judges a document as the archive's engine would: what it finds, and
// whether it rejects. It must be safe for concurrent use.
type Checker func(document, frame []byte) (findings []Finding, rejected bool, err error)

// BuildOptions are what Build needs.
type BuildOptions struct {
	Mapping *Mapping
	Journal *Journal
	// Key and Certificate sign (SIG-1).
	Key         crypto.Signer
	Certificate *x509.Certificate
	// Check is the engine; nil leaves the judging to the archive.
	Check Checker
	Now   func() time.Time
	// Workers make documents side by side; default 2.
	Workers int
	// Limit is a document's greatest size; default 20 MB.
	Limit int64
	// DropBodies keeps no documents: a plan.
	DropBodies bool
	// Again reads rows anew that became no document, after the mapping, the table or
	// the files were mended. What was made stays as it is.
	Again bool
	// Production: see Sending.
	Production bool
	// Progress is called now and then; may be nil.
	Progress func(Built)
	// Measured is called for each document; may be nil.
	Measured func(class int, size int64, findings []Finding)
}

// Built counts what a build has done.
type Built struct {
	Rows, Documents, Refused, Duplicates int64
	Bytes                                int64
}

// ErrChanged: the table is not that of the journal.
var ErrChanged = errors.New("the table has changed since this build began: --again takes rows that were mended in their places; else put the old table back, or use a new work directory")

// builder is one run of Build.
type builder struct {
	BuildOptions
	files   files
	sending Sending
	began   time.Time
	window  []chan *made
	count   Built
	last    int64
	// relation and caseKey are the keys last made a document of.
	relation, caseKey string
}

// made is what a worker made of a row.
type made struct {
	facts     *facts
	content   string
	document  *signed
	originals []original
	findings  []Finding
	err       error // a Refusal, or a failure
}

// Build makes documents of every row that the journal does not know yet, and the
// relationships and cases around them. It ends early, with the state kept, when
// ctx ends.
func Build(ctx context.Context, o BuildOptions) (Built, error) {
	if o.Workers <= 0 {
		o.Workers = 2
	}
	if o.Limit <= 0 {
		o.Limit = 20 << 20
	}
	b := &builder{BuildOptions: o, began: o.Now(), sending: o.Mapping.Sending()}
	b.sending.Production = o.Production
	if err := b.prepare(ctx); err != nil {
		return b.count, err
	}
	t, err := openTable(o.Mapping)
	if err != nil {
		return b.count, err
	}
	if b.files, err = openFiles(o.Mapping.path(o.Mapping.Files), o.Journal.Dir); err != nil {
		return b.count, errors.Join(err, t.Close())
	}
	err = b.rows(ctx, t)
	if err == nil {
		err = b.around(ctx)
	}
	err = errors.Join(err, b.Journal.commit(), t.Close(), b.files.Close())
	b.report()
	return b.count, err
}

// prepare holds the table against the journal and looks through it once for the
// identity codes of client numbers.
func (b *builder) prepare(ctx context.Context) error {
	now, err := b.Mapping.identity()
	if err != nil {
		return err
	}
	before, err := b.Journal.meta("table")
	switch {
	case err != nil:
		return err
	case before != "" && before != now && !b.Again:
		return ErrChanged
	}
	if v, err := b.Journal.meta("row"); err != nil {
		return err
	} else if v != "" {
		if b.last, err = strconv.ParseInt(v, 10, 64); err != nil {
			return fmt.Errorf("%w: row %q", ErrJournal, v)
		}
	}
	if before != now {
		if _, err := b.Journal.exec(`DELETE FROM aliases`); err != nil {
			return err
		}
		if err := b.numbers(ctx); err != nil {
			return err
		}
	}
	return errors.Join(b.Journal.setMeta("table", now), b.Journal.setSending(b.sending), b.Journal.commit())
}

// numbers notes which client number has which identity code.
func (b *builder) numbers(ctx context.Context) error {
	t, err := openTable(b.Mapping)
	if err != nil {
		return err
	}
	defer t.Close()
	for ctx.Err() == nil {
		row, err := t.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		n := row.Values["client"]
		h, ok := hetuOf(strings.ToUpper(strings.ReplaceAll(row.Values["hetu"], " ", "")))
		if n == "" || !ok {
			continue
		}
		if err := b.Journal.alias(n, "h:"+h.Value); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// rows goes through the table. One goroutine reads rows, asks the journal and
// writes into it, in the rows' order; workers make the documents between.
func (b *builder) rows(ctx context.Context, t table) error {
	for ctx.Err() == nil {
		row, err := t.next()
		if errors.Is(err, io.EOF) {
			return b.drain(0)
		}
		if err != nil {
			return errors.Join(err, b.drain(0))
		}
		if done, err := b.done(row); err != nil {
			return errors.Join(err, b.drain(0))
		} else if done {
			continue
		}
		if err := b.start(row); err != nil {
			return err
		}
		if err := b.drain(2 * b.Workers); err != nil {
			return err
		}
	}
	return errors.Join(ctx.Err(), b.drain(0))
}

// done tells that a row has its end from an earlier run.
func (b *builder) done(row *Row) (bool, error) {
	if row.Number > b.last || !b.Again {
		return row.Number <= b.last, nil
	}
	r, err := b.Journal.row(`SELECT state, old_id FROM rows WHERE row=?`, row.Number)
	if err != nil {
		return false, err
	}
	var state, oldID string
	if err := r.Scan(&state, &oldID); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, err
	}
	if state == "built" && row.Fault == nil && row.Values["id"] != oldID {
		return false, fmt.Errorf("%w: row %d, of which a document was made, has another id", ErrChanged, row.Number)
	}
	return state == "built", nil
}

// start hands a row to a worker.
func (b *builder) start(row *Row) error {
	f, err := readFacts(row, b.Mapping, b.began)
	if err == nil {
		err = b.Journal.identify(&f.client, b.Mapping, f.controller, f.date.Year())
	}
	out := make(chan *made, 1)
	b.window = append(b.window, out)
	if err != nil {
		if _, ours := asRefusal(err); !ours {
			return err
		}
		out <- &made{facts: &facts{row: row.Number, oldID: row.Values["id"]}, err: err}
		return nil
	}
	go func() { out <- b.make(row, f) }()
	return nil
}

// drain takes finished rows in their order until at most n are under way.
func (b *builder) drain(n int) error {
	for len(b.window) > n {
		m := <-b.window[0]
		b.window = b.window[1:]
		if err := b.finish(m); err != nil {
			return err
		}
	}
	return nil
}

// make makes the document of a row.
func (b *builder) make(row *Row, f *facts) *made {
	m := &made{facts: f}
	c, err := readContent(row, b.Mapping, b.files, b.Limit)
	if err != nil {
		m.err = err
		return m
	}
	m.content = contentKey(f, c)
	b.place(f, m.content)
	p := &paper{class: classDocument, oid: f.oid, kind: f.kind, title: f.kind.Display, written: f.date, created: b.began, language: f.language,
		client: &f.client, controller: f.controller, unit: f.unit, task: f.task, caseOID: f.caseOID, relation: f.relationOID, content: c}
	if b.Mapping.Originals == "attach" {
		m.originals = c.originals
	}
	m.document, m.findings, m.err = b.sign(p)
	if m.err == nil {
		m.err = b.fits(m)
	}
	return m
}

// fits refuses a document that would be too large a message with its originals.
func (b *builder) fits(m *made) error {
	whole := m.document.size
	for _, o := range m.originals {
		whole += int64(len(o.bytes))
	}
	if len(m.originals) > 0 && whole > b.Limit {
		return refuse(ReasonFileSize, "%d octets with its originals", whole)
	}
	return nil
}

// place gives the document its id, its case and its relationship. They follow from
// the old system's own identifiers, so that building again gives the same.
func (b *builder) place(f *facts, content string) {
	if f.oldID != "" {
		f.oid = b.Mapping.newOID(f.date.Year(), "document", f.controller.OID, f.oldID)
	} else {
		f.oid = b.Mapping.newOID(f.date.Year(), "content", content)
	}
	if b.Mapping.makes("relationships") {
		f.relationOID = b.Mapping.newOID(b.bornYear(f), "relation", f.relationKey())
	}
	switch {
	case cda.ValidOID(f.caseNumber):
		f.caseOID = f.caseNumber
	case b.Mapping.makes("cases"):
		f.caseOID = b.Mapping.newOID(b.bornYear(f), "case", f.caseKey())
	}
}

// bornYear is a year that is the same for all documents of a client.
func (b *builder) bornYear(f *facts) int {
	y, err := strconv.Atoi(f.client.born[:min(4, len(f.client.born))])
	if err != nil {
		return b.began.Year()
	}
	return y
}

func (f *facts) relationKey() string { return f.controller.OID + "|" + f.client.key }

func (f *facts) caseKey() string {
	if f.caseNumber != "" {
		return f.controller.OID + "|number|" + f.caseNumber
	}
	return f.controller.OID + "|" + f.client.key + "|" + f.task.Code
}

// signed is a document as it is kept.
type signed struct {
	size   int64
	sum    [sha256.Size]byte
	packed []byte // nil where no documents are kept
}

// sign writes, signs and judges a document.
func (b *builder) sign(p *paper) (*signed, []Finding, error) {
	doc, err := xmldsig.SignDocument(p.write(b.Mapping), xmldsig.SignOptions{
		Key: b.Key, Certificate: b.Certificate, Type: xmldsig.TypeSystem, Time: b.began, ID: "sig-" + number("signature", p.oid),
	})
	if err != nil {
		return nil, nil, fmt.Errorf("migrate: signing: %w", err)
	}
	if int64(len(doc)) > b.Limit {
		return nil, nil, refuse(ReasonFileSize, "%d octets as a document", len(doc))
	}
	out := &signed{size: int64(len(doc)), sum: sha256.Sum256(doc)}
	if !b.DropBodies {
		out.packed = pack(doc)
	}
	if b.Check == nil {
		return out, nil, nil
	}
	framed, err := b.sending.Frame(doc, nil, "1", b.began)
	if err != nil {
		return nil, nil, err
	}
	fs, rejected, err := b.Check(doc, framed)
	if err != nil {
		return nil, nil, err
	}
	if rejected {
		r := refuse(ReasonRejected, "%s", errorRules(fs))
		r.Findings = fs
		return nil, fs, r
	}
	return out, fs, nil
}

// errorRules names the rules that reject.
func errorRules(fs []Finding) string {
	var out []string
	for _, f := range fs {
		if f.Severity == "error" {
			out = append(out, f.Rule)
		}
	}
	return strings.Join(out, " ")
}

// finish writes one row's outcome.
func (b *builder) finish(m *made) error {
	b.count.Rows++
	err := m.err
	if err == nil {
		err = b.keep(m)
	}
	if err != nil {
		r, ours := asRefusal(err)
		if !ours {
			return err
		}
		state := "refused"
		if r.Reason == ReasonDuplicate {
			state = "duplicate"
			b.count.Duplicates++
		} else {
			b.count.Refused++
		}
		if err := b.Journal.tell(m.facts.row, m.facts.oldID, state, r, 0); err != nil {
			return err
		}
	}
	if err := errors.Join(b.Journal.setMeta("row", strconv.FormatInt(max(b.last, m.facts.row), 10)), b.Journal.tick()); err != nil {
		return err
	}
	if b.count.Rows%64 == 0 {
		b.report()
	}
	return nil
}

func (b *builder) report() {
	if b.Progress != nil {
		b.Progress(b.count)
	}
}

// keep writes a document, unless its content or its old id is there already.
func (b *builder) keep(m *made) error {
	f := m.facts
	r, err := b.Journal.row(`SELECT row, coalesce(content,''), oid FROM documents WHERE content=? OR oid=? OR old_id=? ORDER BY content=? DESC LIMIT 1`,
		m.content, f.oid, f.controller.OID+"|"+f.oldID, m.content)
	if err != nil {
		return err
	}
	var first int64
	var content, oid string
	switch err := r.Scan(&first, &content, &oid); {
	case err == nil && content == m.content:
		return refuse(ReasonDuplicate, "row %d", first)
	case err == nil:
		return refuse(ReasonRepeated, "row %d", first)
	case !errors.Is(err, sql.ErrNoRows):
		return err
	}
	if err := b.belong(f); err != nil {
		return err
	}
	seq, err := b.store(classDocument, f.oid, f.row, m.content, f.oldID, f.controller.OID, f.date, m.document, m.findings)
	if err != nil {
		return err
	}
	for i, o := range m.originals {
		if b.DropBodies {
			break
		}
		if _, err := b.Journal.exec(`INSERT INTO originals VALUES(?,?,?,?)`, seq, i+1, o.mediaType, o.bytes); err != nil {
			return err
		}
	}
	return b.Journal.tell(f.row, f.oldID, "built", nil, seq)
}

// store writes a document's row and bytes.
func (b *builder) store(c class, oid string, row int64, content, oldID, controller string, written time.Time, doc *signed, fs []Finding) (int64, error) {
	if doc == nil { // one that the engine rejects
		doc = &signed{}
	}
	null := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	if oldID != "" {
		oldID = controller + "|" + oldID
	}
	res, err := b.Journal.exec(`INSERT INTO documents(class, oid, row, content, old_id, size, sha256, controller, written) VALUES(?,?,?,?,?,?,?,?,?)`,
		c, oid, row, null(content), null(oldID), doc.size, doc.sum[:], controller, written.Unix())
	if err != nil {
		return 0, err
	}
	seq, err := res.LastInsertId()
	if err != nil {
		return 0, err
	}
	if doc.packed != nil {
		if _, err := b.Journal.exec(`INSERT INTO bodies VALUES(?,?)`, seq, doc.packed); err != nil {
			return 0, err
		}
	}
	b.count.Documents++
	b.count.Bytes += doc.size
	if b.Measured != nil {
		b.Measured(int(c), doc.size, fs)
	}
	return seq, nil
}
