package store

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// The replay list is a file outside the data directory. It tells of what a restored
// backup must not undo: disposals, nullifications, and permissions that a newer version
// has replaced. Each line is JSON, signed by the checkpoint key and bound to the line
// before by its hash, so that none can be changed or taken out unseen, save at the end.
// Lines follow the deeds with the checkpoints, a second at most, and when the archive closes.

// The deeds of the list.
const (
	deedDisposal      = "disposal"
	deedNullification = "nullification"
	deedPermission    = "permission-replaced"
)

// listed is a line of the list.
type listed struct {
	Deed string `json:"deed"`
	// Seq is the number of the deed's row, Document and Set what it was done to.
	Seq        int64  `json:"seq"`
	Document   string `json:"document"`
	Set        string `json:"set"`
	Controller string `json:"controller"`
	Reason     string `json:"reason,omitempty"`
	At         int64  `json:"at"`
	// Before is the hash of the line before, Signature over all else.
	Before    []byte `json:"before"`
	Signature []byte `json:"signature,omitempty"`
}

type replayList struct {
	mu     sync.Mutex
	loaded bool
	seen   listSeen
	last   []byte       // hash of the last line
	failed atomic.Value // errorBox
}

// listSeen are the newest rows that are known to be listed or to need no line.
type listSeen struct{ disposal, nullification, document int64 }

func (l *listed) signed() ([]byte, error) {
	c := *l
	c.Signature = nil
	b, err := json.Marshal(&c)
	return append([]byte("portti replay list 1\x00"), b...), err
}

// ErrList: the replay list is damaged or another archive's.
var ErrList = errors.New("replay list")

// readList reads and checks a list. A line that a crash has cut at the end is left out.
func readList(path string, public ed25519.PublicKey) (out []listed, last []byte, whole int64, err error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, 0, nil
	}
	if err != nil {
		return nil, nil, 0, err
	}
	for line := range bytes.Lines(b) {
		if line[len(line)-1] != '\n' {
			break
		}
		var l listed
		if err := json.Unmarshal(line, &l); err != nil {
			return nil, nil, 0, fmt.Errorf("%w %s: line %d is malformed", ErrList, path, len(out)+1)
		}
		msg, err := l.signed()
		if err != nil {
			return nil, nil, 0, err
		}
		if !ed25519.Verify(public, msg, l.Signature) || !bytes.Equal(l.Before, last) {
			return nil, nil, 0, fmt.Errorf("%w %s: line %d is not of this archive, or lines before it are changed", ErrList, path, len(out)+1)
		}
		sum := sha256.Sum256(line)
		last, whole = sum[:], whole+int64(len(line))
		out = append(out, l)
	}
	return out, last, whole, nil
}

// sqlListed gives the deeds as they came, those of a kind in the order of their rows
// even where the clock was set back: a list that is cut at its end lacks the newest.
const sqlListed = `SELECT 'disposal', x.seq, d.id, d.set_id, s.controller, x.reason, x.at, max(x.at) OVER (ORDER BY x.seq)
	FROM disposals x JOIN documents d ON d.seq = x.document JOIN series s ON s.set_id = d.set_id WHERE x.seq > ?1
	UNION ALL SELECT 'nullification', n.seq, d.id, d.set_id, s.controller, n.reason, n.arrived, max(n.arrived) OVER (ORDER BY n.seq)
	FROM nullifications n JOIN documents d ON d.seq = n.document JOIN series s ON s.set_id = d.set_id WHERE n.seq > ?2
	UNION ALL SELECT 'permission-replaced', d.seq, d.id, d.set_id, s.controller, '', d.arrived, max(d.arrived) OVER (ORDER BY d.seq)
	FROM doc_state t JOIN documents d ON d.seq = t.seq JOIN series s ON s.set_id = d.set_id
	WHERE t.seq > ?3 AND d.version > 1 AND json_extract(t.facts, '$.permission') IS NOT NULL ORDER BY 8, 1, 2`

const sqlNewest = `SELECT (SELECT coalesce(max(seq), 0) FROM disposals), (SELECT coalesce(max(seq), 0) FROM nullifications),
	(SELECT coalesce(max(seq), 0) FROM documents)`

