package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"portti/cda/rules"
	"portti/cda/rules/catalogue"
	"portti/internal/finding"
	"portti/internal/xmltree"
)

const source = "<a>\n\t<b code=\"ä\x1b\"/>\n</a>\n"

// results are a document with every severity and place, one without findings, and
// one that was refused without a reason.
func results() []Result {
	return []Result{
		{
			File: "a.xml", Verdict: rules.Rejected, Document: &Document{ID: "1.2.3", SetID: "1.2.3", Version: 2},
			Sources: map[finding.Source][]byte{finding.SourceDocument: []byte(source)}, Took: 1500 * time.Millisecond,
			Findings: []catalogue.Resolved{
				{Rule: "A-1", Severity: finding.Error, Stage: finding.StageRules, Source: finding.SourceDocument, Line: 2, Column: 11,
					XPath: "/a[1]/b[1]/@code", Value: "<script>alert(1)</script>", Message: "wrong & \"bad\"", Hint: "mend it",
					Requirement: []string{"META-1", "META-4"}, Reference: "interface 5", Code: "4Y00007"},
				{Rule: "A-2", Severity: finding.Warning, Source: finding.SourceFrame, Line: 3, Column: 1, Message: "odd"},
				{Rule: "A-2", Severity: finding.Warning, Source: finding.SourceFrame, Line: 3, Column: 1, Message: "odd again"},
				{Rule: "A-3", Severity: finding.Info, Message: "by the way", Retry: true},
			},
		},
		{File: "b.xml", Verdict: rules.Accepted},
		{File: "c.xml", Verdict: rules.Rejected},
	}
}

