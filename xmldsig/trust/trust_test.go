package trust

import (
	"crypto/x509"
	"encoding/asn1"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"portti/cda/rules/catalogue"
	"portti/internal/finding"
	"portti/internal/shared"
	"portti/internal/xmltree"
	"portti/xmldsig"
	"portti/xmldsig/pki"
)

var (
	now = time.Date(2026, 5, 4, 9, 30, 0, 0, time.UTC)
	org = pki.Organisation{OID: "1.2.246.10.99999901.10.0", Name: "Esimerkkilän hyvinvointialue", System: "Portti"}
	pro = pki.Person{Number: "90000000001", Given: "Aino", Family: "Esimerkki"}
)

var authority = sync.OnceValue(func() *pki.Authority {
	ca, err := pki.New(pki.Options{Seed: "trust", Now: now})
	if err != nil {
		panic(err)
	}
	return ca
})

func system(tb testing.TB, opts ...pki.LeafOption) *x509.Certificate {
	tb.Helper()
	l, err := authority().System(org, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	return l.Certificate
}

func professional(tb testing.TB, opts ...pki.LeafOption) *x509.Certificate {
	tb.Helper()
	l, err := authority().Professional(pro, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	return l.Certificate
}

func newStore(tb testing.TB, o Options) *Store {
	tb.Helper()
	s, err := New(o)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func anchored(tb testing.TB) *Store {
	return newStore(tb, Options{AnchorCertificates: authority().Certificates()})
}

func query(c *x509.Certificate, typ int) xmldsig.TrustQuery {
	return xmldsig.TrustQuery{Certificate: c, Type: typ, Time: now, Arrival: now}
}

func TestEveryRuleStandsInTheCatalogue(t *testing.T) {
	c := catalogue.Default()
	for _, id := range Rules {
		r := c.Rule(id)
		if r == nil {
			t.Errorf("%s is missing", id)
			continue
		}
		if (r.Severity.Strict == finding.Error) == IsRemark(id) {
			t.Errorf("%s has severity %s", id, r.Severity.Strict)
		}
	}
	for _, id := range c.IDs() {
		if strings.HasPrefix(id, "TRUST-") && !slices.Contains(Rules, id) {
			t.Errorf("the catalogue has %s, which nothing emits", id)
		}
	}
}

// The texts of faults must find their parameters.
func TestTextsOfFaultsAreComplete(t *testing.T) {
	for _, f := range []xmldsig.TrustFault{
		fault{RuleOCSPUnreachable, "http://a.invalid"}.trust(), fault{rule: RuleNoSource}.trust(),
		evidence{status: revoked, at: now.Add(-time.Hour), reason: Superseded}.faults(&xmldsig.TrustQuery{Time: now, Arrival: now})[0],
	} {
		r := catalogue.Default().Resolve(finding.Finding{Rule: f.Rule, Value: f.Value, Params: f.Params}, catalogue.Strict, catalogue.English)
		if strings.ContainsAny(r.Message, "{}") {
			t.Errorf("%s: %s", f.Rule, r.Message)
		}
	}
}

func TestSIG3_ChainsToTheRootAndToTheIssuer(t *testing.T) {
	all := authority().Certificates()
	for name, anchors := range map[string][]*x509.Certificate{"root and issuers": all, "issuers alone": all[1:]} {
		s := newStore(t, Options{AnchorCertificates: anchors})
		for typ, c := range map[int]*x509.Certificate{
			xmldsig.TypeProfessional: professional(t), xmldsig.TypeMulti: professional(t),
			xmldsig.TypeSystem: system(t), xmldsig.TypeArchive: system(t),
		} {
			for range 2 { // built, and remembered
				a := s.Judge(query(c, typ))
				want(t, a)
				if len(a.Chain) < 2 || !a.Chain[0].Equal(c) || !a.Chain[len(a.Chain)-1].IsCA {
					t.Errorf("%s, type %d: chain of %d", name, typ, len(a.Chain))
				}
			}
		}
	}
}

func TestIntermediatesOfTheSignatureHelpToReachTheRoot(t *testing.T) {
	all := authority().Certificates()
	s := newStore(t, Options{AnchorCertificates: all[:1]})
	q := query(system(t), xmldsig.TypeSystem)
	want(t, s.Judge(q), RuleUnknownIssuer)
	s = newStore(t, Options{AnchorCertificates: all[:1]})
	q.Intermediates = all[1:]
	want(t, s.Judge(q))
}

func TestIntermediatesOfTheSignatureAreNoAnchors(t *testing.T) {
	rogue, err := authority().Rogue()
	if err != nil {
		t.Fatal(err)
	}
	l, err := rogue.System(org)
	if err != nil {
		t.Fatal(err)
	}
	q := query(l.Certificate, xmldsig.TypeSystem)
	q.Intermediates = rogue.Certificates()
	a := anchored(t).Judge(q)
	if len(a.Faults) != 1 || a.Chain != nil {
		t.Errorf("%v, chain of %d", ruleIDs(a), len(a.Chain))
	}
}

func TestSIG4_EveryRefusalHasItsRule(t *testing.T) {
	s := anchored(t)
	year := func(c *x509.Certificate, years int) xmldsig.TrustQuery {
		q := query(c, xmldsig.TypeSystem)
		q.Time = q.Time.AddDate(years, 0, 0)
		return q
	}
	for name, c := range map[string]struct {
		q    xmldsig.TrustQuery
		rule []string
	}{
		"expired":                      {query(system(t, pki.WithFault(pki.Expired)), xmldsig.TypeSystem), []string{RuleExpired}},
		"not yet valid":                {query(system(t, pki.WithFault(pki.NotYetValid)), xmldsig.TypeSystem), []string{RuleNotYetValid}},
		"signed after its last day":    {year(system(t), 4), []string{RuleExpired}},
		"signed before its first day":  {year(system(t), -4), []string{RuleNotYetValid}},
		"wrong usage":                  {query(system(t, pki.WithFault(pki.WrongUsage)), xmldsig.TypeSystem), []string{RuleUsage}},
		"forged issuer":                {query(system(t, pki.WithFault(pki.WrongIssuer)), xmldsig.TypeSystem), []string{RuleForged}},
		"no number":                    {query(system(t, pki.WithFault(pki.WrongNumber)), xmldsig.TypeSystem), []string{RuleNumberMissing}},
		"professional as system":       {query(professional(t), xmldsig.TypeSystem), []string{RuleUsage, RuleNumberForm}},
		"system as professional":       {query(system(t), xmldsig.TypeProfessional), []string{RuleNumberForm}},
		"the issuer itself":            {query(authority().Issuer(pki.Service).Certificate, 0), []string{RuleIsCA}},
		"expired with the wrong usage": {query(professional(t, pki.WithFault(pki.Expired)), xmldsig.TypeSystem), []string{RuleExpired, RuleUsage, RuleNumberForm}},
	} {
		t.Run(name, func(t *testing.T) {
			for range 2 {
				want(t, s.Judge(c.q), c.rule...)
			}
		})
	}
}

func TestTLSCertificateMayNotSignDocuments(t *testing.T) {
	l, err := authority().Client(org)
	if err != nil {
		t.Fatal(err)
	}
	want(t, anchored(t).Judge(query(l.Certificate, xmldsig.TypeSystem)), RulePurpose)
}

func TestWithoutAnchorsNothingIsTrusted(t *testing.T) {
	want(t, newStore(t, Options{}).Judge(query(system(t), xmldsig.TypeSystem)), RuleNoAnchors)
}

func TestUnknownAuthorityIsRefused(t *testing.T) {
	other, err := pki.New(pki.Options{Seed: "other", Name: "Toinen TEST", Now: now})
	if err != nil {
		t.Fatal(err)
	}
	s := newStore(t, Options{AnchorCertificates: other.Certificates()})
	want(t, s.Judge(query(system(t), xmldsig.TypeSystem)), RuleUnknownIssuer)
}

func TestPinnedCertificateNeedsNoChain(t *testing.T) {
	c := system(t)
	s := newStore(t, Options{PinCertificates: []*x509.Certificate{c}})
	want(t, s.Judge(query(c, xmldsig.TypeSystem)))
	t.Run("but its validity and purpose", func(t *testing.T) {
		q := query(c, xmldsig.TypeProfessional)
		q.Time = c.NotAfter.Add(time.Second)
		want(t, s.Judge(q), RuleExpired, RuleNumberForm)
	})
	t.Run("another of the same subject and issuer is not pinned", func(t *testing.T) {
		other := system(t, pki.WithValidity(now.AddDate(0, 0, -1), now.AddDate(1, 0, 0)))
		want(t, s.Judge(query(other, xmldsig.TypeSystem)), RuleNoAnchors)
	})
}

func TestOnlyTheArchiveSignsAsTheArchive(t *testing.T) {
	mine := system(t)
	s := newStore(t, Options{AnchorCertificates: authority().Certificates(), ArchiveCertificates: []*x509.Certificate{mine}})
	want(t, s.Judge(query(mine, xmldsig.TypeArchive)))
	l, err := authority().System(pki.Organisation{OID: "1.2.246.10.99999902.10.0", Name: "Toinen", System: "X"})
	if err != nil {
		t.Fatal(err)
	}
	want(t, s.Judge(query(l.Certificate, xmldsig.TypeArchive)), RuleNotThisArchive)
	want(t, s.Judge(query(l.Certificate, xmldsig.TypeSystem)))
}

func TestPoliciesAndExtendedUsageByConfiguration(t *testing.T) {
	p := DefaultPurposes()
	set := func(change func(*Purpose)) *Store {
		x := p[xmldsig.TypeSystem]
		change(&x)
		return newStore(t, Options{AnchorCertificates: authority().Certificates(), Purposes: map[int]Purpose{xmldsig.TypeSystem: x}})
	}
	q := query(system(t), xmldsig.TypeSystem)
	want(t, set(func(p *Purpose) { p.Policies = []asn1.ObjectIdentifier{pki.PolicySystem} }).Judge(q))
	want(t, set(func(p *Purpose) { p.Policies = []asn1.ObjectIdentifier{pki.PolicyProfessional} }).Judge(q), RulePolicy)
	want(t, set(func(p *Purpose) { p.Extended = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection} }).Judge(q), RulePurpose)
}

// Test certificates are refused in production by the arc of their policies.
func TestTestPoliciesAreRefusedInProduction(t *testing.T) {
	s := newStore(t, Options{AnchorCertificates: authority().Certificates(), RefusedPolicies: []asn1.ObjectIdentifier{TestPolicies}})
	want(t, s.Judge(query(system(t), xmldsig.TypeSystem)), RulePolicyTest)
	want(t, s.Judge(query(professional(t), xmldsig.TypeProfessional)), RulePolicyTest)
	other := newStore(t, Options{AnchorCertificates: authority().Certificates(), RefusedPolicies: []asn1.ObjectIdentifier{{1, 2, 246, 517, 9}}})
	want(t, other.Judge(query(system(t), xmldsig.TypeSystem)))
}

func TestClockSkewOfSigners(t *testing.T) {
	c := system(t)
	s := newStore(t, Options{AnchorCertificates: authority().Certificates(), Skew: time.Minute})
	for at, rule := range map[time.Time]string{
		c.NotBefore.Add(-time.Minute): "", c.NotBefore.Add(-time.Minute - time.Second): RuleNotYetValid,
		c.NotAfter.Add(time.Minute): "", c.NotAfter.Add(time.Minute + time.Second): RuleExpired,
	} {
		q := query(c, xmldsig.TypeSystem)
		q.Time = at
		if rule == "" {
			want(t, s.Judge(q))
		} else {
			want(t, s.Judge(q), rule)
		}
	}
}

// An issuer of the same root that issues for another purpose gives no right to sign.
func TestSIG3_IssuerMustIssueForTheType(t *testing.T) {
	dir := t.TempDir()
	file := func(b pki.Branch) string {
		name := filepath.Join(dir, string(b)+".crt")
		if err := os.WriteFile(name, pki.EncodeCertificates(authority().Issuer(b).Certificate), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	s := newStore(t, Options{AnchorCertificates: authority().Certificates(), Issuers: map[int][]string{
		xmldsig.TypeSystem: {file(pki.Service)}, xmldsig.TypeProfessional: {file(pki.Professional)},
	}})
	want(t, s.Judge(query(system(t), xmldsig.TypeSystem)))
	want(t, s.Judge(query(professional(t), xmldsig.TypeProfessional)))
	want(t, s.Judge(query(system(t, pki.WithFault(pki.WrongBranch)), xmldsig.TypeSystem)), RuleIssuerPurpose)
	want(t, s.Judge(query(professional(t, pki.WithFault(pki.WrongBranch)), xmldsig.TypeProfessional)), RuleIssuerPurpose)
	want(t, s.Judge(query(professional(t, pki.WithFault(pki.WrongBranch)), xmldsig.TypeMulti))) // not bounded
	want(t, anchored(t).Judge(query(system(t, pki.WithFault(pki.WrongBranch)), xmldsig.TypeSystem)))
	if _, err := New(Options{Issuers: map[int][]string{1: {"missing.pem"}}}); err == nil {
		t.Error("a missing file is no error")
	}
}

func TestClientsOfTLS(t *testing.T) {
	l, err := authority().Client(org)
	if err != nil {
		t.Fatal(err)
	}
	want(t, anchored(t).Judge(query(l.Certificate, TypeClient)))
	want(t, anchored(t).Judge(query(system(t), TypeClient)), RulePurpose)
}

func TestReloadTakesNewAnchorsAndKeepsTheOldAfterAnError(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, certs ...*x509.Certificate) {
		if err := os.WriteFile(filepath.Join(dir, name), pki.EncodeCertificates(certs...), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := newStore(t, Options{Anchors: []string{dir}})
	q := query(system(t), xmldsig.TypeSystem)
	want(t, s.Judge(q), RuleNoAnchors)
	write("ca.pem", authority().Certificates()...)
	want(t, s.Judge(q), RuleNoAnchors)
	if err := s.Reload(); err != nil {
		t.Fatal(err)
	}
	want(t, s.Judge(q))
	if err := os.WriteFile(filepath.Join(dir, "x.crt"), []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Reload(); err == nil || !strings.Contains(err.Error(), "x.crt") {
		t.Errorf("the error must name the file: %v", err)
	}
	want(t, s.Judge(q))
	if err := os.Remove(filepath.Join(dir, "x.crt")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "ca.pem")); err != nil {
		t.Fatal(err)
	}
	if err := s.Reload(); err != nil {
		t.Fatal(err)
	}
	want(t, s.Judge(q), RuleNoAnchors)
}

func TestLoadReadsPEMAndDERAndSkipsTheRest(t *testing.T) {
	dir := t.TempDir()
	certs := authority().Certificates()
	key, err := pki.EncodeKey(authority().Issuer(pki.Root).Key)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"a.pem":      append(key, pki.EncodeCertificates(certs[:2]...)...),
		"b.der":      certs[2].Raw,
		"c.CRT":      pki.EncodeCertificates(certs[0]), // stands twice
		"readme.txt": []byte("x"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Load(dir)
	if err != nil || len(got) != 3 {
		t.Errorf("%d certificates, %v", len(got), err)
	}
	if _, err := Load(filepath.Join(dir, "missing")); err == nil {
		t.Error("a missing file is no error")
	}
}

func TestSignerAmongTheAnchorsIsAnError(t *testing.T) {
	if _, err := New(Options{AnchorCertificates: []*x509.Certificate{system(t)}}); err == nil || !strings.Contains(err.Error(), "pins") {
		t.Errorf("%v", err)
	}
}

func TestOIDAndRegistrationForms(t *testing.T) {
	for s, ok := range map[string]bool{"1.2.246": true, "2.16.840.1": true, "1.2": false, "3.1.2": false, "1..2": false, "1.02.3": false, "1.2.x": false, "": false, "12.3.4": false} {
		if IsOID(s) != ok {
			t.Errorf("%q", s)
		}
	}
	for s, ok := range map[string]bool{"90000000001": true, "9000000000": false, "9000000000a": false, "": false} {
		if IsRegistration(s) != ok {
			t.Errorf("%q", s)
		}
	}
}

// The real documents: their signers' issuers are not at hand, so the signers are
// pinned.
func TestSIG2_RealDocumentsVerifyWithPinnedSigners(t *testing.T) {
	for _, name := range []string{"samples/social/apotti_asiakassuunnitelma_S_as-signed.xml", "samples/frames/RCMR_IN100002FI01_embedded_cda.xml"} {
		t.Run(name, func(t *testing.T) {
			tree, err := xmltree.Parse(shared.Read(t, name), xmltree.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			arrival := func(v *xmldsig.Verdict) time.Time { return v.Signatures[len(v.Signatures)-1].Time.Add(time.Minute) }
			v := &xmldsig.Verifier{Now: func() time.Time { return now }}
			first := v.Document(tree)
			var pins []*x509.Certificate
			for _, s := range first.Signatures {
				if !s.Intact || s.Valid {
					t.Fatalf("without trust: %+v", s)
				}
				pins = append(pins, s.Signer)
			}
			v = &xmldsig.Verifier{Trust: newStore(t, Options{PinCertificates: pins})}
			verdict := v.DocumentAt(tree, arrival(first))
			if len(verdict.Findings) > 0 {
				t.Errorf("%+v", verdict.Findings)
			}
			if _, ok := verdict.Covered.Body(); !ok {
				t.Error("body not covered")
			}
			v = &xmldsig.Verifier{Trust: anchored(t)}
			for _, f := range v.DocumentAt(tree, arrival(first)).Findings {
				if f.Rule != RuleUnknownIssuer {
					t.Errorf("with other anchors: %+v", f)
				}
			}
		})
	}
}
