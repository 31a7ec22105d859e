package web

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"portti/cda"
	"portti/cda/codes"
	"portti/cda/rules/catalogue"
	"portti/store"
)

// Code systems whose texts the pages show (kanta-interface 13.1).
const (
	systemGroup = "1.2.246.537.6.1505"
	systemType  = "1.2.246.537.6.1506"
	systemTask  = "1.2.246.537.6.1221"
)

func (s *Site) codes() *codes.Set {
	if s.Judge != nil && s.Judge.Codes != nil {
		return s.Judge.Codes
	}
	return codes.Default()
}

// codeText gives a code with its text.
func (s *Site) codeText(lang catalogue.Lang, system, code string) string {
	if code == "" {
		return ""
	}
	if base, _, _, ok := s.codes().Split(system); ok {
		system = base
	}
	for _, l := range s.codes().Lists(system) {
		if c := l.Lookup(code); c != nil {
			name := c.FI
			if lang == catalogue.Swedish && c.SV != "" {
				name = c.SV
			}
			if name != "" {
				return code + " " + name
			}
		}
	}
	return code
}

func (s *Site) codeTexts(lang catalogue.Lang, system string, list []string) string {
	var out []string
	for _, c := range list {
		out = append(out, s.codeText(lang, system, c))
	}
	return strings.Join(out, ", ")
}

// typeText gives the specific type of a document, or else the general one.
func (s *Site) typeText(lang catalogue.Lang, x *store.Index) string {
	if x.SpecificType != "" {
		return s.codeText(lang, systemType, x.SpecificType)
	}
	return s.codeText(lang, systemType, x.GeneralType)
}

// shownTime gives a time in Helsinki as people write it there.
func shownTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(cda.Helsinki()).Format("2.1.2006 15.04.05")
}

// grouped writes a number with its thousands apart.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u00a0" + s[i:]
	}
	return s
}

func documentURL(id string) string { return "/archive/documents/" + url.PathEscape(id) }
