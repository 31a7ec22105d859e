package xmltree_test

import (
	"testing"

	"portti/internal/xmltree"
)

func TestPathsBeginAtTheBase(t *testing.T) {
	tree, err := xmltree.Parse([]byte(`<e:E xmlns:e="env" xmlns:o="other"><e:H/><e:B><m xmlns="msg"/><m xmlns="msg" a="1"><x/><x/><o:x/></m></e:B></e:E>`), xmltree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	body := tree.NextElement(tree.FirstElement(tree.Root()))
	msg := tree.NextElement(tree.FirstElement(body))
	tree.SetBase(msg)
	x := tree.FirstElement(msg)
	for _, c := range []struct {
		n    xmltree.Node
		want string
	}{
		{tree.Root(), "/E[1]"},
		{body, "/E[1]/B[1]"},
		{tree.FirstElement(body), "/E[1]/B[1]/*[local-name()='m'][1]"},
		{msg, "/m[1]"},
		{tree.NextElement(x), "/m[1]/x[2]"},
		{tree.NextElement(tree.NextElement(x)), "/m[1]/*[local-name()='x'][3]"},
	} {
		if got := tree.XPath(c.n); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
	a, _ := tree.Attrs(msg)
	if got := tree.AttrXPath(msg, a); got != "/m[1]/@a" {
		t.Errorf("got %s", got)
	}
}
