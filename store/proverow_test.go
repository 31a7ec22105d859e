//go:build linux && cgo

package store

import (
	"database/sql"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"portti/store/proof"
)

// everyLeaf makes an archive with a leaf of every kind.
func everyLeaf(t *testing.T) *Store {
	t.Helper()
	s := open(t, sealed, func(o *Options) { o.CheckpointEvery = -1 })
	for i, deed := range deeds() {
		if err := deed(s); err != nil {
			t.Fatalf("deed %d: %v", i, err)
		}
	}
	return s
}

// A row of every kind is proven with its content: log rows and deeds as well as
// documents, in this program and in one written apart from it; changed, in neither.
func TestARK9_EveryKindOfRowIsProvenWithItsContent(t *testing.T) {
	s := everyLeaf(t)
	second := secondProgram(t, s)
	newest := map[byte]int64{}
	err := s.reading("test", func(db *sql.DB) error {
		rows, err := db.QueryContext(bg, `SELECT kind, max(seq) FROM leaves l WHERE EXISTS (SELECT 1 FROM salts x WHERE x.leaf = l.seq) GROUP BY kind`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var kind byte
			var leaf int64
			if err := rows.Scan(&kind, &leaf); err != nil {
				return err
			}
			newest[kind] = leaf
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"usage:1", "disclosure:1", "document:" + id(10), "nullification:" + id(11), "disposal:" + dying().ID, "notice:" + id(900), "leaf:0"} {
		leaf, err := s.Leaf(bg, name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		p, err := s.ProveRow(bg, all, leaf)
		if about, subject, _ := strings.Cut(name, ":"); err != nil || about != "leaf" && !strings.Contains(p.Subject, about) ||
			about != "leaf" && !slices.ContainsFunc(p.Fields, func(f proof.Field) bool { return f.String() == subject }) && subject != "1" {
			t.Errorf("%s is %+v, %v", name, p, err)
		}
	}
	for name, kind := range map[string]Kind{"disposal:" + id(10): ErrNotFound, "usage:9999": ErrNotFound, "x:1": ErrInput, "usage:": ErrInput, "usage": ErrInput} {
		_, err := s.Leaf(bg, name)
		wantErr(t, err, kind)
	}
	for _, kind := range append(slices.Sorted(maps.Keys(leafRows)), leafDocument) {
		leaf, there := newest[kind]
		if !there {
			t.Errorf("the archive has no leaf of kind %d", kind)
			continue
		}
		p, err := s.ProveRow(bg, all, leaf)
		if err != nil {
			t.Errorf("kind %d: %v", kind, err)
			continue
		}
		if p.Kind != kind || len(p.Fields) == 0 || len(p.Salt) == 0 {
			t.Errorf("kind %d: %+v", kind, p)
		}
		if _, err := p.Verify(s.CheckpointKey()); err != nil || !second(written(t, p)) {
			t.Errorf("kind %d: the proof does not hold: %v", kind, err)
		}
		for i := range p.Fields {
			changed := *p
			changed.Fields = slices.Clone(p.Fields)
			changed.Fields[i] = otherValue(p.Fields[i])
			if _, err := changed.Verify(s.CheckpointKey()); !errors.Is(err, proof.ErrInvalid) {
				t.Errorf("kind %d: %s changed, and it holds: %v", kind, p.Fields[i].Name, err)
			}
			if kind == leafUsage && i == len(p.Fields)-1 && second(written(t, changed)) { // Python takes its time
				t.Errorf("kind %d: %s changed, and it holds for the second program", kind, p.Fields[i].Name)
			}
		}
	}
}

// otherValue is another value of a field.
func otherValue(f proof.Field) proof.Field {
	switch {
	case f.Int != nil:
		v := *f.Int + 1
		f.Int = &v
	case f.Text != nil:
		v := *f.Text + "x"
		f.Text = &v
	default:
		v := append(slices.Clone(*f.Bytes), 'x')
		f.Bytes = &v
	}
	return f
}

// What a proof of a log row says is what the search of the log tells of it; a
// controller proves the rows of its own logs alone, and what was purged is proven by
// its leaf only.
func TestLOG3_ALogRowIsProvenToItsController(t *testing.T) {
	s := open(t, sealed)
	use := Usage{DataController: ctlA, LogController: ctlA, Client: cli1, User: "1234", UserName: "Tessa Testaaja", Action: "fetch", DocumentID: id(1), Detail: []byte(`{"case":"x"}`)}
	old := use
	old.At = noon.AddDate(-LogYears-1, 0, 0)
	if err := s.Log(bg, Entries{Usage: []Usage{use, old}}); err != nil {
		t.Fatal(err)
	}
	p, err := s.ProveRow(bg, inA, 0)
	if err != nil {
		t.Fatal(err)
	}
	if f := p.Field("content"); f == nil || !strings.Contains(string(*f.Bytes), cli1) || !strings.Contains(string(*f.Bytes), "Tessa Testaaja") {
		t.Errorf("%+v", p)
	}
	if f := p.Field("action"); f == nil || *f.Text != "fetch" {
		t.Errorf("%+v", p)
	}
	for _, x := range []struct {
		sc   Scope
		leaf int64
		kind Kind
	}{{inB, 0, ErrNotFound}, {Scope{}, 0, ErrScope}, {all, 99, ErrNotFound}, {all, -1, ErrNotFound}} {
		_, err := s.ProveRow(bg, x.sc, x.leaf)
		wantErr(t, err, x.kind)
	}
	if n, err := s.Purge(bg, UsageLog, noon.AddDate(-LogYears, 0, 0)); n != 1 || err != nil {
		t.Fatalf("%d rows purged: %v", n, err)
	}
	_, err = s.ProveRow(bg, all, 1)
	wantErr(t, err, ErrNotFound)
	if _, err := s.Prove(bg, all, "leaf:1"); err != nil {
		t.Errorf("the leaf of a purged row: %v", err)
	}
}

// secondProgram checks proofs of an archive by Python.
func secondProgram(t *testing.T, s *Store) func(path string, more ...string) bool {
	t.Helper()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(s.CheckpointKey()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return pythonCheck(t, key)
}
