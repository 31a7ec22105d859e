package migrate

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// sums gives what the journal holds of each document.
func sums(t *testing.T, j *Journal) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := j.query(t.Context(), func(r *sql.Rows) error {
		var oid string
		var sum []byte
		err := r.Scan(&oid, &sum)
		out[oid] = string(sum)
		return err
	}, `SELECT oid, sha256 FROM documents`)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// mend replaces octets of the table, which must be there.
func mend(t *testing.T, m *Mapping, old, by string) {
	t.Helper()
	b, err := os.ReadFile(m.path(m.Table))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(b, []byte(old)) {
		t.Fatalf("the table has no %q", old)
	}
	if err := os.WriteFile(m.path(m.Table), bytes.ReplaceAll(b, []byte(old), []byte(by)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestMIG1_MendedRowsAreTakenAgain: after mapping and table were mended, the rows that
// became no document are read anew, whatever stops the run; what was made stays as
// it was, and an ordinary run finds nothing to do.
func TestMIG1_MendedRowsAreTakenAgain(t *testing.T) {
	m, o, rows := oldWorld(t, 90)
	o.Journal = openJournal(t, filepath.Join(t.TempDir(), "w"))
	defer o.Journal.Close()
	first, err := Build(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	before, _ := ids(t, o.Journal)
	kept := sums(t, o.Journal)
	mend(t, m, "31.02.2014", "28.02.2014")
	m.Tasks["raittiustyö"] = Coded{"10", "Lastensuojelu"}
	if _, err := Build(t.Context(), o); !errors.Is(err, ErrChanged) {
		t.Fatalf("a mended table without asking for it: %v", err)
	}
	o.Again = true
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Build(ctx, o); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	again, err := Build(t.Context(), o)
	if err != nil || again.Rows != first.Refused+first.Duplicates {
		t.Fatalf("%+v after %+v: %v", again, first, err)
	}
	after, _ := ids(t, o.Journal)
	mended := map[string]bool{"MIG-DATE": true, "MIG-TASK": true}
	for _, r := range rows {
		switch was, is := before[r.Line], after[r.Line]; {
		case mended[r.Want] && (is == was || is[:8] != "waiting "):
			t.Errorf("row %d (%s) is %q", r.Line, r.Want, is)
		case !mended[r.Want] && is != was:
			t.Errorf("row %d (%s) was %q and is %q", r.Line, r.Want, was, is)
		}
	}
	now := sums(t, o.Journal)
	for oid, sum := range kept {
		if now[oid] != sum {
			t.Errorf("document %s was made anew", oid)
		}
	}
	o.Again = false
	if b, err := Build(t.Context(), o); err != nil || b.Rows != 0 || b.Documents != 0 {
		t.Errorf("an ordinary run afterwards: %+v %v", b, err)
	}
	mend(t, m, "100000;", "199999;")
	o.Again = true
	if _, err := Build(t.Context(), o); !errors.Is(err, ErrChanged) {
		t.Errorf("another document in the place of one that was made: %v", err)
	}
}
