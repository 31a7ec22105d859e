package xmldsig

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"portti/cda/rules/catalogue"
	"portti/internal/finding"
	"portti/internal/shared"
	"portti/internal/xmltree"
	"portti/xmldsig/pki"
)

func TestEveryRuleStandsInTheCatalogue(t *testing.T) {
	c := catalogue.Default()
	for _, id := range Rules {
		r := c.Rule(id)
		if r == nil {
			t.Errorf("%s is missing", id)
			continue
		}
		for _, s := range []finding.Severity{r.Severity.Strict, r.Severity.Lenient} {
			if (s == finding.Error) == IsRemark(id) {
				t.Errorf("%s has severity %s", id, s)
			}
		}
	}
	for _, id := range c.IDs() {
		if strings.HasPrefix(id, "SIG-") && !slices.Contains(Rules, id) {
			t.Errorf("the catalogue has %s, which nothing emits", id)
		}
	}
}

// fault is one change of a signed document and the exact set of rules it breaks.
type fault struct {
	name   string
	typ    int // of the signature; TypeSystem where 0
	change func(tb testing.TB, doc string) string
	forge  bool // digests and signature value are made anew after the change
	want   []string
}

// swap replaces old by new, once.
func swap(old, new string) func(testing.TB, string) string {
	return func(tb testing.TB, doc string) string { tb.Helper(); return replaced(tb, doc, old, new) }
}

// before puts text before the first mark.
func before(mark, text string) func(testing.TB, string) string { return swap(mark, text+mark) }

// cut takes out what stands from a to b, b included.
func cut(a, b string) func(testing.TB, string) string {
	return func(tb testing.TB, doc string) string {
		tb.Helper()
		i := strings.Index(doc, a)
		j := strings.Index(doc[max(i, 0):], b)
		if i < 0 || j < 0 {
			tb.Fatalf("no %q … %q", a, b)
		}
		return doc[:i] + doc[i+j+len(b):]
	}
}

// all applies changes one after another.
func all(changes ...func(testing.TB, string) string) func(testing.TB, string) string {
	return func(tb testing.TB, doc string) string {
		for _, c := range changes {
			doc = c(tb, doc)
		}
		return doc
	}
}

const (
	bodyRef   = `<Reference URI="#OID` + testOID + `">`
	timeRef   = `<Reference URI="#sig3.time">`
	excText   = `<Transform Algorithm="` + AlgExcC14N + `"></Transform>`
	envText   = `<Transform Algorithm="` + AlgEnveloped + `"></Transform>`
	sha256Alg = `<DigestMethod Algorithm="` + AlgSHA256 + `">`
	methodAlg = `<SignatureMethod Algorithm="` + AlgRSASHA256 + `">`
	collTag   = `<signatureCollection xmlns="urn:hl7finland">`
	someBody  = `<nonXMLBody xmlns="urn:hl7-org:v3" ID="x"><text>x</text></nonXMLBody>`
)

func method1(alg string) func(testing.TB, string) string {
	return swap(methodAlg, `<SignatureMethod Algorithm="`+alg+`">`)
}

