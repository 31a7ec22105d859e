package fhir

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"portti/cda"
	"portti/cda/rules/catalogue"
	"portti/gateway/pipeline"
	"portti/internal/finding"
	"portti/internal/negotiate"
	"portti/store"
)

// Path is where the door is.
const Path = "/fhir"

// interaction is the message log's word for what comes in here.
const interaction = "fhir-transaction"

// Archive is what the door needs of the store; *store.Store is one.
type Archive interface {
	File(context.Context, store.FiledBundle) (store.FileOutcome, error)
	Log(context.Context, store.Entries) error
}

// Options configure a Service. All but Systems and Lang are required.
type Options struct {
	Archive Archive
	Profile catalogue.Profile
	World   pipeline.World
	Lang    catalogue.Lang
	// MayActFor tells whether a peer may file notices of a controller, by what is known
	// of joined systems; Joined whether it has joined and may connect.
	MayActFor func(peer pipeline.Peer, controller string, at time.Time) bool
	Joined    func(peer pipeline.Peer, at time.Time) bool
	// RequireCertificate refuses who shows no client certificate.
	RequireCertificate bool
	// Owner is the organisation of messages without client certificate.
	Owner string
	// Parallel is how many bundles are read at a time.
	Parallel int
	Now      func() time.Time
}

// Service answers at the door. It is safe for concurrent use.
type Service struct {
	Options
	places chan struct{}
}

// New makes a Service.
func New(o Options) (*Service, error) {
	if o.Archive == nil || o.MayActFor == nil || o.Joined == nil || o.Now == nil || o.Parallel < 1 {
		return nil, errors.New("fhir: Archive, MayActFor, Joined, Now and Parallel are required")
	}
	return &Service{Options: o, places: make(chan struct{}, o.Parallel)}, nil
}

// Request is a request as it came over HTTP.
type Request struct {
	// ID is the request's own id, Arrived when it came.
	ID                          string
	Arrived                     time.Time
	ContentType, Accept, Accent string // Accent is Accept-Language
	// Authorization is the token that came with it.
	Authorization string
	Peer          pipeline.Peer
	Body          []byte
}

// Answer is what goes back.
type Answer struct {
	Status      int
	ContentType string
	Body        []byte
	Report      pipeline.Report
}

func (s *Service) lang(r Request) catalogue.Lang {
	return negotiate.Language(r.Accent, catalogue.Langs, s.Lang)
}

// Refuse tells of a request whose body need not be read.
func Refuse(r *http.Request) (*finding.Finding, int) {
	if _, ok := form(r.Header.Get("Content-Type")); !ok {
		return &finding.Finding{Rule: RuleMedia, Place: finding.Place{Source: finding.SourceRequest}}, http.StatusUnsupportedMediaType
	}
	return nil, 0
}

// Answer takes a bundle to its answer. It does not panic. What was accepted is
// carried through even if ctx ends.
func (s *Service) Answer(ctx context.Context, r Request) (a Answer) {
	defer func() {
		if p := recover(); p != nil {
			a = s.failed(r, &pipeline.PanicError{Value: p, Stack: debug.Stack()})
		}
	}()
	select {
	case s.places <- struct{}{}:
	case <-ctx.Done():
		return s.failed(r, ctx.Err())
	}
	b, fs := s.read(r)
	<-s.places
	return s.settle(context.WithoutCancel(ctx), r, b, fs)
}

// read reads and judges a bundle; the findings of every kind of fault together.
func (s *Service) read(r Request) (*bundle, []finding.Finding) {
	media, _ := form(r.ContentType)
	readers := map[string]func([]byte) (*element, *finding.Finding){mediaJSON: readJSON, mediaXML: readXML}
	root, fault := readers[media](bytes.TrimPrefix(r.Body, []byte("\xef\xbb\xbf")))
	if fault != nil {
		return nil, []finding.Finding{*fault}
	}
	c := &checker{p: demands(), test: s.World != pipeline.Production, now: r.Arrived}
	c.check(root)
	if c.test {
		c.strangers(r.Body)
	}
	s.access(c, r)
	return c.b, c.list.Items()
}

// strangers refuses persons outside the 900 series anywhere in a message of the
// test world.
func (c *checker) strangers(body []byte) {
	cda.FindHetus(body, func(_ int, h cda.Hetu) bool {
		if !h.Test {
			c.add(RuleTestPerson, c.b.root)
		}
		return h.Test
	})
}

