package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
)

// EventKind is a start event of retention periods (law 703/2023, annex).
type EventKind string

// The kinds. The words stand in the database.
const (
	// CaseClosed: a case (asia) was closed; Subject is the case's id.
	CaseClosed EventKind = "case-closed"
	// Death and Birth of a client; Subject is the identity code, or a temporary id after its root.
	Death EventKind = "death"
	Birth EventKind = "birth"
	// NeedEnded: a client's need of disability services has ended; Subject as Death.
	NeedEnded EventKind = "need-ended"
	// DecisionEnd: a decision's validity ends; Subject is its series (set id).
	DecisionEnd EventKind = "decision-end"
)

// EventKinds lists the kinds.
var EventKinds = []EventKind{CaseClosed, Death, Birth, NeedEnded, DecisionEnd}

// subjects tells what each kind is about.
var subjects = map[EventKind]string{CaseClosed: aboutCase, Death: aboutClient, Birth: aboutClient, NeedEnded: aboutClient,
	DecisionEnd: aboutSeries}

// The kinds of subjects of events and holds.
const (
	aboutDocument   = "document"
	aboutSeries     = "series"
	aboutCase       = "case"
	aboutClient     = "client"
	aboutController = "controller"
)

// Event is a start event as one controller knows it. Among those of one kind and
// subject the last recorded is in force.
type Event struct {
	Kind       EventKind
	Controller string
	// Subject is what the kind says. A client's id leaves the package as a key only.
	Subject string
	// Day is the day of the event; the zero time withdraws what was recorded before.
	Day time.Time
	// Document is the document that told it, if one.
	Document string
	// By is who recorded it, Source where they have it from.
	By     Actor
	Source string
}

// Actor is somebody who does something in the archive's own name.
type Actor struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func (p Actor) missing() bool {
	return strings.TrimSpace(p.ID) == "" || strings.TrimSpace(p.Name) == ""
}

// eventPayload is the part of an event that may be personal.
type eventPayload struct {
	By     Actor  `json:"by"`
	Source string `json:"source,omitempty"`
}

// domainSubject keeps keys of events and holds apart from those of the index.
const domainSubject = "subject"

// subject is the key of what an event or hold is about. A client goes in as its
// index key, so that it can be found from a document, which holds no plain id.
func (k *keyer) subject(kind, controller, id string) []byte {
	if kind == aboutClient {
		c := k.client(id)
		return k.clientSubject(controller, c[:])
	}
	v := k.sum(domainSubject, kind, controller, id)
	return v[:]
}

func (k *keyer) clientSubject(controller string, client []byte) []byte {
	v := k.sum(domainSubject, aboutClient, controller, string(client))
	return v[:]
}

// told gives the start events that a document tells by its state: the closing of
// its case (or that it is open), and the client's birth.
func (a *Archival) told() []Event {
	out := slices.Clone(a.Events)
	st := a.Index.State
	if st == nil {
		return out
	}
	event := func(kind EventKind, subject, day string) {
		if subject != "" {
			out = append(out, Event{Kind: kind, Controller: a.Controller, Subject: subject, Day: dayOf(day), Document: a.ID})
		}
	}
	if st.Case != nil {
		event(CaseClosed, st.Case.ID, st.Case.Closed)
	}
	if st.Relationship != nil && !dayOf(st.Relationship.Birth).IsZero() {
		for _, id := range st.Relationship.Client.IDs {
			event(Birth, id, st.Relationship.Birth)
		}
	}
	return out
}

// dayOf reads the day of an ISO 8601 date or time as it is written; zero where
// there is none.
func dayOf(s string) time.Time {
	if len(s) < len(time.DateOnly) {
		return time.Time{}
	}
	t, err := time.Parse(time.DateOnly, s[:len(time.DateOnly)])
	if err != nil {
		return time.Time{}
	}
	return t
}

// eventRow is an Event with key, payload and leaf.
type eventRow struct {
	*Event
	at             time.Time
	subject        []byte
	day            any
	plain, payload []byte // payload is sealed when written
	key            *dataKey
	leaf           leaf
}

