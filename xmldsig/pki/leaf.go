package pki

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Kind is what a leaf certificate is for.
type Kind string

// The kinds.
const (
	KindSystem       Kind = "system"       // system signing (järjestelmäallekirjoitus)
	KindProfessional Kind = "professional" // a professional's card, signature key
	KindCard         Kind = "card"         // a professional's card, authentication key: TLS client
	KindServer       Kind = "server"       // TLS server
	KindClient       Kind = "client"       // TLS client
	KindStamp        Kind = "timestamp"    // time-stamp authority (RFC 3161)
)

// Fault is what is wrong with a certificate made on demand.
type Fault string

// The faults. A relying party must refuse a certificate with any of them.
const (
	NoFault     Fault = ""
	Expired     Fault = "expired"      // its last day was a month before Now
	NotYetValid Fault = "notyet"       // its first day is a month after Now
	Revoked     Fault = "revoked"      // on the list since a week before Now, cessation of operation
	Compromised Fault = "compromised"  // on the list since a week before Now, key compromise
	WrongUsage  Fault = "wrongpurpose" // key usage keyEncipherment alone, other policy
	WrongIssuer Fault = "wrongissuer"  // issuer of the same name, another key
	WrongBranch Fault = "wrongbranch"  // issued by another issuer of the same root
	WeakKey     Fault = "weakkey"      // RSA 1024
	WrongNumber Fault = "wrongnumber"  // no serialNumber in the subject
)

// Faults lists the faults.
var Faults = []Fault{Expired, NotYetValid, Revoked, Compromised, WrongUsage, WrongIssuer, WrongBranch, WeakKey, WrongNumber}

// Leaf is a certificate with its key.
type Leaf struct {
	Kind        Kind
	Certificate *x509.Certificate
	// Key is the leaf's key. Test keys only.
	Key    crypto.Signer
	Issuer *Issuer
	Fault  Fault
}

// Chain gives the certificate and its issuer's, without the root, as TLS wants it.
func (l *Leaf) Chain() []*x509.Certificate {
	return []*x509.Certificate{l.Certificate, l.Issuer.Certificate}
}

// TLS gives the leaf in the form of package crypto/tls.
func (l *Leaf) TLS() tls.Certificate {
	return tls.Certificate{
		Certificate: [][]byte{l.Certificate.Raw, l.Issuer.Certificate.Raw},
		// TLS 1.3 signs with PSS, which needs a salt: the bare key.
		PrivateKey: Unwrap(l.Key),
		Leaf:       l.Certificate,
	}
}

type leafOptions struct {
	fault     Fault
	algorithm Algorithm
	from, to  time.Time
	dns       []string
	ips       []net.IP
}

// LeafOption changes one thing of a leaf.
type LeafOption func(*leafOptions)

// WithFault makes a certificate that must be refused.
func WithFault(f Fault) LeafOption { return func(o *leafOptions) { o.fault = f } }

// WithAlgorithm sets the algorithm of the leaf's key.
func WithAlgorithm(a Algorithm) LeafOption { return func(o *leafOptions) { o.algorithm = a } }

// WithValidity sets the first and last moment.
func WithValidity(from, to time.Time) LeafOption {
	return func(o *leafOptions) { o.from, o.to = from, to }
}

// WithHosts sets the DNS names and addresses of a TLS server.
func WithHosts(hosts ...string) LeafOption {
	return func(o *leafOptions) {
		for _, h := range hosts {
			if ip := net.ParseIP(h); ip != nil {
				o.ips = append(o.ips, ip)
			} else {
				o.dns = append(o.dns, h)
			}
		}
	}
}

// profile is what tells the kinds apart.
type profile struct {
	branch   Branch
	wrong    Branch // the issuer of WrongBranch
	usage    x509.KeyUsage
	extended []x509.ExtKeyUsage
	policies []asn1.ObjectIdentifier
	years    int
	serial   int // octets of the serial number
	qc       bool
}

