package main

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"portti/conformance/cases"
	"portti/conformance/mutants"
	"portti/conformance/report"
	"portti/conformance/run"
	"portti/fixtures"
	"portti/internal/share"
)

// The mutant table: which cases find which mutant. Lines are "mutant<TAB>case case …".
// PORTTI_MUTANTS=all (make mutants) runs every case against every mutant and holds the
// result against the table; PORTTI_MUTANTS=write writes it anew.
const (
	mutantTable = "../../conformance/mutants/testdata/mutants.tsv"
	caseTable   = "../../conformance/mutants/testdata/cases.tsv"
)

func readTable(t *testing.T, name string) map[string][]string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[string][]string{}
	for s := bufio.NewScanner(f); s.Scan(); {
		key, rest, ok := strings.Cut(s.Text(), "\t")
		if !ok {
			t.Fatalf("%s: %q", name, s.Text())
		}
		out[key] = strings.Fields(rest)
	}
	return out
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

// against runs cases against a mutant of the archive and gives the ids of those that
// fail.
func (g *restarted) against(t *testing.T, m *mutants.Mutant, list []*cases.Case) []string {
	t.Helper()
	inner := &http.Transport{MaxIdleConnsPerHost: 16}
	defer inner.CloseIdleConnections()
	x := m.New(inner)
	r := &run.Runner{World: fixtures.Default(), Target: g.url, Transport: x, Now: func() time.Time { return fixtures.Default().Now }}
	r.Hooks = map[string]func(context.Context) error{
		"restart": x.Told("restart", g.restart), "revocation": func(context.Context) error { return nil },
	}
	if m.Slow {
		const limit = 300 * time.Millisecond
		r.Slow = limit
	}
	results, err := r.Run(context.Background(), list)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, c := range results {
		if c.Verdict == report.Failed {
			out = append(out, c.ID)
		}
	}
	return out
}

func TestThereAreEnoughMutants(t *testing.T) {
	n := 0
	for _, m := range mutants.All() {
		if m.Why == "" {
			t.Errorf("%s does not tell what is broken", m.Name)
		}
		n++
	}
	if n < 60 {
		t.Errorf("%d mutants", n)
	}
	t.Logf("%d mutants of archives", n)
}

// TestEveryMutantIsFoundByItsGoldenCases runs each mutant against the cases that the
// table names; each must fail.
func TestEveryMutantIsFoundByItsGoldenCases(t *testing.T) {
	if os.Getenv("PORTTI_MUTANTS") != "" {
		t.Skip("the whole matrix runs")
	}
	table := readTable(t, mutantTable)
	g := newRestarted(t)
	for _, m := range share.Sample(mutants.All(), 8) {
		list, unknown := run.ByIDs(cases.Default(), table[m.Name])
		if len(list) == 0 || len(unknown) > 0 {
			t.Errorf("%s: no golden case (unknown: %v)", m.Name, unknown)
			continue
		}
		found := g.against(t, m, list)
		for _, c := range list {
			if !slices.Contains(found, c.ID) {
				t.Errorf("%s (%s) is not found by %s", m.Name, m.Why, c.ID)
			}
		}
	}
}

// TestEveryCaseFindsAMutant: the table names a mutant for every case. That they are
// found is proven by make mutants.
func TestEveryCaseFindsAMutant(t *testing.T) {
	table := readTable(t, caseTable)
	for _, c := range cases.Default().Select(cases.Selection{}) {
		if len(table[c.ID]) == 0 || mutants.Named(table[c.ID][0]) == nil {
			t.Errorf("%s finds no mutant: %v", c.ID, table[c.ID])
		}
		delete(table, c.ID)
	}
	for id := range table {
		if cases.Default().Case(id).Mode == cases.Archive {
			t.Errorf("the table names %s, which is no case", id)
		}
	}
}

// TestMutantMatrix is the long form: every case against every mutant.
func TestMutantMatrix(t *testing.T) {
	switch os.Getenv("PORTTI_MUTANTS") {
	case "all":
	case "write":
		newRestarted(t).writeTables(t)
		return
	default:
		t.Skip("PORTTI_MUTANTS=all runs every case against every mutant")
	}
	found := newRestarted(t).matrix(t)
	for _, m := range mutants.All() {
		if len(found[m.Name]) == 0 {
			t.Errorf("%s (%s) is found by no case", m.Name, m.Why)
		}
		for _, id := range readTable(t, mutantTable)[m.Name] {
			if !slices.Contains(found[m.Name], id) {
				t.Errorf("%s is not found by %s as the table says", m.Name, id)
			}
		}
	}
	for id, names := range readTable(t, caseTable) {
		for _, name := range names {
			if !slices.Contains(found[name], id) {
				t.Errorf("%s does not find %s as the table says", id, name)
			}
		}
	}
}

// matrix gives the cases that find each mutant.
func (g *restarted) matrix(t *testing.T) map[string][]string {
	all := cases.Default().Select(cases.Selection{})
	out := map[string][]string{}
	for _, m := range mutants.All() {
		began := time.Now()
		out[m.Name] = g.against(t, m, all)
		t.Logf("%s: %d of %d cases in %v", m.Name, len(out[m.Name]), len(all), time.Since(began).Round(time.Millisecond))
	}
	return out
}

// writeTables makes both tables: up to three cases that find each mutant, and for each
// case the narrowest mutant that it is known to find.
func (g *restarted) writeTables(t *testing.T) {
	all := cases.Default().Select(cases.Selection{})
	golden, finders := map[string][]string{}, map[string][]string{}
	note := func(name string, ids []string) {
		for _, id := range ids {
			finders[id] = append(finders[id], name)
		}
		golden[name] = ids[:min(3, len(ids))]
	}
	for _, m := range mutants.All() {
		likely, rest := m.Likely(all)
		found := g.against(t, m, likely)
		if len(found) == 0 {
			found = g.against(t, m, rest)
		}
		note(m.Name, found)
		t.Logf("%s: %d of %d likely cases", m.Name, len(found), len(likely))
	}
	// What found nothing so far meets the broad ones.
	for _, name := range []string{"wrong-target", "acknowledges-without-storing", "refuses-everything", "accepts-with-errors", "cuts-connections", "takes-any-method", "takes-any-media"} {
		left := slices.DeleteFunc(slices.Clone(all), func(c *cases.Case) bool { return len(finders[c.ID]) > 0 })
		for _, id := range g.against(t, mutants.Named(name), left) {
			finders[id] = append(finders[id], name)
		}
	}
	rank := map[string]int{}
	for i, name := range byCount(countOf(finders)) {
		rank[name] = i
	}
	one := map[string][]string{}
	for id, names := range finders {
		slices.SortFunc(names, func(a, b string) int { return rank[a] - rank[b] })
		one[id] = names[:1]
	}
	writeTable(t, mutantTable, golden)
	writeTable(t, caseTable, one)
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
