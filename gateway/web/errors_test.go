package web

import (
	"encoding/json"
	"html"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"portti/cda/rules/catalogue"
	chromium "portti/internal/browser"
	"portti/internal/xmltree"
)

// get asks for a page.
func get(t *testing.T, target string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	Errors(catalogue.English).ServeHTTP(w, r)
	return w
}

// requireSound demands of a page what every page must have: closed elements, its
// language, one h1, headings without gaps, a label for each field, ids of their
// own, no script, and a policy that lets its style through and nothing else.
func requireSound(t *testing.T, name string, w *httptest.ResponseRecorder) *xmltree.Tree {
	t.Helper()
	requireLight(t, name, w)
	body := w.Body.String()
	if !strings.HasPrefix(body, "<!DOCTYPE html>\n") {
		t.Fatalf("%s: no HTML: %.100q", name, body)
	}
	tree, err := xmltree.Parse([]byte(asXML(body)), xmltree.Limits{})
	if err != nil {
		t.Fatalf("%s: elements are not closed: %v", name, err)
	}
	c := checker{t: t, name: name, tree: tree, ids: map[string]bool{}, labels: map[string]bool{}}
	for n := tree.Root(); n < tree.End(tree.Root()); n++ {
		if tree.Kind(n) == xmltree.Element {
			c.element(n)
		}
	}
	c.done()
	csp := w.Header().Get("Content-Security-Policy")
	if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "script-src") {
		t.Errorf("%s: policy %q", name, csp)
	}
	if !strings.Contains(body, `<link rel="stylesheet" href="`+styleURL+`">`) {
		t.Errorf("%s: no style", name)
	}
	if w.Header().Get("X-Frame-Options") != "DENY" || !strings.Contains(csp, "frame-ancestors 'none'") {
		t.Errorf("%s: may be framed", name)
	}
	if m := regexp.MustCompile(`⟦[^⟧]*⟧`).FindString(body); m != "" {
		t.Errorf("%s: a word is missing: %s", name, m)
	}
	if lang := tree.Attr(tree.Root(), "lang"); lang != w.Header().Get("Content-Language") {
		t.Errorf("%s: lang %q, Content-Language %q", name, lang, w.Header().Get("Content-Language"))
	}
	return tree
}

// requireLight demands of a page that it is no heavier than pages may be without the
// document, which has a frame of its own.
func requireLight(t *testing.T, name string, w *httptest.ResponseRecorder) {
	t.Helper()
	page := strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") && w.Header().Get("X-Frame-Options") == "DENY"
	if page && w.Body.Len() > chromium.HeaviestPage {
		t.Errorf("%s: %d bytes", name, w.Body.Len())
	}
}

type checker struct {
	t           *testing.T
	name        string
	tree        *xmltree.Tree
	ids, labels map[string]bool
	fields      []string
	heading     int
	first       int
}

func (c *checker) element(n xmltree.Node) {
	tree := c.tree
	if id := tree.Attr(n, "id"); id != "" {
		if c.ids[id] {
			c.t.Errorf("%s: id %s stands twice", c.name, id)
		}
		c.ids[id] = true
	}
	first, end := tree.Attrs(n)
	for a := first; a < end; a++ {
		if name := tree.AttrLocal(a); strings.HasPrefix(name, "on") || name == "style" || name == "src" && tree.Local(n) != "iframe" {
			c.t.Errorf("%s: attribute %s", c.name, name)
		}
	}
	switch name := tree.Local(n); name {
	case "script", "object", "img", "base", "style":
		c.t.Errorf("%s: element %s", c.name, name)
	case "h1", "h2", "h3":
		level := int(name[1] - '0')
		if level > c.heading+1 {
			c.t.Errorf("%s: %s after level %d", c.name, name, c.heading)
		}
		if c.heading = level; level == 1 {
			c.first++
		}
	case "label":
		c.labels[tree.Attr(n, "for")] = true
	case "input", "select", "textarea":
		if tree.Attr(n, "type") != "hidden" {
			c.fields = append(c.fields, tree.Attr(n, "id"))
		}
	case "a":
		if strings.TrimSpace(tree.Text(n)) == "" || tree.Attr(n, "href") == "" {
			c.t.Errorf("%s: a link without text or target", c.name)
		}
	}
}

func (c *checker) done() {
	if c.first != 1 {
		c.t.Errorf("%s: %d h1", c.name, c.first)
	}
	for _, f := range c.fields {
		if !c.labels[f] {
			c.t.Errorf("%s: field %q has no label", c.name, f)
		}
	}
}

