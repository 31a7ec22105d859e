package store

import (
	"os"
	"sync"
	"time"
)

// Stats are the archive's own figures since it was opened, for watching it. They
// hold nothing of its content.
type Stats struct {
	// Queue is how many writes wait now, QueueLimit how many may.
	Queue, QueueLimit int
	// Commits counts groups committed, Jobs the writes in them, Failed the groups that
	// failed as a whole.
	Commits, Jobs, Failed int64
	// Groups and Seconds tell how many commits had at most so many writes, and took at
	// most so long, by the bounds of GroupBounds and CommitBounds.
	Groups, Seconds []int64
	// CommitTime is the time of all commits.
	CommitTime time.Duration
	// Documents and Leaves count those in the archive; Usage, Disclosures and Messages
	// the rows ever written to the logs.
	Documents, Leaves, Usage, Disclosures, Messages int64
	// File and WAL are the sizes of the database file and of its write-ahead log.
	File, WAL int64
}

// GroupBounds and CommitBounds are upper bounds of classes of commits: writes in
// one, and seconds.
var (
	GroupBounds  = []float64{1, 2, 4, 8, 16}
	CommitBounds = []float64{0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1, 2, 4}
)

// figures are Stats in the making.
type figures struct {
	mu sync.Mutex
	s  Stats
}

func classify(counts []int64, bounds []float64, v float64) []int64 {
	if counts == nil {
		counts = make([]int64, len(bounds))
	}
	for i, b := range bounds {
		if v <= b {
			counts[i]++
		}
	}
	return counts
}

// committed counts a commit. seq are the next numbers after it.
func (f *figures) committed(jobs int, took time.Duration, seq *sequences) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := &f.s
	s.Commits++
	s.Jobs += int64(jobs)
	s.CommitTime += took
	s.Groups = classify(s.Groups, GroupBounds, float64(jobs))
	s.Seconds = classify(s.Seconds, CommitBounds, took.Seconds())
	f.numbers(seq)
}

// numbers takes what the next numbers tell; call it with the lock held.
func (f *figures) numbers(seq *sequences) {
	s := &f.s
	s.Documents, s.Leaves = seq.document-1, seq.leaf
	s.Usage, s.Disclosures, s.Messages = seq.usage-1, seq.disclosure-1, seq.message-1
}

func (f *figures) opened(seq *sequences) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.numbers(seq)
}

func (f *figures) failed() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.s.Failed++
}

// Stats gives the archive's figures now.
func (s *Store) Stats() Stats {
	s.figures.mu.Lock()
	out := s.figures.s
	out.Groups = append(make([]int64, 0, len(GroupBounds)), out.Groups...)
	out.Seconds = append(make([]int64, 0, len(CommitBounds)), out.Seconds...)
	s.figures.mu.Unlock()
	out.Queue, out.QueueLimit = len(s.queue)+len(s.short), cap(s.queue)
	out.File, out.WAL = sizeOf(s.path(dbFile)), sizeOf(s.path(dbFile+"-wal"))
	return out
}

func sizeOf(path string) int64 {
	i, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return i.Size()
}
