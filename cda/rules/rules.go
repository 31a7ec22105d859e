package rules

// Rules that are no kind of fault of one field; those are made of the fields'
// ids (see Rules). Texts of META-* and CROSS-* stand in the catalogue's
// metadata.yaml and relations.yaml, of FRAME-* in frame.yaml, of BODY-* in body.yaml.
const (
	RuleHealthDocument    = "META-HEALTH-DOCUMENT"
	RuleHealthNotAccepted = "META-HEALTH-NOT-ACCEPTED"
	RuleGroupUnknown      = "META-GROUP-UNKNOWN"
	RuleGroupAssumed      = "META-GROUP-ASSUMED"
	RuleGroupRequest      = "META-GROUP-SERVICEREQUEST"
	RuleTypeID            = "META-TYPEID-VALUE"

	RuleFirstSetID       = "META-VERSION-FIRST-SETID"
	RuleFirstRelated     = "META-VERSION-FIRST-RELATED"
	RuleNextID           = "META-VERSION-NEXT-ID"
	RuleNextUnrelated    = "META-VERSION-NEXT-UNRELATED"
	RuleOperationVersion = "META-VERSION-INTERACTION"
	RuleRelatedType      = "META-RELATED-TYPECODE"
	RuleRelatedSeveral   = "META-RELATED-SEVERAL"
	RuleRelatedSetID     = "META-RELATED-SETID-DIFFERS"
	RuleRelatedSelf      = "META-RELATED-ID-SELF"
	RuleRelatedOrder     = "META-RELATED-VERSION-ORDER"

	RuleHetuLength      = "META-CLIENT-ID-HETU-LENGTH"
	RuleHetuCharacter   = "META-CLIENT-ID-HETU-CHARACTER"
	RuleHetuCentury     = "META-CLIENT-ID-HETU-CENTURY"
	RuleHetuDate        = "META-CLIENT-ID-HETU-DATE"
	RuleHetuIndividual  = "META-CLIENT-ID-HETU-INDIVIDUAL"
	RuleHetuCheck       = "META-CLIENT-ID-HETU-CHECK"
	RuleHetuBirth       = "META-CLIENT-BIRTH-DIFFERS"
	RuleHetuSex         = "META-CLIENT-SEX-DIFFERS"
	RuleClientRoot      = "META-CLIENT-ID-ROOT"
	RuleClientExtension = "META-CLIENT-ID-NOEXTENSION"
	RuleClientTwice     = "META-CLIENT-TWICE"
	RuleAuthorNumber    = "META-AUTHOR-ID-NUMBER"
	RuleAuthorHetu      = "META-AUTHOR-ID-HETU"
	RuleSignerNumber    = "META-SIGNER-NUMBER"
	RuleUserHetu        = "FRAME-USER-ID-HETU"

	RuleRealPersonHeader     = "PERSON-REAL-HEADER"
	RuleRealPersonFrame      = "PERSON-REAL-FRAME"
	RuleRealPersonXHTML      = "PERSON-REAL-XHTML"
	RuleRealPersonJSON       = "PERSON-REAL-JSON"
	RuleRealPersonPDF        = "PERSON-REAL-PDF"
	RuleRealPersonAttachment = "PERSON-REAL-ATTACHMENT"

	RuleReceiverUnknown = "FRAME-RECEIVER-UNKNOWN"
	RuleProcessingWorld = "FRAME-PROCESSINGCODE-WORLD"

	RuleCrossID              = "CROSS-ID-DIFFERS"
	RuleCrossSetID           = "CROSS-SETID-DIFFERS"
	RuleCrossVersion         = "CROSS-VERSION-DIFFERS"
	RuleCrossCustodian       = "CROSS-CUSTODIAN-DIFFERS"
	RuleCrossRegister        = "CROSS-REGISTER-DIFFERS"
	RuleCrossClients         = "CROSS-CLIENTS-NUMBER"
	RuleCrossClientID        = "CROSS-CLIENT-ID-DIFFERS"
	RuleCrossClientName      = "CROSS-CLIENT-NAME-DIFFERS"
	RuleCrossBirth           = "CROSS-BIRTHTIME-DIFFERS"
	RuleCrossTime            = "CROSS-EFFECTIVETIME-DIFFERS"
	RuleCrossLanguage        = "CROSS-LANGUAGE-DIFFERS"
	RuleCrossConfidentiality = "CROSS-CONFIDENTIALITY-DIFFERS"

	RuleJSONClientID     = "CROSS-JSON-CLIENT-ID-DIFFERS"
	RuleJSONClientAbsent = "CROSS-JSON-CLIENT-ABSENT"
	RuleJSONSurname      = "CROSS-JSON-SURNAME-DIFFERS"
	RuleJSONGiven        = "CROSS-JSON-GIVENNAMES-DIFFERS"
	RuleJSONBirth        = "CROSS-JSON-BIRTHDATE-DIFFERS"
	RuleJSONCase         = "CROSS-JSON-CASE-DIFFERS"
	RuleJSONRelationship = "CROSS-JSON-RELATIONSHIP-DIFFERS"
	RuleJSONServiceTask  = "CROSS-JSON-SERVICETASK-DIFFERS"
	RuleJSONOrganiser    = "CROSS-JSON-ORGANISER-DIFFERS"
	RuleJSONUnit         = "CROSS-JSON-UNIT-ABSENT"
	RuleJSONDate         = "CROSS-JSON-DATE-DIFFERS"

	RuleOrganiserDiffers    = "META-ORGANISER-DIFFERS"
	RuleContentOID          = "META-CONTENTSPECIFICATION-OID"
	RuleContentForm         = "META-CONTENTSPECIFICATION-FORM"
	RuleContentGroup        = "META-CONTENTSPECIFICATION-GROUP"
	RuleContentType         = "META-CONTENTSPECIFICATION-TYPE"
	RuleConsentMinor        = "META-CONSENT-MINOR-MISSING"
	RulePhase1Closed        = "META-GROUP-PHASE1-CLOSED"
	RuleRelationshipClients = "META-CLIENT-SEVERAL"
	RuleConfidentiality     = "META-CONFIDENTIALITY-HEALTH"
	RuleProcessType         = "META-SERVICEPROCESS-TYPE-VALUE"

	RuleBodyID         = "BODY-ID-DIFFERS"
	RuleBodyIDMissing  = "BODY-ID-MISSING"
	RuleStructuredBody = "BODY-STRUCTURED"
	RuleFileFormat     = "BODY-FILEFORMAT-DIFFERS"
	RuleJSONMissing    = "BODY-JSON-MISSING"
	RuleTextEmpty      = "BODY-TEXT-EMPTY"
	RuleJSONEmpty      = "BODY-JSON-EMPTY"
	RulePDFEnd         = "BODY-PDF-END"
	RuleXHTMLSyntax    = "BODY-XHTML-SYNTAX"
	RuleXHTMLNamespace = "BODY-XHTML-NAMESPACE"
	RuleXHTMLRoot      = "BODY-XHTML-ROOT"
	RuleXHTMLID        = "BODY-XHTML-ID-DIFFERS"
	RuleXHTMLElement   = "BODY-XHTML-ELEMENT"
	RuleXHTMLEvent     = "BODY-XHTML-EVENT"
	RuleXHTMLScript    = "BODY-XHTML-SCRIPT"
	RuleXHTMLExternal  = "BODY-XHTML-EXTERNAL"
	RuleXHTMLStyle     = "BODY-XHTML-STYLE"

	RuleXHTMLUnknownElement = "BODY-XHTML-ELEMENT-UNKNOWN"
	RuleXHTMLAttribute      = "BODY-XHTML-ATTRIBUTE-UNKNOWN"
	RuleXHTMLClass          = "BODY-XHTML-CLASS-UNKNOWN"
	RuleXHTMLPicture        = "BODY-XHTML-PICTURE-SIZE"
	RuleXHTMLHetu           = "BODY-XHTML-HETU-UNMASKED"
	RulePDFHeader           = "BODY-PDF-HEADER"
	RulePDFEncrypted        = "BODY-PDF-ENCRYPTED"
	RulePDFScript           = "BODY-PDF-SCRIPT"
	RulePDFLaunch           = "BODY-PDF-LAUNCH"
	RulePDFEmbedded         = "BODY-PDF-EMBEDDED"
	RulePDFArchival         = "BODY-PDF-ARCHIVAL"
	RulePDFPart             = "BODY-PDF-PART"
	RulePDFPartial          = "BODY-PDF-PARTIAL"
	RulePDFStructure        = "BODY-PDF-STRUCTURE"
	RulePDFInvalid          = "BODY-PDF-INVALID"
	RulePDFExhausting       = "BODY-PDF-EXHAUSTING"
)

