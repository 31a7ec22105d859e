package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"sync"
	"testing"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// tracing is SQLite's driver, noting the text of every query.
type tracing struct {
	sqlite3.SQLiteDriver
	mu   sync.Mutex
	note func(string)
}

var tracer = &tracing{}

func init() { sql.Register("sqlite3-traced", tracer) }

func (d *tracing) Open(name string) (driver.Conn, error) {
	c, err := d.SQLiteDriver.Open(name)
	if err != nil {
		return nil, err
	}
	return &tracedConn{c.(*sqlite3.SQLiteConn), d}, nil
}

type tracedConn struct {
	*sqlite3.SQLiteConn
	d *tracing
}

func (c *tracedConn) seen(q string) {
	c.d.mu.Lock()
	defer c.d.mu.Unlock()
	if c.d.note != nil {
		c.d.note(q)
	}
}

func (c *tracedConn) QueryContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Rows, error) {
	c.seen(q)
	return c.SQLiteConn.QueryContext(ctx, q, args)
}

func (c *tracedConn) PrepareContext(ctx context.Context, q string) (driver.Stmt, error) {
	c.seen(q)
	return c.SQLiteConn.PrepareContext(ctx, q)
}

// traceStatements gives the set of statements that readers run from now on.
func traceStatements(tb testing.TB, s *Store) map[string]bool {
	tb.Helper()
	seen := make(map[string]bool)
	tracer.mu.Lock()
	tracer.note = func(q string) { seen[q] = true }
	tracer.mu.Unlock()
	tb.Cleanup(func() { tracer.mu.Lock(); tracer.note = nil; tracer.mu.Unlock() })
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.read.Close(); err != nil {
		tb.Fatal(err)
	}
	s.opt.driver = "sqlite3-traced"
	var err error
	if s.read, err = s.openDB("query_only", s.opt.Readers); err != nil {
		tb.Fatal(err)
	}
	return seen
}
