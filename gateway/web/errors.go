// Package web is the gateway's pages: the error catalogue.
//
// Pages are made on the server by html/template. They have no scripts, fetch
// nothing, and forbid both by their Content-Security-Policy. Their language is
// that of ?lang=, else the one that Accept-Language likes best.
package web

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"portti/cda/rules/catalogue"
	"portti/internal/finding"
	"portti/internal/negotiate"
)

//go:embed errors.html style.css
var files embed.FS

var (
	errorPages = template.Must(template.ParseFS(files, "errors.html"))
	style      = mustRead("style.css")
	policy     = "default-src 'none'; style-src 'sha256-" + hash(style) + "'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

func mustRead(name string) string {
	b, err := files.ReadFile(name)
	if err != nil {
		panic(err) // it is embedded
	}
	return string(b)
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Errors serves the error catalogue: /errors lists the rules (?q= and ?area= and
// ?severity= narrow the list), /errors/RULE tells one in full. Who accepts
// application/json alone is given the same as JSON. fallback is the language where
// the client likes none that there is.
func Errors(fallback catalogue.Lang) http.Handler {
	mux := http.NewServeMux()
	e := errorsHandler{fallback}
	mux.HandleFunc("GET /errors", e.list)
	mux.HandleFunc("GET /errors/{rule}", e.one)
	return mux
}

type errorsHandler struct{ fallback catalogue.Lang }

// page is what every page has.
type page struct {
	Lang  catalogue.Lang
	Words *words
	Style template.CSS
	Title string
	// Langs lead to the same page in each language.
	Langs []langLink
	// Home is the list in this language.
	Home string
}

type langLink struct {
	Lang    catalogue.Lang
	Name    string
	URL     string
	Current bool
}

var langNames = map[catalogue.Lang]string{catalogue.Finnish: "Suomi", catalogue.Swedish: "Svenska", catalogue.English: "English"}

func (e errorsHandler) page(r *http.Request) page {
	lang := catalogue.Lang(r.URL.Query().Get("lang"))
	if !slices.Contains(catalogue.Langs, lang) {
		lang = negotiate.Language(r.Header.Get("Accept-Language"), catalogue.Langs, e.fallback)
	}
	p := page{Lang: lang, Words: wordsIn[lang], Style: template.CSS(style), Home: "/errors?lang=" + string(lang)}
	for _, l := range catalogue.Langs {
		q := r.URL.Query()
		q.Set("lang", string(l))
		u := url.URL{Path: r.URL.Path, RawQuery: q.Encode()}
		p.Langs = append(p.Langs, langLink{l, langNames[l], u.String(), l == lang})
	}
	return p
}

// listPage is the list of rules.
type listPage struct {
	page
	Query, Area, Severity string
	Areas                 []areaView
	AllAreas              []areaView
	Severities            []severityView
	Count                 int
}

type areaView struct {
	ID, Name string
	Rules    []ruleView
}

type severityView struct{ ID, Name string }

type ruleView struct {
	ID, Title, Severity, Class, URL string
}

// list serves /errors.
func (e errorsHandler) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	p := listPage{page: e.page(r), Query: strings.TrimSpace(q.Get("q")), Area: q.Get("area"), Severity: q.Get("severity")}
	var entries []catalogue.Entry
	for _, a := range catalogue.Areas() {
		view := areaView{ID: a.ID, Name: a.Name.In(p.Lang)}
		p.AllAreas = append(p.AllAreas, view)
		for _, rule := range catalogue.Default().InArea(a.ID) {
			if p.matches(rule) {
				view.Rules = append(view.Rules, p.view(rule))
				entries = append(entries, rule.Entry())
			}
		}
		if p.Count += len(view.Rules); len(view.Rules) > 0 {
			p.Areas = append(p.Areas, view)
		}
	}
	if wantsJSON(r) {
		writeJSON(w, http.StatusOK, entries)
		return
	}
	p.Title = p.Words.Catalogue
	for _, s := range []finding.Severity{finding.Error, finding.Warning, finding.Info} {
		p.Severities = append(p.Severities, severityView{s.String(), p.Words.severity(s)})
	}
	p.write(w, http.StatusOK, "list", p)
}

// matches tells whether a rule is asked for.
func (p *listPage) matches(r *catalogue.Rule) bool {
	if p.Area != "" && p.Area != catalogue.AreaOf(r.ID) || p.Severity != "" && p.Severity != r.Severity.Strict.String() {
		return false
	}
	if p.Query == "" {
		return true
	}
	want := strings.ToLower(p.Query)
	return slices.ContainsFunc([]string{r.ID, r.Title.In(p.Lang), r.Text.In(p.Lang), r.Reference, r.Code, strings.Join(r.Requirements, " ")}, func(s string) bool {
		return strings.Contains(strings.ToLower(s), want)
	})
}

func (p *page) view(r *catalogue.Rule) ruleView {
	return ruleView{
		ID: r.ID, Title: r.Title.In(p.Lang), Severity: p.Words.severity(r.Severity.Strict), Class: r.Severity.Strict.String(),
		URL: "/errors/" + url.PathEscape(r.ID) + "?lang=" + string(p.Lang),
	}
}

// rulePage is one rule, or what was meant by one that does not exist.
type rulePage struct {
	page
	Rule                                 *catalogue.Rule
	Text, Hint, Strict, Lenient          string
	Area, Certainty, Requirements, Asked string
	Near                                 []ruleView
}

// one serves /errors/RULE.
func (e errorsHandler) one(w http.ResponseWriter, r *http.Request) {
	p := rulePage{page: e.page(r), Asked: r.PathValue("rule")}
	rule := catalogue.Default().Rule(strings.ToUpper(p.Asked))
	if rule == nil {
		p.missing(w, r)
		return
	}
	if wantsJSON(r) {
		writeJSON(w, http.StatusOK, rule.Entry())
		return
	}
	p.Rule, p.Title = rule, rule.ID
	p.Text, p.Hint = rule.Text.In(p.Lang), rule.Hint.In(p.Lang)
	p.Strict, p.Lenient = p.Words.severity(rule.Severity.Strict), p.Words.severity(rule.Severity.Lenient)
	p.Requirements = strings.Join(rule.Requirements, ", ")
	p.Certainty = catalogue.Certainties[rule.Certainty].In(p.Lang)
	for _, a := range catalogue.Areas() {
		if a.ID == catalogue.AreaOf(rule.ID) {
			p.Area = a.Name.In(p.Lang)
		}
	}
	p.write(w, http.StatusOK, "rule", p)
}

// missing tells of a rule that does not exist.
func (p *rulePage) missing(w http.ResponseWriter, r *http.Request) {
	const suggestions = 5
	near := catalogue.Default().Nearest(p.Asked, suggestions)
	if wantsJSON(r) {
		writeJSON(w, http.StatusNotFound, map[string]any{"code": "not-found", "near": near})
		return
	}
	for _, id := range near {
		p.Near = append(p.Near, p.view(catalogue.Default().Rule(id)))
	}
	p.Title = p.Words.NoRule
	p.write(w, http.StatusNotFound, "missing", p)
}

// write makes the page.
func (p *page) write(w http.ResponseWriter, status int, name string, data any) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(p.Lang))
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Vary", "Accept, Accept-Language")
	w.WriteHeader(status)
	// An error here is the client's going away: templates and data are our own, and
	// a test makes every page.
	_ = errorPages.ExecuteTemplate(w, name, data)
}

// wantsJSON tells of a client that names JSON and not HTML.
func wantsJSON(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return negotiate.Names(accept, "application/json") && !negotiate.Names(accept, "text/html")
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that has gone is no fault of ours
}
