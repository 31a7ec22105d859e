package xmldsig

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"testing"

	"portti/internal/xmltree"
	"portti/xmldsig/libxml2judge"
)

// benchDoc makes a CDA-like body of about size bytes, half of it base64: the same
// composition at every size.
func benchDoc(size int) []byte {
	var b strings.Builder
	b.WriteString(`<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><component><structuredBody ID="OID1.2">`)
	blob := base64.StdEncoding.EncodeToString(make([]byte, 1500))
	for i := 0; b.Len() < size-100; i++ {
		fmt.Fprintf(&b, `<component><section ID="OID1.2.%d"><code code="%d" codeSystem="1.2.246.537.6.12.2002.126" displayName="Hoitokertomus"/><title>Väliotsikko %d</title>`, i, i%90, i)
		for j := range 10 {
			fmt.Fprintf(&b, `<entry typeCode="COMP"><observation classCode="OBS" moodCode="EVN"><id root="1.2.%d.%d"/><value xsi:type="ST">Arvo &amp; selite</value></observation></entry>`, i, j)
		}
		b.WriteString(`<text mediaType="image/png" representation="B64">` + blob + "</text></section></component>\n")
	}
	b.WriteString("</structuredBody></component></ClinicalDocument>")
	return []byte(b.String())
}

func BenchmarkCanonicalDigest(b *testing.B) {
	for _, size := range []int{20 << 10, 200 << 10, 2 << 20, 20 << 20} {
		tree := parse(b, benchDoc(size))
		n := find(b, tree, "structuredBody")
		b.Run(fmt.Sprintf("%dK", size>>10), func(b *testing.B) {
			b.SetBytes(int64(len(tree.Source())))
			b.ReportAllocs()
			for b.Loop() {
				h := sha256.New()
				if err := (Canonicalizer{}).Write(h, tree, n); err != nil {
					b.Fatal(err)
				}
				h.Sum(nil)
			}
		})
	}
}

func BenchmarkCanonicalOnly(b *testing.B) {
	tree := parse(b, benchDoc(2<<20))
	for _, alg := range []string{Exclusive10, Inclusive10, Inclusive11} {
		b.Run(alg, func(b *testing.B) {
			b.SetBytes(int64(len(tree.Source())))
			b.ReportAllocs()
			for b.Loop() {
				if err := (Canonicalizer{Algorithm: alg}).Write(io.Discard, tree, xmltree.Doc); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestCanonicalizationAllocatesNextToNothing(t *testing.T) {
	for _, size := range []int{20 << 10, 2 << 20} {
		tree := parse(t, benchDoc(size))
		for _, alg := range []string{Exclusive10, Inclusive10, Inclusive11} {
			c := Canonicalizer{Algorithm: alg}
			got := testing.AllocsPerRun(20, func() {
				if err := c.Write(io.Discard, tree, xmltree.Doc); err != nil {
					t.Fatal(err)
				}
			})
			if got > 10 {
				t.Errorf("%s, %d bytes: %v allocations", alg, size, got)
			}
		}
	}
}

// hostileShapes are documents of n elements or so that would cost n² where
// something is looked up by walking.
var hostileShapes = []struct {
	name  string
	shape func(n int) []byte
}{
	{"deep nesting", func(n int) []byte {
		return []byte(strings.Repeat("<a>", n) + strings.Repeat("</a>", n))
	}},
	{"deep nesting with a prefix each", func(n int) []byte {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "<p%d:a xmlns:p%d='u:%d'>", i, i, i)
		}
		for i := n - 1; i >= 0; i-- {
			fmt.Fprintf(&b, "</p%d:a>", i)
		}
		return []byte(b.String())
	}},
	{"many prefixes on the root, all used below", func(n int) []byte {
		var b strings.Builder
		b.WriteString("<r")
		for i := range n {
			fmt.Fprintf(&b, " xmlns:p%d='u:%d'", i, i)
		}
		b.WriteString(">")
		for i := range n {
			fmt.Fprintf(&b, "<p%d:a/>", i)
		}
		b.WriteString("</r>")
		return []byte(b.String())
	}},
	{"many attributes", func(n int) []byte {
		var b strings.Builder
		b.WriteString("<r")
		for i := range n {
			fmt.Fprintf(&b, " a%d=''", n-i)
		}
		b.WriteString("/>")
		return []byte(b.String())
	}},
	{"default namespace to and fro", func(n int) []byte {
		return []byte("<r>" + strings.Repeat("<a xmlns='u:1'><b xmlns=''/></a>", n) + "</r>")
	}},
}

// BenchmarkHostileShapes shows that cost per byte stays the same at ten times the
// size.
func BenchmarkHostileShapes(b *testing.B) {
	for _, h := range hostileShapes {
		for _, n := range []int{5_000, 50_000} {
			tree := parse(b, h.shape(n))
			for _, alg := range []string{Exclusive10, Inclusive10} {
				b.Run(fmt.Sprintf("%s/%s/%d", h.name, alg, n), func(b *testing.B) {
					b.SetBytes(int64(len(tree.Source())))
					for b.Loop() {
						if err := (Canonicalizer{Algorithm: alg}).Write(io.Discard, tree, xmltree.Doc); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}

// The same shapes, small, have the form that libxml2 gives them: the ways taken
// with many prefixes (a map) and many attributes are right too.
func TestCanonicalFormOfHostileShapesAsLibxml2(t *testing.T) {
	for _, h := range hostileShapes {
		src := h.shape(300)
		judge := libxml2judge.Parse(src)
		tree := parse(t, src)
		for _, m := range judgedModes {
			compareForm(t, Canonicalizer{Algorithm: m.alg}, m.mode, -1, -1, tree, xmltree.Doc, nil, judge)
		}
		judge.Close()
	}
}
