package web

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"portti/fixtures"
	"portti/store"

	"github.com/rs/zerolog"
)

// Other controllers' documents by guessed links: not there, in any form, and no trace
// that they exist (UI-3).
func TestUI3_AttackGuessedLink(t *testing.T) {
	h := newHouse(t, nil)
	b := h.browser(cardA)
	token := b.login()
	foreign := h.of(h.w.Organisations[1].OID, nil)
	nothing := b.get("/archive/documents/1.2.3")
	for _, path := range []string{"", "/content", "/source", "/source?frame", "/original", "/proof", "/attachments/1", "/nullify"} {
		w := b.get("/archive/documents/" + foreign.OID + path)
		if w.Code != http.StatusNotFound {
			t.Errorf("%q: HTTP %d", path, w.Code)
		}
		if strings.ReplaceAll(w.Body.String(), foreign.OID, "1.2.3") != strings.ReplaceAll(nothing.Body.String(), path, "") && path == "" {
			t.Error("a foreign document is told of otherwise than one that does not exist")
		}
	}
	w := b.post("/archive/documents/"+foreign.OID+"/nullify", "csrf", token, "reason", "x", "confirmed", "yes")
	if w.Code != http.StatusConflict {
		t.Errorf("nullify: HTTP %d", w.Code)
	}
	none := b.post("/archive/documents/1.2.3/nullify", "csrf", token, "reason", "x", "confirmed", "yes")
	if none.Code != w.Code || strings.ReplaceAll(w.Body.String(), foreign.OID, "1.2.3") != none.Body.String() {
		t.Errorf("nullifying tells that the document exists: %s\n%s", w.Body, none.Body)
	}
	if d, err := h.store.Document(t.Context(), everything, foreign.OID); err != nil || d.Status.String() != "current" {
		t.Errorf("the foreign document is %v, %v", d.Status, err)
	}
	w = b.post("/archive/search", "csrf", token, "client", foreign.Spec.Clients[0].Hetu)
	if strings.Contains(w.Body.String(), foreign.OID) {
		t.Error("the search shows a foreign document")
	}
	misses, err := h.store.SearchUsage(t.Context(), everything, store.LogFilter{User: cardA, Attempts: store.RefusedAttempts}, 50, "")
	n := 0
	for _, e := range misses.Entries {
		if e.Refused == "NOT-FOUND" && e.DocumentID == "" && strings.Contains(string(e.Detail), `"asked"`) {
			n++
		}
	}
	if err != nil || n != 9 {
		t.Errorf("LOG-1: %d misses are logged, %v", n, err)
	}
}

// Pages without a session show nothing.
func TestUI3_AttackNoSession(t *testing.T) {
	h := newHouse(t, nil)
	d := h.of(h.w.Organisations[0].OID, nil)
	for _, card := range []string{"", "99900000999"} {
		b := h.browser(card)
		if card != "" {
			want(t, b.post("/archive/login"), http.StatusForbidden, "not in the list")
		}
		for _, path := range []string{"", "/content", "/source", "/original", "/proof", "/attachments/1", "/nullify"} {
			if w := b.get("/archive/documents/" + d.OID + path); w.Code != http.StatusSeeOther || w.Body.Len() > 200 {
				t.Errorf("%q: HTTP %d", path, w.Code)
			}
		}
	}
}

