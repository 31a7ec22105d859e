package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"portti/cda/rules/catalogue"
	"portti/gateway/pipeline"
	"portti/internal/finding"
)

// documentName is the document's part of the JSON output.
type documentName struct {
	ID      string `json:"id,omitempty"`
	SetID   string `json:"setId,omitempty"`
	Version int    `json:"version,omitempty"`
}

// validation is the JSON output of validate: one line for each document.
type validation struct {
	File     string               `json:"file"`
	Verdict  string               `json:"verdict"`
	Document *documentName        `json:"document,omitempty"`
	Findings []catalogue.Resolved `json:"findings"`
}

// resolve gives findings in the language and profile of the run.
func (m *Main) resolve(fs []finding.Finding) []catalogue.Resolved {
	out := make([]catalogue.Resolved, len(fs))
	for i, f := range fs {
		out[i] = catalogue.Default().Resolve(f, m.config.profile(), m.config.lang())
	}
	return out
}

// printFindings prints findings for people: place, severity, rule and message,
// the line with a caret, the hint. sources are the octets that lines count in.
func (m *Main) printFindings(w io.Writer, file string, fs []catalogue.Resolved, sources map[finding.Source][]byte) {
	for _, f := range fs {
		fmt.Fprintf(w, "%s %s %s %s\n", place(file, f), f.Severity, f.Rule, f.Message)
		if src := sources[f.Source]; src != nil && f.Line > 0 {
			printLine(w, src, f.Line, f.Column)
		}
		if f.Hint != "" {
			fmt.Fprintf(w, "    hint: %s\n", f.Hint)
		}
	}
}

// place gives file:line:column; parts other than the document are named.
func place(file string, f catalogue.Resolved) string {
	if f.Source != "" && f.Source != finding.SourceDocument {
		file += "(" + string(f.Source) + ")"
	}
	if f.Line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d:%d", file, f.Line, f.Column)
}

// lineWidth is the most of a source line that is shown, in code points.
const lineWidth = 100

// printLine prints a source line, cut to what stands around the column, with a caret.
func printLine(w io.Writer, src []byte, line, column int) {
	text := sourceLine(src, line)
	if text == nil || !utf8.Valid(text) {
		return
	}
	runes := []rune(strings.ReplaceAll(string(text), "\t", " "))
	at := min(max(column-1, 0), len(runes))
	from := max(0, at-lineWidth/2)
	to := min(len(runes), from+lineWidth)
	fmt.Fprintf(w, "    %s\n    %s^\n", printable(runes[from:to]), strings.Repeat(" ", at-from))
}

// printable keeps control characters of a file from steering the terminal.
func printable(rs []rune) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '·'
		}
		return r
	}, string(rs))
}

// sourceLine gives line n (from 1) without its end, nil where there is none.
func sourceLine(src []byte, n int) []byte {
	for ; n > 1; n-- {
		i := bytes.IndexByte(src, '\n')
		if i < 0 {
			return nil
		}
		src = src[i+1:]
	}
	if i := bytes.IndexByte(src, '\n'); i >= 0 {
		src = src[:i]
	}
	return bytes.TrimSuffix(src, []byte{'\r'})
}

// verdictWord is the verdict for people, in the language of the run.
func (m *Main) verdictWord(d pipeline.Decision) string {
	words := map[catalogue.Lang][3]string{
		catalogue.Finnish: {"kelpaa", "kelpaa huomautuksin", "hylätään"},
		catalogue.Swedish: {"godkänns", "godkänns med anmärkningar", "avvisas"},
		catalogue.English: {"accepted", "accepted with warnings", "rejected"},
	}
	return words[m.config.lang()][d]
}
