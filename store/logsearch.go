package store

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// Attempts tells which rows of a log are meant.
type Attempts string

// The choices: "" takes both.
const (
	DeedsDone       Attempts = "done"
	RefusedAttempts Attempts = "refused"
)

// LogFilter says which rows of a log a search is for (LOG-4). All that is given
// must hold. The zero LogFilter takes every row in scope.
type LogFilter struct {
	// Client, User and UserName match exactly, as keys.
	Client, User, UserName string
	// DataController is whose data, Recipient (disclosures) or System (usage) who got them.
	DataController, Recipient, System string
	DocumentID, Action, Purpose       string
	// From is inclusive, Until exclusive; zero is open.
	From, Until time.Time
	Attempts    Attempts
}

// UsageEntry is a row of the usage log with its place in log and proof.
type UsageEntry struct {
	// Seq is the row's number, Leaf the position of its integrity leaf.
	Seq, Leaf int64
	Usage
}

// DisclosureEntry is a row of the disclosure log.
type DisclosureEntry struct {
	Seq, Leaf int64
	Disclosure
}

// LogPage is a part of a log search's answer, newest first.
type LogPage[E any] struct {
	Entries []E
	// Next continues the search; empty when there is nothing more. A page may be
	// short and still have a Next: a search looks at a bounded number of rows.
	Next string
}

// SearchUsage finds rows of the usage log that a scope's controllers keep
// (LogController). limit is at most MaxPage; continuation is empty, or Next of the
// same search. What was found must not be shown before the look itself has been
// logged.
//
// Errors: ErrInput for a continuation of another search or a limit out of bounds;
// ErrDamaged where a row cannot be read.
func (s *Store) SearchUsage(ctx context.Context, sc Scope, f LogFilter, limit int, continuation string) (LogPage[UsageEntry], error) {
	return searchLog(ctx, s, &usageLog, sc, f, limit, continuation)
}

// SearchDisclosures finds rows of the disclosure log, as SearchUsage.
func (s *Store) SearchDisclosures(ctx context.Context, sc Scope, f LogFilter, limit int, continuation string) (LogPage[DisclosureEntry], error) {
	return searchLog(ctx, s, &disclosureLog, sc, f, limit, continuation)
}

// logTable is what the two logs differ in.
type logTable[E any] struct {
	name, columns string
	// scan reads a row: its entry, and the columns that filters compare.
	scan func(s *Store, rows *sql.Rows) (E, *logColumns, error)
	// open fills in what stands in the payload.
	open func(s *Store, e *E, payload []byte) error
	// lists are the indexed filters of the table, the most selective first.
	lists []logIndex
}

// logColumns are a row's columns that a search looks at.
type logColumns struct {
	seq, at                               int64
	log, data, document, purpose, refused string
	recipientOrSystem, action             string
	client, user, userName                []byte
	payload                               []byte
	leaf                                  int64
}

// logIndex is a column with an index on (column, at).
type logIndex struct {
	column, cast string
	value        func(k *keyer, f *LogFilter) any // nil where the filter does not give it
}

func text(v string) any {
	if v == "" {
		return nil
	}
	return v
}

func keyed(k []byte) any {
	if k == nil {
		return nil
	}
	return k
}

var (
	byClientKey = logIndex{"client_key", asBlob, func(k *keyer, f *LogFilter) any { return keyed(k.person(f.Client)) }}
	byDocID     = logIndex{"document_id <> '' AND document_id", asText, func(_ *keyer, f *LogFilter) any { return text(f.DocumentID) }}
	byUserKey   = logIndex{"user_key", asBlob, func(k *keyer, f *LogFilter) any { return keyed(k.person(f.User)) }}
	byRecipient = logIndex{"recipient", asText, func(_ *keyer, f *LogFilter) any { return text(f.Recipient) }}
)

var usageLog = logTable[UsageEntry]{
	name: "usage_log", lists: []logIndex{byDocID, byClientKey, byUserKey},
	columns: `seq, at, log_controller, data_controller, document_id, purpose, refused, system, action, client_key, user_key,
		user_name_key, payload, leaf`,
	scan: func(s *Store, rows *sql.Rows) (e UsageEntry, c *logColumns, err error) {
		c = new(logColumns)
		err = rows.Scan(&c.seq, &c.at, &c.log, &c.data, &c.document, &c.purpose, &c.refused, &c.recipientOrSystem, &c.action,
			&c.client, &c.user, &c.userName, &c.payload, &c.leaf)
		e = UsageEntry{Seq: c.seq, Leaf: c.leaf, Usage: Usage{At: fromMicros(c.at), DataController: c.data, LogController: c.log,
			System: c.recipientOrSystem, DocumentID: c.document, Action: c.action, Purpose: c.purpose, Refused: c.refused}}
		return e, c, err
	},
	open: func(s *Store, e *UsageEntry, payload []byte) error {
		var p usagePayload
		err := s.openPayload(place{inUsage, num(e.Seq)}, payload, &p)
		e.Client, e.User, e.UserName, e.Detail = p.Client, p.User, p.UserName, p.Detail
		return err
	},
}

