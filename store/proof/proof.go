// Package proof makes and checks the archive's proofs of integrity. It knows no
// database: what it says can be checked with a proof's own bytes and the checkpoint
// key alone. PROOFS.md beside it documents the formats, so that another program can.
//
// Every document version and log row is a leaf of an append-only Merkle tree (RFC
// 6962, SHA-256). A checkpoint is a signed note (golang.org/x/mod/sumdb/note, Ed25519)
// over the tree's size and root.
package proof

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
)

// The formats.
const (
	FormatInclusion   = "portti-inclusion-proof/1"
	FormatConsistency = "portti-consistency-proof/1"
)

// The kinds of leaves that people ask for; others are deeds (store's leaf.go).
const (
	KindDocument   = 1
	KindUsage      = 2
	KindDisclosure = 3
)

// Checkpoint is the tree at one time, as its signed note says.
type Checkpoint struct {
	// Origin names the archive.
	Origin string
	Size   int64
	Root   [sha256.Size]byte
	// At is the archive's clock.
	At time.Time
	// Note is the signed note.
	Note string
}

const atPrefix = "at "

// body is what is signed.
func (c *Checkpoint) body() string {
	return fmt.Sprintf("%s\n%d\n%s\n%s%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]),
		atPrefix, c.At.UTC().Format(time.RFC3339Nano))
}

// Key signs checkpoints.
type Key struct {
	private  ed25519.PrivateKey
	verifier note.Verifier
	text     string
}

// NewKey makes the key of an archive from a seed of 32 bytes.
func NewKey(origin string, seed []byte) (*Key, error) {
	k := &Key{private: ed25519.NewKeyFromSeed(seed)}
	var err error
	if k.text, err = note.NewEd25519VerifierKey(origin, k.private.Public().(ed25519.PublicKey)); err != nil {
		return nil, err
	}
	k.verifier, err = note.NewVerifier(k.text)
	return k, err
}

// Public gives the key that checkpoints are checked with, in the form of package note:
// name, hash and key with "+" between.
func (k *Key) Public() string { return k.text }

// PublicKey gives the bare key.
func (k *Key) PublicKey() ed25519.PublicKey { return k.private.Public().(ed25519.PublicKey) }

// Name, KeyHash and Sign make a Key a note.Signer.
func (k *Key) Name() string { return k.verifier.Name() }

// KeyHash implements note.Signer.
func (k *Key) KeyHash() uint32 { return k.verifier.KeyHash() }

// Sign implements note.Signer.
func (k *Key) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(k.private, msg), nil }

// Checkpoint makes the checkpoint of a tree.
func (k *Key) Checkpoint(size int64, root []byte, at time.Time) (*Checkpoint, error) {
	c := &Checkpoint{Origin: k.Name(), Size: size, At: at.UTC()}
	copy(c.Root[:], root)
	b, err := note.Sign(&note.Note{Text: c.body()}, k)
	c.Note = string(b)
	return c, err
}

// ErrInvalid is in every error that says that a proof does not hold.
var ErrInvalid = errors.New("the proof does not hold")

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrInvalid, fmt.Errorf(format, args...))
}

