package xmltree_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"portti/internal/xmltree"
)

// fromUTF16 decodes with the standard library, byte order mark included.
func fromUTF16(doc []byte, big bool) string {
	var order binary.ByteOrder = binary.LittleEndian
	if big {
		order = binary.BigEndian
	}
	units := make([]uint16, len(doc)/2)
	for i := range units {
		units[i] = order.Uint16(doc[2*i:])
	}
	return string(utf16.Decode(units))
}

func utf16Length(s string) int { return 2 * len(utf16.Encode([]rune(s))) }

// positions maps each offset in the original bytes at which a code point begins to its
// line and column, worked out one code point after the other.
func positions(t *xmltree.Tree) map[int]xmltree.Position {
	doc := t.Source()
	var text string
	width := func(r rune) int { return len(string(r)) }
	switch t.Encoding() {
	case "UTF-16LE", "UTF-16BE":
		text = fromUTF16(doc, t.Encoding() == "UTF-16BE")
		width = func(r rune) int { return 2 * len(utf16.Encode([]rune{r})) }
	case "ISO-8859-1":
		for _, c := range doc {
			text += string(rune(c))
		}
		width = func(rune) int { return 1 }
	default:
		text = string(doc)
	}
	at := map[int]xmltree.Position{}
	p := xmltree.Position{Line: 1, Column: 1}
	if rest, ok := strings.CutPrefix(text, "\ufeff"); ok {
		text, p.Offset = rest, width(0xFEFF)
	}
	runes := []rune(text)
	for i, r := range runes {
		at[p.Offset] = p
		p.Offset += width(r)
		p.Column++
		if r == '\n' || r == '\r' && (i+1 == len(runes) || runes[i+1] != '\n') {
			p.Line, p.Column = p.Line+1, 1
		}
	}
	at[p.Offset] = p
	return at
}

// checkTree checks that a tree is sound in itself: order, nesting, ranges, positions,
// paths, and that writing it out and reading that gives the same tree.
func checkTree(tb testing.TB, t *xmltree.Tree) {
	tb.Helper()
	at := positions(t)
	place := func(what string, p xmltree.Position) {
		if at[p.Offset] != p {
			tb.Fatalf("%s: position %+v, counted %+v\n%.600q", what, p, at[p.Offset], t.Source())
		}
	}
	paths := map[string]xmltree.Node{}
	nextAttr, nextDecl := xmltree.Attr(0), int32(0)
	for n := xmltree.Doc; int(n) < t.Len(); n++ {
		checkNesting(tb, t, n)
		place(fmt.Sprintf("node %d", n), t.Pos(n))
		if path := t.XPath(n); t.Kind(n) == xmltree.Element {
			if before, ok := paths[path]; ok {
				tb.Fatalf("nodes %d and %d have one path %s", before, n, path)
			}
			paths[path] = n
		}
		for a, end := t.Attrs(n); a < end; a++ {
			if a != nextAttr {
				tb.Fatalf("node %d: attribute %d comes after %d", n, a, nextAttr)
			}
			nextAttr++
			place(fmt.Sprintf("attribute %d", a), t.AttrPos(a))
			if found, ok := t.LookupAttr(n, t.AttrSpace(a), t.AttrLocal(a)); !ok || found != a {
				tb.Fatalf("node %d: attribute %d is found as %d", n, a, found)
			}
		}
		for i, end := t.NSDecls(n); i < end; i++ {
			if i != nextDecl {
				tb.Fatalf("node %d: declaration %d comes after %d", n, i, nextDecl)
			}
			nextDecl++
			place(fmt.Sprintf("declaration %d", i), t.NSPos(i))
		}
		if uri, ok := t.LookupPrefix(n, t.Prefix(n)); t.Kind(n) == xmltree.Element && (!ok || uri != t.Space(n)) {
			tb.Fatalf("node %d: its prefix stands for %q, its namespace is %q", n, uri, t.Space(n))
		}
	}
	checkRoundTrip(tb, t)
}

