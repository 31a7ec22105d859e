package tsa

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"portti/xmldsig/pki"
)

var now = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// stamped starts a test authority and has something stamped.
func stamped(t *testing.T, ca *pki.Authority, kind func(...pki.LeafOption) (*pki.Leaf, error), at time.Time, opts ...pki.LeafOption) ([]byte, error) {
	t.Helper()
	leaf, err := kind(opts...)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(&Authority{Certificate: leaf.Certificate, Key: pki.Unwrap(leaf.Key), Now: func() time.Time { return at }, Policy: []int{1, 2, 3}})
	defer s.Close()
	c := Client{URL: s.URL, Trust: ca.Certificates(), HTTP: http.DefaultClient}
	return c.Stamp(context.Background(), sha256.Sum256([]byte("checkpoint")))
}

func TestARK9_StampsAreCheckedAtTheirOwnTime(t *testing.T) {
	ca, err := pki.New(pki.Options{Seed: "tsa", Now: now})
	if err != nil {
		t.Fatal(err)
	}
	org := pki.Organisation{OID: "1.2.246.10.99999901.10.0", Name: "Esimerkki", System: "Aikaleima"}
	stamps := func(opts ...pki.LeafOption) (*pki.Leaf, error) { return ca.Stamper(org, opts...) }
	token, err := stamped(t, ca, stamps, now)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("checkpoint"))
	// Checked years later the chain is still judged at the stamp's time.
	if at, err := Check(token, sum, ca.Certificates()); err != nil || !at.Equal(now) {
		t.Errorf("%v %v", at, err)
	}
	other, err := pki.New(pki.Options{Seed: "another", Now: now})
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func() error{
		"another thing":     func() error { _, err := Check(token, sha256.Sum256([]byte("x")), ca.Certificates()); return err },
		"another authority": func() error { _, err := Check(token, sum, other.Certificates()); return err },
		"no trust":          func() error { _, err := Check(token, sum, []*x509.Certificate{}); return err },
		"changed": func() error {
			b := append([]byte(nil), token...)
			b[len(b)-9] ^= 1
			_, err := Check(b, sum, ca.Certificates())
			return err
		},
		"expired then": func() error { _, err := stamped(t, ca, stamps, now.AddDate(3, 0, 0)); return err },
		"other purpose": func() error {
			_, err := stamped(t, ca, func(o ...pki.LeafOption) (*pki.Leaf, error) { return ca.System(org, o...) }, now)
			return err
		},
	} {
		if err := f(); !errors.Is(err, ErrStamp) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
