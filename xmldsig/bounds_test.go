package xmldsig

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"portti/internal/shared"
	"portti/internal/xmltree"
	"portti/xmldsig/pki"
)

// run judges doc and gives the judgement's insides.
func run(tb testing.TB, doc string) *kanta {
	tb.Helper()
	v := newVerifier()
	k := &kanta{judgement: v.judgement(parse(tb, []byte(doc)), testNow, policyKanta)}
	k.run()
	return k
}

func TestBodyIsDigestedOnceForAllSignatures(t *testing.T) {
	doc := signed(t, TypeSystem)
	for i := range 5 {
		o := options(t, TypeSystem)
		o.ID, o.Enveloped = fmt.Sprintf("more%d", i), i%2 == 0
		doc = mustSign(t, doc, o)
	}
	k := run(t, doc)
	if len(k.list.Items()) > 0 {
		t.Fatal(k.list.Items())
	}
	n := 0
	for _, key := range k.digests.keys {
		if key.node == k.layout.body {
			n++
		}
	}
	if n != 1 {
		t.Errorf("the body was digested %d times", n)
	}
}

func TestTenThousandReferencesCostNoDigest(t *testing.T) {
	doc := signed(t, TypeSystem)
	i, j := strings.Index(doc, bodyRef), strings.Index(doc, "</SignedInfo>")
	doc = doc[:j] + strings.Repeat(doc[i:j], 5000) + doc[j:]
	k := run(t, forger{key: systemLeaf(t).Key}.forge(t, doc))
	if got := k.list.Items(); len(got) != 1 || got[0].Rule != RuleReferenceTooMany || got[0].Value != "10002" {
		t.Errorf("%+v", got)
	}
	if len(k.digests.keys) != 0 || len(k.targets) != 0 {
		t.Errorf("%d digests, %d ids looked for", len(k.digests.keys), len(k.targets))
	}
}

// bigDocument is a signed document with a body of that many bytes of base64.
func bigDocument(tb testing.TB, size int, opts ...pki.LeafOption) string {
	tb.Helper()
	doc := replaced(tb, document(false), "PGRpdi8+", strings.Repeat("QUJDREVGR0hJSktMTU5PUA==", size/24))
	return mustSign(tb, doc, options(tb, TypeSystem, opts...))
}

func TestVerifyingAllocatesLittleAtAnySize(t *testing.T) {
	for _, doc := range []string{bigDocument(t, 20<<10), bigDocument(t, 2<<20), string(benchSigned(t, 20<<10)), string(benchSigned(t, 2<<20))} {
		v := newVerifier()
		tree := parse(t, []byte(doc))
		got := testing.AllocsPerRun(10, func() {
			if f := v.Document(tree).Findings; len(f) > 0 {
				t.Fatal(f)
			}
		})
		t.Logf("%d bytes: %v allocations", len(doc), got)
		if got > 250 {
			t.Errorf("%d bytes: %v allocations", len(doc), got)
		}
	}
}

// benchSigned is a signed health document with much markup.
func benchSigned(tb testing.TB, size int, opts ...pki.LeafOption) []byte {
	tb.Helper()
	doc := string(benchDoc(size))
	doc = replaced(tb, doc, "<component>", `<id root="`+testOID+`"/><localHeader xmlns="urn:hl7finland"/><component>`)
	return []byte(mustSign(tb, doc, options(tb, TypeSystem, opts...)))
}

func TestVerifierIsSafeForConcurrentUse(t *testing.T) {
	v := newVerifier()
	good := parse(t, []byte(signed(t, TypeProfessional)))
	bad := parse(t, []byte(swap(">PGRpdi8+<", ">PGRpdj4+<")(t, signed(t, TypeSystem))))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				if f := v.Document(good).Findings; len(f) > 0 {
					t.Error(f)
				}
				if f := v.Document(bad).Findings; len(f) != 1 {
					t.Error(f)
				}
			}
		})
	}
	wg.Wait()
}

func TestCertificateCacheIsBounded(t *testing.T) {
	var c certCache
	leaf := systemLeaf(t).Certificate
	for i := range 5 * certCacheSize {
		c.put([32]byte{byte(i), byte(i >> 8), byte(i >> 16)}, leaf)
	}
	if n := len(c.young) + len(c.old); n > 2*certCacheSize {
		t.Errorf("%d certificates", n)
	}
	a, err := c.parse(leaf.Raw)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := c.parse(leaf.Raw); a != b {
		t.Error("parsed twice")
	}
	if _, err := c.parse([]byte{1}); err == nil {
		t.Error("parsed rubbish")
	}
}

