//go:build linux && cgo

package store

import (
	"errors"
	"testing"
	"time"

	"portti/store/internal/faultvfs"
)

// A commit's sync fails, and what it should have kept stays readable: the archive comes
// back with it, and the power goes before anything else is written. Nothing acknowledged
// is lost, and old pages are not written over new ones.
func TestARK9_PowerCutRightAfterComingBackFromAFailedSync(t *testing.T) {
	if err := faultvfs.Register(); err != nil {
		t.Fatal(err)
	}
	for seed := range uint32(8) {
		dir := failedSync(t, nil, func(s *Store) {
			until(t, func() bool { return s.Ready() == nil })
			faultvfs.Die()
			_ = s.Close() // without power it cannot
		})
		settled(t, dir, seed)
	}
}

// The like where the process ends and the next one opens the archive, and the power goes
// at any operation of that.
func TestARK9_PowerCutWhileOpeningAfterAFailedSync(t *testing.T) {
	if err := faultvfs.Register(); err != nil {
		t.Fatal(err)
	}
	for n, whole := 1, false; !whole; n++ {
		var other rawFile
		dir := failedSync(t, &other, func(s *Store) { _ = s.Close() }) // as good as a kill
		if err := other.close(); err != nil {
			t.Fatal(err)
		}
		faultvfs.ArmNext(n, faultvfs.Cut)
		s, err := Open(bg, faultOptions(dir))
		if whole = faultvfs.Struck() == ""; whole != (err == nil) {
			t.Fatalf("operation %d, %q: %v", n, faultvfs.Struck(), err)
		}
		faultvfs.Die()
		if err == nil {
			_ = s.Close()
		}
		settled(t, dir, uint32(n))
	}
}

// failedSync archives documents, lets the sync of the last one's commit
// fail, and then ends the archive. Where other is given, another program has the database
// open, so that the archive does not come back by itself.
func failedSync(t *testing.T, other *rawFile, end func(s *Store)) (dir string) {
	t.Helper()
	o := faultOptions(t.TempDir())
	o.checkpoint = 1 << 30
	s, err := Open(bg, o)
	if err != nil {
		t.Fatal(err)
	}
	faultvfs.Arm(0, faultvfs.Stale)
	for i := range 21 {
		mustArchive(t, s, docSize(id(i), 9_000))
	}
	// From here on the WAL has few pages, and the commit that fails changes others too.
	if err := s.alone(bg, "test", (*writer).truncateWAL); err != nil {
		t.Fatal(err)
	}
	if err := s.LogMessage(bg, Message{ID: "m", Owner: ctlA}); err != nil {
		t.Fatal(err)
	}
	if other != nil {
		if err := other.hold(s.path(dbFile)); err != nil {
			t.Fatal(err)
		}
	}
	faultvfs.ArmSync(faultvfs.Stale)
	if err := archived(s, docSize(id(21), 9_000)); err == nil || faultvfs.Struck() != "sync of archive.db-wal" {
		t.Fatalf("%v, struck: %q", err, faultvfs.Struck())
	}
	end(s)
	return o.Dir
}

// settled holds that an archive is whole after a power cut.
func settled(t *testing.T, dir string, seed uint32) {
	t.Helper()
	if err := faultvfs.Settle(seed); err != nil {
		t.Fatal(err)
	}
	s, err := Open(bg, Options{Dir: dir, Master: testMaster, CheckpointEvery: -1})
	if err != nil {
		t.Fatalf("power cut %d: %v", seed, err)
	}
	for i := range 21 {
		wantBytes(t, s, docSize(id(i), 9_000))
	}
	wantClean(t, s)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// until waits for a condition.
func until(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
	}
}

// A disposal that was told as failed stands in the WAL all the same: the archive comes
// back, since the document was not lost but disposed of.
func TestARK9_DisposalToldAsFailedThatHappenedIsNoLoss(t *testing.T) {
	if err := faultvfs.Register(); err != nil {
		t.Fatal(err)
	}
	o := faultOptions(t.TempDir())
	o.checkpoint = 1 << 30
	s, err := Open(bg, o)
	if err != nil {
		t.Fatal(err)
	}
	faultvfs.Arm(0, faultvfs.Stale)
	const disposing = 11 // of the deeds
	for i, deed := range deeds()[:disposing] {
		if err := deed(s); err != nil {
			t.Fatalf("deed %d: %v", i, err)
		}
	}
	run, err := s.BeginDisposal(bg, DisposalRun{Plan: [32]byte{1}, By: anna, Second: bertt})
	if err != nil {
		t.Fatal(err)
	}
	faultvfs.ArmSync(faultvfs.Stale)
	if _, err := s.Dispose(bg, disposal(dying(), run)); !errors.Is(err, ErrUnavailable) {
		t.Fatalf("the disposal: %v", err)
	}
	if err := tryDeed(s, func(s *Store) error {
		o, err := s.Dispose(bg, disposal(dying(), run))
		if err == nil && o != AlreadyDisposed {
			t.Errorf("the disposal sent again: %s", o)
		}
		return err
	}, 20*time.Second); err != nil {
		t.Fatal(err)
	}
	retentionDone(t, s, disposing)
	wantClean(t, s)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
