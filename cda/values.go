package cda

import (
	"bytes"
	"strings"

	"portti/internal/xmltree"
)

// ReadCoded reads a coded value at element n.
func ReadCoded(t *xmltree.Tree, n xmltree.Node) Coded {
	c := Coded{Node: n}
	first, end := t.Attrs(n)
	for a := first; a < end; a++ {
		if t.AttrSpace(a) != "" {
			continue
		}
		switch t.AttrLocal(a) {
		case "code":
			c.Code = t.AttrValue(a)
		case "codeSystem":
			c.System = t.AttrValue(a)
		case "codeSystemName":
			c.SystemName = t.AttrValue(a)
		case "displayName":
			c.Display = t.AttrValue(a)
		case "nullFlavor":
			c.NullFlavor = t.AttrValue(a)
		}
	}
	return c
}

// ReadID reads an instance identifier at element n.
func ReadID(t *xmltree.Tree, n xmltree.Node) ID {
	id := ID{Node: n}
	first, end := t.Attrs(n)
	for a := first; a < end; a++ {
		if t.AttrSpace(a) != "" {
			continue
		}
		switch t.AttrLocal(a) {
		case "root":
			id.Root = t.AttrValue(a)
		case "extension":
			id.Extension = t.AttrValue(a)
		case "nullFlavor":
			id.NullFlavor = t.AttrValue(a)
		}
	}
	return id
}

// ReadTimestamp reads the TS at element n.
func ReadTimestamp(t *xmltree.Tree, n xmltree.Node) Timestamp {
	ts := Timestamp{}
	if v := t.Attr(n, "value"); v != "" {
		ts = ParseTS(v)
	}
	ts.Node, ts.NullFlavor = n, t.Attr(n, "nullFlavor")
	return ts
}

// ReadNumber reads the INT at element n.
func ReadNumber(t *xmltree.Tree, n xmltree.Node) Number {
	v := ParseNumber(t.Attr(n, "value"))
	v.Node, v.NullFlavor = n, t.Attr(n, "nullFlavor")
	return v
}

// ReadText reads the text of element n, without whitespace at its ends.
func ReadText(t *xmltree.Tree, n xmltree.Node) Text {
	return Text{Value: strings.TrimSpace(t.Text(n)), NullFlavor: t.Attr(n, "nullFlavor"), Node: n}
}

// ReadInterval reads the IVL_TS at element n: its own value, or low and high.
func ReadInterval(t *xmltree.Tree, n xmltree.Node) Interval {
	iv := Interval{Node: n, NullFlavor: t.Attr(n, "nullFlavor")}
	if v := t.Attr(n, "value"); v != "" {
		iv.Value = ReadTimestamp(t, n)
	}
	for c := range t.Children(n) {
		switch t.Local(c) {
		case "low":
			iv.Low = ReadTimestamp(t, c)
		case "high":
			iv.High = ReadTimestamp(t, c)
		}
	}
	return iv
}

// ReadName reads the PN at element n. Its parts are taken from n's own namespace
// (the local header writes names in urn:hl7finland).
func ReadName(t *xmltree.Tree, n xmltree.Node) Name {
	name := Name{Node: n, NullFlavor: t.Attr(n, "nullFlavor")}
	space, parts := t.Space(n), 0
	for c := range t.Children(n) {
		if t.Space(c) != space {
			continue
		}
		parts++
		name.add(t.Local(c), strings.TrimSpace(t.Text(c)), t.Attr(c, "qualifier"))
	}
	if parts == 0 {
		name.Raw = strings.Join(strings.Fields(t.Text(n)), " ")
	}
	return name
}

func (n *Name) add(part, text, qualifier string) {
	if text == "" {
		return
	}
	switch part {
	case "family":
		n.Family = append(n.Family, text)
	case "given":
		if qualifier == "CL" {
			n.CallName = text
			return
		}
		n.Given = append(n.Given, text)
	case "prefix":
		n.Prefixes = append(n.Prefixes, text)
	case "suffix":
		n.Suffix = append(n.Suffix, text)
	}
}

// ReadOrganization reads id and name of the organisation at element n; the first
// of each counts.
func ReadOrganization(t *xmltree.Tree, n xmltree.Node) Organization {
	o := Organization{Node: n}
	for c := range t.Children(n) {
		if t.Space(c) != NamespaceHL7 {
			continue
		}
		switch t.Local(c) {
		case "id":
			if !o.ID.Present() {
				o.ID = ReadID(t, c)
			}
		case "name":
			if !o.Name.Present() {
				o.Name = ReadText(t, c)
			}
		}
	}
	return o
}

// textPieces gives the text and CDATA children of n without copying. element is
// the first child element, which has no business there, or None.
func textPieces(t *xmltree.Tree, n xmltree.Node) (pieces [][]byte, nodes []xmltree.Node, element xmltree.Node) {
	element = xmltree.None
	for c := t.FirstChild(n); c != xmltree.None; c = t.NextSibling(c) {
		switch t.Kind(c) {
		case xmltree.Text, xmltree.CData:
			if v := t.Value(c); len(v) > 0 {
				pieces, nodes = append(pieces, v), append(nodes, c)
			}
		case xmltree.Element:
			if element == xmltree.None {
				element = c
			}
		}
	}
	return pieces, nodes, element
}

// join concatenates pieces, without a copy where there is one.
func join(pieces [][]byte) []byte {
	if len(pieces) == 1 {
		return pieces[0]
	}
	return bytes.Join(pieces, nil)
}