// profiles by kind (kanta-interface 15.1, 15.2): a system's certificate lives two
// years, a professional's five, a server's one.
var profiles = map[Kind]profile{
	KindSystem: {Service, Server, x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment, nil,
		[]asn1.ObjectIdentifier{policyOVCP, PolicySystem}, 2, 15, false},
	KindProfessional: {Professional, Service, x509.KeyUsageContentCommitment, nil,
		[]asn1.ObjectIdentifier{PolicyProfessional}, 5, 4, true},
	KindCard: {Professional, Service, x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		[]asn1.ObjectIdentifier{PolicyProfessional}, 5, 4, false},
	KindServer: {Server, Service, x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		[]x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		[]asn1.ObjectIdentifier{policyOVCP, PolicyServer}, 1, 16, false},
	KindClient: {Server, Service, x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		[]x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		[]asn1.ObjectIdentifier{policyOVCP, PolicyServer}, 1, 16, false},
	KindStamp: {Service, Server, x509.KeyUsageDigitalSignature,
		[]x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping},
		[]asn1.ObjectIdentifier{policyOVCP, PolicySystem}, 2, 15, false},
}

// System issues a system signing certificate.
func (a *Authority) System(org Organisation, opts ...LeafOption) (*Leaf, error) {
	return a.issue(KindSystem, org.OID+"/"+org.System, org.subject, opts)
}

// Professional issues the signature certificate of a professional's card.
func (a *Authority) Professional(p Person, opts ...LeafOption) (*Leaf, error) {
	return a.issue(KindProfessional, p.Number, p.subject, opts)
}

// Card issues the authentication certificate of a professional's card, by which its
// holder logs in.
func (a *Authority) Card(p Person, opts ...LeafOption) (*Leaf, error) {
	return a.issue(KindCard, p.Number, p.subject, opts)
}

// Server issues a TLS server's certificate; give the hosts with [WithHosts].
func (a *Authority) Server(org Organisation, opts ...LeafOption) (*Leaf, error) {
	return a.issue(KindServer, org.OID+"/"+org.System, org.subject, opts)
}

// Client issues a TLS client's certificate.
func (a *Authority) Client(org Organisation, opts ...LeafOption) (*Leaf, error) {
	return a.issue(KindClient, org.OID+"/"+org.System, org.subject, opts)
}

// Stamper issues a time-stamp authority's certificate.
func (a *Authority) Stamper(org Organisation, opts ...LeafOption) (*Leaf, error) {
	return a.issue(KindStamp, org.OID+"/"+org.System, org.subject, opts)
}

// issue makes a leaf. The label names its key, so that the certificates of one
// subject, faulty ones too, share a key.
func (a *Authority) issue(kind Kind, label string, subject func() ([]byte, error), opts []LeafOption) (*Leaf, error) {
	var o leafOptions
	for _, opt := range opts {
		opt(&o)
	}
	p := profiles[kind]
	if o.fault == WrongIssuer {
		return a.issueRogue(kind, label, subject, opts)
	}
	issuer := a.issuers[p.branch]
	if o.fault == WrongBranch {
		issuer = a.issuers[p.wrong]
	}
	label = string(kind) + "/" + label
	alg := o.algorithm
	if alg == "" {
		alg = a.o.Algorithm
	}
	if o.fault == WeakKey {
		alg = RSA1024
	}
	key, err := Key(a.o.Seed, label, alg)
	if err != nil {
		return nil, err
	}
	t, err := a.template(p, issuer, &o, label+"/"+string(alg)+"/"+string(o.fault), subject)
	if err != nil {
		return nil, err
	}
	cert, err := create(t, issuer.Certificate, key.Public(), issuer.Key)
	if err != nil {
		return nil, fmt.Errorf("pki: issuing a %s certificate: %w", kind, err)
	}
	leaf := &Leaf{Kind: kind, Certificate: cert, Key: key, Issuer: issuer, Fault: o.fault}
	issuer.know(cert)
	switch o.fault {
	case Revoked:
		a.Revoke(cert, a.o.Now.AddDate(0, 0, -7), CessationOfOperation)
	case Compromised:
		a.Revoke(cert, a.o.Now.AddDate(0, 0, -7), KeyCompromise)
	}
	return leaf, nil
}