var disclosureLog = logTable[DisclosureEntry]{
	name: "disclosure_log", lists: []logIndex{byDocID, byClientKey, byUserKey, byRecipient},
	columns: `seq, at, log_controller, data_controller, document_id, purpose, refused, recipient, ground, client_key, user_key,
		payload, leaf`,
	scan: func(s *Store, rows *sql.Rows) (e DisclosureEntry, c *logColumns, err error) {
		c = new(logColumns)
		var ground string
		err = rows.Scan(&c.seq, &c.at, &c.log, &c.data, &c.document, &c.purpose, &c.refused, &c.recipientOrSystem, &ground,
			&c.client, &c.user, &c.payload, &c.leaf)
		e = DisclosureEntry{Seq: c.seq, Leaf: c.leaf, Disclosure: Disclosure{At: fromMicros(c.at), DataController: c.data,
			LogController: c.log, Recipient: c.recipientOrSystem, DocumentID: c.document, Purpose: c.purpose, Ground: ground, Refused: c.refused}}
		return e, c, err
	},
	open: func(s *Store, e *DisclosureEntry, payload []byte) error {
		var p disclosurePayload
		err := s.openPayload(place{inDisclosure, num(e.Seq)}, payload, &p)
		e.Client, e.Discloser, e.User, e.UserName, e.Description, e.Detail = p.Client, p.Discloser, p.User, p.UserName, p.Description, p.Detail
		return err
	},
}

// openPayload reads the personal part of a log row.
func (s *Store) openPayload(at place, payload []byte, into any) error {
	plain, err := s.plain(at, nil, payload)
	if err == nil {
		err = json.Unmarshal(plain, into)
	}
	if err != nil {
		// What failed may quote content, which errors must not.
		return &Error{Kind: ErrDamaged, Op: "log search", Err: errors.New("a log row's payload cannot be read"), Hint: hints[ErrDamaged]}
	}
	return nil
}

func searchLog[E any](ctx context.Context, s *Store, t *logTable[E], sc Scope, f LogFilter, limit int, continuation string) (page LogPage[E], err error) {
	const op = "log search"
	if err := sc.check(op); err != nil {
		return page, err
	}
	if limit < 1 || limit > MaxPage {
		return page, input(op, "limit %d is not between 1 and %d", limit, MaxPage)
	}
	q := logSearch[E]{s: s, t: t, f: &f, sc: &sc, limit: limit, keys: filterKeys(s.keys, &f)}
	from, err := q.parse(continuation)
	if err != nil {
		return page, err
	}
	lists := q.lists()
	err = s.snapshot(ctx, op, func(tx *sql.Tx) error {
		page, err = q.page(ctx, tx, lists, from)
		return err
	})
	return page, err
}

// logSearch is one page in the making.
type logSearch[E any] struct {
	s     *Store
	t     *logTable[E]
	f     *LogFilter
	sc    *Scope
	limit int
	keys  [3][]byte
}

func filterKeys(k *keyer, f *LogFilter) [3][]byte {
	return [3][]byte{k.person(f.Client), k.person(f.User), k.name(f.UserName)}
}

// logList is one run of an index: rows whose column has the value.
type logList struct {
	where string
	args  []any
}

// lists gives the index runs to merge: that of the most selective filter, else one
// for each controller in scope.
func (q *logSearch[E]) lists() []logList {
	for _, x := range q.t.lists {
		if v := x.value(q.s.keys, q.f); v != nil {
			return []logList{{x.column + " = " + x.cast, []any{v}}}
		}
	}
	if q.sc.All {
		return []logList{{"1", nil}}
	}
	var out []logList
	for _, c := range slices.Compact(slices.Sorted(slices.Values(q.sc.Controllers))) {
		out = append(out, logList{"log_controller = " + asText, []any{c}})
	}
	return out
}

