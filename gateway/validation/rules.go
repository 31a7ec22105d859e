package validation

// The rules that this package names itself; texts in
// cda/rules/catalogue/data/rest.yaml.
const (
	RuleMethod     = "REST-METHOD-WRONG"
	RuleMedia      = "REST-MEDIA-UNSUPPORTED"
	RuleCharset    = "REST-CHARSET-UNSUPPORTED"
	RuleBodyEmpty  = "REST-BODY-EMPTY"
	RuleBOM        = "REST-JSON-BOM"
	RuleUTF8       = "REST-JSON-ENCODING"
	RuleSyntax     = "REST-JSON-SYNTAX"
	RuleDepth      = "REST-JSON-DEPTH"
	RuleSurrogate  = "REST-JSON-SURROGATE"
	RuleRoot       = "REST-ROOT-TYPE"
	RuleRepeated   = "REST-KEY-REPEATED"
	RuleUnknownKey = "REST-KEY-UNKNOWN"

	RuleMessageIDMissing = "REST-MESSAGEID-MISSING"
	RuleMessageIDType    = "REST-MESSAGEID-TYPE"
	RuleMessageIDEmpty   = "REST-MESSAGEID-EMPTY"
	RuleRequestMissing   = "REST-SERVICEREQUEST-MISSING"
	RuleRequestType      = "REST-SERVICEREQUEST-TYPE"
	RuleRequestEmpty     = "REST-SERVICEREQUEST-EMPTY"
	RuleRequestDiffers   = "REST-SERVICEREQUEST-DIFFERS"
	RuleLevelMissing     = "REST-LEVEL-MISSING"
	RuleLevelType        = "REST-LEVEL-TYPE"
	RuleLevelUnknown     = "REST-LEVEL-UNKNOWN"

	RuleFrameMissing     = "REST-FRAME-MISSING"
	RuleFrameType        = "REST-FRAME-TYPE"
	RuleFrameEmpty       = "REST-FRAME-EMPTY"
	RuleFrameDeclaration = "REST-FRAME-DECLARATION"
	RuleFrameBOM         = "REST-FRAME-BOM"
	RuleFrameLineEnds    = "REST-FRAME-LINEENDS"
	RuleFrameEncoding    = "REST-FRAME-ENCODING"
	RuleFrameKind        = "REST-FRAME-KIND"

	RuleDocumentMissing     = "REST-DOCUMENT-MISSING"
	RuleDocumentType        = "REST-DOCUMENT-TYPE"
	RuleDocumentEmpty       = "REST-DOCUMENT-EMPTY"
	RuleDocumentDeclaration = "REST-DOCUMENT-DECLARATION"
	RuleDocumentBOM         = "REST-DOCUMENT-BOM"
	RuleDocumentLineEnds    = "REST-DOCUMENT-LINEENDS"
	RuleDocumentEncoding    = "REST-DOCUMENT-ENCODING"
)

// Rules of other packages that this one names too.
const (
	ruleContentEncoding = "HTTP-ENCODING-UNSUPPORTED"
	ruleFailure         = "SYSTEM-FAILURE"
	ruleMore            = "SYSTEM-FINDINGS-MORE"
)

// Rules lists every rule that this package can name itself.
var Rules = []string{
	RuleMethod, RuleMedia, RuleCharset, RuleBodyEmpty, RuleBOM, RuleUTF8, RuleSyntax, RuleDepth, RuleSurrogate,
	RuleRoot, RuleRepeated, RuleUnknownKey,
	RuleMessageIDMissing, RuleMessageIDType, RuleMessageIDEmpty,
	RuleRequestMissing, RuleRequestType, RuleRequestEmpty, RuleRequestDiffers,
	RuleLevelMissing, RuleLevelType, RuleLevelUnknown,
	RuleFrameMissing, RuleFrameType, RuleFrameEmpty, RuleFrameDeclaration, RuleFrameBOM, RuleFrameLineEnds,
	RuleFrameEncoding, RuleFrameKind,
	RuleDocumentMissing, RuleDocumentType, RuleDocumentEmpty, RuleDocumentDeclaration, RuleDocumentBOM,
	RuleDocumentLineEnds, RuleDocumentEncoding,
}
