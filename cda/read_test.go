package cda

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"portti/cda/internal/testdoc"
	"portti/internal/shared"
	"portti/internal/xmltree"

	"github.com/google/go-cmp/cmp"
)

// withoutNodes compares models of different trees.
var withoutNodes = cmp.Comparer(func(a, b xmltree.Node) bool { return (a > 0) == (b > 0) })

func TestReadPhase2(t *testing.T) {
	d, fs := Read(parse(t, []byte(testdoc.Phase2())))
	if len(fs) > 0 {
		t.Fatal(fs)
	}
	m := &d.Metadata
	for what, got := range map[string][2]string{
		"id":             {m.ID.Root, testdoc.ID},
		"type":           {m.Code.Code + " " + m.Code.Display, "15 Suunnitelma"},
		"specific type":  {m.Local.SpecificType.Code, "15007"},
		"client":         {m.Clients[0].ID.Extension, testdoc.ClientHetu},
		"client's name":  {m.Clients[0].Name.Full() + "/" + m.Clients[0].Name.CallName, "Testi Asiakas/Testi"},
		"author":         {m.Authors[0].ID.Root + " " + m.Authors[0].ID.Extension, RootRegistrationNumber + " " + testdoc.Registration},
		"controller":     {m.Custodian.ID.Root + " " + m.Custodian.Name.Value, testdoc.Controller + " Esimerkin hyvinvointialue"},
		"case":           {m.Encounter.ID.Root, testdoc.CaseID},
		"organiser":      {m.Encounter.Organiser.ID.Root, testdoc.Controller},
		"unit":           {m.Encounter.Unit().ID.Root + " " + m.Encounter.Units[0].TypeCode, testdoc.Unit + " ADM"},
		"consent":        {m.Consents[0].Code.Code + m.Consents[0].Status.Code, "1completed"},
		"service task":   {m.Local.Function().Code, "24"},
		"software":       {m.Local.Software.Moderator + m.Local.Software.Product + m.Local.Software.Version, "ValmistajaJärjestelmä1.0"},
		"process":        {m.Local.ServiceProcess.Type.Value + m.Local.ServiceProcess.Code.Code, "Sosiaalihuollon palveluprosessi3"},
		"specification":  {m.Local.ContentSpecification.Value, "1.2.246.537.6.1506.15007.2024.11.28"},
		"restriction":    {m.Local.RestrictionArgument.Value + m.Local.InaccessibleArgument.Code, "Perustelu1"},
		"signer":         {m.Local.Signatures[0].Signer.Value + m.Local.Signatures[0].Name.Full(), testdoc.Registration + "Aino Ammattilainen"},
		"signing":        {m.Local.Signatures[0].Method.Code + m.Local.Signatures[0].Time.Raw, "120260323105425+0200"},
		"body":           {d.Body.ID + d.Body.MediaType + d.Body.Representation, "OID" + testdoc.ID + "application/xhtml+xmlB64"},
		"author's time":  {m.Authors[0].Time.NullFlavor, "NA"},
		"effective time": {m.EffectiveTime.Time.Format("2006-01-02T15:04:05Z07:00"), "2026-03-23T10:54:24+02:00"},
	} {
		if got[0] != got[1] {
			t.Errorf("%s is %q, want %q", what, got[0], got[1])
		}
	}
	if m.Local.Kind != SocialHeader || m.IsHealth() || m.Local.SignatureCollection <= 0 || m.Version.Value != 1 {
		t.Errorf("kind %d, health %v, signatures at %d, version %d", m.Local.Kind, m.IsHealth(), m.Local.SignatureCollection, m.Version.Value)
	}
	if p := d.Tree.XPath(m.Encounter.ID.Node); p == "" || !strings.Contains(p, "encompassingEncounter") {
		t.Errorf("the case's node is at %q", p)
	}
}

