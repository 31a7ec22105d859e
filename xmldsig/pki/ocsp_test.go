package pki_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"portti/internal/judge"
	"portti/xmldsig/pki"
)

func request(t *testing.T, l *pki.Leaf) []byte {
	t.Helper()
	der, err := ocsp.CreateRequest(l.Certificate, l.Issuer.Certificate, &ocsp.RequestOptions{Hash: crypto.SHA1})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestResponderTellsGoodRevokedUnknown(t *testing.T) {
	a := authority(t)
	other, err := pki.New(pki.Options{Seed: "pki test", Now: now})
	if err != nil {
		t.Fatal(err)
	}
	good, _ := a.System(org)
	revoked, _ := a.System(org, pki.WithFault(pki.Compromised))
	unknown, _ := other.System(pki.Organisation{OID: "1.2.246.10.99999908.10.0", Name: "x", System: "y"})
	for _, direct := range []bool{true, false} {
		r := &pki.Responder{Authority: a, Direct: direct}
		for _, c := range []struct {
			leaf   *pki.Leaf
			status int
		}{{good, ocsp.Good}, {revoked, ocsp.Revoked}, {unknown, ocsp.Unknown}} {
			der := r.Answer(request(t, c.leaf), a.Issuer(pki.Service), pki.Proper)
			resp, err := ocsp.ParseResponseForCert(der, c.leaf.Certificate, c.leaf.Issuer.Certificate)
			if err != nil {
				t.Fatal(err)
			}
			if resp.Status != c.status {
				t.Errorf("status %d, want %d", resp.Status, c.status)
			}
			if c.status == ocsp.Revoked && (resp.RevocationReason != ocsp.KeyCompromise || !resp.RevokedAt.Equal(now.AddDate(0, 0, -7))) {
				t.Errorf("revoked for %d at %v", resp.RevocationReason, resp.RevokedAt)
			}
			if !resp.ThisUpdate.Equal(now) || !resp.NextUpdate.Equal(now.Add(time.Hour)) {
				t.Errorf("good from %v to %v", resp.ThisUpdate, resp.NextUpdate)
			}
			if (resp.Certificate == nil) != direct {
				t.Errorf("direct = %v, but responder's certificate = %v", direct, resp.Certificate)
			}
		}
	}
}

func TestResponderMisbehaves(t *testing.T) {
	a := authority(t)
	leaf, _ := a.System(org)
	r := &pki.Responder{Authority: a}
	parse := func(f pki.Misbehaviour) (*ocsp.Response, error) {
		return ocsp.ParseResponseForCert(r.Answer(request(t, leaf), leaf.Issuer, f), leaf.Certificate, leaf.Issuer.Certificate)
	}
	for _, f := range []pki.Misbehaviour{pki.TryLater, pki.BadSignature, pki.Foreign, pki.OtherSerial, pki.OtherBranch} {
		if resp, err := parse(f); err == nil {
			t.Errorf("%s was believed: %+v", f, resp)
		}
	}
	for f, want := range map[pki.Misbehaviour]func(*ocsp.Response) bool{
		pki.Stale:        func(r *ocsp.Response) bool { return r.NextUpdate.Equal(now.Add(-24 * time.Hour)) },
		pki.Future:       func(r *ocsp.Response) bool { return r.ThisUpdate.Equal(now.Add(24 * time.Hour)) },
		pki.AllUnknown:   func(r *ocsp.Response) bool { return r.Status == ocsp.Unknown },
		pki.NoPurpose:    func(r *ocsp.Response) bool { return len(r.Certificate.ExtKeyUsage) == 0 },
		pki.OldResponder: func(r *ocsp.Response) bool { return r.Certificate.NotAfter.Before(now) },
		pki.NoNoCheck:    func(r *ocsp.Response) bool { return len(r.Certificate.CRLDistributionPoints) == 1 },
		pki.Undated:      func(r *ocsp.Response) bool { return r.NextUpdate.IsZero() },
	} {
		resp, err := parse(f)
		if err != nil {
			t.Errorf("%s: %v", f, err)
		} else if !want(resp) {
			t.Errorf("%s is not what it says: %+v", f, resp)
		}
	}
}

func TestResponderOverHTTP(t *testing.T) {
	a := authority(t)
	leaf, _ := a.Professional(person, pki.WithFault(pki.Revoked))
	fault := pki.Proper
	srv := httptest.NewServer(&pki.Responder{Authority: a, Fault: func(*http.Request) pki.Misbehaviour { return fault }})
	defer srv.Close()
	get := func(path string) (int, []byte) {
		t.Helper()
		resp, err := http.Get(srv.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, b
	}
	req := request(t, leaf)
	post, err := http.Post(srv.URL+"/ocsp/professional", "application/ocsp-request", bytes.NewReader(req))
	if err != nil {
		t.Fatal(err)
	}
	posted, _ := io.ReadAll(post.Body)
	post.Body.Close()
	_, got := get("/ocsp/professional/" + url.PathEscape(base64.StdEncoding.EncodeToString(req)))
	for _, der := range [][]byte{posted, got} {
		resp, err := ocsp.ParseResponseForCert(der, leaf.Certificate, leaf.Issuer.Certificate)
		if err != nil || resp.Status != ocsp.Revoked {
			t.Errorf("%v, %+v", err, resp)
		}
	}
	_, crl := get("/crl/professional.crl")
	list, err := x509.ParseRevocationList(crl)
	if err != nil {
		t.Fatal(err)
	}
	if err := list.CheckSignatureFrom(leaf.Issuer.Certificate); err != nil {
		t.Error(err)
	}
	if len(list.RevokedCertificateEntries) != 1 || list.RevokedCertificateEntries[0].SerialNumber.Cmp(leaf.Certificate.SerialNumber) != 0 {
		t.Errorf("the list holds %v", list.RevokedCertificateEntries)
	}
	if _, ca := get("/ca/professional.crt"); !bytes.Equal(ca, leaf.Issuer.Certificate.Raw) {
		t.Error("another issuer's certificate")
	}
	if code, _ := get("/ocsp/nosuch"); code != http.StatusNotFound {
		t.Errorf("unknown issuer: %d", code)
	}
	fault = pki.Down
	if code, _ := get("/crl/professional.crl"); code != http.StatusServiceUnavailable {
		t.Errorf("down: %d", code)
	}
}

// TestOpenSSLReadsIt asks OpenSSL about an answer with a nonce, which x/crypto
// cannot read, and about a list and a chain.
func TestOpenSSLReadsIt(t *testing.T) {
	openssl := judge.Need(t, "openssl")
	dir := filepath.Join(t.TempDir(), "ca")
	if _, err := pki.Init(dir, pki.Options{Seed: "pki test", Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if _, err := pki.Issue(dir, pki.Request{Name: "sys", Kind: pki.KindSystem, Organisation: org}); err != nil {
		t.Fatal(err)
	}
	a, err := pki.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	var fault atomic.Value // read by the server's goroutines
	fault.Store(pki.Proper)
	srv := httptest.NewServer(&pki.Responder{Authority: a, Fault: func(*http.Request) pki.Misbehaviour { return fault.Load().(pki.Misbehaviour) }})
	defer srv.Close()
	leaf, issuer, anchors := filepath.Join(dir, "leafs/sys.crt"), filepath.Join(dir, "service.crt"), filepath.Join(dir, "anchors.pem")
	if out, err := exec.Command(openssl, "verify", "-CAfile", anchors, leaf).CombinedOutput(); err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
	ask := func() string {
		out, _ := exec.Command(openssl, "ocsp", "-issuer", issuer, "-cert", leaf, "-url", srv.URL+"/ocsp/service", "-CAfile", anchors, "-nonce").CombinedOutput()
		return string(out)
	}
	if out := ask(); !bytes.Contains([]byte(out), []byte("Response verify OK")) || !bytes.Contains([]byte(out), []byte(": good")) || bytes.Contains([]byte(out), []byte("no nonce")) {
		t.Errorf("openssl says:\n%s", out)
	}
	fault.Store(pki.OtherNonce)
	if out := ask(); !bytes.Contains([]byte(out), []byte("Nonce Verify error")) {
		t.Errorf("another nonce was not noticed:\n%s", out)
	}
	fault.Store(pki.NoNonce)
	if out := ask(); !bytes.Contains([]byte(out), []byte("no nonce in response")) {
		t.Errorf("a missing nonce was not noticed:\n%s", out)
	}
}
