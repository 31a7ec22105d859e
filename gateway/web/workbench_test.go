package web

import (
	"encoding/json"
	"html"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"portti/cda/rules/catalogue"
	"portti/cda/sosmeta"
	"portti/gateway/pipeline"
)

// TEST-5: what is pasted gets the findings of every other door, at their lines, under a
// link that stays; nothing is archived.
func TestTEST5_PasteShowsFindingsAtTheirLines(t *testing.T) {
	h := newHouse(t, nil)
	b := h.browser("")
	b.plain = true
	requirePage(t, "workbench", b.get("/workbench"))
	d := h.archived[0]
	broken := strings.Replace(string(d.Bytes), "<languageCode", "<languageCode nullFlavor=\"NA\"", 1)
	before, err := h.store.Counts(t.Context(), everything)
	if err != nil {
		t.Fatal(err)
	}
	kind, body := paste(t, map[string]string{"document": broken}, nil)
	w := b.do("POST", "/workbench/validate", kind, body)
	if w.Code != http.StatusSeeOther {
		t.Fatalf("HTTP %d %s", w.Code, w.Body)
	}
	link := w.Header().Get("Location")
	j := h.site.Judge.Document(pipeline.Input{Document: []byte(broken), Arrived: h.now()})
	if len(j.Findings) == 0 {
		t.Fatal("the document is not broken")
	}
	for _, lang := range catalogue.Langs {
		w := b.get(link + "?lang=" + string(lang))
		requirePage(t, "result", w)
		for _, f := range j.Findings {
			r := catalogue.Default().Resolve(f, catalogue.Strict, lang)
			if !strings.Contains(w.Body.String(), r.Rule) || !strings.Contains(w.Body.String(), `id="L`) {
				t.Errorf("%s in %s is not told of", r.Rule, lang)
			}
		}
	}
	// Another frame and a SOAP request that hold the document are judged as such.
	for name, text := range map[string]string{
		"frame":   string(h.w.Frame(d)),
		"request": `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>` + string(h.w.Frame(d)) + `</s:Body></s:Envelope>`,
	} {
		kind, body := paste(t, nil, map[string][]byte{"frame_file": []byte(text)})
		w := b.do("POST", "/workbench/validate", kind, body)
		if w.Code != http.StatusSeeOther {
			t.Fatalf("%s: HTTP %d %s", name, w.Code, w.Body)
		}
		w = b.get(w.Header().Get("Location") + "?lang=en")
		want(t, w, http.StatusOK, d.OID, "accepted")
	}
	after, err := h.store.Counts(t.Context(), everything)
	if err != nil || after.Documents != before.Documents {
		t.Errorf("validating archived: %v", err)
	}
	for _, c := range []map[string]string{{}, {"document": "  "}} {
		kind, body := paste(t, c, nil)
		want(t, b.do("POST", "/workbench/validate", kind, body), http.StatusUnprocessableEntity, "Paste a document")
	}
	want(t, b.do("POST", "/workbench/validate", "text/plain", strings.NewReader("x")), http.StatusUnprocessableEntity)
	want(t, b.get("/workbench/results/none"), http.StatusNotFound)
}

// The browser shows who sent what, when, with which outcome and what it cost.
func TestMessageBrowserShowsWhoSentWhat(t *testing.T) {
	h := newHouse(t, nil)
	b := h.browser("")
	w := b.get("/workbench/messages")
	requirePage(t, "messages", w)
	want(t, w, http.StatusOK, "RCMR_IN200002FI01", "CA")
	want(t, b.get("/workbench/messages?live=1"), http.StatusOK, `http-equiv="refresh" content="5"`, "Stop renewing")
	d := h.archived[0]
	w = b.get("/workbench/messages?document=" + d.OID)
	want(t, w, http.StatusOK, d.OID)
	if n := strings.Count(w.Body.String(), `href="/workbench/messages/`); n != 1 {
		t.Errorf("%d messages of one document", n)
	}
	w = b.get("/workbench/messages/1")
	requirePage(t, "message", w)
	want(t, w, http.StatusOK, html.EscapeString("curl -sS 'https://archive.test/workbench/messages/1/request' | curl -sS -H 'Content-Type: text/xml' --data-binary @- 'https://archive.test/soap'"), "MCCI_IN000002UV01", "signature")
	if got := b.get("/workbench/messages/1/request").Body.String(); !strings.Contains(got, string(h.w.Frame(h.w.Documents[0]))) {
		t.Error("the request is not what was sent")
	}
	want(t, b.get("/workbench/messages/0"), http.StatusNotFound)
	want(t, b.get("/workbench/messages/x"), http.StatusNotFound)
	want(t, b.get("/workbench/messages?next=x"), http.StatusBadRequest)
	day := h.now().Format(time.DateOnly)
	want(t, b.get("/workbench/messages?document="+d.OID+"&from="+day+"&until="+day), http.StatusOK, d.OID, `value="`+day+`"`)
	want(t, b.get("/workbench/messages?until=2020-01-01"), http.StatusOK, "No messages")
	want(t, b.get("/workbench/messages?from=2099-01-01"), http.StatusOK, "No messages")
	want(t, b.get("/workbench/messages?from=never&document="+d.OID), http.StatusOK, d.OID)
}

