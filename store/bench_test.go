package store

import (
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// The figures of BENCHMARKS.md: go test -run '^$' -bench . ./store
//
// cpu-µs/op is the process's own processor time, which other programs on the
// machine disturb less than the time of day.

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// measured runs f as the timed part of a benchmark.
func measured(b *testing.B, f func()) {
	b.Helper()
	before := cpuTime(b)
	b.ResetTimer()
	f()
	b.StopTimer()
	b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
}

func sizeName(n int) string {
	if n >= 1_000_000 {
		return fmt.Sprintf("%dMB", n/1_000_000)
	}
	return fmt.Sprintf("%dKB", n/1000)
}

func BenchmarkArchive(b *testing.B) {
	for _, size := range []int{4_000, 20_000, 200_000, 2_000_000, 20_000_000} {
		for _, clients := range []int{1, 64} {
			b.Run(fmt.Sprintf("%s/clients=%d", sizeName(size), clients), func(b *testing.B) {
				benchmarkArchive(b, size, clients)
			})
		}
	}
}

// distinct makes the i-th of documents that differ in everything but their bytes.
func distinct(content *Archival, i int) Archival {
	a := *content
	a.ID = id(i)
	a.SetID = a.ID
	a.Message.ID = "m-" + a.ID
	a.Index.Clients = []string{fmt.Sprintf("client-%d", i*7919%100_003)}
	a.Index.Case = fmt.Sprintf("case-%d", i*7919%100_003)
	a.Index.Effective = noon.Add(time.Duration(i) * time.Second)
	a.Usage = []Usage{content.Usage[0]}
	a.Usage[0].Client, a.Usage[0].DocumentID = a.Index.Clients[0], a.ID
	return a
}

func benchmarkArchive(b *testing.B, size, clients int) {
	s := open(b)
	content := docSize(id(0), size)
	var n atomic.Int64
	b.SetBytes(int64(size))
	b.SetParallelism(clients)
	measured(b, func() {
		if clients == 1 {
			for range b.N {
				mustArchive(b, s, distinct(&content, int(n.Add(1))))
			}
			return
		}
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				mustArchive(b, s, distinct(&content, int(n.Add(1))))
			}
		})
	})
}

// filled gives an archive of n documents of 4 KB.
func filled(b *testing.B, n int) *Store {
	b.Helper()
	s := open(b, func(o *Options) { o.synchronous = "OFF" })
	content := docSize(id(0), 4000)
	for i := range n {
		mustArchive(b, s, distinct(&content, i))
	}
	return s
}

func BenchmarkRead(b *testing.B) {
	const n = 10_000
	s := filled(b, n)
	b.Run("Document", func(b *testing.B) {
		measured(b, func() {
			for i := range b.N {
				if _, err := s.Document(bg, inA, id(i*7919%n)); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
	for name, f := range map[string]func(i int) Filter{
		"client":          func(i int) Filter { return Filter{Client: fmt.Sprintf("client-%d", i%n*7919%100_003)} },
		"case":            func(i int) Filter { return Filter{Case: fmt.Sprintf("case-%d", i%n*7919%100_003)} },
		"newest of group": func(int) Filter { return Filter{Groups: []string{"5"}} },
	} {
		b.Run("Search/"+name, func(b *testing.B) {
			measured(b, func() {
				for i := range b.N {
					p, err := s.Search(bg, inA, f(i), 20, "")
					if err != nil || len(p.Hits) == 0 {
						b.Fatal(p, err)
					}
				}
			})
		})
	}
	b.Run("DocumentStatus", func(b *testing.B) {
		measured(b, func() {
			for i := range b.N {
				if _, err := s.DocumentStatus(bg, inA, id(i*7919%n)); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}
