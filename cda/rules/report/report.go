// Package report writes what was found in documents: as text for the terminal,
// as JSON (one object a line), as JUnit XML for build servers, and as an HTML
// page that needs nothing beside itself.
//
//	w, err := report.New("html", os.Stdout, report.Options{Lang: catalogue.Swedish})
//	err = w.Add(report.Result{File: "a.xml", Verdict: rules.Rejected, Findings: resolved})
//	err = w.Close()
//
// Findings come resolved: severity, language and the masking of personal values
// are the catalogue's doing. Lines of the documents themselves are shown as text
// only, to whoever handed the bytes in (Result.Sources); JUnit and HTML are
// handed on to others and never hold any (design/decisions, Findings).
package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"portti/cda/rules"
	"portti/cda/rules/catalogue"
	"portti/internal/finding"
)

// Document names a document.
type Document struct {
	ID      string `json:"id,omitempty"`
	SetID   string `json:"setId,omitempty"`
	Version int    `json:"version,omitempty"`
}

// Result is what was found in one document. Its JSON is the form of every door
// (design/cli).
type Result struct {
	// File is what was handed in; empty where it has no name.
	File    string        `json:"file,omitempty"`
	Verdict rules.Verdict `json:"verdict"`
	// Document is nil where it could not be read.
	Document *Document            `json:"document,omitempty"`
	Findings []catalogue.Resolved `json:"findings"`
	// Sources are the octets that lines and columns count in. Only text shows them.
	Sources map[finding.Source][]byte `json:"-"`
	// Took is how long judging took; zero where it was not measured.
	Took time.Duration `json:"-"`
}

// count gives the number of findings of a severity.
func (r *Result) count(s finding.Severity) int {
	n := 0
	for i := range r.Findings {
		if r.Findings[i].Severity == s {
			n++
		}
	}
	return n
}

// Options change a Writer.
type Options struct {
	// Lang is the language of the report's own words; English where it is empty.
	Lang catalogue.Lang
	// Now is the time that JUnit and HTML name; they name none where it is zero.
	Now time.Time
}

// Writer writes results in one format.
type Writer interface {
	// Add writes a result, or keeps it until Close.
	Add(Result) error
	// Close ends the report. It does not close the io.Writer.
	Close() error
}

// Formats are the names that New takes.
var Formats = []string{"text", "json", "junit", "html"}

// New gives the writer of a format. The error names the formats there are.
func New(format string, w io.Writer, o Options) (Writer, error) {
	if !slices.Contains(catalogue.Langs, o.Lang) {
		o.Lang = catalogue.English
	}
	switch format {
	case "text":
		return &textWriter{w: w, lang: o.Lang}, nil
	case "json":
		return newJSONWriter(w), nil
	case "junit":
		return &junitWriter{w: w, o: o}, nil
	case "html":
		return &htmlWriter{w: w, o: o}, nil
	default:
		return nil, fmt.Errorf("report: format %q: want one of %s", format, strings.Join(Formats, ", "))
	}
}

// place gives line:column of a finding, its part of the message named where that
// is not the document; empty where there is no place.
func place(f *catalogue.Resolved) string {
	var b strings.Builder
	if f.Source != "" && f.Source != finding.SourceDocument {
		b.WriteString(string(f.Source))
	}
	if f.Line > 0 {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%d:%d", f.Line, f.Column)
	}
	return b.String()
}
