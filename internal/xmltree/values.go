package xmltree

import (
	"bytes"
	"unicode/utf8"
)

// appendLines appends b with line ends normalised: CR LF and CR become LF (XML 1.0,
// 2.11).
func appendLines(to, b []byte) []byte {
	for {
		j := bytes.IndexByte(b, '\r')
		if j < 0 {
			return append(to, b...)
		}
		to = append(append(to, b[:j]...), '\n')
		if b = b[j+1:]; len(b) > 0 && b[0] == '\n' {
			b = b[1:]
		}
	}
}

// expandText appends text[i:stop] with references expanded and line ends
// normalised.
func expandText(to, text []byte, i, stop int) ([]byte, error) {
	for i < stop {
		j := bytes.IndexByte(text[i:stop], '&')
		if j < 0 {
			return appendLines(to, text[i:stop]), nil
		}
		to = appendLines(to, text[i:i+j])
		r, next, err := reference(text[:stop], i+j)
		if err != nil {
			return to, err
		}
		to = utf8.AppendRune(to, r)
		i = next
	}
	return to, nil
}

// expandAttr appends the attribute value text[i:stop], normalised for type CDATA
// (3.3.3): references are expanded, and white space as written becomes a blank,
// CR LF one.
func expandAttr(to, text []byte, i, stop int) ([]byte, error) {
	for i < stop {
		switch c := text[i]; c {
		case '&':
			r, next, err := reference(text[:stop], i)
			if err != nil {
				return to, err
			}
			to = utf8.AppendRune(to, r)
			i = next
			continue
		case '\r':
			if i+1 < stop && text[i+1] == '\n' {
				i++
			}
			to = append(to, ' ')
		case '\t', '\n':
			to = append(to, ' ')
		default:
			to = append(to, c)
		}
		i++
	}
	return to, nil
}

// reference reads the reference that begins with "&" at i (4.1) and gives its
// character and the place after it. text ends where the reference must have ended.
func reference(text []byte, i int) (r rune, next int, err error) {
	if i+1 < len(text) && text[i+1] == '#' {
		return charReference(text, i)
	}
	e := nameEnd(text, i+1)
	entity := text[i+1 : e]
	if len(entity) == 0 {
		return 0, 0, failf(i, CodeRef, `"&" begins no reference`)
	}
	if e == len(text) || text[e] != ';' {
		return 0, 0, failf(i, CodeRef, "a reference is not closed by a semicolon")
	}
	switch string(entity) {
	case "lt":
		r = '<'
	case "gt":
		r = '>'
	case "amp":
		r = '&'
	case "apos":
		r = '\''
	case "quot":
		r = '"'
	default:
		return 0, 0, failf(i, CodeEntity, "the entity %s is not one of lt, gt, amp, apos and quot", clip(entity))
	}
	return r, e + 1, nil
}

// charReference reads "&#…;" or "&#x…;". Digits beyond the last code point are
// read on, so that a long run of them is one fault.
func charReference(text []byte, i int) (r rune, next int, err error) {
	base, k := rune(10), i+2
	if k < len(text) && text[k] == 'x' {
		base, k = 16, k+1
	}
	first := k
	for ; k < len(text) && text[k] != ';'; k++ {
		d := digit(text[k])
		if d >= base {
			break
		}
		if r = r*base + d; r > utf8.MaxRune {
			r = utf8.MaxRune + 1
		}
	}
	switch {
	case k == len(text) || text[k] != ';':
		return 0, 0, failf(i, CodeCharRef, "a character reference holds something else than digits or is not closed")
	case k == first:
		return 0, 0, failf(i, CodeCharRef, "a character reference has no digits")
	case !isChar(r):
		return 0, 0, failf(i, CodeCharRef, "a character reference to a character that XML does not allow")
	}
	return r, k + 1, nil
}

// digit is the value of a hexadecimal digit, or 16 for anything else.
func digit(c byte) rune {
	switch {
	case c >= '0' && c <= '9':
		return rune(c - '0')
	case c >= 'a' && c <= 'f':
		return rune(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return rune(c-'A') + 10
	}
	return 16
}
