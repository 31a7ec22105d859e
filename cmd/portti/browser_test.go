package main

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"portti/conformance/report"
	"portti/internal/browser"
	"portti/internal/judge"
	"portti/internal/share"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// demoTab is a tab of a real Chromium that looks at the demo of `make run`.
type demoTab struct{ *browser.Tab }

// TestTEST2_BrowserJourneysOfJointTesting: in the demo of `make run`, in a real browser, a
// profile is run from the workbench against the very gateway, and a client system is led
// through a case by the guided steps; cases are browsed, the language is changed, and a
// message's curl line is run as it stands.
func TestTEST2_BrowserJourneysOfJointTesting(t *testing.T) {
	if share.Of(1, 0) == 0 {
		t.Skip("runs without the race detector, in the second part of make test")
	}
	dir, port := demoPlace(t)
	startDemo(t, dir, net.JoinHostPort("127.0.0.1", port))
	b := demoTab{browser.Open(t, "http://127.0.0.1:"+port)}
	b.Visit("/?lang=en")
	b.Sound("front")
	b.runProfile()
	b.stopAndRunOne()
	b.browseCases()
	b.guided(filepath.Join(dir, "var/demo/world/requests/plan.xml"))
	b.curlLine()
}

// runProfile runs the smallest profile, watches it and reads its report.
func (b demoTab) runProfile() {
	b.Helper()
	b.Visit("/workbench/suite")
	b.Wants("archiving application")
	b.Sound("suite")
	b.Loads(chromedp.Evaluate(`document.querySelector('input[value=archiving]').form.requestSubmit()`, nil))
	link := b.Path()
	b.Visit(link + "?live=0") // the page would renew itself under axe
	b.Sound("run")
	r := b.reportOf(link)
	if n := r.Count(); n.Passed == 0 || !r.OK() {
		b.Errorf("%+v: %v", n, r.Failed())
	}
	b.Click(`a[href$="format=html"]`)
	b.Wants("passed")
	if ground := browser.Evaluate[string](b.Tab, `getComputedStyle(document.querySelector("details")).borderTopStyle`); ground != "solid" {
		b.Errorf("the report's style does not apply: %q", ground)
	}
}

// reportOf waits for the end of a run, goes to its page and gives its report.
func (b demoTab) reportOf(link string) *report.Run {
	b.Helper()
	for began := time.Now(); !bytes.Contains(b.get(link), []byte("format=json")); time.Sleep(200 * time.Millisecond) {
		if time.Since(began) > 5*time.Minute {
			b.Fatal("the run does not end")
		}
	}
	b.Visit(link)
	r, err := report.Parse(b.get(link + "/report?format=json"))
	if err != nil {
		b.Fatal(err)
	}
	return r
}

// stopAndRunOne stops a run of every case, and runs a single case from its page.
func (b demoTab) stopAndRunOne() {
	b.Helper()
	b.Visit("/workbench/suite")
	b.Loads(chromedp.Evaluate(`document.querySelector('input[value=all]').form.requestSubmit()`, nil))
	link := b.Path()
	b.Visit(link + "?live=0")
	b.Click(`form[action="` + link + `"] button`)
	r := b.reportOf(link)
	b.Wants("The run was stopped")
	b.Sound("stopped")
	if n := r.Count(); n.Open == 0 || n.Failed > 0 {
		b.Errorf("stopped: %+v %v", n, r.Failed())
	}
	b.Visit("/workbench/cases?mode=archive&q=STORE")
	b.Click(`tbody a`)
	b.Sound("archive case")
	b.Click(`form[action="/workbench/suite"] button`)
	link = b.Path()
	if r := b.reportOf(link); r.Count().Cases != 1 || !r.OK() {
		b.Errorf("one case: %+v %v", r.Count(), r.Failed())
	}
	b.Wants("chosen cases", "1/1")
}

func (b demoTab) get(path string) []byte {
	b.Helper()
	res, err := http.Get(b.Base + path)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	var out bytes.Buffer
	if _, err := out.ReadFrom(res.Body); err != nil || res.StatusCode != http.StatusOK {
		b.Fatal(path, res.Status, err)
	}
	return out.Bytes()
}

// browseCases finds a case for client systems by keyboard alone and goes on to be led
// through it.
func (b demoTab) browseCases() {
	b.Helper()
	b.Visit("/workbench/cases")
	b.Sound("cases")
	b.Run(chromedp.Focus("#q", chromedp.ByQuery))
	b.Press("client-store-plan" + kb.Enter)
	b.Wants("Cases: 1")
	b.Run(chromedp.Focus(`tbody a`, chromedp.ByQuery))
	b.Press(kb.Enter)
	b.Wants("CLIENT-STORE-PLAN", "Steps", "TEST-2")
	b.Sound("case")
	b.Run(chromedp.Focus(`a.button`, chromedp.ByQuery))
	b.Press(kb.Enter)
}

// guided begins a session by keyboard, sends what is asked for, and ends it.
func (b demoTab) guided(request string) {
	b.Helper()
	b.Sound("observe")
	b.Run(chromedp.Focus("#name", chromedp.ByQuery))
	b.Press("Sumu 3.1" + kb.Enter)
	link := b.Path()
	b.Wants("Guided testing: Sumu 3.1", "Send now", "client plan", "open: 1")
	b.Visit(link + "?live=0")
	b.Sound("guided")
	body, err := os.ReadFile(request)
	if err != nil {
		b.Fatal(err)
	}
	res, err := http.Post(b.Base+"/soap", "text/xml", bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	res.Body.Close()
	b.Visit(link)
	b.Wants("Every step has been gone through", "passed: 1", "open: 0")
	b.Click(`button[value=end]`)
	b.Wants("The session has ended")
	for lang, text := range map[string]string{"fi": "Testaus on lopetettu", "sv": "Testningen är avslutad", "en": "The session has ended"} {
		b.Click(`nav.langs a[lang=` + lang + `]`)
		b.Wants(text)
	}
	b.Sound("ended")
	r, err := report.Parse(b.get(link + "/report?format=json"))
	if err != nil || r.Count().Passed != 1 || r.Target.Name != "Sumu 3.1" {
		b.Errorf("%+v %v", r, err)
	}
}

// curlLine runs the line of a message in a shell as it stands.
func (b demoTab) curlLine() {
	b.Helper()
	judge.Need(b.TB, "curl")
	b.Visit("/workbench/messages/1")
	b.Sound("message")
	var line string
	b.Run(chromedp.Text(".copy code", &line, chromedp.ByQuery))
	out, err := exec.Command("sh", "-c", line).CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte(`typeCode="CA"`)) {
		b.Errorf("%s\n%v %s", line, err, out)
	}
	b.Visit("/workbench/samples")
	b.Sound("samples")
}
