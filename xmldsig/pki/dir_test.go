package pki_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portti/xmldsig/pki"
)

func TestDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	o := pki.Options{Seed: "pki test", Now: now}
	a, err := pki.Init(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pki.Init(dir, o); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("a second Init: %v", err)
	}
	for _, r := range []pki.Request{
		{Name: "sys", Kind: pki.KindSystem, Organisation: org},
		{Name: "pro", Kind: pki.KindProfessional, Person: person, Fault: pki.Revoked},
		{Name: "tls", Kind: pki.KindServer, Organisation: org, Hosts: []string{"localhost"}, Algorithm: pki.P256},
	} {
		if _, err := pki.Issue(dir, r); err != nil {
			t.Fatal(r.Name, err)
		}
		base := filepath.Join(dir, "leafs", r.Name)
		if _, err := tls.LoadX509KeyPair(base+".crt", base+".key"); err != nil {
			t.Errorf("%s: key and certificate do not fit: %v", r.Name, err)
		}
		if st, err := os.Stat(base + ".key"); err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s.key: mode %v, %v", r.Name, st.Mode(), err)
		}
	}
	show, err := pki.Show(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range show {
		names = append(names, s.Name)
		for _, f := range s.Files {
			if _, err := os.Stat(filepath.Join(dir, f)); err != nil {
				t.Errorf("%s names a missing file: %v", s.Name, err)
			}
		}
	}
	if got := strings.Join(names, " "); got != "root service professional server pro sys tls" {
		t.Errorf("shown: %s", got)
	}
	b, err := pki.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Issuer(pki.Professional).Revocations()) != 1 {
		t.Error("the loaded authority forgot a revocation")
	}
	for i, c := range a.Certificates() {
		if !bytes.Equal(c.Raw, b.Certificates()[i].Raw) {
			t.Errorf("%s changed by loading", c.Subject)
		}
	}
}

func TestRevokedInADirectoryStaysRevoked(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	if _, err := pki.Init(dir, pki.Options{Seed: "pki test", Now: now}); err != nil {
		t.Fatal(err)
	}
	if err := pki.Revoke(dir, "sys", now, pki.Superseded); err == nil || !strings.Contains(err.Error(), "portti pki show") {
		t.Errorf("revoking what was not issued: %v", err)
	}
	for _, name := range []string{"sys", "tls"} {
		kind := pki.KindSystem
		if name == "tls" {
			kind = pki.KindClient
		}
		if _, err := pki.Issue(dir, pki.Request{Name: name, Kind: kind, Organisation: org}); err != nil {
			t.Fatal(err)
		}
		if err := pki.Revoke(dir, name, now.Add(time.Hour), pki.Superseded); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pki.Issue(dir, pki.Request{Name: "pro", Kind: pki.KindProfessional, Person: person}); err != nil {
		t.Fatal(err)
	}
	a, err := pki.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []pki.Branch{pki.Service, pki.Server} {
		r := a.Issuer(b).Revocations()
		if len(r) != 1 || r[0].Reason != pki.Superseded || !r[0].Time.Equal(now.Add(time.Hour)) {
			t.Errorf("%s: %+v", b, r)
		}
		der, err := os.ReadFile(filepath.Join(dir, "crl", string(b)+".crl"))
		if err != nil {
			t.Fatal(err)
		}
		list, err := x509.ParseRevocationList(der)
		if err != nil || len(list.RevokedCertificateEntries) != 1 || list.ThisUpdate.Before(r[0].Time) {
			t.Errorf("%s: %+v, %v", b, list, err)
		}
	}
	show, err := pki.Show(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range show {
		if revoked := s.Revoked != nil; revoked != (s.Name == "sys" || s.Name == "tls") {
			t.Errorf("%s: revoked %v", s.Name, s.Revoked)
		}
	}
}

func TestIssueRefusesWithReason(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	if _, err := pki.Issue(dir, pki.Request{Name: "x", Kind: pki.KindSystem, Organisation: org}); err == nil || !strings.Contains(err.Error(), "portti pki init") {
		t.Errorf("no authority: %v", err)
	}
	if _, err := pki.Init(dir, pki.Options{Seed: "pki test", Now: now}); err != nil {
		t.Fatal(err)
	}
	for want, r := range map[string]pki.Request{
		"file name":           {Name: "../x", Kind: pki.KindSystem, Organisation: org},
		"OID and name":        {Name: "x", Kind: pki.KindSystem},
		"registration number": {Name: "x", Kind: pki.KindProfessional},
		"unknown kind":        {Name: "x", Kind: "postman", Organisation: org},
		"unknown fault":       {Name: "x", Kind: pki.KindSystem, Organisation: org, Fault: "tired"},
		"unknown key":         {Name: "x", Kind: pki.KindSystem, Organisation: org, Algorithm: "dsa"},
	} {
		if _, err := pki.Issue(dir, r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
	if _, err := pki.New(pki.Options{Seed: "x"}); err == nil {
		t.Error("an authority without a clock was made")
	}
}

func BenchmarkKey(b *testing.B) {
	for _, alg := range []pki.Algorithm{pki.RSA2048, pki.RSA3072, pki.RSA4096, pki.P256} {
		b.Run(string(alg), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				if _, err := pki.Key("bench", string(rune(i)), alg); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
