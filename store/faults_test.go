package store

import (
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"
)

// A disk whose syncs take long: who waits too long is told so and may send again; what
// was taken is kept, once.
func TestARK9_SlowSyncIsToldAndLosesNothing(t *testing.T) {
	hold := make(chan struct{})
	var once sync.Once
	slow := false
	s := open(t, func(o *Options) {
		o.Queue, o.QueueWait = 2, time.Millisecond
		o.beforeCommit = func() error {
			if slow {
				<-hold
			}
			return nil
		}
	})
	mustArchive(t, s, doc(id(0)))
	slow = true
	release := func() { once.Do(func() { close(hold) }) }
	defer release()
	const n = 8
	errs := make([]error, n)
	var all sync.WaitGroup
	busy := make(chan struct{}, n)
	for i := range n {
		all.Go(func() {
			if _, errs[i] = s.Archive(bg, doc(id(i+1))); errors.Is(errs[i], ErrBusy) {
				busy <- struct{}{}
			}
		})
	}
	<-busy // the queue is full while the disk is slow
	release()
	all.Wait()
	for i, err := range errs {
		var e *Error
		switch {
		case err == nil:
			wantBytes(t, s, doc(id(i+1)))
		case !errors.As(err, &e) || !e.Retry():
			t.Errorf("document %d: %v", i, err)
		default: // sent again it gets in
			mustArchive(t, s, doc(id(i+1)))
		}
	}
	wantClean(t, s)
}

// The clock goes back by years and forward again: nothing is refused or lost, order is
// that of coming, and checkpoints hold.
func TestARK9_ClockStepsLoseNothing(t *testing.T) {
	c := &clock{t: noon}
	s := open(t, sealed, func(o *Options) { o.Now = c.now })
	for i, step := range []time.Duration{0, -24 * 365 * 5 * time.Hour, time.Hour, 24 * 365 * 10 * time.Hour, -time.Second} {
		c.set(noon.Add(step))
		a := doc(id(i))
		if i > 0 && i%2 == 0 {
			a = next(doc(id(i-1)), id(i))
		}
		mustArchive(t, s, a)
		if err := s.Checkpoint(bg); err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			if p, err := s.Consistency(bg, int64(2*i), 0); err != nil {
				t.Errorf("step %d: %v", i, err)
			} else if _, _, err := p.Verify(s.CheckpointKey()); err != nil {
				t.Errorf("step %d: %v", i, err)
			}
		}
	}
	for i := range 5 {
		if p, err := s.Prove(bg, all, id(i)); err != nil || p.Index != int64(2*i) {
			t.Errorf("document %d: %+v %v", i, p, err)
		}
	}
	wantClean(t, s)
}

// A full disk while a checkpoint is made: it is told, the archive takes what fits, and
// the checkpoint comes when there is room.
func TestARK9_DiskFullWhileACheckpointIsMade(t *testing.T) {
	s := open(t, sealed)
	manyLeaves(t, s, 600)
	var pages int64
	if err := s.w.conn.QueryRowContext(bg, `PRAGMA page_count`).Scan(&pages); err != nil {
		t.Fatal(err)
	}
	pragma(t, s, `PRAGMA max_page_count = `+strconv.FormatInt(pages, 10))
	wantErr(t, s.Checkpoint(bg), ErrFull)
	wantErr(t, s.CheckpointError(), ErrFull)
	if _, waiting := s.CheckpointAge(); !waiting {
		t.Error("no leaf waits")
	}
	pragma(t, s, `PRAGMA max_page_count = 1073741823`)
	if err := s.Checkpoint(bg); err != nil || s.CheckpointError() != nil {
		t.Error(err)
	}
	if c, ok := s.LastCheckpoint(); !ok || c.Size != 600 {
		t.Errorf("%+v", c)
	}
}

// A directory of backups that cannot be written is told, and leaves the archive alone.
func TestARK9_BackupThatCannotBeWrittenIsTold(t *testing.T) {
	s := open(t)
	mustArchive(t, s, doc(id(1)))
	if _, err := s.Backup(bg, BackupOptions{Dir: s.path(dbFile)}); err == nil {
		t.Error("a file is taken for a directory")
	}
	wantClean(t, s)
	mustBackup(t, s, BackupOptions{Dir: t.TempDir()})
}
