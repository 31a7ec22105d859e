package rules

import (
	"bytes"

	"portti/cda"
	"portti/cda/rules/internal/pdfscan"
	"portti/cda/rules/pdfcheck"
	"portti/internal/finding"
)

// structureRules give the rule of each verdict on a PDF's structure.
var structureRules = map[pdfcheck.Verdict]string{
	pdfcheck.Unreadable: RulePDFStructure, pdfcheck.Invalid: RulePDFInvalid, pdfcheck.Exhausting: RulePDFExhausting,
}

// pdf judges a PDF by names in its objects and by what package pdfcheck found of
// its structure (DOC-12, kanta-interface 6.3); it does not tell that a PDF keeps to
// PDF/A. What is looked for is said in the rules' texts.
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
	// The structure of an encrypted PDF cannot be read; that is told already.
	if rule := structureRules[c.PDF]; rule != "" && !r.Encrypted {
		tell(rule)
	}
	if r.Part > "2" {
		tell(RulePDFPart, finding.P("part", r.Part))
	}
}
