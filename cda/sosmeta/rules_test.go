package sosmeta

import (
	"slices"
	"testing"

	"portti/cda/rules/catalogue"
	"portti/internal/finding"
)

func TestEveryRuleIsInTheCatalogue(t *testing.T) {
	c := catalogue.Default()
	rules := Rules()
	for _, id := range rules {
		if c.Rule(id) == nil {
			t.Errorf("%s is not in the catalogue", id)
		}
	}
	for _, id := range c.IDs() {
		if len(id) > 4 && id[:4] == "SOS-" && !slices.Contains(rules, id) {
			t.Errorf("%s is in the catalogue, but nothing emits it", id)
		}
	}
	seen := make(map[string]bool)
	for _, id := range rules {
		if seen[id] {
			t.Errorf("%s stands twice in Rules", id)
		}
		seen[id] = true
	}
}

// What the schemas refuse is an error in both profiles; what they do not is an
// error only where this package says so.
func TestSeveritiesFollowTheSchemas(t *testing.T) {
	c := catalogue.Default()
	for id := range schemaErrors {
		for _, p := range []catalogue.Profile{catalogue.Strict, catalogue.Lenient} {
			if s := c.Rule(id).Severity.In(p); s != finding.Error {
				t.Errorf("%s is %v in %s", id, s, p)
			}
		}
	}
	for _, id := range []string{RulePhrase, RuleDateCalendar, RuleTimeCalendar, RuleIDSystem, RuleTextBlank} {
		if s := c.Rule(id).Severity.Strict; s != finding.Warning {
			t.Errorf("%s is %v", id, s)
		}
	}
}
