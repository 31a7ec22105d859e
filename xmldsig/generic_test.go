package xmldsig

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"portti/internal/xmltree"
	"portti/xmldsig/pki"
)

// genericRules are those that only the policy generic names.
var genericRules = []string{
	RulePSSParameters, RuleDigestWork, RuleReferenceEmpty, RuleReferenceBase64,
	RuleKeyMissing, RuleKeyFormat, RuleKeyCurve, RuleKeyConflict, RuleKeyUntrusted, RuleKeyUsage,
	RuleKeyRetrieval, RuleKeyTooMany, RuleCertUnknown, RuleCertIdentifier,
}

func certText(c *x509.Certificate) string {
	return "<X509Certificate>" + base64.StdEncoding.EncodeToString(c.Raw) + "</X509Certificate>"
}

func x509Info(parts ...string) string {
	return "<KeyInfo><X509Data>" + strings.Join(parts, "") + "</X509Data></KeyInfo>"
}

// genericCase is a document and the exact set of rules that it breaks.
type genericCase struct {
	name string
	doc  func(tb testing.TB, key crypto.Signer) string // sealed by the test after
	want []string
}

// whole seals an enveloped signature.
func whole(x template) func(testing.TB, crypto.Signer) string { return x.enveloped }

// around puts a signature's text into a document.
func around(x template, format string) func(testing.TB, crypto.Signer) string {
	return func(tb testing.TB, key crypto.Signer) string { return fmt.Sprintf(format, x.text(tb, key)) }
}

func keyInfo(s string) template { return template{keyInfo: "<KeyInfo>" + s + "</KeyInfo>"} }

func refs(r ...string) template { return template{refs: r} }

const ecNamed = `<KeyValue><ECKeyValue xmlns="` + nsDSig11 + `"><NamedCurve URI="%s"/><PublicKey>%s</PublicKey></ECKeyValue></KeyValue>`

