//go:build linux && cgo

package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"portti/store/internal/faultvfs"
)

// labour is a deed that writes more than the database: its files and its outcome under
// faults of the database's layer and of that of the files beside it.
type labour struct {
	// start lays out the files anew; work does the deed, and again where try says so.
	start func(t *testing.T)
	work  func(try func(func() error) error) error
	// verify looks at what is left after the fault and a restart; acked tells that the
	// deed was done by its own word.
	verify func(t *testing.T, acked bool)
}

// layer is where a fault is put.
type layer struct {
	name string
	ops  int
	arm  func(n int, mode faultvfs.Mode) *faultDisk
}

// underFaults does a deed without a fault, then with one at each operation of each
// layer (or as many as a short run takes): the power goes, or the operation fails once,
// and then the deed must succeed by itself when it is tried again.
func underFaults(t *testing.T, short int, l labour) {
	t.Helper()
	if err := faultvfs.Register(); err != nil {
		t.Fatal(err)
	}
	layers := []layer{
		{name: "database", arm: func(n int, mode faultvfs.Mode) *faultDisk {
			faultvfs.Arm(n, mode)
			return newFaultDisk(0, mode)
		}},
		{name: "files", arm: func(n int, mode faultvfs.Mode) *faultDisk {
			faultvfs.Arm(0, faultvfs.Fail)
			return newFaultDisk(n, mode)
		}},
	}
	d, err := strike(t, &l, layers[1], 0, faultvfs.Fail)
	if err != nil {
		t.Fatalf("without a fault: %v", err)
	}
	layers[0].ops, layers[1].ops = faultvfs.Ops(), d.n
	for _, at := range layers {
		if at.ops == 0 {
			t.Errorf("%s: no operation", at.name)
		}
		for _, mode := range []faultvfs.Mode{faultvfs.Cut, faultvfs.Fail, faultvfs.Full} {
			struck := points(t, at.ops, short)
			if mode == faultvfs.Cut && at.name == "files" && len(struck) > short { // a power cut has many outcomes
				struck = slices.Repeat(struck, 4)
			}
			for _, p := range struck {
				if _, err := strike(t, &l, at, p+1, mode); err != nil && mode != faultvfs.Cut {
					t.Errorf("%s, operation %d of %d, mode %d: tried again it does not succeed: %v", at.name, p+1, at.ops, mode, err)
				}
				if t.Failed() {
					return
				}
			}
		}
		t.Logf("%s: %d operations", at.name, at.ops)
	}
}

func newFaultDisk(at int, mode faultvfs.Mode) *faultDisk {
	return &faultDisk{at: at, mode: mode, durable: map[string][]byte{}, created: map[string]bool{}}
}

// strike does the deed once under a fault and looks at what is left.
func strike(t *testing.T, l *labour, at layer, n int, mode faultvfs.Mode) (*faultDisk, error) {
	t.Helper()
	disk = realDisk{}
	l.start(t)
	d := at.arm(n, mode)
	onDisk(t, d)
	patience := 20 * time.Second
	if mode == faultvfs.Cut {
		patience = 0
	}
	err := l.work(func(f func() error) error {
		deadline := time.Now().Add(patience)
		for {
			err := f()
			if err == nil || time.Now().After(deadline) {
				return err
			}
			time.Sleep(2 * time.Millisecond)
		}
	})
	struck := d.struck + faultvfs.Struck()
	if mode == faultvfs.Cut || err == nil { // what was acknowledged needs no clean end
		seed := rand.Uint32()
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		if e := errors.Join(d.settle(r), faultvfs.Settle(seed)); e != nil {
			t.Fatal(e)
		}
	}
	disk = realDisk{}
	l.verify(t, err == nil)
	if t.Failed() {
		t.Logf("%s, operation %d, mode %d: %s; the deed: %v", at.name, n, mode, struck, err)
	}
	return d, err
}

