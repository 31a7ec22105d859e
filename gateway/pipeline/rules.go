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

	docPrefix = "DOC-" // before the parser's rules, for the document
)

// Rules lists every rule that this package can name.
var Rules = []string{
	RuleDocumentSize, RuleFailure, RuleMore,
	RuleSender, RuleOperation, RuleSystemUnknown, RuleController, RuleSigner,
	docPrefix + "XML-SYNTAX", docPrefix + "XML-DTD-FORBIDDEN", docPrefix + "XML-ENCODING-INVALID", docPrefix + "XML-LIMIT-EXCEEDED",
}
