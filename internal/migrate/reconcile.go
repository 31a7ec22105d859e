package migrate

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"
)

func sorted(m map[string]*Problem) []*Problem {
	return slices.SortedFunc(maps.Values(m), func(a, b *Problem) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.ID, b.ID))
	})
}

// Kept is a document that the archive has acknowledged.
type Kept struct {
	Seq        int64
	OID        string
	SHA256     string
	Controller string
}

// Witness asks an archive whether it holds documents. It gives, for each, whether
// it is there as it was sent.
type Witness interface {
	// Name says how the archive was asked.
	Name() string
	Holds(ctx context.Context, page []Kept) ([]bool, error)
}

// Reconciliation holds the source against the archive.
type Reconciliation struct {
	// By is how the archive was asked.
	By string
	// Rows are all rows of the source: each must be archived, rejected, refused, a
	// duplicate, or still to be sent.
	Rows, Archived, Rejected, Refused, Duplicate, Open int64
	// Asked are acknowledged documents, of all kinds, Held those that the archive
	// holds, Missing the ids of others (the first thousand).
	Asked, Held int64
	Missing     []string
}

// Complete tells that every row has its end and the archive holds all that it
// acknowledged.
func (r *Reconciliation) Complete() bool {
	return r.Rows == r.Archived+r.Rejected+r.Refused+r.Duplicate && r.Open == 0 && r.Asked == r.Held && len(r.Missing) == 0
}

const maxMissing = 1000

// Reconcile asks the archive about every acknowledged document.
func (j *Journal) Reconcile(ctx context.Context, w Witness) (*Reconciliation, error) {
	r := &Reconciliation{}
	err := j.Records(ctx, "en", func(x Record) error {
		if x.Row == 0 {
			return nil
		}
		r.Rows++
		switch x.State {
		case "archived":
			r.Archived++
		case "rejected":
			r.Rejected++
		case "refused":
			r.Refused++
		case "duplicate":
			r.Duplicate++
		default:
			r.Open++
		}
		return nil
	})
	for from := int64(0); err == nil; {
		var page []Kept
		err = j.query(ctx, func(rows *sql.Rows) error {
			var k Kept
			var sum []byte
			if err := rows.Scan(&k.Seq, &k.OID, &sum, &k.Controller); err != nil {
				return err
			}
			k.SHA256 = hex.EncodeToString(sum)
			page = append(page, k)
			return nil
		}, `SELECT d.seq, d.oid, d.sha256, d.controller FROM documents d JOIN answers a USING(seq) WHERE a.state='archived' AND d.seq>? ORDER BY d.seq LIMIT 100`, from)
		if err != nil || len(page) == 0 {
			break
		}
		from = page[len(page)-1].Seq
		var held []bool
		if held, err = w.Holds(ctx, page); err != nil {
			break
		}
		for i, ok := range held {
			r.Asked++
			switch {
			case ok:
				r.Held++
			case len(r.Missing) < maxMissing:
				r.Missing = append(r.Missing, page[i].OID)
			}
		}
	}
	r.By = w.Name() // what an archive can be asked is known when it has been
	return r, err
}

// both asks two witnesses.
type both struct{ first, second Witness }

// Both makes a Witness for which a document is there where both say so.
func Both(first, second Witness) Witness { return both{first, second} }

// Name implements Witness.
func (w both) Name() string { return w.first.Name() + ", " + w.second.Name() }

// Holds implements Witness.
func (w both) Holds(ctx context.Context, page []Kept) ([]bool, error) {
	out, err := w.first.Holds(ctx, page)
	if err != nil {
		return nil, err
	}
	more, err := w.second.Holds(ctx, page)
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i] = out[i] && more[i]
	}
	return out, nil
}

// Document gives a built document by its id.
func (j *Journal) Document(ctx context.Context, oid string) (b []byte, err error) {
	if err := j.read.QueryRowContext(ctx, `SELECT bytes FROM bodies JOIN documents USING(seq) WHERE oid=?`, oid).Scan(&b); err != nil {
		return nil, err
	}
	return unpack(b)
}

// resend is a Witness for any archive: it sends each document once more. An archive
// tells by id and bytes what it holds already, and answers as it did the first time.
type resend struct {
	j       *Journal
	t       Transport
	sending Sending
	now     func() time.Time
	n       int64
}

// ResendWitness makes a Witness that needs nothing of an archive but idempotency.
func ResendWitness(j *Journal, t Transport, now func() time.Time) (Witness, error) {
	s, err := j.Sending()
	if err != nil {
		return nil, err
	}
	return &resend{j: j, t: t, sending: s, now: now}, j.commit()
}

func (w *resend) Name() string { return "resend" }

func (w *resend) Holds(ctx context.Context, page []Kept) ([]bool, error) {
	out := make([]bool, len(page))
	for i, k := range page {
		doc, more, err := w.j.load(ctx, k.Seq, k.OID)
		if err != nil {
			return nil, err
		}
		w.n++
		framed, err := w.sending.Frame(doc, more, strconv.FormatInt(w.now().UnixMilli(), 10)+"9"+strconv.FormatInt(w.n, 10), w.now())
		if err != nil {
			return nil, err
		}
		for attempt := 1; ; attempt++ {
			r, err := w.t.Send(ctx, framed)
			if o := judge(r, err); o == well || o == answered {
				out[i] = o == well
				break
			} else if attempt == 8 {
				return nil, errors.Join(ErrPatience, err)
			}
			if err := Pause(ctx, attempt); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}
