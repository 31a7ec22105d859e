package retention

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"portti/store"

	"go.yaml.in/yaml/v3"
)

//go:embed data/annex.yaml
var annex []byte

// Rule is a line of the annex; see data/annex.yaml.
type Rule struct {
	ID        string   `yaml:"id"`
	Phases    []string `yaml:"phases"`
	Tasks     []string `yaml:"tasks"`
	Types     []string `yaml:"types"`
	Alone     bool     `yaml:"alone"`
	Start     string   `yaml:"start"`
	Years     int      `yaml:"years"`
	Earlier   int      `yaml:"earlier"`
	Name      string   `yaml:"name"`
	Certainty string   `yaml:"certainty"`
}

// Class is what a retention class of the header means.
type Class struct {
	Forever bool `yaml:"forever"`
	// Years from the document's own time.
	Years int `yaml:"years"`
}

// Policy is the rules in force. It is a store.RetentionPolicy, safe for concurrent use.
type Policy struct {
	Rules   []Rule           `yaml:"rules"`
	Classes map[string]Class `yaml:"classes"`
	hash    [sha256.Size]byte
}

// starts gives, for each word of "start", the day from which a period runs; false
// where it is not known.
var starts = map[string]func(r *Rule, f *store.RetentionFacts) (time.Time, bool){
	"case-closed": func(_ *Rule, f *store.RetentionFacts) (time.Time, bool) { return known(f.CaseClosed) },
	"last-case-closed": func(_ *Rule, f *store.RetentionFacts) (time.Time, bool) {
		day, ok := known(f.LastCaseClosed)
		for _, c := range f.Clients {
			if c.NeedEnded.IsZero() {
				return day, false
			}
			day = later(day, c.NeedEnded)
		}
		return day, ok && len(f.Clients) > 0
	},
	"death":        func(_ *Rule, f *store.RetentionFacts) (time.Time, bool) { return lastDeath(f) },
	"decision-end": func(_ *Rule, f *store.RetentionFacts) (time.Time, bool) { return known(f.DecisionEnd) },
	"effective":    func(_ *Rule, f *store.RetentionFacts) (time.Time, bool) { return known(f.Effective) },
}

// familyLaw is the start that has two periods.
const familyLaw = "family-law"

// The ages and years of family-law matters.
const (
	adult      = 18
	childYears = 120
)

func known(t time.Time) (time.Time, bool) { return t, !t.IsZero() }

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// lastDeath is the day on which the last of the clients died.
func lastDeath(f *store.RetentionFacts) (last time.Time, ok bool) {
	for _, c := range f.Clients {
		if c.Death.IsZero() {
			return last, false
		}
		last = later(last, c.Death)
	}
	return last, len(f.Clients) > 0
}

// Load gives the shipped annex with the rules of a file (nil for none) in their place.
func Load(file []byte) (*Policy, error) {
	p, err := parse(annex)
	if err != nil {
		return nil, err
	}
	own, err := parse(file)
	if err != nil {
		return nil, err
	}
	for _, r := range own.Rules {
		if i := slices.IndexFunc(p.Rules, func(x Rule) bool { return x.ID == r.ID }); i >= 0 {
			p.Rules[i] = r
		} else {
			p.Rules = append(p.Rules, r)
		}
	}
	maps.Copy(p.Classes, own.Classes)
	b, err := yaml.Marshal(p)
	if err != nil {
		return nil, err
	}
	p.hash = sha256.Sum256(b)
	return p, nil
}

func parse(b []byte) (*Policy, error) {
	p := &Policy{Classes: map[string]Class{}}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	if err := dec.Decode(p); err != nil && len(bytes.TrimSpace(b)) > 0 {
		return nil, fmt.Errorf("retention: rules: %w", err)
	}
	for i := range p.Rules {
		r := &p.Rules[i]
		switch {
		case r.ID == "" || r.Years < 1:
			return nil, fmt.Errorf("retention: rule %q lacks its id or years", r.ID)
		case starts[r.Start] == nil && r.Start != familyLaw:
			return nil, fmt.Errorf("retention: rule %q: unknown start %q, use one of %s, %s", r.ID, r.Start, strings.Join(slices.Sorted(maps.Keys(starts)), ", "), familyLaw)
		}
	}
	return p, nil
}

// Hash names the rules in force.
func (p *Policy) Hash() [sha256.Size]byte { return p.hash }

// Reason tells how it stands with a document's retention.
type Reason string

// The reasons.
const (
	Due          Reason = "due"           // the period has ended
	Runs         Reason = "runs"          // it has begun and not ended
	StartUnknown Reason = "start-unknown" // its start event is not known
	NoRule       Reason = "no-rule"       // no rule names the document's task or type
	Permanent    Reason = "permanent"     // its class says: kept permanently
	ClassUnknown Reason = "class-unknown" // its class is not in the rules
	Held         Reason = "held"          // a legal hold is in force
)

