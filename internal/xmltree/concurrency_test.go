package xmltree_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"portti/internal/xmltree"
)

// TestManyReadersOfOneTree lets readers meet at the indexes built on first use; run
// with -race it proves that they may.
func TestManyReadersOfOneTree(t *testing.T) {
	tree := mustParse(t, string(clinical(60_000, 0.2)))
	want := mustParse(t, string(tree.Source()))
	canon := canonical(want)
	var done sync.WaitGroup
	for k := range 16 {
		done.Go(func() {
			step := xmltree.Node(k%5 + 1)
			for n := xmltree.Doc; int(n) < tree.Len(); n += step {
				if tree.Pos(n) != want.Pos(n) || tree.XPath(n) != want.XPath(n) || tree.Text(n) != want.Text(n) {
					t.Errorf("node %d is read differently", n)
					return
				}
				for a, end := tree.Attrs(n); a < end; a++ {
					if tree.AttrPos(a) != want.AttrPos(a) || tree.AttrValue(a) != want.AttrValue(a) {
						t.Errorf("attribute %d is read differently", a)
						return
					}
				}
			}
			if len(tree.IDs("ID").Lookup("s1")) != 1 || !bytes.Equal(canonical(tree), canon) {
				t.Error("the document is read differently")
			}
		})
	}
	done.Wait()
}

// TestParsesAtTheSameTime shares nothing but the seed of the hashes.
func TestParsesAtTheSameTime(t *testing.T) {
	var done sync.WaitGroup
	for k := range 8 {
		done.Go(func() {
			doc := "<a>" + strings.Repeat("<b c='d'>e</b>", 100*k) + "</a>"
			if tree, err := xmltree.Parse([]byte(doc), xmltree.Limits{}); err != nil || tree.Len() != 2+200*k {
				t.Errorf("document %d: %v", k, err)
			}
		})
	}
	done.Wait()
}