// Open checks a signed note with a public key and reads it.
func Open(signed, public string) (*Checkpoint, error) {
	v, err := note.NewVerifier(strings.TrimSpace(public))
	if err != nil {
		return nil, fmt.Errorf("checkpoint key: %w", err)
	}
	n, err := note.Open([]byte(signed), note.VerifierList(v))
	if err != nil {
		return nil, invalid("checkpoint: %w", err)
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 5 || lines[0] != v.Name() || !strings.HasPrefix(lines[3], atPrefix) {
		return nil, invalid("checkpoint: it is no archive's")
	}
	c := &Checkpoint{Origin: lines[0], Note: signed}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != sha256.Size {
		return nil, invalid("checkpoint: its root is malformed")
	}
	copy(c.Root[:], root)
	if c.Size, err = strconv.ParseInt(lines[1], 10, 64); err != nil || c.Size < 0 {
		return nil, invalid("checkpoint: its size is malformed")
	}
	if c.At, err = time.Parse(time.RFC3339Nano, lines[3][len(atPrefix):]); err != nil {
		return nil, invalid("checkpoint: its time is malformed")
	}
	return c, nil
}

// Field is one field of a record: exactly one of Text, Int and Bytes is set.
type Field struct {
	Name  string  `json:"name"`
	Text  *string `json:"text,omitempty"`
	Int   *int64  `json:"int,omitempty"`
	Bytes *[]byte `json:"bytes,omitempty"`
}

// String gives the value for people: bytes as text where they are text, else in hex.
func (f *Field) String() string {
	switch {
	case f.Text != nil:
		return *f.Text
	case f.Int != nil:
		return strconv.FormatInt(*f.Int, 10)
	case f.Bytes == nil:
		return ""
	case utf8.Valid(*f.Bytes) && !bytes.ContainsFunc(*f.Bytes, unicode.IsControl):
		return string(*f.Bytes)
	}
	return hex.EncodeToString(*f.Bytes)
}

// value is the field's bytes in the record.
func (f *Field) value() ([]byte, error) {
	switch {
	case f.Text != nil && f.Int == nil && f.Bytes == nil:
		return []byte(*f.Text), nil
	case f.Int != nil && f.Text == nil && f.Bytes == nil:
		return binary.BigEndian.AppendUint64(nil, uint64(*f.Int)), nil
	case f.Bytes != nil && f.Text == nil && f.Int == nil:
		return *f.Bytes, nil
	}
	return nil, invalid("field %s has not exactly one value", f.Name)
}

// Inclusion proves that a record is in an archive's tree. Where Fields are missing
// it proves only that Entry is.
type Inclusion struct {
	Format string `json:"format"`
	// Subject says what it is about, for people.
	Subject string  `json:"subject"`
	Kind    byte    `json:"kind"`
	Salt    []byte  `json:"salt,omitempty"`
	Fields  []Field `json:"fields,omitempty"`
	// Entry is the hash of kind, salt and record.
	Entry  []byte   `json:"entry"`
	Index  int64    `json:"index"`
	Hashes [][]byte `json:"hashes"`
	// Checkpoint is the signed note; Stamp its time stamp (RFC 3161), if it has one.
	Checkpoint string `json:"checkpoint"`
	Stamp      []byte `json:"stamp,omitempty"`
}

// Entry is the hash of a record that becomes a leaf of the tree: see store's leaf.go.
func Entry(kind byte, salt, record []byte) []byte {
	h := sha256.New()
	io.WriteString(h, "portti leaf 1\x00")
	h.Write([]byte{kind})
	h.Write(salt)
	h.Write(record)
	return h.Sum(nil)
}

// record puts the fields together as they were hashed.
func (p *Inclusion) record() ([]byte, error) {
	var b []byte
	for i := range p.Fields {
		v, err := p.Fields[i].value()
		if err != nil {
			return nil, err
		}
		b = binary.BigEndian.AppendUint64(b, uint64(len(v)))
		b = append(b, v...)
	}
	return b, nil
}

// Field gives a field by name, nil where there is none.
func (p *Inclusion) Field(name string) *Field {
	for i := range p.Fields {
		if p.Fields[i].Name == name {
			return &p.Fields[i]
		}
	}
	return nil
}

// Verify checks the proof with the checkpoint key and gives the checkpoint.
func (p *Inclusion) Verify(public string) (*Checkpoint, error) {
	if p.Format != FormatInclusion {
		return nil, invalid("format %q", p.Format)
	}
	c, err := Open(p.Checkpoint, public)
	if err != nil {
		return nil, err
	}
	if len(p.Fields) > 0 {
		r, err := p.record()
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(Entry(p.Kind, p.Salt, r), p.Entry) {
			return nil, invalid("the record is not that of the leaf")
		}
	}
	if p.Index < 0 || p.Index >= c.Size {
		return nil, invalid("leaf %d is not of a tree of %d", p.Index, c.Size)
	}
	h := rfc6962.DefaultHasher
	if err := proof.VerifyInclusion(h, uint64(p.Index), uint64(c.Size), h.HashLeaf(p.Entry), p.Hashes, c.Root[:]); err != nil {
		return nil, invalid("%w", err)
	}
	return c, nil
}

// VerifyDocument is Verify for the proof of a document, held against its bytes.
func (p *Inclusion) VerifyDocument(public string, document []byte) (*Checkpoint, error) {
	c, err := p.Verify(public)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(document)
	f := p.Field("sha256")
	if f == nil || f.Bytes == nil || !bytes.Equal(*f.Bytes, sum[:]) {
		return nil, invalid("it is not of this document")
	}
	return c, nil
}

// Consistency proves that the tree of one checkpoint is the beginning of another's:
// nothing was changed or taken out between them.
type Consistency struct {
	Format string   `json:"format"`
	From   string   `json:"from"`
	To     string   `json:"to"`
	Hashes [][]byte `json:"hashes"`
}

// Verify checks the proof with the checkpoint key.
func (p *Consistency) Verify(public string) (from, to *Checkpoint, err error) {
	if p.Format != FormatConsistency {
		return nil, nil, invalid("format %q", p.Format)
	}
	if from, err = Open(p.From, public); err != nil {
		return nil, nil, err
	}
	if to, err = Open(p.To, public); err != nil {
		return nil, nil, err
	}
	err = proof.VerifyConsistency(rfc6962.DefaultHasher, uint64(from.Size), uint64(to.Size), p.Hashes, from.Root[:], to.Root[:])
	if err != nil {
		return nil, nil, invalid("%w", err)
	}
	return from, to, nil
}

// Read reads a proof of either kind: one of the results is nil.
func Read(b []byte) (*Inclusion, *Consistency, error) {
	var head struct {
		Format string `json:"format"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, nil, invalid("it is no JSON: %w", err)
	}
	var into any
	in, con := new(Inclusion), new(Consistency)
	switch head.Format {
	case FormatInclusion:
		into, con = in, nil
	case FormatConsistency:
		into, in = con, nil
	default:
		return nil, nil, invalid("unknown format %q", head.Format)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields() // what is not proven must not be read as if it were
	if err := d.Decode(into); err != nil {
		return nil, nil, invalid("%w", err)
	}
	return in, con, nil
}
