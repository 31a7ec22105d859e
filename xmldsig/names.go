package xmldsig

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"math/big"
	"strings"

	"portti/internal/xmltree"
)

// identifies tells whether n is one of the children of X509Data that name a
// certificate (XML Signature 4.5.4).
func (g *generic) identifies(n xmltree.Node) bool {
	return g.t.Is(n, nsDSig, "X509IssuerSerial") || g.t.Is(n, nsDSig, "X509SKI") ||
		g.t.Is(n, nsDSig, "X509SubjectName") || g.t.Is(n, nsDSig11, "X509Digest")
}

// names tells whether that child of X509Data names the certificate.
func (g *generic) names(n xmltree.Node, c *x509.Certificate) bool {
	switch g.t.Local(n) {
	case "X509IssuerSerial":
		issuer := g.t.Child(n, nsDSig, "X509IssuerName")
		serial := g.t.Child(n, nsDSig, "X509SerialNumber")
		text := strings.TrimSpace(g.t.Text(serial))
		v, ok := new(big.Int).SetString(text, 10)
		return len(text) <= 100 && ok && v.Cmp(c.SerialNumber) == 0 && sameName(g.t.Text(issuer), c.RawIssuer)
	case "X509SKI":
		id, ok := decodeBase64(g.t.TextBytes(n), 256)
		return ok && len(c.SubjectKeyId) > 0 && bytes.Equal(id, c.SubjectKeyId)
	case "X509SubjectName":
		return sameName(g.t.Text(n), c.RawSubject)
	case "X509Digest":
		h, rule := digestOf(g.t.Attr(n, "Algorithm"), g.legacy)
		sum, ok := decodeBase64(g.t.TextBytes(n), 128)
		if rule != "" || !ok {
			return false
		}
		w := h.New()
		w.Write(c.Raw)
		return bytes.Equal(sum, w.Sum(nil))
	}
	return false
}

// attribute is one type and value of a name.
type attribute struct{ oid, value string }

// nameTypes are the attribute types with a short name (RFC 4514, 3, and those that
// OpenSSL and the JDK write).
var nameTypes = map[string]string{
	"CN": "2.5.4.3", "SN": "2.5.4.4", "SURNAME": "2.5.4.4", "SERIALNUMBER": "2.5.4.5", "C": "2.5.4.6", "L": "2.5.4.7",
	"ST": "2.5.4.8", "S": "2.5.4.8", "STREET": "2.5.4.9", "O": "2.5.4.10", "OU": "2.5.4.11", "T": "2.5.4.12", "TITLE": "2.5.4.12",
	"GN": "2.5.4.42", "GIVENNAME": "2.5.4.42", "DC": "0.9.2342.19200300.100.1.25", "UID": "0.9.2342.19200300.100.1.1",
	"EMAILADDRESS": "1.2.840.113549.1.9.1", "E": "1.2.840.113549.1.9.1",
}

// sameName tells whether text is the distinguished name raw as RFC 4514 writes it.
// Case and the number of blanks do not matter.
func sameName(text string, raw []byte) bool {
	var seq pkix.RDNSequence
	if rest, err := asn1.Unmarshal(raw, &seq); err != nil || len(rest) > 0 {
		return false
	}
	want := make([][]attribute, 0, len(seq))
	for i := len(seq) - 1; i >= 0; i-- { // the last comes first
		var rdn []attribute
		for _, a := range seq[i] {
			s, _ := a.Value.(string)
			rdn = append(rdn, attribute{a.Type.String(), foldName(s)})
		}
		want = append(want, rdn)
	}
	got, ok := parseName(text)
	if !ok || len(got) != len(want) {
		return false
	}
	for i := range got {
		if !sameRDN(got[i], want[i]) {
			return false
		}
	}
	return true
}

func sameRDN(a, b []attribute) bool {
	if len(a) != len(b) {
		return false
	}
	for _, x := range a {
		found := false
		for _, y := range b {
			found = found || x == y
		}
		if !found {
			return false
		}
	}
	return true
}

func foldName(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

// parseName reads a name in the form of RFC 4514 (2253), also with blanks around
// the separators. Names longer than 4,096 bytes are not read.
func parseName(s string) ([][]attribute, bool) {
	if len(s) > 4096 {
		return nil, false
	}
	var out [][]attribute
	rdn := []attribute(nil)
	for s = strings.TrimSpace(s); s != ""; {
		key, rest, ok := strings.Cut(s, "=")
		if !ok {
			return nil, false
		}
		value, sep, after, ok := nameValue(rest)
		if !ok {
			return nil, false
		}
		rdn = append(rdn, attribute{nameType(key), foldName(value)})
		if sep != '+' {
			out, rdn = append(out, rdn), nil
		}
		if s = after; sep != 0 && strings.TrimSpace(s) == "" {
			return nil, false
		}
	}
	return out, len(out) > 0
}

func nameType(key string) string {
	key = strings.ToUpper(strings.TrimSpace(key))
	if oid, ok := nameTypes[key]; ok {
		return oid
	}
	return strings.TrimPrefix(key, "OID.")
}

// nameValue reads a value up to the separator that ends it.
func nameValue(s string) (value string, sep byte, rest string, ok bool) {
	s = strings.TrimLeft(s, " ")
	var b strings.Builder
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			n, text := unescape(s[i+1:])
			if n == 0 {
				return "", 0, "", false
			}
			b.WriteString(text)
			i += n
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ',' || c == '+' || c == ';'):
			value, ok = derValue(b.String())
			return value, c, s[i+1:], ok
		default:
			b.WriteByte(c)
		}
	}
	value, ok = derValue(b.String())
	return value, 0, "", ok && !quoted
}

// unescape reads what follows a backslash: two hexadecimal digits or a character.
func unescape(s string) (n int, text string) {
	if len(s) >= 2 {
		if raw, err := hex.DecodeString(s[:2]); err == nil {
			return 2, string(raw)
		}
	}
	if s == "" {
		return 0, ""
	}
	return 1, s[:1]
}

// derValue reads "#" and the hexadecimal DER of a string; other values stay.
func derValue(s string) (string, bool) {
	hexed, ok := strings.CutPrefix(strings.TrimSpace(s), "#")
	if !ok {
		return s, true
	}
	raw, err := hex.DecodeString(hexed)
	if err != nil {
		return s, true
	}
	var v asn1.RawValue
	if rest, err := asn1.Unmarshal(raw, &v); err != nil || len(rest) > 0 || v.IsCompound {
		return "", false
	}
	return string(v.Bytes), true
}
