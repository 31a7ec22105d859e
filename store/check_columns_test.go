package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"slices"
	"testing"

	"portti/internal/share"
)

// fullSample is sample with rows in every other table.
func fullSample(tb testing.TB, s *Store, c *clock) {
	tb.Helper()
	sample(tb, s)
	mustArchive(tb, s, relationship(id(500), "1.2.246.10.99999901.96.500", cli1))
	mustArchive(tb, s, countersigned(id(501)))
	if err := s.PutOrder(bg, Order{Kind: OrderInform, Client: cli1, At: noon, Recorder: ctlA, User: "u1"}); err != nil {
		tb.Fatal(err)
	}
	fileNotice(tb, s, "1.2.246.10.99999901.95777.2026.600")
	if err := s.KeepResult(bg, "result", []byte("findings")); err != nil {
		tb.Fatal(err)
	}
	a, b := doc(id(502)), doc(id(503))
	for _, x := range []*Archival{&a, &b} {
		x.Index.Case = "1.2.246.10.99999901.96.502"
		mustArchive(tb, s, *x)
	}
	nullify(tb, s, nullification(b.ID), Nullified, "")
	record1(tb, s, CaseClosed, a.Index.Case, noon)
	c.set(noon.AddDate(10, 0, 1))
	run := begun(tb, s)
	dispose(tb, s, a, run, Disposed)
	dispose(tb, s, b, run, Disposed)
	n := addHold(tb, s, Hold{Kind: "document", Subject: id(501)})
	if err := s.ReleaseHold(bg, inA, n, anna, "päättynyt", deed("release")); err != nil {
		tb.Fatal(err)
	}
	if err := s.Checkpoint(bg); err != nil {
		tb.Fatal(err)
	}
	if err := s.Stamp(bg, func(context.Context, [sha256.Size]byte) ([]byte, error) { return []byte("token"), nil }); err != nil {
		tb.Fatal(err)
	}
}

// Every value that the archive keeps is held against something else that it keeps: a
// change of any column of any table is named.
func TestARK9_NoColumnChangesUnseen(t *testing.T) {
	c := &clock{t: noon}
	s := open(t, sealed, func(o *Options) { o.Now, o.CheckpointEvery = c.now, -1 })
	fullSample(t, s, c)
	wantClean(t, s)
	db := rawDB(t, s)
	dropTriggers(t, db)
	if _, err := db.Exec(`PRAGMA foreign_keys = 0; PRAGMA ignore_check_constraints = 1`); err != nil {
		t.Fatal(err)
	}
	if anyDamage(t, s) {
		t.Fatal("damaged before anything is changed")
	}
	var columns [][2]string
	for _, table := range tableNames(t, s) {
		if table == "goose_db_version" {
			continue
		}
		rows, err := db.Query(`SELECT name FROM pragma_table_info(?)`, table)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				t.Fatal(err)
			}
			columns = append(columns, [2]string{table, name})
		}
		rows.Close()
	}
	columns = slices.DeleteFunc(columns, func(c [2]string) bool { return c == [2]string{"filed_bundles", "seq"} }) // a number that nothing refers to
	for _, c := range share.Sample(columns, 4) {
		t.Run(c[0]+"."+c[1], func(t *testing.T) {
			changeColumn(t, s, db, c[0], c[1], "")
			changeColumn(t, s, db, c[0], c[1], "DESC")
		})
	}
}

// changeColumn changes the value of a column in the first or last row to one that the
// column does not hold, looks for it, and puts it back.
func changeColumn(t *testing.T, s *Store, db *sql.DB, table, column, order string) {
	t.Helper()
	var was any
	err := db.QueryRow(fmt.Sprintf(`SELECT %s FROM (SELECT * FROM %s ORDER BY 1 %s) LIMIT 1`, column, table, order)).Scan(&was)
	if err != nil {
		t.Fatalf("the sample has no row of %s: %v", table, err)
	}
	now := other(was)
	for there := 1; ; now = other(now) {
		if err := db.QueryRow(fmt.Sprintf(`SELECT EXISTS (SELECT 1 FROM %s WHERE %s IS ?)`, table, column), now).Scan(&there); err != nil {
			t.Fatal(err)
		}
		if there == 0 {
			break
		}
	}
	set := fmt.Sprintf(`UPDATE %s SET %s = ? WHERE %s IS ?`, table, column, column)
	if _, err := db.Exec(set, now, was); err != nil && was == nil {
		now = []byte{1} // a column of octets
		_, err = db.Exec(set, now, was)
		if err != nil {
			t.Fatal(err)
		}
	} else if err != nil {
		t.Fatal(err)
	}
	if !anyDamage(t, s) {
		t.Errorf("%s.%s changes from %v to %v and goes unnoticed", table, column, was, now)
	}
	if _, err := db.Exec(set, was, now); err != nil {
		t.Fatal(err)
	}
}

// anyDamage tells whether the check finds anything but the triggers that are gone.
func anyDamage(tb testing.TB, s *Store) bool {
	tb.Helper()
	r, err := s.Check(bg)
	if err != nil {
		tb.Fatal(err)
	}
	return slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Area != "schema" })
}

// other gives a value beside v.
func other(v any) any {
	switch v := v.(type) {
	case nil:
		return int64(1)
	case int64:
		return v + 1
	case string:
		return v + "x"
	case []byte:
		if len(v) == 0 {
			return []byte{1}
		}
		b := slices.Clone(v)
		b[len(b)/2]++
		return b
	}
	return "x"
}
