package trust

import (
	"context"
	"errors"
	"fmt"
	"time"

	"portti/internal/finding"
	"portti/xmldsig"
)

// Fetcher gets revocation data from the addresses that certificates name. A Store
// asks it only for certificates whose chain reaches an anchor. Package
// xmldsig/trust/fetch has one over HTTP.
type Fetcher interface {
	// Fetch gives the octets that an address answers with. It must end when ctx
	// does, must not give more than r.Limit octets, and must refuse, by an error
	// that wraps ErrAddress, every address that it may not ask: addresses come from
	// certificates. It must be safe for concurrent use.
	Fetch(ctx context.Context, r Request) ([]byte, error)
}

// Request is what a Fetcher is asked to do.
type Request struct {
	URL string
	// Body is sent by POST; nil means GET.
	Body []byte
	// ContentType is Body's media type, Accept the answer's.
	ContentType, Accept string
	// Limit is the greatest answer in octets.
	Limit int64
}

// Errors of a Fetcher. All others mean that the address did not answer.
var (
	// ErrAddress tells that a Fetcher may not ask an address: another scheme than
	// HTTP, or an address within the own network.
	ErrAddress = errors.New("this address may not be asked")
	// ErrAnswer tells that the address did answer, but not with what was asked for:
	// another HTTP status, too many octets.
	ErrAnswer = errors.New("this is no answer to the question")
)

// fault is why one source of revocation data gave none.
type fault struct{ rule, address string }

func (f fault) trust() xmldsig.TrustFault {
	out := xmldsig.TrustFault{Rule: f.rule, Value: f.address}
	if f.address == "" {
		f.address = "-"
	}
	out.Params = []finding.Param{finding.P("address", f.address)}
	return out
}

// get asks an address, unless it failed a short while ago. asked names the
// question; unreachable is the rule for what goes wrong. A question that was
// answered badly is left alone for a while, an address that did not answer is as
// a whole: else one certificate that a responder has trouble with could silence
// it for all.
func (r *revoker) get(q Request, asked, unreachable string) ([]byte, string) {
	now := r.now()
	for _, name := range []string{q.URL, asked} {
		if last, ok := r.failed.get(name); ok && now.Before(last.until) {
			return nil, last.rule
		}
	}
	b, err := r.fetch(q)
	switch {
	case err == nil:
		return b, ""
	case errors.Is(err, ErrAddress):
		r.pause(q.URL, RuleAddress)
		return nil, RuleAddress
	case errors.Is(err, ErrAnswer):
		r.pause(asked, unreachable)
	case errors.Is(err, errNoPlace): // says nothing of the address
	case r.ctx.Err() == nil:
		r.pause(q.URL, unreachable)
	}
	return nil, unreachable
}

// failure is what failed, and until when it is left alone.
type failure struct {
	rule  string
	until time.Time
}

func (r *revoker) pause(name, rule string) {
	r.failed.put(name, failure{rule, r.now().Add(r.o.Pause)})
}

// errNoPlace tells that a question was not asked: as many as may be are under way.
var errNoPlace = errors.New("too many questions are under way")

// fetch asks the Fetcher within the limits of time and number.
func (r *revoker) fetch(q Request) ([]byte, error) {
	if err := r.place(); err != nil {
		return nil, err
	}
	defer func() { <-r.places }()
	ctx, cancel := context.WithTimeout(r.ctx, r.o.Timeout)
	defer cancel()
	b, err := r.o.Fetcher.Fetch(ctx, q)
	if err == nil && int64(len(b)) > q.Limit {
		return nil, fmt.Errorf("%w: larger than %d octets", ErrAnswer, q.Limit)
	}
	return b, err
}

// place waits for a place among the questions under way, as long as a question may
// take.
func (r *revoker) place() error {
	if err := r.ctx.Err(); err != nil { // closed
		return err
	}
	select {
	case r.places <- struct{}{}:
		return nil
	default:
	}
	late := time.NewTimer(r.o.Timeout)
	defer late.Stop()
	select {
	case r.places <- struct{}{}:
		return nil
	case <-late.C:
		return errNoPlace
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
}