// Cross-site request forgery: a form from another site, or without the session's token,
// changes nothing.
func TestAttackCSRF(t *testing.T) {
	h := newHouse(t, nil)
	b := h.browser(cardA)
	token := b.login()
	d := h.of(h.w.Organisations[0].OID, nil)
	nullify := func(csrf string) int {
		return b.post("/archive/documents/"+d.OID+"/nullify", "csrf", csrf, "reason", "x", "confirmed", "yes").Code
	}
	for _, csrf := range []string{"", "x", token + "x"} {
		if code := nullify(csrf); code != http.StatusForbidden {
			t.Errorf("token %q: HTTP %d", csrf, code)
		}
	}
	for _, header := range []map[string]string{{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.test"}} {
		b.header = header
		if code := nullify(token); code != http.StatusForbidden {
			t.Errorf("%v: HTTP %d", header, code)
		}
		if w := b.post("/archive/logout", "csrf", token); w.Code != http.StatusForbidden {
			t.Errorf("%v: logout HTTP %d", header, w.Code)
		}
	}
	b.header = map[string]string{}
	if got, err := h.store.Document(t.Context(), everything, d.OID); err != nil || got.Status.String() != "current" {
		t.Errorf("it was nullified: %v", err)
	}
}

// Session fixation: a cookie that was known before the login is worth nothing after it,
// nor is one after the choice of organisation or the logout.
func TestAttackSessionFixation(t *testing.T) {
	h := newHouse(t, nil)
	b := h.browser(cardC)
	u, err := url.Parse("https://archive.test/")
	if err != nil {
		t.Fatal(err)
	}
	b.jar.SetCookies(u, []*http.Cookie{{Name: "__Host-portti", Value: "planted", Path: "/", Secure: true}})
	token := b.login()
	cookie := func() string { return b.jar.Cookies(u)[0].Value }
	afterLogin := cookie()
	if afterLogin == "planted" {
		t.Fatal("the planted id was kept")
	}
	b.post("/archive/organisation", "csrf", token, "controller", h.w.Organisations[0].OID)
	afterChoice := cookie()
	if afterChoice == afterLogin {
		t.Error("the id stayed over the choice")
	}
	old := h.browser(cardC)
	for _, id := range []string{"planted", afterLogin} {
		old.jar.SetCookies(u, []*http.Cookie{{Name: "__Host-portti", Value: id, Path: "/", Secure: true}})
		want(t, old.get("/archive"), http.StatusOK, "Log in by certificate")
	}
	for _, c := range b.post("/archive/login").Result().Cookies() {
		if c.Value != "" && (!c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteStrictMode || c.Path != "/") {
			t.Errorf("cookie %+v", c)
		}
	}
}

// The demo's door is shut to other machines, and where it was not asked for.
func TestAttackDemoLoginFromAfar(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.DemoLogin = true })
	b := h.browser("")
	b.plain = true
	want(t, b.get("/archive"), http.StatusOK, "Arja Arkisto")
	if w := b.post("/archive/login", "card", cardA); w.Code != http.StatusSeeOther {
		t.Errorf("from this machine: HTTP %d", w.Code)
	}
	far := h.browser("")
	far.plain, far.remote = true, "192.0.2.7:4711"
	if w := far.post("/archive/login", "card", cardA); w.Code != http.StatusForbidden {
		t.Errorf("from afar: HTTP %d", w.Code)
	}
	if strings.Contains(far.get("/archive").Body.String(), cardA) {
		t.Error("cards are shown to machines afar")
	}
	shut := newHouse(t, nil).browser("")
	if w := shut.post("/archive/login", "card", cardA); w.Code != http.StatusForbidden {
		t.Errorf("not asked for: HTTP %d", w.Code)
	}
}

// Stored script: in the XHTML, in file names, in reasons, in pasted documents.
func TestAttackStoredScript(t *testing.T) {
	const attack = `<script>alert(1)</script>`
	page := string(xhtmlPage([]byte(`<div class="soc-document" onclick="x()">`+attack+`<p style="position:fixed">teksti</p>`+
		`<img src="https://evil.test/x.png"/><img src="data:image/png;base64,AAAA" onerror="x()"/><a href="javascript:x()">a</a>`+
		`<iframe src="https://evil.test"></iframe><svg><script>x()</script></svg><form action="//evil.test"><input/></form></div>`), "fi"))
	for _, bad := range []string{"<script", "onclick", "onerror", "evil.test", "javascript:", "<iframe", "<svg", "<form", "position"} {
		if strings.Contains(page, bad) {
			t.Errorf("%s came through: %s", bad, page)
		}
	}
	if !strings.Contains(page, "teksti") || !strings.Contains(page, "data:image/png") || !strings.Contains(page, `class="soc-document"`) {
		t.Errorf("too much was taken away: %s", page)
	}

	h := newHouse(t, nil)
	b := h.browser(cardA)
	token := b.login()
	d := h.of(h.w.Organisations[0].OID, nil)
	w := b.post("/archive/documents/"+d.OID+"/nullify", "csrf", token, "reason", attack)
	if strings.Contains(w.Body.String(), attack) {
		t.Error("the reason comes back as markup")
	}
	for name, doc := range map[string]string{
		"text": attack, "xml": `<?xml version="1.0"?><a b="` + `&lt;script>` + `">` + attack + `</a>`,
		"name": strings.Replace(string(d.Bytes), "<given>", "<given>"+attack, 1),
	} {
		kind, body := paste(t, map[string]string{"document": doc}, nil)
		w := b.do("POST", "/workbench/validate", kind, body)
		if w.Code != http.StatusSeeOther {
			t.Fatalf("%s: HTTP %d %s", name, w.Code, w.Body)
		}
		w = b.get(w.Header().Get("Location"))
		requireSound(t, name, w)
		if strings.Contains(w.Body.String(), "<script") {
			t.Errorf("%s comes back as markup", name)
		}
	}
	for _, target := range []string{"/workbench/messages?device=%22%3E%3Cscript%3E&rule=%3Cscript%3E", "/workbench/structures?q=%3Cscript%3E"} {
		if w := b.get(target); strings.Contains(w.Body.String(), "<script") {
			t.Errorf("%s comes back as markup", target)
		}
	}
}

