package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"

	"portti/store/proof"

	"github.com/transparency-dev/merkle/compact"
)

// treeCheck follows the leaves from the first on and holds tiles and checkpoints
// against them.
type treeCheck struct {
	c       *checker
	rng     *compact.Range
	pending [][]byte   // of the tile in the making
	roots   [][][]byte // by level: roots of tiles that the next level's tile is made of
	points  []pointRow // checkpoints that are yet to come, by size
	tiles   map[[2]int64]bool
}

// pointRow is a row of checkpoints.
type pointRow struct {
	size, at   int64
	root, note []byte
}

// merkle computes the tree anew from the leaves.
func (c *checker) merkle(ctx context.Context) error {
	t := &treeCheck{c: c, rng: (&compact.RangeFactory{Hash: hasher.HashChildren}).NewEmptyRange(0), tiles: make(map[[2]int64]bool)}
	if err := t.load(ctx); err != nil {
		return err
	}
	next := int64(0)
	err := c.each(ctx, `SELECT seq, entry FROM leaves WHERE seq > ? ORDER BY seq LIMIT ?`, -1, func(tx *sql.Tx, rows *sql.Rows) (int64, error) {
		var n int64
		var entry []byte
		if err := rows.Scan(&n, &entry); err != nil {
			return n, err
		}
		if n != next {
			return n, errTree // the check of leaves has named the gap
		}
		next++
		return n, t.leaf(ctx, tx, n, hasher.HashLeaf(entry))
	})
	if errors.Is(err, errTree) {
		c.r.add("tree", num(next), "cannot be computed beyond this leaf")
		return nil
	}
	if err != nil {
		return err
	}
	for _, p := range t.points {
		c.r.add("checkpoint", num(p.size), "covers %d leaves, %d are there", p.size, next)
	}
	for at := range t.tiles {
		c.r.add("tree", num(at[1]), "tile of level %d has no leaves", at[0])
	}
	return nil
}

// load reads what is to be held against the leaves: all checkpoints, and which tiles
// there are.
func (t *treeCheck) load(ctx context.Context) error {
	return t.c.s.reading("check", func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, `SELECT size, root, at, note FROM checkpoints ORDER BY size`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var p pointRow
			if err := rows.Scan(&p.size, &p.root, &p.at, &p.note); err != nil {
				return err
			}
			t.points = append(t.points, p)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		tiles, err := db.QueryContext(ctx, `SELECT level, n FROM tiles`)
		if err != nil {
			return err
		}
		defer tiles.Close()
		for tiles.Next() {
			var at [2]int64
			if err := tiles.Scan(&at[0], &at[1]); err != nil {
				return err
			}
			t.tiles[at] = true
		}
		return tiles.Err()
	})
}

// leaf takes the next leaf.
func (t *treeCheck) leaf(ctx context.Context, tx *sql.Tx, n int64, hash []byte) error {
	if err := t.rng.Append(hash, nil); err != nil {
		return err
	}
	for len(t.points) > 0 && t.points[0].size <= n+1 {
		if err := t.checkpoint(&t.points[0]); err != nil {
			return err
		}
		t.points = t.points[1:]
	}
	if t.pending = append(t.pending, hash); len(t.pending) < tileWidth {
		return nil
	}
	err := t.tile(ctx, tx, 0, n/tileWidth, t.pending)
	t.pending = t.pending[:0]
	return err
}

func (t *treeCheck) checkpoint(p *pointRow) error {
	root, err := t.rng.GetRootHash(nil)
	if err != nil {
		return err
	}
	add := func(what string) { t.c.r.add("checkpoint", num(p.size), "%s", what) }
	c, err := proof.Open(string(p.note), t.c.s.CheckpointKey())
	switch {
	case err != nil:
		add(err.Error())
	case c.Size != p.size || !bytes.Equal(c.Root[:], p.root) || micros(c.At) != p.at:
		add("its note says something else than its row")
	}
	if !bytes.Equal(p.root, root) {
		add("its root is not that of the leaves")
	}
	return nil
}

// tile checks a tile whose nodes are all there. Tiles are made with checkpoints, so
// that the newest may be missing yet, and those over it.
func (t *treeCheck) tile(ctx context.Context, tx *sql.Tx, level, n int64, hashes [][]byte) error {
	root := over(hashes)
	at := [2]int64{level, n}
	var have, kept []byte
	err := tx.QueryRowContext(ctx, `SELECT root, hashes FROM tiles WHERE level = ? AND n = ?`, level, n).Scan(&have, &kept)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		if len(t.points) > 0 {
			t.c.r.add("tree", num(n), "tile of level %d is missing", level)
		}
	case err != nil:
		return err
	case !bytes.Equal(have, root) || !bytes.Equal(kept, bytes.Join(hashes, nil)):
		t.c.r.add("tree", num(n), "tile of level %d does not fit the leaves", level)
	}
	delete(t.tiles, at)
	if int64(len(t.roots)) <= level {
		t.roots = append(t.roots, nil)
	}
	if t.roots[level] = append(t.roots[level], root); len(t.roots[level]) < tileWidth {
		return nil
	}
	up := t.roots[level]
	t.roots[level] = nil
	return t.tile(ctx, tx, level+1, n/tileWidth, up)
}

// stamps checks that each stamp is of a checkpoint, not empty and like its copy; whether an authority
// made it is for who knows its certificates.
func (c *checker) stamps(ctx context.Context) error {
	return c.each(ctx, `SELECT size, token = copy, length(token), EXISTS (SELECT 1 FROM checkpoints p WHERE p.size = stamps.size)
		FROM stamps WHERE size > ? ORDER BY size LIMIT ?`, 0, func(_ *sql.Tx, rows *sql.Rows) (int64, error) {
		var size int64
		var length int64
		var same, there bool
		if err := rows.Scan(&size, &same, &length, &there); err != nil {
			return size, err
		}
		switch {
		case !there || length == 0:
			c.r.add("checkpoint", num(size), "its time stamp is of nothing")
		case !same:
			c.r.add("checkpoint", num(size), "its time stamp differs from the copy")
		}
		return size, nil
	})
}
