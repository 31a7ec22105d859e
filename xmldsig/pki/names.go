package pki

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"strings"
)

// Attribute types of subjects (X.520).
var (
	oidCommonName   = asn1.ObjectIdentifier{2, 5, 4, 3}
	oidSurname      = asn1.ObjectIdentifier{2, 5, 4, 4}
	oidSerialNumber = asn1.ObjectIdentifier{2, 5, 4, 5}
	oidCountry      = asn1.ObjectIdentifier{2, 5, 4, 6}
	oidLocality     = asn1.ObjectIdentifier{2, 5, 4, 7}
	oidState        = asn1.ObjectIdentifier{2, 5, 4, 8}
	oidOrganisation = asn1.ObjectIdentifier{2, 5, 4, 10}
	oidUnit         = asn1.ObjectIdentifier{2, 5, 4, 11}
	oidTitle        = asn1.ObjectIdentifier{2, 5, 4, 12}
	oidGivenName    = asn1.ObjectIdentifier{2, 5, 4, 42}
)

// Extensions and what stands in them.
var (
	oidPolicies     = asn1.ObjectIdentifier{2, 5, 29, 32}
	oidCPS          = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 2, 1}
	oidUserNotice   = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 2, 2}
	oidQCStatements = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 3}
	oidQcSSCD       = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 4}
	oidOCSPNoCheck  = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}
)

// Certificate policies of leafs (kanta-interface 15.1). The arc 1.2.246.517.99.10
// is the national test arc; the last numbers of system and professional are seen
// in real test certificates, the server's is an assumption.
var (
	policyOVCP         = asn1.ObjectIdentifier{0, 4, 0, 2042, 1, 7}
	PolicySystem       = asn1.ObjectIdentifier{1, 2, 246, 517, 99, 10, 308, 2}
	PolicyProfessional = asn1.ObjectIdentifier{1, 2, 246, 517, 99, 10, 306, 1}
	PolicyServer       = asn1.ObjectIdentifier{1, 2, 246, 517, 99, 10, 308, 1}
)

type attribute struct {
	oid   asn1.ObjectIdentifier
	value string
}

// name encodes attributes one to an RDN, in the order given; empty values are
// left out. pkix.Name cannot keep the order that the national certificates have.
func name(attrs ...attribute) ([]byte, error) {
	var seq pkix.RDNSequence
	for _, a := range attrs {
		if a.value == "" {
			continue
		}
		seq = append(seq, pkix.RelativeDistinguishedNameSET{{Type: a.oid, Value: a.value}})
	}
	return asn1.Marshal(seq)
}

// short are the attribute types as people write them.
var short = map[string]string{
	"2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST",
	"2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "title", "2.5.4.42": "GN",
}

// nameText gives a name in its own order, as openssl writes it.
func nameText(n pkix.Name) string {
	var parts []string
	for _, a := range n.Names {
		key := a.Type.String()
		if s, ok := short[key]; ok {
			key = s
		}
		parts = append(parts, fmt.Sprintf("%s=%v", key, a.Value))
	}
	return strings.Join(parts, ", ")
}

// authorityName is the name of the root or of an issuer.
func (o Options) authorityName(unit, cn string) ([]byte, error) {
	return name(attribute{oidCountry, "FI"}, attribute{oidOrganisation, o.Name},
		attribute{oidUnit, unit}, attribute{oidCommonName, cn})
}

// Organisation is the subject of system signing and TLS certificates.
type Organisation struct {
	// OID is the organisation's OID in the SOTE organisation register, which
	// stands in the subject's serialNumber (kanta-interface 15.1).
	OID string `json:"oid"`
	// Name is the organisation's name (O).
	Name string `json:"name"`
	// Locality is the municipality (L); may be empty.
	Locality string `json:"locality,omitempty"`
	// System is the system's or the host's name (CN).
	System string `json:"system"`
}

func (o Organisation) subject() ([]byte, error) {
	return name(attribute{oidCountry, "FI"}, attribute{oidState, "Finland"}, attribute{oidLocality, o.Locality},
		attribute{oidOrganisation, o.Name}, attribute{oidSerialNumber, o.OID}, attribute{oidCommonName, o.System})
}

// Person is the subject of a professional's certificate.
type Person struct {
	// Number is the 11-digit registration number (rekisteröintinumero), which
	// stands in the subject's serialNumber.
	Number string `json:"number"`
	// Given and Family are the names.
	Given  string `json:"given"`
	Family string `json:"family"`
	// Title is the profession's code and name in two languages.
	Title string `json:"title,omitempty"`
}

func (p Person) subject() ([]byte, error) {
	cn := strings.Join([]string{p.Family, p.Given, p.Number}, " ")
	return name(attribute{oidCountry, "FI"}, attribute{oidTitle, p.Title}, attribute{oidSerialNumber, p.Number},
		attribute{oidGivenName, p.Given}, attribute{oidSurname, p.Family}, attribute{oidCommonName, cn})
}

type policyQualifier struct {
	ID        asn1.ObjectIdentifier
	Qualifier asn1.RawValue
}

type policyInformation struct {
	Policy     asn1.ObjectIdentifier
	Qualifiers []policyQualifier `asn1:"optional,omitempty"`
}

// policies makes the certificatePolicies extension: the last policy carries the
// address of the practice statement and a notice, as the national ones do.
func (o Options) policies(ids ...asn1.ObjectIdentifier) (pkix.Extension, error) {
	uri, err := asn1.MarshalWithParams(o.BaseURL+"/cps/", "ia5")
	if err != nil {
		return pkix.Extension{}, err
	}
	notice, err := asn1.Marshal(struct {
		Text string `asn1:"utf8"`
	}{"Testivarmenne vain kehitykseen - Testcertifikat endast för utveckling - Test certificate for development only"})
	if err != nil {
		return pkix.Extension{}, err
	}
	var infos []policyInformation
	for _, id := range ids {
		infos = append(infos, policyInformation{Policy: id})
	}
	infos[len(infos)-1].Qualifiers = []policyQualifier{
		{oidCPS, asn1.RawValue{FullBytes: uri}},
		{oidUserNotice, asn1.RawValue{FullBytes: notice}},
	}
	der, err := asn1.Marshal(infos)
	return pkix.Extension{Id: oidPolicies, Value: der}, err
}

// qcStatements says that the key lives in a secure device (QcSSCD), as
// professionals' cards do.
func qcStatements() (pkix.Extension, error) {
	type statement struct{ ID asn1.ObjectIdentifier }
	der, err := asn1.Marshal([]statement{{oidQcSSCD}})
	return pkix.Extension{Id: oidQCStatements, Value: der}, err
}
