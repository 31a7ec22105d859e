package xsd

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"portti/internal/xmltree"
)

// sized gives a valid social document of about size bytes, half of it base64: the
// header of testdata/document.xml, with clients repeated to fill it up.
func sized(tb testing.TB, size int) []byte {
	tb.Helper()
	b, err := os.ReadFile("testdata/document.xml")
	if err != nil {
		tb.Fatal(err)
	}
	from := bytes.Index(b, []byte("<recordTarget>"))
	to := bytes.Index(b, []byte("</recordTarget>")) + len("</recordTarget>")
	client := b[from:to]
	var out bytes.Buffer
	out.Write(b[:to])
	for out.Len()+len(b)-to+len(client) < size/2 {
		out.WriteString("\n  ")
		out.Write(client)
	}
	rest := string(b[to:])
	line := strings.Repeat("QUJD", 19) + "\n"
	fill := strings.Repeat(line, max(0, size-out.Len()-len(rest))/2/len(line))
	rest = strings.Replace(rest, "PGRpdi8+", fill, 1)
	rest = strings.Replace(rest, "e30=", fill, 1)
	out.WriteString(rest)
	return out.Bytes()
}

// BenchmarkDocument measures the schema check alone, over a parsed tree.
func BenchmarkDocument(b *testing.B) {
	for _, size := range []int{20_000, 200_000, 2_000_000, 20_000_000} {
		b.Run(fmt.Sprintf("%dKB", size/1000), func(b *testing.B) {
			t, err := xmltree.Parse(sized(b, size), xmltree.Limits{})
			if err != nil {
				b.Fatal(err)
			}
			s := Document(Strict)
			b.SetBytes(int64(len(t.Source())))
			b.ReportAllocs()
			for b.Loop() {
				findings, err := s.Validate(t, t.Root())
				if err != nil || len(findings) > 0 {
					b.Fatal(findings, err)
				}
			}
		})
	}
}
