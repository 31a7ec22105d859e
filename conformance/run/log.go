package run

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"portti/cda"
	"portti/conformance/cases"
	"portti/conformance/report"
)

// Line is an entry of a usage or disclosure log (LOG-1, LOG-2), as the hooks usage-log
// and disclosure-log supply them: a JSON object a line. portti log usage --as jsonl
// writes this form; other archives' exports are easily brought into it.
type Line struct {
	Time           string          `json:"time"`
	DataController string          `json:"dataController"`
	Client         string          `json:"client"`
	User           string          `json:"user"`
	UserName       string          `json:"userName"`
	Document       string          `json:"document"`
	Purpose        string          `json:"purpose"`
	Recipient      string          `json:"recipient"`
	Ground         string          `json:"ground"`
	Refused        string          `json:"refused"`
	Detail         json.RawMessage `json:"detail"`
	// raw is the whole object: it holds the id of the message that made the entry.
	raw []byte
}

// readLines reads what a hook supplied.
func readLines(b []byte) ([]Line, error) {
	var out []Line
	for l := range bytes.Lines(b) {
		if l = bytes.TrimSpace(l); len(l) == 0 {
			continue
		}
		x := Line{raw: l}
		if err := json.Unmarshal(l, &x); err != nil {
			return nil, fmt.Errorf("line %d: %w", len(out)+1, err)
		}
		out = append(out, x)
	}
	return out, nil
}

// log asks for an extract of a log and judges it.
func (r *Runner) log(ctx context.Context, s *scene, x *cases.Step) report.Step {
	st := report.Step{Say: x.Say, Verdict: report.Passed}
	name := x.Log.Of + "-log"
	hook := r.Hooks[name]
	if hook == nil {
		st.Verdict = report.NotJudged
		st.Problems = append(st.Problems, r.problem("no-hook", "want", name))
		return st
	}
	org := s.world.Organisations[0]
	if x.Log.Organisation != "" {
		org = s.world.Organisation(x.Log.Organisation)
	}
	began := time.Now()
	root, id := s.clients[cmp.Or(x.Log.Client, "c")].ID()
	b, err := hook(ctx, Asked{Client: cda.ID{Root: root, Extension: id}.PersonKey(), Organisation: org.OID})
	st.Took = report.Milliseconds(time.Since(began))
	if err != nil {
		r.fail(&st, "hook-failed", "want", name, "why", err.Error())
		st.Verdict = report.Blocked
		return st
	}
	lines, err := readLines(b)
	if err != nil {
		r.fail(&st, "log-unread", "why", err.Error())
		return st
	}
	st.Got = itoa(len(lines))
	for i := range x.Expect.Entries {
		r.entry(&st, s, x, &x.Expect.Entries[i], lines)
	}
	if st.Verdict == report.Failed {
		st.Answer = excerpt(b)
	}
	return st
}

// entry looks for one entry and judges what it tells.
func (r *Runner) entry(st *report.Step, s *scene, x *cases.Step, e *cases.Entry, lines []Line) {
	at := slices.IndexFunc(lines, func(l Line) bool { return l.fits(s, e) })
	switch {
	case at < 0 && !e.Absent:
		r.fail(st, "log-missing", "want", e.By)
	case at >= 0 && e.Absent:
		r.fail(st, "log-more", "got", e.By)
	case at >= 0:
		for _, f := range r.lacks(s, x, e, &lines[at]) {
			r.fail(st, "log-field", "want", f[0], "got", f[1])
		}
	}
}

// fits tells whether a line is the entry: made by the step's message, about the
// document, of a deed done or of an attempt refused.
func (l *Line) fits(s *scene, e *cases.Entry) bool {
	if !bytes.Contains(l.raw, []byte(s.made[e.By].id)) || (l.Refused != "") != e.Refused {
		return false
	}
	return e.Document == "" || bytes.Contains(l.raw, []byte(s.made[e.Document].doc.OID))
}

// clockless is how much an archive's clock may differ from the suite's.
const clockless = time.Hour

// lacks gives the fields of an entry that are missing or wrong, with their values.
func (r *Runner) lacks(s *scene, x *cases.Step, e *cases.Entry, l *Line) (out [][2]string) {
	by := s.made[e.By]
	demand := func(ok bool, field, value string) {
		if !ok {
			out = append(out, [2]string{field, cmp.Or(value, "–")})
		}
	}
	// named: the message itself tells the value.
	named := func(v string) bool { return v != "" && bytes.Contains(by.frame, []byte(`"`+v+`"`)) }
	_, client := s.clients[cmp.Or(x.Log.Client, "c")].ID()
	demand(l.Client == client, "client", l.Client)
	demand(named(l.User) && l.User != client, "user", l.User)
	demand(namesUser(by.frame, l.UserName), "userName", l.UserName)
	demand(l.Purpose != "", "purpose", l.Purpose)
	at, err := time.Parse(time.RFC3339, l.Time)
	demand(err == nil && at.Sub(r.Now()).Abs() <= clockless, "time", l.Time)
	if d := s.made[e.Document]; d != nil {
		demand(l.DataController == d.doc.Spec.Controller.OID, "dataController", l.DataController)
	}
	if x.Log.Of == "disclosure" {
		demand(named(l.Recipient), "recipient", l.Recipient)
		demand(l.Ground != "" || l.Refused != "", "ground", l.Ground)
	}
	return out
}

// namesUser tells whether every part of a name stands in the message as text.
func namesUser(frame []byte, name string) bool {
	parts := strings.Fields(name)
	return len(parts) > 1 && !slices.ContainsFunc(parts, func(p string) bool {
		return !bytes.Contains(frame, []byte(p))
	})
}
