// Package finding holds the one form in which every stage tells what is wrong
// with a message.
//
// A stage (envelope, frame, document, signature, rules, access, commit) returns
// findings and never panics. A Finding names a rule of the error catalogue, the
// place, and the parameters of the rule's text. It holds no text of its own and
// no severity: package cda/rules/catalogue resolves a Finding into a Resolved
// one with severity (by profile), title, message and hint in Finnish, Swedish
// and English. So every door tells the same thing in the same words.
package finding

import "slices"

// Severity tells what a finding does to the verdict.
type Severity uint8

// The severities, in rising order.
const (
	Info Severity = iota
	Warning
	Error
)

// String gives the name used in JSON and text output.
func (s Severity) String() string {
	switch s {
	case Error:
		return "error"
	case Warning:
		return "warning"
	default:
		return "info"
	}
}

// MarshalText makes a Severity a word in JSON and YAML.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word; anything unknown is an error severity, so that
// a slip in data can only make a rule stricter.
func (s *Severity) UnmarshalText(b []byte) error {
	switch string(b) {
	case "info":
		*s = Info
	case "warning":
		*s = Warning
	default:
		*s = Error
	}
	return nil
}

// Stage is the step of a message's way on which the finding was made.
type Stage string

// The stages, in the order of a message's way.
const (
	StageEnvelope  Stage = "envelope"
	StageFrame     Stage = "frame"
	StageDocument  Stage = "document"
	StageSignature Stage = "signature"
	StageRules     Stage = "rules"
	StageAccess    Stage = "access"
	StageCommit    Stage = "commit"
)

// Source is the part whose bytes line and column count in.
type Source string

// The sources. Line and column are 1-based, in code points, within the decoded
// part: the HTTP request, the frame (the same bytes as the request where it came
// over SOAP), the MIME package, the CDA document, its XHTML, JSON or PDF body,
// or an attachment.
const (
	SourceRequest    Source = "request"
	SourceFrame      Source = "frame"
	SourceMIME       Source = "mime"
	SourceDocument   Source = "document"
	SourceXHTML      Source = "xhtml"
	SourceJSON       Source = "json"
	SourcePDF        Source = "pdf"
	SourceAttachment Source = "attachment"
)

// Place is where a finding points. The zero Place means "no place": the thing as
// a whole.
type Place struct {
	Source Source
	// Line and Column are 1-based, in code points; 0 where there is none.
	Line, Column int
	// XPath is the path of the element or attribute ("/ClinicalDocument[1]/id[1]/@root"),
	// or the JSON pointer where Source is SourceJSON.
	XPath string
}

// Param is one named value of a rule's text ({name} in the catalogue). Its value
// must be public (codes, OIDs, element names, numbers, times): personal data goes
// nowhere but into Finding.Value, which the catalogue masks.
type Param struct{ Name, Value string }

// Finding is one fault or remark as a stage makes it.
type Finding struct {
	// Rule is the catalogue's id, such as "SIG-DIGEST-MISMATCH".
	Rule string
	Place
	// Value is the offending value as it stands in the message. The catalogue
	// shows it only for rules whose field is marked non-personal, else its kind
	// and length.
	Value  string
	Params []Param
}

// P makes a Param.
func P(name, value string) Param { return Param{name, value} }

// Limit is the greatest number of findings kept for one document.
const Limit = 1000

// List collects findings up to Limit and counts the rest by rule.
// The zero List is ready to use. It is not safe for concurrent use.
type List struct {
	items []Finding
	more  map[string]int
}

// Add appends findings.
func (l *List) Add(fs ...Finding) {
	l.items = slices.Grow(l.items, min(len(fs), Limit-len(l.items)))
	for _, f := range fs {
		if len(l.items) < Limit {
			l.items = append(l.items, f)
			continue
		}
		if l.more == nil {
			l.more = make(map[string]int)
		}
		l.more[f.Rule]++
	}
}

// Items gives what was kept, in the order of adding.
func (l *List) Items() []Finding { return l.items }

// More tells how many findings of each rule were counted but not kept.
func (l *List) More() map[string]int { return l.more }

// Full tells whether Limit is reached, so that a stage may stop looking for
// places (it must not stop deciding).
func (l *List) Full() bool { return len(l.items) >= Limit }
