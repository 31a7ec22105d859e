package main

import (
	"bytes"
	"errors"
	"io"

	"portti/cda/rules/catalogue"
	"portti/conformance/cases"
	"portti/conformance/observe"
	"portti/conformance/report"
	"portti/gateway/web"
)

// pagesGuide shows cases and observing mode in the workbench: it implements web.Guide by
// the observer that portti conformance observe has too.
type pagesGuide struct{ o *observe.Observer }

// Write implements web.Reports.
func (g *pagesGuide) Write(w io.Writer, doc []byte, format string, lang catalogue.Lang) error {
	return writeSuiteReport(w, doc, format, lang)
}

// Cases implements web.Guide.
func (g *pagesGuide) Cases(lang catalogue.Lang) []web.JointCase {
	var out []web.JointCase
	for _, mode := range []cases.Mode{cases.Archive, cases.Client} {
		for _, c := range g.o.Cases.Select(cases.Selection{Mode: mode}) {
			t := g.o.Cases.Tell(c, lang)
			x := web.JointCase{ID: c.ID, Area: c.Area, Phase: c.Phase, Version: c.Version, Client: mode == cases.Client,
				Requirements: c.Requirements, Title: t.Title, Given: t.Given, Failure: t.Failure}
			for _, p := range c.Profiles {
				x.Profiles = append(x.Profiles, string(p))
			}
			for _, s := range t.Steps {
				x.Steps = append(x.Steps, web.JointStep(s))
			}
			out = append(out, x)
		}
	}
	return out
}

// Begin implements web.Guide.
func (g *pagesGuide) Begin(p web.GuidePlan) (string, error) {
	id, err := g.o.Begin(observe.Plan{Name: p.Name, Certificate: p.Certificate, Device: p.Device, Profile: cases.Profile(p.Profile), IDs: p.Cases})
	return id, guideError(err)
}

// guideError tells an observer's errors as the pages know them.
func guideError(err error) error {
	for of, as := range map[error]error{observe.ErrTaken: web.ErrGuideTaken, observe.ErrBusy: web.ErrGuideBusy, observe.ErrNoCases: web.ErrGuideCases,
		observe.ErrNoSession: web.ErrGuideGone, observe.ErrOver: web.ErrGuideGone} {
		if errors.Is(err, of) {
			return as
		}
	}
	return err
}

// Sessions implements web.Guide.
func (g *pagesGuide) Sessions(lang catalogue.Lang) []web.GuideSession {
	var out []web.GuideSession
	for _, s := range g.o.States() {
		out = append(out, sessionOf(&s, lang))
	}
	return out
}

func sessionOf(s *observe.State, lang catalogue.Lang) web.GuideSession {
	out := web.GuideSession{
		ID:        s.ID,
		GuidePlan: web.GuidePlan{Name: s.Plan.Name, Certificate: s.Plan.Certificate, Device: s.Plan.Device, Profile: string(s.Plan.Profile), Cases: s.Plan.IDs},
		Done:      s.Done, Ended: s.Ended, Passed: s.Counts.Passed, Failed: s.Counts.Failed, Total: s.Counts.Cases,
		Open: s.Counts.Cases - s.Counts.Passed - s.Counts.Failed,
		Case: s.Case, Title: s.Title.In(lang), Say: s.Say.In(lang), Step: s.Step, Steps: s.Steps,
	}
	why := map[string][]string{}
	for _, f := range s.Failed {
		for _, t := range f.Why {
			why[f.Case] = append(why[f.Case], t.In(lang))
		}
	}
	for _, c := range s.Cases {
		x := web.GuideCase{ID: c.Case, Title: c.Title.In(lang), Verdict: string(report.Open), Why: why[c.Case]}
		if c.Verdict == report.Passed || c.Verdict == report.Failed {
			x.Verdict = string(c.Verdict)
		}
		out.States = append(out.States, x)
	}
	return out
}

// Again implements web.Guide.
func (g *pagesGuide) Again(id string) error { return guideError(g.o.Again(id)) }

// Skip implements web.Guide.
func (g *pagesGuide) Skip(id string) error { return guideError(g.o.Skip(id)) }

// End implements web.Guide.
func (g *pagesGuide) End(id string) ([]byte, error) { return asJSON(g.o.End(id)) }

// Report implements web.Guide.
func (g *pagesGuide) Report(id string) ([]byte, error) { return asJSON(g.o.Report(id)) }

func asJSON(r *report.Run, err error) ([]byte, error) {
	if err != nil {
		return nil, guideError(err)
	}
	var b bytes.Buffer
	err = r.Write(&b, "json", catalogue.English)
	return b.Bytes(), err
}
