package pipeline

// The rules that this package names itself; each stands in the catalogue.
const (
	RuleDocumentSize = "DOC-SIZE-EXCEEDED"
	RuleFailure      = "SYSTEM-FAILURE"
	RuleMore         = "SYSTEM-FINDINGS-MORE"
	RuleSender       = "ACCESS-SENDER-CERTIFICATE"
	RuleOperation    = "ACCESS-OPERATION-UNSUPPORTED"

	RuleSystemUnknown = "ACCESS-SYSTEM-UNKNOWN"
	RuleController    = "ACCESS-SYSTEM-CONTROLLER"
	RuleSigner        = "ACCESS-SIGNER-CONTROLLER"
	RuleProcessing    = "ACCESS-WORLD-PROCESSINGCODE"

	RuleSystemTime        = "ACCESS-SYSTEM-TIME"
	RuleSystemClass       = "ACCESS-SYSTEM-CLASS"
	RuleSystemUntested    = "ACCESS-SYSTEM-UNTESTED"
	RuleProfileFetch      = "ACCESS-PROFILE-FETCH"
	RuleProfileStore      = "ACCESS-PROFILE-STORE"
	RuleProfileOld        = "ACCESS-PROFILE-OLD"
	RulePhase             = "ACCESS-PHASE"
	RuleJoiningPoint      = "ACCESS-JOINING-POINT"
	RuleRegistryRight     = "ACCESS-REGISTRY-RIGHT"
	RuleContinuation      = "QUERY-CONTINUATION-UNKNOWN"
	RuleContinuationStart = "QUERY-CONTINUATION-START"
	RuleStatusArchived    = "QUERY-STATUS-ARCHIVED"
	RuleStatusRefused     = "QUERY-STATUS-REFUSED"
	RuleStatusOther       = "QUERY-STATUS-OTHER"
	RuleWillInformed      = "QUERY-WILL-INFORMED"
	RuleWillPermitted     = "QUERY-WILL-PERMITTED"
	RuleWillDenied        = "QUERY-WILL-DENIED"
	RuleWillProhibited    = "QUERY-WILL-PROHIBITED"

	RuleListArchived = "ACCESS-LIST-ARCHIVED"

	RuleNullifySet      = "NULLIFY-SETID-DIFFERS"
	RuleNullifyRegister = "NULLIFY-REGISTER-DIFFERS"
	RuleNullifyVersion  = "NULLIFY-VERSION-DIFFERS"
	RuleNullifyClient   = "NULLIFY-CLIENT-DIFFERS"

	RuleOrderFuture = "ORDER-TIME-FUTURE"
	RuleOrderRight  = "ORDER-RIGHT-UNKNOWN"

	docPrefix = "DOC-" // before the parser's rules, for the document
)

// Rules lists every rule that this package can name.
var Rules = []string{
	RuleDocumentSize, RuleFailure, RuleMore,
	RuleSender, RuleOperation, RuleSystemUnknown, RuleController, RuleSigner, RuleProcessing,
	RuleSystemTime, RuleSystemClass, RuleSystemUntested, RuleProfileFetch, RuleProfileStore, RuleProfileOld, RulePhase,
	RuleJoiningPoint, RuleRegistryRight, RuleListArchived,
	RuleContinuation, RuleContinuationStart, RuleStatusArchived, RuleStatusRefused, RuleStatusOther,
	RuleWillInformed, RuleWillPermitted, RuleWillDenied, RuleWillProhibited,
	RuleNullifySet, RuleNullifyRegister, RuleNullifyVersion, RuleNullifyClient, RuleOrderFuture, RuleOrderRight,
	docPrefix + "XML-SYNTAX", docPrefix + "XML-DTD-FORBIDDEN", docPrefix + "XML-ENCODING-INVALID", docPrefix + "XML-LIMIT-EXCEEDED",
}
