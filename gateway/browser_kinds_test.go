package gateway

import (
	"strings"
	"testing"

	"portti/fixtures"
	"portti/internal/browser"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// documentsOfEachKind looks at a PDF in its frame, at XHTML, JSON, an attachment, and
// at the proof of integrity.
func (b *tab) documentsOfEachKind() {
	b.Helper()
	pdf := b.of(fixtures.OldPDF)
	b.Visit("/archive/documents/" + pdf.OID)
	b.Wants("Proof of integrity", "byte for byte as it was archived")
	b.bringsPDF("/archive/documents/"+pdf.OID+"/content", pdf.PDF)
	plan := b.of(fixtures.Plan)
	b.Visit("/archive/documents/" + plan.OID)
	b.Wants("Structured content")
	if browser.Evaluate[int](b.Tab, `document.querySelectorAll("dl dl dt").length`) == 0 {
		b.Error("the JSON's structure is not shown")
	}
	for _, d := range b.docs {
		if len(d.Spec.Attachments) > 0 && d.Spec.Controller.OID == b.own {
			b.Look("/archive/documents/" + d.OID)
			b.Wants("Attachments", d.Spec.Attachments[0].ID)
			b.bringsPDF("/archive/documents/"+d.OID+"/attachments/1", d.Spec.Attachments[0].Bytes)
			return
		}
	}
	b.Error("no document has an attachment")
}

// bringsPDF fetches an address as the page would, and compares the octets.
func (b *tab) bringsPDF(path string, want []byte) {
	b.Helper()
	media, body := b.Fetch("GET", path, "")
	if media != "application/pdf" || body != string(want) {
		b.Errorf("%s: %s, %d bytes, want %d", path, media, len(body), len(want))
	}
}

// exportsAndUnusualUse exports what the page of logs shows, and looks for unusual use.
func (b *tab) exportsAndUnusualUse() {
	b.Helper()
	file := b.Download(`button[name=export]`)
	if !strings.HasPrefix(file, "time,dataController,client") || !strings.Contains(file, "archivist-view") {
		b.Errorf("the export: %.300s", file)
	}
	b.Click(`main a[href="/archive/logs/unusual"]`)
	b.Sound("unusual")
	b.Click(`form[role=search] button`)
	for strings.Contains(b.Text(), "being looked through") {
		b.Click(`a[href="/archive/logs/unusual"]`)
	}
	b.Wants("The rules", "Own data")
	b.Sound("unusual found")
	if file := b.Download(`button[name=export]`); !strings.HasPrefix(file, "controller,rule,title") {
		b.Errorf("the export: %.300s", file)
	}
}

// The archivist's journey by keyboard alone: log in, search, open a document, ask to
// nullify it and think better of it, change the language, log out. Each stop of the
// focus is visible.
func TestUI1_BrowserArchivistByKeyboardAlone(t *testing.T) {
	b := openTab(t)
	b.Run(chromedp.Navigate(b.Base+"/archive"), chromedp.WaitVisible("main", chromedp.ByQuery))
	b.TabTo(`form[action="/archive/login"] button`)
	b.Press(kb.Enter)
	b.Wants("Arja Arkisto")
	document := b.of(fixtures.OldXHTML)
	b.TabTo("#client")
	b.Press(document.Spec.Clients[0].Hetu + kb.Enter)
	b.Wants("Hits")
	b.TabTo(`a[href="/archive/documents/` + document.OID + `"]`)
	b.Press(kb.Enter)
	b.TabTo(`a[href="/archive/documents/` + document.OID + `/nullify"]`)
	b.Press(kb.Enter)
	b.TabTo("#reason")
	b.Run(chromedp.KeyEvent("wrong client"))
	b.TabTo(`main button[type=submit]`)
	b.Press(kb.Enter)
	b.Wants("Nullify this document?", "wrong client")
	b.TabTo(`main p a`)
	b.Press(kb.Enter)
	b.Wants("in force")
	b.TabTo(`nav.langs a[lang=fi]`)
	b.Press(kb.Enter)
	b.Wants("Eheyden todiste")
	b.TabTo(`form.who button`)
	b.Press(kb.Enter)
	if b.Path() != "/archive" {
		t.Errorf("after the logout: %s", b.Path())
	}
}
