package cases

import (
	"errors"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"

	"portti/cda/rules/catalogue"
)

// give puts a case's preconditions before its steps: relationships (asiakkuus) of
// its clients and the case (asia) that they share.
func (s *Set) give(c *Case) {
	if c.Mode != Client && needsCase(c.Steps) && !sends(c.Steps, "case") {
		for _, g := range []string{"relationship", "case"} {
			if !slices.Contains(c.Given, g) {
				c.Given = append(c.Given, g)
			}
		}
	}
	var setup []Step
	for _, g := range []string{"relationship", "case"} {
		if !slices.Contains(c.Given, g) {
			continue
		}
		switch g {
		case "relationship":
			for _, name := range c.clientNames() {
				setup = append(setup, Step{Do: "send", As: "relationship-" + name, Kind: "relationship", Clients: []string{name}})
			}
		case "case":
			setup = append(setup, Step{Do: "send", As: "case", Kind: "case", Clients: c.clientNames()})
		}
	}
	for i := range setup {
		setup[i].Setup, setup[i].Expect = true, Expect{Answer: "accepted"}
	}
	c.Steps = append(setup, c.Steps...)
	c.markPreconditions()
}

// storing are the areas whose cases test that sound documents are taken.
var storing = []string{"store", "clients", "transport"}

// markPreconditions marks, besides what was given, the messages at a case's beginning
// that only make what it is about: sound documents that must be taken, which have cases
// of their own. In a case that asks, all that is archived before the first question is.
func (c *Case) markPreconditions() {
	if c.Mode == Client || slices.Contains(storing, c.Area) {
		return
	}
	asks := slices.ContainsFunc(c.Steps, Step.asks)
	for i := range len(c.Steps) - 1 {
		x := &c.Steps[i]
		if !x.Setup && !(x.taken() && (asks || x.sound())) {
			return
		}
		x.Setup = true
	}
}

// asks tells of a step that looks at what is archived.
func (x Step) asks() bool { return x.Do == "query" || x.Do == "log" }

// taken tells of a document that must be taken, and no more is expected.
func (x *Step) taken() bool {
	return x.Do == "send" && reflect.DeepEqual(x.Expect, Expect{Answer: "accepted"})
}

// sound tells of a first version that is sent as usual.
func (x *Step) sound() bool {
	d := x.Document
	d.Organisation = ""
	if d.Edit == "provider-unit" || d.Edit == "own-relationship" {
		d.Edit = ""
	}
	return x.Replaces == "" && x.Of == "" && reflect.DeepEqual(d, Document{}) && x.Frame == Frame{} && x.Transport == Transport{}
}

// inCase are the kinds of documents that belong to a case (DOC-6): an archive takes
// none of them before their client relationship and case.
var inCase = []string{"phase2-pdf", "phase2-xhtml", "phase2-structured", "plan", "decision", "note"}

// sends tells whether a case brings a kind of document by itself.
func sends(steps []Step, kind string) bool {
	return slices.ContainsFunc(steps, func(s Step) bool { return s.Kind == kind })
}

func needsCase(steps []Step) bool {
	return slices.ContainsFunc(steps, func(s Step) bool { return slices.Contains(inCase, s.Kind) || needsCase(s.Parts) })
}

