package pipeline

import (
	"portti/cda"
	"portti/cda/frame"
	"portti/internal/xmltree"
	"portti/xmldsig/trust"
)

// named collects whom document and frame name, for the comparison with those who
// signed. f is nil where there is no frame.
func named(doc *cda.Document, f *frame.Frame) trust.Named {
	var n trust.Named
	for _, a := range doc.Authors {
		for _, id := range append([]cda.ID{a.ID}, a.MoreIDs...) {
			if id.Root == cda.RootRegistrationNumber && id.Extension != "" {
				if len(n.Authors) == 0 {
					n.Author = at(id.Node, a.Node)
				}
				n.Authors = append(n.Authors, id.Extension)
			}
		}
		n.Organisations = append(n.Organisations, a.Organization.ID.Root)
	}
	n.Organisations = append(n.Organisations, doc.Custodian.ID.Root, doc.Encounter.Organiser.ID.Root, doc.Local.Organiser.Root)
	if f != nil {
		n.Organisations = append(n.Organisations, f.Sender.ID.Root, f.User.Organization.ID.Root)
	}
	return n
}

// signers holds those who signed against whom document and frame name.
func (g *judging) signers(tree *xmltree.Tree, doc *cda.Document) {
	g.list.Add(trust.Compare(tree, g.out.Signatures, named(doc, g.in.Frame))...)
}
