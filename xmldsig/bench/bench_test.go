package bench_test

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"portti/fixtures"
	"portti/internal/xmltree"
	"portti/xmldsig"
	"portti/xmldsig/bench"
	"portti/xmldsig/pki"
)

// anyone trusts every certificate: neither side builds a chain here.
type anyone struct{}

func (anyone) Judge(xmldsig.TrustQuery) xmldsig.TrustAnswer { return xmldsig.TrustAnswer{} }

var roomy = xmltree.Limits{Bytes: 1 << 30, Nodes: 1 << 28, Text: 1 << 29}

// verify is one round of ours: parse the bytes, verify every signature.
func verify(b testing.TB, v *xmldsig.Verifier, doc []byte) bool {
	t, err := xmltree.Parse(doc, roomy)
	if err != nil {
		b.Fatal(err)
	}
	return v.Document(t).Valid
}

func sized(b testing.TB, w *fixtures.World, size int) []byte {
	b.Helper()
	d, err := w.Sized(size, 1)
	if err != nil {
		b.Fatal(err)
	}
	return d.Bytes
}

func newWorld(b testing.TB, bits int) (*fixtures.World, *xmldsig.Verifier) {
	b.Helper()
	w, err := fixtures.NewWorld("bench", fixtures.Options{Algorithm: pki.RSA(bits)})
	if err != nil {
		b.Fatal(err)
	}
	return w, &xmldsig.Verifier{Trust: anyone{}, Now: func() time.Time { return w.Now }}
}

// pair is one measurement of both sides, by the wall clock and in processor time.
type pair struct{ ours, theirs, ourCPU, theirCPU time.Duration }

// measure runs ours and libxmlsec1 by turns, so many rounds each that a turn
// takes some milliseconds.
func measure(b testing.TB, j *bench.Judge, v *xmldsig.Verifier, doc []byte) pair {
	b.Helper()
	rounds := max(1, 400_000/len(doc))
	cpu, start := processorTime(b), time.Now()
	for range rounds {
		if !verify(b, v, doc) {
			b.Fatal("not valid")
		}
	}
	n := time.Duration(rounds)
	p := pair{ours: time.Since(start) / n, ourCPU: (processorTime(b) - cpu) / n}
	a := j.Verify(b, doc, rounds)
	if !a.AllValid() {
		b.Fatal("not valid for libxmlsec1")
	}
	p.theirs, p.theirCPU = a.Wall, a.CPU
	return p
}

// processorTime is what all threads of this process used, the collector's too.
func processorTime(b testing.TB) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func median[T int64 | float64 | time.Duration](list []T) T {
	slices.Sort(list)
	return list[len(list)/2]
}

// BenchmarkLibXMLSec measures whole verification (parse, canonicalization,
// digests, signature value) of the same documents on both sides by turns, and
// reports the median ratio of the pairs: how many times as fast as libxmlsec1.
func BenchmarkLibXMLSec(b *testing.B) {
	j := bench.Start(b)
	for _, bits := range []int{2048, 3072, 4096} {
		w, v := newWorld(b, bits)
		for _, size := range []int{20_000, 200_000, 2_000_000} {
			doc := sized(b, w, size)
			b.Run(fmt.Sprintf("RSA-%d/%dKB", bits, size/1000), func(b *testing.B) {
				var ratio, cpu []float64
				var ours, theirs []time.Duration
				for b.Loop() {
					p := measure(b, j, v, doc)
					ratio = append(ratio, float64(p.theirs)/float64(p.ours))
					if p.ourCPU > 0 {
						cpu = append(cpu, float64(p.theirCPU)/float64(p.ourCPU))
					}
					ours, theirs = append(ours, p.ours), append(theirs, p.theirs)
				}
				b.ReportMetric(0, "ns/op") // a pair is no unit
				b.ReportMetric(median(ratio), "ratio")
				if len(cpu) > 0 {
					b.ReportMetric(median(cpu), "cpu-ratio")
				}
				b.ReportMetric(float64(median(ours))/1e3, "our-µs")
				b.ReportMetric(float64(median(theirs))/1e3, "their-µs")
				b.ReportMetric(float64(len(ratio)), "pairs")
			})
		}
	}
}

