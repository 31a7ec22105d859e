package store

import (
	"database/sql"
	"os"
	"testing"
	"time"

	"portti/store/internal/faultvfs"
)

// While a reader is on an older state, pages are written back that nothing syncs, and
// count as written back. A sync fails after that, and the power goes: nothing is lost.
func TestARK9_PagesWrittenBackUnsyncedSurviveAFailingSync(t *testing.T) {
	if err := faultvfs.Register(); err != nil {
		t.Fatal(err)
	}
	from, to := unsynced(t, 0, faultvfs.Stale, false)
	_, closed := unsynced(t, 0, faultvfs.Stale, true)
	modes := []faultvfs.Mode{faultvfs.Stale}
	if os.Getenv("PORTTI_TORTURE") != "" {
		from, modes = 0, append(modes, faultvfs.Fail)
	}
	for _, mode := range modes {
		for n := from + 1; n <= to; n++ {
			if unsynced(t, n, mode, false); t.Failed() {
				t.Fatalf("mode %d at operation %d of %d to %d", mode, n, from, to)
			}
		}
		for n := from + 1; n <= closed; n++ {
			if unsynced(t, n, mode, true); t.Failed() {
				t.Fatalf("closing: mode %d at operation %d of %d to %d", mode, n, from, closed)
			}
		}
	}
}

// unsynced archives and writes back beside a reader under a fault at operation n, and
// then goes on, or closes the archive at once. It gives how many operations were done
// when the reader had gone, and in the end.
func unsynced(t *testing.T, n int, mode faultvfs.Mode, closes bool) (from, to int) {
	t.Helper()
	o := faultOptions(t.TempDir())
	o.checkpoint = 1 << 30
	s, err := Open(bg, o)
	if err != nil {
		t.Fatal(err)
	}
	var reader *sql.Tx
	try := func(deed func() error) {
		err := tryDeed(s, func(*Store) error {
			err := deed()
			if err != nil && reader != nil {
				_ = reader.Rollback() // the archive comes back when nobody reads
			}
			return err
		}, 20*time.Second)
		if err != nil {
			t.Error(err)
		}
	}
	archiving := func(i int) { try(func() error { return archived(s, docSize(id(i), 9_000)) }) }
	writingBack := func() {
		try(func() error { return s.alone(bg, "test", func(w *writer) error { return w.checkpoint() }) })
	}
	faultvfs.Arm(n, mode)
	archiving(1)
	s.mu.RLock()
	reader, err = s.read.BeginTx(bg, nil)
	s.mu.RUnlock()
	if err == nil {
		err = reader.QueryRow(`SELECT count(*) FROM documents`).Scan(new(int))
	}
	if err != nil {
		t.Fatal(err)
	}
	archiving(2)
	writingBack()
	_ = reader.Rollback()
	from = faultvfs.Ops()
	documents := 2
	if closes {
		_ = s.Close() // the fault may be here
	} else {
		archiving(3)
		writingBack()
		archiving(4)
		documents = 4
	}
	if to = faultvfs.Ops(); n > 0 && faultvfs.Struck() == "" {
		t.Errorf("operation %d was never reached", n)
	}
	faultvfs.Die()
	_ = s.Close() // without power it cannot
	if err := faultvfs.Settle(uint32(n)); err != nil {
		t.Fatal(err)
	}
	s, err = Open(bg, Options{Dir: o.Dir, Master: testMaster, CheckpointEvery: -1})
	if err != nil {
		t.Fatal(err)
	}
	for i := range documents {
		wantBytes(t, s, docSize(id(i+1), 9_000))
	}
	wantClean(t, s)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	return from, to
}
