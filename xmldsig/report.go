package xmldsig

import (
	"portti/internal/finding"
	"portti/internal/xmltree"
)

// report collects the findings of one document.
type report struct {
	t      *xmltree.Tree
	source finding.Source
	list   finding.List
	faults int // findings that are no remarks
}

// add notes a finding at node n. Places are worked out only for what is kept, so
// that a thousandth fault costs no more than a counter.
func (r *report) add(rule string, n xmltree.Node, value string, params ...finding.Param) {
	if !IsRemark(rule) {
		r.faults++
	}
	r.note(finding.Finding{Rule: rule, Value: value, Params: params}, n)
}

func (r *report) note(f finding.Finding, n xmltree.Node) {
	if !r.list.Full() && n != xmltree.None {
		f.Place = r.t.Place(n, r.source)
	}
	r.list.Add(f)
}

// trust notes what a Trust found, at the certificate's element.
func (r *report) trust(faults []TrustFault, n xmltree.Node) {
	for _, x := range faults {
		if !x.Remark {
			r.faults++
		}
		r.note(finding.Finding{Rule: x.Rule, Value: x.Value, Params: x.Params}, n)
	}
}
