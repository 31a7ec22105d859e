package sosmeta

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// stricter are the faults that encoding/json takes.
var stricter = map[string]bool{RuleUTF8: true, RuleSurrogate: true, RuleDuplicateKey: true, RuleDepth: true, RuleValues: true, RuleSize: true}

// compareJSON holds Decode against encoding/json: what is taken, and what is read.
func compareJSON(t *testing.T, src []byte) {
	t.Helper()
	rep := Decode(src, Options{Facts: true})
	syntax, strict := false, false
	for _, f := range rep.Findings {
		if stricter[f.Rule] {
			strict = true
		} else {
			syntax = true
		}
		if f.Line < 1 || f.Column < 1 {
			t.Errorf("%q: finding without place: %+v", src, f)
		}
	}
	valid := json.Valid(src)
	if strict && (!valid || rep.has(RuleDepth) || rep.has(RuleValues)) {
		return // stopped before the other fault, or only strict
	}
	if valid == syntax {
		t.Fatalf("%q: encoding/json says %v, findings %v", src, valid, rep.Findings)
	}
	if !utf8.Valid(src) && valid && !rep.has(RuleUTF8) {
		t.Fatalf("%q: invalid UTF-8 not found", src)
	}
	if !valid || strict {
		return
	}
	var want any
	dec := json.NewDecoder(bytes.NewReader(src))
	dec.UseNumber()
	if err := dec.Decode(&want); err != nil {
		t.Fatalf("%q: %v", src, err)
	}
	if got := plainValue(rep.Instance, 0); !reflect.DeepEqual(got, want) {
		t.Fatalf("%q: read %#v, want %#v", src, got, want)
	}
}

func (r *Report) has(rule string) bool {
	for _, f := range r.Findings {
		if f.Rule == rule {
			return true
		}
	}
	return r.More[rule] > 0
}

func plainValue(in *Instance, r Ref) any {
	switch in.Type(r) {
	case TypeObject:
		m := map[string]any{}
		for c := range in.Children(r) {
			m[in.Key(c)] = plainValue(in, c)
		}
		return m
	case TypeArray:
		l := []any{}
		for c := range in.Children(r) {
			l = append(l, plainValue(in, c))
		}
		return l
	case TypeString:
		return in.Text(r)
	case TypeNumber:
		return json.Number(in.Text(r))
	case TypeTrue, TypeFalse:
		return in.Type(r) == TypeTrue
	}
	return nil
}

var jsonSeeds = []string{
	``, ` `, `{}`, `[]`, `{"a":1}`, `{"a":1,}`, `[1,]`, `[,1]`, `{"a" 1}`, `{"a":}`, `{a:1}`, `{'a':1}`, `[1 2]`, `{"a":1 "b":2}`, `{"a":1}}`, `{"a":1} x`,
	`"\u00e4\ud83d\ude42"`, `"\ud83d"`, `"\ude42"`, `"\ud83d\ud83d"`, `"\uZZZZ"`, `"\x"`, `"\`, `"\u12`, `"a`, "\"a\nb\"", "\"\xff\"", "\"\xc3\"", `"\/\b\f\n\r\t\\\""`,
	`0`, `-0`, `00`, `01`, `-`, `1.`, `.5`, `1.5`, `1e5`, `1e`, `1e+`, `1E-2`, `+1`, `NaN`, `-Infinity`, `0x10`, `1_000`, `12a`, `tru`, `true`, `truex`, `null`, `nul`, `None`,
	`{"a":1,"a":2}`, `{"a":{"b":[true,false,null,1.5e10,"x"]}}`, "\ufeff{}", "\xff\xfe{\x00}\x00", "{\x00}\x00", "\x00", "[\"\x00\"]", "{\"a\":\"\x7f\"}", ` { "a" : [ 1 , 2 ] } `, "\t\r\n[]\v",
	`// x`, `/* */{}`, `[1,2`, `{"a":[`, `{"a":"b`, `]`, `}`, `:`, `,`, `"" ""`, "\u00a0{}", `{"":""}`, `{"\u0061":1,"a":2}`,
	strings.Repeat("[", 63) + strings.Repeat("]", 63), strings.Repeat("[", 65) + strings.Repeat("]", 65),
}

