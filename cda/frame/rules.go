package frame

// Rules that reading a frame can find; texts in cda/rules/catalogue/data/frame.yaml.
const (
	RuleRootUnknown     = "FRAME-ROOT-UNKNOWN"
	RuleRootHealth      = "FRAME-ROOT-HEALTH"
	RuleRootAssumed     = "FRAME-ROOT-ASSUMED"
	RuleQueryID         = "QUERY-ID-MISSING"
	RuleQueryUnknown    = "QUERY-PARAMETER-UNKNOWN"
	RuleQueryAssumed    = "QUERY-PARAMETER-ASSUMED"
	RuleNullifyAssumed  = "NULLIFY-FORM-ASSUMED"
	RuleQueryUnfit      = "QUERY-PARAMETER-UNFIT"
	RuleQueryEmpty      = "QUERY-PARAMETER-EMPTY"
	RuleQueryRepeated   = "QUERY-PARAMETER-REPEATED"
	RuleQueryValue      = "QUERY-VALUE-INVALID"
	RuleQueryValues     = "QUERY-VALUES-MANY"
	RuleQueryCodeSystem = "QUERY-CODESYSTEM-DIFFERS"
	RuleQueryTime       = "QUERY-TIME-SYNTAX"
	RuleQueryTimeOrder  = "QUERY-TIME-ORDER"
	RuleQueryQuantity   = "QUERY-QUANTITY-INVALID"
	RuleQuerySelection  = "QUERY-SELECTION-MISSING"
	RuleQueryWillClient = "QUERY-WILL-CLIENT"

	RuleIDMissing      = "FRAME-ID-MISSING"
	RuleIDOID          = "FRAME-ID-OID"
	RuleCreation       = "FRAME-CREATIONTIME-MISSING"
	RuleCreationSyntax = "FRAME-CREATIONTIME-SYNTAX"
	RuleCreationOffset = "FRAME-CREATIONTIME-OFFSET"

	RuleVersionCode          = "FRAME-VERSIONCODE-UNKNOWN"
	RuleInteractionMissing   = "FRAME-INTERACTIONID-MISSING"
	RuleInteractionDiffers   = "FRAME-INTERACTIONID-DIFFERS"
	RuleInteractionRoot      = "FRAME-INTERACTIONID-ROOT"
	RuleProcessingMissing    = "FRAME-PROCESSINGCODE-MISSING"
	RuleProcessingUnknown    = "FRAME-PROCESSINGCODE-UNKNOWN"
	RuleModeMissing          = "FRAME-PROCESSINGMODE-MISSING"
	RuleModeUnknown          = "FRAME-PROCESSINGMODE-UNKNOWN"
	RuleAcceptMissing        = "FRAME-ACCEPTACK-MISSING"
	RuleAcceptUnknown        = "FRAME-ACCEPTACK-UNKNOWN"
	RuleReceiverMissing      = "FRAME-RECEIVER-MISSING"
	RuleReceiverOID          = "FRAME-RECEIVER-OID"
	RuleSenderMissing        = "FRAME-SENDER-MISSING"
	RuleSenderOID            = "FRAME-SENDER-OID"
	RuleControlActMissing    = "FRAME-CONTROLACT-MISSING"
	RuleMood                 = "FRAME-MOODCODE-UNKNOWN"
	RuleTriggerMissing       = "FRAME-TRIGGER-MISSING"
	RuleTriggerDiffers       = "FRAME-TRIGGER-DIFFERS"
	RuleTriggerSystem        = "FRAME-TRIGGER-CODESYSTEM"
	RulePriority             = "FRAME-PRIORITY-UNKNOWN"
	RuleRequestMissing       = "FRAME-SERVICEREQUEST-MISSING"
	RuleRequestRepeated      = "FRAME-SERVICEREQUEST-REPEATED"
	RuleRequestUnknown       = "FRAME-SERVICEREQUEST-UNKNOWN"
	RuleRequestAssumed       = "FRAME-SERVICEREQUEST-ASSUMED"
	RuleRequestHealth        = "FRAME-SERVICEREQUEST-HEALTH"
	RuleRequestInteraction   = "FRAME-SERVICEREQUEST-INTERACTION"
	RuleSituationMissing     = "FRAME-USESITUATION-MISSING"
	RuleSituationRepeated    = "FRAME-USESITUATION-REPEATED"
	RuleSituationUnknown     = "FRAME-USESITUATION-UNKNOWN"
	RuleSituationAssumed     = "FRAME-USESITUATION-ASSUMED"
	RuleUserMissing          = "FRAME-USER-MISSING"
	RuleUserType             = "FRAME-USER-TYPECODE"
	RuleUserID               = "FRAME-USER-ID-MISSING"
	RuleUserName             = "FRAME-USER-NAME-MISSING"
	RuleUserOrganization     = "FRAME-USER-ORGANIZATION-MISSING"
	RuleSubjectMissing       = "FRAME-SUBJECT-MISSING"
	RuleSubjectRepeated      = "FRAME-SUBJECT-REPEATED"
	RuleDocumentMissing      = "FRAME-DOCUMENT-MISSING"
	RuleDocumentID           = "FRAME-DOCUMENT-ID-MISSING"
	RuleDocumentIDOID        = "FRAME-DOCUMENT-ID-OID"
	RuleDocumentSetID        = "FRAME-DOCUMENT-SETID-MISSING"
	RuleDocumentSetIDOID     = "FRAME-DOCUMENT-SETID-OID"
	RuleDocumentVersion      = "FRAME-DOCUMENT-VERSION-MISSING"
	RuleDocumentVersionBad   = "FRAME-DOCUMENT-VERSION-SYNTAX"
	RuleDocumentRegister     = "FRAME-DOCUMENT-REGISTER-MISSING"
	RuleDocumentTime         = "FRAME-DOCUMENT-EFFECTIVETIME-MISSING"
	RuleDocumentTimeBad      = "FRAME-DOCUMENT-EFFECTIVETIME-SYNTAX"
	RuleDocumentStatus       = "FRAME-DOCUMENT-STATUS-MISSING"
	RuleDocumentStatusBad    = "FRAME-DOCUMENT-STATUS-UNKNOWN"
	RuleDocumentCompletion   = "FRAME-DOCUMENT-COMPLETION-MISSING"
	RuleDocumentStorage      = "FRAME-DOCUMENT-STORAGE-MISSING"
	RuleDocumentClient       = "FRAME-DOCUMENT-CLIENT-MISSING"
	RuleDocumentClientID     = "FRAME-DOCUMENT-CLIENT-ID-MISSING"
	RuleDocumentCustodian    = "FRAME-DOCUMENT-CUSTODIAN-MISSING"
	RuleDocumentCustodianOID = "FRAME-DOCUMENT-CUSTODIAN-OID"
	RuleDocumentAuthor       = "FRAME-DOCUMENT-AUTHOR-MISSING"
	RuleDocumentRelated      = "FRAME-DOCUMENT-RELATED-MISSING"
	RuleDocumentReason       = "FRAME-DOCUMENT-REASON-MISSING"
	RuleRepeated             = "FRAME-ELEMENT-REPEATED"
	RuleQueryMissing         = "FRAME-QUERY-MISSING"
	RuleTextMissing          = "FRAME-TEXT-MISSING"
	RuleTextPlaceholder      = "FRAME-TEXT-PLACEHOLDER"
	RuleTextElement          = "FRAME-TEXT-ELEMENT"
	RuleTextMediaType        = "FRAME-TEXT-MEDIATYPE"
	RuleTextRepresentation   = "FRAME-TEXT-REPRESENTATION"
	RuleTextBase64           = "FRAME-TEXT-BASE64"
)

