package sosmeta

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// cursor turns byte offsets, given in rising order, into line and column in one
// pass over the source. A line ends at LF, CR LF or a lone CR; columns count
// code points from 1, which in UTF-8 are the octets that do not continue another.
type cursor struct {
	src       []byte
	off       int
	line, col int // of off, 1-based
	cr        bool
}

func newCursor(src []byte) *cursor {
	return &cursor{src: src, line: 1, col: 1, cr: bytes.IndexByte(src, '\r') >= 0}
}

// at gives line and column of off; one before the last asked starts again.
func (c *cursor) at(off int) (line, column int) {
	off = min(off, len(c.src))
	if off < c.off {
		c.off, c.line, c.col = 0, 1, 1
	}
	for {
		rest := c.src[c.off:off]
		i := c.lineEnd(rest)
		if i < 0 {
			c.col += codePoints(rest)
			c.off = off
			return c.line, c.col
		}
		end := c.off + i + 1
		if c.src[end-1] == '\r' && end < len(c.src) && c.src[end] == '\n' {
			end++
		}
		if end > off { // between CR and LF: still on the line
			return c.line, c.col + codePoints(rest[:i]) + 1
		}
		c.off = end
		c.line++
		c.col = 1
	}
}

// lineEnd gives the index of the first CR or LF, or -1.
func (c *cursor) lineEnd(b []byte) int {
	if c.cr {
		return bytes.IndexAny(b, "\r\n")
	}
	return bytes.IndexByte(b, '\n')
}

// codePoints counts the octets that are not 10xxxxxx, eight at a time.
func codePoints(b []byte) int {
	const highs = 0x8080808080808080
	n := len(b)
	for len(b) >= 8 {
		x := binary.LittleEndian.Uint64(b)
		n -= bits.OnesCount64(x & ^(x << 1) & highs)
		b = b[8:]
	}
	for _, c := range b {
		if c&0xc0 == 0x80 {
			n--
		}
	}
	return n
}
