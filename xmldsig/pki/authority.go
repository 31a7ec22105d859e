package pki

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"sync"
	"time"
)

// Options say what authority to make.
type Options struct {
	// Seed is what every key and serial number follows from. Same seed, same
	// Now, same other options: same bytes.
	Seed string `json:"seed"`
	// Now is the moment the authority is made; validities count from it.
	Now time.Time `json:"now"`
	// Algorithm is the algorithm of leafs' keys; default RSA2048.
	Algorithm Algorithm `json:"algorithm,omitempty"`
	// AuthorityAlgorithm is that of the root's and issuers' keys; default RSA2048.
	AuthorityAlgorithm Algorithm `json:"authority_algorithm,omitempty"`
	// BaseURL is where CRLs (/crl/NAME.crl), issuers' certificates (/ca/NAME.crt)
	// and OCSP (/ocsp/NAME) are served; default http://pki.portti.invalid.
	BaseURL string `json:"base_url,omitempty"`
	// Name is the authority's name (O); default "Portti kehitysvarmentaja TEST".
	Name string `json:"name,omitempty"`
}

func (o Options) withDefaults() Options {
	if o.Algorithm == "" {
		o.Algorithm = RSA2048
	}
	if o.AuthorityAlgorithm == "" {
		o.AuthorityAlgorithm = RSA2048
	}
	if o.BaseURL == "" {
		o.BaseURL = "http://pki.portti.invalid"
	}
	if o.Name == "" {
		o.Name = "Portti kehitysvarmentaja TEST"
	}
	o.Now = o.Now.UTC().Truncate(time.Second)
	return o
}

// Branch names one certificate authority of the four: the root or an issuer.
// It is also the name in addresses and files.
type Branch string

// The branches.
const (
	Root         Branch = "root"
	Service      Branch = "service"      // system signing certificates
	Professional Branch = "professional" // professionals' cards
	Server       Branch = "server"       // TLS servers and clients
)

// Branches lists the branches, the root first.
var Branches = []Branch{Root, Service, Professional, Server}

var branchNames = map[Branch][2]string{ // unit, common name
	Root:         {"", "Portti TEST Root CA - P1R"},
	Service:      {"Kehityksen palveluvarmenteet", "Portti TEST Service Certs - P1R"},
	Professional: {"Kehityksen ammattivarmenteet", "Portti TEST Professional Certs - P1R"},
	Server:       {"Kehityksen palvelinvarmenteet", "Portti TEST Server Certs - P1R"},
}

// Issuer is the root or one of the issuers.
type Issuer struct {
	Branch      Branch
	Certificate *x509.Certificate
	// Key is the issuer's key. Test keys only.
	Key crypto.Signer

	mu      sync.Mutex
	revoked map[string]Revocation // by serial in decimal
	issued  map[string]bool       // serials known to the OCSP responder
}

// Authority is the whole: root and issuers. It is safe for concurrent use.
type Authority struct {
	o       Options
	issuers map[Branch]*Issuer
	rogue   func() (*Authority, error)
}

// New makes the authority of o. It takes about a third of a second with 2048-bit
// keys on two cores the first time in a process, and next to nothing later.
// It returns an error for an unknown algorithm or a missing time.
func New(o Options) (*Authority, error) {
	if o.Now.IsZero() {
		return nil, errors.New("pki: Options.Now is not set")
	}
	a := &Authority{o: o.withDefaults(), issuers: make(map[Branch]*Issuer)}
	if _, err := a.o.Algorithm.bits(); err != nil {
		return nil, err
	}
	if err := warmKeys(a.o.Seed, a.o.AuthorityAlgorithm, Branches); err != nil {
		return nil, err
	}
	for _, b := range Branches {
		i, err := a.newIssuer(b)
		if err != nil {
			return nil, fmt.Errorf("pki: making the %s certificate: %w", b, err)
		}
		a.issuers[b] = i
	}
	a.setRogue()
	return a, nil
}

// setRogue prepares a second authority with the same names and other keys, whose
// certificates look right in everything but the signature.
func (a *Authority) setRogue() {
	a.rogue = sync.OnceValues(func() (*Authority, error) {
		o := a.o
		o.Seed += "/rogue"
		return New(o)
	})
}

