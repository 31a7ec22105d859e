package gateway

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"portti/gateway/logs"
	"portti/gateway/soap"
	"portti/gateway/web"
	"portti/xmldsig/pki"
	"portti/xmldsig/trust"
)

// UI-2: the archivist logs in over a real TLS socket by the card's authentication
// certificate, and by no other; the doors of systems stay shut to it.
func TestUI2_LoginByCard(t *testing.T) {
	const card = "99900000101"
	ca, err := pki.New(pki.Options{Seed: "cards", Now: world().Now, AuthorityAlgorithm: pki.P256, Algorithm: pki.P256})
	if err != nil {
		t.Fatal(err)
	}
	judge, err := trust.New(trust.Options{AnchorCertificates: ca.Certificates(), Now: func() time.Time { return world().Now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(judge.Close)
	files := tlsFiles(t, OptionalClientCertificates)
	files.Trust = judge
	if err := os.WriteFile(files.ClientCA, pki.EncodeCertificates(ca.Certificates()...), 0o600); err != nil {
		t.Fatal(err)
	}
	own := world().Organisations[0].OID
	g := start(t, func(c *Config) {
		c.TLSListen, c.TLS = "127.0.0.1:0", files
		c.Archivists = []web.Archivist{{Card: card, Name: "Arja Arkisto", Controllers: []string{own}}}
	})
	base := "https://" + g.TLSAddr().String()
	person := pki.Person{Number: card, Given: "Arja", Family: "Arkisto"}
	issue := func(number string, opts ...pki.LeafOption) *pki.Leaf {
		p := person
		p.Number = number
		l, err := ca.Card(p, opts...)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	signing, err := ca.Professional(person)
	if err != nil {
		t.Fatal(err)
	}

	c := cardClient(t, issue(card))
	page := fetchPage(t, c, http.MethodPost, base+"/archive/login", nil, http.StatusOK) // after the redirect
	if !strings.Contains(page, "Arja Arkisto") || !strings.Contains(page, own) {
		t.Fatalf("not logged in: %.500s", page)
	}
	if p := fetchPage(t, c, http.MethodGet, base+"/soap", nil, http.StatusForbidden); !strings.Contains(p, "for systems") {
		t.Errorf("SOAP: %s", p)
	}
	body := inEnvelope(soap.NS11, world().Frame(world().Documents[0]))
	if res, err := c.Post(base+"/soap", "text/xml", strings.NewReader(string(body))); err != nil || res.StatusCode != http.StatusForbidden {
		t.Errorf("a person's certificate opened the door of systems: %v %v", res, err)
	}
	for _, l := range []*pki.Leaf{issue("99900000999"), nil} { // another card, none
		fetchPage(t, cardClient(t, l), http.MethodPost, base+"/archive/login", nil, http.StatusForbidden)
	}
	for name, l := range map[string]*pki.Leaf{"signature key": signing, "expired": issue(card, pki.WithFault(pki.Expired)), "wrong purpose": issue(card, pki.WithFault(pki.WrongUsage))} {
		if res, err := cardClient(t, l).Get(base + "/archive"); err == nil {
			t.Errorf("%s: HTTP %d", name, res.StatusCode)
		}
	}
	// The search is a form of the session's page, over the same socket.
	m := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(page)
	if m == nil {
		t.Fatal("no token")
	}
	p := fetchPage(t, c, http.MethodPost, base+"/archive/search", url.Values{"csrf": {m[1]}}, http.StatusOK)
	if !strings.Contains(p, "Hits: 0") {
		t.Errorf("search: %.500s", p)
	}
}

// cardClient is a browser with a card.
func cardClient(t *testing.T, l *pki.Leaf) *http.Client {
	t.Helper()
	c := insisting(t, l)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Jar = jar
	return c
}

func fetchPage(t *testing.T, c *http.Client, method, target string, form url.Values, status int) string {
	t.Helper()
	r, err := http.NewRequest(method, target, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept-Language", "en")
	res, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != status {
		t.Fatalf("%s %s: HTTP %d, want %d, %v: %.300s", method, target, res.StatusCode, status, err, b)
	}
	return string(b)
}

// LOG-6: the gateway's own rules of active monitoring are those of the archivist's page.
func TestLOG6_GatewayBringsOwnRulesToThePage(t *testing.T) {
	rules, err := logs.Rules([]byte("rules: [{id: volume, kind: entries, threshold: 7, per: day, title: {fi: Omin sanoin, sv: Egna ord, en: Own words}, source: LOG-6}]"))
	if err != nil {
		t.Fatal(err)
	}
	g := start(t, func(c *Config) {
		c.DemoLogin, c.UsageRules = true, rules
		c.Archivists = []web.Archivist{{Card: "99900000101", Name: "Arja Arkisto", Controllers: []string{world().Organisations[0].OID}}}
	})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar}
	fetchPage(t, c, http.MethodPost, g.URL+"/archive/login", url.Values{"card": {"99900000101"}}, http.StatusOK)
	if page := fetchPage(t, c, http.MethodGet, g.URL+"/archive/logs/unusual", nil, http.StatusOK); !strings.Contains(page, "Own words") || !strings.Contains(page, "at least 7 in a day") {
		t.Errorf("%s", page)
	}
}

// The operator's page stands on the admin listener, and nowhere else.
func TestOperatorsPageIsOnTheAdminListenerAlone(t *testing.T) {
	g := start(t, func(c *Config) { c.Admin, c.Versions = "127.0.0.1:0", []string{"portti", "test"} })
	admin := "http://" + g.AdminAddr().String()
	page := fetchPage(t, http.DefaultClient, http.MethodGet, admin+"/operator", nil, http.StatusOK)
	for _, want := range []string{"The archive takes documents", "portti_bytes_in_flight", "<dd>test</dd>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	sheet := regexp.MustCompile(`href="(/assets/[^"]+)"`).FindStringSubmatch(page)
	if sheet == nil {
		t.Fatal("no style")
	}
	fetchPage(t, http.DefaultClient, http.MethodGet, admin+sheet[1], nil, http.StatusOK)
	fetchPage(t, http.DefaultClient, http.MethodGet, "http://"+g.Addr().String()+"/operator", nil, http.StatusNotFound)
}