// Relist brings the replay list up to date, durably.
func (s *Store) Relist(ctx context.Context) error {
	if s.opt.ReplayList == "" {
		return nil
	}
	return s.relist(ctx, func(f func(*sql.DB) error) error { return s.reading("replay list", f) })
}

// lastList lists what came since the last checkpoint, while the store closes: a list
// that follows (CheckpointEvery) lacks nothing once the archive is closed.
func (s *Store) lastList() error {
	if s.opt.ReplayList == "" || s.opt.CheckpointEvery < 0 {
		return nil
	}
	return s.relist(context.Background(), func(f func(*sql.DB) error) error {
		s.mu.RLock()
		defer s.mu.RUnlock()
		if s.read == nil {
			return &Error{Kind: ErrUnavailable, Op: "replay list", Hint: hints[ErrUnavailable]}
		}
		return f(s.read)
	})
}

// relist lists what has come since it last looked, so that its cost is that of the
// new rows, however old and large the archive. Nothing is read while it writes.
func (s *Store) relist(ctx context.Context, reading func(func(*sql.DB) error) error) error {
	l := &s.list
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.loaded {
		if err := s.loadList(); err != nil {
			return fail("replay list", err)
		}
	}
	var lines []listed
	to := l.seen
	err := reading(func(db *sql.DB) error {
		return snapshotOf(ctx, db, func(tx *sql.Tx) (err error) {
			lines, err = to.follow(ctx, tx)
			return err
		})
	})
	if err == nil && len(lines) > 0 {
		err = s.appendList(lines)
	}
	if err == nil {
		l.seen = to
	}
	return fail("replay list", err)
}

// follow gives the lines of what is newer than seen, and moves seen there.
func (seen *listSeen) follow(ctx context.Context, tx *sql.Tx) (lines []listed, err error) {
	from := *seen
	err = tx.QueryRowContext(ctx, sqlNewest).Scan(&seen.disposal, &seen.nullification, &seen.document)
	if err != nil || *seen == from {
		return nil, err
	}
	rows, err := tx.QueryContext(ctx, sqlListed, from.disposal, from.nullification, from.document)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var x listed
		if err := rows.Scan(&x.Deed, &x.Seq, &x.Document, &x.Set, &x.Controller, &x.Reason, &x.At, new(int64)); err != nil {
			return nil, err
		}
		lines = append(lines, x)
	}
	return lines, rows.Err()
}

func (s *Store) loadList() error {
	if inside(s.opt.Dir, s.opt.ReplayList) {
		return fmt.Errorf("%w %s: it lies in the data directory", ErrList, s.opt.ReplayList)
	}
	old, last, whole, err := readList(s.opt.ReplayList, s.tree.key.PublicKey())
	if err != nil {
		return err
	}
	// An empty list says that there is nothing to do again; a missing one says nothing.
	f, err := disk.Open(s.opt.ReplayList, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Truncate(whole), f.Sync(), f.Close()); err != nil {
		return err
	}
	s.list.seen, s.list.last, s.list.loaded = listSeen{}, last, true
	for _, x := range old {
		s.list.seen.raise(x)
	}
	return nil
}

func (seen *listSeen) raise(x listed) {
	switch x.Deed {
	case deedDisposal:
		seen.disposal = max(seen.disposal, x.Seq)
	case deedNullification:
		seen.nullification = max(seen.nullification, x.Seq)
	case deedPermission:
		seen.document = max(seen.document, x.Seq)
	}
}

// inside tells whether a path lies in a directory.
func inside(dir, path string) bool {
	d, err1 := filepath.Abs(dir)
	p, err2 := filepath.Abs(path)
	if err1 != nil || err2 != nil {
		return false
	}
	rel, err := filepath.Rel(d, p)
	return err == nil && filepath.IsLocal(rel)
}

