package trust

import (
	"time"

	"portti/internal/finding"
	"portti/xmldsig"
)

// status is what an issuer says of a certificate.
type status uint8

const (
	good status = iota
	revoked
	unknown // the issuer's responder does not know it
)

// Reason is why a certificate was revoked (RFC 5280, 5.3.1).
type Reason int

// The reasons.
const (
	Unspecified          Reason = 0
	KeyCompromise        Reason = 1
	CACompromise         Reason = 2
	AffiliationChanged   Reason = 3
	Superseded           Reason = 4
	CessationOfOperation Reason = 5
	CertificateHold      Reason = 6
	RemoveFromCRL        Reason = 8
	PrivilegeWithdrawn   Reason = 9
	AACompromise         Reason = 10
)

var reasonNames = map[Reason]string{
	Unspecified: "unspecified", KeyCompromise: "keyCompromise", CACompromise: "cACompromise",
	AffiliationChanged: "affiliationChanged", Superseded: "superseded", CessationOfOperation: "cessationOfOperation",
	CertificateHold: "certificateHold", RemoveFromCRL: "removeFromCRL", PrivilegeWithdrawn: "privilegeWithdrawn",
	AACompromise: "aACompromise",
}

// String gives the name of RFC 5280.
func (r Reason) String() string {
	if s, ok := reasonNames[r]; ok {
		return s
	}
	return "unspecified"
}

// compromise tells that others than the holder may have had the key: then the
// signing time, which is the signer's claim, proves nothing.
func (r Reason) compromise() bool {
	return r == KeyCompromise || r == CACompromise || r == AACompromise
}

// evidence is what an issuer says of a certificate, and for how long that may be
// used. It holds facts only: what they mean for a signature depends on its times.
type evidence struct {
	status status
	reason Reason
	// at is the time of revocation, or the time since when the certificate was
	// invalid where the issuer tells an earlier one (RFC 5280, 5.3.2).
	at time.Time
	// until is how long the evidence may be used, renew when to ask for newer.
	until, renew time.Time
}

// faults is the verdict over a signer's certificate: what the issuer says, held
// against the signing time (the signer's claim) and the time of arrival.
//
//	             revoked up to signing   up to arrival   later
//	compromise   COMPROMISED             COMPROMISED     –
//	hold         ON-HOLD                 remark          –
//	others       REVOKED                 remark          –
//
// A key that others may have had signs with whatever time they like, so its
// signing time counts for nothing; otherwise what was signed before stays signed.
func (e evidence) faults(q *xmldsig.TrustQuery) []xmldsig.TrustFault {
	switch e.status {
	case good:
		return nil
	case unknown:
		return []xmldsig.TrustFault{{Rule: RuleOCSPUnknown}}
	}
	f := xmldsig.TrustFault{Params: []finding.Param{
		finding.P("revoked", e.at.UTC().Format(time.RFC3339)),
		finding.P("reason", e.reason.String()),
		finding.P("time", q.Time.UTC().Format(time.RFC3339)),
	}}
	before := !e.at.After(q.Time)
	switch {
	case e.at.After(q.Time) && e.at.After(q.Arrival):
		return nil // what came later says nothing of what was taken before
	case e.reason.compromise():
		f.Rule = RuleCompromised
	case !before:
		f.Rule, f.Remark = RuleRevokedSince, true
	case e.reason == CertificateHold:
		f.Rule = RuleOnHold
	default:
		f.Rule = RuleRevoked
	}
	return []xmldsig.TrustFault{f}
}

// chainFaults is faults for a CA certificate of the chain: one rule, the same
// table, and no remark.
func (e evidence) chainFaults(q *xmldsig.TrustQuery) []xmldsig.TrustFault {
	fs := e.faults(q)
	if len(fs) == 0 || fs[0].Remark {
		return nil
	}
	if e.status == revoked {
		fs[0].Rule = RuleChainRevoked
	}
	return fs
}
