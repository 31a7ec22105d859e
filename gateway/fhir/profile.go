package fhir

import (
	_ "embed"
	"strings"
	"sync"
	"time"

	"portti/cda"

	"go.yaml.in/yaml/v3"
)

//go:embed data/profile.yaml
var profileData []byte

// profile is data/profile.yaml.
type profile struct {
	Fields     []field
	Extensions struct {
		Register, Function, Disclosure, Data string
		Consent                              []string
	}
	Person struct {
		Systems   []string
		Temporary string
	}
}

// field is what is demanded of one element.
type field struct {
	In, Path, Form    string
	Min               int
	Max               *int
	Certainty, Source string
}

var demands = sync.OnceValue(func() *profile {
	var p profile
	if err := yaml.Unmarshal(profileData, &p); err != nil {
		panic(err) // embedded data, which a test loads
	}
	return &p
})

const oidURI = "urn:oid:"

// forms are the forms of values.
var forms = map[string]func(string) bool{
	"oid":     cda.ValidOID,
	"oid-uri": func(s string) bool { oid, ok := strings.CutPrefix(s, oidURI); return ok && cda.ValidOID(oid) },
	"instant": func(s string) bool { _, err := time.Parse(time.RFC3339Nano, s); return err == nil },
	"date-time": func(s string) bool {
		_, err := parseDateTime(s)
		return err == nil
	},
	"boolean": func(s string) bool { return s == "true" || s == "false" },
}

// parseDateTime reads a dateTime of at least a day; without a time zone, as a day
// in Finland.
func parseDateTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err == nil {
		return t, nil
	}
	return time.ParseInLocation(time.DateOnly, s, cda.Helsinki())
}

// check holds a resource against the demands.
func (p *profile) check(res *element, add func(rule string, at *element, params ...string)) {
	for _, f := range p.Fields {
		if f.In != res.kind {
			continue
		}
		names := strings.Split(f.Path, ".")
		last := names[len(names)-1]
		for _, parent := range res.all(names[:len(names)-1]...) {
			f.count(parent, last, add)
		}
	}
}

// count holds the children of one name against a demand.
func (f *field) count(parent *element, name string, add func(string, *element, ...string)) {
	have := parent.all(name)
	switch {
	case f.Max != nil && *f.Max == 0 && len(have) > 0:
		add(RuleUnwanted, have[0], "field", f.Path)
	case f.Max != nil && *f.Max > 0 && len(have) > *f.Max:
		add(RuleTooMany, have[*f.Max], "field", f.Path)
	case len(have) < f.Min:
		add(RuleMissing, parent, "field", f.Path)
	}
	if valid := forms[f.Form]; valid != nil {
		for _, x := range have {
			if !valid(x.value) {
				add(RuleForm, x, "form", f.Form)
			}
		}
	}
}
