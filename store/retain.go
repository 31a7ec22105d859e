package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"
)

// RetentionFacts are what the retention period of a document version hangs on.
// Days are at midnight UTC; a zero day is not known.
type RetentionFacts struct {
	Version
	Group, GeneralType, SpecificType, Phase, Class string
	Tasks                                          []string
	Case                                           string
	Effective                                      time.Time
	// Next is the effective time of the version that replaced this one, zero for the newest.
	Next time.Time
	// Clients are the clients' days, the main client's first.
	Clients []ClientDays
	// CaseClosed is when the document's case was closed.
	CaseClosed time.Time
	// LastCaseClosed is when the last of the clients' cases of the same tasks was
	// closed; zero while one is open. Only where the policy asks for it.
	LastCaseClosed time.Time
	// DecisionEnd is when the decision's validity ended.
	DecisionEnd time.Time
	// Holds are the legal holds in force over it.
	Holds []int64
}

// ClientDays are what is known of a client.
type ClientDays struct{ Birth, Death, NeedEnded time.Time }

// RetentionPolicy tells when a document may go. It is asked in the writer too: it
// must be quick and must not call the store.
type RetentionPolicy interface {
	// LastCase tells whether the closing of the clients' last case matters for
	// documents of these tasks.
	LastCase(tasks []string) bool
	// Due gives the first day on which the document may be disposed of, and the rule
	// that says so; a zero time means that it may not, or not yet known.
	Due(*RetentionFacts) (day time.Time, rule string)
}

// facts is RetentionFacts in the making.
type facts struct {
	keys    *keyer
	r       RetentionFacts
	seq     int64
	clients []byte // index keys of the clients
	size    int64
	// controllers are the present one and the one at arrival: what was known or held
	// before a change of controller stays so.
	controllers []string
	// ids are, for each client, the keys of all ids that the client is known by (DOC-10).
	ids [][]key
}

const retentionFields = `, d.seq, d.controller, d.size, i.doc_group, i.general_type, i.specific_type, i.phase, i.retention_class, i.tasks, i.case_id,
	i.effective, substr(i.keys, 1, 16 * i.clients), (SELECT coalesce(ni.effective, n.arrived) FROM documents n
		LEFT JOIN doc_index ni ON ni.seq = n.seq WHERE n.set_id = d.set_id AND n.version = d.version + 1)
	FROM documents d JOIN series s ON s.set_id = d.set_id JOIN doc_index i ON i.seq = d.seq AND NOT EXISTS (SELECT 1 FROM disposals x WHERE x.document = d.seq) `

func (f *facts) scan(rows *sql.Rows) error {
	r := &f.r
	var effective int64
	var next sql.NullInt64
	var tasks, original string
	err := scanVersion(rows.Scan, &r.Version, &f.seq, &original, &f.size, &r.Group, &r.GeneralType, &r.SpecificType, &r.Phase, &r.Class, &tasks, &r.Case,
		&effective, &f.clients, &next)
	if err != nil {
		return err
	}
	if f.controllers = []string{r.Controller}; original != r.Controller {
		f.controllers = append(f.controllers, original)
	}
	r.Effective, r.Tasks = fromMicros(effective), strings.Fields(tasks)
	if next.Valid {
		r.Next = fromMicros(next.Int64)
	}
	return nil
}

