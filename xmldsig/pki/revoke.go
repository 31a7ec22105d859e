package pki

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"math/big"
	"sort"
	"time"
)

// Reason is why a certificate was revoked (RFC 5280 5.3.1).
type Reason int

// The reasons.
const (
	Unspecified          Reason = 0
	KeyCompromise        Reason = 1
	CACompromise         Reason = 2
	AffiliationChanged   Reason = 3
	Superseded           Reason = 4
	CessationOfOperation Reason = 5
	CertificateHold      Reason = 6
	PrivilegeWithdrawn   Reason = 9
	AACompromise         Reason = 10
)

// Reasons gives the reasons by their names of RFC 5280.
var Reasons = map[string]Reason{
	"unspecified": Unspecified, "keyCompromise": KeyCompromise, "cACompromise": CACompromise,
	"affiliationChanged": AffiliationChanged, "superseded": Superseded, "cessationOfOperation": CessationOfOperation,
	"certificateHold": CertificateHold, "privilegeWithdrawn": PrivilegeWithdrawn, "aACompromise": AACompromise,
}

// Revocation is one entry of a revocation list.
type Revocation struct {
	Serial *big.Int  `json:"serial"`
	Time   time.Time `json:"time"`
	Reason Reason    `json:"reason"`
}

// Revoke puts a certificate of this authority on its issuer's list. It does
// nothing for a certificate of another authority.
func (a *Authority) Revoke(c *x509.Certificate, at time.Time, why Reason) {
	for _, i := range a.issuers {
		if bytes.Equal(c.AuthorityKeyId, i.Certificate.SubjectKeyId) {
			i.revoke(Revocation{c.SerialNumber, at.UTC().Truncate(time.Second), why})
		}
	}
}

func (i *Issuer) revoke(r Revocation) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.revoked[r.Serial.String()] = r
}

// revokedAt tells when a certificate was revoked, nil where it was not.
func (i *Issuer) revokedAt(c *x509.Certificate) *time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	if r, ok := i.revoked[c.SerialNumber.String()]; ok {
		return &r.Time
	}
	return nil
}

// Revocations gives the issuer's entries in the order of serial numbers.
func (i *Issuer) Revocations() []Revocation {
	i.mu.Lock()
	defer i.mu.Unlock()
	var rs []Revocation
	for _, r := range i.revoked {
		rs = append(rs, r)
	}
	sort.Slice(rs, func(a, b int) bool { return rs[a].Serial.Cmp(rs[b].Serial) < 0 })
	return rs
}

// CRL gives the issuer's revocation list in DER, made at now and good for a
// week. Its number is the second it was made at.
func (i *Issuer) CRL(now time.Time) ([]byte, error) { return i.CRLFor(now, now.AddDate(0, 0, 7)) }

// CRLFor is CRL with an end of one's own, to make lists that are out of date.
func (i *Issuer) CRLFor(now, next time.Time) ([]byte, error) {
	t := &x509.RevocationList{
		Number:             big.NewInt(now.Unix()),
		ThisUpdate:         now.UTC().Truncate(time.Second),
		NextUpdate:         next.UTC().Truncate(time.Second),
		SignatureAlgorithm: i.Certificate.SignatureAlgorithm,
	}
	for _, r := range i.Revocations() {
		t.RevokedCertificateEntries = append(t.RevokedCertificateEntries, x509.RevocationListEntry{
			SerialNumber: r.Serial, RevocationTime: r.Time, ReasonCode: int(r.Reason)})
	}
	der, err := x509.CreateRevocationList(bytes.NewReader(nil), t, i.Certificate, i.Key)
	if err != nil {
		return nil, fmt.Errorf("pki: list of the %s issuer: %w", i.Branch, err)
	}
	return der, nil
}