var faults = []fault{
	// The document around the signatures.
	{"another root", 0, func(testing.TB, string) string { return "<ClinicalDocument/>" }, false, []string{RuleDocumentRoot}},
	{"nested document", 0, before("<title>", `<x><ClinicalDocument/></x>`), false, []string{RuleDocumentNested}},
	{"two components", 0, before("<component>", "<component/>"), false, []string{RuleComponentCount}},
	{"no component", 0, all(swap("<component>", "<komponent>"), swap("</component>", "</komponent>")), false, []string{RuleComponentCount}},
	{"two bodies", 0, before("</component>", someBody), false, []string{RuleBodyCount}},
	{"body beside the component", 0, before("<component>", someBody), false, []string{RuleBodyElsewhere}},
	{"two local headers", 0, before("<component>", "<hl7fi:localHeader/>"), false, []string{RuleLocalHeaderCount}},
	{"local header elsewhere", 0, before("<component>", "<x><hl7fi:localHeader/></x>"), false, []string{RuleLocalHeaderPlace}},
	{"two collections", 0, before(collTag, "<hl7fi:signatureCollection/>"), false, []string{RuleCollectionCount}},
	{"collection elsewhere", 0, before("<component>", "<x><hl7fi:signatureCollection/></x>"), false, []string{RuleCollectionPlace}},
	{"xml signature elsewhere", 0, before("<component>", `<Signature xmlns="`+nsDSig+`"/>`), false, []string{RuleSignatureElsewhere}},
	{"xml signature beside the signature", 0, before("</signatureCollection>", `<Signature xmlns="`+nsDSig+`"/>`), false, []string{RuleSignatureElsewhere}},
	{"no collection", 0, cut(collTag, "</signatureCollection>"), false, []string{RuleSignatureMissing}},
	{"empty collection", 0, cut("<signature xmlns", "</signature>"), false, []string{RuleSignatureMissing}},
	{"relative namespace in the body", 0, swap("<text ", `<text xmlns:r="r" `), false, []string{RuleNamespaceRelative}},
	{"relative namespace in SignedInfo", 0, swap("<SignatureMethod ", `<SignatureMethod xmlns:r="r" `), false, []string{RuleNamespaceRelative}},

	// The national wrapping.
	{"no type", 0, cut("<signatureDescription", "/>"), false, []string{RuleTypeMissing}},
	{"two types", 0, before("<signatureTimestamp", `<signatureDescription code="3" codeSystem="`+codeSystemType+`"/>`), false, []string{RuleTypeRepeated}},
	{"unknown type", 0, swap(`code="3"`, `code="5"`), false, []string{RuleTypeUnknown}},
	{"type of two digits", 0, swap(`code="3"`, `code="33"`), false, []string{RuleTypeUnknown}},
	{"other code system", 0, swap(`codeSystem="`+codeSystemType, `codeSystem="1.2.3`), false, []string{RuleTypeCodeSystem}},
	{"no time", 0, all(cut("<signatureTimestamp", "</signatureTimestamp>"), cut(timeRef, "</Reference>")), true, []string{RuleTimeMissing}},
	{"two times", 0, before("<Signature ", "<signatureTimestamp>2026-05-04T09:29:00Z</signatureTimestamp>"), false, []string{RuleTimeRepeated}},
	{"time in CDA form", 0, swap(">2026-05-04T09:29:00Z<", ">20260504092900<"), true, []string{RuleTimeFormat}},
	{"time without zone", 0, swap(">2026-05-04T09:29:00Z<", ">2026-05-04T09:29:00<"), true, []string{RuleTimeZone}},
	{"time ahead", 0, swap(">2026-05-04T09:29:00Z<", ">2026-05-04T12:35:00.000000001+03:00<"), true, []string{RuleTimeFuture}},
	{"time long ago", 0, swap(">2026-05-04T09:29:00Z<", ">2026-04-27T09:29:59Z<"), true, []string{RuleTimeOld}},
	{"no list", TypeMulti, all(cut("<multipleDocumentSignature", "</multipleDocumentSignature>"), swap("#sig2.list", "#OID"+testOID)), true, []string{RuleListMissing}},
	{"two lists", TypeMulti, before("<Signature ", "<multipleDocumentSignature/>"), false, []string{RuleListRepeated}},
	{"list in a single signature", 0, before("<Signature ", "<multipleDocumentSignature/>"), false, []string{RuleListUnexpected}},
	{"list of one", TypeMulti, cut(`<Ref OID="1.2.246.10.99999901.95.2026.1.2"`, "</Ref>"), true, []string{RuleListShort}},
	{"list too long", TypeMulti, before("</multipleDocumentSignature>", strings.Repeat(`<Ref/>`, 1000)), true, []string{RuleListTooLong}},
	{"list entry without OID", TypeMulti, swap(`<Ref OID="1.2.246.10.99999901.95.2026.1.2"`, `<Ref`), true, []string{RuleListRefFormat}},
	{"list entry without hash", TypeMulti, swap(` hash="AAAA`, ` hash="`), true, []string{RuleListRefFormat}},
	{"own list entry of an unknown digest", TypeMulti, func(tb testing.TB, doc string) string {
		own := `<Ref OID="` + testOID + `" hash="`
		return swap(own, own+"AAAA")(tb, doc)
	}, true, []string{RuleListRefFormat}},
	{"list entry twice", TypeMulti, before("</multipleDocumentSignature>", `<Ref OID="1.2.246.10.99999901.95.2026.1.2" hash="`+strings.Repeat("A", 43)+`="/>`), true, []string{RuleListRefTwice}},
	{"own document not in the list", TypeMulti, swap(`<Ref OID="`+testOID+`"`, `<Ref OID="1.2.3"`), true, []string{RuleListOwnMissing}},
	{"own hash in the list of another body", TypeMulti, swap(">PGRpdi8+<", ">PGRpdj4+<"), true, []string{RuleListOwnHash}},

	// The XML signature.
	{"no xml signature", 0, cut("<Signature ", "</Signature>"), false, []string{RuleXMLDSigMissing}},
	{"two xml signatures", 0, before("</signature>", `<Signature xmlns="`+nsDSig+`"/>`), false, []string{RuleXMLDSigRepeated}},
	{"empty xml signature", 0, cut("<SignedInfo", "</KeyInfo>"), false, []string{RuleXMLDSigStructure}},
	{"something before SignedInfo", 0, before("<SignedInfo", "<x/>"), false, []string{RuleXMLDSigStructure}},
	{"no signature value", 0, cut("<SignatureValue>", "</SignatureValue>"), false, []string{RuleXMLDSigStructure}},
	{"two KeyInfos", 0, before("</Signature>", "<KeyInfo/>"), false, []string{RuleXMLDSigStructure}},
	{"no canonicalization method", 0, cut("<CanonicalizationMethod", "</CanonicalizationMethod>"), true, []string{RuleXMLDSigStructure}},
	{"no signature method", 0, cut("<SignatureMethod", "</SignatureMethod>"), true, []string{RuleXMLDSigStructure}},
	{"parameter of the signature method", 0, before("</SignatureMethod>", "<HMACOutputLength>1</HMACOutputLength>"), true, []string{RuleXMLDSigStructure}},
	{"no reference", 0, all(cut("<Reference", "</Reference>"), cut("<Reference", "</Reference>")), true, []string{RuleXMLDSigStructure}},
	{"something after the references", 0, before("</SignedInfo>", "<x/>"), true, []string{RuleXMLDSigStructure}},
	{"no digest method", 0, cut("<DigestMethod", "</DigestMethod>"), true, []string{RuleXMLDSigStructure}},
	{"no digest value", 0, cut("<DigestValue", "</DigestValue>"), true, []string{RuleXMLDSigStructure}},
	{"something after the digest value", 0, before("</Reference>", "<x/>"), true, []string{RuleXMLDSigStructure}},
	{"something among the transforms", 0, before("</Transforms>", "<x/>"), true, []string{RuleXMLDSigStructure}},
	{"parameter of canonicalization", 0, before("</CanonicalizationMethod>", "<x/>"), true, []string{RuleXMLDSigStructure}},
	{"object", 0, before("</Signature>", "<Object>x</Object>"), false, []string{RuleObjectPresent}},
	{"something after the object", 0, before("</Signature>", "<Object/><x/>"), false, []string{RuleObjectPresent, RuleXMLDSigStructure}},

	// Algorithms.
	{"rsa-sha1", 0, method1(algRSASHA1), true, []string{RuleAlgorithmSHA1}},
	{"digest sha1", 0, all(swap(sha256Alg, `<DigestMethod Algorithm="`+algSHA1+`">`)), true, []string{RuleAlgorithmSHA1}},
	{"rsa-md5", 0, method1(more01 + "rsa-md5"), true, []string{RuleAlgorithmMD5}},
	{"digest md5", 0, swap(sha256Alg, `<DigestMethod Algorithm="`+more01+`md5">`), true, []string{RuleAlgorithmMD5}},
	{"dsa", 0, method1(nsDSig + "dsa-sha1"), true, []string{RuleAlgorithmDSA}},
	{"hmac", 0, method1(more01 + "hmac-sha256"), true, []string{RuleAlgorithmHMAC}},
	{"unknown method", 0, method1("urn:x"), true, []string{RuleAlgorithmUnknown}},
	{"no method named", 0, method1(""), true, []string{RuleAlgorithmUnknown}},
	{"unknown digest", 0, swap(sha256Alg, `<DigestMethod Algorithm="urn:x">`), true, []string{RuleDigestUnknown}},
	{"c14n with comments", 0, swap(`<CanonicalizationMethod Algorithm="`+AlgExcC14N, `<CanonicalizationMethod Algorithm="`+AlgExcC14N+"WithComments"), true, []string{RuleC14NUnknown}},
	{"inclusive c14n", 0, swap(`<CanonicalizationMethod Algorithm="`+AlgExcC14N, `<CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315`), true, []string{RuleC14NUnknown}},
	{"long prefix list", 0, before("</Transform>", `<InclusiveNamespaces xmlns="`+nsExc+`" PrefixList="`+strings.Repeat("a ", 32)+`b"/>`), true, []string{RuleC14NPrefixes}},
	{"xslt", 0, swap(excText, `<Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"/>`), true, []string{RuleTransformXSLT}},
	{"xpath", 0, swap(excText, `<Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"/>`), true, []string{RuleTransformXPath}},
	{"filter 2", 0, swap(excText, `<Transform Algorithm="http://www.w3.org/2002/06/xmldsig-filter2"/>`), true, []string{RuleTransformFilter2}},
	{"unknown transform", 0, swap(excText, `<Transform Algorithm="http://www.w3.org/2000/09/xmldsig#base64"/>`), true, []string{RuleTransformUnknown}},
	{"no transforms", 0, cut("<Transforms>", "</Transforms>"), true, []string{RuleTransformMissing}},
	{"empty transforms", 0, cut("<Transform ", "</Transform>"), true, []string{RuleTransformMissing}},
	{"enveloped alone", 0, swap(excText, envText), true, []string{RuleTransformMissing}},
	{"enveloped last", 0, swap(excText, excText+envText), true, []string{RuleTransformOrder}},
	{"c14n twice", 0, swap(excText, excText+excText), true, []string{RuleTransformOrder}},
	{"enveloped twice", 0, swap(excText, envText+envText+excText), true, []string{RuleTransformOrder}},
	{"five transforms", 0, swap(excText, strings.Repeat(envText, 4)+excText), true, []string{RuleTransformTooMany}},

	// References.
	{"five references", 0, before("</SignedInfo>", strings.Repeat("<Reference/>", 3)), true, []string{RuleReferenceTooMany}},
	{"external", 0, swap(bodyRef, `<Reference URI="http://x.invalid/">`), true, []string{RuleReferenceExternal}},
	{"relative", 0, swap(bodyRef, `<Reference URI="OID`+testOID+`">`), true, []string{RuleReferenceExternal}},
	{"no URI", 0, swap(bodyRef, `<Reference>`), true, []string{RuleReferenceAbsent}},
	{"whole document", 0, swap(bodyRef, `<Reference URI="">`), true, []string{RuleReferenceWhole}},
	{"xpointer", 0, swap(bodyRef, `<Reference URI="#xpointer(id('OID`+testOID+`'))">`), true, []string{RuleReferenceXPointer}},
	{"no target", 0, swap(bodyRef, `<Reference URI="#nowhere">`), true, []string{RuleReferenceUnresolved}},
	{"nothing after the sign", 0, swap(bodyRef, `<Reference URI="#">`), true, []string{RuleReferenceUnresolved}},
	{"target by Id", 0, swap(` ID="OID`, ` Id="OID`), true, []string{RuleReferenceUnresolved}},
	{"id stands twice", 0, before("<title>", `<x ID="OID`+testOID+`"/>`), false, []string{RuleReferenceAmbiguous}},
	{"id stands again as Id", 0, before("<title>", `<x Id="OID`+testOID+`"/>`), false, []string{RuleReferenceAmbiguous}},
	{"id stands again as id", 0, before("<component>", `<x id="OID`+testOID+`"/>`), false, []string{RuleReferenceAmbiguous}},
	{"id stands again as xml:id", 0, before("<title>", `<x xml:id="OID`+testOID+`"/>`), false, []string{RuleReferenceAmbiguous}},
	{"reference to the title", 0, all(swap("<title>", `<title ID="t">`), swap(bodyRef, `<Reference URI="#t">`)), true, []string{RuleReferenceTarget}},
	{"reference to the signature", 0, swap(bodyRef, `<Reference URI="#sig3">`), true, []string{RuleReferenceTarget}},
	{"reference twice", 0, swap(timeRef, bodyRef), true, []string{RuleReferenceRepeated, RuleReferenceTimeMissing}},
	{"reference thrice", 0, before("</SignedInfo>", bodyRef+"<Transforms>"+excText+"</Transforms>"+sha256Alg+"</DigestMethod><DigestValue></DigestValue></Reference>"), true, []string{RuleReferenceRepeated}},
	{"body not covered", 0, cut(bodyRef, "</Reference>"), true, []string{RuleReferenceBodyMissing}},
	{"time not covered", 0, cut(timeRef, "</Reference>"), true, []string{RuleReferenceTimeMissing}},
	{"list not covered", TypeMulti, swap("#sig2.list", "#OID"+testOID), true, []string{RuleReferenceListMissing}},
	{"digest of another length", 0, func(tb testing.TB, doc string) string { return setDigest(tb, doc, "AAAA") }, false, []string{RuleDigestFormat}},
	{"digest that is no base64", 0, func(tb testing.TB, doc string) string { return setDigest(tb, doc, "!") }, false, []string{RuleDigestFormat}},
	{"digest with spare bits", 0, func(tb testing.TB, doc string) string {
		return setDigest(tb, doc, strings.Repeat("A", 42)+"B=")
	}, false, []string{RuleDigestFormat}},
	{"body changed", 0, swap(">PGRpdi8+<", ">PGRpdj4+<"), false, []string{RuleDigestMismatch}},
	{"time changed", 0, swap("09:29:00Z", "09:28:00Z"), false, []string{RuleDigestMismatch}},

	// Key and value.
	{"value that is no base64", 0, swap("<SignatureValue>", "<SignatureValue>!"), false, []string{RuleValueFormat}},
	{"empty value", 0, func(tb testing.TB, doc string) string {
		return cut("<SignatureValue>", "</SignatureValue>")(tb, swap("</SignatureValue>", "</SignatureValue><SignatureValue></SignatureValue>")(tb, doc))
	}, false, []string{RuleValueFormat}},
	{"SignedInfo changed", 0, swap("<SignedInfo ", `<SignedInfo Id="x" `), false, []string{RuleValueMismatch}},
	{"no KeyInfo", 0, cut("<KeyInfo>", "</KeyInfo>"), false, []string{RuleKeyInfoMissing}},
	{"key name beside the certificate", 0, before("<X509Data>", "<KeyName>x</KeyName>"), false, []string{RuleKeyInfoUnused}},
	{"key value alone", 0, all(cut("<X509Data>", "</X509Data>"), swap("</KeyInfo>", "<KeyValue/></KeyInfo>")), false, []string{RuleKeyInfoUnused, RuleCertMissing}},
	{"no certificate", 0, cut("<X509Certificate>", "</X509Certificate>"), false, []string{RuleCertMissing}},
	{"certificate that is no base64", 0, swap("<X509Certificate>", "<X509Certificate>!"), false, []string{RuleCertFormat}},
	{"certificate that is none", 0, swap("<X509Certificate>", "<X509Certificate>AAAA"), false, []string{RuleCertFormat}},
	{"huge certificate", 0, swap("<X509Certificate>", "<X509Certificate>"+strings.Repeat("AAAA", 8<<10)), false, []string{RuleCertSize}},
	{"large certificate", 0, swap("<X509Certificate>", "<X509Certificate>"+strings.Repeat("AAAA", 5<<10)), false, []string{RuleCertSize}},
	{"five certificates", 0, before("</X509Data>", strings.Repeat("<X509Certificate>AAAA</X509Certificate>", 4)), false, []string{RuleCertTooMany}},
	{"two signers' certificates", 0, func(tb testing.TB, doc string) string {
		c := base64.StdEncoding.EncodeToString(professionalLeaf(tb).Certificate.Raw)
		return before("</X509Data>", "<X509Certificate>"+c+"</X509Certificate>")(tb, doc)
	}, false, []string{RuleCertAmbiguous}},
	{"ecdsa method with an RSA key", 0, method1(AlgECDSASHA256), true, []string{RuleKeyKind}},

	// Who signed.
	{"no block of the signer", TypeProfessional, cut("<hl7fi:signature>", "</hl7fi:signature>"), false, []string{RuleSignerMissing}},
	{"block without number", TypeProfessional, cut("<hl7fi:assignedAuthorSigner>", "</hl7fi:assignedAuthorSigner>"), false, []string{RuleSignerMissing}},
	{"another signer named", TypeProfessional, swap(testPro.Number, "90000000002"), false, []string{RuleSignerMismatch}},
	{"a second signer named", TypeMulti, before("<hl7fi:signature>", "<hl7fi:signature><hl7fi:assignedAuthorSigner>90000000002</hl7fi:assignedAuthorSigner></hl7fi:signature>"), false, []string{RuleSignerRedundant}},
	{"signer named on a system's signature", 0, before(collTag, "<hl7fi:signature><hl7fi:assignedAuthorSigner>90000000002</hl7fi:assignedAuthorSigner></hl7fi:signature>"), false, []string{RuleSignerRedundant}},
}

