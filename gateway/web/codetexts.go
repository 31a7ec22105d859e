package web

import (
	_ "embed" // codes.yaml

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

// marked gives the mark of a text in a language on a page: none where it is the page's.
func marked(text, page catalogue.Lang) catalogue.Lang {
	if text == page {
		return ""
	}
	return text
}

// coded gives a code with its text in the language: the code system's own, else ours,
// else the code system's in Finnish, else that of the message (display).
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

// codedAll gives the texts of several codes of a system.
func (s *Site) codedAll(lang catalogue.Lang, system string, list []string) (out []coded) {
	for _, c := range list {
		out = append(out, s.coded(lang, system, c, ""))
	}
	return out
}
