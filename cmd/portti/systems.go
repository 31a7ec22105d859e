package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"portti/conformance/run"
	"portti/fixtures"
	"portti/xmldsig/trust"

	"github.com/spf13/pflag"
)

// connection are the flags of how the systems that the suite plays connect.
type connection struct {
	files   clientTLS
	systems []string
}

func (c *connection) flags(f *pflag.FlagSet) {
	c.files.flags(f)
	f.StringArrayVar(&c.systems, "system", nil, "another organisation's system, such as the provider's in a registry-use trial: `ORGANISATION=CERT,KEY`, its OID or its id in WORLD/joined.yaml, and PEM files of its client certificate; may stand several times")
}

var errHTTPS = errors.New("client certificates need an https target")

// apply tells a runner how each organisation's system connects. Without files of others
// the world's own certificates are shown to whoever asks for them. A certificate of one
// of the world's organisations speaks for that one; any other is taken for a joining
// point's, which sends for all that have none of their own.
func (c *connection) apply(r *run.Runner) error {
	if !strings.HasPrefix(strings.ToLower(r.Target), "https:") {
		if c.files.cert != "" || len(c.systems) > 0 {
			return usage(errHTTPS, "")
		}
		return nil
	}
	base, err := c.files.config()
	if err != nil {
		return usage(err, "")
	}
	r.TLS, r.Systems = base, map[string]*tls.Config{}
	orgs := r.World.Organisations
	switch {
	case c.files.cert != "":
		sender, err := organisationOf(base)
		if err != nil {
			return usage(err, "")
		}
		for _, o := range orgs {
			if !known(orgs, sender) || o.OID == sender {
				r.Systems[o.OID] = base
			}
		}
	case len(c.systems) == 0:
		for _, o := range orgs {
			r.Systems[o.OID] = with(base, o.System.Transport.TLS())
		}
		r.TLS = r.Systems[orgs[0].OID]
	}
	return c.others(r, base)
}

// others are the systems that are named one by one.
func (c *connection) others(r *run.Runner, base *tls.Config) error {
	for _, s := range c.systems {
		name, files, ok := strings.Cut(s, "=")
		cert, key, two := strings.Cut(files, ",")
		if !ok || !two {
			return usage(fmt.Errorf("system is %q", s), "--system hoivapilvi=provider.crt,provider.key")
		}
		at := slices.IndexFunc(r.World.Organisations, func(o *fixtures.Organisation) bool { return o.Name == name || o.OID == name })
		if at < 0 {
			var names []string
			for _, o := range r.World.Organisations {
				names = append(names, o.Name)
			}
			return usage(fmt.Errorf("the test world has no organisation %q", name), "use one of "+strings.Join(names, ", ")+", or its OID")
		}
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return usage(err, "")
		}
		own := with(base, pair)
		if r.Systems[r.World.Organisations[at].OID] = own; len(r.TLS.Certificates) == 0 {
			r.TLS = own // for requests that are nobody's message
		}
	}
	return nil
}

// with is a configuration with another certificate.
func with(c *tls.Config, pair tls.Certificate) *tls.Config {
	out := c.Clone()
	out.Certificates = []tls.Certificate{pair}
	return out
}

// organisationOf gives the OID that a client certificate names.
func organisationOf(c *tls.Config) (string, error) {
	leaf, err := x509.ParseCertificate(c.Certificates[0].Certificate[0])
	if err != nil {
		return "", err
	}
	return trust.SubjectOf(leaf).Organisation, nil
}

func known(orgs []*fixtures.Organisation, oid string) bool {
	return slices.ContainsFunc(orgs, func(o *fixtures.Organisation) bool { return o.OID == oid })
}
