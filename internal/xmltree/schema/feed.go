package schema

import (
	"runtime"
	"strings"
	"unsafe"

	"portti/internal/xmltree"
)

// The phases of engine.h.
const (
	phaseStart = 1
	phaseText  = 2
	phaseBig   = 3
	phaseEnd   = 4
)

// startHead is the length of a START event without its lists.
const startHead = 7

// bigText is the size in bytes from which a text is handed over where it stands.
const bigText = 4096

// hiddenType stands for an xsi:type that names a type of the schema's own, which no
// document may name.
const hiddenType = "portti.hidden"

// feed writes the events of a walk (see engine.h). Names stay where they are written
// until the call is over: libxml2 keeps pointers to them.
type feed struct {
	t     *xmltree.Tree
	o     *Options
	ev    []int32
	block []byte
	big   []unsafe.Pointer
	pin   runtime.Pinner
	most  int // pointers needed by the largest START

	names map[nameKey]int32
	cache [256]nameSlot

	open    []xmltree.Node
	text    []byte // a text that is not yet written
	textOf  xmltree.Node
	joined  bool // text has been copied to the block, from textAt on
	textAt  int32
	ids     []idAttr
	idrefs  []idAttr
	extra   [][2]string // declarations to add to the next START
	rename  Name        // name of the next START, where it is not the element's own
	typ     string      // xsi:type of the next START, in place of its own
	renamed Name        // what rename was for the root of the walk
	root    xmltree.Node
}

// idAttr is an attribute that identifies, or refers to, an element.
type idAttr struct {
	n xmltree.Node
	a xmltree.Attr
}

type nameKey struct {
	p *byte
	n int
}

type nameSlot struct {
	key nameKey
	off int32
}

func newFeed(t *xmltree.Tree, o *Options) *feed {
	return &feed{
		t: t, o: o, names: make(map[nameKey]int32), textOf: xmltree.None,
		ev: make([]int32, 0, 16*1024), block: make([]byte, 0, 16*1024), most: 16,
	}
}

// name gives the place of a NUL-terminated copy of s, -1 for "". The tree interns its
// names, so the same name is the same memory; were it not, there would only be one
// copy more.
func (f *feed) name(s string) int32 {
	if s == "" {
		return -1
	}
	key := nameKey{unsafe.StringData(s), len(s)}
	slot := &f.cache[(uintptr(unsafe.Pointer(key.p))>>3^uintptr(key.n))%uintptr(len(f.cache))]
	if slot.key == key {
		return slot.off
	}
	off, known := f.names[key]
	if !known {
		off = f.write(s)
		f.names[key] = off
	}
	*slot = nameSlot{key, off}
	return off
}

// write puts a NUL-terminated copy of s into the block.
func (f *feed) write(s string) int32 {
	off := int32(len(f.block))
	f.block = append(append(f.block, s...), 0)
	return off
}

// value puts an attribute's value into the block as libxml2 wants it.
func (f *feed) value(s string) (begin, end int32) {
	begin = int32(len(f.block))
	for {
		i := strings.IndexByte(s, '&')
		if i < 0 {
			break
		}
		f.block = append(append(f.block, s[:i]...), "&#38;"...)
		s = s[i+1:]
	}
	f.block = append(f.block, s...)
	return begin, int32(len(f.block))
}

// walk feeds the subtree of root.
func (f *feed) walk(root xmltree.Node) {
	t, end := f.t, f.t.End(root)
	f.root = root
	for n := root; n < end; {
		f.close(n)
		switch t.Kind(n) {
		case xmltree.Element:
			if n != root && f.opaque(t.Parent(n)) {
				f.shallow(n)
				n = t.End(n)
				continue
			}
			f.start(n)
			f.open = append(f.open, n)
		case xmltree.Text, xmltree.CData:
			f.addText(n)
		}
		n++
	}
	f.close(end)
}

// close ends the open elements that end at or before n.
func (f *feed) close(n xmltree.Node) {
	for k := len(f.open) - 1; k >= 0 && f.t.End(f.open[k]) <= n; k-- {
		f.end(f.open[k])
		f.open = f.open[:k]
	}
}

// opaque tells whether the content of n's children is not fed: the schema does not
// look into them.
func (f *feed) opaque(n xmltree.Node) bool {
	for i := range f.o.Opaque {
		if f.t.Is(n, f.o.Opaque[i].Space, f.o.Opaque[i].Local) {
			return true
		}
	}
	return false
}

// shallow feeds an element as if it were empty, and looks for identifiers in it.
func (f *feed) shallow(n xmltree.Node) {
	f.flush()
	local, space := f.name(f.t.Local(n)), f.name(f.t.Space(n))
	f.ev = append(f.ev, phaseStart, int32(n), local, -1, space, 0, 0)
	f.ev = append(f.ev, phaseEnd, int32(n), local, space)
	for m := n; m < f.t.End(n); m++ {
		for a, end := f.t.Attrs(m); a < end; a++ {
			f.noteID(m, a)
		}
	}
}

func (f *feed) start(n xmltree.Node) {
	f.flush()
	t := f.t
	local, space := f.name(t.Local(n)), f.name(t.Space(n))
	if f.rename != (Name{}) {
		local, space = f.name(f.rename.Local), f.name(f.rename.Space)
		f.renamed, f.rename = f.rename, Name{}
	}
	at := len(f.ev)
	f.ev = append(f.ev, phaseStart, int32(n), local, f.name(t.Prefix(n)), space, 0, 0)
	nns := f.declarations(n)
	nattrs := f.attributes(n)
	f.ev[at+5], f.ev[at+6] = nns, nattrs
	f.most = max(f.most, int(2*nns+5*nattrs))
}

