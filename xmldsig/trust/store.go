package trust

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"portti/internal/finding"
	"portti/xmldsig"

	"golang.org/x/sync/singleflight"
)

// Options say what a Store trusts. At least one of Anchors, Pins and their
// certificate forms should be given; with none everything is refused.
type Options struct {
	// Anchors are files and folders of CA certificates (see Load). Each of them is
	// an anchor: a chain may end at an issuer as well as at a root.
	Anchors []string
	// Pins are files and folders of signers' certificates that are trusted as they
	// are, by exact match, without a chain.
	Pins []string
	// Archive are files and folders of the archive's own certificates. Where given,
	// signatures of type 4 must be made by one of them; else type 4 is judged like
	// type 3.
	Archive []string
	// Issuers are, by type of signature, files and folders of CA certificates through
	// one of which the chain must lead: an issuer of TLS certificates under the same
	// root gives nobody the right to sign documents. A type without any takes every
	// issuer.
	Issuers map[int][]string
	// AnchorCertificates, PinCertificates and ArchiveCertificates are the same,
	// already parsed.
	AnchorCertificates, PinCertificates, ArchiveCertificates []*x509.Certificate
	// Purposes are what certificates must be like by type; nil means DefaultPurposes.
	Purposes map[int]Purpose
	// MinRSA is the smallest RSA key of a CA in bits; 0 means 2048.
	MinRSA int
	// RefusedPolicies are arcs of certificate policies that no certificate may
	// assert; the production world refuses TestPolicies.
	RefusedPolicies []asn1.ObjectIdentifier
	// Skew is how much before its first and after its last moment a certificate may
	// sign: clocks differ. 0 means not at all.
	Skew time.Duration
	// Revocation says how to learn of revoked certificates.
	Revocation Revocation
	// Now is our clock; required where revocation is checked.
	Now func() time.Time
	// Ticker gives the ticks of Watch; nil means time.NewTicker.
	Ticker func(time.Duration) (ticks <-chan time.Time, stop func())
}

// TestPolicies is the arc of the national test certificates' policies
// (kanta-interface 15.1), to which the policies of package pki belong.
var TestPolicies = asn1.ObjectIdentifier{1, 2, 246, 517, 99}

// Store is a Trust over CA certificates and pins. It is safe for concurrent use.
type Store struct {
	options Options
	state   atomic.Pointer[state]
	revoker *revoker
}

var _ xmldsig.Trust = (*Store)(nil)

// New loads what the options name.
func New(o Options) (*Store, error) {
	if o.Purposes == nil {
		o.Purposes = DefaultPurposes()
	}
	if o.MinRSA == 0 {
		o.MinRSA = 2048
	}
	r, err := newRevoker(o.Revocation, o.Now)
	if err != nil {
		return nil, err
	}
	s := &Store{options: o, revoker: r}
	if err := s.Reload(); err != nil {
		return nil, err
	}
	return s, nil
}

// Close ends questions to the network that are under way and waits for them. The
// Store can be used after it, but asks nothing any more.
func (s *Store) Close() { s.revoker.close() }

// Reload reads the files again. Judgements that run go on with what was there;
// later ones use the new. After an error the old stays in force.
func (s *Store) Reload() error {
	files := s.seen() // before reading: what changes meanwhile is read again
	st, err := load(s.options)
	if err != nil {
		return err
	}
	st.files = files
	s.state.Store(st)
	return nil
}

// Anchors gives the CA certificates in force. The caller must not change them.
func (s *Store) Anchors() []*x509.Certificate { return s.state.Load().anchors }

// state is what was loaded, with the chains and the evidence that rest on it; these
// alone are changed.
type state struct {
	anchors    []*x509.Certificate
	pool       *x509.CertPool
	pins       map[fingerprint]bool
	archive    map[fingerprint]bool
	issuers    map[int]map[fingerprint]bool
	lists      []*list
	responders []*x509.Certificate
	minRSA     int
	files      fingerprint // what the files looked like
	chains     cache[fingerprint, chainEntry]
	evidence   cache[pair, evidence]
	once       singleflight.Group // of evidence, by pair
}

type fingerprint = [sha256.Size]byte

func print(c *x509.Certificate) fingerprint { return sha256.Sum256(c.Raw) }

func load(o Options) (*state, error) {
	anchors, err := Load(o.Anchors...)
	if err != nil {
		return nil, err
	}
	pins, err := Load(o.Pins...)
	if err != nil {
		return nil, err
	}
	archive, err := Load(o.Archive...)
	if err != nil {
		return nil, err
	}
	responders, err := Load(o.Revocation.Responders...)
	if err != nil {
		return nil, err
	}
	lists, err := loadLists(o.Revocation.Files, o.Revocation.ListLimit)
	if err != nil {
		return nil, err
	}
	issuers := make(map[int]map[fingerprint]bool, len(o.Issuers))
	for typ, paths := range o.Issuers {
		certs, err := Load(paths...)
		if err != nil {
			return nil, err
		}
		issuers[typ] = fingerprints(certs)
	}
	st := &state{
		issuers: issuers,
		anchors: append(anchors, o.AnchorCertificates...),
		pool:    x509.NewCertPool(),
		pins:    fingerprints(append(pins, o.PinCertificates...)),
		archive: fingerprints(append(archive, o.ArchiveCertificates...)),
		lists:   lists, responders: responders,
		minRSA: o.MinRSA,
	}
	for _, c := range st.anchors {
		if c.BasicConstraintsValid && !c.IsCA {
			return nil, fmt.Errorf("anchors: %q is no CA certificate: a signer's own certificate belongs among the pins", c.Subject)
		}
		st.pool.AddCert(c)
	}
	return st, nil
}

