package xmldsig

import (
	"errors"
	"fmt"
	"strings"

	"portti/internal/xmltree"
)

// ErrCountersigned tells that the document carries this archive's signature
// already: serve it as it is.
var ErrCountersigned = errors.New("the archive has signed this document already")

// Countersignature makes the archive's own signature (type 4, interface 7.1) of a
// document, as a signature element by itself: an archive keeps it beside the
// document, whose octets stay what was sent, and puts it in by Attach when it
// serves the document. v is the document's verdict, t its tree: only what verified
// is signed, so that the signature bears witness. o.Type is set here. Errors are
// ErrSignOptions, ErrSignDocument, ErrCountersigned, or the key's.
func Countersignature(t *xmltree.Tree, v *Verdict, o SignOptions) ([]byte, error) {
	o.Type = TypeArchive
	m, err := o.check()
	if err != nil {
		return nil, err
	}
	if v == nil || !v.Valid || v.Covered.t != t {
		return nil, fmt.Errorf("%w: its signatures were not found valid", ErrSignDocument)
	}
	for _, s := range v.Signatures {
		if s.Type == TypeArchive && s.Signer.Equal(o.Certificate) {
			return nil, ErrCountersigned
		}
	}
	target, err := findTarget(t, o)
	if err != nil {
		return nil, err
	}
	text, err := o.signatureText(t, target, m)
	if err != nil {
		return nil, err
	}
	if _, err := attach(t, text); err != nil {
		return nil, err
	}
	return []byte(text), nil
}

// Attach puts a signature that Countersignature made into its document, behind the
// others; all other octets stay as they are. The outcome has been verified but for
// trust. It returns ErrSignDocument where the signature is not one of this document,
// or an *xmltree.SyntaxError.
func Attach(doc, signature []byte, lim xmltree.Limits) ([]byte, error) {
	t, err := xmltree.Parse(doc, lim)
	if err != nil {
		return nil, err
	}
	return attach(t, string(signature))
}

// Countersign is Countersignature and Attach in one: the document as it is served
// where the archive signs on return.
func Countersign(t *xmltree.Tree, v *Verdict, o SignOptions) ([]byte, error) {
	text, err := Countersignature(t, v, o)
	if err != nil {
		return nil, err
	}
	return attach(t, string(text))
}

// attach inserts a signature's text and refuses what does not verify then.
func attach(t *xmltree.Tree, text string) ([]byte, error) {
	bad := func(why string) ([]byte, error) { return nil, fmt.Errorf("%w: %s", ErrSignDocument, why) }
	if strings.ContainsFunc(text, func(r rune) bool { return r >= 0x80 }) {
		return bad("the signature to attach is not of ASCII")
	}
	own, err := xmltree.Parse([]byte(text), xmltree.Limits{})
	if err != nil || !own.Is(own.Root(), nsFI, "signature") {
		return bad("what is to be attached is no signature element")
	}
	at, fault := parseDateTime(own.Text(own.Child(own.Root(), nsFI, "signatureTimestamp")))
	if fault != timeFine {
		return bad("the signature to attach has no time")
	}
	r := reader{report: &report{t: t}, lim: Limits{}.withDefaults(policyKanta)}
	l, ok := r.locate()
	if !ok || l.local == xmltree.None {
		return bad("it has no place for signatures")
	}
	out := insert(t, l, "", text)
	done, err := xmltree.Parse(out, xmltree.Limits{Bytes: len(out)})
	if err != nil {
		return nil, fmt.Errorf("%w: with the signature it does not parse: %w", ErrSignDocument, err)
	}
	v := &Verifier{Limits: Limits{Certificate: len(out), MinRSA: 1, MaxRSA: 1 << 20}}
	signatures := v.DocumentAt(done, at).Signatures
	if n := len(signatures); n == 0 || signatures[n-1].Type != TypeArchive || !signatures[n-1].Intact ||
		signatures[n-1].ID != own.Attr(own.Root(), "ID") {
		return bad("the signature is not one of this document")
	}
	return out, nil
}
