package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portti/conformance/cases"
	"portti/conformance/report"
	"portti/conformance/run"
	"portti/conformance/wire"
	"portti/fixtures"
)

// TestTEST4_RKO7_TheCommandObservesTwoSystems: the organiser's system and the provider's
// are each led through their own part by one command, which tells what is done as it
// happens and writes one report of both.
func TestTEST4_RKO7_TheCommandObservesTwoSystems(t *testing.T) {
	_, target := gatewayForConformance(t, nil)
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	w, name := fixtures.Default(), filepath.Join(t.TempDir(), "trial.json")
	type ended struct {
		code        int
		out, stderr string
	}
	over := make(chan ended, 1)
	go func() {
		code, out, errs := runMain(nil, "conformance", "observe", "--target", target, "--listen", "127.0.0.1:"+port, "--admin", "127.0.0.1:0",
			"--trial", "registry-use", "--device", w.Organisations[0].OID, "--target-name", "Sumu 3", "--provider-device", w.Organisations[2].OID,
			"--provider-name", "Hoiva 1", "--report", name, "--limit", "1m")
		over <- ended{code, out, errs}
	}()
	base := "http://127.0.0.1:" + port
	listens(t, base)
	for _, id := range []string{"CLIENT-REGISTRY-ORGANISER", "CLIENT-REGISTRY-PROVIDER"} {
		p := &run.Player{World: w, Now: func() time.Time { return w.Now },
			Client: &wire.Client{Base: base, HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}}}
		if err := p.Play(context.Background(), cases.Default().Case(id)); err != nil {
			t.Fatal(err)
		}
	}
	x := <-over
	if x.code != exitOK || !strings.Contains(x.stderr, "now: CLIENT-REGISTRY-PROVIDER") || !strings.Contains(x.stderr, "Hoiva 1  1/1 passed") {
		t.Errorf("%d\n%s\n%s", x.code, x.out, x.stderr)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	r, err := report.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	complainOf(t, r.Results)
	if r.Count().Passed != 2 || r.Trial != "registry-use" || r.Target.Name != "Sumu 3 + Hoiva 1" || !strings.Contains(r.Target.Peer, w.Organisations[2].OID) {
		t.Errorf("%+v %+v", r.Count(), r.Target)
	}
}

// listens waits until somebody answers at an address.
func listens(t *testing.T, base string) {
	t.Helper()
	for began := time.Now(); ; {
		res, err := http.Get(base + "/readyz")
		if err == nil {
			res.Body.Close()
			return
		}
		if time.Since(began) > time.Minute {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
