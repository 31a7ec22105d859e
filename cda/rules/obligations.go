package rules

import (
	"cmp"
	"slices"

	"portti/cda"
	"portti/cda/frame/interactions"
	"portti/internal/finding"
	"portti/internal/xmltree"
)

// Kinds of faults of one field; with the field's id they make a rule id.
const (
	kindMissing    = "MISSING"
	kindEmpty      = "EMPTY"
	kindNull       = "NULL"
	kindForbidden  = "FORBIDDEN"
	kindCodeSystem = "CODESYSTEM"
	kindUnlisted   = "UNLISTED"
	kindUnknown    = "UNKNOWN"
	kindOID        = "OID"
	kindExtension  = "EXTENSION"
	kindRootNull   = "ROOTNULL"
	kindSyntax     = "SYNTAX"
	kindPrecision  = "PRECISION"
	kindOffset     = "OFFSET"
	kindFuture     = "FUTURE"
)

// fieldRule names the rule of a field and kind of fault.
func fieldRule(f *Field, kind string) string { return "META-" + f.ID + "-" + kind }

// kinds gives the kinds of faults that the embedded facts can find in a field.
func (b *Book) kinds(f *Field) []string {
	if f.RepeatedOnly {
		return nil
	}
	var out []string
	add := func(when bool, kinds ...string) {
		if when {
			out = append(out, kinds...)
		}
	}
	if i := slices.IndexFunc(b.duty.Rows, func(o obligation) bool { return o.Field == f.ID }); i >= 0 {
		duties := b.duty.Rows[i].duties
		has := func(ds ...Duty) bool {
			return slices.ContainsFunc(duties, func(d Duty) bool { return slices.Contains(ds, d) })
		}
		add(has(Must, Nullable, Conditional), kindMissing)
		add(has(Must, Conditional) && f.Kind != "group" && f.Kind != "software", kindNull)
		add(has(Forbidden), kindForbidden)
	}
	add(f.Kind != "group", kindEmpty)
	add(f.System != "", kindCodeSystem)
	open, whole := b.listKinds(f)
	add(open, kindUnlisted)
	add(whole, kindUnknown)
	add(f.Kind == "oid" || f.Kind == "organisation", kindExtension)
	add(f.Kind == "oid" || f.Kind == "organisation" || f.Kind == "person", kindOID, kindRootNull)
	add(f.Kind == "time" || f.Kind == "number", kindSyntax)
	add(f.Precision != "", kindPrecision)
	add(f.Offset, kindOffset)
	add(f.Future, kindFuture)
	return out
}

// listKinds tells whether a code that is not listed may be one not known here, and
// whether it may be one that does not exist: lists of code systems may be imported
// whole, those without code system are as the table says.
func (b *Book) listKinds(f *Field) (open, whole bool) {
	if f.OwnUnknown {
		return false, false
	}
	if f.System != "" {
		return !f.Complete, true
	}
	if l := b.plain[f.Codes]; l != nil {
		return !l.Complete, l.Complete
	}
	return false, false
}

// conditions are the conditions of obligations by name. A condition is asked for
// each occurrence.
var conditions = map[string]func(c *checker, v value) bool{
	// A client without identifier is known by the date of birth (kanta-interface 5.2).
	"client-without-id": func(c *checker, v value) bool {
		return v.client < len(c.m.Clients) && !c.m.Clients[v.client].ID.HasValue()
	},
	// A professional's signature needs its metadata block (7.2).
	"professional-signature": func(c *checker, _ value) bool { return c.professionalSignature() },
	// A document with JSON says so and names its structure; without JSON it is
	// unstructured, as phase II allows (DOC-3), save for case notes (DOC-7).
	"structured-form": func(c *checker, _ value) bool { return c.Doc.Body.JSON > 0 || c.m.Code.Code == caseNote },
}

// caseNote is the general type asiakaskertomusmerkintä.
const caseNote = "19"

// professionalSignature tells whether any signature declares itself to be a
// professional's (signatureDescription 1 or 2, kanta-interface 7.1).
func (c *checker) professionalSignature() bool {
	n := c.m.Local.SignatureCollection
	if n <= 0 {
		return false
	}
	for s := range c.t.Children(n) {
		d := c.t.Child(s, cda.NamespaceFinland, "signatureDescription")
		if d == xmltree.None {
			continue
		}
		if code := c.t.Attr(d, "code"); code == "1" || code == "2" {
			return true
		}
	}
	return false
}

// obligations judges what the document's group demands.
func (c *checker) obligations() {
	duty := &c.Book.duty
	if c.isHealth() {
		for _, id := range duty.Health {
			c.judge(c.Book.byID[id], Must, "")
		}
		return
	}
	column := duty.column(c.group)
	for i := range duty.Rows {
		row := &duty.Rows[i]
		d := row.duties[column]
		if d != Forbidden && c.relaxed(row.Field) {
			d = Optional
		}
		c.judge(c.Book.byID[row.Field], d, row.Condition)
	}
}

// relaxed tells that profile or operation does not demand the field.
func (c *checker) relaxed(field string) bool {
	return !c.strict() && slices.Contains(c.Book.duty.Lenient, field) ||
		c.operation == interactions.Nullify && slices.Contains(c.Book.duty.Nullification, field)
}

// judge compares every occurrence of a field with the duty.
func (c *checker) judge(f *Field, d Duty, condition string) {
	reach[f.ID](c.Doc, func(v value) {
		must := d == Must || d == Conditional && conditions[condition](c, v)
		switch {
		case v.filled:
			if d == Forbidden {
				c.fieldFinding(f, kindForbidden, v.node, v.text())
			}
		case v.node <= 0:
			if must || d == Nullable {
				c.fieldFinding(f, kindMissing, v.parent, "")
			}
		case v.null == "":
			c.fieldFinding(f, kindEmpty, v.node, "")
		case must:
			c.fieldFinding(f, kindNull, v.node, v.null)
		}
	})
}

// fieldFinding makes the finding of a field and kind of fault; where a user's
// obligations ask for what the catalogue has no rule for, the general rule.
func (c *checker) fieldFinding(f *Field, kind string, n xmltree.Node, value string, params ...finding.Param) {
	rule := fieldRule(f, kind)
	if !c.Book.known[rule] {
		rule, value = "META-FIELD-"+kind, ""
	}
	c.add(rule, n, value, append(params, finding.P("group", c.groupName()), finding.P("field", f.Path))...)
}

// groupName gives the group for texts: its display name, else its code, else "?".
func (c *checker) groupName() string {
	if g := c.Book.Table.GroupByKey(c.group); g != nil {
		return g.Display
	}
	return cmp.Or(c.m.Local.DocumentGroup.Code, "?")
}

// text gives the value for a finding.
func (v value) text() string {
	switch {
	case v.coded != nil:
		return v.coded.Code
	case v.id != nil:
		return v.id.String()
	case v.time != nil:
		return v.time.Raw
	case v.number != nil:
		return v.number.Raw
	default:
		return ""
	}
}
