package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"portti/store/proof"

	merkle "github.com/transparency-dev/merkle/proof"
)

// Checkpoints are made off the writer's path, from a snapshot of what is committed;
// only the rows themselves go through the writer. They follow the leaves within
// Options.CheckpointEvery, and at once where a proof is asked for.

// checkpointFile holds the key that checkpoints are checked with, for all to have.
const checkpointFile = "checkpoint.pub"

// checkpointEvery is the default of Options.CheckpointEvery.
const checkpointEvery = 500 * time.Millisecond

// checkpointing is the state of making checkpoints.
type checkpointing struct {
	key *proof.Key
	// grown tells of new leaves.
	grown chan struct{}
	// making is held while a checkpoint is made.
	making sync.Mutex

	mu     sync.Mutex
	last   *proof.Checkpoint
	waits  time.Time // when the oldest leaf came that no checkpoint covers
	failed error     // of the last try
}

// openCheckpoints makes the checkpoint key and reads the last checkpoint.
func (s *Store) openCheckpoints(ctx context.Context) error {
	return s.once(ctx, func(db *sql.DB) error {
		var id string
		if err := db.QueryRowContext(ctx, `SELECT value FROM settings WHERE name = ?`, setArchive).Scan(&id); err != nil {
			return err
		}
		m := hmac.New(sha256.New, s.keys.secret)
		io.WriteString(m, "portti checkpoint key 1")
		key, err := proof.NewKey("portti/"+id, m.Sum(nil))
		if err != nil {
			return err
		}
		s.tree.key = key
		last, err := lastCheckpoint(ctx, db)
		if err != nil {
			return err
		}
		s.tree.last = last
		return s.publishKey()
	})
}

// publishKey writes the public key beside the database.
func (s *Store) publishKey() error {
	text := s.tree.key.Public() + "\n"
	if b, err := os.ReadFile(s.path(checkpointFile)); err == nil && string(b) == text {
		return nil
	}
	return writeFile(filepath.Join(s.opt.Dir, checkpointFile), []byte(text), 0o644)
}

// CheckpointKey gives the public key of the archive's checkpoints.
func (s *Store) CheckpointKey() string { return s.tree.key.Public() }

const sqlCheckpoint = `SELECT size, root, at, note FROM checkpoints`

func scanCheckpoint(scan func(...any) error) (*proof.Checkpoint, error) {
	var c proof.Checkpoint
	var at int64
	var root, text []byte
	if err := scan(&c.Size, &root, &at, &text); err != nil {
		return nil, err
	}
	copy(c.Root[:], root)
	c.At, c.Note = fromMicros(at), string(text)
	return &c, nil
}

func lastCheckpoint(ctx context.Context, db queries) (*proof.Checkpoint, error) {
	c, err := scanCheckpoint(db.QueryRowContext(ctx, sqlCheckpoint+` WHERE size >= 0 ORDER BY size DESC LIMIT 1`).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return c, err
}

// LastCheckpoint gives the newest checkpoint; false where there is none yet.
func (s *Store) LastCheckpoint() (proof.Checkpoint, bool) {
	s.tree.mu.Lock()
	defer s.tree.mu.Unlock()
	if s.tree.last == nil {
		return proof.Checkpoint{}, false
	}
	return *s.tree.last, true
}

// CheckpointAge tells how long the oldest leaf waits for a checkpoint; false where
// every leaf has one.
func (s *Store) CheckpointAge() (time.Duration, bool) {
	s.tree.mu.Lock()
	defer s.tree.mu.Unlock()
	if s.tree.waits.IsZero() {
		return 0, false
	}
	return time.Since(s.tree.waits), true
}

// CheckpointError gives what the last try to make a checkpoint failed by.
func (s *Store) CheckpointError() error {
	s.tree.mu.Lock()
	defer s.tree.mu.Unlock()
	return s.tree.failed
}

// leavesCame notes that there are leaves without a checkpoint.
func (c *checkpointing) leavesCame() {
	c.mu.Lock()
	if c.waits.IsZero() {
		c.waits = time.Now()
	}
	c.mu.Unlock()
	select {
	case c.grown <- struct{}{}:
	default:
	}
}

// keepCheckpoints follows the leaves until the store closes.
func (s *Store) keepCheckpoints() {
	wait := time.NewTimer(0)
	defer wait.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-s.tree.grown:
		}
		wait.Reset(s.opt.CheckpointEvery)
		select {
		case <-s.stop:
			return
		case <-wait.C:
		}
		// An error is kept for CheckpointError; the next leaves bring the next try.
		if err := s.Checkpoint(context.Background()); err == nil {
			s.stampLast()
		}
		s.list.failed.Store(errorBox{s.Relist(context.Background())})
	}
}

