package frame

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
	"time"

	"portti/cda"
	"portti/cda/rules/catalogue"
	"portti/cda/xsd"
	"portti/internal/finding"
	"portti/internal/judge"
	"portti/internal/shared"
	"portti/internal/xmltree"

	"github.com/google/go-cmp/cmp"
)

const realDocument = "samples/social/apotti_asiakassuunnitelma_S_as-signed.xml"

func parse(tb testing.TB, b []byte) *xmltree.Tree {
	tb.Helper()
	t, err := xmltree.Parse(b, xmltree.DefaultLimits())
	if err != nil {
		tb.Fatalf("%v\n%s", err, b)
	}
	return t
}

func testUser() User {
	return User{
		ID: cda.ID{Root: cda.RootHetu, Extension: "010181-900C"}, Name: cda.Name{Family: []string{"Testi"}, Given: []string{"Käyttäjä"}},
		Organization: cda.Organization{ID: cda.ID{Root: "1.2.246.10.99999901.10.1"}, Name: cda.Text{Value: `Yksikkö "A" & <B>`}},
	}
}

func testOptions() Options {
	return Options{
		MessageID:    cda.ID{Root: "1.2.246.10.99999901.18.2026", Extension: "17"},
		CreationTime: time.Date(2026, 3, 23, 10, 54, 30, 0, cda.Helsinki()),
		Sender:       "1.2.246.10.99999901.10.0", User: testUser(),
	}
}

// A frame written for the real document reads back without a finding, and its
// package gives the document's bytes.
func TestWriteStrictFrameForRealDocument(t *testing.T) {
	document := shared.Read(t, realDocument)
	d, _ := cda.Read(parse(t, document))
	var out bytes.Buffer
	if err := Write(&out, &d.Metadata, document, testOptions()); err != nil {
		t.Fatal(err)
	}
	tree := parse(t, out.Bytes())
	f, findings := Read(tree, tree.Root(), catalogue.Strict)
	if len(findings) > 0 {
		t.Fatalf("findings: %v", findings)
	}
	p, findings := f.Package()
	if len(findings) > 0 {
		t.Fatalf("findings of the package: %v", findings)
	}
	if !bytes.Equal(p.DocumentBytes(), document) {
		t.Fatal("the package gives other bytes than were put in")
	}
	if f.ServiceRequest.Code != "SP17" || f.UseSituation.Code != "1" || f.Name() != "RCMR_IN200002FI01" {
		t.Errorf("service request %q, use situation %q, interaction %q", f.ServiceRequest.Code, f.UseSituation.Code, f.Name())
	}
	if got := f.User.Organization.Name.Value; got != testUser().Organization.Name.Value {
		t.Errorf("the unit's name came back as %q", got)
	}
	m := &f.Document
	if !m.ID.Same(d.ID) || !m.SetID.Same(d.SetID) || !m.Clients[0].Name.Same(d.Clients[0].Name) || !m.Custodian.ID.Same(d.Custodian.ID) {
		t.Error("the frame's metadata differ from the document's")
	}
}

func TestWriteReplacement(t *testing.T) {
	document := shared.Read(t, realDocument)
	d, _ := cda.Read(parse(t, document))
	m := d.Metadata
	m.Version = cda.NewNumber(2)
	m.Related = []cda.RelatedDocument{{TypeCode: "RPLC", ID: m.ID, SetID: m.SetID, Version: cda.NewNumber(1)}}
	m.ID = cda.ID{Root: m.ID.Root + "1"}
	var out bytes.Buffer
	if err := Write(&out, &m, document, testOptions()); err != nil {
		t.Fatal(err)
	}
	tree := parse(t, out.Bytes())
	f, findings := Read(tree, tree.Root(), catalogue.Strict)
	if len(findings) > 0 {
		t.Fatalf("findings: %v", findings)
	}
	if f.Name() != "RCMR_IN200016FI01" || f.Document.Reason.Code != "1" || f.Document.Related[0].TypeCode != "RPLC" {
		t.Errorf("not a replacement: %s, reason %q, related %v", f.Name(), f.Document.Reason.Code, f.Document.Related)
	}
}

func TestWriteRefusesWhatCannotBeSent(t *testing.T) {
	m := &cda.Metadata{}
	if err := Write(&bytes.Buffer{}, m, nil, Options{}); err != ErrNoMessageID {
		t.Errorf("without id: %v", err)
	}
	m.Local.DocumentGroup = cda.Coded{Code: "77"}
	if err := Write(&bytes.Buffer{}, m, nil, testOptions()); err != ErrNoRequest {
		t.Errorf("unknown group: %v", err)
	}
	m.Local.DocumentGroup.Code = "5"
	for _, bad := range []string{"a\x00b", "a\x01b", "a\xffb", "a\uffffb"} {
		m.Custodian.Name.Value = bad
		if err := Write(&bytes.Buffer{}, m, nil, testOptions()); err == nil {
			t.Errorf("%q was written", bad)
		}
	}
}

