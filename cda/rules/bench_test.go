package rules

import (
	"testing"

	"portti/internal/shared"
)

// BenchmarkCheck judges the real document of 26 KB with its frame and body.
func BenchmarkCheck(b *testing.B) {
	in, _ := inputOf(b, shared.Read(b, planFrame), shared.Read(b, plan))
	b.ReportAllocs()
	for b.Loop() {
		Check(in)
	}
}

// BenchmarkCheckHeader leaves out the body.
func BenchmarkCheckHeader(b *testing.B) {
	in, _ := inputOf(b, shared.Read(b, planFrame), shared.Read(b, plan))
	in.Body = nil
	b.ReportAllocs()
	for b.Loop() {
		Check(in)
	}
}
