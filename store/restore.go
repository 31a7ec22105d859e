package store

import (
	"bufio"
	"context"
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// RestoreOptions tell what is restored where.
type RestoreOptions struct {
	// From is the directory of backups, Number the backup (0: the newest).
	From   string
	Number int
	// To is the data directory to be: missing or empty.
	To string
	// Decrypt opens a pack that was encrypted.
	Decrypt func(io.Reader) (io.Reader, error)
	// Master is the archive's master key at the time of the backup.
	Master KeySource
	// ReplayList is the archive's; "" leaves deeds newer than the backup undone.
	ReplayList string
	// Signatures judges signatures; nil leaves them out.
	Signatures SignatureJudge
	Now        func() time.Time

	vfs string // tests only, as in Options
}

// Restored tells what Restore did.
type Restored struct {
	Manifest *Manifest
	Report   *CheckReport
	Replayed Replayed
}

// Restore makes a data directory from a backup, verifies all of it, does again what
// the replay list tells, and only then puts it in its place: what is there can be
// served. A backup that is damaged leaves nothing behind; Restored.Report names the
// damage.
//
// Errors: ErrInput for a backup or directory that cannot be used, ErrDamaged, ErrKey.
func Restore(ctx context.Context, o RestoreOptions) (r Restored, err error) {
	if err := emptyTarget(o.To); err != nil {
		return r, err
	}
	if r.Manifest, err = chooseBackup(o.From, o.Number); err != nil {
		return r, err
	}
	tmp := filepath.Clean(o.To) + ".restoring"
	if err := errors.Join(disk.RemoveAll(tmp), disk.MkdirAll(tmp)); err != nil {
		return r, fail("restore", err)
	}
	if err := r.into(ctx, &o, tmp); err != nil {
		return r, errors.Join(fail("restore", err), disk.RemoveAll(tmp))
	}
	_ = disk.Remove(o.To) // an empty directory; Rename tells where it is more
	if err := errors.Join(disk.Rename(tmp, o.To), disk.SyncDir(filepath.Dir(filepath.Clean(o.To)))); err != nil {
		return r, fail("restore", err)
	}
	return r, nil
}

func emptyTarget(dir string) error {
	names, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fail("restore", err)
	}
	if len(names) > 0 {
		return input("restore", "%s is not empty", dir)
	}
	return nil
}

func chooseBackup(dir string, number int) (*Manifest, error) {
	ms, err := Manifests(dir)
	if err != nil {
		return nil, err
	}
	for _, m := range slices.Backward(ms) {
		if number == 0 || m.Number == number {
			return m, nil
		}
	}
	return nil, input("restore", "%s holds no such backup", dir)
}

func (r *Restored) into(ctx context.Context, o *RestoreOptions, tmp string) error {
	x := &restoring{o: o, m: r.Manifest, dir: tmp, where: make(map[string][]int64)}
	if err := x.run(ctx); err != nil {
		return err
	}
	s, err := Open(ctx, Options{Dir: tmp, Master: o.Master, Now: o.Now, CheckpointEvery: -1, vfs: o.vfs})
	if err != nil {
		return err
	}
	r.Report, err = s.Verify(ctx, o.Signatures)
	if err == nil && !r.Report.OK() {
		p := r.Report.Problems[0]
		err = &Error{Kind: ErrDamaged, Op: "restore", Err: fmt.Errorf("the backup is damaged: %d problems, the first %s %s: %s",
			int64(len(r.Report.Problems))+r.Report.More, p.Area, p.ID, p.Detail), Hint: "restore an earlier backup with its number"}
	}
	if err == nil && o.ReplayList != "" {
		r.Replayed, err = s.Replay(ctx, o.ReplayList)
	}
	if err == nil {
		err = s.Checkpoint(ctx)
	}
	return errors.Join(err, s.Close())
}

// restoring puts chunks and files in their places.
type restoring struct {
	o     *RestoreOptions
	m     *Manifest
	dir   string
	key   []byte
	where map[string][]int64 // chunk to its places
	files fileSums
	db    diskFile
}

func (x *restoring) run(ctx context.Context) (err error) {
	for i, c := range x.m.Chunks {
		x.where[string(c)] = append(x.where[string(c)], int64(i)*chunkSize)
	}
	if x.db, err = disk.Open(filepath.Join(x.dir, dbFile), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
		return err
	}
	// The newest pack first: it has the files, and the key that chunks are checked with.
	for _, n := range slices.Backward(x.m.Packs) {
		if err := x.pack(ctx, n); err != nil {
			return errors.Join(err, x.db.Close())
		}
	}
	for range x.where {
		return errors.Join(&Error{Kind: ErrDamaged, Op: "restore", Err: fmt.Errorf("%d chunks are in none of the packs", len(x.where))}, x.db.Close())
	}
	if !hmac.Equal(x.files.sum(x.key), x.m.Files) {
		return errors.Join(&Error{Kind: ErrDamaged, Op: "restore", Err: errors.New("the files beside the database are not as they were")}, x.db.Close())
	}
	return errors.Join(x.db.Truncate(x.m.Size), x.db.Sync(), x.db.Close())
}