func genericCases(tb testing.TB) []genericCase {
	wholeDoc := refText("", AlgEnveloped, AlgExcC14N)
	a := refText("#a", AlgExcC14N)
	object := `<Object Id="o"><p>%s</p></Object>`
	manifest := func(refs ...string) string {
		return `<Object><Manifest Id="m">` + strings.Join(refs, "") + `</Manifest></Object>`
	}
	return []genericCase{
		// What is taken.
		{"enveloped", whole(template{}), nil},
		{"enveloped without canonicalization", whole(refs(refText("", AlgEnveloped))), nil},
		{"detached in the document", whole(refs(a)), nil},
		{"detached without transforms", whole(refs(refText("#a"))), nil},
		{"several references", whole(refs(a, wholeDoc)), nil},
		{"enveloping", around(template{refs: []string{refText("#o", AlgC14N11)}, after: object}, "%s"), nil},
		{"xpointer to the document", whole(refs(refText("#xpointer(/)", AlgEnveloped, AlgC14N10+"#WithComments"))), nil},
		{"xpointer to an element", whole(refs(refText("#xpointer(id('a'))", AlgC14N10+"#WithComments"))), nil},
		{"xpointer with double quotes", whole(refs(refText("#xpointer(id(&quot;a&quot;))", AlgC14N10))), nil},
		{"base64", around(refs(refText("#b", algBase64)), `<doc><b Id="b">AA<!-- c -->EC <i>Aw==</i></b>%s</doc>`), nil},
		{"base64 beside the signature", around(refs(refText("#b", AlgEnveloped, algBase64)), `<doc Id="b">AAEC%s</doc>`), nil},
		{"manifest", whole(template{refs: []string{refText("#m", AlgExcC14N)}, after: manifest(a, wholeDoc)}), nil},
		{"manifest of a manifest", whole(template{refs: []string{refText("#m", AlgExcC14N)}, after: manifest(refText("#n", AlgExcC14N)) + `<Object><Manifest Id="n">` + a + `</Manifest></Object>`}), nil},
		{"id in xml:id", around(refs(refText("#b", AlgExcC14N)), `<doc><b xml:id="b"/>%s</doc>`), nil},
		{"id in id", around(refs(refText("#b", AlgExcC14N)), `<doc><b id="b"/>%s</doc>`), nil},
		{"id in wsu:Id", around(refs(refText("#b", AlgExcC14N)), `<doc xmlns:w="`+nsWSU+`"><b w:Id="b"/>%s</doc>`), nil},
		{"prefix list", whole(refs(refText("#a", `<Transform Algorithm="`+AlgExcC14N+`"><InclusiveNamespaces xmlns="`+nsExc+`" PrefixList="p #default"/></Transform>`))), nil},
		{"two signatures", func(tb testing.TB, key crypto.Signer) string {
			return `<doc><a Id="a"/>` + refs(a).text(tb, key) + refs(a).text(tb, key) + `</doc>`
		}, nil},
		{"no KeyInfo, one key known", whole(keyInfo("")), nil},
		{"key by name only", whole(keyInfo("<KeyName>somebody</KeyName>")), nil},
		{"rsa-pss, all said", whole(template{method: algRSAPSS, params: pssParams(AlgSHA384, AlgSHA384, "48", "1")}), nil},
		{"rsa-pss, nothing said", whole(template{method: algRSAPSS}), nil},
		{"DER key", func(tb testing.TB, key crypto.Signer) string {
			der, err := x509.MarshalPKIXPublicKey(key.Public())
			if err != nil {
				tb.Fatal(err)
			}
			return keyInfo(`<DEREncodedKeyValue xmlns="`+nsDSig11+`">`+base64.StdEncoding.EncodeToString(der)+"</DEREncodedKeyValue>").enveloped(tb, key)
		}, nil},
		{"key twice, one and the same", func(tb testing.TB, key crypto.Signer) string {
			return keyInfo(strings.Repeat(keyValueText(tb, key.Public()), 2)).enveloped(tb, key)
		}, nil},
		{"something unused in KeyInfo", func(tb testing.TB, key crypto.Signer) string {
			return keyInfo(keyValueText(tb, key.Public())+"<MgmtData/><PGPData/>").enveloped(tb, key)
		}, []string{RuleKeyInfoUnused}},

		// What is refused.
		{"no signature", func(testing.TB, crypto.Signer) string { return "<doc/>" }, []string{RuleSignatureMissing}},
		{"too many signatures", func(testing.TB, crypto.Signer) string {
			return "<doc>" + strings.Repeat(`<Signature xmlns="`+nsDSig+`"/>`, 17) + "</doc>"
		}, []string{RuleSignatureTooMany}},
		{"external reference", whole(refs(refText("http://x.invalid/a"))), []string{RuleReferenceExternal}},
		{"file reference", whole(refs(refText("file:///etc/passwd"))), []string{RuleReferenceExternal}},
		{"relative reference", whole(refs(refText("a.xml#a"))), []string{RuleReferenceExternal}},
		{"reference without URI", whole(refs(strings.Replace(a, ` URI="#a"`, "", 1))), []string{RuleReferenceAbsent}},
		{"other xpointer", whole(refs(refText("#xpointer(//a)"))), []string{RuleReferenceXPointer}},
		{"xpointer with two quotes", whole(refs(refText("#xpointer(id('a' or 'b'))"))), []string{RuleReferenceXPointer}},
		{"nowhere", whole(refs(refText("#x"))), []string{RuleReferenceUnresolved}},
		{"id in another attribute", around(refs(refText("#b", AlgExcC14N)), `<doc><b name="b"/>%s</doc>`), []string{RuleReferenceUnresolved}},
		{"id in another namespace", around(refs(refText("#b", AlgExcC14N)), `<doc xmlns:x="urn:x"><b x:Id="b"/>%s</doc>`), []string{RuleReferenceUnresolved}},
		{"id twice", around(refs(refText("#b", AlgExcC14N)), `<doc><b Id="b"/><c xml:id="b"/>%s</doc>`), []string{RuleReferenceAmbiguous}},
		{"xslt", whole(refs(refText("", AlgEnveloped, "http://www.w3.org/TR/1999/REC-xslt-19991116"))), []string{RuleTransformXSLT}},
		{"xpath", whole(refs(refText("", "http://www.w3.org/TR/1999/REC-xpath-19991116"))), []string{RuleTransformXPath}},
		{"filter", whole(refs(refText("", "http://www.w3.org/2002/06/xmldsig-filter2"))), []string{RuleTransformFilter2}},
		{"unknown transform", whole(refs(refText("", "urn:x"))), []string{RuleTransformUnknown}},
		{"canonicalization twice", whole(refs(refText("#a", AlgExcC14N, AlgC14N10))), []string{RuleTransformOrder}},
		{"enveloped after octets", whole(refs(refText("", AlgExcC14N, AlgEnveloped))), []string{RuleTransformOrder}},
		{"base64 of octets", whole(refs(refText("#a", AlgExcC14N, algBase64))), []string{RuleTransformOrder}},
		{"text that is no base64", around(refs(refText("#b", algBase64)), `<doc><b Id="b">AA=A</b>%s</doc>`), []string{RuleReferenceBase64}},
		{"target taken out", around(template{refs: []string{refText("#o", AlgEnveloped, AlgExcC14N)}, after: object}, "<doc>%s</doc>"), []string{RuleReferenceEmpty}},
		{"unknown canonicalization", whole(template{canon: "urn:x"}), []string{RuleC14NUnknown}},
		{"parameter of inclusive canonicalization", whole(refs(refText("#a", `<Transform Algorithm="`+AlgC14N10+`"><InclusiveNamespaces xmlns="`+nsExc+`" PrefixList="p"/></Transform>`))), []string{RuleXMLDSigStructure}},
		{"manifest with an external reference", whole(template{refs: []string{refText("#m", AlgExcC14N)}, after: manifest(a, refText("http://x.invalid/"))}), []string{RuleReferenceExternal}},
		{"manifest with something else", whole(template{refs: []string{refText("#m", AlgExcC14N)}, after: manifest(a, "<x/>")}), []string{RuleXMLDSigStructure}},
		{"empty manifest", whole(template{refs: []string{refText("#m", AlgExcC14N)}, after: manifest()}), []string{RuleXMLDSigStructure}},
		{"manifest too long", whole(template{refs: []string{refText("#m", AlgExcC14N)}, after: manifest(strings.Repeat(a, 64))}), []string{RuleReferenceTooMany}},
		{"too many references", whole(refs(strings.Repeat(a, 65))), []string{RuleReferenceTooMany}},
		{"rsa-sha1", whole(template{method: algRSASHA1}), []string{RuleAlgorithmSHA1}},
		{"rsa-md5", whole(template{method: more01 + "rsa-md5"}), []string{RuleAlgorithmMD5}},
		{"dsa", whole(template{method: nsDSig + "dsa-sha1"}), []string{RuleAlgorithmDSA}},
		{"hmac", whole(template{method: more01 + "hmac-sha256"}), []string{RuleAlgorithmHMAC}},
		{"unknown method", whole(template{method: "urn:x"}), []string{RuleAlgorithmUnknown}},
		{"rsa-pss with SHA-1", whole(template{method: algRSAPSS, params: pssParams(algSHA1, algSHA1, "20", "1")}), []string{RuleAlgorithmSHA1}},
		{"rsa-pss with another mask", whole(template{method: algRSAPSS, params: pssParams(AlgSHA256, AlgSHA384, "32", "1")}), []string{RulePSSParameters}},
		{"rsa-pss without salt", whole(template{method: algRSAPSS, params: pssParams(AlgSHA256, AlgSHA256, "0", "1")}), []string{RulePSSParameters}},
		{"rsa-pss with another trailer", whole(template{method: algRSAPSS, params: pssParams(AlgSHA256, AlgSHA256, "32", "2")}), []string{RulePSSParameters}},
		{"key fetched from elsewhere", whole(keyInfo(`<RetrievalMethod URI="#k"/>`)), []string{RuleKeyRetrieval}},
		{"key referred to", whole(keyInfo(`<KeyInfoReference xmlns="` + nsDSig11 + `" URI="#k"/>`)), []string{RuleKeyRetrieval}},
		{"empty KeyValue", whole(keyInfo(`<KeyValue/>`)), []string{RuleKeyFormat}},
		{"key of an unknown kind", whole(keyInfo(`<KeyValue><x/></KeyValue>`)), []string{RuleKeyFormat}},
		{"DER that is none", whole(keyInfo(`<DEREncodedKeyValue xmlns="` + nsDSig11 + `">AAAA</DEREncodedKeyValue>`)), []string{RuleKeyFormat}},
		{"even modulus", whole(keyInfo(rsaText("gA==", "AQAB"))), []string{RuleKeyFormat}},
		{"exponent one", whole(keyInfo(rsaText("gQ==", "AQ=="))), []string{RuleKeyFormat}},
		{"even exponent", whole(keyInfo(rsaText("gQ==", "Ag=="))), []string{RuleKeyFormat}},
		{"huge exponent", whole(keyInfo(rsaText("gQ==", "//////8="))), []string{RuleKeyFormat}},
		{"small modulus", whole(keyInfo(rsaText("gQ==", "AQAB"))), []string{RuleKeySize}},
		{"huge modulus", whole(keyInfo(rsaText(base64.StdEncoding.EncodeToString(append([]byte{0x80}, append(make([]byte, 1024), 1)...)), "AQAB"))), []string{RuleKeySize}},
		{"unknown curve", whole(keyInfo(fmt.Sprintf(ecNamed, "urn:oid:1.3.132.0.10", "BAAA"))), []string{RuleKeyCurve}},
		{"curve by its parameters", whole(keyInfo(`<KeyValue><ECKeyValue xmlns="` + nsDSig11 + `"><ECParameters/><PublicKey/></ECKeyValue></KeyValue>`)), []string{RuleKeyCurve}},
		{"point off the curve", whole(keyInfo(fmt.Sprintf(ecNamed, "urn:oid:1.2.840.10045.3.1.7", base64.StdEncoding.EncodeToString(append([]byte{4}, make([]byte, 64)...))))), []string{RuleKeyFormat}},
		{"point at infinity", whole(keyInfo(fmt.Sprintf(ecNamed, "urn:oid:1.2.840.10045.3.1.7", "AA=="))), []string{RuleKeyFormat}},
		{"older curve form, negative", whole(keyInfo(`<KeyValue><ECDSAKeyValue xmlns="` + more01 + `"><DomainParameters><NamedCurve URN="urn:oid:1.2.840.10045.3.1.7"/></DomainParameters><PublicKey><X Value="-1"/><Y Value="2"/></PublicKey></ECDSAKeyValue></KeyValue>`)), []string{RuleKeyFormat}},
		{"older curve form, by parameters", whole(keyInfo(`<KeyValue><ECDSAKeyValue xmlns="` + more01 + `"><DomainParameters><ExplicitParams/></DomainParameters></ECDSAKeyValue></KeyValue>`)), []string{RuleKeyCurve}},
		{"a DSA key", whole(keyInfo(`<KeyValue><DSAKeyValue/></KeyValue>`)), []string{RuleKeyFormat}},
		{"key of another kind than the method", func(tb testing.TB, key crypto.Signer) string {
			return keyInfo(keyValueText(tb, &testEC()["P-256"].PublicKey)).enveloped(tb, key)
		}, []string{RuleKeyKind}},
		{"too many keys", func(tb testing.TB, key crypto.Signer) string {
			return keyInfo(strings.Repeat(keyValueText(tb, key.Public()), 17)).enveloped(tb, key)
		}, []string{RuleKeyTooMany}},
		{"identifiers of no known certificate", whole(template{keyInfo: x509Info("<X509SKI>AAAA</X509SKI>")}), []string{RuleCertUnknown}},
	}
}

