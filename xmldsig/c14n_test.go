package xmldsig

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portti/internal/shared"
	"portti/internal/xmltree"
)

func parse(tb testing.TB, src []byte) *xmltree.Tree {
	tb.Helper()
	t, err := xmltree.Parse(src, xmltree.Limits{Bytes: 200 << 20, Nodes: 50_000_000, Depth: 200_000, Attrs: 100_000, Names: 1_000_000})
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

func canon(tb testing.TB, c Canonicalizer, t *xmltree.Tree, n xmltree.Node, exclude ...xmltree.Node) string {
	tb.Helper()
	var b bytes.Buffer
	if err := c.Write(&b, t, n, exclude...); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

// find gives the first element with that qualified name, or whose ID is "#…".
func find(tb testing.TB, t *xmltree.Tree, name string) xmltree.Node {
	tb.Helper()
	for n := xmltree.Node(1); int(n) < t.Len(); n++ {
		if t.Kind(n) != xmltree.Element {
			continue
		}
		q := t.Local(n)
		if p := t.Prefix(n); p != "" {
			q = p + ":" + q
		}
		if q == name || name[0] == '#' && (t.Attr(n, "ID") == name[1:] || t.Attr(n, "Id") == name[1:]) {
			return n
		}
	}
	tb.Fatalf("no element %s", name)
	return xmltree.None
}

// vector is a file of the shared canonicalization vectors and the expected
// output; doctype is cut out of the input first (we take none), where the
// declarations change nothing.
type vector struct {
	in, out, apex string
	c             Canonicalizer
	cutDoctype    bool
}

func TestCanonicalVectors(t *testing.T) {
	exc := Canonicalizer{}
	inc := Canonicalizer{Algorithm: Inclusive10}
	list := func(comments bool) Canonicalizer {
		return Canonicalizer{Comments: comments, Prefixes: []string{"bar", "#default"}}
	}
	for _, v := range []vector{
		{"in/31_input.xml", "in/31_c14n.xml", "", inc, true},
		{"in/31_input.xml", "in/31_c14n-comments.xml", "", Canonicalizer{Algorithm: Inclusive10, Comments: true}, true},
		{"in/31_input.xml", "in/31_c14n.xml", "", Canonicalizer{Algorithm: Inclusive11}, true},
		{"in/32_input.xml", "in/32_c14n.xml", "", inc, false},
		{"in/32_input.xml", "in/32_c14n.xml", "", Canonicalizer{Algorithm: Inclusive11}, false},
		{"in/36_input.xml", "in/36_c14n.xml", "", inc, false},
		{"in/default_ns_redefinition_input.xml", "in/default_ns_redefinition_c14n.xml", "dsig:Object", inc, false},
		{"inExcl/example2_2_1.xml", "inExcl/example2_2_1_c14nized.xml", "n1:elem2", inc, false},
		{"inExcl/example2_2_2.xml", "inExcl/example2_2_2_c14nized.xml", "n1:elem2", inc, false},
		{"inExcl/example2_2_1.xml", "inExcl/example2_2_c14nized_exclusive.xml", "n1:elem2", exc, false},
		{"inExcl/example2_2_2.xml", "inExcl/example2_2_c14nized_exclusive.xml", "n1:elem2", exc, false},
		{"inExcl/example2_2_3.xml", "inExcl/example2_2_3_c14nized_exclusive.xml", "p", exc, false},
		{"inExcl/example2_4.xml", "inExcl/example2_4_c14nized.xml", "etsi:elem2", exc, false},
		{"inExcl/plain-soap-1.1.xml", "inExcl/plain-soap-c14nized.xml", "env:Body", exc, false},
		{"Y1/exc-signature.xml", "Y1/c14n-0.txt", "#to-be-signed", exc, false},
		{"Y1/exc-signature.xml", "Y1/c14n-1.txt", "#to-be-signed", list(false), false},
		{"Y1/exc-signature.xml", "Y1/c14n-2.txt", "#to-be-signed", Canonicalizer{Comments: true}, false},
		{"Y1/exc-signature.xml", "Y1/c14n-3.txt", "#to-be-signed", list(true), false},
		{"Y1/exc-signature.xml", "Y1/c14n-4.txt", "dsig:SignedInfo", exc, false},
		{"Y3/signature.xml", "Y3/c14n-8.txt", "SignedInfo", inc, false},
		{"Y4/signature.xml", "Y4/c14n-27.txt", "SignedInfo", inc, false},
		{"Y5/signature.xml", "Y5/c14n-27.txt", "SignedInfo", inc, false},
	} {
		t.Run(v.out+"_"+v.c.Algorithm, func(t *testing.T) {
			src := shared.Read(t, "samples/signatures/c14n/"+v.in)
			if v.cutDoctype {
				src = cutDoctype(src)
			}
			tree := parse(t, src)
			apex := xmltree.Doc
			if v.apex != "" {
				apex = find(t, tree, v.apex)
			}
			want := string(shared.Read(t, "samples/signatures/c14n/"+v.out))
			if got := canon(t, v.c, tree, apex); got != want {
				t.Errorf("got\n%q\nwant\n%q", got, want)
			}
		})
	}
}

func cutDoctype(src []byte) []byte {
	i := bytes.Index(src, []byte("<!DOCTYPE"))
	j := bytes.Index(src[i:], []byte(">"))
	if k := bytes.Index(src[i:], []byte("]>")); k >= 0 {
		j = k + 1
	}
	return append(append([]byte{}, src[:i]...), src[i+j+1:]...)
}

func TestCanonicalFormOfEachEscape(t *testing.T) {
	src := "<a b='&#9;&#10;&#13;&lt;&gt;&amp;&quot;&apos;' c=\"  x\t\ny \">&#9;&#10;&#13;&lt;&gt;&amp;\"'<![CDATA[<&>]]>" +
		strings.Repeat("x", 9000) + "&#13;" + strings.Repeat("&gt;", 6000) + "</a>"
	want := "<a b=\"&#x9;&#xA;&#xD;&lt;>&amp;&quot;'\" c=\"  x  y \">\t\n&#xD;&lt;&gt;&amp;\"'&lt;&amp;&gt;" +
		strings.Repeat("x", 9000) + "&#xD;" + strings.Repeat("&gt;", 6000) + "</a>"
	if got := canon(t, Canonicalizer{}, parse(t, []byte(src)), xmltree.Doc); got != want {
		t.Errorf("got %.200q", got)
	}
}

func TestCanonicalFormOfNamespaceNames(t *testing.T) {
	tree := parse(t, []byte("<p:a xmlns:p='http://c/?x=1&amp;y=%22&quot;&lt;'/>"))
	want := "<p:a xmlns:p=\"http://c/?x=1&amp;y=%22&quot;&lt;\"></p:a>"
	if got := canon(t, Canonicalizer{}, tree, xmltree.Doc); got != want {
		t.Errorf("got %s", got)
	}
}

func TestCanonicalFormOfTheDocumentNode(t *testing.T) {
	tree := parse(t, []byte("<?xml version='1.0'?>\n\n<!--a--><?p  q ?>\n<r/>\n<?z?>\n\n<!--b-->\n"))
	if got := canon(t, Canonicalizer{}, tree, xmltree.Doc); got != "<?p q ?>\n<r></r>\n<?z?>" {
		t.Errorf("without comments: %q", got)
	}
	if got := canon(t, Canonicalizer{Comments: true}, tree, xmltree.Doc); got != "<!--a-->\n<?p q ?>\n<r></r>\n<?z?>\n<!--b-->" {
		t.Errorf("with comments: %q", got)
	}
}

func TestCanonicalFormLeavesOutSubtrees(t *testing.T) {
	tree := parse(t, []byte("<r xmlns:p='u:1'><p:a><x/></p:a><p:b/>t<p:c/></r>"))
	a, b := find(t, tree, "p:a"), find(t, tree, "p:b")
	if got := canon(t, Canonicalizer{}, tree, xmltree.Doc, b, a); got != "<r>t<p:c xmlns:p=\"u:1\"></p:c></r>" {
		t.Errorf("got %q", got)
	}
	if got := canon(t, Canonicalizer{}, tree, find(t, tree, "x"), a); got != "" {
		t.Errorf("an element inside what is left out gave %q", got)
	}
	if got := canon(t, Canonicalizer{}, tree, a, a); got != "" {
		t.Errorf("what is left out gave %q", got)
	}
}

func TestRelativeNamespaceHasNoCanonicalForm(t *testing.T) {
	tree := parse(t, []byte("<r><a xmlns:p='../x'/><b/></r>"))
	for _, alg := range []string{Exclusive10, Inclusive10, Inclusive11} {
		c := Canonicalizer{Algorithm: alg}
		if err := c.Write(io.Discard, tree, xmltree.Doc); !errors.Is(err, ErrRelativeNamespace) {
			t.Errorf("%s: %v", alg, err)
		}
		if err := c.Write(io.Discard, tree, find(t, tree, "b")); err != nil {
			t.Errorf("%s beside it: %v", alg, err)
		}
	}
}

func TestUnknownCanonicalizationIsRefused(t *testing.T) {
	tree := parse(t, []byte("<r/>"))
	if err := (Canonicalizer{Algorithm: "2.0"}).Write(io.Discard, tree, xmltree.Doc); err == nil {
		t.Error("took it")
	}
}

type failing struct{ after int }

func (f *failing) Write(b []byte) (int, error) {
	if f.after--; f.after < 0 {
		return 0, io.ErrClosedPipe
	}
	return len(b), nil
}

func TestWriterErrorsEndCanonicalization(t *testing.T) {
	tree := parse(t, []byte("<r>"+strings.Repeat("<a>"+strings.Repeat("y", 5000)+"</a>", 50)+"</r>"))
	for after := range 5 {
		if err := (Canonicalizer{}).Write(&failing{after}, tree, xmltree.Doc); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("after %d writes: %v", after, err)
		}
	}
}

// Bases of Canonical XML 1.1, 2.4: what an orphan apex inherits.
func TestInclusive11JoinsBases(t *testing.T) {
	for _, c := range []struct{ outer, mid, own, want string }{
		{"http://a/b/c", "", "d", "http://a/b/d"},
		{"http://a/b/c/", "d/", "../e", "http://a/b/c/e"},
		{"x/y/", "../z/", "q", "x/z/q"},
		{"", "../..", "", "../.."},
		{"..", "../..", "", "../../../"},
		{"a/b", "../c", "", "c"},
		{"foo/bar", "", "..", ""},
		{"x//y/", "z", "", "x/y/z"},
		{"/m", "..", "", "/"},
		{"//i/j", ".", "", "//i/"},
		{"a/b/", "", "http://h/x/../y", "http://h/y"},
	} {
		attr := func(v string) string {
			if v == "" {
				return ""
			}
			return ` xml:base="` + v + `"`
		}
		tree := parse(t, []byte("<r"+attr(c.outer)+"><m"+attr(c.mid)+"><x"+attr(c.own)+"/></m></r>"))
		got := canon(t, Canonicalizer{Algorithm: Inclusive11}, tree, find(t, tree, "x"))
		if _, v, _ := strings.Cut(got, `xml:base="`); strings.TrimSuffix(v, `"></x>`) != c.want {
			t.Errorf("%v: got %s", c, got)
		}
	}
}

func sharedXML(tb testing.TB, dir string) []string {
	var names []string
	err := filepath.WalkDir(shared.Path(tb, dir), func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(p, ".xml") {
			names = append(names, p)
		}
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return names
}
