package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Filter says which documents a search is for. All that is given must hold; of a
// list, one. An empty Filter finds everything in scope.
type Filter struct {
	// Client is an identity code, or a temporary id after its root, Author a professional's id; both
	// match exactly.
	Client, Author string
	// Case is asiatunnus, Relationship the client relationship's id.
	Case, Relationship                         string
	Groups, GeneralTypes, SpecificTypes, Tasks []string
	Units, Registers                           []string
	// Software is the product and version that made the document, exactly.
	Software            string
	Processes, Services []string
	// Controllers narrow the scope.
	Controllers []string
	// Effective and arrival times: from inclusive, until exclusive; zero is open.
	EffectiveFrom, EffectiveUntil, ArrivedFrom, ArrivedUntil time.Time
	// Earlier includes replaced versions, Nullified those of nullified series.
	Earlier, Nullified bool
}

// Hit is a document found: its facts and its index.
type Hit struct {
	Version
	// Index without Clients and Author, which the index holds only as keys; what a
	// caller wants of them stands in Index.Summary.
	Index Index
}

// Page is a part of a search's answer, newest effective time first.
type Page struct {
	Hits []Hit
	// Next continues the search; empty when there is nothing more. A page may hold
	// fewer hits than asked for, even none, and still have a Next: a search stops
	// after looking at a bounded number of documents.
	Next string
	// filter and places are what After needs.
	filter *Filter
	places []position
}

// After continues the search behind the first n hits of the page, for those who read
// more than they show.
func (p *Page) After(n int) string {
	if n <= 0 || n >= len(p.places) {
		return p.Next
	}
	return p.places[n-1].continuation(p.filter)
}

// MaxPage is the greatest number of hits on a page.
const MaxPage = 1000

// scanBudget is how many index entries a page looks at before it stops.
const scanBudget = 2000

// maxLists bounds how many index lists a search merges (controllers × values).
const maxLists = 256

// Search finds documents by metadata. limit is at most MaxPage; continuation is
// empty, or Page.Next of the same search.
//
// The cost of a page is bounded whatever the size of the archive: an index list is
// entered at its place and read for at most scanBudget entries.
//
// Errors: ErrInput for a continuation of another search or too wide a filter.
func (s *Store) Search(ctx context.Context, sc Scope, f Filter, limit int, continuation string) (Page, error) {
	if err := sc.check("search"); err != nil {
		return Page{}, err
	}
	if limit < 1 || limit > MaxPage {
		return Page{}, input("search", "limit %d is not between 1 and %d", limit, MaxPage)
	}
	from, err := parseContinuation(continuation, &f)
	if err != nil {
		return Page{}, err
	}
	var page Page
	err = s.snapshot(ctx, "search", func(tx *sql.Tx) (err error) {
		q := search{s: s, tx: tx, keys: s.keys, scope: sc, f: &f, limit: limit}
		page, err = q.page(ctx, from)
		return err
	})
	return page, err
}

// position is a place in the order of search results: effective time, then number,
// both falling.
type position struct{ effective, seq int64 }

var start = position{math.MaxInt64, math.MaxInt64}

func (p position) before(o position) bool {
	if p.effective != o.effective {
		return p.effective > o.effective
	}
	return p.seq > o.seq
}

// A continuation is position and fingerprint of the filter. It carries no rights:
// the scope is judged anew.
func (p position) continuation(f *Filter) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(p.effective))
	b = binary.BigEndian.AppendUint64(b, uint64(p.seq))
	return base64.RawURLEncoding.EncodeToString(append(b, f.fingerprint()...))
}

func (f *Filter) fingerprint() []byte {
	h := sha256.Sum256(fmt.Appendf(nil, "%+v", *f))
	return h[:8]
}

