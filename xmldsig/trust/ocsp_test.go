package trust

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"portti/xmldsig/pki"
)

// TestSIG3_MisbehavingResponders: every misbehaviour has its rule where the mode is
// hard, and is a remark where it is soft.
func TestSIG3_MisbehavingResponders(t *testing.T) {
	rules := map[pki.Misbehaviour]string{
		pki.Down: RuleOCSPUnreachable, pki.TryLater: RuleOCSPRefused, pki.Slow: "", pki.NoNonce: "",
		pki.OtherNonce: RuleOCSPNonce, pki.Stale: RuleOCSPStale, pki.Future: RuleOCSPFuture,
		pki.BadSignature: RuleOCSPSignature, pki.NoPurpose: RuleOCSPPurpose, pki.Foreign: RuleOCSPForeign,
		pki.OtherSerial: RuleOCSPOther, pki.AllUnknown: RuleOCSPUnknown, pki.OtherBranch: RuleOCSPForeign,
		pki.OldResponder: RuleOCSPExpired, pki.NoNoCheck: "", pki.Undated: "",
	}
	for _, f := range pki.Misbehaviours {
		t.Run(string(f), func(t *testing.T) {
			rule, known := rules[f]
			if !known {
				t.Fatal("not in the table")
			}
			for _, mode := range []Mode{Hard, Soft} {
				s := newScene(t, func(o *Options) { o.Revocation.Mode, o.Revocation.Order = mode, []Source{OCSP} })
				s.net.set(f)
				a := s.judge(s.leaf(t).Certificate)
				switch {
				case rule == "":
					want(t, a)
				case mode == Hard || f == pki.AllUnknown:
					want(t, a, rule)
				default:
					want(t, a, RuleUnchecked)
				}
			}
		})
	}
}

// A misbehaving responder does not hide what the list tells.
func TestListTellsWhereTheResponderMisbehaves(t *testing.T) {
	for _, f := range []pki.Misbehaviour{pki.TryLater, pki.OtherNonce, pki.Foreign, pki.BadSignature, pki.OtherSerial} {
		s := newScene(t, nil)
		revoked := s.leaf(t, pki.WithFault(pki.Revoked)).Certificate
		s.net.set(f)
		if f == pki.BadSignature { // it spoils lists too
			want(t, s.judge(s.leaf(t).Certificate), RuleOCSPSignature, RuleListSignature)
			continue
		}
		want(t, s.judge(s.leaf(t).Certificate))
		want(t, s.judge(revoked), RuleRevoked)
	}
}

func TestIssuerMayAnswerItself(t *testing.T) {
	s := newScene(t, only(OCSP))
	s.net.responder.Direct = true
	want(t, s.judge(s.leaf(t).Certificate))
	want(t, s.judge(s.leaf(t, pki.WithFault(pki.Revoked)).Certificate), RuleRevoked)
	s.net.set(pki.BadSignature)
	want(t, s.judge(s.leaf(t, pki.WithValidity(now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0))).Certificate), RuleOCSPSignature)
}

func TestNonceByConfiguration(t *testing.T) {
	for _, c := range []struct {
		nonce Nonce
		fault pki.Misbehaviour
		want  []string
	}{
		{RequireNonce, pki.NoNonce, []string{RuleOCSPNonceMissing}},
		{RequireNonce, pki.Proper, nil},
		{SendNonce, pki.NoNonce, nil},
		{NoNonce, pki.OtherNonce, nil}, // there is none in the question, so none in the answer
	} {
		s := newScene(t, func(o *Options) { o.Revocation.Nonce, o.Revocation.Order = c.nonce, []Source{OCSP} })
		s.net.set(c.fault)
		want(t, s.judge(s.leaf(t).Certificate), c.want...)
	}
}

// An answer that was recorded yesterday must not do for today's question.
func TestReplayedAnswerIsRefused(t *testing.T) {
	s := newScene(t, only(OCSP))
	c := s.leaf(t).Certificate
	want(t, s.judge(c))
	recorded := s.answer(t, c, pki.Proper)
	s.net.down = nil
	replay := newStore(t, Options{AnchorCertificates: s.ca.Certificates(), Now: s.clock.now, Revocation: Revocation{
		Mode: Hard, Order: []Source{OCSP}, Fetcher: fetcher(func(Request) ([]byte, error) { return recorded, nil }),
	}})
	want(t, replay.Judge(s.query(c)), RuleOCSPNonce)
}

// fetcher is a Fetcher from a function.
type fetcher func(Request) ([]byte, error)

func (f fetcher) Fetch(_ context.Context, r Request) ([]byte, error) { return f(r) }

