package cda

import (
	"testing"

	"portti/cda/rules/catalogue"
)

func TestEveryRuleIsInTheCatalogue(t *testing.T) {
	seen := map[string]bool{}
	for _, id := range Rules() {
		if catalogue.Default().Rule(id) == nil {
			t.Errorf("the catalogue lacks %s", id)
		}
		if seen[id] {
			t.Errorf("%s is listed twice", id)
		}
		seen[id] = true
	}
	if len(seen) < 20 {
		t.Errorf("only %d rules", len(seen))
	}
}
