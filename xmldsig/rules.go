package xmldsig

// Rules that this package's findings name; their texts stand in the catalogue
// (cda/rules/catalogue/data/signature.yaml).
const (
	// The document around the signatures.
	RuleDocumentRoot       = "SIG-DOCUMENT-ROOT"
	RuleDocumentNested     = "SIG-DOCUMENT-NESTED"
	RuleComponentCount     = "SIG-COMPONENT-COUNT"
	RuleBodyCount          = "SIG-BODY-COUNT"
	RuleBodyElsewhere      = "SIG-BODY-ELSEWHERE"
	RuleLocalHeaderCount   = "SIG-LOCALHEADER-COUNT"
	RuleLocalHeaderPlace   = "SIG-LOCALHEADER-ELSEWHERE"
	RuleCollectionCount    = "SIG-COLLECTION-COUNT"
	RuleCollectionPlace    = "SIG-COLLECTION-ELSEWHERE"
	RuleSignatureElsewhere = "SIG-SIGNATURE-ELSEWHERE"
	RuleSignatureMissing   = "SIG-SIGNATURE-MISSING"
	RuleSignatureTooMany   = "SIG-SIGNATURE-TOO-MANY"
	RuleNamespaceRelative  = "SIG-NAMESPACE-RELATIVE"

	// The national wrapping of one signature.
	RuleTypeMissing    = "SIG-TYPE-MISSING"
	RuleTypeRepeated   = "SIG-TYPE-REPEATED"
	RuleTypeUnknown    = "SIG-TYPE-UNKNOWN"
	RuleTypeCodeSystem = "SIG-TYPE-CODESYSTEM"
	RuleTimeMissing    = "SIG-TIME-MISSING"
	RuleTimeRepeated   = "SIG-TIME-REPEATED"
	RuleTimeFormat     = "SIG-TIME-FORMAT"
	RuleTimeZone       = "SIG-TIME-ZONE"
	RuleTimeFuture     = "SIG-TIME-FUTURE"
	RuleTimeOld        = "SIG-TIME-OLD"
	RuleListMissing    = "SIG-LIST-MISSING"
	RuleListRepeated   = "SIG-LIST-REPEATED"
	RuleListUnexpected = "SIG-LIST-UNEXPECTED"
	RuleListShort      = "SIG-LIST-SHORT"
	RuleListTooLong    = "SIG-LIST-TOO-LONG"
	RuleListRefFormat  = "SIG-LIST-REF-FORMAT"
	RuleListRefTwice   = "SIG-LIST-REF-REPEATED"
	RuleListOwnMissing = "SIG-LIST-OWN-MISSING"
	RuleListOwnHash    = "SIG-LIST-OWN-MISMATCH"

	// The XML signature itself.
	RuleXMLDSigMissing   = "SIG-XMLDSIG-MISSING"
	RuleXMLDSigRepeated  = "SIG-XMLDSIG-REPEATED"
	RuleXMLDSigStructure = "SIG-XMLDSIG-STRUCTURE"
	RuleObjectPresent    = "SIG-OBJECT-PRESENT"

	// Algorithms.
	RuleAlgorithmSHA1    = "SIG-ALGORITHM-SHA1"
	RuleAlgorithmMD5     = "SIG-ALGORITHM-MD5"
	RuleAlgorithmDSA     = "SIG-ALGORITHM-DSA"
	RuleAlgorithmHMAC    = "SIG-ALGORITHM-HMAC"
	RuleAlgorithmUnknown = "SIG-ALGORITHM-UNKNOWN"
	RuleDigestUnknown    = "SIG-DIGEST-ALGORITHM-UNKNOWN"
	RuleC14NUnknown      = "SIG-C14N-UNKNOWN"
	RuleC14NPrefixes     = "SIG-C14N-PREFIXES"
	RuleTransformXSLT    = "SIG-TRANSFORM-XSLT"
	RuleTransformXPath   = "SIG-TRANSFORM-XPATH"
	RuleTransformFilter2 = "SIG-TRANSFORM-FILTER2"
	RuleTransformUnknown = "SIG-TRANSFORM-UNKNOWN"
	RuleTransformMissing = "SIG-TRANSFORM-MISSING"
	RuleTransformOrder   = "SIG-TRANSFORM-ORDER"
	RuleTransformTooMany = "SIG-TRANSFORM-TOO-MANY"
	RulePSSParameters    = "SIG-ALGORITHM-PSS-PARAMETERS"

	// References.
	RuleReferenceTooMany     = "SIG-REFERENCE-TOO-MANY"
	RuleReferenceExternal    = "SIG-REFERENCE-EXTERNAL"
	RuleReferenceAbsent      = "SIG-REFERENCE-ABSENT"
	RuleReferenceWhole       = "SIG-REFERENCE-WHOLE"
	RuleReferenceXPointer    = "SIG-REFERENCE-XPOINTER"
	RuleReferenceUnresolved  = "SIG-REFERENCE-UNRESOLVED"
	RuleReferenceAmbiguous   = "SIG-REFERENCE-AMBIGUOUS"
	RuleReferenceTarget      = "SIG-REFERENCE-TARGET"
	RuleReferenceRepeated    = "SIG-REFERENCE-REPEATED"
	RuleReferenceBodyMissing = "SIG-REFERENCE-BODY-MISSING"
	RuleReferenceTimeMissing = "SIG-REFERENCE-TIME-MISSING"
	RuleReferenceListMissing = "SIG-REFERENCE-LIST-MISSING"
	RuleDigestFormat         = "SIG-DIGEST-FORMAT"
	RuleDigestMismatch       = "SIG-DIGEST-MISMATCH"
	RuleDigestVariants       = "SIG-DIGEST-TOO-MANY"
	RuleDigestWork           = "SIG-DIGEST-WORK"
	RuleReferenceEmpty       = "SIG-REFERENCE-EMPTY"
	RuleReferenceBase64      = "SIG-REFERENCE-BASE64"

	// Key and signature value.
	RuleValueFormat     = "SIG-VALUE-FORMAT"
	RuleValueMismatch   = "SIG-VALUE-MISMATCH"
	RuleKeyInfoMissing  = "SIG-KEYINFO-MISSING"
	RuleKeyInfoUnused   = "SIG-KEYINFO-UNUSED"
	RuleCertMissing     = "SIG-CERTIFICATE-MISSING"
	RuleCertFormat      = "SIG-CERTIFICATE-FORMAT"
	RuleCertSize        = "SIG-CERTIFICATE-SIZE"
	RuleCertTooMany     = "SIG-CERTIFICATE-TOO-MANY"
	RuleCertAmbiguous   = "SIG-CERTIFICATE-AMBIGUOUS"
	RuleKeyKind         = "SIG-KEY-KIND"
	RuleKeySize         = "SIG-KEY-SIZE"
	RuleKeyMissing      = "SIG-KEY-MISSING"
	RuleKeyFormat       = "SIG-KEY-FORMAT"
	RuleKeyCurve        = "SIG-KEY-CURVE"
	RuleKeyConflict     = "SIG-KEY-CONFLICT"
	RuleKeyUntrusted    = "SIG-KEY-UNTRUSTED"
	RuleKeyUsage        = "SIG-KEY-USAGE"
	RuleKeyRetrieval    = "SIG-KEYINFO-RETRIEVAL"
	RuleKeyTooMany      = "SIG-KEYINFO-TOO-MANY"
	RuleCertUnknown     = "SIG-CERTIFICATE-UNKNOWN"
	RuleCertIdentifier  = "SIG-CERTIFICATE-IDENTIFIER"
	RuleTrustMissing    = "SIG-TRUST-MISSING"
	RuleSignerMissing   = "SIG-SIGNER-MISSING"
	RuleSignerMismatch  = "SIG-SIGNER-MISMATCH"
	RuleSignerRedundant = "SIG-SIGNER-UNEXPECTED"
)