// setDigest sets the first DigestValue and signs again.
func setDigest(tb testing.TB, doc, value string) string {
	tb.Helper()
	t := parse(tb, []byte(doc))
	doc = apply(doc, []edit{content(t, find(tb, t, "DigestValue"), value)})
	return forger{key: systemLeaf(tb).Key}.resign(tb, doc)
}

func TestSIG4_EveryFaultHasItsRule(t *testing.T) {
	alone := map[string]bool{}
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			typ := f.typ
			if typ == 0 {
				typ = TypeSystem
			}
			doc := f.change(t, signed(t, typ))
			if f.forge {
				doc = forger{key: options(t, typ).Key, digest: true}.forge(t, doc)
			}
			wantRules(t, verify(t, newVerifier(), doc), f.want...)
		})
		if len(f.want) == 1 {
			alone[f.want[0]] = true
		}
	}
	// These have tests of their own below.
	for _, r := range []string{RuleSignatureTooMany, RuleDigestVariants, RuleKeySize, RuleTrustMissing} {
		alone[r] = true
	}
	for _, r := range Rules {
		if !alone[r] && !slices.Contains(genericRules, r) {
			t.Logf("%s never stands alone", r)
		}
	}
	if n, all := len(alone), len(Rules)-len(genericRules); n*10 < all*9 {
		t.Errorf("%d of %d rules have a vector in which theirs stands alone", n, all)
	}
}

