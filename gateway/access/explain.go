package access

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"portti/cda/rules/catalogue"

	"go.yaml.in/yaml/v3"
)

//go:embed data/steps.yaml
var stepsYAML []byte

// question is one entry of data/steps.yaml.
type question struct {
	ID          string                    `yaml:"id"`
	Question    catalogue.Text            `yaml:"question"`
	Requirement []string                  `yaml:"requirement"`
	Law         string                    `yaml:"law"`
	Found       map[string]catalogue.Text `yaml:"found"`
}

var questions = sync.OnceValue(func() map[string]*question {
	var list []*question
	if err := yaml.Unmarshal(stepsYAML, &list); err != nil {
		panic(err) // embedded, and tested
	}
	out := make(map[string]*question, len(list))
	for _, q := range list {
		out[q.ID] = q
	}
	return out
})

// Explained is a step in words.
type Explained struct {
	Question    string   `json:"question"`
	Found       string   `json:"found"`
	Passed      bool     `json:"passed"`
	Rule        string   `json:"rule,omitempty"`
	Requirement []string `json:"requirement"`
	Law         string   `json:"law"`
}

// Explanation is a decision in words. It holds no personal data.
type Explanation struct {
	Outcome    Outcome     `json:"outcome"`
	Rule       string      `json:"rule,omitempty"`
	Title      string      `json:"title,omitempty"`
	Hint       string      `json:"hint,omitempty"`
	Ground     *Ground     `json:"ground,omitempty"`
	Steps      []Explained `json:"steps"`
	Remarks    []string    `json:"remarks,omitempty"`
	Suspicious bool        `json:"suspicious,omitempty"`
	Protected  bool        `json:"protected,omitempty"`
}

// Explain gives the decision in words of lang.
func (d *Decision) Explain(lang catalogue.Lang) Explanation {
	e := Explanation{Outcome: d.Outcome, Rule: d.Rule, Remarks: d.Remarks, Suspicious: d.Suspicious, Protected: d.Protected}
	if r := catalogue.Default().Rule(d.Rule); r != nil {
		e.Title, e.Hint = r.Title.In(lang), r.Hint.In(lang)
	}
	if d.Outcome == Given {
		e.Ground = &d.Ground
	}
	for _, s := range d.Steps {
		e.Steps = append(e.Steps, s.explain(lang))
	}
	return e
}

func (s *Step) explain(lang catalogue.Lang) Explained {
	x := Explained{Question: s.Question, Found: s.Found, Passed: s.Passed, Rule: s.Rule}
	q := questions()[s.Question]
	if q == nil {
		return x
	}
	x.Question, x.Requirement, x.Law = q.Question.In(lang), q.Requirement, q.Law
	value := s.Value
	if value == "" {
		value = "–"
	}
	x.Found = strings.ReplaceAll(q.Found[s.Found].In(lang), "{value}", value)
	return x
}

// outcomes in words.
var outcomeWords = map[Outcome]catalogue.Text{
	Given:   {catalogue.Finnish: "annetaan", catalogue.Swedish: "lämnas ut", catalogue.English: "given"},
	Hidden:  {catalogue.Finnish: "ei näytetä", catalogue.Swedish: "visas inte", catalogue.English: "hidden"},
	Refused: {catalogue.Finnish: "evätään", catalogue.Swedish: "nekas", catalogue.English: "refused"},
}

// Text gives the explanation as lines for people: each question, what was found,
// what it rests on, and the outcome.
func (d *Decision) Text(lang catalogue.Lang) string {
	var b strings.Builder
	e := d.Explain(lang)
	for i, s := range e.Steps {
		mark := "+"
		if !s.Passed {
			mark = "-"
		}
		fmt.Fprintf(&b, "%2d. %s\n    %s %s", i+1, s.Question, mark, s.Found)
		fmt.Fprintf(&b, "  [%s; %s]\n", strings.Join(s.Requirement, " "), s.Law)
		if s.Rule != "" {
			fmt.Fprintf(&b, "      %s\n", s.Rule)
		}
	}
	fmt.Fprintf(&b, "=> %s", outcomeWords[e.Outcome].In(lang))
	switch {
	case e.Ground != nil:
		fmt.Fprintf(&b, ": %s", e.Ground)
	case e.Title != "":
		fmt.Fprintf(&b, ": %s (%s)\n   %s", e.Title, e.Rule, e.Hint)
	}
	b.WriteByte('\n')
	return b.String()
}
