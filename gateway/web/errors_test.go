package web

import (
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"portti/cda/rules/catalogue"
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
	sheet := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(body)
	if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "'sha256-"+hash(sheet[1])+"'") || strings.Contains(csp, "unsafe") {
		t.Errorf("%s: policy %q", name, csp)
	}
	if lang := tree.Attr(tree.Root(), "lang"); lang != w.Header().Get("Content-Language") {
		t.Errorf("%s: lang %q, Content-Language %q", name, lang, w.Header().Get("Content-Language"))
	}
	return tree
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
		if name := tree.AttrLocal(a); strings.HasPrefix(name, "on") || name == "style" || name == "src" {
			c.t.Errorf("%s: attribute %s", c.name, name)
		}
	}
	switch name := tree.Local(n); name {
	case "script", "iframe", "object", "img", "base":
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
	case "input", "select":
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
	page = regexp.MustCompile(`<(meta|input)([^>]*)>`).ReplaceAllString(page, "<$1$2/>")
	return strings.ReplaceAll(page, " selected>", ` selected="selected">`)
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
		w := get(t, "/errors?lang="+string(lang))
		requireSound(t, "list", w)
		links := map[string]bool{}
		for _, m := range linkToRule.FindAllStringSubmatch(w.Body.String(), -1) {
			links[m[1]] = true
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

func TestEveryWordIsThereInEveryLanguage(t *testing.T) {
	for _, l := range catalogue.Langs {
		v := reflect.ValueOf(*wordsIn[l])
		for i := range v.NumField() {
			if v.Field(i).String() == "" {
				t.Errorf("%s lacks %s", l, v.Type().Field(i).Name)
			}
		}
	}
}

// TestColoursContrast: WCAG 2.1 AA asks for 4.5:1 for text.
func TestColoursContrast(t *testing.T) {
	pairs := [][2]string{{"1a1a1a", "ffffff"}, {"0b4f9e", "ffffff"}, {"9b001c", "ffffff"}, {"7a4b00", "ffffff"}, {"1a1a1a", "f0f0f0"}, {"1a1a1a", "f4f4f4"}}
	for _, p := range pairs {
		if c := contrast(p[0], p[1]); c < 4.5 {
			t.Errorf("%s on %s: %.2f", p[0], p[1], c)
		}
	}
	known := []string{"1a1a1a", "fff", "0b4f9e", "9b001c", "7a4b00", "f0f0f0", "f4f4f4", "767676", "5f6b7a"}
	for _, m := range regexp.MustCompile(`#([0-9a-f]{3,6})\b`).FindAllStringSubmatch(style, -1) {
		if !slices.Contains(known, m[1]) {
			t.Errorf("colour %s is not checked", m[1])
		}
	}
}

// contrast is the ratio of WCAG's relative luminances.
func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}