// Findings are bounded however many faults a document has, and the verdict stays.
func TestAThousandFaultsAreCounted(t *testing.T) {
	doc := before("<component>", "<x>"+strings.Repeat("<hl7fi:signatureCollection/>", 5000)+"</x>")(t, signed(t, TypeSystem))
	v := newVerifier().Document(parse(t, []byte(doc)))
	if len(v.Findings) != 1000 || v.More[RuleCollectionPlace] != 4000 {
		t.Errorf("%d findings, %v more", len(v.Findings), v.More)
	}
	if _, ok := v.Covered.Body(); ok {
		t.Error("covered")
	}
}

// Others' health documents, signed with SHA-1 and often XSLT, all with faults:
// each is refused, and none takes the reader by surprise.
func TestSIG4_LegacyHealthDocumentsAreRefused(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range sharedXML(t, "samples/kela") {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		tree, err := xmltree.Parse(src, xmltree.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for _, legacy := range []bool{false, true} {
			v := &Verifier{Trust: anyone{}, Legacy: legacy}
			verdict := v.DocumentAt(tree, time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC))
			got := rules(verdict)
			for _, r := range got {
				seen[r] = true
			}
			if legacy == slices.Contains(got, RuleAlgorithmSHA1) && !slices.Contains(got, RuleSignatureMissing) {
				t.Errorf("%s, legacy %v: %v", filepath.Base(name), legacy, got)
			}
			if _, ok := verdict.Covered.Body(); ok {
				t.Errorf("%s: covered", filepath.Base(name))
			}
		}
	}
	for _, r := range []string{RuleAlgorithmSHA1, RuleTransformXSLT, RuleSignatureMissing} {
		if !seen[r] {
			t.Errorf("none has %s", r)
		}
	}
}

func TestRealSignersAreRead(t *testing.T) {
	tree := parse(t, shared.Read(t, "samples/social/apotti_asiakassuunnitelma_S_as-signed.xml"))
	v := (&Verifier{}).DocumentAt(tree, testNow)
	for _, s := range v.Signatures {
		if !s.Intact || s.Signer == nil || len(s.Signer.Subject.SerialNumber) != 11 || s.Time.Nanosecond() == 0 {
			t.Errorf("%+v", s)
		}
	}
}

// verifyCases are documents of three sizes and keys, each good and with faults
// that need the most work to find.
func verifyCases(b *testing.B) map[string][2]string {
	out := map[string][2]string{}
	for _, size := range []int{20 << 10, 200 << 10, 2 << 20} {
		good := string(benchSigned(b, size))
		out[fmt.Sprintf("%dK", size>>10)] = [2]string{good, strings.Replace(good, "Arvo", "arvo", 1)}
	}
	return out
}

func BenchmarkVerify(b *testing.B) {
	for _, size := range []int{20 << 10, 200 << 10, 2 << 20} {
		for _, bits := range []int{2048, 3072, 4096} {
			doc := benchSigned(b, size, pki.WithAlgorithm(pki.RSA(bits)))
			b.Run(fmt.Sprintf("%dK/RSA-%d", size>>10, bits), func(b *testing.B) {
				v := newVerifier()
				b.SetBytes(int64(len(doc)))
				b.ReportAllocs()
				for b.Loop() {
					t, err := xmltree.Parse(doc, xmltree.Limits{})
					if err != nil {
						b.Fatal(err)
					}
					if f := v.Document(t).Findings; len(f) > 0 {
						b.Fatal(f)
					}
				}
			})
		}
	}
}

// BenchmarkRefusing shows what refusing costs beside accepting, interleaved in
// one process: ratio is the median of the pairs.
func BenchmarkRefusing(b *testing.B) {
	for name, docs := range verifyCases(b) {
		b.Run(name, func(b *testing.B) {
			v := newVerifier()
			good, bad := parse(b, []byte(docs[0])), parse(b, []byte(docs[1]))
			var ratios []float64
			for b.Loop() {
				start := time.Now()
				ok := len(v.Document(good).Findings) == 0
				mid := time.Now()
				refused := len(v.Document(bad).Findings) > 0
				end := time.Now()
				if !ok || !refused {
					b.Fatal("wrong verdict")
				}
				ratios = append(ratios, float64(end.Sub(mid))/float64(mid.Sub(start)))
			}
			slices.Sort(ratios)
			b.ReportMetric(ratios[len(ratios)/2], "ratio")
		})
	}
}
