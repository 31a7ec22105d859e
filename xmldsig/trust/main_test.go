package trust

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"

	"portti/internal/finding"
	"portti/xmldsig"
)

// alone collects the rules that a test saw standing alone.
var alone sync.Map

// TestMain demands, where all tests ran and passed, that every rule of the package
// stood alone in one of them.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if all := flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.skip").Value.String() == "" &&
		flag.Lookup("test.fuzz").Value.String() == "" && flag.Lookup("test.list").Value.String() == "" && !testing.Short(); code == 0 && all {
		for _, rule := range Rules {
			if _, ok := alone.Load(rule); !ok {
				fmt.Println("no test in which", rule, "stands alone")
				code = 1
			}
		}
	}
	os.Exit(code)
}

func ruleIDs(a xmldsig.TrustAnswer) []string {
	out := []string{}
	for _, f := range a.Faults {
		out = append(out, f.Rule)
	}
	return out
}

// want demands exactly these rules, in this order, with remarks marked as such.
func want(tb testing.TB, a xmldsig.TrustAnswer, rules ...string) {
	tb.Helper()
	if got := ruleIDs(a); !slices.Equal(got, rules) && len(got)+len(rules) > 0 {
		tb.Errorf("got %v, want %v", got, rules)
		return
	}
	for _, f := range a.Faults {
		if f.Remark != IsRemark(f.Rule) {
			tb.Errorf("%s: remark %v", f.Rule, f.Remark)
		}
	}
	if len(rules) == 1 {
		alone.Store(rules[0], true)
	}
}

// wantFindings is want for findings.
func wantFindings(tb testing.TB, fs []finding.Finding, rules ...string) {
	tb.Helper()
	var a xmldsig.TrustAnswer
	for _, f := range fs {
		a.Faults = append(a.Faults, xmldsig.TrustFault{Rule: f.Rule, Remark: IsRemark(f.Rule)})
		if f.Line == 0 || f.XPath == "" {
			tb.Errorf("%s has no place: %+v", f.Rule, f)
		}
	}
	want(tb, a, rules...)
}
