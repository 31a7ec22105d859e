package xmldsig

import (
	"strconv"

	"portti/internal/finding"
	"portti/internal/xmltree"
)

// layout is where the parts of a CDA document stand that signatures deal with:
// the very places where the application reads them.
type layout struct {
	root       xmltree.Node
	ownID      string       // ClinicalDocument/id/@root
	body       xmltree.Node // ClinicalDocument/component/nonXMLBody or structuredBody
	local      xmltree.Node // localSocialHeader or localHeader
	social     bool         // local is localSocialHeader
	collection xmltree.Node // local/signatureCollection
	signatures []xmltree.Node
}

// locate finds the layout and reports where a part is missing or stands twice.
func (r *reader) locate() (layout, bool) {
	t := r.t
	l := layout{root: t.Root(), body: xmltree.None, local: xmltree.None, collection: xmltree.None}
	if !t.Is(l.root, nsHL7, "ClinicalDocument") {
		r.add(RuleDocumentRoot, l.root, t.Local(l.root))
		return l, false
	}
	l.ownID = t.Attr(t.Child(l.root, nsHL7, "id"), "root")
	r.locateBody(&l)
	r.locateCollection(&l)
	return l, true
}

func (r *reader) locateBody(l *layout) {
	component, count := r.only(l.root, nsHL7, "component", "component")
	if count != 1 {
		r.add(RuleComponentCount, l.root, strconv.Itoa(count), finding.P("count", strconv.Itoa(count)))
		return
	}
	body, count := r.only(component, nsHL7, "nonXMLBody", "structuredBody")
	if count != 1 {
		r.add(RuleBodyCount, component, strconv.Itoa(count), finding.P("count", strconv.Itoa(count)))
		return
	}
	l.body = body
}

func (r *reader) locateCollection(l *layout) {
	local, count := r.only(l.root, nsFI, "localSocialHeader", "localHeader")
	if count != 1 {
		r.add(RuleLocalHeaderCount, l.root, strconv.Itoa(count), finding.P("count", strconv.Itoa(count)))
		return
	}
	l.local, l.social = local, r.t.Local(local) == "localSocialHeader"
	collection, count := r.only(local, nsFI, "signatureCollection", "signatureCollection")
	if count > 1 {
		r.add(RuleCollectionCount, local, strconv.Itoa(count), finding.P("count", strconv.Itoa(count)))
		return
	}
	if count == 0 {
		r.add(RuleSignatureMissing, local, "")
		return
	}
	l.collection = collection
	for c := range r.t.Children(collection) {
		if r.t.Is(c, nsFI, "signature") {
			l.signatures = append(l.signatures, c)
		}
	}
	if len(l.signatures) == 0 {
		r.add(RuleSignatureMissing, collection, "")
	}
	if n := len(l.signatures); n > r.lim.Signatures {
		r.add(RuleSignatureTooMany, collection, strconv.Itoa(n), finding.P("count", strconv.Itoa(n)), finding.P("limit", strconv.Itoa(r.lim.Signatures)))
		l.signatures = nil
	}
}

// only gives the first child element of one of two names in a namespace, and how
// many there are.
func (r *reader) only(parent xmltree.Node, space, a, b string) (first xmltree.Node, count int) {
	first = xmltree.None
	for c := range r.t.Children(parent) {
		if local := r.t.Local(c); (local == a || local == b) && r.t.Space(c) == space {
			if count == 0 {
				first = c
			}
			count++
		}
	}
	return first, count
}

// target is an id that a reference names, and what the document has for it.
type target struct {
	id    string
	node  xmltree.Node // the first element with it
	count int          // elements with it, in whatever attribute
	exact bool         // node has it in its attribute ID
}

// sweep goes once over the whole tree. It resolves ids, and reports parts of a
// signed document that stand where no application may read them: that is how a
// signature is wrapped around foreign content.
func (r *reader) sweep(l *layout, targets []target) {
	t := r.t
	for n := l.root; n < t.End(l.root); n++ {
		if t.Kind(n) != xmltree.Element {
			continue
		}
		r.misplaced(l, n)
		first, end := t.Attrs(n)
		for a := first; a < end; a++ {
			if name := t.AttrLocal(a); isIDName(name) {
				resolve(targets, t.AttrValue(a), n, name == "ID" && t.AttrSpace(a) == "")
			}
		}
	}
}

// resolve counts n for the target with that id.
func resolve(targets []target, id string, n xmltree.Node, exact bool) {
	for i := range targets {
		if targets[i].id == id {
			targets[i].meet(n, exact)
			return
		}
	}
}

// meet counts n, which has the target's id.
func (x *target) meet(n xmltree.Node, exact bool) {
	if x.count == 0 {
		x.node, x.exact = n, exact
	} else if x.node == n { // one element, two id attributes of one value
		x.exact = x.exact || exact
		return
	}
	x.count++
}

// isIDName tells whether a local name reads "id" in whatever case.
func isIDName(s string) bool { return len(s) == 2 && s[0]|0x20 == 'i' && s[1]|0x20 == 'd' }

// misplaced reports n if it is a part that stands at another place than its own.
func (r *reader) misplaced(l *layout, n xmltree.Node) {
	t := r.t
	switch t.Local(n) {
	case "ClinicalDocument":
		if n != l.root && t.Space(n) == nsHL7 {
			r.add(RuleDocumentNested, n, "")
		}
	case "nonXMLBody", "structuredBody":
		if n != l.body && l.body != xmltree.None && t.Space(n) == nsHL7 {
			r.add(RuleBodyElsewhere, n, t.Local(n))
		}
	case "localSocialHeader", "localHeader":
		if n != l.local && t.Space(n) == nsFI && t.Parent(n) != l.root {
			r.add(RuleLocalHeaderPlace, n, t.Local(n))
		}
	case "signatureCollection":
		if n != l.collection && t.Space(n) == nsFI && l.local != xmltree.None && t.Parent(n) != l.local {
			r.add(RuleCollectionPlace, n, "")
		}
	case "Signature":
		if t.Space(n) == nsDSig && l.local != xmltree.None && !r.atHome(l, n) {
			r.add(RuleSignatureElsewhere, n, "")
		}
	}
}

// atHome tells whether a ds:Signature is a child of a signature of the local
// header's collection (of one of them, where that there are several was reported).
func (r *reader) atHome(l *layout, n xmltree.Node) bool {
	p := r.t.Parent(n)
	c := r.t.Parent(p)
	return r.t.Is(p, nsFI, "signature") && r.t.Is(c, nsFI, "signatureCollection") && r.t.Parent(c) == l.local
}
