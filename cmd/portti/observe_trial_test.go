package main

import (
	"context"
	"crypto/tls"
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
	"portti/xmldsig/pki"
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

// TestPRO6_TheCommandTellsSystemsByTheirCertificates: over HTTPS, what another
// organisation's system sends is passed on, but is not taken for the observed system's.
func TestPRO6_TheCommandTellsSystemsByTheirCertificates(t *testing.T) {
	_, target := gatewayForConformance(t, nil)
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	w, dir := fixtures.Default(), t.TempDir()
	leaf, err := w.Server("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	if err := pki.WriteLeaf(filepath.Join(dir, "server"), leaf); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ca.pem"), pki.EncodeCertificates(w.Authority.Certificates()...), 0o600); err != nil {
		t.Fatal(err)
	}
	over := make(chan int, 1)
	go func() {
		code, _, errs := runMain(nil, "conformance", "observe", "--target", target, "--listen", "127.0.0.1:"+port, "--admin", "127.0.0.1:0", "--id", "CLIENT-STORE-OLD-PDF",
			"--certificate", w.Organisations[0].OID, "--serve-certificate", filepath.Join(dir, "server.crt"), "--serve-key", filepath.Join(dir, "server.key"), "--serve-client-ca", filepath.Join(dir, "ca.pem"), "--limit", "1m")
		t.Log(errs)
		over <- code
	}()
	base := "https://127.0.0.1:" + port
	play := func(o *fixtures.Organisation, id string) {
		t.Helper()
		config := &tls.Config{RootCAs: w.Authority.Pool(), Certificates: []tls.Certificate{o.System.Transport.TLS()}, Time: func() time.Time { return w.Now }}
		p := &run.Player{World: w, Now: func() time.Time { return w.Now },
			Client: &wire.Client{Base: base, HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: config}, Timeout: time.Minute}}}
		if err := p.Play(context.Background(), cases.Default().Case(id)); err != nil {
			t.Fatal(err)
		}
	}
	listens(t, "http://127.0.0.1:"+port)               // a plain request is answered, too: that HTTPS is wanted
	play(w.Organisations[1], "CLIENT-STORE-OLD-XHTML") // would fail the case
	play(w.Organisations[0], "CLIENT-STORE-OLD-PDF")
	if code := <-over; code != exitOK {
		t.Errorf("exit code %d", code)
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
