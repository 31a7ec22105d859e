package store

import (
	"slices"
	"testing"
	"time"
)

// BenchmarkSealedRatio tells what encryption and checkpoints cost a commit: pairs of
// the same work with and without them, one after the other, and the median of their
// ratios.
func BenchmarkSealedRatio(b *testing.B) {
	for _, size := range []int{4_000, 20_000, 200_000, 2_000_000} {
		b.Run(sizeName(size), func(b *testing.B) {
			plain := open(b)
			both := open(b, sealed, func(o *Options) { o.CheckpointEvery = checkpointEvery })
			content := docSize(id(0), size)
			var ratios []float64
			n := 0
			round := func(s *Store) time.Duration {
				begun := time.Now()
				for range 8 {
					n++
					mustArchive(b, s, distinct(&content, n))
				}
				return time.Since(begun)
			}
			round(plain)
			round(both)
			for i := range max(b.N, 30) {
				first, second := plain, both
				if i%2 == 1 {
					first, second = both, plain
				}
				x, y := round(first), round(second)
				if i%2 == 1 {
					x, y = y, x
				}
				ratios = append(ratios, float64(y)/float64(x))
			}
			slices.Sort(ratios)
			b.ReportMetric(ratios[len(ratios)/2], "ratio")
		})
	}
}

// BenchmarkBackupUnderLoad tells how much slower the slowest hundredth of commits is
// while a backup runs: blocks with and without one, one after the other, and the median
// of the ratios of their 99th percentiles.
func BenchmarkBackupUnderLoad(b *testing.B) {
	s := open(b, sealed, func(o *Options) { o.CheckpointEvery = checkpointEvery })
	content := docSize(id(0), 20_000)
	n := 0
	for range 2000 {
		n++
		mustArchive(b, s, distinct(&content, n))
	}
	block := func() time.Duration {
		took := make([]time.Duration, 300)
		for i := range took {
			n++
			begun := time.Now()
			mustArchive(b, s, distinct(&content, n))
			took[i] = time.Since(begun)
		}
		slices.Sort(took)
		return took[len(took)*99/100]
	}
	var ratios []float64
	for range max(b.N, 10) {
		plain := block()
		done := make(chan error)
		dir := b.TempDir()
		go func() { _, err := s.Backup(bg, BackupOptions{Dir: dir}); done <- err }()
		ratios = append(ratios, float64(block())/float64(plain))
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "p99-ratio")
}
