package frame

import (
	"errors"
	"unicode/utf8"
)

// errCharacter: a text holds a character that XML 1.0 cannot carry.
var errCharacter = errors.New("frame: a value holds a character that XML cannot carry")

// xmlWriter builds XML in memory. Names come from this package's code; only
// values are escaped. It adds no whitespace between elements: a signed document
// never stands in its output unencoded, and smaller messages are cheaper.
type xmlWriter struct {
	b    []byte
	open []string
	err  error
}

// start begins an element with attributes given as name, value pairs. Attributes
// with empty values are left out.
func (w *xmlWriter) start(name string, attrs ...string) {
	w.tag(name, attrs)
	w.b = append(w.b, '>')
	w.open = append(w.open, name)
}

// empty writes an element without content.
func (w *xmlWriter) empty(name string, attrs ...string) {
	w.tag(name, attrs)
	w.b = append(w.b, '/', '>')
}

func (w *xmlWriter) tag(name string, attrs []string) {
	w.b = append(append(w.b, '<'), name...)
	for i := 0; i+1 < len(attrs); i += 2 {
		if attrs[i+1] == "" {
			continue
		}
		w.b = append(append(append(w.b, ' '), attrs[i]...), '=', '"')
		w.escape(attrs[i+1], true)
		w.b = append(w.b, '"')
	}
}

// end closes the element begun last.
func (w *xmlWriter) end() {
	name := w.open[len(w.open)-1]
	w.open = w.open[:len(w.open)-1]
	w.b = append(append(append(w.b, '<', '/'), name...), '>')
}

// element writes an element with text; nothing where the text is empty.
func (w *xmlWriter) element(name, text string, attrs ...string) {
	if text == "" {
		return
	}
	w.start(name, attrs...)
	w.escape(text, false)
	w.end()
}

// escape appends s as character data or as an attribute's value. Tabs and line
// ends in attributes and carriage returns anywhere are written as references,
// or a parser would turn them into something else.
func (w *xmlWriter) escape(s string, attribute bool) {
	if !utf8.ValidString(s) {
		w.err = errCharacter
		return
	}
	for _, r := range s {
		switch {
		case r == '&':
			w.b = append(w.b, "&amp;"...)
		case r == '<':
			w.b = append(w.b, "&lt;"...)
		case r == '>':
			w.b = append(w.b, "&gt;"...)
		case r == '"' && attribute:
			w.b = append(w.b, "&quot;"...)
		case r == '\r':
			w.b = append(w.b, "&#13;"...)
		case r == '\n' && attribute:
			w.b = append(w.b, "&#10;"...)
		case r == '\t' && attribute:
			w.b = append(w.b, "&#9;"...)
		case r < ' ' && r != '\n' && r != '\t', r == 0xfffe, r == 0xffff:
			w.err = errCharacter
			return
		default:
			w.b = utf8.AppendRune(w.b, r)
		}
	}
}