func rsaText(modulus, exponent string) string {
	return "<KeyValue><RSAKeyValue><Modulus>" + modulus + "</Modulus><Exponent>" + exponent + "</Exponent></RSAKeyValue></KeyValue>"
}

func TestGeneric_EveryFormHasItsVerdict(t *testing.T) {
	alone := map[string]bool{}
	for _, c := range genericCases(t) {
		t.Run(c.name, func(t *testing.T) {
			key := testRSA()
			wantRules(t, verifyGeneric(t, knows(key), seal(t, c.doc(t, key), key)), c.want...)
		})
		if len(c.want) == 1 {
			alone[c.want[0]] = true
		}
	}
	for _, r := range []string{RuleDigestWork, RuleKeyMissing, RuleKeyUntrusted, RuleKeyUsage, RuleKeyConflict, RuleCertIdentifier} {
		alone[r] = true // by tests below
	}
	for _, r := range genericRules {
		if !alone[r] {
			t.Errorf("%s never stands alone", r)
		}
	}
}

// Each text of a valid signature that is changed makes it invalid.
func TestGeneric_ChangesAreFound(t *testing.T) {
	key := testRSA()
	for _, c := range genericCases(t) {
		if len(c.want) > 0 {
			continue
		}
		doc := seal(t, c.doc(t, key), key)
		for name, change := range map[string][2]string{
			"target":   {"<a Id", `<a x="" Id`},
			"document": {"</doc>", "<x/></doc>"},
			"object":   {"<Object", "<Object MimeType='a'"},
			"value":    {"<SignatureValue>", "<SignatureValue>AAAA"},
			"info":     {"<SignedInfo>", "<SignedInfo> "},
			"digest":   {"<DigestValue>", "<DigestValue> "},
		} {
			other := strings.Replace(doc, change[0], change[1], 1)
			if v := verifyGeneric(t, knows(key), other); v.Valid && other != doc && covers(t, knows(key), doc, change[0]) {
				t.Errorf("%s: %s changed, still valid", c.name, name)
			}
		}
	}
}

