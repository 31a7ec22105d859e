package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"time"
)

// Hold is a legal hold: while it is in force nothing it covers is disposed of.
type Hold struct {
	// Seq is its number; 0 for a new one.
	Seq int64
	// Kind is "document", "series", "case", "client" or "controller".
	Kind string
	// Controller is whose data it covers.
	Controller string
	// Subject is the id of what it covers; empty for a controller. Of a stored hold it
	// is told from the payload.
	Subject string
	// Reason says why, By who set it, At when.
	Reason string
	By     Actor
	At     time.Time
	// Released is when it was released, ReleasedBy and ReleaseReason by whom and why.
	Released      time.Time
	ReleasedBy    Actor
	ReleaseReason string
}

// HoldKinds lists what a hold can cover.
var HoldKinds = []string{aboutDocument, aboutSeries, aboutCase, aboutClient, aboutController}

type holdPayload struct {
	Subject string `json:"subject,omitempty"`
	Reason  string `json:"reason"`
	By      Actor  `json:"by"`
}

func holdRecord(kind, controller string, subject []byte, at int64, plain []byte) *record {
	return new(record).text(kind, controller).bytes(subject).int(at).bytes(plain)
}

const (
	sqlHold    = `INSERT INTO holds (seq, kind, controller, subject, at, payload, leaf) VALUES (?, ?, ?, ?, ?, ?, ?)`
	sqlRelease = `INSERT INTO hold_releases (seq, hold, at, payload, leaf) VALUES (?, ?, ?, ?, ?)`
	sqlHolding = `SELECT h.seq FROM holds h WHERE h.kind = ? AND h.subject = ?
		AND NOT EXISTS (SELECT 1 FROM hold_releases r WHERE r.hold = h.seq) ORDER BY h.seq`
)

// AddHold sets a legal hold, with its log row. It gives the hold's number.
func (s *Store) AddHold(ctx context.Context, h Hold, usage Usage) (seq int64, err error) {
	const op = "hold"
	if !slices.Contains(HoldKinds, h.Kind) || h.Controller == "" || (h.Subject == "") != (h.Kind == aboutController) {
		return 0, input(op, "kind, controller or subject is missing")
	}
	if h.By.missing() || h.Reason == "" {
		return 0, input(op, "a hold needs a reason and who sets it")
	}
	now := s.now()
	plain, err := json.Marshal(holdPayload{h.Subject, h.Reason, h.By})
	if err != nil {
		return 0, fail(op, err)
	}
	subject := s.keys.subject(h.Kind, h.Controller, h.Subject)
	l, err := newLeaf(leafHold, holdRecord(h.Kind, h.Controller, subject, micros(now), plain), s.opt.Random)
	if err != nil {
		return 0, fail(op, err)
	}
	log, err := s.usageRows(ctx, []Usage{usage}, now, s.sealingKey)
	if err != nil {
		return 0, fail(op, err)
	}
	err = s.do(ctx, op, 0, func(t *tx) error {
		if seq, err = t.number("holds"); err != nil {
			return err
		}
		n, err := t.leaf(&l, seq)
		if err != nil {
			return err
		}
		payload, err := s.seal(log[0].key, place{inHolds, num(seq)}, nil, pack(plain))
		if err != nil {
			return err
		}
		if err := t.exec(sqlHold, seq, h.Kind, h.Controller, subject, micros(now), payload, n); err != nil {
			return err
		}
		return t.logUsage(log, "")
	})
	return seq, err
}

type releasePayload struct {
	Reason string `json:"reason"`
	By     Actor  `json:"by"`
}

func releaseRecord(hold, at int64, plain []byte) *record {
	return new(record).int(hold, at).bytes(plain)
}

// ReleaseHold ends a hold, with its log row. Errors: ErrNotFound where there is no
// such hold in scope that is still in force.
func (s *Store) ReleaseHold(ctx context.Context, sc Scope, hold int64, by Actor, reason string, usage Usage) error {
	const op = "release"
	if err := sc.check(op); err != nil {
		return err
	}
	if by.missing() || reason == "" {
		return input(op, "a release needs a reason and who releases")
	}
	now := s.now()
	plain, err := json.Marshal(releasePayload{reason, by})
	if err != nil {
		return fail(op, err)
	}
	l, err := newLeaf(leafRelease, releaseRecord(hold, micros(now), plain), s.opt.Random)
	if err != nil {
		return fail(op, err)
	}
	log, err := s.usageRows(ctx, []Usage{usage}, now, s.sealingKey)
	if err != nil {
		return fail(op, err)
	}
	return s.do(ctx, op, 0, func(t *tx) error { return t.release(sc, hold, micros(now), pack(plain), &l, log) })
}

