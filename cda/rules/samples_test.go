package rules

import (
	"slices"
	"testing"
	"time"

	"portti/cda"
	"portti/cda/frame"
	"portti/cda/rules/catalogue"
	"portti/internal/finding"
	"portti/internal/shared"
	"portti/internal/xmltree"

	"github.com/google/go-cmp/cmp"
)

// The real samples.
const (
	planFrame    = "samples/social/apotti_asiakassuunnitelma_K_RCMR_IN200002FI01.xml"
	plan         = "samples/social/apotti_asiakassuunnitelma_S_as-signed.xml"
	relFrame     = "samples/social/apotti_asiakkuusasiakirja_K_RCMR_IN200002FI01.xml"
	relationship = "samples/social/apotti_asiakkuusasiakirja_S_system-signature-BODY-DIGEST-FAILS.xml"
	healthFrame  = "samples/frames/RCMR_IN100002FI01.xml"
)

func parse(tb testing.TB, b []byte) *xmltree.Tree {
	tb.Helper()
	t, err := xmltree.Parse(b, xmltree.DefaultLimits())
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// inputOf reads a frame (which may be "") and a document to be judged.
func inputOf(tb testing.TB, framed, document []byte) (Input, []finding.Finding) {
	tb.Helper()
	in := Input{Now: time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)}
	var out []finding.Finding
	if framed != nil {
		t := parse(tb, framed)
		f, fs := frame.Read(t, t.Root(), catalogue.Strict)
		in.Frame = f
		out = append(out, fs...)
		if document == nil {
			p, fs := f.Package()
			out = append(out, fs...)
			document = p.DocumentBytes()
		}
	}
	d, fs := cda.Read(parse(tb, document))
	out = append(out, fs...)
	in.Doc = d
	in.Body, fs = d.JudgeBody()
	return in, append(out, fs...)
}

// brief gives "RULE severity" of findings in a profile.
func brief(fs []finding.Finding, p catalogue.Profile) []string {
	var out []string
	for _, f := range fs {
		r := catalogue.Default().Resolve(f, p, catalogue.English)
		out = append(out, r.Rule+" "+r.Severity.String())
	}
	slices.Sort(out)
	return out
}

// refused tells that a finding is an error in a profile.
func refused(fs []finding.Finding, p catalogue.Profile) bool {
	return slices.ContainsFunc(fs, func(f finding.Finding) bool {
		return catalogue.Default().Resolve(f, p, catalogue.English).Severity == finding.Error
	})
}

// The two real documents pass in strict; what is found is what is really
// remarkable about them.
func TestRealSocialDocumentsPassInStrict(t *testing.T) {
	for _, c := range []struct {
		frame, document string
		want            []string
	}{
		{planFrame, plan, []string{
			"CROSS-EFFECTIVETIME-DIFFERS warning",
			"FRAME-TRIGGER-MISSING info",
			"META-CASE-ROOTNULL warning",
		}},
		{relFrame, relationship, []string{
			"CODE-UNCHECKED info",
			"CROSS-JSON-BIRTHDATE-DIFFERS warning", // 1.1.2011 in the JSON, 20.1.2011 in the header
			"SOS-COND-PERSON-ID-BOTH info",
		}},
	} {
		in, fs := inputOf(t, shared.Read(t, c.frame), shared.Read(t, c.document))
		fs = append(fs, Check(in)...)
		if diff := cmp.Diff(c.want, brief(fs, catalogue.Strict)); diff != "" {
			t.Errorf("%s: %s", c.document, diff)
		}
		if refused(fs, catalogue.Strict) {
			t.Errorf("%s is refused", c.document)
		}
	}
}

func TestARK12_HealthFrameIsValidInLenientOnly(t *testing.T) {
	in, fs := inputOf(t, shared.Read(t, healthFrame), nil)
	strict := append(slices.Clone(fs), Check(in)...)
	want := []string{
		"FRAME-ROOT-HEALTH error",
		"META-AUTHOR-ID-HETU error", // the test person's check character is wrong
		"META-HEALTH-DOCUMENT error",
		"MIME-HEADER-FOLD info",
	}
	if diff := cmp.Diff(want, brief(strict, catalogue.Strict)); diff != "" {
		t.Errorf("strict: %s", diff)
	}
	in.Profile = catalogue.Lenient
	lenient := append(slices.Clone(fs), Check(in)...)
	if refused(lenient, catalogue.Lenient) {
		t.Errorf("lenient: %v", brief(lenient, catalogue.Lenient))
	}
	if got := brief(Accept(in), catalogue.Lenient); !slices.Equal(got, []string{"META-HEALTH-NOT-ACCEPTED error"}) {
		t.Errorf("without accept_health: %v", got)
	}
	in.AcceptHealth = true
	if got := Accept(in); got != nil {
		t.Errorf("with accept_health: %v", got)
	}
	in.World = Production
	if got := Accept(in); len(got) != 1 {
		t.Errorf("in production: %v", got)
	}
}
