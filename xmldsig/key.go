package xmldsig

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"math/big"
	"slices"
	"strconv"
	"sync"

	"portti/internal/finding"
	"portti/internal/xmltree"
)

// certificates are those of one signature's KeyInfo.
type certificates struct {
	signer *x509.Certificate
	others []*x509.Certificate
	node   xmltree.Node // the signer's X509Certificate element
}

// certificates reads KeyInfo/X509Data/X509Certificate; nothing else in KeyInfo is
// used, so a key put beside the certificate changes nothing.
func (k *judgement) certificates(s *dsig) certificates {
	out := certificates{node: xmltree.None}
	if s.keyInfo == xmltree.None {
		if s.value != xmltree.None { // else the structure was refused before it
			k.add(RuleKeyInfoMissing, s.node, "")
		}
		return out
	}
	nodes := k.certificateNodes(s.keyInfo)
	if len(nodes) == 0 {
		k.add(RuleCertMissing, s.keyInfo, "")
		return out
	}
	if n := len(nodes); n > k.lim.Certificates {
		k.add(RuleCertTooMany, s.keyInfo, strconv.Itoa(n), finding.P("count", strconv.Itoa(n)), finding.P("limit", strconv.Itoa(k.lim.Certificates)))
		return out
	}
	k.pickSigner(&out, nodes)
	return out
}

func (k *judgement) certificateNodes(keyInfo xmltree.Node) []xmltree.Node {
	var nodes []xmltree.Node
	unused := false
	for data := range k.t.Children(keyInfo) {
		if !k.t.Is(data, nsDSig, "X509Data") {
			if !unused {
				k.add(RuleKeyInfoUnused, data, k.t.Local(data))
			}
			unused = true
			continue
		}
		for c := range k.t.Children(data) {
			if k.t.Is(c, nsDSig, "X509Certificate") && len(nodes) <= 10*k.lim.Certificates {
				nodes = append(nodes, c)
			}
		}
	}
	return nodes
}

// pickSigner takes the one certificate that is no CA's as the signer's.
func (k *judgement) pickSigner(out *certificates, nodes []xmltree.Node) {
	leaves := 0
	for _, n := range nodes {
		cert := k.certificate(n)
		switch {
		case cert == nil:
			return
		case len(nodes) == 1 || !cert.IsCA:
			if out.signer != nil && out.signer.Equal(cert) {
				continue
			}
			leaves++
			out.signer, out.node = cert, n
		default:
			out.others = append(out.others, cert)
		}
	}
	if leaves != 1 {
		k.add(RuleCertAmbiguous, nodes[0], strconv.Itoa(leaves), finding.P("count", strconv.Itoa(leaves)))
		out.signer = nil
	}
}

// certificate reads one X509Certificate, nil after a report.
func (k *judgement) certificate(n xmltree.Node) *x509.Certificate {
	text := k.t.TextBytes(n)
	size := finding.P("limit", strconv.Itoa(k.lim.Certificate))
	if len(text) > 2*k.lim.Certificate {
		k.add(RuleCertSize, n, strconv.Itoa(len(text)*3/4), size)
		return nil
	}
	der, ok := decodeBase64(text, 2*k.lim.Certificate)
	if !ok {
		k.add(RuleCertFormat, n, "")
		return nil
	}
	if len(der) > k.lim.Certificate {
		k.add(RuleCertSize, n, strconv.Itoa(len(der)), size)
		return nil
	}
	cert, err := k.parsed.parse(der)
	if err != nil {
		k.add(RuleCertFormat, n, "")
		return nil
	}
	return cert
}

// publicKey is a key and where it stands.
type publicKey struct {
	key  crypto.PublicKey
	node xmltree.Node
}

