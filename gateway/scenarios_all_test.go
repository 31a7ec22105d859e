package gateway

import (
	"slices"
	"strings"
	"testing"
)

// scenarioIDs are the requirements that the archive's operations, registers, rights and
// statements of will serve: each has a scenario over the wire.
var scenarioIDs = []string{
	"ARK-1", "ARK-2", "ARK-3", "ARK-4", "ARK-5", "ARK-7", "ARK-8", "ARK-10", "ARK-11", "ARK-12", "ARK-13",
	"REK-1", "REK-2", "REK-3", "REK-4", "REK-5", "REK-6", "REK-7",
	"RKO-1", "RKO-2", "RKO-3", "RKO-4", "RKO-5", "RKO-6", "RKO-7",
	"DOC-1", "DOC-2", "DOC-3", "DOC-4", "DOC-5", "DOC-6", "DOC-7", "DOC-8", "DOC-9", "DOC-10", "DOC-11", "DOC-12",
	"PRO-1", "PRO-2", "PRO-3", "PRO-4", "PRO-5", "PRO-6",
	"LUO-1", "LUO-2", "LUO-3", "LUO-4", "LUO-5", "LUO-6", "LUO-7", "SEC-2",
}

// scenarios gives every scenario by its requirement, as "test/name": the one table of
// them, run by TestOperationScenarios, TestAccessScenarios, TestJoinedScenarios,
// TestDocumentScenarios, TestLogScenarios and TestREK_ScenariosOverTheWire.
func scenarios() map[string][]string {
	out := map[string][]string{}
	add := func(test, id, name string) { out[id] = append(out[id], test+"/"+id+"/"+name) }
	for _, s := range operationScenarios {
		add("TestOperationScenarios", s.id, s.name)
	}
	for _, s := range accessScenarios {
		add("TestAccessScenarios", s.id, s.name)
	}
	for _, s := range joinedScenarios {
		add("TestJoinedScenarios", s.id, s.name)
	}
	for _, s := range documentScenarios {
		add("TestDocumentScenarios", s.id, s.name)
	}
	for _, s := range logScenarios {
		add("TestLogScenarios", s.id, s.name)
	}
	for _, s := range registerScenarios() {
		id, name, _ := strings.Cut(s.name, " ")
		add("TestREK_ScenariosOverTheWire", id, name)
	}
	return out
}

// TestEveryRequirementHasItsScenario: no requirement of the list goes without a scenario
// over the wire, and none is told twice in the same words.
func TestEveryRequirementHasItsScenario(t *testing.T) {
	all := scenarios()
	for _, id := range scenarioIDs {
		if len(all[id]) == 0 {
			t.Errorf("%s has no scenario over the wire", id)
		}
	}
	for id, names := range all {
		slices.Sort(names)
		if n := len(names); len(slices.Compact(names)) != n {
			t.Errorf("%s: a scenario stands twice", id)
		}
	}
}
