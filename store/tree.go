package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
)

// The Merkle tree over leaves.entry (RFC 6962). Its nodes at the levels 0, 8, 16 …
// are kept: level 0 as leaves, each 256 of a level that are whole as a tile with
// their hashes and the hash over them, which is a node eight levels up. Every other
// node is computed from these.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
	hashSize   = 32
)

var hasher = rfc6962.DefaultHasher

// querier is a connection or transaction that reads.
type queries interface {
	QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, q string, args ...any) *sql.Row
}

// tile is 256 nodes of a level that are whole.
type tile struct {
	level, n     int64
	root, hashes []byte
}

// tree reads the tree in one snapshot. fresh are tiles that are not yet in the
// database.
type tree struct {
	ctx   context.Context
	db    queries
	fresh map[[2]int64]*tile
}

func newTree(ctx context.Context, db queries) *tree {
	return &tree{ctx: ctx, db: db, fresh: make(map[[2]int64]*tile)}
}

const (
	sqlTreeLeaves = `SELECT entry FROM leaves WHERE seq >= ? AND seq < ? ORDER BY seq`
	sqlTreeRoots  = `SELECT n, root FROM tiles WHERE level = ? AND n >= ? AND n < ? ORDER BY n`
	sqlTreeSize   = `SELECT coalesce(max(seq) + 1, 0) FROM leaves`
	sqlTileCount  = `SELECT coalesce(max(n) + 1, 0) FROM tiles WHERE level = ?`
)

// errTree: the tree lacks what it is made of.
var errTree = errors.New("the tree has a gap")

// kept gives the nodes [from, from+n) of a level that is kept: 8 × level.
func (t *tree) kept(level, from, n int64) ([][]byte, error) {
	if level == 0 {
		return t.leaves(from, n)
	}
	out := make([][]byte, n)
	rows, err := t.db.QueryContext(t.ctx, sqlTreeRoots, level-1, from, from+n)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var i int64
		var root []byte
		if err := rows.Scan(&i, &root); err != nil {
			return nil, err
		}
		out[i-from] = root
	}
	for i := range out {
		if f := t.fresh[[2]int64{level - 1, from + int64(i)}]; f != nil {
			out[i] = f.root
		}
		if out[i] == nil {
			return nil, fmt.Errorf("%w: tile %d of level %d", errTree, from+int64(i), level-1)
		}
	}
	return out, rows.Err()
}

// leaves gives the hashes of leaves.
func (t *tree) leaves(from, n int64) ([][]byte, error) {
	out := make([][]byte, 0, n)
	rows, err := t.db.QueryContext(t.ctx, sqlTreeLeaves, from, from+n)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var entry []byte
		if err := rows.Scan(&entry); err != nil {
			return nil, err
		}
		out = append(out, hasher.HashLeaf(entry))
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if int64(len(out)) != n {
		return nil, fmt.Errorf("%w: leaves %d to %d are not all there", errTree, from, from+n-1)
	}
	return out, nil
}

// over gives the root over hashes, a power of two of them.
func over(hashes [][]byte) []byte {
	for len(hashes) > 1 {
		up := make([][]byte, len(hashes)/2)
		for i := range up {
			up[i] = hasher.HashChildren(hashes[2*i], hashes[2*i+1])
		}
		hashes = up
	}
	return hashes[0]
}

// node gives a node that is whole.
func (t *tree) node(id compact.NodeID) ([]byte, error) {
	rest := id.Level % tileHeight
	hashes, err := t.kept(int64(id.Level/tileHeight), int64(id.Index<<rest), 1<<rest)
	if err != nil {
		return nil, err
	}
	return over(hashes), nil
}

// root gives the root of the tree of the first size leaves.
func (t *tree) root(size int64) ([]byte, error) {
	ids := compact.RangeNodes(0, uint64(size), nil)
	if len(ids) == 0 {
		return hasher.EmptyRoot(), nil
	}
	var root []byte
	for i := len(ids) - 1; i >= 0; i-- {
		h, err := t.node(ids[i])
		if err != nil {
			return nil, err
		}
		if root == nil {
			root = h
		} else {
			root = hasher.HashChildren(h, root)
		}
	}
	return root, nil
}

// grow makes the tiles that a tree of size has and the database lacks, at most limit
// of them, lowest level first. more tells that there are others.
func (t *tree) grow(size int64, limit int) (out []*tile, more bool, err error) {
	whole := size
	for level := int64(0); ; level++ {
		whole /= tileWidth
		if whole == 0 {
			return out, false, nil
		}
		var have int64
		if err := t.db.QueryRowContext(t.ctx, sqlTileCount, level).Scan(&have); err != nil {
			return nil, false, err
		}
		for n := have; n < whole; n++ {
			if len(out) == limit {
				return out, true, nil
			}
			hashes, err := t.kept(level, n*tileWidth, tileWidth)
			if err != nil {
				return nil, false, err
			}
			x := &tile{level: level, n: n, root: over(hashes)}
			for _, h := range hashes {
				x.hashes = append(x.hashes, h...)
			}
			t.fresh[[2]int64{level, n}] = x
			out = append(out, x)
		}
	}
}
