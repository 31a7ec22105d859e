package trust

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"strings"
	"testing"
	"time"

	"portti/xmldsig"
	"portti/xmldsig/pki"
)

// maker makes certificates that a proper authority would not.
type maker struct {
	cert *x509.Certificate
	key  crypto.Signer
}

func key(tb testing.TB, label string, alg pki.Algorithm) crypto.Signer {
	tb.Helper()
	k, err := pki.Key("hostile", label, alg)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// make issues a certificate by m (self-signed where m is zero) after change.
func (m maker) make(tb testing.TB, name string, alg pki.Algorithm, change func(*x509.Certificate)) maker {
	tb.Helper()
	k := key(tb, name, alg)
	t := &x509.Certificate{
		SerialNumber: big.NewInt(int64(len(name))), Subject: pkix.Name{CommonName: name},
		NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(1, 0, 0),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign, MaxPathLen: -1,
	}
	if change != nil {
		change(t)
	}
	parent, signer := m.cert, m.key
	if parent == nil {
		parent, signer = t, k
	}
	der, err := x509.CreateCertificate(nil, t, parent, k.Public(), pki.Unwrap(signer))
	if err != nil {
		tb.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return maker{c, k}
}

func leafShape(t *x509.Certificate) {
	t.IsCA, t.KeyUsage, t.MaxPathLen = false, x509.KeyUsageDigitalSignature, 0
	t.Subject.SerialNumber = org.OID
}

func TestSIG4_EveryChainFaultHasItsRule(t *testing.T) {
	unknown := []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 1}, Critical: true, Value: []byte{5, 0}}}
	root := maker{}.make(t, "root", pki.RSA2048, nil)
	for name, c := range map[string]struct {
		rule string
		make func() (maker, []*x509.Certificate, *x509.Certificate)
	}{
		"issuer expired": {RuleChainExpired, func() (maker, []*x509.Certificate, *x509.Certificate) {
			ca := root.make(t, "old", pki.RSA2048, func(c *x509.Certificate) { c.NotAfter = now.AddDate(0, 0, -1) })
			return ca.make(t, "leaf", pki.RSA2048, leafShape), []*x509.Certificate{ca.cert}, root.cert
		}},
		"path too long": {RuleChainLength, func() (maker, []*x509.Certificate, *x509.Certificate) {
			short := maker{}.make(t, "short", pki.RSA2048, func(c *x509.Certificate) { c.MaxPathLen, c.MaxPathLenZero = 0, true })
			ca := short.make(t, "ca", pki.RSA2048, nil)
			return ca.make(t, "leaf", pki.RSA2048, leafShape), []*x509.Certificate{ca.cert}, short.cert
		}},
		"name constraint": {RuleChainName, func() (maker, []*x509.Certificate, *x509.Certificate) {
			ca := root.make(t, "narrow", pki.RSA2048, func(c *x509.Certificate) {
				c.PermittedDNSDomains, c.PermittedDNSDomainsCritical = []string{"a.invalid"}, true
			})
			return ca.make(t, "leaf", pki.RSA2048, func(c *x509.Certificate) {
				leafShape(c)
				c.DNSNames = []string{"b.invalid"}
			}), []*x509.Certificate{ca.cert}, root.cert
		}},
		"SHA-1": {RuleChainAlgorithm, func() (maker, []*x509.Certificate, *x509.Certificate) {
			return root.make(t, "leaf", pki.RSA2048, func(c *x509.Certificate) {
				leafShape(c)
				c.SignatureAlgorithm = x509.SHA1WithRSA
			}), nil, root.cert
		}},
		"weak key of the CA": {RuleChainKey, func() (maker, []*x509.Certificate, *x509.Certificate) {
			weak := maker{}.make(t, "weak", pki.RSA1024, nil)
			return weak.make(t, "leaf", pki.RSA2048, leafShape), nil, weak.cert
		}},
		"unknown critical extension of the CA": {RuleChainCritical, func() (maker, []*x509.Certificate, *x509.Certificate) {
			ca := root.make(t, "odd", pki.RSA2048, func(c *x509.Certificate) { c.ExtraExtensions = unknown })
			return ca.make(t, "leaf", pki.RSA2048, leafShape), []*x509.Certificate{ca.cert}, root.cert
		}},
		"unknown critical extension": {RuleCritical, func() (maker, []*x509.Certificate, *x509.Certificate) {
			return root.make(t, "leaf", pki.RSA2048, func(c *x509.Certificate) {
				leafShape(c)
				c.ExtraExtensions = unknown
			}), nil, root.cert
		}},
		"issued by a signer": {RuleIssuerNotCA, func() (maker, []*x509.Certificate, *x509.Certificate) {
			signer := root.make(t, "signer", pki.RSA2048, leafShape)
			return signer.make(t, "leaf", pki.RSA2048, leafShape), []*x509.Certificate{signer.cert}, root.cert
		}},
		"issued by a CA that may not issue": {RuleIssuerNotCA, func() (maker, []*x509.Certificate, *x509.Certificate) {
			ca := root.make(t, "mute", pki.RSA2048, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign })
			return ca.make(t, "leaf", pki.RSA2048, leafShape), []*x509.Certificate{ca.cert}, root.cert
		}},
	} {
		t.Run(name, func(t *testing.T) {
			leaf, intermediates, anchor := c.make()
			s := newStore(t, Options{AnchorCertificates: []*x509.Certificate{anchor}})
			q := query(leaf.cert, xmldsig.TypeSystem)
			q.Intermediates = intermediates
			for range 2 {
				want(t, s.Judge(q), c.rule)
			}
		})
	}
}

