package main

import (
	"context"
	"fmt"
	"net/http"
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
	"portti/xmldsig/trust"

	"github.com/rs/zerolog"
)

// gatewayForConformance runs a gateway for the fixtures' world until the test ends
// and gives its address.
func gatewayForConformance(t *testing.T, change func(*gateway.Config)) (*gateway.Instance, string) {
	t.Helper()
	w := fixtures.Default()
	judge, err := trust.New(trust.Options{AnchorCertificates: w.Authority.Certificates()})
	if err != nil {
		t.Fatal(err)
	}
	var n atomic.Int64
	c := gateway.Config{
		Data: t.TempDir(), Profile: catalogue.Strict, World: pipeline.Test, Lang: catalogue.English, Trust: judge,
		Root: "1.2.246.10.99999901.10.1.18", Owner: w.Organisations[0].OID, Listen: "127.0.0.1:0", Log: zerolog.Nop(),
		Now: func() time.Time { return w.Now }, NewID: func() string { return fmt.Sprintf("%d", n.Add(1)) },
	}
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

func TestConformanceOurGatewayPassesEveryCase(t *testing.T) {
	_, url := gatewayForConformance(t, nil)
	began := time.Now()
	results, err := runnerFor(url).Run(context.Background(), cases.Default().Select(cases.Selection{}))
	if err != nil {
		t.Fatal(err)
	}
	complainOf(t, results)
	t.Logf("%d cases in %v", len(results), time.Since(began))
	http.DefaultClient.CloseIdleConnections()
}
