package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"portti/internal/finding"
)

// FiledBundle is a bundle of disclosure notices (luovutusilmoitus, LUO-6) as it
// came. All of it is kept, or nothing.
type FiledBundle struct {
	// ContentType and Body are the exact message, Authorization the token that came
	// with it: kept, not verified.
	ContentType, Authorization string
	Body                       []byte
	// Owner is the organisation that sent it, by its certificate.
	Owner   string
	Notices []FiledNotice
	Message Message
	// Usage are the usage-log rows of the deed; a refused attempt is logged with its rule.
	Usage []Usage
}

// FiledNotice is one notice of a bundle.
type FiledNotice struct {
	// ID is the notice's OID, Sum the hash of what it says.
	ID  string
	Sum [sha256.Size]byte
	// Controller is who disclosed, Event when.
	Controller  string
	Event       time.Time
	Disclosures []Disclosure
}

// FileOutcome is what became of a bundle: for each notice whether it was filed now
// (else it had been before), or why the bundle was refused.
type FileOutcome struct {
	Filed []bool
	// Arrived is when each notice came the first time.
	Arrived []time.Time
	// Refused is the place in Notices of the one that refused the bundle, with its findings.
	Refused  int
	Findings []finding.Finding
}

// filedPayload is what is kept of the message.
type filedPayload struct {
	ContentType   string `json:"contentType"`
	Authorization string `json:"authorization,omitempty"`
	Body          []byte `json:"body"`
}

func noticeRecord(id, owner string, sum []byte, event, arrived int64, bundle []byte) *record {
	return new(record).text(id, owner).bytes(sum).int(event, arrived).bytes(bundle)
}

// filing is a FiledBundle ready for the writer.
type filing struct {
	*FiledBundle
	arrived time.Time
	event   int64
	sum     [sha256.Size]byte // of the payload's plain form
	payload []byte            // sealed when written
	key     *dataKey
	rows    [][]disclosureRow
	leaves  []leaf
	usage   []usageRow
	message messageRow
}

// File keeps a bundle of disclosure notices with the disclosure-log rows of each,
// durably. A notice that was filed before with the same content is left as it is
// and told so: sending again does no harm. A notice whose id stands for other
// content refuses the whole bundle, which is logged as suspicious.
func (s *Store) File(ctx context.Context, b FiledBundle) (out FileOutcome, err error) {
	const op = "file"
	f, err := s.prepareFiling(ctx, &b)
	if err != nil {
		return out, fail(op, err)
	}
	err = s.do(ctx, op, len(f.payload), func(t *tx) (err error) {
		out, err = t.file(f)
		return err
	})
	return out, err
}

