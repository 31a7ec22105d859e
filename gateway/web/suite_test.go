package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"portti/cda/rules/catalogue"
)

// fakeSuite is a suite of three cases that goes on when it is let.
type fakeSuite struct {
	step  chan bool // whether the next case is well
	fails bool
}

func (*fakeSuite) Profiles() []SuiteProfile {
	return []SuiteProfile{{"all", 3}, {"storing", 1}}
}

func (f *fakeSuite) Count(c SuiteChoice) int {
	if len(c.Cases) > 0 && c.Cases[0] != "none" {
		return len(c.Cases)
	}
	for _, p := range f.Profiles() {
		if len(c.Cases) == 0 && p.Key == c.Profile {
			return p.Cases
		}
	}
	return 0
}

// The report is the profile, the cases played, and those that failed.
func (f *fakeSuite) Run(ctx context.Context, c SuiteChoice, progress func(string, bool)) ([]byte, error) {
	list := c.Cases
	if len(list) == 0 {
		list = []string{"A", "B", "C"}[:f.Count(c)]
	}
	played, failed := []string{}, []string{}
	for _, id := range list {
		select {
		case ok := <-f.step:
			progress(id, ok)
			if played = append(played, id); !ok {
				failed = append(failed, id)
			}
		case <-ctx.Done():
		}
	}
	if f.fails {
		return nil, errors.New("no")
	}
	return []byte(c.Profile + "|" + strings.Join(played, " ") + "|" + strings.Join(failed, " ")), nil
}

func (*fakeSuite) Failed(report []byte) ([]string, error) {
	return strings.Fields(strings.Split(string(report), "|")[2]), nil
}

func (*fakeSuite) Write(w io.Writer, report []byte, format string, lang catalogue.Lang) error {
	_, err := io.WriteString(w, format+" "+string(lang)+" "+string(report))
	return err
}

// until asks for a page until it tells a word; the run goes on beside the pages.
func until(t *testing.T, b *browser, target, word string) string {
	t.Helper()
	for range 10_000 {
		if body := b.get(target).Body.String(); strings.Contains(body, word) {
			return body
		}
	}
	t.Fatalf("%s never told %q", target, word)
	return ""
}

// TEST-2: a run is started from the page, watched, and its report downloaded in every
// format, later too.
func TestTEST2_SuiteIsRunFromTheWorkbench(t *testing.T) {
	f := &fakeSuite{step: make(chan bool)}
	h := newHouse(t, func(o *Options) { o.Suite = f })
	b := h.browser("")
	b.plain = true
	requirePage(t, "suite", b.get("/workbench/suite"))
	want(t, b.post("/workbench/suite", "profile", "none"), http.StatusUnprocessableEntity)
	w := b.post("/workbench/suite", "profile", "all")
	if w.Code != http.StatusSeeOther {
		t.Fatalf("HTTP %d %s", w.Code, w.Body)
	}
	link := w.Header().Get("Location")
	want(t, b.get("/workbench/suite"), http.StatusOK, "A run is going on")
	want(t, b.post("/workbench/suite", "profile", "all"), http.StatusConflict)
	f.step <- true
	f.step <- false
	body := until(t, b, link, "2/3 B")
	if !strings.Contains(body, `http-equiv="refresh" content="2"`) || !strings.Contains(body, "Failed: 1") {
		t.Errorf("%s", body)
	}
	want(t, b.get(link+"/report?format=json"), http.StatusNotFound)
	f.step <- true
	body = until(t, b, link, "Report")
	if strings.Contains(body, "refresh") {
		t.Error("the page of a run that has ended renews itself")
	}
	requirePage(t, "run", b.get(link))
	for _, x := range SuiteFormats {
		w := b.get(link + "/report?lang=fi&format=" + x.Format)
		want(t, w, http.StatusOK, x.Format+` fi all|A B C|B`)
		if csp := w.Header().Get("Content-Security-Policy"); w.Header().Get("Content-Type") != x.Media || !strings.HasPrefix(csp, "sandbox") {
			t.Errorf("%s: %v", x.Format, w.Header())
		}
	}
	want(t, b.get(link+"/report?format=exe"), http.StatusNotFound)
	want(t, b.get("/workbench/suite/none"), http.StatusNotFound)

	// After a restart the list is empty and the report still there.
	again, err := New(h.site.Options)
	if err != nil {
		t.Fatal(err)
	}
	h.site.Close()
	h.site = again
	want(t, b.get(link+"?lang=en"), http.StatusOK, "Report")

	// What cannot be carried through, and what the end of the gateway cuts off.
	f.fails = true
	link = b.post("/workbench/suite", "profile", "storing").Header().Get("Location")
	f.step <- true
	until(t, b, link, "could not be carried through")
	f.fails = false
	link = b.post("/workbench/suite", "profile", "all").Header().Get("Location")
	f.step <- true
	h.site.Close()
	want(t, b.get(link+"/report?format=json"), http.StatusOK, "all|A|")
	want(t, b.post("/workbench/suite", "profile", "storing"), http.StatusConflict)
}

// TEST-2: a run is stopped from its page and its report has what was played; single
// cases are run from the page, and so are those that failed once more.
func TestTEST2_RunsAreStoppedAndRepeatedFromThePage(t *testing.T) {
	f := &fakeSuite{step: make(chan bool)}
	h := newHouse(t, func(o *Options) { o.Suite = f })
	b := h.browser("")
	b.plain = true
	want(t, b.post("/workbench/suite", "case", "none"), http.StatusUnprocessableEntity, "no such profile or case")
	link := b.post("/workbench/suite", "profile", "all").Header().Get("Location")
	f.step <- false
	until(t, b, link, "1/3 A")
	want(t, b.get(link+"?live=0"), http.StatusOK, `<form action="`+link+`" method="post">`, "Stop the run")
	if w := b.post(link); w.Code != http.StatusSeeOther || w.Header().Get("Location") != link {
		t.Fatalf("HTTP %d %v", w.Code, w.Header())
	}
	body := until(t, b, link, "The run was stopped")
	for _, s := range []string{"Cases that failed", `name="case" value="A"`, "Run these again"} {
		if !strings.Contains(body, s) {
			t.Errorf("the page lacks %q", s)
		}
	}
	requirePage(t, "stopped", b.get(link))
	want(t, b.get(link+"/report?format=csv"), http.StatusOK, "all|A|A")
	want(t, b.post(link), http.StatusSeeOther) // nothing is left to stop
	want(t, b.post("/workbench/suite/none"), http.StatusSeeOther)

	again := b.post("/workbench/suite", "case", "A").Header().Get("Location")
	f.step <- true
	if body := until(t, b, again, "Report"); !strings.Contains(body, "chosen cases") || strings.Contains(body, "Run these again") {
		t.Errorf("%s", body)
	}
	want(t, b.get(again+"/report?format=csv"), http.StatusOK, "|A|")
}
