package pipeline

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"portti/internal/xmltree"
	"portti/store"
	"portti/xmldsig"
)

// SignWhen tells when the archive signs documents itself (type 4, kanta-interface
// 7.1; whether the national archive does so is not public: 17 #14).
type SignWhen string

// The times of signing.
const (
	// SignNever: documents go out as they came.
	SignNever SignWhen = "off"
	// SignOnStore: a signature is made when a document is archived, kept beside it,
	// and attached when the document is given out.
	SignOnStore SignWhen = "store"
	// SignOnReturn: a signature is made when a document is given out.
	SignOnReturn SignWhen = "return"
)

// ArchiveSigner makes the archive's own signatures. The zero value makes none. It
// is safe for concurrent use.
type ArchiveSigner struct {
	When        SignWhen
	Key         crypto.Signer
	Certificate *x509.Certificate
	Now         func() time.Time
	NewID       func() string
}

func (s *ArchiveSigner) options() xmldsig.SignOptions {
	return xmldsig.SignOptions{Key: s.Key, Certificate: s.Certificate, Time: s.Now(), ID: "archive-" + s.NewID()}
}

// beside gives the signature that is kept beside a document; nil where none is made:
// the switch is off, or the document has it already or no place for it.
func (s *ArchiveSigner) beside(j *Judgement) ([]byte, error) {
	if s == nil || s.When != SignOnStore {
		return nil, nil
	}
	sig, err := xmldsig.Countersignature(j.Document.Tree, j.Signatures, s.options())
	return sig, unlessUnsignable(err)
}

// countersign adds the archive's own signature to what will be archived.
func (m *message) countersign() {
	sig, err := m.Signer.beside(m.judged)
	if err != nil {
		m.broke(err)
		return
	}
	m.archival.Countersignature = sig
}

// unlessUnsignable passes on failures of ours: that a document cannot take the
// archive's signature is no fault.
func unlessUnsignable(err error) error {
	if errors.Is(err, xmldsig.ErrCountersigned) || errors.Is(err, xmldsig.ErrSignDocument) {
		return nil
	}
	return err
}

// Signatures is what Served needs of the archive; *store.Store is one.
type Signatures interface {
	Countersignature(context.Context, store.Scope, string) ([]byte, error)
}

// Served gives a document's octets as they are given out: as they came, or with the
// archive's own signature. v judges the document's signatures where it is signed
// now; st has the signatures made earlier.
func (s *ArchiveSigner) Served(ctx context.Context, v *xmldsig.Verifier, st Signatures, sc store.Scope, d *store.Document) ([]byte, error) {
	if s == nil || d.Disposed {
		return d.Bytes, nil
	}
	switch s.When {
	case SignOnStore:
		return s.attached(ctx, st, sc, d)
	case SignOnReturn:
		return s.signed(v, d)
	}
	return d.Bytes, nil
}

func (s *ArchiveSigner) attached(ctx context.Context, st Signatures, sc store.Scope, d *store.Document) ([]byte, error) {
	sig, err := st.Countersignature(ctx, sc, d.ID)
	if err != nil || len(sig) == 0 {
		return d.Bytes, err
	}
	return xmldsig.Attach(d.Bytes, sig, xmltree.Limits{Bytes: len(d.Bytes)})
}

// signed judges by the time of arrival: what was valid then is what the archive
// bears witness to.
func (s *ArchiveSigner) signed(v *xmldsig.Verifier, d *store.Document) ([]byte, error) {
	tree, err := xmltree.Parse(d.Bytes, xmltree.Limits{Bytes: len(d.Bytes)})
	if err != nil {
		return nil, fmt.Errorf("pipeline: stored document: %w", err)
	}
	out, err := xmldsig.Countersign(tree, v.DocumentAt(tree, d.Arrived), s.options())
	if err != nil {
		return d.Bytes, unlessUnsignable(err)
	}
	return out, nil
}
