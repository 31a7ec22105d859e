package codes

import (
	"strings"
	"time"

	"portti/cda/sosmeta"
	"portti/internal/finding"
)

// organisations is the SOTE organisation register, whose codes are organisation
// OIDs: they are judged by the archive's own register, not here.
const organisations = "1.2.246.537.6.202"

// CheckFacts judges the coded values of a structured body (the facts that
// sosmeta.Structure.Validate collects) at the document's time. Left out is what the
// structure's own rules tell (a code system that is missing or not the field's,
// internal classifications, fields that name the codes they accept), and
// organisations.
func (s *Set) CheckFacts(facts []sosmeta.Fact, at time.Time) []finding.Finding {
	var out []finding.Finding
	for i := range facts {
		f := &facts[i]
		if !s.judged(f) {
			continue
		}
		e := Expectation{}
		if f.LeafOnly {
			e.Level = LeafCodes
		}
		r := s.CheckAs(e, f.System, f.Value, at)
		key := f.Path[strings.LastIndexByte(f.Path, '/')+1:]
		if fd, bad := r.Finding(key, finding.Place{}); bad {
			fd.Place = f.Place()
			out = append(out, fd)
		} else if f.Display != "" && !r.SameDisplay(f.Display) {
			out = append(out, finding.Finding{Rule: RuleDisplay, Place: f.Place(), Value: f.Display, Params: []finding.Param{
				finding.P("field", key), finding.P("code", f.Value), finding.P("list", r.listName()), finding.P("name", r.Entry.FI)}})
		}
	}
	return out
}

func (s *Set) judged(f *sosmeta.Fact) bool {
	switch f.Kind {
	case sosmeta.FactCode, sosmeta.FactServiceTask, sosmeta.FactSocialService, sosmeta.FactMunicipality:
	default:
		return false
	}
	base, _, _, ok := s.Split(f.System)
	return ok && base != organisations && !f.Restricted && (f.Declared == "" || f.Declared == base)
}
