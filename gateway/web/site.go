// Package web is the gateway's pages: the error catalogue, the archivist's pages
// (arkistonhoitajan käyttöliittymä) and the vendor's workbench.
//
// Pages are made on the server by html/template. They have no scripts, fetch
// nothing from elsewhere, and forbid both by their Content-Security-Policy. Their
// language is that of ?lang=, else the one chosen before, else the one that
// Accept-Language likes best.
//
// # Who sees what
//
// The error catalogue is public. The workbench exists in the test world alone,
// where there are test persons only. The archivist's pages need a login (login.go)
// and read with a store.Scope of the chosen organisation's registers: the bound
// stands in the archive, not in the pages (UI-3). Every search and view is logged
// durably before the page leaves (UI-1, LOG-5).
package web

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"portti/cda/rules/catalogue"
	"portti/gateway/logs"
	"portti/gateway/pipeline"
	"portti/internal/negotiate"
	"portti/internal/style"
	"portti/store"

	"github.com/rs/zerolog"
)

//go:embed templates
var files embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{"id": breakable}).ParseFS(files, "templates/*.html"))

// policy lets a page's own style and frames through and nothing else.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Options configure a Site.
type Options struct {
	// Lang is the language of who likes none that there is.
	Lang catalogue.Lang
	// Store and Judge are required but for the error catalogue.
	Store *store.Store
	Judge *pipeline.Judge
	// Workbench opens the vendor's workbench; for the test world only.
	Workbench bool
	// Suite is the joint-test suite to run from the workbench; nil for none.
	Suite Suite
	// Guide is the suite's list of cases and its observing mode; nil for none.
	Guide Guide
	// Samples are sample documents to download; nil for none.
	Samples fs.FS
	// Archivists are those who may log in by certificate (UI-2); none closes that door.
	Archivists []Archivist
	// OIDC is a login by OpenID Connect with mandates; nil closes that door.
	OIDC *OIDC
	// UsageRules are those that find unusual use (LOG-6); nil for the shipped ones.
	UsageRules []logs.Rule
	// DemoLogin lets whoever sits at this machine choose an archivist without a card:
	// for the demo world on loopback only.
	DemoLogin bool
	// Idle and Longest bound a session; 0 means 15 minutes and 8 hours.
	Idle, Longest time.Duration
	Now           func() time.Time
	NewID         func() string
	Log           zerolog.Logger
}

// Site serves the pages. It is safe for concurrent use.
type Site struct {
	Options
	sessions *sessions
	runs     *suiteRuns
	looks    looks
	// places bounds how many pasted documents are judged at a time: archiving goes on.
	places  chan struct{}
	handler http.Handler
}

// ErrOptions tells of missing options.
var ErrOptions = errors.New("web: Store, Judge, Now and NewID are required for the workbench and the archivist's pages")

// New makes a Site.
func New(o Options) (*Site, error) {
	if (o.Workbench || len(o.Archivists) > 0 || o.OIDC != nil) && (o.Store == nil || o.Judge == nil || o.Now == nil || o.NewID == nil) {
		return nil, ErrOptions
	}
	if o.Lang == "" {
		o.Lang = catalogue.English
	}
	if o.UsageRules == nil {
		var err error
		if o.UsageRules, err = logs.Rules(nil); err != nil {
			return nil, err
		}
	}
	s := &Site{Options: o, sessions: newSessions(o), runs: newSuiteRuns(),
		places: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))}
	s.handler = s.routes()
	return s, nil
}

// Errors serves the error catalogue alone.
func Errors(fallback catalogue.Lang) http.Handler {
	s, err := New(Options{Lang: fallback})
	if err != nil {
		panic(err) // the catalogue needs nothing
	}
	return s
}

// ServeHTTP implements http.Handler. A panic is a failure of ours: it is logged by its
// type and place, since its value may hold content, and answered like any other.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		if p := recover(); p != nil {
			s.fail(w, r, &pipeline.PanicError{Value: p, Stack: debug.Stack()})
		}
	}()
	s.handler.ServeHTTP(w, r)
}

// Patterns are the paths that the gateway gives to the Site.
var Patterns = []string{"/{$}", "/assets/", "/errors", "/errors/", "/workbench", "/workbench/", "/archive", "/archive/"}

