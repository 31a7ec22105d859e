package xmldsig

import (
	"crypto"
	"errors"
	"strings"
	"testing"

	"portti/internal/xmltree"
	"portti/xmldsig/bench"
)

func envelope(tb testing.TB, doc string, o SignOptions) []byte {
	tb.Helper()
	out, err := SignEnveloped([]byte(doc), EnvelopeOptions{Key: o.Key, Certificate: o.Certificate, Method: o.Method})
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func TestSIG1_ReportsSignedHereVerify(t *testing.T) {
	j := bench.Start(t)
	for name, o := range signingCases(t) {
		for _, doc := range []string{
			"<report/>", "<?xml version='1.0'?><!-- a --><r:report xmlns:r='urn:r' xmlns='urn:d'>\n<a/> é </r:report><?b?>", "<report a='/' ><x Id='x'/></report>",
		} {
			out := envelope(t, doc, o)
			v := verifyGeneric(t, &Verifier{Keys: []crypto.PublicKey{o.Key.Public()}}, string(out))
			if !v.Valid || v.Covered.Elements()[0] != xmltree.Doc {
				t.Errorf("%s: %v", name, rules(v))
			}
			if methods[o.Method].scheme != rsaPSS && !j.Verify(t, out, 0).AllValid() {
				t.Errorf("%s: libxmlsec1 refuses\n%s", name, out)
			}
			if other := strings.Replace(string(out), "report", "reporT", 1); other != string(out) {
				if tree, err := xmltree.Parse([]byte(other), xmltree.Limits{}); err == nil && newVerifier().Generic(tree).Valid {
					t.Errorf("%s: valid after a change", name)
				}
			}
		}
	}
}

func TestSigningReportsRefuses(t *testing.T) {
	o := options(t, TypeSystem)
	good := EnvelopeOptions{Key: o.Key, Certificate: o.Certificate}
	if _, err := SignEnveloped([]byte("<a xmlns:r='r'/>"), good); !errors.Is(err, ErrSignDocument) {
		t.Error(err)
	}
	var syntax *xmltree.SyntaxError
	if _, err := SignEnveloped([]byte("<a>"), good); !errors.As(err, &syntax) {
		t.Error(err)
	}
	for _, bad := range []EnvelopeOptions{{}, {Key: o.Key}, {Key: o.Key, Certificate: professionalLeaf(t).Certificate}, {Key: o.Key, Certificate: o.Certificate, Method: algRSASHA1}} {
		if _, err := SignEnveloped([]byte("<a/>"), bad); !errors.Is(err, ErrSignOptions) {
			t.Error(err)
		}
	}
	// A second signature over a signed report covers the first; the first no longer
	// covers the whole, as its reference says it must.
	once := envelope(t, "<a/>", o)
	if _, err := SignEnveloped(once, good); err != nil {
		t.Error(err)
	}
}
