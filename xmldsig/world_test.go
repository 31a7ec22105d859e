package xmldsig

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"portti/internal/finding"
	"portti/internal/xmltree"
	"portti/xmldsig/pki"
)

// Test time, organisation and person: all invented.
var (
	testNow = time.Date(2026, 5, 4, 9, 30, 0, 0, time.UTC)
	testOrg = pki.Organisation{OID: "1.2.246.10.99999901.10.0", Name: "Esimerkkilän hyvinvointialue", System: "Portti"}
	testPro = pki.Person{Number: "90000000001", Given: "Aino", Family: "Esimerkki", Title: "251 sosionomi, socionom"}
)

const testOID = "1.2.246.10.99999901.95.2026.1.1"

var testCA = sync.OnceValue(func() *pki.Authority {
	ca, err := pki.New(pki.Options{Seed: "xmldsig", Now: testNow.AddDate(0, -1, 0)})
	if err != nil {
		panic(err)
	}
	return ca
})

func systemLeaf(tb testing.TB, opts ...pki.LeafOption) *pki.Leaf {
	tb.Helper()
	l, err := testCA().System(testOrg, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

func professionalLeaf(tb testing.TB, opts ...pki.LeafOption) *pki.Leaf {
	tb.Helper()
	l, err := testCA().Professional(testPro, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// anyone trusts every certificate: tests of what is not trust.
type anyone struct{}

func (anyone) Judge(q TrustQuery) TrustAnswer {
	return TrustAnswer{Chain: []*x509.Certificate{q.Certificate}}
}

func newVerifier() *Verifier {
	return &Verifier{Trust: anyone{}, Now: func() time.Time { return testNow }}
}

// document is an unsigned social document; professional adds the block that tells
// who signed.
func document(professional bool) string {
	block := ""
	if professional {
		block = `<hl7fi:signature><hl7fi:assignedAuthorSigner>` + testPro.Number + `</hl7fi:assignedAuthorSigner></hl7fi:signature>`
	}
	return `<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:hl7fi="urn:hl7finland" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <id root="` + testOID + `"/>
  <title>Päätös</title>
  <hl7fi:localSocialHeader>
    <hl7fi:documentGroup code="5"/>` + block + `
  </hl7fi:localSocialHeader>
  <component>
    <nonXMLBody ID="OID` + testOID + `"><text mediaType="application/xhtml+xml" representation="B64">PGRpdi8+</text><hl7fi:json>e30=</hl7fi:json></nonXMLBody>
  </component>
</ClinicalDocument>
`
}

// options are those of a signature of that type by the fitting test certificate.
func options(tb testing.TB, typ int, opts ...pki.LeafOption) SignOptions {
	tb.Helper()
	leaf := systemLeaf
	if typ == TypeProfessional || typ == TypeMulti {
		leaf = professionalLeaf
	}
	l := leaf(tb, opts...)
	o := SignOptions{Key: l.Key, Certificate: l.Certificate, Type: typ, Time: testNow.Add(-time.Minute), ID: fmt.Sprintf("sig%d", typ)}
	if typ == TypeMulti {
		o.Documents = []DocumentHash{{OID: "1.2.246.10.99999901.95.2026.1.2", Hash: make([]byte, 32)}}
	}
	return o
}

func mustSign(tb testing.TB, doc string, o SignOptions) string {
	tb.Helper()
	out, err := SignDocument([]byte(doc), o)
	if err != nil {
		tb.Fatal(err)
	}
	return string(out)
}

// signed is a document with one signature of that type.
func signed(tb testing.TB, typ int) string {
	tb.Helper()
	return mustSign(tb, document(typ == TypeProfessional || typ == TypeMulti), options(tb, typ))
}

// verify judges doc and checks what must hold of every verdict.
func verify(tb testing.TB, v *Verifier, doc string) *Verdict {
	tb.Helper()
	t := parse(tb, []byte(doc))
	verdict := v.Document(t)
	faults := slices.ContainsFunc(verdict.Findings, func(f finding.Finding) bool { return !IsRemark(f.Rule) })
	if _, ok := verdict.Covered.Body(); ok == faults {
		tb.Errorf("body covered: %v, faults: %v", ok, faults)
	}
	if faults && len(verdict.Covered.Elements()) > 0 {
		tb.Error("something is covered beside faults")
	}
	for _, f := range verdict.Findings {
		if f.Line == 0 || f.Column == 0 || f.XPath == "" {
			tb.Errorf("finding without a place: %+v", f)
		}
	}
	return verdict
}

// rules gives the rules found, sorted, each once.
func rules(v *Verdict) []string {
	var out []string
	for _, f := range v.Findings {
		out = append(out, f.Rule)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// wantRules demands exactly these rules.
func wantRules(tb testing.TB, v *Verdict, want ...string) {
	tb.Helper()
	slices.Sort(want)
	if got := rules(v); !slices.Equal(got, want) {
		tb.Errorf("got %v, want %v", got, want)
	}
}

// replaced replaces old once, and fails where it does not stand.
func replaced(tb testing.TB, doc, old, new string) string {
	tb.Helper()
	if !strings.Contains(doc, old) {
		tb.Fatalf("no %q in the document", old)
	}
	return strings.Replace(doc, old, new, 1)
}

// forger repairs a changed document as an attacker with a good key could: it
// computes DigestValues anew where they can be, and signs SignedInfo again.
type forger struct {
	key    crypto.Signer
	method method
	digest bool // compute digests
}

func (f forger) forge(tb testing.TB, doc string) string {
	tb.Helper()
	if f.digest {
		doc = f.redigest(tb, doc)
	}
	return f.resign(tb, doc)
}

// redigest sets every DigestValue to what its reference's target has.
func (f forger) redigest(tb testing.TB, doc string) string {
	tb.Helper()
	t := parse(tb, []byte(doc))
	ids := t.IDs("ID")
	var edits []edit
	for n := xmltree.Node(1); int(n) < t.Len(); n++ {
		if !t.Is(n, nsDSig, "Reference") {
			continue
		}
		found := ids.Lookup(strings.TrimPrefix(t.Attr(n, "URI"), "#"))
		h, rule := digestOf(t.Attr(t.Child(n, nsDSig, "DigestMethod"), "Algorithm"), true)
		value := t.Child(n, nsDSig, "DigestValue")
		if len(found) == 0 || rule != "" || value == xmltree.None {
			continue
		}
		c := Canonicalizer{}
		for tr := range t.Children(t.Child(n, nsDSig, "Transforms")) {
			if inc := t.Child(tr, nsExc, "InclusiveNamespaces"); inc != xmltree.None {
				c.Prefixes = strings.Fields(t.Attr(inc, "PrefixList"))
			}
		}
		sum, err := digestOfNode(t, found[0], c, h, xmltree.None)
		if err != nil {
			continue
		}
		edits = append(edits, content(t, value, base64.StdEncoding.EncodeToString(sum)))
	}
	return apply(doc, edits)
}

// resign sets every SignatureValue.
func (f forger) resign(tb testing.TB, doc string) string {
	tb.Helper()
	t := parse(tb, []byte(doc))
	m := f.method
	if m.scheme == 0 {
		m = method{rsaPKCS1, crypto.SHA256}
	}
	var edits []edit
	for n := xmltree.Node(1); int(n) < t.Len(); n++ {
		value := t.Child(n, nsDSig, "SignatureValue")
		info := t.Child(n, nsDSig, "SignedInfo")
		if !t.Is(n, nsDSig, "Signature") || value == xmltree.None || info == xmltree.None {
			continue
		}
		c := Canonicalizer{}
		if inc := t.Child(t.Child(info, nsDSig, "CanonicalizationMethod"), nsExc, "InclusiveNamespaces"); inc != xmltree.None {
			c.Prefixes = strings.Fields(t.Attr(inc, "PrefixList"))
		}
		sum, err := digestOfNode(t, info, c, m.hash, xmltree.None)
		if err != nil {
			continue
		}
		var opts crypto.SignerOpts = m.hash
		key := pki.Unwrap(f.key)
		if m.scheme == rsaPSS {
			opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: m.hash}
		}
		if m.scheme == ecdsaRaw {
			key = rawECDSA{key}
		}
		sig, err := key.Sign(rand.Reader, sum, opts)
		if err != nil {
			tb.Fatal(err)
		}
		edits = append(edits, content(t, value, base64.StdEncoding.EncodeToString(sig)))
	}
	return apply(doc, edits)
}

type edit struct {
	from, to int
	text     string
}

// content replaces the content of a leaf element.
func content(t *xmltree.Tree, n xmltree.Node, text string) edit {
	start, end := t.Range(n)
	src := string(t.Source()[start:end])
	return edit{start + strings.IndexByte(src, '>') + 1, start + strings.LastIndexByte(src, '<'), text}
}

// apply makes the edits, leaving out those within another one.
func apply(doc string, edits []edit) string {
	var b strings.Builder
	at := 0
	for _, e := range edits {
		if e.from < at || e.to < e.from {
			continue
		}
		b.WriteString(doc[at:e.from] + e.text)
		at = e.to
	}
	return b.String() + doc[at:]
}
