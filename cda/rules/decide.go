package rules

import (
	"portti/cda/rules/catalogue"
	"portti/internal/finding"
)

// Verdict is what findings come to.
type Verdict string

// The verdicts, as JSON output writes them.
const (
	Accepted             Verdict = "accepted"
	AcceptedWithWarnings Verdict = "accepted-with-warnings"
	Rejected             Verdict = "rejected"
)

// Decide gives the verdict of resolved findings: an error rejects, a warning
// accepts with warnings, remarks do nothing. The profile is in the severities.
func Decide(findings []catalogue.Resolved) Verdict {
	v := Accepted
	for i := range findings {
		switch findings[i].Severity {
		case finding.Error:
			return Rejected
		case finding.Warning:
			v = AcceptedWithWarnings
		}
	}
	return v
}

// Retry tells whether the sender of a rejected message may send it again
// unchanged: every error must allow it.
func Retry(findings []catalogue.Resolved) bool {
	errors := 0
	for i := range findings {
		if findings[i].Severity == finding.Error {
			if !findings[i].Retry {
				return false
			}
			errors++
		}
	}
	return errors > 0
}
