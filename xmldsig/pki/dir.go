package pki

import (
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"time"
)

// An authority in a directory:
//
//	authority.json        options and the seed (0600)
//	BRANCH.crt BRANCH.key root's and issuers' certificates; keys 0600
//	anchors.pem           all four certificates, the root first
//	crl/BRANCH.crl        revocation lists (DER)
//	leafs/NAME.crt .key   what was issued; .crt holds leaf and issuer
//	leafs/NAME.json       what was asked for
//	revoked.json          what was revoked since, by [Revoke]
const (
	stateFile   = "authority.json"
	revokedFile = "revoked.json"
)

// Request asks for one leaf in a directory.
type Request struct {
	// Name is the files' name: letters, digits, '-', '_' and '.'.
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
	// Organisation is the subject of all kinds but the professional's.
	Organisation Organisation `json:"organisation,omitzero"`
	Person       Person       `json:"person,omitzero"`
	Fault        Fault        `json:"fault,omitempty"`
	Algorithm    Algorithm    `json:"algorithm,omitempty"`
	// Hosts are a server's DNS names and addresses.
	Hosts []string `json:"hosts,omitempty"`
}

// Init makes an authority and writes it into dir, which must be missing or
// empty. Keys are written readable to the owner alone.
func Init(dir string, o Options) (*Authority, error) {
	a, err := New(o)
	if err != nil {
		return nil, err
	}
	if es, err := os.ReadDir(dir); err == nil && len(es) > 0 {
		return nil, fmt.Errorf("pki: %s is not empty: give another directory, or remove it first", dir)
	}
	for _, d := range []string{dir, filepath.Join(dir, "crl"), filepath.Join(dir, "leafs")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return nil, err
		}
	}
	return a, a.write(dir)
}

func (a *Authority) write(dir string) error {
	state, err := json.MarshalIndent(a.o, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, stateFile), append(state, '\n'), 0o600); err != nil {
		return err
	}
	var anchors []byte
	for _, b := range Branches {
		i := a.issuers[b]
		if err := writePair(filepath.Join(dir, string(b)), i.Key, i.Certificate); err != nil {
			return err
		}
		anchors = append(anchors, EncodeCertificates(i.Certificate)...)
	}
	if err := os.WriteFile(filepath.Join(dir, "anchors.pem"), anchors, 0o644); err != nil {
		return err
	}
	return a.writeCRLs(dir)
}

