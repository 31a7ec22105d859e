package web

import (
	_ "embed" // codes.yaml
	"slices"

	"portti/cda/rules/catalogue"

	"go.yaml.in/yaml/v3"
)

//go:embed codes.yaml
var codeTextsFile []byte

// ownCodeTexts are texts of our own by code system, code and language; see codes.yaml.
var ownCodeTexts = func() (m map[string]map[string]map[catalogue.Lang]string) {
	if err := yaml.Unmarshal(codeTextsFile, &m); err != nil {
		panic(err) // it is embedded
	}
	return m
}()

// coded is a code with its text as a page shows it. Lang is the text's language where
// it is not the page's: readers aloud need to know (WCAG 3.1.2).
type coded struct {
	Text string
	Lang catalogue.Lang
}

// coded gives a code with its text in the language: the code system's own, else ours,
// else that of the message (display), else the code system's in Finnish.
func (s *Site) coded(lang catalogue.Lang, system, code, display string) coded {
	if code == "" {
		return coded{Text: display}
	}
	if base, _, _, ok := s.codes().Split(system); ok {
		system = base
	}
	finnish := ""
	for _, l := range s.codes().Lists(system) {
		c := l.Lookup(code)
		if c == nil {
			continue
		}
		if t := map[catalogue.Lang]string{catalogue.Finnish: c.FI, catalogue.Swedish: c.SV}[lang]; t != "" {
			return coded{Text: code + " " + t}
		}
		if finnish == "" {
			finnish = c.FI
		}
	}
	switch own := ownCodeTexts[system][code][lang]; {
	case own != "":
		return coded{Text: code + " " + own}
	case finnish != "":
		return coded{Text: code + " " + finnish, Lang: catalogue.Finnish}
	case display != "":
		return coded{Text: code + " " + display} // in the document's language, whichever it is
	}
	return coded{Text: code}
}

// codedAll joins the texts of several codes of a system.
func (s *Site) codedAll(lang catalogue.Lang, system string, list []string) coded {
	var out coded
	var langs []catalogue.Lang
	for i, c := range list {
		one := s.coded(lang, system, c, "")
		if i > 0 {
			out.Text += ", "
		}
		out.Text += one.Text
		langs = append(langs, one.Lang)
	}
	if langs = slices.Compact(langs); len(langs) == 1 {
		out.Lang = langs[0]
	}
	return out
}