func (t *tx) release(sc Scope, hold, at int64, payload []byte, l *leaf, log []usageRow) error {
	var controller string
	ok, err := t.found(`SELECT controller FROM holds WHERE seq = ? AND NOT EXISTS
		(SELECT 1 FROM hold_releases r WHERE r.hold = holds.seq)`, []any{hold}, &controller)
	if err != nil {
		return err
	}
	if !ok || !sc.All && !slices.Contains(sc.Controllers, controller) {
		return &Error{Kind: ErrNotFound, Op: "release"}
	}
	seq, err := t.number("hold_releases")
	if err != nil {
		return err
	}
	n, err := t.leaf(l, seq)
	if err != nil {
		return err
	}
	if payload, err = t.w.s.seal(log[0].key, place{inReleases, num(seq)}, nil, payload); err != nil {
		return err
	}
	if err := t.exec(sqlRelease, seq, hold, at, payload, n); err != nil {
		return err
	}
	return t.logUsage(log, "")
}

// Holds lists the holds in scope, those released too, oldest first.
func (s *Store) Holds(ctx context.Context, sc Scope) (out []Hold, err error) {
	const op = "holds"
	if err := sc.check(op); err != nil {
		return nil, err
	}
	in, args := sc.where("holds.controller")
	err = s.reading(op, func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, `SELECT holds.seq, holds.kind, holds.controller, holds.at, holds.payload, coalesce(r.seq, 0), r.at, r.payload
			FROM holds LEFT JOIN hold_releases r ON r.hold = holds.seq WHERE `+in+` ORDER BY holds.seq`, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			h, err := s.scanHold(rows)
			if err != nil {
				return err
			}
			out = append(out, h)
		}
		return rows.Err()
	})
	return out, err
}

func (s *Store) scanHold(rows *sql.Rows) (h Hold, err error) {
	var at, number int64
	var released sql.NullInt64
	var payload, release []byte
	if err := rows.Scan(&h.Seq, &h.Kind, &h.Controller, &at, &payload, &number, &released, &release); err != nil {
		return h, err
	}
	var p holdPayload
	if err := s.openPayload(place{inHolds, num(h.Seq)}, payload, &p); err != nil {
		return h, err
	}
	h.Subject, h.Reason, h.By, h.At = p.Subject, p.Reason, p.By, fromMicros(at)
	if released.Valid {
		var r releasePayload
		if err := s.openPayload(place{inReleases, num(number)}, release, &r); err != nil {
			return h, err
		}
		h.Released, h.ReleasedBy, h.ReleaseReason = fromMicros(released.Int64), r.By, r.Reason
	}
	return h, nil
}

// holding lists the holds in force over a document.
func (f *facts) holding(ctx context.Context, q querier) (out []int64, err error) {
	for _, about := range f.held() {
		rows, err := q.QueryContext(ctx, sqlHolding, about.kind, about.key)
		if err != nil {
			return nil, err
		}
		ns, err := numbers(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, ns...)
	}
	return out, nil
}

// heldBy is a subject by which a document can be held.
type heldBy struct {
	kind string
	key  []byte
}

func (f *facts) held() (out []heldBy) {
	for _, c := range f.controllers {
		for kind, id := range map[string]string{aboutDocument: f.r.ID, aboutSeries: f.r.SetID, aboutCase: f.r.Case, aboutController: ""} {
			out = append(out, heldBy{kind, f.keys.subject(kind, c, id)})
		}
		for _, client := range slices.Concat(f.ids...) {
			out = append(out, heldBy{aboutClient, f.keys.clientSubject(c, client[:])})
		}
	}
	return out
}

// numbers reads rows of one number.
func numbers(rows *sql.Rows) (out []int64, err error) {
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		out = append(out, n)
	}
	return out, errors.Join(rows.Err(), rows.Close())
}
