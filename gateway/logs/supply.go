package logs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"portti/store"

	"filippo.io/age"
)

// Archive is what this package needs of the store; *store.Store is one.
type Archive interface {
	SearchUsage(context.Context, store.Scope, store.LogFilter, int, string) (store.LogPage[store.UsageEntry], error)
	SearchDisclosures(context.Context, store.Scope, store.LogFilter, int, string) (store.LogPage[store.DisclosureEntry], error)
	Log(context.Context, store.Entries) error
}

// The actions of this package in the usage log.
const (
	ActionSupply = "log-supply"
	ActionReport = "log-report"
	ActionProve  = "log-prove"
)

// Supply is a supplying of log entries.
type Supply struct {
	// Log is store.UsageLog or store.DisclosureLog.
	Log store.LogName
	// Controller is whose log: entries of one controller alone are supplied.
	Controller string
	Filter     store.LogFilter
	Format     Format
	// Recipients, where there are any, are who can read what is supplied.
	Recipients []age.Recipient
	// By supplies, Purpose says why.
	By      store.Actor
	Purpose string
	Now     time.Time
}

// told is what the log row of a supplying tells.
type told struct {
	Log       store.LogName `json:"log"`
	Format    Format        `json:"format,omitempty"`
	Rows      int           `json:"rows"`
	Encrypted bool          `json:"encrypted"`
	User      string        `json:"user,omitempty"`
	Document  string        `json:"document,omitempty"`
	Recipient string        `json:"recipient,omitempty"`
	From      string        `json:"from,omitempty"`
	Until     string        `json:"until,omitempty"`
	Rules     []string      `json:"rules,omitempty"`
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// ErrWho tells that a supplying does not say who does it, for whom and why.
var ErrWho = errors.New("logs: controller, purpose and who supplies (id and name) are needed")

// page is the size of the pages read.
const page = 500

// Write supplies the entries to w and tells how many there were. The log row of the
// supplying, with their number, is durable before the first octet is written.
func (s *Supply) Write(ctx context.Context, a Archive, w io.Writer) (rows int, err error) {
	if s.Controller == "" || s.Purpose == "" || s.By.ID == "" || s.By.Name == "" {
		return 0, ErrWho
	}
	if s.Log != store.UsageLog && s.Log != store.DisclosureLog {
		return 0, fmt.Errorf("logs: there is no log %q to supply", s.Log)
	}
	if s.Filter.Until.IsZero() || s.Filter.Until.After(s.Now) {
		s.Filter.Until = s.Now // what is logged from now on, this very deed too, is no part of it
	}
	if err := s.each(ctx, a, func(Entry) error { rows++; return nil }); err != nil {
		return 0, err
	}
	if err := s.log(ctx, a, rows); err != nil {
		return 0, err
	}
	return rows, s.stream(ctx, a, w)
}

func (s *Supply) stream(ctx context.Context, a Archive, w io.Writer) error {
	out := w
	if len(s.Recipients) > 0 {
		sealed, err := age.Encrypt(w, s.Recipients...)
		if err != nil {
			return err
		}
		if err := s.write(ctx, a, sealed); err != nil {
			return err
		}
		return sealed.Close()
	}
	return s.write(ctx, a, out)
}

func (s *Supply) write(ctx context.Context, a Archive, w io.Writer) error {
	f, err := newWriter(s.Format, s.Log, w)
	if err != nil {
		return err
	}
	if err := s.each(ctx, a, f.entry); err != nil {
		return err
	}
	return f.end()
}

// log writes the row of this supplying.
func (s *Supply) log(ctx context.Context, a Archive, rows int) error {
	f := &s.Filter
	d, err := json.Marshal(told{Log: s.Log, Format: s.Format, Rows: rows, Encrypted: len(s.Recipients) > 0, User: f.User,
		Document: f.DocumentID, Recipient: f.Recipient, From: moment(f.From), Until: moment(f.Until)})
	if err != nil {
		return err
	}
	return a.Log(ctx, store.Entries{Usage: []store.Usage{{At: s.Now, DataController: s.Controller, LogController: s.Controller, Client: f.Client,
		User: s.By.ID, UserName: s.By.Name, System: "portti", Action: ActionSupply, Purpose: s.Purpose, Detail: d}}})
}

// each visits the entries, newest first.
func (s *Supply) each(ctx context.Context, a Archive, visit func(Entry) error) error {
	sc := store.Scope{Controllers: []string{s.Controller}, Purpose: s.Purpose}
	if s.Log == store.UsageLog {
		return pages(func(next string) (store.LogPage[store.UsageEntry], error) {
			return a.SearchUsage(ctx, sc, s.Filter, page, next)
		}, func(e store.UsageEntry) error { return visit(ofUsage(e)) })
	}
	return pages(func(next string) (store.LogPage[store.DisclosureEntry], error) {
		return a.SearchDisclosures(ctx, sc, s.Filter, page, next)
	}, func(e store.DisclosureEntry) error { return visit(ofDisclosure(e)) })
}

// pages visits every entry of a search.
func pages[E any](search func(next string) (store.LogPage[E], error), visit func(E) error) error {
	for next := ""; ; {
		p, err := search(next)
		if err != nil {
			return err
		}
		for _, e := range p.Entries {
			if err := visit(e); err != nil {
				return err
			}
		}
		if next = p.Next; next == "" {
			return nil
		}
	}
}