func TestEveryStructureHasItsPage(t *testing.T) {
	b := newHouse(t, nil).browser("")
	w := b.get("/workbench/structures")
	requirePage(t, "structures", w)
	list := sosmeta.Default().List()
	for i, st := range list {
		if !strings.Contains(w.Body.String(), st.OID) {
			t.Errorf("%s is not listed", st.OID)
		}
		if i%10 == 0 {
			w := b.get("/workbench/structures/" + st.OID + "?lang=sv")
			requirePage(t, st.OID, w)
			want(t, w, http.StatusOK, st.Root().Fields[0].Key)
		}
	}
	want(t, b.get("/workbench/structures/1.2.3"), http.StatusNotFound)
}

// In production there is no workbench, and without archivists no archivist's pages.
func TestSEC1_DoorsThatWereNotOpenedAreShut(t *testing.T) {
	h := newHouse(t, func(o *Options) { o.Workbench, o.Archivists = false, nil })
	b := h.browser(cardA)
	for _, target := range []string{"/workbench", "/workbench/messages", "/workbench/samples", "/archive", "/archive/documents/1.2.3"} {
		if w := b.get(target); w.Code != http.StatusNotFound {
			t.Errorf("%s: HTTP %d", target, w.Code)
		}
	}
	if _, err := New(Options{Workbench: true}); err == nil {
		t.Error("a workbench without an archive")
	}
}

func TestXMLIsMarkedAndStaysWhole(t *testing.T) {
	src := "<?xml version=\"1.0\"?>\n<a b='x>y'\n c=\"&lt;\"><!-- k\n < --><d/>text &amp; more</a>\nafter"
	lines, cut := highlighted("L", []byte(src), nil)
	if cut || len(lines) != 5 {
		t.Fatalf("%d lines, cut %t", len(lines), cut)
	}
	text := ""
	for _, l := range lines {
		text += string(l.Text) + "\n"
	}
	for _, want := range []string{`<span class="val">&#39;x&gt;y&#39;</span>`, `<span class="quiet"> &lt; --&gt;</span>`, `text &amp;amp; more`} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %s in %s", want, text)
		}
	}
	long := strings.Repeat("<x>\n", 5000)
	found := map[int][]findingView{4000: {{}}}
	lines, cut = highlighted("L", []byte(long), found)
	if !cut || len(lines) > maxLines {
		t.Errorf("%d lines", len(lines))
	}
	at := func(n int) bool {
		for _, l := range lines {
			if l.Number == n {
				return true
			}
		}
		return false
	}
	if !at(4000) || !at(4003) || at(3000) {
		t.Error("the lines with findings are not those that are kept")
	}
}

func TestTimingsComeInTheOrderOfTheStages(t *testing.T) {
	b, err := json.Marshal(map[string]int64{"commit": 3, "frame": 2, "wait": 1, "zzz": 9})
	if err != nil {
		t.Fatal(err)
	}
	got := timings(b)
	if len(got) != 4 || got[0].Stage != "wait" || got[1].Stage != "frame" || got[3].Stage != "zzz" {
		t.Errorf("%+v", got)
	}
	if timings([]byte("x")) != nil {
		t.Error("what is no JSON has timings")
	}
}

// TEST-5: in a document of one long line each finding's place is shown and marked.
func TestTEST5_LongLinesShowEachPlace(t *testing.T) {
	line := "<a>" + strings.Repeat("ä", 3000) + `<b c="wrong"/>` + strings.Repeat("x", 3000) + "<d/></a>"
	at := func(column int) findingView {
		return findingView{Resolved: catalogue.Resolved{Line: 1, Column: column}}
	}
	lines, _ := highlighted("L", []byte(line), map[int][]findingView{1: {at(3004), at(3007), at(6018), at(1), at(0), at(99999)}})
	text := string(lines[0].Text)
	for _, want := range []string{`<mark><span class="tag">&lt;a</span></mark>`, `<mark><span class="tag">&lt;b</span></mark>`,
		`<mark><span class="attr">c=</span></mark><span class="val">&#34;wrong&#34;</span>`, `<mark><span class="tag">&lt;d`, "…"} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %s: %s", want, text)
		}
	}
	if n := strings.Count(text, "…"); n != 2 || len(text) > 4000 || !utf8.ValidString(text) {
		t.Errorf("%d gaps, %d bytes", n, len(text))
	}
	if plain := string((&lexer{}).line(line, nil)); !strings.HasSuffix(plain, "…") || strings.Contains(plain, "wrong") {
		t.Errorf("%s", plain)
	}
}