// Rules that unpacking the MIME package can find; texts in mime.yaml.
const (
	RuleMIMEEmpty             = "MIME-EMPTY"
	RuleMIMEVersion           = "MIME-VERSION-MISSING"
	RuleMIMEHeader            = "MIME-HEADER-SYNTAX"
	RuleMIMEFold              = "MIME-HEADER-FOLD"
	RuleMIMEHeaderLimit       = "MIME-HEADER-LIMIT"
	RuleMIMEHeaderRepeated    = "MIME-HEADER-REPEATED"
	RuleMIMETypeMissing       = "MIME-CONTENTTYPE-MISSING"
	RuleMIMENotMultipart      = "MIME-CONTENTTYPE-NOT-MULTIPART"
	RuleMIMETypeSyntax        = "MIME-CONTENTTYPE-SYNTAX"
	RuleMIMEBoundaryMissing   = "MIME-BOUNDARY-MISSING"
	RuleMIMEBoundaryLong      = "MIME-BOUNDARY-LONG"
	RuleMIMENoParts           = "MIME-PARTS-MISSING"
	RuleMIMEPartLimit         = "MIME-PARTS-LIMIT"
	RuleMIMEClosing           = "MIME-CLOSING-MISSING"
	RuleMIMEEpilogue          = "MIME-EPILOGUE"
	RuleMIMEPreamble          = "MIME-PREAMBLE"
	RuleMIMEEncoding          = "MIME-ENCODING-UNKNOWN"
	RuleMIMEBase64            = "MIME-BASE64"
	RuleMIMEQuoted            = "MIME-QUOTEDPRINTABLE"
	RuleMIME7Bit              = "MIME-7BIT-CHARACTER"
	RuleMIMECharset           = "MIME-CHARSET-UNKNOWN"
	RuleMIME8BitCharset       = "MIME-8BIT-CHARSET"
	RuleMIMEDocumentMissing   = "MIME-DOCUMENT-MISSING"
	RuleMIMEDocumentEmpty     = "MIME-DOCUMENT-EMPTY"
	RuleMIMEContentIDMissing  = "MIME-CONTENTID-MISSING"
	RuleMIMEContentIDDiffers  = "MIME-CONTENTID-DIFFERS"
	RuleMIMEContentIDRepeated = "MIME-CONTENTID-REPEATED"
	RuleMIMEDocumentType      = "MIME-DOCUMENT-TYPE"
	RuleMIMEAttachment        = "MIME-ATTACHMENT"
)

