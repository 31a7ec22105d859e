//go:build linux && cgo

package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"portti/store/internal/faultvfs"
)

// faultDisk is a disk for files beside the database that fails at one operation, or
// loses its power there. It passes everything on to real files and remembers what of
// them is durable; settle leaves the files as a power cut would. What it does not model:
// the loss of directories.
type faultDisk struct {
	mu     sync.Mutex
	at     int // the operation to strike, from 1; 0 for none
	mode   faultvfs.Mode
	n      int
	struck string
	dead   bool

	durable map[string][]byte // of files being written: their content at the last sync
	created map[string]bool   // files whose directory was not synced since
	renamed []renaming        // likewise
}

// renaming is a rename that is not durable yet; over is what it replaced.
type renaming struct {
	from, to string
	over     []byte
	replaced bool
}

var errPower = fmt.Errorf("the power is off: %w", syscall.EIO)

// step counts an operation and tells its fate.
func (d *faultDisk) step(what string, writes bool) error {
	if d.dead {
		return errPower
	}
	d.n++
	if d.n != d.at || d.mode == faultvfs.Full && !writes {
		return nil
	}
	d.struck = what
	switch d.mode {
	case faultvfs.Cut:
		d.dead = true
		return errPower
	case faultvfs.Full:
		return syscall.ENOSPC
	}
	return syscall.EIO
}

func (d *faultDisk) Open(path string, flag int, mode os.FileMode) (diskFile, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	path = filepath.Clean(path)
	if err := d.step("opening "+filepath.Base(path), true); err != nil {
		return nil, err
	}
	before, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		d.created[path] = true
	}
	if _, pending := d.durable[path]; !pending {
		d.durable[path] = before
	}
	f, err := os.OpenFile(path, flag, mode)
	if err != nil {
		return nil, err
	}
	return &faultFile{d, f, path}, nil
}

func (d *faultDisk) MkdirAll(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step("making "+filepath.Base(path), true); err != nil {
		return err
	}
	return realDisk{}.MkdirAll(path)
}

func (d *faultDisk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	from, to = filepath.Clean(from), filepath.Clean(to)
	if err := d.step("renaming "+filepath.Base(from), true); err != nil {
		return err
	}
	r := renaming{from: from, to: to}
	if b, err := os.ReadFile(to); err == nil {
		r.over, r.replaced = b, true
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	d.renamed = append(d.renamed, r)
	move(d.durable, from, to)
	move(d.created, from, to)
	return nil
}

// move gives what is known of a file, or of those in a directory, to its new name.
func move[T any](m map[string]T, from, to string) {
	for path := range maps.Clone(m) {
		if rest, ok := strings.CutPrefix(path, from); ok && (rest == "" || rest[0] == filepath.Separator) {
			m[to+rest] = m[path]
			delete(m, path)
		}
	}
}

func (d *faultDisk) Remove(path string) error    { return d.remove(path, os.Remove) }
func (d *faultDisk) RemoveAll(path string) error { return d.remove(path, os.RemoveAll) }

func (d *faultDisk) remove(path string, remove func(string) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step("removing "+filepath.Base(path), false); err != nil {
		return err
	}
	delete(d.durable, filepath.Clean(path))
	return remove(path)
}

func (d *faultDisk) SyncDir(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step("sync of directory "+filepath.Base(path), false); err != nil {
		return err
	}
	path = filepath.Clean(path)
	maps.DeleteFunc(d.created, func(file string, _ bool) bool { return filepath.Dir(file) == path })
	d.renamed = slices.DeleteFunc(d.renamed, func(r renaming) bool { return filepath.Dir(r.to) == path })
	return nil
}

// settle leaves the files as a power cut would.
func (d *faultDisk) settle(r *rand.Rand) error {
	var errs []error
	for path, durable := range d.durable {
		have, err := os.ReadFile(path)
		if err != nil || bytes.Equal(have, durable) {
			continue
		}
		half := have[:len(have)/2]
		if bytes.HasPrefix(have, durable) { // what was synced and not touched since stays
			half = have[:max(len(half), len(durable))]
		}
		left := [][]byte{have, durable, half, append(slices.Clone(durable), have[min(len(have), len(durable)):(len(have)+min(len(have), len(durable)))/2]...)}
		errs = append(errs, os.WriteFile(path, left[r.IntN(len(left))], 0o600))
	}
	for path := range d.created {
		if r.IntN(2) == 0 {
			errs = append(errs, os.RemoveAll(path))
		}
	}
	for _, x := range slices.Backward(d.renamed) {
		if _, err := os.Lstat(x.to); err != nil {
			if x.replaced { // a name that was there before is never without a file
				errs = append(errs, os.WriteFile(x.to, x.over, 0o600))
			}
			continue
		}
		if r.IntN(2) == 0 {
			continue
		}
		errs = append(errs, os.Rename(x.to, x.from))
		if x.replaced {
			errs = append(errs, os.WriteFile(x.to, x.over, 0o600))
		}
	}
	return errors.Join(errs...)
}

// faultFile is a file on a faultDisk.
type faultFile struct {
	d    *faultDisk
	f    *os.File
	path string
}

func (f *faultFile) Write(b []byte) (int, error) {
	return f.write(len(b), func(n int) (int, error) { return f.f.Write(b[:n]) })
}

func (f *faultFile) WriteAt(b []byte, at int64) (int, error) {
	return f.write(len(b), func(n int) (int, error) { return f.f.WriteAt(b[:n], at) })
}

// write tears a write that is struck.
func (f *faultFile) write(size int, write func(n int) (int, error)) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err := f.d.step("write of "+filepath.Base(f.path), true); err != nil {
		n := 0
		if err == errPower && f.d.struck != "" || err == syscall.ENOSPC {
			n, _ = write(size / 2)
		}
		return n, err
	}
	return write(size)
}

func (f *faultFile) Truncate(size int64) error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err := f.d.step("truncation of "+filepath.Base(f.path), false); err != nil {
		return err
	}
	return f.f.Truncate(size)
}

// Sync makes durable what was written; one that fails loses it, as a kernel does that
// has marked the pages clean all the same.
func (f *faultFile) Sync() error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err := f.d.step("sync of "+filepath.Base(f.path), false); err != nil {
		if durable, known := f.d.durable[f.path]; known && err != errPower {
			return errors.Join(err, os.WriteFile(f.path, durable, 0o600))
		}
		return err
	}
	b, err := os.ReadFile(f.path)
	f.d.durable[f.path] = b
	return err
}

func (f *faultFile) Stat() (os.FileInfo, error) { return f.f.Stat() }

// Close ends the watch over a file all of which is durable: another may write it now.
func (f *faultFile) Close() error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if b, err := os.ReadFile(f.path); err == nil && bytes.Equal(b, f.d.durable[f.path]) {
		delete(f.d.durable, f.path)
	}
	return f.f.Close()
}

// onDisk puts a disk in place until the test ends.
func onDisk(t *testing.T, d fileSystem) {
	t.Helper()
	disk = d
	t.Cleanup(func() { disk = realDisk{} })
}
