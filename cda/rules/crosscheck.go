package rules

import (
	"slices"
	"strings"

	"portti/cda"
	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/internal/finding"
	"portti/internal/xmltree"
)

// addFrame makes a finding at an attribute of the frame.
func (c *checker) addFrame(rule string, f *frame.Frame, n xmltree.Node, attr, value string, params ...finding.Param) {
	place := f.Tree.Place(n, finding.SourceFrame)
	if a, ok := f.Tree.LookupAttr(n, "", attr); ok {
		place = f.Tree.AttrPlace(n, a, finding.SourceFrame)
	}
	c.out.Add(finding.Finding{Rule: rule, Place: place, Value: value, Params: params})
}

// frame judges the frame against world and document (design/decisions, Comparing
// frame and document). Findings about a difference point at the document.
func (c *checker) frame() {
	f := c.Frame
	c.frameWorld(f)
	c.framePersons(f)
	if !f.Document.Present() {
		return
	}
	c.compareIDs(&f.Document)
	c.compareClients(&f.Document)
	c.compareRest(&f.Document)
	c.serviceRequestGroup(f)
}

// frameWorld judges receiver and processing code.
func (c *checker) frameWorld(f *frame.Frame) {
	if id := f.Receiver.ID; id.HasValue() && c.Book.Table.Receiver(id.Root) == nil {
		c.addFrame(RuleReceiverUnknown, f, id.Node, "root", id.Root)
	}
	if p := f.ProcessingCode; p.HasValue() && (p.Code == "P") != (c.World == Production) {
		c.addFrame(RuleProcessingWorld, f, p.Node, "code", p.Code, finding.P("world", string(c.World)))
	}
}

// compareIDs compares id, set id and version.
func (c *checker) compareIDs(m *frame.Metadata) {
	d := c.m
	c.differs(m.ID.Root, d.ID.Root, RuleCrossID, d.ID.Node, "root")
	c.differs(m.SetID.Root, d.SetID.Root, RuleCrossSetID, d.SetID.Node, "root")
	if m.Version.Valid && d.Version.Valid {
		c.differs(m.Version.Raw, d.Version.Raw, RuleCrossVersion, d.Version.Node, "value")
	}
	c.differs(m.Custodian.ID.Root, d.Custodian.ID.Root, RuleCrossCustodian, d.Custodian.ID.Node, "root")
}

// differs compares two public values that must be equal where both are given;
// that one is missing is told by its own rule.
func (c *checker) differs(inFrame, inDocument, rule string, n xmltree.Node, attr string) {
	if inFrame != "" && inDocument != "" && inFrame != inDocument {
		c.addAttr(rule, n, attr, inDocument, finding.P("frame", inFrame))
	}
}

// compareClients compares each client's id, name and date of birth. Clients are
// matched by id; one alone on both sides is compared as it is.
func (c *checker) compareClients(m *frame.Metadata) {
	if len(m.Clients) == 0 || len(c.m.Clients) == 0 {
		return
	}
	if len(m.Clients) == 1 && len(c.m.Clients) == 1 {
		c.compareClient(&m.Clients[0], &c.m.Clients[0])
		return
	}
	if len(m.Clients) != len(c.m.Clients) {
		c.add(RuleCrossClients, c.m.Clients[0].Node, "", finding.P("frame", itoa(len(m.Clients))), finding.P("document", itoa(len(c.m.Clients))))
	}
	for i := range c.m.Clients[:min(len(c.m.Clients), maxClients)] {
		cl := &c.m.Clients[i]
		j := slices.IndexFunc(m.Clients, func(o cda.Client) bool { return o.ID.Same(cl.ID) })
		if j < 0 {
			c.add(RuleCrossClientID, near(cl.ID.Node, cl.Node), "")
			continue
		}
		c.compareClient(&m.Clients[j], cl)
	}
}

func (c *checker) compareClient(inFrame, cl *cda.Client) {
	if (inFrame.ID.HasValue() || cl.ID.HasValue()) && !inFrame.ID.Same(cl.ID) {
		c.addAttr(RuleCrossClientID, near(cl.ID.Node, cl.Node), "extension", cl.ID.Extension)
	}
	if inFrame.Name.HasValue() && cl.Name.HasValue() && !inFrame.Name.Same(cl.Name) {
		c.add(RuleCrossClientName, cl.Name.Node, cl.Name.Full())
	}
	if a, b := inFrame.BirthTime, cl.BirthTime; a.HasValue() && b.HasValue() && a.Raw != b.Raw {
		c.addAttr(RuleCrossBirth, b.Node, "value", b.Raw)
	}
}

// compareRest compares register, time, language and confidentiality.
func (c *checker) compareRest(m *frame.Metadata) {
	register := c.m.Local.RegistryType
	if c.isHealth() {
		register = c.m.Code
	}
	if m.Register.HasValue() && register.HasValue() &&
		(m.Register.Code != register.Code || !interactions.SameSystem(m.Register.System, register.System)) {
		c.addAttr(RuleCrossRegister, register.Node, "code", register.Code, finding.P("frame", m.Register.Code))
	}
	if a, b := m.EffectiveTime, c.m.EffectiveTime; a.Valid() && b.Valid() && !a.Time.Equal(b.Time) {
		c.addAttr(RuleCrossTime, b.Node, "value", b.Raw, finding.P("frame", a.Raw))
	}
	if a, b := m.Language.Code, c.m.Language; a != "" && b.Code != "" && !strings.EqualFold(a, b.Code) {
		c.addAttr(RuleCrossLanguage, b.Node, "code", b.Code, finding.P("frame", a))
	}
	if a, b := m.Confidentiality.Code, c.m.Confidentiality; a != "" && b.Code != "" && !strings.EqualFold(a, b.Code) {
		c.addAttr(RuleCrossConfidentiality, b.Node, "code", b.Code, finding.P("frame", a))
	}
}

// serviceRequestGroup judges whether the service request may carry the
// document's group.
func (c *checker) serviceRequestGroup(f *frame.Frame) {
	g := c.m.Local.DocumentGroup
	if f.Request == nil || !g.HasValue() || c.Book.Table.Group(g.Code) == nil || f.Request.Carries(g.Code) {
		return
	}
	c.addAttr(RuleGroupRequest, g.Node, "code", g.Code,
		finding.P("request", f.Request.Code), finding.P("expected", strings.Join(f.Request.Groups, ", ")))
}
