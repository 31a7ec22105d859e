package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"portti/conformance/observe"
	"portti/gateway"
	"portti/gateway/pipeline"
	"portti/gateway/validation"
	"portti/store"
	"portti/xmldsig"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
)

// stopTime is how long a stopping gateway may take to finish what it accepted.
const stopTime = 60 * time.Second

func (m *Main) serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "serve --data DIR", Short: "runs the gateway; creates the archive on first start", Args: cobra.NoArgs,
		Example: "  portti serve --data var/archive --trust ca.pem\n" +
			"  portti serve --data var/archive --trust ca.pem --tls-listen :8443 --tls-certificate server.pem --tls-key server.key --tls-client-ca ca.pem --tls-clients required",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if m.config.Data == "" {
				return usage(errors.New("serve needs --data DIR"), "portti serve --data var/archive --trust ca.pem")
			}
			trust, err := m.trust()
			if err != nil {
				return err
			}
			c := m.gatewayConfig(trust)
			if c.Book, err = m.book(); err != nil {
				return err
			}
			if c.Signer, err = m.archiveSigner(); err != nil {
				return err
			}
			c.PhrasesExact = m.config.Phrases == "exact"
			if c.Phase1Until, err = m.config.phase1Until(); err != nil {
				return err
			}
			if c.Archivists, err = m.config.archivists(); err != nil {
				return err
			}
			if c.OIDC, err = m.config.oidc(); err != nil {
				return err
			}
			if c.UsageRules, err = readRules(m.config.UsageRules); err != nil {
				return err
			}
			if c.Access, err = m.accessSettings(m.config.AccessSettings); err != nil {
				return err
			}
			clients, err := m.clientTrust(&c)
			if err != nil {
				return err
			}
			if err := m.refuseDemoKeys(c.TLS.Certificate); err != nil {
				return err
			}
			if c.Master, err = m.master(c.Data); err != nil {
				return err
			}
			c.ReplayList = m.replayList(c.Data)
			if c.Stamp, c.StampEvery, err = m.stamper(); err != nil {
				return err
			}
			defer m.watchTrust(cmd.Context(), c.Log, trust, clients)()
			if err := m.observeTraffic(&c); err != nil {
				return err
			}
			return m.serve(cmd.Context(), c, nil)
		},
	}
	f := cmd.Flags()
	f.String("data", "", "the archive's `DIR`ectory")
	m.listenFlags(f)
	m.trustFlags(f)
	f.String("trust-watch", "", "how often to look whether the files of trust have changed, such as 30s; 0 only on SIGHUP (default 1m)")
	m.ruleFlags(f)
	m.masterFlags(f)
	f.String("timestamp-url", "", "`URL` of a time-stamp authority (RFC 3161) for checkpoints")
	f.String("timestamp-trust", "", "PEM `FILE` or folder: certificates that the authority's leads to")
	f.String("timestamp-every", "", "how often a checkpoint is stamped (default 1h)")
	f.String("replay-list", "", "`FILE` that is told of disposals, nullifications and withdrawn permissions, for a restore (default DIR.replay)")
	f.String("encryption", "on", "whether a new archive is encrypted: on or off")
	f.String("tls-listen", "", "`ADDR`ess of HTTPS")
	f.String("tls-certificate", "", "PEM `FILE` of the server's certificate")
	f.String("tls-key", "", "PEM `FILE` of its key")
	f.String("tls-client-ca", "", "PEM `FILE` or folder: issuers of client certificates")
	f.String("tls-clients", "none", "client certificates: none, optional or required")
	f.String("archive-signature", "off", "the archive's own signature of documents: off, store (made when archived, kept beside) or return (made when given out)")
	f.String("archive-key", "", "PEM `FILE` of the key of --archive-signature")
	f.String("archive-certificate", "", "PEM or DER `FILE` of its certificate")
	f.Bool("observe", false, "watch client systems and lead them through joint-test cases (test world; pages on the --admin listener)")
	f.String("usage-rules", "", "YAML `FILE` of rules that find unusual use (LOG-6), beside the shipped ones")
	f.String("access-settings", "", "`FILE` of choices about registry-use rights: closing delays in weekdays, calendar")
	f.Bool("accept-health", false, "archive health documents too (test world)")
	return cmd
}

