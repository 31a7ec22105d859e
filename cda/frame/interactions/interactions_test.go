package interactions

import (
	"strings"
	"testing"
)

func TestDefaultTable(t *testing.T) {
	d := Default()
	if s := d.ServiceRequest(SystemServiceRequest, "SP1"); s == nil || !s.Carries("1") || s.Carries("5") || !s.Takes("RCMR_IN200002FI01") || s.Certainty != Seen {
		t.Errorf("SP1: %+v", s)
	}
	if s := d.ServiceRequest("", "SP17"); s == nil || !s.Carries("5") || !s.Asks(New) || s.Asks(Nullify) {
		t.Errorf("SP17: %+v", s)
	}
	if s := d.ServiceRequest("1.2.246.537.6.1503.209901", "SP17"); s == nil {
		t.Error("a later version of the list is not known")
	}
	if d.ServiceRequest("1.2.3.4", "SP17") != nil || d.ServiceRequest(SystemHealthServiceRequest, "SP17") != nil {
		t.Error("SP17 of another list")
	}
	if s := d.ServiceRequest(SystemHealthServiceRequest, "PP1"); s == nil || !s.Carries("whatever") {
		t.Errorf("PP1: %+v", s)
	}
	if d.ServiceRequest("", "SP2") != nil || d.UseSituation("9") != nil || d.Group("77") != nil || d.Interaction("x") != nil || d.Receiver("1") != nil {
		t.Error("something unknown is known")
	}
	if g := d.Group("5"); g == nil || g.Key != "phase2" || d.GroupByKey("phase2") != g {
		t.Errorf("group 5: %+v", g)
	}
	if i := d.InteractionFor(Social, Nullify); i == nil || i.Name != "RCMR_IN200016FI01" {
		t.Errorf("nullification: %+v", i)
	}
	if s := d.RequestFor(Nullify, "5", "RCMR_IN200016FI01"); s == nil || s.Certainty != Local {
		t.Errorf("nullification: %+v", s)
	}
	if d.Receiver("1.2.246.556.18007.2") == nil {
		t.Error("the test receiver is not known")
	}
}

// Every entry says where it comes from; our own codes are above 900, where no
// national code is to be expected by chance.
func TestEveryEntryHasItsSource(t *testing.T) {
	d := Default()
	check := func(what string, c Certainty, source string) {
		if source == "" || c != Seen && c != Inferred && c != Local {
			t.Errorf("%s: certainty %q, source %q", what, c, source)
		}
	}
	for _, i := range d.Interactions {
		check(i.Name, i.Certainty, i.Source)
	}
	for _, s := range d.ServiceRequests {
		check(s.Code, s.Certainty, s.Source)
		for _, i := range s.Interactions {
			if d.Interaction(i) == nil {
				t.Errorf("%s names unknown interaction %s", s.Code, i)
			}
		}
		for _, g := range s.Groups {
			if d.Group(g) == nil {
				t.Errorf("%s names unknown group %s", s.Code, g)
			}
		}
		if (s.Certainty == Local) != strings.HasPrefix(s.Code, "SP9") {
			t.Errorf("%s is %s", s.Code, s.Certainty)
		}
	}
	for _, u := range d.UseSituations {
		check(u.Code, u.Certainty, u.Source)
	}
	for _, g := range d.Groups {
		check(g.Code, g.Certainty, g.Source)
	}
	for _, r := range d.Receivers {
		check(r.OID, r.Certainty, r.Source)
	}
}

func TestMergeOverrides(t *testing.T) {
	over, err := Load(strings.NewReader(`
service_requests:
  - {code: SP2, display: oma, operations: [new], groups: ["2"], interactions: [RCMR_IN200002FI01], certainty: local, source: own}
  - {code: SP1, display: toinen, operations: [new], groups: ["1"], interactions: [RCMR_IN200002FI01], certainty: local, source: own}
receivers:
  - {oid: 1.2.3, display: oma, certainty: local, source: own}
`))
	if err != nil {
		t.Fatal(err)
	}
	m := Default().Merge(over)
	if s := m.ServiceRequest("", "SP1"); s.Display != "toinen" {
		t.Errorf("SP1 was not overridden: %+v", s)
	}
	if m.ServiceRequest("", "SP2") == nil || m.ServiceRequest("", "SP17") == nil || m.Receiver("1.2.3") == nil || m.Receiver("1.2.246.556.18007.2") == nil {
		t.Error("entries are missing after the merge")
	}
	if Default().ServiceRequest("", "SP2") != nil {
		t.Error("the default table was changed")
	}
}

func TestWithoutAssumptions(t *testing.T) {
	d := Default().WithoutAssumptions()
	if d.ServiceRequest("", "SP901") != nil || d.Group("3") != nil || d.UseSituation("902") != nil || d.Interaction("RCMR_IN200029FI01") != nil {
		t.Error("an assumption is left")
	}
	if d.ServiceRequest("", "SP1") == nil || d.Group("2") == nil || d.Interaction("RCMR_IN200016FI01") == nil || d.UseSituation("1") == nil {
		t.Error("something seen or inferred is gone")
	}
}

func TestLoadRefusesBrokenTables(t *testing.T) {
	for _, bad := range []string{
		"nosuch: 1", "[", "interactions: [{name: X}]", "service_requests: [{code: SP1}]", `groups: [{code: "1"}]`,
	} {
		if _, err := Load(strings.NewReader(bad)); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}

func TestSameSystem(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"1.2.246.537.6.1264.201701", "1.2.246.537.6.1264.202601", true},
		{"1.2.246.537.5.40150.2009", "1.2.246.537.5.40150.2008", true},
		{"1.2.246.537.6.1264.201701", "1.2.246.537.6.1265.201701", false},
		{"", "", false},
		{"x", "x", true},
	} {
		if got := SameSystem(c.a, c.b); got != c.want {
			t.Errorf("%q and %q: %v", c.a, c.b, got)
		}
	}
}
