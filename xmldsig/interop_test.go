package xmldsig

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"portti/internal/judge"
	"portti/xmldsig/bench"
)

// Documents signed by xmlsec1 and by the JDK verify here, and documents signed
// here verify there, in every combination that both sides know.

// peerKey is a key with a certificate by itself, as files for other programs.
type peerKey struct {
	name string
	key  crypto.Signer
	cert *x509.Certificate
	der  string // file of PKCS #8; .crt beside it is the certificate
	pem  string // file of both
}

func peerKeys(tb testing.TB) map[string]peerKey {
	tb.Helper()
	out := map[string]peerKey{}
	dir := tb.TempDir()
	keys := map[string]crypto.Signer{"RSA": testRSA()}
	for name, k := range testEC() {
		keys[name] = k
	}
	for name, k := range keys {
		cert := selfSigned(tb, name, k)
		der, err := x509.MarshalPKCS8PrivateKey(k)
		if err != nil {
			tb.Fatal(err)
		}
		p := peerKey{name, k, cert, filepath.Join(dir, name+".p8"), filepath.Join(dir, name+".pem")}
		both := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})...)
		for file, b := range map[string][]byte{p.der: der, p.der + ".crt": cert.Raw, p.pem: both} {
			write(tb, file, b)
		}
		out[name] = p
	}
	return out
}

func write(tb testing.TB, file string, b []byte) {
	tb.Helper()
	if err := os.WriteFile(file, b, 0o600); err != nil {
		tb.Fatal(err)
	}
}

