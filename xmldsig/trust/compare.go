package trust

import (
	"slices"

	"portti/internal/finding"
	"portti/internal/xmltree"
	"portti/xmldsig"
)

// Named is what a document and its frame say of those behind it.
type Named struct {
	// Authors are the registration numbers of the authors who have one
	// (ClinicalDocument/author ids under 1.2.246.537.26).
	Authors []string
	// Author is where the first of them stands.
	Author xmltree.Node
	// Organisations are OIDs of organisations that may be the one whose system
	// signed: the controller's, the organiser's, the sender's, those of the user and
	// of the authors.
	Organisations []string
}

// Compare holds the signers of valid signatures against what the document and its
// frame say (kanta-interface 7.6): a professional's registration number must be an
// author's where authors have one, and the organisation of a system's certificate
// should be named. Names are compared as wholes: an OID's arc proves nothing.
func Compare(t *xmltree.Tree, v *xmldsig.Verdict, n Named) []finding.Finding {
	var out []finding.Finding
	var signers []*xmldsig.Signature
	signed := false
	for i := range v.Signatures {
		s := &v.Signatures[i]
		if !s.Valid {
			continue
		}
		switch s.Type {
		case xmldsig.TypeProfessional, xmldsig.TypeMulti:
			signers = append(signers, s)
			signed = signed || slices.Contains(n.Authors, SubjectOf(s.Signer).Registration)
		case xmldsig.TypeSystem:
			if org := SubjectOf(s.Signer).Organisation; !slices.Contains(n.Organisations, org) {
				out = append(out, finding.Finding{Rule: RuleOrganisation, Place: t.Place(s.Node, finding.SourceDocument),
					Value: org, Params: []finding.Param{finding.P("organisation", org)}})
			}
		}
	}
	if len(n.Authors) > 0 && len(signers) > 0 && !signed {
		out = append(out, finding.Finding{Rule: RuleAuthor, Place: t.Place(n.Author, finding.SourceDocument), Value: n.Authors[0]})
	}
	return out
}

// Organisations gives the organisations whose systems made valid signatures, each
// once, in the order of the signatures.
func Organisations(v *xmldsig.Verdict) []string {
	var out []string
	for i := range v.Signatures {
		s := &v.Signatures[i]
		if s.Valid && s.Type == xmldsig.TypeSystem {
			if org := SubjectOf(s.Signer).Organisation; !slices.Contains(out, org) {
				out = append(out, org)
			}
		}
	}
	return out
}
