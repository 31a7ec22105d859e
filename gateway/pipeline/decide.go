package pipeline

import (
	"maps"
	"slices"
	"strconv"

	"portti/cda/rules/catalogue"
	"portti/internal/finding"
)

// Decision is what the findings of a document come to.
type Decision uint8

// The decisions.
const (
	Accept Decision = iota
	AcceptWithWarnings
	Reject
)

// String gives the word of the JSON output (design/cli).
func (d Decision) String() string {
	return [...]string{"accepted", "accepted-with-warnings", "rejected"}[d]
}

// Decide is the decision over findings in a profile: an error rejects. more
// counts findings by rule that were not kept; they decide as well.
func Decide(findings []finding.Finding, more map[string]int, p catalogue.Profile) Decision {
	d := Accept
	for i, f := range findings {
		if d == Reject {
			return d // nothing comes to more
		}
		if i > 0 && f.Rule == findings[i-1].Rule {
			continue // a thousand faults are mostly of one rule
		}
		d = max(d, weight(f.Rule, p))
	}
	for id := range more {
		d = max(d, weight(id, p))
	}
	return d
}

// weight is what one finding of a rule comes to. A rule that the catalogue does
// not know (a fault of ours) rejects.
func weight(id string, p catalogue.Profile) Decision {
	r := catalogue.Default().Rule(id)
	if r == nil {
		return Reject
	}
	switch r.Severity.In(p) {
	case finding.Error:
		return Reject
	case finding.Warning:
		return AcceptWithWarnings
	default:
		return Accept
	}
}

// Retry tells that what rejects may be different next time, by no fault of the
// sender: each of the findings that reject says so in the catalogue (a responder
// that does not answer, say).
func Retry(findings []finding.Finding, p catalogue.Profile) bool {
	rejects := 0
	for _, f := range findings {
		if weight(f.Rule, p) != Reject {
			continue
		}
		if r := catalogue.Default().Rule(f.Rule); r == nil || !r.Retry {
			return false
		}
		rejects++
	}
	return rejects > 0
}

// withMore gives the findings with one more for each rule that was counted only.
func withMore(findings []finding.Finding, more map[string]int) []finding.Finding {
	if len(more) == 0 {
		return findings
	}
	out := slices.Clip(findings)
	for _, id := range slices.Sorted(maps.Keys(more)) {
		out = append(out, finding.Finding{Rule: RuleMore, Params: []finding.Param{
			finding.P("rule", id), finding.P("count", strconv.Itoa(more[id])),
		}})
	}
	return out
}
