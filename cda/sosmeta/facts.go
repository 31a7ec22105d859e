package sosmeta

import (
	"strings"

	"portti/internal/finding"
)

// FactKind tells what a Fact is about.
type FactKind uint8

// The kinds of facts that cross-checks need.
const (
	// FactIdentityCode is a personal identity code (henkilötunnus); System is as given.
	FactIdentityCode FactKind = iota + 1
	// FactTemporaryID is a temporary identifier (tilapäinen yksilöintitunnus); System is as given.
	FactTemporaryID
	// FactSurname and FactGivenNames are parts of a person's name.
	FactSurname
	FactGivenNames
	// FactBirthDate is a date of birth as written.
	FactBirthDate
	// FactCase is the case's id: asiatunnus or asianumero.
	FactCase
	// FactRelationship is the client relationship's id.
	FactRelationship
	// FactUnit is an organisation or unit of the SOTE organisation register: Value is its OID.
	FactUnit
	// FactServiceTask and FactSocialService are codes of 1.2.246.537.6.1221 and 1222.
	FactServiceTask
	FactSocialService
	// FactCode is any other coded value: System and Value as given.
	FactCode
	// FactIdentifier is any other identifier.
	FactIdentifier
	// FactDate is a date or year, FactMoment a time, as written.
	FactDate
	FactMoment
	// FactNonDisclosure is turvakielto: "true" or "false".
	FactNonDisclosure
	// FactAddress is a street address, postcode or town, FactMunicipality a coded
	// home or temporary municipality, FactPhone a telephone number, FactEmail an address.
	FactAddress
	FactMunicipality
	FactPhone
	FactEmail
)

// String gives the kind's name for tests and logs.
func (k FactKind) String() string {
	return [...]string{"", "identity-code", "temporary-id", "surname", "given-names", "birth-date", "case", "relationship",
		"unit", "service-task", "social-service", "code", "identifier", "date", "moment", "non-disclosure", "address",
		"municipality", "phone", "email"}[k]
}

// Fact is one value of interest with its place.
type Fact struct {
	Kind FactKind
	// Path gives the keys from the root down without array indexes
	// ("asiakkuusasiakirja/asiakas/henkilotunnus").
	Path string
	// Value is the identifier, code, text, time as written, or "true"/"false".
	Value string
	// System is the code system or identifier system as given, "" for none; Display
	// the display name of a coded value.
	System, Display string
	// Declared is the OID of the code system that the structure declares, "" for
	// none; Restricted tells that it names the codes it accepts, LeafOnly that it asks
	// for codes of the lowest level.
	Declared             string
	Restricted, LeafOnly bool
	// Ref is the value in the Instance (of coded values and identifiers the object).
	Ref Ref
	// Line and Column tell the place of the field's value.
	Line, Column int

	in *Instance
}

// Pointer gives the JSON pointer of the field's value, "" for a Fact that no
// document gave.
func (f *Fact) Pointer() string {
	if f.in == nil {
		return ""
	}
	return f.in.Pointer(f.Ref)
}

// Place gives the fact's place for a finding.
func (f *Fact) Place() finding.Place {
	return finding.Place{Source: finding.SourceJSON, Line: f.Line, Column: f.Column, XPath: f.Pointer()}
}

// byKey are the facts told by a key alone: key names are the same in all
// national structures.
var byKey = map[string]FactKind{
	"henkilotunnus":                FactIdentityCode,
	"tilapainen_yksilointitunnus":  FactTemporaryID,
	"sukunimi":                     FactSurname,
	"etunimet":                     FactGivenNames,
	"syntymaaika":                  FactBirthDate,
	"asiatunnus":                   FactCase,
	"asianumero":                   FactCase,
	"asiakkuuden_yksilointitunnus": FactRelationship,
	"turvakielto":                  FactNonDisclosure,
	"lahiosoite":                   FactAddress,
	"postinumero":                  FactAddress,
	"postitoimipaikka":             FactAddress,
	"kunta":                        FactMunicipality,
	"puhelinnumero":                FactPhone,
	"sahkopostiosoite":             FactEmail,
}

