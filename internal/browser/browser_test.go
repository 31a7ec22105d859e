package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

func TestMain(m *testing.M) { os.Exit(Tests{M: m}.Run()) }

// told keeps what a tab finds wrong in the place of failing the test.
type told struct {
	testing.TB
	wrong []string
}

func (t *told) Errorf(format string, args ...any) {
	t.wrong = append(t.wrong, fmt.Sprintf(format, args...))
}

// pages of the server of these tests; each but the first is wrong in one way.
var pages = map[string]string{
	"/":      `<p>Well.</p>`,
	"/wide":  `<p style="width:700px">Too wide for a phone.</p>`,
	"/dark":  `<style>@media (prefers-color-scheme: dark) { body { color: #444; background: #333 } }</style><p>Cannot be read in the dark.</p>`,
	"/pale":  `<p style="color:#ddd;background:#fff">Cannot be read.</p>`,
	"/label": `<input>`,
	"/heavy": `<p>` + strings.Repeat("x ", HeaviestPage/2) + `</p>`,
	"/form":  `<form><a href="/">a</a> <label for="a">a</label><input id="a" name="a"><textarea id="t"></textarea></form>`,
	"/blind": `<style>a:focus { outline: none }</style><a href="/">a</a> <a id="end" href="/">b</a>`,
}

func open1(t *testing.T) (*Tab, *told) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!DOCTYPE html><html lang="en"><head><meta name="viewport" content="width=device-width"><title>t</title></head><body><main><h1>t</h1>%s</main></body></html>`, pages[r.URL.Path])
	}))
	t.Cleanup(s.Close)
	h := &told{TB: t}
	return Open(h, s.URL), h
}

// A page is sound, or what is wrong with it is told.
func TestSoundTellsWhatIsWrong(t *testing.T) {
	b, h := open1(t)
	for path, want := range map[string]string{"/": "", "/wide": "too wide for a screen of 320", "/dark": "(dark, 360 wide): [\"color-contrast",
		"/pale": "(light, 1280 wide): [\"color-contrast", "/label": "label", "/heavy": "weighs"} {
		h.wrong = nil
		b.Look(path)
		if got := strings.Join(h.wrong, "\n"); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

// Keys and pastes reach the page as a person's would, and a stop of the focus that cannot
// be seen is told.
func TestHands(t *testing.T) {
	b, h := open1(t)
	b.Visit("/form")
	b.Paste("#t", "<a>\n\tå</a>")
	if got := Evaluate[string](b, `document.querySelector("#t").value`); got != "<a>\n\tå</a>" {
		t.Errorf("pasted %q", got)
	}
	b.TabTo("#a")
	b.Press("word" + kb.Enter)
	if got := b.Path(); got != "/form?a=word" {
		t.Errorf("at %s", got)
	}
	b.Visit("/blind")
	if b.TabTo("#end"); len(h.wrong) != 2 || !strings.Contains(h.wrong[0], "not visible") {
		t.Errorf("%v", h.wrong)
	}
}

// Tabs know nothing of each other's cookies.
func TestTabsAreApart(t *testing.T) {
	a, _ := open1(t)
	b := Open(t, a.Base)
	for _, x := range []*Tab{a, b} {
		x.Visit("/")
	}
	Evaluate[string](a, `document.cookie = "who=a"`)
	if got := Evaluate[string](b, `document.cookie`); got != "" {
		t.Errorf("the other tab has %q", got)
	}
}
