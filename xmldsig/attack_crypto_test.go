package xmldsig

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"portti/internal/xmltree"
	"portti/xmldsig/pki"
)

// valueSet replaces the SignatureValue.
func valueSet(tb testing.TB, doc string, value []byte) string {
	tb.Helper()
	i, j := strings.Index(doc, "<SignatureValue>")+len("<SignatureValue>"), strings.Index(doc, "</SignatureValue>")
	return doc[:i] + base64.StdEncoding.EncodeToString(value) + doc[j:]
}

// infoOf gives SignedInfo's canonical octets.
func infoOf(tb testing.TB, doc string) []byte {
	tb.Helper()
	tree := parse(tb, []byte(doc))
	var b bytes.Buffer
	for n := tree.Root(); int(n) < tree.Len(); n++ {
		if tree.Is(n, nsDSig, "SignedInfo") {
			if err := (Canonicalizer{}).Write(&b, tree, n); err != nil {
				tb.Fatal(err)
			}
			return b.Bytes()
		}
	}
	tb.Fatal("no SignedInfo")
	return nil
}

// An HMAC whose secret is the signer's public key, in every encoding that a
// careless verifier might hand to its HMAC.
func TestAttack_HMACWithThePublicKey(t *testing.T) {
	leaf := systemLeaf(t)
	pub := leaf.Certificate.PublicKey.(*rsa.PublicKey)
	spki, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	doc := method1(more01+"hmac-sha256")(t, signed(t, TypeSystem))
	for name, secret := range map[string][]byte{
		"SubjectPublicKeyInfo": spki, "PKCS #1": x509.MarshalPKCS1PublicKey(pub), "modulus": pub.N.Bytes(), "certificate": leaf.Certificate.Raw,
		"PEM": pki.EncodeCertificates(leaf.Certificate), "nothing": nil,
	} {
		mac := hmac.New(sha256.New, secret)
		mac.Write(infoOf(t, doc))
		attack := valueSet(t, doc, mac.Sum(nil))
		v := verify(t, newVerifier(), attack)
		wantRules(t, v, RuleAlgorithmHMAC)
		wantRefused(t, v, attack)
		if g := newVerifier().GenericAt(parse(t, []byte(attack)), testNow); g.Valid || !slices.Contains(rules(g), RuleAlgorithmHMAC) {
			t.Errorf("%s: generic takes it", name)
		}
	}
	// Cut to one bit by HMACOutputLength (CVE-2009-0217).
	attack := valueSet(t, swap(`hmac-sha256"></SignatureMethod>`, `hmac-sha256"><HMACOutputLength>1</HMACOutputLength></SignatureMethod>`)(t, doc), []byte{0x80})
	v := verify(t, newVerifier(), attack)
	wantRules(t, v, RuleAlgorithmHMAC, RuleXMLDSigStructure)
	wantRefused(t, v, attack)
}

// The algorithm is named otherwise than it is, or in a way that a careless
// comparison takes for a good one.
func TestAttack_AlgorithmConfusion(t *testing.T) {
	doc := signed(t, TypeSystem)
	for alg, want := range map[string]string{
		AlgPSSSHA256: RuleValueMismatch, AlgRSASHA384: RuleValueMismatch, AlgRSASHA512: RuleValueMismatch, AlgECDSASHA256: RuleKeyKind,
		strings.ToUpper(AlgRSASHA256): RuleAlgorithmUnknown, AlgRSASHA256 + " ": RuleAlgorithmUnknown, " " + AlgRSASHA256: RuleAlgorithmUnknown,
		AlgRSASHA256 + "&#10;": RuleAlgorithmUnknown, strings.Replace(AlgRSASHA256, "#", "%23", 1): RuleAlgorithmUnknown, strings.Replace(AlgRSASHA256, "http:", "https:", 1): RuleAlgorithmUnknown,
		"": RuleAlgorithmUnknown, "none": RuleAlgorithmUnknown, AlgSHA256: RuleAlgorithmUnknown, algRSASHA1: RuleAlgorithmSHA1,
		more07 + "sha1-rsa-MGF1": RuleAlgorithmSHA1, nsDSig + "dsa-sha1": RuleAlgorithmDSA, algRSAPSS: RuleAlgorithmUnknown,
		"http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519": RuleAlgorithmUnknown,
	} {
		attack := method1(alg)(t, doc)
		v := verify(t, newVerifier(), attack)
		wantRules(t, v, want)
		wantRefused(t, v, attack)
		// Signed anew by the owner of a good key, the name alone decides.
		forged := forger{key: systemLeaf(t).Key}.forge(t, attack)
		if want != RuleValueMismatch {
			wantRules(t, verify(t, newVerifier(), forged), want)
		}
	}
	// The schemes stay apart: an RSA signature is no ECDSA one of its length.
	ec := mustSign(t, document(false), options(t, TypeSystem, pki.WithAlgorithm(pki.P256)))
	attack := replaced(t, ec, AlgECDSASHA256, AlgRSASHA256)
	wantRules(t, verify(t, newVerifier(), attack), RuleKeyKind)
}

