package xmldsig

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"portti/internal/xmltree"
)

// Signature wrapping: the signed body stays in the document, where the reference
// finds it, and the application is to read another one.

const (
	goodText   = "PGRpdi8+" // what was signed
	forgedText = "Rk9SR0VE" // what the attacker wants read
	movable    = `<nonXMLBody xmlns="urn:hl7-org:v3" xmlns:hl7fi="urn:hl7finland" ID="OID` + testOID + `">`
)

// split takes a signed document's body out: before and after are the document
// around it, body is the body so written that it means the same anywhere.
func split(tb testing.TB, doc string) (before, body, after string) {
	tb.Helper()
	i, j := strings.Index(doc, "<nonXMLBody"), strings.Index(doc, "</nonXMLBody>")+len("</nonXMLBody>")
	body = doc[i:j]
	return doc[:i], movable + body[strings.IndexByte(body, '>')+1:], doc[j:]
}

// wrapping is a place to which the signed body is moved.
type wrapping struct {
	name string
	put  func(tb testing.TB, doc, forged, signed string) string // doc has FORGED where the body stood
}

// at puts the signed body before the first mark.
func at(mark string) func(testing.TB, string, string, string) string {
	return func(tb testing.TB, doc, forged, signed string) string {
		tb.Helper()
		return replaced(tb, replaced(tb, doc, mark, signed+mark), "FORGED", forged)
	}
}

var wrappings = []wrapping{
	{"beside, before", func(tb testing.TB, doc, forged, signed string) string {
		return replaced(tb, doc, "FORGED", signed+forged)
	}},
	{"beside, after", func(tb testing.TB, doc, forged, signed string) string {
		return replaced(tb, doc, "FORGED", forged+signed)
	}},
	{"component of its own, before", func(tb testing.TB, doc, forged, signed string) string {
		return replaced(tb, replaced(tb, doc, "<component>", "<component>"+signed+"</component><component>"), "FORGED", forged)
	}},
	{"component of its own, after", func(tb testing.TB, doc, forged, signed string) string {
		return replaced(tb, replaced(tb, doc, "</component>", "</component><component>"+signed+"</component>"), "FORGED", forged)
	}},
	{"under the root, first", func(tb testing.TB, doc, forged, signed string) string {
		i := strings.Index(doc, `<id root`)
		return replaced(tb, doc[:i]+signed+doc[i:], "FORGED", forged)
	}},
	{"under the root, last", at("</ClinicalDocument>")},
	{"in the header's title", at("</title>")},
	{"in the local header", at("<signatureCollection")},
	{"in signatureCollection, before", at("<signature xmlns")},
	{"in signatureCollection, after", at("</signatureCollection>")},
	{"in the signature element", at("<signatureDescription")},
	{"in signatureTimestamp", at("</signatureTimestamp>")},
	{"in ds:Signature", at("</Signature>")},
	{"in ds:Object", func(tb testing.TB, doc, forged, signed string) string {
		return at("</Signature>")(tb, doc, forged, "<Object>"+signed+"</Object>")
	}},
	{"in a ds:Object with an id", func(tb testing.TB, doc, forged, signed string) string {
		return at("</Signature>")(tb, doc, forged, `<Object Id="OID`+testOID+`">`+signed+"</Object>")
	}},
	{"in KeyInfo", at("</KeyInfo>")},
	{"in X509Data", at("</X509Data>")},
	{"in SignedInfo", at("</SignedInfo>")},
	{"in a Transform", at("</Transform>")},
	{"in SignatureValue", at("</SignatureValue>")},
	{"inside the forged body", func(tb testing.TB, doc, forged, signed string) string {
		return replaced(tb, doc, "FORGED", strings.Replace(forged, "</nonXMLBody>", signed+"</nonXMLBody>", 1))
	}},
	{"around the forged body", func(tb testing.TB, doc, forged, signed string) string {
		return replaced(tb, doc, "FORGED", strings.Replace(signed, "</nonXMLBody>", forged+"</nonXMLBody>", 1))
	}},
	{"in a foreign element", func(tb testing.TB, doc, forged, signed string) string {
		return at("<component>")(tb, doc, forged, `<x:y xmlns:x="urn:x">`+signed+"</x:y>")
	}},
	{"in a nested document", func(tb testing.TB, doc, forged, signed string) string {
		return at("<component>")(tb, doc, forged, `<x:y xmlns:x="urn:x"><ClinicalDocument><component>`+signed+"</component></ClinicalDocument></x:y>")
	}},
	{"in a nested document in ds:Object", func(tb testing.TB, doc, forged, signed string) string {
		return at("</Signature>")(tb, doc, forged, `<Object><ClinicalDocument xmlns="urn:hl7-org:v3"><component>`+signed+"</component></ClinicalDocument></Object>")
	}},
}

