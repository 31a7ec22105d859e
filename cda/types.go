package cda

import (
	"strconv"
	"strings"

	"portti/internal/xmltree"
)

// Namespaces of the documents and frames.
const (
	// NamespaceHL7 is HL7 V3's namespace: CDA and the transfer frame.
	NamespaceHL7 = "urn:hl7-org:v3"
	// NamespaceFinland is HL7 Finland's namespace: local headers and the JSON body.
	NamespaceFinland = "urn:hl7finland"
)

// Roots of well-known identifiers (kanta-interface 5.5).
const (
	// RootHetu is the root of the personal identity code (henkilötunnus).
	RootHetu = "1.2.246.21"
	// RootRegistrationNumber is the root of a professional's registration number (rekisteröintinumero, Terhikki).
	RootRegistrationNumber = "1.2.246.537.26"
	// RootProfessionalNumber is the root of a professional's older identification number.
	RootProfessionalNumber = "1.2.246.537.25"
	// RootTypeID is the root of the CDA R2 type identifier.
	RootTypeID = "2.16.840.1.113883.1.3"
)

// Coded is a coded value (CV, CE, CD or CS).
type Coded struct {
	Code, System, SystemName, Display string
	NullFlavor                        string
	// Node is the element; 0 where the value is absent or made by hand.
	Node xmltree.Node
}

// Present tells that the element stands in the document, be it null or empty.
func (c Coded) Present() bool { return c.Node > 0 }

// HasValue tells that a code is given.
func (c Coded) HasValue() bool { return c.Code != "" }

// ID is an instance identifier (II): a root OID and an optional extension.
type ID struct {
	Root, Extension string
	NullFlavor      string
	Node            xmltree.Node
}

// Present tells that the element stands in the document, be it null or empty.
func (i ID) Present() bool { return i.Node > 0 }

// HasValue tells that a root or extension is given. A root beside a nullFlavor
// counts: in a real document both stand on the case's id, and the root wins.
func (i ID) HasValue() bool { return i.Root != "" || i.Extension != "" }

// Same tells whether both carry the same value. Two ids without value are not the same.
func (i ID) Same(o ID) bool {
	return i.HasValue() && i.Root == o.Root && i.Extension == o.Extension
}

// String gives "root" or "root extension" for messages and logs of developers.
// It can be personal data: see Personal.
func (i ID) String() string {
	if i.Extension == "" {
		return i.Root
	}
	return i.Root + " " + i.Extension
}

// Personal tells that the identifier names a person: it has an extension and a
// root of persons (identity code, professional's numbers, temporary client id).
func (i ID) Personal() bool {
	switch i.Root {
	case RootHetu, RootRegistrationNumber, RootProfessionalNumber:
		return true
	}
	return i.Extension != "" && IsTemporaryClientRoot(i.Root)
}

// Text is a text element's content, leading and trailing whitespace removed.
type Text struct {
	Value      string
	NullFlavor string
	Node       xmltree.Node
}

// Present tells that the element stands in the document, be it null or empty.
func (t Text) Present() bool { return t.Node > 0 }

// HasValue tells that the text is not empty.
func (t Text) HasValue() bool { return t.Value != "" }

// Number is an INT element's value.
type Number struct {
	Raw        string
	Value      int
	Valid      bool
	NullFlavor string
	Node       xmltree.Node
}

// Present tells that the element stands in the document, be it null or empty.
func (n Number) Present() bool { return n.Node > 0 }

// HasValue tells that a value is given, valid or not.
func (n Number) HasValue() bool { return n.Raw != "" }

// NewNumber makes the Number of a version known by hand.
func NewNumber(v int) Number { return Number{Raw: strconv.Itoa(v), Value: v, Valid: true} }

// ParseNumber reads a decimal number of at most nine digits without sign,
// leading zero or whitespace.
func ParseNumber(raw string) Number {
	n := Number{Raw: raw}
	if raw == "" || len(raw) > 9 || (len(raw) > 1 && raw[0] == '0') {
		return n
	}
	for i := 0; i < len(raw); i++ {
		if raw[i] < '0' || raw[i] > '9' {
			n.Value = 0
			return n
		}
		n.Value = n.Value*10 + int(raw[i]-'0')
	}
	n.Valid = true
	return n
}

// Interval is an IVL_TS: a point in time, or low and high.
type Interval struct {
	Value, Low, High Timestamp
	NullFlavor       string
	Node             xmltree.Node
}

// Present tells that the element stands in the document, be it null or empty.
func (i Interval) Present() bool { return i.Node > 0 }

// HasValue tells that a point or an end of the interval is given.
func (i Interval) HasValue() bool {
	return i.Value.HasValue() || i.Low.HasValue() || i.High.HasValue()
}

// Name is a person's name (PN). Parts keep their order of writing.
type Name struct {
	Family, Given []string
	// CallName is the name in use (kutsumanimi), given with qualifier CL.
	CallName         string
	Prefixes, Suffix []string
	// Raw is the text of a name that has no parts.
	Raw        string
	NullFlavor string
	Node       xmltree.Node
}

// Present tells that the element stands in the document, be it null or empty.
func (n Name) Present() bool { return n.Node > 0 }

// HasValue tells that any part of a name is given.
func (n Name) HasValue() bool {
	return len(n.Family) > 0 || len(n.Given) > 0 || n.CallName != "" || n.Raw != ""
}

// Full gives "Given names Family" for people to read.
func (n Name) Full() string {
	if len(n.Family) == 0 && len(n.Given) == 0 {
		return n.Raw
	}
	parts := append(append([]string{}, n.Given...), n.Family...)
	return strings.Join(parts, " ")
}

// Same tells whether two names have the same family and given names. The order
// of family and given and the call name are left aside: real frames write the
// family name first, documents last.
func (n Name) Same(o Name) bool {
	return joined(n.Family) == joined(o.Family) && joined(n.Given) == joined(o.Given) && n.Raw == o.Raw
}

func joined(parts []string) string {
	return strings.Join(strings.Fields(strings.Join(parts, " ")), " ")
}

// Organization is an organisation or unit with its OID and name.
type Organization struct {
	ID   ID
	Name Text
	Node xmltree.Node
}

// Present tells that the element stands in the document.
func (o Organization) Present() bool { return o.Node > 0 }
