package logs

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"portti/cda"
	"portti/cda/rules/catalogue"
	"portti/store"

	"go.yaml.in/yaml/v3"
)

//go:embed data/rules.yaml
var shippedRules []byte

// Rule is a rule of active monitoring (LOG-6); see data/rules.yaml.
type Rule struct {
	ID        string         `yaml:"id" json:"id"`
	Kind      string         `yaml:"kind" json:"kind"`
	Actions   []string       `yaml:"actions,omitempty" json:"actions,omitempty"`
	Threshold int            `yaml:"threshold" json:"threshold"`
	Per       string         `yaml:"per,omitempty" json:"per,omitempty"`
	Hours     Hours          `yaml:"hours,omitempty" json:"hours,omitzero"`
	Days      []string       `yaml:"days,omitempty" json:"days,omitempty"`
	Title     catalogue.Text `yaml:"title" json:"title"`
	Source    string         `yaml:"source" json:"source"`
	Off       bool           `yaml:"off,omitempty" json:"off,omitempty"`
}

// Hours are the usual hours: from inclusive, until exclusive.
type Hours struct {
	From  int `yaml:"from" json:"from"`
	Until int `yaml:"until" json:"until"`
}

// kinds tell whether an entry is one that a rule looks for.
var kinds = map[string]func(r *Rule, e *watched) bool{
	"own-data":       func(_ *Rule, e *watched) bool { return e.Client != "" && strings.EqualFold(e.User, e.Client) },
	"same-family":    func(_ *Rule, e *watched) bool { return e.sameFamily() },
	"same-address":   func(_ *Rule, e *watched) bool { return same(e.detail.UserAddress, e.detail.ClientAddress) },
	"special-reason": func(_ *Rule, e *watched) bool { return e.detail.SpecialReason != "" },
	"without-case": func(_ *Rule, e *watched) bool {
		return e.DocumentID != "" && e.detail.Case == "" && e.detail.SpecialReason == "" && e.Refused == ""
	},
	"hours":   func(r *Rule, e *watched) bool { return r.unusual(e.At.In(cda.Helsinki())) },
	"entries": func(*Rule, *watched) bool { return true },
	"clients": func(_ *Rule, e *watched) bool { return e.Client != "" },
	"refused": func(_ *Rule, e *watched) bool { return e.Refused != "" },
}

// watched is an entry with its detail.
type watched struct {
	store.UsageEntry
	detail Detail
}

// sameFamily compares the last words of the two names: family names stand last.
func (e *watched) sameFamily() bool {
	return same(lastWord(e.UserName), lastWord(e.detail.ClientName))
}

func lastWord(s string) string {
	ws := strings.Fields(s)
	if len(ws) == 0 {
		return ""
	}
	return ws[len(ws)-1]
}

func same(a, b string) bool {
	return a != "" && strings.EqualFold(strings.Join(strings.Fields(a), " "), strings.Join(strings.Fields(b), " "))
}

func (r *Rule) unusual(t time.Time) bool {
	if slices.Contains(r.Days, strings.ToLower(t.Weekday().String())) {
		return true
	}
	return t.Hour() < r.Hours.From || t.Hour() >= r.Hours.Until
}

// Rules gives the shipped rules with those of a file (nil for none) in their place.
func Rules(file []byte) ([]Rule, error) {
	rs, err := parseRules(shippedRules)
	if err != nil {
		return nil, err
	}
	own, err := parseRules(file)
	if err != nil {
		return nil, err
	}
	for _, r := range own {
		if i := slices.IndexFunc(rs, func(x Rule) bool { return x.ID == r.ID }); i >= 0 {
			rs[i] = r
		} else {
			rs = append(rs, r)
		}
	}
	return slices.DeleteFunc(rs, func(r Rule) bool { return r.Off }), nil
}

// WriteRules gives rules as a file that Rules reads.
func WriteRules(rs []Rule) ([]byte, error) {
	return yaml.Marshal(map[string][]Rule{"rules": rs})
}

