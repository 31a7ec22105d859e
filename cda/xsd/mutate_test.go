package xsd

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"portti/internal/xmltree"
)

// mutator changes documents by one to four faults that people and programs make.
type mutator struct{ *rand.Rand }

func newMutator(seed uint64) mutator { return mutator{rand.New(rand.NewPCG(seed, 1))} }

// values are put in the place of attribute values and contents.
var values = []string{
	"", " ", "x", "1", "-1", "1.5", "true", "false", "NA", "XX", "TXT", "B64", "1.2.246.21", "1.02.3", "1.2.", "2026",
	"202603", "2026031", "20260301120000+0200", "20260301120000.5", "20260301T120000", "2026-03-01T10:00:00Z",
	"12345678901234567890", "010190-900P", "a b", " NA ", "&amp;", "&#38;", "&lt;a&gt;", "&quot;'", "ä", "&#10;",
	"text/plain", "2.16.840.1.113883.1.3", "RPLC", "CL", "CL AC", "{}", "%s%n", "OID1", "urn:x", "p:q",
}

// mutate gives a changed document, or nil where the change left no XML.
func (m mutator) mutate(tb testing.TB, doc []byte) []byte {
	tb.Helper()
	for range 1 + m.IntN(4) {
		t, err := xmltree.Parse(doc, xmltree.Limits{})
		if err != nil {
			return nil
		}
		doc = m.once(t, doc)
	}
	if _, err := xmltree.Parse(doc, xmltree.Limits{}); err != nil {
		return nil
	}
	return doc
}

// element picks an element, other than the root if there is one.
func (m mutator) element(t *xmltree.Tree) xmltree.Node {
	if t.FirstElement(t.Root()) < 0 {
		return t.Root()
	}
	for {
		if n := xmltree.Node(m.IntN(t.Len())); t.Kind(n) == xmltree.Element && n != t.Root() {
			return n
		}
	}
}

func replace(b []byte, from, to int, with string) []byte {
	return bytes.Join([][]byte{b[:from], []byte(with), b[to:]}, nil)
}

func (m mutator) once(t *xmltree.Tree, b []byte) []byte {
	n := m.element(t)
	from, to := t.Range(n)
	whole := string(b[from:to])
	switch m.IntN(12) {
	case 0: // leave out
		return replace(b, from, to, "")
	case 1: // repeat
		return replace(b, to, to, whole)
	case 2: // exchange with the next
		if next := t.NextElement(n); next >= 0 {
			f2, t2 := t.Range(next)
			return replace(b, from, t2, string(b[f2:t2])+string(b[to:f2])+whole)
		}
		return b
	case 3: // rename
		name := tagName(whole)
		renamed := "<" + name + "X" + whole[1+len(name):]
		if i := strings.LastIndex(renamed, "</"+name); i > 0 {
			renamed = renamed[:i] + "</" + name + "X>"
		}
		return replace(b, from, to, renamed)
	case 4: // something unknown before it
		return replace(b, from, from, m.pick(`<x/>`, `<x xmlns="urn:x"><id/></x>`, `<id/>`, `<code code="1"/>`, `<!-- c -->`, `<?p i?>`))
	case 5: // text before it
		if n == t.Root() {
			return b
		}
		return replace(b, from, from, m.pick("x", " ", "&#9;", "<![CDATA[x]]>"))
	case 6, 7: // another value
		return m.value(t, b, n)
	case 8: // an attribute more
		name := tagName(whole)
		at := from + 1 + len(name)
		return replace(b, at, at, m.pick(` foo="1"`, ` nullFlavor="XX"`, ` nullFlavor="NA"`, ` xml:lang="fi"`,
			` xmlns:q="urn:q" q:a="1"`, ` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="II"`,
			` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"`, ` classCode="XX"`, ` ID="OID1"`))
	case 9: // somewhere else
		f2, _ := t.Range(m.element(t))
		switch {
		case f2 <= from:
			return replace(replace(b, from, to, ""), f2, f2, whole)
		case f2 >= to:
			return replace(replace(b, f2, f2, whole), from, to, "")
		}
		return b
	case 10: // in another namespace
		name := tagName(whole)
		return replace(b, from+1+len(name), from+1+len(name), m.pick(` xmlns=""`, ` xmlns="urn:x"`, ` xmlns="urn:hl7finland"`))
	default: // an attribute less
		first, end := t.Attrs(n)
		if first == end {
			return b
		}
		a := first + xmltree.Attr(m.IntN(int(end-first)))
		f2, t2 := attrRange(t, b, a)
		for b[f2] != ' ' && b[f2] != '\t' && b[f2] != '\n' {
			f2--
		}
		return replace(b, f2, t2+1, "")
	}
}

// value changes an attribute's value, or the element's content where it has no attribute.
func (m mutator) value(t *xmltree.Tree, b []byte, n xmltree.Node) []byte {
	v := values[m.IntN(len(values))]
	first, end := t.Attrs(n)
	if first < end {
		from, to := attrRange(t, b, first+xmltree.Attr(m.IntN(int(end-first))))
		if b[to] == '\'' {
			v = strings.ReplaceAll(v, "'", "&apos;")
		}
		return replace(b, from, to, v)
	}
	if c := t.FirstChild(n); c >= 0 && t.Kind(c) == xmltree.Text {
		from, to := t.Range(c)
		return replace(b, from, to, v)
	}
	return b
}

// attrRange gives the range of an attribute's value as written.
func attrRange(t *xmltree.Tree, b []byte, a xmltree.Attr) (from, to int) {
	from = t.AttrPos(a).Offset
	return from, from + bytes.IndexByte(b[from:], b[from-1])
}

func tagName(element string) string {
	return element[1 : 1+strings.IndexAny(element[1:], " \t\n\r/>")]
}

func (m mutator) pick(from ...string) string { return from[m.IntN(len(from))] }