// lay puts files into a new directory.
func lay(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// filesOf reads a directory without folders.
func filesOf(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	names, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, n := range names {
		if files[n.Name()], err = os.ReadFile(filepath.Join(dir, n.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// opened runs f on an archive under both layers of faults.
func opened(dir string, change func(*Options), try func(func() error) error, f func(*Store) error) error {
	o := faultOptions(dir)
	if change != nil {
		change(&o)
	}
	var s *Store
	err := try(func() (err error) { s, err = Open(bg, o); return err })
	if err != nil {
		return err
	}
	err = f(s)
	_ = s.Close() // after a power cut it cannot
	return err
}

// archived archives one document, or again what it has.
func archived(s *Store, a Archival) error {
	out, err := s.Archive(bg, a)
	if err == nil && out.Kind != Archived && out.Kind != Duplicate {
		err = fmt.Errorf("refused by %s", out.Findings[0].Rule)
	}
	return err
}

// A backup that is cut off at any write or sync leaves archive and earlier backups whole,
// and the next one succeeds; one that was made is there.
func TestARK9_PowerCutsAndFailuresWhileBackingUp(t *testing.T) {
	files := archiveTemplate(t)
	var dir, to string
	base := t.TempDir()
	s := openIn(t, lay(t, files), sealed)
	mustBackup(t, s, BackupOptions{Dir: base})
	earlier := filesOf(t, base)
	underFaults(t, 1, labour{
		start: func(t *testing.T) { dir, to = lay(t, files), lay(t, earlier) },
		work: func(try func(func() error) error) error {
			return opened(dir, nil, try, func(s *Store) error {
				if err := try(func() error { return archived(s, docSize(id(50), 100_000)) }); err != nil {
					return err
				}
				return try(func() error { _, err := s.Backup(bg, BackupOptions{Dir: to}); return err })
			})
		},
		verify: func(t *testing.T, acked bool) {
			s := openIn(t, dir, sealed)
			wantClean(t, s)
			mustArchive(t, s, doc(id(51)))
			next := mustBackup(t, s, BackupOptions{Dir: to})
			if made, err := Manifests(to); err != nil || acked && len(made) < 3 {
				t.Errorf("%d backups: %v", len(made), err)
			}
			for n, a := range map[int]Archival{1: doc(id(1)), 2: docSize(id(50), 100_000), next.Number: doc(id(51))} {
				if n == 2 && !acked && next.Number != 3 {
					continue // it was not made
				}
				r, _ := restored(t, to, func(o *RestoreOptions) { o.Number = n })
				wantBytes(t, r, a)
			}
		},
	})
}

// A restore that is cut off puts nothing in place that is not whole, and can be made
// again.
func TestARK9_PowerCutsAndFailuresWhileRestoring(t *testing.T) {
	files := archiveTemplate(t)
	from := t.TempDir()
	mustBackup(t, openIn(t, lay(t, files), sealed), BackupOptions{Dir: from})
	var to string
	restore := func(vfs string) error {
		_, err := Restore(bg, RestoreOptions{From: from, To: to, Master: testMaster, Now: (&clock{t: noon}).now, vfs: vfs})
		return err
	}
	there := func() bool {
		_, err := os.Stat(filepath.Join(to, dbFile))
		return err == nil
	}
	told := false // its last step failed, which is told, and it stands all the same
	underFaults(t, 1, labour{
		start: func(t *testing.T) { to, told = filepath.Join(t.TempDir(), "restored"), false },
		work: func(try func(func() error) error) error {
			return try(func() error {
				if told = there(); told {
					return nil
				}
				return restore(faultvfs.Name)
			})
		},
		verify: func(t *testing.T, acked bool) {
			if !there() {
				if acked && !told {
					t.Error("what was restored is not there")
				}
				if err := restore(""); err != nil {
					t.Fatalf("restored again: %v", err)
				}
			}
			s := openIn(t, to, sealed)
			wantBytes(t, s, doc(id(2)))
			wantClean(t, s)
		},
	})
}

// A rotation of the master key that is cut off leaves an archive that opens with the old
// key or the new one, and can be made again.
func TestSEC6_PowerCutsAndFailuresWhileKeysAreRotated(t *testing.T) {
	files := archiveTemplate(t)
	fresh := Key([]byte("fedcba9876543210fedcba9876543210"))
	var dir string
	underFaults(t, 1, labour{
		start: func(t *testing.T) { dir = lay(t, files) },
		work: func(try func(func() error) error) error {
			return opened(dir, nil, try, func(s *Store) error {
				err := try(func() error { _, err := s.RotateKeys(bg, fresh); return err })
				if err != nil {
					return err
				}
				return try(func() error { return archived(s, doc(id(50))) })
			})
		},
		verify: func(t *testing.T, acked bool) {
			s, err := Open(bg, Options{Dir: dir, Master: fresh, Now: (&clock{t: noon}).now, CheckpointEvery: -1})
			if errors.Is(err, ErrKey) && !acked {
				s, err = Open(bg, Options{Dir: dir, Master: testMaster, Now: (&clock{t: noon}).now, CheckpointEvery: -1})
			}
			if err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				wantBytes(t, s, doc(id(i)))
			}
			if acked {
				wantBytes(t, s, doc(id(50)))
			}
			wantClean(t, s)
			if _, err := s.RotateKeys(bg, fresh); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			_, err = Open(bg, Options{Dir: dir, Master: testMaster})
			wantErr(t, err, ErrKey)
			wantBytes(t, openIn(t, dir, func(o *Options) { o.Master = fresh }), doc(id(0)))
		},
	})
}

// A migration that is cut off leaves the archive of the earlier schema, or of the new one,
// and the next opening ends it; the automatic backup is whole.
func TestARK9_PowerCutsAndFailuresWhileASchemaIsMigrated(t *testing.T) {
	files := archiveTemplate(t)
	var dir string
	migrated := func(o *Options) { o.migrations = newer(t) }
	underFaults(t, 1, labour{
		start: func(t *testing.T) { dir = lay(t, files) },
		work: func(try func(func() error) error) error {
			return opened(dir, migrated, try, func(s *Store) error { return try(func() error { return archived(s, doc(id(50))) }) })
		},
		verify: func(t *testing.T, acked bool) {
			s := openIn(t, dir, sealed, migrated)
			for i := range 3 {
				wantBytes(t, s, doc(id(i)))
			}
			if acked {
				wantBytes(t, s, doc(id(50)))
			}
			backups, err := filepath.Glob(filepath.Join(dir, "*.backup"))
			if err != nil || len(backups) == 0 {
				t.Fatalf("backups: %v %v", backups, err)
			}
			for _, b := range backups {
				old := lay(t, map[string][]byte{dbFile: must(os.ReadFile(b)), keyFile: files[keyFile]})
				s := openIn(t, old, sealed)
				wantBytes(t, s, doc(id(1)))
				wantClean(t, s)
			}
		},
	})
}

// The replay list that is cut off while it is written can be read and goes on; a deed
// that is listed stays so.
func TestLUO6_PowerCutsAndFailuresWhileTheReplayListIsWritten(t *testing.T) {
	files := archiveTemplate(t)
	var dir, list string
	var want int // as many are listed by the archive's word
	// Listed when asked for, and when closing.
	listing := func(o *Options) { o.ReplayList, o.CheckpointEvery = list, time.Hour }
	listed := func(t *testing.T, s *Store) (out []string) {
		lines, _, _, err := readList(list, s.tree.key.PublicKey())
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lines {
			out = append(out, l.Document)
		}
		return out
	}
	underFaults(t, 1, labour{
		start: func(t *testing.T) { dir, list, want = lay(t, files), filepath.Join(t.TempDir(), "list"), 0 },
		work: func(try func(func() error) error) error {
			return opened(dir, listing, try, func(s *Store) error {
				for i := range 2 {
					err := try(func() error { _, err := s.Nullify(bg, nullification(id(i))); return err })
					if err == nil && i == 0 {
						err = try(func() error { return s.Relist(bg) })
					}
					if err != nil {
						return err
					}
					want = 1
				}
				if s.Close() == nil {
					want = 2
				}
				return nil
			})
		},
		verify: func(t *testing.T, _ bool) {
			s := openIn(t, dir, sealed, listing)
			if have := listed(t, s); len(have) < want {
				t.Errorf("%d must be listed, are: %q", want, have)
			}
			nullify(t, s, nullification(id(2)), Nullified, "")
			if err := s.Relist(bg); err != nil {
				t.Fatal(err)
			}
			if have, want := int64(len(listed(t, s))), count(t, s, `SELECT count(*) FROM nullifications`); have != want {
				t.Errorf("%d of %d nullifications are listed", have, want)
			}
			wantClean(t, s)
		},
	})
}
