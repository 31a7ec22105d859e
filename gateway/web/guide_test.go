package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"portti/cda/rules/catalogue"
)

// fakeGuide is a guide of 150 cases for archives and two for client systems.
type fakeGuide struct {
	sessions []GuideSession
	fails    error
	acts     []string
}

func (*fakeGuide) Write(w io.Writer, report []byte, format string, lang catalogue.Lang) error {
	_, err := io.WriteString(w, format+" "+string(lang)+" "+string(report))
	return err
}

func (*fakeGuide) Cases(lang catalogue.Lang) (out []JointCase) {
	for i := range 150 {
		out = append(out, JointCase{ID: fmt.Sprintf("STORE-%d", i), Area: "store", Title: fmt.Sprintf("arkistoi %d %s", i, lang), Profiles: []string{"storing"},
			Requirements: []string{"ARK-1"}, Failure: "x", Steps: []JointStep{{Say: "say", Expect: "accepted", Parts: []string{"part"}}}})
	}
	for i, p := range []string{"storing", "viewing"} {
		out = append(out, JointCase{ID: fmt.Sprintf("CLIENT-%d", i), Area: "client", Client: true, Title: "client " + p, Profiles: []string{p},
			Requirements: []string{"TEST-2"}, Given: "given", Failure: "<b>fails</b>", Phase: "II", Steps: []JointStep{{Say: "archive a plan"}}})
	}
	return out
}

func (g *fakeGuide) Begin(p GuidePlan) (string, error) {
	if g.fails != nil {
		return "", g.fails
	}
	id := fmt.Sprintf("s%d", len(g.sessions)+1)
	s := GuideSession{ID: id, GuidePlan: p, Open: len(p.Cases), Total: len(p.Cases), Case: p.Cases[0], Title: "title", Say: "archive a plan now", Step: 1, Steps: 1}
	for _, c := range p.Cases {
		s.States = append(s.States, GuideCase{ID: c, Title: "title of " + c, Verdict: "open"})
	}
	g.sessions = append(g.sessions, s)
	return id, nil
}

func (g *fakeGuide) Sessions(catalogue.Lang) []GuideSession { return slices.Clone(g.sessions) }

func (g *fakeGuide) find(id string) (*GuideSession, error) {
	for i := range g.sessions {
		if g.sessions[i].ID == id && !g.sessions[i].Ended {
			return &g.sessions[i], nil
		}
	}
	return nil, ErrGuideGone
}

func (g *fakeGuide) act(what, id string) error {
	_, err := g.find(id)
	g.acts = append(g.acts, what+" "+id)
	return err
}

func (g *fakeGuide) Again(id string) error { return g.act("again", id) }
func (g *fakeGuide) Skip(id string) error  { return g.act("skip", id) }

func (g *fakeGuide) End(id string) ([]byte, error) {
	s, err := g.find(id)
	if err != nil {
		return nil, err
	}
	s.Ended, s.Done = true, true
	return []byte(`{"end":"` + id + `"}`), nil
}

func (g *fakeGuide) Report(id string) ([]byte, error) {
	if _, err := g.find(id); err != nil {
		return nil, err
	}
	return []byte(`{"so far":"` + id + `"}`), nil
}

// TEST-2: every case of the suite is found by profile, requirement, words and by who is
// under test, page by page, and shown with its steps.
func TestTEST2_CasesAreBrowsed(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Guide = &fakeGuide{} })
	b := h.browser("")
	list := func(query string) (*httptest.ResponseRecorder, int) {
		w := b.get("/workbench/cases?" + query)
		requirePage(t, "cases", w)
		return w, strings.Count(w.Body.String(), `<th scope="row">`)
	}
	w, n := list("lang=sv")
	if n != onCasesPage || !strings.Contains(w.Body.String(), "Fall: 152") {
		t.Errorf("%d cases: %.300s", n, w.Body)
	}
	if _, n := list("from=100"); n != 52 {
		t.Errorf("%d cases on the second page", n)
	}
	for query, want := range map[string]int{"profile=viewing": 1, "mode=client": 2, "mode=archive&from=100": 50, "q=client+TEST-2": 2, "q=store-7": 11, "q=nothing": 0, "from=x&q=client": 2} {
		if _, n := list(query + "&lang=en"); n != want {
			t.Errorf("%s: %d cases, want %d", query, n, want)
		}
	}
	w = b.get("/workbench/cases/CLIENT-0")
	requirePage(t, "case", w)
	want(t, w, http.StatusOK, "archive a plan", "TEST-2", "given", "&lt;b&gt;fails", "/workbench/observe?case=CLIENT-0")
	want(t, b.get("/workbench/cases/STORE-1"), http.StatusOK, "accepted", "<li>part</li>")
	want(t, b.get("/workbench/cases/none"), http.StatusNotFound)
}

