package cda

import (
	"testing"

	"portti/internal/finding"
	"portti/internal/xmltree"
)

func parse(tb testing.TB, b []byte) *xmltree.Tree {
	tb.Helper()
	t, err := xmltree.Parse(b, xmltree.DefaultLimits())
	if err != nil {
		tb.Fatalf("%v\n%.2000s", err, b)
	}
	return t
}

func ruleIDs(findings []finding.Finding) []string {
	var ids []string
	for _, f := range findings {
		ids = append(ids, f.Rule)
	}
	return ids
}
