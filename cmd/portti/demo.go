package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"portti/fixtures"
	"portti/gateway"
	"portti/gateway/pipeline"
	"portti/gateway/soap"
	"portti/internal/xmltree"
	"portti/xmldsig/pki"
	"portti/xmldsig/trust"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
)

// demoSeed is the seed of the demo world; demoOldRows are the documents of the old
// system beside it, which portti migrate empties.
const (
	demoSeed    = "portti demo"
	demoOldRows = 90
)

func (m *Main) demoCommand() *cobra.Command {
	var once bool
	cmd := &cobra.Command{
		Use: "demo --data DIR", Args: cobra.NoArgs,
		Short:   "makes a demo world, starts the gateway and sends sample documents through its SOAP door",
		Example: "  portti demo --data var/demo",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if m.config.Data == "" {
				return usage(errors.New("demo needs --data DIR"), "portti demo --data var/demo")
			}
			if pipeline.World(m.config.World) != pipeline.Test {
				return usage(errors.New("the demo world is a test world"), "")
			}
			if !loopback(m.config.Listen) {
				return usage(errors.New("the demo's keys are known to all: it listens on this machine alone"), "use --listen 127.0.0.1:8080")
			}
			return m.demo(cmd.Context(), once)
		},
	}
	f := cmd.Flags()
	f.String("data", "", "`DIR`ectory of the demo's world and archive")
	f.BoolVar(&once, "once", false, "end when the samples are archived")
	m.listenFlags(f)
	return cmd
}

// demo is one run: world, gateway, samples.
func (m *Main) demo(ctx context.Context, once bool) (err error) {
	dir := m.config.Data
	w, err := m.demoWorld(dir)
	if err != nil {
		return system(err, "")
	}
	tr, err := trust.New(trust.Options{AnchorCertificates: w.Authority.Certificates()})
	if err != nil {
		return system(err, "")
	}
	log, err := os.OpenFile(filepath.Join(dir, "gateway.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return system(err, "")
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	c := m.gatewayConfig(tr)
	c.Data = filepath.Join(dir, "archive")
	c.Log = zerolog.New(log).With().Timestamp().Logger()
	if err := m.demoPages(&c, w, dir); err != nil {
		return err
	}
	suite := &pagesSuite{world: w, now: m.Now}
	c.Suite = suite
	if err := m.observeTraffic(&c); err != nil {
		return err
	}
	world := filepath.Join(dir, "world")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	return m.serve(ctx, c, func(g *gateway.Instance) error {
		target := "http://" + g.Addr().String()
		suite.target.Store(&target)
		if err := m.demoSend(ctx, w, g, dir); err != nil {
			return err
		}
		if once {
			cancel()
			return nil
		}
		fmt.Fprintf(m.Stdout, "\nthe gateway stays up; stop it with Ctrl-C. Try, in another terminal:\n"+
			"  curl -H 'Content-Type: text/xml' --data-binary @%s/requests/plan.xml http://%s/soap\n"+
			"  bin/portti validate --trust %s/ca.pem %s/documents/plan.xml\n", world, g.Addr(), world, world)
		return nil
	})
}

// demoSend sends every sample through the SOAP door and shows each answer.
func (m *Main) demoSend(ctx context.Context, w *fixtures.World, g *gateway.Instance, dir string) error {
	c, err := newArchiveClient("http://"+g.Addr().String()+"/soap", clientTLS{})
	if err != nil {
		return system(err, "")
	}
	fmt.Fprintf(m.Stdout, "\nsending %d sample documents through the SOAP door:\n", len(w.Documents))
	refused := 0
	for _, d := range w.Documents {
		b := w.Frame(d)
		t, err := xmltree.Parse(b, xmltree.Limits{Bytes: len(b)})
		if err != nil {
			return system(err, "")
		}
		a, err := c.send(ctx, t)
		if err != nil {
			return system(err, "")
		}
		if a.exitCode() != exitOK {
			refused++
		}
		if err := m.demoAnswer(d.Name, a); err != nil {
			return err
		}
	}
	if refused > 0 {
		return system(fmt.Errorf("%d of %d samples were not archived", refused, len(w.Documents)), "see "+filepath.Join(dir, "gateway.log"))
	}
	fmt.Fprintf(m.Stdout, "%d documents are archived in %s\n", len(w.Documents), filepath.Join(dir, "archive"))
	return nil
}

// demoAnswer shows an acknowledgement: an accepted one in a line, with the rules of
// its remarks, any other in full.
func (m *Main) demoAnswer(name string, a *answer) error {
	if m.config.Format == "json" || a.exitCode() != exitOK {
		return m.printAnswer(m.Stdout, name, a)
	}
	remarks := ""
	for _, d := range a.ack.Details {
		remarks += " " + d.Severity.String() + ":" + d.Rule
	}
	_, err := fmt.Fprintf(m.Stdout, "%s: %s %s%s\n", name, a.ack.Code, ackWord(a.ack.Code), remarks)
	return err
}

// demoFile keeps what makes the world the same at the next start.
type demoFile struct {
	Seed string    `json:"seed"`
	Now  time.Time `json:"now"`
}

// demoWorld makes the world in dir, or makes it again as it was: same seed and
// clock, same bytes. So a second start sends the same documents, and the archive
// answers as it did the first time.
func (m *Main) demoWorld(dir string) (*fixtures.World, error) {
	world := filepath.Join(dir, "world")
	for _, d := range []string{"documents", "requests"} {
		if err := os.MkdirAll(filepath.Join(world, d), 0o700); err != nil {
			return nil, err
		}
	}
	d, err := m.demoSeedFile(filepath.Join(world, "world.json"))
	if err != nil {
		return nil, err
	}
	w, err := fixtures.NewWorld(d.Seed, fixtures.Options{Now: d.Now})
	if err != nil {
		return nil, err
	}
	if _, err := w.WriteOldSystem(filepath.Join(world, "old"), fixtures.OldOptions{Rows: demoOldRows}); err != nil {
		return nil, err
	}
	return w, writeWorld(world, w)
}

func (m *Main) demoSeedFile(name string) (d demoFile, err error) {
	b, err := os.ReadFile(name)
	if err == nil {
		return d, json.Unmarshal(b, &d)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return d, err
	}
	d = demoFile{Seed: demoSeed, Now: m.Now().UTC().Truncate(time.Second)}
	if b, err = json.Marshal(d); err != nil {
		return d, err
	}
	return d, os.WriteFile(name, b, 0o600)
}

// writeWorld writes what people try things with: CA certificates, the register of
// organisations and what has joined, documents, and the same as SOAP requests.
func writeWorld(dir string, w *fixtures.World) error {
	for name, b := range map[string][]byte{
		"ca.pem":       pki.EncodeCertificates(w.Authority.Certificates()...),
		"register.xml": w.RegisterXML(), "joined.yaml": w.JoinedYAML(),
		"notice.json": w.Notices(w.Notice("1.2.246.10.99999901.10.0.95.2026.8.1")),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			return err
		}
	}
	for _, d := range w.Documents {
		if err := os.WriteFile(filepath.Join(dir, "documents", d.Name+".xml"), d.Bytes, 0o600); err != nil {
			return err
		}
		request := `<soap:Envelope xmlns:soap="` + soap.NS11 + `"><soap:Body>` + string(w.Frame(d)) + `</soap:Body></soap:Envelope>`
		if err := os.WriteFile(filepath.Join(dir, "requests", d.Name+".xml"), []byte(request), 0o600); err != nil {
			return err
		}
	}
	return nil
}