// tilesAtOnce is how many tiles one commit takes.
const tilesAtOnce = 64

const (
	sqlKeepTile       = `INSERT INTO tiles (level, n, root, hashes) VALUES (?, ?, ?, ?)`
	sqlKeepCheckpoint = `INSERT INTO checkpoints (size, root, at, note) VALUES (?, ?, ?, ?)`
)

// Checkpoint makes a checkpoint of all leaves that are committed, unless the last one
// covers them. It returns when the checkpoint is durable.
func (s *Store) Checkpoint(ctx context.Context) error {
	t := &s.tree
	t.making.Lock()
	defer t.making.Unlock()
	t.mu.Lock()
	waits := t.waits
	t.waits = time.Time{}
	t.mu.Unlock()
	err := s.makeCheckpoint(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failed = err; err != nil && !waits.IsZero() {
		t.waits = waits
	}
	return fail("checkpoint", err)
}

// ForgetWAL writes the WAL back and empties it, so that what was deleted stands in no
// file any more: for the end of a disposal run. Readers may keep it from that for
// a moment; it is tried for as long as ctx lets, without holding up the writer.
func (s *Store) ForgetWAL(ctx context.Context) error {
	for {
		err := s.alone(ctx, "forget", func(w *writer) error {
			if err := w.simple(`PRAGMA busy_timeout = 20`); err != nil {
				return err
			}
			err := w.truncateWAL()
			return errors.Join(err, w.simple(`PRAGMA busy_timeout = 5000`))
		})
		if !errors.Is(err, ErrLocked) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (s *Store) makeCheckpoint(ctx context.Context) error {
	for {
		var tiles []*tile
		var c *proof.Checkpoint
		var more bool
		err := s.snapshot(ctx, "checkpoint", func(tx *sql.Tx) (err error) {
			tiles, c, more, err = s.nextCheckpoint(ctx, tx)
			return err
		})
		if err != nil || c == nil && len(tiles) == 0 {
			return err
		}
		err = s.do(ctx, "checkpoint", len(tiles)*tileWidth*hashSize, func(t *tx) error { return t.keepCheckpoint(tiles, c) })
		if err != nil {
			return err
		}
		if !more {
			s.tree.mu.Lock()
			s.tree.last = c
			s.tree.mu.Unlock()
			return nil
		}
	}
}

// nextCheckpoint computes tiles and, when there are not too many, the checkpoint.
func (s *Store) nextCheckpoint(ctx context.Context, db queries) (tiles []*tile, c *proof.Checkpoint, more bool, err error) {
	var size int64
	if err := db.QueryRowContext(ctx, sqlTreeSize).Scan(&size); err != nil {
		return nil, nil, false, err
	}
	last, err := lastCheckpoint(ctx, db)
	if err != nil || last != nil && last.Size >= size || size == 0 {
		return nil, nil, false, err
	}
	t := newTree(ctx, db)
	if tiles, more, err = t.grow(size, tilesAtOnce); err != nil || more {
		return tiles, nil, more, err
	}
	root, err := t.root(size)
	if err != nil {
		return nil, nil, false, err
	}
	c, err = s.tree.key.Checkpoint(size, root, s.now())
	return tiles, c, false, err
}

func (t *tx) keepCheckpoint(tiles []*tile, c *proof.Checkpoint) error {
	for _, x := range tiles {
		if err := t.exec(sqlKeepTile, x.level, x.n, x.root, x.hashes); err != nil {
			return err
		}
	}
	if c == nil {
		return nil
	}
	return t.exec(sqlKeepCheckpoint, c.Size, c.Root[:], micros(c.At), []byte(c.Note))
}

// covering gives the newest checkpoint, which covers the leaf: it is made where it is
// missing.
func (s *Store) covering(ctx context.Context, leaf int64) error {
	if c, ok := s.LastCheckpoint(); ok && c.Size > leaf {
		return nil
	}
	if err := s.Checkpoint(ctx); err != nil {
		return err
	}
	if c, ok := s.LastCheckpoint(); !ok || c.Size <= leaf {
		return &Error{Kind: ErrInternal, Op: "prove", Err: fmt.Errorf("no checkpoint covers leaf %d", leaf)}
	}
	return nil
}

// include fills in place, hashes and checkpoint of a proof.
func (s *Store) include(ctx context.Context, tx *sql.Tx, p *proof.Inclusion) error {
	c, err := lastCheckpoint(ctx, tx)
	if err != nil {
		return err
	}
	if c == nil || c.Size <= p.Index {
		return fmt.Errorf("no checkpoint covers leaf %d", p.Index)
	}
	p.Format, p.Checkpoint = proof.FormatInclusion, c.Note
	nodes, err := merkle.Inclusion(uint64(p.Index), uint64(c.Size))
	if err != nil {
		return err
	}
	if p.Hashes, err = newTree(ctx, tx).hashes(nodes); err != nil {
		return err
	}
	err = tx.QueryRowContext(ctx, `SELECT token FROM stamps WHERE size = ?`, c.Size).Scan(&p.Stamp)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

// hashes gives the hashes of a proof's nodes.
func (t *tree) hashes(nodes merkle.Nodes) ([][]byte, error) {
	hs := make([][]byte, len(nodes.IDs))
	for i, id := range nodes.IDs {
		var err error
		if hs[i], err = t.node(id); err != nil {
			return nil, err
		}
	}
	return nodes.Rehash(hs, hasher.HashChildren)
}

// Consistency proves that the checkpoint of size from is the beginning of that of
// size to; to 0 is the newest. Errors: ErrNotFound for a size without a checkpoint.
func (s *Store) Consistency(ctx context.Context, from, to int64) (*proof.Consistency, error) {
	p := &proof.Consistency{Format: proof.FormatConsistency}
	err := s.snapshot(ctx, "consistency", func(tx *sql.Tx) error {
		a, err := scanCheckpoint(tx.QueryRowContext(ctx, sqlCheckpoint+` WHERE size = ?`, from).Scan)
		if err != nil {
			return err
		}
		b, err := lastCheckpoint(ctx, tx)
		if to != 0 {
			b, err = scanCheckpoint(tx.QueryRowContext(ctx, sqlCheckpoint+` WHERE size = ?`, to).Scan)
		}
		if err != nil {
			return err
		}
		if a.Size > b.Size {
			return input("consistency", "a tree of %d is not the beginning of one of %d", a.Size, b.Size)
		}
		p.From, p.To = a.Note, b.Note
		nodes, err := merkle.Consistency(uint64(a.Size), uint64(b.Size))
		if err != nil {
			return err
		}
		p.Hashes, err = newTree(ctx, tx).hashes(nodes)
		return err
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Checkpoints gives the newest checkpoints, at most n.
func (s *Store) Checkpoints(ctx context.Context, n int) (out []proof.Checkpoint, err error) {
	err = s.reading("checkpoints", func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, sqlCheckpoint+` ORDER BY size DESC LIMIT `+asInt, n)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			c, err := scanCheckpoint(rows.Scan)
			if err != nil {
				return err
			}
			out = append(out, *c)
		}
		return rows.Err()
	})
	return out, err
}
