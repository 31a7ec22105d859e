package trust

import (
	"crypto/x509"
	"encoding/asn1"
	"strings"
)

// Form is the form that the subject's serialNumber must have.
type Form uint8

// The forms (kanta-interface 15.1).
const (
	AnyForm          Form = iota
	RegistrationForm      // a professional's registration number (rekisteröintinumero): 11 digits
	OrganisationForm      // an organisation's OID
)

// Subject is whom a certificate names.
type Subject struct {
	// Organisation is the organisation's OID, of service certificates (system
	// signatures, TLS); else "".
	Organisation string
	// Registration is the registration number, of professionals' certificates; else "".
	Registration string
	// Name is the common name: a system's, or a person's with the number.
	Name string
}

// SubjectOf gives whom a certificate names by its subject's serialNumber. A
// subject with several, or with one of neither form, names neither.
func SubjectOf(c *x509.Certificate) Subject {
	s := Subject{Name: c.Subject.CommonName}
	switch number, count := serialNumber(c); {
	case count != 1:
	case IsRegistration(number):
		s.Registration = number
	case IsOID(number):
		s.Organisation = number
	}
	return s
}

var oidSerialNumber = asn1.ObjectIdentifier{2, 5, 4, 5}

// serialNumber gives the subject's serialNumber and how many there are. Of
// several the standard library would take the last, another reader the first.
func serialNumber(c *x509.Certificate) (value string, count int) {
	for _, a := range c.Subject.Names {
		if a.Type.Equal(oidSerialNumber) {
			count++
			value, _ = a.Value.(string)
		}
	}
	if count == 1 && value == "" {
		count = 0
	}
	return value, count
}

// IsRegistration tells whether s has the form of a professional's registration
// number (11 digits).
func IsRegistration(s string) bool {
	return len(s) == 11 && strings.Trim(s, "0123456789") == ""
}

// IsOID tells whether s is an object identifier: arcs of digits without leading
// zeros, the first 0 to 2, at least three of them.
func IsOID(s string) bool {
	arcs := 0
	for a := range strings.SplitSeq(s, ".") {
		if a == "" || strings.Trim(a, "0123456789") != "" || len(a) > 1 && a[0] == '0' || arcs == 0 && (len(a) > 1 || a > "2") {
			return false
		}
		arcs++
	}
	return arcs >= 3
}
