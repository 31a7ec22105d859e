package trust

import (
	"crypto/x509"
	"encoding/asn1"
	"slices"
	"strconv"
	"strings"

	"portti/internal/finding"
	"portti/xmldsig"
)

// Purpose is what a certificate must be like to sign documents of one type.
type Purpose struct {
	// Usage are the key usage bits that must all be set.
	Usage x509.KeyUsage
	// Subject is the form of the subject's serialNumber.
	Subject Form
	// Policies are certificate policies of which one must be asserted; none
	// demanded where empty.
	Policies []asn1.ObjectIdentifier
	// Extended are extended key usages of which one must be present; none demanded
	// where empty. One made for TLS, code or OCSP alone is refused in any case.
	Extended []x509.ExtKeyUsage
}

// TypeClient is the type to ask a Store by about the certificate of a TLS client.
// It is no type of a signature.
const TypeClient = -1

// TypeCard is the same of a person who logs in by a card: the certificate of the
// card's authentication key.
const TypeCard = -2

// DefaultPurposes gives the purposes by type of signature: the shapes of the
// national certificates (kanta-interface 15.1). The map is the caller's.
func DefaultPurposes() map[int]Purpose {
	person := Purpose{Usage: x509.KeyUsageContentCommitment, Subject: RegistrationForm}
	system := Purpose{Usage: x509.KeyUsageDigitalSignature, Subject: OrganisationForm}
	client := system
	client.Extended = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	card := client
	card.Subject = RegistrationForm
	return map[int]Purpose{
		TypeCard:                 card,
		TypeClient:               client,
		xmldsig.TypeProfessional: person,
		xmldsig.TypeMulti:        person,
		xmldsig.TypeSystem:       system,
		xmldsig.TypeArchive:      system,
	}
}

var usageNames = []struct {
	bit  x509.KeyUsage
	name string
}{
	{x509.KeyUsageDigitalSignature, "digitalSignature"},
	{x509.KeyUsageContentCommitment, "nonRepudiation"},
	{x509.KeyUsageKeyEncipherment, "keyEncipherment"},
	{x509.KeyUsageDataEncipherment, "dataEncipherment"},
	{x509.KeyUsageKeyAgreement, "keyAgreement"},
	{x509.KeyUsageCertSign, "keyCertSign"},
	{x509.KeyUsageCRLSign, "cRLSign"},
}

// usageText names key usage bits as RFC 5280 does.
func usageText(u x509.KeyUsage) string {
	var names []string
	for _, n := range usageNames {
		if u&n.bit != 0 {
			names = append(names, n.name)
		}
	}
	if len(names) == 0 {
		return "-"
	}
	return strings.Join(names, " ")
}

// judge holds a certificate against the purpose of a type of signature.
func (p Purpose) judge(c *x509.Certificate, typ int) []xmldsig.TrustFault {
	var out []xmldsig.TrustFault
	kind := func() finding.Param { return finding.P("type", strconv.Itoa(typ)) } // for those who are refused
	if c.KeyUsage&p.Usage != p.Usage {
		out = append(out, xmldsig.TrustFault{Rule: RuleUsage, Value: usageText(c.KeyUsage),
			Params: []finding.Param{finding.P("usage", usageText(c.KeyUsage)), finding.P("needed", usageText(p.Usage)), kind()}})
	}
	if !p.extended(c) {
		out = append(out, xmldsig.TrustFault{Rule: RulePurpose, Params: []finding.Param{kind()}})
	}
	if len(p.Policies) > 0 && !slices.ContainsFunc(c.PolicyIdentifiers, func(id asn1.ObjectIdentifier) bool {
		return slices.ContainsFunc(p.Policies, id.Equal)
	}) {
		out = append(out, xmldsig.TrustFault{Rule: RulePolicy, Params: []finding.Param{kind()}})
	}
	return append(out, p.subject(c, kind)...)
}

// extended refuses certificates made for other things: a TLS server's key must
// not sign documents, though its key usage would do.
func (p Purpose) extended(c *x509.Certificate) bool {
	if len(p.Extended) > 0 {
		return slices.ContainsFunc(c.ExtKeyUsage, func(u x509.ExtKeyUsage) bool { return slices.Contains(p.Extended, u) })
	}
	if len(c.ExtKeyUsage) == 0 || len(c.UnknownExtKeyUsage) > 0 {
		return true
	}
	return slices.ContainsFunc(c.ExtKeyUsage, func(u x509.ExtKeyUsage) bool {
		return u == x509.ExtKeyUsageAny || u == x509.ExtKeyUsageEmailProtection
	})
}

func (p Purpose) subject(c *x509.Certificate, kind func() finding.Param) []xmldsig.TrustFault {
	if p.Subject == AnyForm {
		return nil
	}
	number, count := serialNumber(c)
	var fault xmldsig.TrustFault
	switch {
	case count == 0:
		fault.Rule = RuleNumberMissing
	case count > 1:
		fault.Rule = RuleNumberRepeated
	case p.Subject == RegistrationForm && !IsRegistration(number), p.Subject == OrganisationForm && !IsOID(number):
		fault.Rule, fault.Value = RuleNumberForm, number
	default:
		return nil
	}
	fault.Params = []finding.Param{kind()}
	return []xmldsig.TrustFault{fault}
}
