package validation

import (
	_ "embed"
	"fmt"
	"strconv"

	"portti/cda/rules/catalogue"
	"portti/internal/finding"
)

//go:embed words.yaml
var wordFile []byte

var wordTable = catalogue.MustWords(wordFile)

// words are the answers' own words in one language.
type words catalogue.Lang

func (w words) in(key string) string { return wordTable.In(catalogue.Lang(w), key) }

// title gives the title of problems of a code.
func (w words) title(code string) string { return w.in("title " + code) }

// source names a part of a message.
func (w words) source(s finding.Source) string { return w.in("source " + string(s)) }

// place names where a finding points: part, line and column.
func (w words) place(f *catalogue.Resolved) string {
	name := w.source(f.Source)
	switch {
	case name == "":
		return ""
	case f.Line == 0:
		return name
	default:
		return name + " " + strconv.Itoa(f.Line) + ":" + strconv.Itoa(f.Column)
	}
}

func (w words) counted(fs []catalogue.Resolved) string {
	var n [3]int
	for i := range fs {
		n[fs[i].Severity]++
	}
	return fmt.Sprintf(w.in("count"), n[finding.Error], n[finding.Warning], n[finding.Info])
}
