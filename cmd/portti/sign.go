package main

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"

	"portti/gateway/pipeline"
	"portti/internal/xmltree"
	"portti/xmldsig"
	"portti/xmldsig/trust"

	"github.com/spf13/cobra"
)

// signTypes are the words of --as.
var signTypes = map[string]int{"system": xmldsig.TypeSystem, "professional": xmldsig.TypeProfessional, "archive": xmldsig.TypeArchive}

// signFlags are the flags of sign.
type signFlags struct {
	key, cert, as, id, method string
	block                     bool
}

func (m *Main) signCommand() *cobra.Command {
	var o signFlags
	cmd := &cobra.Command{
		Use: "sign --key KEY --cert CERT [--as system|professional] DOCUMENT.xml", Args: cobra.ExactArgs(1),
		Short: "signs a document; the signed document goes to stdout",
		Example: "  portti sign --key system.key --cert system.crt document.xml > signed.xml\n" +
			"  portti sign --key pro.key --cert pro.crt --as professional --block document.xml > signed.xml",
		RunE: func(_ *cobra.Command, args []string) error { return m.sign(o, args[0]) },
	}
	f := cmd.Flags()
	f.StringVar(&o.key, "key", "", "PEM `FILE` of the private key, not encrypted")
	f.StringVar(&o.cert, "cert", "", "PEM or DER `FILE` of its certificate; a chain may follow it")
	f.StringVar(&o.as, "as", "system", "system (type 3), professional (1) or archive (4)")
	f.BoolVar(&o.block, "block", false, "also write who signed into the header (localSocialHeader/signature), for professionals")
	f.StringVar(&o.id, "id", "", "`ID` of the signature (default a new one)")
	f.StringVar(&o.method, "method", "", "signature method's identifier (default SHA-256 with the key's kind)")
	return cmd
}

func (m *Main) sign(o signFlags, name string) error {
	typ, known := signTypes[o.as]
	switch {
	case !known:
		return usage(fmt.Errorf("--as is %q", o.as), "use one of system, professional, archive")
	case o.key == "" || o.cert == "":
		return usage(errors.New("sign needs --key and --cert"), "portti sign --key system.key --cert system.crt document.xml")
	}
	key, err := readKey(o.key)
	if err != nil {
		return usage(err, "--key takes a PEM file with one private key (PKCS #8, PKCS #1 or SEC 1)")
	}
	certs, err := trust.Load(o.cert)
	if err != nil {
		return usage(err, "--cert takes PEM or DER")
	}
	doc, err := os.ReadFile(name)
	if err != nil {
		return usage(err, "")
	}
	if o.id == "" {
		o.id = "sig-" + m.NewID()
	}
	out, err := xmldsig.SignDocument(doc, xmldsig.SignOptions{
		Key: key, Certificate: certs[0], Type: typ, Time: m.Now(), ID: o.id, Method: o.method, SignerBlock: o.block,
	})
	if err != nil {
		return signError(name, err)
	}
	m.warnOfCertificate(certs[0], typ)
	if _, err := m.Stdout.Write(out); err != nil {
		return system(err, "")
	}
	return nil
}

// signError tells what cannot be signed from what was asked wrongly.
func signError(name string, err error) error {
	var broken *xmltree.SyntaxError
	switch {
	case errors.As(err, &broken):
		return usage(fmt.Errorf("%s: line %d, column %d: %w", name, broken.Line, broken.Column, err), "")
	case errors.Is(err, xmldsig.ErrSignDocument):
		return &exitError{code: exitInvalid, err: fmt.Errorf("%s: %w", name, err), hint: "see portti validate " + name}
	case errors.Is(err, xmldsig.ErrSignOptions):
		return usage(err, "key and certificate must belong together")
	default:
		return system(err, "")
	}
}

// warnOfCertificate tells on stderr what archives will find wrong with the
// certificate itself. It signs all the same: test documents need faulty ones.
func (m *Main) warnOfCertificate(c *x509.Certificate, typ int) {
	s, err := trust.New(trust.Options{PinCertificates: []*x509.Certificate{c}})
	if err != nil {
		return // without files there is nothing to fail
	}
	now := m.Now()
	var rules []string
	for _, f := range s.Judge(xmldsig.TrustQuery{Certificate: c, Type: typ, Time: now, Arrival: now}).Faults {
		rules = append(rules, f.Rule)
	}
	if len(rules) > 0 {
		fmt.Fprintf(m.Stderr, "portti: warning: this certificate will be refused for this signature: %s\nhint: see portti errors %s\n", strings.Join(rules, ", "), rules[0])
	}
}

// readKey reads the private key of a PEM file.
func readKey(name string) (crypto.Signer, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	for {
		var p *pem.Block
		if p, b = pem.Decode(b); p == nil {
			return nil, fmt.Errorf("%s: no private key in it", name)
		}
		switch p.Type {
		case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY":
			key, err := parseKey(p)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			return key, nil
		case "ENCRYPTED PRIVATE KEY":
			return nil, fmt.Errorf("%s: the key is encrypted: write it out with openssl pkey first", name)
		}
	}
}

func parseKey(p *pem.Block) (crypto.Signer, error) {
	var key any
	var err error
	switch p.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(p.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(p.Bytes)
	default:
		key, err = x509.ParsePKCS8PrivateKey(p.Bytes)
	}
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("a key of this kind (%T) signs nothing", key)
	}
	return signer, nil
}

// archiveSigner gives what makes the archive's own signatures, nil where they are off.
func (m *Main) archiveSigner() (*pipeline.ArchiveSigner, error) {
	c := &m.config
	when := pipeline.SignWhen(c.ArchiveSignature)
	switch {
	case when == pipeline.SignNever:
		return nil, nil
	case c.ArchiveKey == "" || c.ArchiveCertificate == "":
		return nil, usage(errors.New("archive_signature needs a key and a certificate"), "add --archive-key FILE --archive-certificate FILE")
	}
	key, err := readKey(c.ArchiveKey)
	if err != nil {
		return nil, usage(err, "--archive-key takes a PEM file with one private key (PKCS #8, PKCS #1 or SEC 1)")
	}
	certs, err := trust.Load(c.ArchiveCertificate)
	if err != nil {
		return nil, usage(err, "--archive-certificate takes PEM or DER")
	}
	if own, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !own.Equal(certs[0].PublicKey) {
		return nil, usage(errors.New("the archive's key and certificate do not belong together"), "")
	}
	return &pipeline.ArchiveSigner{When: when, Key: key, Certificate: certs[0], Now: m.Now, NewID: m.NewID}, nil
}