func TestTooManySignaturesAreRefusedByCount(t *testing.T) {
	doc := signed(t, TypeSystem)
	doc = before("</signatureCollection>", strings.Repeat("<signature/>", 16))(t, doc)
	wantRules(t, verify(t, newVerifier(), doc), RuleSignatureTooMany)
}

func TestTooManyDigestsOfOneBodyAreRefused(t *testing.T) {
	doc := signed(t, TypeSystem)
	for i := range 4 {
		o := options(t, TypeSystem)
		o.ID = fmt.Sprintf("more%d", i)
		doc = mustSign(t, doc, o)
	}
	for i, p := range []string{"p", "q", "r", "s"} {
		mark := fmt.Sprintf(`ID="more%d"`, i)
		j := strings.Index(doc, mark)
		doc = doc[:j] + replaced(t, doc[j:], "</Transform>", `<InclusiveNamespaces xmlns="`+nsExc+`" PrefixList="`+p+`"/></Transform>`)
	}
	doc = forger{key: systemLeaf(t).Key, digest: true}.forge(t, doc)
	wantRules(t, verify(t, newVerifier(), doc), RuleDigestVariants)
	v := newVerifier()
	v.Limits.Digests = 5
	wantRules(t, verify(t, v, doc))
}

func TestWithoutTrustNoSignatureIsValid(t *testing.T) {
	v := verify(t, &Verifier{Now: newVerifier().Now}, signed(t, TypeSystem))
	wantRules(t, v, RuleTrustMissing)
	if s := v.Signatures[0]; !s.Intact || s.Valid {
		t.Errorf("%+v", s)
	}
}

