package main

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"portti/cda/rules"
	"portti/cda/rules/catalogue"
)

func TestErrorsListsEveryRule(t *testing.T) {
	for _, lang := range catalogue.Langs {
		exit, out, stderr := runMain(nil, "errors", "--lang", string(lang))
		if exit != exitOK {
			t.Fatalf("exit code %d %s", exit, stderr)
		}
		for _, id := range catalogue.Default().IDs() {
			r := catalogue.Default().Rule(id)
			if !strings.Contains(out, "  "+id+" ") || !strings.Contains(out, r.Title.In(lang)) {
				t.Errorf("%s: %s is not listed with its title", lang, id)
			}
		}
	}
}

func TestErrorsListsAnArea(t *testing.T) {
	exit, out, _ := runMain(nil, "errors", "trust")
	if exit != exitOK || !strings.HasPrefix(out, "TRUST: ") || strings.Count(out, "\n") != 1+len(catalogue.Default().InArea("TRUST")) {
		t.Errorf("exit code %d\n%s", exit, out)
	}
}

func TestErrorsShowsOneRuleInFull(t *testing.T) {
	r := catalogue.Default().Rule("REST-DOCUMENT-DECLARATION")
	for _, lang := range catalogue.Langs {
		exit, out, _ := runMain(nil, "errors", "--lang", string(lang), "rest-document-declaration")
		if exit != exitOK {
			t.Fatalf("exit code %d", exit)
		}
		for _, want := range []string{
			r.ID, r.Title.In(lang), r.Text.In(lang), r.Hint.In(lang), r.Wrong, r.Right, "TEST-5", r.Reference, "(lenient: ",
			catalogue.Certainties["V"].In(lang),
		} {
			if !strings.Contains(out, want) {
				t.Errorf("%s: lacks %q\n%s", lang, want, out)
			}
		}
	}
}

func TestErrorsInJSON(t *testing.T) {
	_, out, _ := runMain(nil, "errors", "--format", "json")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != len(catalogue.Default().IDs()) {
		t.Errorf("%d lines for %d rules", len(lines), len(catalogue.Default().IDs()))
	}
	_, out, _ = runMain(nil, "errors", "--format", "json", "SIG-DIGEST-MISMATCH")
	var got catalogue.Entry
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if want := catalogue.Default().Rule("SIG-DIGEST-MISMATCH").Entry(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestErrorsSuggestsWhatWasMeant(t *testing.T) {
	exit, _, stderr := runMain(nil, "errors", "SIG-DIGEST-MISSMATCH")
	if exit != exitUsage || !strings.Contains(stderr, "hint: did you mean SIG-DIGEST-MISMATCH") {
		t.Errorf("exit code %d, %q", exit, stderr)
	}
	if exit, _, stderr := runMain(nil, "errors", "qqq"); exit != exitUsage || !strings.Contains(stderr, "portti errors lists all rules") {
		t.Errorf("exit code %d, %q", exit, stderr)
	}
	for _, args := range [][]string{{"errors", "--assumptions", "SIG"}, {"errors", "--format", "html"}, {"errors", "A-1", "A-2"}} {
		if exit, _, _ := runMain(nil, args...); exit != exitUsage {
			t.Errorf("%v: exit code %d", args, exit)
		}
	}
}

func TestErrorsListsAssumptionsInForce(t *testing.T) {
	for _, lang := range catalogue.Langs {
		exit, out, _ := runMain(nil, "errors", "--assumptions", "--lang", string(lang))
		if exit != exitOK {
			t.Fatalf("exit code %d", exit)
		}
		for _, r := range catalogue.Default().Local() {
			if !strings.Contains(out, r.ID) {
				t.Errorf("%s is not listed", r.ID)
			}
		}
		for _, a := range rules.DefaultBook().Assumptions() {
			if !strings.Contains(out, a.What) {
				t.Errorf("%s is not listed", a.What)
			}
		}
	}
	_, out, _ := runMain(nil, "errors", "--assumptions", "--format", "json")
	kinds := map[string]int{}
	for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
		var a assumption
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatal(err)
		}
		if a.What == "" || a.Source == "" {
			t.Errorf("%s", line)
		}
		kinds[a.Kind]++
	}
	if kinds["rule"] != len(catalogue.Default().Local()) || kinds["table"] != len(rules.DefaultBook().Assumptions()) || kinds["table"] == 0 {
		t.Errorf("kinds %v", kinds)
	}
}
