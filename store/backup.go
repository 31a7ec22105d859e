package store

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A backup directory holds, for each backup N, a pack and a manifest. The database is
// taken in chunks of 64 KB; a pack holds those that no earlier pack has, after the small
// files beside the database. It is
//
//	"portti pack 1\n", then records: 'F' or 'C', name or hash, content (each with its
//	length as varint), content being a payload as pack makes it
//
// and encrypted as a whole where that is asked for. The manifest is plain JSON: hashes
// in it are HMACs under a key of the archive, so they tell nothing, and the next backup
// can be made without the key that opens the packs. The master key is in no backup.
const (
	backupFormat = "portti-backup/1"
	packMagic    = "portti pack 1\n"
	chunkSize    = 64 << 10
	backupRate   = 16 << 20
)

// Wrap encrypts what is written to it, when closed to the end.
type Wrap func(io.Writer) (io.WriteCloser, error)

// BackupOptions tell where a backup goes.
type BackupOptions struct {
	// Dir is made if missing; earlier backups of the archive in it are built upon.
	Dir string
	// Encrypt wraps the pack; nil leaves it as it is: payloads of an encrypted archive
	// are sealed all the same.
	Encrypt Wrap
	// Rate bounds reading, in bytes a second; default 16 MB.
	Rate int64
}

// Manifest is a backup.
type Manifest struct {
	Format  string    `json:"format"`
	Archive string    `json:"archive"`
	Number  int       `json:"number"`
	Made    time.Time `json:"made"`
	// Encrypted tells of the pack, Sealed of the archive.
	Encrypted bool `json:"encrypted"`
	Sealed    bool `json:"sealed"`
	// Size is the database's, Chunks the hash of each of its chunks, Packs the numbers of
	// the packs that they are in.
	Size   int64    `json:"size"`
	Chunks [][]byte `json:"chunks"`
	Packs  []int    `json:"packs"`
	// In tells for each chunk which pack has it.
	In []int `json:"in"`
	// Files is the hash of the small files in this backup's pack, with their names.
	Files []byte `json:"files"`
	// New is how many chunks, Written how many bytes this backup's pack has.
	New     int   `json:"new"`
	Written int64 `json:"written"`
	// Checkpoint is the newest checkpoint in the backup.
	Checkpoint string `json:"checkpoint,omitempty"`
	// MAC is over all else.
	MAC []byte `json:"mac"`
}

func (k *keyer) backupKey() []byte {
	m := hmac.New(sha256.New, k.secret)
	io.WriteString(m, "portti backup key 1")
	return m.Sum(nil)
}

func (m *Manifest) mac(key []byte) []byte {
	c := *m
	c.MAC = nil
	b, err := json.Marshal(&c)
	if err != nil {
		return nil // strings, numbers and bytes only
	}
	h := hmac.New(sha256.New, key)
	h.Write(b)
	return h.Sum(nil)
}

func backupName(n int, kind string) string { return fmt.Sprintf("%06d.%s", n, kind) }

const (
	manifestKind = "manifest.json"
	packKind     = "pack"
)

// Manifests lists the backups in a directory, oldest first.
func Manifests(dir string) ([]*Manifest, error) {
	names, err := filepath.Glob(filepath.Join(dir, "[0-9]*."+manifestKind))
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var out []*Manifest
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		m := new(Manifest)
		if err := json.Unmarshal(b, m); err != nil || m.Format != backupFormat || len(m.In) != len(m.Chunks) {
			return nil, &Error{Kind: ErrDamaged, Op: "backup", Path: name, Err: errors.Join(err, errors.New("it is no manifest of a backup"))}
		}
		out = append(out, m)
	}
	return out, nil
}

