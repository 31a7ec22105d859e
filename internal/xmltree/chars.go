package xmltree

import (
	"encoding/binary"
	"unicode/utf8"
)

// Classes of bytes. Bytes of 0x80 and more pass as part of a name while scanning;
// whether they may stand there is decided once per distinct name.
const (
	cSpace uint8 = 1 << iota // white space (XML 1.0, production 3)
	cName                    // may stand in a name, or is not ASCII
	cValue                   // ends or changes an attribute value: quotes, <, &, white space but the blank
)

var class = func() (t [256]uint8) {
	for _, c := range " \t\r\n" {
		t[c] |= cSpace
	}
	for _, c := range "\"'<&\t\r\n" {
		t[c] |= cValue
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

const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// firstBad finds the first byte that is not UTF-8 or begins a character that XML
// does not allow. It gives len(b) and "" where there is none, so that the parser
// itself need look at delimiters only.
func firstBad(b []byte) (off int, code string) {
	i := 0
	for i < len(b) {
		// Eight bytes at once while they are ASCII and no controls.
		for i+8 <= len(b) {
			x := binary.LittleEndian.Uint64(b[i:])
			if (x|(x-0x20*ones))&highs != 0 {
				break
			}
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
