package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portti/conformance/report"
	"portti/internal/judge"
	"portti/internal/share"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// demoTab is a tab of a real Chromium that looks at the demo of `make run`.
type demoTab struct {
	t         *testing.T
	ctx       context.Context
	base, axe string
}

func openDemoTab(t *testing.T, base string) *demoTab {
	t.Helper()
	path := judge.Need(t, "chromium")
	axe, err := os.ReadFile("../../gateway/testdata/third_party/axe-core/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-component-update", true), chromedp.Flag("lang", "en"), chromedp.WSURLReadTimeout(2*time.Minute))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, cancel := chromedp.NewContext(alloc)
	ctx, end := context.WithTimeout(ctx, 6*time.Minute)
	t.Cleanup(func() { end(); cancel(); stop() })
	b := &demoTab{t: t, ctx: ctx, base: base, axe: string(axe)}
	b.run(chromedp.Navigate(base + "/?lang=en"))
	return b
}

func (b *demoTab) run(actions ...chromedp.Action) {
	b.t.Helper()
	if err := chromedp.Run(b.ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// loads does what leads to another page, and waits for that page.
func (b *demoTab) loads(a chromedp.Action) {
	b.t.Helper()
	if _, err := chromedp.RunResponse(b.ctx, a); err != nil {
		b.t.Fatal(err)
	}
}

func (b *demoTab) goTo(path string) {
	b.t.Helper()
	b.loads(chromedp.Navigate(b.base + path))
}

func (b *demoTab) wants(texts ...string) {
	b.t.Helper()
	var have string
	b.run(chromedp.Text("body", &have, chromedp.ByQuery))
	for _, s := range texts {
		if !strings.Contains(have, s) {
			b.t.Errorf("the page lacks %q:\n%.1500s", s, have)
		}
	}
}

// path is where the tab is.
func (b *demoTab) path() string {
	b.t.Helper()
	var s string
	b.run(chromedp.Location(&s))
	return strings.TrimPrefix(s, b.base)
}

// sound demands that axe-core finds nothing serious or critical in light and dark, that
// nothing is cut off on a phone, and that the page is under 150 KB. A screenshot is kept
// in PORTTI_SCREENSHOTS, where that is set.
func (b *demoTab) sound(name string) {
	b.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		var found string
		var over, weight float64
		width := map[string]int64{"light": 1280, "dark": 360}[scheme]
		b.run(
			chromedp.EmulateViewport(width, 900),
			emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
			chromedp.Evaluate(b.axe+`;0`, nil),
			chromedp.Evaluate(`axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r =>
				JSON.stringify(r.violations.filter(v => v.impact == "serious" || v.impact == "critical").map(v => [v.id, v.help, v.nodes.slice(0, 3).map(n => n.html)])))`,
				&found, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }),
			chromedp.Evaluate(`document.documentElement.scrollWidth - document.documentElement.clientWidth`, &over),
			chromedp.Evaluate(`document.documentElement.outerHTML.length`, &weight),
		)
		var violations []json.RawMessage
		if err := json.Unmarshal([]byte(found), &violations); err != nil {
			b.t.Fatal(err)
		}
		for _, v := range violations {
			b.t.Errorf("%s (%s): %s", name, scheme, v)
		}
		if over > 0 || weight > 150<<10 {
			b.t.Errorf("%s (%s): %v too wide, %v bytes", name, scheme, over, weight)
		}
		if dir := os.Getenv("PORTTI_SCREENSHOTS"); dir != "" {
			var png []byte
			b.run(chromedp.CaptureScreenshot(&png))
			if err := os.MkdirAll(dir, 0o755); err != nil {
				b.t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "demo_"+name+"_"+scheme+".png"), png, 0o600); err != nil {
				b.t.Fatal(err)
			}
		}
	}
	b.run(chromedp.EmulateViewport(1280, 900))
}

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
	b := openDemoTab(t, "http://127.0.0.1:"+port)
	b.goTo("/")
	b.sound("front")
	b.runProfile()
	b.browseCases()
	b.guided(filepath.Join(dir, "var/demo/world/requests/plan.xml"))
	b.curlLine()
}

