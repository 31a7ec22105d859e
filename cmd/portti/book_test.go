package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portti/fixtures"
)

// inForce gives what portti errors --assumptions lists of tables.
func inForce(t *testing.T, args ...string) string {
	t.Helper()
	exit, out, stderr := runMain(nil, append([]string{"errors", "--format", "json"}, args...)...)
	if exit != exitOK {
		t.Fatalf("exit code %d %s", exit, stderr)
	}
	return out
}

func TestAssumptionsAreSwitchedOffAndOverridden(t *testing.T) {
	dir := t.TempDir()
	table, duties := filepath.Join(dir, "table.yaml"), filepath.Join(dir, "duties.yaml")
	write := func(name, content string) {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(table, "service_requests:\n  - {code: SP5, display: Oma, operations: [new], groups: ['3'], interactions: [RCMR_IN200002FI01]}\n")
	write(duties, "rows:\n  - {field: LANGUAGE, letters: 'F F F F F F F F'}\n")

	if out := inForce(t, "--assumptions"); !strings.Contains(out, "SP902") {
		t.Errorf("the shipped assumptions are not listed:\n%s", out)
	}
	for _, kind := range []string{"interaction ", "service request ", "use situation ", "document group ", "nullification by ", "query parameter "} {
		if out := inForce(t, "--assumptions"); !strings.Contains(out, `"what":"`+kind) {
			t.Errorf("no %s is listed", kind)
		}
	}
	if out := inForce(t, "--assumptions=off"); strings.Contains(out, `"table"`) {
		t.Errorf("assumptions are off, but listed:\n%s", out)
	}
	out := inForce(t, "--assumptions=off", "--interactions", table, "--obligations", duties)
	if !strings.Contains(out, "service request SP5 Oma") || !strings.Contains(out, table) || !strings.Contains(out, `"LANGUAGE"`) || strings.Contains(out, "SP902") {
		t.Errorf("what the user gives is not listed:\n%s", out)
	}
	// An assumption that the user's own knowledge takes the place of is listed with its source.
	write(table, "service_requests:\n  - {code: SP902, display: Oma, operations: [new], groups: ['3'], interactions: [RCMR_IN200002FI01], certainty: V, source: our letter}\n")
	for _, out := range []string{inForce(t, "--assumptions", "--interactions", table), inForce(t, "--assumptions=off", "--interactions", table)} {
		if !strings.Contains(out, `"what":"service request SP902 Oma","source":"our letter"`) {
			t.Errorf("what the user knows instead is not listed:\n%s", out)
		}
	}
}

// TestValidateGoesByTheConfiguredBook: an assumed service request is a remark, an
// error where assumptions are off, and none of the matter where the user says so.
func TestValidateGoesByTheConfiguredBook(t *testing.T) {
	w, dir := fixtures.Default(), t.TempDir()
	frameFile, table, config := filepath.Join(dir, "frame.xml"), filepath.Join(dir, "table.yaml"), filepath.Join(dir, "portti.yaml")
	doc := w.Doc("old-pdf")
	for name, content := range map[string]string{
		frameFile: string(w.Frame(doc)),
		table: "service_requests:\n  - {code: SP902, display: Oma, operations: [new], groups: ['3'], interactions: [RCMR_IN200002FI01], certainty: V}\n" +
			"groups:\n  - {code: '3', key: old, display: Oma, certainty: V}\n",
		config: "assumptions: off\n",
	} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	anchors := writeAnchors(t)
	for _, c := range []struct {
		name        string
		args        []string
		exit        int
		has, hasNot string
	}{
		{"shipped", nil, exitOK, "FRAME-SERVICEREQUEST-ASSUMED", "FRAME-SERVICEREQUEST-UNKNOWN"},
		{"off", []string{"--assumptions=off"}, exitInvalid, "FRAME-SERVICEREQUEST-UNKNOWN", "FRAME-SERVICEREQUEST-ASSUMED"},
		{"off by file", []string{"-C", config}, exitInvalid, "FRAME-SERVICEREQUEST-UNKNOWN", "FRAME-SERVICEREQUEST-ASSUMED"},
		{"own table", []string{"--assumptions=off", "--interactions", table}, exitOK, "accepted", "FRAME-SERVICEREQUEST"},
	} {
		t.Run(c.name, func(t *testing.T) {
			exit, out, stderr := runMain(nil, append([]string{"validate", "--trust", anchors, frameFile}, c.args...)...)
			if exit != c.exit || !strings.Contains(out, c.has) || strings.Contains(out, c.hasNot) {
				t.Errorf("exit code %d\n%s%s", exit, out, stderr)
			}
		})
	}
}

func TestBrokenBooksAreWrongUsage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "broken.yaml")
	if err := os.WriteFile(file, []byte("rows: [{field: NONE, letters: M}]\nservice_requests: [{code: X}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"--obligations", file}, {"--interactions", file}, {"--obligations", "no-such-file"}, {"--interactions", "no-such-file"}, {"--assumptions=maybe"},
	} {
		if exit, _, stderr := runMain(nil, append([]string{"errors"}, args...)...); exit != exitUsage || !strings.HasPrefix(stderr, "portti: ") {
			t.Errorf("%v: exit code %d, %q", args, exit, stderr)
		}
	}
}
