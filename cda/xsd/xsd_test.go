package xsd

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"portti/cda/rules/catalogue"
	"portti/internal/finding"
	"portti/internal/shared"
	"portti/internal/xmltree"
)

func TestCompile(t *testing.T) {
	if err := Compile(); err != nil {
		t.Fatal(err)
	}
}

// findings validates a document by a schema.
func findings(tb testing.TB, s *Schema, doc []byte) []finding.Finding {
	tb.Helper()
	t, err := xmltree.Parse(doc, xmltree.Limits{})
	if err != nil {
		tb.Fatalf("%v in\n%.300s", err, doc)
	}
	fs, err := s.Validate(t, t.Root())
	if err != nil {
		tb.Fatal(err)
	}
	return fs
}

func read(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func wantValid(tb testing.TB, what string, fs []finding.Finding) {
	tb.Helper()
	for _, f := range fs {
		tb.Errorf("%s: %s %s %v", what, f.Rule, f.XPath, f.Params)
	}
}

func TestOwnExamplesAreValid(t *testing.T) {
	for _, profile := range []string{Strict, Lenient, ""} {
		for name, s := range map[string]*Schema{
			"document.xml": Document(profile), "full.xml": Document(profile), "frame.xml": Frame(profile),
			"ack.xml": Acknowledgement(profile), "query.xml": Query(profile), "continuation.xml": Query(profile),
			"response.xml": Response(profile),
		} {
			wantValid(t, profile+" "+name, findings(t, s, read(t, name)))
		}
	}
	attribute := bytes.Replace(read(t, "ack.xml"), []byte("<acknowledgement>\n    <typeCode code=\"CE\"/>"), []byte(`<acknowledgement typeCode="CE">`), 1)
	if bytes.Equal(attribute, read(t, "ack.xml")) {
		t.Fatal("the example has changed")
	}
	wantValid(t, "acknowledgement with its code as an attribute", findings(t, Acknowledgement(Strict), attribute))
}

// The real social-welfare documents are valid, those with broken signatures too.
func TestRealSocialDocumentsAreValid(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(shared.Path(t, "samples/social"), "*_S_*.xml"))
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, profile := range []string{Strict, Lenient} {
			wantValid(t, filepath.Base(f), findings(t, Document(profile), b))
		}
	}
}

// The real frames are valid, with the package put in and as they were exported.
func TestRealFramesAreValid(t *testing.T) {
	placeholder := regexp.MustCompile(`(?s)<mimeEncode>.*</mimeEncode>`)
	for frame, document := range map[string]string{
		"apotti_asiakassuunnitelma_K_RCMR_IN200002FI01.xml": "apotti_asiakassuunnitelma_S_as-signed.xml",
		"apotti_asiakkuusasiakirja_K_RCMR_IN200002FI01.xml": "apotti_asiakkuusasiakirja_S_system-signature-BODY-DIGEST-FAILS.xml",
	} {
		b := shared.Read(t, "samples/social/"+frame)
		body := base64.StdEncoding.EncodeToString(shared.Read(t, "samples/social/"+document))
		mime := "MIME-Version: 1.0\nContent-Type: multipart/related; boundary=\"b\"\n\n--b\nContent-ID: &lt;1.2.3&gt;\n\n" + body + "\n--b--\n"
		for _, profile := range []string{Strict, Lenient} {
			wantValid(t, frame, findings(t, Frame(profile), b))
			wantValid(t, frame+" with its package", findings(t, Frame(profile), placeholder.ReplaceAll(b, []byte(mime))))
		}
	}
}

// Health documents and frames are valid in the lenient profile, and refused by name
// in the strict one.
func TestHealthIsLenientOnly(t *testing.T) {
	docs, err := filepath.Glob(filepath.Join(shared.Path(t, "samples/kela"), "*.xml"))
	if err != nil || len(docs) < 10 {
		t.Fatal(docs, err)
	}
	docs = append(docs, shared.Path(t, "samples/frames/RCMR_IN100002FI01_embedded_cda.xml"))
	for _, f := range docs {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		wantValid(t, filepath.Base(f), findings(t, Document(Lenient), b))
		strict := findings(t, Document(Strict), b)
		if !slices.ContainsFunc(strict, func(f finding.Finding) bool {
			return f.Rule == RuleElementUnexpected && slices.Contains(f.Params, finding.P("element", "hl7fi:localHeader"))
		}) {
			t.Errorf("%s: strict tells %v", filepath.Base(f), strict)
		}
	}
	frame := shared.Read(t, "samples/frames/RCMR_IN100002FI01.xml")
	wantValid(t, "frame", findings(t, Frame(Lenient), frame))
	if fs := findings(t, Frame(Strict), frame); len(fs) != 1 || fs[0].Rule != RuleRootUnknown {
		t.Errorf("strict tells of a health frame: %v", fs)
	}
}

