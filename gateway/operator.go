package gateway

import (
	"crypto/tls"
	"crypto/x509"

	"portti/gateway/web"
	"portti/xmldsig/trust"
)

// certificates are those whose end the operator must not miss: the server's own, the
// archive's signing certificate, and those that clients' and signers' must lead to.
func (i *Instance) certificates(c Config, server *tls.Config) []web.OperatorCertificate {
	var out []web.OperatorCertificate
	add := func(use string, certs ...*x509.Certificate) {
		for _, x := range certs {
			if x != nil {
				out = append(out, web.OperatorCertificate{Use: use, Subject: x.Subject.String(), End: x.NotAfter})
			}
		}
	}
	if server != nil {
		for n := range server.Certificates {
			add("server", server.Certificates[n].Leaf)
		}
	}
	if c.Signer != nil {
		add("archive-signature", c.Signer.Certificate)
	}
	if server != nil && c.TLS.ClientCA != "" {
		if certs, err := trust.Load(c.TLS.ClientCA); err == nil { // else TLSConfig has told of it
			add("client-ca", certs...)
		}
	}
	if t, ok := c.Trust.(interface{ Anchors() []*x509.Certificate }); ok {
		add("trust-anchor", t.Anchors()...)
	}
	return out
}

// operatorState is what the operator's page tells beside the metrics.
func (i *Instance) operatorState(c Config, server *tls.Config, watch *archiveMetrics) web.OperatorState {
	s := web.OperatorState{Certificates: i.certificates(c, server)}
	if cp, ok := i.Store.LastCheckpoint(); ok {
		s.Checkpoint, s.CheckpointAt = cp.Size, cp.At
	}
	if i.Store.CheckpointError() != nil {
		s.CheckpointFailed = true
	}
	r := watch.lastBackup()
	s.Backup = web.OperatorBackup{Made: r.Made, Number: r.Number, To: r.To, Written: r.Written, Encrypted: r.Encrypted, Failed: r.Failed}
	return s
}
