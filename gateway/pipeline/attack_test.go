package pipeline

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"portti/cda/frame"
	"portti/cda/rules/catalogue"
	"portti/fixtures"
	"portti/internal/finding"
	"portti/internal/xmltree"
	"portti/xmldsig"
	"portti/xmldsig/trust"
)

// attackJudge is a judge that trusts the test world's authority.
func attackJudge(t *testing.T) *Judge {
	t.Helper()
	w := fixtures.Default()
	tr, err := trust.New(trust.Options{AnchorCertificates: w.Authority.Certificates()})
	if err != nil {
		t.Fatal(err)
	}
	return &Judge{
		Profile: catalogue.Strict, World: Test, Verifier: &xmldsig.Verifier{Trust: tr},
		Frames: frame.Reader{Profile: catalogue.Strict},
	}
}

// frameAround reads the frame that a document came in.
func frameAround(t *testing.T, j *Judge, text []byte) *frame.Frame {
	t.Helper()
	tree, err := xmltree.Parse(text, xmltree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	f, fs, err := j.Frame(tree, tree.Root())
	if err != nil || len(fs) > 0 && f.Fatal {
		t.Fatal(fs, err)
	}
	return f
}

func found(fs []finding.Finding) []string {
	var out []string
	for _, f := range fs {
		out = append(out, f.Rule)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// headerChange is one change of what no signature covers.
type headerChange struct {
	name     string
	from, to string   // a regular expression and what stands in its place
	reject   bool     // the frame as it was tells enough to refuse
	framed   []string // rules that tell, the frame being as it was
	alone    []string // rules that tell without a frame, as with one changed alike
}

// What is changed here stands in the frame, in the signed body or in the
// certificate too, or is bound to something else of the header. The rest of the
// header (the case, the service task, the language, the written name of the signer)
// stands nowhere else: there nobody can tell, and access and case rules decide.
var headerChanges = []headerChange{
	{"document id", `<id root="([0-9.]+)\.\d+"/><!-- Yleinen`, `<id root="$1.999"/><!-- Yleinen`, true, []string{"CROSS-ID-DIFFERS"}, []string{"BODY-ID-DIFFERS", "BODY-XHTML-ID-DIFFERS"}},
	{"version series", `<setId root="([0-9.]+)\.\d+"/>`, `<setId root="$1.999"/>`, true, []string{"CROSS-SETID-DIFFERS"}, []string{"META-VERSION-FIRST-SETID"}},
	{"version number", `<versionNumber value="1"/>`, `<versionNumber value="2"/>`, true, []string{"CROSS-VERSION-DIFFERS"}, []string{"META-VERSION-NEXT-UNRELATED"}},
	{"client", `extension="010915A9115"`, `extension="010915A9137"`, true, []string{"CROSS-CLIENT-ID-DIFFERS"}, nil},
	{"client's name", `<family>Satunnainen<`, `<family>Toinen<`, true, []string{"CROSS-CLIENT-NAME-DIFFERS"}, []string{"CROSS-JSON-SURNAME-DIFFERS"}},
	{"birth time", `<birthTime value="20150901"/>`, `<birthTime value="20150902"/>`, true, []string{"CROSS-BIRTHTIME-DIFFERS"}, []string{"META-CLIENT-BIRTH-DIFFERS"}},
	{"gender", `<administrativeGenderCode code="1"`, `<administrativeGenderCode code="2"`, false, []string{"META-CLIENT-SEX-DIFFERS"}, []string{"META-CLIENT-SEX-DIFFERS"}},
	{"controller", `<representedCustodianOrganization><id root="[0-9.]+"/>`, `<representedCustodianOrganization><id root="1.2.246.10.99999902.10.0"/>`, true, []string{"CROSS-CUSTODIAN-DIFFERS"}, nil},
	{"register", `<ep2:registryType code="1"`, `<ep2:registryType code="2"`, true, []string{"CROSS-REGISTER-DIFFERS"}, nil},
	{"confidentiality", `<confidentialityCode code="6"`, `<confidentialityCode code="1"`, false, []string{"CROSS-CONFIDENTIALITY-DIFFERS"}, nil},
	{"time", `<effectiveTime value="20260302102500\+0200"/>`, `<effectiveTime value="20260302092500+0200"/>`, false, []string{"CROSS-EFFECTIVETIME-DIFFERS"}, nil},
	{"author", `<assignedAuthor><id root="1.2.246.537.26" extension="99900000011"/>`, `<assignedAuthor><id root="1.2.246.537.26" extension="99900000012"/>`, true, []string{"TRUST-AUTHOR-MISMATCH"}, []string{"TRUST-AUTHOR-MISMATCH"}},
	{"structure", `<ep2:contentSpecificationId>1.2.246.537.6.1506.15007.2024.11.28`, `<ep2:contentSpecificationId>1.2.246.537.6.1506.11001.2023.9.8`, true, []string{"META-CONTENTSPECIFICATION-TYPE"}, []string{"META-CONTENTSPECIFICATION-TYPE"}},
	{"document type", `<ep2:specificDocumentType code="15007"`, `<ep2:specificDocumentType code="11001"`, true, []string{"META-CONTENTSPECIFICATION-TYPE"}, []string{"META-CONTENTSPECIFICATION-TYPE"}},
	{"document group", `<ep2:documentGroup code="5"`, `<ep2:documentGroup code="1"`, true, []string{"META-GROUP-SERVICEREQUEST"}, []string{"META-CASE-FORBIDDEN"}},
	{"organiser", `<ep2:outsourcingServiceCustomer root="[0-9.]+"/>`, `<ep2:outsourcingServiceCustomer root="1.2.246.10.99999902.10.0"/>`, false, []string{"META-ORGANISER-DIFFERS"}, []string{"META-ORGANISER-DIFFERS"}},
}

// TestAttack_HeaderChangedUnderAValidBody: the header is not covered by any
// signature (kanta-interface 7.3). Who changes it leaves the signature valid; the
// comparison with the frame, with the signed body and with the certificate must
// tell (1.5).
func TestAttack_HeaderChangedUnderAValidBody(t *testing.T) {
	w, j := fixtures.Default(), attackJudge(t)
	d := w.Doc("plan")
	f := frameAround(t, j, w.Frame(d))
	good := j.Document(Input{Frame: f, Document: d.Bytes, Arrived: w.Now})
	if good.Decision == Reject || !good.Signatures.Valid {
		t.Fatalf("the document is not good to begin with: %v", found(good.Findings))
	}
	for _, c := range headerChanges {
		t.Run(c.name, func(t *testing.T) {
			changed := []byte(regexp.MustCompile(c.from).ReplaceAllString(string(d.Bytes), c.to))
			if bytes.Equal(changed, d.Bytes) {
				t.Fatal("nothing is changed")
			}
			got := j.Document(Input{Frame: f, Document: changed, Arrived: w.Now})
			if !got.Signatures.Valid {
				t.Error("the signature must still be valid, else the attack is another one")
			}
			if c.reject && got.Decision != Reject {
				t.Errorf("%v", got.Decision)
			}
			wantNew(t, good, got, c.framed)
			wantNew(t, good, j.Document(Input{Document: changed, Arrived: w.Now}), c.alone)
		})
	}
}

// wantNew demands findings that the good document does not have.
func wantNew(t *testing.T, good, got *Judgement, rules []string) {
	t.Helper()
	for _, r := range rules {
		if !slices.Contains(found(got.Findings), r) || slices.Contains(found(good.Findings), r) {
			t.Errorf("%s is not told: %v", r, found(got.Findings))
		}
	}
}

// TestAttack_SignerNamedInTheHeader: the block that tells readers who signed is not
// covered either, and must name whom the certificate names.
func TestAttack_SignerNamedInTheHeader(t *testing.T) {
	w, j := fixtures.Default(), attackJudge(t)
	d := w.Doc("plan")
	changed := bytes.Replace(d.Bytes, []byte("assignedAuthorSigner>99900000011"), []byte("assignedAuthorSigner>99900000012"), 1)
	got := j.Document(Input{Document: changed, Arrived: w.Now})
	if got.Decision != Reject || got.Signatures.Valid || got.Body != nil || !slices.Contains(found(got.Findings), xmldsig.RuleSignerMismatch) {
		t.Errorf("%v %v", got.Decision, found(got.Findings))
	}
}

// TestAttack_ForgedBodyIsNeverGivenOut: whatever stands in a body that signatures do
// not cover, the judgement hands no body on.
func TestAttack_ForgedBodyIsNeverGivenOut(t *testing.T) {
	w, j := fixtures.Default(), attackJudge(t)
	text := string(w.Doc("plan").Bytes)
	i, k := strings.Index(text, "<nonXMLBody"), strings.Index(text, "</nonXMLBody>")+len("</nonXMLBody>")
	body := text[i:k]
	other := regexp.MustCompile(`ID="OID[0-9.]+"`).ReplaceAllString(body, `ID="OID1.2.3"`)
	for name, attack := range map[string]string{
		"beside":              text[:i] + other + body + text[k:],
		"in a second element": strings.Replace(text[:i]+other+text[k:], "</component></ClinicalDocument>", "</component><component>"+body+"</component></ClinicalDocument>", 1),
		"in the signature":    strings.Replace(text[:i]+other+text[k:], "</KeyInfo>", "</KeyInfo><Object>"+body+"</Object>", 1),
		"in the body":         text[:i] + strings.Replace(other, "</nonXMLBody>", body+"</nonXMLBody>", 1) + text[k:],
	} {
		if attack == text {
			t.Fatal(name)
		}
		got := j.Document(Input{Document: []byte(attack), Arrived: w.Now})
		if got.Decision != Reject || got.Body != nil || got.Signatures.Valid || got.Failure != nil {
			t.Errorf("%s: %v, body %v: %v", name, got.Decision, got.Body != nil, found(got.Findings))
		}
	}
}