func (x *restoring) pack(ctx context.Context, n int) (err error) {
	path := filepath.Join(x.o.From, backupName(n, packKind))
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	bad := func(why error) error {
		return &Error{Kind: ErrDamaged, Op: "restore", Path: path, Err: why}
	}
	var from io.Reader = bufio.NewReaderSize(f, 1<<20)
	if head, err := from.(*bufio.Reader).Peek(len(packMagic)); err != nil || string(head) != packMagic {
		if x.o.Decrypt == nil {
			return &Error{Kind: ErrKey, Op: "restore", Path: path, Err: errors.New("the pack is encrypted"), Hint: "give the identity that opens it"}
		}
		if from, err = x.o.Decrypt(from); err != nil {
			return &Error{Kind: ErrKey, Op: "restore", Path: path, Err: err, Hint: "give the identity that opens it"}
		}
	}
	r := bufio.NewReaderSize(from, 1<<20)
	head := make([]byte, len(packMagic))
	if _, err := io.ReadFull(r, head); err != nil || string(head) != packMagic {
		return bad(errors.New("it is no pack"))
	}
	for {
		kind, err := r.ReadByte()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return bad(err)
		}
		name, err := getField(r, 4096)
		if err != nil {
			return bad(err)
		}
		content, err := getField(r, maxPayload)
		if err != nil {
			return bad(err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := x.record(ctx, n, kind, name, content); err != nil {
			if own := new(Error); errors.As(err, &own) {
				return err
			}
			return bad(err)
		}
	}
}

func getField(r *bufio.Reader, most uint64) ([]byte, error) {
	n, err := binary.ReadUvarint(r)
	if err != nil || n > most {
		return nil, errors.Join(err, errors.New("a record is malformed"))
	}
	b := make([]byte, 0, min(n, 1<<20))
	for uint64(len(b)) < n { // what is not there must not be made room for
		part := min(n-uint64(len(b)), 1<<20)
		at := len(b)
		b = append(b, make([]byte, part)...)
		if _, err := io.ReadFull(r, b[at:]); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (x *restoring) record(ctx context.Context, n int, kind byte, name, payload []byte) error {
	switch {
	case kind == 'F' && n == x.m.Number:
		content, err := unpack(payload)
		if err != nil {
			return err
		}
		return x.file(ctx, string(name), content)
	case kind == 'F':
		return nil // an earlier state
	case kind == 'C':
		return x.chunk(name, payload)
	}
	return fmt.Errorf("unknown record %q", kind)
}

func (x *restoring) file(ctx context.Context, name string, content []byte) error {
	if !filepath.IsLocal(name) {
		return fmt.Errorf("file %q leads out of the directory", name)
	}
	x.files.add(name, content)
	path := filepath.Join(x.dir, name)
	if err := disk.MkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	if err := writeFile(path, content, 0o600); err != nil || name != keyFile {
		return err
	}
	return x.openKey(ctx)
}

// openKey gets the key of chunks, and holds the manifest against it.
func (x *restoring) openKey(ctx context.Context) error {
	var master *masterKey
	if x.m.Sealed {
		if x.o.Master == nil {
			return masterError(x.o.From, errors.New("the archive is encrypted"))
		}
		secret, err := x.o.Master(ctx)
		if err != nil {
			return err
		}
		if master, err = newMasterKey(secret); err != nil {
			return err
		}
	}
	k, err := openKey(x.dir, nil, false, master)
	if err != nil {
		return err
	}
	x.key = k.backupKey()
	if !hmac.Equal(x.m.mac(x.key), x.m.MAC) {
		return errors.New("the manifest is not as it was made")
	}
	return nil
}

func (x *restoring) chunk(sum, payload []byte) error {
	places := x.where[string(sum)]
	if places == nil {
		return nil // of another backup
	}
	if x.key == nil {
		return errors.New("the pack lacks the index key")
	}
	chunk, err := unpack(payload)
	if err != nil {
		return err
	}
	if !hmac.Equal(chunkSum(x.key, chunk), sum) {
		return errors.New("a chunk does not match its hash")
	}
	for _, at := range places {
		if _, err := x.db.WriteAt(chunk, at); err != nil {
			return err
		}
	}
	delete(x.where, string(sum))
	return nil
}