// covers tells whether what begins at the mark is covered, or is the signature.
func covers(tb testing.TB, v *Verifier, doc, mark string) bool {
	tb.Helper()
	tree := parse(tb, []byte(doc))
	verdict := v.GenericAt(tree, testNow)
	at := strings.Index(doc, mark)
	for n := tree.Root(); int(n) < tree.Len(); n++ {
		start, end := tree.Range(n)
		switch {
		case start == at && mark != "</doc>":
			return verdict.Covered.Contains(n) || strings.HasPrefix(mark, "<S") || strings.HasPrefix(mark, "<D")
		case mark == "</doc>" && tree.Local(n) == "doc" && end > at:
			return verdict.Covered.Contains(n) && !slices.ContainsFunc(verdict.Covered.parts, func(p part) bool { return p.textOnly })
		}
	}
	return false
}

func TestGeneric_EveryAlgorithm(t *testing.T) {
	for _, m := range []string{AlgRSASHA256, AlgRSASHA384, AlgRSASHA512, AlgPSSSHA256, AlgPSSSHA384, AlgPSSSHA512, AlgECDSASHA256, AlgECDSASHA384, AlgECDSASHA512} {
		keys := map[string]crypto.Signer{"RSA": testRSA()}
		if methods[m].scheme == ecdsaRaw {
			keys = map[string]crypto.Signer{}
			for name, k := range testEC() {
				keys[name] = k
			}
		}
		for kind, key := range keys {
			for canon := range canonicalizers {
				x := template{method: m, canon: canon, refs: []string{refText("", AlgEnveloped, canon), refText("#a", canon)}}
				doc := seal(t, x.enveloped(t, key), key)
				wantRules(t, verifyGeneric(t, knows(key), doc))
				if v := verifyGeneric(t, knows(key), replaced(t, doc, `p:b="c"`, `p:b="d"`)); v.Valid {
					t.Errorf("%s %s %s: valid after a change", m, kind, canon)
				}
			}
		}
	}
}

