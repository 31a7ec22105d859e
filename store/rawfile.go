package store

import (
	"errors"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Where SQLite's connections lock a database file while they are open (its os_unix.c).
const sharedFirst, sharedSize = 0x40000002, 510

// rawFile is the database file for reading and locking past SQLite; it is never written
// to. It is opened once and closed last: closing any descriptor of the file drops the
// process's locks on it.
type rawFile struct {
	mu sync.Mutex
	f  *os.File
}

func (r *rawFile) open(path string) (*os.File, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.f != nil {
		return r.f, nil
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0) // a lock for writing wants it
	if err == nil {
		r.f = f
	}
	return f, err
}

// hold takes a lock beside SQLite's, which keeps a connection that closes last from
// writing the WAL back and deleting it.
func (r *rawFile) hold(path string) error {
	return r.lock(path, unix.F_RDLCK)
}

// exclude takes a lock, or turns the one that hold took into one, that keeps every
// connection from opening. It tells false where one is open.
func (r *rawFile) exclude(path string) (bool, error) {
	err := r.lock(path, unix.F_WRLCK)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		return false, nil
	}
	return err == nil, err
}

// release gives the lock up.
func (r *rawFile) release(path string) error {
	return r.lock(path, unix.F_UNLCK)
}

func (r *rawFile) lock(path string, kind int16) error {
	f, err := r.open(path)
	if err != nil {
		return err
	}
	l := unix.Flock_t{Type: kind, Whence: io.SeekStart, Start: sharedFirst, Len: sharedSize}
	return unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &l)
}

func (r *rawFile) close() error {
	if r.f == nil {
		return nil
	}
	return r.f.Close()
}
