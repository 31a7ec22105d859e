package trust

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"portti/xmldsig"
	"portti/xmldsig/pki"
)

// net is a Fetcher that leads to an authority's responder, and counts.
type network struct {
	responder *pki.Responder
	mu        sync.Mutex
	fault     pki.Misbehaviour
	asked     []string
	down      func(url string) error
	before    func() // called before each answer
}

func (n *network) Fetch(ctx context.Context, r Request) ([]byte, error) {
	n.mu.Lock()
	n.asked = append(n.asked, r.URL)
	down, before := n.down, n.before
	n.mu.Unlock()
	if before != nil {
		before()
	}
	if down != nil {
		if err := down(r.URL); err != nil {
			return nil, err
		}
	}
	method := http.MethodGet
	if r.Body != nil {
		method = http.MethodPost
	}
	q := httptest.NewRequestWithContext(ctx, method, r.URL, bytes.NewReader(r.Body))
	w := httptest.NewRecorder()
	n.responder.ServeHTTP(w, q)
	if w.Code != http.StatusOK {
		return nil, fmt.Errorf("%w: HTTP %d", ErrAnswer, w.Code)
	}
	return w.Body.Bytes(), nil
}

func (n *network) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.asked)
}

func (n *network) set(f pki.Misbehaviour) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fault = f
}

// clock is a clock that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// scene is an authority of its own with network, clock and a Store.
type scene struct {
	ca    *pki.Authority
	net   *network
	clock *clock
	store *Store
}

func newScene(tb testing.TB, change func(*Options)) *scene {
	tb.Helper()
	ca, err := pki.New(pki.Options{Seed: "revocation", Now: now.AddDate(0, 0, -10), AuthorityAlgorithm: pki.P256, Algorithm: pki.P256})
	if err != nil {
		tb.Fatal(err)
	}
	s := &scene{ca: ca, clock: &clock{at: now}}
	s.net = &network{responder: &pki.Responder{Authority: ca, Now: s.clock.now}}
	s.net.responder.Fault = func(*http.Request) pki.Misbehaviour {
		s.net.mu.Lock()
		defer s.net.mu.Unlock()
		return s.net.fault
	}
	o := Options{
		AnchorCertificates: ca.Certificates(), Now: s.clock.now,
		Revocation: Revocation{Mode: Hard, Fetcher: s.net},
	}
	if change != nil {
		change(&o)
	}
	s.store = newStore(tb, o)
	tb.Cleanup(s.store.Close)
	return s
}

func only(source Source) func(*Options) {
	return func(o *Options) { o.Revocation.Order = []Source{source} }
}

