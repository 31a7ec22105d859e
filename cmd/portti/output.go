package main

import (
	"portti/cda/rules/catalogue"
	"portti/internal/finding"
)

// resolve gives findings in the language and profile of the run.
func (m *Main) resolve(fs []finding.Finding) []catalogue.Resolved {
	out := make([]catalogue.Resolved, len(fs))
	for i, f := range fs {
		out[i] = catalogue.Default().Resolve(f, m.config.profile(), m.config.lang())
	}
	return out
}
