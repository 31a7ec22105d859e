package cda

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"portti/cda/internal/b64"
	"portti/internal/finding"
	"portti/internal/xmltree"
)

// BodyKind tells which body a document has.
type BodyKind uint8

// The kinds of body.
const (
	NoBody BodyKind = iota
	// NonXML is nonXMLBody: XHTML or PDF in text, JSON beside it (kanta-interface 6.1, 6.3).
	NonXML
	// Structured is structuredBody of health documents (6.4).
	Structured
)

// BodyShape tells where the body stands and what it declares itself to be,
// without its content.
type BodyShape struct {
	Kind BodyKind
	// Node is the body element, 0 where there is none.
	Node xmltree.Node
	// ID is the attribute ID that signatures refer to: "OID" + document id.
	ID string
	// Text is nonXMLBody/text, 0 where absent; MediaType and Representation are its attributes.
	Text           xmltree.Node
	MediaType      string
	Representation string
	// JSON is hl7fi:json, 0 where absent.
	JSON               xmltree.Node
	JSONRepresentation string
}

// Format is what the bytes of a part are, as recognised from themselves.
type Format uint8

// The formats.
const (
	UnknownFormat Format = iota
	XHTML
	PDF
	JSON
	PlainText
)

// String gives the usual name of the format.
func (f Format) String() string {
	return [...]string{"unknown", "XHTML", "PDF", "JSON", "text"}[f]
}

// FormatOf gives the format that a media type declares.
func FormatOf(mediaType string) Format {
	switch mediaBase(mediaType) {
	case "application/xhtml+xml", "text/html":
		return XHTML
	case "application/pdf":
		return PDF
	case "application/json":
		return JSON
	case "text/plain":
		return PlainText
	default:
		return UnknownFormat
	}
}

// mediaBase gives a media type without parameters, in small letters.
func mediaBase(mediaType string) string {
	base, _, _ := strings.Cut(mediaType, ";")
	return strings.ToLower(strings.TrimSpace(base))
}

// displayMedia are the media types of the display form (kanta-interface 6.1, 6.3).
var displayMedia = map[string]bool{"application/xhtml+xml": true, "application/pdf": true}

// Part is one decoded part of a body.
type Part struct {
	// Node is the element that held it.
	Node xmltree.Node
	// MediaType as declared; empty for JSON, which declares none.
	MediaType string
	// Declared and Recognised are the format by declaration and by content.
	Declared, Recognised Format
	// Source names the part in findings.
	Source finding.Source
	// Bytes is the decoded content. It must not be changed.
	Bytes []byte
	// Whitespace counts the whitespace characters within the base64.
	Whitespace int
}

// Empty tells that the part holds nothing but whitespace, as a nullification may.
func (p *Part) Empty() bool { return len(bytes.TrimSpace(p.Bytes)) == 0 }

// Body is a document's decoded content.
type Body struct {
	Kind BodyKind
	Node xmltree.Node
	// Display is the form for people (näyttömuoto): XHTML or PDF; nil where absent or broken.
	Display *Part
	// JSON is the structured form (rakenteinen muoto); nil where absent or broken.
	JSON *Part
}

type contentCache struct {
	done     bool
	body     *Body
	findings []finding.Finding
}

// BodyContent decodes the body. covered is the element that every accepted
// signature covers: content is given only where it is this document's body, so
// that nobody reads what nobody signed. The body is decoded once; later calls
// give the same value.
func (d *Document) BodyContent(covered xmltree.Node) (*Body, []finding.Finding) {
	if d.Body.Kind == NoBody {
		return nil, nil
	}
	if covered <= 0 || covered != d.Body.Node {
		r := reader{t: d.Tree, src: finding.SourceDocument}
		r.add(RuleBodyNotCovered, d.Body.Node, "")
		return nil, r.out
	}
	return d.decode()
}

// JudgeBody decodes the body of a document whose signatures do not hold, only to
// make findings about it. What it gives must not be stored, indexed or shown.
func (d *Document) JudgeBody() (*Body, []finding.Finding) {
	if d.Body.Kind == NoBody {
		return nil, nil
	}
	return d.decode()
}

