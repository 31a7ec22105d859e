package store

import (
	"errors"
	"sync"
	"testing"
)

func TestStatsCountWhatTheWriterDoes(t *testing.T) {
	var fail bool
	s := open(t, func(o *Options) {
		o.beforeCommit = func() error {
			if fail {
				return &Error{Kind: ErrFull, Op: "test", Err: errors.New("full")}
			}
			return nil
		}
	})
	before := s.Stats()
	var all sync.WaitGroup
	for i := range 10 {
		all.Go(func() { mustArchive(t, s, doc(id(i))) })
	}
	all.Wait()
	st := s.Stats()
	n := st.Jobs - before.Jobs
	if n != 10 || st.Commits-before.Commits < 1 || st.Commits-before.Commits > 10 || st.Documents != 10 || st.Usage != 10 || st.Messages != 10 || st.Leaves != 20 {
		t.Errorf("%+v", st)
	}
	if len(st.Groups) != len(GroupBounds) || st.Groups[len(st.Groups)-1] != st.Commits || st.Seconds[len(st.Seconds)-1] > st.Commits || st.CommitTime <= 0 {
		t.Errorf("classes %+v", st)
	}
	if st.File == 0 || st.QueueLimit != 256 || st.Queue != 0 {
		t.Errorf("%+v", st)
	}
	fail = true
	if _, err := s.Archive(bg, doc(id(99))); !errors.Is(err, ErrFull) {
		t.Errorf("%v", err)
	}
	if st := s.Stats(); st.Failed != 1 || st.Documents != 10 {
		t.Errorf("after a failed commit: %+v", st)
	}
	fail = false
}

func TestStatsOfAnOpenedArchiveTellWhatItHolds(t *testing.T) {
	dir := t.TempDir()
	s := openIn(t, dir)
	mustArchive(t, s, doc(id(1)))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if st := openIn(t, dir).Stats(); st.Documents != 1 || st.Usage != 1 || st.Commits != 0 {
		t.Errorf("%+v", st)
	}
}
