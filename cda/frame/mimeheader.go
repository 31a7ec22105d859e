package frame

import (
	"bytes"
	"strings"

	"portti/internal/finding"
)

// header is one header field: its name in small letters, its unfolded value, and
// where it begins in the text.
type header struct {
	name, value string
	offset      int
}

type headers []header

func (h headers) get(name string) *header {
	for i := range h {
		if h[i].name == name {
			return &h[i]
		}
	}
	return nil
}

// headers reads header fields in text[at:end] up to the empty line (or end), and
// gives where the content begins. ok is false where the headers cannot be read;
// the finding is made then.
func (u *unpacker) headers(at, end int) (fields headers, content int, ok bool) {
	begin := at
	for at < end {
		line, next := u.line(at, end)
		if next-begin > u.limits.HeaderBytes {
			u.add(RuleMIMEHeaderLimit, at, "")
			return nil, 0, false
		}
		text := strings.TrimRight(string(line), " \t\r")
		if text == "" {
			return fields, next, true
		}
		if !u.field(&fields, text, at) {
			return nil, 0, false
		}
		at = next
	}
	return fields, end, true
}

// line gives the line at at, without its end, and where the next begins.
func (u *unpacker) line(at, end int) (line []byte, next int) {
	i := bytes.IndexByte(u.text[at:end], '\n')
	if i < 0 {
		return u.text[at:end], end
	}
	return u.text[at : at+i], at + i + 1
}

// field adds one header line: a new field, or the continuation of the last.
func (u *unpacker) field(fields *headers, text string, at int) bool {
	last := len(*fields) - 1
	if last >= 0 && (text[0] == ' ' || text[0] == '\t') {
		(*fields)[last].value += " " + strings.TrimLeft(text, " \t")
		return true
	}
	if last >= 0 && looksFolded((*fields)[last].value, text) {
		u.add(RuleMIMEFold, at, "", finding.P("header", (*fields)[last].name))
		(*fields)[last].value += " " + text
		return true
	}
	name, value, colon := strings.Cut(text, ":")
	name = strings.ToLower(strings.TrimRight(name, " \t"))
	if !colon || !isToken(name) {
		u.add(RuleMIMEHeader, at, "")
		return false
	}
	if len(*fields) == u.limits.Headers {
		u.add(RuleMIMEHeaderLimit, at, "")
		return false
	}
	if strings.HasPrefix(name, "content-") && fields.get(name) != nil {
		u.add(RuleMIMEHeaderRepeated, at, "", finding.P("header", name))
		return true
	}
	*fields = append(*fields, header{name: name, value: strings.TrimSpace(value), offset: at})
	return true
}

// looksFolded tells that line continues a field whose value ends in a semicolon,
// though it begins in column 1: a real sender writes the parameter
// boundary="…" so (kanta-interface 3.3).
func looksFolded(value, line string) bool {
	if !strings.HasSuffix(value, ";") {
		return false
	}
	name, _, equals := strings.Cut(line, "=")
	return equals && isToken(name)
}

// isToken tells whether s is a token of RFC 2045.
func isToken(s string) bool {
	if s == "" {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`()<>@,;:\"/[]?=`, c) >= 0 {
			return false
		}
	}
	return true
}

// quotedPrintable decodes RFC 2045 6.7. bad is the offset of the first fault, -1
// where there is none.
func quotedPrintable(b []byte) (decoded []byte, bad int) {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != '=' {
			out = append(out, b[i])
			continue
		}
		if n, soft := softBreak(b[i+1:]); soft {
			i += n
			continue
		}
		if i+2 >= len(b) {
			return nil, i
		}
		high, low := hex(b[i+1]), hex(b[i+2])
		if high < 0 || low < 0 {
			return nil, i
		}
		out = append(out, byte(high<<4|low))
		i += 2
	}
	return out, -1
}

// softBreak gives the length of a line end, with whitespace before it, at the
// beginning of b. The end of the content is a line end too.
func softBreak(b []byte) (int, bool) {
	for i, c := range b {
		switch c {
		case ' ', '\t', '\r':
		case '\n':
			return i + 1, true
		default:
			return 0, false
		}
	}
	return len(b), true
}

func hex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	default:
		return -1
	}
}
