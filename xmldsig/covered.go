package xmldsig

import (
	"crypto/x509"
	"time"

	"portti/internal/finding"
	"portti/internal/xmltree"
)

// Verdict is the judgement of one document.
type Verdict struct {
	// Signatures are all signatures of the collection in document order, also
	// those that failed.
	Signatures []Signature
	// Covered is what valid signatures cover; empty where any fault was found
	// that makes the document's signatures as a whole untrustworthy.
	Covered Covered
	// Findings are all faults and remarks; at most finding.Limit are kept.
	Findings []finding.Finding
	// More counts the findings beyond the limit by rule.
	More map[string]int
}

// Signature is one signature element (urn:hl7finland signature) with its outcome.
type Signature struct {
	// Type is 1 to 4 (TypeProfessional …), 0 where it could not be read.
	Type int
	// ID is the signature element's ID attribute.
	ID string
	// Node is the signature element.
	Node xmltree.Node
	// Signer is the certificate whose key made the signature value; nil where it
	// could not be read. It is trusted only if Valid.
	Signer *x509.Certificate
	// Chain leads from Signer to the anchor, where a chain was built.
	Chain []*x509.Certificate
	// Time is the signing time claimed by signatureTimestamp; zero where it could
	// not be read. It is what the signer says, covered by the signature.
	Time time.Time
	// References are those of SignedInfo, in order.
	References []Reference
	// Documents is the list of a multi-document signature (type 2).
	Documents []DocumentHash
	// Intact tells that everything checks out but trust: structure, digests and
	// signature value.
	Intact bool
	// Valid tells that the signature is Intact and its certificate trusted.
	Valid bool
}

// Reference is one ds:Reference with its outcome.
type Reference struct {
	Node xmltree.Node // the ds:Reference element
	URI  string
	// Target is the element it resolved to; None where it did not.
	Target xmltree.Node
	// Matches tells that Target's digest is the DigestValue.
	Matches bool
}

// DocumentHash is one Ref of a multi-document signature: the digest of the body
// of a document (interface 7.4).
type DocumentHash struct {
	Node xmltree.Node // the Ref element
	OID  string
	Hash []byte
	// Own tells that OID is this document's. The others' hashes are the signer's
	// claim about documents that only the archive can look up.
	Own bool
}

// Covered is the set of elements that valid signatures cover. The zero Covered
// covers nothing.
type Covered struct {
	t        *xmltree.Tree
	body     xmltree.Node
	hasBody  bool
	elements []xmltree.Node
}

// Body gives the body element (nonXMLBody or structuredBody) that every signature
// of the document covers; false unless there is a signature and all are valid.
func (c Covered) Body() (xmltree.Node, bool) {
	if !c.hasBody {
		return xmltree.None, false
	}
	return c.body, true
}

// Elements gives the covered elements in document order; each stands for its
// whole subtree. The caller must not change the slice.
func (c Covered) Elements() []xmltree.Node { return c.elements }

// Contains tells whether n lies within a covered element.
func (c Covered) Contains(n xmltree.Node) bool {
	for _, e := range c.elements {
		if e <= n && n < c.t.End(e) {
			return true
		}
	}
	return false
}
