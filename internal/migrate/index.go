package migrate

import (
	"bufio"
	"database/sql"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// entry is where in an archive file one of its files stands.
type entry struct {
	name     string
	at, size int64
	// Of a zip alone: how it is packed (-1 encrypted), how many octets so, and its sum.
	method int
	packed int64
	crc    uint32
}

// index is the list of an archive file, a table on disk. It is safe for concurrent use.
type index struct {
	db *sql.DB
	mu sync.Mutex
}

func openIndex(scratch string) (*index, error) {
	name := filepath.Join(scratch, "file-index.db")
	for _, old := range []string{name, name + "-journal"} {
		if err := os.Remove(old); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	db, err := sql.Open("sqlite3", "file:"+name+"?_journal_mode=OFF&_synchronous=OFF&_stmt_cache_size=8")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return &index{db: db}, nil
}

// fill lists what walk adds; folders are left out, and of two files of one name the
// later one counts.
func (x *index) fill(walk func(add func(entry) error) error) error {
	tx, err := x.db.Begin()
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	if _, err := tx.Exec(`CREATE TABLE entries(name TEXT PRIMARY KEY, at INTEGER, size INTEGER, method INTEGER, packed INTEGER, crc INTEGER) WITHOUT ROWID`); err != nil {
		return err
	}
	err = walk(func(e entry) error {
		name := decodeText([]byte(e.name))
		if strings.HasSuffix(name, "/") {
			return nil
		}
		_, err := tx.Exec(`INSERT OR REPLACE INTO entries VALUES(?,?,?,?,?,?)`, cleanName(name), e.at, e.size, e.method, e.packed, e.crc)
		return err
	})
	if err != nil {
		return err
	}
	return tx.Commit()
}

// find gives a file's entry.
func (x *index) find(name string) (e entry, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	err = x.db.QueryRow(`SELECT at, size, method, packed, crc FROM entries WHERE name=?`, cleanName(name)).Scan(&e.at, &e.size, &e.method, &e.packed, &e.crc)
	if errors.Is(err, sql.ErrNoRows) {
		return e, missing(name)
	}
	return e, err
}

func (x *index) Close() error { return x.db.Close() }

// counted is a buffered reader that knows how much was read of it.
type counted struct {
	*bufio.Reader
	n int64
}

func newCounted(r io.Reader) *counted { return &counted{Reader: bufio.NewReaderSize(r, 64<<10)} }

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n += int64(n)
	return n, err
}

// left tells whether there is more of length octets.
func (c *counted) left(length int64) bool { return c.n < length }
