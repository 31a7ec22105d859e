package interactions

import (
	"slices"
	"strings"
	"testing"
)

func TestEveryParameterHasItsSourceAndField(t *testing.T) {
	d := Default()
	names, fields := map[string]bool{}, map[Field]bool{}
	for _, p := range d.Parameters {
		if p.Source == "" || p.Certainty != Local {
			t.Errorf("%s: certainty %q, source %q", p.Name, p.Certainty, p.Source)
		}
		if names[p.Name] || fields[p.Field] {
			t.Errorf("%s: name or field stands twice", p.Name)
		}
		names[p.Name], fields[p.Field] = true, true
	}
	for f := range formOf {
		if !fields[f] && f != FieldService {
			t.Errorf("no parameter for the field %s", f)
		}
	}
	for _, f := range []Form{ByDocument, ByFrame, ByStatus} {
		if !d.Nullifies(f) {
			t.Errorf("the form %s is not recognised", f)
		}
	}
	if !d.NullifiedStatus("nullified") || d.NullifiedStatus("COMPLETED") || d.NullifiedStatus("") {
		t.Error("statuses that nullify")
	}
	if got := d.Named(KindQuery); !slices.Equal(got, []string{"RCMR_IN200029FI01", "RCMR_IN200031FI01"}) {
		t.Errorf("queries: %v", got)
	}
}

func TestTablesThatCannotBeCarriedOutAreRefused(t *testing.T) {
	for _, text := range []string{
		"interactions: [{name: A, domain: social, kind: query, operation: query-metadata}]",
		"nullifications: [{form: wish, enabled: true}]",
		"parameters: [{name: a, field: client, form: wish}]",
		"parameters: [{name: a, field: client, form: flag}]",
		"parameters: [{name: a, form: id}]",
	} {
		if _, err := Load(strings.NewReader(text)); err == nil {
			t.Errorf("taken: %s", text)
		}
	}
	t1, err := Load(strings.NewReader("nullifications: [{form: frame, enabled: false}]\nparameters: [{name: asiakas, field: client, form: id}]"))
	if err != nil {
		t.Fatal(err)
	}
	m := Default().Merge(t1)
	if m.Nullifies(ByFrame) || !m.Nullifies(ByDocument) || m.Parameter("asiakas") == nil || m.Parameter("patientId") == nil {
		t.Error("a user's entries do not stand over the shipped ones")
	}
	off := Default().WithoutAssumptions()
	if len(off.Parameters) != 0 || off.Nullifies(ByFrame) || !off.Nullifies(ByDocument) {
		t.Error("assumptions that are off still count")
	}
}
