package schema

import (
	"portti/internal/xmltree"
)

// gap is a place among the children of parent, before a child or, with None, at the
// end, where a child of that name and type lacks.
type gap struct {
	parent, before xmltree.Node
	name           Name
	c              *content
	of             *typeHabits // those of parent; nil for what is fed inside of another
}

// firstInserted is the number by which the first child is fed that does not stand
// in the document; the next ones go down from there.
const firstInserted xmltree.Node = -2

// mostInserted bounds the depth of what is fed in the place of one child.
const mostInserted = 4

// foresees tells that the model knows each child that a type may have.
func (c *content) foresees() bool { return c != nil && !c.nested && c.any < 0 }

// learnContent takes that libxml2 does not find the children of n as type c has them.
func (h *habits) learnContent(t *xmltree.Tree, n xmltree.Node, c *content, r raw) {
	th := h.of(c)
	if _, may := c.at[Name{t.Space(r.node), t.Local(r.node)}]; r.phase == phaseStart && !may && th.child == nil {
		th.child = &told{raw: r}
	}
	if th.lacks == nil && !c.unsure {
		if gaps, ok := h.lacking(t, n, openType{c: c, h: th}, nil); ok && len(gaps) > 0 {
			th.lacks = &told{raw: r}
		}
	}
}

// skips notes the type of an element, and tells that it is not fed: its parent may
// not have it, and that is told.
func (f *feed) skips(n, root xmltree.Node) bool {
	h := f.habits
	var typ openType
	if n == root {
		typ = f.learner.rootOpen(h)
	} else {
		parent := f.types[len(f.open)-1]
		if h.unexpected(f.t, n, f.open[len(f.open)-1], parent) {
			return true
		}
		typ = h.child(f.t, n, parent)
		if len(f.gaps) > 0 {
			f.flush()
			f.fill(f.open[len(f.open)-1], n)
		}
	}
	typ = typ.at(f.t, n)
	f.types = append(f.types[:len(f.open)], typ)
	if typ.h != nil && typ.h.lacks != nil && !typ.h.barred {
		before := len(f.gaps)
		gaps, ok := h.lacking(f.t, n, typ, f.gaps)
		if f.gaps = gaps; !ok {
			f.gaps = gaps[:before]
		}
		if len(f.gaps) > before {
			h.note(typ.h.lacks, n, -1, typ.c)
		}
		reverse(f.gaps[before:])
	}
	return false
}

func reverse(gaps []gap) {
	for i, j := 0, len(gaps)-1; i < j; i, j = i+1, j-1 {
		gaps[i], gaps[j] = gaps[j], gaps[i]
	}
}

// unexpected notes a child that its parent's type may not have: it is not fed.
func (h *habits) unexpected(t *xmltree.Tree, n, in xmltree.Node, parent openType) bool {
	if parent.h == nil || parent.h.child == nil {
		return false
	}
	if _, may := parent.c.at[Name{t.Space(n), t.Local(n)}]; may {
		return false
	}
	h.note(parent.h.child, in, -1, parent.c)
	return true
}

// lacking adds the gaps among the children of n. ok tells that they are all that is
// wrong with the children that are fed, and that there is something to feed in them.
func (h *habits) lacking(t *xmltree.Tree, n xmltree.Node, typ openType, gaps []gap) (all []gap, ok bool) {
	c, at, count := typ.c, 0, 0
	pass := func(to int, before xmltree.Node) bool {
		for ; at < to; at++ {
			s := c.slots[at]
			for ; count < s.min; count++ {
				if len(s.names) == 0 || len(gaps) > MaxFaults {
					return false
				}
				kid := c.kids[s.names[0]]
				if !h.m.feedable(kid, 0) {
					return false
				}
				gaps = append(gaps, gap{n, before, s.names[0], kid, typ.h})
			}
			count = 0
		}
		return true
	}
	for child := range t.Children(n) {
		slot, may := c.at[Name{t.Space(child), t.Local(child)}]
		if !may && typ.h.child != nil {
			continue // not fed
		}
		if !may || slot < at || !pass(slot, child) {
			return gaps, false
		}
		if count++; count > c.slots[slot].max {
			return gaps, false
		}
	}
	return gaps, pass(len(c.slots), xmltree.None)
}

// feedable tells that an element of type c can be fed that has no fault.
func (m *model) feedable(c *content, depth int) bool {
	if c == nil || c.nested || c.openAttrs || depth == mostInserted {
		return false
	}
	for _, a := range c.attrs {
		if _, ok := m.sample(a); a.required && !ok {
			return false
		}
	}
	for _, s := range c.slots {
		if s.min > 0 && (s.min > 1 || len(s.names) == 0 || !m.feedable(c.kids[s.names[0]], depth+1)) {
			return false
		}
	}
	return true
}

// fill feeds the children that lack in parent before the child n.
func (f *feed) fill(parent, n xmltree.Node) {
	for k := len(f.gaps) - 1; k >= 0 && f.gaps[k].parent == parent && f.gaps[k].before == n; k-- {
		f.insert(f.gaps[k])
		f.gaps = f.gaps[:k]
	}
}

// insert feeds an element that does not stand in the document.
func (f *feed) insert(g gap) {
	number := firstInserted - xmltree.Node(len(f.habits.inserted))
	f.habits.inserted = append(f.habits.inserted, g)
	at := len(f.ev)
	f.ev = append(f.ev, phaseStart, int32(number), f.name(g.name.Local), f.name(g.name.Space), 0, 0)
	for name, a := range g.c.attrs {
		if !a.required {
			continue
		}
		value, _ := f.habits.m.sample(a)
		begin, stop := f.value(value)
		f.ev = append(f.ev, f.name(name.Local), f.name(name.Space), begin, stop)
		f.ev[at+5]++
	}
	f.most = max(f.most, int(5*f.ev[at+5]))
	for _, s := range g.c.slots {
		if s.min > 0 {
			f.insert(gap{name: s.names[0], c: g.c.kids[s.names[0]]})
		}
	}
	f.ev = append(f.ev, phaseEnd)
}

// ofInserted gives a fault of an element that does not stand in the document: where
// it may not stand there, the children of its parent are told, and those behind it were
// not read. Any other is none of the document. The model was wrong, and does not
// foresee this again.
func (h *habits) ofInserted(r raw) raw {
	g := h.inserted[firstInserted-r.node]
	if g.of != nil {
		g.of.barred = true
	}
	if g.of == nil || r.phase != phaseStart || r.code != codeContent {
		return raw{node: xmltree.None, attr: -1}
	}
	if r.node, r.attr = g.before, -1; r.node == xmltree.None {
		r.node, r.phase = g.parent, phaseEnd
	}
	return r
}

// foreseesText notes text where none may stand: it is not fed.
func (f *feed) foreseesText() bool {
	if len(f.open) == 0 {
		return false
	}
	typ := &f.types[len(f.open)-1]
	if typ.h == nil || typ.h.text == nil {
		return false
	}
	text := f.text
	if f.joined {
		text = f.block[f.textAt:]
	}
	for _, b := range text {
		if b != ' ' && b != '\n' && b != '\t' && b != '\r' {
			if !typ.text {
				typ.text = true
				f.habits.note(typ.h.text, f.open[len(f.open)-1], -1, nil)
			}
			return true
		}
	}
	return false
}
