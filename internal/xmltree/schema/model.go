package schema

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"portti/internal/xmltree"
)

const (
	spaceXSD = "http://www.w3.org/2001/XMLSchema"
	spaceXSI = "http://www.w3.org/2001/XMLSchema-instance"
)

// many stands for maxOccurs="unbounded".
const many = math.MaxInt32

// model is what this package itself knows of a schema: which children a type has,
// in which order and how often. It serves to tell faults well; whether there is a
// fault is libxml2's word alone.
type model struct {
	target   map[string]string // file: target namespace
	global   map[Name]Name     // global element: its type
	types    map[Name]*content
	groups   map[Name]declared
	patterns map[string]string // pattern: name of the simple type that has it

	attrGroups map[Name]declared
	simples    map[Name]*simpleType // those of which the model knows the values
}

// declared is a declaration in a schema file, kept until it is needed.
type declared struct {
	t      *xmltree.Tree
	n      xmltree.Node
	target string
}

// content is the content model of a complex type: slots in their order. nested
// tells that the model has more structure than slots can say.
type content struct {
	slots    []slot
	children map[Name]Name // child element: its type
	at       map[Name]int  // child element: its first slot
	any      int           // slot of a wildcard, or -1
	nested   bool

	kids      map[Name]*content // the types of children that the model knows
	attrs     map[Name]attrDecl
	simple    bool // its content is that of another type
	openAttrs bool // it may have other attributes
	textless  bool // no text may stand in it
	unsure    bool // a slot may be empty that looks as if it must be filled, or a name stands in two
}

// slot is one step of a sequence: an element, a choice of elements, or a wildcard
// (no names).
type slot struct {
	names    []Name
	min, max int
}

func newModel(files map[string][]byte, main string) (*model, error) {
	m := &model{
		target: make(map[string]string), global: make(map[Name]Name),
		types: make(map[Name]*content), groups: make(map[Name]declared),
		patterns: make(map[string]string), attrGroups: make(map[Name]declared), simples: make(map[Name]*simpleType),
	}
	complexTypes := make(map[Name]declared)
	for file, b := range files {
		t, err := xmltree.Parse(b, xmltree.Limits{})
		if err != nil {
			return nil, fmt.Errorf("schema: %s: %w", file, err)
		}
		target := t.Attr(t.Root(), "targetNamespace")
		m.target[file] = target
		for n := range t.Children(t.Root()) {
			name := Name{target, t.Attr(n, "name")}
			switch {
			case t.Space(n) != spaceXSD:
			case t.Local(n) == "element":
				m.global[name] = refer(t, n, "type")
			case t.Local(n) == "group":
				m.groups[name] = declared{t, n, target}
			case t.Local(n) == "attributeGroup":
				m.attrGroups[name] = declared{t, n, target}
			case t.Local(n) == "complexType":
				complexTypes[name] = declared{t, n, target}
			case t.Local(n) == "simpleType":
				m.simple(t, n, name)
			}
		}
	}
	for name, d := range complexTypes {
		c, err := m.content(d)
		if err != nil {
			return nil, fmt.Errorf("schema: type %s: %w", name.Local, err)
		}
		m.types[name] = c
	}
	for _, c := range m.types {
		for name, typ := range c.children {
			if kid := m.types[typ]; kid != nil {
				c.kids[name] = kid
			}
		}
	}
	return m, nil
}

// simple notes the patterns of a simple type, and what its values are.
func (m *model) simple(t *xmltree.Tree, n xmltree.Node, name Name) {
	r := t.Child(n, spaceXSD, "restriction")
	if r >= 0 {
		if s := newSimple(t, r); s != nil {
			m.simples[name] = s
		}
	}
	for f := range t.Children(r) {
		if t.Local(f) == "pattern" {
			m.patterns[t.Attr(f, "value")] = name.Local
		}
	}
}

// refer resolves the qualified name that attribute holds.
func refer(t *xmltree.Tree, n xmltree.Node, attribute string) Name {
	prefix, local, ok := strings.Cut(t.Attr(n, attribute), ":")
	if !ok {
		prefix, local = "", prefix
	}
	space, _ := t.LookupPrefix(n, prefix)
	return Name{space, local}
}

