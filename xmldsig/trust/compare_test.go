package trust

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"testing"
	"time"

	"portti/internal/shared"
	"portti/internal/xmltree"
	"portti/xmldsig"
	"portti/xmldsig/pki"
)

// signedBy is a document with one signature of each certificate, judged.
func signedBy(tb testing.TB, leafs ...*pki.Leaf) (*xmltree.Tree, *xmldsig.Verdict) {
	tb.Helper()
	block := ""
	for _, l := range leafs {
		if l.Kind == pki.KindProfessional {
			block += `<hl7fi:signature><hl7fi:assignedAuthorSigner>` + l.Certificate.Subject.SerialNumber + `</hl7fi:assignedAuthorSigner></hl7fi:signature>`
		}
	}
	doc := []byte(`<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:hl7fi="urn:hl7finland"><id root="1.2.246.10.99999901.95.2026.1"/>
<author/><hl7fi:localSocialHeader>` + block + `</hl7fi:localSocialHeader>
<component><nonXMLBody ID="OID1.2.246.10.99999901.95.2026.1"><text>e30=</text></nonXMLBody></component></ClinicalDocument>`)
	for i, l := range leafs {
		typ := xmldsig.TypeSystem
		if l.Kind == pki.KindProfessional {
			typ = xmldsig.TypeProfessional
		}
		var err error
		doc, err = xmldsig.SignDocument(doc, xmldsig.SignOptions{Key: l.Key, Certificate: l.Certificate, Type: typ, Time: now, ID: fmt.Sprintf("s%d", i)})
		if err != nil {
			tb.Fatal(err)
		}
	}
	tree, err := xmltree.Parse(doc, xmltree.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	v := &xmldsig.Verifier{Trust: anchored(tb), Now: func() time.Time { return now }}
	return tree, v.Document(tree)
}

func leafs(tb testing.TB) (system, pro, pro2 *pki.Leaf) {
	tb.Helper()
	var err error
	if system, err = authority().System(org); err != nil {
		tb.Fatal(err)
	}
	if pro, err = authority().Professional(pro_(pro1)); err != nil {
		tb.Fatal(err)
	}
	if pro2, err = authority().Professional(pro_("90000000002")); err != nil {
		tb.Fatal(err)
	}
	return system, pro, pro2
}

const pro1 = "90000000001"

func pro_(number string) pki.Person {
	return pki.Person{Number: number, Given: "Aino", Family: "Esimerkki"}
}

func TestSIG4_SignersAgainstTheDocument(t *testing.T) {
	sys, pro, pro2 := leafs(t)
	for _, c := range []struct {
		name    string
		signers []*pki.Leaf
		named   Named
		want    []string
	}{
		{"author signs", []*pki.Leaf{pro}, Named{Authors: []string{pro1}}, nil},
		{"another signs", []*pki.Leaf{pro2}, Named{Authors: []string{pro1}}, []string{RuleAuthor}},
		{"one of two authors signs", []*pki.Leaf{pro2}, Named{Authors: []string{pro1, "90000000002"}}, nil},
		{"author and another sign", []*pki.Leaf{pro2, pro}, Named{Authors: []string{pro1}}, nil},
		{"another signs after the author", []*pki.Leaf{pro, pro2}, Named{Authors: []string{pro1}}, nil},
		{"author has no such number", []*pki.Leaf{pro2}, Named{}, nil},
		{"number that begins alike", []*pki.Leaf{pro}, Named{Authors: []string{pro1 + "0"}}, []string{RuleAuthor}},
		{"system alone", []*pki.Leaf{sys}, Named{Authors: []string{pro1}, Organisations: []string{org.OID}}, nil},
		{"organisation named", []*pki.Leaf{sys}, Named{Organisations: []string{"1.2.246.10.1.10.0", org.OID}}, nil},
		{"organisation not named", []*pki.Leaf{sys}, Named{}, []string{RuleOrganisation}},
		{"a unit under the organisation's arc is another", []*pki.Leaf{sys}, Named{Organisations: []string{org.OID + ".1"}}, []string{RuleOrganisation}},
		{"the organisation above it is another", []*pki.Leaf{sys}, Named{Organisations: []string{"1.2.246.10.99999901"}}, []string{RuleOrganisation}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree, v := signedBy(t, c.signers...)
			if !v.Valid {
				t.Fatalf("%+v", v.Findings)
			}
			c.named.Author = tree.Child(tree.Root(), "urn:hl7-org:v3", "author")
			wantFindings(t, Compare(tree, v, c.named), c.want...)
		})
	}
}

