package schema

import (
	"slices"
	"sort"

	"portti/internal/xmltree"
)

// mostExpected bounds the names told as expected.
const mostExpected = 8

// diagnosis turns what libxml2 found into faults. Where an element's content does
// not fit, libxml2 tells of the first child that does not and reads no further;
// the model tells the rest.
type diagnosis struct {
	s        *Schema
	t        *xmltree.Tree
	root     xmltree.Node
	rootType Name
	o        *Options

	faults []Fault
	done   []uint64 // a bit for each node whose content has been told
	unread []unread
	placed []placed // room for the children of one element, and for their number by slot
	count  []int
	sets   map[string][]Name   // lists of values, read once
	froms  map[fromSlot][]Name // of from
}

// fromSlot is a slot of a type.
type fromSlot struct {
	c *content
	i int
}

// unread are the children of parent, a type typ, from child on: libxml2 did not
// look into them.
type unread struct {
	parent, child xmltree.Node
	typ           Name
}

func newDiagnosis(s *Schema, t *xmltree.Tree, root xmltree.Node, o *Options, rootType Name) *diagnosis {
	return &diagnosis{s: s, t: t, root: root, o: o, rootType: rootType}
}

// all tells all faults, beside those of identifiers, with one more pass over what was
// left unread.
func (d *diagnosis) all(raws []raw, seen []foreseen, ids []Fault) ([]Fault, error) {
	d.done = make([]uint64, (d.t.End(d.root)-d.root)/64+1)
	d.faults = make([]Fault, 0, min(len(raws)+len(seen)+len(ids)+4, 2*MaxFaults))
	d.sets, d.froms = make(map[string][]Name), make(map[fromSlot][]Name)
	d.take(raws)
	d.takeForeseen(seen)
	if len(d.unread) > 0 {
		again, err := d.probed()
		if err != nil {
			return nil, err
		}
		d.take(anew(again, seen))
	}
	if len(ids) == 0 {
		return d.faults, nil
	}
	return append(ids, d.faults...), nil
}

// probed gives what libxml2 finds in the children that it left unread.
func (d *diagnosis) probed() ([]raw, error) {
	f := newFeed(d.t, d.o)
	defer f.release()
	return d.s.run(f, func() { d.probe(f) })
}

func (d *diagnosis) take(raws []raw) {
	for _, r := range raws {
		if len(d.faults) > 2*MaxFaults {
			return // of each of libxml2 and the model as many as are told
		}
		if r.node < 0 {
			continue
		}
		parent, ok := r.isContent(d.t)
		if !ok {
			d.faults = append(d.faults, r.fault(d.t, d.s.model, d.sets))
			continue
		}
		if d.tells(parent) {
			d.content(parent, r)
		}
	}
}

// takeForeseen takes what libxml2 was not let tell.
func (d *diagnosis) takeForeseen(seen []foreseen) {
	for _, x := range seen {
		switch {
		case len(d.faults) > 2*MaxFaults:
			return
		case x.content != nil:
			if d.tells(x.n) {
				d.compare(x.n, x.content, x.of.raw)
			}
		default:
			d.faults = append(d.faults, x.fault(d))
		}
	}
}

// tells notes that the content of n is told; false where it was before.
func (d *diagnosis) tells(n xmltree.Node) bool {
	if n < d.root {
		return true
	}
	word, bit := &d.done[(n-d.root)/64], uint64(1)<<((n-d.root)%64)
	first := *word&bit == 0
	*word |= bit
	return first
}

// content tells what is wrong with the children of parent, as libxml2 told by r.
func (d *diagnosis) content(parent xmltree.Node, r raw) {
	typ, known := d.s.model.typeOf(d.t, parent, d.root, d.rootType)
	if r.phase == phaseStart && known {
		d.unread = append(d.unread, unread{parent, r.node, typ})
	}
	d.compare(parent, d.s.model.types[typ], r)
}

// compare holds the children of parent against c.
func (d *diagnosis) compare(parent xmltree.Node, c *content, r raw) {
	before := len(d.faults)
	if c != nil && !c.nested {
		d.children(parent, c)
	}
	if len(d.faults) == before {
		d.faults = append(d.faults, d.plain(parent, r, c))
	}
	for i := before; i < len(d.faults); i++ {
		d.faults[i].Code = r.code
	}
}

// plain tells what libxml2 told, where the model cannot tell more.
func (d *diagnosis) plain(parent xmltree.Node, r raw, c *content) Fault {
	f := Fault{Kind: ElementUnexpected, Node: r.node, Attr: -1}
	if r.phase == phaseEnd {
		f = Fault{Kind: ElementMissing, Node: parent, Attr: -1}
	}
	if c != nil {
		f.Expected = c.sorted()
	}
	return f
}

// sorted gives the children that a type may have, at most mostExpected.
func (c *content) sorted() []Name {
	var names []Name
	for name := range c.children {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b Name) int {
		if c.at[a] != c.at[b] {
			return c.at[a] - c.at[b]
		}
		if a.Local < b.Local {
			return -1
		}
		return 1
	})
	return names[:min(len(names), mostExpected)]
}

// placed is a child with its slot.
type placed struct {
	n    xmltree.Node
	name Name
	slot int
	kept bool // part of the longest run in the right order
}

