package store

import (
	"testing"

	"portti/cda/rules/catalogue"
	"portti/internal/finding"
)

func TestEveryRuleStandsInTheCatalogue(t *testing.T) {
	for _, id := range Rules {
		r := catalogue.Default().Rule(id)
		if r == nil {
			t.Errorf("%s is not in the catalogue", id)
			continue
		}
		if r.Stage != finding.StageCommit {
			t.Errorf("%s is of stage %s", id, r.Stage)
		}
		if r.Retry != (id == RuleBusy) {
			t.Errorf("%s: retry is %v", id, r.Retry)
		}
	}
}
