package xmltree

import (
	"bytes"
	"iter"
	"sort"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Node is a node's index in document order. Doc is the document itself.
type Node int32

// Doc is the document node; None is no node.
const (
	Doc  Node = 0
	None Node = -1
)

// Attr is the index of an attribute in document order. Namespace declarations are
// not attributes.
type Attr int32

// Kind is the kind of a node. The zero Kind is that of None.
type Kind uint8

// The kinds of nodes. A Text is a longest run of characters and references
// between markup; a CDATA section is a node of its own.
const (
	NoKind Kind = iota
	Document
	Element
	Text
	CData
	Comment
	ProcInst
)

var kindNames = [...]string{"none", "document", "element", "text", "cdata", "comment", "processing instruction"}

// String gives the kind's English name.
func (k Kind) String() string { return kindNames[min(int(k), len(kindNames)-1)] }

// node is one node. start and stop are its range in text, tags included. a and b
// are the range of attributes of an element, or the range of the value of the
// others: in side where inSide is set, else in text.
type node struct {
	start, stop int32
	parent, end Node
	name        int32 // of an element; for an instruction the name of its target
	a, b        int32
	kind        Kind
	inSide      bool
	declares    bool // has namespace declarations
}

// attr is one attribute. pos is the place of its value's first character in text;
// the value is text[pos:pos+len], or side[side:side+len] where side is not -1.
type attr struct {
	name, pos, side, len int32
}

// decl is one namespace declaration.
type decl struct {
	prefix, uri string
	pos         int32
}

// declOwner tells that node's declarations begin at first; they end where those of
// the next owner begin.
type declOwner struct {
	node  Node
	first int32
}

// Tree is a parsed document; see the package comment. Copy only the pointer.
type Tree struct {
	src    []byte // original bytes
	text   []byte // the same as UTF-8, without byte order mark
	form   form
	nodes  []node
	attrs  []attr
	names  []name
	decls  []decl
	owners []declOwner
	side   []byte // values that differ from the text
	root   Node
	base   Node // see SetBase; Doc where it was not called

	places  atomic.Int32 // places asked for
	posOnce sync.Once
	blocks  []block
	paths   atomic.Int32 // paths asked for
	ordOnce sync.Once
	ords    []int32
}

// Source gives the original bytes that were parsed. Do not change them.
func (t *Tree) Source() []byte { return t.src }

// Len is the number of nodes, the document included; nodes are 0 … Len()-1.
func (t *Tree) Len() int { return len(t.nodes) }

// Root is the root element.
func (t *Tree) Root() Node { return t.root }

// Size is about the number of bytes the tree holds beyond the source, without the
// indexes that Pos and XPath build on first use.
func (t *Tree) Size() int {
	n := cap(t.nodes)*int(unsafe.Sizeof(node{})) + cap(t.attrs)*int(unsafe.Sizeof(attr{})) +
		cap(t.names)*int(unsafe.Sizeof(name{})) + cap(t.decls)*int(unsafe.Sizeof(decl{})) +
		cap(t.owners)*int(unsafe.Sizeof(declOwner{})) + cap(t.side)
	if t.form.transcoded() {
		n += cap(t.text)
	}
	return n
}

// Encoding is the encoding of the source: "UTF-8", "UTF-16LE", "UTF-16BE" or
// "ISO-8859-1".
func (t *Tree) Encoding() string { return t.form.String() }

// Kind is the kind of n.
func (t *Tree) Kind(n Node) Kind {
	if n < 0 {
		return NoKind
	}
	return t.nodes[n].kind
}

// Parent is n's parent; None for the document.
func (t *Tree) Parent(n Node) Node {
	if n < 0 {
		return None
	}
	return t.nodes[n].parent
}

// End is the first node after the subtree of n, which is [n, End(n)); it may be
// Len(). End(None) is None.
func (t *Tree) End(n Node) Node {
	if n < 0 {
		return None
	}
	return t.nodes[n].end
}

// FirstChild is n's first child of any kind, or None.
func (t *Tree) FirstChild(n Node) Node {
	if n < 0 || t.nodes[n].end == n+1 {
		return None
	}
	return n + 1
}

// NextSibling is the next child of n's parent, or None.
func (t *Tree) NextSibling(n Node) Node {
	if n <= 0 {
		return None
	}
	if e := t.nodes[n].end; e < t.nodes[t.nodes[n].parent].end {
		return e
	}
	return None
}

// FirstElement is n's first child element, or None.
func (t *Tree) FirstElement(n Node) Node {
	c := t.FirstChild(n)
	if c >= 0 && t.nodes[c].kind != Element {
		return t.NextElement(c)
	}
	return c
}

// NextElement is the next sibling of n that is an element, or None.
func (t *Tree) NextElement(n Node) Node {
	if n <= 0 {
		return None
	}
	stop := t.nodes[t.nodes[n].parent].end
	for c := t.nodes[n].end; c < stop; c = t.nodes[c].end {
		if t.nodes[c].kind == Element {
			return c
		}
	}
	return None
}

// Children yields the child elements of n in document order.
func (t *Tree) Children(n Node) iter.Seq[Node] {
	return func(yield func(Node) bool) {
		for c := t.FirstElement(n); c >= 0; c = t.NextElement(c) {
			if !yield(c) {
				return
			}
		}
	}
}

// named gives the name of an element or instruction.
func (t *Tree) named(n Node) *name {
	if n < 0 || t.nodes[n].kind != Element && t.nodes[n].kind != ProcInst {
		return &noName
	}
	return &t.names[t.nodes[n].name]
}

var noName name

// Local is the local part of an element's name, the target of an instruction, and
// "" for others.
func (t *Tree) Local(n Node) string { return t.named(n).local }

// Space is the namespace of an element, "" where it has none.
func (t *Tree) Space(n Node) string { return t.named(n).space }

// Prefix is the prefix of an element's name as written, "" where it has none.
func (t *Tree) Prefix(n Node) string { return t.named(n).prefix() }

// Target is the target of a processing instruction, "" for others.
func (t *Tree) Target(n Node) string {
	if t.Kind(n) != ProcInst {
		return ""
	}
	return t.named(n).local
}

// Is tells whether n is an element of that namespace and local name.
func (t *Tree) Is(n Node, space, local string) bool {
	if t.Kind(n) != Element {
		return false
	}
	x := &t.names[t.nodes[n].name]
	return x.local == local && x.space == space
}

// Value is the data of a text, CDATA section, comment or instruction with line
// ends normalised to LF (XML 1.0, 2.11) and references expanded; nil for others.
// Do not change it.
func (t *Tree) Value(n Node) []byte {
	if n < 0 {
		return nil
	}
	x := &t.nodes[n]
	switch {
	case x.kind <= Element:
		return nil
	case x.inSide:
		return t.side[x.a:x.b:x.b]
	default:
		return t.text[x.a:x.b:x.b]
	}
}

// Text is the text of the subtree of n: its texts and CDATA sections in document
// order, across comments and instructions.
func (t *Tree) Text(n Node) string { return view(t.TextBytes(n)) }

// TextBytes is Text as bytes. It copies only where the text has several pieces.
// Do not change it.
func (t *Tree) TextBytes(n Node) []byte {
	first, second, size := None, None, 0
	for m := n; m < t.End(n); m++ {
		if k := t.nodes[m].kind; k != Text && k != CData {
			continue
		}
		size += int(t.nodes[m].b - t.nodes[m].a)
		if first < 0 {
			first = m
		} else if second < 0 {
			second = m
		}
	}
	if second < 0 {
		return t.Value(first)
	}
	all := make([]byte, 0, size)
	for m := first; m < t.End(n); m++ {
		if k := t.nodes[m].kind; k == Text || k == CData {
			all = append(all, t.Value(m)...)
		}
	}
	return all
}

// Attrs gives the attributes of n as the range [first, end), in document order.
func (t *Tree) Attrs(n Node) (first, end Attr) {
	if t.Kind(n) != Element {
		return 0, 0
	}
	return Attr(t.nodes[n].a), Attr(t.nodes[n].b)
}

// AttrLocal is the local part of an attribute's name.
func (t *Tree) AttrLocal(a Attr) string { return t.names[t.attrs[a].name].local }

// AttrSpace is an attribute's namespace, "" where its name has no prefix.
func (t *Tree) AttrSpace(a Attr) string { return t.names[t.attrs[a].name].space }

// AttrPrefix is the prefix of an attribute's name as written.
func (t *Tree) AttrPrefix(a Attr) string { return t.names[t.attrs[a].name].prefix() }

// AttrValue is an attribute's value, normalised as XML 1.0, 3.3.3 says for type
// CDATA: references expanded, each tab and line end as written made a blank.
func (t *Tree) AttrValue(a Attr) string {
	x := &t.attrs[a]
	if x.side >= 0 {
		return view(t.side[x.side : x.side+x.len])
	}
	return view(t.text[x.pos : x.pos+x.len])
}

// Attr is the value of the attribute of n with that name and no namespace, "" where
// there is none; LookupAttr tells the difference.
func (t *Tree) Attr(n Node, local string) string {
	if a, ok := t.LookupAttr(n, "", local); ok {
		return t.AttrValue(a)
	}
	return ""
}

// LookupAttr finds an attribute of n by namespace and local name.
func (t *Tree) LookupAttr(n Node, space, local string) (Attr, bool) {
	first, end := t.Attrs(n)
	for a := first; a < end; a++ {
		x := &t.names[t.attrs[a].name]
		if x.local == local && x.space == space {
			return a, true
		}
	}
	return -1, false
}

// NSDecls gives the namespace declarations that stand on n, as the range
// [first, end) for NSPrefix and NSURI, in document order. A declaration of the
// prefix xml, which can only repeat what holds anyway, is left out.
func (t *Tree) NSDecls(n Node) (first, end int32) {
	if t.Kind(n) != Element || !t.nodes[n].declares {
		return 0, 0
	}
	i := sort.Search(len(t.owners), func(i int) bool { return t.owners[i].node >= n })
	first, end = t.owners[i].first, int32(len(t.decls))
	if i+1 < len(t.owners) {
		end = t.owners[i+1].first
	}
	return first, end
}

// NSPrefix is the prefix that declaration i declares, "" for the default namespace.
func (t *Tree) NSPrefix(i int32) string { return t.decls[i].prefix }

// NSURI is the namespace that declaration i binds, "" for xmlns="".
func (t *Tree) NSURI(i int32) string { return t.decls[i].uri }

// LookupPrefix gives the namespace that prefix is bound to at n ("" asks for the
// default namespace). The default namespace is always bound, if only to "". It goes
// through the declarations of all ancestors: who walks a tree keeps a stack instead.
func (t *Tree) LookupPrefix(n Node, prefix string) (uri string, ok bool) {
	switch prefix {
	case "xml":
		return NamespaceXML, true
	case "xmlns":
		return NamespaceXMLNS, true
	}
	for ; n > Doc; n = t.nodes[n].parent {
		for i, end := t.NSDecls(n); i < end; i++ {
			if t.decls[i].prefix == prefix {
				return t.decls[i].uri, true
			}
		}
	}
	return "", prefix == ""
}

// Child is the first child element of n with that name, or None. It goes through the
// children; to read many of them use Children.
func (t *Tree) Child(n Node, space, local string) Node {
	for c := t.FirstElement(n); c >= 0; c = t.NextElement(c) {
		if t.Is(c, space, local) {
			return c
		}
	}
	return None
}

// Path goes down from n by the names given, all in one namespace, taking the first
// match of each; None where one is missing. It does not go back to try another
// branch.
func (t *Tree) Path(n Node, space string, locals ...string) Node {
	for _, local := range locals {
		if n = t.Child(n, space, local); n < 0 {
			return None
		}
	}
	return n
}

// attrNameStart gives where the name of attribute a, written raw, begins in text,
// going back from its value over the quote, the sign and white space.
func (t *Tree) attrNameStart(a Attr, raw string) int {
	i := int(t.attrs[a].pos) - 2
	for t.text[i] != '=' {
		i--
	}
	i--
	for class[t.text[i]]&cSpace != 0 {
		i--
	}
	return i + 1 - len(raw)
}

// contains is bytes.Contains for one byte.
func contains(b []byte, c byte) bool { return bytes.IndexByte(b, c) >= 0 }
