package xmltree

// IDIndex finds elements by the value of an identifying attribute. It is immutable.
type IDIndex struct {
	first map[string]Node
	more  map[string][]Node // all elements, for values that stand on several
	dups  []string
}

// IDs indexes the attributes without namespace that have one of the names given
// ("ID" where none is given), by their values as they stand. Linear.
func (t *Tree) IDs(names ...string) *IDIndex {
	if len(names) == 0 {
		names = []string{"ID"}
	}
	wanted := make([]bool, len(t.names))
	for i := range t.names {
		for _, n := range names {
			wanted[i] = wanted[i] || t.names[i].space == "" && t.names[i].raw == n
		}
	}
	x := &IDIndex{first: make(map[string]Node), more: make(map[string][]Node)}
	for n := range t.nodes {
		if t.nodes[n].kind != Element {
			continue
		}
		for a := t.nodes[n].a; a < t.nodes[n].b; a++ {
			if wanted[t.attrs[a].name] {
				x.add(t.AttrValue(Attr(a)), Node(n))
			}
		}
	}
	return x
}

func (x *IDIndex) add(id string, n Node) {
	first, known := x.first[id]
	if !known {
		x.first[id] = n
		return
	}
	all := x.more[id]
	if all == nil {
		all = []Node{first}
	}
	if all[len(all)-1] == n {
		return // two of the names on one element
	}
	if len(all) == 1 {
		x.dups = append(x.dups, id)
	}
	x.more[id] = append(all, n)
}

// Lookup gives the elements with that id in document order: none, one, or several
// where the document is faulty. Whoever acts on an id must refuse several.
func (x *IDIndex) Lookup(id string) []Node {
	if all := x.more[id]; all != nil {
		return all
	}
	if n, ok := x.first[id]; ok {
		return []Node{n}
	}
	return nil
}

// Duplicates gives the ids that stand on more than one element, in the order of
// their second appearance.
func (x *IDIndex) Duplicates() []string { return x.dups }
