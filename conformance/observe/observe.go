// Package observe watches a client system's messages on their way to an archive and
// leads it through joint-test cases: it tells what to send next, judges what
// arrives, and answers as the case demands, also by faults (Knobs), so that the
// client's handling is tested too.
//
//	o := observe.New(observe.Options{Now: time.Now, NewID: uuid.NewString})
//	o.Begin(observe.Plan{Name: "Sumu 3.1", Device: "1.2.246.10.…", Profile: cases.Storing})
//	http.Handle("/soap", o.Around(archive))      // the traffic
//	http.Handle("/conformance/", o.Pages())      // what is asked, done, failed and why
//
// It stands in front of the SOAP door of the gateway itself (portti serve
// --observe), or of any archive (portti conformance observe --target URL).
package observe

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"portti/conformance/cases"
	"portti/conformance/report"
	"portti/conformance/wire"
)

// Options configure an Observer.
type Options struct {
	// Cases give cases and words; default cases.Default.
	Cases *cases.Set
	// Delay is how long the knob delay waits, Hold how long timeout holds a
	// connection; defaults 5 s and 2 min.
	Delay, Hold time.Duration
	// Wait waits, for tests; default a timer.
	Wait func(context.Context, time.Duration)
	// Most is the greatest message that is watched; a larger one passes unseen.
	Most int64
	// Root is the OID of the ids of acknowledgements made here.
	Root string
	// Suite and Rules stand in reports.
	Suite, Rules string
	// Changed is told after each message that was judged.
	Changed func()
	Now     func() time.Time
	NewID   func() string
}

// Observer watches. It is safe for concurrent use.
type Observer struct {
	Options
	mu       sync.Mutex
	sessions []*session
}

// New makes an Observer.
func New(o Options) *Observer {
	if o.Cases == nil {
		o.Cases = cases.Default()
	}
	if o.Delay <= 0 {
		o.Delay = 5 * time.Second
	}
	if o.Hold <= 0 {
		o.Hold = 2 * time.Minute
	}
	if o.Most <= 0 {
		o.Most = 64 << 20
	}
	if o.Wait == nil {
		o.Wait = wait
	}
	return &Observer{Options: o}
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// Errors of Begin and of the acts on a session.
var (
	ErrNoCases   = errors.New("observe: the plan chooses no case")
	ErrNoSession = errors.New("observe: there is no such session")
	ErrNoKnob    = errors.New("observe: there is no such knob")
	// ErrTaken: another session goes on that observes the same messages.
	ErrTaken = errors.New("observe: another session observes these messages")
	// ErrBusy: maxSessions go on or wait for their End.
	ErrBusy = errors.New("observe: too many sessions go on: end some of them")
	ErrOver = errors.New("observe: the session has ended")
)

// maxSessions bounds the sessions that are remembered.
const maxSessions = 100

// Begin begins a session and gives its id.
func (o *Observer) Begin(p Plan) (string, error) {
	w := cases.Selection{Mode: cases.Client, Profile: p.Profile, IDs: p.IDs, Tags: p.Tags, Excluded: p.Excluded}
	if p.Trial != "" {
		w.Tags = append(w.Tags[:len(w.Tags):len(w.Tags)], p.Trial)
	}
	list := o.Cases.Select(w)
	if len(list) == 0 {
		return "", ErrNoCases
	}
	s := newSession(o.NewID(), p, o.Cases, list, o.Now())
	s.run.Suite, s.run.Rules = o.Suite, o.Rules
	s.run.Cases = report.Versions{Version: cases.Version, Digest: o.Cases.Digest}
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.take(s); err != nil {
		return "", err
	}
	return s.id, nil
}

// take takes a session in. The oldest that has ended makes room for it; one that has
// not been ended is never forgotten.
func (o *Observer) take(s *session) error {
	for _, x := range o.sessions {
		if !x.done() && x.plan.Certificate == s.plan.Certificate && x.plan.Device == s.plan.Device {
			return ErrTaken
		}
	}
	if len(o.sessions) >= maxSessions {
		i := slices.IndexFunc(o.sessions, func(x *session) bool { return x.ended })
		if i < 0 {
			return ErrBusy
		}
		o.sessions = slices.Delete(o.sessions, i, i+1)
	}
	o.sessions = append(o.sessions, s)
	return nil
}

// with does something with a session, or gives ErrNoSession.
func (o *Observer) with(id string, do func(*session)) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.sessions {
		if s.id == id {
			do(s)
			return nil
		}
	}
	return ErrNoSession
}

