package xmltree

import (
	"encoding/binary"
	"math/bits"

	"portti/internal/finding"
)

// Position is a place in the document: Line and Column 1-based, in code points;
// Offset 0-based, in the original bytes. CR LF, CR and LF each end one line. A byte
// order mark has no column.
type Position struct{ Line, Column, Offset int }

// block sums up text before a multiple of blockSize: lines ended, code points, code
// points at the beginning of the line, and code points beyond the basic plane.
type block struct {
	lines, runes, lineRunes, astral int32
}

// blockSize bounds the bytes looked at for one position.
const blockSize = 256

// near is how far from the beginning a place is counted without an index.
const near = 4096

// advance counts text[i:stop] into b, eight bytes at a time where no line ends among
// them.
func (b *block) advance(text []byte, i, stop int) {
	for ; i+8 <= stop; i += 8 {
		x := binary.LittleEndian.Uint64(text[i:])
		if has(x, '\n')|has(x, '\r') != 0 {
			b.bytewise(text, i, i+8)
			continue
		}
		b.runes += 8
		if x&highs != 0 {
			b.wide(x)
		}
	}
	b.bytewise(text, i, stop)
}

// wide takes back what follows the first byte of a code point, and counts those
// beyond the basic plane.
func (b *block) wide(x uint64) {
	b.runes -= int32(bits.OnesCount64(x &^ (x << 1) & highs))                       // 10xxxxxx
	b.astral += int32(bits.OnesCount64(x & (x << 1) & (x << 2) & (x << 3) & highs)) // 1111xxxx
}

func (b *block) bytewise(text []byte, i, stop int) {
	for ; i < stop; i++ {
		c := text[i]
		switch {
		case c >= 0x80 && c < 0xC0: // not the first byte of a code point
			continue
		case c >= 0xF0:
			b.astral++
		case c == '\n', c == '\r' && (i+1 == len(text) || text[i+1] != '\n'):
			b.lines++
			b.lineRunes = b.runes + 1
		}
		b.runes++
	}
}

// index builds the blocks once.
func (t *Tree) index() []block {
	t.posOnce.Do(func() {
		blocks := make([]block, 1, len(t.text)/blockSize+1)
		for i := blockSize; i <= len(t.text); i += blockSize {
			b := blocks[len(blocks)-1]
			b.advance(t.text, i-blockSize, i)
			blocks = append(blocks, b)
		}
		t.blocks = blocks
	})
	return t.blocks
}

// fewPlaces is how many places are worked out by themselves before the document is
// indexed: a document with a fault or two costs little more than a good one.
const fewPlaces = 2

// at counts everything before off, which is the beginning of a code point in text.
func (t *Tree) at(off int) block {
	if off < near || t.places.Add(1) <= fewPlaces {
		var b block
		b.advance(t.text, 0, off)
		return b
	}
	b := t.index()[off/blockSize]
	b.advance(t.text, off-off%blockSize, off)
	return b
}

// original gives the place of off, counted in b, in the original bytes.
func (f form) original(off int, b block) int {
	switch f.enc {
	case encLatin1:
		return int(b.runes)
	case encUTF16LE, encUTF16BE:
		return f.bom + 2*int(b.runes+b.astral)
	default:
		return f.bom + off
	}
}

// position gives the place of off in text.
func (t *Tree) position(off int) Position {
	b := t.at(off)
	return Position{int(b.lines) + 1, int(b.runes-b.lineRunes) + 1, t.form.original(off, b)}
}

// Pos is where n begins: the "<" of a tag, the first character of a text. The zero
// Position for None. The first calls count from the beginning, later ones look at no
// more than about 4 KB, once the document has been indexed in linear time.
func (t *Tree) Pos(n Node) Position {
	if n < 0 {
		return Position{}
	}
	return t.position(int(t.nodes[n].start))
}

// AttrPos is where the first character of a's value stands (the closing quote where
// it is empty).
func (t *Tree) AttrPos(a Attr) Position { return t.position(int(t.attrs[a].pos)) }

// NSPos is where the first character of the value of namespace declaration i stands.
func (t *Tree) NSPos(i int32) Position { return t.position(int(t.decls[i].pos)) }

// Range is the range [start, end) of n in the original bytes: an element with its
// tags, a comment, section or instruction with its markup, a text as written, the
// document with everything but its byte order mark.
func (t *Tree) Range(n Node) (start, end int) {
	if n < 0 {
		return 0, 0
	}
	x := &t.nodes[n]
	if !t.form.transcoded() {
		return t.form.bom + int(x.start), t.form.bom + int(x.stop)
	}
	return t.position(int(x.start)).Offset, t.position(int(x.stop)).Offset
}

// Place is where a finding about n points; the zero place but for src for None.
func (t *Tree) Place(n Node, src finding.Source) finding.Place {
	if n < 0 {
		return finding.Place{Source: src}
	}
	p := t.Pos(n)
	return finding.Place{Source: src, Line: p.Line, Column: p.Column, XPath: t.XPath(n)}
}

// AttrPlace is where a finding about the value of attribute a of n points.
func (t *Tree) AttrPlace(n Node, a Attr, src finding.Source) finding.Place {
	p := t.AttrPos(a)
	return finding.Place{Source: src, Line: p.Line, Column: p.Column, XPath: t.AttrXPath(n, a)}
}
