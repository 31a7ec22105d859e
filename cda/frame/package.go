package frame

import (
	"bytes"
	"mime"
	"strings"
	"unicode/utf8"

	"portti/cda"
	"portti/cda/internal/b64"
	"portti/internal/finding"
	"portti/internal/xmltree"
)

// PackageLimits bound a MIME package. The size of its parts is bounded by the
// message's.
type PackageLimits struct {
	// Parts is the greatest number of parts.
	Parts int
	// Headers is the greatest number of header lines of the package or a part.
	Headers int
	// HeaderBytes is the greatest size of the headers of the package or a part.
	HeaderBytes int
}

// DefaultPackageLimits: 64 parts, 32 header lines, 8 KB of headers.
var DefaultPackageLimits = PackageLimits{Parts: 64, Headers: 32, HeaderBytes: 8 << 10}

// maxBoundary is the longest boundary that is taken; RFC 2046 allows 70.
const maxBoundary = 200

// maxPackageFindings bounds the findings about one package.
const maxPackageFindings = 100

// Package is the unpacked MIME package of a frame (kanta-interface 3.3).
type Package struct {
	// Boundary is the parameter of Content-Type.
	Boundary string
	// Parts are all parts in order.
	Parts []*Part
	// Document is the part with the CDA document, nil where there is none.
	Document *Part
	// Attachments are the other parts.
	Attachments []*Part
}

// Part is one part of a package.
type Part struct {
	// ContentID is the header's value without angle brackets.
	ContentID string
	// MediaType is in small letters; empty where the part declares none.
	MediaType string
	// Charset is in small letters; empty where the part declares none.
	Charset string
	// Encoding is the transfer encoding in small letters, "7bit" where none is declared.
	Encoding string
	// Bytes is the decoded content, nil where it could not be decoded. It may share
	// memory with the message and must not be changed.
	Bytes []byte
	// Line is the line in the package's text where the content begins.
	Line int

	offset int // of the content in the package's text
}

// Package unpacks the MIME package in the frame's text element. Findings carry
// source "mime" and lines and columns of the package's own text; those about the
// element itself carry source "frame". The Package is nil where there is nothing
// to unpack; its Document is nil where it could not be had.
func (f *Frame) Package() (*Package, []finding.Finding) {
	r := &reader{t: f.Tree, f: f}
	text, ok := r.packageText()
	if !ok {
		return nil, r.out
	}
	p, out := Unpack(text, f.Document.ID.Root, DefaultPackageLimits)
	return p, append(r.out, out...)
}

// packageText gives the text that holds the package, without a copy where the
// element holds one piece of text.
func (r *reader) packageText() ([]byte, bool) {
	m := &r.f.Document
	if m.Text <= 0 {
		return nil, false
	}
	if e := r.t.FirstElement(m.Text); e != xmltree.None {
		rule := RuleTextElement
		if r.t.Local(e) == "mimeEncode" || r.t.Local(e) == "DXS" {
			rule = RuleTextPlaceholder
		}
		r.add(rule, e, "", finding.P("element", r.t.Local(e)))
		return nil, false
	}
	if base, _, _ := strings.Cut(m.MediaType, ";"); !strings.EqualFold(strings.TrimSpace(base), "multipart/related") {
		r.addAttr(RuleTextMediaType, m.Text, "mediaType", m.MediaType)
	}
	text := r.t.TextBytes(m.Text)
	switch m.Representation {
	case "", "TXT":
		return text, true
	case "B64":
		decoded, _, fault := b64.Decode(text)
		if fault != nil {
			r.add(RuleTextBase64, m.Text, "", finding.P("fault", fault.Kind.String()))
			return nil, false
		}
		return decoded, true
	default:
		r.addAttr(RuleTextRepresentation, m.Text, "representation", m.Representation)
		return nil, false
	}
}

// Unpack reads a MIME package from its text. documentID is the document's OID,
// by which its part is known. The tolerance is that of kanta-interface 3.3. The
// work is linear in len(text). The Package is never nil.
func Unpack(text []byte, documentID string, limits PackageLimits) (*Package, []finding.Finding) {
	u := &unpacker{text: text, limits: limits, p: &Package{}}
	u.lines.line = 1
	if at, ok := u.head(); ok {
		u.parts(at)
		u.choose(documentID)
	}
	return u.p, u.out
}

// unpacker reads one package.
type unpacker struct {
	text   []byte
	limits PackageLimits
	p      *Package
	out    []finding.Finding
	lines  locator
}

func (u *unpacker) add(rule string, offset int, value string, params ...finding.Param) {
	if len(u.out) >= maxPackageFindings {
		return
	}
	line, column := u.lines.at(u.text, offset)
	u.out = append(u.out, finding.Finding{
		Rule: rule, Place: finding.Place{Source: finding.SourceMIME, Line: line, Column: column}, Value: value, Params: params,
	})
}

