package rules

import (
	"portti/cda"
	"portti/cda/frame/interactions"
	"portti/internal/finding"
)

// versions judges the version series within the document (kanta-interface 10.1):
// a first version is its own series' id; a later one has another id and replaces
// its forerunner.
func (c *checker) versions() {
	m := c.m
	replaces, replacing := m.Replaces()
	if m.Version.Valid && m.Version.Value > 0 {
		c.versionIDs(replacing)
	}
	several := 0
	for i := range m.Related {
		r := &m.Related[i]
		switch r.TypeCode {
		case "RPLC":
			several++
		case "APND", "XFRM":
		default:
			c.addAttr(RuleRelatedType, r.Node, "typeCode", r.TypeCode)
		}
	}
	if several > 1 {
		c.add(RuleRelatedSeveral, m.Related[len(m.Related)-1].Node, "")
	}
	if replacing {
		c.replaced(replaces)
	}
	c.frameVersion()
}

func (c *checker) versionIDs(replacing bool) {
	m := c.m
	same := m.ID.Same(m.SetID)
	both := m.ID.HasValue() && m.SetID.HasValue()
	switch first := m.Version.Value == 1; {
	case first && both && !same:
		c.addAttr(RuleFirstSetID, m.SetID.Node, "root", m.SetID.Root, finding.P("id", m.ID.Root))
	case !first && both && same:
		c.addAttr(RuleNextID, m.ID.Node, "root", m.ID.Root, finding.P("version", itoa(m.Version.Value)))
	}
	switch first := m.Version.Value == 1; {
	case first && replacing:
		r, _ := m.Replaces()
		c.add(RuleFirstRelated, r.Node, "")
	case !first && !replacing:
		c.add(RuleNextUnrelated, m.Version.Node, m.Version.Raw)
	}
}

// replaced compares the replaced document's identifiers with the document's own.
func (c *checker) replaced(r cda.RelatedDocument) {
	m := c.m
	if r.SetID.HasValue() && m.SetID.HasValue() && !r.SetID.Same(m.SetID) {
		c.addAttr(RuleRelatedSetID, r.SetID.Node, "root", r.SetID.Root, finding.P("setid", m.SetID.Root))
	}
	if r.ID.Same(m.ID) {
		c.addAttr(RuleRelatedSelf, r.ID.Node, "root", r.ID.Root)
	}
	if r.Version.Valid && m.Version.Valid && r.Version.Value != m.Version.Value-1 {
		c.addAttr(RuleRelatedOrder, r.Version.Node, "value", r.Version.Raw, finding.P("version", m.Version.Raw))
	}
}

// frameVersion compares what the frame asks for with the version: a new document
// is version 1, a replacement or nullification a later one.
func (c *checker) frameVersion() {
	if c.Frame == nil || !c.m.Version.Valid {
		return
	}
	later := c.operation == interactions.Replace || c.operation == interactions.Nullify
	if c.operation != interactions.New && !later || later == (c.m.Version.Value > 1) {
		return
	}
	c.addAttr(RuleOperationVersion, c.m.Version.Node, "value", c.m.Version.Raw, finding.P("interaction", c.Frame.Name()))
}
