package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"portti/cda/frame"
	"portti/cda/rules/catalogue"
	"portti/fixtures"
	"portti/gateway/soap"
	"portti/internal/finding"
	"portti/store"
	"portti/xmldsig"
	"portti/xmldsig/trust"
)

// memory is an Archive that keeps what it is given.
type memory struct {
	archived []store.Archival
	logged   []store.Entries
	outcome  store.Outcome
	err      error
	panics   bool
}

func (m *memory) Archive(_ context.Context, a store.Archival) (store.Outcome, error) {
	if m.panics {
		panic("010181-900C")
	}
	m.archived = append(m.archived, a)
	return m.outcome, m.err
}

func (m *memory) Log(_ context.Context, x store.Entries) error {
	m.logged = append(m.logged, x)
	return m.err
}

// accessFunc is an Access.
type accessFunc func(AccessQuery) []finding.Finding

func (f accessFunc) Decide(q AccessQuery) []finding.Finding { return f(q) }

func anybody(AccessQuery) []finding.Finding { return nil }

func testPipeline(t *testing.T, a Archive, access Access) *Pipeline {
	t.Helper()
	w := fixtures.Default()
	tr, err := trust.New(trust.Options{AnchorCertificates: w.Authority.Certificates()})
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return w.Now }
	var n atomic.Int64
	p, err := New(Options{
		Judge: &Judge{
			Profile: catalogue.Strict, World: Test, Verifier: &xmldsig.Verifier{Trust: tr, Now: now},
			Frames: frame.Reader{Profile: catalogue.Strict},
		},
		Archive: a, Access: access, Lang: catalogue.English, Root: "1.2.3", Parallel: 1,
		Now: now, NewID: func() string { return fmt.Sprint(n.Add(1)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func request(body string) Request {
	return Request{
		ID: "r", Arrived: fixtures.Default().Now, ContentType: "text/xml",
		Body: []byte(`<s:Envelope xmlns:s="` + soap.NS11 + `"><s:Body>` + body + `</s:Body></s:Envelope>`),
	}
}

func sample() string { return string(fixtures.Default().Frame(fixtures.Default().Documents[0])) }

func TestEveryRuleStandsInTheCatalogue(t *testing.T) {
	for _, id := range Rules {
		if catalogue.Default().Rule(id) == nil {
			t.Errorf("%s is not in the catalogue", id)
		}
	}
}

func TestArchivalHoldsWhatTheDocumentSays(t *testing.T) {
	m := &memory{outcome: store.Outcome{Kind: store.Archived}}
	a := testPipeline(t, m, accessFunc(anybody)).Handle(context.Background(), request(sample()))
	if a.Report.Verdict != Accepted || len(m.archived) != 1 {
		t.Fatalf("%+v\n%s", a.Report, a.Body)
	}
	d, got := fixtures.Default().Documents[0], m.archived[0]
	if string(got.Document) != string(d.Bytes) || got.ID != d.OID || got.SetID != d.SetID || got.Version != d.Version || got.Index.Group != d.Group.Code {
		t.Errorf("got %+v", got)
	}
	if len(got.Usage) != 1 || got.Usage[0].Client != got.Index.Clients[0] || got.Usage[0].User == "" || got.Usage[0].Purpose == "" {
		t.Errorf("usage log: %+v", got.Usage)
	}
	if string(got.Frame) != string(request(sample()).Body) {
		t.Error("the request is not kept as it came")
	}
	if string(got.Message.Acknowledgement) == "" || !strings.Contains(string(a.Body), string(got.Message.Acknowledgement)) {
		t.Error("the acknowledgement that is logged is not the one that is sent")
	}
}

func TestFailuresOfOursAreCRAndNoCrash(t *testing.T) {
	down := &store.Error{Kind: store.ErrBusy, Op: "archive"}
	for _, c := range []struct {
		name    string
		archive *memory
		access  accessFunc
		rule    string
	}{
		{"a stage panics", &memory{}, func(AccessQuery) []finding.Finding { panic("010181-900C") }, RuleFailure},
		{"the archive panics", &memory{panics: true}, anybody, RuleFailure},
		{"the archive is busy", &memory{err: down}, anybody, store.RuleBusy},
		{"the archive is broken", &memory{err: errors.New("x")}, anybody, RuleFailure},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := testPipeline(t, c.archive, c.access)
			for range 2 { // the second shows that the place to compute was given back
				a := p.Handle(context.Background(), request(sample()))
				if a.Report.Verdict != NotNow || a.Report.Failure == nil || !strings.Contains(string(a.Body), c.rule) {
					t.Fatalf("%+v\n%s", a.Report, a.Body)
				}
				if strings.Contains(a.Report.Failure.Error(), "010181-900C") {
					t.Error("the panic's value is told")
				}
			}
		})
	}
}

func TestRefusalIsLoggedBeforeItIsAnswered(t *testing.T) {
	m := &memory{}
	deny := accessFunc(func(q AccessQuery) []finding.Finding { return []finding.Finding{{Rule: RuleSender}} })
	a := testPipeline(t, m, deny).Handle(context.Background(), request(sample()))
	if a.Report.Verdict != AtFault || len(m.archived) != 0 || len(m.logged) != 1 || m.logged[0].Message.Verdict != "CE" || len(m.logged[0].Message.Raw) == 0 {
		t.Fatalf("%+v, archived %d, logged %+v", a.Report, len(m.archived), m.logged)
	}
	if u := m.logged[0].Usage; len(u) != 1 || u[0].Refused != RuleSender || u[0].Client == "" || u[0].User == "" {
		t.Errorf("usage log of the attempt: %+v", u)
	}
	m.err = errors.New("no disk")
	if a := testPipeline(t, m, deny).Handle(context.Background(), request(sample())); a.Report.Verdict != NotNow {
		t.Errorf("a refusal that could not be logged is answered %s", a.Report.Verdict)
	}
}

func TestDuplicateIsAnsweredAsTheFirstTime(t *testing.T) {
	stored := packFindings([]finding.Finding{{Rule: RuleMore, Params: []finding.Param{finding.P("rule", "X"), finding.P("count", "7")}}})
	m := &memory{outcome: store.Outcome{Kind: store.Duplicate, Receipt: store.Receipt{Verdict: "CA", Findings: stored}}}
	a := testPipeline(t, m, accessFunc(anybody)).Handle(context.Background(), request(sample()))
	if a.Report.Verdict != Accepted || a.Report.Outcome != "duplicate" || !strings.Contains(string(a.Body), "7 more times") {
		t.Fatalf("%+v\n%s", a.Report, a.Body)
	}
	logged := m.archived[0].Answer(m.outcome)
	if logged.Verdict != "CA" || string(logged.Findings) != string(stored) {
		t.Errorf("logged: %+v", logged)
	}
}

func TestMessagesThatBringNoDocumentAreRefused(t *testing.T) {
	m := &memory{}
	frame := strings.ReplaceAll(sample(), "RCMR_IN200002FI01", "RCMR_IN200029FI01")
	a := testPipeline(t, m, accessFunc(anybody)).Handle(context.Background(), request(frame))
	if a.Report.Verdict != "AE" || !strings.Contains(string(a.Body), RuleOperation) {
		t.Fatalf("%+v\n%s", a.Report, a.Body)
	}
}

func TestFaultBoundary(t *testing.T) {
	p := testPipeline(t, &memory{outcome: store.Outcome{Kind: store.Archived}}, accessFunc(anybody))
	id := sample()[strings.Index(sample(), "<id "):]
	id = id[:strings.Index(id, "/>")+2]
	for _, c := range []struct {
		name, body string
		want       Verdict
	}{
		{"unknown message", `<x xmlns="urn:hl7-org:v3"/>`, Fault},
		{"no message id", strings.Replace(sample(), id, "", 1), Fault},
		{"broken envelope", "<a>", Fault},
		{"no package", emptied(sample()), AtFault},
		{"package garbled", strings.Replace(sample(), "Content-Transfer-Encoding: ", "Content-Transfer-Encoding: x", 1), AtFault},
		{"as it should be", sample(), Accepted},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := p.Handle(context.Background(), request(c.body))
			if a.Report.Verdict != c.want || c.want != Accepted && len(a.Report.Rules) == 0 {
				t.Fatalf("%+v\n%s", a.Report, a.Body)
			}
		})
	}
}