// answer is the responder's answer to a question with a nonce of its own.
func (s *scene) answer(tb testing.TB, c *x509.Certificate, f pki.Misbehaviour) []byte {
	tb.Helper()
	issuer := s.ca.Issuer(pki.Service)
	q, err := ocspRequest(c, issuer.Certificate, []byte("0123456789abcdef"))
	if err != nil {
		tb.Fatal(err)
	}
	return s.net.responder.Answer(q, issuer, f)
}

// A responder's certificate that its issuer did not free from being revoked is
// looked up on the issuer's list; where there is none it is not believed.
func TestResponderMayBeRevoked(t *testing.T) {
	for _, c := range []struct {
		name   string
		revoke bool
		down   bool
		want   []string
	}{
		{"good", false, false, nil},
		{"revoked", true, false, []string{RuleOCSPRevoked}},
		{"no list", false, true, []string{RuleOCSPRevoked}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t, only(OCSP))
			s.net.set(pki.NoNoCheck)
			if c.revoke {
				cert, err := s.net.responder.ResponderCertificate(pki.Service, pki.NoNoCheck)
				if err != nil {
					t.Fatal(err)
				}
				s.ca.Revoke(cert, now.AddDate(0, 0, -1), pki.KeyCompromise)
			}
			if c.down {
				s.net.down = func(url string) error {
					if bytes.Contains([]byte(url), []byte("/crl/")) {
						return ErrAnswer
					}
					return nil
				}
			}
			want(t, s.judge(s.leaf(t).Certificate), c.want...)
		})
	}
}

// answerer makes answers that no proper responder would.
type answerer struct {
	key    crypto.Signer
	cert   *x509.Certificate // in the answer
	byKey  bool              // ResponderID by the key's hash
	change func(*ocspData)
	alg    asn1.ObjectIdentifier
}

// make answers that c, issued by issuer, is good.
func (m answerer) make(tb testing.TB, c, issuer *x509.Certificate) []byte {
	tb.Helper()
	id := certID{Hash: pkix.AlgorithmIdentifier{Algorithm: oidSHA1, Parameters: asn1.NullRawValue}, Serial: c.SerialNumber}
	id.Name, id.KeyHash = issuerHashes(issuer, crypto.SHA1)
	d := ocspData{Produced: now, Responses: []ocspSingle{{ID: id, Good: true, This: now, Next: now.Add(time.Hour)}}}
	d.Responder = asn1.RawValue{Class: 2, Tag: 1, IsCompound: true, Bytes: m.cert.RawSubject}
	if m.byKey {
		_, hash := issuerHashes(m.cert, crypto.SHA1)
		der, _ := asn1.Marshal(hash)
		d.Responder = asn1.RawValue{Class: 2, Tag: 2, IsCompound: true, Bytes: der}
	}
	if m.change != nil {
		m.change(&d)
	}
	tbs, err := asn1.Marshal(d)
	if err != nil {
		tb.Fatal(err)
	}
	sum := sha256.Sum256(tbs)
	sig, err := pki.Unwrap(m.key).Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		tb.Fatal(err)
	}
	alg := m.alg
	if alg == nil {
		alg = signatureAlgorithms[3].oid
		if _, ok := m.key.Public().(*rsa.PublicKey); ok {
			alg = signatureAlgorithms[0].oid
		}
	}
	basic := struct {
		Data      asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
		Certs     []asn1.RawValue `asn1:"explicit,tag:0"`
	}{asn1.RawValue{FullBytes: tbs}, pkix.AlgorithmIdentifier{Algorithm: alg}, asn1.BitString{Bytes: sig, BitLength: 8 * len(sig)}, []asn1.RawValue{{FullBytes: m.cert.Raw}}}
	return wrap(tb, basic)
}

func wrap(tb testing.TB, basic any) []byte {
	tb.Helper()
	inner, err := asn1.Marshal(basic)
	if err != nil {
		tb.Fatal(err)
	}
	out, err := asn1.Marshal(struct {
		Status asn1.Enumerated
		Bytes  struct {
			Type asn1.ObjectIdentifier
			DER  []byte
		} `asn1:"explicit,tag:0"`
	}{Bytes: struct {
		Type asn1.ObjectIdentifier
		DER  []byte
	}{oidBasic, inner}})
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// responder makes a certificate of the service issuer's after change.
func (s *scene) responder(tb testing.TB, name string, alg pki.Algorithm, change func(*x509.Certificate)) maker {
	tb.Helper()
	i := s.ca.Issuer(pki.Service)
	return maker{i.Certificate, i.Key}.make(tb, name, alg, func(c *x509.Certificate) {
		c.IsCA, c.KeyUsage = false, x509.KeyUsageDigitalSignature
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}
		c.ExtraExtensions = []pkix.Extension{{Id: oidNoCheck, Value: []byte{5, 0}}}
		if change != nil {
			change(c)
		}
	})
}