// children compares the children of parent with the slots of c. Most children keep
// their place: the longest run of them that is in the right order is taken as
// right, so one child that has moved is one fault.
func (d *diagnosis) children(parent xmltree.Node, c *content) {
	all, before := d.placed[:0], len(d.faults)
	count := append(d.count[:0], make([]int, len(c.slots))...)
	last, right := 0, true
	for n := range d.t.Children(parent) {
		name := Name{d.t.Space(n), d.t.Local(n)}
		i, known := c.at[name]
		switch {
		case known:
			all = append(all, placed{n: n, name: name, slot: i})
			count[i]++
			right = right && i >= last && count[i] <= c.slots[i].max
			last = i
		case c.any < 0 && len(d.faults)-before <= MaxFaults:
			d.faults = append(d.faults, Fault{Kind: ElementUnexpected, Node: n, Attr: -1, Expected: d.from(c, last)})
		}
	}
	if !right {
		markLongest(all)
		d.faults = append(d.faults, misplaced(all, c)...)
	}
	for i, s := range c.slots {
		if count[i] < s.min && len(s.names) > 0 {
			d.faults = append(d.faults, Fault{Kind: ElementMissing, Node: parent, Attr: -1, Expected: s.names})
		}
	}
	d.placed, d.count = all, count
}

// from gives what may stand in c from slot i on, worked out once.
func (d *diagnosis) from(c *content, i int) []Name {
	k := fromSlot{c, i}
	names, known := d.froms[k]
	if !known {
		names = c.from(i)
		d.froms[k] = names
	}
	return names
}

// from gives what may stand from slot i on, up to the next that must.
func (c *content) from(i int) []Name {
	var names []Name
	for ; i < len(c.slots) && len(names) < mostExpected; i++ {
		names = append(names, c.slots[i].names...)
		if c.slots[i].min > 0 && len(names) > 1 {
			break
		}
	}
	return names[:min(len(names), mostExpected)]
}

// markLongest marks a longest run of children whose slots do not fall.
func markLongest(all []placed) {
	tails := make([]int, 0, len(all)) // tails[k]: last child of the best run of length k+1
	before := make([]int, len(all))
	for i := range all {
		k := sort.Search(len(tails), func(k int) bool { return all[tails[k]].slot > all[i].slot })
		before[i] = -1
		if k > 0 {
			before[i] = tails[k-1]
		}
		if k == len(tails) {
			tails = append(tails, i)
		} else {
			tails[k] = i
		}
	}
	if len(tails) == 0 {
		return
	}
	for i := tails[len(tails)-1]; i >= 0; i = before[i] {
		all[i].kept = true
	}
}

// misplaced tells the children that stand too often or in a wrong place.
func misplaced(all []placed, c *content) []Fault {
	var faults []Fault
	count := make([]int, len(c.slots))
	var kept []placed
	for _, p := range all {
		if p.kept {
			count[p.slot]++
			kept = append(kept, p)
		}
	}
	seen := make([]int, len(c.slots))
	for _, p := range all {
		if len(faults) > MaxFaults {
			break
		}
		most := c.slots[p.slot].max
		switch {
		case p.kept:
			if seen[p.slot]++; seen[p.slot] > most {
				faults = append(faults, Fault{Kind: ElementRepeated, Node: p.n, Attr: -1, Expected: []Name{p.name}})
			}
		case count[p.slot] >= most:
			faults = append(faults, Fault{Kind: ElementRepeated, Node: p.n, Attr: -1, Expected: []Name{p.name}})
		default:
			count[p.slot]++
			faults = append(faults, Fault{Kind: ElementOrder, Node: p.n, Attr: -1, Expected: neighbours(kept, p.name, p.slot)})
		}
	}
	return faults
}

// neighbours gives the right order around a child of that name and slot: a child that
// belongs before it, itself, and one that belongs after it. kept are the children
// in the right order.
func neighbours(kept []placed, name Name, slot int) []Name {
	var names []Name
	if k := sort.Search(len(kept), func(k int) bool { return kept[k].slot >= slot }); k > 0 {
		names = append(names, kept[k-1].name)
	}
	names = append(names, name)
	if k := sort.Search(len(kept), func(k int) bool { return kept[k].slot > slot }); k < len(kept) {
		names = append(names, kept[k].name)
	}
	return names
}

// The prefix that the second pass binds to a type's namespace.
const probePrefix = "portti.probe"

// probe feeds the children that were left unread: each under an element that has
// the declarations of its parent, and with its type as xsi:type.
func (d *diagnosis) probe(f *feed) {
	f.ev = append(f.ev, phaseStart, int32(d.root), f.name(wrapperRoot), f.name(wrapperSpace), 1, 0,
		f.name("xml"), f.name(xmltree.NamespaceXML))
	for _, u := range d.unread {
		decls := inForce(d.t, u.parent, nil)
		f.ev = append(f.ev, phaseStart, int32(u.parent), f.name("group"), -1, int32(len(decls)), 0)
		for _, x := range decls {
			f.ev = append(f.ev, f.name(x[0]), f.uri(x[1]))
		}
		f.most = max(f.most, 2*len(decls))
		d.probeChildren(f, u)
		f.ev = append(f.ev, phaseEnd)
	}
	f.ev = append(f.ev, phaseEnd)
}

func (d *diagnosis) probeChildren(f *feed, u unread) {
	c := d.s.model.types[u.typ]
	if c == nil {
		return
	}
	for n := u.child; n >= 0; n = d.t.NextElement(n) {
		typ, known := c.children[Name{d.t.Space(n), d.t.Local(n)}]
		if !known {
			continue
		}
		f.extra = append(f.extra[:0], [2]string{probePrefix, typ.Space})
		f.typ = probePrefix + ":" + typ.Local
		f.walk(n)
	}
}
