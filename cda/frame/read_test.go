package frame

import (
	"bytes"
	"strings"
	"testing"

	"portti/cda"
	"portti/cda/frame/interactions"
	"portti/cda/internal/testdoc"
	"portti/cda/rules/catalogue"
	"portti/internal/shared"

	"github.com/google/go-cmp/cmp"
)

// written gives the frame of the phase II lookalike.
func written(tb testing.TB) string {
	tb.Helper()
	document := testdoc.Phase2()
	d, _ := cda.Read(parse(tb, []byte(document)))
	var out bytes.Buffer
	if err := Write(&out, &d.Metadata, []byte(document), testOptions()); err != nil {
		tb.Fatal(err)
	}
	return out.String()
}

func read(tb testing.TB, s string, p catalogue.Profile) (*Frame, []string) {
	tb.Helper()
	t := parse(tb, []byte(s))
	f, fs := Read(t, t.Root(), p)
	return f, ruleIDs(fs)
}

// TestFrameMutations breaks one thing of the frame at a time.
func TestFrameMutations(t *testing.T) {
	whole := written(t)
	request := `<reasonCode code="SP17" codeSystem="1.2.246.537.6.1503.201601" codeSystemName="Sosiaalihuolto - Arkistosanomien palvelupyynnöt" displayName="Asiakasasiakirjan arkistointi"/>`
	situation := `<reasonCode code="1" codeSystem="1.2.246.537.6.1289.201901" codeSystemName="Sosiaalihuolto - Asiakastiedon arkiston käyttötilanne" displayName="Palvelunjärjestäjän rekisterin oma käyttö"/>`
	for _, c := range []struct {
		old, new string
		fatal    bool
		want     []string
	}{
		{`<id extension="17" root="1.2.246.10.99999901.18.2026"/>`, ``, true, []string{RuleIDMissing}},
		{`<id extension="17" root="1.2.246.10.99999901.18.2026"/>`, `<id nullFlavor="NI"/>`, true, []string{RuleIDMissing}},
		{`root="1.2.246.10.99999901.18.2026"`, `root="1.2.x"`, false, []string{RuleIDOID}},
		{`<id extension="17" root="1.2.246.10.99999901.18.2026"/>`, `<id root="1.2.246.10.99999901.18.2026.17"/>`, false, nil},
		{`<creationTime value="20260323105430+0200"/>`, ``, false, []string{RuleCreation}},
		{`<creationTime value="20260323105430+0200"/>`, `<creationTime value="x"/>`, false, []string{RuleCreationSyntax}},
		{`<creationTime value="20260323105430+0200"/>`, `<creationTime value="20260323105430"/>`, false, []string{RuleCreationOffset}},
		{`<versionCode code="V3-2006"/>`, ``, false, nil},
		{`<versionCode code="V3-2006"/>`, `<versionCode code="V4"/>`, false, []string{RuleVersionCode}},
		{`<interactionId extension="RCMR_IN200002FI01"`, `<interactionId extension="RCMR_IN200016FI01"`, false, []string{RuleInteractionDiffers}},
		{`<interactionId extension="RCMR_IN200002FI01" root="2.16.840.1.113883.1.6"/>`, ``, false, []string{RuleInteractionMissing}},
		{`root="2.16.840.1.113883.1.6"`, `root="2.16"`, false, []string{RuleInteractionRoot}},
		{`<processingCode code="D"/>`, ``, false, []string{RuleProcessingMissing}},
		{`<processingCode code="D"/>`, `<processingCode code="Q"/>`, false, []string{RuleProcessingUnknown}},
		{`<processingModeCode code="T"/>`, `<processingModeCode code="A"/>`, false, []string{RuleModeUnknown}},
		{`<processingModeCode code="T"/>`, ``, false, []string{RuleModeMissing}},
		{`<acceptAckCode code="ER"/>`, ``, false, []string{RuleAcceptMissing}},
		{`<acceptAckCode code="ER"/>`, `<acceptAckCode code="XX"/>`, false, []string{RuleAcceptUnknown}},
		{`<acceptAckCode code="ER"/>`, `<acceptAckCode code="AL"/>`, false, nil},
		{`<acceptAckCode code="ER"/>`, `<acceptAckCode code="ER"/><acceptAckCode code="NE"/>`, false, []string{RuleRepeated}},
		{`<id root="1.2.246.556.18007.2"/>`, ``, false, []string{RuleReceiverMissing}},
		{`<id root="1.2.246.556.18007.2"/>`, `<id root="x"/>`, false, []string{RuleReceiverOID}},
		{`<sender typeCode="SND"><device classCode="DEV" determinerCode="INSTANCE"><id root="1.2.246.10.99999901.10.0"/></device></sender>`, ``, false, []string{RuleSenderMissing}},
		{`moodCode="EVN"><code code="RCMR`, `moodCode="RQO"><code code="RCMR`, false, []string{RuleMood}},
		{`code="RCMR_TE000102UV01" `, ``, false, []string{RuleTriggerMissing}},
		{`code="RCMR_TE000102UV01" `, `code="RCMR_TE000910UV01" `, false, []string{RuleTriggerDiffers}},
		{`codeSystem="2.16.840.1.113883.1.18"`, `codeSystem="2.16"`, false, []string{RuleTriggerSystem}},
		{`<priorityCode code="R"/>`, ``, false, nil},
		{`<priorityCode code="R"/>`, `<priorityCode code="XX"/>`, false, []string{RulePriority}},
		// kanta-interface 1.4
		{request + situation, situation + request, false, nil},
		{request, ``, false, []string{RuleRequestMissing}},
		{request, request + request, false, []string{RuleRequestRepeated}},
		{request + situation, `<reasonCode code="SP17"/>`, false, []string{RuleSituationMissing}},
		{request, `<reasonCode code="SP17"/>`, false, []string{RuleRequestMissing}}, // without code system only where it is alone
		{request + situation, ``, false, []string{RuleRequestMissing, RuleSituationMissing}},
		{`code="SP17" codeSystem`, `code="SP999" codeSystem`, false, []string{RuleRequestUnknown}},
		{`code="SP17" codeSystem`, `code="SP903" codeSystem`, false, []string{RuleRequestAssumed}},
		{`code="SP17" codeSystem`, `code="SP921" codeSystem`, false, []string{RuleRequestInteraction}},
		{`code="SP17" codeSystem="1.2.246.537.6.1503.201601"`, `code="SP17" codeSystem="1.2.246.537.6.1503.202801"`, false, nil},
		{`code="SP17" codeSystem="1.2.246.537.6.1503.201601"`, `code="PP1" codeSystem="1.2.246.537.5.40157.2008"`, false, []string{RuleRequestHealth}},
		{situation, situation + situation, false, []string{RuleSituationRepeated}},
		{situation, ``, false, []string{RuleSituationMissing}},
		{`<reasonCode code="1" codeSystem="1.2.246.537.6.1289`, `<reasonCode code="77" codeSystem="1.2.246.537.6.1289`, false, []string{RuleSituationUnknown}},
		{`<reasonCode code="1" codeSystem="1.2.246.537.6.1289`, `<reasonCode code="902" codeSystem="1.2.246.537.6.1289`, false, []string{RuleSituationAssumed}},
		// user
		{`<authorOrPerformer typeCode="PRF">`, `<authorOrPerformer typeCode="AUT">`, false, nil},
		{`<authorOrPerformer typeCode="PRF">`, `<authorOrPerformer typeCode="ENT">`, false, []string{RuleUserType}},
		{`<assignedPerson><id extension="010181-900C" root="1.2.246.21"/>`, `<assignedPerson>`, false, []string{RuleUserID}},
		{`<id root="1.2.246.10.99999901.10.1"/>`, ``, false, []string{RuleUserOrganization}},
		// document
		{`<id root="` + testdoc.ID + `"/><code`, `<code`, false, []string{RuleDocumentID}},
		{`<id root="` + testdoc.ID + `"/><code`, `<id root="1.2.03"/><code`, false, []string{RuleDocumentIDOID}},
		{`<setId root="` + testdoc.ID + `"/>`, ``, false, []string{RuleDocumentSetID}},
		{`<setId root="` + testdoc.ID + `"/>`, `<setId root="1"/>`, false, []string{RuleDocumentSetIDOID}},
		{`<versionNumber value="1"/>`, ``, false, []string{RuleDocumentVersion}},
		{`<versionNumber value="1"/>`, `<versionNumber value="0"/>`, false, []string{RuleDocumentVersionBad}},
		{`<code code="1" codeSystem="1.2.246.537.6.1264.201701"/>`, ``, false, []string{RuleDocumentRegister}},
		{`<effectiveTime value="20260323105424+0200"/>`, ``, false, []string{RuleDocumentTime}},
		{`<effectiveTime value="20260323105424+0200"/>`, `<effectiveTime value="x"/>`, false, []string{RuleDocumentTimeBad}},
		{`<statusCode code="COMPLETED"/>`, `<statusCode code="completed"/>`, false, nil},
		{`<statusCode code="COMPLETED"/>`, `<statusCode code="draft"/>`, false, []string{RuleDocumentStatusBad}},
		{`<statusCode code="COMPLETED"/>`, ``, false, []string{RuleDocumentStatus}},
		{`<patient classCode="PAT"><id extension="010181-900C" root="1.2.246.21"/>`, `<patient classCode="PAT">`, false, []string{RuleDocumentClientID}},
		{`<patient classCode="PAT"><id extension="010181-900C" root="1.2.246.21"/>`, `<patient classCode="PAT"><id nullFlavor="NA"/>`, false, nil},
		{`<id root="` + testdoc.Controller + `"/><name>Esimerkin`, `<name>Esimerkin`, false, []string{RuleDocumentCustodian}},
		{`<id root="` + testdoc.Controller + `"/><name>Esimerkin`, `<id root="x"/><name>Esimerkin`, false, []string{RuleDocumentCustodianOID}},
		{`</clinicalDocument>`, `</clinicalDocument><clinicalDocument/>`, false, []string{RuleSubjectRepeated}},
		{`</subject>`, `</subject><subject/>`, false, []string{RuleSubjectRepeated}},
		{`<languageCode code="fi"/>`, `<languageCode code="fi"/><languageCode code="sv"/>`, false, []string{RuleRepeated}},
	} {
		f, got := read(t, testdoc.Replace(whole, c.old, c.new), catalogue.Strict)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s → %s: %s", c.old, c.new, diff)
		}
		if f.Fatal != c.fatal {
			t.Errorf("%s → %s: fatal %v", c.old, c.new, f.Fatal)
		}
	}
}