func TestAcknowledgementReadsBackInBothForms(t *testing.T) {
	for _, child := range []bool{false, true} {
		want := &Acknowledgement{
			Root: AckRoot, ID: cda.ID{Root: "1.2.246.10.99999902.18.2026", Extension: "4"},
			CreationTime: time.Date(2026, 3, 23, 10, 54, 31, 0, time.UTC), Receiver: "1.2.3", Sender: "1.2.4",
			ProcessingCode: "D", Code: Refused, Target: cda.ID{Root: "1.2.5", Extension: "<&\">"}, ChildForm: child,
			Details: []Detail{
				{Severity: finding.Error, Rule: "SIG-DIGEST-MISMATCH", Code: "4Y00007", Text: "Tiiviste ei täsmää <&>", Location: []string{"document 1:2 /a[1]/@b"}},
				{Severity: finding.Warning, Rule: "META-X", Text: "åäö \u0001"},
				{Severity: finding.Info, Rule: "META-Y", Text: "x"},
			},
		}
		var out bytes.Buffer
		if err := WriteAck(&out, want); err != nil {
			t.Fatal(err)
		}
		tree := parse(t, out.Bytes())
		got, findings := ReadAck(tree, tree.Root())
		if len(findings) > 0 {
			t.Fatalf("findings: %v", findings)
		}
		want.Details[1].Text = "åäö ·"
		got.CreationTime = got.CreationTime.UTC()
		got.ID.Node, got.Target.Node = 0, 0
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("child form %v: %s\n%s", child, diff, out.String())
		}
		if attribute := strings.Contains(out.String(), `<acknowledgement typeCode="CE">`); attribute == child {
			t.Errorf("child form %v wrote %s", child, out.String())
		}
	}
}

func TestDetailsTellPlaceAndTexts(t *testing.T) {
	got := Details([]catalogue.Resolved{{
		Rule: "R-1", Severity: finding.Error, Source: finding.SourceDocument, Line: 3, Column: 9, XPath: "/a[1]",
		Value: "x1", Message: "Wrong.", Hint: "Mend it.", Code: "4Y00007",
	}, {Rule: "R-2"}})
	want := []Detail{
		{Severity: finding.Error, Rule: "R-1", Code: "4Y00007", Text: "Wrong. [x1] Mend it.", Location: []string{"document 3:9 /a[1]"}},
		{Rule: "R-2"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAcknowledgementNeedsItsParts(t *testing.T) {
	if err := WriteAck(&bytes.Buffer{}, &Acknowledgement{Code: Accepted}); err != ErrAckIncomplete {
		t.Errorf("got %v", err)
	}
	tree := parse(t, []byte(`<MCCI_IN000002UV01 xmlns="urn:hl7-org:v3"><acknowledgement typeCode="ZZ"/></MCCI_IN000002UV01>`))
	_, findings := ReadAck(tree, tree.Root())
	if diff := cmp.Diff([]string{RuleAckType, RuleAckTarget}, ruleIDs(findings)); diff != "" {
		t.Error(diff)
	}
	tree = parse(t, []byte(`<x/>`))
	_, findings = ReadAck(tree, tree.Root())
	if diff := cmp.Diff([]string{RuleAckRoot}, ruleIDs(findings)); diff != "" {
		t.Error(diff)
	}
}

func ruleIDs(findings []finding.Finding) []string {
	var ids []string
	for _, f := range findings {
		ids = append(ids, f.Rule)
	}
	return ids
}

// What is written is valid by our own schemas, and the child form of the
// acknowledgement by HL7's (the attribute form belongs to an older wrapper).
func TestWrittenMessagesAreValidByTheSchemas(t *testing.T) {
	valid := func(name string, s *xsd.Schema, b []byte) {
		t.Helper()
		tree := parse(t, b)
		if fs, err := s.Validate(tree, tree.Root()); err != nil || len(fs) > 0 {
			t.Errorf("%s: %v %+v", name, err, fs)
		}
	}
	for _, p := range []string{"strict", "lenient"} {
		valid("frame", xsd.Frame(p), []byte(written(t)))
		for _, child := range []bool{false, true} {
			valid("acknowledgement", xsd.Acknowledgement(p), ackBytes(t, child))
		}
	}
}

func TestChildFormIsValidByHL7Schema(t *testing.T) {
	schema := shared.Path(t, "schemas/hl7v3/multicacheschemas/MCCI_IN000002UV01.xsd")
	cmd := exec.Command(judge.Need(t, "xmllint"), "--nonet", "--noout", "--schema", schema, "-")
	cmd.Stdin = bytes.NewReader(ackBytes(t, true))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func ackBytes(tb testing.TB, child bool) []byte {
	tb.Helper()
	var out bytes.Buffer
	err := WriteAck(&out, &Acknowledgement{
		ID: cda.ID{Root: "1.2.246.10.99999902.18.2026", Extension: "4"}, CreationTime: time.Date(2026, 3, 23, 8, 0, 0, 0, time.UTC),
		Receiver: "1.2.4", Sender: "1.2.5", Code: Refused, Target: cda.ID{Root: "1.2.6"}, ChildForm: child,
		Details: []Detail{
			{Severity: finding.Error, Rule: "SIG-DIGEST-MISMATCH", Code: "4Y00007", Text: "x", Location: []string{"document 1:2 /a"}},
			{Severity: finding.Info, Rule: "META-X"},
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}
