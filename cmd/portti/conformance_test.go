package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portti/cda/rules/catalogue"
	"portti/conformance/cases"
	"portti/conformance/report"
	"portti/conformance/run"
	"portti/fixtures"
	"portti/gateway"
	"portti/gateway/pipeline"
	"portti/internal/share"
	"portti/xmldsig"
	"portti/xmldsig/trust"

	"github.com/rs/zerolog"
)

func gatewayConfigForConformance(t *testing.T) gateway.Config {
	t.Helper()
	w := fixtures.Default()
	judge, err := trust.New(trust.Options{AnchorCertificates: w.Authority.Certificates()})
	if err != nil {
		t.Fatal(err)
	}
	var n atomic.Int64
	return gateway.Config{
		Data: t.TempDir(), Profile: catalogue.Strict, World: pipeline.Test, Lang: catalogue.English, Trust: judge,
		Root: "1.2.246.10.99999901.10.1.18", Owner: w.Organisations[0].OID, Listen: "127.0.0.1:0", Log: zerolog.Nop(),
		Now: func() time.Time { return w.Now }, NewID: func() string { return fmt.Sprintf("%d", n.Add(1)) },
	}
}

// gatewayForConformance runs a gateway for the fixtures' world until the test ends
// and gives its address.
func gatewayForConformance(t *testing.T, change func(*gateway.Config)) (*gateway.Instance, string) {
	t.Helper()
	c := gatewayConfigForConformance(t)
	if change != nil {
		change(&c)
	}
	g, err := gateway.Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := g.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	if err := g.Start(); err != nil {
		t.Fatal(err)
	}
	return g, "http://" + g.Addr().String()
}

// runnerFor is a runner for the fixtures' world.
func runnerFor(target string) *run.Runner {
	return &run.Runner{World: fixtures.Default(), Target: target, Now: func() time.Time { return fixtures.Default().Now }}
}

// complain tells of each case that did not pass.
func complainOf(t *testing.T, results []report.Case) {
	t.Helper()
	for _, c := range results {
		if c.Verdict == report.Passed || c.Verdict == report.NotJudged {
			continue
		}
		last := report.Step{}
		if len(c.Steps) > 0 {
			last = c.Steps[len(c.Steps)-1]
		}
		t.Errorf("%s: %s at step %d (%s)", c.ID, c.Verdict, len(c.Steps), last.Say["en"])
		for _, p := range last.Problems {
			t.Logf("  %s", p.Text["en"])
		}
		for _, f := range last.Findings {
			t.Logf("  %s %s %.160s", f.Severity, f.Rule, f.Text)
		}
	}
}

// TestTEST2_OurGatewayPassesEveryCase runs every case of every profile against our
// own gateway, with every control hook: none fails, and none is left unjudged.
func TestTEST2_OurGatewayPassesEveryCase(t *testing.T) {
	g := newRestarted(t)
	r := runnerFor(g.url)
	r.Hooks = g.hooks()
	began := time.Now()
	results, err := r.Run(context.Background(), share.Sample(cases.Default().Select(cases.Selection{}), 10))
	if err != nil {
		t.Fatal(err)
	}
	complainOf(t, results)
	for _, c := range results {
		if c.Verdict == report.NotJudged {
			t.Errorf("%s is not judged", c.ID)
		}
	}
	t.Logf("%d cases in %v", len(results), time.Since(began))
}

// TestCasesThatNeedMoreAreNotJudged: without their hook they neither pass nor fail.
func TestCasesThatNeedMoreAreNotJudged(t *testing.T) {
	_, url := gatewayForConformance(t, nil)
	results, err := runnerFor(url).Run(context.Background(), cases.Default().Select(cases.Selection{Tags: []string{"restart"}}))
	if err != nil || len(results) == 0 {
		t.Fatal(err, len(results))
	}
	for _, c := range results {
		if c.Verdict != report.NotJudged {
			t.Errorf("%s: %s", c.ID, c.Verdict)
		}
	}
}

// TestARunShowsItsProgressAndWaitsNotForEver: a bar on a terminal only, and a bound on
// each answer.
func TestARunShowsItsProgressAndWaitsNotForEver(t *testing.T) {
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then the server sees that the client has gone
		<-r.Context().Done()
	}))
	defer silent.Close()
	s := t.TempDir()
	if err := os.WriteFile(filepath.Join(s, "world.json"), []byte(`{"seed":"a silent archive","now":"2026-03-02T09:00:00Z"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, terminal := range []bool{true, false} {
		var out, errs bytes.Buffer
		m := &Main{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Terminal: terminal,
			Now: func() time.Time { return fixtures.Default().Now }, NewID: func() string { return "1" }}
		code := m.Run(context.Background(), []string{"conformance", "run", "--target", silent.URL, "--world-dir", s, "--id", "STORE-RELATIONSHIP", "--id", "WSDL", "--timeout", "50ms"})
		if code != exitInvalid || strings.Count(out.String(), "No answer") != 2 {
			t.Errorf("exit code %d\n%s", code, out.String())
		}
		if shown := strings.Contains(errs.String(), "conformance") && strings.Contains(errs.String(), "/2"); shown != terminal {
			t.Errorf("terminal %t: the bar is %q", terminal, errs.String())
		}
	}
}

// restarted is a gateway at one address that can be started again.
type restarted struct {
	t      *testing.T
	config gateway.Config
	url    string
	mu     sync.Mutex
	now    *gateway.Instance
}

func newRestarted(t *testing.T) *restarted {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	g := &restarted{t: t, config: gatewayConfigForConformance(t), url: "http://127.0.0.1:" + port}
	g.config.Listen = "127.0.0.1:" + port
	g.config.Trust = trustWithRevocation(t)
	if err := g.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return g
}

func (g *restarted) start() (err error) {
	if g.now, err = gateway.Open(context.Background(), g.config); err != nil {
		return err
	}
	return g.now.Start()
}

func (g *restarted) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return g.now.Close(ctx)
}

func (g *restarted) restart(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.stop(ctx); err != nil {
		return err
	}
	return g.start()
}

// trustWithRevocation knows the world's revocation lists.
func trustWithRevocation(t *testing.T) xmldsig.Trust {
	t.Helper()
	w, dir := fixtures.Default(), t.TempDir()
	for _, f := range []fixtures.Fault{fixtures.RevokedSigner, fixtures.CompromisedSigner} { // made once, they are on the lists
		if _, err := w.Mutate(w.Doc("plan"), f); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.WriteDir(dir); err != nil {
		t.Fatal(err)
	}
	judge, err := trust.New(trust.Options{AnchorCertificates: w.Authority.Certificates(), Now: func() time.Time { return w.Now },
		Revocation: trust.Revocation{Mode: trust.Soft, Files: []string{filepath.Join(dir, "crl")}}})
	if err != nil {
		t.Fatal(err)
	}
	return judge
}
