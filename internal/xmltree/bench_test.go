package xmltree_test

import (
	"testing"

	"portti/internal/xmltree"
)

// BenchmarkParse parses documents of one composition (half base64) at four sizes, and
// others without base64, all base64, or of a form that works against the parser.
func BenchmarkParse(b *testing.B) {
	sizes := []struct {
		name string
		size int
	}{{"20KB", 20_000}, {"200KB", 200_000}, {"2MB", 2_000_000}, {"20MB", 20_000_000}}
	for _, s := range sizes {
		benchmarkParse(b, "cda/"+s.name, clinical(s.size, 0.5))
	}
	for _, s := range sizes {
		benchmarkParse(b, "markup/"+s.name, clinical(s.size, 0))
	}
	benchmarkParse(b, "base64/2MB", clinical(2_000_000, 0.98))
	benchmarkParse(b, "utf16/2MB", toUTF16(string(clinical(1_000_000, 0.5)[39:]), false, true))
}

func benchmarkParse(b *testing.B, name string, doc []byte) {
	b.Run(name, func(b *testing.B) {
		b.SetBytes(int64(len(doc)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := xmltree.Parse(doc, xmltree.Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