// ownRules are the constants above.
var ownRules = []string{
	RuleHealthDocument, RuleHealthNotAccepted, RuleGroupUnknown, RuleGroupAssumed, RuleGroupRequest, RuleTypeID,
	RuleFirstSetID, RuleFirstRelated, RuleNextID, RuleNextUnrelated, RuleOperationVersion, RuleRelatedType,
	RuleRelatedSeveral, RuleRelatedSetID, RuleRelatedSelf, RuleRelatedOrder,
	RuleHetuLength, RuleHetuCharacter, RuleHetuCentury, RuleHetuDate, RuleHetuIndividual, RuleHetuCheck,
	RuleHetuBirth, RuleHetuSex, RuleClientRoot, RuleClientExtension, RuleClientTwice, RuleAuthorNumber,
	RuleAuthorHetu, RuleSignerNumber, RuleUserHetu,
	RuleRealPersonHeader, RuleRealPersonFrame, RuleRealPersonXHTML, RuleRealPersonJSON, RuleRealPersonPDF, RuleRealPersonAttachment,
	RuleReceiverUnknown, RuleProcessingWorld,
	RuleCrossID, RuleCrossSetID, RuleCrossVersion, RuleCrossCustodian, RuleCrossRegister, RuleCrossClients,
	RuleCrossClientID, RuleCrossClientName, RuleCrossBirth, RuleCrossTime, RuleCrossLanguage, RuleCrossConfidentiality,
	RuleOrganiserDiffers, RuleContentOID, RuleContentForm, RuleContentGroup, RuleContentType,
	RuleRelationshipClients, RuleConfidentiality, RuleProcessType,
	RuleBodyID, RuleBodyIDMissing, RuleStructuredBody, RuleFileFormat, RuleJSONMissing,
	RuleTextEmpty, RuleJSONEmpty, RulePDFEnd, RuleXHTMLSyntax, RuleXHTMLNamespace, RuleXHTMLRoot, RuleXHTMLID, RuleXHTMLElement,
	RuleXHTMLEvent, RuleXHTMLScript, RuleXHTMLExternal, RuleXHTMLStyle,
	RuleJSONClientID, RuleJSONClientAbsent, RuleJSONSurname, RuleJSONGiven, RuleJSONBirth, RuleJSONCase,
	RuleJSONRelationship, RuleJSONServiceTask, RuleJSONOrganiser, RuleJSONUnit, RuleJSONDate,
	RuleXHTMLUnknownElement, RuleXHTMLAttribute, RuleXHTMLClass, RuleXHTMLPicture, RuleXHTMLHetu,
	RulePDFHeader, RulePDFEncrypted, RulePDFScript, RulePDFLaunch, RulePDFEmbedded, RulePDFArchival, RulePDFPart, RulePDFPartial, RulePDFStructure, RulePDFInvalid, RulePDFExhausting,
	RuleConsentMinor, RulePhase1Closed,
}

// generalRules stand for kinds of faults that only a user's own obligations ask for.
var generalRules = []string{
	"META-FIELD-" + kindMissing, "META-FIELD-" + kindNull, "META-FIELD-" + kindForbidden,
}

// Rules lists every rule id that this package can emit.
func Rules() []string {
	ids := append(append([]string{}, ownRules...), generalRules...)
	ids = append(ids, organisationRules()...)
	b := DefaultBook()
	for _, f := range b.fields {
		for _, k := range b.kinds(f) {
			ids = append(ids, fieldRule(f, k))
		}
	}
	return ids
}