// warmKeys makes the branches' keys side by side.
func warmKeys(seed string, alg Algorithm, bs []Branch) error {
	errs := make([]error, len(bs))
	var wg sync.WaitGroup
	for i, b := range bs {
		wg.Go(func() { _, errs[i] = Key(seed, "authority/"+string(b), alg) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (a *Authority) newIssuer(b Branch) (*Issuer, error) {
	key, err := Key(a.o.Seed, "authority/"+string(b), a.o.AuthorityAlgorithm)
	if err != nil {
		return nil, err
	}
	names := branchNames[b]
	subject, err := a.o.authorityName(names[0], names[1])
	if err != nil {
		return nil, err
	}
	years, parent, parentKey := 10, (*x509.Certificate)(nil), key
	t := &x509.Certificate{
		SerialNumber:          a.serial("authority/"+string(b), 16),
		RawSubject:            subject,
		NotBefore:             a.o.Now.AddDate(-3, 0, 0),
		BasicConstraintsValid: true,
		IsCA:                  true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		SignatureAlgorithm:    signatureAlgorithm(a.o.AuthorityAlgorithm),
	}
	if b == Root {
		years, parent = 20, t
	} else {
		parent, parentKey = a.issuers[Root].Certificate, a.issuers[Root].Key
		t.MaxPathLenZero = true
		a.addresses(t, Root)
	}
	t.NotAfter = a.o.Now.AddDate(years, 0, 0)
	cert, err := create(t, parent, key.Public(), parentKey)
	if err != nil {
		return nil, err
	}
	return &Issuer{Branch: b, Certificate: cert, Key: key, revoked: map[string]Revocation{}, issued: map[string]bool{}}, nil
}

// addresses sets where to ask for what the issuer b says of a certificate.
func (a *Authority) addresses(t *x509.Certificate, b Branch) {
	t.CRLDistributionPoints = []string{a.o.BaseURL + "/crl/" + string(b) + ".crl"}
	t.IssuingCertificateURL = []string{a.o.BaseURL + "/ca/" + string(b) + ".crt"}
	t.OCSPServer = []string{a.o.BaseURL + "/ocsp/" + string(b)}
}

// serial gives a positive serial number of that many octets from the seed.
func (a *Authority) serial(label string, octets int) *big.Int {
	buf := make([]byte, octets)
	if _, err := io.ReadFull(Stream(a.o.Seed, "serial/"+label), buf); err != nil {
		panic(err) // SHAKE never ends
	}
	buf[0] = buf[0]&0x3F | 0x40 // positive, and always of full length
	return new(big.Int).SetBytes(buf)
}

func signatureAlgorithm(a Algorithm) x509.SignatureAlgorithm {
	switch a {
	case P256:
		return x509.ECDSAWithSHA256
	case P384:
		return x509.ECDSAWithSHA384
	case RSA1024:
		return x509.SHA256WithRSA // too short for SHA-512
	default:
		return x509.SHA512WithRSA
	}
}

// create signs a certificate and reads it back. The subject key id is the first
// 20 octets of the key's SHA-256 (RFC 7093).
func create(t, parent *x509.Certificate, pub crypto.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	spki, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(spki)
	t.SubjectKeyId = sum[:20]
	if parent == t {
		t.AuthorityKeyId = t.SubjectKeyId
	}
	der, err := x509.CreateCertificate(bytes.NewReader(nil), t, parent, pub, key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// Options gives the options with their defaults filled in.
func (a *Authority) Options() Options { return a.o }

// Issuer gives the root or an issuer.
func (a *Authority) Issuer(b Branch) *Issuer { return a.issuers[b] }

// Rogue gives an authority with the same names and other keys: what it issues
// must be refused by whoever trusts this one.
func (a *Authority) Rogue() (*Authority, error) { return a.rogue() }

// Certificates gives the root's and the issuers' certificates, the root first:
// what a relying party keeps as anchors and intermediates.
func (a *Authority) Certificates() []*x509.Certificate {
	var cs []*x509.Certificate
	for _, b := range Branches {
		cs = append(cs, a.issuers[b].Certificate)
	}
	return cs
}

// Pool gives the root alone as a pool.
func (a *Authority) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.issuers[Root].Certificate)
	return p
}
