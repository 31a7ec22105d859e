package xsd

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"

	"portti/internal/finding"
	"portti/internal/xmltree"
	"portti/internal/xmltree/schema"
)

// mostValue bounds the bytes of a value that a finding keeps, mostName those of a
// name out of the document.
const (
	mostValue = 1024
	mostName  = 100
)

// ruleOf gives the rule of each kind but ValuePattern, for which see pattern.
var ruleOf = map[schema.Kind]string{
	schema.RootUnknown:       RuleRootUnknown,
	schema.ElementUnexpected: RuleElementUnexpected,
	schema.ElementOrder:      RuleElementOrder,
	schema.ElementRepeated:   RuleElementRepeated,
	schema.ElementMissing:    RuleElementMissing,
	schema.TextNotAllowed:    RuleTextNotAllowed,
	schema.AttributeUnknown:  RuleAttributeUnknown,
	schema.AttributeMissing:  RuleAttributeMissing,
	schema.ValueEnum:         RuleValueEnum,
	schema.ValueEmpty:        RuleValueEmpty,
	schema.ValueType:         RuleValueType,
	schema.ValueFixed:        RuleFixed,
	schema.TypeUnknown:       RuleTypeUnknown,
	schema.IDDuplicate:       RuleIDDuplicate,
	schema.IDRefTarget:       RuleIDRefTarget,
	schema.Other:             RuleOther,
}

// finding makes a finding of a fault: its rule, its place, and what the rule's text
// names.
func (s *Schema) finding(t *xmltree.Tree, f schema.Fault, j *joiner) finding.Finding {
	out := finding.Finding{Rule: ruleOf[f.Kind], Params: j.room()}
	if f.Attr >= 0 {
		out.Place = t.AttrPlace(f.Node, f.Attr, s.source)
	} else {
		out.Place = t.Place(f.Node, s.source)
	}
	out.Value = value(t, f)
	element := j.element.of(t, f.Node)
	add := func(name, v string) { out.Params = append(out.Params, finding.P(name, v)) }

	switch f.Kind {
	case schema.ElementMissing:
		add("element", j.join(f.Expected, " | "))
		add("parent", element)
		return out
	case schema.ElementUnexpected, schema.ElementOrder, schema.ElementRepeated:
		add("element", element)
		add("parent", j.parent.of(t, t.Parent(f.Node)))
	case schema.AttributeMissing:
		add("attribute", j.join(f.Expected, " | "))
		add("element", element)
		return out
	case schema.AttributeUnknown:
		add("attribute", attribute(t, f.Attr))
		add("element", element)
		return out
	case schema.ValuePattern:
		out.Rule = pattern(t, f, out.Value)
		add("field", field(t, f, element))
		return out
	case schema.ValueType:
		add("field", field(t, f, element))
		add("type", f.Type)
		return out
	case schema.Other:
		add("element", element)
		add("code", strconv.Itoa(f.Code))
		return out
	case schema.RootUnknown, schema.TextNotAllowed:
		add("element", element)
	default:
		add("field", field(t, f, element))
	}
	switch f.Kind {
	case schema.ElementOrder:
		add("expected", j.join(f.Expected, " → "))
	case schema.RootUnknown, schema.ElementUnexpected, schema.ValueEnum, schema.ValueFixed:
		add("expected", j.join(f.Expected, ", "))
	}
	return out
}

// pattern gives the rule of a value without the form asked. The value of some is
// shown to everybody, so a value that may be a person's (an identity code in the
// place of an OID, a time of birth) is told by the rule that hides it.
func pattern(t *xmltree.Tree, f schema.Fault, v string) string {
	switch f.Type {
	case "oid.or.uuid", "oid.only":
		if dotted.MatchString(v) {
			return RuleValueOID
		}
	case "point.in.time":
		if t.Local(f.Node) != "birthTime" && !identityCode.MatchString(v) && timelike.MatchString(v) {
			return RuleValueTime
		}
	case "code.token":
		return RuleValueCode
	}
	return RuleValuePattern
}