func (c *Case) clientNames() []string {
	var out []string
	for n := range c.Clients {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// say tells a step by its words, where it has no text of its own.
func (s *Set) say(x *Step) {
	for i := range x.Parts {
		s.say(&x.Parts[i])
	}
	if x.Say != nil {
		return
	}
	x.Say = Text{}
	for _, l := range catalogue.Langs {
		x.Say[l] = s.tell(x, l)
	}
}

// tell is "archive a new version: plan; fault: …".
func (s *Set) tell(x *Step, l catalogue.Lang) string {
	act := x.Do
	switch {
	case x.Do == "send" && x.Nullify:
		act = "nullify"
	case x.Do == "send" && x.Replaces != "":
		act = "replace"
	case x.Do == "send" && x.Document.SameID:
		act = "same-id"
	case x.Do == "order":
		act = x.Order
	case x.Do == "query":
		act = "query-" + x.Query.For
	case x.Do == "log":
		act = "log-" + x.Log.Of
	case x.Do == "await":
		act = x.Await.act()
	}
	out := s.word("act", act, l)
	if x.Kind != "" {
		out += ": " + s.word("kind", x.Kind, l)
	}
	if x.Do == "http" {
		out += ": " + x.HTTP.Method + " " + x.HTTP.Path
	}
	var more []string
	for _, r := range x.Expect.Rules {
		more = append(more, s.word("rule", r, l))
	}
	for _, w := range []struct{ category, key string }{
		{"form", x.Document.Form}, {"form", x.Document.Style}, {"form", x.Frame.Form}, {"edit", x.Document.Edit}, {"break", x.Transport.Break},
		{"sort", x.Await.Client},
	} {
		if w.key != "" {
			more = append(more, s.word(w.category, w.key, l))
		}
	}
	if x.Transport.SOAP == "1.2" || x.Await.SOAP == "1.2" {
		more = append(more, "SOAP 1.2")
	}
	if x.Await.Attachment {
		more = append(more, s.word("await", "attachment", l))
	}
	if x.Await.Clients > 1 {
		more = append(more, fmt.Sprintf("%d %s", x.Await.Clients, s.word("await", "clients", l)))
	}
	if len(more) > 0 {
		out += " (" + strings.Join(more, "; ") + ")"
	}
	return out
}

// act is the word for what a client is asked to do.
func (w *Await) act() string {
	switch {
	case w.Query != "":
		return "query-" + w.Query
	case w.Same != "":
		return "again"
	case w.Other != "":
		return "await-other"
	case w.Version == "next":
		return "replace"
	case w.Version == "nullification":
		return "nullify"
	}
	return "send"
}

// failure tells what fails a case, from the answer that its last step wants.
func (s *Set) failure(c *Case) Text {
	key := "answer"
	if n := len(c.Steps); n > 0 {
		e := c.Steps[n-1].Expect
		switch {
		case c.Mode == Client:
			key = "client"
		case e.Like != "":
			key = "like"
		case len(e.Entries) > 0:
			key = "log"
		case e.Accepted != nil:
			key = "together"
		case s.words["failure"][e.Answer] != nil:
			key = e.Answer
		}
	}
	return s.words["failure"][key]
}

// acts are the words that Step.Do may hold, by mode.
var acts = map[Mode][]string{
	Archive: {"send", "order", "again", "together", "query", "http", "validate", "wsdl", "log", "control"},
	Client:  {"await"},
}

// check tells of a case that lacks what every case must have.
func (s *Set) check(c *Case) error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(c.ID+": "+format, args...)) }
	for _, t := range []Text{c.Title, c.Failure} {
		for _, l := range catalogue.Langs {
			if t[l] == "" || strings.ContainsAny(t[l], "{}") {
				bad("text in %s: %q", l, t[l])
			}
		}
	}
	if c.Control != "" && s.words["hook"][c.Control] == nil {
		bad("unknown control hook %q", c.Control)
	}
	if len(c.Profiles) == 0 || len(c.Requirements) == 0 || len(c.Steps) == 0 {
		bad("profiles, requirements and steps are required")
	}
	for _, p := range c.Profiles {
		if !slices.Contains(Profiles, p) {
			bad("unknown profile %q", p)
		}
	}
	for _, r := range c.Requirements {
		if !slices.Contains(catalogue.Requirements(), r) {
			bad("unknown requirement %q", r)
		}
	}
	s.checkSteps(c, bad)
	return errors.Join(errs...)
}

func (s *Set) checkSteps(c *Case, bad func(string, ...any)) {
	made := map[string]bool{}
	for i := range c.Steps {
		x := &c.Steps[i]
		if !slices.Contains(acts[c.Mode], x.Do) {
			bad("step %d: unknown act %q", i+1, x.Do)
		}
		if c.Mode == Archive && x.Do != "control" && x.Expect.empty() {
			bad("step %d expects nothing", i+1)
		}
		for _, name := range slices.Concat(x.Query.Documents, x.Query.Messages, x.Expect.Found, x.Expect.Served, x.Expect.Hidden, []string{x.Query.Series, x.Query.Continue}) {
			if name != "" && !made[name] {
				bad("step %d: no earlier step is named %q", i+1, name)
			}
		}
		for _, e := range x.Expect.Entries {
			for _, name := range []string{e.By, e.Document} {
				if name != "" && !made[name] {
					bad("step %d: no earlier step is named %q", i+1, name)
				}
			}
		}
		for _, name := range []string{x.Of, x.Replaces, x.Expect.Like, x.Await.Same, x.Await.Replaces, x.Await.Other} {
			if name != "" && !made[name] {
				bad("step %d: no earlier step is named %q", i+1, name)
			}
		}
		for _, r := range x.Expect.Rules {
			if catalogue.Default().Rule(r) == nil {
				bad("step %d: unknown rule %q", i+1, r)
			}
		}
		for _, n := range x.Clients {
			if c.Clients[n] == "" {
				bad("step %d: unknown client %q", i+1, n)
			}
		}
		made[x.As] = true
		for _, p := range x.Parts {
			made[p.As] = true
		}
	}
}

func (e Expect) empty() bool {
	return e.Answer == "" && e.Like == "" && e.Accepted == nil && e.Status == 0 && e.Contains == "" && e.Outcome == "" && len(e.Entries) == 0
}

// wants tells whether a selection takes a case.
func (w Selection) wants(c *Case) bool {
	mode := w.Mode
	if mode == "" {
		mode = Archive
	}
	return c.Mode == mode &&
		(w.Profile == "" || slices.Contains(c.Profiles, w.Profile)) &&
		(len(w.IDs) == 0 || matches(w.IDs, c.ID)) && !matches(w.Excluded, c.ID) &&
		(len(w.Tags) == 0 || slices.ContainsFunc(w.Tags, func(t string) bool { return t == c.Area || slices.Contains(c.Tags, t) }))
}

func matches(patterns []string, id string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, err := path.Match(strings.ToUpper(p), id)
		return err == nil && ok
	})
}

// Strays gives the ids of a selection that are no case's of its mode.
func (s *Set) Strays(w Selection) []string {
	return slices.DeleteFunc(slices.Concat(w.IDs, w.Excluded), func(id string) bool {
		return len(s.Select(Selection{Mode: w.Mode, IDs: []string{id}})) > 0
	})
}

// Count gives the number of messages of a case: parts sent together count each.
func (c *Case) Count() int {
	n := 0
	for _, x := range c.Steps {
		n += max(1, len(x.Parts))
	}
	return n
}
