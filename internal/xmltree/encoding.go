package xmltree

import (
	"bytes"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// form is how the source is encoded.
type form struct {
	enc encoding
	bom int // bytes of the byte order mark
}

type encoding uint8

const (
	encUTF8 encoding = iota
	encLatin1
	encUTF16LE
	encUTF16BE
)

func (f form) String() string {
	return [...]string{"UTF-8", "ISO-8859-1", "UTF-16LE", "UTF-16BE"}[f.enc]
}

// transcoded tells whether text is not part of the source.
func (f form) transcoded() bool { return f.enc != encUTF8 }

// decoded is the source as UTF-8. tail is the code of a fault that ended the
// decoding right after text, start the place after the XML declaration.
type decoded struct {
	text  []byte
	form  form
	tail  string
	start int
}

// decode finds out the encoding (XML 1.0, 4.3.3 and appendix F), decodes, and reads
// the XML declaration.
func decode(src []byte) (decoded, error) {
	in, wide := sniff(src)
	if in.form.enc == encUTF16LE || in.form.enc == encUTF16BE {
		in.text, in.tail = fromUTF16(src[in.form.bom:], in.form.enc == encUTF16BE)
	}
	switch {
	case wide:
		return in, failf(0, CodeEncoding, "four bytes a character are not supported")
	case len(in.text) == 0 && in.tail == "":
		return in, failf(0, CodeRoot, "there is no root element")
	}
	d, err := readXMLDecl(in.text)
	if err != nil {
		return in, err
	}
	in.start = d.end
	return in, in.agree(d)
}

// sniff looks at the first bytes. wide tells of a form with four bytes a character.
func sniff(src []byte) (in decoded, wide bool) {
	has := func(prefix string) bool { return strings.HasPrefix(string(src[:min(4, len(src))]), prefix) }
	in.text = src
	switch {
	case has("\x00\x00\xFE\xFF"), has("\xFF\xFE\x00\x00"), has("\x00\x00\x00<"), has("<\x00\x00\x00"):
		return in, true
	case has("\xEF\xBB\xBF"):
		in.text, in.form = src[3:], form{encUTF8, 3}
	case has("\xFF\xFE"):
		in.form = form{encUTF16LE, 2}
	case has("\xFE\xFF"):
		in.form = form{encUTF16BE, 2}
	case has("<\x00?\x00"):
		in.form = form{encUTF16LE, 0}
	case has("\x00<\x00?"):
		in.form = form{encUTF16BE, 0}
	}
	return in, false
}

// agree compares the declared encoding with the bytes, and decodes ISO-8859-1.
// UTF-16 without a byte order mark needs a declaration.
func (in *decoded) agree(d xmlDecl) error {
	enc := strings.ToUpper(d.encoding)
	ok := false
	switch in.form.enc {
	case encUTF8:
		if enc == "US-ASCII" || enc == "ASCII" {
			return in.agreeASCII(enc)
		}
		ok = enc == "" || enc == "UTF-8" || enc == "ISO-8859-1" && in.form.bom == 0
	case encUTF16LE:
		ok = enc == "UTF-16" || enc == "UTF-16LE" || enc == "" && in.form.bom > 0
	case encUTF16BE:
		ok = enc == "UTF-16" || enc == "UTF-16BE" || enc == "" && in.form.bom > 0
	}
	switch {
	case ok && enc == "ISO-8859-1":
		in.form.enc = encLatin1
		in.text = fromLatin1(in.text)
		return nil
	case ok:
		return nil
	case enc == "":
		return failf(0, CodeMismatch, "UTF-16 with neither a byte order mark nor a declared encoding")
	}
	switch enc {
	case "UTF-8", "UTF-16", "UTF-16LE", "UTF-16BE", "ISO-8859-1":
		return failf(d.encodingAt, CodeMismatch, "the declared encoding is %s, the bytes are %s", enc, in.form)
	}
	return failf(d.encodingAt, CodeEncoding, "the encoding %s is not supported", clip(d.encoding))
}

// agreeASCII takes declared ASCII as what it is, a part of UTF-8.
func (in *decoded) agreeASCII(enc string) error {
	for i, c := range in.text {
		if c >= utf8.RuneSelf {
			return failf(i, CodeMismatch, "the declared encoding is %s, a byte is beyond it", enc)
		}
	}
	return nil
}

// fromLatin1 decodes ISO-8859-1. Without bytes beyond ASCII it copies nothing.
func fromLatin1(src []byte) []byte {
	high := 0
	for _, c := range src {
		high += int(c >> 7)
	}
	if high == 0 {
		return src
	}
	text := make([]byte, 0, len(src)+high)
	for _, c := range src {
		if c < utf8.RuneSelf {
			text = append(text, c)
		} else {
			text = append(text, 0xC0|c>>6, 0x80|c&0x3F)
		}
	}
	return text
}

// fromUTF16 decodes UTF-16 up to the first lone surrogate or half unit, of which
// tail tells.
func fromUTF16(src []byte, big bool) (text []byte, tail string) {
	lo, hi := 0, 1
	if big {
		lo, hi = 1, 0
	}
	text = make([]byte, 0, len(src)/2+len(src)/16+16)
	for i := 0; i < len(src); i += 2 {
		if i+1 == len(src) {
			return text, CodeUTF16
		}
		u := rune(src[i+hi])<<8 | rune(src[i+lo])
		if u < utf8.RuneSelf {
			text = append(text, byte(u))
			continue
		}
		if utf16.IsSurrogate(u) {
			if i+3 >= len(src) {
				return text, CodeUTF16
			}
			u = utf16.DecodeRune(u, rune(src[i+2+hi])<<8|rune(src[i+2+lo]))
			if u == utf8.RuneError {
				return text, CodeUTF16
			}
			i += 2
		}
		text = utf8.AppendRune(text, u)
	}
	return text, ""
}

// xmlDecl is an XML declaration; end is the place after it, 0 where there is none.
type xmlDecl struct {
	encoding        string
	encodingAt, end int
}

// readXMLDecl reads the XML declaration (2.8) if text begins with one:
// version, then optionally encoding, then optionally standalone.
func readXMLDecl(text []byte) (d xmlDecl, err error) {
	const open = "<?xml"
	if !bytes.HasPrefix(text, []byte(open)) || len(text) == len(open) || class[text[len(open)]]&cSpace == 0 {
		return d, nil
	}
	r := declReader{text: text, i: len(open)}
	version, at, ok := r.field("version")
	if !ok {
		return d, r.fault("version is missing or faulty")
	}
	if !isVersion(version) {
		return d, failf(at, CodeVersion, "the version is not 1.0")
	}
	if d.encoding, d.encodingAt, ok = r.field("encoding"); ok && !isEncName(d.encoding) {
		return d, failf(d.encodingAt, CodeXMLDecl, "the encoding's name is faulty")
	}
	if alone, at, ok := r.field("standalone"); ok && alone != "yes" && alone != "no" {
		return d, failf(at, CodeXMLDecl, "standalone is neither yes nor no")
	}
	r.space()
	if !bytes.HasPrefix(text[r.i:], []byte("?>")) {
		return d, r.fault("something else than version, encoding and standalone in this order")
	}
	d.end = r.i + 2
	return d, nil
}

// declReader reads the fields of an XML declaration.
type declReader struct {
	text []byte
	i    int
}

func (r *declReader) fault(detail string) error {
	if r.i == len(r.text) {
		return unclosed(0, "the XML declaration")
	}
	return failf(r.i, CodeXMLDecl, "the XML declaration is faulty: %s", detail)
}

func (r *declReader) space() bool {
	from := r.i
	for r.i < len(r.text) && class[r.text[r.i]]&cSpace != 0 {
		r.i++
	}
	return r.i > from
}

// field reads white space and name="value". It moves on only where all is there.
func (r *declReader) field(name string) (value string, at int, ok bool) {
	from := r.i
	defer func() {
		if !ok {
			r.i = from
		}
	}()
	if !r.space() || !bytes.HasPrefix(r.text[r.i:], []byte(name)) {
		return "", 0, false
	}
	r.i += len(name)
	r.space()
	if r.i == len(r.text) || r.text[r.i] != '=' {
		return "", 0, false
	}
	r.i++
	r.space()
	if r.i == len(r.text) || r.text[r.i] != '"' && r.text[r.i] != '\'' {
		return "", 0, false
	}
	const most = 100 // no version, encoding or standalone is longer
	rest := r.text[r.i+1 : min(len(r.text), r.i+1+most)]
	n := bytes.IndexByte(rest, r.text[r.i])
	if n < 0 {
		return "", 0, false
	}
	at = r.i + 1
	r.i = at + n + 1
	return string(rest[:n]), at, true
}

// isVersion is production 26: "1." and digits.
func isVersion(s string) bool {
	minor, ok := strings.CutPrefix(s, "1.")
	return ok && minor != "" && strings.Trim(minor, "0123456789") == ""
}

// isEncName is production 81.
func isEncName(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		letter := c >= 'a' && c <= 'z'
		other := s[i] >= '0' && s[i] <= '9' || s[i] == '.' || s[i] == '_' || s[i] == '-'
		if !letter && (i == 0 || !other) {
			return false
		}
	}
	return s != ""
}
