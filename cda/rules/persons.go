package rules

import (
	"bytes"
	"html"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"portti/cda"
	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/internal/finding"
	"portti/internal/xmltree"
)

// hetuRules gives the rule of each fault of a client's identity code.
var hetuRules = map[cda.HetuFault]string{
	cda.HetuLength: RuleHetuLength, cda.HetuCharacter: RuleHetuCharacter, cda.HetuCentury: RuleHetuCentury,
	cda.HetuDate: RuleHetuDate, cda.HetuIndividual: RuleHetuIndividual, cda.HetuCheck: RuleHetuCheck,
}

// persons judges identifiers of persons, and in the test world refuses persons
// outside the 900 series anywhere (kanta-interface 1.6).
func (c *checker) persons() {
	for i := range c.m.Clients {
		c.client(&c.m.Clients[i])
	}
	for i := range c.m.Authors {
		a := &c.m.Authors[i]
		c.professional(a.ID)
		for _, id := range a.MoreIDs {
			c.professional(id)
		}
	}
	for i := range c.m.Local.Signatures {
		s := c.m.Local.Signatures[i].Signer
		if s.HasValue() && !registrationNumber(s.Value) {
			c.add(RuleSignerNumber, s.Node, s.Value)
		}
	}
	c.duplicates()
	c.minorConsent()
	if c.World == Test {
		c.scan(c.t, c.Doc.Root, finding.SourceDocument, RuleRealPersonHeader, c.Doc.Body.Node, c.m.Local.SignatureCollection)
	}
}

// client judges one client's identifier, and its agreement with sex and birth.
func (c *checker) client(cl *cda.Client) {
	id := cl.ID
	if !id.HasValue() {
		return
	}
	switch {
	case id.Root == cda.RootHetu:
		c.hetu(cl)
	case cda.IsTemporaryClientRoot(id.Root):
		if id.Extension == "" {
			c.add(RuleClientExtension, id.Node, "")
		}
	case cda.ValidOID(id.Root):
		c.addAttr(RuleClientRoot, id.Node, "root", id.Root)
	}
}

func (c *checker) hetu(cl *cda.Client) {
	id := cl.ID
	if id.Extension == "" {
		c.add(RuleClientExtension, id.Node, "")
		return
	}
	h, fault := cda.ParseHetu(id.Extension)
	if fault != cda.HetuOk {
		c.addAttr(hetuRules[fault], id.Node, "extension", id.Extension)
		return
	}
	if b := cl.BirthTime; b.Valid() && b.Precision >= cda.PrecisionDay && b.Time.Format("20060102") != h.Born.Format("20060102") {
		c.addAttr(RuleHetuBirth, b.Node, "value", b.Raw)
	}
	if g := cl.Gender; g.Code == "1" && h.Female || g.Code == "2" && !h.Female {
		c.addAttr(RuleHetuSex, g.Node, "code", g.Code)
	}
}

// professional judges an author's identifier: a registration number has eleven
// digits, an identity code is one.
func (c *checker) professional(id cda.ID) {
	switch {
	case id.Root == cda.RootRegistrationNumber && !registrationNumber(id.Extension):
		c.addAttr(RuleAuthorNumber, id.Node, "extension", id.Extension)
	case id.Root == cda.RootHetu:
		if _, fault := cda.ParseHetu(id.Extension); fault != cda.HetuOk {
			c.addAttr(RuleAuthorHetu, id.Node, "extension", id.Extension, finding.P("fault", fault.String()))
		}
	}
}

// minorConsent remarks that a minor's document of phase II says nothing of
// disclosure to guardians (kanta-interface 5.2).
func (c *checker) minorConsent() {
	written := c.m.EffectiveTime
	if c.group != "phase2" || c.operation == interactions.Nullify || c.isHealth() || !written.Valid() {
		return
	}
	if slices.ContainsFunc(c.m.Consents, func(s cda.Consent) bool { return s.Code.HasValue() }) {
		return
	}
	for i := range c.m.Clients {
		cl := &c.m.Clients[i]
		if born, ok := bornOn(cl); ok && written.Time.Before(born.AddDate(18, 0, 0)) {
			c.add(RuleConsentMinor, cl.Node, "")
			return
		}
	}
}

// bornOn gives the date of birth by the identity code, else by birthTime.
func bornOn(cl *cda.Client) (time.Time, bool) {
	if cl.ID.Root == cda.RootHetu {
		if h, fault := cda.ParseHetu(cl.ID.Extension); fault == cda.HetuOk {
			return h.Born, true
		}
	}
	b := cl.BirthTime
	return b.Time, b.Valid() && b.Precision >= cda.PrecisionDay
}

