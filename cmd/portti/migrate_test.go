package main

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portti/fixtures"
	"portti/internal/migrate"
	"portti/xmldsig/pki"
)

// oldSystem writes an old system of the default world, and the trust for it.
func oldSystem(t testing.TB, o fixtures.OldOptions) (dir string, rows []fixtures.OldRow) {
	t.Helper()
	dir = t.TempDir()
	rows, err := fixtures.Default().WriteOldSystem(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ca.pem"), pki.EncodeCertificates(fixtures.Default().Authority.Certificates()...), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, rows
}

// records reads the report of a work directory by the line of the table.
func records(t testing.TB, work string) (byLine map[int64]migrate.Record, made []migrate.Record) {
	t.Helper()
	f, err := os.Open(filepath.Join(work, "report", "documents.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	byLine = map[int64]migrate.Record{}
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		var r migrate.Record
		if err := json.Unmarshal(s.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		if r.Row == 0 {
			made = append(made, r)
			continue
		}
		if _, twice := byLine[r.Row]; twice {
			t.Errorf("row %d is told twice", r.Row)
		}
		byLine[r.Row] = r
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return byLine, made
}

// asExpected holds each row's end against what the old system's writer knows of it.
func asExpected(t testing.TB, rows []fixtures.OldRow, got map[int64]migrate.Record, state string) {
	t.Helper()
	if len(got) != len(rows) {
		t.Errorf("%d rows are told, want %d", len(got), len(rows))
	}
	wrong := 0
	for _, want := range rows {
		r := got[want.Line]
		end := state
		switch want.Want {
		case "":
		case "MIG-DUPLICATE":
			end = "duplicate"
		default:
			end = "refused"
		}
		if r.State != end || r.Reason != want.Want || !strings.Contains(r.Detail, want.Rule) || want.Want != "" && (r.Text == "" || r.Remedy == "") {
			if wrong++; wrong < 10 {
				t.Errorf("row %d: %+v, want %s %s %s", want.Line, r, end, want.Want, want.Rule)
			}
		}
	}
}

// TestMIG1_EveryRowHasItsEnd plans and builds a dirty old system.
func TestMIG1_EveryRowHasItsEnd(t *testing.T) {
	dir, rows := oldSystem(t, fixtures.OldOptions{Rows: 300})
	work := filepath.Join(dir, "work")
	page := filepath.Join(dir, "plan.html")
	start := time.Now()
	code, out, errs := runMain(nil, "migrate", "plan", "--mapping", filepath.Join(dir, "mapping.yaml"), "--trust", filepath.Join(dir, "ca.pem"), "--out", page)
	if code != exitOK {
		t.Fatalf("plan: %d\n%s%s", code, out, errs)
	}
	t.Logf("%v\n%s", time.Since(start), out)
	for _, want := range []string{"MIG-FILE-PDF", "MIG-TASK", "BODY-PDF-ENCRYPTED", "Sending would take"} {
		if !strings.Contains(out, want) {
			t.Errorf("the plan does not tell %q:\n%s", want, out)
		}
	}
	if b, err := os.ReadFile(page); err != nil || !strings.Contains(string(b), "MIG-CLIENT-HETU") || strings.Contains(string(b), "<script") {
		t.Errorf("the plan's page: %v", err)
	}
	code, out, errs = runMain(nil, "migrate", "build", "--mapping", filepath.Join(dir, "mapping.yaml"), "--trust", filepath.Join(dir, "ca.pem"), "--work", work)
	if code != exitOK {
		t.Fatalf("build: %d\n%s%s", code, out, errs)
	}
	if code, out, errs = runMain(nil, "migrate", "report", "--work", work); code != exitOK {
		t.Fatalf("report: %d\n%s%s", code, out, errs)
	}
	got, made := records(t, work)
	asExpected(t, rows, got, "waiting")
	kinds := map[string]int{}
	for _, r := range made {
		kinds[r.Kind]++
		if r.State != "waiting" {
			t.Errorf("%+v", r)
		}
	}
	if kinds["relationship"] == 0 || kinds["case"] == 0 {
		t.Errorf("made beside the rows: %v", kinds)
	}
}