func (a *Authority) writeCRLs(dir string) error {
	for _, b := range Branches {
		made := a.o.Now
		for _, r := range a.issuers[b].Revocations() {
			if r.Time.After(made) {
				made = r.Time // a list does not know what comes after it
			}
		}
		// Lists in files have nobody to renew them: they are good for a year.
		der, err := a.issuers[b].CRLFor(made, a.o.Now.AddDate(1, 0, 0))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "crl", string(b)+".crl"), der, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func writePair(base string, key crypto.Signer, certs ...*x509.Certificate) error {
	k, err := EncodeKey(key)
	if err != nil {
		return err
	}
	if err := os.WriteFile(base+".key", k, 0o600); err != nil {
		return err
	}
	return os.WriteFile(base+".crt", EncodeCertificates(certs...), 0o644)
}

// EncodeKey gives a private key in PEM (PKCS #8).
func EncodeKey(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(Unwrap(key))
	if err != nil {
		return nil, fmt.Errorf("pki: encoding a key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// EncodeCertificates gives certificates in PEM, one after another.
func EncodeCertificates(certs ...*x509.Certificate) []byte {
	var out []byte
	for _, c := range certs {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return out
}

// Load reads the authority of a directory, with everything it has issued.
func Load(dir string) (*Authority, error) {
	state, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err != nil {
		return nil, fmt.Errorf("pki: no authority in %s: make one with portti pki init: %w", dir, err)
	}
	var o Options
	if err := json.Unmarshal(state, &o); err != nil {
		return nil, fmt.Errorf("pki: %s: %w", stateFile, err)
	}
	a, err := New(o)
	if err != nil {
		return nil, err
	}
	reqs, err := requests(dir)
	if err != nil {
		return nil, err
	}
	for _, r := range reqs {
		if _, err := a.Issue(r); err != nil {
			return nil, err
		}
	}
	return a, a.loadRevoked(dir)
}

// loadRevoked reads what was revoked by Revoke.
func (a *Authority) loadRevoked(dir string) error {
	list, err := readRevoked(dir)
	if err != nil {
		return err
	}
	for _, r := range list {
		i := a.issuers[r.Issuer]
		if i == nil {
			return fmt.Errorf("pki: %s: no issuer %q", revokedFile, r.Issuer)
		}
		i.revoke(r.Revocation)
	}
	return nil
}

// revokedEntry is one revocation of revoked.json.
type revokedEntry struct {
	Issuer Branch `json:"issuer"`
	Revocation
}

func readRevoked(dir string) (list []revokedEntry, err error) {
	b, err := os.ReadFile(filepath.Join(dir, revokedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &list)
	}
	return list, err
}

// Revoke revokes a leaf of the directory by its name, for good, and writes new
// revocation lists. It returns an error where there is no such leaf.
func Revoke(dir, name string, at time.Time, why Reason) error {
	a, err := Load(dir)
	if err != nil {
		return err
	}
	leaf, err := a.named(dir, name)
	if err != nil {
		return err
	}
	list, err := readRevoked(dir)
	if err != nil {
		return err
	}
	list = append(list, revokedEntry{leaf.Issuer.Branch, Revocation{leaf.Certificate.SerialNumber, at.UTC().Truncate(time.Second), why}})
	b, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, revokedFile), append(b, '\n'), 0o644); err != nil {
		return err
	}
	a.Revoke(leaf.Certificate, at, why)
	return a.writeCRLs(dir)
}

// named gives the leaf that was issued under a name.
func (a *Authority) named(dir, name string) (*Leaf, error) {
	reqs, err := requests(dir)
	if err != nil {
		return nil, err
	}
	for _, r := range reqs {
		if r.Name == name {
			return a.Issue(r)
		}
	}
	return nil, fmt.Errorf("pki: nothing was issued under the name %q: see portti pki show", name)
}

func requests(dir string) ([]Request, error) {
	files, err := filepath.Glob(filepath.Join(dir, "leafs", "*.json"))
	if err != nil {
		return nil, err
	}
	sort.Strings(files)
	var reqs []Request
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		var r Request
		if err := json.Unmarshal(b, &r); err != nil {
			return nil, fmt.Errorf("pki: %s: %w", f, err)
		}
		reqs = append(reqs, r)
	}
	return reqs, nil
}

// Issue issues what a Request asks for, without writing it anywhere. It returns
// an error that names what is missing.
func (a *Authority) Issue(r Request) (*Leaf, error) {
	if r.Fault != NoFault && !known(r.Fault) {
		return nil, fmt.Errorf("pki: unknown fault %q: use one of %v", r.Fault, Faults)
	}
	opts := []LeafOption{WithFault(r.Fault), WithAlgorithm(r.Algorithm), WithHosts(r.Hosts...)}
	if r.Kind == KindProfessional || r.Kind == KindCard {
		if len(r.Person.Number) != 11 || r.Person.Family == "" {
			return nil, errors.New("pki: a professional needs names and a registration number of 11 digits")
		}
		return a.issue(r.Kind, r.Person.Number, r.Person.subject, opts)
	}
	if r.Organisation.OID == "" || r.Organisation.Name == "" || r.Organisation.System == "" {
		return nil, fmt.Errorf("pki: a %s certificate needs the organisation's OID and name and the system's name", r.Kind)
	}
	switch r.Kind {
	case KindSystem:
		return a.System(r.Organisation, opts...)
	case KindServer:
		return a.Server(r.Organisation, opts...)
	case KindClient:
		return a.Client(r.Organisation, opts...)
	case KindStamp:
		return a.Stamper(r.Organisation, opts...)
	default:
		return nil, fmt.Errorf("pki: unknown kind %q: use system, professional, card, server, client or timestamp", r.Kind)
	}
}

func known(f Fault) bool {
	for _, k := range Faults {
		if f == k {
			return true
		}
	}
	return false
}

var fileName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Issue issues a leaf by the authority of dir and writes it into leafs/, with
// new revocation lists. It returns an error where the name is taken.
func Issue(dir string, r Request) (*Leaf, error) {
	if !fileName.MatchString(r.Name) {
		return nil, fmt.Errorf("pki: %q cannot be a file name: use letters, digits, '-', '_' and '.'", r.Name)
	}
	base := filepath.Join(dir, "leafs", r.Name)
	if _, err := os.Stat(base + ".json"); err == nil {
		return nil, fmt.Errorf("pki: %s is already issued: give another name", r.Name)
	}
	a, err := Load(dir)
	if err != nil {
		return nil, err
	}
	leaf, err := a.Issue(r)
	if err != nil {
		return nil, err
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, err
	}
	if err := WriteLeaf(base, leaf); err != nil {
		return nil, err
	}
	if err := os.WriteFile(base+".json", append(b, '\n'), 0o644); err != nil {
		return nil, err
	}
	return leaf, a.writeCRLs(dir)
}

// WriteLeaf writes base.crt (leaf and issuer) and base.key (0600).
func WriteLeaf(base string, l *Leaf) error { return writePair(base, l.Key, l.Chain()...) }

// Summary tells of one certificate.
type Summary struct {
	Name      string    `json:"name"`
	Kind      string    `json:"kind"`
	Subject   string    `json:"subject"`
	Issuer    string    `json:"issuer"`
	Serial    string    `json:"serial"`
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
	Fault     Fault     `json:"fault,omitempty"`
	// Revoked is when the certificate was revoked, nil where it was not.
	Revoked *time.Time `json:"revoked,omitempty"`
	Files   []string   `json:"files"`
}

// Show tells what stands in the directory: the authority's certificates, then
// the leafs by name.
func Show(dir string) ([]Summary, error) {
	a, err := Load(dir)
	if err != nil {
		return nil, err
	}
	var out []Summary
	for _, b := range Branches {
		s := summary(string(b), "authority", a.issuers[b].Certificate)
		s.Files = []string{string(b) + ".crt", string(b) + ".key", "crl/" + string(b) + ".crl"}
		out = append(out, s)
	}
	reqs, err := requests(dir)
	if err != nil {
		return nil, err
	}
	for _, r := range reqs {
		leaf, err := a.Issue(r)
		if err != nil {
			return nil, err
		}
		s := summary(r.Name, string(r.Kind), leaf.Certificate)
		s.Fault = r.Fault
		s.Revoked = leaf.Issuer.revokedAt(leaf.Certificate)
		s.Files = []string{"leafs/" + r.Name + ".crt", "leafs/" + r.Name + ".key"}
		out = append(out, s)
	}
	return out, nil
}

func summary(name, kind string, c *x509.Certificate) Summary {
	return Summary{Name: name, Kind: kind, Subject: nameText(c.Subject), Issuer: nameText(c.Issuer),
		Serial: c.SerialNumber.Text(16), NotBefore: c.NotBefore, NotAfter: c.NotAfter}
}
