package pipeline

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"portti/cda/codes"
)

// What was imported into a data directory counts for the judge that loads it.
func TestLoadTakesImportedCodes(t *testing.T) {
	dir := t.TempDir()
	l := &codes.List{System: "1.2.246.537.6.1221", Version: "202601", Loaded: true, Imported: time.Unix(0, 0), Codes: []codes.Code{{Code: "24"}}}
	if _, err := l.Save(CodesDir(dir)); err != nil {
		t.Fatal(err)
	}
	var j Judge
	if err := j.Load(dir); err != nil {
		t.Fatal(err)
	}
	if r := j.Codes.Check("1.2.246.537.6.1221.202601", "10", time.Time{}); r.Verdict != codes.Unknown || r.Open {
		t.Errorf("10 is %s, open %v", r.Verdict, r.Open)
	}
	if n := len(j.Structures.List()); n != 202 {
		t.Errorf("%d structures", n)
	}
	if err := os.MkdirAll(StructuresDir(dir), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(StructuresDir(dir), "2026-01-01.sosmeta.json.gz"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := j.Load(dir); err == nil {
		t.Error("a broken table was taken")
	}
}
