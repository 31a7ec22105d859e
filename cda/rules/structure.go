package rules

import (
	"slices"
	"strings"
	"unicode/utf8"

	"portti/cda"
	"portti/cda/sosmeta"
	"portti/internal/finding"
)

// structure judges the choice of the document's structure by
// contentSpecificationId at the time of writing (DOC-11); nil where it is not known.
func (c *checker) structure() *sosmeta.Structure {
	id := c.m.Local.ContentSpecification
	if !id.HasValue() {
		return nil
	}
	s, fs := c.Structures.Choose(id.Value, c.madeAt())
	place := c.t.Place(id.Node, finding.SourceDocument)
	for _, f := range fs {
		f.Place = place
		c.out.Add(f)
	}
	return s
}

// structured judges the JSON body (DOC-4, DOC-11, DOC-12): by its structure, or,
// where that is not known, as JSON alone; its codes; and whether it agrees with
// the header. Bytes of which it is told already that they are no JSON are left.
func (c *checker) structured(p *cda.Part) {
	if p.Empty() || p.Recognised != cda.JSON || !utf8.Valid(p.Bytes) {
		return
	}
	r := c.readJSON(p.Bytes)
	c.out.Add(r.Findings...)
	if r.Broken() {
		return
	}
	c.out.Add(c.Codes.CheckFacts(r.Facts, c.madeAt())...)
	c.bodyOrganisations(r.Facts)
	c.compareJSON(r)
}

// readJSON reads the JSON by the document's structure. Where the header names a
// structure that fits neither its type nor the JSON, which is told of the header,
// or one that is not known, the JSON is read as such.
func (c *checker) readJSON(src []byte) *sosmeta.Report {
	o := sosmeta.Options{Facts: true, PhrasesExact: c.PhrasesExact}
	if c.chosen == nil {
		return sosmeta.Decode(src, o)
	}
	r := c.chosen.Validate(src, o)
	other := func(f finding.Finding) bool { return f.Rule == sosmeta.RuleRootName }
	if c.misfit && slices.ContainsFunc(r.Findings, other) {
		return sosmeta.Decode(src, o)
	}
	return r
}

// bareOID takes "urn:oid:" off an identifier or system.
func bareOID(s string) string { return strings.TrimPrefix(strings.TrimSpace(s), "urn:oid:") }