// access holds the controllers against the certificate.
func (s *Service) access(c *checker, r Request) {
	peer := r.Peer.Organisation
	switch {
	case peer == "" && s.RequireCertificate, peer != "" && !s.Joined(r.Peer, r.Arrived):
		c.add(RulePeer, c.b.root)
		return
	case peer == "":
		return
	}
	for _, n := range c.b.notices {
		if n.controller != nil && !s.MayActFor(r.Peer, oidOf(n.controller), r.Arrived) {
			c.add(RuleSystem, n.controller)
		}
	}
}

// settle logs and answers.
func (s *Service) settle(ctx context.Context, r Request, b *bundle, fs []finding.Finding) Answer {
	if pipeline.Decide(fs, nil, s.Profile) == pipeline.Reject {
		return s.reject(ctx, r, b, fs)
	}
	filed := store.FiledBundle{ContentType: r.ContentType, Authorization: r.Authorization, Body: r.Body, Owner: s.owner(r),
		Notices: b.filed(demands()), Message: s.message(r), Usage: s.usage(r, b)}
	filed.Message.Answer = store.Answer{Verdict: "CA"}
	out, err := s.Archive.File(ctx, filed)
	switch {
	case err != nil:
		return s.failed(r, err)
	case out.Refused >= 0:
		f := out.Findings[0]
		f.Place = b.notices[out.Refused].event.place()
		return s.Fault(r, http.StatusConflict, f)
	}
	media := answerForm(r)
	a := Answer{Status: http.StatusOK, ContentType: media + "; charset=utf-8", Body: write(responseOf(b, out.Filed, out.Arrived), media)}
	a.Report = pipeline.Report{Interaction: interaction, Verdict: pipeline.Accepted, Outcome: "duplicate", Rules: ruleNames(fs)}
	if slices.Contains(out.Filed, true) {
		a.Report.Outcome = "archived"
	}
	return a
}

// reject logs a bundle that is refused and tells every fault.
func (s *Service) reject(ctx context.Context, r Request, b *bundle, fs []finding.Finding) Answer {
	status := http.StatusBadRequest
	denied := firstOf(fs, RulePeer, RuleSystem)
	if denied != "" {
		status = http.StatusForbidden
	}
	m := s.message(r)
	m.Raw, m.Answer, m.Suspicious = r.Body, store.Answer{Verdict: "CE"}, denied != ""
	e := store.Entries{Message: &m}
	if denied != "" && b != nil {
		e.Usage = s.usage(r, b)
		for i := range e.Usage {
			e.Usage[i].Refused = denied
		}
	}
	if err := s.Archive.Log(ctx, e); err != nil {
		return s.failed(r, err)
	}
	return s.Fault(r, status, fs...)
}

// firstOf gives the first of some rules that was found.
func firstOf(fs []finding.Finding, rules ...string) string {
	for _, f := range fs {
		if slices.Contains(rules, f.Rule) {
			return f.Rule
		}
	}
	return ""
}

func (s *Service) owner(r Request) string {
	if r.Peer.Organisation != "" {
		return r.Peer.Organisation
	}
	return s.Owner
}

func (s *Service) message(r Request) store.Message {
	return store.Message{ID: r.ID, Owner: s.owner(r), Interaction: interaction, Arrived: r.Arrived}
}

// usage is the usage-log row of each notice's controller.
func (s *Service) usage(r Request, b *bundle) (out []store.Usage) {
	for _, n := range b.notices {
		if n.controller == nil || oidOf(n.controller) == "" {
			continue
		}
		out = append(out, store.Usage{At: r.Arrived, DataController: oidOf(n.controller), LogController: oidOf(n.controller), Client: b.client,
			User: n.discloser.id(), UserName: n.discloser.name(), System: s.owner(r), DocumentID: n.id, Action: "notice"})
	}
	return out
}

// failed answers a failure of ours, or of an archive that can take nothing now.
func (s *Service) failed(r Request, err error) Answer {
	f := finding.Finding{Rule: pipeline.RuleFailure, Params: []finding.Param{finding.P("request", r.ID)}}
	status := http.StatusInternalServerError
	var own *store.Error
	if errors.As(err, &own) && own.Retry() || errors.Is(err, context.Canceled) {
		f, status = finding.Finding{Rule: store.RuleBusy}, http.StatusServiceUnavailable
	}
	a := s.Fault(r, status, f)
	a.Report.Failure = err
	return a
}
