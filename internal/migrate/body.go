package migrate

import (
	"bytes"
	"encoding/binary"
	"errors"
	"path"
	"strings"

	"portti/internal/xmltree"

	"golang.org/x/image/tiff"
)

// content is what a document holds: PDF, or XHTML sections that the display form
// is made of.
type content struct {
	pdf []byte
	// xhtml is the inside of the display form's main part.
	xhtml string
	// pages are the pictures of a scanned document, as JPEG.
	pages [][]byte
	// originals are the pictures that pages were made of.
	originals []original
	// source are the octets that make two documents the same.
	source []byte
}

type original struct {
	mediaType string
	bytes     []byte
}

// readContent reads the file or files of a row, or its own text. Pages become what
// the mapping says.
func readContent(row *Row, m *Mapping, f files, limit int64) (*content, error) {
	c, err := rawContent(row, m, f, limit)
	if err != nil || len(c.pages) == 0 {
		return c, err
	}
	if m.Pages == "pdf" {
		c.pdf, err = pagesPDF(c.pages)
	} else {
		c.xhtml = display(c.pages)
	}
	c.pages = nil
	return c, err
}

func rawContent(row *Row, m *Mapping, f files, limit int64) (*content, error) {
	name := row.Values["file"]
	if name == "" {
		if row.Values["text"] == "" {
			return nil, refuse(ReasonFileNone, "")
		}
		return textContent(row.Values["text"]), nil
	}
	names := strings.Split(name, m.PageSeparator)
	if len(names) == 1 {
		b, err := f.read(name, limit)
		if err != nil {
			return nil, err
		}
		return contentOf(name, b)
	}
	return pageContent(names, f, limit)
}

// pageContent joins several files, each a page or more, all pictures.
func pageContent(names []string, f files, limit int64) (*content, error) {
	out := &content{}
	var total int64
	for _, n := range names {
		n = strings.TrimSpace(n)
		b, err := f.read(n, limit-total)
		if err != nil {
			return nil, err
		}
		total += int64(len(b))
		if k := kindOf(b); k != kindJPEG && k != kindTIFF {
			return nil, refuse(ReasonFileKind, "%s among pages", n)
		}
		c, err := contentOf(n, b)
		if err != nil {
			return nil, err
		}
		if out.pages = append(out.pages, c.pages...); len(out.pages) > maxPages {
			return nil, refuse(ReasonImage, "%s", n)
		}
		out.originals = append(out.originals, c.originals...)
		out.source = append(out.source, c.source...)
	}
	return out, nil
}

// fileKind is told by a file's first octets; its name tells only text from markup.
type fileKind uint8

const (
	kindUnknown fileKind = iota
	kindPDF
	kindJPEG
	kindTIFF
	kindMarkup
	kindText
)