// Verdict is the retention of one document version.
type Verdict struct {
	Reason Reason
	// Rule is the rule that decides: the one that lasts longest, or the one whose
	// start is not known. Day is the first day on which the document may go.
	Rule string
	Day  time.Time
}

// Judge tells the retention of a document at a time.
func (p *Policy) Judge(f *store.RetentionFacts, now time.Time) Verdict {
	v := p.law(f)
	if v.Reason == Runs && !v.Day.After(now) {
		v.Reason = Due
	}
	v = p.class(f, v, now)
	if v.Reason == Due && len(f.Holds) > 0 {
		v.Reason = Held
	}
	return v
}

// law is the period by the annex.
func (p *Policy) law(f *store.RetentionFacts) Verdict {
	rules, all := p.applying(f)
	if len(rules) == 0 || !all {
		return Verdict{Reason: NoRule}
	}
	v := Verdict{Reason: Runs}
	for _, r := range rules {
		day, ok := r.end(f)
		if !ok {
			return Verdict{Reason: StartUnknown, Rule: r.ID}
		}
		if v.Rule == "" || day.After(v.Day) {
			v.Rule, v.Day = r.ID, day
		}
	}
	return v
}

// class holds a verdict against the document's retention class: the longer wins.
func (p *Policy) class(f *store.RetentionFacts, v Verdict, now time.Time) Verdict {
	if f.Class == "" {
		return v
	}
	c, ok := p.Classes[f.Class]
	switch {
	case !ok:
		return Verdict{Reason: ClassUnknown, Rule: v.Rule}
	case c.Forever:
		return Verdict{Reason: Permanent, Rule: v.Rule}
	}
	day := f.Effective.AddDate(c.Years, 0, 1)
	if day.After(v.Day) && (v.Reason == Due || v.Reason == Runs) {
		v.Day, v.Reason = day, Runs
		if !day.After(now) {
			v.Reason = Due
		}
	}
	return v
}

// applying gives the rules of a document, and whether every service task of it has one.
func (p *Policy) applying(f *store.RetentionFacts) (out []*Rule, all bool) {
	for i := range p.Rules {
		r := &p.Rules[i]
		if r.Alone && r.names(f) {
			return []*Rule{r}, true
		}
	}
	all = len(f.Tasks) > 0
	for _, task := range f.Tasks {
		i := slices.IndexFunc(p.Rules, func(r Rule) bool { return slices.Contains(r.Tasks, task) })
		if i < 0 {
			all = false
			continue
		}
		out = append(out, &p.Rules[i])
	}
	for i := range p.Rules {
		if r := &p.Rules[i]; !r.Alone && r.names(f) {
			out = append(out, r)
		}
	}
	return out, all
}

// names tells whether a rule names a document by its phase or type.
func (r *Rule) names(f *store.RetentionFacts) bool {
	return slices.Contains(r.Phases, f.Phase) || f.GeneralType != "" && slices.Contains(r.Types, f.GeneralType) ||
		f.SpecificType != "" && slices.Contains(r.Types, f.SpecificType)
}

// end gives the first day after the period; false where its start is not known.
func (r *Rule) end(f *store.RetentionFacts) (time.Time, bool) {
	if r.Earlier > 0 && !f.Next.IsZero() {
		return f.Next.AddDate(r.Earlier, 0, 1), true
	}
	years := r.Years
	if r.Start == familyLaw {
		return r.familyLaw(f)
	}
	day, ok := starts[r.Start](r, f)
	return day.AddDate(years, 0, 1), ok
}

// familyLaw: a matter is a child's where a client was a minor at the document's time.
func (r *Rule) familyLaw(f *store.RetentionFacts) (time.Time, bool) {
	var youngest time.Time
	for _, c := range f.Clients {
		if c.Birth.IsZero() {
			return time.Time{}, false // it may be a child's
		}
		if c.Birth.AddDate(adult, 0, 0).After(f.Effective) {
			youngest = later(youngest, c.Birth)
		}
	}
	if !youngest.IsZero() {
		return youngest.AddDate(childYears, 0, 1), true
	}
	return f.CaseClosed.AddDate(r.Years, 0, 1), !f.CaseClosed.IsZero() && len(f.Clients) > 0
}

// LastCase implements store.RetentionPolicy.
func (p *Policy) LastCase(tasks []string) bool {
	return slices.ContainsFunc(p.Rules, func(r Rule) bool {
		return r.Start == "last-case-closed" && slices.ContainsFunc(tasks, func(t string) bool { return slices.Contains(r.Tasks, t) })
	})
}

// Due implements store.RetentionPolicy.
func (p *Policy) Due(f *store.RetentionFacts) (time.Time, string) {
	v := p.Judge(f, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC))
	if v.Reason != Due && v.Reason != Held {
		return time.Time{}, v.Rule
	}
	return v.Day, v.Rule
}