// everyAnswer looks at the headers of every kind of answer.
func everyAnswer(t *testing.T, look func(target string, head http.Header)) {
	t.Helper()
	h := newHouse(t, nil)
	b := h.browser(cardA)
	b.login()
	d := h.of(h.w.Organisations[0].OID, func(d *fixtures.Document) bool { return len(d.XHTML) > 0 })
	u := "/archive/documents/" + d.OID
	for _, target := range []string{"/", "/errors", "/archive", u, u + "/content", u + "/source", u + "/original", u + "/proof", "/archive/logs", unusualPath, "/workbench",
		"/workbench/messages", "/workbench/messages/1", "/workbench/messages/1/request", "/workbench/structures", "/workbench/samples",
		"/workbench/samples/documents/plan.xml", "/archive/documents/none"} {
		look(target, b.get(target).Header())
	}
}

// Clickjacking: no page lets itself be framed; the display form alone, by its own page.
func TestAttackClickjacking(t *testing.T) {
	everyAnswer(t, func(target string, head http.Header) {
		options, ancestors := "DENY", "frame-ancestors 'none'"
		if strings.HasSuffix(target, "/content") {
			options, ancestors = "SAMEORIGIN", "frame-ancestors 'self'"
		}
		csp := head.Get("Content-Security-Policy")
		page := strings.HasPrefix(head.Get("Content-Type"), "text/html")
		if head.Get("X-Frame-Options") != options || page && !strings.Contains(csp, ancestors) {
			t.Errorf("%s: framing %q, %q", target, head.Get("X-Frame-Options"), csp)
		}
	})
}

// What a browser or a proxy kept of an answer: nothing but the style sheet may be kept.
func TestAttackCachedAnswers(t *testing.T) {
	everyAnswer(t, func(target string, head http.Header) {
		if head.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %q", target, head.Get("Cache-Control"))
		}
	})
	if c := get(t, styleURL).Header().Get("Cache-Control"); !strings.Contains(c, "immutable") {
		t.Errorf("style: %q", c)
	}
}

// Scripts, other sites' content, guessed media types and addresses that leak: each
// answer's policy has none of them.
func TestAttackInjectedContent(t *testing.T) {
	everyAnswer(t, func(target string, head http.Header) {
		csp := head.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "script-src") ||
			head.Get("X-Content-Type-Options") != "nosniff" || head.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %v", target, head)
		}
	})
}

// Samples are XML files and nothing else that lies there.
func TestAttackPathTraversal(t *testing.T) {
	b := newHouse(t, nil).browser("")
	want(t, b.get("/workbench/samples/documents/plan.xml"), http.StatusOK, "<plan/>")
	for _, name := range []string{"keys/secret.key", "../secret.xml", "%2e%2e/secret.xml", "documents/..%2f..%2fsecret.xml", "documents", ""} {
		if w := b.get("/workbench/samples/" + name); w.Code == http.StatusOK && strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: HTTP %d", name, w.Code)
		}
	}
	want(t, b.get("/workbench/samples"), http.StatusOK, "documents/plan.xml")
	if strings.Contains(b.get("/workbench/samples").Body.String(), "secret.key") {
		t.Error("keys are listed")
	}
}

// SEC-1: a page that panics is a failure of ours, told without what it held.
func TestSEC1_PanicOfAPageTellsNothing(t *testing.T) {
	const secret = "010181-900C"
	var log bytes.Buffer
	h := newHouse(t, func(o *Options) { o.Log = zerolog.New(&log) })
	h.site.handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(secret) })
	w := h.browser("").get("/workbench")
	want(t, w, http.StatusServiceUnavailable, "Nothing was changed")
	if strings.Contains(w.Body.String()+log.String(), secret) || !strings.Contains(log.String(), "panic (string)") {
		t.Errorf("%s\n%s", w.Body, log.String())
	}
}

// Pasted documents are judged a few at a time, and who goes away gives up the wait.
func TestAttackManyPastes(t *testing.T) {
	h := newHouse(t, nil)
	for range cap(h.site.places) {
		h.site.places <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int)
	go func() {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, "/workbench/validate", strings.NewReader("")).WithContext(ctx)
		h.site.ServeHTTP(w, r)
		done <- w.Body.Len()
	}()
	cancel()
	if n := <-done; n != 0 {
		t.Errorf("answered with %d bytes", n)
	}
}