// declarations writes the namespace declarations of n and gives their number. Those
// added come first: libxml2 takes the first that it finds.
func (f *feed) declarations(n xmltree.Node) (count int32) {
	for _, d := range f.extra {
		f.ev = append(f.ev, f.name(d[0]), f.uri(d[1]))
		count++
	}
	f.extra = f.extra[:0]
	for i, end := f.t.NSDecls(n); i < end; i++ {
		f.ev = append(f.ev, f.name(f.t.NSPrefix(i)), f.uri(f.t.NSURI(i)))
		count++
	}
	return count
}

// uri gives the place of a namespace name; "" is a string here, not NULL.
func (f *feed) uri(s string) int32 {
	if s == "" {
		return f.name("\x00"[:1]) // one NUL: an empty string for C
	}
	return f.name(s)
}

// attributes writes the attributes of n and gives their number.
func (f *feed) attributes(n xmltree.Node) (count int32) {
	t := f.t
	for a, end := t.Attrs(n); a < end; a++ {
		value := t.AttrValue(a)
		if t.AttrSpace(a) == spaceXSI && t.AttrLocal(a) == "type" {
			if f.typ != "" {
				continue
			}
			value = f.xsiType(value)
		}
		local, prefix, space := f.name(t.AttrLocal(a)), f.name(t.AttrPrefix(a)), f.name(t.AttrSpace(a))
		begin, stop := f.value(value)
		f.ev = append(f.ev, local, prefix, space, begin, stop)
		count++
		f.noteID(n, a)
	}
	if f.typ != "" {
		begin, stop := f.value(f.typ)
		f.ev = append(f.ev, f.name("type"), f.name("xsi"), f.name(spaceXSI), begin, stop)
		count++
		f.typ = ""
	}
	return count
}

// xsiType gives what is fed for a document's xsi:type.
func (f *feed) xsiType(value string) string {
	if _, local, ok := strings.Cut(value, ":"); ok && strings.Contains(local, ".") || !ok && strings.Contains(value, ".") {
		return hiddenType
	}
	return value
}

func (f *feed) noteID(n xmltree.Node, a xmltree.Attr) {
	local := f.t.AttrLocal(a)
	for _, name := range f.o.IDs {
		if local == name && f.t.AttrSpace(a) == "" {
			f.ids = append(f.ids, idAttr{n, a})
		}
	}
	for _, name := range f.o.IDRefs {
		if local == name && f.t.AttrSpace(a) == "" {
			f.idrefs = append(f.idrefs, idAttr{n, a})
		}
	}
}

func (f *feed) end(n xmltree.Node) {
	f.flush()
	local, space := f.t.Local(n), f.t.Space(n)
	if n == f.root && f.renamed != (Name{}) {
		local, space = f.renamed.Local, f.renamed.Space
		f.renamed = Name{}
	}
	f.ev = append(f.ev, phaseEnd, int32(n), f.name(local), f.name(space))
}

// addText gathers text up to the next tag, across comments, instructions and
// sections: libxml2 would append every piece at the cost of all before it.
func (f *feed) addText(n xmltree.Node) {
	b := f.t.Value(n)
	if len(b) == 0 || len(f.open) == 0 {
		return
	}
	switch {
	case f.joined:
		f.block = append(f.block, b...)
	case f.text != nil:
		f.textAt = int32(len(f.block))
		f.block = append(append(f.block, f.text...), b...)
		f.joined = true
	default:
		f.text, f.textOf = b, f.open[len(f.open)-1]
	}
}

// flush writes the text gathered.
func (f *feed) flush() {
	switch {
	case f.text == nil:
		return
	case f.joined:
		f.ev = append(f.ev, phaseText, int32(f.textOf), f.textAt, int32(len(f.block))-f.textAt)
	case len(f.text) >= bigText:
		p := unsafe.SliceData(f.text)
		f.pin.Pin(p)
		f.ev = append(f.ev, phaseBig, int32(f.textOf), int32(len(f.big)), int32(len(f.text)))
		f.big = append(f.big, unsafe.Pointer(p))
	default:
		f.ev = append(f.ev, phaseText, int32(f.textOf), int32(len(f.block)), int32(len(f.text)))
		f.block = append(f.block, f.text...)
	}
	f.text, f.joined = nil, false
}

// inForce gives the declarations in force at n, nearest first, one for each prefix,
// without those of the prefixes in seen.
func inForce(t *xmltree.Tree, n xmltree.Node, seen map[string]bool) [][2]string {
	if seen == nil {
		seen = make(map[string]bool)
	}
	var all [][2]string
	for ; n > xmltree.Doc; n = t.Parent(n) {
		for i, end := t.NSDecls(n); i < end; i++ {
			if prefix := t.NSPrefix(i); !seen[prefix] {
				seen[prefix] = true
				all = append(all, [2]string{prefix, t.NSURI(i)})
			}
		}
	}
	return all
}

// around gives the declarations in force at n that do not stand on n itself.
func around(t *xmltree.Tree, n xmltree.Node) [][2]string {
	if t.Parent(n) == xmltree.Doc {
		return nil
	}
	own := make(map[string]bool)
	for i, end := t.NSDecls(n); i < end; i++ {
		own[t.NSPrefix(i)] = true
	}
	return inForce(t, t.Parent(n), own)
}
