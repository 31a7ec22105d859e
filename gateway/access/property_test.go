package access

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"portti/cda/rules/catalogue"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// anyFacts draws facts from few values, so that they meet each other often.
func anyFacts(t *rapid.T) Facts {
	one := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
	some := func(name string, of ...string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(of), 0, 2, rapid.ID[string]).Draw(t, name)
	}
	yes := func(name string) bool { return rapid.Bool().Draw(t, name) }
	when := func(name string) time.Time {
		return rapid.SampledFrom([]time.Time{{}, noon.AddDate(0, 0, -9), noon.AddDate(0, 0, 9)}).Draw(t, name)
	}
	f := Facts{Operation: rapid.SampledFrom([]Operation{Give, Give, Store}).Draw(t, "op"), At: noon}
	f.Requester = Requester{Audience: rapid.SampledFrom([]Audience{Professional, Professional, Professional, Citizen, Guardian}).Draw(t, "audience"),
		Organisation: one("org", "A", "B", "P", ""), Unit: one("unit", "A1", "B1", "P1", ""), Own: some("own", "A", "B"),
		Public: yes("public"), NotJoined: rapid.IntRange(0, 9).Draw(t, "joined") == 0,
		Profile:      Profile(one("profile", "", "", "", "connecting", "storing", "viewing", "archiving")),
		ServiceTasks: some("st", "10", "24"), Services: some("sv", "45", "99", "shelter"), Use: Use(rapid.IntRange(0, 3).Draw(t, "use")),
		SpecialReason: one("reason", "", "1"), WideSearch: one("wide", "", "", "7"), Strong: yes("strong"), Nullified: yes("asked")}
	if yes("tells task") {
		f.Requester.Tasks = []WorkTask{rapid.SampledFrom(matrix().Rows).Draw(t, "task").Task}
	}
	f.Client = Client{Minor: yes("minor"), Protected: yes("protected")}
	f.Document = Document{ID: "D2", Set: "D", Controller: one("controller", "A", "A", "B"),
		Phase:   Phase(one("phase", "phase2", "phase2", "phase2", "old", "phase1", "relationship", "case", "permission", "prohibition", "informing", "")),
		General: one("general", "1", "15", "11"), Specific: one("specific", "", "15007", "19014", "1011"), Tasks: some("tasks", "10", "24"),
		Service: one("service", "", "45"), Case: one("case", "", "C"), Relationship: one("rel", "", "R"), Effective: noon,
		Nullified: rapid.IntRange(0, 9).Draw(t, "nullified") == 0, MinorConsent: one("consent", "", "1", "2"),
		Restriction: one("restriction", "", "", "1"), Later: yes("later")}
	s := &f.State
	s.Informed = rapid.SampledFrom([]time.Time{{}, noon.AddDate(0, 0, -9), noon.AddDate(0, 0, -9)}).Draw(t, "informed")
	switch one("permission", "none", "positive", "positive", "negative") {
	case "positive":
		s.Permission = &PermissionState{ID: "P", Positive: true}
	case "negative":
		s.Permission = &PermissionState{ID: "P"}
	}
	for range rapid.IntRange(0, 2).Draw(t, "prohibitions") {
		s.Prohibitions = append(s.Prohibitions, anyProhibition(t))
	}
	for range rapid.IntRange(0, 2).Draw(t, "units") {
		s.Units = append(s.Units, UnitState{"A", one("client's unit", "A1", "B1", "P1"), "24", when("from"), when("until")})
	}
	for range rapid.IntRange(0, 2).Draw(t, "rights") {
		s.Rights = append(s.Rights, Right{ID: "R/24/P1", Organiser: "A", Task: one("right's task", "24", "10"), Unit: one("right's unit", "P1", "B1"),
			From: when("from"), Until: when("until"), Cases: some("cases", "C", "C2"), Suspended: yes("suspended"), NoContract: yes("contract")})
	}
	if yes("case is there") {
		s.Case = &CaseState{ID: "C", Controller: one("case's", "A", "B"), Task: "24", Closed: when("closed"), Strangers: yes("strangers")}
	}
	if yes("relationship is there") {
		s.Relationships = []RelationshipState{{ID: "R", Until: when("ended")}}
	}
	return f
}

func anyProhibition(t *rapid.T) ProhibitionState {
	return rapid.SampledFrom([]ProhibitionState{{"K", ByController, "A"}, {"K", ByController, "B"}, {"K", ByTask, "24"},
		{"K", ByTask, "10"}, {"K", ByDocument, "D2"}, {"K", ByDocument, "D"}, {"K", ByDocument, "X"}}).Draw(t, "prohibition")
}

