package schema

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"portti/internal/xmltree"
)

// MaxFaults is the greatest number of faults told of one document.
const MaxFaults = 1000

// ErrEngine is the engine's own failure: nothing is known of the document.
var ErrEngine = errors.New("schema: libxml2's schema engine failed")

// Options are what Validate is asked beyond the schema.
type Options struct {
	// Roots are the root elements taken; none means every global element.
	Roots []Name
	// As is the global element by which a root of Roots is examined that the schema
	// does not declare.
	As Name
	// Opaque are elements whose children the schema admits without looking into
	// them (processContents="skip"); what stands in those children is not fed.
	Opaque []Name
	// IDs are attributes (without namespace) whose values must differ within the
	// subtree; IDRefs are those whose values, split at blanks, must be among them.
	// libxml2 does not ask this of events.
	IDs, IDRefs []string
}

// Validate judges the subtree of root, which must be an element, in time linear in
// its size. The faults are in document order, at most MaxFaults. The error is
// ErrEngine, the engine's own failure, and tells nothing of the document.
func (s *Schema) Validate(t *xmltree.Tree, root xmltree.Node, o Options) ([]Fault, error) {
	name, ok := s.rootName(t, root, &o)
	if !ok {
		return []Fault{{Kind: RootUnknown, Node: root, Attr: -1, Expected: s.roots(&o)}}, nil
	}
	d := newDiagnosis(s, t, root, &o, s.model.global[name])
	raws, foreseen, faults, err := s.examine(d, name)
	if err != nil || len(raws) == 0 {
		return tidy(faults), err
	}
	if faults, err = d.all(raws, foreseen, faults); err != nil {
		return nil, err
	}
	return tidy(faults), nil
}

// examine goes through the document once: it gives what libxml2 told, what the model
// foresaw of it, and the faults of identifiers.
func (s *Schema) examine(d *diagnosis, name Name) (raws []raw, foreseen []foreseen, ids []Fault, err error) {
	f := newFeed(d.t, d.o)
	defer f.release()
	f.learner = d
	f.extra = append(append(f.extra, around(d.t, d.root)...), [2]string{"xml", xmltree.NamespaceXML})
	if name != (Name{d.t.Space(d.root), d.t.Local(d.root)}) {
		f.rename = name
	}
	if raws, err = s.run(f, func() { f.walk(d.root) }); err != nil {
		return nil, nil, nil, err
	}
	if f.habits != nil {
		foreseen = f.habits.seen
	}
	return raws, foreseen, f.identifiers(), nil
}

// rootName gives the global element by which root is examined.
func (s *Schema) rootName(t *xmltree.Tree, root xmltree.Node, o *Options) (Name, bool) {
	name := Name{t.Space(root), t.Local(root)}
	if len(o.Roots) > 0 && !slices.Contains(o.Roots, name) {
		return name, false
	}
	if _, declared := s.model.global[name]; !declared {
		name = o.As
	}
	_, ok := s.model.global[name]
	return name, ok
}

// roots gives the root elements that would do.
func (s *Schema) roots(o *Options) []Name {
	if len(o.Roots) > 0 {
		return o.Roots
	}
	var all []Name
	for name := range s.model.global {
		all = append(all, name)
	}
	slices.SortFunc(all, func(a, b Name) int {
		return cmp.Or(cmp.Compare(a.Space, b.Space), cmp.Compare(a.Local, b.Local))
	})
	return all
}

// tidy sorts faults into document order, drops those that tell of one value twice,
// and cuts.
func tidy(faults []Fault) []Fault {
	slices.SortStableFunc(faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Attr, b.Attr))
	})
	kept := faults[:0]
	for i, f := range faults {
		if i > 0 && f.again(kept[len(kept)-1]) {
			continue
		}
		kept = append(kept, f)
	}
	return kept[:min(len(kept), MaxFaults)]
}

// again tells that f tells of the same value, or the same text, as the fault before
// it: libxml2 tells some twice, once by the facet and once by the type.
func (f Fault) again(before Fault) bool {
	if f.Node != before.Node || f.Attr != before.Attr {
		return false
	}
	if f.Kind == before.Kind {
		return f.Kind == TextNotAllowed || f.Attr >= 0 || f.isValue()
	}
	return f.isValue() && before.isValue()
}

func (f Fault) isValue() bool {
	switch f.Kind {
	case ValuePattern, ValueEnum, ValueEmpty, ValueType, ValueFixed, TypeUnknown:
		return true
	}
	return false
}

// identifiers finds identifiers that stand twice and references without a target.
func (f *feed) identifiers() []Fault {
	if len(f.ids) < 2 && len(f.idrefs) == 0 {
		return nil
	}
	var faults []Fault
	seen := make(map[string]xmltree.Node, len(f.ids))
	for _, id := range f.ids {
		v := strings.Trim(f.t.AttrValue(id.a), " ")
		if first, twice := seen[v]; twice && first != id.n {
			faults = append(faults, Fault{Kind: IDDuplicate, Node: id.n, Attr: id.a})
			continue
		}
		seen[v] = id.n
	}
	for _, ref := range f.idrefs {
		for _, v := range strings.Fields(f.t.AttrValue(ref.a)) {
			if _, ok := seen[v]; !ok {
				faults = append(faults, Fault{Kind: IDRefTarget, Node: ref.n, Attr: ref.a})
				break
			}
		}
	}
	return faults
}
