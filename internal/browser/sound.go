package browser

import (
	_ "embed"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

//go:embed axe-core/axe.min.js
var axe string

// HeaviestPage bounds the weight of a page without the document.
const HeaviestPage = 150 << 10

// Pages are seen in the light on a wide screen and in the dark on a phone; between, no
// width may cut anything off (WCAG 1.4.10 asks for 320).
var (
	aspects = []struct {
		scheme string
		width  int64
	}{{"light", 1280}, {"dark", 360}}
	widths = []int64{320, 360, 768, 1280, 1920}
)

// Sound demands that the page is as every page must be. A picture of each aspect is kept
// in PORTTI_SCREENSHOTS, where that is set.
func (b *Tab) Sound(name string) {
	b.Helper()
	// What the server sent, without the document in its frame.
	if size := Evaluate[float64](b, `performance.getEntriesByType("navigation")[0].decodedBodySize`); size <= 0 || size > HeaviestPage {
		b.Errorf("%s weighs %v bytes", name, size)
	}
	for _, w := range widths {
		b.Run(chromedp.EmulateViewport(w, 900))
		if over := Evaluate[float64](b, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); over > 0 {
			b.Errorf("%s: %v too wide for a screen of %d", name, over, w)
		}
	}
	b.Run(chromedp.Evaluate(axe+`;0`, nil))
	for _, l := range aspects {
		b.Run(chromedp.EmulateViewport(l.width, 900),
			emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.scheme}}))
		for _, v := range Evaluate[[]json.RawMessage](b, `axe.run(document, {iframes: false, resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r =>
			r.violations.filter(v => v.impact == "serious" || v.impact == "critical").map(v => [v.id, v.help, v.nodes.slice(0, 3).map(n => n.html)]))`) {
			b.Errorf("%s (%s, %d wide): %s", name, l.scheme, l.width, v)
		}
		b.Shot(name + "_" + l.scheme + "_" + strconv.FormatInt(l.width, 10))
	}
	b.Run(chromedp.EmulateViewport(1280, 900))
}

// Shot keeps a picture of the whole page in PORTTI_SCREENSHOTS, where that is set.
func (b *Tab) Shot(name string) {
	b.Helper()
	dir := os.Getenv("PORTTI_SCREENSHOTS")
	if dir == "" {
		return
	}
	// As high a screen as the page: a frame outside of it would not be painted.
	size := Evaluate[[2]int64](b, `[innerWidth, Math.max(innerHeight, document.documentElement.scrollHeight)]`)
	var png []byte
	b.Run(chromedp.EmulateViewport(size[0], size[1]), chromedp.CaptureScreenshot(&png))
	file := strings.Trim(strings.NewReplacer("/", "_", "?", "_", ".", "_", "&", "_").Replace(name), "_")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, b.Name()+"_"+file+".png"), png, 0o644); err != nil {
		b.Fatal(err)
	}
}

// awaitPromise lets a script's promise be waited for.
func awaitPromise(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
