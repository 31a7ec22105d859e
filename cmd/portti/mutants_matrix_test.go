//go:build mutants

package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"portti/conformance/cases"
	"portti/conformance/mutants"
	"portti/conformance/report"
)

// TestMutantMatrix is the long form: every case against every mutant, or against those
// that PORTTI_MUTANTS names. With PORTTI_MUTANTS=write it makes the tables anew from
// likely cases; with mend it looks for other mutants for those cases only that do not
// fail for theirs.
func TestMutantMatrix(t *testing.T) {
	names := os.Getenv("PORTTI_MUTANTS")
	switch names {
	case "write":
		newRestarted(t).writeTables(t)
		return
	case "mend":
		newRestarted(t).mendCases(t)
		return
	}
	found := newRestarted(t).matrix(t, wanted(names))
	golden := readTable(t, mutantTable)
	for name, v := range found {
		bad := v.bad()
		if len(bad) == 0 {
			t.Errorf("%s (%s) is found by no case", name, mutants.Named(name).Why)
		}
		for _, id := range golden[name] {
			if !slices.Contains(bad, id) {
				t.Errorf("%s is not found by %s as the table says", name, id)
			}
		}
	}
	for id, names := range readTable(t, caseTable) {
		for _, name := range names {
			if v := found[name]; v != nil && v[id] != report.Failed {
				t.Errorf("%s is %s against %s, not failed as the table says", id, v[id], name)
			}
		}
	}
}

// bad are the cases that tell of the mutant: they failed, or a precondition did.
func (v verdicts) bad() []string { return v.ids(report.Verdict.Bad) }

// failed are the cases that failed by what they test.
func (v verdicts) failed() []string {
	return v.ids(func(x report.Verdict) bool { return x == report.Failed })
}

func (v verdicts) ids(want func(report.Verdict) bool) []string {
	var out []string
	for _, id := range slices.Sorted(maps.Keys(v)) {
		if want(v[id]) {
			out = append(out, id)
		}
	}
	return out
}

// wanted are the mutants of that name (with * at the end, whose names begin so), all
// where none is named.
func wanted(names string) []*mutants.Mutant {
	return slices.DeleteFunc(slices.Clone(mutants.All()), func(m *mutants.Mutant) bool {
		return names != "" && !slices.ContainsFunc(strings.Split(names, ","), func(p string) bool {
			prefix, open := strings.CutSuffix(p, "*")
			return m.Name == p || open && strings.HasPrefix(m.Name, prefix)
		})
	})
}

// matrix gives the verdicts of every case against each mutant.
func (g *restarted) matrix(t *testing.T, list []*mutants.Mutant) map[string]verdicts {
	all := cases.Default().Select(cases.Selection{})
	out := map[string]verdicts{}
	for _, m := range list {
		began := time.Now()
		out[m.Name] = g.against(t, m, all)
		t.Logf("%s: %d of %d cases, %d by what they test, in %v", m.Name, len(out[m.Name].bad()), len(all), len(out[m.Name].failed()), time.Since(began).Round(time.Millisecond))
	}
	return out
}

// writeTables makes both tables: up to three cases that find each mutant, and for each
// case the narrowest mutant that it is known to find. What likely cases do not tell, a
// second round does: cases that have found none but broad mutants meet every other.
func (g *restarted) writeTables(t *testing.T) {
	all := cases.Default().Select(cases.Selection{})
	golden, finders := map[string][]string{}, map[string][]string{}
	note := func(name string, v verdicts) {
		for _, id := range v.failed() {
			finders[id] = append(finders[id], name)
		}
	}
	for _, m := range mutants.All() {
		likely, rest := m.Likely(all)
		found := g.against(t, m, likely)
		bad := found.bad()
		if len(bad) == 0 {
			found = g.against(t, m, rest)
			bad = found.bad()
		}
		note(m.Name, found)
		golden[m.Name] = bad[:min(3, len(bad))]
		t.Logf("%s: %d of %d likely cases", m.Name, len(bad), len(likely))
	}
	broad := func(name string) bool { return mutants.Named(name).Broad() }
	left := slices.DeleteFunc(slices.Clone(all), func(c *cases.Case) bool {
		return slices.ContainsFunc(finders[c.ID], func(n string) bool { return !broad(n) })
	})
	t.Logf("%d cases have found none but broad mutants", len(left))
	for _, m := range mutants.All() {
		note(m.Name, g.against(t, m, left))
	}
	rank := map[string]int{}
	for i, name := range byCount(countOf(finders)) {
		if rank[name] = i; broad(name) {
			rank[name] += len(all)
		}
	}
	one := map[string][]string{}
	for id, names := range finders {
		slices.SortFunc(names, func(a, b string) int { return rank[a] - rank[b] })
		one[id] = names[:1]
	}
	writeTable(t, mutantTable, golden)
	writeTable(t, caseTable, one)
}

// mendCases mends the rows of the table of cases that do not hold. A case takes the
// first narrow mutant that it fails for, likely ones before others.
func (g *restarted) mendCases(t *testing.T) {
	table := readTable(t, caseTable)
	by := map[string][]*cases.Case{}
	var left []*cases.Case
	for _, c := range cases.Default().Select(cases.Selection{}) {
		if n := table[c.ID]; len(n) > 0 && mutants.Named(n[0]) != nil {
			by[n[0]] = append(by[n[0]], c)
		} else {
			left = append(left, c)
		}
	}
	drop := func(list []*cases.Case, v verdicts) []*cases.Case {
		return slices.DeleteFunc(slices.Clone(list), func(c *cases.Case) bool { return v[c.ID] == report.Failed })
	}
	for name, list := range by {
		left = append(left, drop(list, g.against(t, mutants.Named(name), list))...)
	}
	t.Logf("%d rows do not hold", len(left))
	try := func(m *mutants.Mutant, list []*cases.Case) {
		if len(list) == 0 {
			return
		}
		v := g.against(t, m, list)
		for _, id := range v.failed() {
			table[id] = []string{m.Name}
			t.Logf("%s: %s", id, m.Name)
		}
		left = drop(left, v)
	}
	for _, likely := range []bool{true, false} {
		for _, m := range mutants.All() {
			if m.Broad() {
				continue
			}
			first, rest := m.Likely(left)
			if !likely {
				first = rest
			}
			try(m, first)
		}
	}
	for _, c := range left {
		t.Errorf("%s fails for no narrow mutant", c.ID)
	}
	writeTable(t, caseTable, table)
}

// countOf turns the table round: cases by mutant.
func countOf(finders map[string][]string) map[string][]string {
	out := map[string][]string{}
	for id, names := range finders {
		for _, n := range names {
			out[n] = append(out[n], id)
		}
	}
	return out
}

func byCount(found map[string][]string) []string {
	names := slices.Sorted(maps.Keys(found))
	slices.SortStableFunc(names, func(a, b string) int { return len(found[a]) - len(found[b]) })
	return names
}

func writeTable(t *testing.T, name string, rows map[string][]string) {
	t.Helper()
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		fmt.Fprintf(&b, "%s\t%s\n", key, strings.Join(rows[key], " "))
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
