package xmltree_test

import (
	"fmt"
	"strings"
	"testing"

	"portti/internal/xmltree"
)

// numbered joins n strings made from format and a number.
func numbered(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// TestLimits checks that each limit takes what it allows and refuses one more.
func TestLimits(t *testing.T) {
	small := xmltree.Limits{Bytes: 5000, Depth: 5, Attrs: 5, Name: 5, Text: 5, Nodes: 5, Names: 5}
	only := func(set func(*xmltree.Limits)) xmltree.Limits {
		var l xmltree.Limits
		set(&l)
		return l
	}
	deep := func(n int) string { return strings.Repeat("<a>", n) + strings.Repeat("</a>", n) }
	x := func(n int) string { return strings.Repeat("x", n) }
	for _, k := range []struct {
		code      string
		lim       xmltree.Limits
		good, bad string
	}{
		{xmltree.CodeBytes, only(func(l *xmltree.Limits) { l.Bytes = small.Bytes }), "<a/>" + strings.Repeat(" ", 4996), "<a/>" + strings.Repeat(" ", 4997)},
		{xmltree.CodeDepth, only(func(l *xmltree.Limits) { l.Depth = small.Depth }), deep(5), deep(6)},
		{xmltree.CodeDepth, xmltree.Limits{}, deep(256), deep(257)},
		{xmltree.CodeAttrs, only(func(l *xmltree.Limits) { l.Attrs = small.Attrs }), "<a" + numbered(5, " a%d=''") + "/>", "<a" + numbered(6, " a%d=''") + "/>"},
		{xmltree.CodeAttrs, only(func(l *xmltree.Limits) { l.Attrs = small.Attrs }), "<a b='' c='' " + numbered(3, " xmlns:n%d='u'") + "/>", "<a " + numbered(6, " xmlns:n%d='u'") + "/>"},
		{xmltree.CodeAttrs, xmltree.Limits{}, "<a" + numbered(256, " a%d=''") + "/>", "<a" + numbered(257, " a%d=''") + "/>"},
		{xmltree.CodeNameLen, only(func(l *xmltree.Limits) { l.Name = small.Name }), "<xxxxx/>", "<xxxxxx/>"},
		{xmltree.CodeNameLen, only(func(l *xmltree.Limits) { l.Name = small.Name }), "<a xxxxx=''/>", "<a xxxxxx=''/>"},
		{xmltree.CodeNameLen, only(func(l *xmltree.Limits) { l.Name = small.Name }), "<?xxxxx?><a/>", "<?xxxxxx?><a/>"},
		{xmltree.CodeNameLen, xmltree.Limits{}, "<" + x(1000) + "/>", "<" + x(1001) + "/>"},
		{xmltree.CodeTextLen, only(func(l *xmltree.Limits) { l.Text = small.Text }), "<a>xxxxx</a>", "<a>xxxxxx</a>"},
		{xmltree.CodeTextLen, only(func(l *xmltree.Limits) { l.Text = small.Text }), "<a>&#32;</a>", "<a>&#032;</a>"},
		{xmltree.CodeTextLen, only(func(l *xmltree.Limits) { l.Text = small.Text }), "<a b='xxxxx'/>", "<a b='xxxxxx'/>"},
		{xmltree.CodeTextLen, only(func(l *xmltree.Limits) { l.Text = small.Text }), "<a><![CDATA[xxxxx]]></a>", "<a><![CDATA[xxxxxx]]></a>"},
		{xmltree.CodeTextLen, only(func(l *xmltree.Limits) { l.Text = small.Text }), "<a><!--xxxxx--></a>", "<a><!--xxxxxx--></a>"},
		{xmltree.CodeTextLen, only(func(l *xmltree.Limits) { l.Text = small.Text }), "<a><?p xxxxx?></a>", "<a><?p xxxxxx?></a>"},
		{xmltree.CodeNodes, only(func(l *xmltree.Limits) { l.Nodes = small.Nodes }), "<a>x<b/>x</a>", "<a>x<b/>x<b/></a>"},
		{xmltree.CodeNames, only(func(l *xmltree.Limits) { l.Names = small.Names }), "<a>" + numbered(4, "<b%d/>") + "</a>", "<a>" + numbered(5, "<b%d/>") + "</a>"},
		{xmltree.CodeNames, only(func(l *xmltree.Limits) { l.Names = small.Names }), "<a>" + numbered(5, "<a xmlns='%d'/>") + "</a>", "<a>" + numbered(6, "<a xmlns='%d'/>") + "</a>"},
		{xmltree.CodeNames, only(func(l *xmltree.Limits) { l.Names = small.Names }),
			"<a>" + numbered(4, "<a xmlns='%d'><b/><c/><d/></a>") + "</a>", "<a>" + numbered(5, "<a xmlns='%d'><b/><c/><d/></a>") + "</a>"},
	} {
		if _, err := xmltree.Parse([]byte(k.good), k.lim); err != nil {
			t.Errorf("%s: %.60q: %v", k.code, k.good, err)
		}
		if e := syntaxError(t, k.bad, k.lim); e.Code != k.code || !e.Limit() {
			t.Errorf("%s: %.60q: %v", k.code, k.bad, e)
		}
	}
	if e := syntaxError(t, "<a", xmltree.Limits{}); e.Limit() {
		t.Error("an open tag is no matter of limits")
	}
}

// TestHostileDocuments parses documents made to cost more than their size, and looks
// up places in them. A step of quadratic time shows as minutes where all take seconds.
func TestHostileDocuments(t *testing.T) {
	wide := xmltree.Limits{Attrs: 1 << 30, Depth: 1 << 30, Names: 1 << 30, Nodes: 1 << 30}
	n := 200_000
	if testing.Short() {
		n = 20_000
	}
	for name, k := range map[string]struct{ doc, code string }{
		"many attributes":              {"<a" + numbered(n, " a%d=''") + "/>", ""},
		"many attributes with prefix":  {"<a xmlns:p='u'" + numbered(n, " p:a%d=''") + "/>", ""},
		"many prefixes":                {"<a" + numbered(n, " xmlns:p%d='u'") + "/>", ""},
		"many namespaces":              {"<a" + numbered(n, " xmlns:p%[1]d='u%[1]d' p%[1]d:x=''") + "/>", ""},
		"same attribute, two prefixes": {"<a xmlns:p='u' xmlns:q='u' p:x=''" + numbered(n, " a%d=''") + " q:x=''/>", xmltree.CodeAttrDup},
		"deep":                         {strings.Repeat("<a>", n) + strings.Repeat("</a>", n), ""},
		"deep, never closed":           {strings.Repeat("<a>", n), xmltree.CodeUnclosed},
		"deep with new prefixes":       {numbered(n, "<p%[1]d:a xmlns:p%[1]d='u'>"), xmltree.CodeUnclosed},
		"prefix bound anew at each":    {"<a xmlns:p='u'>" + numbered(n, "<p:a xmlns:p='u%d'/>") + "</a>", ""},
		"undone at each end":           {strings.Repeat("<a xmlns='u' xmlns:p='u'>", n) + strings.Repeat("</a>", n), ""},
		"references":                   {"<a>" + strings.Repeat("&amp;&#xA;", n) + "</a>", ""},
		"references in a value":        {"<a b='" + strings.Repeat("&amp;\n", n) + "'/>", ""},
		"carriage returns":             {"<a>" + strings.Repeat("\r", n) + strings.Repeat("\r<b/>", n) + "</a>", ""},
		"brackets":                     {"<a>" + strings.Repeat("]", n) + strings.Repeat("]]<b/>", n) + "</a>", ""},
		"brackets in a section":        {"<a><![CDATA[" + strings.Repeat("]]", n) + "]]></a>", ""},
		"hyphens":                      {"<a>" + strings.Repeat("<!-- - - -->", n) + "</a>", ""},
		"question marks":               {"<a><?p " + strings.Repeat("?", n) + "?></a>", ""},
		"sections never closed":        {"<a>" + strings.Repeat("<![CDATA[]]", n), xmltree.CodeUnclosed},
		"digits":                       {"<a>&#" + strings.Repeat("9", n) + ";</a>", xmltree.CodeCharRef},
		"entity without end":           {"<a>&" + strings.Repeat("x", n), xmltree.CodeRef},
		"blanks in a tag":              {"<a" + strings.Repeat(" ", n) + "b" + strings.Repeat("\n", n) + "=''/>", ""},
		"many names":                   {"<a>" + numbered(n, "<b%d/>") + "</a>", ""},
		"one long line":                {"<a>" + strings.Repeat("ä", n) + "<b/></a>", ""},
		"many lines":                   {"<a>" + strings.Repeat("\n", n) + "<b/></a>", ""},
	} {
		t.Run(name, func(t *testing.T) {
			tree, err := xmltree.Parse([]byte(k.doc), wide)
			if k.code != "" {
				if e := syntaxError(t, k.doc, wide); e.Code != k.code {
					t.Errorf("got %v, want %s", e, k.code)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			// Places and paths of a thousand nodes at the end must not each cost the document.
			// (A path costs the depth, so one is enough where that is all there is.)
			for i := max(1, tree.Len()-1000); i < tree.Len(); i++ {
				n := xmltree.Node(i)
				if tree.Pos(n).Line < 1 || tree.Parent(n) == tree.Root() && tree.XPath(n) == "" {
					t.Fatal("no place")
				}
			}
			if tree.XPath(xmltree.Node(tree.Len()-1)) == "" {
				t.Error("no path")
			}
		})
	}
}

// TestAllocationsDoNotGrowWithNodes: arrays grow, nodes are not allocated one by one.
func TestAllocationsDoNotGrowWithNodes(t *testing.T) {
	allocations := func(doc []byte) float64 {
		return testing.AllocsPerRun(3, func() {
			if _, err := xmltree.Parse(doc, xmltree.Limits{}); err != nil {
				t.Fatal(err)
			}
		})
	}
	few, many := allocations(clinical(20_000, 0)), allocations(clinical(1_000_000, 0))
	if few > 60 || many > few+40 {
		t.Errorf("20 KB take %v allocations, 1 MB %v", few, many)
	}
}

// TestSizeIsBoundedByTheInput checks the memory of a tree against its source.
func TestSizeIsBoundedByTheInput(t *testing.T) {
	for name, doc := range map[string]string{
		"clinical": string(clinical(500_000, 0.3)),
		"tags":     "<a>" + strings.Repeat("<a/>", 100_000) + "</a>",
		"section":  "<a><![CDATA[" + strings.Repeat("<", 400_000) + "]]></a>",
		"equals":   "<a>" + strings.Repeat("=", 400_000) + "</a>",
	} {
		tree := mustParse(t, doc)
		if tree.Size() > 16*len(doc) || tree.Size() < tree.Len()*16 {
			t.Errorf("%s: %d bytes of tree for %d of source", name, tree.Size(), len(doc))
		}
	}
}
