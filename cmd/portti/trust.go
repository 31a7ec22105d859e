package main

import (
	"context"
	"encoding/asn1"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"portti/gateway"
	"portti/gateway/pipeline"
	"portti/xmldsig"
	"portti/xmldsig/trust"
	"portti/xmldsig/trust/fetch"

	"github.com/rs/zerolog"
	"github.com/spf13/pflag"
)

func (m *Main) trustFlags(f *pflag.FlagSet) {
	f.String("trust", "", "PEM `FILE` or folder: CA certificates of signers")
	f.String("pinned", "", "PEM `FILE` or folder: signers trusted by themselves")
	f.String("trust-system", "", "PEM `FILE` or folder: those CA certificates whose issue may sign as systems (default any of --trust)")
	f.String("trust-professional", "", "the same for professionals")
	f.String("crl", "", "`FILE` or folder of revocation lists")
	f.String("revocation", "", "where revocation cannot be checked: off does not check, soft remarks, hard refuses (default hard where --crl or --revocation-fetch is given, else off)")
	f.String("revocation-fetch", "", "what to ask at the addresses in certificates: none, ocsp, crl, or ocsp,crl in that order (default none)")
	f.String("revocation-allow", "", "`ADDRESSES` of the own network that may be asked, such as 10.1.0.0/16,127.0.0.1")
	f.String("ocsp-nonce", "", "OCSP nonces: send, require or none (default send)")
}

func (m *Main) listenFlags(f *pflag.FlagSet) {
	f.String("listen", m.config.Listen, "`ADDR`ess of plain HTTP (default 127.0.0.1:8080)")
	f.String("admin", "", "`ADDR`ess of the operator's pages (metrics); without it they are on a loopback --listen")
}

// trust gives who may sign. With neither anchors nor pins every signature is
// refused, with a finding that says so.
func (m *Main) trust() (*trust.Store, error) {
	issuers := map[int][]string{}
	if name := m.config.TrustSystem; name != "" {
		issuers[xmldsig.TypeSystem] = []string{name}
	}
	if name := m.config.TrustProfessional; name != "" {
		issuers[xmldsig.TypeProfessional], issuers[xmldsig.TypeMulti] = []string{name}, []string{name}
	}
	return m.trustIn(m.config.Trust, m.config.Pinned, issuers)
}

// trustIn is a Store over files, with the configured way to check revocation. In
// production test certificates are refused.
func (m *Main) trustIn(anchors, pins string, issuers map[int][]string) (*trust.Store, error) {
	purposes, err := m.config.purposes()
	if err != nil {
		return nil, usage(err, "trust_policies_system and trust_policies_professional take OIDs with commas between")
	}
	skew, _ := time.ParseDuration(m.config.TrustSkew) // check has refused others
	o := trust.Options{Now: m.Now, Issuers: issuers, Purposes: purposes, Skew: skew}
	if anchors != "" {
		o.Anchors = []string{anchors}
	}
	if pins != "" {
		o.Pins = []string{pins}
	}
	if pipeline.World(m.config.World) == pipeline.Production {
		o.RefusedPolicies = []asn1.ObjectIdentifier{trust.TestPolicies}
	}
	if o.Revocation, err = m.config.revocation(); err != nil {
		return nil, usage(err, "see portti help verify for --revocation and its like")
	}
	s, err := trust.New(o)
	if err != nil {
		return nil, usage(err, "--trust and --pinned take PEM or DER certificates, --crl revocation lists")
	}
	return s, nil
}

// purposes are trust's own with the policies that certificates must assert.
func (c *config) purposes() (map[int]trust.Purpose, error) {
	out := trust.DefaultPurposes()
	for _, p := range []struct {
		list  string
		types []int
	}{
		{c.PoliciesSystem, []int{xmldsig.TypeSystem}},
		{c.PoliciesProfessional, []int{xmldsig.TypeProfessional, xmldsig.TypeMulti}},
	} {
		ids, err := identifiers(p.list)
		if err != nil {
			return nil, err
		}
		for _, typ := range p.types {
			x := out[typ]
			x.Policies = ids
			out[typ] = x
		}
	}
	return out, nil
}

// identifiers reads OIDs with commas between.
func identifiers(list string) ([]asn1.ObjectIdentifier, error) {
	var out []asn1.ObjectIdentifier
	for _, s := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		if !trust.IsOID(s) {
			return nil, fmt.Errorf("%q is no OID", s)
		}
		var id asn1.ObjectIdentifier
		for arc := range strings.SplitSeq(s, ".") {
			n, err := strconv.Atoi(arc)
			if err != nil {
				return nil, err
			}
			id = append(id, n)
		}
		out = append(out, id)
	}
	return out, nil
}

