package schema

/*
#include "engine.h"
*/
import "C"

import (
	"cmp"
	"errors"
	"runtime"
	"slices"
	"strings"
	"unsafe"

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
	f := newFeed(t, &o)
	defer f.release()
	s.feed(f, t, root, name)
	raws, cut, err := s.run(f, s.few)
	if err != nil {
		return nil, err
	}
	faults := f.identifiers()
	if len(raws) > 0 {
		d := &diagnosis{s: s, t: t, root: root, rootType: s.model.global[name], o: &o}
		if cut {
			if raws, err = s.further(f, d, raws, name); err != nil {
				return nil, err
			}
		}
		more, err := d.all(raws)
		if err != nil {
			return nil, err
		}
		faults = append(faults, more...)
	}
	return tidy(faults), nil
}

// feed writes the events of root, examined as the global element name.
func (s *Schema) feed(f *feed, t *xmltree.Tree, root xmltree.Node, name Name) {
	f.extra = append(append(f.extra, around(t, root)...), [2]string{"xml", xmltree.NamespaceXML})
	if name != (Name{t.Space(root), t.Local(root)}) {
		f.rename = name
	}
	f.reserve(root)
	f.walk(root)
}

// further goes through a document of many faults again: without those that raws let
// foresee, or as it stands where there are none such.
func (s *Schema) further(f *feed, d *diagnosis, raws []raw, name Name) ([]raw, error) {
	h := d.learn(raws)
	if h == nil {
		raws, _, err := s.run(f, MaxFaults)
		return raws, err
	}
	again := newFeed(d.t, d.o)
	defer again.release()
	c := s.model.types[d.rootType]
	again.habits, again.rootType = h, openType{c, h.types[c]}
	s.feed(again, d.t, d.root, name)
	told, _, err := s.run(again, MaxFaults)
	if err != nil {
		return nil, err
	}
	return h.merge(told), nil
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

// run hands the events over and takes back what libxml2 found, at most most faults;
// cut tells that there are more. A feed may run twice.
func (s *Schema) run(f *feed, most int) (raws []raw, cut bool, err error) {
	f.flush()
	f.big, f.block = append(f.big, nil), append(f.block, 0) // never empty
	r := C.portti_validate(s.c,
		(*C.int32_t)(unsafe.Pointer(unsafe.SliceData(f.ev))), C.size_t(len(f.ev)),
		(*C.char)(unsafe.Pointer(unsafe.SliceData(f.block))),
		(**C.char)(unsafe.Pointer(unsafe.SliceData(f.big))),
		C.size_t(f.most), C.int32_t(most))
	runtime.KeepAlive(s)
	if r.n == 0 && r.status == 0 {
		return nil, false, nil
	}
	defer C.portti_release(r)
	if r.status < 0 {
		return nil, false, ErrEngine
	}
	raws = make([]raw, r.n, int(r.n)+f.habits.noted())
	faults := unsafe.Slice(r.faults, int(r.n))
	for i, x := range faults {
		raws[i] = raw{node: xmltree.Node(x.node), attr: int(x.attr), code: int(x.code), phase: int(x.phase)}
		// What the fault before says too is one range of the notes, and one string here.
		if i > 0 && x.note == faults[i-1].note && x.noteLen == faults[i-1].noteLen {
			raws[i].note = raws[i-1].note
		} else {
			raws[i].note = note(r.notes, x.note, x.noteLen)
		}
		if i > 0 && x.tail == faults[i-1].tail && x.tailLen == faults[i-1].tailLen {
			raws[i].tail = raws[i-1].tail
		} else {
			raws[i].tail = note(r.notes, x.tail, x.tailLen)
		}
	}
	return raws, r.cut != 0, nil
}

func note(notes *C.char, at, n C.int32_t) string {
	if n == 0 {
		return ""
	}
	b := unsafe.Slice((*byte)(unsafe.Pointer(notes)), int(at+n))[at:]
	return strings.ToValidUTF8(string(b), "")
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