// issueRogue lets the authority of the same names and other keys issue it.
func (a *Authority) issueRogue(kind Kind, label string, subject func() ([]byte, error), opts []LeafOption) (*Leaf, error) {
	r, err := a.rogue()
	if err != nil {
		return nil, err
	}
	leaf, err := r.issue(kind, label, subject, append(opts[:len(opts):len(opts)], WithFault(NoFault)))
	if err != nil {
		return nil, err
	}
	leaf.Fault = WrongIssuer
	return leaf, nil
}

func (a *Authority) template(p profile, issuer *Issuer, o *leafOptions, label string, subject func() ([]byte, error)) (*x509.Certificate, error) {
	raw, err := subject()
	if err != nil {
		return nil, err
	}
	from, to := a.validity(p, o)
	usage, policies := p.usage, p.policies
	switch o.fault {
	case WrongUsage:
		usage, policies = x509.KeyUsageKeyEncipherment, []asn1.ObjectIdentifier{{1, 2, 246, 517, 99, 10, 399, 1}}
	case WrongNumber:
		raw, err = withoutSerialNumber(raw)
	}
	if err != nil {
		return nil, err
	}
	ext, err := a.o.policies(policies...)
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber:          a.serial(fmt.Sprintf("%s/%d/%d", label, from.Unix(), to.Unix()), p.serial),
		RawSubject:            raw,
		NotBefore:             from,
		NotAfter:              to,
		KeyUsage:              usage,
		ExtKeyUsage:           p.extended,
		BasicConstraintsValid: true,
		DNSNames:              o.dns,
		IPAddresses:           o.ips,
		SignatureAlgorithm:    signatureAlgorithm(a.o.AuthorityAlgorithm),
		ExtraExtensions:       []pkix.Extension{ext},
	}
	a.addresses(t, issuer.Branch)
	if p.qc {
		qc, err := qcStatements()
		if err != nil {
			return nil, err
		}
		t.ExtraExtensions = append(t.ExtraExtensions, qc)
	}
	return t, nil
}

// validity gives the first and the last moment: a quarter of the life lies before
// the authority's clock, so that documents of the last months can be signed.
func (a *Authority) validity(p profile, o *leafOptions) (from, to time.Time) {
	now := a.o.Now
	from = now.AddDate(0, -3*p.years, 0)
	switch o.fault {
	case Expired:
		from = now.AddDate(-p.years, -1, 0)
	case NotYetValid:
		from = now.AddDate(0, 1, 0)
	}
	to = from.AddDate(p.years, 0, 0).Add(-time.Second)
	if !o.from.IsZero() {
		from, to = o.from, o.to
	}
	return from, to
}

func withoutSerialNumber(raw []byte) ([]byte, error) {
	var seq pkix.RDNSequence
	if rest, err := asn1.Unmarshal(raw, &seq); err != nil || len(rest) > 0 {
		return nil, errors.Join(errors.New("pki: broken subject"), err)
	}
	var kept pkix.RDNSequence
	for _, rdn := range seq {
		if !rdn[0].Type.Equal(oidSerialNumber) {
			kept = append(kept, rdn)
		}
	}
	return asn1.Marshal(kept)
}

// know makes the serial known to the OCSP responder.
func (i *Issuer) know(c *x509.Certificate) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.issued[c.SerialNumber.String()] = true
}

// Prepare makes the keys of many leafs side by side, so that issuing them one
// after another is quick. The labels are those of [Authority.System] and its
// like: kind, then OID and system name, or the registration number.
func (a *Authority) Prepare(alg Algorithm, orgs []Organisation, people []Person, kinds ...Kind) error {
	if alg == "" {
		alg = a.o.Algorithm
	}
	var labels []string
	for _, k := range kinds {
		for _, o := range orgs {
			labels = append(labels, string(k)+"/"+o.OID+"/"+o.System)
		}
	}
	for _, p := range people {
		labels = append(labels, string(KindProfessional)+"/"+p.Number)
	}
	errs := make([]error, len(labels))
	var wg sync.WaitGroup
	for i, l := range labels {
		wg.Go(func() { _, errs[i] = Key(a.o.Seed, l, alg) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
