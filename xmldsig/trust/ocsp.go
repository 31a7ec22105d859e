package trust

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"io"
	"slices"
	"time"
)

// ask asks the OCSP responders that the certificate names, or remembers what they
// said.
func (r *revoker) ask(st *state, s subject, newer bool) (evidence, []fault) {
	if e, ok := r.answers.get(s.key); ok && !newer && r.now().Before(e.until) {
		return e, nil
	}
	if r.o.Fetcher == nil || len(s.certificate.OCSPServer) == 0 {
		return evidence{}, []fault{{rule: RuleNoSource}}
	}
	addresses := webAddresses(s.certificate.OCSPServer)
	if len(addresses) == 0 {
		return evidence{}, []fault{{RuleAddress, s.certificate.OCSPServer[0]}}
	}
	var faults []fault
	for _, a := range addresses {
		e, rule := r.askOne(st, s, a)
		if rule == "" {
			r.answers.put(s.key, e)
			return e, nil
		}
		faults = append(faults, fault{rule, a})
	}
	return evidence{}, faults
}

const nonceSize = 32 // RFC 9654

func (r *revoker) askOne(st *state, s subject, address string) (evidence, string) {
	var nonce []byte
	if r.o.Nonce != NoNonce {
		nonce = make([]byte, nonceSize)
		if _, err := io.ReadFull(r.o.Rand, nonce); err != nil {
			return evidence{}, RuleOCSPUnreachable
		}
	}
	question, err := ocspRequest(s.certificate, s.issuer, nonce)
	if err != nil {
		return evidence{}, RuleOCSPUnreachable
	}
	asked := address + " " + string(s.key.certificate[:])
	der, rule := r.get(Request{
		URL: address, Body: question, ContentType: "application/ocsp-request", Accept: "application/ocsp-response",
		Limit: r.o.AnswerLimit,
	}, asked, RuleOCSPUnreachable)
	if rule != "" {
		return evidence{}, rule
	}
	e, rule := r.answer(st, s, der, nonce)
	if rule != "" {
		r.pause(asked, rule)
	}
	return e, rule
}

// answer reads an answer to a question with that nonce and decides whether to
// believe it (RFC 6960, 3.2).
func (r *revoker) answer(st *state, s subject, der, nonce []byte) (evidence, string) {
	b, rule := parseOCSP(der)
	if rule != "" {
		return evidence{}, rule
	}
	if rule := r.signedBy(st, s, b); rule != "" {
		return evidence{}, rule
	}
	if critical(b.Data.Extensions, oidNonce) {
		return evidence{}, RuleOCSPCritical
	}
	if rule := r.checkNonce(b, nonce); rule != "" {
		return evidence{}, rule
	}
	i := slices.IndexFunc(b.Data.Responses, func(x ocspSingle) bool { return x.ID.is(s.certificate, s.issuer) })
	if i < 0 {
		return evidence{}, RuleOCSPOther
	}
	return r.single(s, &b.Data, &b.Data.Responses[i])
}

func (r *revoker) checkNonce(b *ocspBasic, nonce []byte) string {
	value, there := extension(b.Data.Extensions, oidNonce)
	var got []byte
	switch {
	case nonce == nil:
		return ""
	case !there && r.o.Nonce == RequireNonce:
		return RuleOCSPNonceMissing
	case there && (!whole(value, &got) || !bytes.Equal(got, nonce)):
		return RuleOCSPNonce
	}
	return ""
}

// single reads what the answer says of the certificate.
func (r *revoker) single(s subject, d *ocspData, x *ocspSingle) (evidence, string) {
	if critical(x.Extensions, oidArchiveCutoff, oidInvalidity) {
		return evidence{}, RuleOCSPCritical
	}
	now := r.now()
	until, renew := r.life(x.This, x.Next)
	switch {
	case x.This.After(now.Add(r.o.Skew)) || d.Produced.After(now.Add(r.o.Skew)):
		return evidence{}, RuleOCSPFuture
	case !now.Before(until):
		return evidence{}, RuleOCSPStale
	}
	e := evidence{until: until, renew: renew}
	switch isRevoked := !x.Revoked.Time.IsZero(); {
	case bool(x.Good) && !bool(x.Unknown) && !isRevoked:
		if r.tooOld(s.certificate, x.This, cutoff(x)) {
			return evidence{}, RuleTooOld
		}
	case bool(x.Unknown) && !bool(x.Good) && !isRevoked:
		e.status = unknown
	case isRevoked && !bool(x.Good) && !bool(x.Unknown):
		e.status, e.at, e.reason = revoked, earlier(x.Revoked.Time, x.Extensions), Reason(x.Revoked.Reason)
	default:
		return evidence{}, RuleOCSPFormat
	}
	return e, ""
}

// cutoff is the time from which on the responder keeps expired certificates.
func cutoff(x *ocspSingle) time.Time { return timeIn(x.Extensions, oidArchiveCutoff) }

