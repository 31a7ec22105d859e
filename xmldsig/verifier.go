package xmldsig

import (
	"crypto"
	"crypto/x509"
	"time"

	"portti/internal/finding"
	"portti/internal/xmltree"
)

// Defaults of a Verifier's times (design: the signing time is the signer's claim).
const (
	DefaultMaxFuture = 5 * time.Minute
	DefaultMaxAge    = 7 * 24 * time.Hour
)

// Verifier judges the signatures of documents. Its fields are set before first
// use and not changed; it is then safe for concurrent use. Do not copy it.
type Verifier struct {
	// Trust judges certificates. Without one no signature is valid.
	Trust Trust
	// Now gives the time of arrival for Document; required there.
	Now func() time.Time
	// Legacy takes SHA-1 digests and signatures (interface 7.5). Off by default.
	Legacy bool
	// Limits bound the work; zero fields mean defaults.
	Limits Limits
	// MaxFuture is how much later than arrival a signing time may be; 0 means
	// DefaultMaxFuture. MaxAge is how much earlier it may be without a remark; 0
	// means DefaultMaxAge, a negative value switches the remark off.
	MaxFuture, MaxAge time.Duration
	// Keys are public keys that the policy generic trusts by themselves, and tries
	// where a signature holds no key. Certificates are known ones that X509Data may
	// name without holding them; they are not trusted for that.
	Keys         []crypto.PublicKey
	Certificates []*x509.Certificate
	// Source is the part that places count in; "" means finding.SourceDocument.
	Source finding.Source

	parsed certCache
}

// Document judges a CDA document that arrives now. See DocumentAt.
func (v *Verifier) Document(t *xmltree.Tree) *Verdict { return v.DocumentAt(t, v.Now()) }

// DocumentAt judges all signatures of the CDA document t that arrived at that
// time, under the policy kanta (interface 7.3–7.6; requirement SIG-4). It never
// fails: whatever is wrong with the document is a finding.
func (v *Verifier) DocumentAt(t *xmltree.Tree, arrival time.Time) *Verdict {
	k := &kanta{judgement: v.judgement(t, arrival, policyKanta)}
	k.run()
	return k.done()
}

func (v *Verifier) source() finding.Source {
	if v.Source == "" {
		return finding.SourceDocument
	}
	return v.Source
}

func (v *Verifier) maxFuture() time.Duration {
	if v.MaxFuture == 0 {
		return DefaultMaxFuture
	}
	return v.MaxFuture
}

func (v *Verifier) maxAge() time.Duration {
	if v.MaxAge == 0 {
		return DefaultMaxAge
	}
	return v.MaxAge
}