func TestJSONIsTakenAsEncodingJSONTakesIt(t *testing.T) {
	for _, s := range jsonSeeds {
		compareJSON(t, []byte(s))
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range jsonSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) { compareJSON(t, src) })
}

// FuzzValidate looks for panics and for findings that do not agree with themselves.
func FuzzValidate(f *testing.F) {
	list := Default().List()
	for i, st := range list[:20] {
		g, err := st.Generate(GenerateOptions{Mode: Mode(i % 3), Seed: uint64(i)})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), g.JSON)
	}
	f.Fuzz(func(t *testing.T, which uint8, src []byte) {
		rep := list[int(which)%len(list)].Validate(src, Options{Facts: true})
		for _, fd := range rep.Findings {
			if fd.Line < 1 || fd.Column < 1 || fd.XPath != "" && fd.XPath[0] != '/' {
				t.Fatalf("finding without place: %+v", fd)
			}
		}
		for i := range rep.Instance.Len() {
			rep.Instance.Pointer(Ref(i))
		}
		if schemaValid(rep) && !rep.Broken() && !json.Valid(bytes.TrimPrefix(src, []byte("\ufeff"))) {
			t.Fatal("broken JSON taken")
		}
	})
}

func TestDOC12_JSONFaultsHaveTheirPlace(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"", "SOS-JSON-EMPTY 1:1 "},
		{"\n \n", "SOS-JSON-EMPTY 3:1 "},
		{"\ufeff{}", "SOS-JSON-BOM 1:1 "},
		{"{\x00\"\x00", "SOS-JSON-UTF16 1:1 "},
		{"\xff\xfe{\x00", "SOS-JSON-UTF16 1:1 "},
		{"{\"ä\":\n \"p\xe4\"}", "SOS-JSON-UTF8 2:4 /ä"},
		{"{\"a\": [1, 'x']}", "SOS-JSON-SYNTAX 1:11 /a/1"},
		{"{\"a\": [1, tosi]}", "SOS-JSON-SYNTAX 1:11 /a/1"},
		{"{\"a\" 1}", "SOS-JSON-SYNTAX 1:6 "},
		{"{\"a\": {\"b\": 1", "SOS-JSON-UNCLOSED 1:14 /a"},
		{"{\"a\": \"b", "SOS-JSON-UNCLOSED 1:9 /a"},
		{"{} {}", "SOS-JSON-TRAILING 1:4 "},
		{"{\"a\": 1}\r\n}", "SOS-JSON-TRAILING 2:1 "},
		{"{\"a\": [1,],}", "SOS-JSON-COMMA 1:10 /a; SOS-JSON-COMMA 1:12 "},
		{"[1 2]", "SOS-JSON-COMMA 1:4 "},
		{"{\"a\": 01, \"b\": 1., \"c\": +1, \"d\": NaN}", "SOS-JSON-NUMBER 1:7 /a; SOS-JSON-NUMBER 1:16 /b; SOS-JSON-NUMBER 1:25 /c; SOS-JSON-NUMBER 1:34 /d"},
		{"{\"a\": \"x\ty\tz\"}", "SOS-JSON-CONTROL 1:9 /a"},
		{"{\"a\": \"C:\\xyz\"}", "SOS-JSON-ESCAPE 1:10 /a"},
		{"{\"a\": \"\\ud83d\"}", "SOS-JSON-SURROGATE 1:8 /a"},
		{"{\"a\": 1, \"b\": {\"c\": 1, \"c\": 2}}", "SOS-JSON-DUPLICATE-KEY 1:24 /b/c"},
		{"{\"a\": 1, \"\\u0061\": 2}", "SOS-JSON-DUPLICATE-KEY 1:10 /a"},
		{"{\"a/b~c\": x}", "SOS-JSON-SYNTAX 1:11 /a~1b~0c"},
		{strings.Repeat("[", 65), "SOS-JSON-DEPTH 1:65 " + strings.Repeat("/0", 64)},
	} {
		var got []string
		for _, f := range Decode([]byte(c.src), Options{}).Findings {
			got = append(got, fmt.Sprintf("%s %d:%d %s", f.Rule, f.Line, f.Column, f.XPath))
		}
		if s := strings.Join(got, "; "); s != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.src, s, c.want)
		}
	}
}

