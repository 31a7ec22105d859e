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
	types map[*content]*typeHabits

	raws    []raw
	dropped map[xmltree.Node][]int // places of attributes that were not fed
}

// typeHabits are those of one complex type.
type typeHabits struct {
	attrs   []habit
	missing []habit
	child   *raw // of a child that the type may not have
}

// habit is one kind of fault of one attribute.
type habit struct {
	attr Name
	kind Kind
	told raw
}

// openType is the type of an open element, nil where the model does not know it, and
// its habits, nil where it has none.
type openType struct {
	c *content
	h *typeHabits
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
	h := &habits{m: d.s.model, types: make(map[*content]*typeHabits), dropped: make(map[xmltree.Node][]int)}
	last := raws[len(raws)-1].node
	at := func(r raw) [2]int { return [2]int{int(r.node), r.attr} }
	for i, r := range raws {
		if r.node == last || r.attr >= 0 && (i > 0 && at(raws[i-1]) == at(r) || at(raws[i+1]) == at(r)) {
			continue // told by two faults at once
		}
		if parent, ok := r.isContent(d.t); ok {
			if c := d.typeOf(parent); c.foresees() && r.code == codeContent && r.phase == phaseStart {
				h.of(c).child = &r
			}
			continue
		}
		if c := d.typeOf(r.node); c != nil && !c.openAttrs && r.phase == phaseStart {
			h.learnAttribute(d.t, c, r)
		}
	}
	if len(h.types) == 0 {
		return nil
	}
	return h
}

// typeOf gives what the model knows of the type of n, nil where that is nothing.
func (d *diagnosis) typeOf(n xmltree.Node) *content {
	typ, known := d.s.model.typeOf(d.t, n, d.root, d.rootType)
	if !known {
		return nil
	}
	return d.s.model.types[typ]
}

func (h *habits) of(c *content) *typeHabits {
	if h.types[c] == nil {
		h.types[c] = &typeHabits{}
	}
	return h.types[c]
}

func (h *habits) learnAttribute(t *xmltree.Tree, c *content, r raw) {
	switch kind := r.kind(); {
	case kind == AttributeMissing:
		th := h.of(c)
		th.missing = learned(th.missing, habit{parseName(r.note), kind, r})
	case r.attr >= 0:
		first, _ := t.Attrs(r.node)
		th := h.of(c)
		th.attrs = learned(th.attrs, habit{attrName(t, first+xmltree.Attr(r.attr)), kind, r})
	}
}

func learned(all []habit, h habit) []habit {
	for _, k := range all {
		if k.attr == h.attr && k.kind == h.kind {
			return all
		}
	}
	return append(all, h)
}

func attrName(t *xmltree.Tree, a xmltree.Attr) Name { return Name{t.AttrSpace(a), t.AttrLocal(a)} }

// foresees tells that the model knows each child that a type may have.
func (c *content) foresees() bool { return c != nil && !c.nested && c.any < 0 }

// note takes a fault that libxml2 would tell as r.
func (h *habits) note(r raw, n xmltree.Node, attr int) {
	r.node, r.attr, r.foreseen = n, attr, true
	if h.raws == nil {
		h.raws = make([]raw, 0, MaxFaults)
	}
	h.raws = append(h.raws, r)
}

// noted gives how many faults were foreseen.
func (h *habits) noted() int {
	if h == nil {
		return 0
	}
	return len(h.raws)
}

// full tells that no more faults are told.
func (h *habits) full() bool { return h.noted() >= MaxFaults }

// unexpected notes a child that its parent's type may not have: it is not fed.
func (h *habits) unexpected(t *xmltree.Tree, n xmltree.Node, parent openType) bool {
	if parent.h == nil || parent.h.child == nil {
		return false
	}
	if _, may := parent.c.at[Name{t.Space(n), t.Local(n)}]; may {
		return false
	}
	h.note(*parent.h.child, n, -1)
	return true
}

// child gives the type of a child of an element of type parent.
func (h *habits) child(t *xmltree.Tree, n xmltree.Node, parent openType) openType {
	if parent.c == nil {
		return openType{}
	}
	c := parent.c.kids[Name{t.Space(n), t.Local(n)}]
	return openType{c, h.types[c]}
}

// attribute gives the value to feed for an attribute of an element of type typ, and
// whether to feed it.
func (h *habits) attribute(t *xmltree.Tree, n xmltree.Node, a xmltree.Attr, typ openType, value string) (string, bool) {
	for _, k := range typ.h.attrs {
		if k.attr.Local != t.AttrLocal(a) || k.attr.Space != t.AttrSpace(a) {
			continue
		}
		first, _ := t.Attrs(n)
		decl, declared := typ.c.attrs[k.attr]
		if !declared {
			if k.kind != AttributeUnknown || k.attr.Space == spaceXSI {
				return value, true
			}
			h.note(k.told, n, int(a-first))
			h.dropped[n] = append(h.dropped[n], int(a-first))
			return "", false
		}
		if kind, good := h.m.faultOf(decl, value); kind == k.kind {
			h.note(k.told, n, int(a-first))
			return good, true
		}
	}
	return value, true
}

// missing notes the attributes that n must have and has not, and gives values to
// feed for them.
func (h *habits) missing(t *xmltree.Tree, n xmltree.Node, typ openType, add func(Name, string)) {
	for _, k := range typ.h.missing {
		if _, has := t.LookupAttr(n, k.attr.Space, k.attr.Local); has || !typ.c.attrs[k.attr].required {
			continue
		}
		if good, ok := h.m.sample(typ.c.attrs[k.attr]); ok {
			h.note(k.told, n, -1)
			add(k.attr, good)
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