func checkNesting(tb testing.TB, t *xmltree.Tree, n xmltree.Node) {
	tb.Helper()
	start, end := t.Range(n)
	ok := start <= end && t.End(n) > n && int(t.End(n)) <= t.Len()
	if p := t.Parent(n); p >= 0 {
		from, to := t.Range(p)
		ok = ok && p < n && t.End(n) <= t.End(p) && from <= start && end <= to
	} else {
		ok = ok && n == xmltree.Doc
	}
	next := n + 1
	for c := t.FirstChild(n); c >= 0; c = t.NextSibling(c) {
		from, _ := t.Range(c)
		ok = ok && c == next && t.Parent(c) == n && from >= start
		next, start = t.End(c), from
	}
	if !ok || next != t.End(n) {
		tb.Fatalf("node %d does not nest: %d–%d, end %d, parent %d", n, start, end, t.End(n), t.Parent(n))
	}
}

// checkRoundTrip writes the tree out and reads it again.
func checkRoundTrip(tb testing.TB, t *xmltree.Tree) {
	tb.Helper()
	want := dump(t)
	written := write(t)
	again, err := xmltree.Parse(written, xmltree.Limits{Bytes: len(written) + 1, Text: len(written) + 1, Nodes: t.Len() + 1})
	if err != nil {
		tb.Fatalf("cannot read what was written: %v\n%.600q", err, written)
	}
	if got := dump(again); !bytes.Equal(got, want) {
		tb.Fatalf("read again it is another tree\n%.600q\n%.600q\n%.600q", t.Source(), want, got)
	}
}

// write writes a tree as XML in UTF-8, with its prefixes and declarations.
func write(t *xmltree.Tree) []byte {
	w := &canon{t: t}
	var open []xmltree.Node
	closeBefore := func(n xmltree.Node) {
		for len(open) > 0 && t.End(open[len(open)-1]) <= n {
			e := open[len(open)-1]
			w.WriteString("</" + qualified(t.Prefix(e), t.Local(e)) + ">")
			open = open[:len(open)-1]
		}
	}
	for n := xmltree.Node(1); int(n) < t.Len(); n++ {
		closeBefore(n)
		switch t.Kind(n) {
		case xmltree.Element:
			open = append(open, n)
			w.WriteString("<" + qualified(t.Prefix(n), t.Local(n)))
			for i, end := t.NSDecls(n); i < end; i++ {
				w.attribute(strings.TrimSuffix("xmlns:"+t.NSPrefix(i), ":"), t.NSURI(i))
			}
			for a, end := t.Attrs(n); a < end; a++ {
				w.attribute(qualified(t.AttrPrefix(a), t.AttrLocal(a)), t.AttrValue(a))
			}
			w.WriteString(">")
		case xmltree.CData:
			w.WriteString("<![CDATA[" + string(t.Value(n)) + "]]>")
		default:
			w.node(n, nil)
		}
	}
	closeBefore(xmltree.Node(t.Len()))
	return w.Bytes()
}

// TestGeneratedTreesAreSound checks trees of random documents in all encodings.
func TestGeneratedTreesAreSound(t *testing.T) {
	read := 0
	for seed := range 1500 {
		doc := newGenerator(uint64(seed)).document()
		if tree, err := xmltree.Parse(doc, xmltree.Limits{}); err == nil {
			checkTree(t, tree)
			read++
		}
	}
	if read < 700 {
		t.Errorf("only %d documents were well-formed", read)
	}
	checkTree(t, mustParse(t, string(clinical(30_000, 0.3))))
	checkTree(t, mustParse(t, small))
}

// FuzzParse demands that nothing panics and that every tree is sound.
func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	f.Add(clinical(1200, 0.1))
	for seed := range uint64(40) {
		f.Add(newGenerator(seed).document())
	}
	for _, cases := range conformance {
		for _, k := range cases {
			f.Add([]byte(k.doc))
		}
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		if len(doc) > 1<<16 {
			return
		}
		tree, err := xmltree.Parse(doc, xmltree.Limits{})
		if err != nil {
			if tree != nil {
				t.Error("a tree and an error")
			}
			return
		}
		checkTree(t, tree)
	})
}

// FuzzAgainstLibxml2 demands that every difference falls into a known class.
func FuzzAgainstLibxml2(f *testing.F) {
	allowed := allowedDifferences(f)
	for seed := range uint64(40) {
		f.Add(newGenerator(seed).document())
	}
	for _, c := range differenceClasses(f) {
		f.Add(c.document(f))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		if len(doc) > 1<<14 {
			return
		}
		_, fault, classes, v := judged(t, doc)
		for _, class := range classes {
			if !allowed[class] {
				t.Errorf("class %q: ours %v, libxml2 %+v", class, fault, v)
			}
		}
	})
}
