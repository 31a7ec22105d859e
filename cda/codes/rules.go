package codes

// The rule ids that this package's findings name; their texts stand in the
// catalogue (cda/rules/catalogue/data/codes.yaml).
const (
	RuleUnknown       = "CODE-UNKNOWN"
	RuleUnlisted      = "CODE-UNLISTED"
	RuleUnchecked     = "CODE-UNCHECKED"
	RuleEnded         = "CODE-ENDED"
	RuleNotYet        = "CODE-NOT-YET-VALID"
	RuleWrongClass    = "CODE-WRONG-CLASS"
	RuleNotLeaf       = "CODE-NOT-LEAF"
	RuleNotTop        = "CODE-NOT-TOP"
	RuleSystemUnknown = "CODE-SYSTEM-UNKNOWN"
	RuleSystemForm    = "CODE-SYSTEM-FORM"
	RuleDisplay       = "CODE-DISPLAY-DIFFERS"
)

// Rules lists every rule id that a finding of this package can name.
func Rules() []string {
	return []string{RuleUnknown, RuleUnlisted, RuleUnchecked, RuleEnded, RuleNotYet, RuleWrongClass, RuleNotLeaf, RuleNotTop,
		RuleSystemUnknown, RuleSystemForm, RuleDisplay}
}
