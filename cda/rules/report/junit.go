package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"portti/cda/rules"
	"portti/internal/finding"
)

// junitWriter writes JUnit XML as build servers read it: a suite for each
// document, a case for each finding. An error is a failure; a warning or remark
// is a case that passed, with its text as output. A document without findings
// is one case that passed.
type junitWriter struct {
	w      io.Writer
	o      Options
	suites []junitSuite
}

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name      string      `xml:"name,attr"`
	Tests     int         `xml:"tests,attr"`
	Failures  int         `xml:"failures,attr"`
	Errors    int         `xml:"errors,attr"`
	Skipped   int         `xml:"skipped,attr"`
	Time      string      `xml:"time,attr"`
	Timestamp string      `xml:"timestamp,attr,omitempty"`
	Cases     []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitFailure `xml:"failure"`
	Output  string        `xml:"system-out,omitempty"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// Add keeps the result: the sums stand at the beginning of the report.
func (j *junitWriter) Add(r Result) error {
	s := junitSuite{Name: r.File, Time: seconds(r.Took), Failures: r.count(finding.Error)}
	if !j.o.Now.IsZero() {
		s.Timestamp = j.o.Now.UTC().Format("2006-01-02T15:04:05")
	}
	names := map[string]int{}
	for i := range r.Findings {
		s.Cases = append(s.Cases, junitFinding(&r, i, names))
	}
	if word := VerdictWord(r.Verdict, j.o.Lang); len(s.Cases) == 0 || r.Verdict == rules.Rejected && s.Failures == 0 {
		verdict := junitCase{Class: r.File, Name: word, Time: s.Time}
		if r.Verdict == rules.Rejected { // nothing says why; it must not look like success
			verdict.Failure = &junitFailure{Message: word, Type: string(r.Verdict)}
			s.Failures++
		}
		s.Cases = append(s.Cases, verdict)
	}
	s.Tests = len(s.Cases)
	j.suites = append(j.suites, s)
	return nil
}

// junitFinding makes the case of finding i. Names within a suite differ, so that
// build servers keep the cases apart.
func junitFinding(r *Result, i int, names map[string]int) junitCase {
	f := &r.Findings[i]
	name := f.Rule
	if p := place(f); p != "" {
		name += " " + p
	}
	names[name]++
	if n := names[name]; n > 1 {
		name += " (" + strconv.Itoa(n) + ")"
	}
	c := junitCase{Class: r.File, Name: name, Time: seconds(0)}
	text := fmt.Sprintf("%s: %s %s\n%s\n", filePlace(r.File, f), f.Severity, f.Rule, f.Message)
	for _, line := range []struct{ name, value string }{
		{"", f.Hint}, {"xpath: ", f.XPath}, {"value: ", f.Value},
		{"requirement: ", strings.Join(f.Requirement, ", ")}, {"reference: ", f.Reference},
	} {
		if line.value != "" {
			text += line.name + line.value + "\n"
		}
	}
	if f.Severity == finding.Error {
		c.Failure = &junitFailure{Message: f.Message, Type: f.Rule, Text: text}
	} else {
		c.Output = text
	}
	return c
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }

// Close writes the report.
func (j *junitWriter) Close() error {
	all := junitSuites{Name: "portti validate", Suites: j.suites}
	for _, s := range j.suites {
		all.Tests += s.Tests
		all.Failures += s.Failures
	}
	if _, err := io.WriteString(j.w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(j.w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(j.w, "\n")
	return err
}
