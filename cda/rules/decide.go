package rules

// Verdict is what findings come to. Package gateway/pipeline decides.
type Verdict string

// The verdicts, as JSON output writes them.
const (
	Accepted             Verdict = "accepted"
	AcceptedWithWarnings Verdict = "accepted-with-warnings"
	Rejected             Verdict = "rejected"
)
