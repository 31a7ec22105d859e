package cda

import (
	"testing"

	"portti/internal/shared"
)

const realPlan = "samples/social/apotti_asiakassuunnitelma_S_as-signed.xml"

// BenchmarkRead reads the header of the real document of 26 KB.
func BenchmarkRead(b *testing.B) {
	src := shared.Read(b, realPlan)
	t := parse(b, src)
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if d, fs := Read(t); len(fs) > 0 || d.ID.Root == "" {
			b.Fatal(fs)
		}
	}
}

// BenchmarkBodyContent decodes its body.
func BenchmarkBodyContent(b *testing.B) {
	src := shared.Read(b, realPlan)
	t := parse(b, src)
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		d, _ := Read(t)
		if body, fs := d.BodyContent(d.Body.Node); len(fs) > 0 || body.JSON == nil {
			b.Fatal(fs)
		}
	}
}
