package store

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/goleak"
)

// TestMain also plays the child processes of the tests that need one.
func TestMain(m *testing.M) {
	if role := os.Getenv("PORTTI_STORE_CHILD"); role != "" {
		children[role](os.Getenv("PORTTI_STORE_DIR"))
		return
	}
	goleak.VerifyTestMain(m)
}

// children are the roles of child processes.
var children = map[string]func(dir string){
	"own": func(dir string) {
		if _, err := Open(context.Background(), Options{Dir: dir}); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("ready")
		io.Copy(io.Discard, os.Stdin) // until the parent lets go
	},
	"write":  writeUntilKilled,
	"limit":  writeUnderFileLimit,
	"nobody": openAsNobody,
}

// child starts this test binary in a role. Its stdin stays open until the test ends.
func child(tb testing.TB, role, dir string, env ...string) (*exec.Cmd, *bufio.Scanner) {
	tb.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), "PORTTI_STORE_CHILD="+role, "PORTTI_STORE_DIR="+dir), env...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { in.Close(); cmd.Process.Kill(); cmd.Wait() })
	return cmd, bufio.NewScanner(out)
}

func TestOneProcessOwnsADataDirectory(t *testing.T) {
	dir := t.TempDir()
	cmd, out := child(t, "own", dir)
	if !out.Scan() || out.Text() != "ready" {
		t.Fatalf("child says %q", out.Text())
	}
	_, err := Open(bg, Options{Dir: dir})
	wantErr(t, err, ErrOwned)
	var e *Error
	if !errors.As(err, &e) || e.PID != cmd.Process.Pid {
		t.Errorf("the error names process %d, the owner is %d: %v", e.PID, cmd.Process.Pid, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait() // its error is that it was killed
	openIn(t, dir)
}

func TestSameProcessCannotOpenTwice(t *testing.T) {
	s := open(t)
	_, err := Open(bg, Options{Dir: s.opt.Dir})
	wantErr(t, err, ErrOwned)
}

func TestCloseLeavesOneFile(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(bg, Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	mustArchive(t, s, doc(id(1)))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	for _, name := range []string{dbFile + "-wal", dbFile + "-shm"} {
		if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left: %v", name, err)
		}
	}
	for _, name := range []string{keyFile, dbFile, lockFile} {
		if st, err := os.Stat(filepath.Join(dir, name)); err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, st, err)
		}
	}
	_, err = s.Archive(bg, doc(id(2)))
	wantErr(t, err, ErrClosed)
	_, err = s.Document(bg, all, id(1))
	wantErr(t, err, ErrClosed)
	wantErr(t, s.Ready(), ErrClosed)
	s = openIn(t, dir)
	wantBytes(t, s, doc(id(1)))
	if err := s.Ready(); err != nil {
		t.Error(err)
	}
}

func TestPragmasHold(t *testing.T) {
	s := open(t)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1",
		"secure_delete": "1", "recursive_triggers": "1", "wal_autocheckpoint": "0", "temp_store": "2",
		"journal_size_limit": "67108864"} {
		var have string
		if err := s.w.conn.QueryRowContext(bg, "PRAGMA "+pragma).Scan(&have); err != nil || have != want {
			t.Errorf("%s is %q, %v; want %q", pragma, have, err, want)
		}
	}
	if _, err := s.read.Exec(`DELETE FROM counters`); err == nil {
		t.Error("a reader's connection can write")
	}
}

// older gives the first n migrations, extra adds one.
func older(tb testing.TB, n int) fs.FS {
	tb.Helper()
	names, err := fs.Glob(embedded, "*.sql")
	if err != nil {
		tb.Fatal(err)
	}
	out := fstest.MapFS{}
	for _, name := range names[:n] {
		b, err := fs.ReadFile(embedded, name)
		if err != nil {
			tb.Fatal(err)
		}
		out[name] = &fstest.MapFile{Data: b}
	}
	return out
}