// What is told as covered is what was digested: not the signature taken out, not
// comments that canonicalization dropped.
func TestGeneric_CoveredIsWhatWasDigested(t *testing.T) {
	key := testRSA()
	find := func(tree *xmltree.Tree, local string) xmltree.Node {
		for n := tree.Root(); int(n) < tree.Len(); n++ {
			if tree.Local(n) == local || local == "#comment" && tree.Kind(n) == xmltree.Comment {
				return n
			}
		}
		t.Fatalf("no %s", local)
		return xmltree.None
	}
	for _, c := range []struct {
		name    string
		x       template
		in, out []string
	}{
		{"enveloped", template{}, []string{"doc", "a"}, []string{"Signature", "SignedInfo", "#comment"}},
		{"detached", refs(refText("#a")), []string{"a"}, []string{"doc", "Signature", "#comment"}},
		{"dropped comments", refs(refText("", AlgEnveloped, AlgC14N10+"#WithComments")), []string{"a"}, []string{"#comment"}},
		{"kept comments", refs(refText("#xpointer(/)", AlgEnveloped, AlgC14N10+"#WithComments")), []string{"a", "#comment"}, []string{"Signature"}},
		{"xpointer without comments", refs(refText("#xpointer(/)", AlgEnveloped, AlgC14N10)), []string{"a"}, []string{"#comment"}},
	} {
		tree := parse(t, []byte(seal(t, c.x.enveloped(t, key), key)))
		v := knows(key).GenericAt(tree, testNow)
		for _, n := range c.in {
			if !v.Covered.Contains(find(tree, n)) {
				t.Errorf("%s: %s is not covered", c.name, n)
			}
		}
		for _, n := range c.out {
			if v.Covered.Contains(find(tree, n)) {
				t.Errorf("%s: %s is covered", c.name, n)
			}
		}
		if v.Covered.Contains(xmltree.None) {
			t.Error("None is covered")
		}
	}
	tree := parse(t, []byte(seal(t, fmt.Sprintf(`<doc><b Id="b" c="d">AAEC</b>%s</doc>`, refs(refText("#b", algBase64)).text(t, key)), key)))
	if v := knows(key).GenericAt(tree, testNow); v.Covered.Contains(find(tree, "b")) || !v.Covered.Contains(find(tree, "b")+1) {
		t.Error("base64 covers the text alone")
	}
}