// cpuPerByte runs f until b is done and gives the processor time of a byte in
// nanoseconds, the median of the rounds.
func cpuPerByte(b *testing.B, size int, f func()) float64 {
	batch := max(1, 4_000_000/size)
	var list []float64
	for b.Loop() {
		cpu := processorTime(b)
		for range batch {
			f()
		}
		list = append(list, float64(processorTime(b)-cpu)/float64(batch*size))
	}
	b.ReportMetric(0, "ns/op")
	return median(list)
}

// BenchmarkCanonicalDigest is exclusive canonicalization of a whole document,
// half of it markup, into SHA-256: megabytes a second of one core.
func BenchmarkCanonicalDigest(b *testing.B) {
	w, _ := newWorld(b, 2048)
	for _, size := range []int{20_000, 200_000, 2_000_000} {
		doc := sized(b, w, size)
		t, err := xmltree.Parse(doc, roomy)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("%dKB", size/1000), func(b *testing.B) {
			per := cpuPerByte(b, len(doc), func() {
				h := sha256.New()
				if err := (xmldsig.Canonicalizer{}).Write(h, t, xmltree.Doc); err != nil {
					b.Fatal(err)
				}
				h.Sum(nil)
			})
			b.ReportMetric(1e3/per, "MB/s/core")
		})
	}
}

// BenchmarkLinear is whole verification up to 100 MB: the processor time of a byte
// stays the same.
func BenchmarkLinear(b *testing.B) {
	w, v := newWorld(b, 2048)
	for _, size := range []int{2_000_000, 20_000_000, 100_000_000} {
		b.Run(fmt.Sprintf("%dMB", size/1_000_000), func(b *testing.B) {
			doc := sized(b, w, size)
			per := cpuPerByte(b, len(doc), func() {
				if !verify(b, v, doc) {
					b.Fatal("not valid")
				}
			})
			b.ReportMetric(per, "ns/byte")
		})
	}
}

// refusals are documents with one fault each, good up to the last step that can
// find it.
func refusals(b testing.TB, doc []byte) map[string][]byte {
	b.Helper()
	text := string(doc)
	change := func(after, old, new string) []byte {
		i := strings.Index(text, after) + len(after)
		j := i + strings.Index(text[i:], old)
		if i < len(after) || j < i {
			b.Fatalf("no %q after %q", old, after)
		}
		return []byte(text[:j] + new + text[j+len(old):])
	}
	return map[string][]byte{
		"body":   change(`representation="B64">`, "d", "e"),
		"time":   change("<signatureTimestamp", "Z<", ".0Z<"),
		"value":  change("SignatureValue>", "A", "B"),
		"digest": change("DigestValue>", "A", "B"),
		"signed": change("SignedInfo", "c14n#", "c14n"),
	}
}

// BenchmarkRejecting is what a bad signature costs beside the good one, by turns:
// the median ratio, parsing and findings with their places included.
func BenchmarkRejecting(b *testing.B) {
	w, v := newWorld(b, 2048)
	for _, size := range []int{20_000, 200_000, 2_000_000} {
		good := sized(b, w, size)
		for name, bad := range refusals(b, good) {
			b.Run(fmt.Sprintf("%dKB/%s", size/1000, name), func(b *testing.B) {
				rounds := max(1, 1_000_000/size)
				turn := func(doc []byte, want bool) time.Duration {
					cpu := processorTime(b)
					for range rounds {
						if verify(b, v, doc) != want {
							b.Fatal("wrong verdict")
						}
					}
					return processorTime(b) - cpu
				}
				var ratio []float64
				for b.Loop() {
					accept := turn(good, true)
					ratio = append(ratio, float64(turn(bad, false))/float64(accept))
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(median(ratio), "ratio")
			})
		}
	}
}

// A document costs at most 500 allocations at any size, parsed, verified and, if
// it is bad, with its findings.
func TestAllocationsDoNotGrow(t *testing.T) {
	w, v := newWorld(t, 2048)
	for _, size := range []int{20_000, 200_000, 2_000_000} {
		good := sized(t, w, size)
		docs := refusals(t, good)
		docs["good"] = good
		for name, doc := range docs {
			got := testing.AllocsPerRun(3, func() { verify(t, v, doc) })
			if got > 500 {
				t.Errorf("%d bytes, %s: %v allocations", size, name, got)
			}
			if name == "good" {
				t.Logf("%d bytes: %v allocations", size, got)
			}
		}
	}
}