// What does not verify says nothing of who signed.
func TestInvalidSignaturesAreNotCompared(t *testing.T) {
	_, _, pro2 := leafs(t)
	tree, v := signedBy(t, pro2)
	v.Signatures[0].Valid = false
	wantFindings(t, Compare(tree, v, Named{Authors: []string{pro1}}))
	if got := Organisations(v); got != nil {
		t.Errorf("%v", got)
	}
}

func TestOrganisationsOfSystems(t *testing.T) {
	sys, pro, _ := leafs(t)
	_, v := signedBy(t, sys, pro, sys)
	if got := Organisations(v); len(got) != 1 || got[0] != org.OID {
		t.Errorf("%v", got)
	}
}

func TestSubjectOf(t *testing.T) {
	sys, pro, _ := leafs(t)
	if s := SubjectOf(sys.Certificate); s != (Subject{Organisation: org.OID, Name: org.System}) {
		t.Errorf("%+v", s)
	}
	if s := SubjectOf(pro.Certificate); s != (Subject{Registration: pro1, Name: "Esimerkki Aino " + pro1}) {
		t.Errorf("%+v", s)
	}
	none, err := authority().System(org, pki.WithFault(pki.WrongNumber))
	if err != nil {
		t.Fatal(err)
	}
	if s := SubjectOf(none.Certificate); s != (Subject{Name: org.System}) {
		t.Errorf("%+v", s)
	}
	if s := SubjectOf(twoNumbers(t).cert); s.Organisation != "" || s.Registration != "" {
		t.Errorf("of two numbers one was taken: %+v", s)
	}
}

// twoNumbers is a certificate whose subject has two serialNumbers: one reader would
// take the first, another the last.
func twoNumbers(tb testing.TB) maker {
	tb.Helper()
	root := maker{}.make(tb, "root", pki.RSA2048, nil)
	return root.make(tb, "two numbers", pki.RSA2048, func(c *x509.Certificate) {
		leafShape(c)
		c.Subject.SerialNumber = ""
		c.Subject.ExtraNames = []pkix.AttributeTypeAndValue{{Type: oidSerialNumber, Value: org.OID}, {Type: oidSerialNumber, Value: "1.2.246.10.99999902.10.0"}}
	})
}

func TestSubjectWithTwoNumbersIsRefused(t *testing.T) {
	two := twoNumbers(t)
	root := maker{}.make(t, "root", pki.RSA2048, nil)
	s := newStore(t, Options{AnchorCertificates: []*x509.Certificate{root.cert}})
	want(t, s.Judge(query(two.cert, xmldsig.TypeSystem)), RuleNumberRepeated)
}

// The real documents: signer, author, controller and sender agree.
func TestSIG4_RealDocumentsAgreeWithTheirSigners(t *testing.T) {
	tree, err := xmltree.Parse(shared.Read(t, "samples/social/apotti_asiakassuunnitelma_S_as-signed.xml"), xmltree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	const hl7 = "urn:hl7-org:v3"
	v := &xmldsig.Verifier{Now: func() time.Time { return now }}
	first := v.Document(tree)
	var pins []*x509.Certificate
	for _, s := range first.Signatures {
		pins = append(pins, s.Signer)
	}
	v.Trust = newStore(t, Options{PinCertificates: pins})
	verdict := v.DocumentAt(tree, first.Signatures[0].Time.Add(time.Hour))
	author := tree.Path(tree.Root(), hl7, "author", "assignedAuthor", "id")
	n := Named{Author: author, Authors: []string{tree.Attr(author, "extension")}}
	if n.Authors[0] == "" || !verdict.Valid {
		t.Fatalf("%+v", verdict.Findings)
	}
	wantFindings(t, Compare(tree, verdict, n))
	n.Authors[0] = "90000000001"
	wantFindings(t, Compare(tree, verdict, n), RuleAuthor)
}
