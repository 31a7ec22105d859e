package sosmeta

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"portti/internal/shared"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schemaErrors are the rules that a JSON Schema validator with the original
// schemas would find too. The others are of JSON as such, of the choice of
// structure, of conditions, or remarks beyond the schemas.
var schemaErrors = map[string]bool{
	RuleRootType: true, RuleRootName: true, RuleFieldUnknown: true, RuleRequiredMissing: true, RuleType: true, RuleNull: true,
	RuleRepeatNotAllowed: true, RuleRepeatArray: true, RuleRepeatMin: true, RuleTextLength: true, RuleCodeSystem: true,
	RuleCodeSystemOwn: true, RuleCodeNotAccepted: true, RuleCodeSystemAbsent: true, RuleCodeAbsent: true,
	RuleDisplayAbsent: true, RuleIDValueAbsent: true, RuleQuantityAbsent: true, RuleUnitAbsent: true, RuleDateForm: true,
	RuleTimeForm: true, RulePattern: true, RuleValue: true, RulePhraseExact: true,
}

// schemaValid tells the verdict that is compared.
func schemaValid(r *Report) bool {
	for _, f := range r.Findings {
		if schemaErrors[f.Rule] {
			return false
		}
	}
	for rule := range r.More {
		if schemaErrors[rule] {
			return false
		}
	}
	return true
}

// judges compiles the original schemas, by structure OID.
func judges(tb testing.TB) map[string]*jsonschema.Schema {
	tb.Helper()
	dir := shared.Path(tb, "schemas/sosmeta")
	out := make(map[string]*jsonschema.Schema)
	for _, st := range Default().List() {
		c := jsonschema.NewCompiler()
		name := "file:///" + st.OID + ".json"
		if err := c.AddResource(name, withoutDoubles(readJSON(tb, filepath.Join(dir, st.OID+".json")))); err != nil {
			tb.Fatal(err)
		}
		s, err := c.Compile(name)
		if err != nil {
			tb.Fatal(err)
		}
		out[st.OID] = s
	}
	return out
}