func fingerprints(certs []*x509.Certificate) map[fingerprint]bool {
	m := make(map[fingerprint]bool, len(certs))
	for _, c := range certs {
		m[print(c)] = true
	}
	return m
}

// Judge implements xmldsig.Trust.
func (s *Store) Judge(q xmldsig.TrustQuery) xmldsig.TrustAnswer {
	st := s.state.Load()
	answer := xmldsig.TrustAnswer{Faults: s.shape(&q)}
	p := print(q.Certificate)
	if q.Type == xmldsig.TypeArchive && len(st.archive) > 0 {
		if !st.archive[p] {
			answer.Faults = append(answer.Faults, xmldsig.TrustFault{Rule: RuleNotThisArchive})
		}
		return answer
	}
	if st.pins[p] {
		return answer
	}
	e := st.chain(&q, p)
	answer.Chain = e.chain
	answer.Faults = append(answer.Faults, e.faults...)
	if e.chain != nil && !st.issuedFor(q.Type, e.prints[1:]) {
		answer.Faults = append(answer.Faults, xmldsig.TrustFault{Rule: RuleIssuerPurpose, Params: []finding.Param{finding.P("type", strconv.Itoa(q.Type))}})
	}
	// Nobody is asked about a certificate that is refused already.
	if s.options.Revocation.on() && e.chain != nil && len(answer.Faults) == 0 {
		answer.Faults = s.revoker.judge(st, &e, &q)
	}
	return answer
}

// issuedFor tells whether one of the issuers of a chain issues for that type.
func (st *state) issuedFor(typ int, chain []fingerprint) bool {
	allowed, bounded := st.issuers[typ]
	return !bounded || slices.ContainsFunc(chain, func(p fingerprint) bool { return allowed[p] })
}

// shape judges what the certificate itself says.
func (s *Store) shape(q *xmldsig.TrustQuery) []xmldsig.TrustFault {
	faults := validity(q.Certificate, q.Time, s.options.Skew)
	if p, ok := s.options.Purposes[q.Type]; ok {
		faults = append(faults, p.judge(q.Certificate, q.Type)...)
	}
	if id, refused := underArc(q.Certificate.PolicyIdentifiers, s.options.RefusedPolicies); refused {
		faults = append(faults, xmldsig.TrustFault{Rule: RulePolicyTest, Value: id, Params: []finding.Param{finding.P("policy", id)}})
	}
	return faults
}

// underArc gives the first identifier that lies at or under one of the arcs.
func underArc(ids, arcs []asn1.ObjectIdentifier) (string, bool) {
	for _, id := range ids {
		for _, arc := range arcs {
			if len(id) >= len(arc) && slices.Equal(id[:len(arc)], arc) {
				return id.String(), true
			}
		}
	}
	return "", false
}

// validity holds the signing time against the certificate's own validity.
func validity(c *x509.Certificate, at time.Time, skew time.Duration) []xmldsig.TrustFault {
	var rule string
	switch {
	case at.Add(skew).Before(c.NotBefore):
		rule = RuleNotYetValid
	case at.Add(-skew).After(c.NotAfter):
		rule = RuleExpired
	default:
		return nil
	}
	return []xmldsig.TrustFault{{Rule: rule, Params: []finding.Param{
		finding.P("from", c.NotBefore.UTC().Format(time.RFC3339)),
		finding.P("to", c.NotAfter.UTC().Format(time.RFC3339)),
		finding.P("time", at.UTC().Format(time.RFC3339)),
	}}}
}

// chainEntry is what is known of a certificate's chain: it holds for signing
// times within [from, to].
type chainEntry struct {
	chain    []*x509.Certificate
	prints   []fingerprint // of chain
	faults   []xmldsig.TrustFault
	from, to time.Time
}

func (e *chainEntry) covers(at time.Time) bool { return !at.Before(e.from) && !at.After(e.to) }

// chain builds, or remembers, the chain of q's certificate at the signing time.
func (st *state) chain(q *xmldsig.TrustQuery, p fingerprint) chainEntry {
	at := within(q.Certificate, q.Time)
	if e, ok := st.chains.get(p); ok && e.covers(at) {
		return e
	}
	e := st.build(q.Certificate, q.Intermediates, at)
	for _, c := range e.chain {
		e.prints = append(e.prints, print(c))
	}
	if len(e.faults) == 0 || len(q.Intermediates) == 0 {
		// A refusal might turn with other intermediates; it is kept only where none
		// were sent.
		st.chains.put(p, e)
	}
	return e
}

// within moves a time into the certificate's validity: that it was outside has
// been said, and the chain is judged all the same.
func within(c *x509.Certificate, at time.Time) time.Time {
	if at.Before(c.NotBefore) {
		return c.NotBefore
	}
	if at.After(c.NotAfter) {
		return c.NotAfter
	}
	return at
}

// span gives the times for which every certificate of a chain is valid.
func span(chain []*x509.Certificate) (from, to time.Time) {
	from = slices.MaxFunc(chain, func(a, b *x509.Certificate) int { return a.NotBefore.Compare(b.NotBefore) }).NotBefore
	to = slices.MinFunc(chain, func(a, b *x509.Certificate) int { return a.NotAfter.Compare(b.NotAfter) }).NotAfter
	return from, to
}
