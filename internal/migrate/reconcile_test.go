package migrate

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// forgetful is an archive that lacks what it acknowledged once in a while.
type forgetful struct {
	every int
	asked int
}

func (w *forgetful) Name() string { return "memory" }

func (w *forgetful) Holds(_ context.Context, page []Kept) ([]bool, error) {
	out := make([]bool, len(page))
	for i := range page {
		w.asked++
		out[i] = w.asked%w.every != 0
	}
	return out, nil
}

// TestMIG1_WhatTheArchiveLostIsTold: reconciliation asks about every acknowledged
// document, names what is missing, in text and page, and is not complete then.
func TestMIG1_WhatTheArchiveLostIsTold(t *testing.T) {
	j := ready(t, 220)
	s := &shaky{times: map[string]int{}, plan: func(int) (Reply, error) { return Reply{Verdict: "CA", Status: 200}, nil }}
	if p, err := push(t, j, s, PushOptions{Workers: 4}); err != nil || p.Archived != 220 {
		t.Fatalf("%+v %v", p, err)
	}
	r, err := j.Reconcile(t.Context(), Both(&forgetful{every: 100}, &forgetful{every: 75}))
	if err != nil || r.Complete() || r.Asked != 220 || r.Held != 216 || len(r.Missing) != 4 || r.By != "memory, memory" {
		t.Fatalf("%+v %v", r, err)
	}
	sum, err := j.Summarise(t.Context(), "en", "report", ago())
	if err != nil {
		t.Fatal(err)
	}
	sum.Reconciled = r
	var text, page bytes.Buffer
	if err := sum.Text(&text, "en"); err != nil {
		t.Fatal(err)
	}
	if err := sum.HTML(&page, "en"); err != nil {
		t.Fatal(err)
	}
	for _, id := range r.Missing {
		if !strings.Contains(text.String(), id) || !strings.Contains(page.String(), id) {
			t.Errorf("%s is not told", id)
		}
	}
	if !strings.Contains(text.String(), "Not complete") {
		t.Error(text.String())
	}
	w, err := ResendWitness(j, s, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	before := s.n
	if r, err := j.Reconcile(t.Context(), w); err != nil || r.Held != 220 || s.n != before+220 {
		t.Errorf("sent once more: %+v %v", r, err)
	}
}

// What is wrong with a document that has no row is told by the document.
func TestMIG1_AProblemNamesTheDocumentWhereThereIsNoRow(t *testing.T) {
	warnings := map[string]*Problem{}
	s := &Summary{Title: "report", States: map[string]map[string]int64{}}
	for _, x := range []Record{
		{Kind: "document", Row: 7, OldID: "A7", Document: "1.2.246.10.99999901.7", Findings: []Finding{{Rule: "X", Severity: "warning"}}},
		{Kind: "relationship", Document: "1.2.246.10.99999901.8", Findings: []Finding{{Rule: "X", Severity: "warning"}}},
	} {
		s.count(nil, warnings, &x)
	}
	s.Warnings = sorted(warnings)
	var text, page strings.Builder
	if err := errors.Join(s.Text(&text, "en"), s.HTML(&page, "en")); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"row 7 A7", "document 1.2.246.10.99999901.8"} {
		if !strings.Contains(text.String(), want) || strings.Contains(text.String(), "row 0") {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	if !strings.Contains(page.String(), "document <code>1.2.246.10.99999901.8</code>") {
		t.Error("the page does not name the document")
	}
}
