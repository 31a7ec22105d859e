package web

import (
	"encoding/csv"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"portti/gateway/logs"
	"portti/store"
)

// LOG-6: unusual use is found on the page, goes to a file, and each look and export is
// logged; another controller's rows are in neither.
func TestLOG6_UnusualUseOnThePage(t *testing.T) {
	h := newHouse(t, nil)
	b := h.browser(cardA)
	token := b.login()
	own, foreign := h.w.Organisations[0].OID, h.w.Organisations[1].OID
	row := func(controller, user, client string) store.Usage {
		return store.Usage{DataController: controller, LogController: controller, Client: client, User: user, UserName: "=Ulla Utelias", Action: "fetch", Purpose: "x"}
	}
	rows := []store.Usage{row(own, "010181-900C", "010181-900C"), row(foreign, "020282-9014", "020282-9014")}
	if err := h.store.Log(t.Context(), store.Entries{Usage: rows}); err != nil {
		t.Fatal(err)
	}
	h.pass(time.Second) // a look sees what was logged before it
	want(t, b.get("/archive/logs"), http.StatusOK, `href="/archive/logs/unusual"`)
	w := b.get(unusualPath)
	requirePage(t, "unusual, not asked", w)
	want(t, w, http.StatusOK, "Own data")
	want(t, b.post(unusualPath, "csrf", token, "export", "csv"), http.StatusConflict, "no report")
	want(t, b.post(unusualPath, "csrf", token, "from", "1.1.2020"), http.StatusBadRequest, "yyyy-mm-dd")
	want(t, b.post(unusualPath, "csrf", "x"), http.StatusForbidden)
	if n := h.actions()["archivist-unusual-export"]; n != 0 {
		t.Errorf("%d exports logged before there was any", n)
	}

	lookAround(t, b, token)
	w = b.get(unusualPath)
	requirePage(t, "unusual", w)
	want(t, w, http.StatusOK, "Own data", "Ulla Utelias", "010181-900C", `name="user" value="010181-900C"`)
	if strings.Contains(w.Body.String(), "020282-9014") {
		t.Error("another controller's use is shown")
	}
	for lang, title := range map[string]string{"fi": "Omat tiedot", "sv": "Egna uppgifter"} {
		want(t, b.get(unusualPath+"?lang="+lang), http.StatusOK, title)
	}
	w = b.post(unusualPath, "csrf", token, "export", "csv")
	want(t, w, http.StatusOK, "controller,rule,title,user")
	got, err := csv.NewReader(strings.NewReader(w.Body.String())).ReadAll()
	if err != nil || !slices.ContainsFunc(got, func(r []string) bool {
		return r[0] == own && r[1] == "own-data" && r[3] == "010181-900C" && r[4] == "'=Ulla Utelias" && r[6] == "1"
	}) || strings.Contains(w.Body.String(), foreign) {
		t.Errorf("%v %v", err, got)
	}
	deeds, err := h.store.SearchUsage(t.Context(), store.Scope{Controllers: []string{own}, Purpose: "t"}, store.LogFilter{User: cardA}, 50, "")
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, e := range deeds.Entries {
		count[e.Action]++
	}
	if count[logs.ActionReport] != 1 || count["archivist-unusual-export"] != 1 {
		t.Errorf("LOG-5: %v", count)
	}
	// The report is the archivist's who asked for it, in the controller's name it was asked in.
	other := h.browser(cardC)
	otherToken := other.login()
	other.post("/archive/organisation", "csrf", otherToken, "controller", own)
	if w := other.get(unusualPath); strings.Contains(w.Body.String(), "Ulla Utelias") {
		t.Error("an archivist sees another's report")
	}
}

// LOG-6: the page looks by the operator's own rules where there are some: a rule changed,
// one added, and one switched off; they stand on the page before the look, too.
func TestLOG6_OwnRulesOnThePage(t *testing.T) {
	rules, err := logs.Rules([]byte(`rules:
  - {id: own-data, kind: own-data, threshold: 3, title: {fi: Omat, sv: Egna, en: Own data thrice}, source: LOG-6}
  - {id: few-clients, kind: clients, threshold: 2, per: day, title: {fi: Muutama, sv: Ett par, en: Two clients in a day}, source: LOG-6}
  - {id: same-family, kind: same-family, threshold: 1, off: true, title: {fi: x, sv: x, en: x}, source: LOG-6}
`))
	if err != nil {
		t.Fatal(err)
	}
	h := newHouse(t, func(o *Options) { o.UsageRules = rules })
	b := h.browser(cardA)
	token := b.login()
	w := b.get(unusualPath)
	want(t, w, http.StatusOK, "Own data thrice", "at least 3 in the period", "Two clients in a day", "at least 2 in a day")
	if strings.Contains(w.Body.String(), "Same family name") {
		t.Error("a rule that is switched off stands on the page")
	}
	own := h.w.Organisations[0].OID
	var rows []store.Usage
	for _, client := range []string{"010181-900C", "010181-900C", "020282-9014"} {
		rows = append(rows, store.Usage{DataController: own, LogController: own, Client: client, User: "010181-900C", UserName: "Ulla", Action: "fetch", Purpose: "x"})
	}
	if err := h.store.Log(t.Context(), store.Entries{Usage: rows}); err != nil {
		t.Fatal(err)
	}
	h.pass(time.Second)
	lookAround(t, b, token)
	seen := b.get(unusualPath).Body.String()
	if !strings.Contains(seen, `<th scope="row">Two clients in a day`) || strings.Contains(seen, `<th scope="row">Own data thrice`) {
		t.Errorf("%.4000s", seen)
	}
}

// lookAround starts a look for unusual use and waits for its end.
func lookAround(t *testing.T, b *browser, token string) {
	t.Helper()
	if w := b.post(unusualPath, "csrf", token); w.Code != http.StatusSeeOther || w.Header().Get("Location") != unusualPath {
		t.Fatalf("HTTP %d %s", w.Code, w.Body)
	}
	b.h.site.looks.mu.Lock()
	defer b.h.site.looks.mu.Unlock()
	for _, n := range b.h.site.looks.by {
		<-n.done
	}
}

// A look that goes on is told of, a second is not begun beside it, and the site's end
// ends it.
func TestLOG6_OneLookAtATime(t *testing.T) {
	h := newHouse(t, nil)
	b := h.browser(cardA)
	token := b.login()
	x := &session{Who: Archivist{Card: cardA}, Organisation: h.w.Organisations[0].OID}
	slow := &look{done: make(chan struct{})}
	if !h.site.looks.begin(x, slow, h.now()) {
		t.Fatal("refused")
	}
	want(t, b.get(unusualPath), http.StatusOK, "being looked through", "Show again")
	want(t, b.post(unusualPath, "csrf", token), http.StatusConflict, "goes on still")
	want(t, b.post(unusualPath, "csrf", token, "export", "csv"), http.StatusConflict)
	slow.failed = true
	close(slow.done)
	want(t, b.get(unusualPath), http.StatusOK, "could not be looked through")
	h.site.Close()
	want(t, b.post(unusualPath, "csrf", token), http.StatusServiceUnavailable)
}
