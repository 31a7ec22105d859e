package gateway

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portti/fixtures"
	"portti/gateway/soap"
	"portti/gateway/web"
	"portti/internal/browser"
	"portti/internal/judge"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// tab is a tab of a real Chromium that looks at a gateway of the demo's kind, whose
// archive holds the samples.
type tab struct {
	*browser.Tab
	g    *gate
	own  string // the archivist's controller
	docs []*fixtures.Document
}

func openTab(t *testing.T) *tab {
	t.Helper()
	judge.Need(t, "chromium")
	b := &tab{own: world().Organisations[0].OID}
	b.g = start(t, func(c *Config) {
		c.DemoLogin, c.Admin = true, "127.0.0.1:0"
		c.Archivists = []web.Archivist{{Card: "99900000101", Name: "Arja Arkisto", Controllers: []string{b.own}}}
	})
	for _, d := range world().Documents {
		r, err := post(http.DefaultClient, b.g.URL+"/soap", "text/xml", inEnvelope(soap.NS11, world().Frame(d)))
		if err == nil && string(r.ack.Code) == "CA" {
			b.docs = append(b.docs, d)
		}
	}
	if len(b.docs) < 20 {
		t.Fatalf("%d samples are archived", len(b.docs))
	}
	b.Tab = browser.Open(t, b.g.URL)
	b.Visit("/?lang=en")
	return b
}

func (b *tab) of(kind fixtures.Kind) *fixtures.Document {
	b.Helper()
	for _, d := range b.docs {
		if d.Spec.Kind == kind && d.Spec.Controller.OID == b.own {
			return d
		}
	}
	b.Fatalf("no document of kind %s", kind)
	return nil
}

// The archivist's journey in a real browser: login, search, each kind of document,
// nullification, in three languages.
func TestUI1_BrowserJourneyOfTheArchivist(t *testing.T) {
	b := openTab(t)
	b.Look("/archive")
	b.Click(`form[action="/archive/login"] button`)
	b.Wants("Arja Arkisto", b.own)
	b.Sound("search")
	plan := b.of(fixtures.Plan)
	b.Run(chromedp.SetValue("#client", plan.Spec.Clients[0].Hetu, chromedp.ByQuery), chromedp.Click("#earlier", chromedp.ByQuery))
	b.Click(`form[role=search] button`)
	b.Wants("Hits", plan.OID)
	if strings.Contains(b.Path(), plan.Spec.Clients[0].Hetu) {
		t.Error("the identity code stands in the address")
	}
	b.Sound("results")
	b.Click(`a[href="/archive/documents/` + plan.OID + `"]`)
	b.Wants("Metadata", "Signatures", "Structured content")
	b.Sound("plan")
	for _, kind := range []fixtures.Kind{fixtures.OldPDF, fixtures.OldXHTML, fixtures.CaseDoc, fixtures.RelationshipDoc} {
		d := b.of(kind)
		b.Look("/archive/documents/" + d.OID)
		b.Wants(d.OID)
	}
	xhtml := b.of(fixtures.OldXHTML)
	b.documentsOfEachKind()
	var inner string
	b.Run(chromedp.Navigate(b.Base+"/archive/documents/"+xhtml.OID+"/content"), chromedp.Text("body", &inner, chromedp.ByQuery))
	if strings.TrimSpace(inner) == "" {
		t.Error("the display form is empty")
	}
	b.Look("/archive/documents/" + xhtml.OID + "/source")
	b.Look("/archive/logs")
	b.Click(`form[role=search] button`)
	b.Wants("archivist-view")
	b.Sound("logs")
	b.exportsAndUnusualUse()
	b.Look("/archive/documents/" + xhtml.OID + "/nullify")
	b.Run(chromedp.SendKeys("#reason", "wrong client", chromedp.ByQuery))
	b.Click(`main button[type=submit]`)
	b.Wants("Nullify this document?", "wrong client")
	b.Sound("confirm")
	b.Click(`button.danger`)
	b.Wants("nullified")
	for lang, word := range map[string]string{"fi": "mitätöity", "sv": "makulerad"} {
		b.Click(`nav.langs a[lang=` + lang + `]`)
		b.Wants(word)
	}
	b.Sound("swedish")
	b.Click(`form.who button`)
	b.Look("/archive/documents/" + plan.OID)
	if b.Path() != "/archive" {
		t.Errorf("after the logout: %s", b.Path())
	}
}

// The vendor's journey: paste a document, see the fault at its line, follow the rule,
// look at messages, structures and samples.
func TestTEST5_BrowserJourneyOfTheVendor(t *testing.T) {
	b := openTab(t)
	b.Look("/")
	b.Look("/workbench")
	doc := strings.Replace(string(b.docs[0].Bytes), `<languageCode code="fi"`, `<languageCode code="xx"`, 1)
	b.Paste("#document", doc)
	if got := browser.Evaluate[string](b.Tab, `document.querySelector("#document").value`); got != doc {
		t.Fatalf("the field holds %d bytes of %d", len(got), len(doc))
	}
	b.Click(`main button`)
	link := b.Path()
	if !strings.HasPrefix(link, "/workbench/results/") {
		t.Fatalf("at %s", link)
	}
	b.Sound("result")
	pasted := b.findings()
	file := filepath.Join(t.TempDir(), "document.xml")
	if err := os.WriteFile(file, []byte(doc), 0o600); err != nil {
		t.Fatal(err)
	}
	b.Visit("/workbench")
	b.Run(chromedp.SetUploadFiles("#document_file", []string{file}, chromedp.ByQuery))
	b.Click(`main button`)
	if got := b.findings(); got == "" || got != pasted || b.Path() == link {
		t.Errorf("pasted and dropped differ: %s %s", pasted, got)
	}
	b.Visit(link)
	var rule string
	b.Run(chromedp.Text(`.note a`, &rule, chromedp.ByQuery))
	b.Click(`.note a`)
	b.Wants(rule, "What to do")
	b.Look(link) // it stays good
	b.Wants(rule)
	for _, path := range []string{"/workbench/messages", "/workbench/messages/1", "/workbench/structures?q=lausunto",
		"/workbench/structures/1.2.246.537.6.1505.8.2023.6.1", "/errors?area=HTTP"} {
		b.Look(path)
	}
	// The operator's page, on its own listener: closed and with every metric.
	b.Base = "http://" + b.g.AdminAddr().String()
	b.Look("/operator?live=0")
	b.Wants("in order", "no backup was made", "trust anchor")
	b.Click(`nav.langs a[lang=fi]`)
	b.Wants("Varmuuskopiot", "Varmenteet")
	b.Run(chromedp.Click("main summary", chromedp.ByQuery))
	b.Sound("operator-all")
}

// findings are what the page lists.
func (b *tab) findings() string {
	return browser.Evaluate[string](b.Tab, `document.querySelector("main table").innerText`)
}

// By keyboard alone: the first stop leads past the navigation, every stop is visible,
// and the form is sent by the Enter key.
func TestBrowserByKeyboardAlone(t *testing.T) {
	b := openTab(t)
	b.Visit("/workbench/structures")
	b.Run(chromedp.KeyEvent(kb.Tab))
	if !browser.Evaluate[bool](b.Tab, `document.activeElement.matches("a.skip[href='#main']")`) {
		t.Error("the first stop does not lead past the navigation")
	}
	b.TabTo("#q")
	b.Press("suunnitelma" + kb.Enter)
	if got := b.Path(); !strings.Contains(got, "q=suunnitelma") {
		t.Errorf("at %s", got)
	}
}