func kindOf(b []byte) fileKind {
	head := bytes.TrimLeft(bytes.TrimPrefix(b[:min(len(b), 1024)], []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case bytes.HasPrefix(head, []byte("%PDF-")):
		return kindPDF
	case bytes.HasPrefix(b, []byte{0xff, 0xd8, 0xff}):
		return kindJPEG
	case bytes.HasPrefix(b, []byte("II*\x00")), bytes.HasPrefix(b, []byte("MM\x00*")):
		return kindTIFF
	case bytes.HasPrefix(head, []byte("<")):
		return kindMarkup
	case bytes.IndexByte(b, 0) < 0:
		return kindText
	}
	return kindUnknown
}

// contentOf turns one file into content.
func contentOf(name string, b []byte) (*content, error) {
	if len(bytes.TrimSpace(b)) == 0 {
		return nil, refuse(ReasonFileEmpty, "%s", name)
	}
	ext := strings.ToLower(path.Ext(cleanName(name)))
	kind := kindOf(b)
	utf16 := len(b) > 2 && (b[0] == 0xff && b[1] == 0xfe || b[0] == 0xfe && b[1] == 0xff)
	switch {
	case kind == kindPDF, ext == ".pdf":
		return pdfContent(name, b)
	case kind == kindJPEG, kind == kindTIFF, ext == ".jpg", ext == ".jpeg", ext == ".tif", ext == ".tiff":
		return imageContent(name, b)
	case (kind == kindMarkup || utf16) && (ext == ".xhtml" || ext == ".html" || ext == ".htm" || ext == ".xml"):
		return markupContent(name, b)
	case kind == kindText, kind == kindMarkup, utf16:
		t := decodeWhole(b)
		if !carriable(t) {
			return nil, refuse(ReasonCharacters, "%s", name)
		}
		c := textContent(t)
		c.source = b
		return c, nil
	}
	return nil, refuse(ReasonFileKind, "%s", name)
}

// pdfContent takes a PDF as it is: its beginning, its end and its table must be
// there. What else the archive demands of it, the engine says.
func pdfContent(name string, b []byte) (*content, error) {
	tail := b[max(0, len(b)-2048):]
	if !bytes.HasPrefix(b, []byte("%PDF-")) || !bytes.Contains(tail, []byte("%%EOF")) || !bytes.Contains(tail, []byte("startxref")) {
		return nil, refuse(ReasonPDF, "%s", name)
	}
	return &content{pdf: b, source: b}, nil
}

func textContent(s string) *content {
	var b strings.Builder
	for para := range strings.SplitSeq(strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n"), "\n\n") {
		if para = strings.Trim(para, "\n"); para == "" {
			continue
		}
		b.WriteString("<p>")
		for i, l := range strings.Split(para, "\n") {
			if i > 0 {
				b.WriteString("<br/>")
			}
			b.WriteString(escape(l))
		}
		b.WriteString("</p>")
	}
	return &content{xhtml: section("Sisältö", b.String()), source: []byte(s)}
}

// markupContent takes well-formed XHTML: its body's inside goes into the display
// form. Whether its elements may stand there, the engine says.
func markupContent(name string, b []byte) (*content, error) {
	text := decodeWhole(b)
	if i := strings.Index(text, "?>"); strings.HasPrefix(strings.TrimSpace(text), "<?xml") && i > 0 {
		text = text[i+2:]
	}
	if i := strings.Index(text, "<!DOCTYPE"); i >= 0 && i < 1024 {
		if j := strings.IndexByte(text[i:], '>'); j > 0 {
			text = text[:i] + text[i+j+1:]
		}
	}
	text = entities.Replace(strings.TrimSpace(text))
	t, err := xmltree.Parse([]byte(text), xmltree.Limits{Bytes: len(text) + 1})
	if err != nil {
		return nil, refuse(ReasonXHTML, "%s", name)
	}
	root := t.Root()
	if t.Local(root) == "html" {
		body := xmltree.None
		for n := range t.Children(root) {
			if t.Local(n) == "body" {
				body = n
			}
		}
		if body == xmltree.None {
			return nil, refuse(ReasonXHTML, "%s has no body", name)
		}
		root = body
	}
	var inside strings.Builder
	if err := copyMarkup(&inside, t, root, 0); err != nil {
		return nil, refuse(ReasonXHTML, "%s", name)
	}
	return &content{xhtml: section("Sisältö", inside.String()), source: b}, nil
}

// entities are those that old XHTML uses and XML does not know by itself.
var entities = strings.NewReplacer("&nbsp;", "\u00a0", "&auml;", "ä", "&ouml;", "ö", "&aring;", "å", "&Auml;", "Ä", "&Ouml;", "Ö",
	"&Aring;", "Å", "&euro;", "€", "&ndash;", "–", "&mdash;", "—", "&rdquo;", "”", "&ldquo;", "“", "&rsquo;", "’", "&eacute;", "é")

var errDepth = errors.New("too deep")

// copyMarkup writes the children of n without namespace declarations: they stand
// in the display form's XHTML.
func copyMarkup(b *strings.Builder, t *xmltree.Tree, n xmltree.Node, depth int) error {
	if depth > 200 {
		return errDepth
	}
	for c := t.FirstChild(n); c != xmltree.None; c = t.NextSibling(c) {
		switch t.Kind(c) {
		case xmltree.Text, xmltree.CData:
			b.WriteString(escape(string(t.Value(c))))
		case xmltree.Element:
			name := strings.ToLower(t.Local(c))
			b.WriteString("<" + name)
			first, end := t.Attrs(c)
			for a := first; a < end; a++ {
				if t.AttrSpace(a) == "" {
					b.WriteString(" " + t.AttrLocal(a) + `="` + escape(t.AttrValue(a)) + `"`)
				}
			}
			b.WriteString(">")
			if err := copyMarkup(b, t, c, depth+1); err != nil {
				return err
			}
			b.WriteString("</" + name + ">")
		}
	}
	return nil
}

// imageContent makes a page or pages of pictures: JPEG as it is, each page of a
// TIFF as JPEG.
func imageContent(name string, b []byte) (*content, error) {
	c := &content{source: b, originals: []original{{"image/jpeg", b}}}
	if kindOf(b) == kindJPEG {
		page, err := soundJPEG(b)
		if err != nil {
			return nil, refuse(ReasonImage, "%s", name)
		}
		c.pages = [][]byte{page}
		return c, nil
	}
	var err error
	if c.pages, err = tiffPages(b); err != nil {
		return nil, refuse(ReasonImage, "%s", name)
	}
	c.originals[0].mediaType = "image/tiff"
	return c, nil
}

func section(title, inside string) string {
	return `<div class="soc-list"><div class="soc-item"><h1 class="soc-title">` + title + `</h1><div class="soc-content">` + inside + "</div></div></div>\n"
}

// tiffPages gives every page as JPEG. The library reads the first picture only, so
// each page's directory is made the first in turn.
func tiffPages(b []byte) ([][]byte, error) {
	if len(b) < 8 {
		return nil, errPicture
	}
	var order binary.ByteOrder = binary.LittleEndian
	if b[0] == 'M' {
		order = binary.BigEndian
	}
	own := bytes.Clone(b)
	var out [][]byte
	seen := map[uint32]bool{}
	pixels := 0
	for at := order.Uint32(b[4:]); at != 0; {
		if seen[at] || len(out) == maxPages || uint64(at)+2 > uint64(len(b)) {
			return nil, errPicture
		}
		seen[at] = true
		order.PutUint32(own[4:], at)
		config, err := tiff.DecodeConfig(bytes.NewReader(own))
		if err != nil {
			return nil, err
		}
		if pixels += config.Width * config.Height; pixels > maxAll {
			return nil, errPicture
		}
		err = onePage(config, func() error {
			m, err := tiff.Decode(bytes.NewReader(own))
			if err != nil {
				return err
			}
			page, err := asJPEG(m)
			out = append(out, page)
			return err
		})
		if err != nil {
			return nil, err
		}
		end := uint64(at) + 2 + 12*uint64(order.Uint16(b[at:]))
		if end+4 > uint64(len(b)) {
			return nil, errPicture
		}
		at = order.Uint32(b[end:])
	}
	if len(out) == 0 {
		return nil, errPicture
	}
	return out, nil
}
