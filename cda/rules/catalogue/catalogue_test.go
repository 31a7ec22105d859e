package catalogue

import (
	"testing"
	"testing/fstest"

	"portti/internal/finding"
)

func TestDefaultLoads(t *testing.T) {
	c, err := load(dataFS)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.IDs()) == 0 {
		t.Fatal("no rules")
	}
}

const full = `
- id: A-1
  stage: rules
  severity: {strict: error, lenient: warning}
  title: {fi: a, sv: b, en: c}
  text: {fi: "a {x} {value}", sv: "b {x} {value}", en: "c {x} {value}"}
  hint: {fi: a, sv: b, en: c}
  requirement: [META-1]
  reference: x
  certainty: V
`

func TestResolveMasksPersonalValues(t *testing.T) {
	c, err := load(fstest.MapFS{"data/a.yaml": {Data: []byte(full)}})
	if err != nil {
		t.Fatal(err)
	}
	f := finding.Finding{Rule: "A-1", Value: "010181-900C", Params: []finding.Param{finding.P("x", "q")}}
	r := c.Resolve(f, Lenient, Swedish)
	if r.Message != "b q (blandat, 11)" || r.Severity != finding.Warning {
		t.Fatalf("got %+v", r)
	}
	if r := c.Resolve(f, Strict, Swedish); r.Severity != finding.Error {
		t.Fatalf("got %+v", r)
	}
}

func TestIncompleteRulesDoNotLoad(t *testing.T) {
	bad := `
- id: A-1
  stage: rules
  severity: error
  title: {fi: a, sv: b}
`
	if _, err := load(fstest.MapFS{"data/a.yaml": {Data: []byte(bad)}}); err == nil {
		t.Fatal("a rule without English title loaded")
	}
	if _, err := load(fstest.MapFS{"data/a.yaml": {Data: []byte(full)}, "data/b.yaml": {Data: []byte(full)}}); err == nil {
		t.Fatal("a rule that stands twice loaded")
	}
}