func TestLimitsEndTheReading(t *testing.T) {
	for _, c := range []struct {
		src  string
		lim  Limits
		rule string
	}{
		{"[1,2,3,4]", Limits{Values: 4}, RuleValues},
		{`{"a": "bcd"}`, Limits{Bytes: 11}, RuleSize},
		{"[[[]]]", Limits{Depth: 2}, RuleDepth},
	} {
		rep := Decode([]byte(c.src), Options{Limits: c.lim})
		if len(rep.Findings) != 1 || rep.Findings[0].Rule != c.rule || !rep.Broken() {
			t.Errorf("%s: %v", c.src, rep.Findings)
		}
	}
	if rep := Decode([]byte("[1,2,3,4]"), Options{Limits: Limits{Values: 5, Depth: 1, Bytes: 9}}); len(rep.Findings) > 0 {
		t.Errorf("%v", rep.Findings)
	}
}

// A document of nothing but faults is told up to the limit and counted beyond.
func TestAttackManyFaultsAreCounted(t *testing.T) {
	st, _ := Default().Lookup("1.2.246.537.6.1505.2.2022.6.28")
	var b strings.Builder
	b.WriteString(`{"asia_asiakirja": {"asiakas": [`)
	for i := range 30_000 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`{"x": 1}`)
	}
	b.WriteString(`]}}`)
	rep := st.Validate([]byte(b.String()), Options{})
	if len(rep.Findings) != 1000 {
		t.Fatalf("%d findings", len(rep.Findings))
	}
	total := len(rep.Findings)
	for _, n := range rep.More {
		total += n
	}
	if total < 90_000 {
		t.Errorf("%d findings in all", total)
	}
}

// Keys are untrusted: one that looks like personal data does not reach findings.
func TestKeysThatMayBePersonalAreNotShown(t *testing.T) {
	st, _ := Default().Lookup("1.2.246.537.6.1505.2.2022.6.28")
	for _, key := range []string{"010181-900C", strings.Repeat("x", 200), "a\u0007b"} {
		src, err := json.Marshal(map[string]any{"asia_asiakirja": map[string]any{key: map[string]any{key: 1, "b": 2}}})
		if err != nil {
			t.Fatal(err)
		}
		rep := st.Validate(append(src[:len(src)-1], ','), Options{Facts: true})
		all := fmt.Sprintf("%+v", rep.Findings)
		if strings.Contains(all, key) {
			t.Errorf("%s", all)
		}
	}
}

func TestPositionsCountCodePointsAndAllLineEnds(t *testing.T) {
	src := []byte("{\r\n\"äö🙂\": 1,\r\"b\":\n 2, \"äääääääääääääääääää\": \"€€€€€€€€€€\", \"z\": x}")
	rep := Decode(src, Options{})
	if len(rep.Findings) != 1 {
		t.Fatalf("%v", rep.Findings)
	}
	if f := rep.Findings[0]; f.Line != 4 || f.Column != 47 || f.XPath != "/z" {
		t.Errorf("got %d:%d %s", f.Line, f.Column, f.XPath)
	}
	in := rep.Instance
	for _, c := range []struct {
		key       string
		line, col int
	}{{"äö🙂", 2, 8}, {"b", 4, 2}} {
		if p := in.Place(in.Get(0, c.key)); p.Line != c.line || p.Column != c.col {
			t.Errorf("%s at %d:%d, want %d:%d", c.key, p.Line, p.Column, c.line, c.col)
		}
	}
}
