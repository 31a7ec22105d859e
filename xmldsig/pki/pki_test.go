package pki_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"portti/xmldsig/pki"
)

var now = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

var org = pki.Organisation{OID: "1.2.246.10.99999901.10.0", Name: "Kuvitteellinen hyvinvointialue", Locality: "Satula", System: "Asiakastietojärjestelmä"}

var person = pki.Person{Number: "99900000011", Given: "Aino-Testi", Family: "Kuvitelma", Title: "251 sosiaalityöntekijä, socialarbetare"}

func authority(t testing.TB) *pki.Authority {
	t.Helper()
	a, err := pki.New(pki.Options{Seed: "pki test", Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func verify(a *pki.Authority, c *x509.Certificate) error {
	inter := x509.NewCertPool()
	for _, i := range a.Certificates()[1:] {
		inter.AddCert(i)
	}
	unhandled := c.UnhandledCriticalExtensions
	if len(unhandled) > 0 {
		return fmt.Errorf("critical extensions: %v", unhandled)
	}
	_, err := c.Verify(x509.VerifyOptions{Roots: a.Pool(), Intermediates: inter, CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	return err
}

// The pinned sums say that keys and certificates are the same in every run, on
// every machine and in every later version: test vectors signed with them stay
// good. Change them only together with a note of change for vendors.
func TestSameSeedSameBytes(t *testing.T) {
	h := sha256.New()
	a := authority(t)
	for _, c := range a.Certificates() {
		h.Write(c.Raw)
	}
	for _, alg := range []pki.Algorithm{pki.RSA2048, pki.P256, pki.P384} {
		l, err := a.System(org, pki.WithAlgorithm(alg))
		if err != nil {
			t.Fatal(err)
		}
		h.Write(l.Certificate.Raw)
	}
	p, err := a.Professional(person)
	if err != nil {
		t.Fatal(err)
	}
	h.Write(p.Certificate.Raw)
	crl, err := a.Issuer(pki.Service).CRL(now)
	if err != nil {
		t.Fatal(err)
	}
	h.Write(crl)
	const pinned = "a996956cda0499d4b6c9d2217e944256b95a4dbaff96d31bf3f227615cffa180"
	if got := fmt.Sprintf("%x", h.Sum(nil)); got != pinned {
		t.Errorf("sum of certificates = %s, want %s", got, pinned)
	}
}

func TestOtherSeedOtherKeys(t *testing.T) {
	b, err := pki.New(pki.Options{Seed: "another", Now: now})
	if err != nil {
		t.Fatal(err)
	}
	a := authority(t)
	for i, c := range a.Certificates() {
		if bytes.Equal(c.RawSubjectPublicKeyInfo, b.Certificates()[i].RawSubjectPublicKeyInfo) {
			t.Errorf("%s: same key from two seeds", c.Subject)
		}
		if !bytes.Equal(c.RawSubject, b.Certificates()[i].RawSubject) {
			t.Errorf("%s: names differ by seed", c.Subject)
		}
	}
}

func TestKeysAreSoundAndSignTheSameTwice(t *testing.T) {
	sum := sha256.Sum256([]byte("x"))
	for _, alg := range []pki.Algorithm{pki.RSA1024, pki.RSA2048, pki.RSA3072, pki.P256, pki.P384} {
		k, err := pki.Key("s", "l", alg)
		if err != nil {
			t.Fatal(err)
		}
		one, err := k.Sign(rand.Reader, sum[:], crypto.SHA256)
		if err != nil {
			t.Fatal(alg, err)
		}
		two, _ := k.Sign(rand.Reader, sum[:], crypto.SHA256)
		if !bytes.Equal(one, two) {
			t.Errorf("%s: two signatures of one digest differ", alg)
		}
		switch pub := k.Public().(type) {
		case *rsa.PublicKey:
			if err := rsa.VerifyPKCS1v15(pub, crypto.SHA256, sum[:], one); err != nil {
				t.Error(alg, err)
			}
			if want := pki.RSA(pub.N.BitLen()); want != alg {
				t.Errorf("%s has %d bits", alg, pub.N.BitLen())
			}
			if pub.E != 65537 {
				t.Errorf("%s: exponent %d", alg, pub.E)
			}
		case *ecdsa.PublicKey:
			if !ecdsa.VerifyASN1(pub, sum[:], one) {
				t.Error(alg, "does not verify")
			}
		}
	}
	if _, err := pki.Key("s", "l", "rsa999"); err == nil {
		t.Error("an unknown algorithm was taken")
	}
}

// TestSIG3_LeafsHaveTheNationalShape compares with what kanta-interface 15.1 decodes.
func TestSIG3_LeafsHaveTheNationalShape(t *testing.T) {
	a := authority(t)
	sys, err := a.System(org)
	if err != nil {
		t.Fatal(err)
	}
	c := sys.Certificate
	if err := verify(a, c); err != nil {
		t.Error(err)
	}
	check := func(what string, got, want any) {
		t.Helper()
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s = %v, want %v", what, got, want)
		}
	}
	check("serialNumber", c.Subject.SerialNumber, org.OID)
	check("usage", c.KeyUsage, x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment)
	check("policies", c.PolicyIdentifiers, "[0.4.0.2042.1.7 1.2.246.517.99.10.308.2]")
	check("CRL", c.CRLDistributionPoints, "[http://pki.portti.invalid/crl/service.crl]")
	check("CA", c.IssuingCertificateURL, "[http://pki.portti.invalid/ca/service.crt]")
	check("OCSP", c.OCSPServer, "[http://pki.portti.invalid/ocsp/service]")
	check("algorithm", c.SignatureAlgorithm, x509.SHA512WithRSA)
	check("CA flag", c.IsCA, false)
	check("extended usage", len(c.ExtKeyUsage), 0)
	if c.SerialNumber.BitLen() <= 64 {
		t.Errorf("serial number %x is not a big one", c.SerialNumber)
	}
	pro, err := a.Professional(person)
	if err != nil {
		t.Fatal(err)
	}
	c = pro.Certificate
	if err := verify(a, c); err != nil {
		t.Error(err)
	}
	check("registration number", c.Subject.SerialNumber, person.Number)
	check("common name", c.Subject.CommonName, "Kuvitelma Aino-Testi 99900000011")
	check("usage", c.KeyUsage, x509.KeyUsageContentCommitment)
	check("policies", c.PolicyIdentifiers, "[1.2.246.517.99.10.306.1]")
	found := false
	for _, e := range c.Extensions {
		if e.Id.String() == "1.3.6.1.5.5.7.1.3" {
			found = bytes.Contains(e.Value, []byte{0x06, 0x06, 0x04, 0x00, 0x8E, 0x46, 0x01, 0x04})
		}
	}
	check("QcSSCD", found, true)
	for _, i := range a.Certificates() {
		if bytes.Contains(i.RawSubject, []byte("DVV")) || bytes.Contains(i.RawSubject, []byte("Digi- ja v")) {
			t.Errorf("%s uses the national issuer's name", i.Subject)
		}
	}
}

// TestSIG4_FaultyCertificates: each fault is what it says, and a chain check
// refuses those that a chain check can see.
func TestSIG4_FaultyCertificates(t *testing.T) {
	a := authority(t)
	seen := map[pki.Fault]bool{}
	for _, f := range pki.Faults {
		l, err := a.System(org, pki.WithFault(f))
		if err != nil {
			t.Fatal(f, err)
		}
		seen[f] = true
		refused := verify(a, l.Certificate) != nil
		byChain := f == pki.Expired || f == pki.NotYetValid || f == pki.WrongIssuer
		if refused != byChain {
			t.Errorf("%s: chain check refuses = %v", f, refused)
		}
		listed := false
		for _, r := range a.Issuer(pki.Service).Revocations() {
			listed = listed || r.Serial.Cmp(l.Certificate.SerialNumber) == 0
		}
		if want := f == pki.Revoked || f == pki.Compromised; listed != want {
			t.Errorf("%s: on the list = %v", f, listed)
		}
		switch f {
		case pki.WrongUsage:
			if l.Certificate.KeyUsage&(x509.KeyUsageContentCommitment|x509.KeyUsageDigitalSignature) != 0 {
				t.Errorf("%s may sign", f)
			}
		case pki.WrongNumber:
			if l.Certificate.Subject.SerialNumber != "" {
				t.Errorf("%s has a serialNumber", f)
			}
		case pki.WrongBranch:
			if !bytes.Equal(l.Certificate.RawIssuer, a.Issuer(pki.Server).Certificate.RawSubject) {
				t.Errorf("%s issued by %s", f, l.Certificate.Issuer)
			}
		case pki.WrongIssuer:
			if !bytes.Equal(l.Certificate.RawIssuer, a.Issuer(pki.Service).Certificate.RawSubject) {
				t.Errorf("%s names issuer %s", f, l.Certificate.Issuer)
			}
		case pki.WeakKey:
			if n := l.Certificate.PublicKey.(*rsa.PublicKey).N.BitLen(); n != 1024 {
				t.Errorf("%s has %d bits", f, n)
			}
		}
	}
	if len(seen) != 9 {
		t.Errorf("%d faults seen", len(seen))
	}
}

func TestMutualTLS(t *testing.T) {
	a := authority(t)
	server, err := a.Server(pki.Organisation{OID: org.OID, Name: org.Name, System: "localhost"}, pki.WithHosts("localhost", "127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	client, err := a.Client(org)
	if err != nil {
		t.Fatal(err)
	}
	clock := func() time.Time { return now }
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.TLS.PeerCertificates[0].Subject.SerialNumber)
	}))
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{server.TLS()}, ClientCAs: a.Pool(),
		ClientAuth: tls.RequireAndVerifyClientCert, Time: clock}
	srv.StartTLS()
	defer srv.Close()
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: a.Pool(), Certificates: []tls.Certificate{client.TLS()}, Time: clock}}
	defer tr.CloseIdleConnections()
	resp, err := (&http.Client{Transport: tr}).Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	if string(b) != org.OID {
		t.Errorf("the server saw %q, want the organisation's OID", b)
	}
}
