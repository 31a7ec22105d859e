package pki

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Misbehaviour is what is wrong with the responder's answers: knobs to test that
// a relying party notices.
type Misbehaviour string

// The misbehaviours.
const (
	Proper       Misbehaviour = ""
	Down         Misbehaviour = "down"         // HTTP 503
	TryLater     Misbehaviour = "trylater"     // OCSP status tryLater
	Slow         Misbehaviour = "slow"         // answers after Delay
	NoNonce      Misbehaviour = "nononce"      // the nonce is not repeated
	OtherNonce   Misbehaviour = "othernonce"   // another nonce stands in the answer
	Stale        Misbehaviour = "stale"        // nextUpdate was a day ago
	Future       Misbehaviour = "future"       // thisUpdate is a day ahead
	BadSignature Misbehaviour = "badsignature" // the signature does not fit what it signs
	NoPurpose    Misbehaviour = "nopurpose"    // the responder's certificate lacks the OCSP purpose
	Foreign      Misbehaviour = "foreign"      // the responder belongs to another authority
	OtherSerial  Misbehaviour = "otherserial"  // the answer is about another certificate
	AllUnknown   Misbehaviour = "unknown"      // knows no certificate
	OtherBranch  Misbehaviour = "otherbranch"  // the responder belongs to another issuer of the same root
	OldResponder Misbehaviour = "oldresponder" // the responder's certificate has expired
	NoNoCheck    Misbehaviour = "nonocheck"    // proper, but the responder's certificate may be revoked too
	Undated      Misbehaviour = "undated"      // proper, but without nextUpdate
)

// Misbehaviours lists the misbehaviours.
var Misbehaviours = []Misbehaviour{
	Down, TryLater, Slow, NoNonce, OtherNonce, Stale, Future, BadSignature, NoPurpose, Foreign, OtherSerial, AllUnknown,
	OtherBranch, OldResponder, NoNoCheck, Undated,
}

// Responder answers for an authority over HTTP: OCSP at /ocsp/BRANCH (GET and
// POST), lists at /crl/BRANCH.crl, issuers' certificates at /ca/BRANCH.crt.
type Responder struct {
	Authority *Authority
	// Now is the responder's clock; default the authority's moment of making.
	Now func() time.Time
	// Life is how long an answer or list is good; default an hour.
	Life time.Duration
	// Direct lets the issuer sign OCSP answers itself, without a responder's
	// certificate between.
	Direct bool
	// Fault gives the misbehaviour for a request; nil is Proper always.
	Fault func(*http.Request) Misbehaviour
	// Delay is the wait of Slow.
	Delay time.Duration
}

// Handler gives a proper Responder.
func (a *Authority) Handler() http.Handler { return &Responder{Authority: a} }

func (r *Responder) now() time.Time {
	if r.Now != nil {
		return r.Now().UTC().Truncate(time.Second)
	}
	return r.Authority.o.Now
}

func (r *Responder) life() time.Duration {
	if r.Life > 0 {
		return r.Life
	}
	return time.Hour
}

// ServeHTTP answers one request.
func (r *Responder) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	fault := Proper
	if r.Fault != nil {
		fault = r.Fault(q)
	}
	switch fault {
	case Down:
		http.Error(w, "out of service", http.StatusServiceUnavailable)
		return
	case Slow:
		select {
		case <-time.After(r.Delay):
		case <-q.Context().Done():
			return
		}
	}
	dir, rest, _ := strings.Cut(strings.TrimPrefix(q.URL.EscapedPath(), "/"), "/")
	branch, rest, _ := strings.Cut(rest, "/")
	branch = strings.TrimSuffix(strings.TrimSuffix(branch, ".crl"), ".crt")
	issuer := r.Authority.issuers[Branch(branch)]
	if issuer == nil {
		http.NotFound(w, q)
		return
	}
	switch dir {
	case "crl":
		r.serveCRL(w, issuer, fault)
	case "ca":
		w.Header().Set("Content-Type", "application/pkix-cert")
		w.Write(issuer.Certificate.Raw)
	case "ocsp":
		r.serveOCSP(w, q, issuer, rest, fault)
	default:
		http.NotFound(w, q)
	}
}

func (r *Responder) serveCRL(w http.ResponseWriter, i *Issuer, fault Misbehaviour) {
	from, to := r.window(fault)
	der, err := i.CRLFor(from, to)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if fault == BadSignature {
		der[len(der)-1] ^= 1
	}
	w.Header().Set("Content-Type", "application/pkix-crl")
	w.Write(der)
}

// window gives thisUpdate and nextUpdate.
func (r *Responder) window(fault Misbehaviour) (from, to time.Time) {
	from = r.now()
	switch fault {
	case Stale:
		from = from.Add(-24*time.Hour - r.life())
	case Future:
		from = from.Add(24 * time.Hour)
	}
	return from, from.Add(r.life())
}

func (r *Responder) serveOCSP(w http.ResponseWriter, q *http.Request, i *Issuer, rest string, fault Misbehaviour) {
	der, err := readOCSP(q, rest)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/ocsp-response")
	w.Write(r.Answer(der, i, fault))
}