// Keys put where a verifier might take them for the signer's.
func TestAttack_KeySubstitution(t *testing.T) {
	doc := strings.Replace(signed(t, TypeSystem), goodText, forgedText, 1)
	attacker := testRSA()
	forged := forger{key: attacker, digest: true}.forge(t, doc) // right by the attacker's key
	own := selfSigned(t, "attacker", attacker)
	kv := keyValueText(t, attacker.Public())
	ownData := "<X509Data>" + certText(own) + "</X509Data>"
	for name, c := range map[string]struct {
		mark, put string
		want      []string
	}{
		"KeyValue before X509Data":     {"<X509Data>", kv, []string{RuleKeyInfoUnused, RuleValueMismatch}},
		"KeyValue after X509Data":      {"</KeyInfo>", kv, []string{RuleKeyInfoUnused, RuleValueMismatch}},
		"KeyValue within X509Data":     {"</X509Data>", kv, []string{RuleValueMismatch}},
		"certificate before":           {"<X509Certificate>", certText(own), []string{RuleCertAmbiguous}},
		"certificate after":            {"</X509Data>", certText(own), []string{RuleCertAmbiguous}},
		"X509Data before":              {"<X509Data>", ownData, []string{RuleCertAmbiguous}},
		"X509Data after":               {"</KeyInfo>", ownData, []string{RuleCertAmbiguous}},
		"the same certificate again":   {"</X509Data>", certText(systemLeaf(t).Certificate), []string{RuleValueMismatch}},
		"DEREncodedKeyValue":           {"<X509Data>", `<DEREncodedKeyValue xmlns="` + nsDSig11 + `">AAAA</DEREncodedKeyValue>`, []string{RuleKeyInfoUnused, RuleValueMismatch}},
		"second KeyInfo":               {"<KeyInfo>", "<KeyInfo>" + kv + "</KeyInfo>", []string{RuleCertMissing, RuleKeyInfoUnused, RuleXMLDSigStructure}},
		"RetrievalMethod":              {"<X509Data>", `<RetrievalMethod URI="#k"/>`, []string{RuleKeyInfoUnused, RuleValueMismatch}},
		"certificate as the authority": {"</X509Data>", certText(testCA().Certificates()[0]), []string{RuleValueMismatch}},
	} {
		attack := before(c.mark, c.put)(t, forged)
		v := verify(t, newVerifier(), attack)
		if got := rules(v); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v", name, got)
		}
		wantRefused(t, v, attack)
		// Generic takes such keys, but never two different ones.
		g := (&Verifier{Trust: anyone{}}).GenericAt(parse(t, []byte(attack)), testNow)
		if g.Valid || len(g.Covered.Elements()) > 0 {
			t.Errorf("%s: valid under generic", name)
		}
	}
}

// Two different keys in one KeyInfo, each of which makes the signature valid for
// a reader who takes the other.
func TestAttack_KeyConflictInGeneric(t *testing.T) {
	key := testRSA()
	other := systemLeaf(t).Certificate
	for _, info := range []string{
		keyValueText(t, key.Public()) + keyValueText(t, other.PublicKey),
		keyValueText(t, other.PublicKey) + keyValueText(t, key.Public()),
		keyValueText(t, key.Public()) + "<X509Data>" + certText(other) + "</X509Data>",
		"<X509Data>" + certText(other) + "</X509Data>" + keyValueText(t, key.Public()),
	} {
		doc := seal(t, keyInfo(info).enveloped(t, key), key)
		v := verifyGeneric(t, &Verifier{Trust: anyone{}, Keys: []crypto.PublicKey{key.Public(), other.PublicKey}}, doc)
		wantRules(t, v, RuleKeyConflict)
		wantRefused(t, v, doc)
	}
}

