package main

import (
	"bufio"
	"context"
	"maps"
	"net/http"
	"os"
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

// The tables: cases that find a mutant ("mutant<TAB>case case …"), and a mutant that a
// case fails for ("case<TAB>mutant"), not by a precondition alone. make mutants runs every
// case against every mutant and holds the result against both; PORTTI_MUTANTS=write
// writes them anew, PORTTI_MUTANTS=NAME,NAME* runs some mutants only.
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

// verdicts are those of cases against a mutant of the archive, by id.
type verdicts map[string]report.Verdict

// against runs cases against a mutant of the archive.
func (g *restarted) against(t *testing.T, m *mutants.Mutant, list []*cases.Case) verdicts {
	t.Helper()
	inner := &http.Transport{MaxIdleConnsPerHost: 16}
	defer inner.CloseIdleConnections()
	x := m.New(inner)
	r := &run.Runner{World: fixtures.Default(), Target: g.url, Transport: x, Now: func() time.Time { return fixtures.Default().Now }}
	r.Hooks = x.Hooks(g.hooks())
	if m.Slow {
		const limit = 300 * time.Millisecond
		r.Slow = limit
	}
	results, err := r.Run(context.Background(), list)
	if err != nil {
		t.Fatal(err)
	}
	out := verdicts{}
	for _, c := range results {
		out[c.ID] = c.Verdict
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
	table := readTable(t, mutantTable)
	g := newRestarted(t)
	for _, m := range share.Sample(mutants.All(), 16) {
		list, unknown := run.ByIDs(cases.Default(), table[m.Name])
		if len(list) == 0 || len(unknown) > 0 {
			t.Errorf("%s: no golden case (unknown: %v)", m.Name, unknown)
			continue
		}
		found := g.against(t, m, list)
		for _, c := range list {
			if !found[c.ID].Bad() {
				t.Errorf("%s (%s) is not found by %s", m.Name, m.Why, c.ID)
			}
		}
	}
}

// TestEveryCaseFindsAMutant: every case fails for the mutant that the table names, by
// what it tests: a precondition that fails shows nothing of the case.
func TestEveryCaseFindsAMutant(t *testing.T) {
	table := readTable(t, caseTable)
	by := map[string][]*cases.Case{}
	for _, c := range cases.Default().Select(cases.Selection{}) {
		if len(table[c.ID]) == 0 || mutants.Named(table[c.ID][0]) == nil {
			t.Errorf("%s finds no mutant: %v", c.ID, table[c.ID])
			continue
		}
		by[table[c.ID][0]] = append(by[table[c.ID][0]], c)
		delete(table, c.ID)
	}
	g := newRestarted(t)
	for _, name := range share.Sample(slices.Sorted(maps.Keys(by)), 16) {
		found := g.against(t, mutants.Named(name), by[name])
		for _, c := range by[name] {
			if v := found[c.ID]; v != report.Failed {
				t.Errorf("%s is %s against %s", c.ID, v, name)
			}
		}
	}
	for id := range table {
		if c := cases.Default().Case(id); c == nil || c.Mode == cases.Archive {
			t.Errorf("the table names %s, which is no case", id)
		}
	}
}
