package rules

import (
	"strconv"
	"strings"
	"time"

	"portti/cda"
	"portti/cda/codes"
	"portti/internal/finding"
)

// fields judges the values of all fields by themselves: identifiers, codes,
// times and numbers. A health document's codes come from other systems and are
// left to its own archive.
func (c *checker) fields() {
	health := c.isHealth()
	for _, f := range c.Book.fields {
		if f.RepeatedOnly {
			continue
		}
		reach[f.ID](c.Doc, func(v value) {
			switch {
			case v.node <= 0:
			case v.id != nil && f.Kind != "text":
				c.judgeID(f, v)
			case v.coded != nil && !health:
				c.judgeCode(f, v)
			case v.time != nil:
				c.judgeTime(f, v)
			case v.number != nil:
				c.judgeNumber(f, v)
			}
		})
	}
	c.typeID()
}

// typeID compares typeId with the one value that it may have.
func (c *checker) typeID() {
	id := c.m.TypeID
	if id.HasValue() && (id.Root != cda.RootTypeID || id.Extension != "POCD_HD000040") {
		c.add(RuleTypeID, id.Node, id.String())
	}
}

func (c *checker) judgeID(f *Field, v value) {
	if !v.filled {
		return
	}
	if fault, _ := cda.CheckOID(v.id.Root); fault != cda.OIDOk {
		c.addAttr(fieldRule(f, kindOID), v.node, "root", v.id.Root, finding.P("fault", fault.String()))
	}
	if v.id.Extension != "" && (f.Kind == "oid" || f.Kind == "organisation") {
		c.addAttr(fieldRule(f, kindExtension), v.node, "extension", v.id.Extension)
	}
	if v.id.Root != "" && v.null != "" {
		c.addAttr(fieldRule(f, kindRootNull), v.node, "nullFlavor", v.null)
	}
}

// judgeCode tells wrong class, unknown code, code that is not known here, ended
// code and wrong level apart (META-4).
func (c *checker) judgeCode(f *Field, v value) {
	switch {
	case !v.filled:
	case f.System != "":
		c.judgeSystem(f, v)
	case f.Codes != "":
		if l := c.Book.plain[f.Codes]; !l.has(v.coded.Code) {
			c.unknownCode(f, v, l.Name, l.Complete)
		}
	}
}

// judgeSystem judges a code by the code systems that are known or imported.
func (c *checker) judgeSystem(f *Field, v value) {
	if !cda.InSystem(v.coded.System, f.System) {
		c.addAttr(fieldRule(f, kindCodeSystem), v.node, "codeSystem", v.coded.System, finding.P("expected", f.System))
		return
	}
	r := c.Codes.CheckAs(codes.Expectation{Level: levels[f.Level]}, v.coded.System, v.coded.Code, c.madeAt())
	switch r.Verdict {
	case codes.Known, codes.UnknownSystem, codes.NoSystem:
	case codes.Unknown:
		if f.OwnUnknown {
			return
		}
		c.unknownCode(f, v, r.List.Name, f.Complete || !r.Open)
	default:
		c.codeFault(f, v, &r)
	}
}

func (c *checker) unknownCode(f *Field, v value, list string, complete bool) {
	kind := kindUnlisted
	if complete {
		kind = kindUnknown
	}
	c.addAttr(fieldRule(f, kind), v.node, "code", v.coded.Code, finding.P("list", list))
}

// codeFault tells of a code that stands in its list, but not for this time or
// field, by the rules of package codes.
func (c *checker) codeFault(f *Field, v value, r *codes.Result) {
	place := c.t.Place(v.node, finding.SourceDocument)
	if a, ok := c.t.LookupAttr(v.node, "", "code"); ok {
		place = c.t.AttrPlace(v.node, a, finding.SourceDocument)
	}
	if fd, bad := r.Finding(f.Path, place); bad {
		c.out.Add(fd)
	}
}

// levels are the levels of a hierarchy by the words of data/fields.yaml.
var levels = map[string]codes.Level{"": codes.AnyLevel, "top": codes.TopCodes, "leaf": codes.LeafCodes}

// madeAt is when the document in this form was made, by which codes and structures
// are judged: an old document (DOC-1) may have been written long before it was put
// into them. Zero where it does not tell.
func (c *checker) madeAt() time.Time {
	var at time.Time
	for _, t := range []cda.Timestamp{c.m.EffectiveTime, c.m.Local.CreationTime} {
		if t.Valid() && t.Time.After(at) {
			at = t.Time
		}
	}
	return at
}

// has tells whether the list has the code.
func (l *plainList) has(code string) bool {
	if _, ok := l.Values[code]; ok {
		return true
	}
	if l.IgnoreCase {
		for v := range l.Values {
			if strings.EqualFold(v, code) {
				return true
			}
		}
	}
	return false
}

func (c *checker) judgeTime(f *Field, v value) {
	t := v.time
	if !v.filled {
		return
	}
	if !t.Valid() {
		c.addAttr(fieldRule(f, kindSyntax), v.node, "value", t.Raw, finding.P("fault", t.Fault.String()))
		return
	}
	if least := precisions[f.Precision]; f.Precision != "" && (t.Precision < least || f.Exact && t.Precision != least) {
		c.addAttr(fieldRule(f, kindPrecision), v.node, "value", t.Raw, finding.P("expected", f.Precision))
	}
	if f.Offset && !c.isHealth() && !t.HasOffset && t.Precision >= cda.PrecisionHour {
		c.addAttr(fieldRule(f, kindOffset), v.node, "value", t.Raw)
	}
	if f.Future && !c.Now.IsZero() && t.Time.After(c.Now.Add(c.Tolerance)) {
		c.addAttr(fieldRule(f, kindFuture), v.node, "value", t.Raw)
	}
}

var precisions = map[string]cda.Precision{"day": cda.PrecisionDay, "second": cda.PrecisionSecond}

func (c *checker) judgeNumber(f *Field, v value) {
	if v.filled && (!v.number.Valid || v.number.Value < 1) {
		c.addAttr(fieldRule(f, kindSyntax), v.node, "value", v.number.Raw)
	}
}

// itoa is for parameters.
func itoa(n int) string { return strconv.Itoa(n) }
