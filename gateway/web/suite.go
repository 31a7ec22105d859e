package web

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"portti/internal/style"
)

// Suite is the joint-test suite (TEST-2) as the pages run it against their own gateway.
// The suite knows no gateway and the gateway no suite: whoever has both brings them
// together. Implementations must be safe for concurrent use.
type Suite interface {
	Reports
	// Profiles lists what can be chosen.
	Profiles() []SuiteProfile
	// Count is how many cases a choice has; 0 where what it names is not there.
	Count(SuiteChoice) int
	// Run plays the cases of a choice and gives the report as JSON. progress is told
	// after each case. Where ctx ends, the report has the rest of the cases as skipped.
	Run(ctx context.Context, choice SuiteChoice, progress func(id string, ok bool)) ([]byte, error)
	// Failed gives the ids of the cases that failed in a report.
	Failed(report []byte) ([]string, error)
}

// SuiteChoice is what to run: the named cases, or where none is named those of a profile.
type SuiteChoice struct {
	Profile string
	Cases   []string
}

// chosenCases stands in the place of a profile where cases are named.
const chosenCases = "chosen"

// SuiteProfile is a profile with the number of its cases.
type SuiteProfile struct {
	Key   string
	Cases int
}

// SuiteFormats are the formats of reports, with their media types and file endings.
var SuiteFormats = []struct{ Format, Media, Ending string }{
	{"html", "text/html; charset=utf-8", "html"}, {"json", "application/json", "json"}, {"junit", "application/xml", "xml"},
	{"csv", "text/csv; charset=utf-8", "csv"}, {"text", "text/plain; charset=utf-8", "txt"},
}

// suiteRuns are the runs that were started from the pages. One goes at a time.
type suiteRuns struct {
	mu   sync.Mutex
	runs []*suiteRun // oldest first
	work sync.WaitGroup
	stop context.CancelFunc
	ctx  context.Context
}

// suiteRun is a run and how far it is. Its fields are guarded by suiteRuns.mu.
type suiteRun struct {
	ID, Profile         string
	Total, Done, Failed int
	Last                string // the case that was judged last
	Began               time.Time
	Ended               bool
	Stopped             bool // by whoever watched it
	Broken              bool // it could not be carried through

	choice SuiteChoice
	stop   context.CancelFunc
}

// maxRuns is how many runs the list remembers; reports stay under their links.
const maxRuns = 20

func newSuiteRuns() *suiteRuns {
	ctx, stop := context.WithCancel(context.Background())
	return &suiteRuns{ctx: ctx, stop: stop}
}

// Close ends the runs and the observed sessions that go on, keeps what they have, and
// waits for them.
func (s *Site) Close() {
	s.runs.stop()
	s.runs.work.Wait()
	if s.Workbench && s.Guide != nil {
		s.keepObserved()
	}
}

func (s *Site) suiteRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /workbench/suite", s.suite)
	mux.HandleFunc("POST /workbench/suite", s.startSuite)
	mux.HandleFunc("GET /workbench/suite/{id}", s.suiteRun)
	mux.HandleFunc("POST /workbench/suite/{id}", s.stopSuite)
	mux.HandleFunc("GET /workbench/suite/{id}/report", s.suiteReport)
}

// suitePage is the choice of profile and the runs so far.
type suitePage struct {
	page
	Profiles []SuiteProfile
	Runs     []suiteRun
	Busy     bool
}

func (s *Site) suite(w http.ResponseWriter, r *http.Request) {
	p := suitePage{page: s.page(w, r, "nav_suite"), Profiles: s.Suite.Profiles()}
	p.Runs = s.runs.list()
	p.Busy = slices.ContainsFunc(p.Runs, func(x suiteRun) bool { return !x.Ended })
	s.write(w, &p.page, http.StatusOK, "suite", p)
}

// list gives the runs, newest first.
func (r *suiteRuns) list() []suiteRun {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []suiteRun
	for _, x := range slices.Backward(r.runs) {
		out = append(out, *x)
	}
	return out
}

func (s *Site) startSuite(w http.ResponseWriter, r *http.Request) {
	choice := SuiteChoice{Profile: r.PostFormValue("profile"), Cases: r.PostForm["case"]}
	total := s.Suite.Count(choice)
	if total == 0 {
		s.tell(w, r, http.StatusUnprocessableEntity, "bad_request", "suite_profile")
		return
	}
	if s.everyMessage() { // the run's would be taken for the observed system's
		s.tell(w, r, http.StatusConflict, "bad_request", "suite_observed")
		return
	}
	x := &suiteRun{ID: s.NewID(), Profile: choice.Profile, Total: total, Began: s.Now(), choice: choice}
	if len(choice.Cases) > 0 {
		x.Profile = chosenCases
	}
	ctx, ok := s.runs.begin(x)
	if !ok {
		s.tell(w, r, http.StatusConflict, "bad_request", "suite_busy")
		return
	}
	go s.carry(ctx, x)
	http.Redirect(w, r, "/workbench/suite/"+x.ID, http.StatusSeeOther)
}