// Rules lists every rule that this package can name.
var Rules = []string{
	RuleDocumentRoot, RuleDocumentNested, RuleComponentCount, RuleBodyCount, RuleBodyElsewhere,
	RuleLocalHeaderCount, RuleLocalHeaderPlace, RuleCollectionCount, RuleCollectionPlace,
	RuleSignatureElsewhere, RuleSignatureMissing, RuleSignatureTooMany, RuleNamespaceRelative,
	RuleTypeMissing, RuleTypeRepeated, RuleTypeUnknown, RuleTypeCodeSystem,
	RuleTimeMissing, RuleTimeRepeated, RuleTimeFormat, RuleTimeZone, RuleTimeFuture, RuleTimeOld,
	RuleListMissing, RuleListRepeated, RuleListUnexpected, RuleListShort, RuleListTooLong,
	RuleListRefFormat, RuleListRefTwice, RuleListOwnMissing, RuleListOwnHash,
	RuleXMLDSigMissing, RuleXMLDSigRepeated, RuleXMLDSigStructure, RuleObjectPresent,
	RuleAlgorithmSHA1, RuleAlgorithmMD5, RuleAlgorithmDSA, RuleAlgorithmHMAC, RuleAlgorithmUnknown,
	RuleDigestUnknown, RuleC14NUnknown, RuleC14NPrefixes,
	RuleTransformXSLT, RuleTransformXPath, RuleTransformFilter2, RuleTransformUnknown,
	RuleTransformMissing, RuleTransformOrder, RuleTransformTooMany, RulePSSParameters,
	RuleReferenceTooMany, RuleReferenceExternal, RuleReferenceAbsent, RuleReferenceWhole, RuleReferenceXPointer,
	RuleReferenceUnresolved, RuleReferenceAmbiguous, RuleReferenceTarget, RuleReferenceRepeated,
	RuleReferenceBodyMissing, RuleReferenceTimeMissing, RuleReferenceListMissing,
	RuleDigestFormat, RuleDigestMismatch, RuleDigestVariants, RuleDigestWork,
	RuleReferenceEmpty, RuleReferenceBase64,
	RuleValueFormat, RuleValueMismatch, RuleKeyInfoMissing, RuleKeyInfoUnused,
	RuleCertMissing, RuleCertFormat, RuleCertSize, RuleCertTooMany, RuleCertAmbiguous,
	RuleKeyKind, RuleKeySize, RuleKeyMissing, RuleKeyFormat, RuleKeyCurve, RuleKeyConflict, RuleKeyUntrusted, RuleKeyUsage,
	RuleKeyRetrieval, RuleKeyTooMany, RuleCertUnknown, RuleCertIdentifier, RuleTrustMissing, RuleSignerMissing, RuleSignerMismatch, RuleSignerRedundant,
}

// IsRemark tells whether a rule of this package or of xmldsig/trust leaves a
// signature valid. The catalogue gives these rules at most the severity warning,
// and every other one error in each profile: a test holds the two together.
func IsRemark(rule string) bool {
	switch rule {
	case RuleTimeOld, RuleObjectPresent, RuleKeyInfoUnused:
		return true
	}
	return false
}
