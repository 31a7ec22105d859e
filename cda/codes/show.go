package codes

import (
	"fmt"
	"io"
	"strings"
)

// Show writes a code system's preferred list, or that of the version the OID
// names, as a tree that a person can read. lang is "fi", "sv" or "en".
func (s *Set) Show(w io.Writer, oid, lang string) error {
	base, version, known, ok := s.Split(oid)
	if !ok || !known {
		return fmt.Errorf("no code system %q; see portti codes list", oid)
	}
	l := s.bySystem[base][0]
	for _, x := range s.bySystem[base] {
		if version != "" && x.Version == version {
			l = x
			break
		}
	}
	words := showWords[lang]
	if words == nil {
		words = showWords["en"]
	}
	var b strings.Builder
	name := l.Name
	if lang == "sv" && l.NameSV != "" {
		name = l.NameSV
	}
	fmt.Fprintf(&b, "%s\n%s\n", name, l.OID())
	if l.Loaded {
		fmt.Fprintf(&b, "%s %s, %s: %d\n", words["loaded"], day(l.Imported), words["codes"], len(l.Codes))
	} else {
		fmt.Fprintf(&b, "%s, %s: %d (%s)\n", words["open"], words["codes"], len(l.Codes), l.Source)
	}
	l.tree(&b, "", "", lang, words)
	_, err := io.WriteString(w, b.String())
	return err
}

var showWords = map[string]map[string]string{
	"fi": {"loaded": "kokonainen, tuotu", "open": "avoin, vain tunnetut arvot", "codes": "koodeja", "valid": "voimassa"},
	"sv": {"loaded": "hel, importerad", "open": "öppen, endast kända värden", "codes": "koder", "valid": "gäller"},
	"en": {"loaded": "whole, imported", "open": "open, known values only", "codes": "codes", "valid": "valid"},
}

func (l *List) tree(b *strings.Builder, parent, indent, lang string, words map[string]string) {
	for _, c := range l.Children(parent) {
		name := c.FI
		if lang == "sv" && c.SV != "" {
			name = c.SV
		}
		fmt.Fprintf(b, "%s%s  %s", indent, c.Code, name)
		if !c.From.IsZero() || !c.To.IsZero() {
			fmt.Fprintf(b, "  (%s %s – %s)", words["valid"], strings.Trim(day(c.From), "–"), strings.Trim(day(c.To), "–"))
		}
		if c.Status != "" && c.Status != "ACTIVE" {
			fmt.Fprintf(b, "  [%s]", c.Status)
		}
		b.WriteByte('\n')
		l.tree(b, c.Code, indent+"  ", lang, words)
	}
}