// Bleichenbacher's forgery of 2006: with exponent 3 anybody can make a value whose
// cube begins like a padded digest; a verifier must look at all of it.
func TestAttack_CubeRootForgery(t *testing.T) {
	n := new(big.Int).Set(testRSA().N)
	key := &rsa.PublicKey{N: n, E: 3}
	doc := template{keyInfo: "<KeyInfo>" + keyValueText(t, key) + "</KeyInfo>"}.enveloped(t, testRSA())
	doc = seal(t, doc, testRSA())
	sum := sha256.Sum256(infoOf(t, doc))
	info, err := hex.DecodeString("3031300d060960864801650304020105000420")
	if err != nil {
		t.Fatal(err)
	}
	for _, pad := range []int{8, 1, 0} {
		head := append([]byte{0, 1}, bytes.Repeat([]byte{0xff}, pad)...)
		head = append(append(append(head, 0), info...), sum[:]...)
		em := append(head, bytes.Repeat([]byte{0xff}, n.BitLen()/8-len(head))...)
		root := cubeRoot(new(big.Int).SetBytes(em))
		cube := new(big.Int).Exp(root, big.NewInt(3), nil).FillBytes(make([]byte, n.BitLen()/8))
		if !bytes.HasPrefix(cube, head) {
			t.Fatal("no forgery")
		}
		attack := valueSet(t, doc, root.FillBytes(make([]byte, n.BitLen()/8)))
		v := verifyGeneric(t, &Verifier{Keys: []crypto.PublicKey{key}}, attack)
		wantRules(t, v, RuleValueMismatch)
		wantRefused(t, v, attack)
	}
}