// value verifies the signature value over SignedInfo with one of the keys (nearly
// always there is one), and gives the key that it is right with, nil where none is.
func (k *judgement) value(s *dsig, keys ...publicKey) crypto.PublicKey {
	if s.value == xmltree.None {
		return nil
	}
	sig, ok := decodeBase64(k.t.TextBytes(s.value), 4096)
	if !ok {
		k.add(RuleValueFormat, s.value, "")
	}
	keys = slices.DeleteFunc(keys, func(p publicKey) bool { return p.key == nil })
	if !ok || !s.sound || len(keys) == 0 {
		return nil
	}
	keys = slices.DeleteFunc(keys, func(p publicKey) bool { return !k.fits(s, p) })
	if len(keys) == 0 {
		return nil
	}
	sum, err := digestOfNode(k.t, s.info, s.canon, s.method.hash, xmltree.None)
	if err != nil {
		k.add(RuleNamespaceRelative, s.info, "")
		return nil
	}
	for _, p := range keys {
		if verifyValue(p.key, s.method, sum, sig) {
			return p.key
		}
	}
	k.add(RuleValueMismatch, s.value, "")
	return nil
}

// fits tells whether the key is one for the signature method, and of sound size.
func (k *judgement) fits(s *dsig, p publicKey) bool {
	tooSmall := func(bits int) bool {
		k.add(RuleKeySize, p.node, strconv.Itoa(bits), finding.P("bits", strconv.Itoa(bits)))
		return false
	}
	switch key := p.key.(type) {
	case *rsa.PublicKey:
		if s.method.scheme == ecdsaRaw {
			break
		}
		if bits := key.N.BitLen(); bits < k.lim.MinRSA || bits > k.lim.MaxRSA {
			return tooSmall(bits)
		}
		return true
	case *ecdsa.PublicKey:
		if s.method.scheme != ecdsaRaw {
			break
		}
		if c := key.Curve; c != elliptic.P256() && c != elliptic.P384() && c != elliptic.P521() {
			return tooSmall(c.Params().BitSize)
		}
		return true
	}
	k.add(RuleKeyKind, s.methodNode, k.t.Attr(s.methodNode, "Algorithm"), finding.P("key", keyKind(p.key)))
	return false
}

// keyKind names the kind of a key.
func keyKind(key crypto.PublicKey) string {
	switch key.(type) {
	case *rsa.PublicKey:
		return "RSA"
	case *ecdsa.PublicKey:
		return "ECDSA"
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return "-"
}

// verifyValue checks sig over the digest sum. Key and method fit.
func verifyValue(key any, m method, sum, sig []byte) bool {
	switch m.scheme {
	case rsaPKCS1:
		return verifyPKCS1(key.(*rsa.PublicKey), m.hash, sum, sig)
	case rsaPSS:
		opts := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: m.hash}
		return rsa.VerifyPSS(key.(*rsa.PublicKey), m.hash, sum, sig, opts) == nil
	case ecdsaRaw:
		pub := key.(*ecdsa.PublicKey)
		size := (pub.Curve.Params().BitSize + 7) / 8
		if len(sig) != 2*size {
			return false
		}
		return ecdsa.Verify(pub, sum, new(big.Int).SetBytes(sig[:size]), new(big.Int).SetBytes(sig[size:]))
	}
	return false
}

// certCache keeps parsed certificates by the SHA-256 of their DER: the same few
// signers sign thousands of documents. The zero certCache is ready to use. It has
// two generations: when the young one is full it becomes the old one, so that
// what is in use stays and a flood of certificates costs bounded memory.
type certCache struct {
	mu         sync.Mutex
	young, old map[[sha256.Size]byte]*x509.Certificate
}

const certCacheSize = 1024 // certificates in each generation

// parse gives the certificate of der, a shared one: do not change it.
func (c *certCache) parse(der []byte) (*x509.Certificate, error) {
	key := sha256.Sum256(der)
	c.mu.Lock()
	cert := c.young[key]
	if cert == nil {
		if cert = c.old[key]; cert != nil {
			c.put(key, cert)
		}
	}
	c.mu.Unlock()
	if cert != nil {
		return cert, nil
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.put(key, cert)
	c.mu.Unlock()
	return cert, nil
}

func (c *certCache) put(key [sha256.Size]byte, cert *x509.Certificate) {
	if c.young == nil || len(c.young) >= certCacheSize {
		c.old, c.young = c.young, make(map[[sha256.Size]byte]*x509.Certificate)
	}
	c.young[key] = cert
}
