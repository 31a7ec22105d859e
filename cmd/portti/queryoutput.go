package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"portti/cda"
	"portti/cda/frame"
)

// foundDocument is the JSON output of query: one line for each document.
type foundDocument struct {
	ID           string   `json:"id"`
	SetID        string   `json:"setId"`
	Version      int      `json:"version"`
	Status       string   `json:"status"`
	Controller   string   `json:"controller"`
	Register     string   `json:"register"`
	Group        string   `json:"group,omitempty"`
	Type         string   `json:"type,omitempty"`
	Effective    string   `json:"effective"`
	Case         string   `json:"case,omitempty"`
	Relationship string   `json:"relationship,omitempty"`
	Unit         string   `json:"unit,omitempty"`
	Task         string   `json:"task,omitempty"`
	Clients      []string `json:"clients,omitempty"`
	Bytes        int      `json:"bytes,omitempty"`
	Files        []string `json:"files,omitempty"`
}

// foundAnswer is its last line: how the query was answered.
type foundAnswer struct {
	Verdict   string       `json:"verdict"`
	Outcome   string       `json:"outcome,omitempty"`
	Total     *int         `json:"total,omitempty"`
	Current   int          `json:"current"`
	Remaining int          `json:"remaining"`
	Fault     string       `json:"fault,omitempty"`
	Details   []sentDetail `json:"details"`
}

// printFound prints a part of an answer and saves its documents. first is the number
// of its first document.
func (m *Main) printFound(a *answer, o *queryOptions, first int) error {
	if a.found == nil {
		return m.printAnswer(m.Stdout, o.to, a)
	}
	for i := range a.found.Documents {
		d := &a.found.Documents[i]
		f := described(d)
		if err := m.saveFound(d, &f, o.save); err != nil {
			return err
		}
		if m.config.Format == "json" {
			if err := m.printJSON(f); err != nil {
				return err
			}
			continue
		}
		m.printDescribed(first+i, &f)
	}
	return m.printOutcome(a.found)
}

func (m *Main) printOutcome(r *frame.Received) error {
	if m.config.Format == "json" {
		out := foundAnswer{Verdict: string(r.Code), Outcome: string(r.Outcome), Current: r.Current, Remaining: r.Remaining, Details: details(r.Details)}
		if r.Total >= 0 {
			out.Total = &r.Total
		}
		return m.printJSON(out)
	}
	total := "more"
	if r.Total >= 0 {
		total = fmt.Sprint(r.Total)
	}
	fmt.Fprintf(m.Stdout, "%s %s: %d of %s, %d remain\n", r.Code, r.Outcome, r.Current, total, r.Remaining)
	for _, d := range r.Details {
		fmt.Fprintf(m.Stdout, "    %s %s %s\n", d.Severity, d.Rule, d.Text)
		for _, l := range d.Location {
			fmt.Fprintf(m.Stdout, "        at %s\n", l)
		}
	}
	return nil
}

func (m *Main) printDescribed(n int, f *foundDocument) {
	fmt.Fprintf(m.Stdout, "%d %s version %d %s\n", n, f.ID, f.Version, strings.ToLower(f.Status))
	fmt.Fprintf(m.Stdout, "    group %s, type %s, written %s, controller %s, register %s\n", f.Group, f.Type, f.Effective, f.Controller, f.Register)
	if f.Case != "" {
		fmt.Fprintf(m.Stdout, "    case %s\n", f.Case)
	}
	for _, name := range f.Files {
		fmt.Fprintf(m.Stdout, "    saved %s\n", name)
	}
}

func described(d *frame.ReceivedDocument) foundDocument {
	f := foundDocument{
		ID: d.ID.Root, SetID: d.SetID.Root, Version: d.Version.Value, Status: d.Status.Code, Controller: d.Custodian.ID.Root,
		Register: d.Register.Code, Group: d.Local.DocumentGroup.Code, Type: d.Local.SpecificType.Code, Effective: d.EffectiveTime.Raw,
		Case: d.Encounter.ID.Root, Relationship: d.Local.ClientRelationship.Root, Task: d.Local.Function().Code,
		Unit: d.Encounter.Location.ID.Root,
	}
	for _, c := range d.Clients {
		f.Clients = append(f.Clients, clientText(c))
	}
	return f
}

func clientText(c cda.Client) string {
	return strings.TrimSpace(c.ID.Extension + " " + c.Name.Full())
}

// saveFound unpacks a document and writes it where the user wants it.
func (m *Main) saveFound(d *frame.ReceivedDocument, f *foundDocument, dir string) error {
	p, _ := d.Package()
	if p == nil {
		return nil
	}
	f.Bytes = len(p.DocumentBytes())
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return system(err, "")
	}
	write := func(name string, b []byte) error {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, b, 0o600); err != nil {
			return system(err, "")
		}
		f.Files = append(f.Files, name)
		return nil
	}
	if err := write(safeName(d.ID.Root)+".xml", p.DocumentBytes()); err != nil {
		return err
	}
	for i, a := range p.Attachments {
		if err := write(fmt.Sprintf("%s.%d.%s", safeName(d.ID.Root), i+1, safeName(a.ContentID)), a.Bytes); err != nil {
			return err
		}
	}
	return nil
}

// safeName keeps of a name from outside what is harmless in a file's name.
func safeName(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '_'
	}, s)
}