// In the lenient profile localSocialHeader has no order and no counts; in the strict
// one it has both.
func TestOrderOfLocalSocialHeader(t *testing.T) {
	d := string(read(t, "document.xml"))
	state := `<fi:recordStatus code="3" codeSystem="1.2.246.537.5.40154.2008"/>`
	moved := strings.Replace(strings.Replace(d, state, "", 1), "<fi:creationTime", state+"<fi:creationTime", 1)
	twice := strings.Replace(d, state, state+state, 1)
	for doc, rule := range map[string]string{moved: RuleElementOrder, twice: RuleElementRepeated} {
		wantValid(t, "lenient", findings(t, Document(Lenient), []byte(doc)))
		if fs := findings(t, Document(Strict), []byte(doc)); len(fs) != 1 || fs[0].Rule != rule {
			t.Errorf("strict tells %v, want %s", fs, rule)
		}
	}
}

// Interactions by names that are not public are configured.
func TestWithRoots(t *testing.T) {
	b := bytes.ReplaceAll(read(t, "frame.xml"), []byte("RCMR_IN200002FI01"), []byte("RCMR_IN299999FI01"))
	if fs := findings(t, Frame(Strict), b); len(fs) != 1 || fs[0].Rule != RuleRootUnknown {
		t.Errorf("without configuration: %v", fs)
	}
	s := Frame(Strict).WithRoots("RCMR_IN299999FI01")
	wantValid(t, "with configuration", findings(t, s, b))
	b = bytes.Replace(b, []byte("<statusCode code=\"COMPLETED\"/>"), nil, 1)
	if fs := findings(t, s, b); len(fs) != 1 || fs[0].Rule != RuleElementMissing || !strings.HasPrefix(fs[0].XPath, "/RCMR_IN299999FI01[1]/") {
		t.Errorf("with a fault: %v", fs)
	}
	if len(Frame(Strict).Roots()) != 2 {
		t.Error("WithRoots changed what it was made of")
	}
}