var (
	dotted       = regexp.MustCompile(`^[0-9]+(\.[0-9]*){2,}$`)
	timelike     = regexp.MustCompile(`^[0-9TZ:.+\-]+$`)
	identityCode = regexp.MustCompile(`[0-9]{6}[-+A-Za-z][0-9]{3}[0-9A-Za-z]`)
)

// value gives the value that a fault is about, cut to mostValue bytes.
func value(t *xmltree.Tree, f schema.Fault) string {
	switch f.Kind {
	case schema.ValuePattern, schema.ValueEnum, schema.ValueType, schema.ValueFixed,
		schema.TypeUnknown, schema.IDDuplicate, schema.IDRefTarget, schema.AttributeUnknown:
		if f.Attr >= 0 {
			return cut(t.AttrValue(f.Attr), mostValue)
		}
		return cut(t.Text(f.Node), mostValue)
	case schema.TextNotAllowed:
		for n := t.FirstChild(f.Node); n >= 0; n = t.NextSibling(n) {
			if k := t.Kind(n); k != xmltree.Text && k != xmltree.CData {
				continue
			}
			if v := cut(string(bytes.TrimSpace(t.Value(n))), mostValue); v != "" {
				return v
			}
		}
	}
	return ""
}

// cut gives a copy of at most n bytes that keeps nothing of the document in memory.
func cut(s string, n int) string {
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "")
	}
	return strings.Clone(s)
}

// field names what holds a value: "id/@root", or the element.
func field(t *xmltree.Tree, f schema.Fault, element string) string {
	if f.Attr < 0 {
		return element
	}
	return element + "/@" + attribute(t, f.Attr)
}

func attribute(t *xmltree.Tree, a xmltree.Attr) string {
	if a < 0 {
		return ""
	}
	if p := t.AttrPrefix(a); p != "" {
		return cut(p+":"+t.AttrLocal(a), mostName)
	}
	return cut(t.AttrLocal(a), mostName)
}

// prefixes are those with which names are told; the HL7 namespace has none.
var prefixes = map[string]string{
	SpaceFI: "hl7fi:", SpaceDS: "ds:", SpaceSOAP11: "soap:", SpaceSOAP12: "soap:",
	"http://www.w3.org/XML/1998/namespace": "xml:", "http://www.w3.org/2001/XMLSchema-instance": "xsi:",
}

func shown(n schema.Name) string {
	if p := prefixes[n.Space]; p != "" && len(n.Local) < mostName/2 {
		return p + n.Local
	}
	return cut(prefixes[n.Space]+n.Local, mostName)
}

// lastShown keeps the last name shown: of many faults most are of elements of one name.
type lastShown struct {
	name schema.Name
	told string
}

func (l *lastShown) of(t *xmltree.Tree, n xmltree.Node) string {
	if name := (schema.Name{Space: t.Space(n), Local: t.Local(n)}); l.told == "" || name != l.name {
		l.name, l.told = name, shown(name)
	}
	return l.told
}

// joiner joins names, each list once: of many faults most expect the same.
// It also has room for the parameters of all findings.
type joiner struct {
	element, parent lastShown

	joined map[list]string
	params []finding.Param
}

// list is a list of names, known by its memory, and what is written between them.
type list struct {
	first   *schema.Name
	n       int
	between string
}

// mostParams is the greatest number of parameters of a finding of the schema.
const mostParams = 3

func (j *joiner) room() []finding.Param {
	if len(j.params) < mostParams {
		return nil
	}
	room := j.params[:0:mostParams]
	j.params = j.params[mostParams:]
	return room
}

func (j *joiner) join(all []schema.Name, between string) string {
	if len(all) == 0 {
		return ""
	}
	key := list{&all[0], len(all), between}
	told, known := j.joined[key]
	if !known {
		names := make([]string, 0, len(all))
		for _, n := range all {
			names = append(names, shown(n))
		}
		told = strings.Join(names, between)
		if j.joined == nil {
			j.joined = make(map[list]string)
		}
		j.joined[key] = told
	}
	return told
}
