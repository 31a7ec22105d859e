package catalogue

import "portti/internal/finding"

// Entry is a rule as JSON tells it, with its texts in every language.
type Entry struct {
	Rule         string                       `json:"rule"`
	Area         string                       `json:"area"`
	Stage        finding.Stage                `json:"stage"`
	Severity     map[Profile]finding.Severity `json:"severity"`
	Title        Text                         `json:"title"`
	Text         Text                         `json:"text"`
	Hint         Text                         `json:"hint"`
	Requirements []string                     `json:"requirement"`
	Reference    string                       `json:"reference"`
	Certainty    string                       `json:"certainty"`
	// PublicValue tells that findings show the value.
	PublicValue bool   `json:"publicValue"`
	Retry       bool   `json:"retry"`
	Code        string `json:"code,omitempty"`
	Wrong       string `json:"wrong,omitempty"`
	Right       string `json:"right,omitempty"`
}

// Entry gives the rule's form for JSON.
func (r *Rule) Entry() Entry {
	return Entry{
		Rule: r.ID, Area: AreaOf(r.ID), Stage: r.Stage,
		Severity: map[Profile]finding.Severity{Strict: r.Severity.Strict, Lenient: r.Severity.Lenient},
		Title:    r.Title, Text: r.Text, Hint: r.Hint, Requirements: r.Requirements, Reference: r.Reference,
		Certainty: r.Certainty, PublicValue: r.PublicValue, Retry: r.Retry, Code: r.Code, Wrong: r.Wrong, Right: r.Right,
	}
}

// Certainties tell how a rule is known, by its letter (kanta-interface 0).
var Certainties = map[string]Text{
	"V":     {Finnish: "nähty oikeassa lähteessä", Swedish: "sett i en verklig källa", English: "seen in a real source"},
	"C":     {Finnish: "laskettu", Swedish: "beräknat", English: "computed"},
	"I":     {Finnish: "päätelty nähdystä", Swedish: "härlett ur det sedda", English: "inferred from what was seen"},
	"G":     {Finnish: "yleisestä standardista", Swedish: "ur en allmän standard", English: "from a general standard"},
	"local": {Finnish: "paikallinen oletus", Swedish: "lokalt antagande", English: "local assumption"},
}

// Local gives the rules that are local assumptions, sorted by id.
func (c *Catalogue) Local() []*Rule {
	var out []*Rule
	for _, id := range c.ids {
		if r := c.rules[id]; r.Certainty == "local" {
			out = append(out, r)
		}
	}
	return out
}
