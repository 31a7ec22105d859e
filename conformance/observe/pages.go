package observe

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"portti/cda/rules/catalogue"
	"portti/conformance/cases"
	"portti/conformance/report"
	"portti/internal/negotiate"
)

// State is what a session shows while it runs.
type State struct {
	ID     string        `json:"id"`
	Plan   Plan          `json:"plan"`
	Done   bool          `json:"done"`
	Ended  bool          `json:"ended,omitempty"`
	Counts report.Counts `json:"counts"`
	// Case, Title, Step, Steps and Say tell what is asked for now.
	Case  string `json:"case,omitempty"`
	Title Text   `json:"title,omitempty"`
	Step  int    `json:"step,omitempty"`
	Steps int    `json:"steps,omitempty"`
	Say   Text   `json:"say,omitempty"`
	// Failed are the cases that failed, with the reasons.
	Failed []Failure `json:"failed,omitempty"`
	// Cases are all of the plan in their order.
	Cases []CaseState `json:"cases"`
}

// CaseState is how far a case is.
type CaseState struct {
	Case    string         `json:"case"`
	Title   Text           `json:"title"`
	Verdict report.Verdict `json:"verdict"`
}

// Text is a text in every language.
type Text = cases.Text

// Failure is a case that failed, and why.
type Failure struct {
	Case string `json:"case"`
	Step int    `json:"step"`
	Why  []Text `json:"why"`
}

// States gives the state of every session.
func (o *Observer) States() []State {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := []State{}
	for _, s := range o.sessions {
		out = append(out, s.state())
	}
	return out
}

func (s *session) state() State {
	st := State{ID: s.id, Plan: s.plan, Done: s.done(), Ended: s.ended, Counts: s.run.Count()}
	if x := s.current(); x != nil {
		c := s.cases[s.at]
		st.Case, st.Title, st.Step, st.Steps, st.Say = c.ID, c.Title, s.step+1, len(c.Steps), x.Say
	}
	for _, r := range s.run.Results {
		st.Cases = append(st.Cases, CaseState{r.ID, r.Title, r.Verdict})
		for i, x := range r.Steps {
			if x.Verdict == report.Failed {
				f := Failure{Case: r.ID, Step: i + 1}
				for _, p := range x.Problems {
					f.Why = append(f.Why, p.Text)
				}
				st.Failed = append(st.Failed, f)
			}
		}
	}
	return st
}

// Prefix is where Pages stands.
const Prefix = "/conformance/"

// Pages are the operator's pages:
//
//	GET  /conformance/                    the state of every session; JSON where asked for
//	GET  /conformance/cases               the cases; HTML or JSON where asked for
//	GET  /conformance/knobs               the knobs
//	POST /conformance/sessions            begins a session: a Plan as JSON
//	GET  /conformance/sessions/ID         its report: ?format=text|json|junit|html|csv&lang=fi
//	POST /conformance/sessions/ID/again   the last case anew
//	POST /conformance/sessions/ID/skip    on to the next case
//	POST /conformance/sessions/ID/end     ends it: what is open stays so
//	POST /conformance/sessions/ID/knob/K  how the next message is answered
func (o *Observer) Pages() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Prefix+"{$}", o.showState)
	mux.HandleFunc("GET "+Prefix+"cases", o.showCases)
	mux.HandleFunc("GET "+Prefix+"knobs", o.showKnobs)
	mux.HandleFunc("POST "+Prefix+"sessions", o.begin)
	mux.HandleFunc("GET "+Prefix+"sessions/{id}", o.showReport)
	mux.HandleFunc("POST "+Prefix+"sessions/{id}/again", o.act(func(r *http.Request) error { return o.Again(r.PathValue("id")) }))
	mux.HandleFunc("POST "+Prefix+"sessions/{id}/skip", o.act(func(r *http.Request) error { return o.Skip(r.PathValue("id")) }))
	mux.HandleFunc("POST "+Prefix+"sessions/{id}/end", o.act(func(r *http.Request) error {
		_, err := o.End(r.PathValue("id"))
		return err
	}))
	mux.HandleFunc("POST "+Prefix+"sessions/{id}/knob/{knob}", o.act(func(r *http.Request) error {
		return o.Turn(r.PathValue("id"), r.PathValue("knob"))
	}))
	return mux
}