func TestKeySizes(t *testing.T) {
	weak := signed2(t, options(t, TypeSystem, pki.WithFault(pki.WeakKey)))
	wantRules(t, verify(t, newVerifier(), weak), RuleKeySize)
	v := newVerifier()
	v.Limits.MaxRSA = 2047
	wantRules(t, verify(t, v, signed(t, TypeSystem)), RuleKeySize)
	v.Limits.MaxRSA = 2048
	wantRules(t, verify(t, v, signed(t, TypeSystem)))
}

func signed2(tb testing.TB, o SignOptions) string {
	tb.Helper()
	return mustSign(tb, document(o.Type <= TypeMulti), o)
}

func TestPSSSignaturesVerify(t *testing.T) {
	for alg, m := range methods {
		if m.scheme != rsaPSS {
			continue
		}
		doc := method1(alg)(t, signed(t, TypeSystem))
		doc = forger{key: systemLeaf(t).Key, method: m}.forge(t, doc)
		wantRules(t, verify(t, newVerifier(), doc))
		doc = forger{key: systemLeaf(t).Key, method: method{rsaPKCS1, m.hash}}.forge(t, doc)
		wantRules(t, verify(t, newVerifier(), doc), RuleValueMismatch)
	}
}

func TestLegacySwitchTakesSHA1AndNothingElse(t *testing.T) {
	doc := strings.ReplaceAll(signed(t, TypeSystem), AlgSHA256, algSHA1)
	doc = method1(algRSASHA1)(t, doc)
	doc = forger{key: systemLeaf(t).Key, method: legacyMethods[algRSASHA1], digest: true}.forge(t, doc)
	wantRules(t, verify(t, newVerifier(), doc), RuleAlgorithmSHA1)
	v := newVerifier()
	v.Legacy = true
	wantRules(t, verify(t, v, doc))
	wantRules(t, verify(t, v, swap(algRSASHA1, more01+"rsa-md5")(t, doc)), RuleAlgorithmMD5)
}

