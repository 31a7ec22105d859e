package validation

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"portti/cda/rules/catalogue"
	"portti/internal/finding"
)

func TestEveryRuleStandsInTheCatalogue(t *testing.T) {
	for _, id := range append([]string{ruleContentEncoding, ruleFailure, ruleMore}, Rules...) {
		if catalogue.Default().Rule(id) == nil {
			t.Errorf("%s is not in the catalogue", id)
		}
	}
}

func TestStringsAreDecodedAsJSONHasThem(t *testing.T) {
	for _, written := range []string{
		`plain`, `ä€😀`, `\"\\\/\b\f\n\r\t`, `\u0041\u00e4\u20AC\ud83d\ude00`, `a\u0000b`, `\u005cn`, `x\ud83d\ude00y\n`,
		`<?xml version=\"1.0\"?>\r\n<a b=\"c\"/>`,
	} {
		var want string
		if err := json.Unmarshal([]byte(`"`+written+`"`), &want); err != nil {
			t.Fatal(err)
		}
		body := []byte(`{"asiakirjaXml": "` + written + `", "level": "1"}`)
		s, ok := scan(body, keyNames)
		if !ok {
			t.Errorf("%s: %v", written, s.out)
			continue
		}
		m := s.members[keyDocument]
		if got := m.str.copied(); got != want {
			t.Errorf("%s: copied %q, want %q", written, got, want)
		}
		if got := string(m.str.decode()); got != want {
			t.Errorf("%s: decoded %q, want %q", written, got, want)
		}
	}
}

func TestPlacesCountCodePoints(t *testing.T) {
	for _, c := range []struct {
		body, rule   string
		line, column int
	}{
		{"{\"ä\": 1,\n \"€😀\" 2}", RuleSyntax, 2, 7},
		{"{\n\"messageId\": \"a\tb\"}", RuleSyntax, 2, 16},
		{`{"messageId": "\x"}`, RuleSyntax, 1, 16},
		{`{"messageId": "\ud83d"}`, RuleSurrogate, 1, 16},
		{`{"messageId": "\ude00\ud83d"}`, RuleSurrogate, 1, 16},
		{`{"messageId": 01}`, RuleSyntax, 1, 16},
		{`{"messageId": -}`, RuleSyntax, 1, 16},
		{`{"messageId": tru}`, RuleSyntax, 1, 15},
		{`{"level": "1",}`, RuleSyntax, 1, 15},
		{`{"level": "1"`, RuleSyntax, 1, 14},
		{`{"level": "1"} x`, RuleSyntax, 1, 16},
		{"\xef\xbb\xbf{x", RuleSyntax, 1, 2},
		{"{\"ä\xff", RuleUTF8, 1, 4},
		{"{\n\n  \"level\": 1, \"level\": 2}", RuleRepeated, 3, 15},
	} {
		s, _ := scan([]byte(c.body), keyNames)
		f := s.out[len(s.out)-1]
		if f.Rule != c.rule || f.Line != c.line || f.Column != c.column || f.Source != finding.SourceRequest {
			t.Errorf("%q: %s at %d:%d, want %s at %d:%d", c.body, f.Rule, f.Line, f.Column, c.rule, c.line, c.column)
		}
	}
}

// requireSameAsEncodingJSON compares with Go's own decoder, which lets octets that
// are no UTF-8 and lone surrogates through and has another limit of depth.
func requireSameAsEncodingJSON(t *testing.T, body []byte) {
	t.Helper()
	var want map[string]json.RawMessage
	valid := json.Unmarshal(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), &want) == nil && want != nil
	before := bytes.Clone(body)
	s, ok := scan(body, keyNames)
	if !bytes.Equal(before, body) {
		t.Fatal("the scan changed the request")
	}
	has := func(rule string) bool { return s.said(rule) }
	if has(RuleUTF8) || has(RuleDepth) {
		return
	}
	if ok != valid {
		t.Fatalf("%q: taken %t, valid %t: %v", body, ok, valid, s.out)
	}
	if !ok {
		if len(s.out) == 0 {
			t.Fatalf("%q is refused without a finding", body)
		}
		return
	}
	for _, k := range keyNames {
		raw, there := want[k]
		m := s.members[k]
		if m.present != there {
			t.Fatalf("%q: %s present %t, want %t", body, k, m.present, there)
		}
		var text string
		if m.ok && !has(RuleRepeated) && json.Unmarshal(raw, &text) == nil {
			if got := m.str.copied(); got != text {
				t.Fatalf("%q: %s is %q, want %q", body, k, got, text)
			}
		}
	}
}

