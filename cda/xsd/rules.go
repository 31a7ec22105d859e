package xsd

// The rules that this package emits; their texts stand in
// cda/rules/catalogue/data/xsd.yaml.
const (
	RuleRootUnknown       = "XSD-ROOT-UNKNOWN"
	RuleElementUnexpected = "XSD-ELEMENT-UNEXPECTED"
	RuleElementOrder      = "XSD-ELEMENT-ORDER"
	RuleElementRepeated   = "XSD-ELEMENT-REPEATED"
	RuleElementMissing    = "XSD-ELEMENT-MISSING"
	RuleTextNotAllowed    = "XSD-TEXT-NOT-ALLOWED"
	RuleAttributeUnknown  = "XSD-ATTRIBUTE-UNKNOWN"
	RuleAttributeMissing  = "XSD-ATTRIBUTE-MISSING"
	RuleValuePattern      = "XSD-VALUE-PATTERN"
	RuleValueOID          = "XSD-VALUE-OID"
	RuleValueTime         = "XSD-VALUE-TIME"
	RuleValueCode         = "XSD-VALUE-CODE"
	RuleValueEnum         = "XSD-VALUE-ENUM"
	RuleValueEmpty        = "XSD-VALUE-EMPTY"
	RuleValueType         = "XSD-VALUE-TYPE"
	RuleFixed             = "XSD-FIXED"
	RuleTypeUnknown       = "XSD-TYPE-UNKNOWN"
	RuleIDDuplicate       = "XSD-ID-DUPLICATE"
	RuleIDRefTarget       = "XSD-IDREF-TARGET"
	RuleOther             = "XSD-OTHER"
)

// Rules lists every rule that this package emits.
var Rules = []string{
	RuleRootUnknown, RuleElementUnexpected, RuleElementOrder, RuleElementRepeated, RuleElementMissing,
	RuleTextNotAllowed, RuleAttributeUnknown, RuleAttributeMissing, RuleValuePattern, RuleValueOID,
	RuleValueTime, RuleValueCode, RuleValueEnum, RuleValueEmpty, RuleValueType, RuleFixed,
	RuleTypeUnknown, RuleIDDuplicate, RuleIDRefTarget, RuleOther,
}