// TEST-2: a client system is led through its cases from the page; what is asked, done and
// failed is shown, and the report stays under its link when the session has ended.
func TestTEST2_AClientSystemIsLedFromTheWorkbench(t *testing.T) {
	g := &fakeGuide{}
	suite := &fakeSuite{step: make(chan bool)}
	h := newHouse(t, func(o *Options) { o.Guide, o.Suite = g, suite })
	b := h.browser("")
	b.plain = true
	w := b.get("/workbench/observe?profile=viewing")
	requirePage(t, "observe", w)
	if n := strings.Count(w.Body.String(), `type="checkbox"`); n != 1 {
		t.Errorf("%d cases of the profile", n)
	}
	if n := strings.Count(b.get("/workbench/observe?case=CLIENT-1").Body.String(), "checked"); n != 1 {
		t.Errorf("%d cases are chosen", n)
	}
	want(t, b.post("/workbench/observe", "name", "Sumu"), http.StatusUnprocessableEntity, "Choose at least one case", `value="Sumu"`)
	want(t, b.post("/workbench/observe", "case", "CLIENT-0", "profile", "none"), http.StatusUnprocessableEntity)
	for err, text := range map[error]string{ErrGuideTaken: "Another session", ErrGuideBusy: "Too many", errors.New("x"): "at least one case"} {
		g.fails = err
		if w := b.post("/workbench/observe", "case", "CLIENT-0"); w.Code < 400 || !strings.Contains(w.Body.String(), text) {
			t.Errorf("%v: HTTP %d", err, w.Code)
		}
	}
	g.fails = nil
	w = b.post("/workbench/observe", "name", "Sumu <3>", "case", "CLIENT-0", "case", "CLIENT-1")
	link := w.Header().Get("Location")
	if w.Code != http.StatusSeeOther || link != "/workbench/observe/s1" {
		t.Fatalf("HTTP %d %s", w.Code, link)
	}
	w = b.get(link + "?lang=fi")
	requirePage(t, "observed", w)
	want(t, w, http.StatusOK, "Lähetä nyt", "archive a plan now", "Sumu &lt;3&gt;", `http-equiv="refresh" content="3"`, "title of CLIENT-1")
	if strings.Contains(b.get(link+"?live=0").Body.String(), "refresh") {
		t.Error("the page renews itself all the same")
	}
	// A run of the suite would be taken for the observed system's messages.
	want(t, b.post("/workbench/suite?lang=en", "profile", "all"), http.StatusConflict, "guided session")
	g.sessions[0].Failed, g.sessions[0].Open = 1, 1
	g.sessions[0].States[0] = GuideCase{ID: "CLIENT-0", Title: "t", Verdict: "failed", Why: []string{"the version is 1, not 2"}}
	want(t, b.get(link), http.StatusOK, "the version is 1, not 2", `class="failed"`)
	want(t, b.get(link+"/report?format=json&lang=en"), http.StatusOK, `json en {"so far":"s1"}`)
	for _, do := range []string{"again", "skip"} {
		if w := b.post(link, "do", do); w.Code != http.StatusSeeOther || !slices.Contains(g.acts, do+" s1") {
			t.Errorf("%s: HTTP %d, %v", do, w.Code, g.acts)
		}
	}
	want(t, b.post(link, "do", "explode"), http.StatusUnprocessableEntity)
	g.sessions[0].Done = true
	want(t, b.get(link), http.StatusOK, "Every step has been gone through")
	if w := b.post(link, "do", "end"); w.Code != http.StatusSeeOther {
		t.Fatalf("HTTP %d", w.Code)
	}
	w = b.get(link)
	requirePage(t, "ended", w)
	want(t, w, http.StatusOK, "The session has ended")
	if w := b.post(link, "do", "end"); w.Code != http.StatusSeeOther { // twice does no harm
		t.Errorf("HTTP %d", w.Code)
	}
	// What goes on when the gateway stops is kept as well.
	b.post("/workbench/observe", "device", "1.2.3", "case", "CLIENT-0")
	requirePage(t, "sessions", b.get("/workbench/observe"))
	h.site.Close()
	g.sessions = nil
	for _, id := range []string{"s1", "s2"} {
		w := b.get("/workbench/observe/" + id)
		requirePage(t, "kept", w)
		for _, f := range SuiteFormats {
			w := b.get("/workbench/observe/" + id + "/report?lang=sv&format=" + f.Format)
			want(t, w, http.StatusOK, f.Format+` sv {"end":"`+id+`"}`)
			if csp := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(csp, "sandbox; default-src 'none'") || strings.Contains(csp, "unsafe") {
				t.Errorf("policy %q", csp)
			}
		}
	}
	want(t, b.get("/workbench/observe/none"), http.StatusNotFound)
	want(t, b.get("/workbench/observe/none/report?format=json"), http.StatusNotFound)
}