// locator tells line and column of offsets; asked in rising order it looks at
// every byte once.
type locator struct{ offset, line, begin int }

func (l *locator) at(text []byte, offset int) (line, column int) {
	if offset < l.offset {
		*l = locator{line: 1}
	}
	passed := text[l.offset:offset]
	if i := bytes.LastIndexByte(passed, '\n'); i >= 0 {
		l.line += bytes.Count(passed, []byte{'\n'})
		l.begin = l.offset + i + 1
	}
	l.offset = offset
	return l.line, 1 + utf8.RuneCount(text[l.begin:offset])
}

// head reads the package's own headers and gives where they end.
func (u *unpacker) head() (int, bool) {
	start := len(u.text) - len(bytes.TrimLeft(u.text, " \t\r\n\ufeff"))
	if start == len(u.text) {
		u.add(RuleMIMEEmpty, 0, "")
		return 0, false
	}
	headers, at, ok := u.headers(start, len(u.text))
	if !ok {
		return 0, false
	}
	if headers.get("mime-version") == nil {
		u.add(RuleMIMEVersion, start, "")
	}
	contentType := headers.get("content-type")
	if contentType == nil {
		u.add(RuleMIMETypeMissing, start, "")
		return 0, false
	}
	media, params, err := mime.ParseMediaType(contentType.value)
	switch {
	case media == "":
		u.add(RuleMIMETypeSyntax, contentType.offset, contentType.value)
		return 0, false
	case !strings.HasPrefix(media, "multipart/"):
		u.add(RuleMIMENotMultipart, contentType.offset, media)
		return 0, false
	case err != nil:
		u.add(RuleMIMETypeSyntax, contentType.offset, contentType.value)
		return 0, false
	}
	u.p.Boundary = params["boundary"]
	switch {
	case u.p.Boundary == "":
		u.add(RuleMIMEBoundaryMissing, contentType.offset, contentType.value)
		return 0, false
	case len(u.p.Boundary) > maxBoundary:
		u.add(RuleMIMEBoundaryLong, contentType.offset, "")
		return 0, false
	}
	return at, true
}

// parts reads the parts that begin after the headers' end.
func (u *unpacker) parts(at int) {
	start, next, closing, ok := u.delimiter(at)
	if !ok || closing {
		u.add(RuleMIMENoParts, at, "")
		return
	}
	if len(bytes.TrimSpace(u.text[at:start])) > 0 {
		u.add(RuleMIMEPreamble, at, "")
	}
	for !closing {
		if len(u.p.Parts) == u.limits.Parts {
			u.add(RuleMIMEPartLimit, start, "")
			return
		}
		begin := next
		start, next, closing, ok = u.delimiter(begin)
		if !ok {
			u.part(begin, len(u.text))
			u.add(RuleMIMEClosing, len(u.text), "")
			return
		}
		u.part(begin, trimLineEnd(u.text, begin, start))
	}
	if rest := bytes.TrimLeft(u.text[next:], " \t\r\n"); len(rest) > 0 {
		u.add(RuleMIMEEpilogue, len(u.text)-len(rest), "")
	}
}

// delimiter finds the next boundary line at or after from: where it begins,
// where the line after it begins, and whether it closes the package.
func (u *unpacker) delimiter(from int) (start, next int, closing, ok bool) {
	dash := []byte("--" + u.p.Boundary)
	for {
		i := bytes.Index(u.text[from:], dash)
		if i < 0 {
			return 0, 0, false, false
		}
		start = from + i
		from = start + 1
		if start > 0 && u.text[start-1] != '\n' {
			continue
		}
		rest := u.text[start+len(dash):]
		if bytes.HasPrefix(rest, []byte("--")) {
			closing, rest = true, rest[2:]
		}
		rest = bytes.TrimLeft(rest, " \t")
		rest = bytes.TrimPrefix(rest, []byte("\r"))
		if len(rest) == 0 || rest[0] == '\n' {
			return start, len(u.text) - max(len(rest)-1, 0), closing, true
		}
		closing = false
	}
}

// trimLineEnd gives end without the line end before it, which belongs to the
// boundary line, not below begin.
func trimLineEnd(text []byte, begin, end int) int {
	if end > begin && text[end-1] == '\n' {
		end--
		if end > begin && text[end-1] == '\r' {
			end--
		}
	}
	return end
}

// part reads one part from its headers to its end.
func (u *unpacker) part(begin, end int) {
	headers, at, ok := u.headers(begin, end)
	if !ok {
		return
	}
	p := &Part{Encoding: "7bit", offset: at}
	if h := headers.get("content-id"); h != nil {
		p.ContentID = strings.TrimSpace(strings.Trim(h.value, "<> \t"))
	}
	if h := headers.get("content-transfer-encoding"); h != nil {
		p.Encoding = strings.ToLower(h.value)
	}
	if h := headers.get("content-type"); h != nil {
		media, params, err := mime.ParseMediaType(h.value)
		if err != nil {
			u.add(RuleMIMETypeSyntax, h.offset, h.value)
		}
		p.MediaType, p.Charset = media, strings.ToLower(params["charset"])
	}
	p.Line, _ = u.lines.at(u.text, at)
	u.p.Parts = append(u.p.Parts, p)
	u.decode(p, end)
}