// frozen gives the database file as it is at one commit, for as long as the connection
// is open: everything is written back from the WAL, and the reader keeps anything later
// from being written back. Writers go on, into the WAL.
func (s *Store) frozen(ctx context.Context) (conn *sql.DB, size int64, err error) {
	for {
		again := false
		err = s.alone(ctx, "backup", func(w *writer) error {
			var busy, log, done int
			if err := w.conn.QueryRowContext(ctx, `PRAGMA wal_checkpoint(PASSIVE)`).Scan(&busy, &log, &done); err != nil {
				return err
			}
			if again = busy != 0 || log != done; again {
				return nil // a reader is on an older state
			}
			if conn, err = s.openDB("query_only", 1); err != nil {
				return err
			}
			var pages, page int64
			for _, q := range []struct {
				sql string
				to  *int64
			}{{`BEGIN`, nil}, {`SELECT count(*) FROM settings`, new(int64)}, {`PRAGMA page_count`, &pages}, {`PRAGMA page_size`, &page}} {
				if q.to == nil {
					_, err = conn.ExecContext(ctx, q.sql)
				} else {
					err = conn.QueryRowContext(ctx, q.sql).Scan(q.to)
				}
				if err != nil {
					return errors.Join(err, conn.Close())
				}
			}
			size = pages * page
			return nil
		})
		if err != nil || !again {
			return conn, size, err
		}
		select {
		case <-ctx.Done():
			return nil, 0, fail("backup", ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Backup makes a backup while the archive serves: the state of one commit. It holds
// what the earlier backups in the directory lack.
func (s *Store) Backup(ctx context.Context, o BackupOptions) (*Manifest, error) {
	s.backing.Lock()
	defer s.backing.Unlock()
	m, err := s.makeBackup(ctx, o)
	if m == nil {
		m = &Manifest{}
	}
	if e := s.noteBackup(o, m, err); e != nil && err == nil {
		err = fail("backup", e)
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (s *Store) makeBackup(ctx context.Context, o BackupOptions) (*Manifest, error) {
	if err := s.Checkpoint(ctx); err != nil {
		return nil, err
	}
	if err := disk.MkdirAll(o.Dir); err != nil {
		return nil, fail("backup", err)
	}
	earlier, err := Manifests(o.Dir)
	if err != nil {
		return nil, err
	}
	m := &Manifest{Format: backupFormat, Archive: s.tree.key.Name(), Number: 1, Made: s.now(), Encrypted: o.Encrypt != nil, Sealed: s.Encrypted()}
	b := &backup{s: s, o: o, m: m, key: s.keys.backupKey(), have: make(map[string]int)}
	for _, e := range earlier {
		if e.Archive != m.Archive || !hmac.Equal(e.mac(b.key), e.MAC) {
			return nil, input("backup", "%s holds backup %d of another archive, or a damaged one", o.Dir, e.Number)
		}
		m.Number = e.Number + 1
		for i, c := range e.Chunks {
			b.have[string(c)] = e.In[i]
		}
	}
	if err := b.run(ctx); err != nil {
		return nil, fail("backup", err)
	}
	return m, nil
}

type backup struct {
	s    *Store
	o    BackupOptions
	m    *Manifest
	key  []byte
	have map[string]int // chunk to its pack
}

func (b *backup) path(kind string) string {
	return filepath.Join(b.o.Dir, backupName(b.m.Number, kind))
}

func (b *backup) run(ctx context.Context) error {
	conn, size, err := b.s.frozen(ctx)
	if err != nil {
		return err
	}
	b.m.Size = size
	c, err := lastCheckpoint(ctx, conn)
	if err == nil && c != nil {
		b.m.Checkpoint = c.Note
	}
	if err == nil {
		err = b.pack(ctx)
	}
	if err = errors.Join(err, conn.Close()); err != nil {
		return errors.Join(err, removeIfThere(b.path(packKind)+".tmp"))
	}
	b.m.MAC = b.m.mac(b.key)
	text, err := json.Marshal(b.m)
	if err != nil {
		return err
	}
	// The pack is there before the manifest that tells of it.
	if err := errors.Join(disk.Rename(b.path(packKind)+".tmp", b.path(packKind)), disk.SyncDir(b.o.Dir)); err != nil {
		return err
	}
	return writeFile(b.path(manifestKind), text, 0o600)
}

func removeIfThere(path string) error {
	if err := disk.Remove(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// pack writes the pack.
func (b *backup) pack(ctx context.Context) error {
	f, err := disk.Open(b.path(packKind)+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	buf := bufio.NewWriterSize(&steady{f: f}, 256<<10)
	var w io.Writer = buf
	end := func() error { return nil }
	if b.o.Encrypt != nil {
		wc, err := b.o.Encrypt(buf)
		if err != nil {
			return errors.Join(err, f.Close())
		}
		w, end = wc, wc.Close
	}
	err = b.fill(ctx, w)
	err = errors.Join(err, end(), buf.Flush(), f.Sync())
	if st, e := f.Stat(); e == nil {
		b.m.Written = st.Size()
	}
	return errors.Join(err, f.Close())
}

// steady writes a file to the disk bit by bit: a file system that has much to write at
// once keeps the archive's own syncs waiting.
type steady struct {
	f       diskFile
	pending int
}

// steadyBytes is how much may wait to be written.
const steadyBytes = 1 << 20

// Write implements io.Writer.
func (s *steady) Write(b []byte) (int, error) {
	n, err := s.f.Write(b)
	if s.pending += n; err == nil && s.pending >= steadyBytes {
		s.pending = 0
		err = s.f.Sync()
	}
	return n, err
}

func (b *backup) fill(ctx context.Context, w io.Writer) error {
	if _, err := io.WriteString(w, packMagic); err != nil {
		return err
	}
	names, err := b.s.smallFiles()
	if err != nil {
		return err
	}
	var files fileSums
	for _, name := range names {
		content, err := os.ReadFile(b.s.path(name))
		if errors.Is(err, os.ErrNotExist) {
			continue // another command has taken it away meanwhile
		}
		if err != nil {
			return err
		}
		if err := putRecord(w, 'F', []byte(name), pack(content)); err != nil {
			return err
		}
		files.add(name, content)
	}
	b.m.Files = files.sum(b.key)
	return b.chunks(ctx, w)
}

// chunks reads the frozen file through, at the rate that is allowed.
func (b *backup) chunks(ctx context.Context, w io.Writer) error {
	f, err := b.s.raw.open(b.s.path(dbFile))
	if err != nil {
		return err
	}
	rate := b.o.Rate
	def(&rate, backupRate)
	begun := time.Now()
	used := make(map[int]bool)
	chunk := make([]byte, chunkSize)
	for at := int64(0); at < b.m.Size; at += chunkSize {
		if err := b.stopped(ctx); err != nil {
			return err
		}
		n := min(chunkSize, b.m.Size-at)
		if _, err := f.ReadAt(chunk[:n], at); err != nil {
			return err
		}
		sum := chunkSum(b.key, chunk[:n])
		in, there := b.have[string(sum)]
		if !there {
			in = b.m.Number
			b.have[string(sum)] = in
			b.m.New++
			if err := putRecord(w, 'C', sum, pack(chunk[:n])); err != nil {
				return err
			}
		}
		b.m.Chunks, b.m.In = append(b.m.Chunks, sum), append(b.m.In, in)
		used[in] = true
		if ahead := time.Duration(float64(at)/float64(rate)*float64(time.Second)) - time.Since(begun); ahead > time.Millisecond {
			time.Sleep(ahead)
		}
	}
	used[b.m.Number] = true // for the small files
	for n := range used {
		b.m.Packs = append(b.m.Packs, n)
	}
	slices.Sort(b.m.Packs)
	return nil
}

// stopped tells why a backup must end early.
func (b *backup) stopped(ctx context.Context) error {
	select {
	case <-b.s.stop:
		return &Error{Kind: ErrClosed, Op: "backup"}
	default:
	}
	if e := b.s.down.Load(); e != nil {
		return e
	}
	return ctx.Err()
}

func chunkSum(key, chunk []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(chunk)
	return m.Sum(nil)[:16]
}

// fileSums are names and hashes of files, in the order of the pack.
type fileSums []byte

func (f *fileSums) add(name string, content []byte) {
	of := sha256.Sum256(content)
	*f = append(binary.AppendUvarint(*f, uint64(len(name))), name...)
	*f = append(*f, of[:]...)
}

// sum is known by who has the key: it is among the files.
func (f fileSums) sum(key []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(f)
	return m.Sum(nil)
}

func putRecord(w io.Writer, kind byte, name, content []byte) error {
	head := binary.AppendUvarint([]byte{kind}, uint64(len(name)))
	head = append(head, name...)
	head = binary.AppendUvarint(head, uint64(len(content)))
	if _, err := w.Write(head); err != nil {
		return err
	}
	_, err := w.Write(content)
	return err
}

// smallFiles are the files beside the database that belong to the archive, as paths
// within the data directory.
func (s *Store) smallFiles() (out []string, err error) {
	root := s.opt.Dir
	err = filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		skip := strings.HasPrefix(name, dbFile) || name == lockFile || name == backupRecordFile || strings.HasSuffix(name, ".tmp") || strings.HasPrefix(filepath.Base(name), ".ready-")
		if d.Type().IsRegular() && !skip {
			out = append(out, name)
		}
		return nil
	})
	return out, err
}
