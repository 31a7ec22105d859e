// Package report holds what a run of the suite found, writes it as text, JSON,
// JUnit, HTML and CSV, signs it, verifies it and compares two.
//
// A signed report has a signature beside it (FILE.sig), whatever its format: Ed25519
// over the very bytes and what the signature tells of the run, made by a key whose public half stands in the signature file.
// Verify checks the bytes; whose key it is the reader decides (portti conformance
// verify-report --key).
package report

import (
	"time"

	"portti/conformance/cases"
)

// Text is a text in every language.
type Text = cases.Text

// Verdict is what became of a case or step.
type Verdict string

// The verdicts. Blocked is a case of which a precondition failed: what it tests was not
// reached, and nothing is said of it. Open and Skipped have not been judged: nobody came
// so far.
const (
	Passed    Verdict = "passed"
	Failed    Verdict = "failed"
	Blocked   Verdict = "blocked"
	NotJudged Verdict = "not-judged"
	Skipped   Verdict = "skipped"
	Open      Verdict = "open"
)

// Bad tells of a verdict that leaves a run without success: failed or blocked.
func (v Verdict) Bad() bool { return v == Failed || v == Blocked }

// Run is one run of the suite.
type Run struct {
	// Suite, Cases and Rules tell what was judged by: the program's version, the
	// version and digest of the cases, the digest of the rule catalogue.
	Suite string   `json:"suite"`
	Cases Versions `json:"cases"`
	Rules string   `json:"rules"`
	// Target is what was under test.
	Target  Target        `json:"target"`
	Mode    cases.Mode    `json:"mode"`
	Profile cases.Profile `json:"profile,omitempty"`
	Trial   string        `json:"trial,omitempty"`
	Started time.Time     `json:"started"`
	Ended   time.Time     `json:"ended"`
	Results []Case        `json:"results"`
}

// Versions name a set of cases.
type Versions struct {
	Version string `json:"version"`
	Digest  string `json:"digest"`
}

// Target is the system under test.
type Target struct {
	URL string `json:"url,omitempty"`
	// Name is what its people call it, with its version; Server what it says of itself.
	Name   string `json:"name,omitempty"`
	Server string `json:"server,omitempty"`
	// Peer is the client certificate's organisation or the sender's device OID of an
	// observed system.
	Peer string `json:"peer,omitempty"`
}

// Case is a case's result.
type Case struct {
	ID           string          `json:"id"`
	Area         string          `json:"area"`
	Version      int             `json:"version"`
	Title        Text            `json:"title"`
	Phase        string          `json:"phase,omitempty"`
	Profiles     []cases.Profile `json:"profiles"`
	Requirements []string        `json:"requirements"`
	Verdict      Verdict         `json:"verdict"`
	Began        time.Time       `json:"began,omitzero"`
	Took         Duration        `json:"took_ms"`
	Steps        []Step          `json:"steps"`
}

// Step is a step's result.
type Step struct {
	Say Text `json:"say"`
	// Setup marks a precondition.
	Setup    bool      `json:"setup,omitempty"`
	Verdict  Verdict   `json:"verdict"`
	Expected string    `json:"expected,omitempty"`
	Got      string    `json:"got,omitempty"`
	Findings []Finding `json:"findings,omitempty"`
	Problems []Problem `json:"problems,omitempty"`
	Took     Duration  `json:"took_ms"`
	// Message and Answer are what was sent and what came back, kept for steps that
	// failed, without the package of the document. Test persons only are in them.
	Message string `json:"message,omitempty"`
	Answer  string `json:"answer,omitempty"`
}

// Finding is a detail of an answer.
type Finding struct {
	Rule     string `json:"rule,omitempty"`
	Severity string `json:"severity"`
	Text     string `json:"text"`
	Location string `json:"location,omitempty"`
}

// Problem is why a step failed.
type Problem struct {
	Key  string `json:"key"`
	Text Text   `json:"text"`
}

// Duration is a time in milliseconds.
type Duration float64

// Milliseconds makes one.
func Milliseconds(d time.Duration) Duration { return Duration(float64(d.Microseconds()) / 1000) }

// Counts are numbers of cases by verdict.
type Counts struct {
	Cases     int `json:"cases"`
	Steps     int `json:"steps"`
	Passed    int `json:"passed"`
	Failed    int `json:"failed"`
	Blocked   int `json:"blocked,omitempty"`
	NotJudged int `json:"not_judged"`
	Open      int `json:"open"`
}

// Count counts the cases of a run.
func (r *Run) Count() Counts {
	var n Counts
	for i := range r.Results {
		n.add(&r.Results[i])
	}
	return n
}

func (n *Counts) add(c *Case) {
	n.Cases++
	n.Steps += len(c.Steps)
	switch c.Verdict {
	case Passed:
		n.Passed++
	case Failed:
		n.Failed++
	case Blocked:
		n.Blocked++
	case NotJudged:
		n.NotJudged++
	default:
		n.Open++
	}
}

// OK tells that nothing failed, no precondition did, and nothing is open.
func (r *Run) OK() bool {
	n := r.Count()
	return n.Failed == 0 && n.Blocked == 0 && n.Open == 0
}

// Failed gives the ids of the cases that failed, or of which a precondition did.
func (r *Run) Failed() []string {
	var out []string
	for _, c := range r.Results {
		if c.Verdict.Bad() {
			out = append(out, c.ID)
		}
	}
	return out
}
