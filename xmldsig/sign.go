package xmldsig

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"portti/internal/xmltree"
)

// SignOptions tell how to sign a document.
type SignOptions struct {
	// Key signs; Certificate is its certificate. Both required.
	Key         crypto.Signer
	Certificate *x509.Certificate
	// Type is TypeProfessional … TypeArchive. Required.
	Type int
	// Time is the signing time; it is written in UTC. Required.
	Time time.Time
	// ID is the signature element's ID; those of its parts are made from it
	// ("ID.time", "ID.list"). It must be new in the document. Required.
	ID string
	// Method is one of the Alg… identifiers of RSA (PKCS #1 or PSS) or ECDSA; ""
	// means SHA-256 with the key's kind (PKCS #1 for RSA).
	Method string
	// Enveloped adds the enveloped-signature transform, as some systems do
	// (interface 7.3). It changes nothing here.
	Enveloped bool
	// Documents are the other documents of a multi-document signature (TypeMulti);
	// see BodyHash. The document's own entry is added first.
	Documents []DocumentHash
	// SignerBlock writes localSocialHeader/signature too, which tells readers who
	// signed, unless it names this signer already. For types 1 and 2 of social
	// documents; the name comes from the certificate, the time's offset from Time.
	SignerBlock bool
	// Limits bound what is parsed; the zero value means the parser's defaults.
	Limits xmltree.Limits
}

// Errors of SignDocument. They come wrapped with what to do.
var (
	ErrSignOptions  = errors.New("cannot sign with these options")
	ErrSignDocument = errors.New("cannot sign this document")
)

// SignDocument adds a signature to a CDA document (interface 7.1–7.4): two
// references in exclusive form, to the body and to the signature's own timestamp
// (TypeMulti: to the list of documents and the timestamp). It is put at the end of
// localSocialHeader's or localHeader's signatureCollection, which is made where
// missing; all other bytes stay as they are, so earlier signatures stay valid. The
// outcome has been verified but for trust. Errors are ErrSignOptions, ErrSignDocument,
// an *xmltree.SyntaxError, or the key's.
func SignDocument(doc []byte, o SignOptions) ([]byte, error) {
	m, err := o.check()
	if err != nil {
		return nil, err
	}
	t, err := xmltree.Parse(doc, o.Limits)
	if err != nil {
		return nil, err
	}
	target, err := findTarget(t, o)
	if err != nil {
		return nil, err
	}
	text, err := o.signatureText(t, target, m)
	if err != nil {
		return nil, err
	}
	block, err := o.signerBlock(t, target.layout)
	if err != nil {
		return nil, err
	}
	out := insert(t, target.layout, block, text)
	return out, o.verifyOwn(out)
}

// BodyHash gives what a multi-document signature names a document by: its OID and
// the SHA-256 of its body in exclusive canonical form (interface 7.4).
func BodyHash(t *xmltree.Tree) (DocumentHash, error) {
	r := reader{report: &report{t: t}, lim: Limits{}.withDefaults(policyKanta)}
	l, ok := r.locate()
	if !ok || l.body == xmltree.None || l.ownID == "" {
		return DocumentHash{}, fmt.Errorf("%w: it is not a ClinicalDocument with an id and one body", ErrSignDocument)
	}
	sum, err := digestOfNode(t, l.body, Canonicalizer{}, crypto.SHA256, xmltree.None)
	if err != nil {
		return DocumentHash{}, fmt.Errorf("%w: %w", ErrSignDocument, err)
	}
	return DocumentHash{Node: l.body, OID: strings.Clone(l.ownID), Hash: sum, Own: true}, nil
}

// check refuses options that cannot lead to a valid signature, and picks the method.
func (o *SignOptions) check() (method, error) {
	bad := func(format string, args ...any) (method, error) {
		return method{}, fmt.Errorf("%w: %s", ErrSignOptions, fmt.Sprintf(format, args...))
	}
	switch {
	case o.Key == nil || o.Certificate == nil:
		return bad("key and certificate are required")
	case o.Type < TypeProfessional || o.Type > TypeArchive:
		return bad("type %d is not 1 to 4", o.Type)
	case o.Time.IsZero() || o.Time.UTC().Year() > 9999:
		return bad("a signing time is required")
	case !plainID(o.ID):
		return bad("ID %q must be a letter followed by letters, digits, '.', '-' and '_'", o.ID)
	case (o.Type == TypeMulti) != (len(o.Documents) > 0):
		return bad("other documents are named in type 2, and only there")
	case o.SignerBlock && o.Type != TypeProfessional && o.Type != TypeMulti:
		return bad("the header tells who signed for types 1 and 2 only")
	}
	return o.pickMethod()
}

