package web

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/asn1"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"portti/cda/frame"
	"portti/cda/rules/catalogue"
	"portti/fixtures"
	"portti/gateway/pipeline"
	"portti/gateway/soap"
	"portti/internal/finding"
	"portti/store"
	"portti/xmldsig"
	"portti/xmldsig/trust"
)

// house is a Site over an archive that holds the samples of the default world.
type house struct {
	t     *testing.T
	w     *fixtures.World
	store *store.Store
	site  *Site
	at    atomic.Int64 // the clock's nanoseconds
	dir   string
	line  *pipeline.Pipeline
	// archived are the documents that the archive took.
	archived []*fixtures.Document
}

// now is the house's clock, which the archive's own work reads, too; pass puts it on.
func (h *house) now() time.Time { return time.Unix(0, h.at.Load()).In(h.w.Now.Location()) }

func (h *house) pass(d time.Duration) { h.at.Add(int64(d)) }

type anybody struct{}

func (anybody) Decide(pipeline.AccessQuery) []finding.Finding { return nil }

const (
	cardA = "99900000101" // archivist of the first organisation
	cardB = "99900000102" // of the second
	cardC = "99900000103" // of both
)

func newHouse(t *testing.T, change func(*Options)) *house {
	t.Helper()
	h := &house{t: t, w: fixtures.Default(), dir: t.TempDir()}
	h.at.Store(h.w.Now.UnixNano())
	clock := h.now
	var err error
	h.store, err = store.Open(t.Context(), store.Options{Dir: h.dir, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.store.Close(); err != nil {
			t.Error(err)
		}
	})
	tr, err := trust.New(trust.Options{AnchorCertificates: h.w.Authority.Certificates()})
	if err != nil {
		t.Fatal(err)
	}
	judge := &pipeline.Judge{Profile: catalogue.Strict, World: pipeline.Test, Verifier: &xmldsig.Verifier{Trust: tr, Now: clock},
		Frames: frame.Reader{Profile: catalogue.Strict}}
	var n atomic.Int64
	id := func() string { return fmt.Sprint("id-", n.Add(1)) }
	p, err := pipeline.New(pipeline.Options{Judge: judge, Archive: h.store, Access: anybody{}, Lang: catalogue.English, Root: "1.2.3",
		Owner: h.w.Organisations[0].OID, Parallel: 1, Now: clock, NewID: id})
	if err != nil {
		t.Fatal(err)
	}
	h.send(p)
	a, b := h.w.Organisations[0].OID, h.w.Organisations[1].OID
	o := Options{Lang: catalogue.English, Store: h.store, Judge: judge, Workbench: true, Now: clock, NewID: id,
		Samples: fstest.MapFS{"documents/plan.xml": {Data: []byte("<plan/>")}, "keys/secret.key": {Data: []byte("secret")}},
		Archivists: []Archivist{{cardA, "Arja Arkisto", []string{a}}, {cardB, "Bo Arkiv", []string{b}},
			{cardC, "Cilla Kaksi", []string{a, b}}}}
	if change != nil {
		change(&o)
	}
	if h.site, err = New(o); err != nil {
		t.Fatal(err)
	}
	return h
}

// send archives the samples.
func (h *house) send(p *pipeline.Pipeline) {
	h.line = p
	for _, d := range h.w.Documents {
		h.sendOne(d)
	}
	if len(h.archived) < 20 {
		h.t.Fatalf("only %d samples were archived", len(h.archived))
	}
}

// sendOne archives a document, if the archive takes it.
func (h *house) sendOne(d *fixtures.Document) {
	body := `<s:Envelope xmlns:s="` + soap.NS11 + `"><s:Body>` + string(h.w.Frame(d)) + `</s:Body></s:Envelope>`
	a := h.line.Handle(context.Background(), pipeline.Request{ID: "r", Arrived: h.now(), ContentType: "text/xml", Body: []byte(body)})
	if a.Report.Outcome == "archived" {
		h.archived = append(h.archived, d)
	}
}

// of gives an archived document of an organisation that also does.
func (h *house) of(controller string, also func(*fixtures.Document) bool) *fixtures.Document {
	h.t.Helper()
	for _, d := range h.archived {
		if d.Spec.Controller.OID == controller && (also == nil || also(d)) {
			return d
		}
	}
	h.t.Fatal("no such document")
	return nil
}

