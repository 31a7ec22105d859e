package cases

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"portti/cda/rules/catalogue"
	"portti/internal/style"
)

//go:embed cases.html
var page string

// WriteHTML writes cases as one page: no script, nothing from outside.
func (s *Set) WriteHTML(w io.Writer, list []*Case, lang catalogue.Lang) error {
	t, err := template.New("cases").Funcs(template.FuncMap{
		"w":    func(category, key string) string { return s.word(category, key, lang) },
		"join": func(l []string) string { return strings.Join(l, " ") },
	}).Parse(style.Alone + page)
	if err != nil {
		return err
	}
	var told []Told
	for _, c := range list {
		told = append(told, s.Tell(c, lang))
	}
	return t.Execute(w, map[string]any{"Cases": told,
		"Head": style.Head{Lang: string(lang), Title: fmt.Sprintf("%d %s", len(list), s.word("report", "cases", lang))}})
}
