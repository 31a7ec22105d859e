package xmldsig

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"strings"

	"portti/internal/xmltree"
)

// EnvelopeOptions tell how to sign any XML document as a whole.
type EnvelopeOptions struct {
	// Key signs; Certificate is its certificate. Both required.
	Key         crypto.Signer
	Certificate *x509.Certificate
	// Method is as in SignOptions.
	Method string
	// Limits bound what is parsed; the zero value means the parser's defaults.
	Limits xmltree.Limits
}

// SignEnveloped signs a whole XML document, such as a report: a ds:Signature with
// one reference to "" (enveloped-signature, exclusive canonicalization) is put at
// the end of the root element; all other bytes stay. The policy generic verifies it,
// as do other programs. Comments are not covered. Errors are ErrSignOptions,
// ErrSignDocument, an *xmltree.SyntaxError, or the key's.
func SignEnveloped(doc []byte, o EnvelopeOptions) ([]byte, error) {
	s := SignOptions{Key: o.Key, Certificate: o.Certificate, Method: o.Method, Enveloped: true}
	m, err := s.pickMethod()
	if err != nil {
		return nil, err
	}
	t, err := xmltree.Parse(doc, o.Limits)
	if err != nil {
		return nil, err
	}
	sum, err := digestOfNode(t, xmltree.Doc, Canonicalizer{}, m.hash, xmltree.None)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSignDocument, err)
	}
	text, err := s.dsigText(s.signedInfo([]signedRef{{"", sum}}, m), m)
	if err != nil {
		return nil, err
	}
	e := editor{src: t.Source(), encoding: t.Encoding()}
	out := e.appendTo(t, t.Root(), text)
	return out, verifyEnveloped(out, o)
}

// verifyEnveloped refuses to hand out what does not verify here.
func verifyEnveloped(doc []byte, o EnvelopeOptions) error {
	t, err := xmltree.Parse(doc, o.Limits)
	if err != nil {
		return fmt.Errorf("%w: with the signature it does not parse: %w", ErrSignDocument, err)
	}
	v := &Verifier{
		Keys:   []crypto.PublicKey{o.Key.Public()},
		Limits: Limits{Certificate: max(len(o.Certificate.Raw), 1), MinRSA: 1, MaxRSA: 1 << 20, Signatures: 1 << 10},
	}
	verdict := v.GenericAt(t, o.Certificate.NotBefore)
	for _, s := range verdict.Signatures {
		if s.Intact && t.Parent(s.Node) == t.Root() && t.NextElement(s.Node) == xmltree.None {
			return nil
		}
	}
	rules := make([]string, 0, len(verdict.Findings))
	for _, f := range verdict.Findings {
		rules = append(rules, f.Rule)
	}
	return fmt.Errorf("%w: the signature made does not verify (%s)", ErrSignDocument, strings.Join(rules, ", "))
}
