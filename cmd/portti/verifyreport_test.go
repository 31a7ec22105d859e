package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portti/conformance/cases"
	"portti/conformance/report"
)

// TestTEST3_VersionsOfAReportAreChecked: a report of another suite, other cases or rules
// is told, and refused where the versions of this program are demanded.
func TestTEST3_VersionsOfAReportAreChecked(t *testing.T) {
	for _, x := range []struct {
		name   string
		change func(*report.Run)
		want   string
	}{
		{"as it is", func(*report.Run) {}, ""},
		{"another suite", func(r *report.Run) { r.Suite = "portti 0.0.1" }, "another version of suite"},
		{"other cases", func(r *report.Run) { r.Cases.Digest = "0123456789abcdef" }, "another version of cases"},
		{"other rules", func(r *report.Run) { r.Rules = "0123456789abcdef" }, "another version of rules"},
		{"all of them", func(r *report.Run) { r.Suite, r.Cases.Digest, r.Rules = "portti 0.0.1", "0", "1" }, "another version of suite, cases, rules"},
	} {
		t.Run(x.name, func(t *testing.T) {
			r := newReport(cases.Archive, time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
			r.Target.Name = "Archive 2"
			x.change(r)
			dir := t.TempDir()
			name := filepath.Join(dir, "r.json")
			m := &Main{Stdout: &bytes.Buffer{}, config: defaults()}
			if err := (&reporting{files: []string{name}, sign: filepath.Join(dir, "key")}).write(m, r); err != nil {
				t.Fatal(err)
			}
			code, out, _ := runMain(nil, "conformance", "verify-report", name)
			if code != exitOK || strings.Contains(out, "not those of this program") != (x.want != "") {
				t.Errorf("exit code %d\n%s", code, out)
			}
			code, out, _ = runMain(nil, "conformance", "verify-report", "--current", name)
			if (code == exitOK) != (x.want == "") || !strings.Contains(out, x.want) {
				t.Errorf("with --current: exit code %d\n%s", code, out)
			}
			code, out, _ = runMain(nil, "conformance", "verify-report", "--current", "--format", "json", name)
			if (code == exitOK) != (x.want == "") || !strings.Contains(out, `"valid": true`) && !strings.Contains(out, `"valid":true`) {
				t.Errorf("as JSON: exit code %d\n%s", code, out)
			}
			if code, _, _ = runMain(nil, "conformance", "verify-report", "--target-name", "Archive 3", name); code != exitInvalid {
				t.Errorf("another target: exit code %d", code)
			}
		})
	}
}