func TestForgedAnswers(t *testing.T) {
	ext := func(id asn1.ObjectIdentifier) []pkix.Extension {
		return []pkix.Extension{{Id: id, Critical: true, Value: []byte{5, 0}}}
	}
	odd := asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 1}
	for _, c := range []struct {
		name  string
		alg   pki.Algorithm
		cert  func(*x509.Certificate)
		make  func(*answerer)
		bytes func(testing.TB, []byte) []byte
		want  []string
	}{
		{name: "as it should be"},
		{name: "responder by key", make: func(m *answerer) { m.byKey = true }},
		{name: "purpose any", cert: func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} }, want: []string{RuleOCSPPurpose}},
		{name: "key usage of another kind", cert: func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment }, want: []string{RuleOCSPPurpose}},
		{name: "a CA as responder", cert: func(c *x509.Certificate) { c.IsCA = true }, want: []string{RuleOCSPPurpose}},
		{name: "not valid yet", cert: func(c *x509.Certificate) { c.NotBefore = now.Add(time.Hour) }, want: []string{RuleOCSPExpired}},
		{name: "weak key", alg: pki.RSA1024, want: []string{RuleOCSPSignature}},
		{name: "RSA", alg: pki.RSA2048},
		{name: "SHA-1", alg: pki.RSA2048, make: func(m *answerer) { m.alg = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 5} }, want: []string{RuleOCSPSignature}},
		{name: "critical extension", make: func(m *answerer) { m.change = func(d *ocspData) { d.Extensions = ext(odd) } }, want: []string{RuleOCSPCritical}},
		{name: "critical extension of the entry", make: func(m *answerer) { m.change = func(d *ocspData) { d.Responses[0].Extensions = ext(odd) } }, want: []string{RuleOCSPCritical}},
		{name: "same serial of another issuer", make: func(m *answerer) { m.change = func(d *ocspData) { d.Responses[0].ID.KeyHash[0] ^= 1 } }, want: []string{RuleOCSPOther}},
		{name: "hash of no known kind", make: func(m *answerer) { m.change = func(d *ocspData) { d.Responses[0].ID.Hash.Algorithm = odd } }, want: []string{RuleOCSPOther}},
		{name: "no entry", make: func(m *answerer) { m.change = func(d *ocspData) { d.Responses = nil } }, want: []string{RuleOCSPOther}},
		{name: "among others", make: func(m *answerer) {
			m.change = func(d *ocspData) {
				other := d.Responses[0]
				other.ID.Serial = big.NewInt(7)
				d.Responses = append([]ocspSingle{other}, d.Responses...)
			}
		}},
		{name: "good and unknown at once", make: func(m *answerer) { m.change = func(d *ocspData) { d.Responses[0].Unknown = true } }, want: []string{RuleOCSPFormat}},
		{name: "made tomorrow", make: func(m *answerer) { m.change = func(d *ocspData) { d.Produced = now.AddDate(0, 0, 1) } }, want: []string{RuleOCSPFuture}},
		{name: "another version", make: func(m *answerer) { m.change = func(d *ocspData) { d.Version = 1 } }, want: []string{RuleOCSPFormat}},
		{name: "no answer", bytes: func(testing.TB, []byte) []byte { return nil }, want: []string{RuleOCSPFormat}},
		{name: "more than an answer", bytes: func(_ testing.TB, b []byte) []byte { return append(b, 0) }, want: []string{RuleOCSPFormat}},
		{name: "cut short", bytes: func(_ testing.TB, b []byte) []byte { return b[:len(b)-1] }, want: []string{RuleOCSPFormat}},
		{name: "error that says it is fine", bytes: func(testing.TB, []byte) []byte { return []byte{0x30, 3, 0x0A, 1, 0} }, want: []string{RuleOCSPFormat}},
		{name: "unauthorized", bytes: func(testing.TB, []byte) []byte { return []byte{0x30, 3, 0x0A, 1, 6} }, want: []string{RuleOCSPRefused}},
		{name: "larger than asked for", bytes: func(testing.TB, []byte) []byte { return make([]byte, 64<<10+1) }, want: []string{RuleOCSPUnreachable}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t, nil)
			alg := c.alg
			if alg == "" {
				alg = pki.P256
			}
			r := s.responder(t, "responder", alg, c.cert)
			m := answerer{key: r.key, cert: r.cert}
			if c.make != nil {
				c.make(&m)
			}
			leaf := s.leaf(t).Certificate
			der := m.make(t, leaf, s.ca.Issuer(pki.Service).Certificate)
			if c.bytes != nil {
				der = c.bytes(t, der)
			}
			st := newStore(t, Options{AnchorCertificates: s.ca.Certificates(), Now: s.clock.now, Revocation: Revocation{
				Mode: Hard, Order: []Source{OCSP}, Fetcher: fetcher(func(Request) ([]byte, error) { return der, nil }),
			}})
			want(t, st.Judge(s.query(leaf)), c.want...)
		})
	}
}

