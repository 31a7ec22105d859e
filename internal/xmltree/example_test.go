package xmltree_test

import (
	"errors"
	"fmt"

	"portti/internal/xmltree"
)

func Example() {
	doc := []byte(`<ClinicalDocument xmlns="urn:hl7-org:v3">
  <id root="1.2.246.10.99999901.11.2026.1"/>
  <title>Asiakassuunnitelma</title>
</ClinicalDocument>`)
	t, err := xmltree.Parse(doc, xmltree.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	id := t.Child(t.Root(), "urn:hl7-org:v3", "id")
	root, _ := t.LookupAttr(id, "", "root")
	fmt.Println(t.AttrValue(root), t.AttrPos(root), t.AttrXPath(id, root))
	// Output: 1.2.246.10.99999901.11.2026.1 {2 13 54} /ClinicalDocument[1]/id[1]/@root
}

func ExampleSyntaxError() {
	_, err := xmltree.Parse([]byte("<a>\n  <b></a>"), xmltree.Limits{})
	var fault *xmltree.SyntaxError
	if errors.As(err, &fault) {
		fmt.Println(fault.Code, fault.Line, fault.Column, fault.Limit())
	}
	fmt.Println(err)
	// Output:
	// end-tag 2 6 false
	// line 2, column 6: end-tag: the end tag "a" stands where "b" is open
}