// Prefixes do not matter: the same model comes from every spelling of the
// namespaces.
func TestPrefixesDoNotMatter(t *testing.T) {
	doc := testdoc.Phase2()
	want, _ := Read(parse(t, []byte(doc)))
	element := regexp.MustCompile(`<(/?)([a-zA-Z]+)([ />])`)
	prefixed := element.ReplaceAllString(doc, `<${1}h:${2}${3}`)
	prefixed = strings.Replace(prefixed, `xmlns="urn:hl7-org:v3"`, `xmlns:h="urn:hl7-org:v3"`, 1)
	own := strings.ReplaceAll(strings.ReplaceAll(doc, "<f:", "<hl7fi:"), "</f:", "</hl7fi:")
	own = strings.Replace(own, "xmlns:f=", "xmlns:hl7fi=", 1)
	local := strings.Replace(doc, `<f:localSocialHeader>`, `<localSocialHeader xmlns="urn:hl7finland">`, 1)
	local = strings.Replace(local, `</f:localSocialHeader>`, `</localSocialHeader>`, 1)
	i, j := strings.Index(local, "<localSocialHeader"), strings.Index(local, "</localSocialHeader>")
	local = local[:i] + strings.NewReplacer("<f:", "<", "</f:", "</").Replace(local[i:j]) + local[j:]
	for name, variant := range map[string]string{"all prefixed": prefixed, "other prefix": own, "default namespace in the local header": local} {
		got, fs := Read(parse(t, []byte(variant)))
		if len(fs) > 0 {
			t.Fatalf("%s: %v", name, fs)
		}
		if diff := cmp.Diff(want.Metadata, got.Metadata, withoutNodes); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// Elements of a foreign namespace are not the field, whatever their name.
func TestForeignNamespacesAreNotRead(t *testing.T) {
	doc := testdoc.Replace(testdoc.Phase2(), `<realmCode code="FI"/>`, `<x:id xmlns:x="urn:x" root="9.9"/><f:code code="77"/><realmCode code="FI"/>`)
	d, fs := Read(parse(t, []byte(doc)))
	if len(fs) > 0 || d.ID.Root != testdoc.ID || d.Code.Code != "15" {
		t.Errorf("id %s, code %s, %v", d.ID.Root, d.Code.Code, fs)
	}
	d, fs = Read(parse(t, []byte(`<ClinicalDocument xmlns="urn:other"/>`)))
	if diff := cmp.Diff([]string{RuleRootWrong}, ruleIDs(fs)); diff != "" || d == nil {
		t.Error(diff)
	}
}

// A field that stands twice is told, and the first counts: what was judged is
// what is used.
func TestSecondValueDoesNotWin(t *testing.T) {
	for _, c := range []struct{ field, first, second string }{
		{"ID", `<realmCode code="FI"/>`, `<id root="9.9.9"/>`},
		{"SETID", `<versionNumber value="1"/>`, `<setId root="9.9.9"/>`},
		{"VERSION", `<recordTarget>`, `<versionNumber value="9"/>`},
		{"TYPEID", `<effectiveTime value="20260323105424+0200"/>`, `<typeId root="9.9"/>`},
		{"EFFECTIVETIME", `<languageCode code="fi"/>`, `<effectiveTime value="2020"/>`},
		{"CUSTODIAN", `<authorization>`, `<custodian><assignedCustodian><representedCustodianOrganization><id root="9.9"/></representedCustodianOrganization></assignedCustodian></custodian>`},
		{"ENCOUNTER", `<f:localSocialHeader>`, `<componentOf><encompassingEncounter><id root="9.9"/></encompassingEncounter></componentOf>`},
		{"LOCALHEADER", `<component>`, `<f:localHeader><f:fileFormat code="9"/></f:localHeader>`},
		{"FILEFORMAT", `<f:functionCode `, `<f:fileFormat code="9"/>`},
		{"DOCUMENTGROUP", `<f:functionCode `, `<f:documentGroup code="9"/>`},
		{"ORGANISER", `<f:outsourcingServiceCustomerName>`, `<f:outsourcingServiceCustomer root="9.9"/>`},
		{"SIGNATURECOLLECTION", `</f:localSocialHeader>`, `<f:signatureCollection/>`},
		{"CLIENT-NAME", `<birthTime `, `<name><given>Toinen</given></name>`},
		{"CONSENT", `<statusCode code="completed"/>`, `<code code="9"/>`},
		{"SOFTWARE", `<f:functionCode `, `<f:softwareSupport product="x"/>`},
		{"SERVICEPROCESS", `<f:authorizationRestrictionArgument>`, `<f:serviceProcess/>`},
		{"CONTENTSPECIFICATION", `<f:serviceProcess>`, `<f:contentSpecificationId>9.9</f:contentSpecificationId>`},
		{"SIGNER", `<f:signer>`, `<f:assignedAuthorSigner>9</f:assignedAuthorSigner>`},
	} {
		want, _ := Read(parse(t, []byte(testdoc.Phase2())))
		// The second stands after the first in every case but ID, where the first in
		// document order is the intruder: then it is the intruder that counts, and is judged.
		doc := testdoc.Replace(testdoc.Phase2(), c.first, c.second+c.first)
		got, fs := Read(parse(t, []byte(doc)))
		rules := strings.Join(ruleIDs(fs), " ")
		if c.field == "ID" {
			if got.ID.Root != "9.9.9" || rules != "META-ID-REPEATED" {
				t.Errorf("%s: id %s, %s", c.field, got.ID.Root, rules)
			}
			continue
		}
		if !strings.Contains(rules, RepeatedRule(c.field)) {
			t.Errorf("%s: %s", c.field, rules)
		}
		if diff := cmp.Diff(want.Metadata, got.Metadata, withoutNodes); diff != "" {
			t.Errorf("%s: %s", c.field, diff)
		}
	}
}

func TestHealthHeaderIsRead(t *testing.T) {
	d, fs := Read(parse(t, shared.Read(t, "samples/frames/RCMR_IN100002FI01_embedded_cda.xml")))
	if len(fs) > 0 {
		t.Fatal(fs)
	}
	l := &d.Local
	got := fmt.Sprintln(l.Kind == HealthHeader, d.IsHealth(), l.DocumentType.Code, l.RetentionPeriodClass.Code, l.Function().Code,
		l.RecordStatus.Code, l.Software.Product, l.CustodianType.Code, l.EncounterCode.Code, l.EncounterMasterCode.Code,
		l.HomeMunicipality.Code, len(l.Unknown), d.Body.Kind == Structured, d.Encounter.Unit().ID.Root != "", len(d.TemplateIDs), d.Title.Value != "")
	if want := "true true 4 2 06.00 3 Uranus 1 2 1 092 0 true true 3 true\n"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestRelatedDocuments(t *testing.T) {
	doc := testdoc.Replace(testdoc.Phase2(), `<authorization>`, `<relatedDocument typeCode="APND"><parentDocument><id root="1.1"/></parentDocument></relatedDocument>`+
		`<relatedDocument typeCode="RPLC"><parentDocument><id root="1.2"/><code code="15"/><setId root="1.3"/><versionNumber value="4"/></parentDocument></relatedDocument><relatedDocument typeCode="RPLC"/><authorization>`)
	d, fs := Read(parse(t, []byte(doc)))
	if len(fs) > 0 || len(d.Related) != 3 {
		t.Fatal(fs, len(d.Related))
	}
	r, ok := d.Replaces()
	if !ok || r.ID.Root != "1.2" || r.SetID.Root != "1.3" || r.Version.Value != 4 || r.Code.Code != "15" {
		t.Errorf("%+v", r)
	}
	if _, ok := (&Metadata{}).Replaces(); ok {
		t.Error("nothing replaces something")
	}
}

func TestNames(t *testing.T) {
	read := func(inner string) Name {
		tree := parse(t, []byte(`<name xmlns="urn:hl7-org:v3">`+inner+`</name>`))
		return ReadName(tree, tree.Root())
	}
	a := read(`<family>Asiakas</family><given>Aino</given><given> Maria </given><given qualifier="CL">Maria</given><suffix>x</suffix>`)
	b := read(`<given>Aino</given><given>Maria</given><family>Asiakas</family>`)
	if !a.Same(b) || a.Full() != "Aino Maria Asiakas" || a.CallName != "Maria" {
		t.Errorf("%+v and %+v", a, b)
	}
	if c := read(`<given>Aino Maria</given><family>Asiakas</family>`); !c.Same(a) {
		t.Error("given names in one element are others")
	}
	if c := read(`<given>Aino</given><family>Asiakas</family>`); c.Same(a) {
		t.Error("fewer given names are the same")
	}
	if c := read(` Aino   Asiakas `); c.Raw != "Aino Asiakas" || c.Full() != "Aino Asiakas" || !c.HasValue() || c.Same(a) {
		t.Errorf("%+v", c)
	}
	if c := read(``); c.HasValue() {
		t.Errorf("%+v has a value", c)
	}
	if c := read(`<x:given xmlns:x="urn:x">Aino</x:given>`); len(c.Given) != 0 {
		t.Errorf("a foreign part was read: %+v", c)
	}
}

func TestIntervals(t *testing.T) {
	read := func(s string) Interval {
		tree := parse(t, []byte(s))
		return ReadInterval(tree, tree.Root())
	}
	if i := read(`<effectiveTime xmlns="urn:hl7-org:v3"><low value="2020"/><high value="2021"/></effectiveTime>`); i.Low.Raw != "2020" || i.High.Raw != "2021" || !i.HasValue() {
		t.Errorf("%+v", i)
	}
	if i := read(`<effectiveTime xmlns="urn:hl7-org:v3" value="2020"/>`); i.Value.Raw != "2020" || !i.HasValue() {
		t.Errorf("%+v", i)
	}
	if i := read(`<effectiveTime xmlns="urn:hl7-org:v3" nullFlavor="NA"/>`); i.HasValue() || i.NullFlavor != "NA" || !i.Present() {
		t.Errorf("%+v", i)
	}
}

func TestPersonalIdentifiers(t *testing.T) {
	for _, c := range []struct {
		id   ID
		want bool
	}{
		{ID{Root: RootHetu, Extension: "x"}, true},
		{ID{Root: RootRegistrationNumber, Extension: "x"}, true},
		{ID{Root: "1.2.246.10.99999901.22.2026", Extension: "x"}, true},
		{ID{Root: "1.2.246.10.99999901.10.0"}, false},
		{ID{Root: "1.2.246.10.99999901.18.2026", Extension: "7"}, false},
	} {
		if got := c.id.Personal(); got != c.want {
			t.Errorf("%s: %v", c.id, got)
		}
	}
	if (ID{}).Same(ID{}) {
		t.Error("two absent ids are the same")
	}
}

// FuzzRead: no document makes the reader panic, and every finding has its place.
func FuzzRead(f *testing.F) {
	f.Add([]byte(testdoc.Phase2()))
	f.Add([]byte(testdoc.Relationship()))
	f.Add([]byte(`<ClinicalDocument xmlns="urn:hl7-org:v3"><component><nonXMLBody><text representation="B64">Zh==<!-- x --></text><json xmlns="urn:hl7finland">&#65;</json></nonXMLBody></component></ClinicalDocument>`))
	f.Add([]byte(`<ClinicalDocument xmlns="urn:hl7-org:v3"><recordTarget/><author/><custodian/><relatedDocument/><authorization/><componentOf/><component/></ClinicalDocument>`))
	f.Fuzz(func(t *testing.T, src []byte) {
		tree, err := xmltree.Parse(src, xmltree.DefaultLimits())
		if err != nil {
			return
		}
		d, fs := Read(tree)
		_, more := d.BodyContent(d.Body.Node)
		_, none := d.BodyContent(xmltree.None)
		for _, x := range append(append(fs, more...), none...) {
			if x.Line < 1 || x.Column < 1 || x.XPath == "" || x.Rule == "" {
				t.Fatalf("%+v", x)
			}
		}
	})
}
