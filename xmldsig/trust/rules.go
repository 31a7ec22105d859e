package trust

// Rules that this package's faults name; their texts stand in the catalogue
// (cda/rules/catalogue/data/trust.yaml).
const (
	// The signer's certificate.
	RuleExpired        = "TRUST-CERT-EXPIRED"
	RuleNotYetValid    = "TRUST-CERT-NOT-YET-VALID"
	RuleIsCA           = "TRUST-CERT-IS-CA"
	RuleUsage          = "TRUST-CERT-USAGE"
	RulePurpose        = "TRUST-CERT-PURPOSE"
	RulePolicy         = "TRUST-CERT-POLICY"
	RulePolicyTest     = "TRUST-CERT-POLICY-TEST"
	RuleCritical       = "TRUST-CERT-CRITICAL"
	RuleNumberMissing  = "TRUST-SUBJECT-NUMBER-MISSING"
	RuleNumberForm     = "TRUST-SUBJECT-NUMBER-FORM"
	RuleNumberRepeated = "TRUST-SUBJECT-NUMBER-REPEATED"
	RuleNotThisArchive = "TRUST-ARCHIVE-UNKNOWN"

	// The chain above it.
	RuleNoAnchors      = "TRUST-ANCHOR-NONE"
	RuleUnknownIssuer  = "TRUST-ISSUER-UNKNOWN"
	RuleForged         = "TRUST-ISSUER-FORGED"
	RuleIssuerNotCA    = "TRUST-ISSUER-NOT-CA"
	RuleIssuerPurpose  = "TRUST-ISSUER-PURPOSE"
	RuleChainExpired   = "TRUST-CHAIN-EXPIRED"
	RuleChainLength    = "TRUST-CHAIN-LENGTH"
	RuleChainName      = "TRUST-CHAIN-NAME"
	RuleChainAlgorithm = "TRUST-CHAIN-ALGORITHM"
	RuleChainKey       = "TRUST-CHAIN-KEY"
	RuleChainCritical  = "TRUST-CHAIN-CRITICAL"
	RuleChainOther     = "TRUST-CHAIN-UNVERIFIABLE"

	// What the issuer says since.
	RuleRevoked      = "TRUST-CERT-REVOKED"
	RuleCompromised  = "TRUST-CERT-COMPROMISED"
	RuleOnHold       = "TRUST-CERT-ON-HOLD"
	RuleRevokedSince = "TRUST-CERT-REVOKED-SINCE" // remark
	RuleChainRevoked = "TRUST-CHAIN-REVOKED"
	RuleOCSPUnknown  = "TRUST-OCSP-CERTIFICATE-UNKNOWN"

	// Why it could not be learned what the issuer says.
	RuleUnchecked        = "TRUST-REVOCATION-UNCHECKED" // remark
	RuleNoSource         = "TRUST-REVOCATION-SOURCE-NONE"
	RuleAddress          = "TRUST-REVOCATION-ADDRESS"
	RuleTooOld           = "TRUST-REVOCATION-CERT-EXPIRED"
	RuleOCSPUnreachable  = "TRUST-OCSP-UNREACHABLE"
	RuleOCSPRefused      = "TRUST-OCSP-REFUSED"
	RuleOCSPFormat       = "TRUST-OCSP-FORMAT"
	RuleOCSPSignature    = "TRUST-OCSP-SIGNATURE"
	RuleOCSPForeign      = "TRUST-OCSP-RESPONDER-FOREIGN"
	RuleOCSPPurpose      = "TRUST-OCSP-RESPONDER-PURPOSE"
	RuleOCSPExpired      = "TRUST-OCSP-RESPONDER-EXPIRED"
	RuleOCSPRevoked      = "TRUST-OCSP-RESPONDER-REVOKED"
	RuleOCSPNonce        = "TRUST-OCSP-NONCE-MISMATCH"
	RuleOCSPNonceMissing = "TRUST-OCSP-NONCE-MISSING"
	RuleOCSPStale        = "TRUST-OCSP-STALE"
	RuleOCSPFuture       = "TRUST-OCSP-FUTURE"
	RuleOCSPOther        = "TRUST-OCSP-CERTIFICATE-OTHER"
	RuleOCSPCritical     = "TRUST-OCSP-CRITICAL"
	RuleListUnreachable  = "TRUST-CRL-UNREACHABLE"
	RuleListFormat       = "TRUST-CRL-FORMAT"
	RuleListForeign      = "TRUST-CRL-ISSUER-FOREIGN"
	RuleListSignature    = "TRUST-CRL-SIGNATURE"
	RuleListStale        = "TRUST-CRL-STALE"
	RuleListFuture       = "TRUST-CRL-FUTURE"
	RuleListCritical     = "TRUST-CRL-CRITICAL"
	RuleListDelta        = "TRUST-CRL-DELTA"
	RuleListIndirect     = "TRUST-CRL-INDIRECT"
	RuleListReasons      = "TRUST-CRL-REASONS"
	RuleListScope        = "TRUST-CRL-SCOPE"

	// The signer against what the document says (see Compare).
	RuleAuthor       = "TRUST-AUTHOR-MISMATCH"
	RuleOrganisation = "TRUST-ORGANISATION-UNNAMED"
)

// Rules lists every rule that this package can name.
var Rules = []string{
	RuleExpired, RuleNotYetValid, RuleIsCA, RuleUsage, RulePurpose, RulePolicy, RulePolicyTest, RuleCritical,
	RuleNumberMissing, RuleNumberForm, RuleNumberRepeated, RuleNotThisArchive,
	RuleNoAnchors, RuleUnknownIssuer, RuleForged, RuleIssuerNotCA, RuleIssuerPurpose, RuleChainExpired, RuleChainLength,
	RuleChainName, RuleChainAlgorithm, RuleChainKey, RuleChainCritical, RuleChainOther,
	RuleRevoked, RuleCompromised, RuleOnHold, RuleRevokedSince, RuleChainRevoked, RuleOCSPUnknown,
	RuleUnchecked, RuleNoSource, RuleAddress, RuleTooOld,
	RuleOCSPUnreachable, RuleOCSPRefused, RuleOCSPFormat, RuleOCSPSignature, RuleOCSPForeign, RuleOCSPPurpose,
	RuleOCSPExpired, RuleOCSPRevoked, RuleOCSPNonce, RuleOCSPNonceMissing, RuleOCSPStale, RuleOCSPFuture,
	RuleOCSPOther, RuleOCSPCritical,
	RuleListUnreachable, RuleListFormat, RuleListForeign, RuleListSignature, RuleListStale, RuleListFuture,
	RuleListCritical, RuleListDelta, RuleListIndirect, RuleListReasons, RuleListScope,
	RuleAuthor, RuleOrganisation,
}

// IsRemark tells whether a rule of this package leaves a certificate trusted. The
// catalogue gives these rules the severity warning, and every other one error in
// the profile strict.
func IsRemark(rule string) bool {
	return rule == RuleRevokedSince || rule == RuleUnchecked || rule == RuleOrganisation
}
