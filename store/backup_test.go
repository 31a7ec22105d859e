package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
)

// restored restores the newest backup and opens it.
func restored(t *testing.T, from string, change ...func(*RestoreOptions)) (*Store, Restored) {
	t.Helper()
	o := RestoreOptions{From: from, To: filepath.Join(t.TempDir(), "restored"), Master: testMaster, Now: (&clock{t: noon}).now}
	for _, f := range change {
		f(&o)
	}
	r, err := Restore(bg, o)
	if err != nil {
		t.Fatal(err)
	}
	return openIn(t, o.To, sealed), r
}

func mustBackup(t *testing.T, s *Store, o BackupOptions) *Manifest {
	t.Helper()
	m, err := s.Backup(bg, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A drill: backups while documents come, restored archives hold what was acknowledged
// before, verify, and go on.
func TestARK9_BackupUnderLoadIsRestored(t *testing.T) {
	s := open(t, sealed, func(o *Options) { o.checkpoint = 100_000 })
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(bg)
	var acked []Archival
	next := make(chan int)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ctx.Err() == nil; i++ {
			a := docSize(id(i), []int{500, 20_000, 100_000}[i%3])
			if _, err := s.Archive(bg, a); err != nil {
				t.Error(err)
				return
			}
			select {
			case next <- i:
			case <-ctx.Done():
			}
		}
	}()
	for backups := 0; backups < 3; { // each with twenty documents more at the least
		i := <-next
		acked = append(acked, docSize(id(i), []int{500, 20_000, 100_000}[i%3]))
		if len(acked) < 20*(backups+1) {
			continue
		}
		backups++
		made := make(chan *Manifest)
		go func() {
			m, err := s.Backup(bg, BackupOptions{Dir: dir})
			if err != nil {
				t.Error(err)
			}
			made <- m
		}()
		for m := (*Manifest)(nil); m == nil; {
			select { // documents come meanwhile
			case i = <-next:
				acked = append(acked, docSize(id(i), []int{500, 20_000, 100_000}[i%3]))
			case m = <-made:
				if m == nil {
					t.FailNow()
				}
			}
		}
	}
	cancel()
	<-done
	ms, err := Manifests(dir)
	if err != nil || len(ms) < 3 {
		t.Fatalf("%d backups, %v", len(ms), err)
	}
	if last := ms[len(ms)-1]; last.New >= len(last.Chunks) {
		t.Errorf("backup %d repeats what earlier ones have: %d of %d chunks", last.Number, last.New, len(last.Chunks))
	}
	for n := range 3 {
		r, _ := restored(t, dir, func(o *RestoreOptions) { o.Number = n + 1 })
		for _, a := range acked[:20*(n+1)] {
			wantBytes(t, r, a)
		}
		wantClean(t, r)
		mustArchive(t, r, doc(id(1_000_000)))
		wantClean(t, r)
	}
	wantClean(t, s)
}

// An encrypted backup opens with its identity alone, and the next one needs no identity
// to be made.
func TestSEC6_BackupIsEncryptedOnDemand(t *testing.T) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	s := open(t) // not encrypted itself
	a := doc(id(1))
	mustArchive(t, s, a)
	mustArchive(t, s, docSize(id(3), 2_000_000))
	dir := t.TempDir()
	o := BackupOptions{Dir: dir, Encrypt: func(w io.Writer) (io.WriteCloser, error) { return age.Encrypt(w, identity.Recipient()) }}
	mustBackup(t, s, o)
	mustArchive(t, s, doc(id(2)))
	if m := mustBackup(t, s, o); m.New == len(m.Chunks) || len(m.Packs) != 2 {
		t.Errorf("not incremental: %d of %d chunks, packs %v", m.New, len(m.Chunks), m.Packs)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, f := range files {
		b, _ := os.ReadFile(f)
		for _, secret := range [][]byte{a.Document[:40], []byte(cli1), must(os.ReadFile(s.path(keyFile)))} {
			if bytes.Contains(b, secret) {
				t.Errorf("%s holds %q", f, secret)
			}
		}
	}
	open := func(ids ...age.Identity) func(*RestoreOptions) {
		return func(o *RestoreOptions) {
			o.Decrypt = func(r io.Reader) (io.Reader, error) { return age.Decrypt(r, ids...) }
		}
	}
	for _, wrong := range []func(*RestoreOptions){func(*RestoreOptions) {}, open(other)} {
		ro := RestoreOptions{From: dir, To: filepath.Join(t.TempDir(), "x")}
		wrong(&ro)
		_, err := Restore(bg, ro)
		wantErr(t, err, ErrKey)
	}
	r, _ := restored(t, dir, open(identity))
	wantBytes(t, r, a)
	wantBytes(t, r, doc(id(2)))
}

// A backup that is damaged anywhere is not put in place.
func TestARK9_DamagedBackupIsRefused(t *testing.T) {
	s := open(t, sealed)
	for i := range 5 {
		mustArchive(t, s, doc(id(i)))
	}
	dir := t.TempDir()
	mustBackup(t, s, BackupOptions{Dir: dir})
	pack, manifest := filepath.Join(dir, backupName(1, packKind)), filepath.Join(dir, backupName(1, manifestKind))
	whole, text := must(os.ReadFile(pack)), must(os.ReadFile(manifest))
	to := filepath.Join(t.TempDir(), "x")
	restore := func() error {
		if err := os.RemoveAll(to); err != nil {
			t.Fatal(err)
		}
		_, err := Restore(bg, RestoreOptions{From: dir, To: to, Master: testMaster})
		for _, left := range []string{to, to + ".restoring"} {
			if _, e := os.Stat(left); err != nil && !errors.Is(e, os.ErrNotExist) {
				t.Errorf("%s is left: %v", left, e)
			}
		}
		return err
	}
	restored := func() string {
		r, err := Open(bg, Options{Dir: to, Master: testMaster, CheckpointEvery: -1})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		return dump(t, r)
	}
	if err := restore(); err != nil {
		t.Fatal(err)
	}
	undamaged := restored()
	for i := range torture(t, 25) {
		at := len(packMagic) + 7*i // the small files first, then all over
		if i >= 12 {
			at = (i*7919*len(whole)/25 + i) % len(whole)
		}
		b := bytes.Clone(whole)
		b[at] ^= 1 << (i % 8)
		if err := os.WriteFile(pack, b, 0o600); err != nil {
			t.Fatal(err)
		}
		// Some bits of compressed content mean nothing: what they unpack to is the same.
		if err := restore(); err == nil && restored() != undamaged {
			t.Errorf("byte %d of the pack is flipped and nobody sees it", at)
		}
	}
	for name, b := range map[string][]byte{"cut": whole[:len(whole)/2], "empty": {}} {
		if err := os.WriteFile(pack, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if restore() == nil {
			t.Errorf("a pack that is %s is taken", name)
		}
	}
	if err := os.WriteFile(pack, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(manifest, bytes.Replace(text, []byte(`"made":"2026`), []byte(`"made":"2025`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if restore() == nil {
		t.Error("a changed manifest is taken")
	}
	if err := os.WriteFile(manifest, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := restore(); err != nil {
		t.Error(err)
	}
	if _, err := Restore(bg, RestoreOptions{From: dir, To: s.opt.Dir, Master: testMaster}); !errors.Is(err, ErrInput) {
		t.Errorf("restored over an archive: %v", err)
	}
	if _, err := open(t).Backup(bg, BackupOptions{Dir: dir}); !errors.Is(err, ErrInput) {
		t.Errorf("another archive's backup in the same directory: %v", err)
	}
}

// What was disposed of, nullified or withdrawn after the backup is so after a restore.
func TestLUO6_RestoreReplaysWhatIsNewerThanTheBackup(t *testing.T) {
	list := filepath.Join(t.TempDir(), "archive.replay")
	s := open(t, sealed, func(o *Options) { o.ReplayList = list })
	for i := range 4 {
		mustArchive(t, s, doc(id(i)))
	}
	mustArchive(t, s, dying())
	permission := doc(id(20))
	permission.Index.State = &State{Permission: &Permission{}}
	mustArchive(t, s, permission)
	dir := t.TempDir()
	mustBackup(t, s, BackupOptions{Dir: dir})

	nullify(t, s, nullification(id(1)), Nullified, "")
	v := next(doc(id(2)), id(5))
	v.Nullifies = true
	mustArchive(t, s, v)
	newer := next(permission, id(21))
	mustArchive(t, s, newer)
	late := doc(id(6))
	mustArchive(t, s, late)
	nullify(t, s, nullification(id(6)), Nullified, "")
	if err := s.RecordEvents(bg, []Event{{Kind: Death, Controller: ctlA, Subject: cli2, Day: noon.AddDate(0, 0, -1), By: anna}}, []Usage{deed("event")}); err != nil {
		t.Fatal(err)
	}
	run, err := s.BeginDisposal(bg, DisposalRun{Plan: [32]byte{1}, By: anna, Second: bertt})
	if err != nil {
		t.Fatal(err)
	}
	if out, err := s.Dispose(bg, disposal(dying(), run)); err != nil || out != Disposed {
		t.Fatal(out, err)
	}
	if err := s.Relist(bg); err != nil {
		t.Fatal(err)
	}

	r, told := restored(t, dir, func(o *RestoreOptions) { o.ReplayList = list })
	if told.Replayed != (Replayed{Disposals: 1, Nullifications: 2, Permissions: 1, Unknown: 1}) {
		t.Errorf("replayed %+v", told.Replayed)
	}
	for _, x := range []string{id(1), id(2), id(20)} {
		wantStatus(t, r, x, NullifiedSeries)
	}
	wantStatus(t, r, id(3), Current)
	if d, err := r.Document(bg, all, dying().ID); err != nil || !d.Disposed || d.Bytes != nil {
		t.Errorf("the disposed document is back: %v", err)
	}
	wantClean(t, r)
	again, err := r.Replay(bg, list)
	if err != nil || again != (Replayed{Unknown: 1}) {
		t.Errorf("replayed twice: %+v %v", again, err)
	}

	// A list that was changed, or lines of which are gone, is refused; a cut last line is
	// what a crash leaves.
	text := string(must(os.ReadFile(list)))
	lines := strings.SplitAfter(text, "\n")
	for name, b := range map[string]string{"changed": strings.Replace(text, id(1), id(3), 1), "line gone": strings.Join(lines[1:], "")} {
		if err := os.WriteFile(list, []byte(b), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Replay(bg, list); !errors.Is(err, ErrList) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.WriteFile(list, []byte(text[:len(text)-9]), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Replay(bg, list); err != nil {
		t.Error(err)
	}
}

// The list lies outside the data directory, follows by itself, and goes on after a crash
// has cut its last line.
func TestReplayListFollowsAndSurvivesACutLine(t *testing.T) {
	dir, list := t.TempDir(), filepath.Join(t.TempDir(), "list")
	s, err := Open(bg, Options{Dir: dir, Master: testMaster, ReplayList: list, CheckpointEvery: 1})
	if err != nil {
		t.Fatal(err)
	}
	mustArchive(t, s, doc(id(1)))
	mustArchive(t, s, doc(id(2)))
	nullify(t, s, nullification(id(1)), Nullified, "")
	for len(must(readOrNothing(list))) == 0 {
		if err := s.ListError(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(list, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString(`{"deed":"nulli`)
	f.Close()
	s = openIn(t, dir, sealed, func(o *Options) { o.ReplayList = list })
	nullify(t, s, nullification(id(2)), Nullified, "")
	if err := s.Relist(bg); err != nil {
		t.Fatal(err)
	}
	lines, _, _, err := readList(list, s.tree.key.PublicKey())
	if err != nil || len(lines) != 2 {
		t.Errorf("%+v %v", lines, err)
	}
	inner := open(t, func(o *Options) { o.ReplayList = filepath.Join(o.Dir, "list") })
	mustArchive(t, inner, doc(id(1)))
	if err := inner.Relist(bg); !errors.Is(err, ErrList) {
		t.Errorf("a list in the data directory: %v", err)
	}
}

// A deed of the last moment before the archive closes is listed, and an archive that
// has closed has a list even where there is nothing to list: a missing one says nothing.
func TestLUO6_TheReplayListLacksNothingOnceTheArchiveIsClosed(t *testing.T) {
	dir, list := t.TempDir(), filepath.Join(t.TempDir(), "list")
	for n, deeds := range []func(*Store){
		func(s *Store) { mustArchive(t, s, doc(id(1))) },
		func(s *Store) { nullify(t, s, nullification(id(1)), Nullified, "") },
		func(s *Store) {
			mustArchive(t, s, doc(id(2)))
			nullify(t, s, nullification(id(2)), Nullified, "")
		},
	} {
		s, err := Open(bg, Options{Dir: dir, Master: testMaster, ReplayList: list, CheckpointEvery: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		deeds(s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if lines := bytes.Count(must(os.ReadFile(list)), []byte("\n")); lines != n {
			t.Errorf("%d lines after %d deeds", lines, n)
		}
	}
}

// A clock that was set back makes no deed stand before an earlier one of its kind, so
// that a list that a crash has cut at its end is made whole again.
func TestLUO6_TheReplayListIsMadeWholeAfterTheClockWasSetBack(t *testing.T) {
	dir, list := t.TempDir(), filepath.Join(t.TempDir(), "list")
	c := &clock{t: noon}
	options := func(o *Options) { o.Now, o.ReplayList = c.now, list }
	s := openIn(t, dir, options)
	for i := range 2 {
		mustArchive(t, s, doc(id(i)))
		nullify(t, s, nullification(id(i)), Nullified, "")
		c.set(noon.Add(-time.Hour))
	}
	if err := errors.Join(s.Relist(bg), s.Close()); err != nil {
		t.Fatal(err)
	}
	text := must(os.ReadFile(list))
	if err := os.WriteFile(list, text[:len(text)-9], 0o600); err != nil {
		t.Fatal(err)
	}
	s = openIn(t, dir, options)
	if err := s.Relist(bg); err != nil {
		t.Fatal(err)
	}
	if again := must(os.ReadFile(list)); !bytes.Equal(again, text) {
		t.Errorf("%s\nbecame\n%s", text, again)
	}
}

// Following the list costs what came since, not what the archive holds.
func BenchmarkRelist(b *testing.B) {
	for _, n := range []int{1000, 16000} {
		b.Run(fmt.Sprintf("documents=%d", n), func(b *testing.B) {
			s := open(b, func(o *Options) { o.ReplayList = filepath.Join(b.TempDir(), "list") })
			for i := range n {
				mustArchive(b, s, doc(id(i)))
			}
			if err := s.Relist(bg); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := s.Relist(bg); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func readOrNothing(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// After a disposal nothing of the content is left in any file.
func TestLUO6_ForgottenContentIsInNoFile(t *testing.T) {
	s := open(t)
	a := dying()
	a.Document = []byte("<ClinicalDocument>" + strings.Repeat("muistettava ", 3) + "</ClinicalDocument>")
	mustArchive(t, s, a)
	if err := s.RecordEvents(bg, []Event{{Kind: Death, Controller: ctlA, Subject: cli2, Day: noon.AddDate(0, 0, -1), By: anna}}, []Usage{deed("event")}); err != nil {
		t.Fatal(err)
	}
	run, err := s.BeginDisposal(bg, DisposalRun{Plan: [32]byte{1}, By: anna, Second: bertt})
	if err != nil {
		t.Fatal(err)
	}
	if out, err := s.Dispose(bg, disposal(a, run)); err != nil || out != Disposed {
		t.Fatal(out, err)
	}
	if err := s.ForgetWAL(bg); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(s.opt.Dir, "*"))
	for _, f := range files {
		if b, err := os.ReadFile(f); err != nil || bytes.Contains(b, []byte("muistettava")) {
			t.Errorf("%s: %v", f, err)
		}
	}
}
