package store

import (
	"context"
	"slices"
	"testing"
	"time"
)

// TestLogsOfAnswersDoNotStandBehindDocuments: an answer that is found waits for its log
// rows; they go before the documents in the queue, and the commit is closed soon.
func TestLogsOfAnswersDoNotStandBehindDocuments(t *testing.T) {
	s := open(t, func(o *Options) { o.Group = Group{Documents: 1000, Bytes: 1 << 20, Time: time.Minute} })
	held, release := make(chan struct{}), make(chan struct{})
	answers := make(chan error, 32)
	go func() {
		answers <- s.alone(context.Background(), "hold", func(*writer) error {
			close(held)
			<-release
			return nil
		})
	}()
	<-held
	var order []string // the writer's alone until all have been answered
	job := func(name string, took time.Duration) func(*tx) error {
		return func(*tx) error {
			order = append(order, name)
			time.Sleep(took)
			return nil
		}
	}
	const documents = 8
	for range documents {
		go func() { answers <- s.do(context.Background(), "document", 0, job("document", 2*shortGroup)) }()
	}
	for len(s.queue) < documents {
		time.Sleep(time.Millisecond)
	}
	before := s.Stats().Commits
	go func() {
		answers <- s.doShort(context.Background(), "log", 0, func(t *tx) error { return job("log", 0)(t) })
	}()
	for len(s.short) < 1 {
		time.Sleep(time.Millisecond)
	}
	close(release)
	for range documents + 2 {
		if err := <-answers; err != nil {
			t.Fatal(err)
		}
	}
	if i := slices.Index(order, "log"); i != 0 {
		t.Errorf("the log row came after %d documents", i)
	}
	if n := s.Stats().Commits - before; n < 2 {
		t.Errorf("%d commits: the log row waited for every document", n)
	}
}
