package rules

import (
	"strconv"
	"strings"

	"portti/cda"
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

// judgeCode tells wrong class, unknown code and code that is not known here apart
// (META-4).
func (c *checker) judgeCode(f *Field, v value) {
	if !v.filled || f.System == "" && f.Codes == "" {
		return
	}
	if f.System != "" && !cda.InSystem(v.coded.System, f.System) {
		c.addAttr(fieldRule(f, kindCodeSystem), v.node, "codeSystem", v.coded.System, finding.P("expected", f.System))
		return
	}
	list := c.Book.codes[f.System+f.Codes]
	if list == nil || list.Has(v.coded.Code) {
		return
	}
	kind := kindUnlisted
	if list.Complete {
		kind = kindUnknown
	}
	c.addAttr(fieldRule(f, kind), v.node, "code", v.coded.Code, finding.P("list", list.Name))
}

// Has tells whether the list has the code.
func (l *CodeList) Has(code string) bool {
	if l.Structure == "document-type" {
		return documentType(code)
	}
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

// documentType takes a general type, 1–19, or a specific one, 1000–19999
// (kanta-interface 13.1 and appendix A).
func documentType(code string) bool {
	n := cda.ParseNumber(code)
	return n.Valid && (n.Value >= 1 && n.Value <= 19 || n.Value >= 1000 && n.Value <= 19999)
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
