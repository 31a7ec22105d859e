package cda

// Rules that this package can find; their texts stand in
// cda/rules/catalogue/data/metadata.yaml and body.yaml.
const (
	RuleRootWrong = "META-ROOT-WRONG"

	RuleBodyMissing  = "BODY-MISSING"
	RuleBodyRepeated = "BODY-REPEATED"
	// RuleBodyNotCovered: the element that the signatures cover is not the body.
	RuleBodyNotCovered = "BODY-NOT-COVERED"

	RuleTextMissing        = "BODY-TEXT-MISSING"
	RuleTextRepeated       = "BODY-TEXT-REPEATED"
	RuleTextElement        = "BODY-TEXT-ELEMENT"
	RuleTextRepresentation = "BODY-TEXT-REPRESENTATION"
	RuleTextCompression    = "BODY-TEXT-COMPRESSION"
	RuleTextBase64         = "BODY-TEXT-BASE64"
	RuleTextMediaType      = "BODY-TEXT-MEDIATYPE-MISSING"
	RuleTextMediaUnknown   = "BODY-TEXT-MEDIATYPE-UNKNOWN"
	RuleTextFormat         = "BODY-TEXT-FORMAT-DIFFERS"

	RuleJSONRepeated       = "BODY-JSON-REPEATED"
	RuleJSONElement        = "BODY-JSON-ELEMENT"
	RuleJSONRepresentation = "BODY-JSON-REPRESENTATION"
	RuleJSONBase64         = "BODY-JSON-BASE64"
	RuleJSONFormat         = "BODY-JSON-FORMAT-DIFFERS"
	RuleJSONUTF8           = "BODY-JSON-UTF8"
	RuleTextUTF8           = "BODY-TEXT-UTF8"
)

// repeatedFields are the header's fields that may stand once, as rule ids name them.
var repeatedFields = []string{
	"TYPEID", "ID", "CODE", "TITLE", "EFFECTIVETIME", "CONFIDENTIALITY", "LANGUAGE", "SETID", "VERSION",
	"COPYTIME", "CUSTODIAN", "ENCOUNTER", "CLIENT-NAME", "GENDER", "BIRTHTIME", "AUTHOR-FUNCTION",
	"AUTHOR-TIME", "AUTHOR-NAME", "RELATED-ID", "RELATED-CODE", "RELATED-SETID", "RELATED-VERSION",
	"CONSENT", "CONSENT-STATUS", "CASE", "CASE-TIME", "LOCALHEADER", "FILEFORMAT", "SOFTWARE",
	"RECORDSTATUS", "ORGANISER", "ORGANISER-NAME", "SIGNATURECOLLECTION", "SPECIFICTYPE", "CREATIONTIME",
	"DOCUMENTGROUP", "STRUCTUREDFILEFORMAT", "REGISTRYTYPE", "RETENTIONCLASS", "SPECIALCONTENT",
	"CONTENTSPECIFICATION", "CLIENTRELATIONSHIP", "SERVICEPROCESS", "SERVICEPROCESS-TYPE",
	"SERVICEPROCESS-CODE", "RESTRICTIONARGUMENT", "INACCESSIBLEARGUMENT", "REASONOFCORRECTION", "SIGNER",
	"SIGNER-NAME", "SIGNER-METHOD", "SIGNER-TIME", "DOCUMENTTYPE", "RETENTIONPERIODCLASS", "CUSTODIANTYPE",
	"ENCOUNTERCODE", "ENCOUNTERMASTERCODE", "DECLAREDTIME", "REGISTEREDTIME", "REGISTRYSPECIFIER",
	"REGISTRYSPECIFIER-NAME", "SERVICEPROVIDER", "SERVICEPROVIDER-NAME", "HOMEMUNICIPALITY",
}

// RepeatedRule names the rule that a field stands twice.
func RepeatedRule(field string) string { return "META-" + field + "-REPEATED" }

// Rules lists every rule id that this package can emit.
func Rules() []string {
	ids := []string{
		RuleRootWrong, RuleBodyMissing, RuleBodyRepeated, RuleBodyNotCovered,
		RuleTextMissing, RuleTextRepeated, RuleTextElement, RuleTextRepresentation,
		RuleTextCompression, RuleTextBase64, RuleTextMediaType, RuleTextMediaUnknown, RuleTextFormat, RuleTextUTF8,
		RuleJSONRepeated, RuleJSONElement, RuleJSONRepresentation, RuleJSONBase64,
		RuleJSONFormat, RuleJSONUTF8,
	}
	for _, f := range repeatedFields {
		ids = append(ids, RepeatedRule(f))
	}
	return ids
}