// asXML makes a page's HTML readable by an XML parser.
func asXML(page string) string {
	page = strings.TrimPrefix(page, "<!DOCTYPE html>\n")
	page = regexp.MustCompile(`<(meta|input|link|br|wbr|hr|img)([^>]*)>`).ReplaceAllString(page, "<$1$2/>")
	for _, a := range []string{"selected", "checked"} {
		page = strings.ReplaceAll(page, " "+a+">", " "+a+`="">`)
		page = strings.ReplaceAll(page, " "+a+"/>", " "+a+`=""/>`)
	}
	return regexp.MustCompile(` required(>| )`).ReplaceAllString(page, ` required=""$1`)
}

// TestEveryRuleHasItsPage: each in one of the languages in turn; the pages differ in
// their texts alone.
func TestEveryRuleHasItsPage(t *testing.T) {
	for i, id := range catalogue.Default().IDs() {
		lang := catalogue.Langs[i%len(catalogue.Langs)]
		w := get(t, "/errors/"+id+"?lang="+string(lang))
		if w.Code != http.StatusOK {
			t.Fatalf("%s in %s: HTTP %d", id, lang, w.Code)
		}
		text := strings.Join(strings.Fields(html.UnescapeString(w.Body.String())), " ")
		r := catalogue.Default().Rule(id)
		for _, want := range []string{r.Title.In(lang), r.Text.In(lang), r.Hint.In(lang), r.Wrong, r.Right, r.Reference} {
			if !strings.Contains(text, strings.Join(strings.Fields(want), " ")) {
				t.Errorf("%s in %s lacks %q", id, lang, want)
			}
		}
		if i%10 == 0 { // parsing takes most of the time
			requireSound(t, id, w)
		}
	}
}

var linkToRule = regexp.MustCompile(`href="(/errors/[^"]*)"`)

func TestTheListLeadsToEveryRule(t *testing.T) {
	for _, lang := range catalogue.Langs {
		links := map[string]bool{}
		for page := "/errors?lang=" + string(lang); page != ""; {
			w := get(t, page)
			requireSound(t, "list", w)
			before := len(links)
			for _, m := range linkToRule.FindAllStringSubmatch(w.Body.String(), -1) {
				links[m[1]] = true
			}
			if len(links) == before {
				t.Fatalf("%s leads to nothing new", page)
			}
			page = ""
			if m := regexp.MustCompile(`<p><a href="(/errors\?from=[^"]*)"`).FindStringSubmatch(w.Body.String()); m != nil {
				page = html.UnescapeString(m[1])
			}
		}
		for _, id := range catalogue.Default().IDs() {
			if !links["/errors/"+id+"?lang="+string(lang)] {
				t.Errorf("%s: no link to %s", lang, id)
			}
		}
	}
}

func TestTheListIsNarrowed(t *testing.T) {
	count := func(query string) int {
		w := get(t, "/errors?"+query)
		requireSound(t, query, w)
		return len(linkToRule.FindAllString(w.Body.String(), -1))
	}
	if got, want := count("area=SIG"), len(catalogue.Default().InArea("SIG")); got != want {
		t.Errorf("area: %d, want %d", got, want)
	}
	if got := count("area=SIG&severity=warning"); got == 0 || got >= len(catalogue.Default().InArea("SIG")) {
		t.Errorf("area and severity: %d", got)
	}
	if got := count("q=" + url.QueryEscape("sig-digest-mismatch")); got != 1 {
		t.Errorf("query: %d", got)
	}
	if got := count("q=TEST-5"); got < len(catalogue.Default().InArea("REST")) {
		t.Errorf("by requirement: %d", got)
	}
	if got := count("q=qqqqq"); got != 0 {
		t.Errorf("nothing: %d", got)
	}
	if got := count("area=NONE"); got != 0 {
		t.Errorf("no area: %d", got)
	}
}

func TestLanguageIsAskedForOrPreferred(t *testing.T) {
	for _, c := range []struct{ target, accept, want string }{
		{"/errors", "", "en"},
		{"/errors", "sv-FI, fi;q=0.9", "sv"},
		{"/errors?lang=fi", "sv", "fi"},
		{"/errors?lang=de", "sv", "sv"},
		{"/errors/SIG-DIGEST-MISMATCH", "fi", "fi"},
		{"/errors/NONE", "fi", "fi"},
	} {
		if got := get(t, c.target, "Accept-Language", c.accept).Header().Get("Content-Language"); got != c.want {
			t.Errorf("%s with %q: %s, want %s", c.target, c.accept, got, c.want)
		}
	}
}

func TestUnknownRulesAre404WithSuggestions(t *testing.T) {
	w := get(t, "/errors/SIG-DIGEST-MISSMATCH")
	requireSound(t, "missing", w)
	if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), `href="/errors/SIG-DIGEST-MISMATCH?lang=en"`) {
		t.Errorf("HTTP %d %s", w.Code, w.Body)
	}
	if w := get(t, "/errors/sig-digest-mismatch"); w.Code != http.StatusOK {
		t.Errorf("in small letters: HTTP %d", w.Code)
	}
}

