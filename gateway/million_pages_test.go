package gateway

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"portti/fixtures"
	"portti/gateway/soap"
	"portti/gateway/web"
	"portti/internal/browser"

	"github.com/rs/zerolog"
)

// BenchmarkPages measures the server's time for the pages that people look at, on an
// archive of PORTTI_BENCH_DOCUMENTS documents (20,000 by default): the 95th percentile
// of each kind of page in ms. It fails above slowestPage, and where a page outweighs
// browser.HeaviestPage.
//
//	PORTTI_BENCH_DOCUMENTS=1000000 go test ./gateway -run '^$' -bench Pages -benchtime 1x -timeout 60m
func BenchmarkPages(b *testing.B) {
	n, err := strconv.Atoi(os.Getenv("PORTTI_BENCH_DOCUMENTS"))
	if err != nil {
		n = 20_000
	}
	c := testConfig(b, nil)
	c.Log = zerolog.Nop()
	c.DemoLogin = true
	c.Archivists = []web.Archivist{{Card: benchCard, Name: "Arja Arkisto", Controllers: []string{first().OID}}}
	g, err := Open(b.Context(), c)
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := g.Store.Close(); err != nil {
			b.Error(err)
		}
	}()
	defer g.site.Close()
	m := &growing{b: b, g: g, handler: g.o.Handler}
	v := &viewer{b: b, pages: g.o.Pages}
	for i := range 50 { // real documents of every kind beside the filling ones
		v.document(m, i)
	}
	m.fill(0, n)
	v.login()
	b.ResetTimer()
	for range b.N {
		v.measure(m)
	}
}

const (
	// slowestPage bounds the 95th percentile of each page.
	slowestPage = 50 * time.Millisecond
	views       = 200
	benchCard   = "99900000101"
)

// viewer is an archivist at the pages.
type viewer struct {
	b     *testing.B
	pages http.Handler
	jar   http.CookieJar
	token string
	docs  []string
}

// document archives a real document by the pipeline.
func (v *viewer) document(m *growing, i int) {
	kinds := []fixtures.Kind{fixtures.OldPDF, fixtures.OldXHTML, fixtures.Phase1PDF, fixtures.Phase1XHTML}
	s := world().Spec(kinds[i%len(kinds)])
	s.Serial = int64(6_000_000 + i)
	d, err := world().Build(s)
	if err != nil {
		v.b.Fatal(err)
	}
	m.handle(inEnvelope(soap.NS11, world().Frame(d)), "CA")
	if s.Controller.OID == first().OID {
		v.docs = append(v.docs, d.OID)
	}
}

func (v *viewer) login() {
	var err error
	if v.jar, err = cookiejar.New(nil); err != nil {
		v.b.Fatal(err)
	}
	v.ask(http.MethodPost, "/archive/login", "card", benchCard)
	_, body := v.ask(http.MethodGet, "/archive")
	found := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(body)
	if found == nil || len(v.docs) == 0 {
		v.b.Fatal("not logged in, or no documents to look at")
	}
	v.token = found[1]
}

// ask makes one request and tells how long the server took.
func (v *viewer) ask(method, target string, kv ...string) (time.Duration, string) {
	form := url.Values{"csrf": {v.token}}
	for i := 0; i+1 < len(kv); i += 2 {
		form.Set(kv[i], kv[i+1])
	}
	r := httptest.NewRequest(method, "http://archive.test"+target, strings.NewReader(form.Encode()))
	r.RemoteAddr = "127.0.0.1:4711"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, c := range v.jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	began := time.Now()
	v.pages.ServeHTTP(w, r)
	took := time.Since(began)
	v.jar.SetCookies(r.URL, w.Result().Cookies())
	if w.Code != http.StatusOK && w.Code != http.StatusSeeOther || w.Body.Len() > browser.HeaviestPage {
		v.b.Errorf("%s %s: HTTP %d, %d bytes", method, target, w.Code, w.Body.Len())
	}
	return took, w.Body.String()
}

// measure looks at each kind of page as often as percentiles need.
func (v *viewer) measure(m *growing) {
	at := func(list []string, i int) string { return list[i*7919%len(list)] }
	for _, k := range []struct {
		name string
		ask  func(i int) time.Duration
	}{
		{"search-all", func(int) time.Duration { return v.took(http.MethodPost, "/archive/search") }},
		{"search-client", func(i int) time.Duration {
			return v.took(http.MethodPost, "/archive/search", "client", at(m.clients, i))
		}},
		{"search-fields", func(i int) time.Duration {
			return v.took(http.MethodPost, "/archive/search", "type", "16", "group", "4", "task", "24", "unit", first().Units[0].OID)
		}},
		{"search-nothing", func(i int) time.Duration { return v.took(http.MethodPost, "/archive/search", "software", "none 1") }},
		{"document", func(i int) time.Duration { return v.took(http.MethodGet, "/archive/documents/"+at(v.docs, i)) }},
		{"proof", func(i int) time.Duration { return v.took(http.MethodGet, "/archive/documents/"+at(v.docs, i)+"/proof") }},
		{"source", func(i int) time.Duration {
			return v.took(http.MethodGet, "/archive/documents/"+at(v.docs, i)+"/source")
		}},
		{"logs", func(int) time.Duration { return v.took(http.MethodPost, "/archive/logs", "log", "usage") }},
		{"logs-client", func(i int) time.Duration { return v.took(http.MethodPost, "/archive/logs", "client", at(m.clients, i)) }},
		{"logs-user", func(i int) time.Duration {
			return v.took(http.MethodPost, "/archive/logs", "user", benchCard, "document", at(v.docs, i))
		}},
		{"messages", func(int) time.Duration { return v.took(http.MethodGet, "/workbench/messages") }},
		{"messages-document", func(i int) time.Duration {
			return v.took(http.MethodGet, "/workbench/messages?document="+at(v.docs, i))
		}},
		{"message", func(i int) time.Duration { return v.took(http.MethodGet, "/workbench/messages/"+strconv.Itoa(1+i%50)) }},
		{"front", func(int) time.Duration { return v.took(http.MethodGet, "/") }},
		{"errors", func(int) time.Duration { return v.took(http.MethodGet, "/errors?area=HTTP") }},
	} {
		v.percentile(k.name, k.ask)
	}
	v.unusual()
}

func (v *viewer) took(method, target string, kv ...string) time.Duration {
	d, _ := v.ask(method, target, kv...)
	return d
}

func (v *viewer) percentile(name string, ask func(i int) time.Duration) {
	var took []time.Duration
	for i := range views {
		took = append(took, ask(i))
	}
	slices.Sort(took)
	p95 := took[len(took)*95/100]
	v.b.ReportMetric(float64(p95.Microseconds())/1000, name+"-p95-ms")
	if p95 > slowestPage {
		v.b.Errorf("%s: p95 %v", name, p95)
	}
}

// unusual starts looks for unusual use and shows the page while one goes on; how long
// a look over the whole log takes is told apart.
func (v *viewer) unusual() {
	const path = "/archive/logs/unusual"
	began := time.Now()
	start := v.took(http.MethodPost, path)
	v.percentile("unusual", func(int) time.Duration { return v.took(http.MethodGet, path) })
	v.b.ReportMetric(float64(start.Microseconds())/1000, "unusual-start-ms")
	if start > slowestPage {
		v.b.Errorf("the start of a look: %v", start)
	}
	for {
		if _, page := v.ask(http.MethodGet, path); !strings.Contains(page, `<a href="`+path+`">`) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	v.b.ReportMetric(time.Since(began).Seconds(), "unusual-look-s")
}
