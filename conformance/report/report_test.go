package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portti/cda/rules/catalogue"
	"portti/conformance/cases"
)

func text(s string) Text { return Text{"fi": s + " fi", "sv": s + " sv", "en": s + " en"} }

// sample is a run with one case of each verdict.
func sample() *Run {
	began := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	one := func(id string, v Verdict, steps ...Step) Case {
		return Case{ID: id, Area: "store", Version: 1, Title: text(id), Profiles: []cases.Profile{cases.Storing}, Requirements: []string{"ARK-1"}, Verdict: v, Took: 12.5, Steps: steps}
	}
	return &Run{
		Suite: "portti 0", Cases: Versions{"1.0.0", "abc"}, Rules: "def", Target: Target{URL: "http://127.0.0.1:1", Name: "Archive 2 <beta>"},
		Mode: cases.Archive, Profile: cases.Storing, Trial: "go-live", Started: began, Ended: began.Add(3 * time.Second),
		Results: []Case{
			one("A-PASSED", Passed, Step{Say: text("send"), Verdict: Passed, Expected: "accepted", Got: "accepted"}),
			one("B-FAILED", Failed, Step{Say: text("send"), Verdict: Failed, Expected: "refused", Got: "accepted", Message: "<m>&</m>", Answer: "<script>alert(1)</script>",
				Findings: []Finding{{Rule: "SIG-VALUE-MISMATCH", Severity: "error", Text: "wrong", Location: "document 1:2"}}, Problems: []Problem{{"answer", text("problem")}}}),
			one("C-NONE", NotJudged, Step{Say: text("restart"), Verdict: NotJudged, Problems: []Problem{{"no-hook", text("hook")}}}),
			one("D-OPEN", Open),
		},
	}
}

func write(t *testing.T, r *Run, format string, lang catalogue.Lang) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.Write(&b, format, lang); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTextTellsWhatFailedAndWhy(t *testing.T) {
	got := write(t, sample(), "text", "sv")
	for _, want := range []string{"B-FAILED", "problem sv", "SIG-VALUE-MISMATCH", "C-NONE", "4 fall (3 steg): 1 godkänt, 1 underkänt, 1 inte bedömt, 1 öppet", "portti 0"} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "A-PASSED") {
		t.Error("tells of what passed")
	}
}

func TestJUnitCountsAndReads(t *testing.T) {
	var s junitSuites
	if err := xml.Unmarshal([]byte(write(t, sample(), "junit", "en")), &s); err != nil {
		t.Fatal(err)
	}
	if s.Tests != 4 || s.Failures != 1 || s.Skipped != 2 || len(s.Suites) != 1 || s.Suites[0].Cases[1].Failure == nil || s.Suites[0].Cases[1].Failure.Text != "problem en" {
		t.Errorf("%+v", s)
	}
}

func TestCSVHasARowForEachStep(t *testing.T) {
	rows, err := csv.NewReader(strings.NewReader(write(t, sample(), "csv", "fi"))).ReadAll()
	if err != nil || len(rows) != 5 || rows[2][0] != "B-FAILED" || rows[2][11] != "SIG-VALUE-MISMATCH" || rows[2][12] != "problem fi" {
		t.Errorf("%v %v", err, rows)
	}
}

// TestHTMLIsSelfContainedAndInert: nothing from outside, no script, and what came from
// the target is text.
func TestHTMLIsSelfContainedAndInert(t *testing.T) {
	for _, lang := range catalogue.Langs {
		got := write(t, sample(), "html", lang)
		for _, bad := range []string{"<script", "refresh", " style=", " src=", "<link", "url(", "<beta>", "{{", "<no value>"} {
			if strings.Contains(got, bad) {
				t.Errorf("%s: holds %q", lang, bad)
			}
		}
		for _, want := range []string{`<html lang="` + string(lang) + `"`, "default-src &#39;none&#39;", "<svg", "&lt;script&gt;", "problem " + string(lang), word("report", "title", lang), word("trial", "go-live", lang)} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: lacks %q", lang, want)
			}
		}
	}
}

// TestAPreconditionThatFailedIsNoFailureOfTheCase: every format tells it apart, and the
// run is not well all the same.
func TestAPreconditionThatFailedIsNoFailureOfTheCase(t *testing.T) {
	r := sample()
	r.Results = r.Results[:2]
	r.Results[1].Verdict, r.Results[1].Steps[0].Setup = Blocked, true
	if n := r.Count(); n.Failed != 0 || n.Blocked != 1 || r.OK() || len(r.Failed()) != 1 {
		t.Errorf("%+v, ok %t, to repeat %v", n, r.OK(), r.Failed())
	}
	for format, wants := range map[string][]string{
		"text":  {"B-FAILED  precondition failed: B-FAILED en", "1. send en (precondition)", "1 passed, 1 precondition failed"},
		"json":  {`"verdict": "blocked"`, `"setup": true`},
		"junit": {`failures="0" errors="1"`, `<error message="send en (precondition)">problem en</error>`},
		"html":  {`<span class="failed">precondition failed</span> <code>B-FAILED</code>`, "send en (precondition)", `<span class="failed">1 precondition failed</span>`},
		"csv":   {"ARK-1,blocked,1,failed,send en,", ",yes\n"},
	} {
		got := write(t, r, format, "en")
		for _, want := range wants {
			if !strings.Contains(got, want) {
				t.Errorf("%s lacks %q:\n%s", format, want, got)
			}
		}
		if strings.Contains(got, "<failure") || strings.Contains(got, "1 failed") {
			t.Errorf("%s says that the case failed", format)
		}
	}
	worse := Compare(sample(), r)
	if len(worse) != 3 || worse[0].Kind != "changed" { // failed before, blocked now; two are gone
		t.Errorf("%+v", worse)
	}
}

