package sosmeta

import (
	"bytes"
	"unicode/utf8"
)

// cursor turns byte offsets, given in rising order, into line and column in one
// pass over the source. A line ends at LF, CR LF or a lone CR; columns count
// code points from 1, an octet that is not UTF-8 counting as one.
type cursor struct {
	src       []byte
	off       int
	line, col int // of off, 1-based
}

func newCursor(src []byte) *cursor { return &cursor{src: src, line: 1, col: 1} }

// at gives line and column of off; one before the last asked starts again.
func (c *cursor) at(off int) (line, column int) {
	off = min(off, len(c.src))
	if off < c.off {
		c.off, c.line, c.col = 0, 1, 1
	}
	for {
		rest := c.src[c.off:off]
		i := bytes.IndexAny(rest, "\r\n")
		if i < 0 {
			c.col += utf8.RuneCount(rest)
			c.off = off
			return c.line, c.col
		}
		end := c.off + i + 1
		if c.src[end-1] == '\r' && end < len(c.src) && c.src[end] == '\n' {
			end++
		}
		if end > off { // between CR and LF: still on the line
			return c.line, c.col + utf8.RuneCount(rest[:i]) + 1
		}
		c.off = end
		c.line++
		c.col = 1
	}
}