// emptied takes the package out of a frame.
func emptied(frame string) string {
	i := strings.Index(frame, "MIME-Version")
	j := strings.Index(frame[i:], "</text>")
	return frame[:i] + frame[i+j:]
}

func TestWaitingEndsWithTheClient(t *testing.T) {
	p := testPipeline(t, &memory{}, accessFunc(anybody))
	p.lanes.enter(t.Context(), Interactive) // no place is free
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if a := p.Handle(ctx, request(sample())); a.Status != 503 {
		t.Fatalf("HTTP %d", a.Status)
	}
}

func TestDecideIsPureInRulesAndProfile(t *testing.T) {
	one := func(id string) []finding.Finding { return []finding.Finding{{Rule: id}} }
	for _, c := range []struct {
		findings []finding.Finding
		more     map[string]int
		profile  catalogue.Profile
		want     Decision
	}{
		{nil, nil, catalogue.Strict, Accept},
		{one(RuleMore), nil, catalogue.Strict, Accept},
		{one(soap.RuleVersionMedia), nil, catalogue.Lenient, AcceptWithWarnings},
		{one(soap.RuleVersionMedia), nil, catalogue.Strict, Reject},
		{one(RuleMore), map[string]int{RuleFailure: 3}, catalogue.Lenient, Reject},
		{one("NO-SUCH-RULE"), nil, catalogue.Lenient, Reject},
	} {
		if got := Decide(c.findings, c.more, c.profile); got != c.want {
			t.Errorf("%v %v %s: %v, want %v", c.findings, c.more, c.profile, got, c.want)
		}
	}
}

func TestRetryOnlyWhereEveryErrorAllowsIt(t *testing.T) {
	const again, never, remark = "STORE-BUSY", "META-ID-MISSING", RuleMore
	for _, c := range []struct {
		rules []string
		want  bool
	}{
		{nil, false}, {[]string{remark}, false}, {[]string{again, remark}, true}, {[]string{again, never}, false}, {[]string{again, "NO-SUCH-RULE"}, false},
	} {
		var fs []finding.Finding
		for _, id := range c.rules {
			fs = append(fs, finding.Finding{Rule: id})
		}
		if got := Retry(fs, catalogue.Strict); got != c.want {
			t.Errorf("%v: %v", c.rules, got)
		}
	}
}

func TestFindingsBeyondTheLimitAreCounted(t *testing.T) {
	fs := withMore(nil, map[string]int{"B": 2, "A": 1})
	if len(fs) != 2 || fs[0].Params[0].Value != "A" || fs[1].Params[1].Value != "2" {
		t.Fatalf("%+v", fs)
	}
}