// gatewayConfig turns the configuration into the gateway's.
func (m *Main) gatewayConfig(trust xmldsig.Trust) gateway.Config {
	c := &m.config
	return gateway.Config{
		Data: c.Data, Profile: c.profile(), World: pipeline.World(c.World), Lang: c.lang(), Trust: trust,
		Systems: c.systems(), AcceptHealth: c.AcceptHealth, RequireAddressing: c.RequireAddressing, Root: c.Root, Owner: c.Owner,
		Document: c.Document, InFlight: c.InFlight, Listen: c.Listen, TLSListen: c.TLSListen, Admin: c.Admin,
		TLS: gateway.TLSFiles{
			Certificate: c.TLS.Certificate, Key: c.TLS.Key, ClientCA: c.TLS.ClientCA,
			Clients: gateway.ClientCertificates(c.TLS.Clients),
		},
		Log: zerolog.New(m.Stderr).With().Timestamp().Logger(),
		Now: m.Now, NewID: m.NewID, Versions: []string{"portti", version + " " + commit, "Go", runtime.Version()},
	}
}

// serve runs a gateway until ctx ends or a listener falls. Once it listens it
// calls ready, if there is one; an error of ready ends it.
func (m *Main) serve(ctx context.Context, c gateway.Config, ready func(*gateway.Instance) error) (err error) {
	g, err := gateway.Open(ctx, c)
	if err != nil {
		return system(err, storeHint(err))
	}
	defer func() {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
		if e := g.Close(stop); e != nil && err == nil {
			err = system(e, "")
		}
	}()
	if err := g.Start(); err != nil {
		return system(err, "choose another address with --listen, such as 127.0.0.1:0")
	}
	stopControl, err := serveControl(g, c.Data)
	if err != nil {
		return system(err, "")
	}
	defer func() { err = errors.Join(err, stopControl()) }()
	m.whereToConnect(m.Stdout, g)
	if ready != nil {
		if err := ready(g); err != nil {
			return err
		}
	}
	select {
	case <-ctx.Done():
		fmt.Fprintln(m.Stdout, "stopping: finishing what was accepted")
		return nil
	case err := <-g.Failed():
		return system(err, "")
	}
}

// storeHint is the archive's own advice for an error.
func storeHint(err error) string {
	var e *store.Error
	if errors.As(err, &e) {
		return e.Hint
	}
	return ""
}

// whereToConnect prints every door.
func (m *Main) whereToConnect(w io.Writer, g *gateway.Instance) {
	rest := "not encrypted"
	if g.Store.Encrypted() {
		rest = "encrypted"
	}
	fmt.Fprintf(w, "archive: %s (world %s, profile %s, %s)\n", m.config.Data, m.config.World, m.config.Profile, rest)
	for _, l := range []struct {
		scheme string
		addr   fmt.Stringer
		on     bool
	}{
		{"http", g.Addr(), g.Addr() != nil}, {"https", g.TLSAddr(), g.TLSAddr() != nil},
	} {
		if l.on {
			base := l.scheme + "://" + l.addr.String()
			fmt.Fprintf(w, "SOAP:    %s/soap\nWSDL:    %s/soap?wsdl\nnotices: %s/fhir\nproofs:  %s/proofs/checkpoint\n", base, base, base, base)
			fmt.Fprintf(w, "check:   %s%s\nerrors:  %s/errors\npages:   %s/\nhealth:  %s/healthz %s/readyz\n", base, validation.Path, base, base, base, base)
		}
	}
	if a := g.AdminAddr(); a != nil {
		fmt.Fprintf(w, "admin:   http://%s/operator http://%s/metrics\n", a, a)
		if m.config.Observe {
			fmt.Fprintf(w, "observe: http://%s%s\n", a, observe.Prefix)
		}
	}
}
