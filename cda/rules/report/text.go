package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"portti/cda/rules/catalogue"
	"portti/internal/finding"
)

type textWriter struct {
	w    io.Writer
	lang catalogue.Lang
}

// Add writes the findings and the verdict.
func (t *textWriter) Add(r Result) error {
	if err := Findings(t.w, t.lang, r.File, r.Findings, r.Sources); err != nil {
		return err
	}
	_, err := fmt.Fprintf(t.w, "%s: %s\n", r.File, VerdictWord(r.Verdict, t.lang))
	return err
}

// Close implements Writer.
func (t *textWriter) Close() error { return nil }

// Findings writes findings for people: place, severity, rule and message, the line
// with a caret, the hint. sources are the octets that lines count in; a source
// that is not there is not shown. The error is that of w.
func Findings(w io.Writer, lang catalogue.Lang, file string, fs []catalogue.Resolved, sources map[finding.Source][]byte) error {
	var b bytes.Buffer
	hint := strings.ToLower(wordsOf(lang).Hint)
	for i := range fs {
		f := &fs[i]
		fmt.Fprintf(&b, "%s: %s %s %s\n", filePlace(file, f), f.Severity, f.Rule, f.Message)
		if src := sources[f.Source]; src != nil && f.Line > 0 {
			sourceWithCaret(&b, src, f.Line, f.Column)
		}
		if f.Hint != "" {
			fmt.Fprintf(&b, "    %s: %s\n", hint, f.Hint)
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// filePlace gives file:line:column; parts other than the document are named.
func filePlace(file string, f *catalogue.Resolved) string {
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

// sourceWithCaret writes a source line, cut to what stands around the column, and
// a caret under the column.
func sourceWithCaret(w io.Writer, src []byte, line, column int) {
	text, at := around(sourceLine(src, line), column)
	if text == "" {
		return
	}
	fmt.Fprintf(w, "    %s\n    %s^\n", text, strings.Repeat(" ", at))
}

// around gives the part of a line around a column (1-based, in code points) as it
// can be printed, and how many code points of it stand before the column. It is
// empty where the line is not UTF-8.
func around(line []byte, column int) (text string, before int) {
	if !utf8.Valid(line) {
		return "", 0
	}
	// A document may be one line of many megabytes: only what is near is decoded.
	start, skipped := 0, 0
	for want := column - 1 - lineWidth/2; skipped < want && start < len(line); skipped++ {
		_, n := utf8.DecodeRune(line[start:])
		start += n
	}
	end := start
	for n := 0; n < lineWidth && end < len(line); n++ {
		_, size := utf8.DecodeRune(line[end:])
		end += size
	}
	shown := line[start:end]
	return printable(shown), min(max(column-1-skipped, 0), utf8.RuneCount(shown))
}

// printable keeps control characters of a document from steering the terminal.
// Each code point stays one.
func printable(b []byte) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r < ' ', r >= 0x7f && r < 0xa0, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f:
			return '·'
		default:
			return r
		}
	}, string(b))
}

// sourceLine gives line n (from 1) without its end, nil where there is none. Line
// ends are LF, CR LF and CR, as XML has them.
func sourceLine(src []byte, n int) []byte {
	src = bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
	for ; n > 1; n-- {
		i := bytes.IndexAny(src, "\r\n")
		if i < 0 {
			return nil
		}
		if src[i] == '\r' && i+1 < len(src) && src[i+1] == '\n' {
			i++
		}
		src = src[i+1:]
	}
	if i := bytes.IndexAny(src, "\r\n"); i >= 0 {
		src = src[:i]
	}
	return src
}
