package rules

import (
	"bytes"
	"slices"
	"strings"

	"portti/cda"
	"portti/cda/frame/interactions"
	"portti/internal/finding"
	"portti/internal/xmltree"
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

// contentSpecification compares the Sosmeta definition's OID with group and
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
	switch {
	case parts[0] == "1505" && l.DocumentGroup.HasValue() && parts[1] != l.DocumentGroup.Code:
		c.add(RuleContentGroup, s.Node, s.Value, finding.P("group", l.DocumentGroup.Code))
	case parts[0] == "1506" && l.SpecificType.HasValue() && parts[1] != l.SpecificType.Code:
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
	if p := b.JSON; p != nil && p.Empty() && c.operation != interactions.Nullify {
		c.add(RuleJSONEmpty, p.Node, "")
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

// pdf judges what can be told of a PDF without reading its structure.
func (c *checker) pdf(p *cda.Part) {
	tail := p.Bytes[max(0, len(p.Bytes)-1024):]
	if !bytes.Contains(tail, []byte("%%EOF")) {
		c.add(RulePDFEnd, p.Node, "")
	}
}

// forbiddenElements may not stand in the display form: they run or load something.
var forbiddenElements = map[string]bool{
	"script": true, "iframe": true, "frame": true, "frameset": true, "object": true, "embed": true, "applet": true,
	"form": true, "input": true, "button": true, "textarea": true, "select": true, "base": true, "link": true, "meta": true,
	"audio": true, "video": true, "source": true, "svg": true, "math": true,
}

// maxXHTMLFindings bounds findings about one display form.
const maxXHTMLFindings = 100

// xhtml judges the display form (kanta-interface 6.1, DOC-12): well-formed, in
// its namespace, nothing that runs or is fetched.
func (c *checker) xhtml(p *cda.Part) {
	t, err := xmltree.Parse(p.Bytes, xmltree.DefaultLimits())
	if err != nil {
		c.xhtmlSyntax(err)
		return
	}
	x := xhtmlChecker{c: c, t: t}
	if t.Space(t.Root()) != "http://www.w3.org/1999/xhtml" {
		x.add(RuleXHTMLNamespace, t.Root(), t.Space(t.Root()))
	}
	if t.Local(t.Root()) != "div" || !slices.Contains(strings.Fields(t.Attr(t.Root(), "class")), "soc-document") {
		x.add(RuleXHTMLRoot, t.Root(), t.Local(t.Root()))
	}
	if id := t.Attr(t.Root(), "id"); id != "" && c.m.ID.Root != "" && id != "OID"+c.m.ID.Root {
		a, _ := t.LookupAttr(t.Root(), "", "id")
		x.addAttr(RuleXHTMLID, t.Root(), a, id)
	}
	for n := t.Root(); n < t.End(t.Root()) && x.count < maxXHTMLFindings; n++ {
		switch t.Kind(n) {
		case xmltree.Element:
			x.element(n)
		case xmltree.ProcInst:
			x.add(RuleXHTMLElement, n, t.Target(n))
		}
	}
}

func (c *checker) xhtmlSyntax(err error) {
	place := finding.Place{Source: finding.SourceXHTML}
	detail := ""
	if e, ok := err.(*xmltree.SyntaxError); ok {
		place.Line, place.Column, detail = e.Line, e.Column, e.Code
	}
	c.out.Add(finding.Finding{Rule: RuleXHTMLSyntax, Place: place, Params: []finding.Param{finding.P("detail", detail)}})
}

type xhtmlChecker struct {
	c     *checker
	t     *xmltree.Tree
	count int
}

func (x *xhtmlChecker) add(rule string, n xmltree.Node, value string) {
	x.count++
	x.c.out.Add(finding.Finding{Rule: rule, Place: x.t.Place(n, finding.SourceXHTML), Value: value})
}

func (x *xhtmlChecker) addAttr(rule string, n xmltree.Node, a xmltree.Attr, value string) {
	x.count++
	x.c.out.Add(finding.Finding{Rule: rule, Place: x.t.AttrPlace(n, a, finding.SourceXHTML), Value: value})
}

func (x *xhtmlChecker) element(n xmltree.Node) {
	if name := x.t.Local(n); forbiddenElements[strings.ToLower(name)] {
		x.add(RuleXHTMLElement, n, name)
	}
	first, end := x.t.Attrs(n)
	for a := first; a < end; a++ {
		x.attribute(n, a)
	}
}

func (x *xhtmlChecker) attribute(n xmltree.Node, a xmltree.Attr) {
	name := strings.ToLower(x.t.AttrLocal(a))
	if strings.HasPrefix(name, "on") {
		x.addAttr(RuleXHTMLEvent, n, a, name)
		return
	}
	v := x.t.AttrValue(a)
	switch name {
	case "src", "background", "poster", "srcset", "data", "codebase":
		if !dataImage(v) {
			x.addAttr(RuleXHTMLExternal, n, a, scheme(v))
		}
	case "href", "action", "cite", "longdesc":
		if s := scheme(v); s != "" && s != "http" && s != "https" && s != "mailto" && s != "tel" {
			x.addAttr(RuleXHTMLScript, n, a, s)
		}
	case "style":
		if l := strings.ToLower(v); strings.Contains(l, "url(") || strings.Contains(l, "expression(") || strings.Contains(l, "@import") {
			x.addAttr(RuleXHTMLStyle, n, a, "")
		}
	}
}

// dataImage tells of an image that stands in the document itself.
func dataImage(v string) bool {
	v = strings.TrimLeft(v, " \t\r\n")
	return len(v) > 11 && strings.EqualFold(v[:11], "data:image/") && !strings.HasPrefix(strings.ToLower(v[11:min(len(v), 14)]), "svg")
}

// scheme gives a URL's scheme in small letters, as browsers read it: control
// characters and spaces inside it do not count. Empty for a relative one.
func scheme(v string) string {
	var b strings.Builder
	for _, r := range v[:min(len(v), 64)] {
		switch {
		case r <= ' ':
		case r == ':':
			return strings.ToLower(b.String())
		case r == '/' || r == '?' || r == '#':
			return ""
		default:
			b.WriteRune(r)
		}
	}
	return ""
}
