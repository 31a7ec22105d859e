package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"portti/xmldsig"
	"portti/xmldsig/pki"
	"portti/xmldsig/trust"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func client(t *testing.T, o Options) *Client {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// serve is a server that counts requests.
func serve(t *testing.T, h http.HandlerFunc) (url string, asked *atomic.Int64) {
	t.Helper()
	asked = new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		asked.Add(1)
		h(w, q)
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

func text(s string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, s) }
}

func get(c *Client, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return c.Fetch(ctx, trust.Request{URL: url, Limit: 1000})
}

func TestGetAndPost(t *testing.T) {
	url, _ := serve(t, func(w http.ResponseWriter, q *http.Request) {
		b, _ := io.ReadAll(q.Body)
		io.WriteString(w, q.Method+" "+q.Header.Get("Content-Type")+" "+q.Header.Get("Accept")+" "+string(b))
	})
	c := client(t, Options{Allow: loopback})
	b, err := get(c, url)
	if err != nil || string(b) != "GET   " {
		t.Errorf("%q, %v", b, err)
	}
	b, err = c.Fetch(context.Background(), trust.Request{URL: url, Body: []byte("x"), ContentType: "a/b", Accept: "c/d", Limit: 100})
	if err != nil || string(b) != "POST a/b c/d x" {
		t.Errorf("%q, %v", b, err)
	}
}

// SSRF: an address in a certificate must not reach into the own network.
func TestOwnNetworkIsNotAsked(t *testing.T) {
	url, asked := serve(t, text("secret"))
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(url, "http://"))
	c := client(t, Options{})
	for _, host := range []string{
		"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]", "2130706433", "0x7f.1", "127.1",
	} {
		if b, err := get(c, "http://"+host+":"+port+"/"); err == nil {
			t.Errorf("%s answered %q", host, b)
		}
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("the server was asked %d times", n)
	}
	if _, err := get(c, url); !errors.Is(err, trust.ErrAddress) {
		t.Errorf("%v", err)
	}
}

func TestSpecialAddresses(t *testing.T) {
	c := client(t, Options{Allow: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}})
	for address, ok := range map[string]bool{
		"127.0.0.1:80": false, "[::1]:80": false, "10.0.0.1:80": false, "172.16.0.1:80": false, "192.168.1.1:80": false,
		"169.254.169.254:80": false, "[fe80::1%eth0]:80": false, "[fd00:ec2::254]:80": false, "[fc00::1]:443": false,
		"100.64.0.1:80": false, "0.0.0.0:80": false, "[::]:80": false, "255.255.255.255:80": false, "224.0.0.1:80": false,
		"[ff02::1]:80": false, "192.0.0.170:80": false, "198.18.0.1:80": false, "240.0.0.1:80": false,
		"[::ffff:10.0.0.1]:80": false, "[64:ff9b::a00:1]:80": false, "[2002:a00:1::]:80": false, "[::10.0.0.1]:80": false,
		"[2001::1]:80": false, "[fec0::1]:80": false, "[2001:db8::1]:80": false,
		"193.166.3.2:80": true, "193.166.3.2:443": true, "193.166.3.2:22": false, "193.166.3.2:8080": false,
		"[2a00:1450::1]:443": true, "10.1.2.3:8080": true, "[::ffff:10.1.2.3]:80": true, "10.2.0.1:80": false,
		"nonsense": false,
	} {
		network := "tcp4"
		if strings.HasPrefix(address, "[") {
			network = "tcp6"
		}
		if err := c.control(context.Background(), network, address, nil); (err == nil) != ok || err != nil && !errors.Is(err, trust.ErrAddress) {
			t.Errorf("%s: %v", address, err)
		}
	}
	if err := c.control(context.Background(), "udp4", "193.166.3.2:80", nil); err == nil {
		t.Error("UDP is allowed")
	}
}

// A name that resolves to a public address when it is looked at and to a private
// one when it is connected to (DNS rebinding) is refused where it connects.
func TestNameThatResolvesIntoTheOwnNetworkIsRefused(t *testing.T) {
	url, asked := serve(t, text("secret"))
	c := client(t, Options{})
	if _, err := get(c, strings.Replace(url, "127.0.0.1", "localhost", 1)); !errors.Is(err, trust.ErrAddress) {
		t.Errorf("%v", err)
	}
	if asked.Load() > 0 {
		t.Error("asked")
	}
}

