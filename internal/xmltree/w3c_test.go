//go:build xmlconf

package xmltree_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"portti/internal/xmltree"
)

// TestW3CConformance runs the cases of W3C's XML conformance test suite that have no
// document type declaration, where PORTTI_XMLCONF names its folder (the one with
// xmlconf.xml). The suite is not ours to keep in the tree, so the test stands behind
// the build tag xmlconf: go test -tags xmlconf ./internal/xmltree.
func TestW3CConformance(t *testing.T) {
	dir := os.Getenv("PORTTI_XMLCONF")
	if dir == "" {
		t.Fatal("needs W3C's XML conformance test suite: set PORTTI_XMLCONF to its folder xmlconf")
	}
	ran := map[string]int{}
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".xml") {
			return err
		}
		doc := readFile(t, path)
		if !bytes.Contains(doc, []byte("<TEST")) {
			return nil
		}
		list, err := xmltree.Parse(doc, xmltree.Limits{})
		if err != nil { // some lists have no root element of their own
			if _, rest, ok := bytes.Cut(doc, []byte("?>")); ok && bytes.HasPrefix(doc, []byte("<?xml ")) {
				doc = rest
			}
			list, err = xmltree.Parse(slices.Concat([]byte("<list>"), doc, []byte("</list>")), xmltree.Limits{})
		}
		if err == nil {
			runCases(t, list, filepath.Dir(path), ran)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("cases without a document type declaration: %v", ran)
	// Without a document type declaration none is valid in the sense of the standard.
	if ran["not-wf"] < 200 || ran["invalid"] < 50 {
		t.Errorf("too few cases found: %v", ran)
	}
}

// runCases runs the cases of one list of the suite.
func runCases(t *testing.T, list *xmltree.Tree, dir string, ran map[string]int) {
	for n := list.Root(); int(n) < list.Len(); n++ {
		uri := list.Attr(n, "URI")
		doc, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(uri)))
		if !list.Is(n, "", "TEST") || err != nil || !forUs(list, n, doc) {
			continue
		}
		kind := list.Attr(n, "TYPE")
		_, err = xmltree.Parse(doc, xmltree.Limits{})
		ran[kind]++
		if (kind == "not-wf") != (err != nil) {
			t.Errorf("%s (%s, %s): %v\n%s%.300q", list.Attr(n, "ID"), kind, uri, err, list.Text(n), doc)
		}
	}
}

// forUs tells whether a case concerns a processor of XML 1.0, fifth edition, with
// namespaces that takes no document type declaration and reads our encodings.
func forUs(list *xmltree.Tree, n xmltree.Node, doc []byte) bool {
	recommendation, edition := list.Attr(n, "RECOMMENDATION"), strings.Fields(list.Attr(n, "EDITION"))
	switch {
	case list.Attr(n, "TYPE") == "error", list.Attr(n, "NAMESPACE") == "no":
		return false
	case strings.HasSuffix(recommendation, "1.1"):
		return false
	case len(edition) > 0 && !slices.Contains(edition, "5"):
		return false
	}
	return !bytes.Contains(bytes.ReplaceAll(doc, []byte{0}, nil), []byte("<!DOCTYPE"))
}