func TestGeneric_KeyTrust(t *testing.T) {
	key := testRSA()
	doc := seal(t, template{}.enveloped(t, key), key)
	v := verifyGeneric(t, &Verifier{Trust: anyone{}}, doc)
	wantRules(t, v, RuleKeyUntrusted)
	if !v.Signatures[0].Intact || !sameKey(v.Signatures[0].Key, key.Public()) {
		t.Errorf("%+v", v.Signatures)
	}
	wantRules(t, verifyGeneric(t, &Verifier{}, seal(t, keyInfo("<KeyName>x</KeyName>").enveloped(t, key), key)), RuleKeyMissing)
	other := testEC()["P-256"]
	several := &Verifier{Keys: []crypto.PublicKey{other.Public(), systemLeaf(t).Certificate.PublicKey, key.Public()}}
	wantRules(t, verifyGeneric(t, several, seal(t, keyInfo("").enveloped(t, key), key)))
	none := &Verifier{Keys: []crypto.PublicKey{other.Public(), &testEC()["P-384"].PublicKey}}
	wantRules(t, verifyGeneric(t, none, seal(t, keyInfo("").enveloped(t, key), key)), RuleKeyMissing)
	wrong := &Verifier{Keys: []crypto.PublicKey{systemLeaf(t).Certificate.PublicKey}}
	wantRules(t, verifyGeneric(t, wrong, seal(t, keyInfo("").enveloped(t, key), key)), RuleValueMismatch)
}

