package pipeline

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"io"
	"testing"
	"time"

	"portti/fixtures"
	"portti/internal/xmltree"
	"portti/store"
	"portti/xmldsig"
	"portti/xmldsig/pki"
)

// failingKey is a key whose device is gone.
type failingKey struct{ crypto.Signer }

func (failingKey) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("no device")
}

func testSigner(t *testing.T, when SignWhen) *ArchiveSigner {
	t.Helper()
	w := fixtures.Default()
	leaf, err := w.Authority.System(pki.Organisation{OID: "1.2.246.10.99999901.10.0", Name: "Arkisto", System: "Portti"})
	if err != nil {
		t.Fatal(err)
	}
	return &ArchiveSigner{When: when, Key: leaf.Key, Certificate: leaf.Certificate,
		Now: func() time.Time { return w.Now }, NewID: func() string { return "1" }}
}

// archiveOne stores the first sample by a pipeline with that signer in a real archive.
func archiveOne(t *testing.T, s *ArchiveSigner) (*Pipeline, *store.Store, *store.Document, Answer) {
	t.Helper()
	st, err := store.Open(context.Background(), store.Options{Dir: t.TempDir(), Now: func() time.Time { return fixtures.Default().Now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	p := testPipeline(t, st, accessFunc(anybody))
	p.Signer = s
	a := p.Handle(context.Background(), request(sample()))
	d, err := st.Document(context.Background(), everything, fixtures.Default().Documents[0].OID)
	if err != nil && a.Report.Verdict == Accepted {
		t.Fatal(err)
	}
	return p, st, d, a
}

var everything = store.Scope{All: true, Purpose: "test"}

// SIG-4, interface 7.1 and 17 #14: off, on store and on return. What is stored is
// always what was sent; what is given out verifies with the archive's signature last.
func TestSIG4_ArchiveSignsWhenItIsToldTo(t *testing.T) {
	for _, c := range []struct {
		when       SignWhen
		kept       bool
		signatures int
	}{
		{SignNever, false, 1}, {SignOnStore, true, 2}, {SignOnReturn, false, 2},
	} {
		t.Run(string(c.when), func(t *testing.T) {
			s := testSigner(t, c.when)
			p, st, d, a := archiveOne(t, s)
			sent := fixtures.Default().Documents[0].Bytes
			if a.Report.Verdict != Accepted || !bytes.Equal(d.Bytes, sent) {
				t.Fatalf("%s; stored as sent: %t", a.Report.Verdict, bytes.Equal(d.Bytes, sent))
			}
			sig, err := st.Countersignature(context.Background(), everything, d.ID)
			if err != nil || (len(sig) > 0) != c.kept {
				t.Errorf("kept %d bytes, %v", len(sig), err)
			}
			out, err := s.Served(context.Background(), p.Judge.Verifier, st, everything, d)
			if err != nil {
				t.Fatal(err)
			}
			tree, err := xmltree.Parse(out, xmltree.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			v := p.Judge.Verifier.DocumentAt(tree, fixtures.Default().Now)
			if !v.Valid || len(v.Signatures) != c.signatures {
				t.Fatalf("valid %t, %d signatures: %v", v.Valid, len(v.Signatures), v.Findings)
			}
			if last := v.Signatures[len(v.Signatures)-1]; c.signatures > 1 && (last.Type != xmldsig.TypeArchive || !last.Signer.Equal(s.Certificate)) {
				t.Errorf("the last signature is of type %d", last.Type)
			}
		})
	}
}

// A key that fails is a failure of ours: nothing is archived, the sender may resend.
func TestSIG4_FailingKeyOfTheArchiveIsCR(t *testing.T) {
	s := testSigner(t, SignOnStore)
	s.Key = failingKey{s.Key}
	_, _, d, a := archiveOne(t, s)
	if a.Report.Verdict != NotNow || a.Report.Failure == nil || d != nil {
		t.Errorf("%s, failure %v", a.Report.Verdict, a.Report.Failure)
	}
}
