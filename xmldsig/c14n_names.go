package xmldsig

import (
	"cmp"
	"slices"
	"strings"

	"portti/internal/xmltree"
)

// fewPrefixes is how many prefixes a table searches in a row before it turns to
// a map. Real documents have fewer; a hostile one must not make us quadratic.
const fewPrefixes = 12

// prefixTable maps a prefix to its URI ("" = not bound). A prefix keeps its
// index until reset.
type prefixTable struct {
	prefixes []string
	uris     []string
	index    map[string]int // only beyond fewPrefixes
}

func (p *prefixTable) reset() {
	clear(p.prefixes)
	clear(p.uris)
	p.prefixes, p.uris, p.index = p.prefixes[:0], p.uris[:0], nil
}

// find gives the index of a prefix, making an unbound entry where there is none.
func (p *prefixTable) find(prefix string) int {
	if p.index != nil {
		if i, ok := p.index[prefix]; ok {
			return i
		}
		return p.add(prefix)
	}
	for i := range p.prefixes {
		if p.prefixes[i] == prefix {
			return i
		}
	}
	return p.add(prefix)
}

func (p *prefixTable) add(prefix string) int {
	i := len(p.prefixes)
	p.prefixes = append(p.prefixes, prefix)
	p.uris = append(p.uris, "")
	if p.index == nil && len(p.prefixes) > fewPrefixes {
		p.index = make(map[string]int, 4*fewPrefixes)
		for j, name := range p.prefixes {
			p.index[name] = j
		}
	} else if p.index != nil {
		p.index[prefix] = i
	}
	return i
}

// declare notes that the element being written must declare prefix as uri,
// unless the nearest written ancestor that declares it says the same.
func (wk *walker) declare(prefix, uri string) {
	i := wk.rendered.find(prefix)
	old := wk.rendered.uris[i]
	if old == uri || prefix == "xml" {
		return
	}
	wk.undo = append(wk.undo, binding{i, old})
	wk.rendered.uris[i] = uri
	wk.render = append(wk.render, binding{i, uri})
}

// exclusiveNamespaces collects the declarations of an element in exclusive form:
// the prefixes that it and its attributes use, and those of the PrefixList as the
// inclusive form would have them (Exclusive XML Canonicalization 3).
func (wk *walker) exclusiveNamespaces(n xmltree.Node, apex bool) {
	wk.declare(wk.t.Prefix(n), wk.t.Space(n))
	for _, a := range wk.attrs {
		if p := wk.t.AttrPrefix(a); p != "" {
			wk.declare(p, wk.t.AttrSpace(a))
		}
	}
	if len(wk.Prefixes) == 0 {
		return
	}
	if apex {
		for _, p := range wk.Prefixes {
			p = listed(p)
			uri, _ := wk.t.LookupPrefix(n, p)
			wk.declare(p, uri)
		}
		return
	}
	first, end := wk.t.NSDecls(n)
	for i := first; i < end; i++ {
		if p := wk.t.NSPrefix(i); wk.isListed(p) {
			wk.declare(p, wk.t.NSURI(i))
		}
	}
}

// listed turns a word of the PrefixList into a prefix.
func listed(word string) string {
	if word == "#default" {
		return ""
	}
	return word
}

func (wk *walker) isListed(prefix string) bool {
	for _, p := range wk.Prefixes {
		if listed(p) == prefix {
			return true
		}
	}
	return false
}

// inclusiveNamespaces collects the declarations of an element in inclusive form:
// its own, and at an orphan apex all that are in scope (Canonical XML 2.3).
func (wk *walker) inclusiveNamespaces(n xmltree.Node, all bool) {
	if all {
		wk.collectScope(n)
		for i, p := range wk.scope.prefixes {
			wk.declare(p, wk.scope.uris[i])
		}
		return
	}
	first, end := wk.t.NSDecls(n)
	for i := first; i < end; i++ {
		wk.declare(wk.t.NSPrefix(i), wk.t.NSURI(i))
	}
}

// collectScope fills scope with the declarations in force at n.
func (wk *walker) collectScope(n xmltree.Node) {
	path := wk.ancestors(n)
	for i := len(path) - 1; i >= 0; i-- {
		first, end := wk.t.NSDecls(path[i])
		for d := first; d < end; d++ {
			wk.scope.uris[wk.scope.find(wk.t.NSPrefix(d))] = wk.t.NSURI(d)
		}
	}
}

// ancestors gives n and its ancestors, nearest first.
func (wk *walker) ancestors(n xmltree.Node) []xmltree.Node {
	path := make([]xmltree.Node, 0, 32)
	for ; n != xmltree.None && n != xmltree.Doc; n = wk.t.Parent(n) {
		path = append(path, n)
	}
	return path
}

// checkDecls refuses relative namespace URIs.
func (wk *walker) checkDecls(n xmltree.Node) bool {
	first, end := wk.t.NSDecls(n)
	for i := first; i < end; i++ {
		if uri := wk.t.NSURI(i); uri != "" && !hasScheme(uri) {
			wk.err = ErrRelativeNamespace
			return false
		}
	}
	return true
}

// hasScheme tells whether a URI reference is absolute (RFC 3986, 3.1).
func hasScheme(uri string) bool {
	for i := 0; i < len(uri); i++ {
		c := uri[i] | 0x20
		switch {
		case c >= 'a' && c <= 'z' && uri[i] >= 'A':
		case i > 0 && (uri[i] >= '0' && uri[i] <= '9' || uri[i] == '+' || uri[i] == '-' || uri[i] == '.'):
		case i > 0 && uri[i] == ':':
			return true
		default:
			return false
		}
	}
	return false
}

// writeNamespaces writes and forgets the collected declarations, by prefix.
func (wk *walker) writeNamespaces() {
	r := wk.render
	if len(r) == 0 {
		return
	}
	names := wk.rendered.prefixes
	if len(r) > 1 {
		slices.SortFunc(r, func(x, y binding) int { return strings.Compare(names[x.index], names[y.index]) })
	}
	b := wk.buf
	for _, d := range r {
		if names[d.index] == "" {
			b = append(b, ` xmlns="`...)
		} else {
			b = append(b, " xmlns:"...)
			b = append(b, names[d.index]...)
			b = append(b, '=', '"')
		}
		b = appendAttrValue(b, d.uri)
		b = append(b, '"')
	}
	wk.buf, wk.render = b, r[:0]
}

// writeAttrs writes the attributes by namespace URI, then local name; those
// without a namespace come first.
func (wk *walker) writeAttrs() {
	t := wk.t
	if len(wk.attrs) > 1 {
		slices.SortFunc(wk.attrs, func(x, y xmltree.Attr) int {
			return cmp.Or(strings.Compare(t.AttrSpace(x), t.AttrSpace(y)), strings.Compare(t.AttrLocal(x), t.AttrLocal(y)))
		})
	}
	b := wk.buf
	for _, a := range wk.attrs {
		b = append(b, ' ')
		if p := t.AttrPrefix(a); p != "" {
			b = append(b, p...)
			b = append(b, ':')
		}
		b = append(b, t.AttrLocal(a)...)
		b = append(b, '=', '"')
		if a == wk.base.attr {
			b = appendAttrValue(b, wk.base.value)
		} else {
			b = appendAttrValue(b, t.AttrValue(a))
		}
		b = append(b, '"')
	}
	wk.buf = b
}
