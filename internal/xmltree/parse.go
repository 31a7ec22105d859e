package xmltree

import (
	"bytes"
	"math"
	"strconv"
	"unicode/utf8"
)

// Parse parses a document. It keeps src, which must not be changed afterwards.
// The error is a *SyntaxError.
func Parse(src []byte, lim Limits) (*Tree, error) {
	lim = lim.withDefaults()
	if len(src) > lim.Bytes {
		return nil, &SyntaxError{Code: CodeBytes, Line: 1, Column: 1, Detail: tooLong(lim.Bytes)}
	}
	in, err := decode(src)
	if err == nil {
		var t *Tree
		if t, err = parseDecoded(src, in, lim); err == nil {
			return t, nil
		}
	}
	f := err.(*fault)
	t := &Tree{src: src, text: in.text, form: in.form}
	p := t.position(min(f.off, len(in.text)))
	return nil, &SyntaxError{f.code, p.Line, p.Column, p.Offset, f.detail}
}

// parseDecoded parses the decoded text up to its first bad character. Where the
// parser came so far without another fault, the character is the fault.
func parseDecoded(src []byte, in decoded, lim Limits) (*Tree, error) {
	bad, code := firstBad(in.text)
	if bad == len(in.text) && in.tail != "" {
		code = in.tail
	}
	p := newParser(src, in, bad, lim)
	err := p.run(in.start)
	if code == "" {
		return p.t, err
	}
	if f, ok := err.(*fault); ok && f.off < bad && f.code != CodeUnclosed {
		return nil, err
	}
	return nil, badFault(in.text, bad, code)
}

func badFault(text []byte, off int, code string) error {
	switch code {
	case CodeUTF8:
		return failf(off, code, "the bytes are not UTF-8")
	case CodeUTF16:
		return failf(off, code, "the bytes are not UTF-16")
	default:
		r, _ := utf8.DecodeRune(text[off:])
		return failf(off, code, "the character U+%04X is not allowed in XML", r)
	}
}

// parser is the state of one parse. text ends before the first bad character.
type parser struct {
	*names
	t     *Tree
	text  []byte
	hasCR bool
	cur   Node // open element, or Doc
	depth int
	undo  []rebinding
}

// rebinding remembers what a declaration on an element replaced.
type rebinding struct {
	node   Node
	prefix int32
	uri    int32
}

func newParser(src []byte, in decoded, stop int, lim Limits) *parser {
	text := in.text[:stop:stop]
	nodes, attrs := estimate(text)
	t := &Tree{src: src, text: in.text, form: in.form, root: None,
		nodes: make([]node, 1, min(nodes, lim.Nodes)+1), attrs: make([]attr, 0, attrs)}
	t.nodes[0] = node{kind: Document, parent: None, end: math.MaxInt32}
	return &parser{
		names: newNames(lim), t: t, text: text,
		hasCR: contains(text, '\r'),
	}
}

// estimate counts nodes and attributes, so that each array is allocated once: exactly
// where comments, sections and values hold no markup characters, else too many.
func estimate(text []byte) (nodes, attrs int) {
	for i := 0; ; i++ {
		j := bytes.IndexByte(text[i:], '<')
		if j < 0 {
			break
		}
		i += j
		if i > 0 && text[i-1] != '>' {
			nodes++ // a text before it
		}
		if i+1 < len(text) && text[i+1] != '/' {
			nodes++
		}
	}
	// Where markup is denser than in any document of ours the arrays grow in steps.
	return min(nodes, len(text)/8+8), min(bytes.Count(text, []byte{'='}), len(text)/8+8)
}

// run parses everything after the XML declaration.
func (p *parser) run(i int) (err error) {
	text := p.text
	for i < len(text) && err == nil {
		switch {
		case text[i] != '<':
			i, err = p.charData(i)
		case i+1 == len(text):
			err = unclosed(i, "a tag")
		case text[i+1] == '/':
			i, err = p.endTag(i)
		case text[i+1] == '!':
			i, err = p.declaration(i)
		case text[i+1] == '?':
			i, err = p.instruction(i)
		default:
			i, err = p.startTag(i)
		}
	}
	if err != nil {
		return err
	}
	if p.cur != Doc {
		n := &p.t.nodes[p.cur]
		return failf(len(text), CodeUnclosed, "the element %s is not closed", clip(p.names.out[n.name].raw))
	}
	if p.t.root == None {
		return failf(len(text), CodeRoot, "there is no root element")
	}
	d := &p.t.nodes[Doc]
	d.end, d.stop = Node(len(p.t.nodes)), int32(len(text))
	p.t.names = p.names.out
	return nil
}

