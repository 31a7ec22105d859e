package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"portti/cda/organisations"
	"portti/fixtures"
	"portti/gateway/pipeline"
	"portti/store"
)

// orgRun runs a command line and gives its exit code and what it printed.
func orgRun(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	m := &Main{Stdin: strings.NewReader(""), Stdout: &out, Stderr: io.Discard, Environ: []string{"USER=Ylläpitäjä"}, Now: time.Now, NewID: newUUID}
	code := m.Run(t.Context(), args)
	return code, out.String()
}

// mustRun is orgRun for a command that must succeed.
func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	code, out := orgRun(t, args...)
	if code != exitOK {
		t.Fatalf("%v: exit code %d: %s", args, code, out)
	}
	return out
}

// misfiled is an archive with a document of one county's unit in the register of
// another, and the register of organisations to tell.
func misfiled(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "archive")
	w := fixtures.Default()
	a, b := w.Organisation("utuvaara"), w.Organisation("sumula")
	st, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for i, unit := range []string{a.Units[0].OID, b.Units[0].OID} {
		id := "1.2.246.10.99999901.95901.2026.1." + string(rune('1'+i))
		out, err := st.Archive(t.Context(), store.Archival{ID: id, SetID: id, Version: 1, Controller: a.OID, Register: "1", Document: []byte("<x/>" + id), Frame: []byte("<f/>"),
			Index:   store.Index{Group: "5", Clients: []string{"010181-900C"}, Unit: unit, Organiser: a.OID, Effective: w.Now},
			Message: store.Message{ID: id, Owner: a.OID, Answer: store.Answer{Verdict: "CA"}}})
		if err != nil || out.Kind != store.Archived {
			t.Fatal(out, err)
		}
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	register := filepath.Join(t.TempDir(), "register.csv")
	if err := os.WriteFile(register, w.RegisterCSV(), 0o600); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "org", "import", "--data", dir, register)
	return dir
}

// findings reads the lines that misplaced prints as JSON.
func findings(t *testing.T, out string) (rows []map[string]string) {
	t.Helper()
	for line := range strings.Lines(out) {
		var row map[string]string
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		rows = append(rows, row)
	}
	return rows
}

// A document in the wrong register is found, flagged, reported and put right, or
// cleared, by commands (REK-6).
func TestREK6_MisplacedDocumentByCommands(t *testing.T) {
	dir := misfiled(t)
	w := fixtures.Default()
	a, b := w.Organisation("utuvaara"), w.Organisation("sumula")
	find := func() []map[string]string {
		t.Helper()
		code, out := orgRun(t, "org", "misplaced", "find", "--flag", "--data", dir, "--format", "json")
		rows := findings(t, out)
		if (code == exitOK) != (len(rows) == 0) || code > exitInvalid {
			t.Fatalf("exit code %d with %v", code, rows)
		}
		return rows
	}
	rows := find()
	if len(rows) != 1 || rows[0]["rule"] != "ORG-UNIT-FOREIGN" || rows[0]["controller"] != a.OID {
		t.Fatalf("found %v", rows)
	}
	series := rows[0]["series"]
	mustRun(t, "org", "misplaced", "report", "--data", dir, "--reason", "tietosuojavaltuutetulle", series)
	if open := findings(t, mustRun(t, "org", "misplaced", "list", "--data", dir, "--format", "json")); len(open) != 1 || open[0]["state"] != "reported" {
		t.Errorf("open: %v", open)
	}
	mustRun(t, "org", "misplaced", "clear", "--data", dir, "--reason", "sovittu", series)
	if rows := find(); len(rows) != 0 {
		t.Errorf("found again though cleared: %v", rows)
	}
	if code, _ := orgRun(t, "org", "misplaced", "move", "--data", dir, "--from", b.OID, "--to", a.OID, "--reason", "x", series); code != exitUsage {
		t.Errorf("a move from a controller that has it not ends with %d", code)
	}
	out := mustRun(t, "org", "misplaced", "move", "--data", dir, "--from", a.OID, "--to", b.OID, "--reason", "väärä rekisteri", series)
	if !strings.Contains(out, "1 move done") {
		t.Errorf("moved: %s", out)
	}
	st, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	d, err := st.Document(t.Context(), store.Scope{Controllers: []string{b.OID}, Purpose: "test"}, series)
	if err != nil || d.Controller != b.OID {
		t.Errorf("%+v %v", d, err)
	}
}

