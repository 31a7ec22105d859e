package migrate

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"portti/cda"
)

// belong notes the relationship and the case of a document. Their times widen with
// each document; their documents are made when all rows are read.
func (b *builder) belong(f *facts) error {
	year := b.bornYear(f)
	if f.caseOID != "" && !cda.ValidOID(f.caseNumber) {
		if err := b.belongToCase(f, year); err != nil {
			return err
		}
	}
	if f.relationOID == "" {
		return nil
	}
	started, ended := first(f.started, f.date), time.Time{}
	if !f.ended.IsZero() {
		ended = last(f.ended, f.date)
	}
	_, err := b.Journal.exec(`INSERT INTO relations VALUES(?,?,?,?,?,?,?,?,?,?,?,?)
		ON CONFLICT(key) DO UPDATE SET started=min(started, excluded.started), ended=CASE WHEN ended=0 OR excluded.ended=0 THEN 0 ELSE max(ended, excluded.ended) END`,
		f.relationKey(), f.relationOID, b.Mapping.newOID(year, "relation document", f.relationKey()), f.client.key, f.controller.OID, f.controller.Name,
		f.unit.OID, f.unit.Name, f.task.Code, f.task.Display, started.Unix(), unix(ended))
	return err
}

// belongToCase notes a case: one client, one service task.
func (b *builder) belongToCase(f *facts, year int) error {
	r, err := b.Journal.row(`SELECT person, task FROM cases WHERE key=?`, f.caseKey())
	if err != nil {
		return err
	}
	var person, task string
	switch err := r.Scan(&person, &task); {
	case err == nil && (person != f.client.key || task != f.task.Code):
		return refuse(ReasonCase, "")
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return err
	}
	opened, closed := first(f.caseOpened, f.date), time.Time{}
	if !f.caseClosed.IsZero() {
		closed = last(f.caseClosed, f.date)
	}
	_, err = b.Journal.exec(`INSERT INTO cases VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)
		ON CONFLICT(key) DO UPDATE SET opened=min(opened, excluded.opened), closed=CASE WHEN closed=0 OR excluded.closed=0 THEN 0 ELSE max(closed, excluded.closed) END`,
		f.caseKey(), f.caseOID, b.Mapping.newOID(year, "case document", f.caseKey()), f.client.key, f.relationOID, f.caseTitle, f.controller.OID, f.controller.Name,
		f.unit.OID, f.unit.Name, f.task.Code, f.task.Display, opened.Unix(), unix(closed))
	return err
}

// first and last give the earlier and the later of two times; a is zero where it
// is not told.
func first(a, b time.Time) time.Time {
	if !a.IsZero() && a.Before(b) {
		return a
	}
	return b
}

func last(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// unix is 0 for the zero time; 0 itself is no time of an old system's.
func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func fromUnix(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(n, 0).In(cda.Helsinki())
}

// around makes the documents of relationships and cases that have none yet: signed
// side by side, written in their order.
func (b *builder) around(ctx context.Context) error {
	for _, next := range []func() (*paper, error){b.nextRelation, b.nextCase} {
		var window []chan *surrounding
		drain := func(n int) error {
			for len(window) > n {
				x := <-window[0]
				window = window[1:]
				if err := b.surround(x); err != nil {
					return err
				}
			}
			return nil
		}
		for ctx.Err() == nil {
			p, err := next()
			if err != nil {
				return err
			}
			if p == nil {
				break
			}
			out := make(chan *surrounding, 1)
			window = append(window, out)
			go func() {
				doc, fs, err := b.sign(p)
				out <- &surrounding{p, doc, fs, err}
			}()
			if err := drain(2 * b.Workers); err != nil {
				return err
			}
		}
		if err := errors.Join(drain(0), ctx.Err()); err != nil {
			return err
		}
	}
	return nil
}

// surrounding is a relationship's or case's document from a worker.
type surrounding struct {
	*paper
	document *signed
	findings []Finding
	err      error
}

// surround keeps one such document; one that the engine rejects is kept as refused,
// without bytes.
func (b *builder) surround(p *surrounding) error {
	r, ours := asRefusal(p.err)
	if p.err != nil && !ours {
		return p.err
	}
	seq, err := b.store(p.class, p.oid, 0, "", "", p.controller.OID, p.written, p.document, p.findings)
	if err != nil {
		return err
	}
	if r != nil {
		findings, err := json.Marshal(r.Findings)
		if err != nil {
			return err
		}
		if _, err := b.Journal.exec(`INSERT INTO answers VALUES(?,'refused','',?,'','',?,0,0)`, seq, string(findings), b.began.UnixMilli()); err != nil {
			return err
		}
		b.count.Refused++
	}
	return b.Journal.tick()
}

// nextRelation gives the next relationship without a document, nil at the end.
func (b *builder) nextRelation() (*paper, error) {
	r, err := b.Journal.row(`SELECT key, oid, document, person, controller, controller_name, unit, unit_name, task, task_name, started, ended
		FROM relations r WHERE key>? AND NOT EXISTS (SELECT 1 FROM documents d WHERE d.oid=r.document) ORDER BY key LIMIT 1`, b.relation)
	if err != nil {
		return nil, err
	}
	var x relation
	var document, person string
	var started, ended int64
	err = r.Scan(&b.relation, &x.oid, &document, &person, &x.controller.OID, &x.controller.Name, &x.unit.OID, &x.unit.Name, &x.task.Code, &x.task.Display, &started, &ended)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if x.client, err = b.Journal.person(person); err != nil {
		return nil, err
	}
	x.started, x.ended = fromUnix(started), fromUnix(ended)
	return x.paper(document, b.began), nil
}

// nextCase gives the next case without a document, nil at the end.
func (b *builder) nextCase() (*paper, error) {
	r, err := b.Journal.row(`SELECT key, oid, document, person, relation, title, controller, controller_name, unit, unit_name, task, task_name, opened, closed
		FROM cases c WHERE key>? AND NOT EXISTS (SELECT 1 FROM documents d WHERE d.oid=c.document) ORDER BY key LIMIT 1`, b.caseKey)
	if err != nil {
		return nil, err
	}
	var x oldCase
	var document, person string
	var opened, closed int64
	err = r.Scan(&b.caseKey, &x.oid, &document, &person, &x.relation, &x.title, &x.controller.OID, &x.controller.Name, &x.unit.OID, &x.unit.Name, &x.task.Code, &x.task.Display, &opened, &closed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if x.client, err = b.Journal.person(person); err != nil {
		return nil, err
	}
	x.opened, x.closed = fromUnix(opened), fromUnix(closed)
	return x.paper(document, b.began), nil
}
