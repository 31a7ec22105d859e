//go:build linux && cgo

package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portti/store/internal/faultvfs"
)

// archiveTemplate makes an archive with a few documents and gives its files.
func archiveTemplate(t *testing.T) map[string][]byte {
	t.Helper()
	dir := t.TempDir()
	s, err := Open(bg, Options{Dir: dir, Master: testMaster, CheckpointEvery: -1})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		mustArchive(t, s, doc(id(i)))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files := make(map[string][]byte)
	for _, name := range []string{dbFile, keyFile} {
		if files[name], err = os.ReadFile(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// deeds are what the power tests do: documents, versions, large ones, a
// nullification, log rows, and write-backs of the WAL between them.
func deeds() (out []func(s *Store) error) {
	archiving := func(a Archival) {
		out = append(out, func(s *Store) error {
			o, err := s.Archive(bg, a)
			if err == nil && o.Kind != Archived && o.Kind != Duplicate {
				err = errors.New("refused by " + o.Findings[0].Rule)
			}
			return err
		})
	}
	a := doc(id(10))
	b := next(a, id(11))
	archiving(a)
	archiving(b)
	archiving(docSize(id(12), 60_000))
	out = append(out, func(s *Store) error { _, err := s.Nullify(bg, nullification(b.ID)); return err })
	archiving(doc(id(13)))
	out = append(out, func(s *Store) error { return s.LogMessage(bg, Message{ID: "m", Owner: ctlA}) })
	archiving(next(doc(id(13)), id(14)))
	out = append(out, func(s *Store) error { return s.PutDirectory(bg, operator, entryOf(DirectorySystem, "atj", "1")) },
		func(s *Store) error { return transferOnce(s) })
	archiving(dying())
	return append(out,
		func(s *Store) error {
			return s.RecordEvents(bg, []Event{{Kind: Death, Controller: ctlA, Subject: cli2, Day: noon.AddDate(0, 0, -1), By: anna}}, []Usage{deed("event")})
		},
		func(s *Store) error {
			run, err := s.BeginDisposal(bg, DisposalRun{Plan: [32]byte{1}, By: anna, Second: bertt})
			if err != nil {
				return err
			}
			o, err := s.Dispose(bg, disposal(dying(), run))
			if err == nil && o != Disposed && o != AlreadyDisposed {
				err = errors.New("not disposed: " + string(o))
			}
			return err
		},
		func(s *Store) error {
			_, err := s.AddHold(bg, Hold{Kind: "controller", Controller: ctlA, Reason: "x", By: anna}, deed("hold"))
			return err
		},
		func(s *Store) error { _, err := s.File(bg, notice(id(900), "päätös")); return err },
		func(s *Store) error { _, err := s.Purge(bg, UsageLog, noon.AddDate(-LogYears, 0, 0)); return err },
		func(s *Store) error { return s.Checkpoint(bg) },
		func(s *Store) error { _, err := s.RotateKeys(bg, nil); return err },
		func(s *Store) error {
			_, err := s.Flag(bg, Flag{SetID: id(13), State: Suspected, Rule: "X", By: operator})
			return err
		},
		func(s *Store) error { return s.PutOrder(bg, Order{Kind: OrderInform, Client: cli1, Recorder: ctlA}) },
		func(s *Store) error {
			hs, err := s.Holds(bg, all)
			if err != nil || len(hs) > 0 && !hs[0].Released.IsZero() {
				return err
			}
			return s.ReleaseHold(bg, all, hs[0].Seq, anna, "x", deed("release"))
		},
		func(s *Store) error {
			return s.Log(bg, Entries{Usage: []Usage{deed("look")}, Disclosures: []Disclosure{{DataController: ctlA, LogController: ctlA,
				Recipient: ctlB, Purpose: powerDeed}}})
		},
		func(s *Store) error { return s.ForgetWAL(bg) },
	)
}

// powerDeed marks the disclosure of the deeds that is no notice's.
const powerDeed = "power"

// dying is a document whose retention ends with its client's death.
func dying() Archival {
	a := doc(id(15))
	a.Index.Case, a.Index.Clients = "", []string{cli2}
	return a
}

// wantDeedsLogged holds the deeds that have log rows against these, both ways.
func wantDeedsLogged(t *testing.T, s *Store) {
	t.Helper()
	for action, table := range map[string]string{"dispose": "disposals", "event": "events", "hold": "holds", "notice": "filed_notices",
		"archive": "documents", "release": "hold_releases"} {
		deeds, logged := count(t, s, `SELECT count(*) FROM `+table), count(t, s, `SELECT count(*) FROM usage_log WHERE action = ? AND refused = ''`, action)
		if deeds != logged {
			t.Errorf("%s: %d deeds, %d log rows", action, deeds, logged)
		}
	}
	if n, d := count(t, s, `SELECT count(*) FROM filed_notices`), count(t, s, `SELECT count(*) FROM disclosure_log WHERE purpose <> ?`, powerDeed); n != d {
		t.Errorf("%d notices, %d disclosures", n, d)
	}
}

// transferOnce gives everything of controller A's to B, by the plan that it made
// before or a new one.
func transferOnce(s *Store) error {
	ts, err := s.Transfers(bg, all)
	if err != nil {
		return err
	}
	if len(ts) == 0 {
		x, err := s.PlanTransfer(bg, planOf(ctlA, ctlB))
		if err != nil {
			return err
		}
		ts = append(ts, x)
	}
	_, err = s.ApplyTransfer(bg, ts[0].ID, operator)
	return err
}

// deedDone tells whether a deed's effect is there and whole.
func deedDone(t *testing.T, s *Store, i int) {
	t.Helper()
	switch want := []Archival{doc(id(10)), next(doc(id(10)), id(11)), docSize(id(12), 60_000), {}, doc(id(13)), {},
		next(doc(id(13)), id(14)), 21: {}}[i]; {
	case want.ID != "":
		wantBytes(t, s, want)
		if out := archive(t, s, want); out.Kind != Duplicate {
			t.Errorf("resend of deed %d gives %+v", i, out)
		}
	case i == 3:
		wantStatus(t, s, id(11), NullifiedSeries)
	case i == 7:
		if got := directoryText(t, s); !strings.Contains(got, "system atj=1") {
			t.Errorf("the directory: %s", got)
		}
	case i == 8:
		if d, err := s.Document(bg, inB, id(14)); err != nil || d.Controller != ctlB {
			t.Errorf("the transferred document: %v", err)
		}
	case i >= 9:
		retentionDone(t, s, i)
	default:
		if _, err := s.MessageStatus(bg, inA, "m"); err != nil {
			t.Errorf("the logged message: %v", err)
		}
	}
}

// retentionDone is deedDone for the deeds of retention.
func retentionDone(t *testing.T, s *Store, i int) {
	t.Helper()
	q := map[int]string{9: `SELECT count(*) FROM documents WHERE id = '` + dying().ID + `'`, 10: `SELECT count(*) FROM events`,
		11: `SELECT count(*) FROM disposals`, 12: `SELECT count(*) FROM holds`, 13: `SELECT count(*) FROM filed_notices`,
		14: `SELECT count(*) FROM purges`, 15: `SELECT count(*) FROM checkpoints`,
		16: `SELECT count(*) FROM data_keys WHERE retired IS NOT NULL`, 17: `SELECT count(*) FROM flags`, 18: `SELECT count(*) FROM orders`,
		19: `SELECT count(*) FROM hold_releases`, 20: `SELECT count(*) FROM disclosure_log WHERE purpose = '` + powerDeed + `'`,
		21: `SELECT 1`}[i]
	if count(t, s, q) == 0 {
		t.Errorf("deed %d is lost", i)
	}
}

func faultOptions(dir string) Options {
	return Options{Dir: dir, vfs: faultvfs.Name, checkpoint: 150_000, Now: (&clock{t: noon}).now, Master: testMaster, CheckpointEvery: -1,
		openWAL: func(path string) (walFile, error) { return faultvfs.File(path), nil }}
}

// faulted puts the template into a directory and runs all deeds under a fault at
// operation n. It gives the deeds that were acknowledged. After an error a deed is
// tried again until it succeeds or patience ends.
func faulted(t *testing.T, files map[string][]byte, n int, mode faultvfs.Mode, patience time.Duration) (dir string, done []int) {
	t.Helper()
	dir = t.TempDir()
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	faultvfs.Arm(n, mode)
	s, err := Open(bg, faultOptions(dir))
	if err != nil {
		if faultvfs.Struck() == "" {
			t.Fatal(err)
		}
		return dir, nil
	}
	for i, deed := range deeds() {
		if err := tryDeed(s, deed, patience); err != nil {
			var e *Error
			if !errors.As(err, &e) || !e.Retry() {
				t.Errorf("operation %d, deed %d: %v is not to be retried", n, i, err)
			}
			break
		}
		done = append(done, i)
	}
	if faultvfs.Struck() != "" {
		faultvfs.Die() // what was acknowledged after the fault must not need a clean end
	}
	_ = s.Close() // after a power cut it cannot
	return dir, done
}

func verifyDeeds(t *testing.T, dir string, done []int, struck string) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("%s; deeds acknowledged: %v", struck, done)
		}
	}()
	s, err := Open(bg, Options{Dir: dir, Now: (&clock{t: noon}).now, Master: testMaster, CheckpointEvery: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	for i := range 3 {
		wantBytes(t, s, doc(id(i)))
	}
	wantDeedsLogged(t, s)
	for _, i := range done {
		deedDone(t, s, i)
	}
	wantClean(t, s)
}

// operations gives how many writes and syncs all deeds take without a fault.
func operations(t *testing.T, files map[string][]byte) int {
	t.Helper()
	if err := faultvfs.Register(); err != nil {
		t.Fatal(err)
	}
	dir, done := faulted(t, files, 0, faultvfs.Fail, 0)
	n := faultvfs.Ops()
	if len(done) != len(deeds()) || n < 100 {
		t.Fatalf("%d deeds in %d operations", len(done), n)
	}
	if err := faultvfs.Settle(1); err != nil {
		t.Fatal(err)
	}
	verifyDeeds(t, dir, done, "no fault")
	return n
}

// points chooses operations to strike: all of them, or as many as a short run takes.
func points(t *testing.T, n, short int) []int {
	t.Helper()
	all := rand.Perm(n)
	return all[:min(n, torture(t, short))]
}

// The power goes at any write or sync: whatever was acknowledged is there, nothing is
// half there.
func TestARK9_PowerCutAtEveryOperation(t *testing.T) {
	files := archiveTemplate(t)
	n := operations(t, files)
	acked := 0
	for _, p := range points(t, n, 60) {
		dir, done := faulted(t, files, p+1, faultvfs.Cut, 0)
		if err := faultvfs.Settle(rand.Uint32()); err != nil {
			t.Fatal(err)
		}
		verifyDeeds(t, dir, done, fmt.Sprintf("the power went at operation %d of %d", p+1, n))
		if acked += len(done); t.Failed() {
			return
		}
	}
	t.Logf("%d operations; %d deeds acknowledged before the cuts", n, acked)
}

// A write, truncation or sync fails once, and a failing sync loses what it should
// have kept: the archive comes back by itself, every deed succeeds in the end, and
// nothing acknowledged is lost, not even by a power cut right after.
func TestARK9_FailureAtEveryOperationIsSurvived(t *testing.T) {
	files := archiveTemplate(t)
	n := operations(t, files)
	for _, mode := range []faultvfs.Mode{faultvfs.Fail, faultvfs.Stale, faultvfs.Full} {
		for _, p := range points(t, n, 25) {
			dir, done := faulted(t, files, p+1, mode, 20*time.Second)
			if faultvfs.Struck() == "" && mode != faultvfs.Full { // a full disk strikes writes only
				t.Errorf("operation %d was never reached", p+1)
			}
			struck := faultvfs.Struck()
			if n := len(deeds()); len(done) != n && len(done) > 0 {
				t.Errorf("fault %d at operation %d, %s: %d of %d deeds succeeded in the end", mode, p+1, struck, len(done), n)
			}
			if err := faultvfs.Settle(rand.Uint32()); err != nil {
				t.Fatal(err)
			}
			verifyDeeds(t, dir, done, fmt.Sprintf("fault %d at operation %d of %d, %s", mode, p+1, n, struck))
			if t.Failed() {
				return
			}
		}
	}
}

// The disk becomes read-only under a serving archive, at the first, a middle or the last
// write of a commit: each call is told so and may send again, the archive says that it
// is not ready, and comes back by itself with what it had.
func TestARK9_ReadOnlyDiskIsToldAndPasses(t *testing.T) {
	if err := faultvfs.Register(); err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{1, 2, 4, 7} {
		dir := t.TempDir()
		s, err := Open(bg, faultOptions(dir))
		if err != nil {
			t.Fatal(err)
		}
		mustArchive(t, s, doc(id(1)))
		faultvfs.Arm(at, faultvfs.ReadOnly)
		for range 3 {
			_, err := s.Archive(bg, docSize(id(2), 60_000))
			var e *Error
			if !errors.As(err, &e) || !e.Retry() || Rule(err) != RuleBusy {
				t.Errorf("from write %d on: %v", at, err)
			}
		}
		wantErr(t, s.Log(bg, Entries{Usage: []Usage{deed("look")}}), ErrUnavailable)
		wantErr(t, s.Ready(), ErrUnavailable)
		time.Sleep(2 * reopenEvery)
		wantErr(t, s.Ready(), ErrUnavailable)
		if faultvfs.Struck() == "" {
			t.Errorf("write %d was never reached", at)
		}
		faultvfs.Lift()
		if err := tryDeed(s, func(s *Store) error { _, err := s.Archive(bg, docSize(id(2), 60_000)); return err }, 20*time.Second); err != nil {
			t.Fatal(err)
		}
		wantBytes(t, s, doc(id(1)))
		wantBytes(t, s, docSize(id(2), 60_000))
		if err := s.Ready(); err != nil {
			t.Error(err)
		}
		wantClean(t, s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
