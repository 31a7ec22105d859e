package cases

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"portti/cda/rules/catalogue"
)

// TestTEST2_TheSetIsLargeAndWhole: at least 300 cases and 1,000 steps, each with its
// texts in three languages and requirements that exist (Load checks those).
func TestTEST2_TheSetIsLargeAndWhole(t *testing.T) {
	s := Default()
	steps := 0
	for _, c := range s.Cases {
		steps += c.Count()
		for i := range c.Steps {
			for _, l := range catalogue.Langs {
				if say := c.Steps[i].Say[l]; say == "" || strings.ContainsAny(say, "{}") {
					t.Errorf("%s, step %d: says %q in %s", c.ID, i+1, say, l)
				}
			}
		}
	}
	if len(s.Cases) < 300 || steps < 1000 {
		t.Errorf("%d cases with %d steps", len(s.Cases), steps)
	}
	t.Logf("%d cases, %d steps", len(s.Cases), steps)
}

// TestPRO_EveryProfileHasCases: each profile has cases of each mode that concern it.
func TestPRO_EveryProfileHasCases(t *testing.T) {
	for _, p := range Profiles {
		if n := len(Default().Select(Selection{Profile: p})); n == 0 {
			t.Errorf("%s has no cases", p)
		} else {
			t.Logf("%s: %d", p, n)
		}
	}
}

func TestEveryKindAndUseCaseIsCovered(t *testing.T) {
	kinds := map[string]bool{}
	tags := map[string]bool{}
	for _, c := range Default().Cases {
		for _, x := range c.Steps {
			if !x.Setup {
				kinds[x.Kind] = true
			}
		}
		for _, g := range c.Tags {
			tags[g] = true
		}
	}
	for k := range Default().words["kind"] {
		if !kinds[k] {
			t.Errorf("no case sends a %s", k)
		}
	}
	for _, g := range []string{"version", "nullify", "signature", "concurrency", "retry", "limits", "client", "connection", "go-live"} {
		if !tags[g] {
			t.Errorf("no case is tagged %s", g)
		}
	}
}

// TestTEST2_EveryTopicHasCases: what joint testing has to cover, each by several cases
// that look at it.
func TestTEST2_EveryTopicHasCases(t *testing.T) {
	step := func(is func(*Step) bool) func(*Case) bool {
		return func(c *Case) bool {
			for i := range c.Steps {
				if x := &c.Steps[i]; !x.Setup && (is(x) || slices.ContainsFunc(x.Parts, func(p Step) bool { return is(&p) })) {
					return true
				}
			}
			return false
		}
	}
	tagged := func(tag string) func(*Case) bool {
		return func(c *Case) bool { return c.Area == tag || slices.Contains(c.Tags, tag) }
	}
	client := func(sort string) func(*Case) bool {
		return func(c *Case) bool {
			for _, s := range c.Clients {
				if s == sort {
					return true
				}
			}
			return false
		}
	}
	topics := map[string]func(*Case) bool{
		"versions":       step(func(x *Step) bool { return x.Replaces != "" && !x.Nullify }),
		"nullification":  step(func(x *Step) bool { return x.Nullify }),
		"rights":         tagged("rights"),
		"disclosure":     step(func(x *Step) bool { return x.Query.Situation == "903" }),
		"registry use":   step(func(x *Step) bool { return x.Query.Situation == "902" || x.Document.Edit == "provider" }),
		"will":           tagged("will"),
		"logs":           step(func(x *Step) bool { return x.Do == "log" }),
		"signatures":     tagged("signature"),
		"certificates":   step(func(x *Step) bool { return strings.HasPrefix(x.Document.Fault, "trust-") }),
		"several":        func(c *Case) bool { return len(c.Clients) > 1 },
		"temporary ids":  client("temporary"),
		"minors":         client("minor"),
		"non-disclosure": client("protected"),
		"attachments":    tagged("attachment"),
		"limits":         tagged("limits"),
		"retries":        step(func(x *Step) bool { return x.Do == "again" }),
		"order":          tagged("order"),
		"concurrency":    step(func(x *Step) bool { return x.Do == "together" }),
		"validation":     step(func(x *Step) bool { return x.Do == "validate" }),
	}
	for _, kind := range []string{"metadata", "document", "relationship", "case", "summary", "status"} { // use cases 7 to 11
		topics["query "+kind] = step(func(x *Step) bool { return x.Query.For == kind })
	}
	for kind := range Default().words["kind"] { // use cases 1 to 6, each document group
		topics[kind+" taken"] = func(c *Case) bool {
			return slices.ContainsFunc(c.Steps, func(x Step) bool { return x.Kind == kind && x.Expect.Answer == "accepted" })
		}
		topics[kind+" refused"] = step(func(x *Step) bool { return x.Kind == kind && x.Expect.Answer == "refused" })
	}
	for topic, is := range topics {
		n := 0
		for _, c := range Default().Select(Selection{}) {
			if is(c) {
				n++
			}
		}
		if n < 3 {
			t.Errorf("%s: %d cases", topic, n)
		}
		t.Logf("%s: %d", topic, n)
	}
}

