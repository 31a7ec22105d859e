package xmltree_test

import (
	"bytes"
	"fmt"

	"portti/internal/xmltree"
)

// dump writes a tree in the form of libxml2judge.Verdict.Tree.
func dump(t *xmltree.Tree) []byte {
	d := &dumper{t: t}
	for n := xmltree.Node(1); int(n) < t.Len(); n++ {
		d.closeBefore(n)
		d.node(n)
	}
	d.closeBefore(xmltree.Node(t.Len()))
	return d.Bytes()
}

type dumper struct {
	bytes.Buffer
	t    *xmltree.Tree
	open []xmltree.Node
	run  []byte
}

func (d *dumper) fields(tag string, fields ...string) {
	d.flush()
	d.WriteString(tag)
	for _, f := range fields {
		fmt.Fprintf(d, "%d:%s", len(f), f)
	}
}

func (d *dumper) flush() {
	if len(d.run) > 0 {
		fmt.Fprintf(d, "T%d:%s", len(d.run), d.run)
		d.run = nil
	}
}

// closeBefore closes the elements that end before n.
func (d *dumper) closeBefore(n xmltree.Node) {
	for len(d.open) > 0 && d.t.End(d.open[len(d.open)-1]) <= n {
		d.fields(")")
		d.open = d.open[:len(d.open)-1]
	}
}

func (d *dumper) node(n xmltree.Node) {
	t := d.t
	switch t.Kind(n) {
	case xmltree.Element:
		d.fields("(", t.Prefix(n), t.Space(n), t.Local(n))
		d.open = append(d.open, n)
		for i, end := t.NSDecls(n); i < end; i++ {
			d.fields("N", t.NSPrefix(i), t.NSURI(i))
		}
		for a, end := t.Attrs(n); a < end; a++ {
			d.fields("A", t.AttrPrefix(a), t.AttrSpace(a), t.AttrLocal(a), t.AttrValue(a))
		}
	case xmltree.Text, xmltree.CData:
		d.run = append(d.run, t.Value(n)...)
	case xmltree.Comment:
		d.fields("C", string(t.Value(n)))
	case xmltree.ProcInst:
		d.fields("P", t.Target(n), string(t.Value(n)))
	}
}
