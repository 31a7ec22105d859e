package pipeline

import (
	"testing"

	"portti/cda"
	"portti/cda/frame"
	"portti/internal/xmltree"
)

// The production world takes messages of production alone; the test world takes any.
func TestSEC2_ProductionTakesProcessingCodeP(t *testing.T) {
	tree, err := xmltree.Parse([]byte("<a/>"), xmltree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		world  World
		code   string
		refuse bool
	}{{Production, "P", false}, {Production, "D", true}, {Production, "T", true}, {Production, "", true}, {Test, "D", false}, {Test, "P", false}} {
		f := &frame.Frame{Tree: tree, ProcessingCode: cda.Coded{Code: c.code}}
		fs := KnownAccess{World: c.world}.Decide(AccessQuery{Frame: f})
		if refused := len(fs) == 1 && fs[0].Rule == RuleProcessing; refused != c.refuse || len(fs) > 1 {
			t.Errorf("%s in %s: %v", c.code, c.world, fs)
		}
	}
}
