package codes

import (
	"errors"
	"fmt"
	"strings"

	"portti/internal/xmltree"
)

// xmlLimits are for the largest export, the organisation register with more than
// 72,000 entries.
var xmlLimits = xmltree.Limits{Bytes: 512 << 20, Nodes: 40_000_000}

// ParseXML reads the code server's XML export (arb:result of urn::codeservice,
// kanta-facts-2 5): one list for each termsystem in it.
func ParseXML(src []byte) ([]*List, error) {
	t, err := xmltree.Parse(src, xmlLimits)
	if err != nil {
		return nil, fmt.Errorf("codes: XML export: %w", err)
	}
	if !t.Is(t.Root(), "urn::codeservice", "result") {
		return nil, errors.New("codes: XML export: the root is not the code server's arb:result")
	}
	var out []*List
	for n := t.Root(); n < t.End(t.Root()); n++ {
		if t.Kind(n) != xmltree.Element || t.Local(n) != "termsystem" {
			continue
		}
		l, err := termsystem(t, n)
		if err != nil {
			return nil, err
		}
		out = append(out, l)
		n = t.End(n) - 1
	}
	if len(out) == 0 {
		return nil, errors.New("codes: XML export: no termsystem in it")
	}
	return out, nil
}

func termsystem(t *xmltree.Tree, n xmltree.Node) (*List, error) {
	id := t.Attr(n, "id")
	if !isOID(id) {
		return nil, xmlError(t, n, fmt.Errorf("the termsystem's id %q is not an OID", id))
	}
	l := newList(id)
	for c := range t.Children(n) {
		switch t.Local(c) {
		case "attribute":
			l.systemAttribute(t.Attr(c, "type"), t.Attr(c, "language"), strings.TrimSpace(t.Text(c)), id)
		case "termitementry":
			code, err := termitem(t, c)
			if err != nil {
				return nil, err
			}
			l.Codes = append(l.Codes, code)
		}
	}
	var err error
	if l.From, err = parseTime(t.Attr(n, "begindate")); err == nil {
		l.To, err = parseTime(t.Attr(n, "expirationdate"))
	}
	if err != nil {
		return nil, xmlError(t, n, err)
	}
	return l.finish()
}

// systemAttribute takes the code system's name, and the OID that its versions
// relate to, which tells where the version arc begins.
func (l *List) systemAttribute(kind, language, value, id string) {
	switch kind {
	case "longname":
		if strings.EqualFold(language, "sv") {
			l.NameSV = strings.Clone(value)
		} else {
			l.Name = strings.Clone(value)
		}
	case "relatesto":
		if version, ok := strings.CutPrefix(id, value+"."); ok && isOID(value) && isArcs(version) {
			l.System, l.Version = strings.Clone(value), strings.Clone(version)
		}
	}
}

func termitem(t *xmltree.Tree, n xmltree.Node) (Code, error) {
	c := Code{Code: strings.Clone(t.Attr(n, "id"))}
	for a := range t.Children(n) {
		if t.Local(a) == "attribute" {
			c.take(strings.Clone(t.Attr(a, "type")), t.Attr(a, "language"), strings.Clone(t.Text(a)))
		}
	}
	var err error
	if c.From, err = parseTime(t.Attr(n, "begindate")); err == nil {
		c.To, err = parseTime(t.Attr(n, "expirationdate"))
	}
	if err != nil {
		return c, xmlError(t, n, err)
	}
	return c, nil
}

func xmlError(t *xmltree.Tree, n xmltree.Node, err error) error {
	p := t.Pos(n)
	return fmt.Errorf("codes: XML export, line %d, column %d: %w", p.Line, p.Column, err)
}
