package xmltree_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"portti/internal/judge"
	"portti/internal/xmltree"
)

func TestXPath(t *testing.T) {
	x := mustParse(t, "<!--0--><r xmlns='u' xmlns:p='v'>t<a/><p:a/><a/><p:a/><p:b q='' p:q='' xml:lang=''/>"+
		"<a xmlns=''><a xmlns='u'/></a>u<![CDATA[v]]>w<!--1-->x<?i?><![CDATA[]]><?i?><!--2-->y</r>")
	var got []string
	for n := xmltree.Doc; int(n) < x.Len(); n++ {
		got = append(got, x.XPath(n))
		for a, end := x.Attrs(n); a < end; a++ {
			got = append(got, x.AttrXPath(n, a))
		}
	}
	const other = "/r[1]/*[local-name()='%s'][%d]"
	want := []string{
		"/", "/comment()[1]", "/r[1]", "/r[1]/text()[1]", "/r[1]/a[1]", fmt.Sprintf(other, "a", 2), "/r[1]/a[2]",
		fmt.Sprintf(other, "a", 4), fmt.Sprintf(other, "b", 1), fmt.Sprintf(other, "b", 1) + "/@q",
		fmt.Sprintf(other, "b", 1) + "/@*[local-name()='q']", fmt.Sprintf(other, "b", 1) + "/@xml:lang",
		fmt.Sprintf(other, "a", 5), fmt.Sprintf(other, "a", 5) + "/a[1]",
		"/r[1]/text()[2]", "/r[1]/text()[2]", "/r[1]/text()[2]", "/r[1]/comment()[1]", "/r[1]/text()[3]",
		"/r[1]/processing-instruction()[1]", "/r[1]/text()[3]", "/r[1]/processing-instruction()[2]", "/r[1]/comment()[2]", "/r[1]/text()[4]",
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("path %d of\n%s\nwant\n%s", i, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// TestPathsDoNotDependOnPrefixes: findings about one document are the same however it
// is written.
func TestPathsDoNotDependOnPrefixes(t *testing.T) {
	paths := func(doc string) (all []string) {
		x := mustParse(t, doc)
		for n := xmltree.Doc; int(n) < x.Len(); n++ {
			all = append(all, x.XPath(n))
		}
		return all
	}
	one := paths("<a xmlns='urn:a' xmlns:f='urn:f'><b/><f:c><b/></f:c><b/></a>")
	two := paths("<x:a xmlns:x='urn:a'><x:b/><c xmlns='urn:f'><x:b/></c><b xmlns='urn:a'/></x:a>")
	if fmt.Sprint(one) != fmt.Sprint(two) {
		t.Errorf("%v\n%v", one, two)
	}
}

// TestXmllintFindsNodesByTheirPaths has xmllint evaluate the paths of a document whose
// root has no namespace, where they are XPath 1.0 as they are. It must read CDATA
// sections as text, which XPath demands and libxml2 does only when told.
func TestXmllintFindsNodesByTheirPaths(t *testing.T) {
	xmllint := judge.Need(t, "xmllint")
	doc := "<r><a n='1'/>x<p:a xmlns:p='v' n='2'><![CDATA[y]]>z<!--c--></p:a><a n='3'><p:b xmlns:p='v' n='4'/>" +
		"<b n='5'/><?pi d?><p:b xmlns:p='v' n='6'>q<![CDATA[]]>&amp;</p:b><b n='7' xml:lang='fi'/></a>s<!--t-->u</r>"
	x := mustParse(t, doc)
	var parts, want []string
	for n := x.Root(); int(n) < x.Len(); n++ {
		switch x.Kind(n) {
		case xmltree.Comment, xmltree.ProcInst:
			parts, want = append(parts, x.XPath(n)), append(want, string(x.Value(n)))
		case xmltree.Text, xmltree.CData:
			parts, want = append(parts, "contains("+x.XPath(n)+",'"+string(x.Value(n))+"')"), append(want, "true")
		}
		for a, end := x.Attrs(n); a < end; a++ {
			parts, want = append(parts, x.AttrXPath(n, a)), append(want, x.AttrValue(a))
		}
	}
	file := filepath.Join(t.TempDir(), "doc.xml")
	if err := os.WriteFile(file, []byte(doc), 0o600); err != nil {
		t.Fatal(err)
	}
	expr := "concat(" + strings.Join(parts, ",'|',") + ")"
	out, err := exec.Command(xmllint, "--nonet", "--nocdata", "--xpath", expr, file).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got := strings.TrimSpace(string(out)); got != strings.Join(want, "|") {
		t.Errorf("got  %s\nwant %s", got, strings.Join(want, "|"))
	}
}

// The first paths of a tree are counted by themselves, later ones from a count of all
// siblings: both ways give the same.
func TestFirstPathsAreAsLaterOnes(t *testing.T) {
	const doc = "<!--0--><?i?><r xmlns='u' xmlns:p='v'>t<a/><p:a/><a/><!--1--><p:a/><q:a xmlns:q='u'/><p:b/><?i?>" +
		"<a xmlns=''><a xmlns='u'/><a/></a>u<![CDATA[v]]>w<!--2-->x<?j?><p:a><p:a/><a/><b/><a/></p:a></r><!--3-->"
	for _, base := range []xmltree.Node{xmltree.Doc, 4, 12} {
		all := mustParse(t, doc)
		if base > xmltree.Doc {
			all.SetBase(base)
		}
		for range 100 {
			all.XPath(all.Root())
		}
		for n := xmltree.Doc; int(n) < all.Len(); n++ {
			one := mustParse(t, doc)
			if base > xmltree.Doc {
				one.SetBase(base)
			}
			if got, want := one.XPath(n), all.XPath(n); got != want {
				t.Errorf("node %d: %s, later %s", n, got, want)
			}
		}
	}
}