// Many CA certificates of one name make the standard library give up: that is a
// refusal of its own, not an endless search.
func TestForestOfIssuersIsGivenUp(t *testing.T) {
	var anchors []*x509.Certificate
	same := func(c *x509.Certificate) {
		c.Subject = pkix.Name{CommonName: "the same"}
		c.SubjectKeyId = []byte{1}
	}
	issuer := maker{}.make(t, "issuer", pki.P256, same)
	for i := range 120 {
		anchors = append(anchors, maker{}.make(t, "one of many "+string(rune('a'+i)), pki.P256, same).cert)
	}
	leaf := issuer.make(t, "leaf", pki.P256, leafShape)
	s := newStore(t, Options{AnchorCertificates: append(anchors, issuer.cert)})
	want(t, s.Judge(query(leaf.cert, xmldsig.TypeSystem)), RuleChainOther)
}

func TestUncriticalUnknownExtensionsAreTaken(t *testing.T) {
	root := maker{}.make(t, "root", pki.RSA2048, nil)
	leaf := root.make(t, "leaf", pki.RSA2048, func(c *x509.Certificate) {
		leafShape(c)
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 3}, Value: []byte{0x30, 0}}}
	})
	want(t, newStore(t, Options{AnchorCertificates: []*x509.Certificate{root.cert}}).Judge(query(leaf.cert, xmldsig.TypeSystem)))
}

// withSerial gives c again with another serial number, signed by the same issuer.
func withSerial(tb testing.TB, c *x509.Certificate, serial *big.Int, issuer crypto.Signer) *x509.Certificate {
	tb.Helper()
	var outer struct {
		TBS       asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(c.Raw, &outer); err != nil {
		tb.Fatal(err)
	}
	var version, old asn1.RawValue
	rest, err := asn1.Unmarshal(outer.TBS.Bytes, &version)
	if err != nil {
		tb.Fatal(err)
	}
	if rest, err = asn1.Unmarshal(rest, &old); err != nil {
		tb.Fatal(err)
	}
	number, err := asn1.Marshal(serial)
	if err != nil {
		tb.Fatal(err)
	}
	body := append(append(append([]byte{}, version.FullBytes...), number...), rest...)
	tbs, err := asn1.Marshal(asn1.RawValue{Class: asn1.ClassUniversal, Tag: asn1.TagSequence, IsCompound: true, Bytes: body})
	if err != nil {
		tb.Fatal(err)
	}
	sum := sha256.Sum256(tbs)
	sig, err := issuer.Sign(nil, sum[:], crypto.SHA256)
	if err != nil {
		tb.Fatal(err)
	}
	outer.TBS = asn1.RawValue{FullBytes: tbs}
	outer.Signature = asn1.BitString{Bytes: sig, BitLength: 8 * len(sig)}
	der, err := asn1.Marshal(outer)
	if err != nil {
		tb.Fatal(err)
	}
	out, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// Real authorities have written serial numbers that are negative in DER, and ones
// longer than the 20 octets of RFC 5280.
func TestNegativeAndBigSerialNumbersAreTaken(t *testing.T) {
	root := maker{}.make(t, "root", pki.RSA2048, nil)
	leaf := root.make(t, "leaf", pki.RSA2048, func(c *x509.Certificate) {
		leafShape(c)
		c.SignatureAlgorithm = x509.SHA256WithRSA
	})
	s := newStore(t, Options{AnchorCertificates: []*x509.Certificate{root.cert}})
	big40, _ := new(big.Int).SetString(strings.Repeat("7f", 40), 16)
	for _, serial := range []*big.Int{big.NewInt(-5), big.NewInt(0), big40} {
		c := withSerial(t, leaf.cert, serial, root.key)
		if c.SerialNumber.Cmp(serial) != 0 {
			t.Fatal(c.SerialNumber)
		}
		want(t, s.Judge(query(c, xmldsig.TypeSystem)))
	}
}

func TestChainIsJudgedAtTheSigningTime(t *testing.T) {
	root := maker{}.make(t, "root", pki.RSA2048, nil)
	ca := root.make(t, "ca", pki.RSA2048, func(c *x509.Certificate) { c.NotAfter = now.AddDate(0, 1, 0) })
	leaf := ca.make(t, "leaf", pki.RSA2048, leafShape)
	s := newStore(t, Options{AnchorCertificates: []*x509.Certificate{root.cert, ca.cert}[:1]})
	q := query(leaf.cert, xmldsig.TypeSystem)
	q.Intermediates = []*x509.Certificate{ca.cert}
	want(t, s.Judge(q)) // remembered: good to the issuer's last day
	q.Arrival = now.AddDate(10, 0, 0)
	want(t, s.Judge(q))
	q.Time = now.AddDate(0, 2, 0)
	want(t, s.Judge(q), RuleChainExpired)
	q.Time = now.Add(time.Hour)
	want(t, s.Judge(q))
}
