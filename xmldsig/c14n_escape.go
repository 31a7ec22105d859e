package xmldsig

import "encoding/binary"

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// hasZero has a high bit set in each byte of x that is zero (and perhaps in
// bytes above one that is: good for a yes or no).
func hasZero(x uint64) uint64 { return (x - ones) &^ x & highs }

// plainText gives the length of the run at the start of s that needs no escape
// in text: it looks at eight bytes at a time for & < > and CR ('<' and '>'
// differ in one bit only).
func plainText(s []byte) int {
	i := 0
	for ; i+8 <= len(s); i += 8 {
		x := binary.LittleEndian.Uint64(s[i:])
		if hasZero(x^(ones*'&'))|hasZero((x|ones*2)^(ones*'>'))|hasZero(x^(ones*'\r')) != 0 {
			break
		}
	}
	for ; i < len(s); i++ {
		switch s[i] {
		case '&', '<', '>', '\r':
			return i
		}
	}
	return i
}

// text writes character data with the escapes of Canonical XML 1.0, 2.3.
func (wk *walker) text(s []byte) {
	for {
		n := plainText(s)
		wk.raw(s[:n])
		if n == len(s) {
			return
		}
		var e string
		switch s[n] {
		case '&':
			e = "&amp;"
		case '<':
			e = "&lt;"
		case '>':
			e = "&gt;"
		default:
			e = "&#xD;"
		}
		wk.buf = append(wk.buf, e...)
		s = s[n+1:]
		if len(wk.buf) >= flushAt {
			wk.flush()
		}
	}
}

// raw writes octets as they are, long runs without a copy.
func (wk *walker) raw(s []byte) {
	if len(s) < direct {
		wk.buf = append(wk.buf, s...)
		return
	}
	wk.flush()
	if wk.err == nil {
		_, wk.err = wk.w.Write(s)
	}
}

// attrEscape gives the escape of a byte in an attribute value, "" where none.
var attrEscape = [256]string{'&': "&amp;", '<': "&lt;", '"': "&quot;", '\t': "&#x9;", '\n': "&#xA;", '\r': "&#xD;"}

// appendAttrValue writes an attribute value (or namespace URI) with its escapes.
func appendAttrValue(b []byte, s string) []byte {
	from := 0
	for i := 0; i < len(s); i++ {
		if c := s[i]; c > '<' {
			continue
		} else if e := attrEscape[c]; e != "" {
			b = append(b, s[from:i]...)
			b = append(b, e...)
			from = i + 1
		}
	}
	return append(b, s[from:]...)
}