// stopSuite ends a run before its time: the report has what was played.
func (s *Site) stopSuite(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	s.runs.mu.Lock()
	for _, x := range s.runs.runs {
		if x.ID == id && !x.Ended {
			x.Stopped = true
			x.stop()
		}
	}
	s.runs.mu.Unlock()
	http.Redirect(w, r, "/workbench/suite/"+url.PathEscape(id), http.StatusSeeOther)
}

// begin takes a run in and gives its context, unless another goes on or the site is
// closing. Whoever took it must call work.Done.
func (r *suiteRuns) begin(x *suiteRun) (context.Context, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx.Err() != nil || slices.ContainsFunc(r.runs, func(o *suiteRun) bool { return !o.Ended }) {
		return nil, false
	}
	var ctx context.Context
	ctx, x.stop = context.WithCancel(r.ctx)
	if r.runs = append(r.runs, x); len(r.runs) > maxRuns {
		r.runs = r.runs[1:]
	}
	r.work.Add(1)
	return ctx, true
}

// carry carries a run through and keeps its report.
func (s *Site) carry(ctx context.Context, x *suiteRun) {
	defer s.runs.work.Done()
	defer x.stop()
	report, err := s.Suite.Run(ctx, x.choice, func(id string, ok bool) {
		s.runs.mu.Lock()
		defer s.runs.mu.Unlock()
		if x.Done, x.Last = x.Done+1, id; !ok {
			x.Failed++
		}
	})
	if err == nil {
		err = s.Store.KeepResult(context.WithoutCancel(ctx), x.ID, report)
	}
	if err != nil {
		s.Log.Error().Err(err).Msg("a run of the suite was not carried through")
	}
	s.runs.mu.Lock()
	defer s.runs.mu.Unlock()
	x.Ended, x.Broken = true, err != nil
}

// suiteRunPage is one run: its progress, then its reports.
type suiteRunPage struct {
	page
	Run     suiteRun
	Live    bool
	Kept    bool
	Failed  []string // ids of the cases that failed
	Cases   bool     // they have pages
	Reports []frontLink
}

func (s *Site) suiteRun(w http.ResponseWriter, r *http.Request) {
	p := suiteRunPage{page: s.page(w, r, "suite_run")}
	id := r.PathValue("id")
	runs := s.runs.list()
	i := slices.IndexFunc(runs, func(x suiteRun) bool { return x.ID == id })
	switch {
	case i >= 0 && !runs[i].Ended:
		if p.Run, p.Live = runs[i], r.URL.Query().Get("live") != "0"; p.Live {
			p.Refresh = 2
		}
	case i >= 0 && runs[i].Broken:
		p.Run = runs[i]
	default: // ended, in this process or an earlier one
		report, err := s.Store.Result(r.Context(), id)
		if err == nil {
			p.Failed, err = s.Suite.Failed(report)
		}
		if err != nil {
			s.fail(w, r, err)
			return
		}
		p.Kept, p.Cases = true, s.Guide != nil
		if p.Run = (suiteRun{ID: id, Ended: true}); i >= 0 {
			p.Run = runs[i]
		}
		p.Reports = reportLinks("/workbench/suite/" + url.PathEscape(id))
	}
	s.write(w, &p.page, http.StatusOK, "suite-run", p)
}

// reportLinks lead to a report in every format.
func reportLinks(base string) (out []frontLink) {
	for _, f := range SuiteFormats {
		out = append(out, frontLink{URL: base + "/report?format=" + f.Format, Name: f.Format})
	}
	return out
}

// suiteReport serves a kept report in a format.
func (s *Site) suiteReport(w http.ResponseWriter, r *http.Request) {
	report, err := s.Store.Result(r.Context(), r.PathValue("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.writeReport(w, r, s.Suite, report)
}

// writeReport serves a report in the format that is asked for. The HTML form is a page
// of its own, which carries its style and has no script.
func (s *Site) writeReport(w http.ResponseWriter, r *http.Request, by Reports, report []byte) {
	i := slices.IndexFunc(SuiteFormats, func(f struct{ Format, Media, Ending string }) bool { return f.Format == r.URL.Query().Get("format") })
	if i < 0 {
		s.fail(w, r, notFound("report"))
		return
	}
	f := SuiteFormats[i]
	var b bytes.Buffer
	if err := by.Write(&b, report, f.Format, s.lang(w, r)); err != nil {
		s.fail(w, r, err)
		return
	}
	h := w.Header()
	safeHeaders(h, "sandbox; "+style.Policy()+"; frame-ancestors 'none'")
	h.Set("Content-Type", f.Media)
	if f.Format != "html" {
		h.Set("Content-Disposition", `attachment; filename="conformance-`+fileName(r.PathValue("id"))+"."+f.Ending+`"`)
	}
	_, _ = w.Write(b.Bytes()) // a client that has gone is no fault of ours
}
