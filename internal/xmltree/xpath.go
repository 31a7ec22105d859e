package xmltree

import "strconv"

// XPath gives the path of n, which does not depend on prefixes:
//
//	/ClinicalDocument[1]/recordTarget[1]/*[local-name()='x'][2]/text()[1]
//
// An element in the namespace of the root element is a plain name, counted among its
// siblings of that name; any other element is *[local-name()='x'], counted among its
// siblings of that local name in whatever namespace. So the path is an XPath whose
// default element namespace is that of the root element (XPath 2.0 and later; in
// XPath 1.0, where a plain name has no namespace, put a prefix bound to it before
// each plain name, such as hl7:). Other nodes are text(), comment() and
// processing-instruction(), where a text and the CDATA sections it touches count as
// one text(), as they do in XPath. The document is "/", None is "".
//
// The first calls count the siblings of n and of its ancestors; later ones, for a
// document with many findings, count all siblings once in linear time, and then cost
// the depth of n.
func (t *Tree) XPath(n Node) string { return t.path(n, "") }

// path gives the path of n with tail behind it.
func (t *Tree) path(n Node, tail string) string {
	if n < 0 {
		return tail
	}
	if n == Doc {
		return "/" + tail
	}
	few := t.paths.Add(1) <= fewPaths
	stop := Doc
	if t.carries(n) {
		stop = t.nodes[t.base].parent
	}
	var most [16]Node // most documents are no deeper
	chain := most[:0]
	for ; n > stop; n = t.nodes[n].parent {
		chain = append(chain, n)
	}
	var room [192]byte
	b := room[:0]
	for i := len(chain) - 1; i >= 0; i-- {
		b = append(t.appendStep(append(b, '/'), chain[i]), '[')
		b = append(strconv.AppendInt(b, int64(t.ordinal(chain[i], few)), 10), ']')
	}
	return string(append(b, tail...))
}

// AttrXPath gives the path of attribute a of n: "/@name", "/@xml:name", or
// "/@*[local-name()='x']" for one in another namespace.
func (t *Tree) AttrXPath(n Node, a Attr) string {
	local := t.AttrLocal(a)
	switch t.AttrSpace(a) {
	case "":
		return t.path(n, "/@"+local)
	case NamespaceXML:
		return t.path(n, "/@xml:"+local)
	default:
		return t.path(n, "/@*[local-name()='"+local+"']")
	}
}

func (t *Tree) appendStep(b []byte, n Node) []byte {
	switch t.nodes[n].kind {
	case Element:
		if t.plain(n) {
			return append(b, t.Local(n)...)
		}
		return append(append(append(b, "*[local-name()='"...), t.Local(n)...), "']"...)
	case Comment:
		return append(b, "comment()"...)
	case ProcInst:
		return append(b, "processing-instruction()"...)
	default:
		return append(b, "text()"...)
	}
}

// SetBase makes paths of base and what is below it begin at base, as if it were the
// root of a document of its own: a message is told of in the same paths whether it
// came alone or in an envelope. Other nodes keep their paths. Call it before the tree
// is shared and before the first path is asked for.
func (t *Tree) SetBase(base Node) { t.base = base }

// carries tells whether n is the base or below it.
func (t *Tree) carries(n Node) bool { return t.base > Doc && n >= t.base && n < t.nodes[t.base].end }

// plain tells whether element n is in the namespace of the element that its path
// begins with.
func (t *Tree) plain(n Node) bool {
	if t.carries(n) {
		return t.Space(n) == t.Space(t.base)
	}
	return t.Space(n) == t.Space(t.root)
}

// fewPaths is how many paths are worked out by themselves before all siblings are
// counted.
const fewPaths = 4

// ordinal gives n's number among the siblings that its step matches: by counting
// those before it, or from the count of all.
func (t *Tree) ordinal(n Node, few bool) int32 {
	if n == t.base && n > Doc {
		return 1
	}
	if !few || t.nodes[n].kind == Text || t.nodes[n].kind == CData {
		return t.ordinals()[n]
	}
	x := &t.nodes[n]
	plain := x.kind == Element && t.plain(n)
	count := int32(1)
	for s := t.FirstChild(x.parent); s < n; s = t.NextSibling(s) {
		y := &t.nodes[s]
		switch {
		case y.kind != x.kind:
		case x.kind != Element,
			plain && t.names[y.name].same == t.names[x.name].same,
			!plain && t.names[y.name].local == t.names[x.name].local:
			count++
		}
	}
	return count
}

// ordinals gives, for each node, its number among the siblings that its step of an
// XPath matches. It goes through the children of each node once, so all takes linear
// time.
func (t *Tree) ordinals() []int32 {
	t.ordOnce.Do(func() {
		c := counter{t: t, count: make([]tally, 2*len(t.names)+3), locals: t.localIDs()}
		ords := make([]int32, len(t.nodes))
		for p := range t.nodes {
			if k := t.nodes[p].kind; k == Document || k == Element {
				c.children(Node(p), ords)
			}
		}
		if t.base > Doc {
			ords[t.base] = 1
		}
		t.ords = ords
	})
	return t.ords
}

// localIDs gives each name a number that is equal for equal local names, below the
// number of names.
func (t *Tree) localIDs() []int32 {
	seen := make(map[string]int32, len(t.names))
	ids := make([]int32, len(t.names))
	for i := range t.names {
		id, ok := seen[t.names[i].local]
		if !ok {
			id = int32(len(seen))
			seen[t.names[i].local] = id
		}
		ids[i] = id
	}
	return ids
}

// counter counts children by what they match; a tally of another parent is void.
type counter struct {
	t      *Tree
	locals []int32
	count  []tally
}

type tally struct {
	parent Node
	n      int32
}

// children numbers the children of p. Document order of parents starts at 0, so
// parents are stored plus one.
func (c *counter) children(p Node, ords []int32) {
	t := c.t
	names := len(t.names)
	var before Kind
	for n := t.FirstChild(p); n >= 0; n = t.NextSibling(n) {
		kind := t.nodes[n].kind
		switch kind {
		case Element:
			name := t.nodes[n].name
			byLocal := c.next(p, int(c.locals[name]))
			byName := c.next(p, names+int(t.names[name].same))
			ords[n] = byLocal
			if t.plain(n) {
				ords[n] = byName
			}
		case Comment:
			ords[n] = c.next(p, 2*names)
		case ProcInst:
			ords[n] = c.next(p, 2*names+1)
		default:
			text := &c.count[2*names+2]
			if t.nodes[n].a == t.nodes[n].b { // an empty section is no node for XPath
				ords[n] = max(1, text.in(p))
				continue
			}
			if before != Text && before != CData {
				c.next(p, 2*names+2)
			}
			ords[n] = text.n
		}
		before = kind
	}
}

// in gives the count as it stands for p.
func (x tally) in(p Node) int32 {
	if x.parent != p+1 {
		return 0
	}
	return x.n
}

func (c *counter) next(p Node, key int) int32 {
	x := &c.count[key]
	if x.parent != p+1 {
		*x = tally{p + 1, 0}
	}
	x.n++
	return x.n
}
