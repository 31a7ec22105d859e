package store

import (
	"fmt"
	"sync/atomic"
	"testing"
)

// The figures of BENCHMARKS.md: go test -run '^$' -bench . ./store

func sizeName(n int) string {
	if n >= 1_000_000 {
		return fmt.Sprintf("%dMB", n/1_000_000)
	}
	return fmt.Sprintf("%dKB", n/1000)
}

func BenchmarkArchive(b *testing.B) {
	for _, size := range []int{20_000, 200_000, 2_000_000, 20_000_000} {
		for _, clients := range []int{1, 64} {
			b.Run(fmt.Sprintf("%s/clients=%d", sizeName(size), clients), func(b *testing.B) {
				benchmarkArchive(b, size, clients)
			})
		}
	}
}

func benchmarkArchive(b *testing.B, size, clients int) {
	s := open(b)
	content := docSize(id(0), size)
	var n atomic.Int64
	b.SetBytes(int64(size))
	b.SetParallelism(clients)
	one := func() {
		i := n.Add(1)
		a := content
		a.ID = id(int(i))
		a.SetID = a.ID
		a.Message.ID = "m-" + a.ID
		a.Index.Clients = []string{fmt.Sprintf("client-%d", i*7919%100_003)}
		a.Index.Case = fmt.Sprintf("case-%d", i*7919%100_003)
		a.Usage = []Usage{content.Usage[0]}
		a.Usage[0].Client, a.Usage[0].DocumentID = a.Index.Clients[0], a.ID
		mustArchive(b, s, a)
	}
	b.ResetTimer()
	if clients == 1 {
		for range b.N {
			one()
		}
		return
	}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			one()
		}
	})
}
