package report

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// Signature is the file beside a signed report (FILE.sig). What it says of the run is
// signed with the report's bytes, whatever their format.
type Signature struct {
	Algorithm string `json:"algorithm"`
	// Key is the public key, base64; Fingerprint the hexadecimal SHA-256 of it.
	Key         string `json:"key"`
	Fingerprint string `json:"fingerprint"`
	SHA256      string `json:"sha256"`
	Signature   string `json:"signature"`
	About
}

// About is what a signature says of the run: the versions of suite, cases and rules,
// the target, and the result in numbers.
type About struct {
	Suite  string   `json:"suite"`
	Cases  Versions `json:"cases"`
	Rules  string   `json:"rules"`
	Target Target   `json:"target"`
	Trial  string   `json:"trial,omitempty"`
	Counts Counts   `json:"counts"`
}

func (r *Run) about() About {
	return About{Suite: r.Suite, Cases: r.Cases, Rules: r.Rules, Target: r.Target, Trial: r.Trial, Counts: r.Count()}
}

// signed is what the signature is over: what is said of the run in a line, then the
// report.
func (a About) signed(doc []byte) ([]byte, error) {
	head, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	return slices.Concat([]byte(signedPrefix), head, []byte("\n"), doc), nil
}

// algorithm is the one that there is.
const algorithm = "Ed25519"

// signedPrefix keeps a report's signature from being taken for one over anything else.
const signedPrefix = "portti conformance report v2\n"

// Errors of verifying.
var (
	ErrChanged   = errors.New("report: the signature does not fit the report: one of them was changed")
	ErrOtherKey  = errors.New("report: signed by another key than the one expected")
	ErrNotReport = errors.New("report: this is no JSON report of portti conformance")
)

// Key reads the Ed25519 key (PKCS#8, PEM) that signs, or makes the file where there
// is none.
func Key(name string) (ed25519.PrivateKey, error) {
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return newKey(name)
	}
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("report: %s is no PEM file", name)
	}
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("report: %s: %w", name, err)
	}
	key, ok := k.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("report: %s is no Ed25519 key", name)
	}
	return key, nil
}

func newKey(name string) (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return key, errors.Join(pem.Encode(f, &pem.Block{Type: "PRIVATE KEY", Bytes: der}), f.Close())
}

// Fingerprint names a public key.
func Fingerprint(k ed25519.PublicKey) string {
	sum := sha256.Sum256(k)
	return hex.EncodeToString(sum[:])
}

// Sign makes the signature of a report, written in any format.
func (r *Run) Sign(key ed25519.PrivateKey, doc []byte) (*Signature, error) {
	about := r.about()
	whole, err := about.signed(doc)
	if err != nil {
		return nil, err
	}
	public := key.Public().(ed25519.PublicKey)
	sum := sha256.Sum256(doc)
	return &Signature{
		Algorithm: algorithm, Key: base64.StdEncoding.EncodeToString(public), Fingerprint: Fingerprint(public),
		SHA256: hex.EncodeToString(sum[:]), Signature: base64.StdEncoding.EncodeToString(ed25519.Sign(key, whole)), About: about,
	}, nil
}

// Parse reads a JSON report. The error is ErrNotReport.
func Parse(doc []byte) (*Run, error) {
	var r Run
	if err := json.Unmarshal(doc, &r); err != nil || r.Suite == "" || r.Cases.Digest == "" {
		return nil, ErrNotReport
	}
	return &r, nil
}

// Verify checks a report of any format against its signature, and the key against a
// fingerprint where one is given. What the signature says of the run is signed too, and
// must be what a JSON report says.
func Verify(doc, signature []byte, fingerprint string) (*Signature, error) {
	var s Signature
	if err := json.Unmarshal(signature, &s); err != nil || s.Algorithm != algorithm {
		return nil, ErrChanged
	}
	whole, err := s.signed(doc)
	if err != nil {
		return nil, err
	}
	key, err1 := base64.StdEncoding.DecodeString(s.Key)
	sig, err2 := base64.StdEncoding.DecodeString(s.Signature)
	if err1 != nil || err2 != nil || len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, whole, sig) {
		return nil, ErrChanged
	}
	if fingerprint != "" && fingerprint != Fingerprint(key) {
		return nil, ErrOtherKey
	}
	sum := sha256.Sum256(doc)
	if s.SHA256 != hex.EncodeToString(sum[:]) || s.Fingerprint != Fingerprint(key) {
		return nil, ErrChanged
	}
	if r, err := Parse(doc); err == nil && r.about() != s.About {
		return nil, ErrChanged
	}
	return &s, nil
}