func (d *Document) decode() (*Body, []finding.Finding) {
	if !d.content.done {
		r := reader{t: d.Tree, src: finding.SourceDocument}
		d.content.body = r.content(&d.Body)
		d.content.findings, d.content.done = r.out, true
	}
	return d.content.body, d.content.findings
}

// body reads component{nonXMLBody | structuredBody}.
func (r *reader) body(d *Document, n xmltree.Node) {
	for x := range r.t.Children(n) {
		kind := NoBody
		switch {
		case r.t.Is(x, NamespaceHL7, "nonXMLBody"):
			kind = NonXML
		case r.t.Is(x, NamespaceHL7, "structuredBody"):
			kind = Structured
		default:
			continue
		}
		if d.Body.Kind != NoBody {
			r.add(RuleBodyRepeated, x, "")
			continue
		}
		d.Body = BodyShape{Kind: kind, Node: x, ID: r.t.Attr(x, "ID")}
		if kind == NonXML {
			r.nonXML(&d.Body)
		}
	}
}

func (r *reader) nonXML(b *BodyShape) {
	for x := range r.t.Children(b.Node) {
		switch {
		case r.t.Is(x, NamespaceHL7, "text"):
			if b.Text > 0 {
				r.add(RuleTextRepeated, x, "")
				continue
			}
			b.Text, b.MediaType, b.Representation = x, r.t.Attr(x, "mediaType"), r.t.Attr(x, "representation")
		case r.t.Is(x, NamespaceFinland, "json"):
			if b.JSON > 0 {
				r.add(RuleJSONRepeated, x, "")
				continue
			}
			b.JSON, b.JSONRepresentation = x, r.t.Attr(x, "representation")
		}
	}
	if b.Text <= 0 {
		r.add(RuleTextMissing, b.Node, "")
	}
}

// content decodes the parts of a body.
func (r *reader) content(s *BodyShape) *Body {
	b := &Body{Kind: s.Kind, Node: s.Node}
	if s.Text > 0 {
		b.Display = r.display(s)
	}
	if s.JSON > 0 {
		b.JSON = r.json(s)
	}
	return b
}

func (r *reader) display(s *BodyShape) *Part {
	p := &Part{Node: s.Text, MediaType: s.MediaType, Declared: FormatOf(s.MediaType)}
	switch {
	case s.MediaType == "":
		r.add(RuleTextMediaType, s.Text, "")
	case !displayMedia[mediaBase(s.MediaType)]:
		r.addAttr(RuleTextMediaUnknown, s.Text, "mediaType", s.MediaType)
	}
	if c := r.t.Attr(s.Text, "compression"); c != "" {
		r.addAttr(RuleTextCompression, s.Text, "compression", c)
		return nil
	}
	rules := partRules{RuleTextElement, RuleTextRepresentation, RuleTextBase64}
	if !r.decodePart(p, s.Representation, "TXT", rules) {
		return nil
	}
	p.Recognised = recognise(p.Bytes)
	if p.Declared != UnknownFormat && p.Declared != JSON && p.Declared != PlainText && p.Recognised != p.Declared && !p.Empty() {
		r.add(RuleTextFormat, s.Text, "", finding.P("declared", p.Declared.String()), finding.P("found", p.Recognised.String()))
	}
	p.Source = sourceOf(p.Recognised, finding.SourceXHTML)
	if p.Recognised != PDF && !utf8.Valid(p.Bytes) {
		r.add(RuleTextUTF8, s.Text, "")
	}
	return p
}

func (r *reader) json(s *BodyShape) *Part {
	p := &Part{Node: s.JSON, Declared: JSON, Source: finding.SourceJSON}
	rules := partRules{RuleJSONElement, RuleJSONRepresentation, RuleJSONBase64}
	if !r.decodePart(p, s.JSONRepresentation, "B64", rules) {
		return nil
	}
	p.Recognised = recognise(p.Bytes)
	if p.Recognised != JSON && !p.Empty() {
		r.add(RuleJSONFormat, s.JSON, "", finding.P("found", p.Recognised.String()))
	}
	if !utf8.Valid(p.Bytes) {
		r.add(RuleJSONUTF8, s.JSON, "")
	}
	return p
}

