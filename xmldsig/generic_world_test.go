package xmldsig

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"

	"portti/internal/xmltree"
)

// testRSA and the test curves' keys are made anew in each run.
var testRSA = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

var testEC = sync.OnceValue(func() map[string]*ecdsa.PrivateKey {
	out := map[string]*ecdsa.PrivateKey{}
	for _, c := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		k, err := ecdsa.GenerateKey(c, rand.Reader)
		if err != nil {
			panic(err)
		}
		out[c.Params().Name] = k
	}
	return out
})

// curveURN gives a named curve's URN.
func curveURN(c elliptic.Curve) string {
	for urn, x := range curves {
		if x == c {
			return urn
		}
	}
	return ""
}

// keyValueText writes KeyValue.
func keyValueText(tb testing.TB, key crypto.PublicKey) string {
	tb.Helper()
	b64 := base64.StdEncoding.EncodeToString
	switch k := key.(type) {
	case *rsa.PublicKey:
		return "<KeyValue><RSAKeyValue><Modulus>" + b64(k.N.Bytes()) + "</Modulus><Exponent>" + b64(big.NewInt(int64(k.E)).Bytes()) + "</Exponent></RSAKeyValue></KeyValue>"
	case *ecdsa.PublicKey:
		raw, err := k.Bytes()
		if err != nil {
			tb.Fatal(err)
		}
		return `<KeyValue><ECKeyValue xmlns="` + nsDSig11 + `"><NamedCurve URI="` + curveURN(k.Curve) + `"/><PublicKey>` + b64(raw) + "</PublicKey></ECKeyValue></KeyValue>"
	}
	tb.Fatalf("no KeyValue for %T", key)
	return ""
}

// template is a ds:Signature to be sealed.
type template struct {
	method  string // of the signature; rsa-sha256 where ""
	params  string // within SignatureMethod
	canon   string // exclusive where ""
	refs    []string
	keyInfo string // the whole element; a KeyValue of the sealing key where ""
	after   string // Objects
}

// refText writes a Reference with transforms by their names.
func refText(uri string, transforms ...string) string {
	list := ""
	for _, tr := range transforms {
		if strings.HasPrefix(tr, "<") {
			list += tr
			continue
		}
		list += `<Transform Algorithm="` + tr + `"/>`
	}
	if list != "" {
		list = "<Transforms>" + list + "</Transforms>"
	}
	return `<Reference URI="` + uri + `">` + list + `<DigestMethod Algorithm="` + AlgSHA256 + `"/><DigestValue>` + strings.Repeat("A", 43) + `=</DigestValue></Reference>`
}

// text writes the template with empty values.
func (x template) text(tb testing.TB, key crypto.Signer) string {
	tb.Helper()
	or := func(s, def string) string {
		if s == "" {
			return def
		}
		return s
	}
	info := x.keyInfo
	if info == "" {
		info = "<KeyInfo>" + keyValueText(tb, key.Public()) + "</KeyInfo>"
	}
	return `<Signature xmlns="` + nsDSig + `"><SignedInfo><CanonicalizationMethod Algorithm="` + or(x.canon, AlgExcC14N) + `"/>` +
		`<SignatureMethod Algorithm="` + or(x.method, AlgRSASHA256) + `">` + x.params + `</SignatureMethod>` + strings.Join(x.refs, "") +
		`</SignedInfo><SignatureValue>AAAA</SignatureValue>` + info + x.after + "</Signature>"
}

// enveloped is a small document with the signature in it, not sealed.
func (x template) enveloped(tb testing.TB, key crypto.Signer) string {
	tb.Helper()
	if x.refs == nil {
		x.refs = []string{refText("", AlgEnveloped, AlgExcC14N)}
	}
	return `<doc xmlns:p="urn:p"><a Id="a" p:b="c">text<!-- c --></a>` + x.text(tb, key) + `</doc>`
}