func TestSelect(t *testing.T) {
	s := Default()
	for _, x := range []struct {
		name string
		w    Selection
		ok   func(*Case) bool
	}{
		{"id", Selection{IDs: []string{"store-plan"}}, func(c *Case) bool { return c.ID == "STORE-PLAN" }},
		{"prefix", Selection{IDs: []string{"VERSION-*"}}, func(c *Case) bool { return strings.HasPrefix(c.ID, "VERSION-") }},
		{"tag", Selection{Tags: []string{"nullify"}}, func(c *Case) bool { return slices.Contains(c.Tags, "nullify") }},
		{"area as tag", Selection{Tags: []string{"transport"}}, func(c *Case) bool { return c.Area == "transport" }},
		{"profile", Selection{Profile: Archiving}, func(c *Case) bool { return slices.Contains(c.Profiles, Archiving) }},
		{"excluded", Selection{Excluded: []string{"SOAP-*"}}, func(c *Case) bool { return !strings.HasPrefix(c.ID, "SOAP-") }},
	} {
		got := s.Select(x.w)
		if len(got) == 0 || slices.ContainsFunc(got, func(c *Case) bool { return !x.ok(c) }) {
			t.Errorf("%s: %d cases, not all of them wanted", x.name, len(got))
		}
	}
}

// TestPreconditionsAreTold: what only makes the state that a case is about is a
// precondition; the last step never is, nor is storing where that is what is tested.
func TestPreconditionsAreTold(t *testing.T) {
	for id, want := range map[string]string{
		"STORE-PLAN": "++---", "STORE-RELATIONSHIP": "---", "NULLIFY-PLAN": "+++---", "VERSION-GAP-NOTE": "+++--", "RETRY-REFUSED-NOTE": "++---",
		"REGISTRY-USE-NOTE": "++---", "REGISTRY-USE-FETCH-NOTE": "+++-", "QUERY-VERSION-PLAN": "++++--", "QUERY-NULLIFIED-PLAN": "+++----",
		"DISCLOSURE-PERMITTED-NOTE": "+++++------", "CONNECTION": "++--", "SIGNATURE-SIG-VALUE-PLAN": "++--",
	} {
		c := Default().Case(id)
		if c == nil {
			t.Fatalf("no case %s", id)
		}
		got := ""
		for i := range c.Steps {
			if c.Steps[i].Setup {
				got += "+"
			} else {
				got += "-"
			}
		}
		if got != want {
			t.Errorf("%s has preconditions %s, want %s", id, got, want)
		}
	}
	for _, c := range Default().Cases {
		if c.Steps[len(c.Steps)-1].Setup {
			t.Errorf("%s tests nothing", c.ID)
		}
	}
}

// TestBrokenCasesDoNotLoad: what every case must have is demanded.
func TestBrokenCasesDoNotLoad(t *testing.T) {
	words, err := dataFS.ReadFile("data/words.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const sound = `cases:
  - id: a-{n}
    title: {fi: "A {n}", sv: "A {n}", en: "A {n}"}
    for: [{n: [1, 2]}]
    profiles: [storing]
    requirements: [ARK-1]
    steps: [{do: send, as: one, kind: plan, expect: {answer: accepted}}, {do: again, of: one, expect: {like: one}}]
`
	for _, x := range []struct{ name, old, new, want string }{
		{"sound", "", "", ""},
		{"twice", "id: a-{n}", "id: a", "defined twice"},
		{"no Swedish", `sv: "A {n}", `, "", "text in sv"},
		{"unfilled", `en: "A {n}"`, `en: "A {m}"`, "text in en"},
		{"profile", "storing", "reading", "unknown profile"},
		{"requirement", "ARK-1", "ARK-99", "unknown requirement"},
		{"act", "do: again", "do: dance", "unknown act"},
		{"no expectation", ", expect: {like: one}", "", "expects nothing"},
		{"later step", "of: one", "of: two", "no earlier step"},
		{"unknown rule", "like: one", "rules: [NO-SUCH-RULE], answer: refused", "unknown rule"},
		{"unknown client", "kind: plan,", "kind: plan, clients: [x],", "unknown client"},
		{"unknown hook", "profiles:", "control: reboot\n    profiles:", "unknown control hook"},
		{"unknown key", "requirements:", "demands: 1\n    requirements:", "not found"},
	} {
		text := strings.Replace(sound, x.old, x.new, 1)
		s, err := load(fstest.MapFS{"data/a.yaml": {Data: []byte(text)}, "data/words.yaml": {Data: words}})
		switch {
		case x.want == "" && (err != nil || len(s.Cases) != 2 || s.Case("A-2").Title["sv"] != "A 2"):
			t.Errorf("%s: %v", x.name, err)
		case x.want != "" && (err == nil || !strings.Contains(err.Error(), x.want)):
			t.Errorf("%s: %v", x.name, err)
		}
	}
}

func TestTheDocumentIsAsGenerated(t *testing.T) {
	var b strings.Builder
	if err := Default().WriteMarkdown(&b); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../CASES.md")
	if err != nil || string(got) != b.String() {
		t.Errorf("conformance/CASES.md is not what go generate ./conformance/cases writes (%v)", err)
	}
}