func TestFrameWithoutItsGreatParts(t *testing.T) {
	whole := written(t)
	for _, c := range []struct {
		begin, end string
		want       []string
	}{
		{"<controlActProcess", "</controlActProcess>", []string{RuleControlActMissing}},
		{"<subject", "</subject>", []string{RuleSubjectMissing}},
		{"<clinicalDocument", "</clinicalDocument>", []string{RuleDocumentMissing}},
		{"<authorOrPerformer", "</authorOrPerformer>", []string{RuleUserMissing}},
		{"<text", "</text>", []string{RuleTextMissing}},
		{"<recordTarget", "</recordTarget>", []string{RuleDocumentClient}},
		{"<author ", "</author>", []string{RuleDocumentAuthor}},
		{"<custodian", "</custodian>", []string{RuleDocumentCustodian}},
		{"<completionCode", "/>", []string{RuleDocumentCompletion}},
		{"<storageCode", "/>", []string{RuleDocumentStorage}},
	} {
		f, got := read(t, testdoc.Cut(whole, c.begin, c.end), catalogue.Strict)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.begin, diff)
		}
		if p, fs := f.Package(); c.begin != "<text" && strings.HasPrefix(c.begin, "<con") && (p != nil || fs != nil) {
			t.Errorf("%s: a package: %v %v", c.begin, p, fs)
		}
	}
}

