package store

import (
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Where SQLite's connections lock a database file while they are open (its os_unix.c).
const sharedFirst, sharedSize = 0x40000002, 510

// rawFile is the database file for reading and locking past SQLite. It is opened once
// and closed last: closing any descriptor of the file drops the process's locks on it.
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
	var err error
	r.f, err = os.Open(path)
	return r.f, err
}

// hold takes a lock beside SQLite's, which keeps a connection that closes last from
// writing the WAL back and deleting it.
func (r *rawFile) hold(path string) error {
	_, err := r.fcntl(path, unix.F_OFD_SETLK, unix.F_RDLCK)
	return err
}

// release gives the lock up.
func (r *rawFile) release(path string) error {
	_, err := r.fcntl(path, unix.F_OFD_SETLK, unix.F_UNLCK)
	return err
}

// connected tells whether any connection is open.
func (r *rawFile) connected(path string) (bool, error) {
	kind, err := r.fcntl(path, unix.F_OFD_GETLK, unix.F_WRLCK)
	return kind != unix.F_UNLCK, err
}

func (r *rawFile) fcntl(path string, command int, kind int16) (int16, error) {
	f, err := r.open(path)
	if err != nil {
		return 0, err
	}
	l := unix.Flock_t{Type: kind, Whence: io.SeekStart, Start: sharedFirst, Len: sharedSize}
	err = unix.FcntlFlock(f.Fd(), command, &l)
	return l.Type, err
}

func (r *rawFile) close() error {
	if r.f == nil {
		return nil
	}
	return r.f.Close()
}
