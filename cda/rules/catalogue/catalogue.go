// Package catalogue is the error catalogue: every rule that a finding can name,
// with its texts in Finnish, Swedish and English, its severity by profile, the
// requirement it serves and its source.
//
// The rules are data: YAML files in data/, one for each area, embedded. A rule's
// id never changes. Load checks them all; a rule without texts in three
// languages, a requirement or a source does not load.
package catalogue

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"portti/internal/finding"

	"go.yaml.in/yaml/v3"
)

//go:embed data/*.yaml
var dataFS embed.FS

// Lang is a language of texts: "fi", "sv" or "en".
type Lang string

// The languages of texts.
const (
	Finnish Lang = "fi"
	Swedish Lang = "sv"
	English Lang = "en"
)

// Langs lists the languages that every text exists in.
var Langs = []Lang{Finnish, Swedish, English}

// Text is one text in every language. Parameters stand in braces: {name}.
type Text map[Lang]string

// In gives the text in lang, English where lang is unknown.
func (t Text) In(lang Lang) string {
	if s, ok := t[lang]; ok {
		return s
	}
	return t[English]
}

// Profile names a set of severities.
type Profile string

// The profiles: Strict takes only forms seen in real social-welfare messages and
// local assumptions not switched off, Lenient also health and legacy forms.
const (
	Strict  Profile = "strict"
	Lenient Profile = "lenient"
)

// Severities gives a rule's severity in each profile. In YAML: one word for
// both, or a map.
type Severities struct{ Strict, Lenient finding.Severity }

// UnmarshalYAML reads "error" or {strict: error, lenient: warning}.
func (s *Severities) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		if err := s.Strict.UnmarshalText([]byte(n.Value)); err != nil {
			return err
		}
		s.Lenient = s.Strict
		return nil
	}
	var m struct{ Strict, Lenient finding.Severity }
	if err := n.Decode(&m); err != nil {
		return err
	}
	s.Strict, s.Lenient = m.Strict, m.Lenient
	return nil
}

// In gives the severity in profile p.
func (s Severities) In(p Profile) finding.Severity {
	if p == Lenient {
		return s.Lenient
	}
	return s.Strict
}

// Rule is one entry of the catalogue.
type Rule struct {
	ID       string        `yaml:"id"`
	Stage    finding.Stage `yaml:"stage"`
	Severity Severities    `yaml:"severity"`
	Title    Text          `yaml:"title"`
	Text     Text          `yaml:"text"`
	Hint     Text          `yaml:"hint"`
	// Requirements are ids of requirements.md, such as SIG-4.
	Requirements []string `yaml:"requirement"`
	// Reference is the paragraph that the rule rests on.
	Reference string `yaml:"reference"`
	// Certainty is V (seen), C (computed), I (inferred), G (general standard) or
	// local (a local assumption that a user may change or switch off).
	Certainty string `yaml:"certainty"`
	// PublicValue tells that the field's value is not personal and may be shown.
	PublicValue bool `yaml:"public_value"`
	// Retry tells that the sender may try again unchanged.
	Retry bool `yaml:"retry"`
	// Code is the national error code (1.2.246.537.5.40112.2006) where known.
	Code string `yaml:"code"`
	// Wrong and Right are short examples.
	Wrong string `yaml:"wrong"`
	Right string `yaml:"right"`
}

// Catalogue is the loaded set of rules. It is read-only and safe for concurrent use.
type Catalogue struct {
	rules map[string]*Rule
	ids   []string
}

// Default gives the embedded catalogue; it panics if the embedded data are
// broken, which a test excludes.
var Default = sync.OnceValue(func() *Catalogue {
	c, err := load(dataFS)
	if err != nil {
		panic(err)
	}
	return c
})

func load(fsys fs.FS) (*Catalogue, error) {
	c := &Catalogue{rules: make(map[string]*Rule)}
	files, err := fs.Glob(fsys, "data/*.yaml")
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		if err := c.loadFile(fsys, name); err != nil {
			return nil, fmt.Errorf("catalogue: %s: %w", name, err)
		}
	}
	c.ids = slices.Sorted(maps.Keys(c.rules))
	return c, nil
}