func cubeRoot(v *big.Int) *big.Int {
	lo, hi := new(big.Int), new(big.Int).Lsh(big.NewInt(1), uint(v.BitLen()/3+2))
	three := big.NewInt(3)
	for new(big.Int).Sub(hi, lo).Cmp(big.NewInt(1)) > 0 {
		mid := new(big.Int).Rsh(new(big.Int).Add(lo, hi), 1)
		if new(big.Int).Exp(mid, three, nil).Cmp(v) <= 0 {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// Values of RSA and ECDSA that are out of range, of another form, or zero.
func TestAttack_SignatureValuesOutOfRange(t *testing.T) {
	r := signed(t, TypeSystem)
	e := mustSign(t, document(false), options(t, TypeSystem, pki.WithAlgorithm(pki.P256)))
	value := func(doc string) []byte {
		i, j := strings.Index(doc, "<SignatureValue>")+len("<SignatureValue>"), strings.Index(doc, "</SignatureValue>")
		raw, ok := decodeBase64([]byte(doc[i:j]), 4096)
		if !ok {
			t.Fatal("no value")
		}
		return raw
	}
	n := systemLeaf(t).Certificate.PublicKey.(*rsa.PublicKey).N
	rs, es := value(r), value(e)
	order := elliptic.P256().Params().N
	both := func(a, b *big.Int) []byte {
		return append(a.FillBytes(make([]byte, 32)), b.FillBytes(make([]byte, 32))...)
	}
	half := new(big.Int).SetBytes(es[:32])
	s := new(big.Int).SetBytes(es[32:])
	der, err := asn1.Marshal(struct{ R, S *big.Int }{half, s})
	if err != nil {
		t.Fatal(err)
	}
	zero := new(big.Int)
	for name, attack := range map[string]string{
		"RSA, plus the modulus":        valueSet(t, r, new(big.Int).Add(new(big.Int).SetBytes(rs), n).FillBytes(make([]byte, 257))),
		"RSA, zero":                    valueSet(t, r, make([]byte, 256)),
		"RSA, one":                     valueSet(t, r, append(make([]byte, 255), 1)),
		"RSA, a zero before":           valueSet(t, r, append([]byte{0}, rs...)),
		"RSA, a zero after":            valueSet(t, r, append(slices.Clone(rs), 0)),
		"RSA, cut":                     valueSet(t, r, rs[:255]),
		"RSA, negative":                valueSet(t, r, new(big.Int).Sub(n, new(big.Int).SetBytes(rs)).FillBytes(make([]byte, 256))),
		"ECDSA, both zero":             valueSet(t, e, make([]byte, 64)),
		"ECDSA, r zero":                valueSet(t, e, both(zero, s)),
		"ECDSA, s zero":                valueSet(t, e, both(half, zero)),
		"ECDSA, both the order":        valueSet(t, e, both(order, order)),
		"ECDSA, in ASN.1":              valueSet(t, e, der),
		"ECDSA, zeros before":          valueSet(t, e, append(append([]byte{0}, es[:32]...), append([]byte{0}, es[32:]...)...)),
		"ECDSA, swapped":               valueSet(t, e, both(s, half)),
		"ECDSA, one octet":             valueSet(t, e, []byte{1}),
		"ECDSA, of P-384's length":     valueSet(t, e, make([]byte, 96)),
		"RSA value for the ECDSA key":  valueSet(t, e, rs),
		"ECDSA value for the RSA key":  valueSet(t, r, es),
		"RSA, 4,000 octets of nothing": valueSet(t, r, make([]byte, 4000)),
	} {
		v := verify(t, newVerifier(), attack)
		if got := rules(v); !slices.Equal(got, []string{RuleValueMismatch}) {
			t.Errorf("%s: %v", name, got)
		}
		wantRefused(t, v, attack)
	}
}

// Values and digests in other spellings of base64 than the one: a second spelling
// would let the same signed document have many forms.
func TestAttack_MalleableBase64(t *testing.T) {
	doc := signed(t, TypeSystem)
	i, j := strings.Index(doc, "<SignatureValue>")+len("<SignatureValue>"), strings.Index(doc, "</SignatureValue>")
	value := doc[i:j]
	for name, text := range map[string]string{
		"spare bits": value[:len(value)-3] + "R==", "no padding": strings.TrimRight(value, "="), "more padding": value + "=",
		"URL letters": "-_" + value[2:], "a dot": value[:8] + "." + value[8:], "a no-break space": value[:8] + "&#xA0;" + value[8:], "a form feed as reference": value[:8] + "&#x85;" + value[8:],
		"two texts": value + value,
	} {
		attack := doc[:i] + text + doc[j:]
		v := verify(t, newVerifier(), attack)
		if got := rules(v); !slices.Equal(got, []string{RuleValueFormat}) && !(name == "spare bits" && slices.Equal(got, []string{RuleValueMismatch})) {
			t.Errorf("%s: %v", name, got)
		}
		wantRefused(t, v, attack)
	}
}

// Work that grows faster than the document: it is refused by count, before it is
// done.
func TestAttack_TransformBombs(t *testing.T) {
	key := testRSA()
	nest := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `<x Id="x%d">`, i)
		}
		return b.String() + strings.Repeat("y<z/>", 1000) + strings.Repeat("</x>", n)
	}
	var deep []string
	for i := range 60 {
		deep = append(deep, refText(fmt.Sprintf("#x%d", i), AlgExcC14N))
	}
	var forms []string
	for i := range 10 {
		forms = append(forms, refText("#x0", fmt.Sprintf(`<Transform Algorithm="%s"><InclusiveNamespaces xmlns="%s" PrefixList="p%d"/></Transform>`, AlgExcC14N, nsExc, i)))
	}
	for name, c := range map[string]struct {
		x    template
		want string
	}{
		"references to elements within elements": {refs(deep...), RuleDigestWork},
		"one element in many forms":              {refs(forms...), RuleDigestVariants},
		"many transforms":                        {refs(refText("#x0", slices.Repeat([]string{AlgExcC14N}, 1000)...)), RuleTransformTooMany},
		"a prefix list of 10,000":                {refs(refText("#x0", `<Transform Algorithm="`+AlgExcC14N+`"><InclusiveNamespaces xmlns="`+nsExc+`" PrefixList="`+strings.Repeat("p ", 10000)+`"/></Transform>`)), RuleC14NPrefixes},
		"a prefix list parted by line feeds":     {refs(refText("#x0", `<Transform Algorithm="`+AlgExcC14N+`"><InclusiveNamespaces xmlns="`+nsExc+`" PrefixList="`+strings.Repeat("p&#10;", 10000)+`"/></Transform>`)), RuleC14NPrefixes},
		"10,000 references":                      {refs(strings.Repeat(refText("#x0", AlgExcC14N), 10000)), RuleReferenceTooMany},
		"a manifest of 10,000":                   {template{refs: []string{refText("#m")}, after: `<Object><Manifest Id="m">` + strings.Repeat(refText("#t"), 10000) + `</Manifest></Object>`}, RuleReferenceTooMany},
		"xpath that counts everything":           {refs(refText("", `<Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><XPath>count(//. | //@* | //namespace::*) != 0</XPath></Transform>`)), RuleTransformXPath},
		"xslt that calls itself":                 {refs(refText("", `<Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"><t/></Transform>`)), RuleTransformXSLT},
	} {
		text := `<doc><t Id="t"/>` + nest(60) + c.x.text(t, key) + "</doc>"
		if name != "10,000 references" {
			text = seal(t, text, key)
		}
		tree := parse(t, []byte(text))
		g := &generic{judgement: knows(key).judgement(tree, testNow, policyGeneric), ids: map[string]*target{}}
		g.run()
		if v := g.done(); v.Valid || !slices.Contains(rules(v), c.want) {
			t.Errorf("%s: %v", name, rules(v))
		}
		if limit := g.lim.Work; g.digests.work > limit*tree.Len() || len(g.digests.keys) > g.lim.References {
			t.Errorf("%s: %d nodes digested of %d, %d digests", name, g.digests.work, tree.Len(), len(g.digests.keys))
		}
	}
}