func TestSIG4_AllFaultsOfAllSignaturesAreTold(t *testing.T) {
	doc := signed(t, TypeSystem)
	o := options(t, TypeArchive)
	doc = mustSign(t, doc, o)
	doc = swap(">PGRpdi8+<", ">PGRpdj4+<")(t, doc)
	doc = strings.Replace(doc, "<SignatureValue>", "<SignatureValue>!", 1)
	v := verify(t, newVerifier(), doc)
	var got []string
	for _, f := range v.Findings {
		got = append(got, f.Rule)
	}
	if want := []string{RuleDigestMismatch, RuleValueFormat, RuleDigestMismatch}; !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	if len(v.Signatures) != 2 || v.Signatures[0].Intact || v.Signatures[1].Intact {
		t.Errorf("%+v", v.Signatures)
	}
}

func TestSeveralSignaturesOfOneDocument(t *testing.T) {
	doc := signed(t, TypeProfessional)
	second := options(t, TypeProfessional)
	second.ID = "second"
	doc = mustSign(t, doc, second)
	doc = mustSign(t, doc, options(t, TypeArchive))
	v := verify(t, newVerifier(), doc)
	wantRules(t, v)
	tree := parse(t, []byte(doc))
	body, ok := v.Covered.Body()
	if !ok || !v.Covered.Contains(tree.FirstElement(body)) || v.Covered.Contains(tree.Root()) || v.Covered.Contains(tree.Parent(body)) {
		t.Error("what is covered is not the body")
	}
	if n := len(v.Covered.Elements()); n != 4 {
		t.Errorf("%d elements are covered, not the body and three times", n)
	}
}

