package pipeline

import (
	"context"
	"slices"
	"strings"
	"testing"

	"portti/cda"
	"portti/cda/frame"
	"portti/cda/rules/catalogue"
	"portti/fixtures"
	"portti/internal/finding"
	"portti/internal/xmltree"
	"portti/store"
	"portti/xmldsig"
	"portti/xmldsig/trust"
)

// OIDs of the tests; unit lies under own's arc, and is another's.
const (
	own    = "1.2.246.10.99999901.10.0"
	unit   = own + ".7"
	county = "1.2.246.10.99999911.10.0"
	vendor = "1.2.246.10.99999938.10.1"
)

// frameOf is a frame that names these.
func frameOf(t *testing.T, sender, user, controller string) *frame.Frame {
	t.Helper()
	tree, err := xmltree.Parse([]byte("<a/>"), xmltree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	f := &frame.Frame{Tree: tree, Root: tree.Root()}
	f.Sender.ID.Root, f.User.Organization.ID.Root, f.Document.Custodian.ID.Root = sender, user, controller
	return f
}

func rulesOf(fs []finding.Finding) []string {
	var out []string
	for _, f := range fs {
		out = append(out, f.Rule)
	}
	return out
}

func TestREK2_SenderAgainstItsCertificate(t *testing.T) {
	joined := Systems{
		{Name: "A", Organisation: own, Devices: []string{vendor}, Controllers: []string{county}},
		{Name: "B", Organisation: county},
	}
	for _, c := range []struct {
		name                     string
		systems                  Systems
		peer                     string
		sender, user, controller string
		want                     []string
	}{
		{"no certificate", joined, "", vendor, own, own, nil},
		// without a table of systems the message must name the organisation
		{"named as sender", nil, own, own, "", "", nil},
		{"named as the user's", nil, own, vendor, own, county, nil},
		{"named as controller", nil, own, vendor, "", own, nil},
		{"not named", nil, own, vendor, county, county, []string{RuleSender}},
		{"a unit under its arc does not name it", nil, own, unit, unit, unit, []string{RuleSender}},
		{"the organisation above does not name it", nil, unit, own, own, own, []string{RuleSender}},
		// with a table the table decides
		{"own", joined, own, own, "", own, nil},
		{"by a device", joined, own, vendor, "", own, nil},
		{"for another controller", joined, own, own, "", county, nil},
		{"in another controller's name", joined, own, county, "", county, nil},
		{"not joined", joined, vendor, vendor, vendor, vendor, []string{RuleSystemUnknown}},
		{"another's device", joined, county, vendor, "", county, []string{RuleSender}},
		{"for a controller that is not its own", joined, county, county, "", own, []string{RuleController}},
		{"a unit under its arc is another controller", joined, own, own, "", unit, []string{RuleController}},
		{"both", joined, county, own, "", own, []string{RuleSender, RuleController}},
		{"no controller named", joined, own, own, "", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := KnownAccess{Profile: catalogue.Strict, World: Test, Systems: c.systems}
			q := AccessQuery{Peer: Peer{Organisation: c.peer}, Frame: frameOf(t, c.sender, c.user, c.controller)}
			if got := rulesOf(a.Decide(q)); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestSIG4_SigningSystemMustActForTheController(t *testing.T) {
	joined := Systems{{Organisation: own, Controllers: []string{county}}}
	for _, c := range []struct {
		name       string
		systems    Systems
		signers    []string
		controller string
		want       []string
	}{
		{"own", joined, []string{own}, own, nil},
		{"for a controller of its own", joined, []string{own}, county, nil},
		{"for another", joined, []string{own}, vendor, []string{RuleSigner}},
		{"a unit under its arc", joined, []string{own}, unit, []string{RuleSigner}},
		{"not joined", joined, []string{county}, county, []string{RuleSigner}},
		{"one of two", joined, []string{own, vendor}, own, []string{RuleSigner}},
		{"no system signed", joined, nil, vendor, nil},
		{"no table", nil, []string{county}, own, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := KnownAccess{Profile: catalogue.Strict, World: Test, Systems: c.systems}
			doc := fixtureDocument(t)
			doc.Custodian.ID.Root = c.controller
			got := rulesOf(a.Decide(AccessQuery{Frame: frameOf(t, own, "", c.controller), Document: doc, Signers: c.signers}))
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// fixtureDocument is a social document as read.
func fixtureDocument(t *testing.T) *cda.Document {
	t.Helper()
	tree, err := xmltree.Parse(fixtures.Default().Documents[0].Bytes, xmltree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	doc, _ := cda.Read(tree)
	return doc
}

// Through the whole pipeline: who signed is told to access, and is held against the
// document.
func TestSIG4_SignersGoTheWholeWay(t *testing.T) {
	w := fixtures.Default()
	var asked AccessQuery
	m := &memory{outcome: store.Outcome{Kind: store.Archived}}
	p := testPipeline(t, m, accessFunc(func(q AccessQuery) []finding.Finding { asked = q; return nil }))
	i := slices.IndexFunc(w.Documents, func(d *fixtures.Document) bool {
		return strings.Contains(string(d.Bytes), `signatureDescription code="3"`)
	})
	d := w.Documents[i]
	a := p.Handle(context.Background(), request(string(w.Frame(d))))
	if a.Report.Verdict != Accepted || !slices.Equal(asked.Signers, []string{d.Spec.System.Organisation.OID}) {
		t.Errorf("%+v, signers %v", a.Report, asked.Signers)
	}
	for _, r := range []string{trust.RuleAuthor, trust.RuleOrganisation} {
		if slices.Contains(a.Report.Rules, r) {
			t.Errorf("a good document has %s", r)
		}
	}
}

// A professional's signature by another than the author, and a system's by an
// organisation that nobody names.
func TestSIG4_StrangersSignatures(t *testing.T) {
	w := fixtures.Default()
	author, other := w.Doc("plan").Spec.Author, w.Professional("other")
	stranger := w.Organisations[1]
	for _, c := range []struct {
		name string
		by   *fixtures.Signer
		typ  int
		want string
	}{
		{"another professional", &fixtures.Signer{Key: other.Card.Key, Certificate: other.Card.Certificate}, 1, trust.RuleAuthor},
		{"the author", &fixtures.Signer{Key: author.Card.Key, Certificate: author.Card.Certificate}, 1, ""},
		{"another organisation", &fixtures.Signer{Key: stranger.System.Signing.Key, Certificate: stranger.System.Signing.Certificate}, 3, trust.RuleOrganisation},
	} {
		t.Run(c.name, func(t *testing.T) {
			name := "plan"
			if c.typ == 3 {
				name = "relationship-child"
			}
			spec := w.Doc(name).Spec
			spec.Signatures = []fixtures.SignatureForm{{Type: c.typ, By: c.by}}
			d, err := w.Build(spec)
			if err != nil {
				t.Fatal(err)
			}
			j := testPipeline(t, &memory{}, accessFunc(anybody)).Judge.Document(Input{Document: d.Bytes, Arrived: w.Now})
			got := slices.ContainsFunc(j.Findings, func(f finding.Finding) bool { return f.Rule == c.want })
			if c.want != "" && !got {
				t.Errorf("%v", rulesOf(j.Findings))
			}
			if c.want == "" && slices.Contains(rulesOf(j.Findings), trust.RuleAuthor) {
				t.Errorf("%v", rulesOf(j.Findings))
			}
		})
	}
}

// silent is a Trust that cannot learn whether a certificate is revoked.
type silent struct{ rules []string }

func (s silent) Judge(xmldsig.TrustQuery) xmldsig.TrustAnswer {
	var a xmldsig.TrustAnswer
	for _, r := range s.rules {
		a.Faults = append(a.Faults, xmldsig.TrustFault{Rule: r})
	}
	return a
}

// What may pass by itself is answered CR, so that the sender sends again; beside a
// fault of the document it is CE.
func TestSIG3_SilentResponderIsAnsweredResend(t *testing.T) {
	for _, c := range []struct {
		rules []string
		want  Verdict
	}{
		{[]string{trust.RuleOCSPUnreachable, trust.RuleListUnreachable}, NotNow},
		{[]string{trust.RuleOCSPUnreachable, trust.RuleUsage}, AtFault},
		{[]string{trust.RuleRevoked}, AtFault},
		{[]string{trust.RuleNoSource}, AtFault},
	} {
		p := testPipeline(t, &memory{}, accessFunc(anybody))
		p.Judge.Verifier = &xmldsig.Verifier{Trust: silent{c.rules}, Now: p.Now}
		if a := p.Handle(context.Background(), request(sample())); a.Report.Verdict != c.want || a.Report.Failure != nil {
			t.Errorf("%v: %+v", c.rules, a.Report)
		}
	}
}
