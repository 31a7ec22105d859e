package schema

import (
	"regexp"
	"slices"
	"strings"
	"unsafe"

	"portti/internal/xmltree"
)

// fewFaults is how many faults libxml2 tells before the rest of a document is fed
// without those that it would only say again: each message that it writes costs more
// than the element it is about. It goes on from there; nothing is fed twice.
const fewFaults = 16

// habits are the faults that libxml2 told of a type and that come again: where the
// model sees that one would, it is noted and what is without fault is fed in its place.
// The model speaks only of what libxml2 has told of this type before, and of types it
// knows in full.
type habits struct {
	m     *model
	types map[*content]*typeHabits

	seen     []foreseen
	dropped  map[xmltree.Node][]int // places of attributes that were not fed
	inserted []gap                  // children that were fed and do not stand there
	kids     [64]kid                // the last answers of child
}

// kid is the type of a child of that name, known by its memory, of an element of type
// parent.
type kid struct {
	parent       *content
	local, space *byte
	n            int
	typ          openType
}

// typeHabits are those of one complex type.
type typeHabits struct {
	attrs   []habit
	missing []habit
	child   *told // of a child that the type may not have
	lacks   *told // of a child that it must have
	text    *told // of text that may not stand
	barred  bool  // lacks is not foreseen: what was fed had a fault
}

// habit is one kind of fault of one attribute.
type habit struct {
	attr Name
	kind Kind
	told *told
}

// told is what libxml2 told and is not let tell again.
type told struct {
	raw   raw
	fault *Fault // made once
}

// foreseen is a fault that libxml2 would have told of n, or of its attribute at place
// attr.
type foreseen struct {
	n       xmltree.Node
	attr    int
	of      *told
	content *content // where it is about the children of n: the type of n
}

// fault makes a Fault of anything but the children.
func (x foreseen) fault(d *diagnosis) Fault {
	if x.of.fault == nil {
		f := x.of.raw.fault(d.t, d.s.model, d.sets)
		x.of.fault = &f
	}
	f := *x.of.fault
	if f.Node = x.n; x.attr >= 0 {
		first, _ := d.t.Attrs(x.n)
		f.Attr = first + xmltree.Attr(x.attr)
	}
	return f
}

// openType is the type of an open element, nil where the model does not know it, and
// its habits, nil where it has none. text tells that text in it has been noted.
type openType struct {
	c    *content
	h    *typeHabits
	text bool
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

// learn makes habits of what libxml2 has told since the last time.
func (f *feed) learn() {
	d, raws := f.learner, f.run.raws
	h := f.habits
	if h == nil {
		h = &habits{m: d.s.model, types: make(map[*content]*typeHabits), dropped: make(map[xmltree.Node][]int)}
	}
	at := func(i int) [2]int { return [2]int{int(raws[i].node), raws[i].attr} }
	for i := f.learnt; i < len(raws); i++ {
		r := raws[i]
		if r.node < 0 || r.attr >= 0 && (i > 0 && at(i-1) == at(i) || i+1 < len(raws) && at(i+1) == at(i)) {
			continue // told by two faults at once
		}
		if parent, ok := r.isContent(d.t); ok {
			if c := d.typeOf(parent); r.code == codeContent && c.foresees() {
				h.learnContent(d.t, parent, c, r)
			}
			continue
		}
		switch c := d.typeOf(r.node); {
		case c == nil:
		case r.kind() == TextNotAllowed:
			if c.textless && h.of(c).text == nil {
				h.of(c).text = &told{raw: r}
			}
		case !c.openAttrs && r.phase == phaseStart:
			h.learnAttribute(d.t, c, r)
		}
	}
	f.learnt = len(raws)
	if len(h.types) > 0 {
		f.habits = h
		clear(h.kids[:]) // made of the habits before
		f.retype()
	}
}

// retype finds the types of the open elements.
func (f *feed) retype() {
	f.types = f.types[:0]
	for i, n := range f.open {
		typ := f.learner.rootOpen(f.habits)
		if i > 0 {
			typ = f.habits.child(f.t, n, f.types[i-1])
		}
		f.types = append(f.types, typ.at(f.t, n))
	}
}

// rootOpen is the type of the root.
func (d *diagnosis) rootOpen(h *habits) openType {
	c := d.s.model.types[d.rootType]
	return openType{c: c, h: h.types[c]}
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
		th.missing = learned(th.missing, habit{parseName(r.note), kind, &told{raw: r}})
	case r.attr >= 0:
		first, end := t.Attrs(r.node)
		if a := first + xmltree.Attr(r.attr); a < end {
			th := h.of(c)
			th.attrs = learned(th.attrs, habit{attrName(t, a), kind, &told{raw: r}})
		}
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

// note takes a fault that libxml2 would tell.
func (h *habits) note(of *told, n xmltree.Node, attr int, c *content) {
	if h.seen == nil {
		h.seen = make([]foreseen, 0, MaxFaults+16)
	}
	h.seen = append(h.seen, foreseen{n, attr, of, c})
}

// full tells that no more faults are told.
func (h *habits) full() bool { return h != nil && len(h.seen) >= MaxFaults }

// child gives the type of a child of an element of type parent.
func (h *habits) child(t *xmltree.Tree, n xmltree.Node, parent openType) openType {
	if parent.c == nil {
		return openType{}
	}
	local, space := t.Local(n), t.Space(n)
	at := uintptr(unsafe.Pointer(unsafe.StringData(local)))
	k := &h.kids[(at^at>>6)%uintptr(len(h.kids))]
	want := kid{parent: parent.c, local: unsafe.StringData(local), space: unsafe.StringData(space), n: len(local)<<32 | len(space)}
	if k.parent != want.parent || k.local != want.local || k.space != want.space || k.n != want.n {
		c := parent.c.kids[Name{space, local}]
		want.typ = openType{c: c, h: h.types[c]}
		*k = want
	}
	return k.typ
}

// at gives the type of n that the schema gives as typ: what a document says of it by
// itself (xsi:type, xsi:nil) the model does not follow.
func (typ openType) at(t *xmltree.Tree, n xmltree.Node) openType {
	if typ.c == nil {
		return typ
	}
	for a, end := t.Attrs(n); a < end; a++ {
		if local := t.AttrLocal(a); (local == "type" || local == "nil") && t.AttrSpace(a) == spaceXSI {
			return openType{}
		}
	}
	return typ
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
			h.note(k.told, n, int(a-first), nil)
			h.dropped[n] = append(h.dropped[n], int(a-first))
			return "", false
		}
		if kind, good := h.m.faultOf(decl, value); kind == k.kind {
			h.note(k.told, n, int(a-first), nil)
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
			h.note(k.told, n, -1, nil)
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

// asWritten gives a fault of what was fed as one of the document.
func (h *habits) asWritten(r raw) raw {
	if r.node <= firstInserted {
		return h.ofInserted(r)
	}
	if r.attr >= 0 {
		r.attr = h.place(r.node, r.attr)
	}
	return r
}

// anew leaves out what was foreseen: the second pass over unread children tells it
// once more.
func anew(again []raw, before []foreseen) []raw {
	type key struct {
		node       xmltree.Node
		attr, code int
		note       string
	}
	if len(again) == 0 || len(before) == 0 {
		return again
	}
	known := make(map[key]bool)
	for _, x := range before {
		if x.content == nil {
			known[key{x.n, x.attr, x.of.raw.code, x.of.raw.note}] = true
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
			c.simple = c.simple || d.t.Local(n) != "anyAttribute"
		}
	}
}