// bySystem are the facts told by a code system.
var bySystem = map[string]FactKind{
	"1.2.246.537.6.202":  FactUnit,
	"1.2.246.537.6.1221": FactServiceTask,
	"1.2.246.537.6.1222": FactSocialService,
}

// identityCodeSystem is the system of personal identity codes.
const identityCodeSystem = "urn:oid:1.2.246.21"

// factOf tells what kind of fact a field's value is, 0 for none.
func factOf(f *Field) FactKind {
	if k, ok := byKey[f.Key]; ok {
		return k
	}
	switch f.Representation {
	case Identifier:
		if f.SystemURI == identityCodeSystem {
			return FactIdentityCode
		}
		return FactIdentifier
	case Coded:
		if k, ok := bySystem[f.System]; ok {
			return k
		}
		return FactCode
	case Date:
		return FactDate
	case Moment:
		return FactMoment
	}
	return 0
}

// facts collects the values of interest in document order. Their texts share one
// string, so that many facts cost few allocations.
func (in *Instance) facts() []Fact {
	out := make([]Fact, 0, len(in.values)/4)
	whole := string(in.src)
	at := newCursor(in.src)
	for i := range in.values {
		r := Ref(i)
		v := &in.values[i]
		if v.typ == TypeNull || v.typ == TypeArray {
			continue
		}
		kind := in.factKind(r)
		if kind == 0 {
			continue
		}
		f, ok := in.fact(kind, r, whole)
		if !ok {
			continue
		}
		f.Line, f.Column = at.at(int(v.start))
		out = append(out, f)
	}
	return out
}

// textIn is Text as a part of whole, the source as a string, where nothing is escaped.
func (in *Instance) textIn(r Ref, whole string) string {
	if r == None {
		return ""
	}
	if v := &in.values[r]; v.typ == TypeString && !v.escaped {
		return whole[v.start+1 : v.end-1]
	}
	return in.Text(r)
}

func (in *Instance) factKind(r Ref) FactKind {
	v := &in.values[r]
	if v.field >= 0 {
		return in.slots[v.field].fact
	}
	for v.parent != None && in.values[v.parent].typ == TypeArray {
		v = &in.values[v.parent]
	}
	if v.parent == None {
		return 0
	}
	if k, ok := byKey[stringAt(in.src, int(v.key))]; ok || in.values[r].typ != TypeObject {
		return k
	}
	return in.codedKind(r)
}

// codedKind tells of an object without a definition whether it has the form of a
// coded value, and of which system.
func (in *Instance) codedKind(r Ref) FactKind {
	system := in.Get(r, "system")
	if system == None || in.Get(r, "code") == None {
		return 0
	}
	oid := strings.TrimPrefix(in.Text(system), "urn:oid:")
	for base, k := range bySystem {
		if oid == base || strings.HasPrefix(oid, base+".") {
			return k
		}
	}
	return FactCode
}

func (in *Instance) fact(kind FactKind, r Ref, whole string) (Fact, bool) {
	f := Fact{Kind: kind, Ref: r, in: in}
	if fd := in.Field(r); fd != nil {
		f.Path, f.LeafOnly, f.Declared = fd.Path(), fd.LeafOnly, fd.System
		f.Restricted = fd.restricted
	} else {
		f.Path = in.keyPath(r)
	}
	if in.values[r].typ != TypeObject {
		f.Value = in.textIn(r, whole)
		return f, f.Value != ""
	}
	for c := range in.Children(r) {
		switch text := in.textIn(c, whole); in.Key(c) {
		case "system":
			f.System = text
		case "display":
			f.Display = text
		case "value", "code":
			f.Value = text
		}
	}
	return f, f.Value != ""
}

// keyPath gives the keys down to r without array indexes.
func (in *Instance) keyPath(r Ref) string {
	v := &in.values[r]
	if v.parent == None {
		return ""
	}
	up := in.keyPath(v.parent)
	key := in.Key(r)
	switch {
	case key == "":
		return up
	case up == "":
		return shownKey(key)
	}
	return up + "/" + shownKey(key)
}
