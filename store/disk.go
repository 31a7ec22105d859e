package store

import (
	"errors"
	"io"
	"os"
)

// disk keeps the files beside the database: keys, backups, what is restored, the
// replay list. Tests put one in its place that fails, or that forgets at a power cut
// whatever was not synced.
var disk fileSystem = realDisk{}

// fileSystem is what writing files durably takes.
type fileSystem interface {
	Open(path string, flag int, mode os.FileMode) (diskFile, error)
	MkdirAll(path string) error
	Rename(from, to string) error
	Remove(path string) error
	RemoveAll(path string) error
	// SyncDir makes what was created and renamed in a directory durable.
	SyncDir(path string) error
}

// diskFile is a file that is written.
type diskFile interface {
	io.WriteCloser
	io.WriterAt
	Sync() error
	Truncate(size int64) error
	Stat() (os.FileInfo, error)
}

type realDisk struct{}

func (realDisk) Open(path string, flag int, mode os.FileMode) (diskFile, error) {
	f, err := os.OpenFile(path, flag, mode)
	if err != nil {
		return nil, err // not a nil *os.File in the interface
	}
	return f, nil
}

func (realDisk) MkdirAll(path string) error   { return os.MkdirAll(path, 0o700) }
func (realDisk) Rename(from, to string) error { return os.Rename(from, to) }
func (realDisk) Remove(path string) error     { return os.Remove(path) }
func (realDisk) RemoveAll(path string) error  { return os.RemoveAll(path) }

func (realDisk) SyncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
