package browser

import (
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TabTo goes by the Tab key to what a selector names. Each stop must be visible.
func (b *Tab) TabTo(selector string) {
	b.Helper()
	b.Run(chromedp.Evaluate(`document.activeElement.blur()`, nil))
	for range 200 {
		b.Run(chromedp.KeyEvent(kb.Tab))
		stop := Evaluate[struct {
			Here    bool   `json:"here"`
			Outline string `json:"outline"`
			Name    string `json:"name"`
		}](b, `(e => ({here: e.matches(`+Quoted(selector)+`), outline: getComputedStyle(e).outlineStyle, name: e.outerHTML.slice(0, 120)}))(document.activeElement)`)
		if stop.Outline == "none" && !strings.HasPrefix(stop.Name, "<body") {
			b.Errorf("%s: the focus is not visible on %s", b.Path(), stop.Name)
		}
		if stop.Here {
			return
		}
	}
	b.Fatalf("%s: %s is not reached by the Tab key", b.Path(), selector)
}

// Press sends keys that lead to another page.
func (b *Tab) Press(keys string) {
	b.Helper()
	b.Loads(chromedp.KeyEvent(keys))
}

// Paste puts a text into a field as a person's paste does: the browser takes it in at
// the focus in one go, and tells the page of it.
func (b *Tab) Paste(selector, text string) {
	b.Helper()
	b.Run(chromedp.Focus(selector, chromedp.ByQuery), input.InsertText(text))
}

// Fetch makes a request with the tab's own cookies, since the pages' policy forbids
// scripts to make one, and gives media type and body of an answer that is well.
func (b *Tab) Fetch(method, path, form string) (media, body string) {
	b.Helper()
	r, err := http.NewRequestWithContext(b.ctx, method, b.Base+path, strings.NewReader(form))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	b.Run(chromedp.ActionFunc(func(ctx context.Context) error {
		cookies, err := network.GetCookies().Do(ctx)
		for _, c := range cookies {
			r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
		}
		return err
	}))
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		b.Fatalf("%s: HTTP %d, %v", path, res.StatusCode, err)
	}
	return res.Header.Get("Content-Type"), string(got)
}

// Download presses a button of the page's form whose answer is a CSV file. It sends what
// the browser would; the answer is read here, since no page comes of it.
func (b *Tab) Download(button string) string {
	b.Helper()
	form := Evaluate[[]string](b, `(e => [e.form.getAttribute("action"), new URLSearchParams(new FormData(e.form, e)).toString()])(document.querySelector(`+Quoted(button)+`))`)
	media, body := b.Fetch("POST", form[0], form[1])
	if !strings.HasPrefix(media, "text/csv") {
		b.Errorf("%s: %s", form[0], media)
	}
	return body
}
