package pipeline

import (
	"portti/cda"
	"portti/internal/finding"
	"portti/internal/xmltree"
)

// hetuLength is the length of a personal identity code; shorter values hold none.
const hetuLength = 11

// testPersons refuses real people in the test world: a valid personal identity
// code outside the 900 series, anywhere in the document or its decoded body
// (kanta-interface 1.6). One finding for each part; the code itself is not told.
// Compressed parts of a PDF are not looked into.
func (g *judging) testPersons(doc *cda.Document, body *cda.Body) {
	g.inTree(doc.Tree)
	if body == nil {
		return
	}
	for _, p := range []*cda.Part{body.Display, body.JSON} {
		if p == nil {
			continue
		}
		if at := realPerson(p.Bytes); at >= 0 {
			line, column := lineColumn(p.Bytes, at)
			g.list.Add(finding.Finding{Rule: RulePersonReal, Place: finding.Place{Source: p.Source, Line: line, Column: column}})
		}
	}
}

// inTree looks at every value of the tree, so that neither encoding nor character
// references hide a code.
func (g *judging) inTree(t *xmltree.Tree) {
	for n := t.Root(); int(n) < t.Len(); n++ {
		if t.Kind(n) == xmltree.Element {
			first, end := t.Attrs(n)
			for a := first; a < end; a++ {
				if v := t.AttrValue(a); len(v) >= hetuLength && realPerson([]byte(v)) >= 0 {
					g.list.Add(finding.Finding{Rule: RulePersonReal, Place: t.AttrPlace(n, a, finding.SourceDocument)})
					return
				}
			}
			continue
		}
		if realPerson(t.Value(n)) >= 0 {
			g.list.Add(finding.Finding{Rule: RulePersonReal, Place: t.Place(n, finding.SourceDocument)})
			return
		}
	}
}

// realPerson gives the offset of the first identity code outside the 900 series, or -1.
func realPerson(b []byte) int {
	at := -1
	cda.FindHetus(b, func(offset int, h cda.Hetu) bool {
		if h.Test {
			return true
		}
		at = offset
		return false
	})
	return at
}

// lineColumn counts lines and code points up to an offset.
func lineColumn(b []byte, offset int) (line, column int) {
	line, column = 1, 1
	for _, c := range b[:offset] {
		switch {
		case c == '\n':
			line, column = line+1, 1
		case c&0xC0 != 0x80: // not a continuation of UTF-8
			column++
		}
	}
	return line, column
}
