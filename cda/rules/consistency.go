package rules

import (
	"strings"

	"portti/cda"
	"portti/cda/frame/interactions"
	"portti/internal/finding"
)

// consistency compares fields of the document with each other.
func (c *checker) consistency() {
	c.bodyID()
	if c.isHealth() {
		return
	}
	l := &c.m.Local
	if a, b := l.Organiser, c.m.Encounter.Organiser.ID; a.HasValue() && b.HasValue() && a.Root != b.Root {
		c.addAttr(RuleOrganiserDiffers, a.Node, "root", a.Root, finding.P("other", b.Root))
	}
	c.contentSpecification()
	c.formats()
	if f := c.m.Confidentiality; f.Code == "5" {
		c.addAttr(RuleConfidentiality, f.Node, "code", f.Code)
	}
	if c.group == "relationship" && len(c.m.Clients) > 1 {
		c.add(RuleRelationshipClients, c.m.Clients[1].Node, "")
	}
	if p := l.ServiceProcess.Type; p.HasValue() && p.Value != "Sosiaalihuollon palveluprosessi" {
		c.add(RuleProcessType, p.Node, p.Value)
	}
}

// bodyID compares the body's XML ID, which signatures refer to, with the
// document's id (kanta-interface 5.5: "OID" + id, in health + ".n").
func (c *checker) bodyID() {
	b := &c.Doc.Body
	if b.Kind == cda.NoBody || c.m.ID.Root == "" {
		return
	}
	if b.ID == "" {
		c.add(RuleBodyIDMissing, b.Node, "")
		return
	}
	want := "OID" + c.m.ID.Root
	if b.ID == want || b.Kind == cda.Structured && strings.HasPrefix(b.ID, want+".") {
		return
	}
	c.addAttr(RuleBodyID, b.Node, "ID", b.ID, finding.P("expected", want))
}

// contentSpecification chooses the document's structure, and compares the Sosmeta definition's OID with group and
// specific type: …1505.<group>.<version> or …1506.<type>.<version> (kanta-interface 14).
func (c *checker) contentSpecification() {
	const arc = "1.2.246.537.6."
	l := &c.m.Local
	s := l.ContentSpecification
	if !s.HasValue() {
		return
	}
	if !cda.ValidOID(s.Value) {
		c.add(RuleContentOID, s.Node, s.Value)
		return
	}
	parts := strings.Split(strings.TrimPrefix(s.Value, arc), ".")
	if !strings.HasPrefix(s.Value, arc) || len(parts) != 5 || parts[0] != "1505" && parts[0] != "1506" {
		c.add(RuleContentForm, s.Node, s.Value)
		return
	}
	c.chosen = c.structure()
	switch {
	case parts[0] == "1505" && l.DocumentGroup.HasValue() && parts[1] != l.DocumentGroup.Code:
		c.misfit = true
		c.add(RuleContentGroup, s.Node, s.Value, finding.P("group", l.DocumentGroup.Code))
	case parts[0] == "1506" && l.SpecificType.HasValue() && parts[1] != l.SpecificType.Code:
		c.misfit = true
		c.add(RuleContentType, s.Node, s.Value, finding.P("type", l.SpecificType.Code))
	}
}

// formats compares the declared formats with what the body declares and holds.
func (c *checker) formats() {
	l, b := &c.m.Local, &c.Doc.Body
	if b.Kind == cda.Structured {
		if c.strict() {
			c.add(RuleStructuredBody, b.Node, "")
		}
		return
	}
	if c.operation == interactions.Nullify {
		return
	}
	declared := map[string]cda.Format{"1": cda.PDF, "2": cda.XHTML}[l.FileFormat.Code]
	if media := cda.FormatOf(b.MediaType); declared != cda.UnknownFormat && media != cda.UnknownFormat && declared != media {
		c.addAttr(RuleFileFormat, l.FileFormat.Node, "code", l.FileFormat.Code, finding.P("media", b.MediaType))
	}
	if b.Kind == cda.NonXML && l.StructuredFileFormat.Code == "5" && b.JSON <= 0 {
		c.addAttr(RuleJSONMissing, l.StructuredFileFormat.Node, "code", l.StructuredFileFormat.Code)
	}
}

// bodies judges the decoded content.
func (c *checker) bodies() {
	b := c.Body
	if b == nil || b.Kind != cda.NonXML {
		return
	}
	if p := b.Display; p != nil {
		switch {
		case p.Empty():
			if c.operation != interactions.Nullify {
				c.add(RuleTextEmpty, p.Node, "")
			}
		case p.Recognised == cda.XHTML:
			c.xhtml(p)
		case p.Recognised == cda.PDF:
			c.pdf(p)
		}
	}
	if p := b.JSON; p != nil {
		if p.Empty() && c.operation != interactions.Nullify {
			c.add(RuleJSONEmpty, p.Node, "")
		}
		c.structured(p)
	}
	if c.World != Test {
		return
	}
	if b.Display != nil {
		rule := RuleRealPersonXHTML
		if b.Display.Recognised == cda.PDF {
			rule = RuleRealPersonPDF
		}
		c.scanPart(b.Display, rule)
	}
	if b.JSON != nil {
		c.scanPart(b.JSON, RuleRealPersonJSON)
	}
}
