package xmldsig

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"portti/internal/xmltree"
)

// Names of the canonicalization algorithms as Canonicalizer.Algorithm takes them.
const (
	Exclusive10 = "exc" // Exclusive XML Canonicalization 1.0
	Inclusive10 = "1.0" // Canonical XML 1.0
	Inclusive11 = "1.1" // Canonical XML 1.1
)

// ErrRelativeNamespace is returned for a document with a relative namespace
// URI, which has no canonical form (Canonical XML 1.0, 1.3).
var ErrRelativeNamespace = errors.New("relative namespace URI has no canonical form")

// Canonicalizer writes the canonical octets of a document or of one element
// with its subtree. The zero value of Algorithm is Exclusive10.
type Canonicalizer struct {
	// Algorithm is Exclusive10, Inclusive10 or Inclusive11.
	Algorithm string
	// Comments keeps comments.
	Comments bool
	// Prefixes is the PrefixList of InclusiveNamespaces (exclusive only);
	// "#default" names the default namespace.
	Prefixes []string
}

// Write writes the canonical octets of n (xmltree.Doc: the whole document) to w,
// leaving out the subtrees of exclude. It streams: work is linear in the size of
// the subtree, and memory does not grow with it beyond the depth of open elements
// and the number of prefixes. Errors are those of w, ErrRelativeNamespace, and an
// unknown Algorithm.
func (c Canonicalizer) Write(w io.Writer, t *xmltree.Tree, n xmltree.Node, exclude ...xmltree.Node) error {
	switch c.Algorithm {
	case "", Exclusive10, Inclusive10, Inclusive11:
	default:
		return fmt.Errorf("unknown canonicalization algorithm %q", c.Algorithm)
	}
	wk := walkers.Get().(*walker)
	defer wk.release()
	wk.init(c, w, t, exclude)
	return wk.run(n)
}

const (
	flushAt = 16 << 10 // octets gathered before a write
	direct  = 4 << 10  // a run this long goes to the writer without a copy
)

var walkers = sync.Pool{New: func() any { return &walker{buf: make([]byte, 0, flushAt+direct)} }}

// openElement is an element whose end tag is still to be written.
type openElement struct {
	node, end xmltree.Node
	undo      int // length of walker.undo before the element
}

// walker is the state of one canonicalization. It is reused through a pool, so
// that a canonicalization allocates nothing in the steady state.
type walker struct {
	Canonicalizer
	t       *xmltree.Tree
	w       io.Writer
	err     error
	buf     []byte
	exclude []xmltree.Node // sorted; those still ahead

	open     []openElement
	rendered prefixTable // what the output's open elements declare
	scope    prefixTable // declarations in scope at the apex
	undo     []binding   // former entries of rendered
	render   []binding   // declarations of the element being written
	attrs    []xmltree.Attr
	base     baseFix
}

// binding is a prefix (index in a prefixTable) and its URI.
type binding struct {
	index int
	uri   string
}

func (wk *walker) init(c Canonicalizer, w io.Writer, t *xmltree.Tree, exclude []xmltree.Node) {
	wk.Canonicalizer, wk.w, wk.t, wk.err = c, w, t, nil
	wk.exclude = append(wk.exclude[:0], exclude...)
	slices.Sort(wk.exclude)
	wk.base = baseFix{attr: -1}
}

// release gives the walker back, without references to the tree and without
// memory that only a hostile document needed.
func (wk *walker) release() {
	const keep = 4096
	wk.t, wk.w, wk.Prefixes = nil, nil, nil
	wk.base = baseFix{}
	wk.rendered.reset()
	wk.scope.reset()
	clear(wk.undo[:cap(wk.undo)])
	clear(wk.render[:cap(wk.render)])
	wk.buf, wk.open, wk.undo, wk.render, wk.attrs = wk.buf[:0], wk.open[:0], wk.undo[:0], wk.render[:0], wk.attrs[:0]
	if cap(wk.open) > keep || cap(wk.undo) > keep || cap(wk.render) > keep || cap(wk.attrs) > keep || cap(wk.buf) > 4*flushAt {
		return
	}
	walkers.Put(wk)
}

func (wk *walker) run(n xmltree.Node) error {
	if wk.excludedAncestor(n) {
		return nil
	}
	if n == xmltree.Doc {
		wk.document()
	} else {
		wk.subtree(n, true)
	}
	wk.flush()
	return wk.err
}

// excludedAncestor tells whether n lies inside a subtree that is left out.
func (wk *walker) excludedAncestor(n xmltree.Node) bool {
	for _, x := range wk.exclude {
		if x <= n && n < wk.t.End(x) {
			return true
		}
	}
	return false
}

