package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"portti/cda/rules/catalogue"
	"portti/conformance/cases"
	"portti/conformance/report"
	"portti/conformance/run"
	"portti/fixtures"
	"portti/gateway/web"
)

// pagesSuite lets the workbench run the joint-test suite against its own gateway: it
// implements web.Suite. The demo has the keys of the test world that the cases sign
// with; no other archive has.
type pagesSuite struct {
	world *fixtures.World
	now   func() time.Time
	// target is the gateway's address, known once it listens.
	target atomic.Pointer[string]
}

// allProfiles stands for the cases of every profile.
const allProfiles = "all"

func chosen(c web.SuiteChoice) []*cases.Case {
	w := cases.Selection{Mode: cases.Archive, IDs: c.Cases}
	if len(c.Cases) == 0 && c.Profile != allProfiles {
		if w.Profile = cases.Profile(c.Profile); !slices.Contains(cases.Profiles, w.Profile) {
			return nil
		}
	}
	return cases.Default().Select(w)
}

// Count implements web.Suite.
func (s *pagesSuite) Count(c web.SuiteChoice) int { return len(chosen(c)) }

// Profiles implements web.Suite.
func (s *pagesSuite) Profiles() []web.SuiteProfile {
	var out []web.SuiteProfile
	for _, key := range append([]cases.Profile{allProfiles}, cases.Profiles...) {
		out = append(out, web.SuiteProfile{Key: string(key), Cases: s.Count(web.SuiteChoice{Profile: string(key)})})
	}
	return out
}

// Run implements web.Suite.
func (s *pagesSuite) Run(ctx context.Context, choice web.SuiteChoice, progress func(string, bool)) ([]byte, error) {
	target := s.target.Load()
	if target == nil {
		return nil, errors.New("the gateway does not listen yet")
	}
	r := &run.Runner{World: s.world, Target: *target, Parallel: 2, Timeout: 30 * time.Second, Slow: 10 * time.Second, Now: s.now,
		Progress: func(c report.Case) { progress(c.ID, !c.Verdict.Bad()) }}
	out := newReport(cases.Archive, s.now().UTC())
	if len(choice.Cases) == 0 && choice.Profile != allProfiles {
		out.Profile = cases.Profile(choice.Profile)
	}
	out.Target = report.Target{URL: *target}
	var err error
	if out.Results, err = r.Run(ctx, chosen(choice)); err != nil {
		return nil, err
	}
	out.Ended = s.now().UTC()
	var b bytes.Buffer
	err = out.Write(&b, "json", catalogue.English)
	return b.Bytes(), err
}

// Failed implements web.Suite.
func (s *pagesSuite) Failed(doc []byte) ([]string, error) {
	r, err := report.Parse(doc)
	if err != nil {
		return nil, err
	}
	return r.Failed(), nil
}

// Write implements web.Reports.
func (s *pagesSuite) Write(w io.Writer, doc []byte, format string, lang catalogue.Lang) error {
	return writeSuiteReport(w, doc, format, lang)
}

// writeSuiteReport writes a report that comes as JSON in another format.
func writeSuiteReport(w io.Writer, doc []byte, format string, lang catalogue.Lang) error {
	r, err := report.Parse(doc)
	if err != nil {
		return err
	}
	return r.Write(w, format, lang)
}