// What the archive knew of the controller that documents came to still counts after
// a controlled change (REK-5): its units' documents are not misplaced.
func TestREK5_TransferredDocumentsAreNotMisplaced(t *testing.T) {
	w := fixtures.Default()
	a, b := w.Organisation("utuvaara"), w.Organisation("sumula")
	r, err := organisations.New(true, organisations.Organisation{OID: a.OID}, organisations.Organisation{OID: a.Units[0].OID, Parent: a.OID}, organisations.Organisation{OID: b.OID})
	if err != nil {
		t.Fatal(err)
	}
	d := organisations.NewDirectory(r, organisations.Joined{Systems: []organisations.System{{ID: "a", Organisation: a.OID}},
		Registers: []organisations.ControllerRegister{{ID: "r", Controller: a.OID, Code: "1"}}})
	f := store.SeriesFacts{Controller: b.OID, Register: "1", OriginalController: a.OID, OriginalRegister: "1", Owner: a.OID, Group: "5", Unit: a.Units[0].OID, Organiser: a.OID, Effective: w.Now}
	for _, c := range []struct {
		name   string
		change func(*store.SeriesFacts)
		want   string
	}{
		{"transferred", func(*store.SeriesFacts) {}, ""},
		{"came so", func(f *store.SeriesFacts) { f.OriginalController = b.OID }, "ORG-CONTROLLER-ORGANISER"},
		{"to nobody", func(f *store.SeriesFacts) { f.Controller = "1.2.3" }, "ORG-CONTROLLER-UNKNOWN"},
		{"no such register", func(f *store.SeriesFacts) { f.Controller, f.Register, f.OriginalRegister = a.OID, "2", "2" }, "ORG-REGISTER-UNKNOWN"},
		{"by a sender that does not act for it", func(f *store.SeriesFacts) {
			f.Controller, f.OriginalController, f.Organiser, f.Unit = b.OID, b.OID, b.OID, b.OID
		}, "ACCESS-SYSTEM-CONTROLLER"},
		{"an old one of another organiser", func(f *store.SeriesFacts) {
			f.OriginalController, f.Owner, f.Group, f.Unit = b.OID, "", "2", b.OID
			f.Organiser = ""
		}, ""},
	} {
		x := f
		c.change(&x)
		if got := pipeline.Misplaced(d, &x); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// The register comes from a server that answers as the national code server does.
func TestREK7_RegisterFromACodeServerByCommand(t *testing.T) {
	pages := fixtures.Default().RegisterPages(5)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, err := strconv.Atoi(r.URL.Query().Get("page"))
		if err != nil || page < 1 || page > len(pages) || r.URL.Path != "/csapi/v6/classifications/"+organisations.RegisterOID+"/conceptcodes" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(pages[page-1]) // a client that is gone is the test's failure
	}))
	defer srv.Close()
	dir := filepath.Join(t.TempDir(), "archive")
	if out := mustRun(t, "org", "import", "--data", dir, "--from", srv.URL+"/csapi/v6"); !strings.Contains(out, ": 12 organisations, whole") {
		t.Errorf("imported: %s", out)
	}
	if out := mustRun(t, "org", "show", "--data", dir, "1.2.246.10.99999901.10.104", "--lang", "fi"); !strings.Contains(out, "laji: sosiaalihuollon palveluyksikkö\n  sektori: julkinen\n  kunta: 999 Utuvaara\n  voimassa: 2008-01-01 – 2023-12-31") {
		t.Errorf("shown: %s", out)
	}
	if code, _ := orgRun(t, "org", "import", "--data", dir, "--from", srv.URL); code != exitSystem {
		t.Errorf("a server that does not know the register: exit code %d", code)
	}
}
