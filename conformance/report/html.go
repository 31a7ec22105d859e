package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"

	"portti/cda/rules/catalogue"
	"portti/internal/style"
)

//go:embed report.html
var page string

// pages are the page's templates by language: its words are put in at parsing.
func pageFor(lang catalogue.Lang) (*template.Template, error) {
	return template.New("report").Funcs(template.FuncMap{
		"w":       func(category string, key any) string { return word(category, fmt.Sprint(key), lang) },
		"say":     func(t Text) string { return t.In(lang) },
		"step":    func(s Step) string { return s.say(lang) },
		"bad":     func(n Counts) int { return n.Failed + n.Blocked },
		"percent": func(n, of int) float64 { return 100 * float64(n) / float64(max(1, of)) },
		"add":     func(a, b float64) float64 { return a + b },
		"inc":     func(i int) int { return i + 1 },
	}).Parse(style.Alone + page)
}

// html writes one self-contained page: no script, nothing from outside.
func (r *Run) html(w io.Writer, lang catalogue.Lang) error {
	t, err := pageFor(lang)
	if err != nil {
		return err
	}
	title := word("report", "title", lang)
	if r.Trial != "" {
		title += ": " + word("trial", r.Trial, lang)
	}
	return t.Execute(w, map[string]any{"Head": style.Head{Lang: string(lang), Title: title}, "Run": r, "Counts": r.Count(), "Areas": r.areas()})
}
