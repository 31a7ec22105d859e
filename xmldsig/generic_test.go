package xmldsig

// genericRules are those that only the policy generic names.
var genericRules = []string{
	RulePSSParameters, RuleDigestWork, RuleReferenceEmpty, RuleReferenceBase64,
	RuleKeyMissing, RuleKeyFormat, RuleKeyCurve, RuleKeyConflict, RuleKeyUntrusted, RuleKeyUsage,
	RuleKeyRetrieval, RuleKeyTooMany, RuleCertUnknown, RuleCertIdentifier,
}