func unclosed(off int, what string) error {
	return failf(off, CodeUnclosed, "%s is not closed", what)
}

func tooLong(most int) string { return "more than " + strconv.Itoa(most) + " bytes" }

// add appends a node that begins at start under the open element, for the caller to
// fill in.
func (p *parser) add(kind Kind, start int) (*node, error) {
	i := len(p.t.nodes)
	if i >= p.lim.Nodes {
		return nil, failf(start, CodeNodes, "more than %d nodes", p.lim.Nodes)
	}
	p.t.nodes = append(p.t.nodes, node{})
	n := &p.t.nodes[i]
	n.kind, n.start, n.parent, n.end = kind, int32(start), p.cur, Node(i+1)
	return n, nil
}

// addValue appends a node with text[a:b] as its value.
func (p *parser) addValue(kind Kind, start, stop, a, b int, name int32) error {
	if b-a > p.lim.Text {
		return failf(start, CodeTextLen, "%s longer than %d bytes", kind, p.lim.Text)
	}
	n, err := p.add(kind, start)
	if err != nil {
		return err
	}
	n.stop, n.a, n.b, n.name = int32(stop), int32(a), int32(b), name
	if p.hasCR && contains(p.text[a:b], '\r') {
		from := len(p.t.side)
		p.t.side = appendLines(p.t.side, p.text[a:b])
		n.a, n.b, n.inSide = int32(from), int32(len(p.t.side)), true
	}
	return nil
}

// charData reads text up to the next markup.
func (p *parser) charData(i int) (int, error) {
	// Most texts are short and plain: white space between tags, words.
	const near = 64
	if stop := i + textEnd(p.text[i:min(len(p.text), i+near)]); stop < len(p.text) && p.text[stop] == '<' && p.cur != Doc {
		return stop, p.addValue(Text, i, stop, i, stop, 0)
	}
	return p.longText(i)
}

// longText reads text of any length, with references.
func (p *parser) longText(i int) (int, error) {
	rest := p.text[i:]
	if end := bytes.IndexByte(rest, '<'); end >= 0 {
		rest = rest[:end]
	}
	stop := i + len(rest)
	if p.cur == Doc {
		return stop, p.besideRoot(rest, i)
	}
	cdEnd := bytes.Index(rest, []byte("]]>"))
	if cdEnd < 0 && !contains(rest, '&') {
		return stop, p.addValue(Text, i, stop, i, stop, 0)
	}
	if cdEnd >= 0 {
		stop = i + cdEnd
	}
	if stop-i > p.lim.Text {
		return 0, failf(i, CodeTextLen, "%s longer than %d bytes", Text, p.lim.Text)
	}
	from := len(p.t.side)
	var err error
	if p.t.side, err = expandText(p.t.side, p.text, i, stop); err != nil {
		return 0, err
	}
	if cdEnd >= 0 {
		return 0, failf(stop, CodeCDEnd, `"]]>" must not stand in text`)
	}
	n, err := p.add(Text, i)
	if err == nil {
		n.stop, n.a, n.b, n.inSide = int32(stop), int32(from), int32(len(p.t.side)), true
	}
	return stop, err
}

// besideRoot checks that text beside the root element is white space (2.1).
func (p *parser) besideRoot(text []byte, off int) error {
	for j, c := range text {
		if class[c]&cSpace == 0 {
			return failf(off+j, CodeRoot, "text stands beside the root element")
		}
	}
	return nil
}

// declaration reads what begins with "<!": a comment or a CDATA section. A document
// type declaration is refused.
func (p *parser) declaration(i int) (int, error) {
	rest := p.text[i:]
	switch {
	case bytes.HasPrefix(rest, []byte("<!--")):
		return p.comment(i)
	case bytes.HasPrefix(rest, []byte("<![CDATA[")):
		return p.cdata(i)
	case bytes.HasPrefix(rest, []byte("<!DOCTYPE")):
		return 0, failf(i, CodeDTD, "a document type declaration is not allowed")
	case len(rest) < len("<!DOCTYPE"):
		return 0, unclosed(i, "markup that begins with <!")
	default:
		return 0, failf(i, CodeMarkup, `"<!" begins neither a comment nor a CDATA section`)
	}
}

