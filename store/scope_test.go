package store

import (
	"context"
	"errors"
	"testing"
)

// reads is every read of the package, asked for something that is there.
var reads = map[string]func(s *Store, sc Scope) (found bool, err error){
	"Document": func(s *Store, sc Scope) (bool, error) {
		d, err := s.Document(bg, sc, id(1))
		return d != nil, err
	},
	"Frame": func(s *Store, sc Scope) (bool, error) {
		b, err := s.Frame(bg, sc, id(1))
		return b != nil, err
	},
	"Series": func(s *Store, sc Scope) (bool, error) {
		v, err := s.Series(bg, sc, id(1))
		return len(v) > 0, err
	},
	"Search all":    func(s *Store, sc Scope) (bool, error) { return hits(s, sc, Filter{}) },
	"Search client": func(s *Store, sc Scope) (bool, error) { return hits(s, sc, Filter{Client: cli1}) },
	"Search case": func(s *Store, sc Scope) (bool, error) {
		return hits(s, sc, Filter{Case: doc(id(1)).Index.Case})
	},
	"Search author": func(s *Store, sc Scope) (bool, error) {
		return hits(s, sc, Filter{Author: doc(id(1)).Index.Author})
	},
	"Search task": func(s *Store, sc Scope) (bool, error) { return hits(s, sc, Filter{Tasks: []string{"24"}}) },
	"Lookup": func(s *Store, sc Scope) (bool, error) {
		h, err := s.Lookup(bg, sc, []string{id(1)}, Filter{Earlier: true})
		return len(h) > 0, err
	},
	"LookupSeries": func(s *Store, sc Scope) (bool, error) {
		h, err := s.LookupSeries(bg, sc, []string{id(1)}, Filter{Client: cli1})
		return len(h) > 0, err
	},
	"MessageStatus": func(s *Store, sc Scope) (bool, error) {
		m, err := s.MessageStatus(bg, sc, "m-"+id(1))
		return len(m) > 0, err
	},
	"DocumentStatus": func(s *Store, sc Scope) (bool, error) {
		m, err := s.DocumentStatus(bg, sc, id(1))
		return len(m) > 0, err
	},
	"Transfers": func(s *Store, sc Scope) (bool, error) {
		x, err := s.Transfers(bg, sc)
		return len(x) > 0, err
	},
	"SeriesTransfers": func(s *Store, sc Scope) (bool, error) {
		x, err := s.SeriesTransfers(bg, sc, id(1))
		return len(x) > 0, err
	},
	"Flags": func(s *Store, sc Scope) (bool, error) {
		x, err := s.Flags(bg, sc, true)
		return len(x) > 0, err
	},
	"EachSeries": func(s *Store, sc Scope) (found bool, err error) {
		err = s.EachSeries(bg, sc, func(SeriesFacts) error { found = true; return nil })
		return found, err
	},
	"SearchUsage": func(s *Store, sc Scope) (bool, error) {
		p, err := s.SearchUsage(bg, sc, LogFilter{}, 10, "")
		return len(p.Entries) > 0 || p.Next != "", err
	},
	"SearchUsage client": func(s *Store, sc Scope) (bool, error) {
		p, err := s.SearchUsage(bg, sc, LogFilter{Client: cli1}, 10, "")
		return len(p.Entries) > 0 || p.Next != "", err
	},
	"SearchDisclosures": func(s *Store, sc Scope) (bool, error) {
		p, err := s.SearchDisclosures(bg, sc, LogFilter{}, 10, "")
		return len(p.Entries) > 0 || p.Next != "", err
	},
	"Holds": func(s *Store, sc Scope) (bool, error) {
		h, err := s.Holds(bg, sc)
		return len(h) > 0, err
	},
	"Retention": func(s *Store, sc Scope) (found bool, err error) {
		err = s.Retention(bg, sc, tenYears{}, func(*RetentionFacts) error { found = true; return nil })
		return found, err
	},
	"Filed": func(s *Store, sc Scope) (bool, error) {
		_, b, err := s.Filed(bg, sc, id(901))
		return len(b) > 0, err
	},
	"Prove": func(s *Store, sc Scope) (bool, error) {
		p, err := s.Prove(bg, sc, id(1))
		return p != nil, err
	},
	"ProveRow document": func(s *Store, sc Scope) (bool, error) { return proven(s, sc, "document:"+id(2)) },
	"ProveRow log row":  func(s *Store, sc Scope) (bool, error) { return proven(s, sc, "usage:1") },
	"Export": func(s *Store, sc Scope) (found bool, err error) {
		err = s.Export(bg, sc, func(*Exported) error { found = true; return nil })
		return found, err
	},
	"Counts": func(s *Store, sc Scope) (bool, error) {
		c, err := s.Counts(bg, sc)
		return c.Documents > 0 || len(c.Groups) > 0, err
	},
}