func selfSigned(tb testing.TB, name string, k crypto.Signer) *x509.Certificate {
	tb.Helper()
	x := &x509.Certificate{
		SerialNumber: new(big.Int).Lsh(big.NewInt(7), 130), NotBefore: testNow.AddDate(-1, 0, 0), NotAfter: testNow.AddDate(20, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature,
		Subject:  pkix.Name{CommonName: "Testi " + name, Organization: []string{`Yritys "A, B" + C`}, SerialNumber: "1.2.246.10.99999901.10.0", Country: []string{"FI"}},
	}
	der, err := x509.CreateCertificate(rand.Reader, x, x, k.Public(), k)
	if err != nil {
		tb.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// peerMethods are the signature methods by the key that makes them.
func peerMethods(pss bool) [][2]string {
	out := [][2]string{{AlgRSASHA256, "RSA"}, {AlgRSASHA384, "RSA"}, {AlgRSASHA512, "RSA"}}
	if pss {
		out = append(out, [2]string{AlgPSSSHA256, "RSA"}, [2]string{AlgPSSSHA384, "RSA"}, [2]string{AlgPSSSHA512, "RSA"}, [2]string{algRSAPSS, "RSA"})
	}
	for _, m := range []string{AlgECDSASHA256, AlgECDSASHA384, AlgECDSASHA512} {
		for _, k := range []string{"P-256", "P-384", "P-521"} {
			out = append(out, [2]string{m, k})
		}
	}
	return out
}

var peerCanons = []string{
	AlgExcC14N, AlgExcC14N + "WithComments", AlgC14N10, AlgC14N10 + "#WithComments", AlgC14N11, AlgC14N11 + "#WithComments",
}

var peerForms = []string{"enveloped", "detached", "enveloping", "document", "element", "manifest", "base64"}

// peerCase is a combination of method, key, canonicalization and form.
type peerCase struct{ method, key, canon, form string }

func (c peerCase) String() string {
	short := func(s string) string { return s[strings.LastIndexAny(s, "/#")+1:] }
	return strings.Join([]string{short(c.method), c.key, strings.TrimPrefix(c.canon, "http://www.w3.org/"), c.form}, " ")
}

// allPeerCases is the full product; fewPeerCases has each method, and each
// canonicalization in each form.
func allPeerCases() []peerCase {
	var out []peerCase
	for _, m := range peerMethods(true) {
		for _, canon := range peerCanons {
			for _, form := range peerForms {
				out = append(out, peerCase{m[0], m[1], canon, form})
			}
		}
		if m[0] == algRSAPSS {
			continue // kanta takes the methods without parameters
		}
		for _, form := range []string{"kanta", "kanta-enveloped"} {
			out = append(out, peerCase{m[0], m[1], AlgExcC14N, form})
		}
	}
	return out
}

// pairedPeerCases has each method in each form and with each canonicalization, and
// each canonicalization in each form.
func pairedPeerCases() []peerCase {
	var out []peerCase
	i := 0
	for _, m := range peerMethods(true) {
		for _, form := range peerForms {
			out = append(out, peerCase{m[0], m[1], peerCanons[i%len(peerCanons)], form})
			i++
		}
	}
	for _, canon := range peerCanons {
		for _, form := range peerForms {
			out = append(out, peerCase{AlgRSASHA256, "RSA", canon, form})
		}
	}
	return out
}

func fewPeerCases() []peerCase {
	var out []peerCase
	for i, m := range peerMethods(false) {
		out = append(out, peerCase{m[0], m[1], peerCanons[i%len(peerCanons)], peerForms[i%len(peerForms)]},
			peerCase{m[0], m[1], AlgExcC14N, []string{"kanta", "kanta-enveloped"}[i%2]})
	}
	for i, canon := range peerCanons {
		for j, form := range peerForms {
			if (i+j)%2 == 0 {
				out = append(out, peerCase{AlgRSASHA256, "RSA", canon, form})
			}
		}
	}
	return out
}

const peerDoc = `<?xml version="1.0" encoding="UTF-8"?>
<!-- before --><doc xmlns="urn:d" xmlns:p="urn:p" xml:lang="fi"><b Id="b">AAEC
</b><a xmlns="" Id="a" p:b="c&#9;&lt;" z="1" a="2">té&#13;xt<!-- c --><?pi x?></a>%s</doc><?after?>`

// kantaShell is a CDA document with a signature element that lacks the ds:Signature.
func kantaShell(tb testing.TB, signature string) string {
	tb.Helper()
	return replaced(tb, document(false), `<hl7fi:documentGroup code="5"/>`, `<hl7fi:signatureCollection><hl7fi:signature ID="s"><hl7fi:signatureDescription code="3" codeSystem="`+codeSystemType+
		`"/><hl7fi:signatureTimestamp ID="s.time">2026-05-04T09:29:00Z</hl7fi:signatureTimestamp>`+signature+`</hl7fi:signature></hl7fi:signatureCollection>`)
}

// mustVerify demands that a document of another program is valid here, by the key
// it was signed with, and not once the body or text has changed.
func mustVerify(t *testing.T, c peerCase, k peerKey, doc string) {
	t.Helper()
	judgeIt := func(doc string) *Verdict {
		if strings.HasPrefix(c.form, "kanta") {
			return verify(t, newVerifier(), doc)
		}
		return verifyGeneric(t, &Verifier{Keys: []crypto.PublicKey{k.key.Public()}}, doc)
	}
	v := judgeIt(doc)
	if !v.Valid || len(v.Findings) > 0 || v.Signatures[0].Method != c.method || !sameKey(k.key.Public(), v.Signatures[0].Key) {
		t.Errorf("%s: %+v", c, v.Findings)
	}
	for _, change := range [][2]string{{"PGRpdi8+", "PGRpdj4+"}, {"AAEC\n", "AAED\n"}, {`a="2"`, `a="3"`}} {
		if c.form == "base64" && change[0] == `a="2"` || c.form != "base64" && change[0] == "AAEC\n" && c.form != "enveloped" && c.form != "document" && c.form != "manifest" {
			continue // not covered
		}
		if other := strings.ReplaceAll(doc, change[0], change[1]); other != doc && judgeIt(other).Valid {
			t.Errorf("%s: valid with %s", c, change[1])
		}
	}
}

// peerTemplate is the document with a signature that xmlsec1 fills in.
func peerTemplate(tb testing.TB, c peerCase, k peerKey) string {
	tb.Helper()
	x := template{method: c.method, canon: c.canon, keyInfo: "<KeyInfo><X509Data><X509Certificate/></X509Data></KeyInfo>"}
	const time, body = "#s.time", "#OID" + testOID
	switch c.form {
	case "enveloped":
		x.refs = []string{refText("", AlgEnveloped, c.canon)}
	case "detached":
		x.refs = []string{refText("#a", c.canon), refText("#a")}
		if k.name == "RSA" { // this xmlsec1 knows no ECKeyValue
			x.keyInfo = "<KeyInfo><KeyValue/></KeyInfo>"
		}
	case "enveloping":
		x.refs, x.after = []string{refText("#o", c.canon)}, `<Object Id="o"><x xmlns="" a="2"/></Object>`
	case "document":
		x.refs = []string{refText("#xpointer(/)", AlgEnveloped, c.canon)}
	case "element":
		x.refs = []string{refText("#xpointer(id('a'))", c.canon)}
	case "manifest":
		x.refs = []string{refText("#m", c.canon)}
		x.after = `<Object><Manifest Id="m">` + refText("#a", c.canon) + refText("", AlgEnveloped, c.canon) + `</Manifest></Object>`
	case "base64":
		x.refs = []string{refText("#b", algBase64)}
	case "kanta":
		x.refs = []string{refText(body, AlgExcC14N), refText(time, AlgExcC14N)}
	case "kanta-enveloped":
		x.refs = []string{refText(time, AlgEnveloped, AlgExcC14N), refText(body, AlgEnveloped, AlgExcC14N)}
	}
	if strings.HasPrefix(c.form, "kanta") {
		x.keyInfo = "<KeyInfo><X509Data><X509Certificate/></X509Data></KeyInfo>"
		return kantaShell(tb, emptied(x.text(tb, k.key)))
	}
	return fmt.Sprintf(peerDoc, emptied(x.text(tb, k.key)))
}

// emptied takes out the values that a signer will fill in.
func emptied(s string) string {
	s = strings.ReplaceAll(s, "<DigestValue>"+strings.Repeat("A", 43)+"=</DigestValue>", "<DigestValue/>")
	return strings.Replace(s, "<SignatureValue>AAAA</SignatureValue>", "<SignatureValue/>", 1)
}

func TestSignedByXmlsec1VerifiesHere(t *testing.T) {
	xmlsec := judge.Need(t, "xmlsec1")
	keys, dir := peerKeys(t), t.TempDir()
	ids := []string{"a", "urn:d:b", nsDSig + ":Object", nsDSig + ":Manifest"}
	for i, c := range fewPeerCases() {
		in, out := filepath.Join(dir, fmt.Sprintf("in%d.xml", i)), filepath.Join(dir, fmt.Sprintf("out%d.xml", i))
		k := keys[c.key]
		write(t, in, []byte(peerTemplate(t, c, k)))
		args := []string{"--sign", "--privkey-pem", k.pem + "," + k.pem, "--output", out}
		for _, id := range ids {
			args = append(args, "--id-attr:Id", id)
		}
		for _, id := range []string{"urn:hl7-org:v3:nonXMLBody", "urn:hl7finland:signatureTimestamp"} {
			args = append(args, "--id-attr:ID", id)
		}
		if b, err := exec.Command(xmlsec, append(args, in)...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", c, err, b)
			continue
		}
		doc, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		mustVerify(t, c, k, string(doc))
	}
}

// java runs testdata/XmlSig.java over a list of jobs and gives its answers.
func java(t *testing.T, jobs []string) []string {
	t.Helper()
	program := judge.Need(t, "java")
	list := filepath.Join(t.TempDir(), "list")
	write(t, list, []byte(strings.Join(jobs, "\n")+"\n"))
	cmd := exec.Command(program, "-XX:TieredStopAtLevel=1", "-Xshare:auto", filepath.Join("testdata", "XmlSig.java"), list)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("java: %v\n%s", err, stderr.Bytes())
	}
	answers := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(answers) != len(jobs) {
		t.Fatalf("%d answers to %d jobs\n%s", len(answers), len(jobs), stderr.Bytes())
	}
	return answers
}

// ourDocument is a document signed here: by SignDocument in every combination, by
// SignEnveloped, or in a form that the policy generic takes, sealed by the tests' own
// hand. xmlsec1 tells that libxmlsec1 knows all of its parts.
type ourDocument struct {
	name, text string
	xmlsec1    bool
}

func ourDocuments(t *testing.T, keys map[string]peerKey) []ourDocument {
	t.Helper()
	var out []ourDocument
	for name, o := range signingCases(t) {
		pss := methods[o.Method].scheme == rsaPSS
		out = append(out, ourDocument{name, mustSign(t, document(o.Type <= TypeMulti && !o.SignerBlock), o), !pss})
		out = append(out, ourDocument{name + ", as a report", string(envelope(t, "<report>é<!-- c --></report>", o)), !pss})
	}
	for _, c := range pairedPeerCases() {
		k := keys[c.key]
		text := sealedTemplate(t, c, k)
		if v := verifyGeneric(t, &Verifier{Keys: []crypto.PublicKey{k.key.Public()}}, text); !v.Valid {
			t.Fatalf("%s: %v", c, rules(v))
		}
		out = append(out, ourDocument{c.String(), text, !strings.Contains(c.method, "MGF1") && c.method != algRSAPSS})
	}
	return out
}

func TestSIG1_WhatIsSignedHereVerifiesInLibxmlsec1(t *testing.T) {
	j := bench.Start(t)
	for _, d := range ourDocuments(t, peerKeys(t)) {
		if !d.xmlsec1 {
			continue
		}
		if a := j.Verify(t, []byte(d.text), 0); !a.AllValid() {
			t.Errorf("%s: %+v\n%s", d.name, a, d.text)
		}
	}
}

// One run of the JDK signs and verifies what is signed here: every pair of method,
// canonicalization and form, all kanta forms, and in the long run (make fuzz) the
// full product.
func TestSIG1_JDKAndWeVerifyEachOther(t *testing.T) {
	judge.Need(t, "java")
	keys, dir := peerKeys(t), t.TempDir()
	var jobs []string
	generic, shell := filepath.Join(dir, "generic.xml"), filepath.Join(dir, "kanta.xml")
	write(t, generic, fmt.Appendf(nil, peerDoc, ""))
	write(t, shell, []byte(kantaShell(t, "")))
	cases := allPeerCases()
	if os.Getenv("PORTTI_FUZZ_DOCS") == "" {
		cases = slices.DeleteFunc(cases, func(c peerCase) bool { return !strings.HasPrefix(c.form, "kanta") })
		cases = append(cases, pairedPeerCases()...)
	}
	file := func(i int) string { return filepath.Join(dir, fmt.Sprintf("signed%d.xml", i)) }
	for i, c := range cases {
		in := generic
		if strings.HasPrefix(c.form, "kanta") {
			in = shell
		}
		k := keys[c.key]
		jobs = append(jobs, strings.Join([]string{"sign", file(i), k.der, k.der + ".crt", c.method, c.canon, c.form, in}, "\t"))
	}
	ours := ourDocuments(t, keys)
	for i, d := range ours {
		name := filepath.Join(dir, fmt.Sprintf("ours%d.xml", i))
		write(t, name, []byte(d.text))
		jobs = append(jobs, "verify\t"+name)
	}
	start := time.Now()
	answers := java(t, jobs)
	t.Logf("the JDK took %v for %d signatures made and %d verified", time.Since(start).Round(time.Millisecond), len(cases), len(ours))
	for i, c := range cases {
		if answers[i] != "ok" {
			t.Errorf("%s: %s", c, answers[i])
			continue
		}
		doc, err := os.ReadFile(file(i))
		if err != nil {
			t.Fatal(err)
		}
		mustVerify(t, c, keys[c.key], string(doc))
	}
	for i, d := range ours {
		if answer := answers[len(cases)+i]; answer != "valid" {
			t.Errorf("%s: %s\n%s", d.name, answer, d.text)
		}
	}
}
