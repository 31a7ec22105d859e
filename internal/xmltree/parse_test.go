package xmltree_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"portti/internal/finding"
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

func TestAccessorsOfNothing(t *testing.T) {
	x := mustParse(t, "<a b='c'>d</a>")
	none := xmltree.None
	for _, n := range []xmltree.Node{
		x.Parent(none), x.FirstChild(none), x.NextSibling(none), x.End(none), x.FirstElement(none),
		x.NextElement(none), x.Child(none, "", "a"), x.Path(none, "", "a"),
		x.Parent(xmltree.Doc), x.NextSibling(xmltree.Doc), x.NextElement(xmltree.Doc), x.NextSibling(x.Root()),
		x.FirstChild(x.FirstChild(x.Root())), x.FirstElement(x.Root()), x.Path(x.Root(), "", "no", "way"),
	} {
		if n != none {
			t.Errorf("got node %d, want none", n)
		}
	}
	if s := x.Local(none) + x.Space(none) + x.Prefix(none) + x.Target(none) + x.Text(none) + x.Attr(none, "b") +
		string(x.Value(none)) + x.XPath(none) + x.Local(xmltree.Doc) + x.Attr(xmltree.Doc, "b") + string(x.Value(x.Root())); s != "" {
		t.Errorf("got %q, want nothing", s)
	}
	if x.Kind(none) != xmltree.NoKind || x.Is(none, "", "") || x.Is(xmltree.Doc, "", "") || x.Pos(none) != (xmltree.Position{}) {
		t.Error("none is something")
	}
	if p := x.Place(none, finding.SourceFrame); p != (finding.Place{Source: finding.SourceFrame}) {
		t.Errorf("the place of nothing is %+v", p)
	}
	for range x.Children(none) {
		t.Error("nothing has children")
	}
}

func TestPlaceOfElementAndAttribute(t *testing.T) {
	x := mustParse(t, "<a>\n <b id='x'/></a>")
	b := x.FirstElement(x.Root())
	id, _ := x.LookupAttr(b, "", "id")
	want := finding.Place{Source: finding.SourceDocument, Line: 2, Column: 2, XPath: "/a[1]/b[1]"}
	if p := x.Place(b, finding.SourceDocument); p != want {
		t.Errorf("element: %+v", p)
	}
	want.Column, want.XPath = 9, "/a[1]/b[1]/@id"
	if p := x.AttrPlace(b, id, finding.SourceDocument); p != want {
		t.Errorf("attribute: %+v", p)
	}
}

func TestValuesAreNormalised(t *testing.T) {
	x := mustParse(t, "<a b=' \r\n\r\t\n&#13;&#10;&#9; ' c='&lt;&amp;\"'>\r\n\r&#13;\n<![CDATA[\r\n&amp;]]><!--\r-->x<?p  \r\ny\r?></a>")
	r := x.Root()
	for what, s := range map[string][2]string{
		"attribute":   {x.Attr(r, "b"), "     \r\n\t "},
		"reference":   {x.Attr(r, "c"), "<&\""},
		"text":        {x.Text(r), "\n\n\r\n\n&amp;x"},
		"comment":     {string(x.Value(r + 3)), "\n"},
		"instruction": {string(x.Value(r + 5)), "y\n"},
	} {
		if s[0] != s[1] {
			t.Errorf("%s: got %q, want %q", what, s[0], s[1])
		}
	}
}

func TestTextIsNotCutByComments(t *testing.T) {
	x := mustParse(t, "<a><!-- x -->ad<!-- min -->mi<b>n</b><?p?><![CDATA[!]]></a>")
	if s := x.Text(x.Root()); s != "admin!" {
		t.Errorf("got %q", s)
	}
	one := mustParse(t, "<a>one<!-- piece --></a>")
	if s := one.TextBytes(one.Root()); &s[0] != &one.Source()[3] || cap(s) != 3 {
		t.Error("a single piece is copied, or can be written beyond")
	}
}

func TestIDs(t *testing.T) {
	x := mustParse(t, `<a ID="1" id="2" xmlns:p="urn:p"><b ID="2"/><b ID="1" id="1"/><b p:ID="3"/><b ID=""/><b ID="1"/></a>`)
	check := func(ids *xmltree.IDIndex, id string, want ...xmltree.Node) {
		t.Helper()
		if got := ids.Lookup(id); !slices.Equal(got, want) {
			t.Errorf("id %q: got %v, want %v", id, got, want)
		}
	}
	ids := x.IDs()
	check(ids, "1", 1, 3, 6)
	check(ids, "2", 2)
	check(ids, "3")
	check(ids, "", 5)
	if d := ids.Duplicates(); !slices.Equal(d, []string{"1"}) {
		t.Errorf("duplicates %v", d)
	}
	both := x.IDs("ID", "id")
	check(both, "1", 1, 3, 6)
	check(both, "2", 1, 2)
	if d := both.Duplicates(); !slices.Equal(d, []string{"2", "1"}) {
		t.Errorf("duplicates %v", d)
	}
	twice := mustParse(t, `<a ID="x" id="x"/>`).IDs("ID", "id")
	check(twice, "x", 1)
	if len(twice.Duplicates()) > 0 {
		t.Error("two names on one element are no duplicate")
	}
}

func TestDoctypeIsRefused(t *testing.T) {
	e := syntaxError(t, "<?xml version='1.0'?>\n <!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", xmltree.Limits{})
	if *e != (xmltree.SyntaxError{Code: "dtd", Line: 2, Column: 2, Offset: 23, Detail: e.Detail}) {
		t.Error(e)
	}
}