// A message in an envelope is judged where it stands, by the declarations around it.
func TestMessageInEnvelope(t *testing.T) {
	frame := string(read(t, "frame.xml"))
	frame = frame[strings.Index(frame, "<RCMR"):]
	inside := strings.Replace(frame, ` xmlns="urn:hl7-org:v3"`, "", 1)
	for version, space := range map[string]string{"1.1": SpaceSOAP11, "1.2": SpaceSOAP12} {
		doc := `<s:Envelope xmlns:s="` + space + `" xmlns="urn:hl7-org:v3"><s:Header/><s:Body>` + inside + `</s:Body></s:Envelope>`
		tree, err := xmltree.Parse([]byte(doc), xmltree.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		fs, err := Envelope(version).Validate(tree, tree.Root())
		if err != nil {
			t.Fatal(err)
		}
		wantValid(t, version, fs)
		body := tree.FirstElement(tree.Path(tree.Root(), space, "Body"))
		fs, err = Frame(Strict).Validate(tree, body)
		if err != nil {
			t.Fatal(err)
		}
		wantValid(t, version, fs)
		if fs := findings(t, Envelope(version), []byte(strings.ReplaceAll(doc, "s:Body", "s:Boody"))); len(fs) == 0 || fs[0].Place.Source != finding.SourceRequest {
			t.Errorf("%s: an envelope without body: %v", version, fs)
		}
	}
}

// Digits of a time and the forms between: the pattern must count right, which it
// did not in libxml2 with counters (19 and 20 digits were taken).
func TestFormsOfTime(t *testing.T) {
	right := regexp.MustCompile(`^\d{4}(\d\d(\d\d(\d\d(\d\d(\d\d(\.\d+)?)?)?([+-]\d{4})?)?)?)?$`)
	var forms []string
	for n := range 41 {
		digits := strings.Repeat("20260301120000", 3)[:n]
		for _, tail := range []string{"", "+0200", "-02", "+020", "+02000", ".5", ".", ".123+0200", "Z", " "} {
			forms = append(forms, digits+tail)
		}
	}
	d := string(read(t, "document.xml"))
	for _, form := range forms {
		doc := strings.Replace(d, `<effectiveTime value="20260301120000+0200"/>`, `<effectiveTime value="`+form+`"/>`, 1)
		fs := findings(t, Document(Strict), []byte(doc))
		if (len(fs) == 0) != right.MatchString(form) {
			t.Errorf("%q: %v", form, fs)
		}
	}
}

func TestFormsOfOID(t *testing.T) {
	for root, valid := range map[string]bool{
		"1.2": true, "2.16.840.1.113883.1.3": true, "0.0": true, "1.2.246.10.99999901": true, "1.2.0.3": true,
		"1": false, "1.": false, "1..2": false, "3.1": false, "1.02": false, "1.2.246.": false, " 1.2": false, "1.2 ": false, "1,2": false, "": false,
		"12345678-9abc-DEF0-1234-56789abcdef0": true, "f2345678-9abc-DEF0-1234-56789abcdef0": true,
		"1234567-9abc-DEF0-1234-56789abcdef0": false, "12345678-9abc-DEF0-1234-56789abcdef01": false, "1.2.246.10.99999901-1": false,
	} {
		doc := strings.Replace(string(read(t, "document.xml")), `<setId root="1.2.246.10.99999901.95.2026.1"/>`, `<setId root="`+root+`"/>`, 1)
		if fs := findings(t, Document(Strict), []byte(doc)); (len(fs) == 0) != valid {
			t.Errorf("%q: %v", root, fs)
		}
	}
}

// Every rule has texts in the catalogue, and no rule of ours stands there unused.
func TestRulesStandInTheCatalogue(t *testing.T) {
	c := catalogue.Default()
	for _, id := range Rules {
		if c.Rule(id) == nil {
			t.Errorf("%s is not in the catalogue", id)
		}
	}
	for _, id := range c.IDs() {
		if strings.HasPrefix(id, "XSD-") && !slices.Contains(Rules, id) {
			t.Errorf("%s is in the catalogue and nobody emits it", id)
		}
	}
	for kind, id := range ruleOf {
		if !slices.Contains(Rules, id) {
			t.Errorf("kind %d: %s is not listed", kind, id)
		}
	}
}

// fault is a change of testdata/document.xml that makes one finding.
type fault struct{ from, to, xpath, value string }

// One fault makes one finding, by its rule, at its place, whose texts leave no gap.
func TestOneFaultIsOneFinding(t *testing.T) {
	const root = "/ClinicalDocument[1]"
	xsi := ` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`
	for rule, c := range map[string]fault{
		RuleElementUnexpected: {`<languageCode`, `<langCode code="fi"/><languageCode`, root + "/langCode[1]", ""},
		RuleElementRepeated:   {`<languageCode code="fi"/>`, `<languageCode code="fi"/><languageCode code="sv"/>`, root + "/languageCode[2]", ""},
		RuleElementMissing:    {`<time nullFlavor="NA"/>`, ``, root + "/author[1]", ""},
		RuleTextNotAllowed:    {`<custodian>`, `<custodian>Testikunta`, root + "/custodian[1]", "Testikunta"},
		RuleAttributeUnknown:  {`<versionNumber value`, `<versionNumber unit="a" value`, root + "/versionNumber[1]/@unit", "a"},
		RuleAttributeMissing:  {` typeCode="ADM"`, ``, root + "/componentOf[1]/encompassingEncounter[1]/encounterParticipant[1]", ""},
		RuleValueOID:          {`<setId root="1.2.246.10.99999901.95.2026.1"`, `<setId root="1.2.246.010"`, root + "/setId[1]/@root", "1.2.246.010"},
		RuleValueTime:         {`<effectiveTime value="20260301120000+0200"`, `<effectiveTime value="2026-03-01T12:00"`, root + "/effectiveTime[1]/@value", "2026-03-01T12:00"},
		RuleValuePattern:      {`<birthTime value="19900101"`, `<birthTime value="1.1.1990"`, root + "/recordTarget[1]/patientRole[1]/patient[1]/birthTime[1]/@value", "1.1.1990"},
		RuleValueCode:         {`<code code="15"`, `<code code="15 "`, root + "/code[1]/@code", "15 "},
		RuleValueEnum:         {`<time nullFlavor="NA"`, `<time nullFlavor="N/A"`, root + "/author[1]/time[1]/@nullFlavor", "N/A"},
		RuleValueEmpty:        {`extension="010190-900P"`, `extension=""`, root + "/recordTarget[1]/patientRole[1]/id[1]/@extension", ""},
		RuleValueType:         {`<versionNumber value="1"`, `<versionNumber value="1.0"`, root + "/versionNumber[1]/@value", "1.0"},
		RuleFixed:             {`<typeId root="2.16.840.1.113883.1.3"`, `<typeId root="2.16.840.1.113883"`, root + "/typeId[1]/@root", "2.16.840.1.113883"},
		RuleTypeUnknown:       {`<setId root`, `<setId` + xsi + ` xsi:type="CE" root`, root + "/setId[1]/@*[local-name()='type']", "CE"},
		RuleIDDuplicate:       {`<nonXMLBody ID="OID1.2.246.10.99999901.95.2026.1"`, `<nonXMLBody ID="sig1"`, root + "/component[1]/nonXMLBody[1]/@ID", "sig1"},
		RuleElementOrder:      {`<versionNumber value="1"/>`, `<copyTime nullFlavor="NA"/><versionNumber value="1"/>`, root + "/copyTime[1]", ""},
		RuleRootUnknown:       {`ClinicalDocument`, `ClinicalDoc`, "/ClinicalDoc[1]", ""},
	} {
		t.Run(rule, func(t *testing.T) {
			original := string(read(t, "document.xml"))
			n := 1
			if rule == RuleRootUnknown {
				n = -1
			}
			doc := strings.Replace(original, c.from, c.to, n)
			if doc == original {
				t.Fatal("the example has changed")
			}
			fs := findings(t, Document(Strict), []byte(doc))
			if len(fs) != 1 || fs[0].Rule != rule || fs[0].XPath != c.xpath || fs[0].Value != c.value {
				t.Fatalf("got %+v", fs)
			}
			f := fs[0]
			if f.Source != finding.SourceDocument || f.Line == 0 || f.Column == 0 {
				t.Errorf("place: %+v", f.Place)
			}
			for _, lang := range catalogue.Langs {
				r := catalogue.Default().Resolve(f, catalogue.Strict, lang)
				if strings.ContainsAny(r.Message+r.Hint, "{}") || r.Stage != finding.StageDocument || r.Severity != finding.Error {
					t.Errorf("%s: %+v", lang, r)
				}
			}
		})
	}
}

// The reference to a footnote in a health document.
func TestFootnoteWithoutTarget(t *testing.T) {
	d := string(read(t, "document.xml"))
	d = d[:strings.Index(d, "<nonXMLBody")] + `<structuredBody ID="b"><component><footnoteRef IDREF="f%d"/><footnote ID="f1"/></component></structuredBody></component></ClinicalDocument>`
	wantValid(t, "with its target", findings(t, Document(Lenient), []byte(fmt.Sprintf(d, 1))))
	if fs := findings(t, Document(Lenient), []byte(fmt.Sprintf(d, 2))); len(fs) != 1 || fs[0].Rule != RuleIDRefTarget || fs[0].Value != "f2" {
		t.Errorf("without: %v", fs)
	}
}

// An identity code in the place of a public value is told by a rule that hides it.
func TestIdentityCodesAreNotShown(t *testing.T) {
	const code = "010190-900P"
	d := string(read(t, "document.xml"))
	for from, to := range map[string]string{
		`<id root="1.2.246.21" extension="010190-900P"/>`: `<id root="010190-900P" extension="1.2.246.21"/>`,
		`<effectiveTime value="20260301120000+0200"/>`:    `<effectiveTime value="010190-900P"/>`,
		`<code code="15"`:                `<code code="Testi 010190-900P"`,
		`<languageCode code="fi"/>`:      `<languageCode code="fi" nullFlavor="010190-900P"/>`,
		`<versionNumber value="1"/>`:     `<versionNumber value="010190-900P"/>`,
		`<realmCode code="FI"/>`:         `<realmCode code="FI" x="010190-900P"/>`,
		`<custodian>`:                    `<custodian>010190-900P`,
		`<birthTime value="19900101"/>`:  `<birthTime value="010190-900P"/>`,
		`<fi:signature ID="sig1">`:       `<fi:signature ID="010190-900P">`,
		`extension="POCD_HD000040"`:      `extension="POCD_HD000040" displayable="010190-900P"`,
		`root="2.16.840.1.113883.1.3"`:   `root="010190-900P"`,
		`>2026-03-01T10:00:01.5Z<`:       `>010190-900P<`,
		`>Sosiaalihuollon palveluproses`: `>010190-900P Sosiaalihuollon palveluproses`,
	} {
		doc := strings.Replace(d, from, to, 1)
		if doc == d {
			t.Fatalf("the example has changed: %s", from)
		}
		fs := findings(t, Document(Strict), []byte(doc))
		if len(fs) == 0 {
			t.Errorf("%s: no finding", to)
		}
		for _, f := range fs {
			for _, p := range f.Params {
				if strings.Contains(p.Value, code) {
					t.Errorf("%s: parameter %s tells it", to, p.Name)
				}
			}
			for _, lang := range catalogue.Langs {
				if r := catalogue.Default().Resolve(f, catalogue.Strict, lang); strings.Contains(fmt.Sprint(r), code) {
					t.Errorf("%s: %+v", to, r)
				}
			}
		}
	}
}

// What the engine needs of schemas, see package schema.
func TestSchemasKeepTheirConventions(t *testing.T) {
	files, err := fs.Glob(Files(), "*.xsd")
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	datatypes := regexp.MustCompile(`^[A-Z]{2,4}(_[A-Z]{2})?$`)
	const xs = "http://www.w3.org/2001/XMLSchema"
	for _, file := range files {
		b, err := fs.ReadFile(Files(), file)
		if err != nil {
			t.Fatal(err)
		}
		tree, err := xmltree.Parse(b, xmltree.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for _, attr := range []string{"elementFormDefault=qualified", "blockDefault=#all"} {
			name, want, _ := strings.Cut(attr, "=")
			if tree.Attr(tree.Root(), name) != want {
				t.Errorf("%s: no %s", file, attr)
			}
		}
		for n := tree.Root(); n < tree.End(tree.Root()); n++ {
			if tree.Space(n) != xs {
				continue
			}
			where := fmt.Sprintf("%s:%d", file, tree.Pos(n).Line)
			switch local := tree.Local(n); local {
			case "complexType", "simpleType":
				name := tree.Attr(n, "name")
				if tree.Parent(n) != tree.Root() || name == "" {
					t.Errorf("%s: a type without a name", where)
				}
				if !strings.Contains(name, ".") && !datatypes.MatchString(name) {
					t.Errorf("%s: %q is no data type of HL7 and has no dot", where, name)
				}
			case "element", "attribute":
				if _, has := tree.LookupAttr(n, "", "default"); has {
					t.Errorf("%s: a default value", where)
				}
				if _, has := tree.LookupAttr(n, "", "fixed"); has && local == "element" {
					t.Errorf("%s: an element's fixed value", where)
				}
			case "pattern":
				if p := tree.Attr(n, "value"); !oneUnambiguous(t, p) || regexp.MustCompile(`\{[0-9]`).MatchString(p) {
					t.Errorf("%s: the pattern is ambiguous or counts: %s", where, p)
				}
			case "all", "key", "keyref", "unique", "union", "anyAttribute":
				if local != "anyAttribute" || tree.Attr(n, "processContents") != "skip" {
					t.Errorf("%s: %s is not provided for", where, local)
				}
			case "any":
				if tree.Attr(n, "processContents") != "skip" {
					t.Errorf("%s: a wildcard that looks into what it takes", where)
				}
			}
			if at := tree.Attr(n, "schemaLocation"); strings.ContainsAny(at, "/:") {
				t.Errorf("%s: %s", where, at)
			}
		}
	}
}
