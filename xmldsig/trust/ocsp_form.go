package trust

import (
	"bytes"
	"crypto"
	_ "crypto/sha1" // OCSP names issuers by SHA-1; nothing rests on it
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"time"
)

// The encoding of OCSP (RFC 6960, 4). golang.org/x/crypto/ocsp neither sends nor
// reads nonces, does not compare the issuer that an answer is about, and does not
// look at a responder's purpose and validity.

var (
	oidBasic         = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 1}
	oidNonce         = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}
	oidNoCheck       = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}
	oidArchiveCutoff = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 6}
	oidSHA1          = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
)

// hashes by the identifiers that answers may name issuers with.
var hashes = []struct {
	oid  asn1.ObjectIdentifier
	hash crypto.Hash
}{
	{oidSHA1, crypto.SHA1},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}, crypto.SHA256},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}, crypto.SHA384},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}, crypto.SHA512},
}

// signatureAlgorithms that answers may be signed with: SHA-2 only.
var signatureAlgorithms = []struct {
	oid asn1.ObjectIdentifier
	alg x509.SignatureAlgorithm
}{
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}, x509.SHA256WithRSA},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 12}, x509.SHA384WithRSA},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 13}, x509.SHA512WithRSA},
	{asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}, x509.ECDSAWithSHA256},
	{asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}, x509.ECDSAWithSHA384},
	{asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 4}, x509.ECDSAWithSHA512},
}

type certID struct {
	Hash    pkix.AlgorithmIdentifier
	Name    []byte
	KeyHash []byte
	Serial  *big.Int
}

type ocspQuestion struct {
	TBS struct {
		List       []struct{ ID certID }
		Extensions []pkix.Extension `asn1:"explicit,tag:2,optional,omitempty"`
	}
}

type ocspRevoked struct {
	Time   time.Time       `asn1:"generalized"`
	Reason asn1.Enumerated `asn1:"explicit,tag:0,optional"`
}

type ocspSingle struct {
	ID         certID
	Good       asn1.Flag        `asn1:"tag:0,optional"`
	Revoked    ocspRevoked      `asn1:"tag:1,optional"`
	Unknown    asn1.Flag        `asn1:"tag:2,optional"`
	This       time.Time        `asn1:"generalized"`
	Next       time.Time        `asn1:"generalized,explicit,tag:0,optional"`
	Extensions []pkix.Extension `asn1:"explicit,tag:1,optional"`
}

type ocspData struct {
	Raw        asn1.RawContent
	Version    int `asn1:"explicit,tag:0,default:0,optional"`
	Responder  asn1.RawValue
	Produced   time.Time `asn1:"generalized"`
	Responses  []ocspSingle
	Extensions []pkix.Extension `asn1:"explicit,tag:1,optional"`
}

type ocspBasic struct {
	Data      ocspData
	Algorithm pkix.AlgorithmIdentifier
	Signature asn1.BitString
	Certs     []asn1.RawValue `asn1:"explicit,tag:0,optional"`
}

type ocspResponse struct {
	Status asn1.Enumerated
	Bytes  struct {
		Type asn1.ObjectIdentifier
		DER  []byte
	} `asn1:"explicit,tag:0,optional"`
}

// ocspRequest encodes the question about one certificate.
func ocspRequest(c, issuer *x509.Certificate, nonce []byte) ([]byte, error) {
	id := certID{Hash: pkix.AlgorithmIdentifier{Algorithm: oidSHA1, Parameters: asn1.NullRawValue}, Serial: c.SerialNumber}
	id.Name, id.KeyHash = issuerHashes(issuer, crypto.SHA1)
	var q ocspQuestion
	q.TBS.List = []struct{ ID certID }{{id}}
	if nonce != nil {
		value, err := asn1.Marshal(nonce)
		if err != nil {
			return nil, err
		}
		q.TBS.Extensions = []pkix.Extension{{Id: oidNonce, Value: value}}
	}
	return asn1.Marshal(q)
}

// issuerHashes are those of the issuer's name and key.
func issuerHashes(issuer *x509.Certificate, h crypto.Hash) (name, key []byte) {
	var spki struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(issuer.RawSubjectPublicKeyInfo, &spki); err != nil {
		return nil, nil // x509 parsed it before
	}
	return digest(h, issuer.RawSubject), digest(h, spki.Key.RightAlign())
}

func digest(h crypto.Hash, b []byte) []byte {
	w := h.New()
	w.Write(b)
	return w.Sum(nil)
}

// is tells whether the id is that of c, issued by issuer.
func (id certID) is(c, issuer *x509.Certificate) bool {
	if id.Serial == nil || id.Serial.Cmp(c.SerialNumber) != 0 {
		return false
	}
	for _, h := range hashes {
		if h.oid.Equal(id.Hash.Algorithm) {
			name, key := issuerHashes(issuer, h.hash)
			return name != nil && bytes.Equal(id.Name, name) && bytes.Equal(id.KeyHash, key)
		}
	}
	return false
}

// parseOCSP reads an answer; a rule means that it holds nothing to go by.
func parseOCSP(der []byte) (*ocspBasic, string) {
	var r ocspResponse
	if !whole(der, &r) {
		return nil, RuleOCSPFormat
	}
	if r.Status != 0 {
		return nil, RuleOCSPRefused
	}
	var b ocspBasic
	if !r.Bytes.Type.Equal(oidBasic) || !whole(r.Bytes.DER, &b) || b.Data.Version != 0 || len(b.Certs) > 4 {
		return nil, RuleOCSPFormat
	}
	return &b, ""
}

// whole decodes all of der into v.
func whole(der []byte, v any) bool {
	rest, err := asn1.Unmarshal(der, v)
	return err == nil && len(rest) == 0
}

// extension gives the value of an extension.
func extension(list []pkix.Extension, id asn1.ObjectIdentifier) ([]byte, bool) {
	for _, e := range list {
		if e.Id.Equal(id) {
			return e.Value, true
		}
	}
	return nil, false
}

// critical tells whether a critical extension is not among the known ones.
func critical(list []pkix.Extension, known ...asn1.ObjectIdentifier) bool {
	for _, e := range list {
		ok := !e.Critical
		for _, k := range known {
			ok = ok || e.Id.Equal(k)
		}
		if !ok {
			return true
		}
	}
	return false
}