// revocation turns the configuration into trust's.
func (c *config) revocation() (trust.Revocation, error) {
	o := trust.Revocation{Mode: trust.Mode(c.Revocation), Nonce: trust.Nonce(c.OCSPNonce)}
	if c.CRL != "" {
		o.Files = []string{c.CRL}
	}
	if c.RevocationFetch != "none" {
		for _, s := range strings.Split(c.RevocationFetch, ",") {
			o.Order = append(o.Order, trust.Source(strings.TrimSpace(s)))
		}
		allow, err := prefixes(c.RevocationAllow)
		if err != nil {
			return o, err
		}
		if o.Fetcher, err = fetch.New(fetch.Options{Allow: allow}); err != nil {
			return o, err
		}
	}
	if o.Mode == "auto" {
		o.Mode = trust.Off
		if o.Files != nil || o.Fetcher != nil {
			o.Mode = trust.Hard
		}
	}
	return o, nil
}

// prefixes reads addresses and ranges with commas between.
func prefixes(list string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		p, err := netip.ParsePrefix(s)
		if a, single := netip.ParseAddr(s); err != nil && single == nil {
			p, err = a.Prefix(a.BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("revocation_allow: %q is neither an address nor a range such as 10.1.0.0/16", s)
		}
		out = append(out, p)
	}
	return out, nil
}

// clientTrust makes who judges client certificates, where they are asked for: the
// issuers of tls.client_ca, and revocation as for signers.
func (m *Main) clientTrust(c *gateway.Config) (*trust.Store, error) {
	if c.TLS.ClientCA == "" || c.TLS.Clients == "" || c.TLS.Clients == gateway.NoClientCertificates {
		return nil, nil
	}
	s, err := m.trustIn(c.TLS.ClientCA, "", nil)
	if err == nil {
		c.TLS.Trust = s
	}
	return s, err
}

// watchTrust reloads stores when their files change and on SIGHUP, until stop is
// called.
func (m *Main) watchTrust(ctx context.Context, log zerolog.Logger, stores ...*trust.Store) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	report := func(err error) {
		if err != nil {
			log.Error().Err(err).Msg("trust: the files cannot be read; the old stay in force")
			return
		}
		log.Info().Msg("trust: the files are read anew")
	}
	var work sync.WaitGroup
	interval, _ := time.ParseDuration(m.config.TrustWatch) // check has refused others
	for _, s := range stores {
		if s != nil && interval > 0 {
			work.Go(func() { s.Watch(ctx, interval, report) })
		}
	}
	work.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-hangup:
				report(reload(stores))
			}
		}
	})
	return func() {
		signal.Stop(hangup)
		cancel()
		work.Wait()
		for _, s := range stores {
			if s != nil {
				s.Close()
			}
		}
	}
}

func reload(stores []*trust.Store) error {
	var errs []error
	for _, s := range stores {
		if s != nil {
			errs = append(errs, s.Reload())
		}
	}
	return errors.Join(errs...)
}

// systemConfig is a joined system in the configuration:
//
//	systems:
//	  - name: Asiakastietojärjestelmä
//	    organisation: 1.2.246.10.99999901.10.0   # in its certificates
//	    devices: [1.2.246.10.99999938.10.1]      # senders it names itself by
//	    controllers: [1.2.246.10.99999911.10.0]  # for whom it acts besides its own
type systemConfig struct {
	Name         string   `koanf:"name"`
	Organisation string   `koanf:"organisation"`
	Devices      []string `koanf:"devices"`
	Controllers  []string `koanf:"controllers"`
}

func (c *config) systems() pipeline.Systems {
	var out pipeline.Systems
	for _, s := range c.Systems {
		out = append(out, pipeline.System{ID: s.Name, Name: s.Name, Organisation: s.Organisation, Devices: s.Devices, Controllers: s.Controllers})
	}
	return out
}

// checkTrust refuses what cannot be meant.
func (c *config) checkTrust() error {
	if d, err := time.ParseDuration(c.TrustWatch); err != nil || d < 0 {
		return usage(fmt.Errorf("trust_watch is %q", c.TrustWatch), "use a time such as 30s, or 0")
	}
	if d, err := time.ParseDuration(c.TrustSkew); err != nil || d < 0 {
		return usage(fmt.Errorf("trust_skew is %q", c.TrustSkew), "use a time such as 2m, or 0")
	}
	for i, s := range c.Systems {
		for _, oid := range append(append([]string{s.Organisation}, s.Devices...), s.Controllers...) {
			if !trust.IsOID(oid) {
				return usage(fmt.Errorf("systems[%d] (%s): %q is no OID", i, s.Name, oid), "organisation, devices and controllers are OIDs")
			}
		}
	}
	return nil
}
