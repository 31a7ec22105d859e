package fhir

// The rules of the door for disclosure notices; each stands in the catalogue.
const (
	RuleMedia      = "FHIR-MEDIA-UNSUPPORTED"
	RuleSyntax     = "FHIR-SYNTAX-INVALID"
	RuleBounds     = "FHIR-BOUNDS-EXCEEDED"
	RuleBundle     = "FHIR-BUNDLE-TYPE"
	RuleResource   = "FHIR-RESOURCE-UNEXPECTED"
	RulePair       = "FHIR-PAIR-INCOMPLETE"
	RuleCreate     = "FHIR-REQUEST-CREATE"
	RuleFullURL    = "FHIR-FULLURL-DIFFERS"
	RuleRepeatedID = "FHIR-ID-REPEATED"
	RuleMissing    = "FHIR-FIELD-MISSING"
	RuleTooMany    = "FHIR-FIELD-REPEATED"
	RuleUnwanted   = "FHIR-FIELD-UNWANTED"
	RuleForm       = "FHIR-VALUE-FORM"
	RuleReference  = "FHIR-REFERENCE-UNKNOWN"
	RuleController = "FHIR-CONTROLLER-MISSING"
	RuleRecipient  = "FHIR-RECIPIENT-MISSING"
	RuleItem       = "FHIR-ITEM-UNDESCRIBED"
	RuleTask       = "FHIR-ITEM-TASK"
	RulePerson     = "FHIR-PERSON-MISSING"
	RulePersons    = "FHIR-PERSON-SEVERAL"
	RuleIdentity   = "FHIR-PERSON-IDENTITY"
	RuleTestPerson = "FHIR-PERSON-TEST"
	RuleFuture     = "FHIR-TIME-FUTURE"
	RuleSignature  = "FHIR-SIGNATURE-MISSING"
	RuleUnverified = "FHIR-SIGNATURE-UNVERIFIED"
	RulePeer       = "FHIR-ACCESS-CERTIFICATE"
	RuleSystem     = "FHIR-ACCESS-CONTROLLER"
)

// Rules lists every rule that this package can name itself.
var Rules = []string{
	RuleMedia, RuleSyntax, RuleBounds, RuleBundle, RuleResource, RulePair, RuleCreate, RuleFullURL, RuleRepeatedID,
	RuleMissing, RuleTooMany, RuleUnwanted, RuleForm, RuleReference, RuleController, RuleRecipient, RuleItem, RuleTask,
	RulePerson, RulePersons, RuleIdentity, RuleTestPerson, RuleFuture, RuleSignature, RuleUnverified, RulePeer, RuleSystem,
}
