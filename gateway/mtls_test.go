package gateway

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"portti/fixtures"
	"portti/gateway/soap"
	"portti/xmldsig/pki"
	"portti/xmldsig/trust"
	"portti/xmldsig/trust/fetch"
)

// mtls is a gateway that demands client certificates, and an authority of the same
// seed whose responder can be told to misbehave.
type mtls struct {
	*gate
	ca  *pki.Authority
	mu  sync.Mutex
	bad pki.Misbehaviour
	now time.Time
}

func (m *mtls) clock() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

func (m *mtls) set(f pki.Misbehaviour) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bad = f
}

func (m *mtls) wait(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(d)
}

// logged waits until the technical log tells a word since some length of it: the server writes it after
// the client has its answer.
func (m *mtls) logged(since int, word string) bool {
	for range 1000 {
		if strings.Contains(m.log.String()[since:], word) {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

// startMTLS starts the gateway; mode is how revocation is checked.
func startMTLS(t *testing.T, mode trust.Mode) *mtls {
	t.Helper()
	m := &mtls{now: world().Now}
	mux := http.NewServeMux()
	responder := httptest.NewServer(mux)
	t.Cleanup(responder.Close)
	ca, err := pki.New(pki.Options{Seed: "mtls", Now: m.now, BaseURL: responder.URL, AuthorityAlgorithm: pki.P256, Algorithm: pki.P256})
	if err != nil {
		t.Fatal(err)
	}
	m.ca = ca
	mux.Handle("/", &pki.Responder{Authority: ca, Now: m.clock, Fault: func(*http.Request) pki.Misbehaviour {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.bad
	}})
	client, err := fetch.New(fetch.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if err != nil {
		t.Fatal(err)
	}
	judge, err := trust.New(trust.Options{AnchorCertificates: ca.Certificates(), Now: m.clock, Revocation: trust.Revocation{
		Mode: mode, Fetcher: client, Order: []trust.Source{trust.OCSP}, Life: time.Minute,
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { judge.Close(); client.Close() })
	files := tlsFiles(t, RequireClientCertificates)
	files.Trust = judge
	if err := os.WriteFile(files.ClientCA, pki.EncodeCertificates(ca.Certificates()...), 0o600); err != nil {
		t.Fatal(err)
	}
	m.gate = start(t, func(c *Config) {
		c.Listen, c.TLSListen, c.TLS, c.Now = "", "127.0.0.1:0", files, m.clock
	})
	m.URL = "https://" + m.TLSAddr().String()
	return m
}

// organisation is the one whose document is sent, as a subject.
func organisation(d *fixtures.Document) pki.Organisation {
	o := d.Spec.System.Organisation
	return pki.Organisation{OID: o.OID, Name: o.Title, System: d.Spec.System.Product}
}

// TestPRO6_EveryKindOfClientCertificate: over a real TLS socket, what is refused at
// the handshake and what goes through.
func TestPRO6_EveryKindOfClientCertificate(t *testing.T) {
	d := world().Documents[0]
	body := inEnvelope(soap.NS11, world().Frame(d))
	org := organisation(d)
	m := startMTLS(t, trust.Hard)
	issue := func(opts ...pki.LeafOption) *pki.Leaf {
		t.Helper()
		l, err := m.ca.Client(org, opts...)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	signing, err := m.ca.System(org)
	if err != nil {
		t.Fatal(err)
	}
	other, err := pki.New(pki.Options{Seed: "another", Name: "Toinen TEST", Now: world().Now})
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := other.Client(org)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		leaf *pki.Leaf
		ok   bool
		log  string
	}{
		{"good", issue(), true, ""},
		{"none", nil, false, "didn't provide a certificate"},
		{"of another authority", foreign, false, "unknown authority"},
		{"of an authority of the same name", issue(pki.WithFault(pki.WrongIssuer)), false, "verify certificate"},
		{"expired", issue(pki.WithFault(pki.Expired)), false, "expired"},
		{"not valid yet", issue(pki.WithFault(pki.NotYetValid)), false, "not yet valid"},
		{"revoked", issue(pki.WithFault(pki.Revoked)), false, trust.RuleRevoked},
		{"compromised", issue(pki.WithFault(pki.Compromised)), false, trust.RuleCompromised},
		{"for signing documents", signing, false, trust.RulePurpose},
		{"for encryption alone", issue(pki.WithFault(pki.WrongUsage)), false, trust.RuleUsage},
		{"without organisation", issue(pki.WithFault(pki.WrongNumber)), false, "names neither an organisation"},
		{"with two organisations", twoOrganisations(t, m.ca, org), false, "names neither an organisation"},
	} {
		t.Run(c.name, func(t *testing.T) {
			since := len(m.log.String())
			r, err := post(insisting(t, c.leaf), m.URL+"/soap", "text/xml", body)
			if c.ok {
				if err != nil || string(r.ack.Code) != "CA" {
					t.Fatalf("%v, %v", r, err)
				}
				if !m.logged(since, `"peer":"`+org.OID+`"`) {
					t.Errorf("the log does not tell the peer:\n%s", m.log)
				}
				return
			}
			if err == nil {
				t.Fatalf("answered %v", r)
			}
			if !m.logged(since, c.log) {
				t.Errorf("the log does not tell %q:\n%s", c.log, m.log)
			}
		})
	}
}

// insisting is a client that shows its certificate whatever issuers the server asks
// for, as an attacker's does.
func insisting(t *testing.T, leaf *pki.Leaf) *http.Client {
	c := tlsClient(t, nil, 0)
	if leaf != nil {
		pair := leaf.TLS()
		c.Transport.(*http.Transport).TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &pair, nil
		}
	}
	return c
}

// twoOrganisations is a client certificate whose subject names two.
func twoOrganisations(t *testing.T, ca *pki.Authority, org pki.Organisation) *pki.Leaf {
	t.Helper()
	good, err := ca.Client(org)
	if err != nil {
		t.Fatal(err)
	}
	number := asn1.ObjectIdentifier{2, 5, 4, 5}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(99), NotBefore: good.Certificate.NotBefore, NotAfter: good.Certificate.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		Subject: pkix.Name{ExtraNames: []pkix.AttributeTypeAndValue{{Type: number, Value: "1.2.246.10.99999998.10.0"}, {Type: number, Value: org.OID}}},
	}
	der, err := x509.CreateCertificate(nil, c, good.Issuer.Certificate, good.Key.Public(), pki.Unwrap(good.Issuer.Key))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &pki.Leaf{Certificate: parsed, Key: good.Key, Issuer: good.Issuer}
}

// A certificate that is revoked while its connection stands is refused at the next
// request, and a resumed session does not go round the check.
func TestPRO6_RevokedWhileConnected(t *testing.T) {
	m := startMTLS(t, trust.Hard)
	leaf, err := m.ca.Client(organisation(world().Documents[0]))
	if err != nil {
		t.Fatal(err)
	}
	c := tlsClient(t, leaf, 0)
	c.Transport.(*http.Transport).TLSClientConfig.ClientSessionCache = tls.NewLRUClientSessionCache(4)
	get := func() (int, error) {
		res, err := c.Get(m.URL + "/healthz")
		if err != nil {
			return 0, err
		}
		defer res.Body.Close()
		_, err = io.Copy(io.Discard, res.Body)
		return res.StatusCode, err
	}
	for range 2 {
		if code, err := get(); code != http.StatusOK {
			t.Fatalf("HTTP %d, %v", code, err)
		}
	}
	m.ca.Revoke(leaf.Certificate, world().Now.Add(-time.Hour), pki.Superseded)
	m.wait(2 * time.Minute)
	if code, err := get(); code != http.StatusForbidden {
		t.Errorf("on the standing connection: HTTP %d, %v", code, err)
	}
	c.CloseIdleConnections()
	if code, err := get(); err == nil {
		t.Errorf("by a resumed session: HTTP %d", code)
	}
}

// Where the responder is silent, hard refuses and soft goes on.
func TestPRO6_SilentResponder(t *testing.T) {
	for _, mode := range []trust.Mode{trust.Soft, trust.Hard} {
		m := startMTLS(t, mode)
		m.set(pki.Down)
		leaf, err := m.ca.Client(organisation(world().Documents[0]))
		if err != nil {
			t.Fatal(err)
		}
		res, err := tlsClient(t, leaf, 0).Get(m.URL + "/healthz")
		if mode == trust.Hard {
			if err == nil {
				t.Error("hard: answered")
			}
			continue
		}
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("soft: %v", err)
		}
		res.Body.Close()
	}
}

// Without a Trust a certificate must still name an organisation, else whoever has
// one without would be taken for a client without certificate.
func TestCertificateWithoutOrganisationIsNotNobody(t *testing.T) {
	ca, org := world().Authority, organisation(world().Documents[0])
	for _, f := range []pki.Fault{pki.NoFault, pki.WrongNumber} {
		l, err := ca.Client(org, pki.WithFault(f))
		if err != nil {
			t.Fatal(err)
		}
		state := tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{l.Certificate, l.Issuer.Certificate}}}
		if err := verifyPeer(state, nil, world().Now); (err == nil) != (f == pki.NoFault) {
			t.Errorf("%q: %v", f, err)
		}
		if err := verifyPeer(state, nil, l.Certificate.NotAfter.Add(time.Second)); err == nil {
			t.Error("an expired certificate is welcome")
		}
	}
	if err := verifyPeer(tls.ConnectionState{}, nil, world().Now); err != nil {
		t.Errorf("no certificate, where none is demanded: %v", err)
	}
}

// Plain HTTP beyond this machine would go round the certificates that are required.
func TestPlainHTTPDoesNotGoRoundCertificates(t *testing.T) {
	for _, c := range []struct {
		listen  string
		clients ClientCertificates
		ok      bool
	}{
		{"0.0.0.0:0", RequireClientCertificates, false}, {":0", RequireClientCertificates, false},
		{"127.0.0.1:0", RequireClientCertificates, true}, {"", RequireClientCertificates, true},
		{"0.0.0.0:0", OptionalClientCertificates, true},
	} {
		conf := testConfig(t, &lockedBuffer{})
		conf.Listen, conf.TLSListen, conf.TLS = c.listen, "127.0.0.1:0", tlsFiles(t, c.clients)
		i, err := Open(context.Background(), conf)
		if (err == nil) != c.ok || !c.ok && !errors.Is(err, ErrPlain) {
			t.Errorf("%q, %s: %v", c.listen, c.clients, err)
		}
		if err == nil {
			if err := i.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}
	}
}