// pickMethod gives the method asked for, or the one that fits the key.
func (o *SignOptions) pickMethod() (method, error) {
	bad := func(format string, args ...any) (method, error) {
		return method{}, fmt.Errorf("%w: %s", ErrSignOptions, fmt.Sprintf(format, args...))
	}
	if o.Key == nil || o.Certificate == nil {
		return bad("key and certificate are required")
	}
	_, isECDSA := o.Key.Public().(*ecdsa.PublicKey)
	if o.Method == "" {
		o.Method = AlgRSASHA256
		if isECDSA {
			o.Method = AlgECDSASHA256
		}
	}
	m := methods[o.Method]
	if m.scheme == 0 || (m.scheme == ecdsaRaw) != isECDSA {
		return bad("method %q does not fit the key (%s)", o.Method, o.Certificate.PublicKeyAlgorithm)
	}
	if pub, ok := o.Key.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !pub.Equal(o.Certificate.PublicKey) {
		return bad("the certificate is not that of the key")
	}
	return m, nil
}

// plainID tells whether an id needs no escape anywhere and is a name in XML.
func plainID(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_'
		if !letter && (i == 0 || !(c >= '0' && c <= '9' || c == '.' || c == '-')) {
			return false
		}
	}
	return s != ""
}

// signTarget is what will be signed, and where the signature goes.
type signTarget struct {
	layout layout
	bodyID string
}

func findTarget(t *xmltree.Tree, o SignOptions) (signTarget, error) {
	bad := func(format string, args ...any) (signTarget, error) {
		return signTarget{}, fmt.Errorf("%w: %s", ErrSignDocument, fmt.Sprintf(format, args...))
	}
	r := reader{report: &report{t: t}, lim: Limits{}.withDefaults(policyKanta)}
	l, _ := r.locate()
	bodyID := ""
	if l.body != xmltree.None {
		bodyID = strings.Clone(t.Attr(l.body, "ID"))
	}
	targets := []target{{id: bodyID}, {id: o.ID}, {id: o.timeID()}, {id: o.listID()}}
	r.sweep(&l, targets)
	for _, f := range r.list.Items() {
		if f.Rule != RuleSignatureMissing {
			return bad("%s at line %d, column %d", f.Rule, f.Line, f.Column)
		}
	}
	switch {
	case l.ownID == "" || !plainID("_"+l.ownID):
		return bad("ClinicalDocument/id has no root")
	case !plainID(bodyID):
		return bad(`%s needs an ID such as ID="OID%s"`, t.Local(l.body), l.ownID)
	case targets[0].count != 1 || !targets[0].exact:
		return bad("ID %s stands more than once", bodyID)
	case targets[1].count+targets[2].count+targets[3].count > 0:
		return bad("the document has an ID %s or one made from it: choose another", o.ID)
	}
	return signTarget{l, bodyID}, nil
}

func (o *SignOptions) timeID() string { return o.ID + ".time" }
func (o *SignOptions) listID() string { return o.ID + ".list" }

// signatureText writes the signature element: ASCII in canonical form, so that
// what is digested is what stands there, whatever the document's encoding and
// prefixes.
func (o *SignOptions) signatureText(t *xmltree.Tree, target signTarget, m method) (string, error) {
	body, err := digestOfNode(t, target.layout.body, Canonicalizer{}, m.hash, xmltree.None)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrSignDocument, err)
	}
	stamp := fmt.Sprintf(`signatureTimestamp ID="%s">%s</signatureTimestamp>`, o.timeID(), o.Time.UTC().Format("2006-01-02T15:04:05.999999999Z"))
	list := ""
	refs := []signedRef{{"#" + target.bodyID, body}, {"#" + o.timeID(), sumOf(m.hash, `<signatureTimestamp xmlns="`+nsFI+`"`+strings.TrimPrefix(stamp, "signatureTimestamp"))}}
	if o.Type == TypeMulti {
		if list, err = o.listText(t, target); err != nil {
			return "", err
		}
		refs[0] = signedRef{"#" + o.listID(), sumOf(m.hash, `<multipleDocumentSignature xmlns="`+nsFI+`"`+strings.TrimPrefix(list, "<multipleDocumentSignature"))}
	}
	info := o.signedInfo(refs, m)
	dsig, err := o.dsigText(info, m)
	if err != nil {
		return "", err
	}
	return `<signature xmlns="` + nsFI + `" ID="` + o.ID + `">` + typeText[o.Type] + "<" + stamp + list + dsig + "</signature>", nil
}