func (s *Store) prepareFiling(ctx context.Context, b *FiledBundle) (*filing, error) {
	if len(b.Notices) == 0 || b.Owner == "" {
		return nil, input("file", "notices or owner are missing")
	}
	f := &filing{FiledBundle: b, arrived: s.arrival(b.Message.Arrived)}
	f.message = s.messageRow(&b.Message, f.arrived)
	for _, n := range b.Notices {
		f.event = max(f.event, micros(n.Event))
	}
	plain, err := json.Marshal(filedPayload{b.ContentType, b.Authorization, b.Body})
	if err != nil {
		return nil, err
	}
	f.sum, f.payload = sha256.Sum256(plain), pack(plain)
	if f.key, err = s.sealingKey(ctx, "", sealLogs); err != nil {
		return nil, err
	}
	if f.message.key, err = s.sealingKey(ctx, "", sealMessages); err != nil {
		return nil, err
	}
	if f.usage, err = s.usageRows(ctx, b.Usage, f.arrived, s.sealingKey); err != nil {
		return nil, err
	}
	for i := range b.Notices {
		if err := s.prepareNotice(ctx, f, &b.Notices[i]); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (s *Store) prepareNotice(ctx context.Context, f *filing, n *FiledNotice) error {
	if n.ID == "" || n.Event.IsZero() || len(n.Disclosures) == 0 {
		return input("file", "a notice lacks id, event or disclosures")
	}
	rows, err := s.disclosureRows(ctx, n.Disclosures, f.arrived, s.sealingKey)
	if err != nil {
		return err
	}
	l, err := newLeaf(leafNotice, noticeRecord(n.ID, f.Owner, n.Sum[:], f.event, micros(f.arrived), f.sum[:]), s.opt.Random)
	if err != nil {
		return err
	}
	f.rows, f.leaves = append(f.rows, rows), append(f.leaves, l)
	return nil
}

// bundlePlace is where a message stands: it is told by its hash.
func bundlePlace(sum []byte) place { return place{inBundles, hex.EncodeToString(sum)} }

const (
	sqlFiled = `SELECT sha256, owner, arrived FROM filed_notices WHERE id = ` + asText
	sqlFile  = `INSERT INTO filed_notices (seq, id, owner, sha256, event, arrived, bundle, leaf)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
	sqlBundle = `INSERT INTO filed_bundles (sha256, event, payload) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`
)

func (t *tx) file(f *filing) (out FileOutcome, err error) {
	out = FileOutcome{Filed: make([]bool, len(f.Notices)), Arrived: make([]time.Time, len(f.Notices)), Refused: -1}
	for i := range f.Notices {
		n := &f.Notices[i]
		var sum []byte
		var owner string
		var arrived int64
		known, err := t.found(sqlFiled, []any{n.ID}, &sum, &owner, &arrived)
		switch {
		case err != nil:
			return out, err
		case !known:
			out.Filed[i], out.Arrived[i] = true, f.arrived
		case owner != f.Owner || !bytes.Equal(sum, n.Sum[:]):
			return t.refuseFiling(f, i, out)
		default:
			out.Arrived[i] = fromMicros(arrived)
		}
	}
	return out, t.keepFiling(f, &out)
}

func (t *tx) refuseFiling(f *filing, i int, out FileOutcome) (FileOutcome, error) {
	out.Refused, out.Findings = i, one(RuleNoticeTaken, f.Notices[i].ID)
	clear(out.Filed)
	m := f.message
	m.raw = f.payload
	if err := t.logMessage(&m, Refused, []string{RuleNoticeTaken}, true, 0); err != nil {
		return out, err
	}
	return out, t.logUsage(f.usage, RuleNoticeTaken)
}

func (t *tx) keepFiling(f *filing, out *FileOutcome) error {
	kind := Duplicate
	if slices.Contains(out.Filed, true) {
		payload, err := t.w.s.seal(f.key, bundlePlace(f.sum[:]), nil, f.payload)
		if err != nil {
			return err
		}
		if err := t.exec(sqlBundle, f.sum[:], f.event, payload); err != nil {
			return err
		}
	}
	for i, now := range out.Filed {
		if !now {
			continue
		}
		kind = Archived
		if err := t.keepNotice(f, i); err != nil {
			return err
		}
	}
	if kind == Archived { // a duplicate uses nobody's data
		if err := t.logUsage(f.usage, ""); err != nil {
			return err
		}
	}
	return t.logMessage(&f.message, kind, nil, f.message.Suspicious, 0)
}

func (t *tx) keepNotice(f *filing, i int) error {
	n := &f.Notices[i]
	seq, err := t.number("filed_notices")
	if err != nil {
		return err
	}
	leaf, err := t.leaf(&f.leaves[i], seq)
	if err != nil {
		return err
	}
	err = t.exec(sqlFile, seq, n.ID, f.Owner, n.Sum[:], f.event, micros(f.arrived), f.sum[:], leaf)
	if err != nil {
		return err
	}
	return t.logDisclosures(f.rows[i])
}

// Filed gives the exact message that brought a notice. A scope sees it by its
// owner. Errors: ErrNotFound.
func (s *Store) Filed(ctx context.Context, sc Scope, id string) (contentType string, body []byte, err error) {
	const op = "filed"
	if err := sc.check(op); err != nil {
		return "", nil, err
	}
	in, args := sc.where("n.owner")
	q := `SELECT b.sha256, b.payload FROM filed_notices n JOIN filed_bundles b ON b.sha256 = n.bundle WHERE n.id = ` + asText + ` AND ` + in
	var p filedPayload
	err = s.reading(op, func(db *sql.DB) error {
		var sum, payload []byte
		if err := db.QueryRowContext(ctx, q, append([]any{id}, args...)...).Scan(&sum, &payload); err != nil {
			return err
		}
		return s.openPayload(bundlePlace(sum), payload, &p)
	})
	return p.ContentType, p.Body, err
}
