package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"portti/cda/rules/catalogue"
	"portti/fixtures"
)

// UI-1, UI-2: an archivist logs in by the card, searches, views each kind of document,
// and every deed stands in the usage log (LOG-5).
func TestUI1_ArchivistSearchesAndViews(t *testing.T) {
	h := newHouse(t, nil)
	own := h.w.Organisations[0].OID
	b := h.browser(cardA)
	want(t, b.get("/archive"), http.StatusOK, "Log in by certificate")
	token := b.login()
	want(t, b.get("/archive"), http.StatusOK, "Arja Arkisto", own)

	d := h.of(own, func(d *fixtures.Document) bool { return d.Spec.Kind == fixtures.Plan })
	w := b.post("/archive/search", "csrf", token, "client", d.Spec.Clients[0].Hetu, "earlier", "1", "nullified", "1")
	want(t, w, http.StatusOK, d.OID, "Hits")
	requirePage(t, "search", w)
	w = b.post("/archive/search", "csrf", token, "id", d.OID)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/archive/documents/"+d.OID {
		t.Fatalf("search by id: HTTP %d to %q", w.Code, w.Header().Get("Location"))
	}
	for _, lang := range catalogue.Langs {
		requirePage(t, "document", b.get("/archive/documents/"+d.OID+"?lang="+string(lang)))
	}
	want(t, b.get("/archive/documents/"+d.OID+"?lang=en"), http.StatusOK, "Service task", "Version 1", "valid", "Structured content", d.Structure)
	w = b.get("/archive/documents/" + d.OID + "/content")
	if csp := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(csp, "sandbox;") || !strings.Contains(csp, "default-src 'none'") {
		t.Errorf("content policy %q", csp)
	}
	want(t, w, http.StatusOK, "soc-")
	want(t, b.get("/archive/documents/"+d.OID+"/source"), http.StatusOK, `class="tag"`, "ClinicalDocument")
	want(t, b.get("/archive/documents/"+d.OID+"/source?frame"), http.StatusOK, "RCMR_IN200002FI01")
	if got := b.get("/archive/documents/" + d.OID + "/original").Body.Bytes(); string(got) != string(d.Bytes) {
		t.Error("the original is not byte for byte what was sent")
	}
	pdf := h.of(own, func(d *fixtures.Document) bool { return len(d.PDF) > 0 })
	w = b.get("/archive/documents/" + pdf.OID + "/content")
	if w.Header().Get("Content-Type") != "application/pdf" || w.Body.String() != string(pdf.PDF) {
		t.Errorf("PDF: %s", w.Header().Get("Content-Type"))
	}
	got := h.actions()
	for action, n := range map[string]int{"archivist-login": 1, "archivist-search": 2, "archivist-view": 4, "archivist-content": 2,
		"archivist-source": 2, "archivist-download": 1} {
		if got[action] != n {
			t.Errorf("LOG-5: %d rows of %s, want %d", got[action], action, n)
		}
	}
}

// Each condition narrows, and what comes fits it.
func TestUI1_SearchByEachField(t *testing.T) {
	h := newHouse(t, nil)
	b := h.browser(cardA)
	token := b.login()
	d := h.of(h.w.Organisations[0].OID, func(d *fixtures.Document) bool { return d.Spec.Kind == fixtures.Plan })
	count := func(kv ...string) int {
		w := b.post("/archive/search", append([]string{"csrf", token}, kv...)...)
		want(t, w, http.StatusOK)
		return strings.Count(w.Body.String(), `href="/archive/documents/`)
	}
	all := count()
	for _, c := range [][]string{{"type", d.Specific.Code}, {"type", d.General.Code}, {"group", d.Group.Code},
		{"until", "1990-01-01"}, {"from", "2090-01-01"}, {"unit", "1.2.3"}, {"software", "none"}, {"case", "1.2.3"}, {"task", "99"}} {
		n := count(c...)
		if n >= all || n == 0 && (c[0] == "type" || c[0] == "group") {
			t.Errorf("%v: %d of %d", c, n, all)
		}
	}
	want(t, b.post("/archive/search", "csrf", token, "from", "1.1.2020"), http.StatusBadRequest, "yyyy-mm-dd")
}

// UI-1: nullification takes a reason and a second step, is logged, and hides the document.
func TestUI1_NullifyInTwoSteps(t *testing.T) {
	h := newHouse(t, nil)
	b := h.browser(cardA)
	token := b.login()
	d := h.of(h.w.Organisations[0].OID, func(d *fixtures.Document) bool { return d.Spec.Kind == fixtures.OldPDF })
	u := "/archive/documents/" + d.OID
	requirePage(t, "nullify", b.get(u+"/nullify"))
	want(t, b.post(u+"/nullify", "csrf", token, "reason", " "), http.StatusUnprocessableEntity, "Write the reason")
	want(t, b.post(u+"/nullify", "csrf", token, "reason", strings.Repeat("x", maxReason+1)), http.StatusUnprocessableEntity)
	first := b.post(u+"/nullify", "csrf", token, "reason", "väärä asiakas")
	want(t, first, http.StatusOK, "väärä asiakas", `name="confirmed"`)
	want(t, b.get(u), http.StatusOK, "in force")
	if n := h.actions()["archivist-nullify"]; n != 0 {
		t.Errorf("%d deeds after the first step", n)
	}
	if w := b.post(u+"/nullify", "csrf", token, "reason", "väärä asiakas", "confirmed", "yes"); w.Code != http.StatusSeeOther {
		t.Fatalf("HTTP %d %s", w.Code, w.Body)
	}
	want(t, b.get(u), http.StatusOK, "nullified")
	if n := h.actions()["archivist-nullify"]; n != 1 {
		t.Errorf("%d rows of the deed", n)
	}
	search := func(kv ...string) bool {
		w := b.post("/archive/search", append([]string{"csrf", token, "client", d.Spec.Clients[0].Hetu, "type", d.General.Code}, kv...)...)
		return strings.Contains(w.Body.String(), d.OID)
	}
	if search() || !search("nullified", "1") {
		t.Error("a nullified document is shown by itself, or not when it is asked for")
	}
	want(t, b.get(u+"/nullify"), http.StatusOK, "Only the newest version")
}

