package sosmeta

// The rule ids that this package's findings name; their texts stand in the
// catalogue (cda/rules/catalogue/data/sosmeta.yaml), those of conditional
// obligations (SOS-COND-…) also in conditions.yaml.
const (
	// JSON as such.
	RuleEmpty        = "SOS-JSON-EMPTY"
	RuleBOM          = "SOS-JSON-BOM"
	RuleUTF16        = "SOS-JSON-UTF16"
	RuleUTF8         = "SOS-JSON-UTF8"
	RuleSyntax       = "SOS-JSON-SYNTAX"
	RuleUnclosed     = "SOS-JSON-UNCLOSED"
	RuleTrailing     = "SOS-JSON-TRAILING"
	RuleComma        = "SOS-JSON-COMMA"
	RuleNumber       = "SOS-JSON-NUMBER"
	RuleControl      = "SOS-JSON-CONTROL"
	RuleEscape       = "SOS-JSON-ESCAPE"
	RuleSurrogate    = "SOS-JSON-SURROGATE"
	RuleDuplicateKey = "SOS-JSON-DUPLICATE-KEY"
	RuleDepth        = "SOS-JSON-DEPTH"
	RuleSize         = "SOS-JSON-SIZE"
	RuleValues       = "SOS-JSON-VALUES"

	// Choice of the structure.
	RuleUnknown        = "SOS-STRUCTURE-UNKNOWN"
	RuleVersionUnknown = "SOS-STRUCTURE-VERSION-UNKNOWN"
	RuleNotYetValid    = "SOS-STRUCTURE-NOT-YET-VALID"
	RuleEnded          = "SOS-STRUCTURE-ENDED"

	// The document against its structure.
	RuleRootType         = "SOS-ROOT-TYPE"
	RuleRootName         = "SOS-ROOT-NAME"
	RuleFieldUnknown     = "SOS-FIELD-UNKNOWN"
	RuleRequiredMissing  = "SOS-REQUIRED-MISSING"
	RuleType             = "SOS-TYPE"
	RuleNull             = "SOS-VALUE-NULL"
	RuleRepeatNotAllowed = "SOS-REPEAT-NOT-ALLOWED"
	RuleRepeatArray      = "SOS-REPEAT-ARRAY"
	RuleRepeatMin        = "SOS-REPEAT-MIN"
	RuleTextLength       = "SOS-TEXT-LENGTH"
	RuleTextBlank        = "SOS-TEXT-BLANK"
	RuleCodeSystem       = "SOS-CODE-SYSTEM"
	RuleCodeSystemOwn    = "SOS-CODE-SYSTEM-OWN"
	RuleCodeNotAccepted  = "SOS-CODE-NOT-ACCEPTED"
	RuleCodeSystemAbsent = "SOS-CODE-SYSTEM-MISSING"
	RuleCodeAbsent       = "SOS-CODE-VALUE-MISSING"
	RuleDisplayAbsent    = "SOS-CODE-DISPLAY-MISSING"
	RuleIDValueAbsent    = "SOS-ID-VALUE-MISSING"
	RuleIDSystem         = "SOS-ID-SYSTEM"
	RuleQuantityAbsent   = "SOS-QUANTITY-VALUE-MISSING"
	RuleUnitAbsent       = "SOS-QUANTITY-UNIT-MISSING"
	RuleDateForm         = "SOS-DATE-FORM"
	RuleDateCalendar     = "SOS-DATE-CALENDAR"
	RuleTimeForm         = "SOS-TIME-FORM"
	RuleTimeCalendar     = "SOS-TIME-CALENDAR"
	RulePattern          = "SOS-PATTERN"
	RuleValue            = "SOS-VALUE-NOT-ACCEPTED"
	RulePhrase           = "SOS-PHRASE"
	RulePhraseExact      = "SOS-PHRASE-EXACT"
)

// Rules lists every rule id that a finding of this package can name, with those
// of conditions.yaml.
func Rules() []string {
	all := []string{
		RuleEmpty, RuleBOM, RuleUTF16, RuleUTF8, RuleSyntax, RuleUnclosed, RuleTrailing, RuleComma, RuleNumber,
		RuleControl, RuleEscape, RuleSurrogate, RuleDuplicateKey, RuleDepth, RuleSize, RuleValues,
		RuleUnknown, RuleVersionUnknown, RuleNotYetValid, RuleEnded,
		RuleRootType, RuleRootName, RuleFieldUnknown, RuleRequiredMissing, RuleType, RuleNull,
		RuleRepeatNotAllowed, RuleRepeatArray, RuleRepeatMin, RuleTextLength, RuleTextBlank,
		RuleCodeSystem, RuleCodeSystemOwn, RuleCodeNotAccepted, RuleCodeSystemAbsent, RuleCodeAbsent,
		RuleDisplayAbsent, RuleIDValueAbsent, RuleIDSystem, RuleQuantityAbsent, RuleUnitAbsent,
		RuleDateForm, RuleDateCalendar, RuleTimeForm, RuleTimeCalendar, RulePattern, RuleValue,
		RulePhrase, RulePhraseExact,
	}
	return append(all, conditionRules()...)
}

// syntaxRules are the findings that end or spoil the reading of JSON as such:
// with one of them the document has no reliable content.
var syntaxRules = map[string]bool{
	RuleEmpty: true, RuleUTF16: true, RuleUTF8: true, RuleSyntax: true, RuleUnclosed: true, RuleTrailing: true,
	RuleComma: true, RuleNumber: true, RuleControl: true, RuleEscape: true, RuleSurrogate: true, RuleDepth: true,
	RuleSize: true, RuleValues: true, RuleDuplicateKey: true, RuleBOM: true,
}
