package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"portti/gateway"
	"portti/xmldsig"
	"portti/xmldsig/pki"
	"portti/xmldsig/trust"

	"github.com/rs/zerolog"
)

// lines is a log that tells each line as it comes.
type lines chan string

func (l lines) Write(b []byte) (int, error) {
	l <- string(bytes.TrimSpace(b))
	return len(b), nil
}

func TestHangupReadsTheFilesOfTrustAnew(t *testing.T) {
	ca, err := pki.New(pki.Options{Seed: "hangup", Now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), AuthorityAlgorithm: pki.P256})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	write := func(b []byte) {
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(pki.EncodeCertificates(ca.Certificates()[:1]...))
	m := &Main{Now: time.Now, config: defaults()}
	m.config.Trust, m.config.TrustWatch = file, "0"
	s, err := m.trust()
	if err != nil {
		t.Fatal(err)
	}
	log := make(lines)
	stop := m.watchTrust(context.Background(), zerolog.New(log), s, nil)
	var once sync.Once
	defer once.Do(stop)
	for _, c := range []struct {
		content []byte
		says    string
		anchors int
	}{
		{pki.EncodeCertificates(ca.Certificates()...), "read anew", 4},
		{[]byte("no certificate"), "the old stay in force", 4},
		{pki.EncodeCertificates(ca.Certificates()[0]), "read anew", 1},
	} {
		write(c.content)
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		if line := <-log; !strings.Contains(line, c.says) {
			t.Errorf("%s, want %q", line, c.says)
		}
		if n := len(s.Anchors()); n != c.anchors {
			t.Errorf("%d anchors, want %d", n, c.anchors)
		}
	}
	once.Do(stop)
}

func TestSystemsComeFromTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "portti.yaml")
	yaml := "systems:\n  - name: A\n    organisation: 1.2.246.10.99999901.10.0\n    devices: [1.2.3]\n    controllers: [1.2.4, 1.2.5]\n  - organisation: 1.2.246.10.99999902.10.0\n"
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	m := &Main{}
	cmd, _, err := m.root().Find([]string{"serve"})
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.ParseFlags([]string{"-C", file}); err != nil {
		t.Fatal(err)
	}
	if err := m.configure(cmd); err != nil {
		t.Fatal(err)
	}
	got := m.config.systems()
	if len(got) != 2 || got[0].Name != "A" || !slices.Equal(got[0].Controllers, []string{"1.2.4", "1.2.5"}) || got[1].Organisation != "1.2.246.10.99999902.10.0" {
		t.Errorf("%+v", got)
	}
	if !got.MayActFor("1.2.246.10.99999901.10.0", "1.2.5") || got.MayActFor("1.2.246.10.99999902.10.0", "1.2.5") {
		t.Error("controllers are mixed up")
	}
}

func TestRevocationFromConfiguration(t *testing.T) {
	for _, c := range []struct {
		change func(*config)
		mode   trust.Mode
		order  []trust.Source
	}{
		{func(*config) {}, trust.Off, nil},
		{func(c *config) { c.CRL = "x" }, trust.Hard, nil},
		{func(c *config) { c.CRL, c.Revocation = "x", "soft" }, trust.Soft, nil},
		{func(c *config) { c.CRL, c.Revocation = "x", "off" }, trust.Off, nil},
		{func(c *config) { c.RevocationFetch = "crl, ocsp" }, trust.Hard, []trust.Source{trust.Lists, trust.OCSP}},
		{func(c *config) { c.Revocation = "hard" }, trust.Hard, nil},
	} {
		conf := defaults()
		c.change(&conf)
		o, err := conf.revocation()
		if err != nil || o.Mode != c.mode || !slices.Equal(o.Order, c.order) || (o.Fetcher != nil) != (c.order != nil) {
			t.Errorf("%+v, %v", o, err)
		}
	}
}

func TestClientTrustWhereClientsAreAsked(t *testing.T) {
	ca, err := pki.New(pki.Options{Seed: "hangup", Now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), AuthorityAlgorithm: pki.P256})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pki.EncodeCertificates(ca.Certificates()...), 0o600); err != nil {
		t.Fatal(err)
	}
	m := &Main{Now: time.Now, config: defaults()}
	for clients, want := range map[gateway.ClientCertificates]bool{
		gateway.NoClientCertificates: false, gateway.OptionalClientCertificates: true, gateway.RequireClientCertificates: true,
	} {
		c := gateway.Config{TLS: gateway.TLSFiles{ClientCA: file, Clients: clients}}
		if _, err := m.clientTrust(&c); err != nil || (c.TLS.Trust != nil) != want {
			t.Errorf("%s: %v, %v", clients, c.TLS.Trust, err)
		}
	}
}

func TestPoliciesFromConfiguration(t *testing.T) {
	ca, err := pki.New(pki.Options{Seed: "hangup", Now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), AuthorityAlgorithm: pki.P256, Algorithm: pki.P256})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pki.EncodeCertificates(ca.Certificates()...), 0o600); err != nil {
		t.Fatal(err)
	}
	leaf, err := ca.System(pki.Organisation{OID: "1.2.246.10.99999901.10.0", Name: "E", System: "S"})
	if err != nil {
		t.Fatal(err)
	}
	for list, want := range map[string]int{"": 0, "1.2.246.517.99.10.308.2": 0, "1.2.3, 1.2.246.517.99.10.308.2": 0, "1.2.246.517.1.10.308.2": 1} {
		m := &Main{Now: time.Now, config: defaults()}
		m.config.Trust, m.config.PoliciesSystem = file, list
		s, err := m.trust()
		if err != nil {
			t.Fatal(err)
		}
		at := leaf.Certificate.NotBefore.Add(time.Hour)
		a := s.Judge(xmldsig.TrustQuery{Certificate: leaf.Certificate, Type: xmldsig.TypeSystem, Time: at, Arrival: at})
		if len(a.Faults) != want || want > 0 && a.Faults[0].Rule != trust.RulePolicy {
			t.Errorf("%q: %+v", list, a.Faults)
		}
	}
	for _, args := range [][]string{
		{"PORTTI_TRUST_POLICIES_SYSTEM=x"}, {"PORTTI_TRUST_SKEW=-1s"}, {"PORTTI_TRUST_SKEW=long"}, {"PORTTI_TRUST_POLICIES_PROFESSIONAL=1.2.99999999999999999999"},
	} {
		if exit, _, stderr := runMain(args, "verify", "--trust", file, file); exit != exitUsage || !strings.Contains(stderr, "hint: ") {
			t.Errorf("%v: %d, %s", args, exit, stderr)
		}
	}
}