func parseRules(b []byte) ([]Rule, error) {
	var f struct {
		Rules []Rule `yaml:"rules"`
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	if err := dec.Decode(&f); err != nil && len(bytes.TrimSpace(b)) > 0 {
		return nil, fmt.Errorf("logs: rules: %w", err)
	}
	for _, r := range f.Rules {
		switch {
		case r.ID == "" || kinds[r.Kind] == nil && !r.Off:
			return nil, fmt.Errorf("logs: rule %q: unknown kind %q, use one of %s", r.ID, r.Kind, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
		case r.Threshold < 1 && !r.Off:
			return nil, fmt.Errorf("logs: rule %q: threshold must be 1 or more", r.ID)
		case r.Per != "" && r.Per != "day":
			return nil, fmt.Errorf("logs: rule %q: per is day or left out", r.ID)
		}
	}
	return f.Rules, nil
}

// Sighting is unusual use by one user under one rule.
type Sighting struct {
	Rule     string `json:"rule"`
	User     string `json:"user"`
	UserName string `json:"userName,omitempty"`
	// Day is the day where the rule counts by days.
	Day string `json:"day,omitempty"`
	// Count is what reached the threshold.
	Count int `json:"count"`
	// First and Last are the times of the entries, Entries the numbers of the first of them.
	First   string  `json:"first"`
	Last    string  `json:"last"`
	Entries []int64 `json:"entries"`
}

// examples is how many entries a sighting names.
const examples = 20

// Report is what the rules saw.
type Report struct {
	Controller string     `json:"controller"`
	From       string     `json:"from,omitempty"`
	Until      string     `json:"until,omitempty"`
	Entries    int        `json:"entries"`
	Rules      []Rule     `json:"rules"`
	Sightings  []Sighting `json:"sightings"`
	// NotTold counts, by rule, the entries that do not tell what the rule compares:
	// the rule says nothing of them.
	NotTold map[string]int `json:"notTold,omitempty"`
}

// Watch looks through a controller's usage log of a period. The look is logged
// before it begins.
func Watch(ctx context.Context, a Archive, controller string, rules []Rule, from, until time.Time, by store.Actor, now time.Time) (*Report, error) {
	if controller == "" || by.ID == "" || by.Name == "" {
		return nil, ErrWho
	}
	if until.IsZero() || until.After(now) {
		until = now
	}
	ids := make([]string, len(rules))
	for i := range rules {
		ids[i] = rules[i].ID
	}
	d, err := json.Marshal(told{Log: store.UsageLog, From: moment(from), Until: moment(until), Rules: ids})
	if err != nil {
		return nil, err
	}
	err = a.Log(ctx, store.Entries{Usage: []store.Usage{{At: now, DataController: controller, LogController: controller, User: by.ID, UserName: by.Name,
		System: "portti", Action: ActionReport, Purpose: "supervision", Detail: d}}})
	if err != nil {
		return nil, err
	}
	w := &watch{rules: rules, seen: map[tally]*count{}, out: &Report{Controller: controller, From: moment(from), Until: moment(until), Rules: rules, NotTold: map[string]int{}}}
	sc := store.Scope{Controllers: []string{controller}, Purpose: "supervision"}
	f := store.LogFilter{From: from, Until: until}
	err = pages(func(next string) (store.LogPage[store.UsageEntry], error) {
		return a.SearchUsage(ctx, sc, f, page, next)
	}, w.entry)
	if err != nil {
		return nil, err
	}
	return w.report(), nil
}

// tally is what a rule counts by.
type tally struct{ rule, user, day string }

type count struct {
	Sighting
	clients map[string]bool
}

type watch struct {
	rules []Rule
	seen  map[tally]*count
	out   *Report
}

// own are the actions of the logs themselves, which rules leave out unless they name them.
var own = []string{ActionSupply, ActionReport, ActionProve}

func (w *watch) entry(e store.UsageEntry) error {
	w.out.Entries++
	x := &watched{e, ReadDetail(e.Detail)}
	for i := range w.rules {
		r := &w.rules[i]
		if len(r.Actions) > 0 && !slices.Contains(r.Actions, e.Action) || len(r.Actions) == 0 && slices.Contains(own, e.Action) {
			continue
		}
		if r.Kind == "same-address" && (x.detail.UserAddress == "" || x.detail.ClientAddress == "") || r.Kind == "same-family" && x.detail.ClientName == "" {
			w.out.NotTold[r.ID]++
			continue
		}
		if kinds[r.Kind](r, x) {
			w.count(r, x)
		}
	}
	return nil
}

func (w *watch) count(r *Rule, e *watched) {
	k := tally{rule: r.ID, user: e.User}
	if r.Per == "day" {
		k.day = e.At.In(cda.Helsinki()).Format(time.DateOnly)
	}
	c := w.seen[k]
	if c == nil {
		c = &count{Sighting: Sighting{Rule: r.ID, User: e.User, UserName: e.UserName, Day: k.day, Last: stamp(e.At)}, clients: map[string]bool{}}
		w.seen[k] = c
	}
	c.First = stamp(e.At) // entries come newest first
	if r.Kind == "clients" {
		if c.clients[e.Client] {
			return
		}
		c.clients[e.Client] = true
	}
	if c.Count++; len(c.Entries) < examples {
		c.Entries = append(c.Entries, e.Seq)
	}
}

func (w *watch) report() *Report {
	threshold := map[string]int{}
	order := map[string]int{}
	for i, r := range w.rules {
		threshold[r.ID], order[r.ID] = r.Threshold, i
	}
	for k, c := range w.seen {
		if c.Count >= threshold[k.rule] {
			w.out.Sightings = append(w.out.Sightings, c.Sighting)
		}
	}
	slices.SortFunc(w.out.Sightings, func(a, b Sighting) int {
		return cmp.Or(cmp.Compare(order[a.Rule], order[b.Rule]), cmp.Compare(b.Count, a.Count), cmp.Compare(a.User, b.User), cmp.Compare(a.Day, b.Day))
	})
	return w.out
}

// WriteText writes a report for people.
func (r *Report) WriteText(w io.Writer, lang catalogue.Lang) error {
	titles := map[string]string{}
	for i := range r.Rules {
		titles[r.Rules[i].ID] = r.Rules[i].Title.In(lang)
	}
	fmt.Fprintf(w, "%s: %d entries, %d sightings\n", r.Controller, r.Entries, len(r.Sightings))
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range r.Sightings {
		fmt.Fprintln(tw, strings.Map(printableTab, fmt.Sprintf("%s\t%s\t%s %s\t%s\t%d\t%s – %s\t%v", s.Rule, titles[s.Rule], s.User, s.UserName, s.Day, s.Count, s.First, s.Last, s.Entries)))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(r.NotTold)) {
		fmt.Fprintf(w, "%s: says nothing of %d entries, which do not tell what it compares\n", id, r.NotTold[id])
	}
	return nil
}

func printableTab(r rune) rune {
	if r == '\t' {
		return r
	}
	return printable(r)
}