// decode undoes the transfer encoding.
func (u *unpacker) decode(p *Part, end int) {
	raw := u.text[p.offset:end]
	switch p.Encoding {
	case "base64":
		decoded, _, fault := b64.Decode(raw)
		if fault != nil {
			u.add(RuleMIMEBase64, p.offset+fault.Offset, "", finding.P("fault", fault.Kind.String()))
			return
		}
		p.Bytes = decoded
	case "quoted-printable":
		decoded, bad := quotedPrintable(raw)
		if bad >= 0 {
			u.add(RuleMIMEQuoted, p.offset+bad, "")
			return
		}
		p.Bytes = decoded
	case "7bit", "8bit", "binary":
		p.Bytes = raw
		u.plain(p)
	default:
		u.add(RuleMIMEEncoding, p.offset, p.Encoding)
	}
}

// plain judges content that stands as it is. It came through the frame's XML, so
// it is UTF-8 whatever it declares.
func (u *unpacker) plain(p *Part) {
	bad := bytes.IndexFunc(p.Bytes, func(r rune) bool { return r >= utf8.RuneSelf })
	switch {
	case bad < 0:
	case p.Encoding == "7bit":
		u.add(RuleMIME7Bit, p.offset+bad, "")
	case p.Charset != "" && p.Charset != "utf-8":
		u.add(RuleMIME8BitCharset, p.offset+bad, p.Charset)
	}
}

// choose finds the document among the parts: the one whose Content-ID is the
// document's OID, else the first that is XML.
func (u *unpacker) choose(documentID string) {
	if len(u.p.Parts) == 0 {
		return
	}
	var xml *Part
	for _, p := range u.p.Parts {
		switch {
		case documentID != "" && p.ContentID == documentID && u.p.Document != nil:
			u.add(RuleMIMEContentIDRepeated, p.offset, p.ContentID)
		case documentID != "" && p.ContentID == documentID:
			u.p.Document = p
		case xml == nil && p.isXML():
			xml = p
		}
	}
	if u.p.Document == nil && xml != nil {
		u.p.Document = xml
		if xml.ContentID == "" {
			u.add(RuleMIMEContentIDMissing, xml.offset, "")
		} else {
			u.add(RuleMIMEContentIDDiffers, xml.offset, xml.ContentID, finding.P("expected", documentID))
		}
	}
	u.judgeDocument()
	for _, p := range u.p.Parts {
		if p != u.p.Document {
			u.p.Attachments = append(u.p.Attachments, p)
			u.add(RuleMIMEAttachment, p.offset, p.MediaType)
		}
	}
}

func (u *unpacker) judgeDocument() {
	d := u.p.Document
	switch {
	case d == nil:
		u.add(RuleMIMEDocumentMissing, u.p.Parts[0].offset, "")
		return
	case d.Bytes == nil: // could not be decoded; told already
	case len(bytes.TrimSpace(d.Bytes)) == 0:
		u.add(RuleMIMEDocumentEmpty, d.offset, "")
	case !d.isXML():
		u.add(RuleMIMEDocumentType, d.offset, d.MediaType)
	}
	if d.Charset != "" && !charsets[d.Charset] {
		u.add(RuleMIMECharset, d.offset, d.Charset)
	}
}

// charsets are those whose documents the parser reads; the document's own
// declaration decides.
var charsets = map[string]bool{
	"utf-8": true, "us-ascii": true, "ascii": true, "iso-8859-1": true, "utf-16": true, "utf-16le": true, "utf-16be": true,
}

func (p *Part) isXML() bool {
	switch {
	case p.MediaType == "text/xml", p.MediaType == "application/xml", strings.HasSuffix(p.MediaType, "+xml"):
		return true
	case p.MediaType == "":
		return bytes.HasPrefix(bytes.TrimLeft(p.Bytes, " \t\r\n"), []byte("<"))
	default:
		return false
	}
}

// DocumentBytes gives the document, nil where there is none.
func (p *Package) DocumentBytes() []byte {
	if p == nil || p.Document == nil {
		return nil
	}
	return p.Document.Bytes
}

// IsPlaceholder tells that the frame's text holds an export's placeholder
// (mimeEncode/DXS) where the package belongs: frames handed in beside their
// document, as to the validation API, look so.
func (f *Frame) IsPlaceholder() bool {
	if f.Document.Text <= 0 {
		return false
	}
	e := f.Tree.FirstElement(f.Document.Text)
	return e != xmltree.None && (f.Tree.Is(e, cda.NamespaceHL7, "mimeEncode") || f.Tree.Is(e, cda.NamespaceHL7, "DXS"))
}
