package web

import (
	"bytes"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"portti/cda/rules/catalogue"
)

// sourceLine is a line of XML with its marks and what was found there.
type sourceLine struct {
	Number int
	// ID is the line's on its page.
	ID       string
	Text     template.HTML
	Findings []findingView
	// Gap tells that lines were left out before this one.
	Gap bool
}

// findingView is a finding for people.
type findingView struct {
	catalogue.Resolved
	SeverityWord, Class, URL string
}

func (s *Site) findingOf(lang catalogue.Lang, r catalogue.Resolved) findingView {
	return findingView{r, severityWord(lang, r.Severity), r.Severity.String(), "/errors/" + r.Rule + "?lang=" + string(lang)}
}

// What a page shows of a source: so many lines and so much of each. Lines with findings
// are always shown, with some around.
const (
	maxLines = 600
	maxLine  = 1000
	around   = 3
	// beside is what a long line shows on each side of a place, in bytes.
	beside    = 200
	maxPlaces = 20
)

// highlighted gives the lines of an XML text with names, attributes and values
// marked. It judges nothing: what is not XML comes out as text. Where there are too
// many lines, those with findings and their neighbours are kept first. prefix tells
// the lines of several sources on a page apart.
func highlighted(prefix string, src []byte, found map[int][]findingView) (lines []sourceLine, cut bool) {
	src = bytes.ReplaceAll(src, []byte("\r\n"), []byte("\n"))
	if !utf8.Valid(src) {
		src = bytes.ToValidUTF8(src, []byte("\uFFFD"))
	}
	text := strings.Split(string(src), "\n")
	var state lexer
	last := 0
	for i, line := range text {
		n := i + 1
		keep := len(text) <= maxLines || n <= maxLines/4 || near(found, n)
		if !keep || len(lines) >= maxLines {
			state.skip(line)
			cut = true
			continue
		}
		lines = append(lines, sourceLine{Number: n, ID: prefix + strconv.Itoa(n), Text: state.line(line, found[n]), Findings: found[n], Gap: n != last+1})
		last = n
	}
	return lines, cut
}

func near(found map[int][]findingView, n int) bool {
	for i := n - around; i <= n+around; i++ {
		if len(found[i]) > 0 {
			return true
		}
	}
	return false
}

// lexer marks XML for the eye. Its state goes over line ends.
type lexer struct {
	in    byte // 0 text, '<' tag, '!' comment or declaration
	quote byte // within a value
}

// skip moves the state over a line that is not shown.
func (l *lexer) skip(line string) { l.scan(line, func(string, string) {}) }

// line gives a line's markup. Of a long line there is its beginning and what is around
// each place where something was found: documents often are one line.
func (l *lexer) line(line string, found []findingView) template.HTML {
	at := places(line, found)
	var b strings.Builder
	done := 0
	for _, p := range shownParts(line, at) {
		if p[0] > done {
			b.WriteString("…")
			l.skip(line[done:p[0]])
		}
		l.mark(&b, line, p[0], p[1], at)
		done = p[1]
	}
	if done < len(line) {
		b.WriteString("…")
		l.skip(line[done:])
	}
	return template.HTML(b.String()) //nolint:gosec // every piece was escaped
}

// places gives where in a line something was found, in bytes and in order.
func places(line string, found []findingView) (at []int) {
	var columns []int
	for _, f := range found {
		columns = append(columns, f.Column)
	}
	slices.Sort(columns)
	columns = slices.Compact(columns)
	column := 1
	for i := range line {
		if _, ok := slices.BinarySearch(columns, column); ok && len(at) < maxPlaces {
			at = append(at, i)
		}
		column++
	}
	return at
}

// shownParts are the parts of a line that are shown, in order, as byte offsets.
func shownParts(line string, at []int) [][2]int {
	parts := [][2]int{{0, min(len(line), maxLine)}}
	for _, i := range at {
		from, to := max(0, i-beside), min(len(line), i+beside)
		if last := &parts[len(parts)-1]; from <= last[1] {
			last[1] = max(last[1], to)
		} else {
			parts = append(parts, [2]int{from, to})
		}
	}
	for i := range parts {
		for k, n := range parts[i] {
			for n < len(line) && !utf8.RuneStart(line[n]) {
				n--
			}
			parts[i][k] = n
		}
	}
	return parts
}

// mark writes a part of a line; the piece at each place is marked.
func (l *lexer) mark(b *strings.Builder, line string, from, to int, at []int) {
	for from < to {
		end, here := to, false
		for _, i := range at {
			if here = here || i == from; i > from && i < end {
				end = i
			}
		}
		l.scan(line[from:end], func(class, s string) {
			if here {
				b.WriteString("<mark>")
			}
			if class == "" {
				template.HTMLEscape(b, []byte(s))
			} else {
				b.WriteString(`<span class="` + class + `">`)
				template.HTMLEscape(b, []byte(s))
				b.WriteString(`</span>`)
			}
			if here {
				b.WriteString("</mark>")
				here = false
			}
		})
		from = end
	}
}

// scan cuts a line into pieces: "tag", "attr", "val", "quiet", or "" for text.
func (l *lexer) scan(line string, emit func(class, s string)) {
	for len(line) > 0 {
		class, n := l.piece(line)
		emit(class, line[:n])
		line = line[n:]
	}
}

func (l *lexer) piece(s string) (string, int) {
	switch {
	case l.quote != 0:
		if i := strings.IndexByte(s, l.quote); i >= 0 {
			l.quote = 0
			return "val", i + 1
		}
		return "val", len(s)
	case l.in == '!':
		if i := strings.IndexByte(s, '>'); i >= 0 {
			l.in = 0
			return "quiet", i + 1
		}
		return "quiet", len(s)
	case l.in == '<':
		return l.inTag(s)
	}
	i := strings.IndexByte(s, '<')
	switch {
	case i < 0:
		return "", len(s)
	case i > 0:
		return "", i
	case len(s) > 1 && (s[1] == '!' || s[1] == '?'):
		l.in = '!'
		return l.piece(s)
	}
	l.in = '<'
	if end := strings.IndexAny(s[1:], " \t>\"'"); end >= 0 {
		return "tag", 1 + end
	}
	return "tag", len(s)
}

func (l *lexer) inTag(s string) (string, int) {
	switch s[0] {
	case '>':
		l.in = 0
		return "tag", 1
	case '"', '\'':
		l.quote = s[0]
		if i := strings.IndexByte(s[1:], s[0]); i >= 0 {
			l.quote = 0
			return "val", i + 2
		}
		return "val", len(s)
	}
	if end := strings.IndexAny(s, ">\"'"); end > 0 {
		return "attr", end
	}
	return "attr", len(s)
}