var jsonSeeds = []string{
	`{}`, `[]`, `""`, `1`, ` { } `, `{"a":[1,2.5e-3,true,false,null,{"b":"c"}]}`,
	`{"messageId":"x","palveluPyynto":"SP17","level":"1","siirtokehysXml":"<a\/>","asiakirjaXml":"<?xml version=\"1.0\"?>\n<b>\u00e4</b>"}`,
	`{"level":1,"level":"1"}`, `{"messageId":"\ud83d\ude00\ud83d"}`, "\xef\xbb\xbf{}", "{\"a\":\"\xff\"}", `{"a":`, `{"a" "b"}`, `{"a":1 "b":2}`,
	`{"\u006devel":1,"\u006cevel":2}`, `{"level":-0.0E+1}`, `{"level":1.}`, `{"level":"\u12"}`,
	strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40),
}

func TestJSONIsReadAsGoReadsIt(t *testing.T) {
	for _, s := range jsonSeeds {
		requireSameAsEncodingJSON(t, []byte(s))
	}
}

func FuzzJSON(f *testing.F) {
	for _, s := range jsonSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(requireSameAsEncodingJSON)
}

func TestDeclaredEncodingIsBlankedOut(t *testing.T) {
	for in, want := range map[string]struct {
		out, name string
		at        int
	}{
		`<?xml version="1.0" encoding="utf-16"?><a/>`:                {`<?xml version="1.0"                  ?><a/>`, "utf-16", 30},
		`<?xml version='1.0' encoding='x-y' standalone='yes'?><a/>`:  {`<?xml version='1.0'                standalone='yes'?><a/>`, "x-y", 30},
		"<?xml version=\"1.0\"\nencoding=\"latin1\"?><a/>":           {"<?xml version=\"1.0\"\n                 ?><a/>", "latin1", 30},
		`<?xml version="1.0" encoding="UTF-8"?><a/>`:                 {`<?xml version="1.0" encoding="UTF-8"?><a/>`, "", 0},
		`<?xml version="1.0"?><a encoding="utf-16"/>`:                {`<?xml version="1.0"?><a encoding="utf-16"/>`, "", 0},
		`<?xml version="1.0" encoding=""?><a/>`:                      {`<?xml version="1.0" encoding=""?><a/>`, "", 0},
		`<a/>`:                                                       {`<a/>`, "", 0},
		`<?xml version="1.0" encoding="utf-16"`:                      {`<?xml version="1.0" encoding="utf-16"`, "", 0},
		`<?xml ` + strings.Repeat(" ", 2000) + `encoding="utf-16"?>`: {`<?xml ` + strings.Repeat(" ", 2000) + `encoding="utf-16"?>`, "", 0},
	} {
		text := []byte(in)
		at, name := otherEncoding(text)
		if string(text) != want.out || name != want.name || at != want.at {
			t.Errorf("%q: %q %q %d", in, text, name, at)
		}
	}
}

func TestOneEntryCannotLookLikeTwo(t *testing.T) {
	for in, want := range map[string]string{
		"a; b":           "a, b",
		"row 12: bad":    "row 12 – bad",
		"at 12:30":       "at 12:30",
		"1.2.3:\n\tnext": "1.2.3 – next",
		"ends in 7:":     "ends in 7 –",
	} {
		if got := oneEntry(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestEveryWordIsThereInEveryLanguage(t *testing.T) {
	for _, l := range catalogue.Langs {
		w := words(l)
		for _, code := range []string{codeInvalid, codeRequest, codeMethod, codeMedia, codeTooLarge, codeBusy, codeFailure} {
			if w.title(code) == "" {
				t.Errorf("%s lacks the title of %s", l, code)
			}
		}
		for _, s := range []finding.Source{
			finding.SourceRequest, finding.SourceFrame, finding.SourceMIME, finding.SourceDocument,
			finding.SourceXHTML, finding.SourceJSON, finding.SourcePDF, finding.SourceAttachment,
		} {
			if w.source(s) == "" {
				t.Errorf("%s lacks a word for %s", l, s)
			}
		}
	}
}