// browser is a client with cookies of its own, by the card's certificate where there
// is one. It does not follow redirects by itself.
type browser struct {
	h      *house
	card   string
	jar    http.CookieJar
	remote string
	header map[string]string
	plain  bool // no TLS
}

func (h *house) browser(card string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return &browser{h: h, card: card, jar: jar, remote: "127.0.0.1:4711", header: map[string]string{}}
}

func (b *browser) do(method, target, contentType string, body io.Reader) *httptest.ResponseRecorder {
	b.h.t.Helper()
	base := "https://archive.test"
	if b.plain {
		base = "http://archive.test"
	}
	r := httptest.NewRequest(method, base+target, body)
	r.RemoteAddr = b.remote
	if b.plain {
		r.TLS = nil
	} else {
		r.TLS = &tls.ConnectionState{}
		if b.card != "" {
			c := &x509.Certificate{Subject: pkix.Name{CommonName: "card", Names: []pkix.AttributeTypeAndValue{
				{Type: asn1.ObjectIdentifier{2, 5, 4, 5}, Value: b.card}}}}
			r.TLS.VerifiedChains = [][]*x509.Certificate{{c}}
		}
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for k, v := range b.header {
		r.Header.Set(k, v)
	}
	for _, c := range b.jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	b.h.site.ServeHTTP(w, r)
	b.jar.SetCookies(r.URL, w.Result().Cookies())
	requireLight(b.h.t, target, w) // every page that any test looks at
	return w
}

func (b *browser) get(target string) *httptest.ResponseRecorder { return b.do("GET", target, "", nil) }

func (b *browser) post(target string, kv ...string) *httptest.ResponseRecorder {
	v := url.Values{}
	for i := 0; i+1 < len(kv); i += 2 {
		v.Set(kv[i], kv[i+1])
	}
	return b.do("POST", target, "application/x-www-form-urlencoded", strings.NewReader(v.Encode()))
}

var csrfField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// token gives the session's token as a page shows it.
func (b *browser) token() string {
	b.h.t.Helper()
	m := csrfField.FindStringSubmatch(b.get("/archive").Body.String())
	if m == nil {
		b.h.t.Fatal("the page has no token")
	}
	return m[1]
}

// login logs in and gives the token.
func (b *browser) login() string {
	b.h.t.Helper()
	if w := b.post("/archive/login"); w.Code != http.StatusSeeOther {
		b.h.t.Fatalf("login: HTTP %d %s", w.Code, w.Body)
	}
	return b.token()
}

func want(t *testing.T, w *httptest.ResponseRecorder, status int, texts ...string) {
	t.Helper()
	if w.Code != status {
		t.Fatalf("HTTP %d, want %d: %.2000s", w.Code, status, w.Body)
	}
	for _, s := range texts {
		if !strings.Contains(w.Body.String(), s) {
			t.Errorf("the page lacks %q: %.3000s", s, w.Body)
		}
	}
}

// actions counts the usage-log rows of each action. They are read from the file, so
// that what is seen is what was committed.
func (h *house) actions() map[string]int {
	h.t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(h.dir, "archive.db")+"?mode=ro")
	if err != nil {
		h.t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(`SELECT action, count(*) FROM usage_log WHERE purpose = ? GROUP BY action`, purpose)
	if err != nil {
		h.t.Fatal(err)
	}
	defer rows.Close()
	out := map[string]int{}
	for rows.Next() {
		var action string
		var n int
		if err := rows.Scan(&action, &n); err != nil {
			h.t.Fatal(err)
		}
		out[action] = n
	}
	if err := rows.Err(); err != nil {
		h.t.Fatal(err)
	}
	return out
}

// paste makes a form of the workbench.
func paste(t *testing.T, fields map[string]string, files map[string][]byte) (string, io.Reader) {
	t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for k, v := range fields {
		if err := m.WriteField(k, v); err != nil {
			t.Fatal(err)
		}
	}
	for k, v := range files {
		f, err := m.CreateFormFile(k, "../../etc/"+k+`"><script>.xml`)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(v); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return m.FormDataContentType(), &b
}

// requirePage demands a page that is well.
func requirePage(t *testing.T, name string, w *httptest.ResponseRecorder) {
	t.Helper()
	if w.Code != http.StatusOK {
		t.Fatalf("%s: HTTP %d", name, w.Code)
	}
	requireSound(t, name, w)
}
