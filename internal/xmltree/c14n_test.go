package xmltree_test

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strings"

	"portti/internal/xmltree"
)

// canonical writes the inclusive canonical form (version 1.0, with comments) of a
// whole document: a plain recursive one for comparison, not for use.
func canonical(t *xmltree.Tree) []byte { return canonicalWith(t, false) }

// canonicalWith writes namespace names as libxml2 does where quirk is set: quoted, but
// nothing in them replaced by a reference.
func canonicalWith(t *xmltree.Tree, quirk bool) []byte {
	w := &canon{t: t, quirk: quirk}
	seenRoot := false
	for n := t.FirstChild(xmltree.Doc); n >= 0; n = t.NextSibling(n) {
		isRoot := n == t.Root()
		if seenRoot {
			w.WriteByte('\n')
		}
		w.node(n, map[string]string{"": ""})
		if !isRoot && !seenRoot {
			w.WriteByte('\n')
		}
		seenRoot = seenRoot || isRoot
	}
	return w.Bytes()
}

type canon struct {
	bytes.Buffer
	t     *xmltree.Tree
	quirk bool
}

func (w *canon) node(n xmltree.Node, rendered map[string]string) {
	t := w.t
	switch t.Kind(n) {
	case xmltree.Element:
		w.element(n, rendered)
	case xmltree.Text, xmltree.CData:
		w.escape(string(t.Value(n)), "&<>\r")
	case xmltree.Comment:
		w.WriteString("<!--" + string(t.Value(n)) + "-->")
	case xmltree.ProcInst:
		w.WriteString("<?" + t.Target(n))
		if v := t.Value(n); len(v) > 0 {
			w.WriteString(" " + string(v))
		}
		w.WriteString("?>")
	}
}

func (w *canon) element(n xmltree.Node, rendered map[string]string) {
	t := w.t
	name := qualified(t.Prefix(n), t.Local(n))
	w.WriteString("<" + name)
	rendered = w.declarations(n, rendered)
	first, end := t.Attrs(n)
	var attrs []xmltree.Attr
	for a := first; a < end; a++ {
		attrs = append(attrs, a)
	}
	slices.SortFunc(attrs, func(a, b xmltree.Attr) int {
		return cmp.Or(cmp.Compare(t.AttrSpace(a), t.AttrSpace(b)), cmp.Compare(t.AttrLocal(a), t.AttrLocal(b)))
	})
	for _, a := range attrs {
		w.attribute(qualified(t.AttrPrefix(a), t.AttrLocal(a)), t.AttrValue(a))
	}
	w.WriteByte('>')
	for c := t.FirstChild(n); c >= 0; c = t.NextSibling(c) {
		w.node(c, rendered)
	}
	w.WriteString("</" + name + ">")
}

// declarations writes those that say something new, sorted by prefix.
func (w *canon) declarations(n xmltree.Node, rendered map[string]string) map[string]string {
	t := w.t
	first, end := t.NSDecls(n)
	if first == end {
		return rendered
	}
	rendered = maps.Clone(rendered)
	var changed []string
	for i := first; i < end; i++ {
		p, uri := t.NSPrefix(i), t.NSURI(i)
		if old, ok := rendered[p]; !ok || old != uri {
			rendered[p] = uri
			changed = append(changed, p)
		}
	}
	slices.Sort(changed)
	for _, p := range changed {
		name := strings.TrimSuffix("xmlns:"+p, ":")
		if w.quirk {
			w.WriteString(" " + name + "=" + quoted(rendered[p]))
		} else {
			w.attribute(name, rendered[p])
		}
	}
	return rendered
}

func quoted(s string) string {
	switch {
	case !strings.Contains(s, `"`):
		return `"` + s + `"`
	case !strings.Contains(s, "'"):
		return "'" + s + "'"
	default:
		return `"` + strings.ReplaceAll(s, `"`, "&quot;") + `"`
	}
}

func (w *canon) attribute(name, value string) {
	w.WriteString(" " + name + `="`)
	w.escape(value, "&<\"\t\n\r")
	w.WriteByte('"')
}

func (w *canon) escape(s, special string) {
	for _, r := range s {
		if !bytes.ContainsRune([]byte(special), r) {
			w.WriteRune(r)
			continue
		}
		w.WriteString(map[rune]string{
			'&': "&amp;", '<': "&lt;", '>': "&gt;", '"': "&quot;",
			'\t': "&#x9;", '\n': "&#xA;", '\r': "&#xD;",
		}[r])
	}
}

func qualified(prefix, local string) string {
	if prefix == "" {
		return local
	}
	return prefix + ":" + local
}
