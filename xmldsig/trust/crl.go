package trust

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"slices"
	"sync"
	"time"
)

var (
	oidInvalidity   = asn1.ObjectIdentifier{2, 5, 29, 24}
	oidReason       = asn1.ObjectIdentifier{2, 5, 29, 21}
	oidDelta        = asn1.ObjectIdentifier{2, 5, 29, 27}
	oidScope        = asn1.ObjectIdentifier{2, 5, 29, 28}
	oidNumber       = asn1.ObjectIdentifier{2, 5, 29, 20}
	oidAuthorityKey = asn1.ObjectIdentifier{2, 5, 29, 35}
	oidKeepsExpired = asn1.ObjectIdentifier{2, 5, 29, 60} // X.509, 9.5.2.8
)

// list is a revocation list as read, in a form that looks a serial number up at
// once. What is unusual in it is a rule that refuses it as a whole.
type list struct {
	issuer     []byte // the issuer's name
	this, next time.Time
	number     *big.Int
	entries    map[string]listEntry // by the serial number's octets
	kept       time.Time            // expired certificates are kept from here on; zero: are not
	scope      scope
	refused    string
	source     *x509.RevocationList // for the signature; without its entries
	renew      time.Time            // when to fetch a newer one; zero for files

	mu     sync.Mutex
	signed map[fingerprint]bool // whether an issuer signed it
}

// listEntry is one revoked certificate; times in seconds since 1970.
type listEntry struct {
	at     int64
	reason Reason
}

// scope is issuingDistributionPoint (RFC 5280, 5.2.5): what the list is about.
type scope struct {
	addresses        []string // of the partition; nil: the whole
	named            bool     // a partition is named
	users, cas, attr bool
}

// parseList reads a list of DER or PEM. An error means that it is none.
func parseList(b []byte) (*list, error) {
	if p, _ := pem.Decode(b); p != nil && p.Type == "X509 CRL" {
		b = p.Bytes
	}
	x, err := x509.ParseRevocationList(b)
	if err != nil {
		return nil, err
	}
	l := &list{
		issuer: x.RawIssuer, this: x.ThisUpdate, next: x.NextUpdate, number: x.Number,
		entries: make(map[string]listEntry, len(x.RevokedCertificateEntries)), signed: map[fingerprint]bool{},
	}
	l.readExtensions(x.Extensions)
	for i := range x.RevokedCertificateEntries {
		l.readEntry(&x.RevokedCertificateEntries[i])
	}
	l.kept = timeIn(x.Extensions, oidKeepsExpired)
	x.RevokedCertificateEntries = nil
	l.source = x
	return l, nil
}

func (l *list) readExtensions(list []pkix.Extension) {
	if _, delta := extension(list, oidDelta); delta {
		l.refused = RuleListDelta
		return
	}
	if critical(list, oidScope, oidNumber, oidAuthorityKey, oidKeepsExpired) {
		l.refused = RuleListCritical
		return
	}
	if value, there := extension(list, oidScope); there {
		l.refused = l.readScope(value)
	}
}

// readScope reads issuingDistributionPoint, and names what cannot be worked with:
// a list for some reasons only proves nothing by silence, an indirect one holds
// the certificates of other issuers.
func (l *list) readScope(der []byte) string {
	var x struct {
		Point struct {
			Full     []asn1.RawValue `asn1:"tag:0,optional"`
			Relative asn1.RawValue   `asn1:"tag:1,optional"`
		} `asn1:"tag:0,optional"`
		Users    bool           `asn1:"tag:1,optional"`
		CAs      bool           `asn1:"tag:2,optional"`
		Reasons  asn1.BitString `asn1:"tag:3,optional"`
		Indirect bool           `asn1:"tag:4,optional"`
		Attr     bool           `asn1:"tag:5,optional"`
	}
	switch {
	case !whole(der, &x):
		return RuleListFormat
	case x.Indirect:
		return RuleListIndirect
	case x.Reasons.BitLength > 0:
		return RuleListReasons
	}
	l.scope = scope{users: x.Users, cas: x.CAs, attr: x.Attr, named: len(x.Point.Full) > 0 || x.Point.Relative.FullBytes != nil}
	for _, n := range x.Point.Full {
		const uri = 6 // GeneralName
		if n.Class == asn1.ClassContextSpecific && n.Tag == uri {
			l.scope.addresses = append(l.scope.addresses, string(n.Bytes))
		}
	}
	return ""
}

func (l *list) readEntry(x *x509.RevocationListEntry) {
	if critical(x.Extensions, oidReason, oidInvalidity) {
		l.refused = RuleListCritical // RFC 5280, 5.3: the list says more than we understand
	}
	at := earlier(x.RevocationTime, x.Extensions)
	l.entries[string(x.SerialNumber.Bytes())] = listEntry{at.Unix(), Reason(x.ReasonCode)}
}

// covers tells whether the list is about c: a partition is about the certificates
// that name it.
func (s scope) covers(c *x509.Certificate) bool {
	switch {
	case s.attr, s.users && c.IsCA, s.cas && !c.IsCA:
		return false
	case !s.named:
		return true
	}
	return slices.ContainsFunc(s.addresses, func(a string) bool { return slices.Contains(c.CRLDistributionPoints, a) })
}

