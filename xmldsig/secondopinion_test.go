//go:build judges

package xmldsig_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"portti/fixtures"
	"portti/internal/xmltree"
	"portti/xmldsig"

	"github.com/lestrrat-go/libxml2"
	"github.com/lestrrat-go/libxml2/dom"
	"github.com/lestrrat-go/libxml2/parser"
	"github.com/lestrrat-go/libxml2/xsd"
)

// The tests in this file ask github.com/lestrrat-go/libxml2 for a second opinion on
// documents that we made ourselves. It is not memory-safe on hostile bytes, so it
// stands behind a build tag, sees trusted files only, and is run by `make judges`.

// TestSecondOpinionOnCanonicalForm compares whole documents in exclusive canonical form.
func TestSecondOpinionOnCanonicalForm(t *testing.T) {
	for _, d := range fixtures.Default().Documents {
		doc, err := libxml2.Parse(d.Bytes, parser.XMLParseNoNet)
		if err != nil {
			t.Fatalf("%s: %v", d.Name, err)
		}
		want, err := dom.C14NSerialize{Mode: dom.C14NExclusive1_0}.Serialize(doc)
		doc.Free()
		if err != nil {
			t.Fatalf("%s: %v", d.Name, err)
		}
		tree, err := xmltree.Parse(d.Bytes, xmltree.Limits{})
		if err != nil {
			t.Fatalf("%s: %v", d.Name, err)
		}
		var got bytes.Buffer
		if err := (xmldsig.Canonicalizer{Algorithm: xmldsig.Exclusive10}).Write(&got, tree, xmltree.Doc); err != nil {
			t.Fatalf("%s: %v", d.Name, err)
		}
		if got.String() != want {
			t.Errorf("%s: canonical forms differ", d.Name)
		}
	}
}

// TestSecondOpinionOnSchema holds our samples against our strict schema by another
// way into libxml2 than ours.
func TestSecondOpinionOnSchema(t *testing.T) {
	path, err := filepath.Abs("../cda/xsd/schemas/document-strict.xsd")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	s, err := xsd.ParseFromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Free()
	for _, d := range fixtures.Default().Documents {
		doc, err := libxml2.Parse(d.Bytes, parser.XMLParseNoNet)
		if err != nil {
			t.Fatalf("%s: %v", d.Name, err)
		}
		if err := s.Validate(doc); err != nil {
			t.Errorf("%s: %v", d.Name, err)
		}
		doc.Free()
	}
}