// document writes the document node: comments and processing instructions
// outside the root element are parted from it by one line feed.
func (wk *walker) document() {
	root := wk.t.Root()
	for n := wk.t.FirstChild(xmltree.Doc); n != xmltree.None; n = wk.t.NextSibling(n) {
		switch wk.t.Kind(n) {
		case xmltree.Element:
			wk.subtree(n, false)
		case xmltree.ProcInst, xmltree.Comment:
			if wk.t.Kind(n) == xmltree.Comment && !wk.Comments {
				continue
			}
			if n > root {
				wk.buf = append(wk.buf, '\n')
			}
			wk.subtree(n, false)
			if n < root {
				wk.buf = append(wk.buf, '\n')
			}
		}
	}
}

// subtree writes apex and what is below it. orphan tells that apex's ancestors
// are not written, so that inclusive forms take over their namespaces and xml:
// attributes.
func (wk *walker) subtree(apex xmltree.Node, orphan bool) {
	end := wk.t.End(apex)
	for n := apex; n < end && wk.err == nil; {
		wk.closeBefore(n)
		if len(wk.exclude) > 0 && wk.skip(n) {
			n = wk.t.End(n)
			continue
		}
		switch wk.t.Kind(n) {
		case xmltree.Element:
			wk.start(n, n == apex, orphan)
		case xmltree.Text, xmltree.CData:
			wk.text(wk.t.Value(n))
		case xmltree.Comment:
			wk.comment(n)
		case xmltree.ProcInst:
			wk.procInst(n)
		}
		n++
		if len(wk.buf) >= flushAt {
			wk.flush()
		}
	}
	wk.closeBefore(end)
}

func (wk *walker) skip(n xmltree.Node) bool {
	for len(wk.exclude) > 0 && wk.exclude[0] < n {
		wk.exclude = wk.exclude[:copy(wk.exclude, wk.exclude[1:])]
	}
	return len(wk.exclude) > 0 && wk.exclude[0] == n
}

// closeBefore writes the end tags of all open elements that end before n.
func (wk *walker) closeBefore(n xmltree.Node) {
	for i := len(wk.open) - 1; i >= 0 && wk.open[i].end <= n; i-- {
		e := wk.open[i]
		b := append(wk.buf, '<', '/')
		b = wk.name(b, e.node)
		wk.buf = append(b, '>')
		wk.open = wk.open[:i]
		for len(wk.undo) > e.undo {
			last := len(wk.undo) - 1
			wk.rendered.uris[wk.undo[last].index] = wk.undo[last].uri
			wk.undo = wk.undo[:last]
		}
		if len(wk.buf) >= flushAt {
			wk.flush()
		}
	}
}

func (wk *walker) name(b []byte, n xmltree.Node) []byte {
	if p := wk.t.Prefix(n); p != "" {
		b = append(b, p...)
		b = append(b, ':')
	}
	return append(b, wk.t.Local(n)...)
}

func (wk *walker) start(n xmltree.Node, apex, orphan bool) {
	undo := len(wk.undo)
	b := append(wk.buf, '<')
	wk.buf = wk.name(b, n)
	first, end := wk.t.Attrs(n)
	wk.attrs = wk.attrs[:0]
	for a := first; a < end; a++ {
		wk.attrs = append(wk.attrs, a)
	}
	if !wk.checkDecls(n) {
		return
	}
	if wk.Algorithm == Inclusive10 || wk.Algorithm == Inclusive11 {
		wk.inclusiveNamespaces(n, apex && orphan)
		if apex && orphan {
			wk.inheritAttrs(n)
		}
	} else {
		wk.exclusiveNamespaces(n, apex)
	}
	wk.writeNamespaces()
	wk.writeAttrs()
	wk.buf = append(wk.buf, '>')
	wk.open = append(wk.open, openElement{n, wk.t.End(n), undo})
}

func (wk *walker) comment(n xmltree.Node) {
	if !wk.Comments {
		return
	}
	wk.buf = append(wk.buf, "<!--"...)
	wk.raw(wk.t.Value(n))
	wk.buf = append(wk.buf, "-->"...)
}

func (wk *walker) procInst(n xmltree.Node) {
	wk.buf = append(wk.buf, "<?"...)
	wk.buf = append(wk.buf, wk.t.Target(n)...)
	if v := wk.t.Value(n); len(v) > 0 {
		wk.buf = append(wk.buf, ' ')
		wk.raw(v)
	}
	wk.buf = append(wk.buf, "?>"...)
}

func (wk *walker) flush() {
	if wk.err == nil && len(wk.buf) > 0 {
		_, wk.err = wk.w.Write(wk.buf)
	}
	wk.buf = wk.buf[:0]
}
