package main

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"portti/conformance/report"
)

// TestTEST2_DemoRunsTheSuiteFromItsPages: in the demo of `make run` a profile is run from
// the workbench, against the very gateway, to a report in which nothing failed.
func TestTEST2_DemoRunsTheSuiteFromItsPages(t *testing.T) {
	dir, port := demoPlace(t)
	startDemo(t, dir, net.JoinHostPort("127.0.0.1", port))
	base := "http://127.0.0.1:" + port
	page := func(target string) string {
		t.Helper()
		res, err := http.Get(base + target)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if p := page("/workbench/suite?lang=en"); !strings.Contains(p, "archiving application") {
		t.Fatalf("%s", p)
	}
	res, err := http.PostForm(base+"/workbench/suite", url.Values{"profile": {"archiving"}})
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	link := res.Request.URL.Path
	for began := time.Now(); !strings.Contains(page(link), "format=json"); time.Sleep(100 * time.Millisecond) {
		if time.Since(began) > 5*time.Minute {
			t.Fatalf("not done: %s", page(link))
		}
	}
	r, err := report.Parse([]byte(page(link + "/report?format=json")))
	if err != nil {
		t.Fatal(err)
	}
	if n := r.Count(); n.Passed == 0 || !r.OK() {
		t.Errorf("%+v: %v", n, r.Failed())
	}
	if !regexp.MustCompile(`(?i)<!doctype html>`).MatchString(page(link + "/report?format=html")) {
		t.Error("the report is no page")
	}
}