// rfc4514 writes a name in the order that its DER has. (pkix.Name forgets it.)
func rfc4514(tb testing.TB, raw []byte) string {
	tb.Helper()
	var seq pkix.RDNSequence
	if _, err := asn1.Unmarshal(raw, &seq); err != nil {
		tb.Fatal(err)
	}
	return seq.String()
}

func TestGeneric_X509Data(t *testing.T) {
	leaf := systemLeaf(t)
	cert, key := leaf.Certificate, pki.Unwrap(leaf.Key)
	sum := sha256.Sum256(cert.Raw)
	serial := func(issuer string, n *big.Int) string {
		return "<X509IssuerSerial><X509IssuerName>" + issuer + "</X509IssuerName><X509SerialNumber>" + n.String() + "</X509SerialNumber></X509IssuerSerial>"
	}
	ids := map[string]string{
		"SKI":           "<X509SKI>" + base64.StdEncoding.EncodeToString(cert.SubjectKeyId) + "</X509SKI>",
		"digest":        `<X509Digest xmlns="` + nsDSig11 + `" Algorithm="` + AlgSHA256 + `">` + base64.StdEncoding.EncodeToString(sum[:]) + "</X509Digest>",
		"subject name":  "<X509SubjectName>" + rfc4514(t, cert.RawSubject) + "</X509SubjectName>",
		"issuer serial": serial(rfc4514(t, cert.RawIssuer), cert.SerialNumber),
	}
	others := map[string]string{
		"SKI":           "<X509SKI>AAAA</X509SKI>",
		"digest":        strings.Replace(ids["digest"], AlgSHA256, AlgSHA512, 1),
		"sha1 digest":   strings.Replace(ids["digest"], AlgSHA256, algSHA1, 1),
		"subject name":  "<X509SubjectName>CN=Somebody</X509SubjectName>",
		"issuer":        serial("CN=x", cert.SerialNumber),
		"issuer serial": serial(rfc4514(t, cert.RawIssuer), big.NewInt(7)),
		"serial hex":    strings.Replace(serial(rfc4514(t, cert.RawIssuer), cert.SerialNumber), "Number>", "Number>0x", 1),
	}
	judge := func(v *Verifier, info string) *Verdict {
		t.Helper()
		return verifyGeneric(t, v, seal(t, template{keyInfo: info}.enveloped(t, key), key))
	}
	anyone := &Verifier{Trust: anyone{}}
	knowing := &Verifier{Trust: anyone.Trust, Certificates: []*x509.Certificate{professionalLeaf(t).Certificate, cert}}
	wantRules(t, judge(anyone, x509Info(certText(cert))))
	wantRules(t, judge(&Verifier{}, x509Info(certText(cert))), RuleTrustMissing)
	for name, id := range ids {
		wantRules(t, judge(anyone, x509Info(certText(cert), id)))
		v := judge(knowing, x509Info(id))
		wantRules(t, v)
		if !v.Signatures[0].Signer.Equal(cert) {
			t.Errorf("%s names another", name)
		}
		wantRules(t, judge(anyone, x509Info(id)), RuleCertUnknown)
	}
	for _, id := range others {
		wantRules(t, judge(anyone, x509Info(certText(cert), id)), RuleCertIdentifier)
		wantRules(t, judge(knowing, x509Info(id)), RuleCertUnknown)
	}
	// The key beside a name that leads nowhere is a bare key.
	bare := "<KeyInfo>" + keyValueText(t, key.Public()) + "<X509Data>" + ids["SKI"] + "</X509Data></KeyInfo>"
	wantRules(t, judge(anyone, bare), RuleKeyUntrusted)
	wantRules(t, judge(knows(key), bare))
}