func (s *Site) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.front)
	mux.HandleFunc("GET "+styleURL, s.style)
	mux.HandleFunc("GET /errors", s.listErrors)
	mux.HandleFunc("GET /errors/{rule}", s.oneError)
	if s.Workbench {
		s.workbenchRoutes(mux)
		if s.Suite != nil {
			s.suiteRoutes(mux)
		}
		if s.Guide != nil {
			s.guideRoutes(mux)
		}
	}
	if s.archivistDoor() {
		s.archivistRoutes(mux)
		if s.OIDC != nil {
			s.oidcRoutes(mux)
		}
	}
	// Requests of other sites' pages that would change something are refused by what
	// browsers tell of themselves; forms of sessions carry a token besides.
	return http.NewCrossOriginProtection().Handler(mux)
}

// archivistDoor tells whether there is any way in for archivists.
func (s *Site) archivistDoor() bool {
	return s.Store != nil && (len(s.Archivists) > 0 || s.DemoLogin || s.OIDC != nil)
}

// page is what every page has.
type page struct {
	Lang  catalogue.Lang
	Title string
	// TitleLang is the title's language where it is not the page's.
	TitleLang catalogue.Lang
	// Langs lead to the same page in each language.
	Langs []langLink
	Nav   []navLink
	// Home is the list of errors in this language.
	Home    string
	Style   string
	Session *session
	Refresh int // seconds; 0 for none
	// Forward is where the page leads on to at once, "" for nowhere.
	Forward string
	site    *Site
}

// OrganisationName gives an organisation's name, where it is known, with its id.
func (p page) OrganisationName(oid string) string {
	if p.site == nil || p.site.Judge == nil {
		return oid
	}
	directory := p.site.Judge.Organisations.Directory()
	if directory == nil || oid == "" {
		return oid
	}
	_, o := directory.Find(oid, p.site.Now())
	if o == nil {
		return oid
	}
	if p.Lang == catalogue.Swedish && o.NameSV != "" {
		return join(o.NameSV, oid)
	}
	return join(o.Name, oid)
}

// T gives a word in the page's language.
func (p page) T(key string, args ...any) string { return word(p.Lang, key, args...) }

// Time gives a time in Helsinki, for people.
func (p page) Time(t time.Time) string { return shownTime(t) }

type navLink struct {
	URL, Name string
	Current   bool
}

type langLink struct {
	Lang    catalogue.Lang
	Name    string
	URL     string
	Current bool
}

var langNames = map[catalogue.Lang]string{catalogue.Finnish: "Suomi", catalogue.Swedish: "Svenska", catalogue.English: "English"}

// langCookie keeps the language that was chosen; it tells nothing of the person.
const langCookie = "portti-lang"

func (s *Site) lang(w http.ResponseWriter, r *http.Request) catalogue.Lang {
	if lang := catalogue.Lang(r.URL.Query().Get("lang")); slices.Contains(catalogue.Langs, lang) {
		http.SetCookie(w, &http.Cookie{Name: langCookie, Value: string(lang), Path: "/", MaxAge: 365 * 24 * 3600,
			SameSite: http.SameSiteLaxMode, HttpOnly: true, Secure: r.TLS != nil})
		return lang
	}
	if c, err := r.Cookie(langCookie); err == nil && slices.Contains(catalogue.Langs, catalogue.Lang(c.Value)) {
		return catalogue.Lang(c.Value)
	}
	return negotiate.Language(r.Header.Get("Accept-Language"), catalogue.Langs, s.Lang)
}

// page begins a page. title is a key of a word.
func (s *Site) page(w http.ResponseWriter, r *http.Request, title string) page {
	lang := s.lang(w, r)
	p := page{site: s, Lang: lang, Home: "/errors?lang=" + string(lang), Style: styleURL}
	if title != "" {
		p.Title = p.T(title)
	}
	for _, l := range catalogue.Langs {
		q := r.URL.Query()
		q.Set("lang", string(l))
		u := url.URL{Path: r.URL.Path, RawQuery: q.Encode()}
		if r.Method != http.MethodGet { // the answer to a form has no address of its own
			u.Path = "/" + firstSegment(r.URL.Path)
		}
		p.Langs = append(p.Langs, langLink{l, langNames[l], u.String(), l == lang})
	}
	p.Session = s.sessions.of(r)
	p.Nav = s.nav(&p, r)
	return p
}

