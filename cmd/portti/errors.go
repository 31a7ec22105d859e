package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"portti/cda/rules"
	"portti/cda/rules/catalogue"

	"github.com/spf13/cobra"
)

func (m *Main) errorsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "errors [RULE|AREA]", Args: cobra.MaximumNArgs(1),
		Short: "the error catalogue; one entry in full",
		Long: "Lists every rule that a finding can name, those of one area (the first part of\n" +
			"a rule's id, such as SIG), or one rule in full. --assumptions lists what rests\n" +
			"on local assumptions and not on a source, with what --interactions and\n" +
			"--obligations put in their place.",
		Example: "  portti errors\n  portti errors --lang fi SIG-DIGEST-MISMATCH\n  portti errors --assumptions --format json",
		RunE: func(cmd *cobra.Command, args []string) error {
			assumptions := cmd.Flags().Changed("assumptions")
			book, err := m.book()
			if err != nil {
				return err
			}
			l := &errorLister{w: m.Stdout, lang: m.config.lang(), words: errorWords[m.config.lang()], json: m.config.Format == "json", main: m}
			switch {
			case m.config.Format != "text" && m.config.Format != "json":
				return usage(fmt.Errorf("the catalogue is not written as %s", m.config.Format), "use --format text or json")
			case assumptions && len(args) > 0:
				return usage(fmt.Errorf("--assumptions takes no rule"), "portti errors --assumptions")
			case assumptions:
				return l.assumptions(catalogue.Default().Local(), book.Assumptions())
			case len(args) > 0:
				return l.one(strings.ToUpper(strings.TrimSpace(args[0])))
			default:
				return l.areas(catalogue.Areas())
			}
		},
	}
	m.bookFlags(cmd.Flags())
	f := cmd.Flags().Lookup("assumptions")
	f.Usage, f.NoOptDefVal, f.DefValue = "list the local assumptions in force; =off lists what is left of them when off", "on", ""
	return cmd
}

// errorLister prints parts of the catalogue.
type errorLister struct {
	w     io.Writer
	lang  catalogue.Lang
	words *catalogueWords
	json  bool
	main  *Main
}

// suggestions is how many rules are named for one that does not exist.
const suggestions = 5

// one prints a rule in full, or an area.
func (l *errorLister) one(id string) error {
	c := catalogue.Default()
	if r := c.Rule(id); r != nil {
		return l.full(r)
	}
	for _, a := range catalogue.Areas() {
		if a.ID == id {
			return l.areas([]catalogue.Area{a})
		}
	}
	hint := "portti errors lists all rules"
	if near := c.Nearest(id, suggestions); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, ", ") + "?"
	}
	return usage(fmt.Errorf("no rule or area %q", id), hint)
}

// areas lists the rules of areas.
func (l *errorLister) areas(areas []catalogue.Area) error {
	w := tabwriter.NewWriter(l.w, 0, 0, 2, ' ', 0)
	for i, a := range areas {
		if !l.json {
			if i > 0 {
				fmt.Fprintln(w)
			}
			fmt.Fprintf(w, "%s: %s\n", a.ID, a.Name.In(l.lang))
		}
		for _, r := range catalogue.Default().InArea(a.ID) {
			if l.json {
				if err := l.main.printJSON(r.Entry()); err != nil {
					return err
				}
				continue
			}
			fmt.Fprintf(w, "  %s\t%s\t%s\n", r.ID, l.severity(r), r.Title.In(l.lang))
		}
	}
	return flush(w)
}

// severity gives the severity, both where they differ by profile.
func (l *errorLister) severity(r *catalogue.Rule) string {
	s := l.words.severities[r.Severity.Strict]
	if r.Severity.Lenient != r.Severity.Strict {
		s += " (lenient: " + l.words.severities[r.Severity.Lenient] + ")"
	}
	return s
}

// full prints one rule with everything.
func (l *errorLister) full(r *catalogue.Rule) error {
	if l.json {
		return l.main.printJSON(r.Entry())
	}
	yes := func(b bool) string {
		if b {
			return l.words.yes
		}
		return l.words.no
	}
	w := tabwriter.NewWriter(l.w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s: %s\n\n%s\n%s\n\n", r.ID, r.Title.In(l.lang), r.Text.In(l.lang), r.Hint.In(l.lang))
	for _, x := range []struct{ name, value string }{
		{l.words.wrong, r.Wrong}, {l.words.right, r.Right}, {l.words.severity, l.severity(r)}, {l.words.stage, string(r.Stage)},
		{l.words.requirement, strings.Join(r.Requirements, ", ")}, {l.words.reference, r.Reference},
		{l.words.certainty, r.Certainty + ", " + catalogue.Certainties[r.Certainty].In(l.lang)}, {l.words.code, r.Code},
		{l.words.retry, yes(r.Retry)}, {l.words.shown, yes(r.PublicValue)},
	} {
		if x.value != "" {
			fmt.Fprintf(w, "%s\t%s\n", x.name, strings.ReplaceAll(x.value, "\n", " "))
		}
	}
	return flush(w)
}

// assumption is the JSON of one local assumption.
type assumption struct {
	Kind   string         `json:"kind"`
	What   string         `json:"what"`
	Title  catalogue.Text `json:"title,omitempty"`
	Groups []string       `json:"groups,omitempty"`
	Source string         `json:"source"`
}

// assumptions lists rules and rows of tables that are local assumptions.
func (l *errorLister) assumptions(local []*catalogue.Rule, rows []rules.Assumption) error {
	if l.json {
		return l.assumptionsJSON(local, rows)
	}
	w := tabwriter.NewWriter(l.w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s (%d)\n", l.words.assumedTables, len(rows))
	for _, a := range rows {
		fmt.Fprintf(w, "  %s\t%s\t%s\n", a.What, strings.Join(a.Groups, ", "), a.Source)
	}
	fmt.Fprintf(w, "\n%s (%d)\n", l.words.assumedRules, len(local))
	for _, r := range local {
		fmt.Fprintf(w, "  %s\t%s\t%s\n", r.ID, r.Title.In(l.lang), r.Reference)
	}
	return flush(w)
}

func (l *errorLister) assumptionsJSON(local []*catalogue.Rule, rows []rules.Assumption) error {
	for _, a := range rows {
		if err := l.main.printJSON(assumption{Kind: "table", What: a.What, Groups: a.Groups, Source: a.Source}); err != nil {
			return err
		}
	}
	for _, r := range local {
		if err := l.main.printJSON(assumption{Kind: "rule", What: r.ID, Title: r.Title, Source: r.Reference}); err != nil {
			return err
		}
	}
	return nil
}

func flush(w *tabwriter.Writer) error {
	if err := w.Flush(); err != nil {
		return system(err, "")
	}
	return nil
}
