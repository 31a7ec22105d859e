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
	RuleCritical       = "TRUST-CERT-CRITICAL"
	RuleNumberMissing  = "TRUST-SUBJECT-NUMBER-MISSING"
	RuleNumberForm     = "TRUST-SUBJECT-NUMBER-FORM"
	RuleNotThisArchive = "TRUST-ARCHIVE-UNKNOWN"

	// The chain above it.
	RuleNoAnchors      = "TRUST-ANCHOR-NONE"
	RuleUnknownIssuer  = "TRUST-ISSUER-UNKNOWN"
	RuleForged         = "TRUST-ISSUER-FORGED"
	RuleIssuerNotCA    = "TRUST-ISSUER-NOT-CA"
	RuleChainExpired   = "TRUST-CHAIN-EXPIRED"
	RuleChainLength    = "TRUST-CHAIN-LENGTH"
	RuleChainName      = "TRUST-CHAIN-NAME"
	RuleChainAlgorithm = "TRUST-CHAIN-ALGORITHM"
	RuleChainKey       = "TRUST-CHAIN-KEY"
	RuleChainCritical  = "TRUST-CHAIN-CRITICAL"
	RuleChainOther     = "TRUST-CHAIN-UNVERIFIABLE"
)

// Rules lists every rule that this package can name.
var Rules = []string{
	RuleExpired, RuleNotYetValid, RuleIsCA, RuleUsage, RulePurpose, RulePolicy, RuleCritical,
	RuleNumberMissing, RuleNumberForm, RuleNotThisArchive,
	RuleNoAnchors, RuleUnknownIssuer, RuleForged, RuleIssuerNotCA, RuleChainExpired, RuleChainLength,
	RuleChainName, RuleChainAlgorithm, RuleChainKey, RuleChainCritical, RuleChainOther,
}
