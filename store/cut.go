package store

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
)

// A frame mostly carries its document once more, as base64 lines or, by MTOM, as
// it is. Such a frame is kept with the document cut out and a note of how it stood
// there, so that the archive is not more than twice its documents and the frame
// comes back byte for byte all the same. Where the document does not stand in it
// in a form that can be made again exactly, the frame is kept whole.
//
// A cut frame is codecCut, form (1 byte), then as varints: offset, characters a
// line (0: one line), length of the line end, and the line end itself; then the
// payload of what is left.
const (
	codecCut byte = 2
	// codecPair holds a cut frame together with its document: the length of the
	// document's payload as varint, that payload, the frame's payload.
	codecPair byte = 3
)

// The forms in which a document stands in a frame.
const (
	formRaw    byte = 0
	formBase64 byte = 1
)

// cut tells where and how a document stands in a frame.
type cut struct {
	form       byte
	start, end int
	line       int
	eol        []byte
}

// lineEnds are those of base64 in XML: a carriage return may stand as a reference.
var lineEnds = [][]byte{[]byte("\n"), []byte("\r\n"), []byte("&#13;\n"), []byte("&#xD;\n"), []byte("&#xd;\n")}

// packFrame makes the payload of a frame, cut where that can be undone.
func packFrame(frame, document []byte) []byte {
	c, ok := findDocument(frame, document)
	if !ok {
		return pack(frame)
	}
	rest := make([]byte, 0, len(frame)-(c.end-c.start))
	rest = append(append(rest, frame[:c.start]...), frame[c.end:]...)
	out := []byte{codecCut, c.form}
	out = binary.AppendUvarint(out, uint64(c.start))
	out = binary.AppendUvarint(out, uint64(c.line))
	out = binary.AppendUvarint(out, uint64(len(c.eol)))
	out = append(out, c.eol...)
	return append(out, pack(rest)...)
}

// probeBytes is how much of a document is looked for: a multiple of 3, short
// enough to stand on the first line of base64.
const probeBytes = 42

func findDocument(frame, document []byte) (cut, bool) {
	if len(document) < smallest {
		return cut{}, false
	}
	probe := base64.StdEncoding.AppendEncode(nil, document[:probeBytes])
	if i := bytes.Index(frame, probe); i >= 0 {
		return matchBase64(frame, document, i)
	}
	if i := bytes.Index(frame, document); i >= 0 {
		return cut{form: formRaw, start: i, end: i + len(document)}, true
	}
	return cut{}, false
}

// matchBase64 proves that from start on the frame holds the document's base64 in
// lines of one length.
func matchBase64(frame, document []byte, start int) (cut, bool) {
	c := cut{form: formBase64, start: start}
	run := start
	for run < len(frame) && isBase64(frame[run]) {
		run++
	}
	if n := run - start; n < base64.StdEncoding.EncodedLen(len(document)) {
		c.line = n
		for _, e := range lineEnds {
			if bytes.HasPrefix(frame[run:], e) {
				c.eol = e
			}
		}
		if c.eol == nil || n%4 != 0 {
			return c, false
		}
	}
	c.end = start
	for piece := range c.pieces(document) {
		if !bytes.HasPrefix(frame[c.end:], piece) {
			return c, false
		}
		c.end += len(piece)
	}
	return c, true
}

func isBase64(b byte) bool {
	return 'A' <= b && b <= 'Z' || 'a' <= b && b <= 'z' || '0' <= b && b <= '9' || b == '+' || b == '/' || b == '='
}

// pieces gives the document in its form, piece by piece; a piece is valid until
// the next.
func (c *cut) pieces(document []byte) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		if c.form == formRaw {
			yield(document)
			return
		}
		step := c.line / 4 * 3
		if step == 0 {
			step = 3 << 12
		}
		var buf []byte
		for at := 0; at < len(document); at += step {
			buf = buf[:0]
			if at > 0 {
				buf = append(buf, c.eol...)
			}
			buf = base64.StdEncoding.AppendEncode(buf, document[at:min(at+step, len(document))])
			if !yield(buf) {
				return
			}
		}
	}
}

var errCut = errors.New("cut frame is malformed")

// unpackFrame gives the bytes of a frame's payload; document is needed for a cut one.
func unpackFrame(p, document []byte) ([]byte, error) {
	if len(p) < 2 || p[0] != codecCut {
		return unpack(p)
	}
	c := cut{form: p[1]}
	rest := p[2:]
	var start, line, eol uint64
	for _, v := range []*uint64{&start, &line, &eol} {
		n := 0
		if *v, n = binary.Uvarint(rest); n <= 0 {
			return nil, errCut
		}
		rest = rest[n:]
	}
	if eol > uint64(len(rest)) || line > maxPayload || c.form > formBase64 {
		return nil, errCut
	}
	c.line, c.eol = int(line), rest[:eol]
	around, err := unpack(rest[eol:])
	if err != nil {
		return nil, err
	}
	if start > uint64(len(around)) {
		return nil, errCut
	}
	out := make([]byte, 0, len(around)+base64.StdEncoding.EncodedLen(len(document))*80/76+64)
	out = append(out, around[:start]...)
	for piece := range c.pieces(document) {
		out = append(out, piece...)
	}
	return append(out, around[start:]...), nil
}

// pair makes one payload of a frame's and its document's, for where the document
// is not archived.
func pair(frame, document []byte) []byte {
	if frame[0] != codecCut {
		return frame
	}
	out := binary.AppendUvarint([]byte{codecPair}, uint64(len(document)))
	return append(append(out, document...), frame...)
}

func unpackPair(p []byte) ([]byte, error) {
	size, n := binary.Uvarint(p[1:])
	if n <= 0 || size > uint64(len(p)-1-n) {
		return nil, errCut
	}
	p = p[1+n:]
	document, err := unpack(p[:size])
	if err != nil {
		return nil, err
	}
	return unpackFrame(p[size:], document)
}