func TestGeneric_CertificateThatMayNotSignIsRefused(t *testing.T) {
	leaf, err := testCA().System(testOrg, pki.WithFault(pki.WrongUsage))
	if err != nil {
		t.Fatal(err)
	}
	key := pki.Unwrap(leaf.Key)
	doc := seal(t, template{keyInfo: x509Info(certText(leaf.Certificate))}.enveloped(t, key), key)
	wantRules(t, verifyGeneric(t, &Verifier{Trust: anyone{}}, doc), RuleKeyUsage)
}

// The older form of an EC key (RFC 4050).
func TestGeneric_ECDSAKeyValue(t *testing.T) {
	for _, k := range testEC() {
		raw, err := k.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		size := (len(raw) - 1) / 2
		x, y := new(big.Int).SetBytes(raw[1:1+size]), new(big.Int).SetBytes(raw[1+size:])
		info := keyInfo(`<KeyValue><ECDSAKeyValue xmlns="` + more01 + `"><DomainParameters><NamedCurve URN="` + curveURN(k.Curve) + `"/></DomainParameters><PublicKey><X Value="` + x.String() + `"/><Y Value="` + y.String() + `"/></PublicKey></ECDSAKeyValue></KeyValue>`)
		info.method = AlgECDSASHA256
		wantRules(t, verifyGeneric(t, knows(k), seal(t, info.enveloped(t, k), k)))
	}
}

func TestGeneric_OtherCurvesAreRefused(t *testing.T) {
	k, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	x := keyInfo(`<DEREncodedKeyValue xmlns="` + nsDSig11 + `">` + base64.StdEncoding.EncodeToString(der) + "</DEREncodedKeyValue>")
	x.method = AlgECDSASHA256
	wantRules(t, verifyGeneric(t, knows(k), seal(t, x.enveloped(t, k), k)), RuleKeySize)
}

func TestDistinguishedNames(t *testing.T) {
	cert := professionalLeaf(t).Certificate
	text := rfc4514(t, cert.RawSubject)
	for _, s := range []string{text, strings.ReplaceAll(text, ",", " , "), strings.ToUpper(text), strings.ReplaceAll(text, ",", ";")} {
		if !sameName(s, cert.RawSubject) {
			t.Errorf("%q is not %q", s, text)
		}
	}
	for _, s := range []string{"", ",", text + ",", text + ",CN=x", "CN", "CN=\\", `CN="a`, strings.Replace(text, "=", "=x", 1), strings.Repeat("CN=a,", 2000)} {
		if sameName(s, cert.RawSubject) {
			t.Errorf("%q is taken for %q", s, text)
		}
	}
	if sameName(text, []byte{1, 2}) {
		t.Error("rubbish is a name")
	}
	for s, want := range map[string]string{
		`CN=a\,b`: "a,b", `CN="a,b"`: "a,b", `CN=a\2Cb`: "a,b", `CN=#0C0161`: "a", `CN=#zz`: "#zz", "CN= a  b ": "a b", `CN=\C3\A4`: "ä",
	} {
		got, ok := parseName(s)
		if !ok || len(got) != 1 || got[0][0] != (attribute{"2.5.4.3", want}) {
			t.Errorf("%s: %v %v", s, got, ok)
		}
	}
	if got, ok := parseName("CN=a+OU=b,O=c"); !ok || len(got) != 2 || len(got[0]) != 2 {
		t.Errorf("%v", got)
	}
}

func TestGeneric_SmallRSAKeysAreRefusedUnlessLetIn(t *testing.T) {
	k, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	doc := seal(t, template{}.enveloped(t, k), k)
	wantRules(t, verifyGeneric(t, knows(k), doc), RuleKeySize)
	v := knows(k)
	v.Limits.MinRSA = 1024
	wantRules(t, verifyGeneric(t, v, doc))
}
