package trust

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"portti/internal/finding"
	"portti/xmldsig"

	"golang.org/x/sync/singleflight"
)

// Mode tells what happens where it cannot be learned whether a certificate is
// revoked. What is learned counts the same in every mode.
type Mode string

// The modes.
const (
	Off  Mode = "off"  // nothing is asked
	Soft Mode = "soft" // a remark: the signature stays valid
	Hard Mode = "hard" // a refusal, with the rule of each source that failed
)

// Source is a kind of revocation data.
type Source string

// The sources.
const (
	OCSP  Source = "ocsp"
	Lists Source = "crl"
)

// Nonce tells whether OCSP questions carry a nonce.
type Nonce string

// The choices. An answer with another nonce is refused in any case.
const (
	SendNonce    Nonce = "send"    // the default: sent, and missed without complaint
	RequireNonce Nonce = "require" // an answer without it is refused
	NoNonce      Nonce = "none"
)

// Revocation says how a Store learns whether certificates are revoked. Pinned
// certificates and the archive's own are not asked about: they are withdrawn by
// taking the pin away.
type Revocation struct {
	// Mode is Off, Soft or Hard; "" means Off.
	Mode Mode
	// Files are files and folders of revocation lists (DER or PEM; of a folder the
	// files that end in .crl). They are read by New and Reload, and
	// are looked at first: what they revoke is revoked.
	Files []string
	// Fetcher asks the addresses in certificates; nil asks none.
	Fetcher Fetcher
	// Order is which sources are asked, one after another until one answers; nil
	// means OCSP, Lists. Files belong to Lists.
	Order []Source
	// Nonce is SendNonce where "".
	Nonce Nonce
	// Rand gives nonces; nil means crypto/rand.
	Rand io.Reader
	// Responders are files and folders of OCSP responders' certificates that are
	// believed for every issuer (RFC 6960, 4.2.2.2, by configuration).
	Responders []string
	// Skew is how far the clocks of issuers may differ from ours; 0 means 5
	// minutes, a negative value none.
	Skew time.Duration
	// Life bounds how long an answer or list is used, whatever it says of itself;
	// 0 leaves it as it says. Undated is the life of one that says nothing; 0 means
	// an hour.
	Life, Undated time.Duration
	// Timeout bounds one question, and the wait for a place among those under way; 0
	// means 5 seconds. Pause is how long an address that failed is left alone; 0 means
	// 30 seconds.
	Timeout, Pause time.Duration
	// ListLimit and AnswerLimit are the greatest sizes in octets; 0 means 32 MB and
	// 64 KB.
	ListLimit, AnswerLimit int64
	// Yield is called around every wait for the network, so that the caller may
	// give back what others could use meanwhile; nil just waits. It must call wait
	// once.
	Yield func(wait func())
}