func eventRecord(kind, controller, document string, subject []byte, day any, at int64, plain []byte) *record {
	d := int64(0)
	known := int64(0)
	if v, ok := day.(int64); ok {
		d, known = v, 1
	}
	return new(record).text(kind, controller, document).bytes(subject).int(known, d, at).bytes(plain)
}

func (s *Store) eventRows(ctx context.Context, es []Event, now time.Time, keys keys) ([]eventRow, error) {
	rows := make([]eventRow, len(es))
	for i := range es {
		e := &es[i]
		about, ok := subjects[e.Kind]
		if !ok || e.Controller == "" || e.Subject == "" {
			return nil, input("event", "event %d lacks a known kind, its controller or its subject", i)
		}
		r := eventRow{Event: e, at: now, subject: s.keys.subject(about, e.Controller, e.Subject)}
		if !e.Day.IsZero() {
			r.day = micros(day(e.Day))
		}
		var err error
		if r.key, err = keys(ctx, e.Controller, sealLogs); err != nil {
			return nil, err
		}
		if r.plain, err = json.Marshal(eventPayload{e.By, e.Source}); err != nil {
			return nil, err
		}
		r.payload = pack(r.plain)
		rec := eventRecord(string(e.Kind), e.Controller, e.Document, r.subject, r.day, micros(now), r.plain)
		if r.leaf, err = newLeaf(leafEvent, rec, s.opt.Random); err != nil {
			return nil, err
		}
		rows[i] = r
	}
	return rows, nil
}

// day cuts a time to its day.
func day(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

const (
	// What a document told that was nullified since does not count.
	sqlEventInForce = `SELECT day FROM events e WHERE kind = ? AND subject = ? AND NOT EXISTS (SELECT 1 FROM documents d
		JOIN series s ON s.set_id = d.set_id WHERE d.id = e.document AND s.nullified IS NOT NULL) ORDER BY seq DESC LIMIT 1`
	sqlEvent = `INSERT INTO events (seq, kind, controller, subject, day, document, at, payload, leaf)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
)

// tellEvents writes the events that a document tells; one that says what is in
// force already is left out, so that versions of a document do not repeat it.
func (t *tx) tellEvents(rows []eventRow) error {
	for i := range rows {
		r := &rows[i]
		var have sql.NullInt64
		known, err := t.found(sqlEventInForce, []any{string(r.Kind), r.subject}, &have)
		if err != nil {
			return err
		}
		if v, ok := r.day.(int64); ok == have.Valid && v == have.Int64 && (known || !ok) {
			continue
		}
		if err := t.recordEvents(rows[i : i+1]); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) recordEvents(rows []eventRow) error {
	for i := range rows {
		r := &rows[i]
		seq, err := t.number("events")
		if err != nil {
			return err
		}
		n, err := t.leaf(&r.leaf, seq)
		if err != nil {
			return err
		}
		payload, err := t.w.s.seal(r.key, place{inEvents, num(seq)}, nil, r.payload)
		if err != nil {
			return err
		}
		if err := t.exec(sqlEvent, seq, string(r.Kind), r.Controller, r.subject, r.day, r.Document, micros(r.at), payload, n); err != nil {
			return err
		}
	}
	return nil
}

// number gives the next number of a table that is written seldom.
func (t *tx) number(table string) (seq int64, err error) {
	err = t.row(`SELECT coalesce(max(seq), 0) + 1 FROM `+table, nil, &seq)
	return seq, err
}

// RecordEvents records start events of retention periods, with the usage rows that
// tell of it, durably. Periods are always told from the events in force, so a
// changed or withdrawn event changes them at once.
func (s *Store) RecordEvents(ctx context.Context, es []Event, usage []Usage) error {
	const op = "event"
	now := s.now()
	for _, e := range es {
		if e.By.missing() {
			return input(op, "who records the event must be named by id and name")
		}
	}
	rows, err := s.eventRows(ctx, es, now, s.sealingKey)
	if err != nil {
		return fail(op, err)
	}
	log, err := s.usageRows(ctx, usage, now, s.sealingKey)
	if err != nil {
		return fail(op, err)
	}
	if len(log) == 0 {
		return input(op, "an event is not recorded without its log row")
	}
	return s.do(ctx, op, 0, func(t *tx) error { return errors.Join(t.recordEvents(rows), t.logUsage(log, "")) })
}
