// Package b64 decodes base64 as RFC 4648 writes it, with whitespace between
// characters allowed and counted.
//
// Go's decoder skips line ends but no other whitespace, and by default takes
// trailing bits that are not zero. A body must have one spelling only (but for
// whitespace, which XML and MIME both put in), or two different signed texts
// would carry one content; and the sender must learn at which character the
// fault stands.
package b64

import (
	"bytes"
	"encoding/base64"
)

// Kind tells what is wrong.
type Kind uint8

// The faults.
const (
	// Character: a byte outside the alphabet.
	Character Kind = iota + 1
	// Length: the text ends within a group of four.
	Length
	// Padding: '=' where none belongs, or anything after it.
	Padding
	// Bits: the last character carries bits that are not zero.
	Bits
)

// String names the fault for a finding's parameter.
func (k Kind) String() string {
	return [...]string{"", "character", "length", "padding", "trailing bits"}[k]
}

// Error is a fault and where it stands: byte Offset of piece Piece.
type Error struct {
	Kind          Kind
	Piece, Offset int
	Byte          byte
}

// Error tells the fault in English.
func (e *Error) Error() string { return "base64: " + e.Kind.String() }

var strict = base64.StdEncoding.Strict()

// Decode decodes the concatenation of pieces and counts the whitespace in it.
// The pieces are not changed. On a fault the bytes are nil.
func Decode(pieces ...[]byte) ([]byte, int, *Error) {
	src, space := compact(pieces)
	dst := src
	if space == 0 && len(pieces) == 1 {
		dst = make([]byte, strict.DecodedLen(len(src)))
	}
	n, err := strict.Decode(dst, src)
	if err != nil {
		return nil, space, diagnose(pieces)
	}
	return dst[:n:n], space, nil
}

// compact joins the pieces without whitespace into a new slice; one piece
// without whitespace is given back as it is.
func compact(pieces [][]byte) (joined []byte, space int) {
	total, lines := 0, 0
	for _, p := range pieces {
		total += len(p)
		lines += bytes.Count(p, []byte{'\n'})
		for _, c := range []byte(" \t\r") {
			space += bytes.Count(p, []byte{c})
		}
	}
	if len(pieces) == 1 && space+lines == 0 {
		return pieces[0], 0
	}
	next := func(p []byte) int { return bytes.IndexByte(p, '\n') } // the usual whitespace, and the fastest to find
	if space > 0 {
		next = func(p []byte) int { return bytes.IndexAny(p, " \t\r\n") }
	}
	joined = make([]byte, 0, total-space-lines)
	for _, p := range pieces {
		for len(p) > 0 {
			end := next(p)
			if end < 0 {
				joined = append(joined, p...)
				break
			}
			joined = append(joined, p[:end]...)
			p = p[end+1:]
		}
	}
	return joined, space + lines
}

// diagnose finds the first fault of text that is known to be wrong.
func diagnose(pieces [][]byte) *Error {
	d := diagnosis{}
	last := Error{Kind: Length}
	for i, p := range pieces {
		for j, c := range p {
			if c == ' ' || c == '\t' || c == '\r' || c == '\n' {
				continue
			}
			last.Piece, last.Offset, last.Byte = i, j, c
			if k := d.next(c); k != 0 {
				last.Kind = k
				return &last
			}
		}
	}
	return &last
}

// diagnosis walks characters: its place in the group of four, the padding seen,
// and the value of the character before.
type diagnosis struct {
	group, pads int
	value       int
}

func (d *diagnosis) next(c byte) Kind {
	v := value(c)
	switch {
	case c == '=':
		return d.pad()
	case v < 0:
		return Character
	case d.pads > 0:
		return Padding
	}
	d.value = v
	d.group = (d.group + 1) % 4
	return 0
}

// pad judges one '=': at most two, at a group's end, after zero bits.
func (d *diagnosis) pad() Kind {
	switch {
	case d.group == 2 && d.value&0x0f != 0, d.group == 3 && d.pads == 0 && d.value&0x03 != 0:
		return Bits
	case d.group < 2:
		return Padding
	}
	d.pads++
	d.group = (d.group + 1) % 4
	return 0
}

func value(c byte) int {
	switch {
	case c >= 'A' && c <= 'Z':
		return int(c - 'A')
	case c >= 'a' && c <= 'z':
		return int(c-'a') + 26
	case c >= '0' && c <= '9':
		return int(c-'0') + 52
	case c == '+':
		return 62
	case c == '/':
		return 63
	default:
		return -1
	}
}
