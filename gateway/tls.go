package gateway

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"portti/gateway/pipeline"
	"portti/xmldsig"
	"portti/xmldsig/trust"
)

// ClientCertificates tells whether clients must show a certificate.
type ClientCertificates string

// The choices.
const (
	NoClientCertificates       ClientCertificates = "none"
	OptionalClientCertificates ClientCertificates = "optional"
	RequireClientCertificates  ClientCertificates = "required"
)

// TLSFiles names what HTTPS needs.
type TLSFiles struct {
	// Certificate and Key are PEM files of the server.
	Certificate, Key string
	// ClientCA is a PEM file or a folder of them: the issuers of client certificates.
	ClientCA string
	Clients  ClientCertificates
	// Trust judges client certificates (trust.TypeClient) beyond their chain and
	// purpose for TLS, such as by revocation; nil leaves it at these.
	Trust xmldsig.Trust
}

// TLSConfig reads the files: TLS 1.2 and newer, with Go's choice of ciphers.
func TLSConfig(f TLSFiles) (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(f.Certificate, f.Key)
	if err != nil {
		return nil, fmt.Errorf("gateway: server certificate: %w", err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	switch f.Clients {
	case "", NoClientCertificates:
		return c, nil
	case OptionalClientCertificates:
		c.ClientAuth = tls.VerifyClientCertIfGiven
	case RequireClientCertificates:
		c.ClientAuth = tls.RequireAndVerifyClientCert
	default:
		return nil, fmt.Errorf("gateway: client certificates %q: want none, optional or required", f.Clients)
	}
	c.VerifyConnection = func(state tls.ConnectionState) error {
		now := time.Now
		if c.Time != nil {
			now = c.Time
		}
		return verifyPeer(state, f.Trust, now())
	}
	c.ClientCAs, err = readPool(f.ClientCA)
	return c, err
}

// ErrPeer tells why a client certificate is refused that crypto/tls verified.
var ErrPeer = errors.New("gateway: client certificate refused")

// verifyPeer judges the client certificate of a connection, if there is one: it
// must name an organisation, and be trusted now. It is called at each handshake,
// that of a resumed session too, and at each request: a connection may outlive a
// certificate.
func verifyPeer(state tls.ConnectionState, judge xmldsig.Trust, now time.Time) error {
	if len(state.VerifiedChains) == 0 {
		return nil
	}
	chain := state.VerifiedChains[0]
	if now.After(chain[0].NotAfter) || now.Before(chain[0].NotBefore) {
		return fmt.Errorf("%w: it is not valid now", ErrPeer)
	}
	typ := trust.TypeClient
	switch {
	case peerOf(&state).Known():
	case personal(chain[0]):
		typ = trust.TypeCard
	default:
		return fmt.Errorf("%w: its subject names neither an organisation by one OID as serialNumber, nor a person whose certificate is made to log in by", ErrPeer)
	}
	if judge == nil {
		return nil
	}
	a := judge.Judge(xmldsig.TrustQuery{
		Certificate: chain[0], Intermediates: chain[1:], Type: typ, Time: now, Arrival: now,
	})
	for _, f := range a.Faults {
		if !f.Remark {
			return fmt.Errorf("%w: %s", ErrPeer, f.Rule)
		}
	}
	return nil
}

// personal tells of the authentication certificate of a person's card: not the one
// that signs documents, which the same card holds. It opens the archivist's pages
// alone.
func personal(c *x509.Certificate) bool {
	return trust.SubjectOf(c).Registration != "" && c.KeyUsage&x509.KeyUsageDigitalSignature != 0 &&
		slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
}

// forSystems shuts a door to whoever came with a person's certificate: at the doors of
// systems no certificate would be better than that one.
func (s *Server) forSystems(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 && !peerOf(r.TLS).Known() {
			line(w, http.StatusForbidden, "this door is for systems, by their own certificates")
			return
		}
		h(w, r)
	}
}

var errNoCA = errors.New("gateway: client certificates need client_ca: a PEM file or a folder of them")

func readPool(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, errNoCA
	}
	certs, err := trust.Load(path)
	if err != nil {
		return nil, fmt.Errorf("gateway: client_ca: %w", err)
	}
	if len(certs) == 0 {
		return nil, errNoCA
	}
	pool := x509.NewCertPool()
	for _, c := range certs {
		pool.AddCert(c)
	}
	return pool, nil
}

// peerOf reads who the client is from its verified certificate: the organisation's
// OID is the subject's serialNumber (kanta-interface 15.1).
func peerOf(state *tls.ConnectionState) pipeline.Peer {
	if state == nil || len(state.VerifiedChains) == 0 {
		return pipeline.Peer{}
	}
	c := state.VerifiedChains[0][0]
	s, sum := trust.SubjectOf(c), sha256.Sum256(c.Raw)
	return pipeline.Peer{Organisation: s.Organisation, Name: s.Name, Fingerprint: hex.EncodeToString(sum[:])}
}
