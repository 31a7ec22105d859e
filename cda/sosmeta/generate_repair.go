package sosmeta

import (
	"fmt"
	"slices"
)

// repair changes the document until its conditional obligations are met.
func (g *generator) repair(s *Structure, root *node) error {
	const rounds = 2000
	for range rounds {
		rep := s.Validate(root.json(), Options{NoConditions: true})
		nodes := root.flatten(nil)
		if len(nodes) != rep.Instance.Len() {
			return fmt.Errorf("made %d values, read %d", len(nodes), rep.Instance.Len())
		}
		parents := parentsOf(nodes)
		v, found := firstViolation(rep.Instance)
		if !found {
			return nil
		}
		g.mend(v, nodes, parents)
		if g.err != nil {
			return g.err
		}
	}
	return fmt.Errorf("its conditions contradict each other")
}

// flatten lists the values in document order, which is the order of Ref.
func (n *node) flatten(list []*node) []*node {
	list = append(list, n)
	for _, c := range n.children {
		list = c.flatten(list)
	}
	return list
}

func parentsOf(nodes []*node) map[*node]*node {
	m := make(map[*node]*node, len(nodes))
	for _, n := range nodes {
		for _, c := range n.children {
			m[c] = n
		}
	}
	return m
}

func firstViolation(in *Instance) (v violation, found bool) {
	for i := range in.values {
		f := in.Field(Ref(i))
		if f == nil || in.values[i].typ != TypeObject {
			continue
		}
		for _, c := range f.conds {
			c.judge(in, Ref(i), func(x violation) {
				if !found {
					v, found = x, true
				}
			})
		}
	}
	return v, found
}

// mend removes one violation.
func (g *generator) mend(v violation, nodes []*node, parents map[*node]*node) {
	at := nodes[v.at]
	last := v.field[len(v.field)-1]
	switch {
	case v.cond.isTrue != nil:
		g.add(at, v.field).typ = TypeTrue
	case v.ref == None:
		g.add(at, v.field)
	case v.cond.codes != nil:
		nodes[v.ref].child("code").set(v.cond.Expect.Codes.Among[g.rnd.IntN(len(v.cond.Expect.Codes.Among))])
	case v.cond.order != nil:
		g.sameAs(at, v.cond.order, nodes[v.ref])
	default:
		remove(nodes[v.ref], last, parents)
	}
}

// add makes the value at a path below an object and gives it.
func (g *generator) add(at *node, path []*Field) *node {
	for _, f := range path {
		if at.typ == TypeArray {
			at = at.children[0]
		}
		c := at.child(f.Key)
		if c == nil || c.typ == TypeArray && len(c.children) == 0 {
			at.drop(c)
			c = g.filled(f, at.person)
			at.insert(c)
		}
		at = c
	}
	return at
}

// filled makes a value with at least one item.
func (g *generator) filled(f *Field, p *person) *node {
	if !f.Repeats {
		v := g.single(f)
		p.fill(v)
		return v
	}
	return &node{field: f, typ: TypeArray, children: []*node{g.single(f)}}
}

// insert puts a value where the structure's order has it.
func (n *node) insert(c *node) {
	i := 0
	for i < len(n.children) && n.children[i].field.index < c.field.index {
		i++
	}
	n.children = slices.Insert(n.children, i, c)
}

func (n *node) drop(c *node) {
	n.children = slices.DeleteFunc(n.children, func(x *node) bool { return x == c })
}

// remove takes a value out of its object: the whole field, but of several values
// of which one is too many only that one.
func remove(n *node, f *Field, parents map[*node]*node) {
	p := parents[n]
	if p.typ == TypeArray && len(p.children) == 1 {
		n, p = p, parents[p]
	}
	p.drop(n)
}

// sameAs gives the later of two dates the text of the earlier.
func (g *generator) sameAs(at *node, order [][]*Field, later *node) {
	earlier := g.add(at, order[0])
	if earlier.typ == TypeString {
		later.text = earlier.text
	}
}