func readJSON(tb testing.TB, name string) any {
	tb.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// withoutDoubles takes doubles out of enums: 1506.4018.2022.9.28 has one, which
// draft-07's own schema forbids.
func withoutDoubles(v any) any {
	switch x := v.(type) {
	case map[string]any:
		if list, ok := x["enum"].([]any); ok {
			seen := make(map[any]bool)
			var kept []any
			for _, e := range list {
				if !seen[e] {
					kept = append(kept, e)
				}
				seen[e] = true
			}
			x["enum"] = kept
		}
		for _, c := range x {
			withoutDoubles(c)
		}
	case []any:
		for _, c := range x {
			withoutDoubles(c)
		}
	}
	return v
}

// docs is how many documents the differential test makes: PORTTI_FUZZ_DOCS.
func docs(tb testing.TB) int {
	n, err := strconv.Atoi(os.Getenv("PORTTI_FUZZ_DOCS"))
	if err != nil {
		return 5000
	}
	return n
}

func TestDOC11_VerdictsEqualJSONSchema(t *testing.T) {
	js := judges(t)
	phrases, err := Phrases(shared.Path(t, "schemas/sosmeta"))
	if err != nil {
		t.Fatal(err)
	}
	list, total := Default().List(), docs(t)
	var mu sync.Mutex
	valid, invalid := 0, 0
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wg.Go(func() {
			for i := w; i < total; i += workers {
				st := list[i%len(list)]
				ok, msg := compare(st, js[st.OID], phrases, uint64(i))
				mu.Lock()
				if msg != "" {
					t.Errorf("document %d of %s: %s", i, st.OID, msg)
				}
				if ok {
					valid++
				} else {
					invalid++
				}
				stop := t.Failed()
				mu.Unlock()
				if stop {
					return
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d documents: %d valid, %d not", valid+invalid, valid, invalid)
	if !t.Failed() && (valid < total/10 || invalid < total/3) {
		t.Errorf("the documents are one-sided: %d valid, %d not", valid, invalid)
	}
}

// compare makes one document, changes it, and gives the schema's verdict and what
// differs.
func compare(st *Structure, js *jsonschema.Schema, phrases map[Hash]string, seed uint64) (bool, string) {
	rnd := rand.New(rand.NewPCG(seed, 99))
	round := seed / uint64(len(Default().List()))
	g, err := st.Generate(GenerateOptions{Mode: Mode(round / 4 % 3), Seed: seed, Phrases: phrases})
	if err != nil {
		return false, err.Error()
	}
	src := g.JSON
	if n := int(round % 4); n > 0 {
		if src, err = mutate(rnd, src, n, st); err != nil {
			return false, err.Error()
		}
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(src))
	if err != nil {
		return false, err.Error()
	}
	want := js.Validate(v)
	rep := st.Validate(src, Options{PhrasesExact: true})
	got := schemaValid(rep)
	switch {
	case rep.Broken():
		return false, fmt.Sprintf("taken for broken JSON: %v\n%s", rep.Findings, src)
	case got != (want == nil):
		return false, fmt.Sprintf("portti %v %v, JSON Schema %v\n%s", got, rep.Findings, want, src)
	}
	return got, ""
}

// mutate changes n places of a document, some to what is still valid.
func mutate(rnd *rand.Rand, src []byte, n int, st *Structure) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(src))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	for range n {
		m := &mutator{rnd: rnd, st: st}
		m.count(v)
		if m.seen == 0 {
			break
		}
		m.target = rnd.IntN(m.seen)
		m.seen = 0
		v = m.apply(v, "")
	}
	return json.Marshal(v)
}

type mutator struct {
	rnd          *rand.Rand
	st           *Structure
	seen, target int
}

func (m *mutator) count(v any) {
	m.seen++
	switch x := v.(type) {
	case map[string]any:
		for _, c := range x {
			m.count(c)
		}
	case []any:
		for _, c := range x {
			m.count(c)
		}
	}
}

// apply walks in the order of sorted keys to the target and changes it.
func (m *mutator) apply(v any, key string) any {
	hit := m.seen == m.target
	m.seen++
	switch x := v.(type) {
	case map[string]any:
		if hit {
			return m.object(x)
		}
		for _, k := range sortedKeys(x) {
			x[k] = m.apply(x[k], k)
		}
		return x
	case []any:
		if hit {
			return m.array(x)
		}
		for i, c := range x {
			x[i] = m.apply(c, key)
		}
		return x
	}
	if hit {
		return m.scalar(v, key)
	}
	return v
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

func (m *mutator) object(x map[string]any) any {
	keys := sortedKeys(x)
	switch m.rnd.IntN(6) {
	case 0, 1:
		if len(keys) > 0 {
			delete(x, keys[m.rnd.IntN(len(keys))])
		}
	case 2:
		x["tuntematon_"+strconv.Itoa(m.rnd.IntN(9))] = m.anything()
	case 3:
		f := m.st.flat[m.rnd.IntN(len(m.st.flat))]
		x[f.Key] = m.anything()
	case 4:
		return m.anything()
	default:
		return []any{x}
	}
	return x
}

func (m *mutator) array(x []any) any {
	switch m.rnd.IntN(5) {
	case 0:
		return []any{}
	case 1:
		if len(x) > 0 {
			return x[0]
		}
	case 2:
		return append(x, m.anything())
	case 3:
		return []any{x}
	}
	return append(x, x...)
}

func (m *mutator) anything() any {
	return []any{nil, true, false, json.Number("0"), json.Number("-1.5e3"), json.Number("123456789012345678901234567890"), "", " ", "teksti",
		"2024-02-30", map[string]any{}, []any{}, []any{"a"}, map[string]any{"system": "urn:oid:1.2.246.21", "value": "x"},
		map[string]any{"system": "urn:oid:1.2.246.537.6.1221.201601", "code": "10", "display": "x"}}[m.rnd.IntN(15)]
}

// near are texts near the borders of the patterns.
var near = []string{"", " ", "2024", "2024-", "2024-1", "2024-01", "2024-13", "2024-00", "2024-01-00", "2024-01-31", "2024-01-32", "-2024-01-31",
	"+2024", "24", "02024", "2024-01-01T", "2024-01-01T10:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01T10:00:00", "2024-01-01T10:00:60Z",
	"2024-01-01T10:00:00.Z", "2024-01-01T10:00:00.5Z", "2024-01-01T10:00:00+14:00", "2024-01-01T10:00:00+14:01", "2024-01-01T10:00:00+13:59",
	"2024-01-01T10:00:00-00:00", "2024-01-01T10:00Z", "2024-01T10:00:00Z", "2024-01-01 10:00:00Z", "2024-01-01\n", "\n2024", "2024-01-01T10:00:00z",
	"urn:oid:", "urn:oid:1.2.246.537.6.202", "urn:oid:1.2.246.537.6.202.", "urn:oid:1.2.246.537.6.202.2008", "urn:oid:1.2.246.537.6.202..1",
	"urn:oid:1.2.246.537.6.2020", "urn:oid:1.2.246.537.6.202.2008\n", " urn:oid:1.2.246.537.6.202", "URN:OID:1.2.246.537.6.202", "1.2.246.537.6.202",
	"urn:oid:1.2.246.537.6.202.٣", "K", "E", "1", "2", "10", "01", "99", "FI", "fi", "ä", "\u0000", "\U0001F642"}

func (m *mutator) scalar(v any, key string) any {
	s, isText := v.(string)
	switch k := m.rnd.IntN(8); {
	case k == 0:
		return m.anything()
	case k == 1:
		return []any{v}
	case !isText:
		return m.anything()
	case k <= 4:
		return near[m.rnd.IntN(len(near))]
	case k == 5:
		return s + string(rune(' '+m.rnd.IntN(95)))
	case k == 6 && len(s) > 0:
		i := m.rnd.IntN(len(s))
		return strings.ToValidUTF8(s[:i]+s[i+1:], "?")
	}
	return s + ".5"
}