// UI-2: several controllers an archivist; the choice is asked for and can be changed.
func TestUI2_ArchivistOfTwoControllersChooses(t *testing.T) {
	h := newHouse(t, nil)
	b := h.browser(cardC)
	token := b.login()
	orgA, orgB := h.w.Organisations[0].OID, h.w.Organisations[1].OID
	w := b.get("/archive")
	want(t, w, http.StatusOK, orgA, orgB, "Choose the controller")
	requirePage(t, "organisations", w)
	if w := b.post("/archive/search", "csrf", token); w.Code != http.StatusSeeOther {
		t.Errorf("searched before the choice: HTTP %d", w.Code)
	}
	want(t, b.post("/archive/organisation", "csrf", token, "controller", "1.2.3"), http.StatusForbidden)
	if w := b.post("/archive/organisation", "csrf", token, "controller", orgB); w.Code != http.StatusSeeOther {
		t.Fatalf("HTTP %d", w.Code)
	}
	want(t, b.get("/archive/documents/"+h.of(orgB, nil).OID), http.StatusOK)
	want(t, b.get("/archive/documents/"+h.of(orgA, nil).OID), http.StatusNotFound)
	want(t, b.post("/archive/search", "csrf", token), http.StatusForbidden, "out of date") // the token of before the choice
}

// A session ends after so long without use, and after so long in all.
func TestSessionsEnd(t *testing.T) {
	h := newHouse(t, nil)
	b := h.browser(cardA)
	b.login()
	h.pass(14 * time.Minute)
	want(t, b.get("/archive"), http.StatusOK, "Arja Arkisto")
	h.pass(16 * time.Minute)
	want(t, b.get("/archive"), http.StatusOK, "Log in by certificate")
	b.login()
	for range 41 {
		h.pass(12 * time.Minute)
		b.get("/archive")
	}
	want(t, b.get("/archive"), http.StatusOK, "Log in by certificate")
	token := b.login()
	b.post("/archive/logout", "csrf", token)
	want(t, b.get("/archive"), http.StatusOK, "Log in by certificate")
}

// LOG-4, LOG-5: logs are searched and exported within the own controller, the look
// itself is logged, and a document's page tells who used it.
func TestLOG4_LogsAreSearchedAndExported(t *testing.T) {
	h := newHouse(t, nil)
	b := h.browser(cardA)
	token := b.login()
	d := h.of(h.w.Organisations[0].OID, nil)
	foreign := h.of(h.w.Organisations[1].OID, nil)
	requirePage(t, "logs", b.get("/archive/logs"))
	w := b.post("/archive/logs", "csrf", token, "log", "usage", "document", d.OID)
	requirePage(t, "logs found", w)
	want(t, w, http.StatusOK, d.OID, "archive")
	if w := b.post("/archive/logs", "csrf", token, "document", foreign.OID); strings.Contains(w.Body.String(), "<td>archive</td>") { // the own look is shown, the deed is not
		t.Error("another controller's log is shown")
	}
	want(t, b.post("/archive/logs", "csrf", token, "log", "disclosures"), http.StatusOK, "No rows")
	want(t, b.post("/archive/logs", "csrf", token, "from", "x"), http.StatusBadRequest)
	w = b.post("/archive/logs", "csrf", token, "export", "csv", "document", d.OID)
	want(t, w, http.StatusOK, "time,dataController,client", d.OID)
	if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/csv") || !strings.Contains(w.Header().Get("Content-Disposition"), "usage.csv") {
		t.Errorf("%v", w.Header())
	}
	got := h.actions()
	if got["archivist-log"] != 3 || got["archivist-log-export"] != 1 {
		t.Errorf("LOG-5: %v", got)
	}
	b.get("/archive/documents/" + d.OID)
	want(t, b.get("/archive/documents/"+d.OID), http.StatusOK, "Who has used it", "archivist-view", "Arja Arkisto")
	if c := plainCells("=cmd()", "-1", "a", ""); c[0] != "'=cmd()" || c[1] != "'-1" || c[2] != "a" {
		t.Errorf("formulas: %v", c)
	}
}

// DOC-10: a temporary id is one only with its root; the pages say how it is typed.
func TestDOC10_TheClientOfATemporaryIdIsFoundByRootAndId(t *testing.T) {
	h := newHouse(t, nil)
	b := h.browser(cardA)
	token := b.login()
	d := h.of(h.w.Organisations[0].OID, func(d *fixtures.Document) bool { return d.Spec.Clients[0].Hetu == "" })
	client := d.Spec.Clients[0]
	for form, page := range map[string]string{"/archive": "/archive/search", "/archive/logs": "/archive/logs"} {
		want(t, b.get(form), http.StatusOK, "A temporary id: its issuer&#39;s root, a space and the id")
		for typed, found := range map[string]bool{client.TemporaryRoot + " " + client.TemporaryID: true, client.TemporaryID: false} {
			w := b.post(page, "csrf", token, "client", typed)
			if strings.Contains(strings.ReplaceAll(w.Body.String(), "<wbr>", ""), d.OID) != found {
				t.Errorf("%s, %q: found must be %v", page, typed, found)
			}
		}
	}
}
