package xmldsig

import (
	"crypto"
	"crypto/x509"
	"slices"
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
	// Valid tells that there is a signature, that all are valid, and that nothing
	// but remarks was found.
	Valid bool
}

// Signature is one signature element with its outcome: urn:hl7finland signature
// under the policy kanta, ds:Signature under generic.
type Signature struct {
	// Type is 1 to 4 (TypeProfessional …), 0 where it could not be read and under
	// the policy generic.
	Type int
	// ID is the signature element's ID attribute (Id under generic).
	ID string
	// Node is the signature element.
	Node xmltree.Node
	// Signer is the certificate whose key made the signature value; nil where it
	// could not be read. It is trusted only if Valid.
	Signer *x509.Certificate
	// Key is the public key that the signature value was held against.
	Key crypto.PublicKey
	// Method is the signature method's identifier (AlgRSASHA256 …).
	Method string
	// Chain leads from Signer to the anchor, where a chain was built.
	Chain []*x509.Certificate
	// Time is the signing time claimed by signatureTimestamp; zero where it could
	// not be read. It is what the signer says, covered by the signature.
	Time time.Time
	// References are those of SignedInfo, in order, then those of its manifests.
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
	// Target is the element it resolved to (xmltree.Doc: the whole document); None
	// where it did not.
	Target xmltree.Node
	// Manifest is the ds:Manifest that holds the reference, None for those of
	// SignedInfo.
	Manifest xmltree.Node
	// Matches tells that Target's digest is the DigestValue.
	Matches bool

	part part // what was digested
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
	parts    []part
}

// part is a covered element with what of it is not covered.
type part struct {
	node     xmltree.Node
	except   xmltree.Node // a signature within it that was left out, or None
	comments bool         // comments are covered
	textOnly bool         // only the element's text is covered, by what it decodes to
}

// contains tells whether the part covers n. Comments that were not digested are
// not covered: who puts one in leaves the signature valid.
func (p part) contains(t *xmltree.Tree, n xmltree.Node) bool {
	if n < p.node || n >= t.End(p.node) || p.except != xmltree.None && n >= p.except && n < t.End(p.except) {
		return false
	}
	switch t.Kind(n) {
	case xmltree.Comment:
		return p.comments
	case xmltree.Text, xmltree.CData:
		return true
	}
	return !p.textOnly
}

// Body gives the body element (nonXMLBody or structuredBody) that every signature
// of the document covers; false unless there is a signature and all are valid.
func (c Covered) Body() (xmltree.Node, bool) {
	if !c.hasBody {
		return xmltree.None, false
	}
	return c.body, true
}

// Elements gives the covered elements in document order (xmltree.Doc: the whole
// document); each stands for its whole subtree, but for what Contains denies. The
// caller must not change the slice.
func (c Covered) Elements() []xmltree.Node { return c.elements }

// Contains tells whether n was digested: it lies within a covered element, is not
// within a signature that was left out of it, and is no comment that
// canonicalization dropped.
func (c Covered) Contains(n xmltree.Node) bool {
	return n >= 0 && slices.ContainsFunc(c.parts, func(p part) bool { return p.contains(c.t, n) })
}

// add adds a part.
func (c *Covered) add(p part) {
	c.parts = append(c.parts, p)
	if !slices.Contains(c.elements, p.node) {
		c.elements = append(c.elements, p.node)
	}
}
