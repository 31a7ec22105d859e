package report

import (
	"io"

	"portti/cda/rules/catalogue"
)

// Change is a case whose result differs between two runs.
type Change struct {
	ID    string `json:"id"`
	Title Text   `json:"title"`
	// Kind is better, worse, new, gone, or changed: the case itself has another version.
	Kind string  `json:"kind"`
	Then Verdict `json:"then,omitempty"`
	Now  Verdict `json:"now,omitempty"`
}

// Compare tells how the results of a later run differ from an earlier one's.
func Compare(then, now *Run) []Change {
	before := map[string]*Case{}
	for i := range then.Results {
		before[then.Results[i].ID] = &then.Results[i]
	}
	var out []Change
	for i := range now.Results {
		c := &now.Results[i]
		b := before[c.ID]
		delete(before, c.ID)
		if kind := changeOf(b, c); kind != "" {
			x := Change{ID: c.ID, Title: c.Title, Kind: kind, Now: c.Verdict}
			if b != nil {
				x.Then = b.Verdict
			}
			out = append(out, x)
		}
	}
	for i := range then.Results {
		if c := &then.Results[i]; before[c.ID] != nil {
			out = append(out, Change{ID: c.ID, Title: c.Title, Kind: "gone", Then: c.Verdict})
		}
	}
	return out
}

func changeOf(b, c *Case) string {
	switch {
	case b == nil:
		return "new"
	case b.Verdict != c.Verdict && c.Verdict == Passed:
		return "better"
	case b.Verdict != c.Verdict && b.Verdict == Passed:
		return "worse"
	case b.Version != c.Version || b.Verdict != c.Verdict:
		return "changed"
	}
	return ""
}

// Worse tells whether any case got worse.
func Worse(list []Change) bool {
	for _, c := range list {
		if c.Kind == "worse" {
			return true
		}
	}
	return false
}

// WriteChanges writes them as text.
func WriteChanges(w io.Writer, list []Change, lang catalogue.Lang) error {
	e := &errWriter{w: w}
	for _, c := range list {
		e.line("%s  %s (%s → %s): %s", word("report", c.Kind, lang), c.ID, dash(c.Then, lang), dash(c.Now, lang), c.Title.In(lang))
	}
	return e.err
}

func dash(v Verdict, lang catalogue.Lang) string {
	if v == "" {
		return "–"
	}
	return word("verdict", string(v), lang)
}
