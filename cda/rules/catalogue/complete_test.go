package catalogue

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"portti/internal/finding"
	"portti/internal/shared"
)

var (
	idForm    = regexp.MustCompile(`^[A-Z0-9]+(-[A-Z0-9]+)+$`)
	parameter = regexp.MustCompile(`\{[a-z]+\}`)
	stages    = []finding.Stage{
		finding.StageEnvelope, finding.StageFrame, finding.StageDocument, finding.StageSignature,
		finding.StageRules, finding.StageAccess, finding.StageCommit,
	}
)

// TestEveryRuleIsComplete: nothing that the catalogue promises of a rule is missing.
func TestEveryRuleIsComplete(t *testing.T) {
	known := Requirements()
	for _, id := range Default().IDs() {
		r := Default().Rule(id)
		if !idForm.MatchString(id) {
			t.Errorf("%s: not of the form AREA-FIELD-KIND", id)
		}
		if !slices.Contains(stages, r.Stage) {
			t.Errorf("%s: unknown stage %q", id, r.Stage)
		}
		for _, q := range r.Requirements {
			if !slices.Contains(known, q) {
				t.Errorf("%s: requirement %q does not exist", id, q)
			}
		}
		if len(r.Requirements) == 0 || strings.TrimSpace(r.Reference) == "" {
			t.Errorf("%s: requirement or reference is missing", id)
		}
		if Certainties[r.Certainty] == nil {
			t.Errorf("%s: unknown certainty %q", id, r.Certainty)
		}
		if strings.TrimSpace(r.Wrong) == "" || strings.TrimSpace(r.Right) == "" || r.Wrong == r.Right {
			t.Errorf("%s: no example of a wrong and a right form", id)
		}
		requireTexts(t, r)
	}
}

// requireTexts demands each text in each language, no two of them the same, with
// the same parameters.
func requireTexts(t *testing.T, r *Rule) {
	t.Helper()
	for name, text := range map[string]Text{"title": r.Title, "text": r.Text, "hint": r.Hint} {
		want := parameters(text[English])
		for _, l := range Langs {
			s := text[l]
			if strings.TrimSpace(s) == "" || s != strings.TrimSpace(s) {
				t.Errorf("%s: %s in %s is missing, or has blanks around it", r.ID, name, l)
			}
			if got := parameters(s); !slices.Equal(got, want) {
				t.Errorf("%s: %s has parameters %v in %s, %v in English", r.ID, name, got, l, want)
			}
			if last, _ := utf8.DecodeLastRuneInString(s); name == "title" && last == '.' || name != "title" && !strings.ContainsRune(".)?…", last) {
				t.Errorf("%s: %s in %s ends in %q", r.ID, name, l, s)
			}
		}
		if name != "title" && (text[Finnish] == text[English] || text[Swedish] == text[English] || text[Finnish] == text[Swedish]) {
			t.Errorf("%s: %s is the same in two languages", r.ID, name)
		}
	}
}

func parameters(s string) []string {
	found := parameter.FindAllString(s, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

func TestEveryRuleHasItsArea(t *testing.T) {
	var areas []string
	for _, a := range Areas() {
		areas = append(areas, a.ID)
		if len(Default().InArea(a.ID)) == 0 {
			t.Errorf("area %s has no rules", a.ID)
		}
		for _, l := range Langs {
			if a.Name[l] == "" {
				t.Errorf("area %s has no name in %s", a.ID, l)
			}
		}
	}
	for _, id := range Default().IDs() {
		if !slices.Contains(areas, AreaOf(id)) {
			t.Errorf("%s: the area is not in tables/areas.yaml", id)
		}
	}
}

// TestThereAreEnoughRules: fewer would leave fields or kinds of fault without a rule.
func TestThereAreEnoughRules(t *testing.T) {
	if n := len(Default().IDs()); n < 300 {
		t.Errorf("%d rules", n)
	}
}

func TestRequirementsAreThoseOfTheList(t *testing.T) {
	list := regexp.MustCompile(`(?m)^- ([A-Z]+-[0-9]+) `).FindAllSubmatch(shared.Read(t, "domain/requirements.md"), -1)
	var ids []string
	for _, m := range list {
		ids = append(ids, string(m[1]))
	}
	if !slices.Equal(ids, Requirements()) {
		t.Errorf("tables/requirements.txt is not the list: %v", ids)
	}
}

func TestCatalogueDocumentIsFresh(t *testing.T) {
	var want bytes.Buffer
	if err := Default().WriteMarkdown(&want); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../CATALOGUE.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("cda/rules/CATALOGUE.md is stale: run go generate ./cda/rules/catalogue")
	}
}

func TestMarkdownKeepsTextsFromBeingMarkup(t *testing.T) {
	if got := plain("a <b> *c* [d]"); got != `a &lt;b&gt; \*c\* \[d]` {
		t.Errorf("plain: %s", got)
	}
	for in, want := range map[string]string{"": "–", "a\n b": "`a b`", "a`b": "``a`b``", "`": "`` ` ``"} {
		if got := codeSpan(in); got != want {
			t.Errorf("%q: %s", in, got)
		}
	}
}

func TestNearestFindsWhatWasMeant(t *testing.T) {
	for query, want := range map[string]string{
		"SIG-DIGEST-MISSMATCH":     "SIG-DIGEST-MISMATCH",
		"sig digest mismatch":      "SIG-DIGEST-MISMATCH",
		"META-ID-MISING":           "META-ID-MISSING",
		"REST-DECLARATION-MISSING": "REST-DOCUMENT-DECLARATION",
		"HETU-CHECK":               "META-CLIENT-ID-HETU-CHECK",
	} {
		if got := Default().Nearest(query, 3); !slices.Contains(got, want) {
			t.Errorf("%s: %v lacks %s", query, got, want)
		}
	}
	for _, query := range []string{"", "  ", "qqq"} {
		if got := Default().Nearest(query, 3); len(got) > 0 {
			t.Errorf("%q: %v", query, got)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "", 3}, {"", "ab", 2}, {"kitten", "sitting", 3}, {"same", "same", 0}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("%s %s: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestEntryHoldsEverything(t *testing.T) {
	r := Default().Rule("SIG-DIGEST-MISMATCH")
	e := r.Entry()
	if e.Rule != r.ID || e.Area != "SIG" || e.Severity[Strict] != finding.Error || e.Text[Swedish] != r.Text[Swedish] || e.Reference != r.Reference {
		t.Errorf("%+v", e)
	}
}

func TestLocalGivesTheAssumptions(t *testing.T) {
	for _, r := range Default().Local() {
		if r.Certainty != "local" {
			t.Errorf("%s is %s", r.ID, r.Certainty)
		}
	}
	if len(Default().Local()) == 0 {
		t.Error("no local assumptions")
	}
}