// Silence about an expired certificate proves nothing, unless the responder keeps
// expired ones.
func TestExpiredCertificatesAreForgotten(t *testing.T) {
	s := newScene(t, nil)
	leaf := s.leaf(t, pki.WithValidity(now.AddDate(-2, 0, 0), now.AddDate(0, -1, 0))).Certificate
	r := s.responder(t, "keeper", pki.P256, nil)
	cutoff := func(t time.Time) []pkix.Extension {
		der, _ := asn1.MarshalWithParams(t, "generalized")
		return []pkix.Extension{{Id: oidArchiveCutoff, Value: der}}
	}
	for name, c := range map[string]struct {
		ext  []pkix.Extension
		want []string
	}{
		"forgets":         {nil, []string{RuleTooOld}},
		"keeps":           {cutoff(now.AddDate(-7, 0, 0)), nil},
		"keeps not these": {cutoff(now.AddDate(0, 0, -1)), []string{RuleTooOld}},
		"keeps nonsense":  {[]pkix.Extension{{Id: oidArchiveCutoff, Value: []byte{1}}}, []string{RuleTooOld}},
	} {
		t.Run(name, func(t *testing.T) {
			m := answerer{key: r.key, cert: r.cert, change: func(d *ocspData) { d.Responses[0].Extensions = c.ext }}
			der := m.make(t, leaf, s.ca.Issuer(pki.Service).Certificate)
			st := newStore(t, Options{AnchorCertificates: s.ca.Certificates(), Now: s.clock.now, Revocation: Revocation{
				Mode: Hard, Order: []Source{OCSP}, Fetcher: fetcher(func(Request) ([]byte, error) { return der, nil }),
			}})
			q := s.query(leaf)
			q.Time = now.AddDate(0, -2, 0)
			want(t, st.Judge(q), c.want...)
		})
	}
}

// A responder that the operator names is believed for every issuer.
func TestConfiguredResponder(t *testing.T) {
	s := newScene(t, nil)
	own := maker{}.make(t, "own responder", pki.P256, func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, x509.KeyUsageDigitalSignature })
	leaf := s.leaf(t).Certificate
	der := answerer{key: own.key, cert: own.cert}.make(t, leaf, s.ca.Issuer(pki.Service).Certificate)
	file := filepath.Join(t.TempDir(), "responder.pem")
	if err := os.WriteFile(file, pki.EncodeCertificates(own.cert), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		files []string
		want  []string
	}{{[]string{file}, nil}, {nil, []string{RuleOCSPForeign}}} {
		st := newStore(t, Options{AnchorCertificates: s.ca.Certificates(), Now: s.clock.now, Revocation: Revocation{
			Mode: Hard, Order: []Source{OCSP}, Responders: c.files, Fetcher: fetcher(func(Request) ([]byte, error) { return der, nil }),
		}})
		want(t, st.Judge(s.query(leaf)), c.want...)
	}
}

// golang.org/x/crypto/ocsp reads our questions, and our reading of answers agrees
// with its own.
func TestAgreesWithXCryptoOCSP(t *testing.T) {
	s := newScene(t, nil)
	issuer := s.ca.Issuer(pki.Service).Certificate
	for _, f := range []pki.Fault{pki.NoFault, pki.Revoked, pki.Compromised} {
		c := s.leaf(t, pki.WithFault(f)).Certificate
		q, err := ocspRequest(c, issuer, nil)
		if err != nil {
			t.Fatal(err)
		}
		read, err := ocsp.ParseRequest(q)
		if err != nil || read.SerialNumber.Cmp(c.SerialNumber) != 0 {
			t.Fatalf("%+v, %v", read, err)
		}
		der := s.answer(t, c, pki.Proper)
		theirs, err := ocsp.ParseResponseForCert(der, c, issuer)
		if err != nil {
			t.Fatal(err)
		}
		p := print(c)
		ours, rule := s.store.revoker.answer(s.store.state.Load(), subject{c, issuer, pair{p, print(issuer)}}, der, nil)
		if rule != "" || (theirs.Status == ocsp.Good) != (ours.status == good) {
			t.Errorf("%s: ours %+v %s, theirs %+v", f, ours, rule, theirs)
		}
		if ours.status == revoked && (!ours.at.Equal(theirs.RevokedAt) || int(ours.reason) != theirs.RevocationReason) {
			t.Errorf("%s: ours %+v, theirs %+v", f, ours, theirs)
		}
	}
}