func (o Revocation) withDefaults() (Revocation, error) {
	times := []struct {
		v   *time.Duration
		def time.Duration
	}{{&o.Skew, 5 * time.Minute}, {&o.Undated, time.Hour}, {&o.Timeout, 5 * time.Second}, {&o.Pause, 30 * time.Second}}
	for _, t := range times {
		if *t.v == 0 {
			*t.v = t.def
		}
	}
	o.Skew = max(o.Skew, 0)
	if o.ListLimit <= 0 {
		o.ListLimit = defaultListLimit
	}
	if o.AnswerLimit <= 0 {
		o.AnswerLimit = 64 << 10
	}
	if o.Order == nil {
		o.Order = []Source{OCSP, Lists}
	}
	if o.Nonce == "" {
		o.Nonce = SendNonce
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Yield == nil {
		o.Yield = func(wait func()) { wait() }
	}
	return o, o.check()
}

func (o *Revocation) check() error {
	switch {
	case o.Mode != "" && o.Mode != Off && o.Mode != Soft && o.Mode != Hard:
		return fmt.Errorf("trust: revocation mode %q: want off, soft or hard", o.Mode)
	case o.Nonce != SendNonce && o.Nonce != RequireNonce && o.Nonce != NoNonce:
		return fmt.Errorf("trust: nonce %q: want send, require or none", o.Nonce)
	}
	for _, s := range o.Order {
		if s != OCSP && s != Lists {
			return fmt.Errorf("trust: source of revocation data %q: want ocsp or crl", s)
		}
	}
	return nil
}

func (o *Revocation) on() bool { return o.Mode == Soft || o.Mode == Hard }

// pair names a certificate and who issued it.
type pair struct{ certificate, issuer fingerprint }

// revoker learns whether certificates are revoked. What came over the network
// outlives a reload of the files.
type revoker struct {
	o   Revocation
	now func() time.Time

	ctx    context.Context
	cancel context.CancelFunc
	places chan struct{} // bounds the questions under way
	mu     sync.Mutex    // between beginning work and closing
	work   sync.WaitGroup

	answers cache[pair, evidence]
	remote  cache[listKey, *list]
	failed  cache[string, failure]
	once    singleflight.Group // of lists, by address
}

const (
	parallelFetches  = 16
	defaultListLimit = 32 << 20
)

func newRevoker(o Revocation, now func() time.Time) (*revoker, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	if o.on() && now == nil {
		return nil, errors.New("trust: Options.Now is required where revocation is checked")
	}
	r := &revoker{o: o, now: now, places: make(chan struct{}, parallelFetches)}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r, nil
}

// close ends the questions under way and waits for them.
func (r *revoker) close() {
	r.mu.Lock()
	r.cancel()
	r.mu.Unlock()
	r.work.Wait()
}

// background does work that close waits for, and none after close.
func (r *revoker) background(do func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx.Err() == nil {
		r.work.Go(do)
	}
}

// judge asks about the certificates of a chain, but for the anchor at its end.
func (r *revoker) judge(st *state, e *chainEntry, q *xmldsig.TrustQuery) []xmldsig.TrustFault {
	var out []xmldsig.TrustFault
	for depth := range len(e.chain) - 1 {
		ev, faults := r.evidence(st, subject{e.chain[depth], e.chain[depth+1], pair{e.prints[depth], e.prints[depth+1]}})
		switch {
		case len(faults) > 0:
			out = append(out, r.unlearned(faults)...)
		case depth == 0:
			out = append(out, ev.faults(q)...)
		default:
			out = append(out, ev.chainFaults(q)...)
		}
	}
	return out
}

// unlearned is what comes of it that no source answered.
func (r *revoker) unlearned(faults []fault) []xmldsig.TrustFault {
	if r.o.Mode == Soft {
		f := faults[0].trust()
		return []xmldsig.TrustFault{{Rule: RuleUnchecked, Remark: true, Value: f.Rule, Params: append(f.Params, finding.P("reason", f.Rule))}}
	}
	out := make([]xmldsig.TrustFault, len(faults))
	for i, f := range faults {
		out[i] = f.trust()
	}
	return out
}

// subject is a certificate that is asked about.
type subject struct {
	certificate, issuer *x509.Certificate
	key                 pair
}

// evidence gives what is known of a certificate, from memory where that is fresh.
func (r *revoker) evidence(st *state, s subject) (evidence, []fault) {
	now := r.now()
	if e, ok := st.evidence.get(s.key); ok && now.Before(e.until) {
		if now.After(e.renew) {
			r.renew(st, s, e, now)
		}
		return e, nil
	}
	var out gathered
	r.o.Yield(func() {
		v, _, _ := st.once.Do(string(s.key.certificate[:])+string(s.key.issuer[:]), func() (any, error) {
			e, faults := r.gather(st, s, false)
			if len(faults) == 0 {
				st.evidence.put(s.key, e)
			}
			return gathered{e, faults}, nil
		})
		out = v.(gathered)
	})
	return out.e, out.faults
}

// gathered is what gather gives.
type gathered struct {
	e      evidence
	faults []fault
}

// renew asks for newer evidence while the old still serves.
func (r *revoker) renew(st *state, s subject, e evidence, now time.Time) {
	e.renew = now.Add(r.o.Pause) // so that one call in so long comes here
	st.evidence.put(s.key, e)
	r.background(func() {
		if e, faults := r.gather(st, s, true); len(faults) == 0 {
			st.evidence.put(s.key, e)
		}
	})
}

// gather asks the sources: files first, because what they revoke is revoked, then
// the others in their order. newer passes over answers in memory.
func (r *revoker) gather(st *state, s subject, newer bool) (evidence, []fault) {
	var faults []fault
	file, rule := r.inFiles(st, s)
	if rule == "" && file.status == revoked {
		return file, nil
	}
	for _, source := range r.o.Order {
		var e evidence
		var more []fault
		switch source {
		case OCSP:
			e, more = r.ask(st, s, newer)
		case Lists:
			if rule == "" {
				return file, nil
			}
			e, more = r.onLists(s)
			if len(more) > 0 {
				more = append([]fault{{rule: rule}}, more...)
			}
		}
		if len(more) == 0 {
			return e, nil
		}
		faults = append(faults, more...)
	}
	return evidence{}, named(faults)
}

// named drops the fault of a source that does not exist where another says more.
func named(faults []fault) []fault {
	var out []fault
	for _, f := range faults {
		if f.rule != RuleNoSource {
			out = append(out, f)
		}
	}
	if out == nil {
		out = []fault{{rule: RuleNoSource}}
	}
	return out
}

// life gives how long evidence of this and next update may be used, and when to
// ask for newer.
func (r *revoker) life(this, next time.Time) (until, renew time.Time) {
	if next.IsZero() {
		next = this.Add(r.o.Undated)
	}
	until = next.Add(r.o.Skew)
	now := r.now()
	if r.o.Life > 0 && until.After(now.Add(r.o.Life)) {
		until = now.Add(r.o.Life)
	}
	return until, now.Add(until.Sub(now) / 4 * 3)
}

// webAddresses gives the first addresses that a Fetcher could ask.
func webAddresses(urls []string) []string {
	const most = 2
	var out []string
	for _, u := range urls {
		if s := strings.ToLower(u); (strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://")) && len(out) < most {
			out = append(out, u)
		}
	}
	return out
}
