// Package pdfscan looks through a PDF for what a document for the archive must not
// have: encryption, scripts, actions that start programs, embedded files; and for
// the statement that it is PDF/A.
//
//	r := pdfscan.Scan(bytes, pdfscan.Limits{})
//	if r.Encrypted { … }
//
// It reads names and not the structure: every object outside streams, the objects
// in compressed object streams, and XMP metadata that stand uncompressed, as PDF/A
// demands. It is no validator of PDF/A: fonts, colours and the contents of pages
// are not looked at. A name in an object that nothing refers to counts too.
//
// The work is linear in the size, inflating is bounded, and nothing is run.
package pdfscan

import (
	"bytes"
	"compress/zlib"
	"errors"
	"io"
)

// Limits bound the work. Zero fields have defaults.
type Limits struct {
	// Inflated bounds the bytes of all inflated object streams; 16 MB.
	Inflated int
}

// Result is what was found.
type Result struct {
	// Header is the offset of %PDF-, -1 where there is none.
	Header int
	// Encrypted: a name /Encrypt stands in a trailer or object.
	Encrypted bool
	// Script: /JavaScript or /JS; Launch: an action that starts a program.
	Script, Launch bool
	// Embedded: a file within the file.
	Embedded bool
	// Part is the part of PDF/A that the metadata claim, "" where none.
	Part string
	// Partial tells that object streams were not all read: too large, or in a form
	// that is not known here.
	Partial bool
}

const defaultInflated = 16 << 20

// Scan looks through src.
func Scan(src []byte, lim Limits) Result {
	if lim.Inflated == 0 {
		lim.Inflated = defaultInflated
	}
	s := scanner{src: src, left: lim.Inflated}
	s.out.Header = bytes.Index(src[:min(len(src), 1024)], []byte("%PDF-"))
	s.objects()
	return s.out
}

type scanner struct {
	src  []byte
	left int // bytes that may still be inflated
	out  Result
}

// objects goes through the file: pieces outside streams are searched for names,
// streams by what their dictionary says.
func (s *scanner) objects() {
	for at := 0; at < len(s.src); {
		begin, data := nextStream(s.src, at)
		if begin < 0 {
			s.names(s.src[at:])
			return
		}
		s.names(s.src[at:begin])
		end := bytes.Index(s.src[data:], []byte("endstream"))
		if end < 0 {
			end = len(s.src) - data
		}
		dict := s.src[at:begin]
		if i := bytes.LastIndex(dict, []byte(" obj")); i >= 0 {
			dict = dict[i:]
		}
		s.stream(dict, s.src[data:data+end])
		at = data + end + min(len("endstream"), len(s.src)-data-end)
	}
}

// nextStream finds the keyword stream after a dictionary, and where its data begin.
func nextStream(src []byte, at int) (keyword, data int) {
	for {
		i := bytes.Index(src[at:], []byte("stream"))
		if i < 0 {
			return -1, -1
		}
		i += at
		at = i + len("stream")
		before := bytes.TrimRight(src[max(0, i-16):i], " \t\r\n\f\x00")
		if !bytes.HasSuffix(before, []byte(">>")) || at >= len(src) || src[at] != '\r' && src[at] != '\n' {
			continue
		}
		return i, at
	}
}

// stream reads what a stream may hide: objects, and metadata.
func (s *scanner) stream(dict, data []byte) {
	plain := !bytes.Contains(dict, []byte("/Filter"))
	switch {
	case bytes.Contains(dict, []byte("/ObjStm")):
		if plain {
			s.names(data)
			return
		}
		s.inflate(dict, data)
	case plain && s.out.Part == "":
		s.out.Part = archivalPart(data)
	}
}

// inflate reads the names in a compressed object stream.
func (s *scanner) inflate(dict, data []byte) {
	if !bytes.Contains(dict, []byte("/FlateDecode")) && !bytes.Contains(dict, []byte("/Fl ")) || bytes.Contains(dict, []byte("/DecodeParms")) {
		s.out.Partial = true
		return
	}
	z, err := zlib.NewReader(bytes.NewReader(bytes.TrimLeft(data, "\r\n")))
	if err != nil {
		s.out.Partial = true
		return
	}
	defer z.Close()
	b, err := io.ReadAll(io.LimitReader(z, int64(s.left)+1))
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) || len(b) > s.left {
		s.out.Partial = true
	}
	s.left = max(0, s.left-len(b))
	s.names(b)
}

// names looks for names, whose characters may be written as #xx.
func (s *scanner) names(b []byte) {
	var name [24]byte
	for i := bytes.IndexByte(b, '/'); i >= 0 && i < len(b); {
		n, end := readName(b, i+1, name[:])
		s.name(string(name[:n]))
		next := bytes.IndexByte(b[end:], '/')
		if next < 0 {
			return
		}
		i = end + next
	}
}

func (s *scanner) name(name string) {
	switch name {
	case "Encrypt":
		s.out.Encrypted = true
	case "JavaScript", "JS":
		s.out.Script = true
	case "Launch":
		s.out.Launch = true
	case "EmbeddedFile", "EmbeddedFiles":
		s.out.Embedded = true
	}
}

// readName reads a name that begins at i into buf (longer ones are cut), and
// gives its length and where it ends.
func readName(b []byte, i int, buf []byte) (n, end int) {
	for i < len(b) {
		c := b[i]
		if c <= ' ' || bytes.IndexByte([]byte("/()<>[]{}%"), c) >= 0 {
			break
		}
		if c == '#' && i+2 < len(b) {
			if hi, lo := hexValue(b[i+1]), hexValue(b[i+2]); hi >= 0 && lo >= 0 {
				c = byte(hi<<4 | lo)
				i += 2
			}
		}
		if n < len(buf) {
			buf[n] = c
			n++
		}
		i++
	}
	return n, i
}

func hexValue(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// archivalPart gives the part of PDF/A that XMP metadata claim, written as an
// element or an attribute.
func archivalPart(xmp []byte) string {
	for _, form := range []string{"pdfaid:part>", `pdfaid:part="`, "pdfaid:part='"} {
		i := bytes.Index(xmp, []byte(form))
		if i < 0 {
			continue
		}
		rest := bytes.TrimLeft(xmp[i+len(form):], " \t\r\n")
		if len(rest) > 0 && rest[0] >= '1' && rest[0] <= '9' {
			return string(rest[:1])
		}
	}
	return ""
}
