package pki

import (
	"bytes"
	"crypto"
	_ "crypto/sha1" // OCSP requests name the issuer by SHA-1 still
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"time"
)

// golang.org/x/crypto/ocsp neither reads nor writes nonces, so the responder has
// its own encoding (RFC 6960 4.1, 4.2); the tests read it with x/crypto's.

var (
	oidNonce    = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}
	oidBasic    = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 1}
	oidSHA1     = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	oidSHA256   = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidRSA256   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}
	oidECDSA256 = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
)

type certID struct {
	Hash       pkix.AlgorithmIdentifier
	NameHash   []byte
	IssuerHash []byte
	Serial     *big.Int
}

type ocspRequest struct {
	TBS struct {
		Version    int           `asn1:"explicit,tag:0,default:0,optional"`
		Requestor  asn1.RawValue `asn1:"explicit,tag:1,optional"`
		List       []struct{ ID certID }
		Extensions []pkix.Extension `asn1:"explicit,tag:2,optional"`
	}
}

// nonce gives the request's nonce extension, or nil.
func (r *ocspRequest) nonce() *pkix.Extension {
	for i, e := range r.TBS.Extensions {
		if e.Id.Equal(oidNonce) {
			return &r.TBS.Extensions[i]
		}
	}
	return nil
}

type revokedInfo struct {
	Time   time.Time       `asn1:"generalized"`
	Reason asn1.Enumerated `asn1:"explicit,tag:0,optional"`
}

type singleResponse struct {
	ID         certID
	Good       asn1.Flag   `asn1:"tag:0,optional"`
	Revoked    revokedInfo `asn1:"tag:1,optional"`
	Unknown    asn1.Flag   `asn1:"tag:2,optional"`
	ThisUpdate time.Time   `asn1:"generalized"`
	NextUpdate time.Time   `asn1:"generalized,explicit,tag:0,optional"`
}

type responseData struct {
	ResponderName asn1.RawValue
	ProducedAt    time.Time `asn1:"generalized"`
	Responses     []singleResponse
	Extensions    []pkix.Extension `asn1:"explicit,tag:1,optional,omitempty"`
}

type basicResponse struct {
	Data      asn1.RawValue
	Algorithm pkix.AlgorithmIdentifier
	Signature asn1.BitString
	Certs     []asn1.RawValue `asn1:"explicit,tag:0,optional,omitempty"`
}

type responseBytes struct {
	Type     asn1.ObjectIdentifier
	Response []byte
}

type ocspResponse struct {
	Status asn1.Enumerated
	Bytes  responseBytes `asn1:"explicit,tag:0,optional"`
}

// Status codes of an answer without a body (RFC 6960 4.2.1).
const (
	ocspMalformed    = 1
	ocspInternal     = 2
	ocspTryLater     = 3
	ocspUnauthorized = 6
)

// ocspError encodes an answer that says nothing of any certificate.
func ocspError(status int) []byte { return []byte{0x30, 3, 0x0A, 1, byte(status)} }

func parseOCSP(der []byte) (*ocspRequest, error) {
	var r ocspRequest
	if rest, err := asn1.Unmarshal(der, &r); err != nil || len(rest) > 0 || len(r.TBS.List) == 0 {
		return nil, fmt.Errorf("pki: malformed OCSP request: %w", err)
	}
	return &r, nil
}

// names tells whether the request's certID names this issuer.
func (i *Issuer) names(id certID) bool {
	var h crypto.Hash
	switch {
	case id.Hash.Algorithm.Equal(oidSHA1):
		h = crypto.SHA1
	case id.Hash.Algorithm.Equal(oidSHA256):
		h = crypto.SHA256
	default:
		return false
	}
	var spki struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(i.Certificate.RawSubjectPublicKeyInfo, &spki); err != nil {
		return false
	}
	return bytes.Equal(id.NameHash, digest(h, i.Certificate.RawSubject)) &&
		bytes.Equal(id.IssuerHash, digest(h, spki.Key.RightAlign()))
}

func digest(h crypto.Hash, b []byte) []byte {
	w := h.New()
	w.Write(b)
	return w.Sum(nil)
}

// status tells what the issuer says of one certificate.
func (i *Issuer) status(id certID, from, to time.Time) singleResponse {
	s := singleResponse{ID: id, ThisUpdate: from, NextUpdate: to}
	i.mu.Lock()
	defer i.mu.Unlock()
	serial := id.Serial.String()
	switch r, ok := i.revoked[serial]; {
	case ok:
		s.Revoked = revokedInfo{r.Time, asn1.Enumerated(r.Reason)}
	case i.issued[serial]:
		s.Good = true
	default:
		s.Unknown = true
	}
	return s
}

// signOCSP encodes and signs an answer.
func signOCSP(d responseData, key crypto.Signer, signer *x509.Certificate, include bool) ([]byte, error) {
	d.ResponderName = asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 1, IsCompound: true, Bytes: signer.RawSubject}
	tbs, err := asn1.Marshal(d)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(tbs)
	sig, err := key.Sign(nil, sum[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	alg := pkix.AlgorithmIdentifier{Algorithm: oidRSA256, Parameters: asn1.NullRawValue}
	if signer.PublicKeyAlgorithm == x509.ECDSA {
		alg = pkix.AlgorithmIdentifier{Algorithm: oidECDSA256}
	}
	b := basicResponse{Data: asn1.RawValue{FullBytes: tbs}, Algorithm: alg,
		Signature: asn1.BitString{Bytes: sig, BitLength: 8 * len(sig)}}
	if include {
		b.Certs = []asn1.RawValue{{FullBytes: signer.Raw}}
	}
	der, err := asn1.Marshal(b)
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(ocspResponse{Bytes: responseBytes{oidBasic, der}})
}
