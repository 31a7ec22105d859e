package sosmeta

import (
	"cmp"
	"slices"

	"portti/internal/finding"
)

// Options say how a document is validated. The zero Options are the usual ones.
type Options struct {
	Limits Limits
	// PhrasesExact makes another text in the place of a fixed phrase an error
	// (SOS-PHRASE-EXACT), and takes no phrase of the other language.
	PhrasesExact bool
	// NoConditions leaves out the conditional obligations, which the JSON Schemas
	// do not hold.
	NoConditions bool
	// Facts asks for Report.Facts.
	Facts bool
}

// Report is what came of reading one document.
type Report struct {
	// Findings stand in document order, at most finding.Limit of them; More counts
	// the rest by rule.
	Findings []finding.Finding
	More     map[string]int
	// Facts are the values of interest, in document order, where asked for.
	Facts []Fact
	// Instance is the decoded document. Where JSON ended in a fault it holds what
	// was read until then.
	Instance *Instance
}

// Broken tells that the bytes are not JSON as RFC 8259 and this package take it,
// so that the content is not to be relied on.
func (r *Report) Broken() bool {
	for _, f := range r.Findings {
		if syntaxRules[f.Rule] && f.Rule != RuleBOM {
			return true
		}
	}
	return false
}

// Validate decodes src and checks it against the structure. It keeps src in the
// report's Instance: the caller must not change it.
func (s *Structure) Validate(src []byte, o Options) *Report {
	s.Root()
	return read(src, s.slots, s.flat, o)
}

// Decode reads JSON as such, without a structure: for documents whose structure
// is not known. Facts are found by key names. It keeps src.
func Decode(src []byte, o Options) *Report { return read(src, nil, nil, o) }

func read(src []byte, slots []slot, fields []*Field, o Options) *Report {
	d := &decoder{src: src, lim: o.Limits.orDefault(), exact: o.PhrasesExact, slots: slots, fields: fields}
	d.values = make([]value, 0, 8+min(len(src)/24, 1<<16))
	whole := d.document()
	in := &Instance{src: src, values: d.values, slots: slots, fields: fields}
	if !whole {
		in.seal()
	}
	if whole && !o.NoConditions {
		d.conditions(in)
	}
	rep := &Report{Instance: in, More: d.more, Findings: d.findings(in)}
	if o.Facts {
		rep.Facts = in.facts()
	}
	return rep
}

// seal closes the values that a fault left open, so that the tree can be walked.
func (in *Instance) seal() {
	for i := range in.values {
		if v := &in.values[i]; v.next == 0 {
			v.next = Ref(len(in.values))
			v.end = max(v.end, v.start)
		}
	}
}

// findings puts the faults in document order and works out their places.
func (d *decoder) findings(in *Instance) []finding.Finding {
	if len(d.faults) == 0 {
		return nil
	}
	order := make([]int32, len(d.faults))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(d.faults[a].off, d.faults[b].off), cmp.Compare(a, b))
	})
	out := make([]finding.Finding, len(d.faults))
	at := newCursor(d.src)
	pointers := make([]byte, 0, 64*len(d.faults))
	ends := make([]int, len(d.faults))
	for i, k := range order {
		f := &d.faults[k]
		line, column := at.at(int(f.off))
		out[i] = finding.Finding{Rule: f.rule, Value: f.value, Params: f.params,
			Place: finding.Place{Source: finding.SourceJSON, Line: line, Column: column}}
		if f.at != None && int(f.at) < len(in.values) {
			pointers = in.appendPointer(pointers, f.at)
		}
		ends[i] = len(pointers)
	}
	all, start := string(pointers), 0 // one string for all pointers
	for i := range out {
		out[i].XPath = all[start:ends[i]]
		start = ends[i]
	}
	return out
}

// Place gives the place of a value of the instance, for findings of others. It
// reads the source from its head: ask in document order of few values, or use
// the places of facts.
func (in *Instance) Place(r Ref) finding.Place {
	if r == None {
		return finding.Place{Source: finding.SourceJSON}
	}
	line, column := newCursor(in.src).at(int(in.values[r].start))
	return finding.Place{Source: finding.SourceJSON, Line: line, Column: column, XPath: in.Pointer(r)}
}