// narrower changes facts so that access can only shrink, and says how.
var narrower = map[string]func(*rapid.T, *Facts){
	"one prohibition more": func(t *rapid.T, f *Facts) {
		f.State.Prohibitions = append(slices.Clone(f.State.Prohibitions), anyProhibition(t))
	},
	"a negative permission":           func(_ *rapid.T, f *Facts) { f.State.Permission = &PermissionState{ID: "P"} },
	"no permission":                   func(_ *rapid.T, f *Facts) { f.State.Permission = nil },
	"no informing":                    func(_ *rapid.T, f *Facts) { f.State.Informed = time.Time{} },
	"no strong authentication":        func(_ *rapid.T, f *Facts) { f.Requester.Strong = false },
	"no client's units":               func(_ *rapid.T, f *Facts) { f.State.Units = nil },
	"no special reason":               func(_ *rapid.T, f *Facts) { f.Requester.SpecialReason = "" },
	"no ground of a wide search":      func(_ *rapid.T, f *Facts) { f.Requester.WideSearch = "" },
	"a private requester":             func(_ *rapid.T, f *Facts) { f.Requester.Public = false },
	"a requester that has not joined": func(_ *rapid.T, f *Facts) { f.Requester.NotJoined = true },
	"nullified":                       func(_ *rapid.T, f *Facts) { f.Document.Nullified = true },
	"restricted by 1288":              func(_ *rapid.T, f *Facts) { f.Document.Restriction = "1" },
	"no mark of 1286":                 func(_ *rapid.T, f *Facts) { f.Document.MinorConsent = "" },
	"every right suspended": func(_ *rapid.T, f *Facts) {
		f.State.Rights = slices.Clone(f.State.Rights)
		for i := range f.State.Rights {
			f.State.Rights[i].Suspended = true
		}
	},
	"every right without an open case": func(_ *rapid.T, f *Facts) {
		f.State.Rights = slices.Clone(f.State.Rights)
		for i := range f.State.Rights {
			f.State.Rights[i].Cases = nil
		}
	},
	"no case":                              func(_ *rapid.T, f *Facts) { f.State.Case = nil },
	"no relationships":                     func(_ *rapid.T, f *Facts) { f.State.Relationships = nil },
	"no service tasks of the professional": func(_ *rapid.T, f *Facts) { f.Requester.ServiceTasks = nil },
}

func TestLUO3_LessNeverWidensAccess(t *testing.T) {
	for name, narrow := range narrower {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				f := anyFacts(rt)
				before := Decide(f)
				narrow(rt, &f)
				if after := Decide(f); after.Outcome == Given && before.Outcome != Given {
					rt.Fatalf("before %s, after %s\n%s", told(before), told(after), after.Text("en"))
				}
			})
		})
	}
}

// RKO-6 and LUO-1: no statement of will touches a registry-use right, the own
// register or a ground in law.
func TestRKO6_WillTouchesDisclosureByPermissionAlone(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := anyFacts(rt)
		before := Decide(f)
		if before.Outcome != Given || before.Ground.Kind == ByPermission {
			return
		}
		f.State.Prohibitions = []ProhibitionState{{"K", ByController, "A"}, {"K", ByController, "B"}, {"K", ByTask, "24"}, {"K", ByTask, "10"}, {"K", ByDocument, "D2"}}
		f.State.Permission, f.State.Informed = &PermissionState{ID: "P"}, time.Time{}
		if after := Decide(f); !reflect.DeepEqual(before, after) {
			rt.Fatalf("%s became %s", told(before), told(after))
		}
	})
}

// Every decision is complete: a ground or a rule, steps in three languages, and
// what is decided does not change what it was told.
func TestEveryDecisionIsComplete(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := anyFacts(rt)
		d := Decide(f)
		if (d.Outcome == Given) != (d.Ground.Kind != "" && d.Rule == "") || (d.Outcome == Given) == (d.Rule != "") {
			rt.Fatalf("%+v", d)
		}
		if !reflect.DeepEqual(d, Decide(f)) {
			rt.Fatal("the same facts are decided otherwise")
		}
		if d.Protected != f.Client.Protected {
			rt.Fatal("the mark of non-disclosure is lost")
		}
		if d.Outcome != Given {
			if last := d.Steps[len(d.Steps)-1]; last.Passed || last.Rule != d.Rule {
				rt.Fatalf("the last step is %+v, the rule %s", last, d.Rule)
			}
		}
		if d.Outcome == Given && f.Operation == Give && f.Document.Nullified && !f.Requester.Nullified {
			rt.Fatal("a nullified document is given")
		}
		if f.Operation == Store && d.Outcome == Hidden {
			rt.Fatal("storing cannot be hidden")
		}
		for _, lang := range catalogue.Langs {
			for _, s := range d.Explain(lang).Steps {
				if s.Question == "" || s.Found == "" || s.Law == "" || len(s.Requirement) == 0 {
					rt.Fatalf("in %s: %+v of %+v", lang, s, d.Steps)
				}
			}
		}
	})
}

// TestStepsAreWhole: each text of each step in three languages, no two the same.
func TestStepsAreWhole(t *testing.T) {
	known := catalogue.Requirements()
	for id, q := range questions() {
		texts := map[string]catalogue.Text{"question": q.Question}
		for k, f := range q.Found {
			texts[k] = f
		}
		for k, x := range texts {
			if x["fi"] == "" || x["sv"] == "" || x["en"] == "" || x["fi"] == x["sv"] || x["sv"] == x["en"] {
				t.Errorf("%s %s: %v", id, k, x)
			}
		}
		for _, r := range q.Requirement {
			if !slices.Contains(known, r) {
				t.Errorf("%s: requirement %s does not exist", id, r)
			}
		}
		if len(q.Found) == 0 || q.Law == "" {
			t.Errorf("%s lacks found or law", id)
		}
	}
}
