package main

import (
	"fmt"
	"os"
	"time"

	"portti/cda"
	"portti/cda/frame/interactions"
	"portti/cda/rules"

	"github.com/spf13/pflag"
)

func (m *Main) bookFlags(f *pflag.FlagSet) {
	f.String("assumptions", "on", "on, or off: only what a source tells counts")
	f.String("obligations", "", "YAML `FILE`: what document groups must say, in place of the shipped rows")
	f.String("interactions", "", "YAML `FILE`: service requests, groups and the like, in place of the shipped ones")
}

// ruleFlags are bookFlags with those that only judging needs.
func (m *Main) ruleFlags(f *pflag.FlagSet) {
	m.bookFlags(f)
	f.String("phrases", "any", "any, or exact: another text in place of a structure's fixed phrase is an error")
	f.String("phase1-until", "", "last `DAY` (2026-12-31) or moment at which new documents of phase I are taken (default: the world's own)")
}

// phase1Until gives the last moment for new documents of phase I; zero where the
// world decides. A day ends at midnight in Finland.
func (c *config) phase1Until() (time.Time, error) {
	if c.Phase1Until == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, c.Phase1Until); err == nil {
		return t, nil
	}
	day, err := time.ParseInLocation(time.DateOnly, c.Phase1Until, cda.Helsinki())
	if err != nil {
		return time.Time{}, usage(fmt.Errorf("phase1_until is %q", c.Phase1Until), "write a day (2026-12-31) or a moment (2026-12-31T21:59:59Z)")
	}
	return day.AddDate(0, 0, 1).Add(-time.Nanosecond), nil
}

// book gives the rules' facts as configured: the shipped ones, without local
// assumptions where these are off, with the user's own files over them.
func (m *Main) book() (*rules.Book, error) {
	c := &m.config
	b := rules.DefaultBook()
	if c.Assumptions == "off" {
		b = b.WithoutAssumptions()
	}
	if c.Interactions != "" {
		over, err := ownTable(c.Interactions)
		if err != nil {
			return nil, err
		}
		b = b.WithTable(b.Table.Merge(over))
	}
	if c.Obligations == "" {
		return b, nil
	}
	f, err := os.Open(c.Obligations)
	if err != nil {
		return nil, usage(err, "")
	}
	defer f.Close()
	if b, err = b.Override(f); err != nil {
		return nil, usage(fmt.Errorf("%s: %w", c.Obligations, err), "the form is that of cda/rules/data/obligations.yaml")
	}
	return b, nil
}

// ownTable reads a user's table. Its entries are local assumptions where they do
// not say otherwise, and their source is the file.
func ownTable(name string) (*interactions.Table, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, usage(err, "")
	}
	defer f.Close()
	t, err := interactions.Load(f)
	if err != nil {
		return nil, usage(fmt.Errorf("%s: %w", name, err), "the form is that of cda/frame/interactions/data/interactions.yaml")
	}
	own := func(c *interactions.Certainty, source *string) {
		if *c == "" {
			*c = interactions.Local
		}
		if *source == "" {
			*source = name
		}
	}
	for i := range t.Parameters {
		own(&t.Parameters[i].Certainty, &t.Parameters[i].Source)
	}
	for i := range t.Nullifications {
		own(&t.Nullifications[i].Certainty, &t.Nullifications[i].Source)
	}
	for i := range t.Interactions {
		own(&t.Interactions[i].Certainty, &t.Interactions[i].Source)
	}
	for i := range t.ServiceRequests {
		own(&t.ServiceRequests[i].Certainty, &t.ServiceRequests[i].Source)
	}
	for i := range t.HealthServiceRequests {
		own(&t.HealthServiceRequests[i].Certainty, &t.HealthServiceRequests[i].Source)
	}
	for i := range t.UseSituations {
		own(&t.UseSituations[i].Certainty, &t.UseSituations[i].Source)
	}
	for i := range t.Groups {
		own(&t.Groups[i].Certainty, &t.Groups[i].Source)
	}
	for i := range t.Receivers {
		own(&t.Receivers[i].Certainty, &t.Receivers[i].Source)
	}
	return t, nil
}