func (m *model) content(d declared) (*content, error) {
	c := &content{children: make(map[Name]Name), at: make(map[Name]int), any: -1, kids: make(map[Name]*content), attrs: make(map[Name]attrDecl)}
	m.attributes(c, d)
	c.textless = !c.simple && d.t.Attr(d.n, "mixed") != "true" && d.t.Attr(d.n, "mixed") != "1"
	for n := range d.t.Children(d.n) {
		if err := m.particle(c, declared{d.t, n, d.target}, true); err != nil {
			return nil, err
		}
	}
	for i, s := range c.slots {
		for _, name := range s.names {
			if first, known := c.at[name]; !known {
				c.at[name] = i
			} else if first != i {
				c.unsure = true
			}
		}
		if len(s.names) == 0 && c.any < 0 {
			c.any = i
		}
	}
	return c, nil
}

// particle adds a particle to c. required is false inside something optional.
func (m *model) particle(c *content, d declared, required bool) error {
	t, n := d.t, d.n
	lo, hi := occurs(t.Attr(n, "minOccurs")), occurs(t.Attr(n, "maxOccurs"))
	required = required && lo > 0
	switch t.Local(n) {
	case "group":
		g, ok := m.groups[refer(t, n, "ref")]
		if !ok {
			return fmt.Errorf("group %q is not declared", t.Attr(n, "ref"))
		}
		for inner := range g.t.Children(g.n) {
			if err := m.particle(c, declared{g.t, inner, g.target}, required); err != nil {
				return err
			}
		}
	case "sequence", "all":
		c.nested = c.nested || hi > 1 || t.Local(n) == "all"
		for inner := range t.Children(n) {
			if err := m.particle(c, declared{t, inner, d.target}, required); err != nil {
				return err
			}
		}
	case "choice":
		return m.choice(c, d, required, hi)
	case "element":
		name, err := m.child(c, d)
		if err != nil {
			return err
		}
		c.add(slot{names: []Name{name}, min: least(required, lo), max: hi})
	case "any":
		c.add(slot{min: least(required, lo), max: hi})
	}
	return nil
}

// choice adds a choice as one slot. A choice of more than plain elements is
// beyond slots: only its children's types are noted.
func (m *model) choice(c *content, d declared, required bool, hi int) error {
	s := slot{min: least(required, 1), max: hi}
	for inner := range d.t.Children(d.n) {
		at := declared{d.t, inner, d.target}
		switch d.t.Local(inner) {
		case "element":
			name, err := m.child(c, at)
			if err != nil {
				return err
			}
			s.names = append(s.names, name)
			c.unsure = c.unsure || occurs(d.t.Attr(inner, "minOccurs")) == 0
		case "annotation":
		default:
			c.nested = true
			if err := m.particle(c, at, false); err != nil {
				return err
			}
		}
	}
	c.add(s)
	return nil
}

// child notes an element declared in a content model and its type.
func (m *model) child(c *content, d declared) (Name, error) {
	t, n := d.t, d.n
	name, typ := Name{d.target, t.Attr(n, "name")}, refer(t, n, "type")
	if t.Attr(n, "ref") != "" {
		name = refer(t, n, "ref")
		typ = m.global[name]
	}
	if name.Local == "" || typ.Local == "" {
		return name, fmt.Errorf("element %q has no named type", name.Local)
	}
	c.children[name] = typ
	return name, nil
}

// add appends a slot; one of the same single name as the last is joined to it.
func (c *content) add(s slot) {
	if k := len(c.slots) - 1; k >= 0 && len(s.names) == 1 && len(c.slots[k].names) == 1 && c.slots[k].names[0] == s.names[0] {
		c.slots[k].min += s.min
		c.slots[k].max = min(c.slots[k].max+min(s.max, many/2), many)
		return
	}
	c.slots = append(c.slots, s)
}

func occurs(s string) int {
	switch s {
	case "":
		return 1
	case "unbounded":
		return many
	}
	n, _ := strconv.Atoi(s)
	return n
}

func least(required bool, n int) int {
	if required {
		return n
	}
	return 0
}

// typeOf gives the type by which n was examined when validation began at root with
// that type: down from root through the content models. ok is false inside wildcards.
func (m *model) typeOf(t *xmltree.Tree, n, root xmltree.Node, rootType Name) (Name, bool) {
	var path []xmltree.Node
	for ; n > root; n = t.Parent(n) {
		path = append(path, n)
	}
	typ := rootType
	for i := len(path) - 1; i >= 0; i-- {
		c := m.types[typ]
		if c == nil {
			return Name{}, false
		}
		var ok bool
		if typ, ok = c.children[Name{t.Space(path[i]), t.Local(path[i])}]; !ok {
			return Name{}, false
		}
	}
	return typ, true
}
