package xmltree_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"portti/internal/xmltree"
)

const nordic = "<?xml version='1.0'%s?>\r\n<läh€te a='å'>\r\n <b>ä😀</b><c d='€'/></läh€te>"

func latin1(s string) []byte {
	var b []byte
	for _, r := range s {
		b = append(b, byte(r))
	}
	return b
}

func TestEncodings(t *testing.T) {
	utf8Length := func(s string) int { return len(s) }
	text := func(encoding string) string { return fmt.Sprintf(nordic, encoding) }
	for _, k := range []struct {
		name, encoding, text string
		encode               func(text string) []byte
		length               func(text string) int // in bytes
		bom                  int
	}{
		{"no declaration", "UTF-8", text(""), func(s string) []byte { return []byte(s) }, utf8Length, 0},
		{"declared UTF-8", "UTF-8", text(" encoding='Utf-8'"), func(s string) []byte { return []byte(s) }, utf8Length, 0},
		{"UTF-8 with mark", "UTF-8", text(" encoding='UTF-8'"), func(s string) []byte { return []byte("\ufeff" + s) }, utf8Length, 3},
		{"UTF-16LE with mark", "UTF-16LE", text(""), func(s string) []byte { return toUTF16(s, false, true) }, utf16Length, 2},
		{"UTF-16BE with mark, declared", "UTF-16BE", text(" encoding='UTF-16'"), func(s string) []byte { return toUTF16(s, true, true) }, utf16Length, 2},
		{"UTF-16LE declared", "UTF-16LE", text(" encoding='UTF-16LE'"), func(s string) []byte { return toUTF16(s, false, false) }, utf16Length, 0},
		{"UTF-16BE recognised", "UTF-16BE", text(" encoding='utf-16'"), func(s string) []byte { return toUTF16(s, true, false) }, utf16Length, 0},
	} {
		t.Run(k.name, func(t *testing.T) {
			x, err := xmltree.Parse(k.encode(k.text), xmltree.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if x.Encoding() != k.encoding {
				t.Errorf("read as %s", x.Encoding())
			}
			c := x.Child(x.Root(), "", "c")
			d, _ := x.LookupAttr(c, "", "d")
			if s := x.Text(x.Root()) + x.AttrValue(d) + x.Attr(x.Root(), "a") + x.Local(x.Root()); s != "\n ä😀€åläh€te" {
				t.Errorf("read %q", s)
			}
			offset := func(what string) int { return k.bom + k.length(k.text[:strings.Index(k.text, what)]) }
			if p, want := x.Pos(c), (xmltree.Position{Line: 3, Column: 11, Offset: offset("<c")}); p != want {
				t.Errorf("position %+v, want %+v", p, want)
			}
			if p, want := x.AttrPos(d), (xmltree.Position{Line: 3, Column: 17, Offset: offset("€'/>")}); p != want {
				t.Errorf("position of the value %+v, want %+v", p, want)
			}
			if start, end := x.Range(c); start != offset("<c") || end != offset("</läh") {
				t.Errorf("range %d–%d, want %d–%d", start, end, offset("<c"), offset("</läh"))
			}
		})
	}
}

func TestLatin1(t *testing.T) {
	text := "<?xml version='1.0' encoding='ISO-8859-1'?>\n<a é='ä'>ö\u0080<b/></a>"
	doc := latin1(text)
	x, err := xmltree.Parse(doc, xmltree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	b := x.FirstElement(x.Root())
	if s := x.Text(x.Root()) + x.Attr(x.Root(), "é"); s[:4] != "ö\u0080" || s[4:] != "ä" {
		t.Errorf("read %q", s)
	}
	start, end := x.Range(b)
	if string(doc[start:end]) != "<b/>" {
		t.Errorf("range %q", doc[start:end])
	}
	if p := x.Pos(b); p != (xmltree.Position{Line: 2, Column: 12, Offset: len(doc) - len("<b/></a>")}) {
		t.Errorf("position %+v", p)
	}
	if x.Encoding() != "ISO-8859-1" {
		t.Error(x.Encoding())
	}
}

func TestEncodingFaults(t *testing.T) {
	decl := func(enc string) string { return "<?xml version='1.0' encoding='" + enc + "'?><a/>" }
	for _, k := range []struct {
		name, doc, code string
		line, col, off  int
	}{
		{"UTF-16 declared, UTF-8 sent", decl("UTF-16"), xmltree.CodeMismatch, 1, 31, 30},
		{"UTF-16LE declared, UTF-8 sent", decl("UTF-16LE"), xmltree.CodeMismatch, 1, 31, 30},
		{"ISO-8859-1 declared with UTF-8 mark", "\ufeff" + decl("ISO-8859-1"), xmltree.CodeMismatch, 1, 31, 33},
		{"UTF-8 declared, UTF-16 sent", string(toUTF16(decl("UTF-8"), true, true)), xmltree.CodeMismatch, 1, 31, 62},
		{"UTF-16BE declared, LE sent", string(toUTF16(decl("UTF-16BE"), false, true)), xmltree.CodeMismatch, 1, 31, 62},
		{"UTF-16 without mark and name", string(toUTF16("<?xml version='1.0'?><a/>", false, false)), xmltree.CodeMismatch, 1, 1, 0},
		{"UTF-16 without mark and declaration", string(toUTF16("<a/>", false, false)), xmltree.CodeChar, 1, 2, 1},
		{"lone surrogate", string(append(toUTF16("<a>é", false, true), 0x00, 0xD8, 'x', 0)), xmltree.CodeUTF16, 1, 5, 10},
		{"low surrogate first", string(append(toUTF16("<a>", true, true), 0xDC, 0, 0xD8, 0)), xmltree.CodeUTF16, 1, 4, 8},
		{"half unit", string(append(toUTF16("<a/>", true, true), 0)), xmltree.CodeUTF16, 1, 5, 10},
		{"half pair", string(append(toUTF16("<a/>", true, true), 0xD8, 0)), xmltree.CodeUTF16, 1, 5, 10},
		{"UTF-16 with U+FFFF", string(toUTF16("<a>\n\uffff</a>", true, true)), xmltree.CodeChar, 2, 1, 10},
		{"UTF-32LE", "\xff\xfe\x00\x00<\x00\x00\x00", xmltree.CodeEncoding, 1, 1, 0},
		{"UTF-32BE", "\x00\x00\x00<", xmltree.CodeEncoding, 1, 1, 0},
		{"EBCDIC", "\x4c\x6f\xa7\x94\x93", xmltree.CodeRoot, 1, 1, 0},
		{"windows-1252", decl("windows-1252"), xmltree.CodeEncoding, 1, 31, 30},
		{"ASCII with more", decl("US-ASCII") + "<!--ä-->", xmltree.CodeMismatch, 1, 50, 49},
		{"UTF-8 declared, Latin 1 sent", decl("UTF-8") + "\n<!--\xe4-->", xmltree.CodeUTF8, 2, 5, 47},
		{"control in Latin 1", decl("ISO-8859-1") + "\x02", xmltree.CodeChar, 1, 48, 47},
		{"only a mark", "\ufeff", xmltree.CodeRoot, 1, 1, 3},
	} {
		_, err := xmltree.Parse([]byte(k.doc), xmltree.Limits{})
		var e *xmltree.SyntaxError
		if !errors.As(err, &e) || e.Code != k.code || e.Line != k.line || e.Column != k.col || e.Offset != k.off {
			t.Errorf("%s: got %+v, want %s %d:%d at %d", k.name, err, k.code, k.line, k.col, k.off)
		}
	}
}

func TestAFaultBeforeABadByteComesFirst(t *testing.T) {
	for doc, want := range map[string]string{
		"<a>&nbsp;\xff</a>": xmltree.CodeEntity,
		"<a>\xff&nbsp;</a>": xmltree.CodeUTF8,
		"<a></b>\x00":       xmltree.CodeEndTag,
		"<a>\x00</b>":       xmltree.CodeChar,
	} {
		if e := syntaxError(t, doc, xmltree.Limits{}); e.Code != want {
			t.Errorf("%q: got %s, want %s", doc, e.Code, want)
		}
	}
}