func TestAnotherFormatIsAnError(t *testing.T) {
	if err := sample().Write(&bytes.Buffer{}, "pdf", "en"); !errors.Is(err, ErrFormat) {
		t.Error(err)
	}
}

// TestTEST3_SignedReport: what was changed in report or signature is told, and so is
// another key.
func TestTEST3_SignedReport(t *testing.T) {
	name := filepath.Join(t.TempDir(), "key")
	key, err := Key(name)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Key(name); err != nil || !again.Equal(key) {
		t.Fatalf("the key is not the same the second time: %v", err)
	}
	if f, err := os.Stat(name); err != nil || f.Mode().Perm() != 0o600 {
		t.Errorf("the key's file is open to others: %v", err)
	}
	for _, format := range Formats {
		t.Run(format, func(t *testing.T) {
			doc := []byte(write(t, sample(), format, "en"))
			s, err := sample().Sign(key, doc)
			if err != nil {
				t.Fatal(err)
			}
			sig, _ := json.Marshal(s)
			if v, err := Verify(doc, sig, s.Fingerprint); err != nil || v.Counts.Failed != 1 || v.Target.Name != sample().Target.Name {
				t.Fatal(v, err)
			}
			for what, x := range map[string]struct {
				doc, sig []byte
				print    string
				want     error
			}{
				"a character changed":  {bytes.Replace(doc, []byte("B-FAILED"), []byte("B-PASSED"), 1), sig, "", ErrChanged},
				"the target changed":   {doc, bytes.Replace(sig, []byte("Archive 2"), []byte("Archive 3"), 1), "", ErrChanged},
				"the rules changed":    {doc, bytes.Replace(sig, []byte(`"def"`), []byte(`"deg"`), 1), "", ErrChanged},
				"the numbers changed":  {doc, bytes.Replace(sig, []byte(`"failed":1`), []byte(`"failed":0`), 1), "", ErrChanged},
				"the sum changed":      {doc, bytes.Replace(sig, []byte(s.SHA256), bytes.Repeat([]byte("0"), 64), 1), "", ErrChanged},
				"the signature is cut": {doc, sig[:len(sig)/2], "", ErrChanged},
				"another key":          {doc, sig, strings.Repeat("0", 64), ErrOtherKey},
			} {
				if bytes.Equal(x.doc, doc) && bytes.Equal(x.sig, sig) && x.print == "" {
					t.Errorf("%s: nothing was changed", what)
				}
				if _, err := Verify(x.doc, x.sig, x.print); !errors.Is(err, x.want) {
					t.Errorf("%s: %v", what, err)
				}
			}
		})
	}
}

// TestASignatureIsOfItsReport: one key's signature of another run does not pass.
func TestASignatureIsOfItsReport(t *testing.T) {
	key, err := Key(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	other := sample()
	other.Target.Name = "another archive"
	doc := []byte(write(t, sample(), "json", "en"))
	s, err := other.Sign(key, doc)
	if err != nil {
		t.Fatal(err)
	}
	sig, _ := json.Marshal(s)
	if _, err := Verify(doc, sig, ""); !errors.Is(err, ErrChanged) {
		t.Errorf("a report passes whose signature tells of another target: %v", err)
	}
}

func TestCompare(t *testing.T) {
	then, now := sample(), sample()
	now.Results[0].Verdict = Failed // worse
	now.Results[1].Verdict = Passed // better
	now.Results[2].Version = 2      // changed
	now.Results[3].ID = "E-NEW"     // new, and D-OPEN is gone
	got := map[string]string{}
	list := Compare(then, now)
	for _, c := range list {
		got[c.ID] = c.Kind
	}
	want := map[string]string{"A-PASSED": "worse", "B-FAILED": "better", "C-NONE": "changed", "E-NEW": "new", "D-OPEN": "gone"}
	if len(got) != len(want) {
		t.Errorf("%v", got)
	}
	for id, kind := range want {
		if got[id] != kind {
			t.Errorf("%s is %q, want %q", id, got[id], kind)
		}
	}
	if !Worse(list) || Worse(Compare(then, then)) || len(Compare(then, then)) != 0 {
		t.Error("equal runs differ")
	}
	var b bytes.Buffer
	if err := WriteChanges(&b, list, "en"); err != nil || !strings.Contains(b.String(), "worse  A-PASSED (passed → failed)") {
		t.Errorf("%v\n%s", err, b.String())
	}
}
