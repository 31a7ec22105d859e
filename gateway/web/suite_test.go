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

func (f *fakeSuite) Run(ctx context.Context, profile string, progress func(string, bool)) ([]byte, error) {
	for _, id := range []string{"A", "B", "C"} {
		select {
		case ok := <-f.step:
			progress(id, ok)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if f.fails {
		return nil, errors.New("no")
	}
	return []byte(`{"profile":"` + profile + `"}`), nil
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
		want(t, w, http.StatusOK, x.Format+` fi {"profile":"all"}`)
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
	for range 3 {
		f.step <- true
	}
	until(t, b, link, "could not be carried through")
	link = b.post("/workbench/suite", "profile", "storing").Header().Get("Location")
	h.site.Close()
	until(t, b, link, "could not be carried through")
	want(t, b.post("/workbench/suite", "profile", "storing"), http.StatusConflict)
}