func parseContinuation(c string, f *Filter) (position, error) {
	if c == "" {
		return start, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(c)
	if err != nil || len(b) != 24 || !slices.Equal(b[16:], f.fingerprint()) {
		return start, &Error{Kind: ErrInput, Op: "search", Err: errors.New("the continuation is of another search")}
	}
	return position{int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:]))}, nil
}

// search is one page in the making.
type search struct {
	s     *Store
	tx    *sql.Tx
	keys  *keyer
	scope Scope
	f     *Filter
	limit int
	// clientKeys are those of the client asked for, under every id.
	clientKeys []key
}

// client gives the keys of every id that documents join to the client's (DOC-10).
func (q *search) client(ctx context.Context) (_ []key, err error) {
	q.clientKeys, err = linked(ctx, q.tx, q.scope, q.keys.client(q.f.Client))
	return q.clientKeys, err
}

// page merges the lists that the filter's most selective field names.
func (q *search) page(ctx context.Context, from position) (Page, error) {
	lists, err := q.lists(ctx)
	if err != nil || len(lists) == 0 {
		return Page{}, err
	}
	var found []placed
	stop := position{math.MinInt64, math.MinInt64} // how far every list has been read
	open := false
	for _, k := range lists {
		hits, end, more, err := q.list(ctx, k, from, max(scanBudget/len(lists), 50))
		if err != nil {
			return Page{}, err
		}
		found = append(found, hits...)
		if more {
			open = true
			if end.before(stop) {
				stop = end
			}
		}
	}
	return q.cut(found, stop, open), nil
}

type placed struct {
	position
	Hit
}

// cut orders what the lists gave and keeps what no list can still add to.
func (q *search) cut(found []placed, stop position, open bool) Page {
	slices.SortFunc(found, func(a, b placed) int {
		switch {
		case a.before(b.position):
			return -1
		case b.before(a.position):
			return 1
		}
		return 0
	})
	found = slices.CompactFunc(found, func(a, b placed) bool { return a.position == b.position })
	found = slices.DeleteFunc(found, func(p placed) bool { return stop.before(p.position) })
	last := stop
	if len(found) > q.limit {
		found, open = found[:q.limit], true
		last = found[q.limit-1].position
	}
	page := Page{filter: q.f}
	for _, p := range found {
		page.Hits, page.places = append(page.Hits, p.Hit), append(page.places, p.position)
	}
	if open {
		page.Next = last.continuation(q.f)
	}
	return page
}

// lists gives the keys whose index lists hold every document that can match.
func (q *search) lists(ctx context.Context) ([]key, error) {
	f := q.f
	switch {
	case f.Client != "":
		return q.client(ctx)
	case f.Case != "":
		return []key{q.keys.sum(byCase, f.Case)}, nil
	case f.Relationship != "":
		return []key{q.keys.sum(byRelationship, f.Relationship)}, nil
	case f.Author != "":
		return []key{q.keys.sum(byAuthor, normalID(f.Author))}, nil
	}
	controllers, err := q.controllers(ctx)
	if err != nil {
		return nil, err
	}
	kind, values := f.shared()
	if len(controllers)*max(1, len(values)) > maxLists {
		return nil, input("search", "%d controllers with %d values are too many: narrow the filter", len(controllers), len(values))
	}
	var out []key
	for _, c := range controllers {
		if kind == byController {
			out = append(out, q.keys.sum(kind, c))
		}
		for _, v := range values {
			out = append(out, q.keys.sum(kind, c, v))
		}
	}
	slices.SortFunc(out, func(a, b key) int { return slices.Compare(a[:], b[:]) })
	return slices.Compact(out), nil
}

// shared picks the most selective of the fields that many documents share.
func (f *Filter) shared() (kind string, values []string) {
	switch {
	case len(f.Units) > 0:
		return byUnit, f.Units
	case len(f.SpecificTypes) > 0:
		return bySpecific, f.SpecificTypes
	case len(f.Tasks) > 0:
		return byTask, f.Tasks
	case len(f.GeneralTypes) > 0:
		return byGeneral, f.GeneralTypes
	case len(f.Groups) > 0:
		return byGroup, f.Groups
	}
	return byController, nil
}

