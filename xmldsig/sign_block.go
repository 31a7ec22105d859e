package xmldsig

import (
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"strings"
	"time"

	"portti/internal/xmltree"
)

// Attribute types of a professional's name (RFC 4519).
var (
	oidSurname   = asn1.ObjectIdentifier{2, 5, 4, 4}
	oidGivenName = asn1.ObjectIdentifier{2, 5, 4, 42}
)

// signerBlock writes localSocialHeader/signature (allekirjoitustiedot; interface
// 5.3 no. 20) from the certificate and the signing time, or "" where it is not
// asked for or stands there already.
func (o *SignOptions) signerBlock(t *xmltree.Tree, l layout) (string, error) {
	number := o.Certificate.Subject.SerialNumber
	if !o.SignerBlock || hasBlock(t, l, number) {
		return "", nil
	}
	if !l.social {
		return "", fmt.Errorf("%w: only localSocialHeader tells who signed", ErrSignDocument)
	}
	given, family := subjectName(o.Certificate, oidGivenName), subjectName(o.Certificate, oidSurname)
	if number == "" || given == "" || family == "" {
		return "", fmt.Errorf("%w: the certificate's subject lacks serialNumber, given name or surname", ErrSignOptions)
	}
	return `<signature xmlns="` + nsFI + `"><assignedAuthorSigner>` + escaped(number) + `</assignedAuthorSigner><signer><name><given>` + escaped(given) +
		`</given><family>` + escaped(family) + `</family></name></signer><authenticationMethod code="1" codeSystem="1.2.246.537.5.40128.2006"` +
		` codeSystemName="KanTa-palvelut - Tunnistautumistapa" displayName="Sosiaali- ja terveydenhuollon ammattihenkil&#xF6;n varmenne"/>` +
		`<time value="` + localTime(o.Time) + `"/></signature>`, nil
}

// localTime writes a time as HL7's TS with its own offset.
func localTime(t time.Time) string { return t.Format("20060102150405-0700") }

func hasBlock(t *xmltree.Tree, l layout, number string) bool {
	for c := range t.Children(l.local) {
		if t.Is(c, nsFI, "signature") && strings.TrimSpace(t.Text(t.Child(c, nsFI, "assignedAuthorSigner"))) == number {
			return true
		}
	}
	return false
}

func subjectName(c *x509.Certificate, typ asn1.ObjectIdentifier) string {
	for _, a := range c.Subject.Names {
		if s, ok := a.Value.(string); ok && a.Type.Equal(typ) {
			return strings.TrimSpace(s)
		}
	}
	return ""
}

// escaped writes text in ASCII: markup and letters beyond it as references, so
// that it stands in any encoding.
func escaped(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '&' || r == '<' || r == '>' || r == '"' || r > '~' || r < ' ':
			fmt.Fprintf(&b, "&#x%X;", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
