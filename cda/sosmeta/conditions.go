package sosmeta

import (
	_ "embed" // conditions.yaml
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"portti/internal/finding"

	"go.yaml.in/yaml/v3"
)

//go:embed conditions.yaml
var conditionsYAML string

// condition is one entry of conditions.yaml, which says what its parts mean.
type condition struct {
	Rule      string      `yaml:"rule"`
	Scope     scope       `yaml:"scope"`
	When      []predicate `yaml:"when"`
	Each      string      `yaml:"each"`
	Expect    expectation `yaml:"expect"`
	Source    string      `yaml:"source"`
	Certainty string      `yaml:"certainty"`
}

type scope struct {
	Structure string   `yaml:"structure"`
	Path      string   `yaml:"path"`
	Marked    []string `yaml:"marked"`
	Unmarked  []string `yaml:"unmarked"`
	Has       []string `yaml:"has"`
}

type predicate struct {
	Field   string   `yaml:"field"`
	Is      *bool    `yaml:"is"`
	Not     bool     `yaml:"not"`
	Present *bool    `yaml:"present"`
	Code    []string `yaml:"code"`
	NoCode  []string `yaml:"no_code"`
	Display []string `yaml:"display"`
}

type expectation struct {
	All     []string  `yaml:"all"`
	Any     []string  `yaml:"any"`
	MostOne []string  `yaml:"most_one"`
	None    []string  `yaml:"none"`
	AnyTrue []string  `yaml:"any_true"`
	Codes   *codeList `yaml:"codes"`
	Order   []string  `yaml:"order"`
	Most    *mostOf   `yaml:"most"`
}

type codeList struct {
	Field string   `yaml:"field"`
	Among []string `yaml:"among"`
}

type mostOf struct {
	Field string `yaml:"field"`
	Count int    `yaml:"count"`
}

// conditionTable reads the embedded table; it panics where that is broken, which
// a test excludes.
var conditionTable = sync.OnceValue(func() []*condition {
	cs, err := parseConditions(conditionsYAML)
	if err != nil {
		panic(err)
	}
	return cs
})

func parseConditions(text string) ([]*condition, error) {
	var cs []*condition
	dec := yaml.NewDecoder(strings.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&cs); err != nil {
		return nil, fmt.Errorf("sosmeta: conditions.yaml: %w", err)
	}
	for i, c := range cs {
		if c.Rule == "" || c.Source == "" || c.Certainty == "" {
			return nil, fmt.Errorf("sosmeta: conditions.yaml: entry %d lacks rule, source or certainty", i+1)
		}
	}
	return cs, nil
}

func conditionRules() []string {
	var out []string
	for _, c := range conditionTable() {
		if !slices.Contains(out, c.Rule) {
			out = append(out, c.Rule)
		}
	}
	return out
}

// boundCondition is a condition at one object of one structure, its paths
// resolved to fields.
type boundCondition struct {
	*condition
	when   []boundPredicate
	each   []*Field
	all    [][]*Field
	any    [][]*Field
	one    [][]*Field
	none   [][]*Field
	isTrue [][]*Field
	codes  []*Field
	order  [][]*Field
	most   []*Field
}

type boundPredicate struct {
	*predicate
	path []*Field
}

// bindConditions hangs each condition on the objects of s that it is about.
func bindConditions(s *Structure) {
	for _, c := range conditionTable() {
		if c.Scope.Structure != "" && !strings.HasSuffix(s.Base, "."+c.Scope.Structure) {
			continue
		}
		for _, f := range s.flat {
			if !c.Scope.covers(f) {
				continue
			}
			if b := c.bind(f); b != nil {
				f.conds = append(f.conds, b)
			}
		}
	}
}

func (sc *scope) covers(f *Field) bool {
	if f.Kind != Object || f.Representation == Coded || f.Representation == Identifier {
		return false
	}
	if sc.Structure != "" {
		return f.Key != "" && f.Path() == sc.Path
	}
	for _, k := range sc.Marked {
		if c := f.Child(k); c == nil || c.Obligation != Conditional {
			return false
		}
	}
	for _, k := range sc.Unmarked {
		if c := f.Child(k); c != nil && c.Obligation == Conditional {
			return false
		}
	}
	for _, k := range sc.Has {
		if f.Child(k) == nil {
			return false
		}
	}
	return len(sc.Marked)+len(sc.Has) > 0
}

// bind resolves the condition's paths below f; nil where this version of the
// structure lacks one of them.
func (c *condition) bind(f *Field) *boundCondition {
	b := &boundCondition{condition: c}
	ok := true
	one := func(from *Field, path string) []*Field {
		p := resolve(from, path)
		ok = ok && p != nil
		return p
	}
	many := func(from *Field, paths []string) (out [][]*Field) {
		for _, p := range paths {
			out = append(out, one(from, p))
		}
		return out
	}
	for i := range c.When {
		b.when = append(b.when, boundPredicate{&c.When[i], one(f, c.When[i].Field)})
	}
	at := f
	if c.Each != "" {
		b.each = one(f, c.Each)
		if !ok {
			return nil
		}
		at = b.each[len(b.each)-1]
	}
	e := &c.Expect
	b.all, b.any, b.one = many(at, e.All), many(at, e.Any), many(at, e.MostOne)
	b.none, b.isTrue, b.order = many(at, e.None), many(at, e.AnyTrue), many(at, e.Order)
	if e.Codes != nil {
		b.codes = one(at, e.Codes.Field)
	}
	if e.Most != nil {
		b.most = one(at, e.Most.Field)
	}
	if !ok {
		return nil
	}
	return b
}

// resolve follows keys down from f; nil where one is missing.
func resolve(f *Field, path string) []*Field {
	var out []*Field
	for _, k := range strings.Split(path, "/") {
		if f = f.Child(k); f == nil {
			return nil
		}
		out = append(out, f)
	}
	return out
}

// violation is a condition not met: in the object at, by a field that lacks (ref
// None) or by the value ref.
type violation struct {
	cond  *boundCondition
	at    Ref
	field []*Field
	ref   Ref
}

// conditions judges the conditional obligations of a whole document.
func (d *decoder) conditions(in *Instance) {
	for _, r := range d.conds {
		for _, c := range in.Field(r).conds {
			c.judge(in, r, func(v violation) { d.violated(in, v) })
		}
	}
}

func (d *decoder) violated(in *Instance, v violation) {
	at := v.at
	if v.ref != None {
		at = v.ref
	}
	f := v.field[len(v.field)-1]
	params := append(slices.Clone(f.params), finding.P("fields", v.cond.names()))
	value := ""
	if v.cond.codes != nil {
		value = in.Text(in.Get(at, "code"))
	}
	d.fault(v.cond.Rule, at, int(in.values[at].start), value, params)
}

// names lists the keys that the expectation names, for the finding's text.
func (b *boundCondition) names() string {
	e := &b.Expect
	list := slices.Concat(e.All, e.Any, e.MostOne, e.None, e.AnyTrue, e.Order)
	if e.Codes != nil {
		list = append(list, e.Codes.Field+": "+strings.Join(e.Codes.Among, ", "))
	}
	if e.Most != nil {
		list = append(list, e.Most.Field+" ≤ "+strconv.Itoa(e.Most.Count))
	}
	return strings.Join(list, ", ")
}
