package xmltree_test

import (
	"errors"
	"strings"
	"testing"

	"portti/internal/xmltree"
)

// mustParse parses or ends the test.
func mustParse(tb testing.TB, doc string) *xmltree.Tree {
	tb.Helper()
	t, err := xmltree.Parse([]byte(doc), xmltree.Limits{})
	if err != nil {
		tb.Fatalf("%.200q: %v", doc, err)
	}
	return t
}

// syntaxError parses and gives the fault, or ends the test where there is none.
func syntaxError(tb testing.TB, doc string, lim xmltree.Limits) *xmltree.SyntaxError {
	tb.Helper()
	_, err := xmltree.Parse([]byte(doc), lim)
	var se *xmltree.SyntaxError
	if !errors.As(err, &se) {
		tb.Fatalf("%.200q: got %v, want a syntax error", doc, err)
	}
	return se
}

const small = `<?xml version="1.0"?>
<!-- before -->
<a xmlns="urn:a" xmlns:b="urn:b" x="1&#10;2	3" b:y='"'>
  <b:c ID="i1">one<!-- cut -->&amp;<![CDATA[<two>]]></b:c><?pi some data?>
  <d xmlns="" ID="i2"/><d xmlns="" ID="i1"/>
</a>
`

func TestAccessorsOfASmallDocument(t *testing.T) {
	x := mustParse(t, small)
	root := x.Root()
	eq := func(what string, got, want any) {
		t.Helper()
		if got != want {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
	eq("root", x.Is(root, "urn:a", "a"), true)
	eq("prefix", x.Prefix(root), "")
	eq("x", x.Attr(root, "x"), "1\n2 3")
	y, ok := x.LookupAttr(root, "urn:b", "y")
	eq("b:y", ok && x.AttrValue(y) == `"` && x.AttrPrefix(y) == "b" && x.AttrLocal(y) == "y", true)
	c := x.Child(root, "urn:b", "c")
	eq("c", x.Text(c), "one&<two>")
	eq("prefix of c", x.Prefix(c), "b")
	eq("kind", x.Kind(x.FirstChild(c)), xmltree.Text)
	d := x.Path(root, "", "d")
	eq("d", x.Space(d), "")
	uri, ok := x.LookupPrefix(d, "")
	eq("default at d", ok && uri == "", true)
	uri, ok = x.LookupPrefix(d, "b")
	eq("b at d", ok && uri == "urn:b", true)
	_, ok = x.LookupPrefix(d, "q")
	eq("q at d", ok, false)
	first, end := x.NSDecls(root)
	eq("declarations", end-first, int32(2))
	eq("second", x.NSPrefix(first+1)+"="+x.NSURI(first+1), "b=urn:b")
	eq("pos of c", x.Pos(c), xmltree.Position{Line: 4, Column: 3, Offset: strings.Index(small, "<b:c")})
	eq("pos of y", x.AttrPos(y), xmltree.Position{Line: 3, Column: 53, Offset: strings.Index(small, `"'>`)})
	eq("path", x.XPath(x.NextElement(d)), "/a[1]/*[local-name()='d'][2]")
	eq("attribute path", x.AttrXPath(root, y), "/a[1]/@*[local-name()='y']")
	s, e := x.Range(d)
	eq("range", string(x.Source()[s:e]), `<d xmlns="" ID="i2"/>`)
	ids := x.IDs()
	eq("i1", len(ids.Lookup("i1")), 2)
	eq("i2", len(ids.Lookup("i2")), 1)
	eq("duplicates", len(ids.Duplicates()), 1)
	eq("target", x.Target(x.NextSibling(c)), "pi")
	eq("data", string(x.Value(x.NextSibling(c))), "some data")
	eq("text of nothing", x.Text(xmltree.None)+x.Attr(xmltree.None, "x")+x.XPath(xmltree.None), "")
	n := 0
	for range x.Children(root) {
		n++
	}
	eq("children", n, 3)
}

func TestDoctypeIsRefused(t *testing.T) {
	e := syntaxError(t, "<?xml version='1.0'?>\n <!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", xmltree.Limits{})
	if *e != (xmltree.SyntaxError{Code: "dtd", Line: 2, Column: 2, Offset: 23, Detail: e.Detail}) {
		t.Error(e)
	}
}