func TestUnknownRootIsFatal(t *testing.T) {
	for _, s := range []string{
		`<RCMR_IN200002FI01/>`, `<RCMR_IN999999FI01 xmlns="urn:hl7-org:v3"/>`, `<a/>`,
	} {
		f, got := read(t, s, catalogue.Strict)
		if diff := cmp.Diff([]string{RuleRootUnknown}, got); diff != "" || !f.Fatal || f.Interaction != nil {
			t.Errorf("%s: fatal %v %s", s, f.Fatal, diff)
		}
	}
}

// A frame in a SOAP Body is read with the namespaces declared around it, and its
// places are those of the whole message.
func TestFrameInSOAPBody(t *testing.T) {
	whole := strings.Replace(written(t), `<RCMR_IN200002FI01 xmlns="urn:hl7-org:v3"`, `<RCMR_IN200002FI01`, 1)
	soap := "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns=\"urn:hl7-org:v3\">\n<s:Body>" + whole + "</s:Body></s:Envelope>"
	tree := parse(t, []byte(soap))
	root := tree.FirstElement(tree.FirstElement(tree.Root()))
	f, fs := Read(tree, root, catalogue.Strict)
	if len(fs) > 0 {
		t.Fatal(fs)
	}
	if p, fs := f.Package(); len(fs) > 0 || string(p.DocumentBytes()) != testdoc.Phase2() {
		t.Fatal(fs)
	}
	tree = parse(t, []byte(strings.Replace(soap, `<acceptAckCode code="ER"/>`, `<acceptAckCode code="XX"/>`, 1)))
	_, fs = Read(tree, tree.FirstElement(tree.FirstElement(tree.Root())), catalogue.Strict)
	if len(fs) != 1 || fs[0].Line != 2 || !strings.HasSuffix(fs[0].XPath, "/@code") {
		t.Errorf("%+v", fs)
	}
}