// dsigText writes the ds:Signature of a SignedInfo.
func (o *SignOptions) dsigText(info string, m method) (string, error) {
	value, err := o.signValue(info, m)
	if err != nil {
		return "", err
	}
	return `<Signature xmlns="` + nsDSig + `">` + info + "<SignatureValue>" + base64.StdEncoding.EncodeToString(value) +
		"</SignatureValue><KeyInfo><X509Data><X509Certificate>" + base64.StdEncoding.EncodeToString(o.Certificate.Raw) +
		"</X509Certificate></X509Data></KeyInfo></Signature>", nil
}

// typeText is signatureDescription by type, non-ASCII letters as references.
var typeText = [...]string{
	TypeProfessional: describe("1", "Ammattihenkil&#xF6;n allekirjoitus"),
	TypeMulti:        describe("2", "Ammattihenkil&#xF6;n moniallekirjoitus"),
	TypeSystem:       describe("3", "J&#xE4;rjestelm&#xE4;allekirjoitus"),
	TypeArchive:      describe("4", "J&#xE4;rjestelm&#xE4;allekirjoitus / KanTa"),
}

func describe(code, name string) string {
	return `<signatureDescription code="` + code + `" codeSystem="` + codeSystemType +
		`" codeSystemName="KanTa-palvelut - S&#xE4;hk&#xF6;isen allekirjoituksen tyyppi" displayName="` + name + `"/>`
}

// listText writes the list of a multi-document signature, the own entry first.
func (o *SignOptions) listText(t *xmltree.Tree, target signTarget) (string, error) {
	own, err := BodyHash(t)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<multipleDocumentSignature ID="%s">`, o.listID())
	for _, d := range append([]DocumentHash{own}, o.Documents...) {
		if !plainID("_" + d.OID) {
			return "", fmt.Errorf("%w: %q is no OID", ErrSignOptions, d.OID)
		}
		fmt.Fprintf(&b, `<Ref OID="%s" hash="%s"></Ref>`, d.OID, base64.StdEncoding.EncodeToString(d.Hash))
	}
	b.WriteString("</multipleDocumentSignature>")
	return b.String(), nil
}

type signedRef struct {
	uri string
	sum []byte
}

func sumOf(h crypto.Hash, s string) []byte {
	w := h.New()
	w.Write([]byte(s))
	return w.Sum(nil)
}

// signedInfo writes SignedInfo in its own canonical form.
func (o *SignOptions) signedInfo(refs []signedRef, m method) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<SignedInfo xmlns="%s"><CanonicalizationMethod Algorithm="%s"></CanonicalizationMethod><SignatureMethod Algorithm="%s"></SignatureMethod>`,
		nsDSig, AlgExcC14N, o.Method)
	transforms := `<Transform Algorithm="` + AlgExcC14N + `"></Transform>`
	if o.Enveloped {
		transforms = `<Transform Algorithm="` + AlgEnveloped + `"></Transform>` + transforms
	}
	for _, r := range refs {
		fmt.Fprintf(&b, `<Reference URI="%s"><Transforms>%s</Transforms><DigestMethod Algorithm="%s"></DigestMethod><DigestValue>%s</DigestValue></Reference>`,
			r.uri, transforms, digestURI(m.hash), base64.StdEncoding.EncodeToString(r.sum))
	}
	b.WriteString("</SignedInfo>")
	return b.String()
}

func digestURI(h crypto.Hash) string {
	switch h {
	case crypto.SHA384:
		return AlgSHA384
	case crypto.SHA512:
		return AlgSHA512
	}
	return AlgSHA256
}

// verifyOwn refuses to hand out what does not verify here.
func (o *SignOptions) verifyOwn(doc []byte) error {
	t, err := xmltree.Parse(doc, o.Limits)
	if err != nil {
		return fmt.Errorf("%w: with the signature it does not parse: %w", ErrSignDocument, err)
	}
	v := &Verifier{Limits: Limits{Certificate: max(len(o.Certificate.Raw), 1), MinRSA: 1, MaxRSA: 1 << 20}}
	verdict := v.DocumentAt(t, o.Time)
	for _, s := range verdict.Signatures {
		if s.ID == o.ID && s.Intact {
			return nil
		}
	}
	rules := make([]string, 0, len(verdict.Findings))
	for _, f := range verdict.Findings {
		rules = append(rules, f.Rule)
	}
	return fmt.Errorf("%w: the signature made does not verify (%s)", ErrSignDocument, strings.Join(rules, ", "))
}
