package pipeline

import (
	"context"
	"errors"

	"portti/cda"
	"portti/cda/frame"
	"portti/cda/rules/catalogue"
	"portti/internal/finding"
	"portti/internal/xmltree"
	"portti/store"
)

// This file finds what a query asks for, has it decided on, and reads it.

// choose fills the part that this answer gives.
func (m *message) choose(ctx context.Context, q *query) error {
	first := len(q.found) == 0 && q.next == "" && q.given == 0
	if first || q.given == len(q.found) && q.next != "" {
		if err := m.collect(ctx, q); err != nil || m.refusedQuery() {
			return err
		}
	}
	end := min(q.given+q.selection.count, len(q.found))
	if err := m.cut(ctx, q, q.found[q.given:end]); err != nil {
		return err
	}
	q.remaining = len(q.found) - q.given
	q.total = len(q.found)
	if q.next != "" {
		q.total = -1 // there is more than was looked for; the next part tells
		q.remaining = max(q.remaining, 1)
	}
	return nil
}

// collect looks for documents and keeps those that may be given.
func (m *message) collect(ctx context.Context, q *query) error {
	s := &q.selection
	switch {
	case len(s.documents) > 0:
		hits, err := m.Library.Lookup(ctx, q.releasing.Scope(), s.documents, s.filter)
		if err != nil {
			return err
		}
		return m.sift(ctx, q, hits)
	case len(s.series) > 0:
		hits, err := m.Library.LookupSeries(ctx, q.releasing.Scope(), s.series, s.filter)
		if err != nil {
			return err
		}
		return m.sift(ctx, q, hits)
	}
	for n := len(q.found); len(q.found) < n+collected; {
		page, err := m.Library.Search(ctx, q.releasing.Scope(), s.filter, searchStep, q.next)
		if err != nil {
			return err
		}
		q.next = page.Next
		if err := m.sift(ctx, q, page.Hits); err != nil || page.Next == "" || m.refusedQuery() {
			return err
		}
	}
	return nil
}

// sift keeps the hits that may be given.
func (m *message) sift(ctx context.Context, q *query, hits []store.Hit) error {
	for _, h := range hits {
		g, ok, err := m.rule(ctx, q, h)
		if err != nil || m.refusedQuery() {
			return err
		}
		if ok {
			q.found = append(q.found, h.ID)
			if len(q.decided) < MaxPart {
				q.decided[h.ID] = g
			}
		}
	}
	return nil
}

// rule decides on one document; false leaves it out.
func (m *message) rule(ctx context.Context, q *query, h store.Hit) (given, bool, error) {
	s, err := frame.ReadSummary(h.Index.Summary)
	if err != nil {
		return given{}, false, err
	}
	g := given{Found: Found{h, s}}
	if g.ruling, err = q.releasing.Decide(ctx, g.Found); err != nil {
		return g, false, err
	}
	switch g.ruling.Outcome {
	case Given:
		return g, true, nil
	case Refused:
		m.findings = append(m.findings, m.atQuery([]finding.Finding{{Rule: g.ruling.Rule, Value: g.ruling.Value}})...)
		q.logs.refuse(&g)
	case Hidden:
		q.logs.hide(&g)
	}
	return g, false, nil
}

// cut makes the part of these documents, as many as the bound of octets allows. Those
// that were not decided on for this very message are looked up and decided on now.
func (m *message) cut(ctx context.Context, q *query, ids []string) error {
	if err := m.decideAnew(ctx, q, ids); err != nil {
		return err
	}
	var size int64
	for _, id := range ids {
		g, ok := q.decided[id]
		if ok && q.selection.carries(g.Index.Group) {
			if size += g.Size; size > m.maxAnswer() && len(q.part) > 0 {
				return nil
			}
		}
		q.given++
		if ok {
			q.part = append(q.part, g)
		}
	}
	return nil
}

// decideAnew looks up and decides on documents that have no ruling yet.
func (m *message) decideAnew(ctx context.Context, q *query, ids []string) error {
	var open []string
	for _, id := range ids {
		if _, ok := q.decided[id]; !ok {
			open = append(open, id)
		}
	}
	f := q.selection.filter
	f.Earlier = true // one that was the newest when it was found is still meant
	hits, err := m.Library.Lookup(ctx, q.releasing.Scope(), open, f)
	if err != nil {
		return err
	}
	for _, h := range hits {
		g, ok, err := m.rule(ctx, q, h)
		if err != nil || m.refusedQuery() {
			return err
		}
		if ok {
			q.decided[h.ID] = g
		}
	}
	return nil
}

// maxAnswer bounds the octets of documents in a part; one document always fits.
func (m *message) maxAnswer() int64 {
	if m.MaxAnswer > 0 {
		return m.MaxAnswer
	}
	return 8 << 20
}

// fetch reads the documents of the part that come with their package.
func (m *message) fetch(ctx context.Context, q *query) error {
	kept := q.part[:0]
	for _, g := range q.part {
		if q.selection.carries(g.Index.Group) {
			err := m.read(ctx, &g)
			if errors.Is(err, store.ErrNotFound) {
				continue // it has gone since it was found
			}
			if err != nil {
				return err
			}
		}
		kept = append(kept, g)
	}
	q.part = kept
	return nil
}

// read reads a document and what was attached to it, as they came.
func (m *message) read(ctx context.Context, g *given) error {
	sc := store.Scope{Controllers: []string{g.Controller}, Purpose: "query"}
	d, err := m.Library.Document(ctx, sc, g.ID)
	if err != nil {
		return err
	}
	if g.document, err = m.Signer.Served(ctx, m.Judge.Verifier, m.Library, sc, d); err != nil {
		return err
	}
	if n := g.Summary.Attachments; n != nil && *n == 0 {
		return nil
	}
	request, err := m.Library.Frame(ctx, sc, g.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err == nil {
		g.attached, err = Attached(request, m.Judge.Frames)
	}
	return err
}

// Attached gives the attachments of a stored request: the parts of its package beside
// the document.
func Attached(request []byte, r frame.Reader) ([]frame.Attachment, error) {
	t, err := xmltree.Parse(request, xmltree.Limits{Bytes: len(request)})
	if err != nil {
		return nil, err
	}
	root := t.Root()
	if t.Local(root) == "Envelope" {
		body := t.Child(root, t.Space(root), "Body")
		if body == xmltree.None {
			return nil, nil
		}
		root = t.FirstElement(body)
	}
	if root == xmltree.None || t.Space(root) != cda.NamespaceHL7 {
		return nil, nil
	}
	r.Profile = catalogue.Lenient // it was judged when it came
	f, _ := r.Read(t, root)
	p, _ := f.Package()
	if p == nil {
		return nil, nil
	}
	var out []frame.Attachment
	for _, a := range p.Attachments {
		out = append(out, frame.Attachment{ContentID: a.ContentID, MediaType: a.MediaType, Bytes: a.Bytes})
	}
	return out, nil
}
