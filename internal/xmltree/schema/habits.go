package schema

import (
	"regexp"
	"slices"
	"strings"

	"portti/internal/xmltree"
)

// fewFaults is how many faults libxml2 tells before the rest of a document is fed
// without those that it would only say again: each message that it writes costs more
// than the element it is about.
const fewFaults = 48

// habits are the faults of attributes and of unexpected children that libxml2 told of
// a type and that come again: where the model sees that one would, it is noted and a
// value without fault is fed in its place. The model speaks only of what libxml2 has
// told of this type and attribute before, and of types it knows in full.
type habits struct {
	m     *model
	attrs map[habit]raw
	child map[Name]raw // types with children that they may not have

	raws    []raw
	dropped map[xmltree.Node][]int // places of attributes that were not fed
}

// habit is one kind of fault of one attribute of a complex type.
type habit struct {
	typ, attr Name
	kind      Kind
}

// attrDecl is an attribute as a complex type declares it.
type attrDecl struct {
	simple   Name
	fixed    string
	required bool
}

// simpleType is a restriction of xs:string by one kind of facet.
type simpleType struct {
	set      []string
	patterns []*regexp.Regexp
	nonEmpty bool
	sample   string // a value without fault
}

// learn takes what libxml2 told first, save the faults of the last node, which may be
// cut; nil where none of it can be foreseen.
func (d *diagnosis) learn(raws []raw) *habits {
	h := &habits{m: d.s.model, attrs: make(map[habit]raw), child: make(map[Name]raw), dropped: make(map[xmltree.Node][]int)}
	last := raws[len(raws)-1].node
	at := func(r raw) [2]int { return [2]int{int(r.node), r.attr} }
	for i, r := range raws {
		if r.node == last || r.attr >= 0 && (i > 0 && at(raws[i-1]) == at(r) || at(raws[i+1]) == at(r)) {
			continue // told by two faults at once
		}
		if parent, ok := r.isContent(d.t); ok {
			typ, known := h.m.typeOf(d.t, parent, d.root, d.rootType)
			if known && r.code == codeContent && r.phase == phaseStart && h.m.types[typ].foresees() {
				h.child[typ] = r
			}
			continue
		}
		h.learnAttribute(d, r)
	}
	if len(h.attrs)+len(h.child) == 0 {
		return nil
	}
	return h
}

func (h *habits) learnAttribute(d *diagnosis, r raw) {
	typ, known := h.m.typeOf(d.t, r.node, d.root, d.rootType)
	if c := h.m.types[typ]; !known || c == nil || c.openAttrs || r.phase != phaseStart {
		return
	}
	k := habit{typ: typ, kind: r.kind()}
	switch {
	case k.kind == AttributeMissing:
		k.attr = parseName(r.note)
	case r.attr >= 0:
		first, _ := d.t.Attrs(r.node)
		k.attr = attrName(d.t, first+xmltree.Attr(r.attr))
	default:
		return
	}
	h.attrs[k] = r
}

func attrName(t *xmltree.Tree, a xmltree.Attr) Name { return Name{t.AttrSpace(a), t.AttrLocal(a)} }

// foresees tells that the model knows each child that a type may have.
func (c *content) foresees() bool { return c != nil && !c.nested && c.any < 0 }

// note takes a fault that libxml2 would tell as r.
func (h *habits) note(r raw, n xmltree.Node, attr int) {
	r.node, r.attr, r.foreseen = n, attr, true
	h.raws = append(h.raws, r)
}

// full tells that no more faults are told.
func (h *habits) full() bool { return h != nil && len(h.raws) >= MaxFaults }

// unexpected notes a child that its parent's type may not have: it is not fed.
func (h *habits) unexpected(t *xmltree.Tree, n xmltree.Node, parent Name) bool {
	r, known := h.child[parent]
	if !known {
		return false
	}
	if _, may := h.m.types[parent].at[Name{t.Space(n), t.Local(n)}]; may {
		return false
	}
	h.note(r, n, -1)
	return true
}

// attribute gives the value to feed for an attribute, and whether to feed it.
func (h *habits) attribute(t *xmltree.Tree, n xmltree.Node, a xmltree.Attr, typ Name, value string) (string, bool) {
	c := h.m.types[typ]
	if c == nil {
		return value, true
	}
	name := attrName(t, a)
	first, _ := t.Attrs(n)
	place := int(a - first)
	decl, declared := c.attrs[name]
	if !declared {
		if r, known := h.attrs[habit{typ, name, AttributeUnknown}]; known && name.Space != spaceXSI {
			h.note(r, n, place)
			h.dropped[n] = append(h.dropped[n], place)
			return "", false
		}
		return value, true
	}
	kind, good := h.m.faultOf(decl, value)
	if kind == 0 {
		return value, true
	}
	if r, known := h.attrs[habit{typ, name, kind}]; known {
		h.note(r, n, place)
		return good, true
	}
	return value, true
}