func newer(tb testing.TB) fs.FS {
	tb.Helper()
	names, _ := fs.Glob(embedded, "*.sql")
	out := older(tb, len(names)).(fstest.MapFS)
	out["00099_more.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nCREATE TABLE more (x INTEGER) STRICT;\n")}
	return out
}

func TestMigrationBacksUpFirstAndDowngradeIsRefused(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(bg, Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	mustArchive(t, s, doc(id(1)))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err = Open(bg, Options{Dir: dir, migrations: newer(t)})
	if err != nil {
		t.Fatal(err)
	}
	wantBytes(t, s, doc(id(1)))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = Open(bg, Options{Dir: dir})
	wantErr(t, err, ErrNewer)

	// The backup is an archive of the earlier schema.
	backups, _ := filepath.Glob(filepath.Join(dir, "*.backup"))
	if len(backups) != 1 {
		t.Fatalf("backups: %v", backups)
	}
	old := t.TempDir()
	for from, to := range map[string]string{backups[0]: dbFile, filepath.Join(dir, keyFile): keyFile} {
		if err := copyFile(filepath.Join(old, to), from); err != nil {
			t.Fatal(err)
		}
	}
	s = openIn(t, old)
	wantBytes(t, s, doc(id(1)))
	wantClean(t, s)
}

func TestOpenRefusesWhatIsNotItsOwn(t *testing.T) {
	made := func(t *testing.T) string {
		dir := t.TempDir()
		s, err := Open(bg, Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		mustArchive(t, s, doc(id(1)))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	write := func(t *testing.T, dir, name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name  string
		spoil func(t *testing.T, dir string)
		kind  Kind
	}{
		{"no database", func(t *testing.T, dir string) { write(t, dir, dbFile, strings.Repeat("hello ", 500)) }, ErrForeign},
		{"other program's database", func(t *testing.T, dir string) {
			os.Remove(filepath.Join(dir, dbFile))
			db, err := sql.Open("sqlite3", filepath.Join(dir, dbFile))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Exec(`CREATE TABLE x (y)`); err != nil {
				t.Fatal(err)
			}
		}, ErrForeign},
		{"key missing", func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, keyFile)) }, ErrKey},
		{"key of another", func(t *testing.T, dir string) { write(t, dir, keyFile, strings.Repeat("ab", 32)) }, ErrKey},
		{"key cut", func(t *testing.T, dir string) { write(t, dir, keyFile, "abcd\n") }, ErrKey},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := made(t)
			tt.spoil(t, dir)
			_, err := Open(bg, Options{Dir: dir})
			wantErr(t, err, tt.kind)
		})
	}
}