func readOCSP(q *http.Request, rest string) ([]byte, error) {
	if q.Method == http.MethodPost {
		return io.ReadAll(io.LimitReader(q.Body, 1<<16))
	}
	plain, err := url.PathUnescape(rest)
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(plain)
}

// Answer gives the OCSP response in DER to a request in DER, for use without HTTP.
func (r *Responder) Answer(request []byte, i *Issuer, fault Misbehaviour) []byte {
	if fault == TryLater {
		return ocspError(ocspTryLater)
	}
	req, err := parseOCSP(request)
	if err != nil {
		return ocspError(ocspMalformed)
	}
	d := responseData{ProducedAt: r.now()}
	from, to := r.window(fault)
	for _, l := range req.TBS.List {
		if !i.names(l.ID) {
			return ocspError(ocspUnauthorized)
		}
		if fault == OtherSerial {
			l.ID.Serial = r.Authority.serial("other", 16)
		}
		s := i.status(l.ID, from, to)
		switch fault {
		case AllUnknown:
			s = singleResponse{ID: l.ID, Unknown: true, ThisUpdate: from, NextUpdate: to}
		case Undated:
			s.NextUpdate = time.Time{}
		}
		d.Responses = append(d.Responses, s)
	}
	d.Extensions = answerNonce(req, fault)
	out, err := r.sign(d, i, fault)
	if err != nil {
		return ocspError(ocspInternal)
	}
	return out
}

func answerNonce(req *ocspRequest, fault Misbehaviour) []pkix.Extension {
	n := req.nonce()
	switch {
	case n == nil || fault == NoNonce:
		return nil
	case fault == OtherNonce:
		return []pkix.Extension{{Id: oidNonce, Value: append([]byte{4, 8}, "another!"...)}}
	default:
		return []pkix.Extension{*n}
	}
}

func (r *Responder) sign(d responseData, i *Issuer, fault Misbehaviour) ([]byte, error) {
	a := r.Authority
	switch fault {
	case Foreign:
		rogue, err := a.rogue()
		if err != nil {
			return nil, err
		}
		a, i = rogue, rogue.issuers[i.Branch]
	case OtherBranch:
		if i = a.issuers[Professional]; d.about(i) {
			i = a.issuers[Service]
		}
	case NoPurpose, OldResponder, NoNoCheck:
	default:
		if r.Direct {
			return spoil(fault)(signOCSP(d, i.Key, i.Certificate, false))
		}
	}
	cert, err := a.responderCertificate(i, fault)
	if err != nil {
		return nil, err
	}
	key, err := Key(a.o.Seed, "ocsp/"+string(i.Branch), a.o.AuthorityAlgorithm)
	if err != nil {
		return nil, err
	}
	return spoil(fault)(signOCSP(d, key, cert, true))
}

// about tells whether the answer is about a certificate of that issuer.
func (d *responseData) about(i *Issuer) bool {
	return len(d.Responses) > 0 && i.names(d.Responses[0].ID)
}

// ResponderCertificate gives the certificate by which the responder speaks for
// the issuer, as it is with a misbehaviour.
func (r *Responder) ResponderCertificate(b Branch, fault Misbehaviour) (*x509.Certificate, error) {
	return r.Authority.responderCertificate(r.Authority.issuers[b], fault)
}

// spoil changes one digit of the signed producedAt time, so that the signature
// no longer fits.
func spoil(fault Misbehaviour) func([]byte, error) ([]byte, error) {
	return func(der []byte, err error) ([]byte, error) {
		if err == nil && fault == BadSignature {
			// A decimal digit stays one when its lowest bit is flipped.
			for k := 0; k+15 < len(der); k++ {
				if der[k] == 0x18 && der[k+1] == 15 && der[k+16] == 'Z' {
					der[k+15] ^= 1
					break
				}
			}
		}
		return der, err
	}
}

// responderCertificate gives the certificate by which a responder speaks for the
// issuer (RFC 6960 4.2.2.2), or one without the purpose for it.
func (a *Authority) responderCertificate(i *Issuer, fault Misbehaviour) (*x509.Certificate, error) {
	key, err := Key(a.o.Seed, "ocsp/"+string(i.Branch), a.o.AuthorityAlgorithm)
	if err != nil {
		return nil, err
	}
	subject, err := a.o.authorityName("", "Portti TEST OCSP - "+string(i.Branch))
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber:          a.serial("ocsp/"+string(i.Branch), 16),
		RawSubject:            subject,
		NotBefore:             a.o.Now.AddDate(-1, 0, 0),
		NotAfter:              a.o.Now.AddDate(1, 0, 0),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		SignatureAlgorithm:    signatureAlgorithm(a.o.AuthorityAlgorithm),
	}
	switch fault {
	case NoPurpose:
		return create(t, i.Certificate, key.Public(), i.Key)
	case OldResponder:
		t.NotAfter = a.o.Now.AddDate(0, -1, 0)
	}
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}
	if fault == NoNoCheck {
		a.addresses(t, i.Branch)
	} else {
		t.ExtraExtensions = []pkix.Extension{{Id: oidOCSPNoCheck, Value: []byte{5, 0}}}
	}
	return create(t, i.Certificate, key.Public(), i.Key)
}