// missing notes the attributes that n must have and has not, and gives values to
// feed for them.
func (h *habits) missing(t *xmltree.Tree, n xmltree.Node, typ Name, add func(Name, string)) {
	c := h.m.types[typ]
	if c == nil {
		return
	}
	for _, name := range c.required {
		r, known := h.attrs[habit{typ, name, AttributeMissing}]
		if _, has := t.LookupAttr(n, name.Space, name.Local); !known || has {
			continue
		}
		if good, ok := h.m.sample(c.attrs[name]); ok {
			h.note(r, n, -1)
			add(name, good)
		}
	}
}

// faultOf tells what is wrong with a value, as far as the model knows, and a value
// that is right.
func (m *model) faultOf(d attrDecl, value string) (Kind, string) {
	if d.fixed != "" {
		if d.simple == (Name{spaceXSD, "string"}) && value != d.fixed {
			return ValueFixed, d.fixed
		}
		return 0, ""
	}
	s := m.simples[d.simple]
	switch {
	case s == nil:
	case s.set != nil && !slices.Contains(s.set, value):
		return ValueEnum, s.sample
	case s.nonEmpty && value == "":
		return ValueEmpty, s.sample
	case s.patterns != nil && !slices.ContainsFunc(s.patterns, func(p *regexp.Regexp) bool { return p.MatchString(value) }):
		return ValuePattern, s.sample
	}
	return 0, ""
}

func (m *model) sample(d attrDecl) (string, bool) {
	if d.fixed != "" {
		return d.fixed, true
	}
	if s := m.simples[d.simple]; s != nil {
		return s.sample, true
	}
	return "x", d.simple == Name{spaceXSD, "string"}
}

// place gives the place of an attribute in the document from the one in what was fed.
func (h *habits) place(n xmltree.Node, fed int) int {
	for _, gap := range h.dropped[n] {
		if gap <= fed {
			fed++
		}
	}
	return fed
}

// merge puts what libxml2 told beside what was foreseen.
func (h *habits) merge(told []raw) []raw {
	for i := range told {
		if told[i].attr >= 0 {
			told[i].attr = h.place(told[i].node, told[i].attr)
		}
	}
	return append(told, h.raws...)
}

// anew leaves out what was foreseen: the second pass over unread children tells it
// once more.
func anew(again, before []raw) []raw {
	type key struct {
		node       xmltree.Node
		attr, code int
		note       string
	}
	known := make(map[key]bool)
	for _, r := range before {
		if r.foreseen {
			known[key{r.node, r.attr, r.code, r.note}] = true
		}
	}
	return slices.DeleteFunc(again, func(r raw) bool { return known[key{r.node, r.attr, r.code, r.note}] })
}

// samples are values of which each simple type that has patterns should take one.
var samples = []string{"x", "1.2", "2025"}

// newSimple reads a restriction of xs:string by one kind of facet; nil for any other
// simple type, whose values are libxml2's alone.
func newSimple(t *xmltree.Tree, restriction xmltree.Node) *simpleType {
	if refer(t, restriction, "base") != (Name{spaceXSD, "string"}) {
		return nil
	}
	s, kinds := &simpleType{sample: "x"}, make(map[string]bool)
	for f := range t.Children(restriction) {
		v := t.Attr(f, "value")
		kinds[t.Local(f)] = true
		switch t.Local(f) {
		case "enumeration":
			s.set = append(s.set, v)
		case "minLength":
			s.nonEmpty = v == "1"
		case "pattern":
			p, err := regexp.Compile("^(?:" + v + ")$")
			if err != nil || strings.ContainsAny(strings.NewReplacer(`\.`, "", `\-`, "", `\s`, "").Replace(v), `\&`) {
				return nil
			}
			s.patterns = append(s.patterns, p)
		}
	}
	switch {
	case len(kinds) != 1 || s.set == nil && s.patterns == nil && !s.nonEmpty:
		return nil
	case s.set != nil:
		s.sample = s.set[0]
	case s.patterns != nil:
		i := slices.IndexFunc(samples, func(v string) bool {
			return slices.ContainsFunc(s.patterns, func(p *regexp.Regexp) bool { return p.MatchString(v) })
		})
		if i < 0 {
			return nil
		}
		s.sample = samples[i]
	}
	return s
}

// attributes notes the attributes that a complex type, or a group, declares.
func (m *model) attributes(c *content, d declared) {
	for n := range d.t.Children(d.n) {
		switch d.t.Local(n) {
		case "attribute":
			name := Name{"", d.t.Attr(n, "name")}
			if d.t.Attr(n, "ref") != "" {
				name = refer(d.t, n, "ref")
			}
			decl := attrDecl{fixed: d.t.Attr(n, "fixed"), required: d.t.Attr(n, "use") == "required"}
			if d.t.Attr(n, "type") != "" {
				decl.simple = refer(d.t, n, "type")
			}
			c.attrs[name] = decl
			if decl.required {
				c.required = append(c.required, name)
			}
		case "attributeGroup":
			g, known := m.attrGroups[refer(d.t, n, "ref")]
			c.openAttrs = c.openAttrs || !known
			if known {
				m.attributes(c, g)
			}
		case "anyAttribute", "simpleContent", "complexContent":
			c.openAttrs = true
		}
	}
}
