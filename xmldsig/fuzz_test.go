package xmldsig

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"portti/internal/xmltree"
	"portti/xmldsig/bench"
)

// signedSample is a document to mutate, how it is judged, and how a mutated one
// is made right again.
type signedSample struct {
	name  string
	doc   string
	valid func(doc []byte) bool
	again func(doc string) string
}

func signedSamples(t *testing.T) []signedSample {
	t.Helper()
	var out []signedSample
	verifier := &Verifier{Trust: only{}, Now: newVerifier().Now}
	kanta := func(doc []byte) bool {
		tree, err := xmltree.Parse(doc, xmltree.Limits{})
		if err != nil {
			return false
		}
		v := verifier.Document(tree)
		_, body := v.Covered.Body()
		if body != v.Valid {
			t.Errorf("covered %v, valid %v", body, v.Valid)
		}
		return v.Valid
	}
	for name, o := range signingCases(t) {
		m := methods[o.Method]
		if o.Method == "" {
			m = method{rsaPKCS1, crypto.SHA256}
		}
		if m.scheme == rsaPSS || m.scheme == rsaPKCS1 && m.hash != crypto.SHA256 {
			continue // the judge lacks PSS
		}
		doc := mustSign(t, document(o.Type <= TypeMulti && !o.SignerBlock), o)
		verifier.Trust.(only)[string(o.Certificate.Raw)] = true
		out = append(out, signedSample{name, doc, kanta, func(doc string) string { return forger{key: o.Key, method: m, digest: true}.forge(t, doc) }})
	}
	keys := peerKeys(t)
	for _, c := range fewPeerCases() {
		if strings.HasPrefix(c.form, "kanta") {
			continue
		}
		k := keys[c.key]
		v := &Verifier{Trust: only{string(k.cert.Raw): true}} // keys come from the document, as the judge's do
		generic := func(doc []byte) bool {
			tree, err := xmltree.Parse(doc, xmltree.Limits{})
			return err == nil && soundBut(v.GenericAt(tree, testNow), k.key.Public(), RuleKeyUntrusted)
		}
		out = append(out, signedSample{c.String(), sealedTemplate(t, c, k), generic, func(doc string) string { return seal(t, doc, k.key) }})
	}
	return out
}

// only trusts the certificates that it has, by their DER: one that a mutation
// changed is no longer an authority's, and how far it can still be read is not
// what is compared here.
type only map[string]bool

func (o only) Judge(q TrustQuery) TrustAnswer {
	if o[string(q.Certificate.Raw)] {
		return TrustAnswer{}
	}
	return TrustAnswer{Faults: []TrustFault{{Rule: RuleTrustMissing}}}
}

// soundBut tells whether all signatures are right by that key and nothing but
// remarks and that rule was found.
func soundBut(v *Verdict, key crypto.PublicKey, rule string) bool {
	return len(v.Signatures) > 0 &&
		!slices.ContainsFunc(v.Signatures, func(s Signature) bool { return !s.Intact || !sameKey(s.Key, key) }) &&
		!slices.ContainsFunc(rules(v), func(r string) bool { return !IsRemark(r) && r != rule })
}

// sealedTemplate is a peerTemplate signed by the tests' own hand.
func sealedTemplate(tb testing.TB, c peerCase, k peerKey) string {
	tb.Helper()
	text := peerTemplate(tb, c, k)
	text = strings.Replace(text, "<X509Certificate/>", certText(k.cert), 1)
	text = strings.Replace(text, "<KeyValue/>", keyValueText(tb, k.key.Public()), 1)
	text = strings.ReplaceAll(text, "<DigestValue/>", "<DigestValue>"+base64.StdEncoding.EncodeToString(make([]byte, 32))+"</DigestValue>")
	text = strings.Replace(text, "<SignatureValue/>", "<SignatureValue>AAAA</SignatureValue>", 1)
	return seal(tb, text, k.key)
}

// TestNothingIsValidHereThatLibxmlsec1Refuses mutates signed documents of both
// policies; half of them are made right again after the change, by digests and
// values of ours, so that both sides must agree on every octet of the canonical
// form. 1,000 documents, or PORTTI_FUZZ_DOCS.
func TestNothingIsValidHereThatLibxmlsec1Refuses(t *testing.T) {
	j := bench.Start(t)
	samples := signedSamples(t)
	n := fuzzDocs(t)
	count := map[string]int{}
	for i := 0; count["asked"] < n; i++ {
		r := rand.New(rand.NewPCG(uint64(i), 11))
		s := samples[r.IntN(len(samples))]
		doc, names := mutate(r, s.doc)
		if names == nil || peculiar(doc) {
			continue
		}
		if r.IntN(2) == 0 {
			doc, names = s.again(doc), append(names, "made right again")
		}
		ours, theirs := s.valid([]byte(doc)), j.Verify(t, []byte(doc), 0).AllValid()
		count["asked"]++
		count[fmt.Sprintf("here %v, there %v", ours, theirs)]++
		if ours && !theirs {
			t.Errorf("%d: %s, %s: valid here, not there\n%s", i, s.name, strings.Join(names, ", "), doc)
		}
		if t.Failed() && count["here true, there false"] > 2 {
			break
		}
	}
	t.Log(count)
	if count["here true, there true"] < n/20 || count["here false, there false"] < n/20 {
		t.Error("the mutations do not reach far enough to tell anything")
	}
}