func TestOtherSchemesAndFormsAreRefused(t *testing.T) {
	c := client(t, Options{Allow: loopback})
	for _, u := range []string{
		"file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "ldap://127.0.0.1/", "", "http://", "http:opaque",
		"//127.0.0.1/", "http://user:pw@127.0.0.1/", "http://127.0.0.1/" + strings.Repeat("a", 3000), "http://[::1", "http://a b/",
	} {
		if _, err := get(c, u); !errors.Is(err, trust.ErrAddress) {
			t.Errorf("%.40q: %v", u, err)
		}
	}
}

func TestRedirects(t *testing.T) {
	target, _ := serve(t, text("there"))
	secure := httptest.NewTLSServer(text("there"))
	t.Cleanup(secure.Close)
	var url string
	url, _ = serve(t, func(w http.ResponseWriter, q *http.Request) {
		switch q.URL.Path {
		case "/near":
			http.Redirect(w, q, "/near2", http.StatusFound)
		case "/near2":
			http.Redirect(w, q, target, http.StatusFound)
		case "/round":
			http.Redirect(w, q, "/round", http.StatusFound)
		case "/scheme":
			http.Redirect(w, q, secure.URL, http.StatusFound)
		case "/file":
			http.Redirect(w, q, "file:///etc/passwd", http.StatusFound)
		case "/metadata":
			http.Redirect(w, q, "http://169.254.169.254/latest", http.StatusFound)
		case "/user":
			http.Redirect(w, q, "http://a:b@127.0.0.1/", http.StatusFound)
		}
	})
	c := client(t, Options{Allow: loopback})
	if b, err := get(c, url+"/near"); err != nil || string(b) != "there" {
		t.Errorf("%q, %v", b, err)
	}
	for path, want := range map[string]error{
		"/round": trust.ErrAnswer, "/scheme": trust.ErrAddress, "/file": trust.ErrAddress, "/metadata": trust.ErrAddress, "/user": trust.ErrAddress,
	} {
		if _, err := get(c, url+path); !errors.Is(err, want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	none := client(t, Options{Allow: loopback, MaxRedirects: -1})
	if _, err := get(none, url+"/near"); !errors.Is(err, trust.ErrAnswer) {
		t.Errorf("%v", err)
	}
	// a question by POST does not become a GET
	if _, err := c.Fetch(context.Background(), trust.Request{URL: url + "/near", Body: []byte("x"), Limit: 100}); !errors.Is(err, trust.ErrAnswer) {
		t.Errorf("%v", err)
	}
}

func TestSizeIsLimited(t *testing.T) {
	big := strings.Repeat("x", 1001)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	io.WriteString(z, strings.Repeat("x", 1<<20))
	z.Close()
	url, _ := serve(t, func(w http.ResponseWriter, q *http.Request) {
		switch q.URL.Path {
		case "/told":
			io.WriteString(w, big)
		case "/chunked":
			w.(http.Flusher).Flush()
			io.WriteString(w, big)
		case "/endless":
			for q.Context().Err() == nil {
				if _, err := io.WriteString(w, big); err != nil {
					return
				}
			}
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(zipped.Bytes()[:min(900, zipped.Len())])
		case "/headers":
			w.Header().Set("X", strings.Repeat("x", 1<<20))
		}
	})
	c := client(t, Options{Allow: loopback})
	for _, path := range []string{"/told", "/chunked", "/endless"} {
		if _, err := get(c, url+path); !errors.Is(err, trust.ErrAnswer) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if b, err := get(c, url+"/bomb"); err != nil || len(b) > 1000 {
		t.Errorf("unpacked to %d octets, %v", len(b), err)
	}
	if _, err := get(c, url+"/headers"); err == nil {
		t.Error("a megabyte of headers was read")
	}
}

func TestStatusOtherThan200IsNoAnswer(t *testing.T) {
	url, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	if _, err := get(client(t, Options{Allow: loopback}), url); !errors.Is(err, trust.ErrAnswer) {
		t.Errorf("%v", err)
	}
}

func TestSilenceEndsWithTheContext(t *testing.T) {
	release := make(chan struct{})
	url, _ := serve(t, func(_ http.ResponseWriter, q *http.Request) { <-release })
	defer close(release)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err := client(t, Options{Allow: loopback}).Fetch(ctx, trust.Request{URL: url, Limit: 1})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

type tripper struct{}

func (tripper) RoundTrip(*http.Request) (*http.Response, error) { return nil, io.EOF }

func TestInjectedClient(t *testing.T) {
	if _, err := New(Options{HTTP: &http.Client{Transport: tripper{}}}); !errors.Is(err, ErrTransport) {
		t.Errorf("a Transport that cannot be guarded: %v", err)
	}
	url, asked := serve(t, text("x"))
	proxied := &http.Transport{Proxy: http.ProxyURL(nil), DialContext: (&net.Dialer{}).DialContext}
	c := client(t, Options{HTTP: &http.Client{Transport: proxied, Timeout: time.Second}})
	if _, err := get(c, url); !errors.Is(err, trust.ErrAddress) || asked.Load() > 0 {
		t.Errorf("the injected way to connect goes round the guard: %v", err)
	}
	if c.http.Timeout != time.Second {
		t.Error("the time limit is lost")
	}
}

// A proxy would connect for us, where the guard does not see it.
func TestProxyIsNotUsed(t *testing.T) {
	proxy, asked := serve(t, text("secret"))
	u, err := url.Parse(proxy)
	if err != nil {
		t.Fatal(err)
	}
	c := client(t, Options{Allow: loopback, HTTP: &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(u)}}})
	if _, err := get(c, "http://10.0.0.1/"); !errors.Is(err, trust.ErrAddress) || asked.Load() > 0 {
		t.Errorf("%v, the proxy was asked %d times", err, asked.Load())
	}
}

// End to end: a Store learns over real HTTP what the authority's responder says.
func TestSIG3_RevocationOverHTTP(t *testing.T) {
	now := time.Date(2026, 5, 4, 9, 30, 0, 0, time.UTC)
	h := &http.ServeMux{}
	server := httptest.NewServer(h)
	defer server.Close()
	ca, err := pki.New(pki.Options{Seed: "fetch", Now: now, BaseURL: server.URL, AuthorityAlgorithm: pki.P256, Algorithm: pki.P256})
	if err != nil {
		t.Fatal(err)
	}
	h.Handle("/", ca.Handler())
	org := pki.Organisation{OID: "1.2.246.10.99999901.10.0", Name: "Esimerkki", System: "Portti"}
	good, err := ca.System(org)
	if err != nil {
		t.Fatal(err)
	}
	bad, err := ca.System(org, pki.WithFault(pki.Compromised))
	if err != nil {
		t.Fatal(err)
	}
	clock := func() time.Time { return now }
	for _, c := range []struct {
		allow  []netip.Prefix
		source trust.Source
		leaf   *pki.Leaf
		want   string
	}{
		{loopback, trust.OCSP, good, ""}, {loopback, trust.Lists, good, ""},
		{loopback, trust.OCSP, bad, trust.RuleCompromised}, {loopback, trust.Lists, bad, trust.RuleCompromised},
		{nil, trust.OCSP, good, trust.RuleAddress}, {nil, trust.Lists, good, trust.RuleAddress},
	} {
		s, err := trust.New(trust.Options{AnchorCertificates: ca.Certificates(), Now: clock, Revocation: trust.Revocation{
			Mode: trust.Hard, Order: []trust.Source{c.source}, Fetcher: client(t, Options{Allow: c.allow}),
		}})
		if err != nil {
			t.Fatal(err)
		}
		a := s.Judge(xmldsig.TrustQuery{Certificate: c.leaf.Certificate, Type: xmldsig.TypeSystem, Time: now, Arrival: now})
		if got := len(a.Faults); c.want == "" && got > 0 || c.want != "" && (got != 1 || a.Faults[0].Rule != c.want) {
			t.Errorf("%s %s: %+v", c.source, c.want, a.Faults)
		}
		s.Close()
	}
}
