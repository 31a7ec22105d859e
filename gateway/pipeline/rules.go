package pipeline

// The rules that this package names itself; each stands in the catalogue.
const (
	RuleInteractionUnknown = "SOAP-INTERACTION-UNKNOWN"
	RuleDocumentSize       = "DOC-SIZE-EXCEEDED"
	RulePersonReal         = "DOC-PERSON-REAL"
	RuleFailure            = "SYSTEM-FAILURE"
	RuleMore               = "SYSTEM-FINDINGS-MORE"
	RuleSender             = "ACCESS-SENDER-CERTIFICATE"
	RuleHealthRefused      = "ACCESS-HEALTH-REFUSED"
	RuleHealthAccepted     = "ACCESS-HEALTH-ACCEPTED"
	RuleOperation          = "ACCESS-OPERATION-UNSUPPORTED"

	docPrefix = "DOC-" // before the parser's rules, for the document
)

// Rules lists every rule that this package can name.
var Rules = []string{
	RuleInteractionUnknown, RuleDocumentSize, RulePersonReal, RuleFailure, RuleMore,
	RuleSender, RuleHealthRefused, RuleHealthAccepted, RuleOperation,
	docPrefix + "XML-SYNTAX", docPrefix + "XML-DTD-FORBIDDEN", docPrefix + "XML-ENCODING-INVALID", docPrefix + "XML-LIMIT-EXCEEDED",
}
