package schema

import (
	"math"
	"runtime"
	"strings"
	"sync"
	"unsafe"

	"portti/internal/xmltree"
)

// The events of engine.h, and the phases that faults come in.
const (
	phaseStart = 1
	phaseText  = 2
	phaseBig   = 3
	phaseEnd   = 4
	startHead  = 6 // length of a START without its lists
)

// bigText is the size in bytes from which a text is handed over where it stands.
const bigText = 4096

// hiddenType stands for an xsi:type that names a type of the schema's own, which no
// document may name.
const hiddenType = "portti.hidden"

// feed writes the events of a walk (see engine.h) and hands them over, a part at a
// time. Names stay where they are written until the feed is released: libxml2 keeps
// pointers to them.
type feed struct {
	t     *xmltree.Tree
	o     *Options
	run   *run
	part  int // length of events after which a part is handed over
	ev    []int32
	block []byte // values and texts of the part
	big   []unsafe.Pointer
	pin   runtime.Pinner
	most  int // pointers needed by the largest START

	names   nameTable
	written []byte // the names
	pinned  *byte  // where the names stand that have been handed over

	open   []xmltree.Node
	text   []byte // a text that is not yet written
	joined bool   // text has been copied to the block, from textAt on
	textAt int32

	ids, idrefs []idAttr

	learner *diagnosis // nil where all is fed as it stands
	learnt  int        // faults that the habits were made of
	habits  *habits    // nil until there are some
	types   []openType // of the open elements, where there are habits
	gaps    []gap      // children to feed in the place of those that lack, the next one last

	// What the next START has in place of, or beside, its own.
	extra  [][2]string // declarations
	rename Name
	typ    string // xsi:type
}

// idAttr is an attribute that identifies, or refers to, an element.
type idAttr struct {
	n xmltree.Node
	a xmltree.Attr
}

// feeds are kept for the next document.
var feeds = sync.Pool{New: func() any {
	return &feed{ev: make([]int32, 0, 4*partSize), block: make([]byte, 0, 16*1024), written: make([]byte, 0, 16*1024)}
}}

// keptFeed bounds the bytes that a feed kept for later may hold.
const keptFeed = 4 << 20

func newFeed(t *xmltree.Tree, o *Options) *feed {
	f := feeds.Get().(*feed)
	f.t, f.o, f.most, f.part = t, o, 16, math.MaxInt
	return f
}

// release gives the feed back; nothing of the document stays in it.
func (f *feed) release() {
	f.pin.Unpin()
	if 4*cap(f.ev)+cap(f.block)+cap(f.written)+16*cap(f.ids) > keptFeed {
		return
	}
	clear(f.big[:cap(f.big)])
	f.names.clear()
	clear(f.block[:cap(f.block)])
	clear(f.written)
	*f = feed{ev: f.ev[:0], block: f.block[:0], big: f.big[:0], names: f.names, written: f.written[:0], open: f.open[:0],
		ids: f.ids[:0], idrefs: f.idrefs[:0], extra: f.extra[:0], types: f.types[:0], gaps: f.gaps[:0]}
	feeds.Put(f)
}

// name gives the place of a NUL-terminated copy of s among the names, -1 for "".
func (f *feed) name(s string) int32 {
	if s == "" {
		return -1
	}
	slot := f.names.find(s)
	if slot.p == nil {
		*slot = nameSlot{unsafe.StringData(s), int32(len(s)), int32(len(f.written))}
		f.written = append(append(f.written, s...), 0)
		off := slot.off
		f.names.added()
		return off
	}
	return slot.off
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
	base := len(f.open)
	next := end // where the innermost open element ends
	for n := root; n < end; {
		if n == next {
			next = f.close(n, base)
		}
		if len(f.ev) >= f.part && f.text == nil && !f.hand() || f.habits.full() {
			f.noteIDs(n, end) // what is open stays open
			return
		}
		switch t.Kind(n) {
		case xmltree.Element:
			if f.habits != nil && f.skips(n, root) {
				f.noteIDs(n, t.End(n))
				n = t.End(n)
				continue
			}
			if n != root && len(f.o.Opaque) > 0 && f.opaque(t.Parent(n)) {
				f.shallow(n)
				n = t.End(n)
				continue
			}
			f.start(n)
			f.open = append(f.open, n)
			next = t.End(n)
		case xmltree.Text, xmltree.CData:
			f.addText(n)
		}
		n++
	}
	f.close(end, base)
}

