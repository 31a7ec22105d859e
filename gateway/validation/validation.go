// Package validation is the validation API: POST
// /shark-validointi/validoi/asiakirja/tulos, compatible with its public clients
// (kanta-interface 1).
//
// A request is a JSON object of five strings: messageId, palveluPyynto, level,
// siirtokehysXml (the transfer frame) and asiakirjaXml (the CDA document). A valid
// document is answered by 200 without a body; anything else by a JSON object with
// code and description, in which the errors stand as "1: …; 2: …;", each with its
// rule in brackets. What asks by `Accept: application/problem+json` or `?detail=1`
// is told every finding: an object with verdict, document and findings as
// `portti validate --format json` writes it, for an invalid document as problem
// details (RFC 9457).
//
// The engine is pipeline.Judge, the same as that of the SOAP door and of `portti
// validate`, so that the findings about a document are the same. The frame may
// hold a placeholder instead of the MIME package: the document comes beside it.
//
// The package knows no limits of HTTP: the gateway reads the body and asks Refuse
// before and Answer after.
package validation

import (
	"context"
	"errors"
	"net/http"
	"runtime/debug"
	"time"

	"portti/cda/frame"
	"portti/cda/rules"
	"portti/cda/rules/catalogue"
	"portti/cda/rules/report"
	"portti/gateway/pipeline"
	"portti/gateway/soap"
	"portti/internal/finding"
	"portti/internal/xmltree"
)

// Path is the address of the API.
const Path = "/shark-validointi/validoi/asiakirja/tulos"

// Options configure a Service.
type Options struct {
	// Judge is the engine; required.
	Judge *pipeline.Judge
	// FrameLimits bound the frame's XML.
	FrameLimits xmltree.Limits
	// Lang is the language of answers where the client asks for none.
	Lang catalogue.Lang
	// Parallel is how many requests are judged at a time; required. The gateway
	// gives it fewer places than it has processors, so that archiving goes on.
	Parallel int
	// Try tells what access and the archive would say; nil where there is none.
	Try func(context.Context, pipeline.Trial) ([]finding.Finding, error)
	// Errors is the address of the page of a rule, the rule's id left out; it is
	// the type of problem details.
	Errors string
}

// Service answers requests. It is safe for concurrent use.
type Service struct {
	Options
	places chan struct{}
}

// New makes a Service.
func New(o Options) (*Service, error) {
	if o.Judge == nil || o.Parallel < 1 {
		return nil, errors.New("validation: Judge and Parallel are required")
	}
	if o.Lang == "" {
		o.Lang = catalogue.English
	}
	return &Service{Options: o, places: make(chan struct{}, o.Parallel)}, nil
}

// Request is one request as it came over HTTP.
type Request struct {
	// ID is the request's own id, made by the gateway, Arrived when it came.
	ID      string
	Arrived time.Time
	// Wishes are what the client wants to be told.
	Wishes Wishes
	// Peer is the client as its certificate tells it.
	Peer pipeline.Peer
	// Body is the JSON. Answer writes into it.
	Body []byte
}

// Answer is what goes back over HTTP.
type Answer struct {
	Status int
	// ContentType is empty where there is no body.
	ContentType string
	// Lang is the language of the texts.
	Lang   catalogue.Lang
	Body   []byte
	Report pipeline.Report
}

// outcome is what came of a request.
type outcome struct {
	findings []finding.Finding
	decision pipeline.Decision
	// judged is nil where there was no document to judge.
	judged  *pipeline.Judgement
	bytes   int // of the document
	frame   *frame.Frame
	timings pipeline.Timings
	// faulty tells that the request itself is at fault, not only what it carries.
	faulty  bool
	failure error
}

// Answer judges a request. It does not panic.
func (s *Service) Answer(ctx context.Context, req Request) Answer {
	select {
	case s.places <- struct{}{}:
	case <-ctx.Done():
		return s.Fault(req, http.StatusServiceUnavailable, finding.Finding{Rule: ruleFailure, Params: requestParam(req)})
	}
	o := s.judge(ctx, req)
	<-s.places
	a := s.answer(req, o)
	a.Report.Timings, a.Report.Document = o.timings, o.bytes
	if o.frame != nil && o.frame.Request != nil {
		a.Report.ServiceRequest = o.frame.Request.Code
	}
	return a
}

