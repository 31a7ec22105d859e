package xmldsig

import (
	"crypto/x509"
	"time"

	"portti/internal/finding"
)

// The types of a signature (signatureDescription/@code, code system
// 1.2.246.537.5.40127.2006; interface 7.1).
const (
	TypeProfessional = 1 // ammattihenkilön allekirjoitus
	TypeMulti        = 2 // ammattihenkilön moniallekirjoitus: one signature for several documents
	TypeSystem       = 3 // järjestelmäallekirjoitus
	TypeArchive      = 4 // the archive's own
)

// Trust decides whether a certificate may make a signature. Implementations are
// safe for concurrent use; package xmldsig/trust has them.
type Trust interface {
	// Judge answers with every fault it finds. It must refuse, by a fault, a
	// certificate that it does not know to be issued by (or pinned as) someone
	// trusted, one not valid at q.Time, and one whose key may not sign documents
	// of q.Type. An answer without faults other than remarks means: trusted. It
	// must not keep or change what q points to.
	Judge(q TrustQuery) TrustAnswer
}

// TrustQuery is what a Trust is asked.
type TrustQuery struct {
	Certificate *x509.Certificate
	// Intermediates are further certificates of the signature's X509Data; they
	// are the sender's claim and may help to build a chain, no more.
	Intermediates []*x509.Certificate
	// Type is the signature's type, 1 to 4, or 0: where it could not be read, and
	// the signature is refused already, or under the policy generic, which knows no
	// types and has looked at the key usage itself. The purpose need not be judged.
	Type int
	// Time is the signing time that the signature claims, or Arrival where the
	// claim could not be read.
	Time time.Time
	// Arrival is when the document came in.
	Arrival time.Time
}

// TrustAnswer is a Trust's judgement.
type TrustAnswer struct {
	// Chain leads from the certificate to the anchor, both included; nil where no
	// chain was built or needed (a pinned certificate).
	Chain  []*x509.Certificate
	Faults []TrustFault
}

// TrustFault is one reason to refuse, or a remark. It becomes a finding at the
// certificate's place.
type TrustFault struct {
	Rule string
	// Remark leaves the signature valid.
	Remark bool
	// Value is the offending value (see finding.Finding.Value).
	Value  string
	Params []finding.Param
}
