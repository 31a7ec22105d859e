package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"portti/cda"
	"portti/cda/codes"
	"portti/cda/rules/internal/fieldtexts"
)

// FieldRules gives what the catalogue's generated entries are made of: every kind
// of fault of every field, those that package cda finds included.
func (b *Book) FieldRules() []fieldtexts.Rule {
	repeated := map[string]bool{}
	for _, id := range cda.Rules() {
		repeated[id] = true
	}
	var out []fieldtexts.Rule
	for _, f := range b.fields {
		for _, k := range b.kinds(f) {
			out = append(out, b.fieldText(f, k))
		}
		if repeated[cda.RepeatedRule(f.ID)] {
			out = append(out, b.fieldText(f, "REPEATED"))
		}
	}
	return out
}

func (b *Book) fieldText(f *Field, kind string) fieldtexts.Rule {
	r := fieldtexts.Rule{
		ID: fieldRule(f, kind), Kind: kind, Name: f.Name, Path: f.fullPath(), System: f.System,
		Requirement: f.Requirement, Reference: "kanta-interface " + f.Reference, Certainty: "V", Stage: "rules",
		Public: f.public(kind),
	}
	if r.Requirement == "" {
		r.Requirement = "META-1"
	}
	switch kind {
	case "REPEATED":
		r.Stage, r.Certainty = "document", "G"
	case kindSyntax:
		r.Kind += "-" + f.Kind
	case kindCodeSystem, kindUnlisted, kindUnknown:
		r.Requirement = "META-4"
	}
	r.List, _ = b.listOf(f)
	r.Value = f.exampleValue(b)
	r.Wrong, r.Right = f.examples(kind, r.Value, b)
	return r
}

// fullPath gives the path from ClinicalDocument.
func (f *Field) fullPath() string {
	if f.Local {
		return "localSocialHeader/" + f.Path
	}
	return f.Path
}

// public tells whether a finding may show the value: not where it names a person.
func (f *Field) public(kind string) bool {
	switch {
	case kind == kindNull || kind == kindRootNull:
		return true
	case f.ID == "BIRTHTIME" || strings.HasSuffix(f.ID, "NAME"):
		return false
	case f.Kind == "person" || kind == kindExtension:
		return false
	default:
		return true
	}
}

func (f *Field) element() string {
	return f.Path[strings.LastIndexByte(f.Path, '/')+1:]
}

const exampleOID = "1.2.246.10.99999901.95.2026.1"

// listOf gives the name of a field's list of codes and a right code of it.
func (b *Book) listOf(f *Field) (name, value string) {
	if l := b.plain[f.Codes]; l != nil {
		return l.Name, slices.Sorted(maps.Keys(l.Values))[0]
	}
	for _, l := range codes.Default().Lists(f.System) {
		for i := range l.Codes {
			if c := &l.Codes[i]; f.Level != "leaf" || l.Leaf(c.Code) && c.Parent != "" {
				return l.Name, c.Code
			}
		}
	}
	return "", ""
}

// exampleValue gives a right value for examples.
func (f *Field) exampleValue(b *Book) string {
	switch f.Kind {
	case "code", "cs":
		_, value := b.listOf(f)
		return value
	case "oid":
		return exampleOID
	case "organisation":
		return "1.2.246.10.99999901.10.0"
	case "person":
		return "010181-900C"
	case "time":
		if f.Precision == "day" {
			return "19810101"
		}
		return "20260323105424+0200"
	case "number":
		return "1"
	default:
		return "…"
	}
}

// examples gives a wrong and a right form.
func (f *Field) examples(kind, value string, b *Book) (wrong, right string) {
	el := f.element()
	form := func(attrs string) string { return fmt.Sprintf("<%s%s/>", el, attrs) }
	switch f.Kind {
	case "code":
		right = form(fmt.Sprintf(` code="%s" codeSystem="%s"`, value, orAny(f.System)))
	case "cs":
		right = form(fmt.Sprintf(` code="%s"`, value))
	case "oid", "organisation":
		right = form(fmt.Sprintf(` root="%s"`, value))
	case "person":
		right = form(fmt.Sprintf(` root="%s" extension="%s"`, cda.RootHetu, value))
	case "time", "number":
		right = form(fmt.Sprintf(` value="%s"`, value))
	case "software":
		right = form(` moderator="Valmistaja" product="Järjestelmä" version="1.0"`)
	default:
		right = fmt.Sprintf("<%s>…</%s>", el, el)
	}
	wrong = f.wrong(kind, right, form)
	if kind == kindForbidden {
		right = "<!-- " + el + " -->"
	}
	return wrong, right
}

func (f *Field) wrong(kind, right string, form func(string) string) string {
	switch kind {
	case kindMissing:
		return "<!-- " + f.element() + " -->"
	case kindEmpty:
		return form("")
	case kindNull:
		return form(` nullFlavor="NA"`)
	case kindForbidden:
		return right
	case kindCodeSystem:
		return form(` code="1" codeSystem="1.2.246.537.6.99999"`)
	case kindUnlisted, kindUnknown:
		return form(fmt.Sprintf(` code="XX" codeSystem="%s"`, orAny(f.System)))
	case kindOID:
		return form(` root="1.2.246.010.1"`)
	case kindExtension:
		return form(` root="1.2.246.10.99999901" extension="1"`)
	case kindRootNull:
		return form(fmt.Sprintf(` root="%s" nullFlavor="NA"`, exampleOID))
	case kindSyntax:
		return form(` value="23.3.2026"`)
	case kindPrecision:
		return form(` value="2026"`)
	case kindOffset:
		return form(` value="20260323105424"`)
	case kindFuture:
		return form(` value="20990101000000+0200"`)
	default:
		return right + right
	}
}

func orAny(system string) string {
	if system == "" {
		return "…"
	}
	return system + ".201601"
}
