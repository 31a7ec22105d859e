package report

import (
	_ "embed"

	"portti/cda/rules"
	"portti/cda/rules/catalogue"
	"portti/internal/finding"
)

//go:embed words.yaml
var wordFile []byte

// words are a report's own words, in one language.
type words struct {
	Accepted     string `yaml:"accepted"`
	WithWarnings string `yaml:"with_warnings"`
	Rejected     string `yaml:"rejected"`
	Title        string `yaml:"title"`
	Summary      string `yaml:"summary"`
	Time         string `yaml:"time"`
	File         string `yaml:"file"`
	Verdict      string `yaml:"verdict"`
	Findings     string `yaml:"findings"`
	Error        string `yaml:"error"`
	Warning      string `yaml:"warning"`
	Info         string `yaml:"info"`
	Errors       string `yaml:"errors"`
	Warnings     string `yaml:"warnings"`
	Infos        string `yaml:"infos"`
	ID           string `yaml:"id"`
	SetID        string `yaml:"set_id"`
	Version      string `yaml:"version"`
	NoFindings   string `yaml:"no_findings"`
	NoDocs       string `yaml:"no_docs"`
	Place        string `yaml:"place"`
	Value        string `yaml:"value"`
	Hint         string `yaml:"hint"`
	Path         string `yaml:"path"`
	Requirement  string `yaml:"requirement"`
	Reference    string `yaml:"reference"`
	Contents     string `yaml:"contents"`
	Code         string `yaml:"code"`
	Retry        string `yaml:"retry"`
	Not          string `yaml:"disclaimer"`
}

// wordsIn are the words by language.
var wordsIn = read(catalogue.MustWords(wordFile))

func read(file catalogue.Words) map[catalogue.Lang]*words {
	out := make(map[catalogue.Lang]*words, len(catalogue.Langs))
	for _, lang := range catalogue.Langs {
		out[lang] = &words{}
		if err := file.Into(lang, out[lang]); err != nil {
			panic(err) // the file is embedded
		}
	}
	return out
}

// wordsOf gives the words in lang, the English ones where it is not known.
func wordsOf(lang catalogue.Lang) *words {
	if w, ok := wordsIn[lang]; ok {
		return w
	}
	return wordsIn[catalogue.English]
}

// severity gives the word of a severity.
func (w *words) severity(s finding.Severity) string {
	switch s {
	case finding.Error:
		return w.Error
	case finding.Warning:
		return w.Warning
	default:
		return w.Info
	}
}

// VerdictWord gives a verdict in a language for people.
func VerdictWord(v rules.Verdict, lang catalogue.Lang) string {
	w := wordsOf(lang)
	switch v {
	case rules.Accepted:
		return w.Accepted
	case rules.AcceptedWithWarnings:
		return w.WithWarnings
	default:
		return w.Rejected
	}
}