func langOf(r *http.Request) catalogue.Lang {
	if l := catalogue.Lang(r.URL.Query().Get("lang")); slices.Contains(catalogue.Langs, l) {
		return l
	}
	return negotiate.Language(r.Header.Get("Accept-Language"), catalogue.Langs, catalogue.English)
}

func wantsJSON(r *http.Request) bool {
	return r.URL.Query().Get("format") == "json" || negotiate.Names(r.Header.Get("Accept"), "application/json")
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // a reader that has gone is no fault of ours
}

func (o *Observer) showState(w http.ResponseWriter, r *http.Request) {
	states := o.States()
	if wantsJSON(r) {
		writeJSON(w, states)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	for _, s := range states {
		s.Write(w, langOf(r))
	}
}

// Write tells a state as text.
func (s *State) Write(w io.Writer, lang catalogue.Lang) {
	n := s.Counts
	fmt.Fprintf(w, "%s  %s  %d/%d passed, %d failed, %d open\n", s.ID, s.Plan.Name, n.Passed, n.Cases, n.Failed, n.Open)
	if !s.Done {
		fmt.Fprintf(w, "  now: %s %s\n  %d/%d: %s\n", s.Case, s.Title.In(lang), s.Step, s.Steps, s.Say.In(lang))
	}
	for _, f := range s.Failed {
		var why []string
		for _, t := range f.Why {
			why = append(why, t.In(lang))
		}
		fmt.Fprintf(w, "  failed: %s, step %d: %s\n", f.Case, f.Step, strings.Join(why, "; "))
	}
}

func (o *Observer) showCases(w http.ResponseWriter, r *http.Request) {
	list := append(o.Cases.Select(cases.Selection{}), o.Cases.Select(cases.Selection{Mode: cases.Client})...)
	if wantsJSON(r) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		_ = cases.WriteJSON(w, list)
		return
	}
	if r.URL.Query().Get("format") == "html" || negotiate.Names(r.Header.Get("Accept"), "text/html") {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = o.Cases.WriteHTML(w, list, langOf(r))
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_ = cases.WriteText(w, list, langOf(r))
}

func (o *Observer) showKnobs(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	var names []string
	for n := range Knobs {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		fmt.Fprintf(w, "%-16s %s\n", n, Knobs[n].Why)
	}
}

func (o *Observer) begin(w http.ResponseWriter, r *http.Request) {
	const most = 64 << 10
	var p Plan
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, most))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		http.Error(w, "the body must be a plan as JSON: "+err.Error(), http.StatusBadRequest)
		return
	}
	id, err := o.Begin(p)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Location", Prefix+"sessions/"+id)
	w.WriteHeader(http.StatusCreated)
	writeJSON(w, map[string]string{"id": id})
}

func (o *Observer) act(do func(*http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch err := do(r); {
		case errors.Is(err, ErrNoSession):
			http.Error(w, err.Error(), http.StatusNotFound)
		case err != nil:
			http.Error(w, err.Error(), http.StatusBadRequest)
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	}
}

// media are the media types of reports.
var media = map[string]string{"text": "text/plain", "json": "application/json", "junit": "application/xml", "html": "text/html", "csv": "text/csv"}

func (o *Observer) showReport(w http.ResponseWriter, r *http.Request) {
	out, err := o.Report(r.PathValue("id"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	format := r.URL.Query().Get("format")
	if format == "" {
		format = "text"
	}
	if media[format] == "" {
		http.Error(w, report.ErrFormat.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", media[format]+"; charset=utf-8")
	_ = out.Write(w, format, langOf(r)) // a reader that has gone is no fault of ours
}