// seal fills in digests, then signature values, of a document whose signatures
// the generic policy reads. Those that a fault keeps from being read stay.
func seal(tb testing.TB, doc string, key crypto.Signer) string {
	tb.Helper()
	for range 3 { // manifests before what refers to them
		doc = sealDigests(tb, doc)
	}
	t := parse(tb, []byte(doc))
	var edits []edit
	for n := t.Root(); int(n) < t.Len(); n++ {
		if !t.Is(n, nsDSig, "Signature") {
			continue
		}
		g := sealer(t)
		d := g.signature(n)
		if d.value == xmltree.None || d.method.scheme == 0 {
			continue
		}
		edits = append(edits, content(t, d.value, base64.StdEncoding.EncodeToString(signInfo(tb, t, d, key))))
	}
	return apply(doc, edits)
}

func sealer(t *xmltree.Tree) *generic {
	return &generic{judgement: (&Verifier{Legacy: true, Limits: Limits{References: 1 << 20, Work: 1 << 20}}).judgement(t, testNow, policyGeneric), ids: map[string]*target{}}
}

func sealDigests(tb testing.TB, doc string) string {
	tb.Helper()
	t := parse(tb, []byte(doc))
	g := sealer(t)
	g.find()
	g.resolveIDs()
	var edits []edit
	for n := t.Root(); int(n) < t.Len(); n++ {
		if !t.Is(n, nsDSig, "Reference") {
			continue
		}
		before := g.faults
		ref := g.reference(n)
		if g.faults > before {
			continue
		}
		signature := t.Parent(n)
		for !t.Is(signature, nsDSig, "Signature") {
			signature = t.Parent(signature)
		}
		ref.want = nil
		var sum []byte
		out := g.resolved(signature, &ref, xmltree.None)
		if out.Target == xmltree.None {
			continue
		}
		if ref.base64 {
			sum, _ = g.digestText(&ref, out.part)
		} else {
			canon := ref.canon
			canon.Comments = out.part.comments
			sum, _ = digestOfNode(t, out.Target, canon, ref.hash, out.part.except)
		}
		if sum == nil {
			continue
		}
		edits = append(edits, content(t, ref.valueNode, base64.StdEncoding.EncodeToString(sum)))
	}
	return apply(doc, edits)
}

// signInfo signs a SignedInfo.
func signInfo(tb testing.TB, t *xmltree.Tree, d *dsig, key crypto.Signer) []byte {
	tb.Helper()
	sum, err := digestOfNode(t, d.info, d.canon, d.method.hash, xmltree.None)
	if err != nil {
		tb.Fatal(err)
	}
	var opts crypto.SignerOpts = d.method.hash
	if d.method.scheme == rsaPSS {
		opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: d.method.hash}
	}
	if _, ok := key.(*ecdsa.PrivateKey); ok {
		key = rawECDSA{key}
	}
	sig, err := key.Sign(rand.Reader, sum, opts)
	if err != nil {
		tb.Fatal(err)
	}
	return sig
}

// verifyGeneric judges doc, and checks what must hold of every verdict.
func verifyGeneric(tb testing.TB, v *Verifier, doc string) *Verdict {
	tb.Helper()
	out := v.GenericAt(parse(tb, []byte(doc)), testNow)
	if out.Valid != (len(out.Covered.Elements()) > 0) {
		tb.Errorf("valid: %v, covered: %v", out.Valid, out.Covered.Elements())
	}
	faults := 0
	for _, f := range out.Findings {
		if !IsRemark(f.Rule) {
			faults++
		}
		if f.Line == 0 || f.XPath == "" {
			tb.Errorf("finding without a place: %+v", f)
		}
	}
	if out.Valid != (faults == 0) {
		tb.Errorf("valid: %v with %d faults", out.Valid, faults)
	}
	if _, ok := out.Covered.Body(); ok {
		tb.Error("a body under the policy generic")
	}
	return out
}

// knows trusts one key.
func knows(key crypto.Signer) *Verifier { return &Verifier{Keys: []crypto.PublicKey{key.Public()}} }

func pssParams(digest, mask, salt, trailer string) string {
	return fmt.Sprintf(`<RSAPSSParams xmlns="%s"><DigestMethod xmlns="%s" Algorithm="%s"/><MaskGenerationFunction Algorithm="%s"><DigestMethod xmlns="%s" Algorithm="%s"/></MaskGenerationFunction><SaltLength>%s</SaltLength><TrailerField>%s</TrailerField></RSAPSSParams>`,
		more07, nsDSig, digest, algMGF1, nsDSig, mask, salt, trailer)
}
