package sosmeta

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// plain marks the octets that stand for themselves in a JSON string: ASCII but
// controls, the quote and the backslash.
var plain = func() (t [256]bool) {
	for c := 0x20; c < 0x80; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// skipPlain gives the index of the first octet from i on that is not plain, eight
// octets at a time.
func skipPlain(src []byte, i int) int {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	for i+8 <= len(src) {
		x := binary.LittleEndian.Uint64(src[i:])
		quote, slash := x^ones*'"', x^ones*'\\'
		// A high bit marks an octet below 0x20, a quote, a backslash or one outside
		// ASCII. Octets after the first marked one may be marked wrongly.
		special := ((x-ones*0x20)&^x | (quote-ones)&^quote | (slash-ones)&^slash | x) & highs
		if special != 0 {
			return i + bits.TrailingZeros64(special)/8
		}
		i += 8
	}
	for i < len(src) && plain[src[i]] {
		i++
	}
	return i
}

// str passes over the string that begins at the current place and tells whether
// it holds escapes. Faults inside it (controls, bad escapes, bad UTF-8) are told,
// one of a kind, and passed over; only a string without an end is fatal.
func (d *decoder) str(at Ref) (escaped, ok bool) {
	src, i := d.src, d.pos+1
	control, utf := false, false
	for {
		i = skipPlain(src, i)
		if i >= len(src) {
			d.pos = len(src)
			return escaped, d.unclosed(at)
		}
		switch c := src[i]; {
		case c == '"':
			d.pos = i + 1
			return escaped, true
		case c == '\\':
			escaped = true
			n := d.escape(at, i)
			if n == 0 {
				d.pos = len(src)
				return escaped, d.unclosed(at)
			}
			i += n
		case c < 0x20:
			if !control {
				control = true
				d.fault(RuleControl, at, i, "", foundParams(src[i:]))
			}
			i++
		default:
			r, n := utf8.DecodeRune(src[i:])
			if r == utf8.RuneError && n <= 1 && !utf {
				utf = true
				d.fault(RuleUTF8, at, i, "", foundParams(src[i:]))
			}
			i += n
		}
	}
}

// escape judges the escape sequence at i and gives its length, 0 at the end of
// the source.
func (d *decoder) escape(at Ref, i int) int {
	src := d.src
	if i+1 >= len(src) {
		return 0
	}
	switch src[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		return d.unicodeEscape(at, i)
	}
	d.fault(RuleEscape, at, i, "", foundParams(src[i+1:]))
	return 1 // the octet after it is read on its own: it may be a control or UTF-8
}

func (d *decoder) unicodeEscape(at Ref, i int) int {
	u, ok := hex4(d.src, i+2)
	if !ok {
		d.fault(RuleEscape, at, i, "", foundParams(d.src[i+1:]))
		return 2
	}
	if !utf16.IsSurrogate(u) {
		return 6
	}
	if low, ok := lowAfter(d.src, i+6); ok && utf16.DecodeRune(u, low) != utf8.RuneError {
		return 12
	}
	d.fault(RuleSurrogate, at, i, "", nil)
	return 6
}

// lowAfter reads the \uXXXX at i.
func lowAfter(b []byte, i int) (rune, bool) {
	if i+6 > len(b) || b[i] != '\\' || b[i+1] != 'u' {
		return 0, false
	}
	return hex4(b, i+2)
}

func hex4(b []byte, i int) (rune, bool) {
	if i+4 > len(b) {
		return 0, false
	}
	var u rune
	for _, c := range b[i : i+4] {
		switch {
		case c >= '0' && c <= '9':
			u = u<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			u = u<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			u = u<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return u, true
}

// unescape resolves the escapes of a string's content. Of a bad one, which a
// finding has told, the backslash is dropped; a lone surrogate becomes U+FFFD.
func unescape(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); {
		if b[i] != '\\' || i+1 == len(b) {
			out = append(out, b[i])
			i++
			continue
		}
		if b[i+1] == 'u' {
			u, n := unescapeUnicode(b[i:])
			if n > 0 {
				out = utf8.AppendRune(out, u)
				i += n
				continue
			}
		}
		out = append(out, escapedOctet(b[i+1]))
		i += 2
	}
	return out
}

func unescapeUnicode(b []byte) (rune, int) {
	u, ok := hex4(b, 2)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(u) {
		return u, 6
	}
	if low, ok := lowAfter(b, 6); ok {
		if r := utf16.DecodeRune(u, low); r != utf8.RuneError {
			return r, 12
		}
	}
	return utf8.RuneError, 6
}

func escapedOctet(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

// number passes over a number; one that is not JSON's form (leading zero, no
// digit after the point …) is told.
func (d *decoder) number(at Ref) {
	start := d.pos
	n := numberLength(d.src[start:])
	end := start + n
	for end < len(d.src) && inWord(d.src[end]) {
		end++
	}
	d.pos = end
	if n == 0 || end != start+n {
		d.fault(RuleNumber, at, start, "", nil)
	}
}

// numberLength gives the length of the JSON number at the head of b, 0 for none.
func numberLength(b []byte) int {
	i := 0
	if i < len(b) && b[i] == '-' {
		i++
	}
	whole := run(b[i:])
	if whole == 0 || whole > 1 && b[i] == '0' {
		return 0
	}
	i += whole
	if i < len(b) && b[i] == '.' {
		frac := run(b[i+1:])
		if frac == 0 {
			return 0
		}
		i += 1 + frac
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		j := i + 1
		if j < len(b) && (b[j] == '+' || b[j] == '-') {
			j++
		}
		exp := run(b[j:])
		if exp == 0 {
			return 0
		}
		i = j + exp
	}
	return i
}

// run gives the number of digits at the head of b.
func run(b []byte) int {
	i := 0
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	return i
}

// inWord tells whether an octet belongs to a bare word or number.
func inWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '.' || c == '+' || c == '-' || c == '_'
}

// word reads true, false or null, or tells what stands there instead.
func (d *decoder) word(at Ref) bool {
	end := d.pos
	for end < len(d.src) && inWord(d.src[end]) {
		end++
	}
	v := &d.values[at]
	switch w := string(d.src[d.pos:end]); w {
	case "true":
		v.typ = TypeTrue
	case "false":
		v.typ = TypeFalse
	case "null":
		v.typ = TypeNull
	case "NaN", "Infinity":
		v.typ = TypeNumber
		d.fault(RuleNumber, at, d.pos, "", nil)
	case "":
		return d.syntax(at, "{ [ \" 0-9 true false null")
	default:
		if w[0] == '+' || w[0] == '.' {
			v.typ = TypeNumber
			d.fault(RuleNumber, at, d.pos, "", nil)
			break
		}
		d.syntax(at, "{ [ \" 0-9 true false null") // told; the word is passed over
	}
	d.pos = end
	return true
}
