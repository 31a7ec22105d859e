package web

import (
	_ "embed"
	"fmt"

	"portti/cda/rules/catalogue"
	"portti/internal/finding"

	"go.yaml.in/yaml/v3"
)

//go:embed words.yaml
var wordsFile []byte

// words are the pages' own words by key and language.
var words = mustWords(wordsFile)

func mustWords(b []byte) map[string]map[catalogue.Lang]string {
	var m map[string]map[catalogue.Lang]string
	if err := yaml.Unmarshal(b, &m); err != nil {
		panic(err) // it is embedded
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
