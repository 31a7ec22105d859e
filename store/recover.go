package store

import (
	"context"
	"errors"
	"io"
	"os"
	"time"
)

// reopenEvery is how often a failed archive tries to come back.
const reopenEvery = 200 * time.Millisecond

// checkpoint writes the WAL back as far as readers let it.
func (w *writer) checkpoint() error {
	w.dirty = 0
	var busy, log, done int
	return w.conn.QueryRowContext(context.Background(), `PRAGMA wal_checkpoint(PASSIVE)`).Scan(&busy, &log, &done)
}

// truncateWAL writes the whole WAL back and empties it.
func (w *writer) truncateWAL() error {
	if w.conn == nil {
		return nil
	}
	w.dirty = 0
	var busy, log, done int
	err := w.conn.QueryRowContext(context.Background(), `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &log, &done)
	if err == nil && busy != 0 {
		return &Error{Kind: ErrLocked, Op: "checkpoint", Path: w.s.path(dbFile), Hint: hints[ErrLocked]}
	}
	return err
}

// recover closes every connection after an I/O error, reopens the file and proves
// the last acknowledged documents, before the archive accepts again. After a
// failed fsync the kernel may hold pages that are on no disk and yet counted as
// written; writing the WAL anew and then its content back is what makes them durable.
// Until it succeeds every call gets the error; proven damage ends the tries.
func (w *writer) recover(cause error) {
	w.setDown(cause)
	for {
		err := w.reopen()
		if err == nil {
			w.s.down.Store(nil)
			return
		}
		w.setDown(err)
		if errors.Is(err, ErrDamaged) || errors.Is(err, ErrForeign) || errors.Is(err, ErrKey) {
			return
		}
		if !w.pause() {
			return
		}
	}
}

func (w *writer) setDown(cause error) {
	kind := ErrUnavailable
	for _, k := range []Kind{ErrDamaged, ErrForeign, ErrKey} {
		if kindOf(cause) == k || errors.Is(cause, k) {
			kind = k
		}
	}
	w.s.down.Store(&Error{Kind: kind, Op: "write", Path: w.s.path(dbFile), Err: cause, Hint: hints[kind]})
}

func (w *writer) reopen() error {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	if err := w.disconnect(); err != nil {
		return err
	}
	if err := w.s.connect(context.Background()); err != nil {
		return err
	}
	return w.s.raw.release(w.s.path(dbFile))
}

// disconnect closes every connection, so that the next one takes the WAL for unread.
// Pages that are written back while a reader is on an older state count as written back,
// and nothing has synced them; where the sync that comes after them fails, only the WAL
// has them. So SQLite must not go by its count, nor delete the WAL with the last
// connection.
func (w *writer) disconnect() error {
	path := w.s.path(dbFile)
	if err := w.s.raw.hold(path); err != nil {
		return err
	}
	// What closing finds wrong is what reopening is for.
	_ = w.close()
	if w.s.read != nil {
		_ = w.s.read.Close()
		w.s.read = nil
	}
	alone, err := w.s.raw.exclude(path)
	switch {
	case err != nil:
		return err
	case !alone:
		return &Error{Kind: ErrLocked, Op: "reopen", Path: path, Hint: hints[ErrLocked]}
	}
	return errors.Join(w.s.renewWAL(), w.s.raw.hold(path))
}

// walFile is the WAL for writing without SQLite.
type walFile interface {
	io.WriterAt
	io.Closer
	Sync() error
}

// renewWAL writes the octets of the WAL anew and syncs them, while connections are
// excluded. After a failed fsync its last frames may be readable and on no disk, and no
// later fsync would put them there. Written back into the database file, and the power
// gone before the WAL is emptied for good, the WAL would come back without them, and
// what they had replaced be written over what is newer. What was told as failed may
// so come to be: it stands in the WAL whole, or not at all.
func (s *Store) renewWAL() error {
	path := s.path(dbFile + "-wal")
	in, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer in.Close()
	open := s.opt.openWAL
	if open == nil {
		open = func(path string) (walFile, error) { return disk.Open(path, os.O_WRONLY, 0) }
	}
	out, err := open(path)
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(io.NewOffsetWriter(out, 0), struct{ io.Reader }{in}, make([]byte, 1<<20))
	if err == nil {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}

// pause waits before the next try, refusing what is queued meanwhile. It tells
// false when the store is being closed.
func (w *writer) pause() bool {
	t := time.NewTimer(reopenEvery)
	defer t.Stop()
	for {
		select {
		case j := <-w.s.short:
			refuse(j, w.s.down.Load())
		case j := <-w.s.queue:
			refuse(j, w.s.down.Load())
		case <-w.s.stop:
			return false
		case <-t.C:
			return true
		}
	}
}
