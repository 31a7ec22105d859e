package xmldsig

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"portti/internal/xmltree"
	"portti/xmldsig/pki"
)

func archiveOptions(tb testing.TB, opts ...pki.LeafOption) SignOptions {
	o := options(tb, TypeArchive, opts...)
	o.Type, o.ID, o.Time = 0, "archive", testNow
	return o
}

// The archive's signature stands beside the document, which stays what was sent,
// and is put in when the document is served.
func TestSIG4_ArchiveSignsBesideTheDocument(t *testing.T) {
	for typ := TypeProfessional; typ <= TypeSystem; typ++ {
		for _, alg := range []pki.Algorithm{pki.RSA2048, pki.P256} {
			sent := []byte(signed(t, typ))
			kept := bytes.Clone(sent)
			tree := parse(t, sent)
			beside, err := Countersignature(tree, newVerifier().Document(tree), archiveOptions(t, pki.WithAlgorithm(alg)))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(sent, kept) {
				t.Fatal("the document was changed")
			}
			served, err := Attach(sent, beside, xmltree.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			v := verify(t, newVerifier(), string(served))
			wantRules(t, v)
			if len(v.Signatures) != 2 || v.Signatures[0].Type != typ || v.Signatures[1].Type != TypeArchive || !v.Valid {
				t.Errorf("%+v", v.Signatures)
			}
			if back := bytes.Replace(served, beside, nil, 1); !bytes.Equal(back, kept) {
				t.Error("without the archive's signature it is not what was sent")
			}
			once, err := Countersign(tree, newVerifier().Document(tree), archiveOptions(t, pki.WithAlgorithm(alg)))
			if err != nil || !bytes.Equal(once, served) {
				t.Errorf("on return it is another document: %v", err)
			}
		}
	}
}

func TestArchiveSignsOnlyWhatVerified(t *testing.T) {
	doc := signed(t, TypeSystem)
	broken := strings.Replace(doc, "PGRpdi8+", "PGRpdj4+", 1)
	tree, bad, other := parse(t, []byte(doc)), parse(t, []byte(broken)), parse(t, []byte(doc))
	for name, c := range map[string]struct {
		t *xmltree.Tree
		v *Verdict
	}{
		"no verdict":          {tree, nil},
		"refused":             {bad, newVerifier().Document(bad)},
		"not trusted":         {tree, (&Verifier{Now: newVerifier().Now}).Document(tree)},
		"verdict of another":  {tree, newVerifier().Document(other)},
		"a document unsigned": {parse(t, []byte(document(false))), &Verdict{Valid: true}},
	} {
		if _, err := Countersignature(c.t, c.v, archiveOptions(t)); !errors.Is(err, ErrSignDocument) {
			t.Errorf("%s: %v", name, err)
		}
	}
	o := archiveOptions(t)
	o.Key = nil
	if _, err := Countersign(tree, newVerifier().Document(tree), o); !errors.Is(err, ErrSignOptions) {
		t.Errorf("without a key: %v", err)
	}
}

func TestArchiveSignsOnce(t *testing.T) {
	tree := parse(t, []byte(signed(t, TypeSystem)))
	out, err := Countersign(tree, newVerifier().Document(tree), archiveOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	tree = parse(t, out)
	if _, err := Countersign(tree, newVerifier().Document(tree), archiveOptions(t)); !errors.Is(err, ErrCountersigned) {
		t.Errorf("%v", err)
	}
	// another archive's signature is no reason not to sign
	o := archiveOptions(t, pki.WithAlgorithm(pki.P384))
	o.ID = "second"
	if out, err = Countersign(tree, newVerifier().Document(tree), o); err != nil {
		t.Fatal(err)
	}
	wantRules(t, verify(t, newVerifier(), string(out)))
}

// A signature of another document, or no signature at all, is not attached.
func TestOnlyTheDocumentsOwnSignatureIsAttached(t *testing.T) {
	doc := signed(t, TypeSystem)
	tree := parse(t, []byte(doc))
	beside, err := Countersignature(tree, newVerifier().Document(tree), archiveOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	s := string(beside)
	for name, c := range map[string]struct{ doc, signature string }{
		"changed body":       {strings.Replace(doc, "PGRpdi8+", "PGRpdj4+", 1), s},
		"another document":   {strings.ReplaceAll(doc, testOID, testOID+"9"), s},
		"no signature":       {doc, ""},
		"another element":    {doc, "<a/>"},
		"two elements":       {doc, s + s},
		"an id of the first": {doc, strings.ReplaceAll(s, `ID="archive`, `ID="sig3`)},
		"not the archive's":  {doc, strings.Replace(s, `code="4"`, `code="3"`, 1)},
		"no time":            {doc, strings.Replace(s, "2026-05-04T", "", 1)},
		"markup behind it":   {doc, s + "<!-- -->ä"},
		"no local header":    {strings.ReplaceAll(doc, "localSocialHeader", "x"), s},
		"no document":        {"<a/>", s},
	} {
		if out, err := Attach([]byte(c.doc), []byte(c.signature), xmltree.Limits{}); !errors.Is(err, ErrSignDocument) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	if _, err := Attach([]byte("<a>"), beside, xmltree.Limits{}); err == nil {
		t.Error("what does not parse was taken")
	}
}

// In every encoding the signature goes in as the encoding writes it.
func TestArchiveSignsInEveryEncoding(t *testing.T) {
	doc, err := SignDocument(utf16Bytes(strings.Replace(document(false), "UTF-8", "UTF-16", 1), true), options(t, TypeSystem))
	if err != nil {
		t.Fatal(err)
	}
	tree := parse(t, doc)
	out, err := Countersign(tree, newVerifier().Document(tree), archiveOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	wantRules(t, newVerifier().Document(parse(t, out)))
}
