package report

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"portti/cda/rules/catalogue"
	"portti/conformance/cases"
)

// Formats lists the formats of Write.
var Formats = []string{"text", "json", "junit", "html", "csv"}

// ErrFormat: the format is none of Formats.
var ErrFormat = errors.New("report: the format must be one of " + strings.Join(Formats, ", "))

// Write writes the report in a format, its words in lang. The error is ErrFormat
// or that of w.
func (r *Run) Write(w io.Writer, format string, lang catalogue.Lang) error {
	switch format {
	case "text":
		return r.text(w, lang)
	case "json":
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	case "junit":
		return r.junit(w, lang)
	case "html":
		return r.html(w, lang)
	case "csv":
		return r.csv(w, lang)
	}
	return ErrFormat
}

// RulesDigest is the digest of the rule catalogue's ids, severities and texts.
func RulesDigest() string {
	h := sha256.New()
	// A hash takes everything.
	_ = catalogue.Default().WriteMarkdown(h)
	return hex.EncodeToString(h.Sum(nil))[:16]
}

func word(category, key string, lang catalogue.Lang) string {
	if t := cases.Default().Word(category, key); t != nil {
		return t.In(lang)
	}
	return key
}

// errWriter keeps the first error of many writes.
type errWriter struct {
	w   io.Writer
	err error
}

func (e *errWriter) line(format string, args ...any) {
	if e.err == nil {
		_, e.err = fmt.Fprintf(e.w, format+"\n", args...)
	}
}

// text writes a summary by area, then each case that did not pass with its reason.
func (r *Run) text(w io.Writer, lang catalogue.Lang) error {
	e := &errWriter{w: w}
	for i := range r.Results {
		c := &r.Results[i]
		if c.Verdict == Passed || c.Verdict == Skipped {
			continue
		}
		e.line("%s  %s: %s", c.ID, word("verdict", string(c.Verdict), lang), c.Title.In(lang))
		for n, s := range c.Steps {
			if s.Verdict == Passed {
				continue
			}
			e.line("    %d. %s", n+1, s.say(lang))
			for _, p := range s.Problems {
				e.line("       %s", p.Text.In(lang))
			}
			for _, f := range s.Findings {
				e.line("       %s %s %s", f.Severity, f.Rule, f.Text)
			}
		}
	}
	for _, a := range r.areas() {
		e.line("%-12s %s", a.Name, a.Counts.line(lang))
	}
	e.line("%-12s %s", word("report", "verdict", lang), r.Count().line(lang))
	e.line("%s %s, %s %.12s, %s %s, %s %s, %.1f s", word("report", "suite", lang), r.Suite, r.Cases.Version, r.Cases.Digest,
		word("report", "rules", lang), r.Rules, word("report", "target", lang), r.Target.line(), r.Ended.Sub(r.Started).Seconds())
	return e.err
}

func (t Target) line() string {
	var parts []string
	for _, s := range []string{t.Name, t.URL, t.Server, t.Peer} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, " ")
}

func (n Counts) line(lang catalogue.Lang) string {
	out := fmt.Sprintf("%d %s (%d %s): %d %s", n.Cases, word("report", "cases", lang), n.Steps, word("report", "steps", lang), n.Passed, word("verdict", "passed", lang))
	for _, x := range []struct {
		n   int
		key string
	}{{n.Failed, "failed"}, {n.Blocked, "blocked"}, {n.NotJudged, "not-judged"}, {n.Open, "open"}} {
		if x.n > 0 {
			out += fmt.Sprintf(", %d %s", x.n, word("verdict", x.key, lang))
		}
	}
	return out
}

// areaCount is an area with its numbers.
type areaCount struct {
	Name string
	Counts
}

// areas counts by area, in the order of first sight.
func (r *Run) areas() []areaCount {
	var out []areaCount
	at := map[string]int{}
	for i := range r.Results {
		c := &r.Results[i]
		if _, ok := at[c.Area]; !ok {
			at[c.Area] = len(out)
			out = append(out, areaCount{Name: c.Area})
		}
		out[at[c.Area]].add(c)
	}
	return out
}