func (s *Store) appendList(lines []listed) error {
	l := &s.list
	f, err := disk.Open(s.opt.ReplayList, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	last := l.last
	for i := range lines {
		x := &lines[i]
		x.Before = last
		msg, err := x.signed()
		if err != nil {
			return errors.Join(err, f.Close())
		}
		if x.Signature, err = s.tree.key.Sign(msg); err != nil {
			return errors.Join(err, f.Close())
		}
		line, err := json.Marshal(x)
		if err != nil {
			return errors.Join(err, f.Close())
		}
		line = append(line, '\n')
		sum := sha256.Sum256(line)
		last = sum[:]
		w.Write(line) // bufio keeps the error for Flush
	}
	if err := errors.Join(w.Flush(), f.Sync(), f.Close(), disk.SyncDir(filepath.Dir(s.opt.ReplayList))); err != nil {
		l.loaded = false // what of it is on the disk is read again
		return err
	}
	l.last = last
	return nil
}

// ListError gives what the last write of the replay list failed by.
func (s *Store) ListError() error {
	b, _ := s.list.failed.Load().(errorBox)
	return b.error
}

// Replayed tells what Replay did.
type Replayed struct {
	Disposals, Nullifications, Permissions int
	// Unknown are deeds to documents that came after the backup and are not in it.
	Unknown int
}

// replayer is who replays.
var replayer = Actor{ID: "portti", Name: "portti archive restore"}

// Replay does again what the list tells and the archive does not know of, since it was
// restored from an older backup.
func (s *Store) Replay(ctx context.Context, path string) (r Replayed, err error) {
	lines, _, _, err := readList(path, s.tree.key.PublicKey())
	if err != nil {
		return r, fail("replay", err)
	}
	var run int64
	for i := range lines {
		if err := s.replayLine(ctx, &lines[i], &run, &r); err != nil {
			return r, fail("replay", fmt.Errorf("line %d: %w", i+1, err))
		}
	}
	return r, nil
}

func (s *Store) replayLine(ctx context.Context, x *listed, run *int64, r *Replayed) error {
	versions, err := s.Series(ctx, Scope{All: true, Purpose: "restore"}, x.Set)
	if errors.Is(err, ErrNotFound) {
		r.Unknown++
		return nil
	}
	if err != nil {
		return err
	}
	newest := versions[len(versions)-1]
	known := false
	for _, v := range versions {
		known = known || v.ID == x.Document
	}
	switch {
	case x.Deed == deedDisposal && known:
		return s.replayDisposal(ctx, x, run, r)
	case x.Deed == deedDisposal:
		r.Unknown++
		return nil
	case newest.Status == NullifiedSeries, x.Deed == deedPermission && known:
		return nil // the backup knows
	}
	// What nullified it may itself have been lost; the list's line stands in its place.
	line, err := json.Marshal(x)
	if err != nil {
		return err
	}
	out, err := s.Nullify(ctx, Nullification{DocumentID: newest.ID, Controller: newest.Controller, Reason: x.Reason, Frame: line,
		Message: Message{ID: fmt.Sprintf("restore-%s-%d", x.Deed, x.Seq), Owner: newest.Controller, Interaction: "restore",
			Answer: Answer{Verdict: "CA", Findings: []byte("[]")}},
		Usage: []Usage{{DataController: newest.Controller, LogController: newest.Controller, User: replayer.ID, UserName: replayer.Name,
			System: "portti", DocumentID: newest.ID, Action: "nullify"}}})
	if err != nil {
		return err
	}
	if out.Kind == Nullified {
		if x.Deed == deedPermission {
			r.Permissions++
		} else {
			r.Nullifications++
		}
	}
	return nil
}

func (s *Store) replayDisposal(ctx context.Context, x *listed, run *int64, r *Replayed) error {
	d, err := s.Document(ctx, Scope{All: true, Purpose: "restore"}, x.Document)
	if err != nil {
		return err
	}
	if d.Disposed {
		return nil
	}
	if *run == 0 {
		second := Actor{ID: "replay-list", Name: "replay list"}
		if *run, err = s.BeginDisposal(ctx, DisposalRun{Plan: sha256.Sum256([]byte("replay")), By: replayer, Second: second}); err != nil {
			return err
		}
	}
	out, err := s.Dispose(ctx, Disposal{Run: *run, Document: x.Document, SHA256: d.SHA256, Rule: x.Reason, Replay: true,
		Usage: Usage{DataController: d.Controller, LogController: d.Controller, User: replayer.ID, UserName: replayer.Name,
			System: "portti", DocumentID: x.Document, Action: "dispose"}})
	if err == nil && out == Disposed {
		r.Disposals++
	}
	return err
}