func TestOtherDocumentsOfAMultiSignatureAreTold(t *testing.T) {
	v := verify(t, newVerifier(), signed(t, TypeMulti))
	wantRules(t, v)
	docs := v.Signatures[0].Documents
	if len(docs) != 2 || !docs[0].Own || docs[1].Own || docs[1].OID != "1.2.246.10.99999901.95.2026.1.2" || len(docs[1].Hash) != 32 {
		t.Errorf("%+v", docs)
	}
	if !slices.ContainsFunc(v.Covered.Elements(), func(n xmltree.Node) bool { body, ok := v.Covered.Body(); return ok && n == body }) {
		t.Error("the body is covered through the list and must be named")
	}
}

func TestTimestampForms(t *testing.T) {
	utc := func(h, m, s, ns int) time.Time { return time.Date(2026, 3, 23, h, m, s, ns, time.UTC) }
	for in, want := range map[string]time.Time{
		"2026-03-23T08:50:35.5590148Z":          utc(8, 50, 35, 559014800),
		"2026-03-23T08:54:26.076175Z":           utc(8, 54, 26, 76175000),
		"2026-03-23T10:54:26+02:00":             utc(8, 54, 26, 0),
		"2026-03-23T01:54:26.1-07:00":           utc(8, 54, 26, 100000000),
		" 2026-03-23T08:54:26.123456789999Z\n":  utc(8, 54, 26, 123456789),
		"2026-03-22T24:00:00Z":                  utc(0, 0, 0, 0),
		"2026-03-23T08:54:26.0000000000000001Z": utc(8, 54, 26, 0),
	} {
		if got, fault := parseDateTime(in); fault != timeFine || !got.Equal(want) {
			t.Errorf("%q: %v %v", in, got, fault)
		}
	}
	for _, in := range []string{
		"", "2026-03-23", "2026-3-23T08:54:26Z", "2026-03-23 08:54:26Z", "2026-03-23T08:54Z", "2026-03-23T08:54:26.Z", "2026-03-23T08:54:26z",
		"2026-02-30T08:54:26Z", "2026-03-23T25:00:00Z", "2026-03-23T24:00:01Z", "2026-03-23T24:00:00.1Z", "2026-03-23T08:60:00Z", "2026-03-23T08:54:60Z", "+2026-03-23T08:54:26Z",
		"2026-03-23T08:54:26+2:00", "2026-03-23T08:54:26+0200", "2026-03-23T08:54:26+15:00", "2026-03-23T08:54:26+02:00Z", "2026-03-23T08:54:26,5Z", "20260323105424+0200",
	} {
		if got, fault := parseDateTime(in); fault != timeBad {
			t.Errorf("%q: %v %v", in, got, fault)
		}
	}
	if _, fault := parseDateTime("2026-03-23T08:54:26.5"); fault != timeNoZone {
		t.Error("no zone")
	}
}

