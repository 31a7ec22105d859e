package rules

import (
	"bytes"

	"portti/cda"
	"portti/cda/rules/internal/pdfscan"
	"portti/internal/finding"
)

// pdf judges a PDF by names in its objects, not by its whole structure (DOC-12,
// kanta-interface 6.3): what is looked for is said in the rules' texts.
func (c *checker) pdf(p *cda.Part) {
	tell := func(rule string, params ...finding.Param) {
		f := finding.Finding{Rule: rule, Place: c.t.Place(p.Node, finding.SourceDocument), Params: params}
		c.out.Add(f)
	}
	tail := p.Bytes[max(0, len(p.Bytes)-1024):]
	if !bytes.Contains(tail, []byte("%%EOF")) {
		tell(RulePDFEnd)
	}
	r := pdfscan.Scan(p.Bytes, pdfscan.Limits{})
	for _, f := range []struct {
		found bool
		rule  string
	}{
		{r.Header > 0, RulePDFHeader}, {r.Encrypted, RulePDFEncrypted}, {r.Script, RulePDFScript}, {r.Launch, RulePDFLaunch},
		{r.Embedded, RulePDFEmbedded}, {r.Part == "" && !r.Encrypted, RulePDFArchival}, {r.Partial, RulePDFPartial},
	} {
		if f.found {
			tell(f.rule)
		}
	}
	if r.Part > "2" {
		tell(RulePDFPart, finding.P("part", r.Part))
	}
}