// fill adds what stands in other rows.
func (f *facts) fill(ctx context.Context, q querier, policy RetentionPolicy) error {
	r := &f.r
	var errs []error
	if err := f.link(ctx, q); err != nil {
		return err
	}
	event := func(kind EventKind, subject func(controller string) []byte) time.Time {
		for _, c := range f.controllers {
			var v sql.NullInt64
			err := q.QueryRowContext(ctx, sqlEventInForce, string(kind), subject(c)).Scan(&v)
			if errors.Is(err, sql.ErrNoRows) {
				continue
			}
			if err != nil {
				errs = append(errs, err)
			}
			if v.Valid {
				return fromMicros(v.Int64)
			}
			break // withdrawn
		}
		return time.Time{}
	}
	of := func(kind, id string) func(string) []byte {
		return func(c string) []byte { return f.keys.subject(kind, c, id) }
	}
	closed := func(id string) time.Time { return event(CaseClosed, of(aboutCase, id)) }
	if r.Case != "" {
		r.CaseClosed = closed(r.Case)
	}
	r.DecisionEnd = event(DecisionEnd, of(aboutSeries, r.SetID))
	person := func(kind EventKind, ids []key) (day time.Time) {
		for i := range ids {
			if day = event(kind, func(c string) []byte { return f.keys.clientSubject(c, ids[i][:]) }); !day.IsZero() {
				break
			}
		}
		return day
	}
	for _, ids := range f.ids {
		r.Clients = append(r.Clients, ClientDays{Birth: person(Birth, ids), Death: person(Death, ids), NeedEnded: person(NeedEnded, ids)})
	}
	if policy.LastCase(r.Tasks) {
		cases, err := f.cases(ctx, q)
		if err != nil {
			return err
		}
		r.LastCaseClosed = last(cases, closed)
	}
	var err error
	r.Holds, err = f.holding(ctx, q)
	return errors.Join(append(errs, err)...)
}

// link finds the ids that each client is known by.
func (f *facts) link(ctx context.Context, q querier) error {
	for client := range slices.Chunk(f.clients, keySize) {
		ids, err := linked(ctx, q, Scope{All: true}, key(client))
		if err != nil {
			return err
		}
		f.ids = append(f.ids, ids)
	}
	return nil
}

// last gives the last closing of cases, zero while one is open.
func last(cases []string, closed func(string) time.Time) (out time.Time) {
	for _, id := range cases {
		day := closed(id)
		if day.IsZero() {
			return time.Time{}
		}
		if day.After(out) {
			out = day
		}
	}
	return out
}

// cases gives the ids of all cases of the document's clients and tasks at its
// controller.
func (f *facts) cases(ctx context.Context, q querier) (out []string, err error) {
	for _, client := range slices.Concat(f.ids...) {
		rows, err := q.QueryContext(ctx, `SELECT i.case_id, i.tasks FROM index_keys k JOIN doc_index i ON i.seq = k.seq
			JOIN documents d ON d.seq = k.seq JOIN series s ON s.set_id = d.set_id
			WHERE k.key = ? AND s.controller = ? AND i.case_id <> ''`, client[:], f.r.Controller)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var id, tasks string
			if err := rows.Scan(&id, &tasks); err != nil {
				return nil, errors.Join(err, rows.Close())
			}
			if !slices.Contains(out, id) && slices.ContainsFunc(strings.Fields(tasks), func(t string) bool { return slices.Contains(f.r.Tasks, t) }) {
				out = append(out, id)
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// retainBatch is how many documents one snapshot covers.
const retainBatch = 200

// Retention gives the retention facts of every document in scope that is not
// disposed of, in the order of arrival. visit must not call the store.
func (s *Store) Retention(ctx context.Context, sc Scope, policy RetentionPolicy, visit func(*RetentionFacts) error) error {
	const op = "retention"
	if err := sc.check(op); err != nil {
		return err
	}
	in, args := sc.where("s.controller")
	q := sqlVersion + retentionFields + `WHERE d.seq > ? AND ` + in + ` ORDER BY d.seq LIMIT ?`
	for after := int64(0); ; {
		n := 0
		err := s.snapshot(ctx, op, func(tx *sql.Tx) error {
			batch, err := s.retained(ctx, tx, q, append(append([]any{after}, args...), retainBatch), policy)
			if err != nil {
				return err
			}
			for _, f := range batch {
				after, n = f.seq, n+1
				if err := visit(&f.r); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || n < retainBatch {
			return err
		}
	}
}

// retained reads the facts of the documents that q finds.
func (s *Store) retained(ctx context.Context, tx querier, q string, args []any, policy RetentionPolicy) (out []*facts, err error) {
	rows, err := tx.QueryContext(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		f := &facts{keys: s.keys}
		if err := f.scan(rows); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		out = append(out, f)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	for _, f := range out {
		if err := f.fill(ctx, tx, policy); err != nil {
			return nil, err
		}
	}
	return out, nil
}
