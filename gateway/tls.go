package gateway

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"

	"portti/gateway/pipeline"
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
	c.ClientCAs, err = readPool(f.ClientCA)
	return c, err
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

// oidSerialNumber is the subject attribute serialNumber, which holds the
// organisation's OID in service certificates (kanta-interface 15.1).
var oidSerialNumber = asn1.ObjectIdentifier{2, 5, 4, 5}

// peerOf reads who the client is from its verified certificate.
func peerOf(state *tls.ConnectionState) pipeline.Peer {
	if state == nil || len(state.VerifiedChains) == 0 {
		return pipeline.Peer{}
	}
	subject := state.VerifiedChains[0][0].Subject
	p := pipeline.Peer{Name: subject.CommonName}
	for _, a := range subject.Names {
		if v, ok := a.Value.(string); ok && a.Type.Equal(oidSerialNumber) {
			p.Organisation = v
		}
	}
	return p
}