// csv writes a row for each step.
func (r *Run) csv(w io.Writer, lang catalogue.Lang) error {
	c := csv.NewWriter(w)
	_ = c.Write([]string{"case", "version", "area", "phase", "requirements", "verdict", "step", "step_verdict", "text", "expected", "got", "rules", "problem", "took_ms", "precondition"})
	for _, x := range r.Results {
		head := []string{x.ID, strconv.Itoa(x.Version), x.Area, x.Phase, strings.Join(x.Requirements, " "), string(x.Verdict)}
		if len(x.Steps) == 0 {
			_ = c.Write(append(head, "", "", x.Title.In(lang), "", "", "", "", "", ""))
		}
		for i, s := range x.Steps {
			_ = c.Write(append(head[:len(head):len(head)], strconv.Itoa(i+1), string(s.Verdict), s.Say.In(lang), s.Expected, s.Got,
				strings.Join(s.rules(), " "), strings.Join(s.problems(lang), "; "), strconv.FormatFloat(float64(s.Took), 'f', 1, 64), yes(s.Setup)))
		}
	}
	c.Flush() // a csv.Writer keeps its first error
	return c.Error()
}

func yes(on bool) string {
	if on {
		return "yes"
	}
	return ""
}

// say tells a step; a precondition is told as one.
func (s *Step) say(lang catalogue.Lang) string {
	if s.Setup {
		return s.Say.In(lang) + " (" + word("report", "precondition", lang) + ")"
	}
	return s.Say.In(lang)
}

func (s *Step) rules() []string {
	var out []string
	for _, f := range s.Findings {
		if f.Rule != "" {
			out = append(out, f.Rule)
		}
	}
	return out
}

func (s *Step) problems(lang catalogue.Lang) []string {
	var out []string
	for _, p := range s.Problems {
		out = append(out, p.Text.In(lang))
	}
	return out
}

// The form of JUnit XML that build servers read.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name       string          `xml:"name,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Properties []junitProperty `xml:"properties>property,omitempty"`
		Cases      []junitCase     `xml:"testcase"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Class   string       `xml:"classname,attr"`
		Name    string       `xml:"name,attr"`
		Time    string       `xml:"time,attr"`
		Failure *junitReason `xml:"failure"`
		// Error is a precondition that failed: what is tested was not reached.
		Error   *junitReason `xml:"error"`
		Skipped *junitReason `xml:"skipped"`
	}
	junitReason struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

func (r *Run) junit(w io.Writer, lang catalogue.Lang) error {
	n := r.Count()
	out := junitSuites{Name: "portti conformance", Tests: n.Cases, Failures: n.Failed, Errors: n.Blocked, Skipped: n.NotJudged + n.Open,
		Time: strconv.FormatFloat(r.Ended.Sub(r.Started).Seconds(), 'f', 3, 64)}
	at := map[string]int{}
	for _, a := range r.areas() {
		at[a.Name] = len(out.Suites)
		out.Suites = append(out.Suites, junitSuite{Name: a.Name, Tests: a.Cases, Failures: a.Failed, Errors: a.Blocked, Skipped: a.NotJudged + a.Open,
			Properties: []junitProperty{{"suite", r.Suite}, {"cases", r.Cases.Version}, {"rules", r.Rules}, {"target", r.Target.line()}}})
	}
	for i := range r.Results {
		s := &out.Suites[at[r.Results[i].Area]]
		s.Cases = append(s.Cases, r.Results[i].junit(lang))
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(out); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (c *Case) junit(lang catalogue.Lang) junitCase {
	x := junitCase{Class: "conformance." + c.Area, Name: c.ID + " " + c.Title.In(lang), Time: strconv.FormatFloat(float64(c.Took)/1000, 'f', 3, 64)}
	if c.Verdict == Passed {
		return x
	}
	reason := &junitReason{Message: word("verdict", string(c.Verdict), lang)}
	for i := range c.Steps {
		s := &c.Steps[i]
		if s.Verdict != Passed {
			reason.Message = s.say(lang)
			reason.Text += strings.Join(s.problems(lang), "\n")
		}
	}
	switch c.Verdict {
	case Failed:
		x.Failure = reason
	case Blocked:
		x.Error = reason
	default:
		x.Skipped = reason
	}
	return x
}