// going does something with a session that has not been ended.
func (o *Observer) going(id string, do func(*session)) error {
	over := false
	err := o.with(id, func(s *session) {
		if over = s.ended; !over {
			do(s)
		}
	})
	if over {
		return ErrOver
	}
	return err
}

// Again starts the last case of a session anew; Skip leaves the current one open.
func (o *Observer) Again(id string) error { return o.going(id, (*session).again) }

// End ends a session: what is open stays so, and no further message is judged. Only
// the first End of a session gives its report; the next give ErrOver.
func (o *Observer) End(id string) (*report.Run, error) {
	var out *report.Run
	err := o.going(id, func(s *session) {
		s.ended = true
		out = copyOf(s.run)
	})
	return out, err
}

// Skip goes on to the next case.
func (o *Observer) Skip(id string) error {
	return o.going(id, func(s *session) {
		if !s.done() {
			s.next()
		}
	})
}

// Turn sets a knob for a session's next message, whatever its case says.
func (o *Observer) Turn(id, knob string) error {
	if Knobs[knob] == nil {
		return ErrNoKnob
	}
	return o.going(id, func(s *session) { s.knob = knob })
}

// Report gives a session's results so far; they are a copy.
func (o *Observer) Report(id string) (*report.Run, error) {
	var out *report.Run
	err := o.with(id, func(s *session) { out = copyOf(s.run) })
	return out, err
}

func copyOf(r *report.Run) *report.Run {
	c := *r
	c.Results = append([]report.Case(nil), r.Results...)
	for i := range c.Results {
		c.Results[i].Steps = append([]report.Step(nil), r.Results[i].Steps...)
	}
	return &c
}

// Done tells whether every session has come to its end.
func (o *Observer) Done() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.sessions {
		if !s.done() {
			return false
		}
	}
	return len(o.sessions) > 0
}

// Around gives a handler that watches what passes to next. What is not a POST, is
// too large, or is nobody's whom a session observes passes untouched.
func (o *Observer) Around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.ContentLength > o.Most || !o.any() {
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, o.Most+1))
		rest := io.MultiReader(bytes.NewReader(body), r.Body)
		if err != nil {
			rest = io.MultiReader(bytes.NewReader(body), broken{err})
		}
		r.Body = io.NopCloser(rest)
		if err != nil || int64(len(body)) > o.Most {
			next.ServeHTTP(w, r)
			return
		}
		o.watch(w, r, body, next)
	})
}

// broken gives an error: the body's own, once what came of it has been read.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

func (o *Observer) any() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.ContainsFunc(o.sessions, func(s *session) bool { return !s.done() })
}

// watch takes a message to its session, the archive and the answer.
func (o *Observer) watch(w http.ResponseWriter, r *http.Request, body []byte, next http.Handler) {
	began := time.Now()
	m := read(r, body)
	s, knob := o.assign(m)
	if s == nil {
		next.ServeHTTP(w, r)
		return
	}
	var real *recorded
	var a *wire.Answer
	if knob == nil || knob.Stores {
		real = &recorded{header: http.Header{}, status: http.StatusOK}
		next.ServeHTTP(real, r)
		a = wire.Read(real.status, real.header, real.body.Bytes())
	}
	o.settle(s, m, a, time.Since(began))
	if knob == nil {
		real.write(w)
		return
	}
	knob.answer(&turn{Observer: o, w: w, r: r, msg: m}, real)
}

// assign finds the message's session and how it is to be answered. A knob needs a
// frame that can be acknowledged.
func (o *Observer) assign(m *message) (*session, *Knob) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.sessions {
		if s.done() || !s.mine(m) || s.aside(m) {
			continue
		}
		name := s.current().Knob
		if s.knob != "" {
			name, s.knob = s.knob, ""
		}
		if m.frame == nil {
			return s, nil
		}
		return s, Knobs[name]
	}
	return nil, nil
}

// settle judges. Of two messages at one time the second meets the step that the
// first has left.
func (o *Observer) settle(s *session, m *message, a *wire.Answer, took time.Duration) {
	o.mu.Lock()
	if !s.done() {
		s.settle(m, a, o.Now(), took)
	}
	o.mu.Unlock()
	if o.Changed != nil {
		o.Changed()
	}
}