// by tells whether the issuer made the list: it has its name, and its key signed.
func (l *list) by(issuer *x509.Certificate, p fingerprint) string {
	if !bytes.Equal(l.issuer, issuer.RawSubject) {
		return RuleListForeign
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	ok, known := l.signed[p]
	if !known {
		ok = l.source.CheckSignatureFrom(issuer) == nil
		l.signed[p] = ok
	}
	if !ok {
		return RuleListSignature
	}
	return ""
}

// say tells what the list says of s, or by which rule it says nothing.
func (r *revoker) say(l *list, s subject) (evidence, string) {
	if rule := l.by(s.issuer, s.key.issuer); rule != "" {
		return evidence{}, rule
	}
	switch {
	case l.refused != "":
		return evidence{}, l.refused
	case !l.scope.covers(s.certificate):
		return evidence{}, RuleListScope
	}
	if rule := r.datedWrong(l); rule != "" {
		return evidence{}, rule
	}
	var e evidence
	e.until, e.renew = r.life(l.this, l.next)
	if !l.renew.IsZero() {
		e.renew = l.renew
	}
	if x, listed := l.entries[string(s.certificate.SerialNumber.Bytes())]; listed && x.reason != RemoveFromCRL {
		e.status, e.at, e.reason = revoked, time.Unix(x.at, 0), x.reason
	} else if r.tooOld(s.certificate, l.this, l.kept) {
		return evidence{}, RuleTooOld
	}
	return e, ""
}

// inFiles looks a certificate up in the lists that were read from files. The rule
// tells why none of them answers: that of the list that comes nearest, and
// RuleNoSource where the issuer has none there.
func (r *revoker) inFiles(st *state, s subject) (evidence, string) {
	var found evidence
	rule, answered := RuleNoSource, false
	for _, l := range st.lists {
		e, why := r.say(l, s)
		switch {
		case why == "" && e.status == revoked:
			return e, ""
		case why == "" && !answered:
			found, answered = e, true
		case why != RuleListForeign && rule == RuleNoSource:
			rule = why
		}
	}
	if answered {
		return found, ""
	}
	return evidence{}, rule
}

// listKey names a list that was fetched.
type listKey struct {
	address string
	issuer  fingerprint
}

// onLists looks a certificate up in the lists at the addresses that it names.
func (r *revoker) onLists(s subject) (evidence, []fault) {
	if r.o.Fetcher == nil || len(s.certificate.CRLDistributionPoints) == 0 {
		return evidence{}, []fault{{rule: RuleNoSource}}
	}
	addresses := webAddresses(s.certificate.CRLDistributionPoints)
	if len(addresses) == 0 {
		return evidence{}, []fault{{RuleAddress, s.certificate.CRLDistributionPoints[0]}}
	}
	var faults []fault
	for _, a := range addresses {
		e, rule := r.onList(s, listKey{a, s.key.issuer})
		if rule == "" {
			return e, nil
		}
		faults = append(faults, fault{rule, a})
	}
	return evidence{}, faults
}

// onList looks a certificate up in one such list. What is at hand serves while no
// newer one can be had.
func (r *revoker) onList(s subject, key listKey) (evidence, string) {
	old, there := r.remote.get(key)
	if there && r.now().Before(old.renew) {
		return r.say(old, s)
	}
	v, _, _ := r.once.Do(key.address+" "+string(key.issuer[:]), func() (any, error) {
		l, rule := r.fetchList(s, key, old)
		return fetchedList{l, rule}, nil
	})
	got := v.(fetchedList)
	switch {
	case got.l != nil:
		return r.say(got.l, s)
	case there:
		if e, rule := r.say(old, s); rule == "" {
			return e, ""
		}
	}
	return evidence{}, got.rule
}

type fetchedList struct {
	l    *list
	rule string
}

// fetchList fetches a list and keeps it, unless an older one came than is at hand:
// who can answer in the issuer's place must not take a revocation back.
func (r *revoker) fetchList(s subject, key listKey, old *list) (*list, string) {
	b, rule := r.get(Request{URL: key.address, Accept: "application/pkix-crl", Limit: r.o.ListLimit}, key.address, RuleListUnreachable)
	if rule != "" {
		return nil, rule
	}
	l, err := parseList(b)
	if err != nil {
		r.pause(key.address, RuleListFormat)
		return nil, RuleListFormat
	}
	if rule := l.by(s.issuer, key.issuer); rule != "" {
		r.pause(key.address, rule)
		return nil, rule
	}
	if rule := r.datedWrong(l); rule != "" {
		r.pause(key.address, rule)
		return nil, rule
	}
	if old != nil && l.olderThan(old) {
		r.pause(key.address, RuleListStale)
		return nil, RuleListStale
	}
	_, l.renew = r.life(l.this, l.next)
	r.remote.put(key, l)
	return l, ""
}

// datedWrong tells whether a list is not of now.
func (r *revoker) datedWrong(l *list) string {
	now := r.now()
	until, _ := r.life(l.this, l.next)
	switch {
	case l.this.After(now.Add(r.o.Skew)):
		return RuleListFuture
	case !now.Before(until):
		return RuleListStale
	}
	return ""
}

func (l *list) olderThan(old *list) bool {
	if l.number != nil && old.number != nil {
		return l.number.Cmp(old.number) < 0
	}
	return l.this.Before(old.this)
}
