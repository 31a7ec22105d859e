// Package browser drives a real headless Chromium in tests and holds pages against what
// every page must stand: axe-core finds nothing serious or critical in the light and in
// the dark, nothing is cut off sideways on any screen, and the page is no heavier than
// pages may be.
//
// The tests of a package share one Chromium, which their TestMain ends (Tests); each Tab
// has cookies and storage of its own. A browser that holds certificates is a process of
// its own (OpenWith).
package browser

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"portti/internal/judge"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/security"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// shared is the Chromium of a package's tests.
var shared struct {
	sync.Mutex
	ctx  context.Context // nil until the first tab
	stop func()
}

// Tests are a package's tests, after which their Chromium is ended:
//
//	func TestMain(m *testing.M) { os.Exit(browser.Tests{M: m}.Run()) }
type Tests struct{ M interface{ Run() int } }

// Run runs the tests.
func (t Tests) Run() int {
	defer func() {
		shared.Lock()
		defer shared.Unlock()
		if shared.ctx != nil {
			shared.stop()
			shared.ctx = nil
		}
	}()
	return t.M.Run()
}

// Tab is a tab that looks at pages below an address.
type Tab struct {
	testing.TB
	// Base is what paths are below: http://host:port.
	Base string
	ctx  context.Context
}

// patience bounds what a tab does in all.
const patience = 6 * time.Minute

// Open opens a tab in the package's Chromium. Where there is none the test is skipped,
// or fails (judge.Need).
func Open(tb testing.TB, base string) *Tab {
	tb.Helper()
	process := started(tb)
	on := cdp.WithExecutor(process, chromedp.FromContext(process).Browser)
	own, err := target.CreateBrowserContext().WithDisposeOnDetach(true).Do(on)
	if err != nil {
		tb.Fatal(err)
	}
	// Chromium opens a context's first tab in a new window alone, which chromedp does not ask for.
	id, err := target.CreateTarget("about:blank").WithBrowserContextID(own).WithNewWindow(true).Do(on)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(process, chromedp.WithTargetID(id))
	return open(tb, base, ctx, func() {
		cancel()
		if err := target.DisposeBrowserContext(own).Do(on); err != nil {
			tb.Error(err)
		}
	})
}

// OpenWith opens a tab in a Chromium of its own that is started with options.
func OpenWith(tb testing.TB, base string, opts ...chromedp.ExecAllocatorOption) *Tab {
	tb.Helper()
	ctx, stop := chromium(judge.Need(tb, "chromium"), opts...)
	return open(tb, base, ctx, stop)
}

func open(tb testing.TB, base string, ctx context.Context, cancel func()) *Tab {
	tb.Helper()
	ctx, end := context.WithTimeout(ctx, patience)
	tb.Cleanup(func() { end(); cancel() })
	b := &Tab{TB: tb, Base: base, ctx: ctx}
	// Test certificates are under an authority that no browser knows.
	b.Run(security.SetIgnoreCertificateErrors(true), emulation.SetLocaleOverride().WithLocale("en"), chromedp.EmulateViewport(1280, 900))
	return b
}

// started gives the package's Chromium.
func started(tb testing.TB) context.Context {
	tb.Helper()
	path := judge.Need(tb, "chromium")
	shared.Lock()
	defer shared.Unlock()
	if shared.ctx == nil {
		home, err := os.MkdirTemp("", "chromium")
		if err != nil {
			tb.Fatal(err)
		}
		// Its home is not that of who runs the tests: their certificates stay out of it.
		ctx, stop := chromium(path, chromedp.Env("HOME="+home), chromedp.UserDataDir(home+"/profile"))
		end := func() {
			stop()
			_ = os.RemoveAll(home) // of the temporary folder
		}
		if err := chromedp.Run(ctx); err != nil {
			end()
			tb.Fatal(err)
		}
		shared.ctx, shared.stop = ctx, end
	}
	return shared.ctx
}

// chromium prepares a process, which the first use of the context starts.
func chromium(path string, more ...chromedp.ExecAllocatorOption) (context.Context, func()) {
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("lang", "en"),
		chromedp.WSURLReadTimeout(2*time.Minute))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), append(opts, more...)...)
	ctx, cancel := chromedp.NewContext(alloc)
	return ctx, func() { cancel(); stop() }
}

// Run does actions; what fails ends the test.
func (b *Tab) Run(actions ...chromedp.Action) {
	b.Helper()
	if err := chromedp.Run(b.ctx, actions...); err != nil {
		b.Fatal(err)
	}
}

// Loads does what leads to another page, and waits for that page.
func (b *Tab) Loads(a chromedp.Action) {
	b.Helper()
	if _, err := chromedp.RunResponse(b.ctx, a); err != nil {
		b.Fatal(err)
	}
}

// Visit opens a path.
func (b *Tab) Visit(path string) {
	b.Helper()
	b.Loads(chromedp.Navigate(b.Base + path))
}

// Look opens a path and demands a sound page.
func (b *Tab) Look(path string) {
	b.Helper()
	b.Visit(path)
	b.Sound(path)
}

// Click follows what a selector names to the next page.
func (b *Tab) Click(selector string) {
	b.Helper()
	b.Loads(chromedp.Click(selector, chromedp.ByQuery))
}

// Text is what the page tells.
func (b *Tab) Text() (s string) {
	b.Helper()
	b.Run(chromedp.Text("body", &s, chromedp.ByQuery))
	return s
}

// Wants demands texts on the page.
func (b *Tab) Wants(texts ...string) {
	b.Helper()
	have := b.Text()
	for _, s := range texts {
		if !strings.Contains(have, s) {
			b.Errorf("%s lacks %q:\n%.1500s", b.Path(), s, have)
		}
	}
}

// Path is where the tab is.
func (b *Tab) Path() string {
	b.Helper()
	var s string
	b.Run(chromedp.Location(&s))
	return strings.TrimPrefix(s, b.Base)
}

// Evaluate gives what a script gives; a promise is waited for.
func Evaluate[T any](b *Tab, script string) (v T) {
	b.Helper()
	b.Run(chromedp.Evaluate(script, &v, awaitPromise))
	return v
}

// Quoted is a string of a script.
func Quoted(s string) string { return fmt.Sprintf("%q", s) }
