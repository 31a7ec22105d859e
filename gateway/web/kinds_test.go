package web

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"portti/cda"
	"portti/cda/codes"
	"portti/cda/rules/catalogue"
	"portti/cda/sosmeta"
	"portti/fixtures"
)

// UI-1: codes of the metadata have texts in the reader's language; what is shown in
// another is marked as such.
func TestUI1_CodesHaveTextsInEachLanguage(t *testing.T) {
	s := &Site{}
	for _, c := range []struct {
		lang                     catalogue.Lang
		system, code, text, mark string
	}{
		{"fi", systemGroup, "5", "5 Toisen tai myöhemmän vaiheen asiakasasiakirja", ""},
		{"sv", systemGroup, "5", "5 Klienthandling av den andra eller en senare fas", ""},
		{"en", systemGroup, "5", "5 Client document of the second or a later phase", ""},
		{"sv", systemType + ".201701", "1000", "1000 Bedömning av servicebehovet för äldre", ""},
		{"en", systemType + ".201701", "1000", "1000 Iäkkäiden palvelutarpeen arvio", "fi"},
		{"en", systemTask, "24", "24 Services for families with children", ""},
		{"en", systemTask, "9999", "9999 as told", ""},
		{"en", "1.2.3", "7", "7 as told", ""},
	} {
		if got := s.coded(c.lang, c.system, c.code, "as told"); got != (coded{c.text, catalogue.Lang(c.mark)}) {
			t.Errorf("%s %s %s: %+v", c.lang, c.system, c.code, got)
		}
	}
	if got := s.codedAll("en", systemTask, []string{"10", "24"}); !slices.Equal(got, []coded{{Text: "10 Child welfare"}, {Text: "24 Services for families with children"}}) {
		t.Errorf("%+v", got)
	}
	// Our own texts are of codes that exist, and fill what the list lacks in full.
	for system, list := range ownCodeTexts {
		lists := codes.Default().Lists(system)
		if len(lists) == 0 {
			t.Fatalf("%s is no code system", system)
		}
		for code, texts := range list {
			if c := lists[0].Lookup(code); c == nil || c.SV != "" || texts["sv"] == "" || texts["en"] == "" {
				t.Errorf("%s %s", system, code)
			}
		}
	}
}

// UI-1: attachments are listed with the document and given one by one; a PDF is shown,
// anything else is a file.
func TestUI1_AttachmentsAreShown(t *testing.T) {
	h := newHouse(t, nil)
	own := h.w.Organisations[0].OID
	i := slices.IndexFunc(h.archived, func(d *fixtures.Document) bool { return len(d.Spec.Attachments) > 0 && d.Spec.Controller.OID == own })
	if i < 0 {
		t.Fatal("no sample has an attachment")
	}
	d := h.archived[i]
	a := d.Spec.Attachments[0]
	b := h.browser(cardA)
	b.login()
	u := "/archive/documents/" + d.OID
	want(t, b.get(u), http.StatusOK, "Attachments", a.ID, u+"/attachments/1")
	w := b.get(u + "/attachments/1")
	if w.Code != http.StatusOK || w.Body.String() != string(a.Bytes) || w.Header().Get("Content-Type") != "application/pdf" {
		t.Errorf("HTTP %d, %d bytes, %v", w.Code, w.Body.Len(), w.Header())
	}
	for _, n := range []string{"0", "2", "-1", "x"} {
		want(t, b.get(u+"/attachments/"+n), http.StatusNotFound)
	}
	if n := h.actions()["archivist-attachment"]; n != 5 {
		t.Errorf("LOG-5: %d rows", n)
	}
	want(t, h.browserOf(cardB).get(u+"/attachments/1"), http.StatusNotFound)
	plain := h.of(own, func(d *fixtures.Document) bool { return len(d.Spec.Attachments) == 0 })
	if strings.Contains(b.get("/archive/documents/"+plain.OID).Body.String(), "/attachments/") {
		t.Error("an attachment where there is none")
	}
}

// browserOf is a browser that is logged in.
func (h *house) browserOf(card string) *browser {
	b := h.browser(card)
	b.login()
	return b
}

