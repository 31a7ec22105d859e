package soap

// The rules that this package can name; each stands in the catalogue.
const (
	RuleXMLSyntax   = "XML-SYNTAX"
	RuleXMLDTD      = "XML-DTD-FORBIDDEN"
	RuleXMLEncoding = "XML-ENCODING-INVALID"
	RuleXMLLimit    = "XML-LIMIT-EXCEEDED"

	RuleMediaUnsupported   = "HTTP-MEDIA-UNSUPPORTED"
	RuleCharsetUnsupported = "HTTP-CHARSET-UNSUPPORTED"
	RuleBodyEmpty          = "HTTP-BODY-EMPTY"

	RuleEnvelopeMissing  = "SOAP-ENVELOPE-MISSING"
	RuleVersionUnknown   = "SOAP-VERSION-UNKNOWN"
	RuleVersionMedia     = "SOAP-VERSION-MEDIA"
	RuleChildUnknown     = "SOAP-CHILD-UNKNOWN"
	RuleBodyMissing      = "SOAP-BODY-MISSING"
	RuleBodyNoChild      = "SOAP-BODY-EMPTY"
	RuleBodyManyChildren = "SOAP-BODY-MULTIPLE"
	RuleHeaderNotKnown   = "SOAP-HEADER-NOTUNDERSTOOD"
	RuleActionMismatch   = "SOAP-ACTION-MISMATCH"

	RuleAddressingDuplicate = "WSA-HEADER-DUPLICATE"
	RuleAddressingMissing   = "WSA-HEADER-MISSING"
	RuleAddressingAction    = "WSA-ACTION-MISMATCH"
	RuleAddressingReplyTo   = "WSA-REPLYTO-UNSUPPORTED"

	RuleMTOMBroken       = "MTOM-STRUCTURE-BROKEN"
	RuleMTOMNoRoot       = "MTOM-ROOT-MISSING"
	RuleMTOMPartMissing  = "MTOM-PART-MISSING"
	RuleMTOMPartUnused   = "MTOM-PART-UNUSED"
	RuleMTOMPartTwice    = "MTOM-PART-DUPLICATE"
	RuleMTOMPartEncoding = "MTOM-PART-ENCODING"
	RuleMTOMTooMany      = "MTOM-PARTS-EXCEEDED"
	RuleMTOMSize         = "MTOM-SIZE-EXCEEDED"
	RuleMTOMHref         = "MTOM-INCLUDE-HREF"
)

// Rules lists every rule that this package can name.
var Rules = []string{
	RuleXMLSyntax, RuleXMLDTD, RuleXMLEncoding, RuleXMLLimit,
	RuleMediaUnsupported, RuleCharsetUnsupported, RuleBodyEmpty,
	RuleEnvelopeMissing, RuleVersionUnknown, RuleVersionMedia, RuleChildUnknown,
	RuleBodyMissing, RuleBodyNoChild, RuleBodyManyChildren, RuleHeaderNotKnown, RuleActionMismatch,
	RuleAddressingDuplicate, RuleAddressingMissing, RuleAddressingAction, RuleAddressingReplyTo,
	RuleMTOMBroken, RuleMTOMNoRoot, RuleMTOMPartMissing, RuleMTOMPartUnused, RuleMTOMPartTwice,
	RuleMTOMPartEncoding, RuleMTOMTooMany, RuleMTOMSize, RuleMTOMHref,
}
