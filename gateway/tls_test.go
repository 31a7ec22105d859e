package gateway

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"portti/gateway/soap"
	"portti/xmldsig/pki"
)

// tlsFiles writes the world's server certificate and issuers.
func tlsFiles(t *testing.T, clients ClientCertificates) TLSFiles {
	t.Helper()
	leaf, err := world().Server("localhost", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	key, err := pki.EncodeKey(leaf.Key)
	if err != nil {
		t.Fatal(err)
	}
	f := TLSFiles{
		Certificate: filepath.Join(dir, "server.pem"), Key: filepath.Join(dir, "server.key"),
		ClientCA: filepath.Join(dir, "ca.pem"), Clients: clients,
	}
	for name, b := range map[string][]byte{
		f.Certificate: pki.EncodeCertificates(leaf.Chain()...), f.Key: key,
		f.ClientCA: pki.EncodeCertificates(world().Authority.Certificates()...),
	} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// tlsClient is a client in the world's time, with the certificate of leaf.
func tlsClient(t *testing.T, leaf *pki.Leaf, version uint16) *http.Client {
	c := &tls.Config{RootCAs: world().Authority.Pool(), MaxVersion: version, Time: func() time.Time { return world().Now }}
	if leaf != nil {
		c.Certificates = []tls.Certificate{leaf.TLS()}
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: c}, Timeout: 10 * time.Second}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

func startTLS(t *testing.T, clients ClientCertificates) *gate {
	files := tlsFiles(t, clients)
	g := start(t, func(c *Config) { c.Listen, c.TLSListen, c.TLS = "", "127.0.0.1:0", files })
	g.URL = "https://" + g.TLSAddr().String()
	return g
}

func TestPRO6_ClientCertificates(t *testing.T) {
	d := world().Documents[0]
	body := inEnvelope(soap.NS11, world().Frame(d))
	own := d.Spec.System.Transport
	strangers := world().Migration.Organisation
	for _, o := range world().Organisations {
		if o != d.Spec.System.Organisation {
			strangers = o
		}
	}
	for _, c := range []struct {
		name    string
		clients ClientCertificates
		leaf    *pki.Leaf
		want    string // verdict and rule, or "" where the connection is refused
		rule    string
	}{
		{"required, own", RequireClientCertificates, own, "CA", ""},
		{"required, none", RequireClientCertificates, nil, "", ""},
		{"optional, none", OptionalClientCertificates, nil, "CA", ""},
		{"required, another organisation's", RequireClientCertificates, strangers.System.Transport, "CE", "ACCESS-SENDER-CERTIFICATE"},
		{"not asked for", NoClientCertificates, nil, "CA", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := startTLS(t, c.clients)
			r, err := post(tlsClient(t, c.leaf, 0), g.URL+"/soap", "text/xml", body)
			if c.want == "" {
				if err == nil {
					t.Fatalf("answered %v", r)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if string(r.ack.Code) != c.want || c.rule != "" && r.detail(c.rule) == nil {
				t.Fatalf("got %v", r)
			}
		})
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	g := startTLS(t, NoClientCertificates)
	if _, err := tlsClient(t, nil, tls.VersionTLS11).Get(g.URL + "/healthz"); err == nil {
		t.Error("TLS 1.1 is taken")
	}
	res, err := tlsClient(t, nil, tls.VersionTLS12).Get(g.URL + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
}

func TestTLSConfigSaysWhatIsMissing(t *testing.T) {
	f := tlsFiles(t, RequireClientCertificates)
	for name, change := range map[string]func(*TLSFiles){
		"no certificate": func(f *TLSFiles) { f.Certificate = "missing.pem" },
		"no issuers":     func(f *TLSFiles) { f.ClientCA = "" },
		"unknown word":   func(f *TLSFiles) { f.Clients = "perhaps" },
	} {
		broken := f
		change(&broken)
		if _, err := TLSConfig(broken); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestPeerWithoutVerifiedCertificateIsUnknown(t *testing.T) {
	claimed := &tls.ConnectionState{PeerCertificates: []*x509.Certificate{world().Archive.Transport.Certificate}}
	if p := peerOf(claimed); p.Known() {
		t.Fatalf("an unverified certificate is taken for %+v", p)
	}
}