// foundRow is a row that matches.
type foundRow[E any] struct {
	position
	entry   E
	payload []byte
}

func (q *logSearch[E]) page(ctx context.Context, tx *sql.Tx, lists []logList, from position) (page LogPage[E], err error) {
	var found []foundRow[E]
	stop, open := position{math.MinInt64, math.MinInt64}, false
	budget := max(scanBudget/max(len(lists), 1), 16)
	for _, l := range lists {
		last, more, err := q.read(ctx, tx, l, from, budget, &found)
		if err != nil {
			return page, err
		}
		// Beyond the place where a list was left nothing is known to be complete.
		if more {
			open = true
			if last.before(stop) {
				stop = last
			}
		}
	}
	slices.SortFunc(found, func(a, b foundRow[E]) int {
		return cmp.Or(cmp.Compare(b.effective, a.effective), cmp.Compare(b.seq, a.seq))
	})
	for _, r := range found {
		if stop.before(r.position) {
			break
		}
		if len(page.Entries) == q.limit {
			open = true
			break
		}
		if err := q.t.open(q.s, &r.entry, r.payload); err != nil {
			return page, err
		}
		page.Entries, from = append(page.Entries, r.entry), r.position
	}
	if open {
		if len(page.Entries) < q.limit {
			from = stop
		}
		page.Next = q.continuation(from)
	}
	return page, nil
}

// read reads a list from a place on, at most budget rows, into found. last is the
// place reached; more tells that there are rows behind it.
func (q *logSearch[E]) read(ctx context.Context, tx *sql.Tx, l logList, from position, budget int, found *[]foundRow[E]) (last position, more bool, err error) {
	low := int64(math.MinInt64)
	if !q.f.From.IsZero() {
		low = micros(q.f.From)
	}
	if !q.f.Until.IsZero() {
		if until := micros(q.f.Until); from.effective >= until {
			from = position{until - 1, math.MaxInt64}
		}
	}
	args := append(slices.Clone(l.args), from.effective, from.effective, from.seq, low, int64(budget))
	rows, err := tx.QueryContext(ctx, `SELECT `+q.t.columns+` FROM `+q.t.name+` WHERE `+l.where+` AND at <= `+asInt+
		` AND (at < `+asInt+` OR seq < `+asInt+`) AND at >= `+asInt+` ORDER BY at DESC, seq DESC LIMIT `+asInt, args...)
	if err != nil {
		return last, false, err
	}
	defer rows.Close()
	n, hits := 0, 0
	for hits <= q.limit && rows.Next() { // one more than wanted, to see that there is more
		e, c, err := q.t.scan(q.s, rows)
		if err != nil {
			return last, false, err
		}
		last = position{c.at, c.seq}
		n++
		if q.matches(c) {
			hits++
			*found = append(*found, foundRow[E]{last, e, c.payload})
		}
	}
	return last, n == budget || hits > q.limit, rows.Err()
}

// matches holds a row against the whole filter and the scope.
func (q *logSearch[E]) matches(c *logColumns) bool {
	f := q.f
	for _, p := range []struct{ want, have string }{{f.DataController, c.data}, {f.DocumentID, c.document}, {f.Purpose, c.purpose},
		{f.Action, c.action}, {cmp.Or(f.Recipient, f.System), c.recipientOrSystem}} {
		if p.want != "" && p.want != p.have {
			return false
		}
	}
	for i, have := range [][]byte{c.client, c.user, c.userName} {
		if q.keys[i] != nil && !bytes.Equal(q.keys[i], have) {
			return false
		}
	}
	if f.Attempts != "" && (f.Attempts == RefusedAttempts) != (c.refused != "") {
		return false
	}
	return q.sc.All || slices.Contains(q.sc.Controllers, c.log)
}

func (q *logSearch[E]) fingerprint() []byte {
	h := sha256.Sum256(fmt.Appendf(nil, "%s %+v", q.t.name, *q.f))
	return h[:8]
}

func (q *logSearch[E]) continuation(p position) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(p.effective))
	b = binary.BigEndian.AppendUint64(b, uint64(p.seq))
	return base64.RawURLEncoding.EncodeToString(append(b, q.fingerprint()...))
}

func (q *logSearch[E]) parse(c string) (position, error) {
	if c == "" {
		return start, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(c)
	if err != nil || len(b) != 24 || !bytes.Equal(b[16:], q.fingerprint()) {
		return start, input("log search", "the continuation is of another search")
	}
	return position{int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:]))}, nil
}
