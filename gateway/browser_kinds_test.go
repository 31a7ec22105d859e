package gateway

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"portti/fixtures"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// documentsOfEachKind looks at a PDF in its frame, at XHTML, JSON, an attachment, and
// at the proof of integrity.
func (b *tab) documentsOfEachKind() {
	b.t.Helper()
	pdf := b.of(fixtures.OldPDF)
	b.goTo("/archive/documents/" + pdf.OID)
	b.wants("Proof of integrity", "byte for byte as it was archived")
	b.bringsPDF("/archive/documents/"+pdf.OID+"/content", pdf.PDF)
	plan := b.of(fixtures.Plan)
	b.goTo("/archive/documents/" + plan.OID)
	b.wants("Structured content")
	var fields int
	b.run(chromedp.Evaluate(`document.querySelectorAll("dl dl dt").length`, &fields))
	if fields == 0 {
		b.t.Error("the JSON's structure is not shown")
	}
	for _, d := range b.docs {
		if len(d.Spec.Attachments) > 0 && d.Spec.Controller.OID == b.own {
			b.goTo("/archive/documents/" + d.OID)
			b.wants("Attachments", d.Spec.Attachments[0].ID)
			b.bringsPDF("/archive/documents/"+d.OID+"/attachments/1", d.Spec.Attachments[0].Bytes)
			return
		}
	}
	b.t.Error("no document has an attachment")
}

// bringsPDF fetches an address as the page would, and compares the octets.
func (b *tab) bringsPDF(path string, want []byte) {
	b.t.Helper()
	media, body := b.fetch("GET", path, "")
	if media != "application/pdf" || body != string(want) {
		b.t.Errorf("%s: %s, %d bytes, want %d", path, media, len(body), len(want))
	}
}

// fetch makes a request with the browser's own cookies, and gives media type and body.
// The pages' policy forbids scripts to make one.
func (b *tab) fetch(method, path, form string) (media, body string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.ctx, method, b.base+path, strings.NewReader(form))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	b.run(chromedp.ActionFunc(func(ctx context.Context) error {
		cookies, err := network.GetCookies().Do(ctx)
		for _, c := range cookies {
			r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
		}
		return err
	}))
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		b.t.Fatalf("%s: HTTP %d, %v", path, res.StatusCode, err)
	}
	return res.Header.Get("Content-Type"), string(got)
}

func quoted(s string) string { return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"` }

// exportsAndUnusualUse exports what the page of logs shows, and looks for unusual use.
func (b *tab) exportsAndUnusualUse() {
	b.t.Helper()
	file := b.download(`button[name=export]`)
	if !strings.HasPrefix(file, "time,dataController,client") || !strings.Contains(file, "archivist-view") {
		b.t.Errorf("the export: %.300s", file)
	}
	b.click(`main a[href="/archive/logs/unusual"]`)
	b.accessible("unusual")
	b.click(`form[role=search] button`)
	for strings.Contains(b.text(), "being looked through") {
		b.click(`a[href="/archive/logs/unusual"]`)
	}
	b.wants("The rules", "Own data")
	b.accessible("unusual found")
	if file := b.download(`button[name=export]`); !strings.HasPrefix(file, "controller,rule,title") {
		b.t.Errorf("the export: %.300s", file)
	}
}

// The archivist's journey by keyboard alone: log in, search, open a document, ask to
// nullify it and think better of it, change the language, log out. Each stop of the
// focus is visible.
func TestUI1_BrowserArchivistByKeyboardAlone(t *testing.T) {
	b := openTab(t)
	b.run(chromedp.Navigate(b.base+"/archive"), chromedp.WaitVisible("main", chromedp.ByQuery))
	b.tabTo(`form[action="/archive/login"] button`)
	b.press(kb.Enter)
	b.wants("Arja Arkisto")
	document := b.of(fixtures.OldXHTML)
	b.tabTo("#client")
	b.press(document.Spec.Clients[0].Hetu + kb.Enter)
	b.wants("Hits")
	b.tabTo(`a[href="/archive/documents/` + document.OID + `"]`)
	b.press(kb.Enter)
	b.tabTo(`a[href="/archive/documents/` + document.OID + `/nullify"]`)
	b.press(kb.Enter)
	b.tabTo("#reason")
	b.run(chromedp.KeyEvent("wrong client"))
	b.tabTo(`main button[type=submit]`)
	b.press(kb.Enter)
	b.wants("Nullify this document?", "wrong client")
	b.tabTo(`main p a`)
	b.press(kb.Enter)
	b.wants("in force")
	b.tabTo(`nav.langs a[lang=fi]`)
	b.press(kb.Enter)
	b.wants("Eheyden todiste")
	b.tabTo(`form.who button`)
	b.press(kb.Enter)
	if b.address() != "/archive" {
		t.Errorf("after the logout: %s", b.address())
	}
}

// tabTo goes by the Tab key to what a selector names.
func (b *tab) tabTo(selector string) {
	b.t.Helper()
	b.run(chromedp.Evaluate(`document.activeElement.blur()`, nil))
	for range 120 {
		var stop struct {
			Here    bool   `json:"here"`
			Outline string `json:"outline"`
			Name    string `json:"name"`
		}
		b.run(chromedp.KeyEvent(kb.Tab), chromedp.Evaluate(`(e => ({here: e.matches(`+quoted(selector)+`), outline: getComputedStyle(e).outlineStyle, name: e.outerHTML.slice(0, 120)}))(document.activeElement)`, &stop))
		if stop.Outline == "none" && !strings.HasPrefix(stop.Name, "<body") {
			b.t.Errorf("%s: the focus is not visible on %s", b.address(), stop.Name)
		}
		if stop.Here {
			return
		}
	}
	b.t.Fatalf("%s: %s is not reached by the Tab key", b.address(), selector)
}

// press sends keys that lead to another page.
func (b *tab) press(keys string) {
	b.t.Helper()
	b.run(loads(chromedp.KeyEvent(keys)))
}

// download presses a button of the page's form whose answer is a file. It sends what
// the browser would; the answer is read here, since no page comes of it.
func (b *tab) download(button string) string {
	b.t.Helper()
	var form []string
	b.run(chromedp.Evaluate(`(e => [e.form.getAttribute("action"), new URLSearchParams(new FormData(e.form, e)).toString()])(document.querySelector(`+quoted(button)+`))`, &form))
	media, body := b.fetch("POST", form[0], form[1])
	if !strings.HasPrefix(media, "text/csv") {
		b.t.Errorf("%s: %s", form[0], media)
	}
	return body
}
