package store

import (
	"bytes"
	"errors"
	"testing"
)

// countersigned is a document with the archive's own signature beside it.
func countersigned(id string) Archival {
	a := doc(id)
	a.Countersignature = bytes.Repeat([]byte("<signature/>"), 50)
	return a
}

// The archive's own signature is kept with the document, leaves its bytes alone, is
// bounded by the scope, and its damage is named.
func TestSIG4_OwnSignatureIsKeptBesideTheDocument(t *testing.T) {
	s := open(t)
	a := countersigned(id(1))
	mustArchive(t, s, a)
	mustArchive(t, s, doc(id(2)))
	got, err := s.Countersignature(bg, all, id(1))
	if err != nil || !bytes.Equal(got, a.Countersignature) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if d, err := s.Document(bg, all, id(1)); err != nil || !bytes.Equal(d.Bytes, a.Document) {
		t.Errorf("the document changed: %v", err)
	}
	if got, err := s.Countersignature(bg, all, id(2)); err != nil || got != nil {
		t.Errorf("one that was not signed: %q, %v", got, err)
	}
	if _, err := s.Countersignature(bg, Scope{Controllers: []string{ctlB}, Purpose: "test"}, id(1)); !errors.Is(err, ErrNotFound) {
		t.Errorf("another controller's: %v", err)
	}
	wantClean(t, s)

	db := rawDB(t, s)
	dropTriggers(t, db)
	if _, err := db.Exec(`UPDATE countersignatures SET payload = x'0041'`); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Countersignature(bg, all, id(1)); !errors.Is(err, ErrDamaged) {
		t.Errorf("damaged: %v", err)
	}
	r, err := s.Check(bg)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Problems {
		if p.Area == "countersignature" && p.ID == id(1) {
			return
		}
	}
	t.Errorf("the damage is not named: %+v", r.Problems)
}