func (p *parser) comment(i int) (int, error) {
	a := i + len("<!--")
	j := bytes.Index(p.text[a:], []byte("--"))
	if j < 0 || a+j+2 == len(p.text) {
		return 0, unclosed(i, "a comment")
	}
	b := a + j
	if p.text[b+2] != '>' {
		return 0, failf(b, CodeComment, `"--" must not stand in a comment`)
	}
	return b + 3, p.addValue(Comment, i, b+3, a, b, 0)
}

func (p *parser) cdata(i int) (int, error) {
	if p.cur == Doc {
		return 0, failf(i, CodeRoot, "a CDATA section stands beside the root element")
	}
	a := i + len("<![CDATA[")
	j := bytes.Index(p.text[a:], []byte("]]>"))
	if j < 0 {
		return 0, unclosed(i, "a CDATA section")
	}
	return a + j + 3, p.addValue(CData, i, a+j+3, a, a+j, 0)
}

// instruction reads a processing instruction (2.6). Its target has no colon
// (Namespaces, 7).
func (p *parser) instruction(i int) (int, error) {
	text := p.text
	a := i + 2
	b := nameEnd(text, a)
	if b == len(text) {
		return 0, unclosed(i, "a processing instruction")
	}
	target := text[a:b]
	switch {
	case len(target) == 0:
		return 0, failf(a, CodePI, "a processing instruction has no target")
	case len(target) == 3 && bytes.EqualFold(target, []byte("xml")):
		return 0, failf(i, CodeXMLDecl, "an XML declaration stands only at the very beginning, in small letters")
	case contains(target, ':'):
		return 0, failf(a, CodePI, "the target of a processing instruction has a colon")
	}
	id, err := p.intern(target, a)
	if err != nil {
		return 0, err
	}
	j := bytes.Index(text[b:], []byte("?>"))
	if j < 0 {
		return 0, unclosed(i, "a processing instruction")
	}
	data := b
	for class[text[data]]&cSpace != 0 {
		data++
	}
	if data == b && j > 0 {
		return 0, failf(b, CodePI, "a blank is missing after the target of a processing instruction")
	}
	return b + j + 2, p.addValue(ProcInst, i, b+j+2, data, b+j, p.resolve(id, uriNone))
}

// endTag closes the open element (3, well-formedness constraint "Element Type Match").
func (p *parser) endTag(i int) (int, error) {
	text, a := p.text, i+2
	if p.cur == Doc {
		return 0, failf(i, CodeEndTag, "an end tag without a start tag")
	}
	raw := p.names.out[p.t.nodes[p.cur].name].raw
	b := a + len(raw)
	if b < len(text) && string(text[a:b]) == raw && class[text[b]]&cName == 0 {
		for b < len(text) && class[text[b]]&cSpace != 0 {
			b++
		}
		if b < len(text) && text[b] == '>' {
			p.close(b + 1)
			return b + 1, nil
		}
	}
	return 0, p.endTagFault(i, raw)
}

func (p *parser) endTagFault(i int, raw string) error {
	b := nameEnd(p.text, i+2)
	found := p.text[i+2 : b]
	for b < len(p.text) && class[p.text[b]]&cSpace != 0 {
		b++
	}
	switch {
	case b == len(p.text):
		return unclosed(i, "an end tag")
	case len(found) == 0:
		return failf(i+2, CodeTag, "an end tag has no name")
	case string(found) == raw:
		return failf(b, CodeTag, "an end tag holds more than a name")
	}
	return failf(i, CodeEndTag, "the end tag %s stands where %s is open", clip(found), clip(raw))
}

// close ends the open element at stop and takes back its namespace declarations.
func (p *parser) close(stop int) {
	n := p.cur
	x := &p.t.nodes[n]
	x.end, x.stop = Node(len(p.t.nodes)), int32(stop)
	if x.declares {
		for k := len(p.undo) - 1; k >= 0 && p.undo[k].node == n; k-- {
			p.q[p.undo[k].prefix].bound = p.undo[k].uri
			p.undo = p.undo[:k]
		}
	}
	p.cur = x.parent
	p.depth--
}

// nameEnd scans a name without judging its characters beyond ASCII.
func nameEnd(text []byte, i int) int {
	for i < len(text) && class[text[i]]&cName != 0 {
		i++
	}
	return i
}