func (s *scene) leaf(tb testing.TB, opts ...pki.LeafOption) *pki.Leaf {
	tb.Helper()
	l, err := s.ca.System(org, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// query asks about a certificate that signs and arrives now.
func (s *scene) query(c *x509.Certificate) xmldsig.TrustQuery {
	q := query(c, xmldsig.TypeSystem)
	q.Time, q.Arrival = s.clock.now(), s.clock.now()
	return q
}

func (s *scene) judge(c *x509.Certificate) xmldsig.TrustAnswer { return s.store.Judge(s.query(c)) }

// TestSIG3_VerdictByReasonAndTime is the table of decisions: reason × time of
// revocation × verdict. Signed an hour before arrival; each by OCSP, by a list
// over the network and by a list in a file.
func TestSIG3_VerdictByReasonAndTime(t *testing.T) {
	signed, arrival := now.Add(-time.Hour), now
	times := []struct {
		name string
		at   time.Time
	}{
		{"before signing", signed.AddDate(0, 0, -3)}, {"at signing", signed},
		{"after signing", signed.Add(time.Minute)}, {"at arrival", arrival}, {"after arrival", arrival.Add(time.Minute)},
	}
	table := map[pki.Reason][5]string{
		pki.KeyCompromise:        {RuleCompromised, RuleCompromised, RuleCompromised, RuleCompromised, ""},
		pki.CACompromise:         {RuleCompromised, RuleCompromised, RuleCompromised, RuleCompromised, ""},
		pki.AACompromise:         {RuleCompromised, RuleCompromised, RuleCompromised, RuleCompromised, ""},
		pki.CertificateHold:      {RuleOnHold, RuleOnHold, RuleRevokedSince, RuleRevokedSince, ""},
		pki.Unspecified:          {RuleRevoked, RuleRevoked, RuleRevokedSince, RuleRevokedSince, ""},
		pki.Superseded:           {RuleRevoked, RuleRevoked, RuleRevokedSince, RuleRevokedSince, ""},
		pki.AffiliationChanged:   {RuleRevoked, RuleRevoked, RuleRevokedSince, RuleRevokedSince, ""},
		pki.CessationOfOperation: {RuleRevoked, RuleRevoked, RuleRevokedSince, RuleRevokedSince, ""},
		pki.PrivilegeWithdrawn:   {RuleRevoked, RuleRevoked, RuleRevokedSince, RuleRevokedSince, ""},
	}
	if len(table) != len(pki.Reasons) {
		t.Fatalf("%d reasons in the table, %d in all", len(table), len(pki.Reasons))
	}
	for reason, row := range table {
		for i, when := range times {
			t.Run(fmt.Sprintf("%s %s", Reason(reason), when.name), func(t *testing.T) {
				for _, source := range []string{"ocsp", "crl", "file"} {
					s := revokedScene(t, source, when.at, reason)
					q := s.query(s.leaf(t).Certificate)
					q.Time, q.Arrival = signed, arrival
					var rules []string
					if row[i] != "" {
						rules = []string{row[i]}
					}
					for range 2 { // asked, and remembered
						want(t, s.store.Judge(q), rules...)
					}
				}
			})
		}
	}
}

// revokedScene is a scene in which the leaf is revoked, learned by one source. The
// clock stands two minutes after arrival: the archive may look again later.
func revokedScene(t *testing.T, source string, at time.Time, why pki.Reason) *scene {
	t.Helper()
	switch source {
	case "file":
		s := newScene(t, nil)
		s.ca.Revoke(s.leaf(t).Certificate, at, why)
		s.clock.add(2 * time.Minute)
		file := s.writeList(t, pki.Service, s.clock.now())
		s.store = newStore(t, Options{AnchorCertificates: s.ca.Certificates(), Now: s.clock.now, Revocation: Revocation{Mode: Hard, Files: []string{file}}})
		return s
	default:
		s := newScene(t, only(Source(source)))
		s.ca.Revoke(s.leaf(t).Certificate, at, why)
		s.clock.add(2 * time.Minute)
		return s
	}
}

// writeList writes an issuer's list into a file.
func (s *scene) writeList(tb testing.TB, b pki.Branch, at time.Time) string {
	tb.Helper()
	der, err := s.ca.Issuer(b).CRL(at)
	if err != nil {
		tb.Fatal(err)
	}
	file := filepath.Join(tb.TempDir(), string(b)+".crl")
	if err := os.WriteFile(file, der, 0o600); err != nil {
		tb.Fatal(err)
	}
	return file
}

func TestOffAsksNothing(t *testing.T) {
	s := newScene(t, func(o *Options) { o.Revocation.Mode = Off })
	want(t, s.judge(s.leaf(t, pki.WithFault(pki.Compromised)).Certificate))
	if s.net.count() > 0 {
		t.Errorf("asked %v", s.net.asked)
	}
}

// Addresses come from certificates: nobody is asked for one that no anchor vouches
// for, or that is refused for what it says itself.
func TestNothingIsFetchedForRefusedCertificates(t *testing.T) {
	s := newScene(t, nil)
	for _, f := range []pki.Fault{pki.WrongIssuer, pki.Expired, pki.NotYetValid, pki.WrongUsage, pki.WrongNumber} {
		if a := s.judge(s.leaf(t, pki.WithFault(f)).Certificate); len(a.Faults) == 0 {
			t.Errorf("%s is trusted", f)
		}
	}
	rogue := newStore(t, Options{Now: s.clock.now, Revocation: Revocation{Mode: Hard, Fetcher: s.net}})
	want(t, rogue.Judge(s.query(s.leaf(t).Certificate)), RuleNoAnchors)
	if s.net.count() > 0 {
		t.Errorf("asked %v", s.net.asked)
	}
}

func TestPinsAreNotAskedAbout(t *testing.T) {
	s := newScene(t, nil)
	c := s.leaf(t, pki.WithFault(pki.Revoked)).Certificate
	pinned := newStore(t, Options{PinCertificates: []*x509.Certificate{c}, Now: s.clock.now, Revocation: Revocation{Mode: Hard, Fetcher: s.net}})
	want(t, pinned.Judge(s.query(c)))
	if s.net.count() > 0 {
		t.Errorf("asked %v", s.net.asked)
	}
}

func TestSourcesAreAskedInTheirOrder(t *testing.T) {
	for _, c := range []struct {
		order []Source
		down  string
		asked []string
	}{
		{[]Source{OCSP, Lists}, "none", []string{"/ocsp/"}},
		{[]Source{Lists, OCSP}, "none", []string{"/crl/"}},
		{[]Source{OCSP, Lists}, "/ocsp/", []string{"/ocsp/", "/crl/"}},
		{[]Source{Lists, OCSP}, "/crl/", []string{"/crl/", "/ocsp/"}},
	} {
		s := newScene(t, func(o *Options) { o.Revocation.Order = c.order })
		s.net.down = func(url string) error {
			if strings.Contains(url, c.down) {
				return errors.New("connection refused")
			}
			return nil
		}
		want(t, s.judge(s.leaf(t).Certificate))
		if len(s.net.asked) != len(c.asked) {
			t.Fatalf("%v: asked %v", c, s.net.asked)
		}
		for i, a := range c.asked {
			if !strings.Contains(s.net.asked[i], a) {
				t.Errorf("%v: asked %v", c, s.net.asked)
			}
		}
	}
}

func TestAnswersAreRememberedForTheirLife(t *testing.T) {
	for _, source := range []Source{OCSP, Lists} {
		s := newScene(t, only(source))
		c := s.leaf(t).Certificate
		for range 3 {
			want(t, s.judge(c))
		}
		s.clock.add(40 * time.Minute) // of an hour
		want(t, s.judge(c))
		if n := s.net.count(); n != 1 {
			t.Errorf("%s: asked %d times", source, n)
		}
		s.clock.add(time.Hour)
		s.ca.Revoke(c, now, pki.KeyCompromise)
		want(t, s.judge(c), RuleCompromised)
		if n := s.net.count(); n != 2 {
			t.Errorf("%s: asked %d times", source, n)
		}
	}
}

func TestAnswersOutliveAReloadOfFiles(t *testing.T) {
	s := newScene(t, nil)
	c := s.leaf(t).Certificate
	want(t, s.judge(c))
	if err := s.store.Reload(); err != nil {
		t.Fatal(err)
	}
	want(t, s.judge(c))
	if n := s.net.count(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestLifeIsBoundedByConfiguration(t *testing.T) {
	s := newScene(t, func(o *Options) { o.Revocation.Life = 10 * time.Minute })
	c := s.leaf(t).Certificate
	want(t, s.judge(c))
	s.clock.add(11 * time.Minute)
	want(t, s.judge(c))
	if n := s.net.count(); n != 2 {
		t.Errorf("asked %d times", n)
	}
}

// Near the end of its life evidence is renewed without anyone waiting.
func TestEvidenceIsRenewedAheadOfItsEnd(t *testing.T) {
	for _, source := range []Source{OCSP, Lists} {
		s := newScene(t, only(source))
		c := s.leaf(t).Certificate
		want(t, s.judge(c))
		s.clock.add(55 * time.Minute)
		s.ca.Revoke(c, now, pki.KeyCompromise)
		want(t, s.judge(c)) // the old serves still
		s.store.revoker.work.Wait()
		want(t, s.judge(c), RuleCompromised)
		if n := s.net.count(); n != 2 {
			t.Errorf("%s: asked %d times", source, n)
		}
	}
}

func TestRenewalThatFailsLeavesTheOldAndPauses(t *testing.T) {
	s := newScene(t, nil)
	c := s.leaf(t).Certificate
	want(t, s.judge(c))
	s.net.set(pki.Down)
	s.clock.add(55 * time.Minute)
	for range 5 {
		want(t, s.judge(c))
	}
	s.store.revoker.work.Wait()
	if n := s.net.count(); n != 3 { // once, and OCSP and list each once more
		t.Errorf("asked %d times: %v", n, s.net.asked)
	}
}

func TestManyAtOnceAskOnce(t *testing.T) {
	s := newScene(t, nil)
	started, release := make(chan struct{}, 1), make(chan struct{})
	s.net.before = func() { started <- struct{}{}; <-release }
	c := s.leaf(t).Certificate
	var wg sync.WaitGroup
	judge := func() { want(t, s.judge(c)) }
	wg.Go(judge)
	<-started
	for range 50 {
		wg.Go(judge)
	}
	close(release)
	wg.Wait()
	if n := s.net.count(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestWaitingYields(t *testing.T) {
	yields := 0
	s := newScene(t, func(o *Options) { o.Revocation.Yield = func(wait func()) { yields++; wait() } })
	c := s.leaf(t).Certificate
	for range 3 {
		want(t, s.judge(c))
	}
	if yields != 1 {
		t.Errorf("yielded %d times", yields)
	}
}

// A responder that does not answer costs its time limit once, not for every
// document.
func TestSilentResponderIsLeftAloneForAWhile(t *testing.T) {
	s := newScene(t, func(o *Options) {
		o.Revocation.Order, o.Revocation.Mode = []Source{OCSP}, Soft
	})
	s.net.down = func(string) error { return context.DeadlineExceeded }
	c := s.leaf(t).Certificate
	other := s.leaf(t, pki.WithValidity(now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0))).Certificate
	for range 3 {
		want(t, s.judge(c), RuleUnchecked)
		want(t, s.judge(other), RuleUnchecked)
	}
	if n := s.net.count(); n != 1 {
		t.Errorf("asked %d times", n)
	}
	s.clock.add(31 * time.Second)
	s.net.down = nil
	want(t, s.judge(c))
}

// A question that got no place beside those under way says nothing of its address.
func TestAddressThatWasNotAskedIsNotLeftAlone(t *testing.T) {
	s := newScene(t, func(o *Options) {
		o.Revocation.Order, o.Revocation.Mode = []Source{OCSP}, Soft
		o.Revocation.Timeout = 10 * time.Millisecond
	})
	c := s.leaf(t).Certificate
	places := s.store.revoker.places
	for range cap(places) {
		places <- struct{}{}
	}
	want(t, s.judge(c), RuleUnchecked)
	if n := s.net.count(); n != 0 {
		t.Errorf("asked %d times", n)
	}
	for range cap(places) {
		<-places
	}
	want(t, s.judge(c))
}

// One certificate that a responder has trouble with must not silence it for others.
func TestTroubleWithOneCertificateIsNotTroubleWithAll(t *testing.T) {
	s := newScene(t, only(OCSP))
	c := s.leaf(t).Certificate
	other := s.leaf(t, pki.WithValidity(now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0))).Certificate
	s.net.set(pki.OtherSerial)
	want(t, s.judge(c), RuleOCSPOther)
	s.net.set(pki.Down) // answered, by another HTTP status
	want(t, s.judge(s.leaf(t, pki.WithValidity(now.AddDate(-1, 0, -1), now.AddDate(1, 0, 0))).Certificate), RuleOCSPUnreachable)
	s.net.set(pki.Proper)
	want(t, s.judge(other))
	want(t, s.judge(c), RuleOCSPOther) // left alone for a while
	s.clock.add(31 * time.Second)
	want(t, s.judge(c))
}

func TestSoftAndHard(t *testing.T) {
	for _, mode := range []Mode{Soft, Hard} {
		s := newScene(t, func(o *Options) { o.Revocation.Mode = mode })
		s.net.set(pki.Down)
		a := s.judge(s.leaf(t).Certificate)
		if mode == Soft {
			want(t, a, RuleUnchecked)
		} else {
			want(t, a, RuleOCSPUnreachable, RuleListUnreachable)
		}
		// what is learned counts the same in both
		s.net.set(pki.Proper)
		want(t, s.judge(s.leaf(t, pki.WithFault(pki.Compromised)).Certificate), RuleCompromised)
	}
}

func TestRevokedIssuerIsRefused(t *testing.T) {
	for _, c := range []struct {
		at   time.Time
		why  pki.Reason
		want []string
	}{
		{now.Add(-time.Hour), pki.CessationOfOperation, []string{RuleChainRevoked}},
		{now.Add(-time.Hour), pki.CACompromise, []string{RuleChainRevoked}},
		{now.Add(time.Minute), pki.CACompromise, nil},
	} {
		s := newScene(t, nil)
		s.store = newStore(t, Options{AnchorCertificates: s.ca.Certificates()[:1], Now: s.clock.now, Revocation: Revocation{Mode: Hard, Fetcher: s.net, Order: []Source{Lists}}})
		q := s.query(s.leaf(t).Certificate)
		q.Intermediates = s.ca.Certificates()[1:]
		s.ca.Revoke(s.ca.Issuer(pki.Service).Certificate, c.at, c.why)
		want(t, s.store.Judge(q), c.want...)
		if n := s.net.count(); n != 2 { // of the leaf's issuer and of the root
			t.Errorf("asked %v", s.net.asked)
		}
	}
}

func TestWithoutSourceHardRefuses(t *testing.T) {
	s := newScene(t, func(o *Options) { o.Revocation.Fetcher = nil })
	want(t, s.judge(s.leaf(t).Certificate), RuleNoSource)
}

func TestAddressThatMayNotBeAskedIsNamed(t *testing.T) {
	s := newScene(t, only(OCSP))
	s.net.down = func(string) error { return fmt.Errorf("10.0.0.1: %w", ErrAddress) }
	want(t, s.judge(s.leaf(t).Certificate), RuleAddress)
}

func TestClosedStoreAsksNothing(t *testing.T) {
	s := newScene(t, only(OCSP))
	c := s.leaf(t).Certificate
	want(t, s.judge(c))
	s.clock.add(50 * time.Minute)
	s.store.Close()
	want(t, s.judge(c)) // no renewal
	s.clock.add(time.Hour)
	want(t, s.judge(c), RuleOCSPUnreachable)
	if n := s.net.count(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestOptionsSayWhatIsWrong(t *testing.T) {
	clock := func() time.Time { return now }
	for word, o := range map[string]Options{
		"mode":     {Now: clock, Revocation: Revocation{Mode: "perhaps"}},
		"nonce":    {Now: clock, Revocation: Revocation{Mode: Soft, Nonce: "perhaps"}},
		"source":   {Now: clock, Revocation: Revocation{Mode: Soft, Order: []Source{"ldap"}}},
		"Now":      {Revocation: Revocation{Mode: Hard}},
		"none.crl": {Now: clock, Revocation: Revocation{Mode: Hard, Files: []string{"none.crl"}}},
	} {
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", word, err)
		}
	}
}
