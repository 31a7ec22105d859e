package gateway

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portti/fixtures"
	"portti/gateway/soap"
	"portti/gateway/web"
	"portti/internal/judge"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

//go:embed testdata/third_party/axe-core/axe.min.js
var axe string

// tab is a tab of a real headless Chromium that looks at a gateway of the demo's kind,
// whose archive holds the samples.
type tab struct {
	t    *testing.T
	g    *gate
	ctx  context.Context
	base string
	own  string // the archivist's controller
	docs []*fixtures.Document
}

// shots is where screenshots are kept: PORTTI_SCREENSHOTS, or nowhere.
func shots() string { return os.Getenv("PORTTI_SCREENSHOTS") }

func openTab(t *testing.T) *tab {
	t.Helper()
	judge.Need(t, "chromium")
	b := &tab{t: t, own: world().Organisations[0].OID}
	b.g = start(t, func(c *Config) {
		c.DemoLogin, c.Admin = true, "127.0.0.1:0"
		c.Archivists = []web.Archivist{{Card: "99900000101", Name: "Arja Arkisto", Controllers: []string{b.own}}}
	})
	b.base = "http://" + b.g.Addr().String()
	for _, d := range world().Documents {
		r, err := post(http.DefaultClient, b.base+"/soap", "text/xml", inEnvelope(soap.NS11, world().Frame(d)))
		if err == nil && string(r.ack.Code) == "CA" {
			b.docs = append(b.docs, d)
		}
	}
	if len(b.docs) < 20 {
		t.Fatalf("%d samples are archived", len(b.docs))
	}
	b.open()
	b.run(emulation.SetLocaleOverride().WithLocale("en"), chromedp.Navigate(b.base+"/?lang=en"))
	return b
}

func (b *tab) run(actions ...chromedp.Action) {
	b.t.Helper()
	if err := chromedp.Run(b.ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// goTo opens an address and holds the page against axe.
func (b *tab) goTo(path string) {
	b.t.Helper()
	b.run(chromedp.Navigate(b.base+path), chromedp.WaitVisible("main", chromedp.ByQuery))
	b.accessible(path)
}

// click follows what a selector names and waits for the next page.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.run(loads(chromedp.Click(selector, chromedp.ByQuery)))
}

// loads does what leads to another page, and waits for that page.
func loads(a chromedp.Action) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := chromedp.RunResponse(ctx, a)
		return err
	})
}

func (b *tab) text() string {
	b.t.Helper()
	var s string
	b.run(chromedp.Text("body", &s, chromedp.ByQuery))
	return s
}

func (b *tab) address() string {
	b.t.Helper()
	var s string
	b.run(chromedp.Location(&s))
	return strings.TrimPrefix(s, b.base)
}

func (b *tab) wants(texts ...string) {
	b.t.Helper()
	have := b.text()
	for _, s := range texts {
		if !strings.Contains(have, s) {
			b.t.Errorf("%s lacks %q:\n%.1500s", b.address(), s, have)
		}
	}
}

// aspects are what axe-core sees of each page: in the light and in the dark, on a wide
// screen and on a phone.
var aspects = []struct {
	scheme string
	width  int64
}{{"light", 1280}, {"dark", 360}}

// accessible runs axe-core on the page: nothing serious or critical may be wrong; the
// page is not wider than the screen, and no heavier than pages may be.
func (b *tab) accessible(name string) {
	b.t.Helper()
	b.light(name)
	b.run(chromedp.Evaluate(axe+`;0`, nil))
	for _, l := range aspects {
		scheme := l.scheme
		var found string
		var over float64
		b.run(
			chromedp.EmulateViewport(l.width, 900),
			chromedp.Evaluate(`document.documentElement.scrollWidth - document.documentElement.clientWidth`, &over),
			emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
			chromedp.Evaluate(`axe.run(document, {iframes: false, runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r =>
				JSON.stringify(r.violations.filter(v => v.impact == "serious" || v.impact == "critical").map(v => [v.id, v.help, v.nodes.slice(0, 3).map(n => n.html)])))`,
				&found, awaitPromise),
		)
		var violations []json.RawMessage
		if err := json.Unmarshal([]byte(found), &violations); err != nil {
			b.t.Fatal(err)
		}
		for _, v := range violations {
			b.t.Errorf("%s (%s, %d wide): %s", name, scheme, l.width, v)
		}
		if over > 0 {
			b.t.Errorf("%s: %v too wide for a screen of %d", name, over, l.width)
		}
		b.shot(fmt.Sprintf("%s_%s_%d", name, scheme, l.width))
	}
}