func firstSegment(path string) string {
	for i, c := range path {
		if i > 0 && c == '/' {
			return path[1:i]
		}
	}
	return path[1:]
}

func (s *Site) nav(p *page, r *http.Request) []navLink {
	var out []navLink
	add := func(on bool, url, key string) {
		if on {
			out = append(out, navLink{url, p.T(key), r.URL.Path == url})
		}
	}
	add(s.Workbench, "/workbench", "nav_workbench")
	add(s.Workbench, "/workbench/messages", "nav_messages")
	add(s.Workbench, "/workbench/structures", "nav_structures")
	add(s.Workbench && s.Samples != nil, "/workbench/samples", "nav_samples")
	add(s.Workbench && s.Guide != nil, "/workbench/cases", "nav_cases")
	add(s.Workbench && s.Suite != nil, "/workbench/suite", "nav_suite")
	add(s.Workbench && s.Guide != nil, "/workbench/observe", "nav_observe")
	add(true, "/errors", "nav_errors")
	add(s.archivistDoor(), "/archive", "nav_archive")
	return out
}

// write makes the page.
func (s *Site) write(w http.ResponseWriter, p *page, status int, name string, data any) {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, data); err != nil {
		// Templates and data are our own, and a test makes every page.
		s.Log.Error().Err(err).Str("page", name).Msg("page failed")
		http.Error(w, p.T("failed"), http.StatusInternalServerError)
		return
	}
	safeHeaders(w.Header(), policy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", string(p.Lang))
	w.Header().Set("Vary", "Accept, Accept-Language, Cookie")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // a client that has gone is no fault of ours
}

// safeHeaders are those of every answer of the Site.
func safeHeaders(h http.Header, csp string) {
	h.Set("Content-Security-Policy", csp)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
}

// messagePage tells one thing.
type messagePage struct {
	page
	Text, Link, LinkText string
}

// tell answers with a page of one sentence.
func (s *Site) tell(w http.ResponseWriter, r *http.Request, status int, title, text string) {
	p := messagePage{page: s.page(w, r, title)}
	p.Text = p.T(text)
	s.write(w, &p.page, status, "message", p)
}

// fail answers a failure of the archive and logs it.
func (s *Site) fail(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, store.ErrNotFound):
		s.tell(w, r, http.StatusNotFound, "not_found", "not_found_text")
	case errors.Is(err, store.ErrInput):
		s.tell(w, r, http.StatusBadRequest, "bad_request", "bad_request_text")
	default:
		s.Log.Error().Err(err).Str("request", w.Header().Get("X-Request-Id")).Msg("page failed")
		s.tell(w, r, http.StatusServiceUnavailable, "failed", "failed_text")
	}
}

// frontPage leads to the rest.
type frontPage struct {
	page
	Links []frontLink
}

type frontLink struct{ URL, Name, Text string }

func (s *Site) front(w http.ResponseWriter, r *http.Request) {
	p := frontPage{page: s.page(w, r, "front")}
	for _, n := range p.Nav {
		p.Links = append(p.Links, frontLink{n.URL, n.Name, p.T("about_" + frontKeys[n.URL])})
	}
	s.write(w, &p.page, http.StatusOK, "front", p)
}

// frontKeys are the words about each part.
var frontKeys = map[string]string{"/workbench": "workbench", "/workbench/messages": "messages",
	"/workbench/structures": "structures", "/workbench/samples": "samples", "/workbench/suite": "suite", "/workbench/cases": "cases", "/workbench/observe": "observe", "/errors": "errors", "/archive": "archive"}

var (
	styleSheet = style.Sheet()
	styleURL   = "/assets/" + style.Name()
)

// style serves the style sheet, whose address changes with its content.
func (s *Site) style(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	safeHeaders(h, "default-src 'none'")
	h.Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write(styleSheet) // a client that has gone is no fault of ours
}
