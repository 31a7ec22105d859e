package fhir

import (
	"errors"

	"portti/internal/finding"
	"portti/internal/xmltree"
)

// namespace is that of FHIR's XML.
const namespace = "http://hl7.org/fhir"

// readXML reads a resource in XML.
func readXML(src []byte) (*element, *finding.Finding) {
	tree, err := xmltree.Parse(src, xmltree.Limits{Bytes: len(src) + 1, Depth: maxDepth + 2, Nodes: 4 * maxElements})
	if err != nil {
		return nil, xmlFault(err)
	}
	r := &xmlReader{tree: tree}
	n := tree.Root()
	root := r.element(n)
	if r.fault != nil {
		return nil, r.fault
	}
	root.kind, root.path = root.name, root.name
	root.number()
	return root, nil
}

func xmlFault(err error) *finding.Finding {
	f := finding.Finding{Rule: RuleSyntax, Place: finding.Place{Source: finding.SourceRequest}}
	var x *xmltree.SyntaxError
	if errors.As(err, &x) {
		f.Line, f.Column = x.Line, x.Column
		if x.Limit() {
			f.Rule = RuleBounds
		}
	}
	return &f
}

// xmlReader makes elements of a tree.
type xmlReader struct {
	tree  *xmltree.Tree
	fault *finding.Finding
}

func (r *xmlReader) bad(n xmltree.Node) {
	if r.fault == nil {
		r.fault = &finding.Finding{Rule: RuleSyntax, Place: r.tree.Place(n, finding.SourceRequest)}
	}
}

// element reads an element of FHIR's namespace; the narrative's XHTML is left out.
func (r *xmlReader) element(n xmltree.Node) *element {
	t := r.tree
	if t.Space(n) != namespace {
		r.bad(n)
	}
	pos := t.Pos(n)
	e := &element{name: t.Local(n), line: pos.Line, col: pos.Column}
	for a, end := t.Attrs(n); a < end; a++ {
		switch local := t.AttrLocal(a); {
		case t.AttrSpace(a) != "":
		case local == "value":
			e.value = t.AttrValue(a)
		default: // id, url
			e.kids = append(e.kids, &element{name: local, value: t.AttrValue(a), line: pos.Line, col: pos.Column})
		}
	}
	for c := t.FirstChild(n); c > 0; c = t.NextSibling(c) {
		switch {
		case t.Kind(c) == xmltree.Element && t.Local(c) == "div" && t.Space(c) != namespace:
		case t.Kind(c) == xmltree.Element:
			e.kids = append(e.kids, r.element(c))
		case t.Kind(c) == xmltree.Text && !blank(t.Value(c)):
			r.bad(n)
		}
	}
	r.unwrap(n, e)
	return e
}

// unwrap takes the resource out of the element that holds it.
func (r *xmlReader) unwrap(n xmltree.Node, e *element) {
	if e.name != "resource" && e.name != "contained" {
		return
	}
	if len(e.kids) != 1 {
		r.bad(n)
		return
	}
	e.kind, e.kids = e.kids[0].name, e.kids[0].kids
}

func blank(b []byte) bool {
	for _, c := range b {
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return false
		}
	}
	return true
}