func proven(s *Store, sc Scope, name string) (bool, error) {
	leaf, err := s.Leaf(bg, name)
	if err != nil {
		return false, err
	}
	p, err := s.ProveRow(bg, sc, leaf)
	return p != nil, err
}

func hits(s *Store, sc Scope, f Filter) (bool, error) {
	p, err := s.Search(bg, sc, f, 10, "")
	return len(p.Hits) > 0 || p.Next != "", err
}

func TestREK2_NoReadSeesAForeignScope(t *testing.T) {
	s := open(t)
	mustArchive(t, s, doc(id(1)))
	mustArchive(t, s, next(doc(id(1)), id(2)))
	if _, err := s.Flag(bg, Flag{SetID: id(1), State: Suspected, Rule: "X", By: operator}); err != nil {
		t.Fatal(err)
	}
	p := planOf(ctlA, ctlA)
	p.FromRegister, p.ToRegister = "1", "2"
	mustApply(t, s, mustPlan(t, s, p).ID)
	fileNotice(t, s, id(901))
	addHold(t, s, Hold{Kind: "document", Subject: id(1)})
	for name, read := range reads {
		for _, sc := range []Scope{inA, {Controllers: []string{ctlB, ctlA}, Purpose: "test"}, all} {
			if found, err := read(s, sc); !found || err != nil {
				t.Errorf("%s under scope %v: found %v, %v", name, sc, found, err)
			}
		}
		for _, sc := range []Scope{inB, {Purpose: "test"}, {Controllers: []string{""}, Purpose: "test"}} {
			if found, err := read(s, sc); found || err != nil && !errors.Is(err, ErrNotFound) {
				t.Errorf("%s under foreign scope %v: found %v, %v", name, sc, found, err)
			}
		}
		if found, err := read(s, Scope{Controllers: []string{ctlA}}); found || !errors.Is(err, ErrScope) {
			t.Errorf("%s without a purpose: found %v, %v", name, found, err)
		}
	}
}

// A provider that stores into the organiser's register asks for its messages by
// its own name, and the controller for its documents by its own.
func TestSEC2_StatusForSenderAndController(t *testing.T) {
	s := open(t)
	a := doc(id(1))
	a.Message.Owner = ctlB
	mustArchive(t, s, a)
	for _, sc := range []Scope{inA, inB} {
		m, err := s.DocumentStatus(bg, sc, a.ID)
		if err != nil || !m[0].InArchive || m[0].Verdict != "CA" {
			t.Errorf("scope %v: %+v %v", sc, m, err)
		}
	}
	if m, err := s.MessageStatus(bg, inB, a.Message.ID); err != nil || string(m[0].Acknowledgement) != "<ack/>" || m[0].FromArchive {
		t.Errorf("sender's message: %+v %v", m, err)
	}
}

func TestSEC2_StatusOfRefusedAndUnknown(t *testing.T) {
	s := open(t)
	mustArchive(t, s, doc(id(1)))
	bad := doc(id(1))
	bad.Document, bad.Message.ID = []byte("<other/>"), "m-bad"
	bad.Answer = func(o Outcome) Answer {
		return Answer{Verdict: "CE", Acknowledgement: []byte("<no/>"), Findings: []byte(o.Findings[0].Rule)}
	}
	refused(t, s, bad, RuleIDBytes)
	m, err := s.MessageStatus(bg, inA, "m-bad")
	if err != nil || len(m) != 1 {
		t.Fatal(m, err)
	}
	if x := m[0]; x.Outcome != Refused || x.Verdict != "CE" || string(x.Acknowledgement) != "<no/>" || string(x.Findings) != RuleIDBytes {
		t.Errorf("refused message: %+v", x)
	}
	ms, err := s.DocumentStatus(bg, inA, id(1))
	if err != nil || len(ms) != 2 || ms[0].Outcome != Refused || !ms[1].InArchive {
		t.Errorf("status of the document: %+v %v", ms, err)
	}
	_, err = s.DocumentStatus(bg, inA, id(5))
	wantErr(t, err, ErrNotFound)
	_, err = s.MessageStatus(bg, inA, "")
	wantErr(t, err, ErrNotFound)
}

func TestReadHonoursItsContext(t *testing.T) {
	s := open(t)
	mustArchive(t, s, doc(id(1)))
	ctx, cancel := context.WithCancel(bg)
	cancel()
	if _, err := s.Document(ctx, all, id(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("read with an ended context: %v", err)
	}
}
