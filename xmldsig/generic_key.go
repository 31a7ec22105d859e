package xmldsig

import (
	"crypto"
	"crypto/x509"
	"slices"
	"strconv"

	"portti/internal/finding"
	"portti/internal/xmltree"
)

const nsDSig11 = "http://www.w3.org/2009/xmldsig11#"

// keyFound is what KeyInfo amounts to.
type keyFound struct {
	certificates
	// candidates is the one key that KeyInfo holds, or the configured ones where
	// it holds none.
	candidates []publicKey
}

// keyParts are the parts of one KeyInfo.
type keyParts struct {
	values       []xmltree.Node // KeyValue, DEREncodedKeyValue
	certificates []xmltree.Node
	identifiers  []xmltree.Node // other children of X509Data
}

// keys reads KeyInfo (XML Signature 4.5). All the keys in it must be one and the
// same: which of two a reader takes must not matter.
func (g *generic) keys(d *dsig) keyFound {
	out := keyFound{certificates: certificates{node: d.node}}
	parts, ok := g.keyParts(d.keyInfo)
	if !ok || !g.signerOf(&out, parts) || !g.bareKeys(&out, parts) {
		return keyFound{certificates: certificates{node: d.node}}
	}
	if len(out.candidates) == 0 {
		g.configured(&out, d)
	}
	return out
}

// bareKeys reads the keys without a certificate; false after a refusal.
func (g *generic) bareKeys(out *keyFound, p keyParts) bool {
	if out.signer != nil {
		out.candidates = append(out.candidates, publicKey{out.signer.PublicKey, out.node})
	}
	for _, n := range p.values {
		key := g.keyValue(n)
		switch {
		case key == nil:
			return false
		case len(out.candidates) == 0:
			out.node = n
			out.candidates = append(out.candidates, publicKey{key, n})
		case !sameKey(out.candidates[0].key, key):
			g.add(RuleKeyConflict, n, "")
			return false
		}
	}
	return true
}

// configured takes the keys that the verifier was given.
func (g *generic) configured(out *keyFound, d *dsig) {
	for _, k := range g.Keys {
		if len(g.Keys) == 1 || fitsScheme(k, d.method.scheme) {
			out.candidates = append(out.candidates, publicKey{k, d.node})
		}
	}
	if len(out.candidates) == 0 {
		g.add(RuleKeyMissing, d.node, "")
	}
}

// keyParts sorts the content of KeyInfo; false after a refusal.
func (g *generic) keyParts(keyInfo xmltree.Node) (keyParts, bool) {
	var p keyParts
	if keyInfo == xmltree.None {
		return p, true
	}
	unused := false
	for c := range g.t.Children(keyInfo) {
		switch {
		case g.t.Is(c, nsDSig, "X509Data"):
			g.x509Parts(&p, c)
		case g.t.Is(c, nsDSig, "KeyValue"), g.t.Is(c, nsDSig11, "DEREncodedKeyValue"):
			p.values = append(p.values, c)
		case g.t.Is(c, nsDSig, "RetrievalMethod"), g.t.Is(c, nsDSig11, "KeyInfoReference"):
			g.add(RuleKeyRetrieval, c, g.t.Local(c))
			return p, false
		case g.t.Is(c, nsDSig, "KeyName"): // a hint between those who know each other
		case !unused:
			g.add(RuleKeyInfoUnused, c, g.t.Local(c))
			unused = true
		}
	}
	if n := len(p.certificates); n > g.lim.Certificates {
		g.add(RuleCertTooMany, keyInfo, strconv.Itoa(n), finding.P("count", strconv.Itoa(n)), finding.P("limit", strconv.Itoa(g.lim.Certificates)))
		return p, false
	}
	if n := len(p.values) + len(p.identifiers); n > 4*g.lim.Certificates {
		g.add(RuleKeyTooMany, keyInfo, strconv.Itoa(n), finding.P("count", strconv.Itoa(n)), finding.P("limit", strconv.Itoa(4*g.lim.Certificates)))
		return p, false
	}
	return p, true
}

// x509Parts sorts the content of X509Data. Lists of revocations and what else may
// stand there are left: Trust has its own sources.
func (g *generic) x509Parts(p *keyParts, data xmltree.Node) {
	for c := range g.t.Children(data) {
		switch {
		case g.t.Is(c, nsDSig, "X509Certificate"):
			p.certificates = append(p.certificates, c)
		case g.identifies(c):
			p.identifiers = append(p.identifiers, c)
		}
	}
}

// signerOf finds the signer's certificate: in KeyInfo, or the one of the known
// certificates that KeyInfo names. Whatever names a certificate must name one of
// those found. False after a refusal.
func (g *generic) signerOf(out *keyFound, p keyParts) bool {
	if len(p.certificates) > 0 {
		if g.pickSigner(&out.certificates, p.certificates); out.signer == nil {
			return false
		}
		pool := append([]*x509.Certificate{out.signer}, out.others...)
		for _, n := range p.identifiers {
			if !slices.ContainsFunc(pool, func(c *x509.Certificate) bool { return g.names(n, c) }) {
				g.add(RuleCertIdentifier, n, g.t.Local(n))
				return false
			}
		}
		return true
	}
	if len(p.identifiers) == 0 {
		return true
	}
	return g.known(out, p)
}

// known looks for a known certificate that all the identifiers name.
func (g *generic) known(out *keyFound, p keyParts) bool {
	for _, c := range g.Certificates {
		if !slices.ContainsFunc(p.identifiers, func(n xmltree.Node) bool { return !g.names(n, c) }) {
			out.signer, out.node = c, p.identifiers[0]
			return true
		}
	}
	if len(p.values) > 0 {
		return true // the key is there, only its certificate is not
	}
	g.add(RuleCertUnknown, p.identifiers[0], g.t.Local(p.identifiers[0]))
	return false
}

// keyUsage refuses a certificate whose key may not sign.
func (g *generic) keyUsage(found keyFound) {
	const sign = x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment
	if u := found.signer.KeyUsage; u != 0 && u&sign == 0 {
		g.add(RuleKeyUsage, found.node, "")
	}
}

// sameKey tells whether two keys are one.
func sameKey(a, b crypto.PublicKey) bool {
	x, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && b != nil && x.Equal(b)
}