func registrationNumber(s string) bool {
	if len(s) != 11 {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// duplicates tells of a client who stands twice.
func (c *checker) duplicates() {
	for i := range c.m.Clients {
		for j := 0; j < i && i < maxClients; j++ {
			if c.m.Clients[i].ID.Same(c.m.Clients[j].ID) {
				c.add(RuleClientTwice, c.m.Clients[i].Node, "")
				break
			}
		}
	}
}

// maxClients bounds comparisons of each with each.
const maxClients = 200

// scan looks for valid identity codes outside the 900 series in the attributes
// and texts below root, save in the subtrees of skip.
func (c *checker) scan(t *xmltree.Tree, root xmltree.Node, src finding.Source, rule string, skip ...xmltree.Node) {
	for n := root; n < t.End(root); n++ {
		if skipped(n, skip) {
			n = t.End(n) - 1
			continue
		}
		switch t.Kind(n) {
		case xmltree.Element:
			first, end := t.Attrs(n)
			for a := first; a < end; a++ {
				if v := t.AttrValue(a); realPerson(v) >= 0 {
					c.out.Add(finding.Finding{Rule: rule, Place: t.AttrPlace(n, a, src), Value: v})
				}
			}
		case xmltree.Text, xmltree.CData, xmltree.Comment:
			if realPerson(t.Value(n)) >= 0 {
				place := t.Place(n, src)
				place.XPath = t.XPath(t.Parent(n))
				c.out.Add(finding.Finding{Rule: rule, Place: place})
			}
		}
	}
}

func skipped(n xmltree.Node, skip []xmltree.Node) bool {
	for _, s := range skip {
		if s > 0 && n == s {
			return true
		}
	}
	return false
}

// realPerson gives the offset of the first identity code outside the 900 series,
// -1 where there is none.
func realPerson[T string | []byte](b T) int {
	at := -1
	cda.FindHetus(b, func(offset int, h cda.Hetu) bool {
		if !h.Test {
			at = offset
		}
		return h.Test
	})
	return at
}

// scanPart looks for real persons in a decoded part of the body, also behind
// escapes of JSON and references of XHTML.
func (c *checker) scanPart(p *cda.Part, rule string) {
	if at := realPerson(p.Bytes); at >= 0 {
		line, column := position(p.Bytes, at)
		c.out.Add(finding.Finding{Rule: rule, Place: finding.Place{Source: p.Source, Line: line, Column: column}})
		return
	}
	if hidden := unescaped(p); hidden != nil && realPerson(hidden) >= 0 {
		c.out.Add(finding.Finding{Rule: rule, Place: finding.Place{Source: p.Source}})
	}
}

// unescaped gives a part without its escapes, nil where it has none.
func unescaped(p *cda.Part) []byte {
	switch {
	case p.Recognised == cda.XHTML && bytes.Contains(p.Bytes, []byte("&#")):
		return []byte(html.UnescapeString(string(p.Bytes)))
	case p.Recognised == cda.JSON && bytes.Contains(p.Bytes, []byte(`\u`)):
		return unescapeJSON(p.Bytes)
	default:
		return nil
	}
}

// unescapeJSON replaces \uXXXX of ASCII; no other escape can hide a code.
func unescapeJSON(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] == '\\' && i+6 <= len(b) && b[i+1] == 'u' {
			if v, err := strconv.ParseUint(string(b[i+2:i+6]), 16, 16); err == nil && v < 0x80 {
				out = append(out, byte(v))
				i += 5
				continue
			}
		}
		out = append(out, b[i])
	}
	return out
}

// position gives line and column, in code points, of an offset.
func position(b []byte, at int) (line, column int) {
	begin := bytes.LastIndexByte(b[:at], '\n') + 1
	return 1 + bytes.Count(b[:at], []byte{'\n'}), 1 + utf8.RuneCount(b[begin:at])
}

// framePersons judges persons in the frame.
func (c *checker) framePersons(f *frame.Frame) {
	if id := f.User.ID; id.Root == cda.RootHetu {
		if _, fault := cda.ParseHetu(id.Extension); fault != cda.HetuOk {
			c.addFrame(RuleUserHetu, f, id.Node, "extension", id.Extension, finding.P("fault", fault.String()))
		}
	}
	if c.World == Test {
		c.scan(f.Tree, f.Root, finding.SourceFrame, RuleRealPersonFrame, f.Document.Text)
	}
}

// Attachments looks for real persons in what goes along with a document in its package
// (nil for none): the test world takes no data of theirs in any part of a message.
func Attachments(w World, p *frame.Package) []finding.Finding {
	if w != Test || p == nil {
		return nil
	}
	var out []finding.Finding
	for _, a := range p.Attachments {
		if at := realPerson(a.Bytes); at >= 0 {
			line, column := position(a.Bytes, at)
			out = append(out, finding.Finding{Rule: RuleRealPersonAttachment, Place: finding.Place{Source: finding.SourceAttachment, Line: line, Column: column}})
		}
	}
	return out
}