// controllers are those of the scope, or all that there are.
func (q *search) controllers(ctx context.Context) ([]string, error) {
	if !q.scope.All {
		return q.scope.Controllers, nil
	}
	rows, err := q.tx.QueryContext(ctx, `SELECT DISTINCT controller FROM counters`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var c string
		if err := rows.Scan(&c); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// sqlEdge finds how far a budget reaches in a list.
const sqlEdge = `SELECT effective, seq FROM index_keys WHERE key = ` + asBlob + ` AND (effective, seq) < (?, ?) AND effective >= ?
	ORDER BY effective DESC, seq DESC LIMIT 1 OFFSET ` + asInt

// indexFields are the fields of the index that a Hit holds.
const indexFields = `, i.doc_group, i.general_type, i.specific_type, i.phase, i.tasks, i.process,
	i.service, i.case_id, i.relationship, i.unit, i.organiser, i.provider, i.implementer, i.effective, i.created,
	i.language, i.format, i.structured_format, i.content_spec, i.retention_class, i.software, i.special, i.summary`

// CROSS JOIN keeps the order of the joins: the list leads, so its order is the
// result's and LIMIT ends the work.
const sqlHits = sqlVersion + indexFields + `, k.seq
	FROM index_keys k CROSS JOIN doc_index i ON i.seq = k.seq CROSS JOIN documents d ON d.seq = k.seq
	CROSS JOIN series s ON s.set_id = d.set_id
	WHERE k.key = ` + asBlob + ` AND (k.effective, k.seq) < (?, ?) AND (k.effective, k.seq) >= (?, ?)`

// list reads one index list from a position on, at most budget entries, in
// stretches that grow: most pages are full after the first. It tells where it
// stopped, and whether there may be more behind that.
func (q *search) list(ctx context.Context, k key, from position, budget int) (hits []placed, end position, more bool, err error) {
	if u := q.f.EffectiveUntil; !u.IsZero() && micros(u) <= from.effective {
		from = position{micros(u), math.MinInt64}
	}
	end = from
	for step := 2*q.limit + 16; budget > 0; step *= 4 {
		step = min(step, budget)
		budget -= step
		var got []placed
		got, end, more, err = q.stretch(ctx, k, end, step, q.limit-len(hits))
		if hits = append(hits, got...); err != nil || !more || len(hits) == q.limit {
			break
		}
	}
	return hits, end, more, err
}

// stretch looks at the next n entries of a list for at most limit hits.
func (q *search) stretch(ctx context.Context, k key, from position, n, limit int) (hits []placed, end position, more bool, err error) {
	floor := int64(math.MinInt64)
	if !q.f.EffectiveFrom.IsZero() {
		floor = micros(q.f.EffectiveFrom)
	}
	end = position{floor, math.MinInt64}
	err = q.tx.QueryRowContext(ctx, sqlEdge, k[:], from.effective, from.seq, floor, n-1).Scan(&end.effective, &end.seq)
	switch {
	case err == nil:
		more = true
	case !errors.Is(err, sql.ErrNoRows):
		return nil, end, false, err
	}
	where, args := q.conditions()
	text := sqlHits + where + ` ORDER BY k.effective DESC, k.seq DESC LIMIT ` + asInt
	all := append([]any{k[:], from.effective, from.seq, end.effective, end.seq}, args...)
	rows, err := q.tx.QueryContext(ctx, text, append(all, limit)...)
	if err != nil {
		return nil, end, false, err
	}
	defer rows.Close()
	for rows.Next() {
		h, err := q.s.scanHit(rows)
		if err != nil {
			return nil, end, false, err
		}
		hits = append(hits, h)
	}
	if len(hits) == limit {
		end, more = hits[len(hits)-1].position, true
	}
	return hits, end, more, rows.Err()
}

// conditions gives what of scope and filter the list does not settle.
func (q *search) conditions() (string, []any) {
	in, args := q.scope.where("s.controller")
	var w strings.Builder
	w.WriteString(" AND " + in)
	oneOf := func(column string, values []string) {
		if len(values) == 0 {
			return
		}
		w.WriteString(" AND " + column + " IN (" + marks(len(values)) + ")")
		for _, v := range values {
			args = append(args, v)
		}
	}
	is := func(column, value string) {
		if value != "" {
			oneOf(column, []string{value})
		}
	}
	f := q.f
	is("i.case_id", f.Case)
	is("i.relationship", f.Relationship)
	is("i.software", f.Software)
	oneOf("i.doc_group", f.Groups)
	oneOf("i.general_type", f.GeneralTypes)
	oneOf("i.specific_type", f.SpecificTypes)
	oneOf("i.unit", f.Units)
	oneOf("s.controller", f.Controllers)
	oneOf("i.process", f.Processes)
	oneOf("i.service", f.Services)
	oneOf("s.register", f.Registers)
	q.otherKeys(&w, &args)
	if !f.ArrivedFrom.IsZero() {
		w.WriteString(" AND d.arrived >= ?")
		args = append(args, micros(f.ArrivedFrom))
	}
	if !f.ArrivedUntil.IsZero() {
		w.WriteString(" AND d.arrived < ?")
		args = append(args, micros(f.ArrivedUntil))
	}
	if !f.Earlier {
		w.WriteString(" AND s.newest = d.seq")
	}
	if !f.Nullified {
		w.WriteString(" AND s.nullified IS NULL")
	}
	return w.String(), args
}

// otherKeys adds the conditions on fields with several values, or known only as
// keys: whether the document has that key too.
func (q *search) otherKeys(w *strings.Builder, args *[]any) {
	has := func(ks ...key) {
		var or []string
		for _, k := range ks {
			or = append(or, "EXISTS (SELECT 1 FROM index_keys o WHERE o.key = "+asBlob+" AND o.effective = k.effective AND o.seq = k.seq)")
			*args = append(*args, k[:])
		}
		w.WriteString(" AND (" + strings.Join(or, " OR ") + ")")
	}
	f := q.f
	if f.Client != "" {
		has(q.clientKeys...)
	}
	if f.Author != "" {
		has(q.keys.sum(byAuthor, normalID(f.Author)))
	}
	if len(f.Tasks) > 0 {
		// Tasks are few and short; the column holds them with a space between.
		var or []string
		for _, t := range f.Tasks {
			or = append(or, "instr(' ' || i.tasks || ' ', ?) > 0")
			*args = append(*args, " "+t+" ")
		}
		w.WriteString(" AND (" + strings.Join(or, " OR ") + ")")
	}
}

func (s *Store) scanHit(rows *sql.Rows) (placed, error) {
	var p placed
	x := &p.Index
	var effective int64
	var created sql.NullInt64
	var tasks string
	var summary []byte
	err := scanVersion(rows.Scan, &p.Version, &x.Group, &x.GeneralType, &x.SpecificType, &x.Phase, &tasks, &x.Process,
		&x.Service, &x.Case, &x.Relationship, &x.Unit, &x.Organiser, &x.Provider, &x.Implementer, &effective, &created,
		&x.Language, &x.Format, &x.StructuredFormat, &x.ContentSpec, &x.RetentionClass, &x.Software, &x.Special, &summary, &p.seq)
	if err != nil {
		return p, err
	}
	p.effective = effective
	x.Tasks = strings.Fields(tasks)
	x.Effective = fromMicros(effective)
	if created.Valid {
		x.Created = fromMicros(created.Int64)
	}
	if x.Summary, err = s.plain(place{inSummaries, p.ID}, nil, summary); err != nil {
		return p, err
	}
	if len(x.Summary) == 0 {
		x.Summary = nil
	}
	return p, nil
}