// Manifests that refer to each other, or to themselves.
func TestAttack_ManifestCycle(t *testing.T) {
	key := testRSA()
	x := template{refs: []string{refText("#m", AlgExcC14N)}, after: `<Object><Manifest Id="m">` + refText("#n", AlgExcC14N) + `</Manifest></Object><Object><Manifest Id="n">` + refText("#m", AlgExcC14N) + `</Manifest></Object>`}
	doc := seal(t, x.enveloped(t, key), key)
	v := verifyGeneric(t, knows(key), doc)
	wantRules(t, v, RuleDigestMismatch) // no digest can hold its own
	wantRefused(t, v, doc)
}

// Certificates that are large or hold absurd keys.
func TestAttack_HugeCertificates(t *testing.T) {
	doc := signed(t, TypeSystem)
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := func(pub crypto.PublicKey, names int) []byte {
		x := &x509.Certificate{SerialNumber: big.NewInt(1)}
		for i := range names {
			x.DNSNames = append(x.DNSNames, fmt.Sprintf("%d.example", i))
		}
		der, err := x509.CreateCertificate(rand.Reader, x, x, pub, k)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	big1 := new(big.Int).SetBit(new(big.Int).Lsh(big.NewInt(1), 16383), 0, 1)
	old := certificateOf(systemLeaf(t).Certificate.Raw)
	for name, c := range map[string]struct {
		der  []byte
		want string
	}{
		"20,000 names":            {cert(k.Public(), 20000), RuleCertSize},
		"1,500 names":             {cert(k.Public(), 1500), RuleCertSize},
		"RSA of 16,384 bits":      {cert(&rsa.PublicKey{N: big1, E: 65537}, 0), RuleKeySize},
		"RSA, exponent near 2^31": {cert(&rsa.PublicKey{N: new(big.Int).SetBit(new(big.Int).Lsh(big.NewInt(1), 2047), 0, 1), E: 1<<31 - 1}, 0), RuleValueMismatch},
		"RSA, exponent 1":         {cert(&rsa.PublicKey{N: new(big.Int).SetBit(new(big.Int).Lsh(big.NewInt(1), 2047), 0, 1), E: 1}, 0), RuleValueMismatch},
		"octets after it":         {append(slices.Clone(systemLeaf(t).Certificate.Raw), 0), RuleCertFormat},
		"two in one":              {append(slices.Clone(systemLeaf(t).Certificate.Raw), systemLeaf(t).Certificate.Raw...), RuleCertFormat},
	} {
		attack := replaced(t, doc, old, certificateOf(c.der))
		v := verify(t, newVerifier(), attack)
		if got := rules(v); !slices.Equal(got, []string{c.want}) {
			t.Errorf("%s: %v", name, got)
		}
		wantRefused(t, v, attack)
	}
}

// An element taken for a signed one because a text before it was normalised
// otherwise: attribute values, line ends, references.
func TestAttack_OtherSpellingsOfTheSame(t *testing.T) {
	doc := signed(t, TypeSystem)
	for name, attack := range map[string]string{
		"attributes swapped":    swap(`<text mediaType="application/xhtml+xml" representation="B64">`, `<text representation='B64'  mediaType="application/xhtml&#43;xml">`)(t, doc),
		"text as references":    swap(goodText, "&#80;GRpdi8&#x2b;")(t, doc),
		"text as CDATA":         swap(goodText, "<![CDATA["+goodText+"]]>")(t, doc),
		"comments in the body":  swap("<text ", "<!-- "+forgedText+" --><text ")(t, doc),
		"declaration elsewhere": swap("<nonXMLBody", `<nonXMLBody xmlns:hl7fi="urn:hl7finland" xmlns="urn:hl7-org:v3"`)(t, doc),
		"empty tags":            swap("<signatureTimestamp ", "<signatureTimestamp\n")(t, doc),
	} {
		v := verify(t, newVerifier(), attack)
		if got := rules(v); len(got) > 0 {
			t.Errorf("%s: %v", name, got)
		}
		tree := parse(t, []byte(attack))
		body, _ := v.Covered.Body()
		for n := body; n < tree.End(body); n++ {
			if covered := v.Covered.Contains(n); covered != (tree.Kind(n) != xmltree.Comment) {
				t.Errorf("%s: node %d covered: %v", name, n, covered)
			}
		}
		if tree.Text(tree.Child(body, nsHL7, "text")) != goodText {
			t.Errorf("%s: another text is read", name)
		}
	}
}
