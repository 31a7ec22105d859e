package store

import (
	"context"
	"errors"
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
// written; reopening and rewriting the WAL's content is what makes them durable.
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
	if k := kindOf(cause); k == ErrDamaged || k == ErrForeign || k == ErrKey {
		kind = k
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
	connected, err := w.s.raw.connected(path)
	if err == nil && connected {
		err = &Error{Kind: ErrLocked, Op: "reopen", Path: path, Hint: hints[ErrLocked]}
	}
	return err
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
