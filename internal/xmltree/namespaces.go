package xmltree

// declare takes the namespace declaration a, whose name begins at off, for prefix
// (qEmpty for the default namespace) on the open element (Namespaces, 3).
func (p *parser) declare(prefix int32, a attr, off int) error {
	var value []byte
	if a.side >= 0 {
		value = p.t.side[a.side : a.side+a.len]
	} else {
		value = p.text[a.pos : a.pos+a.len]
	}
	if len(p.uris)-reserved >= p.lim.Names {
		return failf(off, CodeNames, "more than %d distinct namespaces", p.lim.Names)
	}
	uri := p.uri(value)
	if err := p.mayBind(prefix, uri, off); err != nil {
		return err
	}
	q := &p.q[prefix]
	if q.nsStamp == p.cur {
		return failf(off, CodeAttrDup, "the namespace prefix %s is declared twice", clip(q.raw))
	}
	q.nsStamp = p.cur
	if prefix == qXML {
		return nil
	}
	x := &p.t.nodes[p.cur]
	if !x.declares {
		x.declares = true
		p.t.owners = append(p.t.owners, declOwner{p.cur, int32(len(p.t.decls))})
	}
	p.t.decls = append(p.t.decls, decl{q.raw, p.uris[uri], a.pos})
	p.undo = append(p.undo, rebinding{p.cur, prefix, q.bound})
	q.bound = uri
	return nil
}

// mayBind checks the constraints on reserved prefixes and names and on undeclaring
// (Namespaces, 3: "Reserved Prefixes and Namespace Names", 5: "No Prefix Undeclaring").
func (p *parser) mayBind(prefix, uri int32, off int) error {
	switch {
	case prefix == qXMLNS:
		return failf(off, CodeXMLNS, "the prefix xmlns must not be declared")
	case prefix == qXML && uri != uriXML:
		return failf(off, CodeXMLNS, "the prefix xml must not be bound to another namespace")
	case prefix != qXML && uri == uriXML:
		return failf(off, CodeXMLNS, "no prefix but xml may be bound to the namespace of xml")
	case uri == uriXMLNS:
		return failf(off, CodeXMLNS, "nothing may be bound to the namespace of xmlns")
	case prefix != qEmpty && uri == uriNone:
		return failf(off, CodeXMLNS, "a prefix must not be bound to nothing")
	}
	return nil
}

// resolvePrefixed resolves the prefixed attributes in [first, end) of the open
// element and refuses two of one expanded name (Namespaces, 6.3).
func (p *parser) resolvePrefixed(first, end Attr) error {
	for a := first; a < end; a++ {
		x := &p.t.attrs[a]
		if x.name >= 0 {
			continue
		}
		id := ^x.name
		x.name = p.element(id)
		if x.name == unbound {
			return failf(p.t.attrNameStart(a, p.q[id].raw), CodePrefix,
				"the prefix of the attribute %s is not declared", clip(p.q[id].raw))
		}
		if err := p.once(x.name, p.t.attrNameStart(a, p.q[id].raw)); err != nil {
			return err
		}
	}
	return nil
}