func (c *Catalogue) loadFile(fsys fs.FS, name string) error {
	b, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	var rules []*Rule
	dec := yaml.NewDecoder(strings.NewReader(string(b)))
	dec.KnownFields(true)
	if err := dec.Decode(&rules); err != nil {
		return err
	}
	for _, r := range rules {
		if err := r.check(); err != nil {
			return fmt.Errorf("rule %q: %w", r.ID, err)
		}
		if c.rules[r.ID] != nil {
			return fmt.Errorf("rule %q stands twice", r.ID)
		}
		c.rules[r.ID] = r
	}
	return nil
}

func (r *Rule) check() error {
	if r.ID == "" || r.Stage == "" {
		return fmt.Errorf("id or stage is missing")
	}
	for _, t := range []struct {
		name string
		text Text
	}{{"title", r.Title}, {"text", r.Text}, {"hint", r.Hint}} {
		for _, l := range Langs {
			if strings.TrimSpace(t.text[l]) == "" {
				return fmt.Errorf("%s lacks %s", t.name, l)
			}
		}
	}
	if len(r.Requirements) == 0 || r.Reference == "" || r.Certainty == "" {
		return fmt.Errorf("requirement, reference or certainty is missing")
	}
	return nil
}

// Rule gives the rule with that id, or nil.
func (c *Catalogue) Rule(id string) *Rule { return c.rules[id] }

// IDs gives all rule ids, sorted. The caller must not change the slice.
func (c *Catalogue) IDs() []string { return c.ids }

// Resolved is a finding with everything that people and machines are told: the
// form of JSON output.
type Resolved struct {
	Rule        string           `json:"rule"`
	Severity    finding.Severity `json:"severity"`
	Stage       finding.Stage    `json:"stage"`
	Source      finding.Source   `json:"source,omitempty"`
	Line        int              `json:"line,omitempty"`
	Column      int              `json:"column,omitempty"`
	XPath       string           `json:"xpath,omitempty"`
	Value       string           `json:"value,omitempty"`
	Message     string           `json:"message"`
	Hint        string           `json:"hint,omitempty"`
	Requirement []string         `json:"requirement,omitempty"`
	Reference   string           `json:"reference,omitempty"`
	Code        string           `json:"code,omitempty"`
	Retry       bool             `json:"retry"`
}

// Resolve turns a finding into what is told, in profile p and language lang. A
// rule that the catalogue lacks (a programming error that a test excludes) is
// told as an error with its bare id.
func (c *Catalogue) Resolve(f finding.Finding, p Profile, lang Lang) Resolved {
	out := Resolved{Rule: f.Rule, Source: f.Source, Line: f.Line, Column: f.Column, XPath: f.XPath}
	r := c.rules[f.Rule]
	if r == nil {
		out.Severity, out.Message = finding.Error, f.Rule
		return out
	}
	out.Severity, out.Stage = r.Severity.In(p), r.Stage
	out.Value = shown(f.Value, r.PublicValue, lang)
	params := inWords(f.Params, lang)
	out.Message = fill(r.Text.In(lang), params, out.Value)
	out.Hint = fill(r.Hint.In(lang), params, out.Value)
	out.Requirement, out.Reference = r.Requirements, r.Reference
	out.Code, out.Retry = r.Code, r.Retry
	return out
}

// shown gives a public value (shortened to 200 code points), and of a personal
// one only its kind and length.
func shown(v string, public bool, lang Lang) string {
	switch {
	case v == "":
		return ""
	case public && utf8.RuneCountInString(v) <= 200:
		return v
	case public:
		return string([]rune(v)[:200]) + "…"
	default:
		return "(" + faults()[kind(v)].In(lang) + ", " + strconv.Itoa(utf8.RuneCountInString(v)) + ")"
	}
}

// kind tells of what signs a value consists, by the table's words: only digits, only
// others, or both.
func kind(v string) string {
	digits, letters := 0, 0
	for _, r := range v {
		if r >= '0' && r <= '9' {
			digits++
		} else {
			letters++
		}
	}
	switch {
	case letters == 0:
		return "all digits"
	case digits == 0:
		return "no digits"
	default:
		return "digits and others"
	}
}

// fill puts parameters into a text's braces; {value} is the value as shown.
func fill(text string, params []finding.Param, value string) string {
	if !strings.Contains(text, "{") {
		return text
	}
	pairs := make([]string, 0, 2*len(params)+2)
	for _, p := range params {
		pairs = append(pairs, "{"+p.Name+"}", p.Value)
	}
	return strings.NewReplacer(append(pairs, "{value}", value)...).Replace(text)
}
