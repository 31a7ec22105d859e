package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

const (
	dbFile   = "archive.db"
	lockFile = "archive.lock"
)

// dirLock is the ownership of a data directory: an flock, which the kernel drops
// with the process however it dies. The file tells the owner's pid to people.
type dirLock struct{ f *os.File }

// lockDir makes dir if missing and takes its ownership.
func lockDir(dir string) (*dirLock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fail("open", err)
	}
	path := filepath.Join(dir, lockFile)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fail("open", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, owned(dir, f)
		}
		return nil, fail("open", err)
	}
	if err := writePID(f); err != nil {
		f.Close()
		return nil, fail("open", err)
	}
	return &dirLock{f}, nil
}

func writePID(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

func owned(dir string, f *os.File) error {
	b, _ := io.ReadAll(io.LimitReader(f, 32)) // without a pid the error is less helpful, no more
	pid, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	e := &Error{Kind: ErrOwned, Op: "open", Path: dir, PID: pid,
		Hint: "one process owns a data directory; stop it or use another directory"}
	if pid != 0 {
		e.Err = fmt.Errorf("process %d owns it", pid)
	}
	return e
}

func (l *dirLock) release() error { return l.f.Close() }

// copyFile copies a file durably: dst is there whole or not at all.
func copyFile(dst, src string) error {
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer in.Close()
	tmp := dst + ".tmp"
	out, err := disk.Open(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		return errors.Join(err, disk.Remove(tmp))
	}
	if err := disk.Rename(tmp, dst); err != nil {
		return err
	}
	return disk.SyncDir(filepath.Dir(dst))
}