// peculiar tells of a document on which libxmlsec1 1.2 goes its own way: its
// base64 transform does not see CDATA sections, which are text (XML Signature
// 6.6.2: the string value of the node set), and it refuses a document with a
// namespace name that is relative or no URI even where no canonical form has it.
func peculiar(doc string) bool {
	if strings.Contains(doc, algBase64+`"`) && strings.Contains(doc, "<![CDATA[") {
		return true
	}
	tree, err := xmltree.Parse([]byte(doc), xmltree.Limits{})
	if err != nil {
		return true
	}
	for n := tree.Root(); int(n) < tree.Len(); n++ {
		first, end := tree.NSDecls(n)
		for i := first; i < end; i++ {
			if u, err := url.Parse(tree.NSURI(i)); tree.NSURI(i) != "" && (err != nil || !u.IsAbs() || strings.ContainsAny(tree.NSURI(i), "[]{}|\\^`<>\" ")) {
				return true
			}
		}
	}
	return false
}

// fuzzDocs is how many mutations the test judges.
func fuzzDocs(tb testing.TB) int {
	tb.Helper()
	s := os.Getenv("PORTTI_FUZZ_DOCS")
	if s == "" {
		return 1000
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

// FuzzVerify: no panic, and nothing covered beside a fault, whatever the bytes.
func FuzzVerify(f *testing.F) {
	for _, typ := range []int{TypeProfessional, TypeMulti, TypeSystem} {
		f.Add([]byte(signed(f, typ)))
	}
	f.Add([]byte(mustSign(f, signed(f, TypeSystem), options(f, TypeArchive))))
	for _, c := range genericCases(f) {
		f.Add([]byte(seal(f, c.doc(f, testRSA()), testRSA())))
	}
	v := &Verifier{Trust: anyone{}, Keys: []crypto.PublicKey{testRSA().Public()}, Legacy: true}
	f.Fuzz(func(t *testing.T, doc []byte) {
		tree, err := xmltree.Parse(doc, xmltree.Limits{})
		if err != nil {
			return
		}
		for _, verdict := range []*Verdict{v.DocumentAt(tree, testNow), v.GenericAt(tree, testNow)} {
			checkVerdict(t, tree, verdict)
		}
	})
}

// checkVerdict holds what must be true of every verdict: what counts as covered
// was digested anew here and has the digest that stands in the document.
func checkVerdict(t *testing.T, tree *xmltree.Tree, v *Verdict) {
	t.Helper()
	faults := slices.ContainsFunc(rules(v), func(r string) bool { return !IsRemark(r) })
	if v.Valid == faults {
		t.Fatalf("valid %v, findings %v", v.Valid, rules(v))
	}
	if !v.Valid && len(v.Covered.Elements()) > 0 {
		t.Fatal("something is covered beside faults")
	}
	for n := xmltree.Node(0); int(n) < tree.Len(); n++ {
		if v.Covered.Contains(n) && !v.Valid {
			t.Fatal("covered, not valid")
		}
	}
	for _, s := range v.Signatures {
		if s.Valid && !s.Intact || s.Intact && s.Key == nil {
			t.Fatalf("%+v", s)
		}
		for _, r := range s.References {
			if s.Intact && !r.Matches || r.Matches && r.Target == xmltree.None {
				t.Fatalf("%+v", r)
			}
		}
	}
}

// FuzzCanonicalize: no panic, and the canonical form of a document is its own
// canonical form.
func FuzzCanonicalize(f *testing.F) {
	for i := range 20 {
		f.Add(genDoc(rand.New(rand.NewPCG(uint64(i), 3))), uint8(i))
	}
	f.Fuzz(func(t *testing.T, doc []byte, apex uint8) {
		tree, err := xmltree.Parse(doc, xmltree.Limits{})
		if err != nil {
			return
		}
		for _, c := range canonicalizers {
			var element bytes.Buffer
			c.Prefixes = []string{"#default", "p"}[apex%3%2:]
			_ = c.Write(&element, tree, xmltree.Node(int(apex)%tree.Len()), xmltree.Node(int(apex/2)%tree.Len()))
			c.Prefixes = nil
			var once, twice bytes.Buffer
			if c.Write(&once, tree, xmltree.Doc) != nil {
				continue
			}
			again, err := xmltree.Parse(once.Bytes(), xmltree.Limits{Depth: 1 << 20, Bytes: 1 << 30, Attrs: 1 << 20})
			if err != nil {
				t.Fatalf("%+v: the canonical form does not parse: %v\n%q", c, err, once.Bytes())
			}
			if err := c.Write(&twice, again, xmltree.Doc); err != nil || !bytes.Equal(once.Bytes(), twice.Bytes()) {
				t.Fatalf("%+v: %v\n%q\n%q", c, err, once.Bytes(), twice.Bytes())
			}
		}
	})
}
