package xmltree

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// Classes of bytes. Bytes of 0x80 and more pass as part of a name while scanning;
// whether they may stand there is decided once per distinct name.
const (
	cSpace uint8 = 1 << iota // white space (XML 1.0, production 3)
	cName                    // may stand in a name, or is not ASCII
)

var class = func() (t [256]uint8) {
	for _, c := range " \t\r\n" {
		t[c] |= cSpace
	}
	for c := range 256 {
		if c >= 0x80 || isNameASCII(byte(c)) {
			t[c] |= cName
		}
	}
	return t
}()

func isNameASCII(c byte) bool {
	return isNameStartASCII(c) || c >= '0' && c <= '9' || c == '-' || c == '.'
}

func isNameStartASCII(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == ':'
}

type runeRange struct{ lo, hi rune }

// nameStart and nameMore are productions 4 and 4a of XML 1.0, fifth edition,
// beyond ASCII.
var nameStart = []runeRange{
	{0xC0, 0xD6}, {0xD8, 0xF6}, {0xF8, 0x2FF}, {0x370, 0x37D}, {0x37F, 0x1FFF},
	{0x200C, 0x200D}, {0x2070, 0x218F}, {0x2C00, 0x2FEF}, {0x3001, 0xD7FF},
	{0xF900, 0xFDCF}, {0xFDF0, 0xFFFD}, {0x10000, 0xEFFFF},
}

var nameMore = []runeRange{{0xB7, 0xB7}, {0x300, 0x36F}, {0x203F, 0x2040}}

func within(r rune, ranges []runeRange) bool {
	for _, x := range ranges {
		if r <= x.hi {
			return r >= x.lo
		}
	}
	return false
}

func isNameStart(r rune) bool {
	if r < 0x80 {
		return isNameStartASCII(byte(r))
	}
	return within(r, nameStart)
}

func isNameChar(r rune) bool {
	if r < 0x80 {
		return isNameASCII(byte(r))
	}
	return within(r, nameStart) || within(r, nameMore)
}

// isChar is production 2: any Unicode character but the surrogate blocks, FFFE,
// FFFF and most controls.
func isChar(r rune) bool {
	switch {
	case r < 0x20:
		return r == '\t' || r == '\n' || r == '\r'
	case r < 0xD800:
		return true
	case r < 0xE000:
		return false
	default:
		return r != 0xFFFE && r != 0xFFFF && r <= 0x10FFFF
	}
}

// Eight bytes at a time ("SIMD within a register").
const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// has marks, with the high bit of a byte, where x holds c. The lowest mark is exact;
// marks above it may be false.
func has(x, c uint64) uint64 {
	y := x ^ c*ones
	return (y - ones) &^ y & highs
}

// below marks likewise where x holds a byte below c, which is at most 0x80.
func below(x, c uint64) uint64 { return (x - c*ones) &^ x & highs }

// plainASCII tells whether all eight bytes are ASCII, and none a control that XML does
// not allow. The sums cannot carry from byte to byte, so all marks are exact.
func plainASCII(x uint64) bool {
	if x&highs != 0 {
		return false
	}
	controls := ^(x + 0x60*ones) & highs
	if controls == 0 {
		return true
	}
	tab := ^((x ^ '\t'*ones) + 0x7F*ones)
	lf := ^((x ^ '\n'*ones) + 0x7F*ones)
	cr := ^((x ^ '\r'*ones) + 0x7F*ones)
	return controls&^(tab|lf|cr) == 0
}

// firstBad finds the first byte that is not UTF-8 or begins a character that XML
// does not allow. It gives len(b) and "" where there is none, so that the parser
// itself need look at delimiters only.
func firstBad(b []byte) (off int, code string) {
	i := 0
	for i < len(b) {
		for i+8 <= len(b) && plainASCII(binary.LittleEndian.Uint64(b[i:])) {
			i += 8
		}
		for stop := min(i+8, len(b)); i < stop; {
			c := b[i]
			if c >= 0x20 && c < 0x80 || class[c]&cSpace != 0 {
				i++
				continue
			}
			if c < 0x20 {
				return i, CodeChar
			}
			r, n := utf8.DecodeRune(b[i:])
			if r == utf8.RuneError && n == 1 {
				return i, CodeUTF8
			}
			if r == 0xFFFE || r == 0xFFFF {
				return i, CodeChar
			}
			i += n
		}
	}
	return len(b), ""
}

// textEnd finds the first of "<", "&" and "]" in b, from where text must be looked at
// more closely; len(b) where there is none.
func textEnd(b []byte) int {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		if m := has(x, '<') | has(x, '&') | has(x, ']'); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c == '<' || c == '&' || c == ']' {
			break
		}
	}
	return i
}

// valueEnd finds the first quote, "<", "&" or white space but the blank in b;
// len(b) where there is none.
func valueEnd(b []byte, quote byte) int {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		if m := has(x, uint64(quote)) | has(x, '<') | has(x, '&') | below(x, 0x20); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c == quote || c == '<' || c == '&' || c < 0x20 {
			break
		}
	}
	return i
}
