package xmldsig

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"math/big"

	"portti/internal/xmltree"
)

// fitsScheme tells whether a key is of the kind that a scheme needs.
func fitsScheme(key crypto.PublicKey, s scheme) bool {
	switch key.(type) {
	case *rsa.PublicKey:
		return s == rsaPKCS1 || s == rsaPSS
	case *ecdsa.PublicKey:
		return s == ecdsaRaw
	}
	return false
}

// keyValue reads KeyValue or DEREncodedKeyValue, nil after a report.
func (g *generic) keyValue(n xmltree.Node) crypto.PublicKey {
	if g.t.Is(n, nsDSig11, "DEREncodedKeyValue") {
		der, ok := decodeBase64(g.t.TextBytes(n), g.lim.Certificate)
		key, err := x509.ParsePKIXPublicKey(der)
		if !ok || err != nil {
			return g.badKey(n, RuleKeyFormat)
		}
		return key
	}
	c := g.t.FirstElement(n)
	if c == xmltree.None || g.t.NextElement(c) != xmltree.None {
		return g.badKey(n, RuleKeyFormat)
	}
	switch {
	case g.t.Is(c, nsDSig, "RSAKeyValue"):
		return g.rsaKeyValue(c)
	case g.t.Is(c, nsDSig11, "ECKeyValue"):
		return g.ecKeyValue(c)
	case g.t.Is(c, more01, "ECDSAKeyValue"):
		return g.ecdsaKeyValue(c)
	}
	return g.badKey(c, RuleKeyFormat)
}

func (g *generic) badKey(n xmltree.Node, rule string) crypto.PublicKey {
	g.add(rule, n, g.t.Local(n))
	return nil
}

// rsaKeyValue reads Modulus and Exponent (XML Signature 4.5.2.2). The exponent is
// odd, at least 3, and fits 31 bits, so that nobody makes us compute for long.
func (g *generic) rsaKeyValue(n xmltree.Node) crypto.PublicKey {
	mod := g.t.FirstElement(n)
	exp := g.t.NextElement(mod)
	if !g.t.Is(mod, nsDSig, "Modulus") || !g.t.Is(exp, nsDSig, "Exponent") || g.t.NextElement(exp) != xmltree.None {
		return g.badKey(n, RuleKeyFormat)
	}
	m, ok1 := decodeBase64(g.t.TextBytes(mod), g.lim.MaxRSA/8+64)
	e, ok2 := decodeBase64(g.t.TextBytes(exp), 64)
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(m)}
	exponent := new(big.Int).SetBytes(e)
	if !ok1 || !ok2 || exponent.BitLen() > 31 || exponent.Bit(0) == 0 || exponent.BitLen() < 2 || key.N.Bit(0) == 0 {
		return g.badKey(n, RuleKeyFormat)
	}
	key.E = int(exponent.Int64())
	return key
}

// curves are the named curves by their URNs.
var curves = map[string]elliptic.Curve{
	"urn:oid:1.2.840.10045.3.1.7": elliptic.P256(),
	"urn:oid:1.3.132.0.34":        elliptic.P384(),
	"urn:oid:1.3.132.0.35":        elliptic.P521(),
}

// ecKeyValue reads a named curve and an uncompressed point (XML Signature 1.1,
// 4.5.2.3).
func (g *generic) ecKeyValue(n xmltree.Node) crypto.PublicKey {
	name := g.t.FirstElement(n)
	point := g.t.NextElement(name)
	curve := curves[g.t.Attr(name, "URI")]
	if !g.t.Is(name, nsDSig11, "NamedCurve") || curve == nil {
		return g.badKey(n, RuleKeyCurve)
	}
	if !g.t.Is(point, nsDSig11, "PublicKey") {
		return g.badKey(n, RuleKeyFormat)
	}
	raw, ok := decodeBase64(g.t.TextBytes(point), 256)
	if !ok {
		return g.badKey(n, RuleKeyFormat)
	}
	return g.point(n, curve, raw)
}

// ecdsaKeyValue reads the older form of RFC 4050: a named curve and the two
// coordinates in decimal.
func (g *generic) ecdsaKeyValue(n xmltree.Node) crypto.PublicKey {
	domain := g.t.FirstElement(n)
	public := g.t.NextElement(domain)
	name := g.t.FirstElement(domain)
	curve := curves[g.t.Attr(name, "URN")]
	if !g.t.Is(domain, more01, "DomainParameters") || !g.t.Is(name, more01, "NamedCurve") || curve == nil {
		return g.badKey(n, RuleKeyCurve)
	}
	x := g.t.FirstElement(public)
	y := g.t.NextElement(x)
	size := (curve.Params().BitSize + 7) / 8
	raw := make([]byte, 1+2*size)
	raw[0] = 4 // uncompressed
	if !g.t.Is(public, more01, "PublicKey") || !g.t.Is(x, more01, "X") || !g.t.Is(y, more01, "Y") ||
		!decimal(g.t.Attr(x, "Value"), raw[1:1+size]) || !decimal(g.t.Attr(y, "Value"), raw[1+size:]) {
		return g.badKey(n, RuleKeyFormat)
	}
	return g.point(n, curve, raw)
}

// decimal writes a decimal number to out, big-endian.
func decimal(s string, out []byte) bool {
	if len(s) > 200 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	v, ok := new(big.Int).SetString(s, 10)
	if !ok || v.BitLen() > 8*len(out) {
		return false
	}
	v.FillBytes(out)
	return true
}

// point gives the key of an uncompressed point, which must lie on the curve.
func (g *generic) point(n xmltree.Node, curve elliptic.Curve, raw []byte) crypto.PublicKey {
	key, err := ecdsa.ParseUncompressedPublicKey(curve, raw)
	if err != nil {
		return g.badKey(n, RuleKeyFormat)
	}
	return key
}