// Stored script where documents carry text: an attachment of any media type, the
// client's name, a title, the JSON's values, the file names of downloads.
func TestAttackStoredScriptInDocuments(t *testing.T) {
	const attack = `"><script>alert(1)</script><img src=x onerror=alert(1)>`
	h := newHouse(t, nil)
	s := h.w.Spec(fixtures.OldXHTML)
	s.Serial = 880_001
	s.Attachments = []fixtures.Attachment{{ID: "1.2.246.10.99999901.10.880001", MediaType: "text/html", Bytes: []byte(attack)},
		{ID: "1.2.246.10.99999901.10.880002", MediaType: "application/pdf", Bytes: []byte(attack)}}
	d, err := h.w.Build(s)
	if err != nil {
		t.Fatal(err)
	}
	h.sendOne(d)
	b := h.browserOf(cardA)
	u := "/archive/documents/" + d.OID
	want(t, b.get(u), http.StatusOK, u+"/attachments/2")
	for n := 1; n <= 2; n++ {
		w := b.get(fmt.Sprint(u, "/attachments/", n))
		head := w.Header()
		if head.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(head.Get("Content-Disposition"), "attachment") ||
			!strings.HasPrefix(head.Get("Content-Security-Policy"), "sandbox") || head.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("attachment %d: %v", n, head)
		}
	}
	for _, name := range []string{attack, "a\r\nSet-Cookie: x=1", `x"; filename="evil.html`, "../../etc/passwd"} {
		if got := fileName(name); strings.ContainsAny(got, "\r\n\"<>;/ ") {
			t.Errorf("file name %q", got)
		}
	}
	// The very bytes of names, titles and JSON values, as a judgement would bring them.
	p := documentPage{page: page0, ID: attack, Structured: []jsonView{{Name: attack, Value: attack, Fields: []jsonView{{Name: attack, Value: attack}}}},
		Structure: coded{Text: attack}, Signatures: []signatureView{{Signer: attack, Chain: []string{attack}}}, File: attack,
		Attachments: []attachmentView{{Name: attack, Type: attack}}, Rows: []logRow{{UserName: attack, Action: attack}},
		Proof: &proofView{Word: attack, Facts: []shownFact{{attack, attack, attack}}}}
	m := &cda.Metadata{}
	m.Title.Value = attack
	m.Custodian.Name.Value = attack
	p.Facts = h.site.factsOf(&p.page, m)
	if len(p.Facts) < 2 {
		t.Fatalf("%d facts", len(p.Facts))
	}
	var out strings.Builder
	if err := templates.ExecuteTemplate(&out, "document", p); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "<script") || strings.Contains(out.String(), "<img") || strings.Count(out.String(), "&lt;script") < 10 {
		t.Errorf("text came out as markup: %s", out.String())
	}
}

// The display form is marked with the language it is written in, and truth values, days
// and times are written as people write them.
func TestUI1_ContentIsMarkedAndPlain(t *testing.T) {
	h := newHouse(t, nil)
	b := h.browserOf(cardA)
	plan := h.of(h.w.Organisations[0].OID, func(d *fixtures.Document) bool { return d.Spec.Kind == fixtures.Plan })
	u := "/archive/documents/" + plan.OID
	want(t, b.get(u+"/content?lang=en"), http.StatusOK, `<html lang="fi">`)
	page := b.get(u + "?lang=en").Body.String()
	for _, s := range []string{`: <span lang="fi">`, `<dd>yes</dd>`, `<dt class="group" lang="fi">`} {
		if !strings.Contains(page, s) {
			t.Errorf("the page lacks %s", s)
		}
	}
	if strings.Contains(page, "T11:25:00") || strings.Contains(page, "<dd>true</dd>") {
		t.Error("a value is shown as JSON writes it")
	}
	for _, c := range []struct {
		text, want string
		of         sosmeta.Type
	}{{"true", "kyllä", sosmeta.TypeTrue}, {"true", "true", sosmeta.TypeString}, {"2026-03-02", "2.3.2026", sosmeta.TypeString},
		{"2026-09-02T11:25:00+03:00", "2.9.2026 11.25.00", sosmeta.TypeString}, {"2026-03", "2026-03", sosmeta.TypeString}} {
		if got := plainValue(catalogue.Finnish, c.text, c.of); got != c.want {
			t.Errorf("%s: %q", c.text, got)
		}
	}
}

// UI-1: a facet narrows the hits, with the rest of the search as it was.
func TestUI1_FacetsNarrow(t *testing.T) {
	h := newHouse(t, nil)
	b := h.browser(cardA)
	token := b.login()
	all := b.post("/archive/search", "csrf", token, "earlier", "1")
	m := regexp.MustCompile(`name="type" value="([0-9]+)"[^>]*>[^<]*</button> ([0-9]+)<`).FindStringSubmatch(all.Body.String())
	if m == nil {
		t.Fatalf("no facet: %.3000s", all.Body)
	}
	// A browser sends the pressed button first, as it stands before the hidden fields.
	w := b.do("POST", "/archive/search", "application/x-www-form-urlencoded", strings.NewReader("type="+m[1]+"&csrf="+url.QueryEscape(token)+"&type=&earlier=1"))
	want(t, w, http.StatusOK, "Hits: "+m[2]+"<", `id="type" name="type" value="`+m[1]+`"`)
}