// light holds a page of the journeys against the bound of a page's weight: what the
// server sent, without the document in its frame.
func (b *tab) light(name string) {
	b.t.Helper()
	var size float64
	b.run(chromedp.Evaluate(`performance.getEntriesByType("navigation")[0].decodedBodySize`, &size))
	if size <= 0 || size > heaviestPage {
		b.t.Errorf("%s weighs %v bytes", name, size)
	}
}

// shot keeps a picture of the page as output of the tests.
func (b *tab) shot(name string) {
	b.t.Helper()
	if shots() == "" {
		return
	}
	var png []byte
	b.run(chromedp.CaptureScreenshot(&png))
	file := strings.Trim(strings.NewReplacer("/", "_", "?", "_", ".", "_").Replace(name), "_")
	if err := os.MkdirAll(shots(), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(shots(), b.t.Name()+"_"+file+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) of(kind fixtures.Kind) *fixtures.Document {
	b.t.Helper()
	for _, d := range b.docs {
		if d.Spec.Kind == kind && d.Spec.Controller.OID == b.own {
			return d
		}
	}
	b.t.Fatalf("no document of kind %s", kind)
	return nil
}

// The archivist's journey in a real browser: login, search, each kind of document,
// nullification, in three languages.
func TestUI1_BrowserJourneyOfTheArchivist(t *testing.T) {
	b := openTab(t)
	b.goTo("/archive")
	b.click(`form[action="/archive/login"] button`)
	b.wants("Arja Arkisto", b.own)
	b.accessible("search")
	plan := b.of(fixtures.Plan)
	b.run(chromedp.SetValue("#client", plan.Spec.Clients[0].Hetu, chromedp.ByQuery), chromedp.Click("#earlier", chromedp.ByQuery))
	b.click(`form[role=search] button`)
	b.wants("Hits", plan.OID)
	if strings.Contains(b.address(), plan.Spec.Clients[0].Hetu) {
		t.Error("the identity code stands in the address")
	}
	b.accessible("results")
	b.click(`a[href="/archive/documents/` + plan.OID + `"]`)
	b.wants("Metadata", "Signatures", "Structured content")
	b.accessible("plan")
	for _, kind := range []fixtures.Kind{fixtures.OldPDF, fixtures.OldXHTML, fixtures.CaseDoc, fixtures.RelationshipDoc} {
		d := b.of(kind)
		b.goTo("/archive/documents/" + d.OID)
		b.wants(d.OID)
	}
	xhtml := b.of(fixtures.OldXHTML)
	b.documentsOfEachKind()
	var inner string
	b.run(chromedp.Navigate(b.base+"/archive/documents/"+xhtml.OID+"/content"), chromedp.Text("body", &inner, chromedp.ByQuery))
	if strings.TrimSpace(inner) == "" {
		t.Error("the display form is empty")
	}
	b.goTo("/archive/documents/" + xhtml.OID + "/source")
	b.goTo("/archive/logs")
	b.click(`form[role=search] button`)
	b.wants("archivist-view")
	b.accessible("logs")
	b.exportsAndUnusualUse()
	b.goTo("/archive/documents/" + xhtml.OID + "/nullify")
	b.run(chromedp.SendKeys("#reason", "wrong client", chromedp.ByQuery))
	b.click(`main button[type=submit]`)
	b.wants("Nullify this document?", "wrong client")
	b.accessible("confirm")
	b.click(`button.danger`)
	b.wants("nullified")
	for lang, word := range map[string]string{"fi": "mitätöity", "sv": "makulerad"} {
		b.click(`nav.langs a[lang=` + lang + `]`)
		b.wants(word)
	}
	b.accessible("swedish")
	b.click(`form.who button`)
	b.goTo("/archive/documents/" + plan.OID)
	if b.address() != "/archive" {
		t.Errorf("after the logout: %s", b.address())
	}
}

// The vendor's journey: paste a document, see the fault at its line, follow the rule,
// look at messages, structures and samples.
func TestTEST5_BrowserJourneyOfTheVendor(t *testing.T) {
	b := openTab(t)
	b.goTo("/")
	b.goTo("/workbench")
	doc := strings.Replace(string(b.docs[0].Bytes), `<languageCode code="fi"`, `<languageCode code="xx"`, 1)
	file := filepath.Join(t.TempDir(), "document.xml")
	if err := os.WriteFile(file, []byte(doc), 0o600); err != nil {
		t.Fatal(err)
	}
	b.run(chromedp.SetUploadFiles("#document_file", []string{file}, chromedp.ByQuery))
	b.click(`main button`)
	if !strings.HasPrefix(b.address(), "/workbench/results/") {
		t.Fatalf("at %s", b.address())
	}
	b.accessible("result")
	link := b.address()
	var rule string
	b.run(chromedp.Text(`.note a`, &rule, chromedp.ByQuery))
	b.click(`.note a`)
	b.wants(rule, "What to do")
	b.goTo(link) // it stays good
	b.wants(rule)
	for _, path := range []string{"/workbench/messages", "/workbench/messages/1", "/workbench/structures?q=lausunto",
		"/workbench/structures/1.2.246.537.6.1505.8.2023.6.1", "/errors?area=HTTP"} {
		b.goTo(path)
	}
	// The operator's page, on its own listener: closed and with every metric.
	b.base = "http://" + b.g.AdminAddr().String()
	b.goTo("/operator?live=0")
	b.wants("in order", "no backup was made", "trust anchor")
	b.click(`nav.langs a[lang=fi]`)
	b.wants("Varmuuskopiot", "Varmenteet")
	b.run(chromedp.Click("main summary", chromedp.ByQuery))
	b.accessible("operator-all")
}

// By keyboard alone: the first stop leads past the navigation, every stop is visible,
// and the form is sent by the Enter key.
func TestBrowserByKeyboardAlone(t *testing.T) {
	b := openTab(t)
	b.run(chromedp.Navigate(b.base+"/workbench/structures"), chromedp.WaitVisible("main", chromedp.ByQuery))
	active := func() (s string) {
		b.run(chromedp.Evaluate(`(e => e.id || e.getAttribute("href") || e.tagName)(document.activeElement)`, &s))
		return s
	}
	b.run(chromedp.KeyEvent(kb.Tab))
	if got := active(); got != "#main" {
		t.Errorf("the first stop is %s", got)
	}
	var seen []string
	for range 40 {
		b.run(chromedp.KeyEvent(kb.Tab))
		var outline string
		b.run(chromedp.Evaluate(`getComputedStyle(document.activeElement).outlineStyle`, &outline))
		stop := active()
		if seen = append(seen, stop); outline == "none" {
			t.Errorf("stop %s is not visible", stop)
		}
		if stop == "q" {
			break
		}
	}
	if seen[len(seen)-1] != "q" {
		t.Fatalf("the field is not reached: %v", seen)
	}
	b.run(loads(chromedp.KeyEvent("suunnitelma" + kb.Enter)))
	if got := b.address(); !strings.Contains(got, "q=suunnitelma") {
		t.Errorf("at %s", got)
	}
}

// From a phone to a wide screen nothing is cut off sideways.
func TestBrowserFitsEveryWidth(t *testing.T) {
	b := openTab(t)
	for _, width := range []int64{320, 768, 1920} {
		for _, path := range []string{"/", "/workbench", "/workbench/messages", "/workbench/messages/1", "/errors?area=HTTP", "/archive"} {
			var over float64
			b.run(chromedp.EmulateViewport(width, 900), chromedp.Navigate(b.base+path),
				chromedp.Evaluate(`document.documentElement.scrollWidth - document.documentElement.clientWidth`, &over))
			if over > 0 {
				t.Errorf("%s at %d: %v too wide", path, width, over)
			}
			b.shot(fmt.Sprintf("%s_%d", path, width))
		}
	}
}

// awaitPromise lets a script's promise be waited for.
func awaitPromise(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
