package sosmeta

import (
	"crypto/sha256"

	"portti/internal/finding"
)

// Kind is the JSON type of a field's value (of one item, where the field repeats).
type Kind uint8

// The kinds that the national structures use.
const (
	Object Kind = iota + 1
	String
	Number
	Boolean
)

// kindLetters are the kinds' letters in the table's file.
var kindLetters = map[Kind]string{Object: "o", String: "s", Number: "n", Boolean: "b"}

// String gives JSON's word for the kind.
func (k Kind) String() string {
	return [...]string{"", "object", "string", "number", "boolean"}[k]
}

// Representation is Sosmeta's way of presenting a field (esitysmuoto), by its
// Finnish word. A field without one is a group.
type Representation string

// The representations in use (kanta-interface 14).
const (
	Text       Representation = "Teksti"
	Name       Representation = "Nimi"
	Coded      Representation = "Koodi"
	Date       Representation = "Pvm"
	Identifier Representation = "Tunnus"
	Switch     Representation = "Kytkin"
	Heading    Representation = "Otsikko"
	Quantity   Representation = "Määrä"
	Measure    Representation = "Mitta"
	Percent    Representation = "Prosentti"
	Phrase     Representation = "Fraasi"
	Moment     Representation = "Hetki"
	Numeric    Representation = "Numero"
	Count      Representation = "Lkm"
	Signature  Representation = "Allekirjoitus"
)

// Obligation tells whether a field must stand.
type Obligation uint8

// The obligations. Conditional means that only prose says when the field is
// required: JSON Schema takes it as optional.
const (
	Optional    Obligation = 0
	Required    Obligation = 1
	Conditional Obligation = 2
)

// Hash is the SHA-256 of a fixed phrase's UTF-8 text.
type Hash [sha256.Size]byte

// Field is one property of a structure with the definition of its value.
// Fields are read-only and safe for concurrent use.
type Field struct {
	// Key is the JSON key, "" for the document's root object.
	Key string
	// FI and SV are the field's names; SV is "" where THL gives none.
	FI, SV         string
	Representation Representation
	Kind           Kind
	Obligation     Obligation
	// Repeats tells that the value is an array of values of this kind, of at
	// least MinItems.
	Repeats  bool
	MinItems int
	// MinLength is in code points; 0 for none.
	MinLength int
	// Pattern is the regular expression that a string must match, "" for none.
	Pattern string
	// Accepted are the values that a string may have, nil for any.
	Accepted []string
	// Phrases are the hashes of the fixed phrases, Alternatives those of the same
	// phrases in the other language.
	Phrases, Alternatives []Hash
	// System is the OID of a coded value's code system without its version arc.
	System string
	// SystemURI is the system that an identifier should name.
	SystemURI string
	// LeafOnly tells that only codes of the lowest level are meant.
	LeafOnly bool
	// Open tells that keys not named in Fields are allowed.
	Open   bool
	Fields []*Field

	index    int32 // in Structure.fields
	parent   *Field
	path     string
	byKey    map[string]int32 // index in Fields
	required int              // number of required Fields
	match    matcher
	params   []finding.Param
	// lengthParams are params with the least length, where there is one.
	lengthParams []finding.Param
	conds        []*boundCondition
	fact         FactKind
	role         role
	// restricted tells of a coded field that it names the codes it accepts.
	restricted bool
}

// role is what a string means within a coded value or identifier.
type role uint8

const (
	plainRole role = iota
	systemRole
	codeRole
	displayRole
	identifierRole
	quantityRole
	unitRole
)

// Path gives the keys from the root down, joined by "/", without array indexes.
func (f *Field) Path() string { return f.path }

// Child gives the field with that key, or nil.
func (f *Field) Child(key string) *Field {
	if i, ok := f.byKey[key]; ok {
		return f.Fields[i]
	}
	return nil
}

// Name gives the field's name in Finnish ("fi"), Swedish ("sv", Finnish where
// there is none), or for other languages the Finnish one, which is what English
// speakers meet in the definitions.
func (f *Field) Name(lang string) string {
	if lang == "sv" && f.SV != "" {
		return f.SV
	}
	if f.FI != "" {
		return f.FI
	}
	return f.Key
}