func written(t *testing.T, format string, lang catalogue.Lang, rs []Result) string {
	t.Helper()
	var b bytes.Buffer
	w, err := New(format, &b, Options{Lang: lang, Now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs {
		if err := w.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTextShowsTheLineWithACaret(t *testing.T) {
	want := `a.xml:2:11: error A-1 wrong & "bad"
     <b code="ä·"/>
              ^
    hint: mend it
a.xml(frame):3:1: warning A-2 odd
a.xml(frame):3:1: warning A-2 odd again
a.xml: info A-3 by the way
a.xml: rejected
b.xml: accepted
c.xml: rejected
`
	if got := written(t, "text", catalogue.English, results()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := written(t, "text", catalogue.Finnish, results()[:1]); !strings.Contains(got, "ohje: mend it") || !strings.HasSuffix(got, "a.xml: hylätään\n") {
		t.Errorf("in Finnish: %s", got)
	}
}

func TestCaretStandsUnderTheColumn(t *testing.T) {
	long := strings.Repeat("ä", 500) + "X" + strings.Repeat("ö", 500)
	for _, c := range []struct {
		name, line string
		column     int
		under      string
	}{
		{"first", "Xabc", 1, "X"},
		{"in the middle of a long line", long, 501, "X"},
		{"last", "abcX", 4, "X"},
		{"after the last", "abc", 4, ""},
		{"far beyond", "abc", 400, ""},
		{"no column", "Xabc", 0, "X"},
		{"reordering characters", "\u202eX", 2, "X"},
	} {
		text, at := around([]byte(c.line), c.column)
		got := string([]rune(text)[at:])
		if !strings.HasPrefix(got, c.under) || c.under == "" && got != "" || len([]rune(text)) > lineWidth {
			t.Errorf("%s: the caret is under %q of %q", c.name, got, text)
		}
	}
	if text, _ := around([]byte("\xff"), 1); text != "" {
		t.Errorf("octets that are no text are shown: %q", text)
	}
}

func TestSourceLinesEndAsInXML(t *testing.T) {
	for n, want := range []string{"one", "two", "three", "", "five", "", ""} {
		if got := sourceLine([]byte("\xef\xbb\xbfone\ntwo\r\nthree\r\rfive\n"), n+1); string(got) != want {
			t.Errorf("line %d is %q, want %q", n+1, got, want)
		}
	}
}

func TestJSONIsOneObjectALine(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(written(t, "json", catalogue.English, results()), "\n"), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines", len(lines))
	}
	var got Result
	if err := json.Unmarshal([]byte(lines[0]), &got); err != nil {
		t.Fatal(err)
	}
	want := results()[0]
	want.Sources, want.Took = nil, 0
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	if lines[1] != `{"file":"b.xml","verdict":"accepted","findings":[]}` {
		t.Errorf("without findings: %s", lines[1])
	}
}

func TestJUnitCountsErrorsAsFailures(t *testing.T) {
	out := written(t, "junit", catalogue.English, results())
	var got junitSuites
	if err := xml.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if got.Tests != 6 || got.Failures != 2 || len(got.Suites) != 3 {
		t.Fatalf("%d tests, %d failures, %d suites\n%s", got.Tests, got.Failures, len(got.Suites), out)
	}
	first := got.Suites[0]
	if first.Failures != 1 || first.Time != "1.500" || first.Timestamp != "2026-03-02T09:00:00" {
		t.Errorf("suite %+v", first)
	}
	f := first.Cases[0].Failure
	if f == nil || f.Type != "A-1" || f.Message != `wrong & "bad"` || !strings.Contains(f.Text, "a.xml:2:11") || !strings.Contains(f.Text, "mend it") {
		t.Errorf("failure %+v", f)
	}
	names := map[string]bool{}
	for _, c := range first.Cases {
		if names[c.Name] {
			t.Errorf("two cases are named %q", c.Name)
		}
		names[c.Name] = true
	}
	if got.Suites[1].Cases[0].Failure != nil {
		t.Error("a document without findings failed")
	}
	if got.Suites[2].Cases[0].Failure == nil {
		t.Error("a refused document without findings passed")
	}
}

func TestHTMLIsSelfContainedAndEscaped(t *testing.T) {
	for _, lang := range catalogue.Langs {
		out := written(t, "html", lang, results())
		if strings.Contains(out, "<script") || strings.Contains(out, "http://") || strings.Contains(out, "https://") || strings.Contains(out, "src=") {
			t.Errorf("%s: the page runs or fetches something", lang)
		}
		for _, want := range []string{`lang="` + string(lang) + `"`, "&lt;script&gt;", VerdictWord(rules.Rejected, lang), "META-1, META-4", "/a[1]/b[1]/@code", "style-src &#39;sha256-"} {
			if !strings.Contains(out, want) {
				t.Errorf("%s: lacks %q", lang, want)
			}
		}
		if _, err := xmltree.Parse([]byte(asXML(out)), xmltree.Limits{}); err != nil {
			t.Errorf("%s: elements are not closed: %v", lang, err)
		}
	}
}

// asXML makes the page's HTML readable by an XML parser.
func asXML(page string) string {
	page = strings.Replace(page, "<!DOCTYPE html>\n", "", 1)
	var b strings.Builder
	for _, line := range strings.SplitAfter(page, "\n") {
		if strings.HasPrefix(line, "<meta") {
			line = strings.Replace(line, ">\n", "/>\n", 1)
		}
		b.WriteString(line)
	}
	return strings.NewReplacer("&lt;", "&#60;", "&gt;", "&#62;").Replace(b.String())
}

// TestSEC1_HandedOnReportsHoldNoSourceLines: what goes to others shows nothing of
// the document but what the catalogue lets through.
func TestSEC1_HandedOnReportsHoldNoSourceLines(t *testing.T) {
	for _, format := range []string{"json", "junit", "html"} {
		if strings.Contains(written(t, format, catalogue.English, results()), "<b code") {
			t.Errorf("%s holds a line of the document", format)
		}
	}
}

func TestEveryWordIsThereInEveryLanguage(t *testing.T) {
	for lang, w := range wordsIn {
		v := reflect.ValueOf(*w)
		for i := range v.NumField() {
			if v.Field(i).String() == "" {
				t.Errorf("%s lacks %s", lang, v.Type().Field(i).Name)
			}
		}
	}
	if len(wordsIn) != len(catalogue.Langs) {
		t.Errorf("words in %d languages", len(wordsIn))
	}
}

func TestUnknownFormatNamesThoseThereAre(t *testing.T) {
	if _, err := New("csv", io.Discard, Options{}); err == nil || !strings.Contains(err.Error(), "junit") {
		t.Errorf("got %v", err)
	}
}

// broken is a writer that takes nothing.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errBroken }

var errBroken = errors.New("broken")

func TestErrorsOfTheWriterAreTold(t *testing.T) {
	for _, format := range Formats {
		w, err := New(format, broken{}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.Add(results()[0]), w.Close()); !errors.Is(err, errBroken) {
			t.Errorf("%s: %v", format, err)
		}
	}
}