func requestParam(req Request) []finding.Param {
	return []finding.Param{finding.P("request", req.ID)}
}

// judge goes the message's way up to the rules.
func (s *Service) judge(ctx context.Context, req Request) (o *outcome) {
	o = &outcome{}
	defer func() {
		if p := recover(); p != nil {
			o.failure = &pipeline.PanicError{Value: p, Stack: debug.Stack()}
		}
	}()
	began := time.Now()
	lap := func(stage string) {
		now := time.Now()
		o.timings = append(o.timings, pipeline.Timing{Stage: stage, Took: now.Sub(began)})
		began = now
	}
	r := read(req.Body)
	o.findings = r.findings
	o.faulty = pipeline.Decide(r.findings, nil, s.Judge.Profile) == pipeline.Reject
	lap("request")
	o.failure = s.judgeFrame(o, r)
	lap("frame")
	if o.failure == nil {
		s.judgeDocument(o, r, req.Arrived)
	}
	if o.failure == nil && req.Wishes.Archive {
		o.failure = s.try(ctx, o, req)
	}
	o.decision = max(o.decision, pipeline.Decide(o.findings, nil, s.Judge.Profile))
	if o.judged == nil {
		o.decision = pipeline.Reject
	}
	return o
}

// judgeFrame judges the frame without its package; the error is a failure of ours.
func (s *Service) judgeFrame(o *outcome, r *content) error {
	if len(r.frame) == 0 {
		return nil
	}
	text, fs := frameCarried.carried(r.frame)
	o.findings = append(o.findings, fs...)
	tree, err := xmltree.Parse(text, s.FrameLimits)
	if err != nil {
		o.findings = append(o.findings, soap.SyntaxFinding(err, finding.SourceFrame, ""))
		return nil
	}
	f, fs, err := s.Judge.Frame(tree, tree.Root())
	o.findings = append(o.findings, fs...)
	if f.Fatal || err != nil {
		return err
	}
	o.frame = f
	if f.Interaction.Kind != "store" {
		o.findings = append(o.findings, finding.Finding{
			Rule: RuleFrameKind, Place: tree.Place(f.Root, finding.SourceFrame), Value: f.Name(),
		})
	}
	if inFrame := f.ServiceRequest.Code; inFrame != "" && r.serviceRequest != "" && inFrame != r.serviceRequest {
		o.findings = append(o.findings, finding.Finding{
			Rule: RuleRequestDiffers, Place: r.place, Value: r.serviceRequest, Params: []finding.Param{finding.P("frame", inFrame)},
		})
	}
	return nil
}

// judgeDocument judges the document by the engine that every door has.
func (s *Service) judgeDocument(o *outcome, r *content, arrived time.Time) {
	if len(r.document) == 0 {
		return
	}
	text, fs := documentCarried.carried(r.document)
	o.bytes = len(text)
	j := s.Judge.Document(pipeline.Input{Frame: o.frame, Document: text, Arrived: arrived})
	o.judged, o.decision, o.failure = j, j.Decision, j.Failure
	o.findings = append(append(o.findings, fs...), j.Findings...)
	o.timings = append(o.timings, j.Timings...)
}

// try holds a judged document with its frame against the archive, without archiving.
// The error is a failure of ours, or of an archive that can take nothing now.
func (s *Service) try(ctx context.Context, o *outcome, req Request) error {
	if s.Try == nil || o.frame == nil || o.judged == nil || o.judged.Document == nil {
		return nil
	}
	fs, err := s.Try(ctx, pipeline.Trial{
		Peer: req.Peer, Frame: o.frame, Judged: o.judged, Arrived: req.Arrived,
		Refused: pipeline.Decide(o.findings, nil, s.Judge.Profile) == pipeline.Reject,
	})
	o.findings = append(o.findings, fs...)
	return err
}

// result is the outcome as every door tells it.
func (o *outcome) result(p catalogue.Profile, lang catalogue.Lang) report.Result {
	r := report.Result{Verdict: rules.Verdict(o.decision.String()), Findings: make([]catalogue.Resolved, len(o.findings))}
	for i, f := range o.findings {
		r.Findings[i] = catalogue.Default().Resolve(f, p, lang)
	}
	if o.judged != nil && o.judged.Document != nil {
		d := o.judged.Document
		r.Document = &report.Document{ID: d.ID.Root, SetID: d.SetID.Root, Version: d.Version.Value}
	}
	return r
}
