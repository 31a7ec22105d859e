package cda

import "strings"

// OIDFault tells what is wrong with an OID.
type OIDFault uint8

// The faults of an OID.
const (
	OIDOk OIDFault = iota
	// OIDEmpty: no characters.
	OIDEmpty
	// OIDCharacter: something else than digits and dots.
	OIDCharacter
	// OIDEmptyArc: two dots in a row, or one at an end.
	OIDEmptyArc
	// OIDLeadingZero: an arc of more than one digit begins with 0 (kanta-interface 5.5).
	OIDLeadingZero
	// OIDFirstArcs: the first arc is not 0, 1 or 2, or the second is 40 or more below 0 or 1.
	OIDFirstArcs
	// OIDShort: only one arc.
	OIDShort
	// OIDLong: more than MaxOID characters.
	OIDLong
)

// MaxOID is the greatest length of an OID that is taken, in characters.
const MaxOID = 128

// String names the fault for a finding's parameter.
func (f OIDFault) String() string {
	return [...]string{"", "empty", "character", "empty arc", "leading zero", "first arcs", "one arc", "too long"}[f]
}

// CheckOID tells what is wrong with s as an OID in dotted form, and at which
// byte; OIDOk where nothing is.
func CheckOID(s string) (OIDFault, int) {
	switch {
	case s == "":
		return OIDEmpty, 0
	case len(s) > MaxOID:
		return OIDLong, MaxOID
	}
	start, arcs := 0, 0
	for i := 0; i <= len(s); i++ {
		if i < len(s) && s[i] != '.' {
			if s[i] < '0' || s[i] > '9' {
				return OIDCharacter, i
			}
			continue
		}
		arc := s[start:i]
		switch {
		case arc == "":
			return OIDEmptyArc, start
		case len(arc) > 1 && arc[0] == '0':
			return OIDLeadingZero, start
		case arcs == 0 && (len(arc) > 1 || arc[0] > '2'):
			return OIDFirstArcs, start
		case arcs == 1 && s[0] != '2' && (len(arc) > 2 || len(arc) == 2 && arc[0] >= '4'):
			return OIDFirstArcs, start
		}
		arcs++
		start = i + 1
	}
	if arcs < 2 {
		return OIDShort, 0
	}
	return OIDOk, 0
}

// ValidOID tells whether s is an OID in dotted form.
func ValidOID(s string) bool {
	f, _ := CheckOID(s)
	return f == OIDOk
}

// Below tells whether oid is base itself or stands in base's arc.
func Below(oid, base string) bool {
	return strings.HasPrefix(oid, base) && (len(oid) == len(base) || oid[len(base)] == '.')
}

// InSystem tells whether a code system's OID (with or without version arc, with
// or without "urn:oid:") is the classification base (kanta-interface 13.1:
// compare the base, store the version).
func InSystem(system, base string) bool {
	return Below(strings.TrimPrefix(system, "urn:oid:"), base)
}

// rootBusiness is the arc under which organisations stand by business id.
const rootBusiness = "1.2.246.10."

// BusinessID gives the business id (Y-tunnus, "0201256-6") of an OID in the arc
// of organisations, and the arcs after it (kanta-interface 5.5). ok is false for
// another arc, or digits that cannot be a business id.
func BusinessID(oid string) (id string, rest string, ok bool) {
	tail, found := strings.CutPrefix(oid, rootBusiness)
	if !found {
		return "", "", false
	}
	digits, rest, _ := strings.Cut(tail, ".")
	if len(digits) < 2 || len(digits) > 8 {
		return "", "", false
	}
	for i := 0; i < len(digits); i++ {
		if digits[i] < '0' || digits[i] > '9' {
			return "", "", false
		}
	}
	digits = strings.Repeat("0", 8-len(digits)) + digits
	return digits[:7] + "-" + digits[7:], rest, true
}

// ValidBusinessID tells whether a business id's check digit is right.
func ValidBusinessID(id string) bool {
	if len(id) != 9 || id[7] != '-' {
		return false
	}
	sum := 0
	for i, weight := range [7]int{7, 9, 10, 5, 8, 4, 2} {
		if id[i] < '0' || id[i] > '9' {
			return false
		}
		sum += weight * int(id[i]-'0')
	}
	switch sum %= 11; sum {
	case 0:
		return id[8] == '0'
	case 1:
		return false
	default:
		return int(id[8]-'0') == 11-sum
	}
}

// PersonKey gives what a person is found by: an identity code or a professional's
// number by itself, for each stands in one register of its own, a temporary client id
// with its root before it ("1.2.246.10.99999901.22.2019 010101-900X"), for two
// organisations can give the same one to two persons, and so can two years; without
// extension the root.
func (i ID) PersonKey() string {
	switch {
	case i.Extension == "":
		return i.Root
	case IsTemporaryClientRoot(i.Root):
		return i.Root + " " + i.Extension
	}
	return i.Extension
}

// IsTemporaryClientRoot tells whether root is one of temporary client ids
// (tilapäinen yksilöintitunnus): an organisation's arc, .22. and a year
// (kanta-interface 5.5, kanta-facts-2 6). Older health messages have the
// organisation under 1.2.246.537.10.
func IsTemporaryClientRoot(root string) bool {
	if !strings.HasPrefix(root, rootBusiness) && !strings.HasPrefix(root, "1.2.246.537.10.") {
		return false
	}
	i := strings.LastIndex(root, ".22.")
	if i < 0 {
		return false
	}
	year := root[i+len(".22."):]
	if len(year) != 4 {
		return false
	}
	for j := 0; j < 4; j++ {
		if year[j] < '0' || year[j] > '9' {
			return false
		}
	}
	return year >= "1990" && year < "2100"
}