func TestScriptsInTheAddressStayText(t *testing.T) {
	const attack = `"><script>alert(1)</script>`
	for _, target := range []string{
		"/errors?q=" + url.QueryEscape(attack), "/errors?area=" + url.QueryEscape(attack), "/errors?lang=" + url.QueryEscape(attack),
		"/errors?severity=" + url.QueryEscape(attack), "/errors/" + url.PathEscape(attack), "/errors?" + url.QueryEscape(attack) + "=1",
	} {
		w := get(t, target)
		requireSound(t, target, w)
		if strings.Contains(w.Body.String(), "<script") {
			t.Errorf("%s comes back as markup", target)
		}
	}
}

func TestJSONForWhoAcceptsIt(t *testing.T) {
	var all []catalogue.Entry
	if err := json.Unmarshal(get(t, "/errors", "Accept", "application/json").Body.Bytes(), &all); err != nil || len(all) != len(catalogue.Default().IDs()) {
		t.Errorf("%d rules, %v", len(all), err)
	}
	var one catalogue.Entry
	err := json.Unmarshal(get(t, "/errors/SIG-DIGEST-MISMATCH", "Accept", "application/json").Body.Bytes(), &one)
	if err != nil || !reflect.DeepEqual(one, catalogue.Default().Rule("SIG-DIGEST-MISMATCH").Entry()) {
		t.Errorf("%+v %v", one, err)
	}
	w := get(t, "/errors/SIG-DIGEST", "Accept", "application/json")
	if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "not-found") {
		t.Errorf("HTTP %d %s", w.Code, w.Body)
	}
	if w := get(t, "/errors", "Accept", "text/html, application/json;q=0.9"); !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		t.Errorf("a browser is given %s", w.Header().Get("Content-Type"))
	}
}

func TestOnlyReadingIsAllowed(t *testing.T) {
	w := httptest.NewRecorder()
	Errors(catalogue.English).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/errors", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("HTTP %d", w.Code)
	}
}

// TestEveryWordIsThereInEveryLanguage, and every word that a template or the code asks
// for by a literal is there.
func TestEveryWordIsThereInEveryLanguage(t *testing.T) {
	for key, w := range words {
		for _, l := range catalogue.Langs {
			if w[l] == "" {
				t.Errorf("%s lacks %s", l, key)
			}
		}
		if a, b := strings.Count(w[catalogue.Finnish], "%"), strings.Count(w[catalogue.English], "%"); a != b {
			t.Errorf("%s takes %d values in Finnish and %d in English", key, a, b)
		}
	}
	asked := regexp.MustCompile(`\.T "([a-z0-9_]+)"|\bT\("([a-z0-9_]+[a-z0-9])"|tell\(w, r, [^,]+, "([a-z_]+)", "([a-z_]+)"|"((?:nav|m|f)_[a-z]+)"`)
	entries, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, name := range entries {
		b, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(b))
	}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range sources {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(name, "_test.go") {
			texts = append(texts, string(b))
		}
	}
	n := 0
	for _, m := range asked.FindAllStringSubmatch(strings.Join(texts, "\n"), -1) {
		for _, key := range m[1:] {
			if n++; key != "" && words[key] == nil {
				t.Errorf("there is no word %q", key)
			}
		}
	}
	if n < 200 {
		t.Errorf("only %d words are asked for: the pattern is out of date", n)
	}
}

// TestColoursContrast: WCAG 2.2 AA asks for 4.5:1 for text and 3:1 for edges, in the
// light and in the dark.
func TestColoursContrast(t *testing.T) {
	sheets := regexp.MustCompile(`:root \{([^}]*)\}`).FindAllStringSubmatch(string(styleSheet), -1)
	if len(sheets) != 2 {
		t.Fatalf("%d sets of colours", len(sheets))
	}
	for i, sheet := range sheets {
		c := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6})`).FindAllStringSubmatch(sheet[1], -1) {
			c[m[1]] = m[2]
		}
		for _, text := range []string{"text", "link", "error", "warning", "good", "key", "quiet"} {
			for _, ground := range []string{"ground", "soft"} {
				if r := contrast(c[text], c[ground]); r < 4.5 {
					t.Errorf("set %d: %s on %s: %.2f", i, text, ground, r)
				}
			}
		}
		if r := contrast(c["button-text"], c["button"]); r < 4.5 {
			t.Errorf("set %d: buttons: %.2f", i, r)
		}
		if r := contrast(c["line"], c["ground"]); r < 3 {
			t.Errorf("set %d: lines: %.2f", i, r)
		}
	}
}

// contrast is the ratio of WCAG's relative luminances.
func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}
