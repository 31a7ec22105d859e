package schema

import (
	"strings"

	"portti/internal/xmltree"
)

// Kind is a kind of fault.
type Kind uint8

// The kinds. The comments tell what Fault.Expected and Fault.Type are.
const (
	// RootUnknown: the schema has no such root element. Expected: those it has.
	RootUnknown Kind = iota + 1
	// ElementUnexpected: an element that its parent may not have at all. Expected:
	// elements that may stand there.
	ElementUnexpected
	// ElementOrder: an element that its parent may have, in another place. Expected:
	// neighbours in the right order.
	ElementOrder
	// ElementRepeated: one more of an element than its parent may have.
	ElementRepeated
	// ElementMissing: an element lacks a child. Expected: the child, or those of
	// which one must stand.
	ElementMissing
	// TextNotAllowed: text where only elements, or nothing, may stand.
	TextNotAllowed
	// AttributeUnknown: an attribute that the element may not have.
	AttributeUnknown
	// AttributeMissing: an element lacks an attribute. Expected: its name.
	AttributeMissing
	// ValuePattern: a value without the form asked. Type: the simple type's name.
	ValuePattern
	// ValueEnum: a value that is none of a list. Expected: the list.
	ValueEnum
	// ValueEmpty: a value that must not be empty.
	ValueEmpty
	// ValueType: a value that is not of its type. Type: its name.
	ValueType
	// ValueFixed: another value than the only one allowed. Expected: that one.
	ValueFixed
	// TypeUnknown: an xsi:type that is no type for the element.
	TypeUnknown
	// IDDuplicate: an identifier that stands on an earlier element too.
	IDDuplicate
	// IDRefTarget: a reference to an identifier that stands nowhere.
	IDRefTarget
	// Other: libxml2 finds a fault for which this package has no kind of its own.
	Other
)

// Fault is one fault. Attr is -1 where it is not about an attribute. Type and
// Expected come from the schema and hold nothing of the document.
type Fault struct {
	Kind     Kind
	Node     xmltree.Node
	Attr     xmltree.Attr
	Type     string
	Expected []Name
	// Code is libxml2's number of the fault, 0 for faults that this package found.
	Code int
}

// raw is a fault as the C side gives it.
type raw struct {
	node        xmltree.Node
	attr        int
	code, phase int
	note, tail  string
}

// Codes of libxml2's schema engine (xmlerror.h), by the clause of XML Schema.
const (
	codeDatatype1    = 1824
	codeDatatype3    = 1826
	codeSimpleAttr   = 1827
	codeSimpleChild  = 1828
	codeFacet        = 1829
	codeMinLength    = 1831
	codeFractions    = 1838
	codePattern      = 1839
	codeEnumeration  = 1840
	codeEmptyContent = 1841
	codeSimpleCont   = 1842
	codeElementOnly  = 1843
	codeRoot         = 1845
	codeNotNillable  = 1847
	codeNilled       = 1849
	codeXSIType1     = 1850
	codeXSIType3     = 1852
	codeFixedChild   = 1856
	codeFixedMixed   = 1857
	codeFixedSimple  = 1858
	codeFixedAttr    = 1864
	codeAttrUnknown  = 1865
	codeAttrWildcard = 1867
	codeAttrMissing  = 1868
	codeContent      = 1871
	codeAttrUse      = 1874
	codeWildcard     = 1878
)

// isContent tells that a fault is one of an element's content model, to be told by
// diagnose, and of which element.
func (r raw) isContent(t *xmltree.Tree) (parent xmltree.Node, ok bool) {
	switch {
	case r.phase == phaseStart && (r.code == codeContent || r.code == codeEmptyContent ||
		r.code == codeSimpleCont || r.code == codeSimpleChild || r.code == codeWildcard):
		return t.Parent(r.node), true
	case r.phase == phaseEnd && r.code == codeContent:
		return r.node, true
	}
	return xmltree.None, false
}

// fault makes a Fault of anything but the content model.
func (r raw) fault(t *xmltree.Tree, m *model, sets map[string][]Name) Fault {
	f := Fault{Node: r.node, Attr: -1, Code: r.code, Kind: r.kind()}
	if first, end := t.Attrs(r.node); r.attr >= 0 && first+xmltree.Attr(r.attr) < end {
		f.Attr = first + xmltree.Attr(r.attr)
	}
	if f.Attr >= 0 && f.isValue() && t.AttrSpace(f.Attr) == spaceXSI {
		f.Kind = TypeUnknown // a type name that is no name, or has no declared prefix
	}
	if r.code >= codeNotNillable && r.code <= codeNilled { // told of the element
		if a, ok := t.LookupAttr(r.node, spaceXSI, "nil"); ok {
			f.Attr = a
		}
	}
	switch f.Kind {
	case AttributeMissing:
		f.Expected = []Name{parseName(r.note)}
	case ValuePattern:
		f.Type = m.patterns[r.note]
	case ValueEnum:
		if f.Expected = sets[r.note]; f.Expected == nil {
			f.Expected = parseSet(r.note)
			sets[r.note] = f.Expected
		}
	case ValueFixed:
		f.Expected = []Name{{Local: r.note}}
	case ValueType:
		if r.code <= codeDatatype3 { // the others may end with a value
			f.Type = typeInTail(r.tail)
		}
	}
	return f
}

func (r raw) kind() Kind {
	switch c := r.code; {
	case c == codePattern:
		return ValuePattern
	case c == codeEnumeration:
		return ValueEnum
	case c == codeMinLength:
		return ValueEmpty
	case c >= codeDatatype1 && c <= codeDatatype3, c >= codeFacet && c <= codeFractions:
		return ValueType
	case c == codeEmptyContent, c == codeElementOnly:
		return TextNotAllowed
	case c == codeSimpleAttr, c >= codeAttrUnknown && c <= codeAttrWildcard,
		c >= codeNotNillable && c <= codeNilled:
		return AttributeUnknown
	case c == codeAttrMissing:
		return AttributeMissing
	case c == codeFixedAttr, c == codeAttrUse, c >= codeFixedChild && c <= codeFixedSimple:
		return ValueFixed
	case c >= codeXSIType1 && c <= codeXSIType3:
		return TypeUnknown
	case c == codeRoot:
		return RootUnknown
	}
	return Other
}

// parseName reads "{space}local", or "local".
func parseName(s string) Name {
	if i := strings.LastIndexByte(s, '}'); i > 0 && s[0] == '{' {
		return Name{s[1:i], s[i+1:]}
	}
	return Name{Local: s}
}

// parseSet reads "'a', 'b'", the values of an enumeration.
func parseSet(s string) []Name {
	var set []Name
	for _, v := range strings.Split(s, ", ") {
		if len(v) >= 2 && v[0] == '\'' && v[len(v)-1] == '\'' {
			set = append(set, Name{Local: v[1 : len(v)-1]})
		}
	}
	return set
}

// typeInTail finds the type's name at the end of a message: "… type 'xs:integer'."
// What stands before it may be out of the document and is not touched.
func typeInTail(s string) string {
	s = strings.TrimRight(s, ".\n")
	i := strings.LastIndex(s, "type '")
	if i < 0 || !strings.HasSuffix(s, "'") {
		return ""
	}
	return parseName(s[i+len("type '") : len(s)-1]).Local
}
