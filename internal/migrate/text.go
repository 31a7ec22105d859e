package migrate

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Old exports mix encodings, at times within one file: each field is judged by
// itself. Octets that are UTF-8 are UTF-8; others are Windows-1252 where they use
// its signs at 0x80–0x9F, else ISO-8859-1 (for whose signs both say the same).
func decodeText(b []byte) string {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	if utf8.Valid(b) {
		return string(b)
	}
	from := charmap.ISO8859_1
	for _, c := range b {
		if c >= 0x80 && c <= 0x9f {
			from = charmap.Windows1252
			break
		}
	}
	out, err := from.NewDecoder().Bytes(b)
	if err != nil { // neither refuses an octet
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	return string(out)
}

// decodeWhole is decodeText for a file that may be UTF-16 with a byte order mark.
func decodeWhole(b []byte) string {
	if len(b) >= 2 && (b[0] == 0xff && b[1] == 0xfe || b[0] == 0xfe && b[1] == 0xff) {
		out, err := unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder().Bytes(b)
		if err == nil {
			return string(out)
		}
	}
	return decodeText(b)
}

// byteLines gives a reader of a table's octets: UTF-16 as UTF-8, other octets as
// they are, without a byte order mark.
func byteLines(r io.Reader) (*bufio.Reader, error) {
	br := bufio.NewReaderSize(r, 64<<10)
	head, err := br.Peek(3)
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case len(head) >= 2 && (head[0] == 0xff && head[1] == 0xfe || head[0] == 0xfe && head[1] == 0xff):
		d := unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder()
		return bufio.NewReaderSize(transform.NewReader(br, d), 64<<10), nil
	case bytes.Equal(head, []byte("\xef\xbb\xbf")):
		_, err = br.Discard(3)
	default:
		err = nil
	}
	return br, err
}

// carriable tells whether XML can carry a text.
func carriable(s string) bool {
	for _, r := range s {
		if r < ' ' && r != '\n' && r != '\t' && r != '\r' || r == 0xfffe || r == 0xffff {
			return false
		}
	}
	return true
}
