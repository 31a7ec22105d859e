package pipeline

import (
	"bytes"
	"context"
	"errors"

	"portti/internal/finding"
	"portti/internal/xmltree"
	"portti/store"
	"portti/xmldsig"
)

// Shelf is where the other documents of a multi-document signature are looked up;
// *store.Store is one.
type Shelf interface {
	Document(ctx context.Context, sc store.Scope, id string) (*store.Document, error)
}

// together holds the other documents that a multi-document signature (type 2,
// kanta-interface 7.4) lists against the archive: one that is there must have the
// body that the signer says it has. One that is not there, or in another
// controller's register, is left alone: the list is then the signer's claim. The
// error is a failure of the archive.
func (m *message) together(ctx context.Context, shelf Shelf) error {
	if shelf == nil || m.judged == nil || m.judged.Signatures == nil || m.judged.Document == nil {
		return nil
	}
	sc := store.Scope{Controllers: []string{m.judged.Document.Custodian.ID.Root}, Purpose: "signature"}
	for i := range m.judged.Signatures.Signatures {
		s := &m.judged.Signatures.Signatures[i]
		if s.Type != xmldsig.TypeMulti || !s.Valid {
			continue
		}
		for _, d := range s.Documents {
			if d.Own {
				continue
			}
			same, err := sameBody(ctx, shelf, sc, d)
			if err != nil {
				return err
			}
			if !same {
				m.findings = append(m.findings, finding.Finding{
					Rule: RuleListArchived, Place: m.judged.Document.Tree.Place(d.Node, finding.SourceDocument), Value: d.OID,
				})
			}
		}
	}
	return nil
}

// sameBody tells whether the archive's document, where it has it, has the listed body.
func sameBody(ctx context.Context, shelf Shelf, sc store.Scope, listed xmldsig.DocumentHash) (bool, error) {
	d, err := shelf.Document(ctx, sc, listed.OID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return true, nil
	case err != nil:
		return false, err
	case d.Disposed:
		return true, nil
	}
	t, err := xmltree.Parse(d.Bytes, xmltree.Limits{Bytes: len(d.Bytes)})
	if err != nil {
		return false, err // it was parsed when it was archived
	}
	own, err := xmldsig.BodyHash(t)
	if errors.Is(err, xmldsig.ErrSignDocument) {
		return false, nil // it has no body that anyone could have hashed
	}
	return err == nil && bytes.Equal(own.Hash, listed.Hash), err
}
