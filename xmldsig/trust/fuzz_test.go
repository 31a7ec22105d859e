package trust

import (
	"bytes"
	"crypto/x509"
	"math/big"
	"testing"
	"time"

	"portti/xmldsig/pki"
)

// FuzzOCSP changes answers: none may be believed to say something else than the
// responder signed.
func FuzzOCSP(f *testing.F) {
	s := newScene(f, nil)
	leaf := s.leaf(f, pki.WithFault(pki.Compromised)).Certificate
	issuer := s.ca.Issuer(pki.Service).Certificate
	asked := subject{leaf, issuer, pair{print(leaf), print(issuer)}}
	for _, m := range append(pki.Misbehaviours, pki.Proper) {
		f.Add(s.answer(f, leaf, m))
	}
	r := s.responder(f, "keeper", pki.P256, nil)
	f.Add(answerer{key: r.key, cert: r.cert, byKey: true, change: func(d *ocspData) {
		d.Responses[0].Good, d.Responses[0].Unknown = false, true
	}}.make(f, leaf, issuer))
	st := s.store.state.Load()
	f.Fuzz(func(t *testing.T, der []byte) {
		e, rule := s.store.revoker.answer(st, asked, bytes.Clone(der), nil)
		if rule == "" && e.status == good {
			t.Errorf("a revoked certificate is good by %x", der)
		}
	})
}

// FuzzList changes lists, likewise.
func FuzzList(f *testing.F) {
	s := newScene(f, nil)
	leaf := s.leaf(f).Certificate
	issuer := s.ca.Issuer(pki.Service).Certificate
	asked := subject{leaf, issuer, pair{print(leaf), print(issuer)}}
	f.Add(s.listOf(f, pki.Service, nil, leaf))
	f.Add(s.listOf(f, pki.Service, func(l *x509.RevocationList) { l.ExtraExtensions = partition(f, leaf.CRLDistributionPoints[0]) }, leaf))
	f.Add(s.listOf(f, pki.Service, func(l *x509.RevocationList) { l.ExtraExtensions = scopeOf(f, onlyFlag{Users: true, Indirect: true}) }, leaf))
	f.Add(s.listOf(f, pki.Professional, nil, leaf))
	f.Fuzz(func(t *testing.T, der []byte) {
		l, err := parseList(der)
		if err != nil {
			return
		}
		if e, rule := s.store.revoker.say(l, asked); rule == "" && e.status == good {
			t.Errorf("a revoked certificate is good by %x", der)
		}
	})
}

// BenchmarkJudge measures a judgement that is remembered: chain, purpose and
// revocation.
func BenchmarkJudge(b *testing.B) {
	for _, alg := range []pki.Algorithm{pki.P256, pki.RSA2048, pki.RSA4096} {
		for _, mode := range []Mode{Off, Hard} {
			b.Run(string(alg)+"/"+string(mode), func(b *testing.B) {
				s := newScene(b, func(o *Options) { o.Revocation.Mode = mode })
				q := s.query(s.leaf(b, pki.WithAlgorithm(alg)).Certificate)
				if a := s.store.Judge(q); len(a.Faults) > 0 {
					b.Fatal(a.Faults)
				}
				b.ReportAllocs()
				for b.Loop() {
					if a := s.store.Judge(q); len(a.Faults) > 0 {
						b.Fatal(a.Faults)
					}
				}
			})
		}
	}
}

// BenchmarkJudgeFirst measures what a certificate costs that was not seen before:
// the chain, and reading a signed answer.
func BenchmarkJudgeFirst(b *testing.B) {
	s := newScene(b, nil)
	q := s.query(s.leaf(b).Certificate)
	for b.Loop() {
		st, err := New(Options{AnchorCertificates: s.ca.Certificates(), Now: s.clock.now, Revocation: Revocation{Mode: Hard, Fetcher: s.net}})
		if err != nil {
			b.Fatal(err)
		}
		if a := st.Judge(q); len(a.Faults) > 0 {
			b.Fatal(a.Faults)
		}
		st.Close()
	}
}

// BenchmarkLongList looks a certificate up on a list of 100,000.
func BenchmarkLongList(b *testing.B) {
	s := newScene(b, nil)
	leaf := s.leaf(b).Certificate
	der := s.listOf(b, pki.Service, func(l *x509.RevocationList) {
		for i := range 100_000 {
			l.RevokedCertificateEntries = append(l.RevokedCertificateEntries, x509.RevocationListEntry{
				SerialNumber: new(big.Int).Lsh(big.NewInt(int64(i+1)), 60), RevocationTime: now.Add(-time.Hour), ReasonCode: int(Superseded)})
		}
	})
	b.Run("read", func(b *testing.B) {
		b.SetBytes(int64(len(der)))
		for b.Loop() {
			if _, err := parseList(der); err != nil {
				b.Fatal(err)
			}
		}
	})
	st := s.withList(b, true, der)
	q := s.query(leaf)
	b.Run("look up", func(b *testing.B) {
		for b.Loop() {
			if a := st.Judge(q); len(a.Faults) > 0 {
				b.Fatal(a.Faults)
			}
		}
	})
}
