package mutants

import (
	"portti/cda/frame"
	"portti/cda/rules/catalogue"
	"portti/internal/xmltree"
)

// documentOf gives the document's bytes in a message, nil where there is none.
func documentOf(message []byte) []byte {
	t, err := xmltree.Parse(message, xmltree.Limits{Bytes: len(message)})
	if err != nil {
		return nil
	}
	b := t.Child(t.Root(), t.Space(t.Root()), "Body")
	if b <= 0 || t.FirstElement(b) <= 0 {
		return nil
	}
	f, _ := frame.Read(t, t.FirstElement(b), catalogue.Strict)
	if f.Fatal {
		return nil
	}
	p, _ := f.Package()
	if p == nil || len(p.DocumentBytes()) == 0 {
		return nil
	}
	return p.DocumentBytes()
}