// Rules that reading an acknowledgement can find.
const (
	RuleAckRoot   = "FRAME-ACK-ROOT"
	RuleAckType   = "FRAME-ACK-TYPECODE"
	RuleAckTarget = "FRAME-ACK-TARGET-MISSING"
)

// Rules that reading an order can find; texts in orders.yaml.
const (
	RuleOrderPackage = "ORDER-TEXT-UNEXPECTED"
	RuleOrderClients = "ORDER-CLIENT-SEVERAL"
	RuleOrderClient  = "ORDER-CLIENT-ID-MISSING"
)

// Rules lists every rule id that this package can emit.
func Rules() []string {
	return []string{
		RuleRootUnknown, RuleRootHealth, RuleRootAssumed, RuleIDMissing, RuleIDOID, RuleCreation, RuleCreationSyntax,
		RuleCreationOffset, RuleVersionCode, RuleInteractionMissing, RuleInteractionDiffers, RuleInteractionRoot,
		RuleProcessingMissing, RuleProcessingUnknown, RuleModeMissing, RuleModeUnknown, RuleAcceptMissing,
		RuleAcceptUnknown, RuleReceiverMissing, RuleReceiverOID, RuleSenderMissing, RuleSenderOID,
		RuleControlActMissing, RuleMood, RuleTriggerMissing, RuleTriggerDiffers, RuleTriggerSystem, RulePriority,
		RuleRequestMissing, RuleRequestRepeated, RuleRequestUnknown, RuleRequestAssumed, RuleRequestHealth,
		RuleRequestInteraction, RuleSituationMissing, RuleSituationRepeated, RuleSituationUnknown,
		RuleSituationAssumed, RuleUserMissing, RuleUserType, RuleUserID, RuleUserName, RuleUserOrganization,
		RuleSubjectMissing, RuleSubjectRepeated, RuleDocumentMissing, RuleDocumentID, RuleDocumentIDOID,
		RuleDocumentSetID, RuleDocumentSetIDOID, RuleDocumentVersion, RuleDocumentVersionBad, RuleDocumentRegister,
		RuleDocumentTime, RuleDocumentTimeBad, RuleDocumentStatus, RuleDocumentStatusBad, RuleDocumentCompletion,
		RuleDocumentStorage, RuleDocumentClient, RuleDocumentClientID, RuleDocumentCustodian,
		RuleDocumentCustodianOID, RuleDocumentAuthor, RuleDocumentRelated, RuleDocumentReason, RuleRepeated,
		RuleQueryMissing, RuleQueryID, RuleQueryUnknown, RuleQueryAssumed, RuleNullifyAssumed, RuleQueryUnfit, RuleQueryEmpty, RuleQueryRepeated, RuleQueryValue,
		RuleQueryValues, RuleQueryCodeSystem, RuleQueryTime, RuleQueryTimeOrder, RuleQueryQuantity, RuleQuerySelection, RuleQueryWillClient,
		RuleTextMissing, RuleTextPlaceholder, RuleTextElement, RuleTextMediaType,
		RuleTextRepresentation, RuleTextBase64,
		RuleMIMEEmpty, RuleMIMEVersion, RuleMIMEHeader, RuleMIMEFold, RuleMIMEHeaderLimit, RuleMIMEHeaderRepeated,
		RuleMIMETypeMissing, RuleMIMENotMultipart, RuleMIMETypeSyntax, RuleMIMEBoundaryMissing, RuleMIMEBoundaryLong,
		RuleMIMENoParts, RuleMIMEPartLimit, RuleMIMEClosing, RuleMIMEEpilogue, RuleMIMEPreamble, RuleMIMEEncoding,
		RuleMIMEBase64, RuleMIMEQuoted, RuleMIME7Bit, RuleMIMECharset, RuleMIME8BitCharset, RuleMIMEDocumentMissing,
		RuleMIMEDocumentEmpty, RuleMIMEContentIDMissing, RuleMIMEContentIDDiffers, RuleMIMEContentIDRepeated,
		RuleMIMEDocumentType, RuleMIMEAttachment,
		RuleAckRoot, RuleAckType, RuleAckTarget,
		RuleOrderPackage, RuleOrderClients, RuleOrderClient,
	}
}