// close ends the open elements that end at n, and gives where the innermost of the
// others ends.
func (f *feed) close(n xmltree.Node, base int) xmltree.Node {
	f.flush()
	for k := len(f.open) - 1; k >= base; k-- {
		if e := f.t.End(f.open[k]); e > n {
			return e
		}
		if len(f.gaps) > 0 {
			f.fill(f.open[k], xmltree.None)
		}
		f.ev = append(f.ev, phaseEnd)
		f.open = f.open[:k]
		if f.habits != nil {
			f.types = f.types[:k]
		}
	}
	return n
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
	f.ev = append(f.ev, phaseStart, int32(n), f.name(f.t.Local(n)), f.name(f.t.Space(n)), 0, 0, phaseEnd)
	f.noteIDs(n, f.t.End(n))
}

// noteIDs looks for identifiers in the nodes from n on, before end: nothing else of
// them is fed.
func (f *feed) noteIDs(n, end xmltree.Node) {
	if len(f.o.IDs) == 0 && len(f.o.IDRefs) == 0 {
		return
	}
	for m := n; m < end; m++ {
		for a, end := f.t.Attrs(m); a < end; a++ {
			f.noteID(m, a)
		}
	}
}

func (f *feed) start(n xmltree.Node) {
	f.flush()
	t := f.t
	local, space := t.Local(n), t.Space(n)
	if f.rename != (Name{}) {
		local, space = f.rename.Local, f.rename.Space
		f.rename = Name{}
	}
	at := len(f.ev)
	f.ev = append(f.ev, phaseStart, int32(n), f.name(local), f.name(space), 0, 0)
	nns := f.declarations(n)
	nattrs := f.attributes(n)
	f.ev[at+4], f.ev[at+5] = nns, nattrs
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

// nul is a name that C takes for the empty string.
const nul = "\x00"

// uri gives the place of a namespace name; "" is a string here, not NULL.
func (f *feed) uri(s string) int32 {
	if s == "" {
		return f.name(nul)
	}
	return f.name(s)
}

// attributes writes the attributes of n and gives their number.
func (f *feed) attributes(n xmltree.Node) (count int32) {
	t := f.t
	var typ openType
	if f.habits != nil {
		typ = f.types[len(f.types)-1]
	}
	for a, end := t.Attrs(n); a < end; a++ {
		value, local, space := t.AttrValue(a), t.AttrLocal(a), t.AttrSpace(a)
		if space == spaceXSI && local == "type" {
			if f.typ != "" {
				continue
			}
			value = documentType(value)
		}
		f.noteID(n, a)
		if typ.h != nil {
			var fed bool
			if value, fed = f.habits.attribute(t, n, a, typ, value); !fed {
				continue
			}
		}
		begin, stop := f.value(value)
		f.ev = append(f.ev, f.name(local), f.name(space), begin, stop)
		count++
	}
	if typ.h != nil {
		f.habits.missing(t, n, typ, func(name Name, value string) {
			begin, stop := f.value(value)
			f.ev = append(f.ev, f.name(name.Local), f.name(name.Space), begin, stop)
			count++
		})
	}
	if f.typ != "" {
		begin, stop := f.value(f.typ)
		f.ev = append(f.ev, f.name("type"), f.name(spaceXSI), begin, stop)
		count++
		f.typ = ""
	}
	return count
}

// documentType gives what is fed for a document's xsi:type.
func documentType(value string) string {
	local := value[strings.IndexByte(value, ':')+1:]
	if strings.Contains(local, ".") {
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

// addText gathers text up to the next tag, across comments, instructions and
// sections: libxml2 would append every piece at the cost of all before it.
func (f *feed) addText(n xmltree.Node) {
	b := f.t.Value(n)
	switch {
	case len(b) == 0:
	case f.joined:
		f.block = append(f.block, b...)
	case f.text != nil:
		f.textAt = int32(len(f.block))
		f.block = append(append(f.block, f.text...), b...)
		f.joined = true
	default:
		f.text = b
	}
}

// flush writes the text gathered.
func (f *feed) flush() {
	switch {
	case f.text == nil:
		return
	case f.habits != nil && f.foreseesText():
	case f.joined:
		f.ev = append(f.ev, phaseText, f.textAt, int32(len(f.block))-f.textAt)
	case len(f.text) >= bigText:
		p := unsafe.SliceData(f.text)
		f.pin.Pin(p)
		f.ev = append(f.ev, phaseBig, int32(len(f.big)), int32(len(f.text)))
		f.big = append(f.big, unsafe.Pointer(p))
	default:
		f.ev = append(f.ev, phaseText, int32(len(f.block)), int32(len(f.text)))
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