// runProfile runs the smallest profile, watches it and reads its report.
func (b *demoTab) runProfile() {
	b.t.Helper()
	b.goTo("/workbench/suite")
	b.wants("archiving application")
	b.sound("suite")
	b.loads(chromedp.Evaluate(`document.querySelector('input[value=archiving]').form.requestSubmit()`, nil))
	link := b.path()
	b.goTo(link + "?live=0") // the page would renew itself under axe
	b.sound("run")
	for began := time.Now(); !bytes.Contains(b.fetch(link), []byte("format=json")); time.Sleep(200 * time.Millisecond) {
		if time.Since(began) > 5*time.Minute {
			b.t.Fatal("the run does not end")
		}
	}
	b.goTo(link)
	r, err := report.Parse(b.fetch(link + "/report?format=json"))
	if err != nil {
		b.t.Fatal(err)
	}
	if n := r.Count(); n.Passed == 0 || !r.OK() {
		b.t.Errorf("%+v: %v", n, r.Failed())
	}
	b.loads(chromedp.Click(`a[href$="format=html"]`, chromedp.ByQuery))
	b.wants("passed")
	var ground string
	b.run(chromedp.Evaluate(`getComputedStyle(document.querySelector("details")).borderTopStyle`, &ground))
	if ground != "solid" {
		b.t.Errorf("the report's style does not apply: %q", ground)
	}
}

func (b *demoTab) fetch(path string) []byte {
	b.t.Helper()
	res, err := http.Get(b.base + path)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	var out bytes.Buffer
	if _, err := out.ReadFrom(res.Body); err != nil || res.StatusCode != http.StatusOK {
		b.t.Fatal(path, res.Status, err)
	}
	return out.Bytes()
}

// browseCases finds a case for client systems by keyboard alone and goes on to be led
// through it.
func (b *demoTab) browseCases() {
	b.t.Helper()
	b.goTo("/workbench/cases")
	b.sound("cases")
	b.run(chromedp.Focus("#q", chromedp.ByQuery))
	b.loads(chromedp.KeyEvent("client-store-plan" + kb.Enter))
	b.wants("Cases: 1")
	b.run(chromedp.Focus(`tbody a`, chromedp.ByQuery))
	b.loads(chromedp.KeyEvent(kb.Enter))
	b.wants("CLIENT-STORE-PLAN", "Steps", "TEST-2")
	b.sound("case")
	b.run(chromedp.Focus(`a.button`, chromedp.ByQuery))
	b.loads(chromedp.KeyEvent(kb.Enter))
}

// guided begins a session by keyboard, sends what is asked for, and ends it.
func (b *demoTab) guided(request string) {
	b.t.Helper()
	b.sound("observe")
	b.run(chromedp.Focus("#name", chromedp.ByQuery))
	b.loads(chromedp.KeyEvent("Sumu 3.1" + kb.Enter))
	link := b.path()
	b.wants("Guided testing: Sumu 3.1", "Send now", "client plan", "open: 1")
	b.goTo(link + "?live=0")
	b.sound("guided")
	body, err := os.ReadFile(request)
	if err != nil {
		b.t.Fatal(err)
	}
	res, err := http.Post(b.base+"/soap", "text/xml", bytes.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	res.Body.Close()
	b.goTo(link)
	b.wants("Every step has been gone through", "passed: 1", "open: 0")
	b.loads(chromedp.Click(`button[value=end]`, chromedp.ByQuery))
	b.wants("The session has ended")
	for lang, text := range map[string]string{"fi": "Testaus on lopetettu", "sv": "Testningen är avslutad", "en": "The session has ended"} {
		b.loads(chromedp.Click(`nav.langs a[lang=`+lang+`]`, chromedp.ByQuery))
		b.wants(text)
	}
	b.sound("ended")
	r, err := report.Parse(b.fetch(link + "/report?format=json"))
	if err != nil || r.Count().Passed != 1 || r.Target.Name != "Sumu 3.1" {
		b.t.Errorf("%+v %v", r, err)
	}
}

// curlLine runs the line of a message in a shell as it stands.
func (b *demoTab) curlLine() {
	b.t.Helper()
	judge.Need(b.t, "curl")
	b.goTo("/workbench/messages/1")
	b.sound("message")
	var line string
	b.run(chromedp.Text(".copy code", &line, chromedp.ByQuery))
	out, err := exec.Command("sh", "-c", line).CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte(`typeCode="CA"`)) {
		b.t.Errorf("%s\n%v %s", line, err, out)
	}
	b.goTo("/workbench/samples")
	b.sound("samples")
}