// forgedIDs are the ways in which the forged body claims, or does not claim, the
// signed body's id.
var forgedIDs = []struct{ name, attr string }{
	{"same ID", ` ID="OID` + testOID + `"`},
	{"other ID", ` ID="OID1.2.3"`},
	{"no ID", ``},
	{"Id", ` Id="OID` + testOID + `"`},
	{"id", ` id="OID` + testOID + `"`},
	{"xml:id", ` xml:id="OID` + testOID + `"`},
	{"ID in a namespace", ` hl7fi:ID="OID` + testOID + `"`},
}

// TestAttack_SignatureWrapping tries every place with every form of id, and keeps
// the findings in a golden table. The vectors are live: at its new place the
// signed body still has the digest that was signed.
func TestAttack_SignatureWrapping(t *testing.T) {
	doc := signed(t, TypeSystem)
	start, body, end := split(t, doc)
	shell := start + "FORGED" + end
	wantRules(t, verify(t, newVerifier(), start+body+end)) // the moved form is the signed one
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "signed body\tforged body has\tfindings")
	for _, p := range wrappings {
		for _, id := range forgedIDs {
			t.Run(p.name+"/"+id.name, func(t *testing.T) {
				forged := `<nonXMLBody` + id.attr + `><text>` + forgedText + `</text></nonXMLBody>`
				attack := p.put(t, shell, forged, body)
				v := verify(t, newVerifier(), attack)
				wantRefused(t, v, attack)
				if !liveVector(t, attack) && p.name != "around the forged body" {
					t.Error("the signed body has lost its digest")
				}
				fmt.Fprintf(w, "%s\t%s\t%s\n", p.name, id.name, strings.Join(rules(v), " "))
			})
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	golden(t, "wrapping.golden", table.Bytes())
}

// wantRefused demands that nothing of the document counts as covered.
func wantRefused(t *testing.T, v *Verdict, doc string) {
	t.Helper()
	if v.Valid || len(v.Covered.Elements()) > 0 || v.Covered.Contains(1) {
		t.Errorf("accepted:\n%s", doc)
	}
	if _, ok := v.Covered.Body(); ok {
		t.Error("the body counts as covered")
	}
}

// liveVector tells whether an element with the body's id has the signed digest.
func liveVector(t *testing.T, doc string) bool {
	t.Helper()
	tree := parse(t, []byte(doc))
	i := strings.Index(doc, bodyRef)
	value := doc[i+strings.Index(doc[i:], "<DigestValue>")+len("<DigestValue>"):]
	want, ok := decodeBase64([]byte(value[:strings.IndexByte(value, '<')]), 64)
	if !ok {
		t.Fatal("no digest")
	}
	return slices.ContainsFunc(tree.IDs("ID").Lookup("OID"+testOID), func(n xmltree.Node) bool {
		sum, err := digestOfNode(tree, n, Canonicalizer{}, methods[AlgRSASHA256].hash, xmltree.None)
		return err == nil && bytes.Equal(sum, want)
	})
}

// The whole signed document within a forged one, whose own header and body are
// the attacker's.
func TestAttack_DocumentWithinADocument(t *testing.T) {
	inner := signed(t, TypeSystem)
	inner = inner[strings.Index(inner, "<ClinicalDocument"):]
	outer := strings.ReplaceAll(document(false), goodText, forgedText)
	for name, c := range map[string]struct {
		doc  string
		want []string
	}{
		"inner beside an unsigned header": {replaced(t, outer, "<component>", `<x>`+inner+`</x><component>`),
			[]string{RuleBodyElsewhere, RuleCollectionPlace, RuleDocumentNested, RuleLocalHeaderPlace, RuleSignatureElsewhere, RuleSignatureMissing}},
		"inner as the collection's holder": {replaced(t, outer, `<hl7fi:documentGroup code="5"/>`, inner),
			[]string{RuleBodyElsewhere, RuleCollectionPlace, RuleDocumentNested, RuleLocalHeaderPlace, RuleSignatureElsewhere, RuleSignatureMissing}},
		"signature copied out as well": {replaced(t, replaced(t, outer, "<component>", `<x>`+inner+`</x><component>`), `<hl7fi:documentGroup code="5"/>`,
			inner[strings.Index(inner, "<signatureCollection"):strings.Index(inner, "</hl7fi:localSocialHeader>")]),
			[]string{RuleBodyElsewhere, RuleCollectionPlace, RuleDocumentNested, RuleLocalHeaderPlace, RuleReferenceAmbiguous, RuleSignatureElsewhere}},
	} {
		v := verify(t, newVerifier(), c.doc)
		wantRefused(t, v, c.doc)
		if got := rules(v); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// The timestamp is wrapped: the signed one goes elsewhere, the header shows a
// later time.
func TestAttack_TimestampWrapping(t *testing.T) {
	doc := signed(t, TypeSystem)
	const stamp = `<signatureTimestamp xmlns="urn:hl7finland" ID="sig3.time">2026-05-04T09:29:00Z</signatureTimestamp>`
	for name, c := range map[string]struct {
		id, mark string
		want     []string
	}{
		"same id, in Object":     {"sig3.time", "</Signature>", []string{RuleObjectPresent, RuleReferenceAmbiguous}},
		"other id, in Object":    {"x", "</Signature>", []string{RuleObjectPresent, RuleReferenceTarget}},
		"other id, beside":       {"x", "<signatureTimestamp", []string{RuleReferenceTarget, RuleReferenceTimeMissing, RuleTimeRepeated}},
		"other id, in the title": {"x", "</title>", []string{RuleReferenceTarget}},
		"other id, in the body":  {"x", "</nonXMLBody>", []string{RuleDigestMismatch, RuleReferenceTarget}},
	} {
		put := stamp
		if strings.HasSuffix(name, "Object") {
			put = "<Object>" + stamp + "</Object>"
		}
		attack := replaced(t, doc, `ID="sig3.time">2026-05-04T09:29:00Z`, `ID="`+c.id+`">2026-05-04T09:30:00Z`)
		attack = before(c.mark, put)(t, attack)
		v := verify(t, newVerifier(), attack)
		wantRefused(t, v, attack)
		if got := rules(v); !slices.Equal(got, c.want) && name != "other id, beside" {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A multi-document signature's list is wrapped.
func TestAttack_ListWrapping(t *testing.T) {
	doc := signed(t, TypeMulti)
	i, j := strings.Index(doc, "<multipleDocumentSignature"), strings.Index(doc, "</multipleDocumentSignature>")+len("</multipleDocumentSignature>")
	list := strings.Replace(doc[i:j], "<multipleDocumentSignature", `<multipleDocumentSignature xmlns="urn:hl7finland"`, 1)
	forged := strings.Replace(doc[i:j], "95.2026.1.2", "95.2026.1.9", 1)
	for name, c := range map[string]struct {
		forged string
		want   []string
	}{
		"same id":  {forged, []string{RuleObjectPresent, RuleReferenceAmbiguous}},
		"other id": {strings.Replace(forged, `ID="sig2.list"`, `ID="x"`, 1), []string{RuleObjectPresent, RuleReferenceTarget}},
	} {
		attack := doc[:i] + c.forged + before("</Signature>", "<Object>"+list+"</Object>")(t, doc[j:])
		v := verify(t, newVerifier(), attack)
		wantRefused(t, v, attack)
		if got := rules(v); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// One signature's timestamp, list or whole ds:Signature used by another.
func TestAttack_PartsOfAnotherSignature(t *testing.T) {
	doc := mustSign(t, signed(t, TypeSystem), options(t, TypeArchive))
	other := strings.LastIndex(doc, "<SignedInfo")
	attack := doc[:other] + replaced(t, doc[other:], "#sig4.time", "#sig3.time")
	attack = forger{key: systemLeaf(t).Key, digest: true}.forge(t, attack)
	v := verify(t, newVerifier(), attack)
	wantRules(t, v, RuleReferenceTarget)
	wantRefused(t, v, attack)
	// ds:Signature of the first put into the second, with its good value
	i, j := strings.Index(doc, "<Signature "), strings.Index(doc, "</Signature>")
	k, l := strings.LastIndex(doc, "<Signature "), strings.LastIndex(doc, "</Signature>")
	attack = doc[:k] + doc[i:j] + doc[l:]
	v = verify(t, newVerifier(), attack)
	wantRules(t, v, RuleReferenceTarget)
	wantRefused(t, v, attack)
}

// A signature taken from another document of the same body id.
func TestAttack_SignatureOfAnotherDocument(t *testing.T) {
	doc := signed(t, TypeSystem)
	attack := strings.Replace(doc, goodText, forgedText, 1)
	v := verify(t, newVerifier(), attack)
	wantRules(t, v, RuleDigestMismatch)
	wantRefused(t, v, attack)
}

// Comments are dropped by canonicalization: who puts one into a text leaves the
// signature valid, so that a reader which stops at the comment reads less than
// was signed. Here every text that is read is read across comments.
func TestAttack_CommentTruncation(t *testing.T) {
	doc := signed(t, TypeProfessional)
	good := verify(t, newVerifier(), doc)
	for _, text := range []string{
		"2026-05-04T09:29:00Z", testPro.Number, goodText, doc[strings.Index(doc, "<SignatureValue>")+16:][:40],
		doc[strings.Index(doc, "<X509Certificate>")+17:][:40], doc[strings.Index(doc, "<DigestValue>")+13:][:40],
	} {
		for _, at := range []int{1, len(text) / 2, len(text) - 1} {
			attack := strings.ReplaceAll(doc, ">"+text, ">"+text[:at]+"<!-- -->"+text[at:])
			if attack == doc {
				t.Fatalf("no %q", text)
			}
			v := verify(t, newVerifier(), attack)
			wantRules(t, v)
			s, g := v.Signatures[0], good.Signatures[0]
			if !s.Time.Equal(g.Time) || !s.Signer.Equal(g.Signer) {
				t.Errorf("%q with a comment is read otherwise", text)
			}
			tree := parse(t, []byte(attack))
			if body, _ := v.Covered.Body(); tree.Text(tree.Child(body, nsHL7, "text")) != goodText {
				t.Error("the body's text is cut")
			}
		}
		for _, tail := range []string{"<!-- -->0", "<![CDATA[0]]>", "&#48;", "<?x?>0"} {
			attack := strings.ReplaceAll(doc, ">"+text, ">"+text+tail)
			if v := verify(t, newVerifier(), attack); v.Valid {
				t.Errorf("%q%s is valid", text, tail)
			}
		}
	}
}

// A document type declaration could make any attribute an id, and expand entities.
func TestAttack_IDsDeclaredByDTD(t *testing.T) {
	doc := signed(t, TypeSystem)
	for _, dtd := range []string{
		`<!DOCTYPE ClinicalDocument [<!ATTLIST nonXMLBody other ID #IMPLIED>]>`,
		`<!DOCTYPE ClinicalDocument SYSTEM "http://x.invalid/x.dtd">`,
		`<!DOCTYPE ClinicalDocument [<!ENTITY e "` + forgedText + `">]>`,
	} {
		attack := before("<ClinicalDocument", dtd)(t, doc)
		_, err := xmltree.Parse([]byte(attack), xmltree.Limits{})
		if err == nil || !strings.Contains(err.Error(), xmltree.CodeDTD) {
			t.Errorf("%s: %v", dtd, err)
		}
		if _, err := SignDocument([]byte(attack), options(t, TypeSystem)); err == nil {
			t.Error("signed")
		}
	}
}

// Elements that look like those of the signature or the body, in other namespaces.
func TestAttack_NamespaceLookalikes(t *testing.T) {
	doc := signed(t, TypeSystem)
	forged := `<nonXMLBody ID="OID` + testOID + `"><text>` + forgedText + `</text></nonXMLBody>`
	for name, c := range map[string]struct {
		attack string
		want   []string // nil: harmless, the good body is read
	}{
		"body of another namespace before":    {before("<nonXMLBody", strings.Replace(strings.Replace(forged, "<nonXMLBody", `<nonXMLBody xmlns="urn:hl7-org:v2"`, 1), "OID"+testOID, "x", 1))(t, doc), nil},
		"body of another namespace, its id":   {before("<nonXMLBody", strings.Replace(forged, "<nonXMLBody", `<nonXMLBody xmlns="urn:hl7-org:v2"`, 1))(t, doc), []string{RuleReferenceAmbiguous}},
		"component of another namespace":      {before("<component>", `<component xmlns="urn:HL7-org:v3">`+strings.Replace(forged, "OID"+testOID, "x", 1)+`</component>`)(t, doc), nil},
		"body without a namespace":            {before("<nonXMLBody", `<nonXMLBody xmlns="" ID="x"/>`)(t, doc), nil},
		"the component's namespace changed":   {swap("<component>", `<component xmlns="urn:x">`)(t, doc), []string{RuleComponentCount, RuleReferenceTarget}},
		"the body's namespace changed":        {swap("<nonXMLBody", `<nonXMLBody xmlns="urn:x"`)(t, doc), []string{RuleBodyCount, RuleReferenceTarget}},
		"the prefix of a signed part rebound": {swap("<nonXMLBody", `<nonXMLBody xmlns:hl7fi="urn:x"`)(t, doc), []string{RuleDigestMismatch}},
		"a prefix more on the body":           {swap("<nonXMLBody", `<nonXMLBody xmlns:y="urn:y"`)(t, doc), nil},
		"another prefix for the same":         {swap("<hl7fi:json>e30=</hl7fi:json>", `<y:json xmlns:y="urn:hl7finland">e30=</y:json>`)(t, doc), []string{RuleDigestMismatch}},
		"SignedInfo of another namespace":     {before("<SignedInfo", `<SignedInfo xmlns="http://www.w3.org/2000/09/xmldsig"/>`)(t, doc), []string{RuleXMLDSigStructure}},
		"Signature of another namespace":      {before("<Signature ", `<Signature xmlns="http://www.w3.org/2000/09/xmldsig"/>`)(t, doc), nil},
		"Reference of another namespace":      {before("<Reference ", `<Reference xmlns="urn:x"/>`)(t, doc), []string{RuleXMLDSigStructure}},
		"certificate of another namespace":    {before("<X509Certificate>", `<X509Certificate xmlns="urn:x">AAAA</X509Certificate>`)(t, doc), nil},
		"timestamp of another namespace":      {before("<signatureTimestamp", `<signatureTimestamp xmlns="urn:x" ID="y">2030-01-01T00:00:00Z</signatureTimestamp>`)(t, doc), nil},
		"root of another namespace":           {swap(`<ClinicalDocument xmlns="urn:hl7-org:v3"`, `<ClinicalDocument xmlns="urn:hl7-org:V3"`)(t, doc), []string{RuleDocumentRoot}},
		"local header of another namespace":   {strings.ReplaceAll(doc, `xmlns:hl7fi="urn:hl7finland"`, `xmlns:hl7fi="urn:hl7finland/"`), []string{RuleLocalHeaderCount}},
		"xml:id on the body of another value": {swap("<nonXMLBody", `<nonXMLBody xml:id="y"`)(t, doc), []string{RuleDigestMismatch}},
	} {
		v := verify(t, newVerifier(), c.attack)
		if got := rules(v); !slices.Equal(got, c.want) && !(len(got) == 0 && len(c.want) == 0) {
			t.Errorf("%s: %v", name, got)
		}
		if len(c.want) > 0 {
			wantRefused(t, v, c.attack)
			continue
		}
		tree := parse(t, []byte(c.attack))
		body, ok := v.Covered.Body()
		if !ok || tree.Text(tree.Child(body, nsHL7, "text")) != goodText || tree.Space(body) != nsHL7 || !v.Signatures[0].Time.Equal(testNow.Add(-60e9)) {
			t.Errorf("%s: another body or time is read", name)
		}
	}
}

// A reference is taken out of SignedInfo, the signature out of the collection, or
// a transform is added that would empty what is covered.
func TestAttack_Stripping(t *testing.T) {
	doc := mustSign(t, signed(t, TypeProfessional), options(t, TypeArchive))
	system := signed(t, TypeSystem)
	for name, c := range map[string]struct {
		attack string
		want   []string
	}{
		"the body's reference":       {all(cut(bodyRef, "</Reference>"), swap(goodText, forgedText))(t, system), []string{RuleReferenceBodyMissing, RuleValueMismatch}},
		"all references":             {all(cut(bodyRef, "</Reference>"), cut(timeRef, "</Reference>"))(t, system), []string{RuleXMLDSigStructure}},
		"all signatures":             {cut(collTag, "</signatureCollection>")(t, system), []string{RuleSignatureMissing}},
		"the ds:Signature":           {cut("<Signature ", "</Signature>")(t, system), []string{RuleXMLDSigMissing}},
		"SignedInfo":                 {cut("<SignedInfo", "</SignedInfo>")(t, system), []string{RuleXMLDSigStructure}},
		"SignatureValue":             {cut("<SignatureValue>", "</SignatureValue>")(t, system), []string{RuleXMLDSigStructure}},
		"the professional's of two":  {cut("<signature ", "</signature>")(t, doc), []string{RuleSignerRedundant}},
		"the block of the signer":    {cut("<hl7fi:signature>", "</hl7fi:signature>")(t, doc), []string{RuleSignerMissing}},
		"the body":                   {cut("<nonXMLBody", "</nonXMLBody>")(t, system), []string{RuleBodyCount, RuleReferenceUnresolved}},
		"the body's content":         {swap(goodText, "")(t, system), []string{RuleDigestMismatch}},
		"the reference's URI":        {swap(bodyRef, "<Reference>")(t, system), []string{RuleReferenceAbsent}},
		"the digest's octets":        {cut("<DigestValue>", "</DigestValue>")(t, system), []string{RuleXMLDSigStructure}},
		"the certificate":            {cut("<X509Data>", "</X509Data>")(t, system), []string{RuleCertMissing}},
		"the body by an empty range": {swap(bodyRef, `<Reference URI="#xpointer(id('OID`+testOID+`')/..)">`)(t, system), []string{RuleReferenceXPointer}},
	} {
		v := verify(t, newVerifier(), c.attack)
		wantRefused(t, v, c.attack)
		got := rules(v)
		for _, r := range c.want {
			if !slices.Contains(got, r) {
				t.Errorf("%s: %v lacks %s", name, got, r)
			}
		}
	}
}

// certificateOf gives a certificate's base64.
func certificateOf(raw []byte) string { return base64.StdEncoding.EncodeToString(raw) }