// As root the child runs as another user, since root writes everywhere.
func TestReadOnlyIsToldClearly(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(bg, Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	lock := filepath.Join(dir, lockFile)
	for _, tt := range []struct {
		name      string
		file, dir os.FileMode
	}{{"file", 0o444, 0o777}, {"directory", 0o444, 0o555}} {
		t.Run(tt.name, func(t *testing.T) {
			for path, mode := range map[string]os.FileMode{lock: 0o666, filepath.Join(dir, keyFile): 0o444,
				filepath.Join(dir, dbFile): tt.file, dir: tt.dir} {
				if err := os.Chmod(path, mode); err != nil {
					t.Fatal(err)
				}
			}
			_, out := child(t, "nobody", dir)
			if !out.Scan() || out.Text() != string(ErrReadOnly) {
				t.Errorf("child says %q", out.Text())
			}
		})
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
}

// openAsNobody tells the kind of error that an unprivileged process gets.
func openAsNobody(dir string) {
	if os.Geteuid() == 0 {
		if err := syscall.Setuid(65534); err != nil {
			fmt.Println(err)
			return
		}
	}
	_, err := Open(context.Background(), Options{Dir: dir})
	var e *Error
	if errors.As(err, &e) {
		fmt.Println(string(e.Kind))
		return
	}
	fmt.Println("no error of ours:", err)
}

// A file that another program has locked is told as that, and passes.
func TestLockedDatabaseIsToldAndPasses(t *testing.T) {
	s := open(t)
	pragma(t, s, `PRAGMA busy_timeout = 20`)
	db := rawDB(t, s)
	conn, err := db.Conn(bg)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(bg, `BEGIN IMMEDIATE`); err != nil {
		t.Fatal(err)
	}
	_, err = s.Archive(bg, doc(id(1)))
	wantErr(t, err, ErrLocked)
	var e *Error
	if !errors.As(err, &e) || !e.Retry() || Rule(err) != RuleBusy {
		t.Errorf("%v: retry must be offered", err)
	}
	if _, err := conn.ExecContext(bg, `ROLLBACK`); err != nil {
		t.Fatal(err)
	}
	mustArchive(t, s, doc(id(1)))
	wantClean(t, s)
}

func TestDiskFullIsToldAndPasses(t *testing.T) {
	s := open(t)
	mustArchive(t, s, doc(id(1)))
	var pages int64
	if err := s.w.conn.QueryRowContext(bg, `PRAGMA page_count`).Scan(&pages); err != nil {
		t.Fatal(err)
	}
	pragma(t, s, fmt.Sprintf(`PRAGMA max_page_count = %d`, pages+10))
	big := docSize(id(2), 200_000)
	_, err := s.Archive(bg, big)
	wantErr(t, err, ErrFull)
	wantBytes(t, s, doc(id(1)))
	pragma(t, s, `PRAGMA max_page_count = 1073741823`)
	mustArchive(t, s, big)
	wantClean(t, s)
}

// pragma sets something on the writer's connection, which must be idle.
func pragma(tb testing.TB, s *Store, q string) {
	tb.Helper()
	if _, err := s.w.conn.ExecContext(bg, q); err != nil {
		tb.Fatal(err)
	}
}

// writeUnderFileLimit meets a real write error: the process may not write files
// beyond a size, so write(2) fails in the middle of a commit.
func writeUnderFileLimit(dir string) {
	ignoreFileSizeSignal()
	s, err := Open(context.Background(), Options{Dir: dir})
	if err != nil {
		fmt.Println("open:", err)
		return
	}
	report := func(step string, err error) {
		var e *Error
		errors.As(err, &e)
		fmt.Println(step, err == nil, err != nil && e.Retry(), s.Ready() == nil)
	}
	store := func(step string, a Archival) {
		_, err := s.Archive(context.Background(), a)
		report(step, err)
	}
	store("first", doc(id(1)))
	limitFileSize(600_000)
	store("limited", docSize(id(2), 2_000_000))
	time.Sleep(2 * reopenEvery) // the archive reopens by itself
	report("reopened", s.Ready())
	store("small", doc(id(3)))
	limitFileSize(0)
	store("again", docSize(id(2), 2_000_000))
	r, err := s.Check(context.Background())
	fmt.Println("check", err == nil && r.OK(), s.Close() == nil)
}

func TestWriteErrorIsRetryableAndTheArchiveComesBack(t *testing.T) {
	dir := t.TempDir()
	_, out := child(t, "limit", dir)
	want := []string{"first true false true", "limited false true", "reopened true false true", "small true false true",
		"again true false true", "check true true"}
	for _, w := range want {
		if !out.Scan() {
			t.Fatalf("child ended before %q", w)
		}
		if !strings.HasPrefix(out.Text(), w) {
			t.Errorf("child says %q, want %q", out.Text(), w)
		}
	}
	s := openIn(t, dir)
	for _, a := range []Archival{doc(id(1)), docSize(id(2), 2_000_000), doc(id(3))} {
		wantBytes(t, s, a)
	}
}

func limitFileSize(n uint64) {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
		fmt.Println(err)
	}
	if l.Cur = l.Max; n != 0 {
		l.Cur = n
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
		fmt.Println(err)
	}
}