func TestRealFrames(t *testing.T) {
	for _, c := range []struct {
		file    string
		want    []string
		request string
	}{
		{"social/apotti_asiakassuunnitelma_K_RCMR_IN200002FI01.xml", []string{RuleTriggerMissing}, "SP17"},
		{"social/apotti_asiakkuusasiakirja_K_RCMR_IN200002FI01.xml", nil, "SP1"},
		{"frames/RCMR_IN100002FI01.xml", []string{RuleRootHealth}, "PP1"},
	} {
		f, got := read(t, string(shared.Read(t, "samples/"+c.file)), catalogue.Strict)
		if diff := cmp.Diff(c.want, got); diff != "" || f.ServiceRequest.Code != c.request || f.Request == nil {
			t.Errorf("%s: request %q, %s", c.file, f.ServiceRequest.Code, diff)
		}
		if placeholder := c.request != "PP1"; f.IsPlaceholder() != placeholder {
			t.Errorf("%s: placeholder %v", c.file, f.IsPlaceholder())
		}
		if f.Operation() != interactions.New || f.Fatal {
			t.Errorf("%s: operation %s, fatal %v", c.file, f.Operation(), f.Fatal)
		}
	}
}

// The health frame gives its package, with the line of its header that begins in
// column 1, and the document that was taken out of it.
func TestRealHealthPackage(t *testing.T) {
	f, _ := read(t, string(shared.Read(t, "samples/frames/RCMR_IN100002FI01.xml")), catalogue.Lenient)
	p, fs := f.Package()
	if diff := cmp.Diff([]string{RuleMIMEFold}, ruleIDs(fs)); diff != "" {
		t.Error(diff)
	}
	if fs[0].Line != 4 || fs[0].Column != 1 || fs[0].Source != "mime" {
		t.Errorf("%+v", fs[0])
	}
	if want := shared.Read(t, "samples/frames/RCMR_IN100002FI01_embedded_cda.xml"); !bytes.Equal(p.DocumentBytes(), want) {
		t.Error("the document is not the one in the package")
	}
	l := f.Document.Local
	if l.Kind != cda.HealthHeader || l.CustodianType.Code != "1" || l.RetentionPeriodClass.Code != "2" || f.Document.Encounter.Location.ID.Root == "" || len(f.Document.Encounter.Units) != 1 {
		t.Errorf("%+v", l)
	}
	if !f.IsHealth() || len(f.ProfileIDs) != 2 || f.User.Organization.ID.Root == "" {
		t.Errorf("health %v, profiles %d", f.IsHealth(), len(f.ProfileIDs))
	}
}

func TestPlaceholderIsTold(t *testing.T) {
	f, _ := read(t, string(shared.Read(t, "samples/social/apotti_asiakkuusasiakirja_K_RCMR_IN200002FI01.xml")), catalogue.Strict)
	p, fs := f.Package()
	if diff := cmp.Diff([]string{RuleTextPlaceholder}, ruleIDs(fs)); diff != "" || p != nil {
		t.Error(diff)
	}
}

func TestQueryFrame(t *testing.T) {
	whole := strings.ReplaceAll(written(t), "RCMR_IN200002FI01", "RCMR_IN200029FI01")
	whole = testdoc.Cut(testdoc.Replace(whole, `code="SP17" codeSystem`, `code="SP921" codeSystem`), "<subject", "</subject>")
	_, got := read(t, whole, catalogue.Strict)
	if diff := cmp.Diff([]string{RuleRootAssumed, RuleRequestAssumed, RuleQueryMissing}, got); diff != "" {
		t.Error(diff)
	}
	whole = testdoc.Replace(whole, `</controlActProcess>`, `<queryByParameter/></controlActProcess>`)
	f, got := read(t, whole, catalogue.Strict)
	if diff := cmp.Diff([]string{RuleRootAssumed, RuleRequestAssumed, RuleQueryID}, got); diff != "" || f.Query <= 0 {
		t.Error(diff)
	}
	table := interactions.Default().WithoutAssumptions()
	tree := parse(t, []byte(whole))
	if f, fs := (Reader{Table: table}).Read(tree, tree.Root()); !f.Fatal || fs[0].Rule != RuleRootUnknown {
		t.Errorf("without assumptions: %v", fs)
	}
}

// BenchmarkReadFrame reads a frame around a document of 4 KB.
func BenchmarkReadFrame(b *testing.B) {
	tree := parse(b, []byte(written(b)))
	b.ReportAllocs()
	for b.Loop() {
		if _, fs := Read(tree, tree.Root(), catalogue.Strict); len(fs) > 0 {
			b.Fatal(fs)
		}
	}
}
