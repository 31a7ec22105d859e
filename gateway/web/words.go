package web

import (
	"embed"
	"fmt"
	"io/fs"

	"portti/cda/rules/catalogue"
	"portti/internal/finding"

	"go.yaml.in/yaml/v3"
)

//go:embed words*.yaml
var wordFiles embed.FS

// words are the pages' own words by key and language.
var words = mustWords(wordFiles)

func mustWords(files embed.FS) map[string]map[catalogue.Lang]string {
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		panic(err) // the pattern is our own
	}
	m := map[string]map[catalogue.Lang]string{}
	for _, name := range names {
		b, err := files.ReadFile(name)
		if err == nil {
			err = yaml.Unmarshal(b, &m) // a key that stands twice in a file is an error
		}
		if err != nil {
			panic(err) // they are embedded
		}
	}
	return m
}

// word gives a word in a language. An unknown key is a slip of ours, which a test
// of the templates excludes.
func word(lang catalogue.Lang, key string, args ...any) string {
	w, ok := words[key][lang]
	if !ok {
		return "⟦" + key + "⟧"
	}
	if len(args) > 0 {
		return fmt.Sprintf(w, args...)
	}
	return w
}

func severityWord(lang catalogue.Lang, s finding.Severity) string { return word(lang, s.String()) }
