package trust

import (
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"portti/internal/finding"
	"portti/xmldsig"
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
	// AnchorCertificates, PinCertificates and ArchiveCertificates are the same,
	// already parsed.
	AnchorCertificates, PinCertificates, ArchiveCertificates []*x509.Certificate
	// Purposes are what certificates must be like by type; nil means DefaultPurposes.
	Purposes map[int]Purpose
	// MinRSA is the smallest RSA key of a CA in bits; 0 means 2048.
	MinRSA int
}

// Store is a Trust over CA certificates and pins. It is safe for concurrent use.
type Store struct {
	options Options
	state   atomic.Pointer[state]
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
	s := &Store{options: o}
	return s, s.Reload()
}

// Reload reads the files again. Judgements that run go on with what was there;
// later ones use the new. After an error the old stays in force.
func (s *Store) Reload() error {
	st, err := load(s.options)
	if err != nil {
		return err
	}
	s.state.Store(st)
	return nil
}

// Anchors gives the CA certificates in force. The caller must not change them.
func (s *Store) Anchors() []*x509.Certificate { return s.state.Load().anchors }

// state is what was loaded, with the chains built on it. Only chains is changed.
type state struct {
	anchors []*x509.Certificate
	pool    *x509.CertPool
	pins    map[fingerprint]bool
	archive map[fingerprint]bool
	minRSA  int
	chains  chainCache
}

type fingerprint = [sha256.Size]byte

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
	st := &state{
		anchors: append(anchors, o.AnchorCertificates...),
		pool:    x509.NewCertPool(),
		pins:    fingerprints(append(pins, o.PinCertificates...)),
		archive: fingerprints(append(archive, o.ArchiveCertificates...)),
		minRSA:  o.MinRSA,
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
		m[sha256.Sum256(c.Raw)] = true
	}
	return m
}

// Judge implements xmldsig.Trust.
func (s *Store) Judge(q xmldsig.TrustQuery) xmldsig.TrustAnswer {
	st := s.state.Load()
	var answer xmldsig.TrustAnswer
	answer.Faults = validity(q.Certificate, q.Time)
	if p, ok := s.options.Purposes[q.Type]; ok {
		answer.Faults = append(answer.Faults, p.judge(q.Certificate, q.Type)...)
	}
	print := sha256.Sum256(q.Certificate.Raw)
	if q.Type == xmldsig.TypeArchive && len(st.archive) > 0 {
		if !st.archive[print] {
			answer.Faults = append(answer.Faults, xmldsig.TrustFault{Rule: RuleNotThisArchive})
		}
		return answer
	}
	if st.pins[print] {
		return answer
	}
	chain, faults := st.chain(q, print)
	answer.Chain = chain
	answer.Faults = append(answer.Faults, faults...)
	return answer
}

// validity holds the signing time against the certificate's own validity.
func validity(c *x509.Certificate, at time.Time) []xmldsig.TrustFault {
	var rule string
	switch {
	case at.Before(c.NotBefore):
		rule = RuleNotYetValid
	case at.After(c.NotAfter):
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
	faults   []xmldsig.TrustFault
	from, to time.Time
}

func (e chainEntry) covers(at time.Time) bool { return !at.Before(e.from) && !at.After(e.to) }

// chainCache keeps chains by the SHA-256 of the signer's certificate, in two
// generations: what is in use stays, a flood of certificates costs bounded memory.
type chainCache struct {
	mu         sync.Mutex
	young, old map[fingerprint]chainEntry
}

const chainCacheSize = 4096 // entries in each generation

func (c *chainCache) get(key fingerprint, at time.Time) (chainEntry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.young[key]
	if !ok {
		if e, ok = c.old[key]; ok {
			c.putLocked(key, e)
		}
	}
	return e, ok && e.covers(at)
}

func (c *chainCache) put(key fingerprint, e chainEntry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.putLocked(key, e)
}

func (c *chainCache) putLocked(key fingerprint, e chainEntry) {
	if c.young == nil || len(c.young) >= chainCacheSize {
		c.old, c.young = c.young, make(map[fingerprint]chainEntry)
	}
	c.young[key] = e
}

// chain builds, or remembers, the chain of q's certificate at the signing time.
func (st *state) chain(q xmldsig.TrustQuery, print fingerprint) ([]*x509.Certificate, []xmldsig.TrustFault) {
	at := within(q.Certificate, q.Time)
	if e, ok := st.chains.get(print, at); ok {
		return e.chain, e.faults
	}
	e := st.build(q.Certificate, q.Intermediates, at)
	if len(e.faults) == 0 || len(q.Intermediates) == 0 {
		// A refusal might turn with other intermediates; it is kept only where none
		// were sent.
		st.chains.put(print, e)
	}
	return e.chain, e.faults
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