// earlier gives the time of revocation, or the earlier one since when the
// certificate was invalid, where the extensions tell it.
func earlier(at time.Time, extensions []pkix.Extension) time.Time {
	if t := timeIn(extensions, oidInvalidity); !t.IsZero() && t.Before(at) {
		return t
	}
	return at
}

// timeIn gives the time that an extension holds, zero where there is none.
func timeIn(extensions []pkix.Extension, id asn1.ObjectIdentifier) time.Time {
	var t time.Time
	value, there := extension(extensions, id)
	if !there {
		return t
	}
	if rest, err := asn1.UnmarshalWithParams(value, &t, "generalized"); err != nil || len(rest) > 0 {
		return time.Time{}
	}
	return t
}

// tooOld tells whether the silence of evidence made at this says nothing of c:
// issuers forget certificates that expired, unless since kept (not zero) tells
// from when on they do not.
func (r *revoker) tooOld(c *x509.Certificate, this, kept time.Time) bool {
	expired := c.NotAfter.Before(this.Add(-r.o.Skew))
	return expired && (kept.IsZero() || c.NotAfter.Before(kept))
}

// signedBy checks who signed the answer: the issuer itself, a responder that the
// issuer gave the purpose to, or one that was configured.
func (r *revoker) signedBy(st *state, s subject, b *ocspBasic) string {
	if names(b.Data.Responder, s.issuer) {
		return b.signature(s.issuer)
	}
	for _, c := range st.responders {
		if names(b.Data.Responder, c) && b.signature(c) == "" {
			return r.valid(c)
		}
	}
	for _, raw := range b.Certs {
		c, err := x509.ParseCertificate(raw.FullBytes)
		if err != nil {
			return RuleOCSPFormat
		}
		if names(b.Data.Responder, c) {
			if rule := b.signature(c); rule != "" {
				return rule
			}
			return r.delegated(st, s, c)
		}
	}
	return RuleOCSPForeign
}

// names tells whether a ResponderID is that of c: by name, or by the SHA-1 of the
// key.
func names(id asn1.RawValue, c *x509.Certificate) bool {
	if id.Class != asn1.ClassContextSpecific {
		return false
	}
	switch id.Tag {
	case 1:
		return bytes.Equal(id.Bytes, c.RawSubject)
	case 2:
		var hash []byte
		_, key := issuerHashes(c, hashes[0].hash)
		return whole(id.Bytes, &hash) && key != nil && bytes.Equal(hash, key)
	}
	return false
}

// signature checks the answer's signature by the key of c.
func (b *ocspBasic) signature(c *x509.Certificate) string {
	if key, ok := c.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < 2048 {
		return RuleOCSPSignature
	}
	for _, a := range signatureAlgorithms {
		if a.oid.Equal(b.Algorithm.Algorithm) {
			if c.CheckSignature(a.alg, b.Data.Raw, b.Signature.RightAlign()) == nil {
				return ""
			}
		}
	}
	return RuleOCSPSignature
}

// delegated checks the certificate of a responder (RFC 6960, 4.2.2.2): issued by
// the same issuer for this purpose, valid, and not revoked as far as that can be
// told without asking it itself.
func (r *revoker) delegated(st *state, s subject, c *x509.Certificate) string {
	switch {
	case !bytes.Equal(c.RawIssuer, s.issuer.RawSubject) || c.CheckSignatureFrom(s.issuer) != nil:
		return RuleOCSPForeign
	case !slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning), c.IsCA,
		c.KeyUsage != 0 && c.KeyUsage&x509.KeyUsageDigitalSignature == 0, len(c.UnhandledCriticalExtensions) > 0:
		return RuleOCSPPurpose
	}
	if rule := r.valid(c); rule != "" {
		return rule
	}
	if _, noCheck := extension(c.Extensions, oidNoCheck); noCheck {
		return ""
	}
	return r.responderOnLists(st, s, c)
}

// valid checks a responder's certificate against our clock.
func (r *revoker) valid(c *x509.Certificate) string {
	if now := r.now(); now.Add(r.o.Skew).Before(c.NotBefore) || now.Add(-r.o.Skew).After(c.NotAfter) {
		return RuleOCSPExpired
	}
	return ""
}

// responderOnLists looks a responder up that its issuer did not free from it. A
// list that cannot be had refuses it: who holds a revoked responder's key could
// keep the list away.
func (r *revoker) responderOnLists(st *state, s subject, c *x509.Certificate) string {
	asked := subject{certificate: c, issuer: s.issuer, key: pair{print(c), s.key.issuer}}
	e, rule := r.inFiles(st, asked)
	if rule != "" {
		var faults []fault
		if e, faults = r.onLists(asked); len(faults) > 0 {
			return RuleOCSPRevoked
		}
	}
	if e.status != good {
		return RuleOCSPRevoked
	}
	return ""
}