func TestByteFormsGiveTheSameVerdict(t *testing.T) {
	doc := signed(t, TypeProfessional)
	for name, src := range map[string][]byte{
		"as signed": []byte(doc),
		"BOM":       []byte("\ufeff" + doc),
		"CRLF":      []byte(strings.ReplaceAll(doc, "\n", "\r\n")),
		"UTF-16":    utf16Bytes(strings.Replace(doc, "UTF-8", "UTF-16", 1), false),
	} {
		v := newVerifier().Document(parse(t, src))
		if len(v.Findings) > 0 || !v.Signatures[0].Valid {
			t.Errorf("%s: %+v", name, v.Findings)
		}
	}
}

// The real documents (samples of others).
func TestSIG4_RealDocuments(t *testing.T) {
	for _, c := range []struct {
		file  string
		rules []string
		place string // of each finding: the end of its XPath
		lines []int
	}{
		{"samples/social/apotti_asiakassuunnitelma_S_as-signed.xml", nil, "", nil},
		{"samples/frames/RCMR_IN100002FI01_embedded_cda.xml", nil, "", nil},
		{"samples/social/apotti_asiakassuunnitelma_S_pretty-printed-BREAKS-signature.xml",
			[]string{RuleDigestMismatch, RuleValueMismatch, RuleDigestMismatch, RuleValueMismatch}, "", []int{162, 172, 192, 202}},
		{"samples/social/apotti_asiakkuusasiakirja_S_system-signature-BODY-DIGEST-FAILS.xml",
			[]string{RuleDigestMismatch}, "[local-name()='DigestValue'][1]", []int{2}},
	} {
		t.Run(c.file, func(t *testing.T) {
			tree := parse(t, shared.Read(t, c.file))
			v := &Verifier{Trust: anyone{}, MaxAge: -1}
			verdict := v.DocumentAt(tree, time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))
			if len(verdict.Findings) != len(c.rules) {
				t.Fatalf("%+v", verdict.Findings)
			}
			for i, f := range verdict.Findings {
				if f.Rule != c.rules[i] || f.Line != c.lines[i] || !strings.HasSuffix(f.XPath, c.place) {
					t.Errorf("%+v", f)
				}
				if f.Rule == RuleDigestMismatch && f.Params[0].Value != "nonXMLBody" {
					t.Errorf("the mismatch is told of %s", f.Params[0].Value)
				}
			}
			if _, ok := verdict.Covered.Body(); ok != (len(c.rules) == 0) {
				t.Errorf("body covered: %v", ok)
			}
		})
	}
}
