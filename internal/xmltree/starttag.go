package xmltree

// startTag reads a start tag or empty element (XML 1.0, 3.1).
func (p *parser) startTag(i int) (int, error) {
	text := p.text
	j := nameEnd(text, i+1)
	if j == i+1 {
		return 0, failf(i, CodeMarkup, `"<" begins no markup`)
	}
	id, err := p.intern(text[i+1:j], i+1)
	if err != nil {
		return 0, err
	}
	if err := p.open(i); err != nil {
		return 0, err
	}
	prefixed := false
	for count := 0; ; count++ {
		k := j
		for k < len(text) && class[text[k]]&cSpace != 0 {
			k++
		}
		if k+1 >= len(text) && (k == len(text) || text[k] != '>') {
			return 0, unclosed(i, "a tag")
		}
		if text[k] == '>' {
			return k + 1, p.opened(id, i, prefixed)
		}
		if text[k] == '/' {
			if text[k+1] != '>' {
				return 0, failf(k, CodeTag, `"/" in a tag`)
			}
			if err := p.opened(id, i, prefixed); err != nil {
				return 0, err
			}
			p.close(k + 2)
			return k + 2, nil
		}
		if count == p.lim.Attrs {
			return 0, failf(k, CodeAttrs, "more than %d attributes", p.lim.Attrs)
		}
		pre := false
		if j, pre, err = p.attribute(i, j, k); err != nil {
			return 0, err
		}
		prefixed = prefixed || pre
	}
}

// open appends the element whose tag begins at i and makes it the open one.
func (p *parser) open(i int) error {
	if p.cur == Doc && p.t.root != None {
		return failf(i, CodeRoot, "a second root element")
	}
	if p.depth == p.lim.Depth {
		return failf(i, CodeDepth, "elements nested deeper than %d", p.lim.Depth)
	}
	n := Node(len(p.t.nodes))
	attrs := int32(len(p.t.attrs))
	x, err := p.add(Element, i)
	if err != nil {
		return err
	}
	x.a, x.b = attrs, attrs
	if p.cur == Doc {
		p.t.root = n
	}
	p.cur = n
	p.depth++
	return nil
}

// attribute reads the attribute whose name begins at k, after the blank at j; tag
// is where the tag begins. It tells whether the attribute has a prefix and waits
// to be resolved.
func (p *parser) attribute(tag, j, k int) (next int, prefixed bool, err error) {
	text := p.text
	e := nameEnd(text, k)
	switch {
	case e == k:
		return 0, false, failf(k, CodeTag, "a tag holds a character that does not belong there")
	case j == k:
		return 0, false, failf(k, CodeAttr, "a blank is missing before an attribute")
	}
	id, err := p.intern(text[k:e], k)
	if err != nil {
		return 0, false, err
	}
	v, stop, plain, err := p.scanValue(tag, k, e)
	if err != nil {
		return 0, false, err
	}
	a := attr{name: id, pos: int32(v), side: -1, len: int32(stop - v)}
	if !plain {
		from := len(p.t.side)
		if p.t.side, err = expandAttr(p.t.side, text, v, stop); err != nil {
			return 0, false, err
		}
		a.side, a.len = int32(from), int32(len(p.t.side)-from)
	}
	q := &p.q[id]
	switch {
	case id == qXMLNS:
		err = p.declare(qEmpty, a, k)
	case q.prefix == qXMLNS:
		err = p.declare(q.local, a, k)
	case q.prefix != qEmpty:
		prefixed = true
		a.name = ^id // resolved when the whole tag is read
		p.t.attrs = append(p.t.attrs, a)
	default:
		a.name = p.names.attribute(id)
		p.t.attrs = append(p.t.attrs, a)
		err = p.once(a.name, k)
	}
	return stop + 1, prefixed, err
}

// scanValue finds the value of the attribute whose name is text[k:e]: it is
// text[v:stop], and plain where it needs no normalisation.
func (p *parser) scanValue(tag, k, e int) (v, stop int, plain bool, err error) {
	text, i := p.text, e
	for i < len(text) && class[text[i]]&cSpace != 0 {
		i++
	}
	if i == len(text) {
		return 0, 0, false, unclosed(tag, "a tag")
	}
	if text[i] != '=' {
		return 0, 0, false, failf(k, CodeAttr, "the attribute %s has no value", clip(text[k:e]))
	}
	i++
	for i < len(text) && class[text[i]]&cSpace != 0 {
		i++
	}
	if i == len(text) {
		return 0, 0, false, unclosed(tag, "a tag")
	}
	quote := text[i]
	if quote != '"' && quote != '\'' {
		return 0, 0, false, failf(i, CodeAttr, "the value of the attribute %s is not quoted", clip(text[k:e]))
	}
	v, plain = i+1, true
	for i = v; ; i++ {
		i += valueEnd(text[i:], quote)
		switch {
		case i == len(text):
			return 0, 0, false, unclosed(v-1, "an attribute value")
		case text[i] == quote && i-v > p.lim.Text:
			return 0, 0, false, failf(v, CodeTextLen, "an attribute value longer than %d bytes", p.lim.Text)
		case text[i] == quote:
			return v, i, plain, nil
		case text[i] == '<':
			return 0, 0, false, failf(i, CodeAttrLess, `"<" must not stand in an attribute value`)
		}
		plain = false
	}
}

// once refuses a second attribute of one expanded name on the open element.
func (p *parser) once(name int32, off int) error {
	x := &p.names.out[p.names.out[name].same]
	if x.stamp == p.cur {
		return failf(off, CodeAttrDup, "the attribute %s stands twice", clip(p.names.out[name].raw))
	}
	x.stamp = p.cur
	return nil
}

// opened resolves the names of the open element when its tag is read. Attributes
// without a prefix are resolved already.
func (p *parser) opened(id int32, tag int, prefixed bool) error {
	x := &p.t.nodes[p.cur]
	x.b = int32(len(p.t.attrs))
	q := &p.q[id]
	if q.prefix == qXMLNS {
		return failf(tag+1, CodeXMLNS, "an element must not have the prefix xmlns")
	}
	if x.name = p.element(id); x.name == unbound {
		return failf(tag+1, CodePrefix, "the prefix of the element %s is not declared", clip(q.raw))
	}
	if prefixed {
		if err := p.resolvePrefixed(Attr(x.a), Attr(x.b)); err != nil {
			return err
		}
	}
	if len(p.names.out) > 4*p.lim.Names {
		return failf(tag, CodeNames, "more than %d distinct names in namespaces", 4*p.lim.Names)
	}
	return nil
}