func sourceOf(f Format, other finding.Source) finding.Source {
	switch f {
	case PDF:
		return finding.SourcePDF
	case JSON:
		return finding.SourceJSON
	default:
		return other
	}
}

// partRules are the rules of one part's encoding.
type partRules struct{ element, representation, base64 string }

// decodePart fills p.Bytes by the representation, or by otherwise where none is
// declared. It tells whether there are bytes.
func (r *reader) decodePart(p *Part, representation, otherwise string, rules partRules) bool {
	pieces, nodes, element := textPieces(r.t, p.Node)
	if element != xmltree.None {
		r.add(rules.element, element, r.t.Local(element))
		return false
	}
	if representation == "" {
		representation = otherwise
	}
	switch representation {
	case "B64":
		decoded, space, fault := b64.Decode(pieces...)
		if fault != nil {
			r.base64Fault(rules.base64, p.Node, pieces, nodes, fault)
			return false
		}
		p.Bytes, p.Whitespace = decoded, space
	case "TXT":
		p.Bytes = join(pieces)
	default:
		r.addAttr(rules.representation, p.Node, "representation", representation)
		return false
	}
	return true
}

// base64Fault places the fault at the very character.
func (r *reader) base64Fault(rule string, n xmltree.Node, pieces [][]byte, nodes []xmltree.Node, fault *b64.Error) {
	if len(pieces) == 0 {
		r.add(rule, n, "", finding.P("fault", fault.Kind.String()))
		return
	}
	place := r.t.Place(n, r.src)
	node := nodes[fault.Piece]
	at := r.t.Pos(node)
	if r.t.Kind(node) == xmltree.CData {
		at.Column += len("<![CDATA[")
	}
	place.Line, place.Column = advance(at.Line, at.Column, pieces[fault.Piece][:fault.Offset])
	r.out = append(r.out, finding.Finding{Rule: rule, Place: place, Params: []finding.Param{
		finding.P("fault", fault.Kind.String()),
	}})
}

// advance gives line and column (in code points) after text that begins at line
// and column.
func advance(line, column int, text []byte) (int, int) {
	if i := bytes.LastIndexByte(text, '\n'); i >= 0 {
		line += bytes.Count(text, []byte{'\n'})
		column, text = 1, text[i+1:]
	}
	return line, column + utf8.RuneCount(text)
}

// addAttr makes a finding at the value of an attribute.
func (r *reader) addAttr(rule string, n xmltree.Node, attr, value string) {
	a, ok := r.t.LookupAttr(n, "", attr)
	if !ok {
		r.add(rule, n, value)
		return
	}
	r.out = append(r.out, finding.Finding{Rule: rule, Place: r.t.AttrPlace(n, a, r.src), Value: value})
}

// recognise tells the format of bytes from their beginning.
func recognise(b []byte) Format {
	head := b[:min(len(b), 1024)]
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	head = bytes.TrimLeft(head, " \t\r\n")
	switch {
	case bytes.HasPrefix(head, []byte("%PDF-")):
		return PDF
	case len(head) > 0 && (head[0] == '{' || head[0] == '['):
		return JSON
	case looksXHTML(head):
		return XHTML
	case utf8.Valid(b) && len(head) > 0:
		return PlainText
	default:
		return UnknownFormat
	}
}

// looksXHTML passes declarations and comments and looks for html or div.
func looksXHTML(head []byte) bool {
	for bytes.HasPrefix(head, []byte("<?")) || bytes.HasPrefix(head, []byte("<!")) {
		end := []byte(">")
		if bytes.HasPrefix(head, []byte("<!--")) {
			end = []byte("-->")
		}
		i := bytes.Index(head, end)
		if i < 0 {
			return false
		}
		head = bytes.TrimLeft(head[i+len(end):], " \t\r\n")
	}
	if len(head) == 0 || head[0] != '<' {
		return false
	}
	end := bytes.IndexAny(head, " \t\r\n/>")
	if end < 0 {
		return false
	}
	name := string(head[1:end])
	if _, local, prefixed := strings.Cut(name, ":"); prefixed {
		name = local
	}
	return name == "html" || name == "div"
}
