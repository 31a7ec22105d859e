package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"portti/store"
)

func (s *Site) guideRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /workbench/cases", s.cases)
	mux.HandleFunc("GET /workbench/cases/{id}", s.oneCase)
	mux.HandleFunc("GET /workbench/observe", s.observe)
	mux.HandleFunc("POST /workbench/observe", s.beginObserving)
	mux.HandleFunc("GET /workbench/observe/{id}", s.observed)
	mux.HandleFunc("POST /workbench/observe/{id}", s.actOnObserved)
	mux.HandleFunc("GET /workbench/observe/{id}/report", s.observedReport)
}

// observePage is the choice of whom to observe and by which cases, and the sessions.
type observePage struct {
	page
	Plan     GuidePlan
	Profiles []string
	Cases    []chosenCase
	Sessions []GuideSession
	Fault    string
	// Door is where the client system sends to.
	Door string
}

// chosenCase is a case that may be chosen.
type chosenCase struct {
	ID, Title string
	Chosen    bool
}

func (s *Site) observe(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	s.showObserve(w, r, http.StatusOK, GuidePlan{Profile: q.Get("profile"), Cases: q["case"]}, "")
}

func (s *Site) showObserve(w http.ResponseWriter, r *http.Request, status int, plan GuidePlan, fault string) {
	p := observePage{page: s.page(w, r, "nav_observe"), Plan: plan, Profiles: caseProfiles, Door: origin(r) + "/soap"}
	if fault != "" {
		p.Fault = p.T(fault)
	}
	for _, c := range s.Guide.Cases(p.Lang) {
		if c.Client && (plan.Profile == "" || slices.Contains(c.Profiles, plan.Profile)) {
			p.Cases = append(p.Cases, chosenCase{c.ID, c.Title, len(plan.Cases) == 0 || slices.Contains(plan.Cases, c.ID)})
		}
	}
	p.Sessions = s.Guide.Sessions(p.Lang)
	slices.Reverse(p.Sessions)
	s.write(w, &p.page, status, "observe", p)
}

// maxPlan bounds the form of a plan in bytes.
const maxPlan = 64 << 10

func (s *Site) beginObserving(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxPlan)
	if err := r.ParseForm(); err != nil {
		s.tell(w, r, http.StatusUnprocessableEntity, "bad_request", "paste_unreadable")
		return
	}
	v := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
	plan := GuidePlan{Name: v("name"), Certificate: v("certificate"), Device: v("device"), Profile: v("profile"), Cases: r.PostForm["case"]}
	if plan.Profile != "" && !slices.Contains(caseProfiles, plan.Profile) {
		s.tell(w, r, http.StatusUnprocessableEntity, "bad_request", "suite_profile")
		return
	}
	if len(plan.Cases) == 0 {
		s.showObserve(w, r, http.StatusUnprocessableEntity, plan, "observe_no_cases")
		return
	}
	id, err := s.Guide.Begin(plan)
	switch {
	case errors.Is(err, ErrGuideTaken):
		s.showObserve(w, r, http.StatusConflict, plan, "observe_taken")
	case errors.Is(err, ErrGuideBusy):
		s.showObserve(w, r, http.StatusConflict, plan, "observe_busy")
	case err != nil:
		s.showObserve(w, r, http.StatusUnprocessableEntity, plan, "observe_no_cases")
	default:
		http.Redirect(w, r, "/workbench/observe/"+url.PathEscape(id), http.StatusSeeOther)
	}
}

// observedPage is a session: what is asked for now, what is done, and its reports.
type observedPage struct {
	page
	ID      string
	Guided  *GuideSession // nil where only the report is left
	Live    bool
	Door    string
	Reports []frontLink
}

// observeSeconds is how often the page of a session renews itself.
const observeSeconds = 3

func (s *Site) observed(w http.ResponseWriter, r *http.Request) {
	p := observedPage{page: s.page(w, r, "observe_session"), ID: r.PathValue("id"), Live: r.URL.Query().Get("live") != "0", Door: origin(r) + "/soap"}
	list := s.Guide.Sessions(p.Lang)
	if i := slices.IndexFunc(list, func(x GuideSession) bool { return x.ID == p.ID }); i >= 0 {
		p.Guided = &list[i]
	} else if _, err := s.Store.Result(r.Context(), p.ID); err != nil {
		s.fail(w, r, err)
		return
	}
	if p.Live = p.Live && p.Guided != nil && !p.Guided.Done; p.Live {
		p.Refresh = observeSeconds
	}
	if p.Guided != nil && p.Guided.Name != "" {
		p.Title += ": " + p.Guided.Name
	}
	p.Reports = reportLinks("/workbench/observe/" + url.PathEscape(p.ID))
	s.write(w, &p.page, http.StatusOK, "observed", p)
}

// actOnObserved asks for a case again, skips one, or ends the session and keeps its report.
func (s *Site) actOnObserved(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	var err error
	switch r.PostFormValue("do") {
	case "again":
		err = s.Guide.Again(id)
	case "skip":
		err = s.Guide.Skip(id)
	case "end":
		err = s.endObserving(r.Context(), id)
	default:
		s.tell(w, r, http.StatusUnprocessableEntity, "bad_request", "bad_request_text")
		return
	}
	if err != nil && !errors.Is(err, ErrGuideGone) { // gone: the page tells what is left of it
		s.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/workbench/observe/"+url.PathEscape(id), http.StatusSeeOther)
}

func (s *Site) endObserving(ctx context.Context, id string) error {
	report, err := s.Guide.End(id)
	if err != nil {
		return err
	}
	return s.Store.KeepResult(ctx, id, report)
}

// keepObserved ends the sessions that go on, so that their reports outlive the process.
func (s *Site) keepObserved() {
	for _, x := range s.Guide.Sessions(s.Lang) {
		if x.Ended {
			continue
		}
		if err := s.endObserving(context.Background(), x.ID); err != nil && !errors.Is(err, ErrGuideGone) {
			s.Log.Error().Err(err).Msg("the report of a session was not kept")
		}
	}
}

// observedReport serves a session's report: as it is so far, or as it was kept.
func (s *Site) observedReport(w http.ResponseWriter, r *http.Request) {
	report, err := s.Guide.Report(r.PathValue("id"))
	if errors.Is(err, ErrGuideGone) {
		report, err = s.Store.Result(r.Context(), r.PathValue("id"))
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.writeReport(w, r, s.Guide, report)
}

// everyMessage tells whether a session goes on that takes every message for its system's.
func (s *Site) everyMessage() bool {
	return s.Guide != nil && slices.ContainsFunc(s.Guide.Sessions(s.Lang), func(x GuideSession) bool {
		return !x.Done && x.Certificate == "" && x.Device == ""
	})
}

// notFound is what there is not.
func notFound(op string) error { return &store.Error{Kind: store.ErrNotFound, Op: op} }
