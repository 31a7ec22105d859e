package gateway

import (
	"context"
	"errors"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"portti/gateway/fhir"
	"portti/gateway/pipeline"
	"portti/gateway/soap"
	"portti/gateway/validation"
	"portti/gateway/web"
	"portti/internal/finding"
	"portti/wsdl"

	"github.com/rs/zerolog"
)

// Rules of the HTTP door; each stands in the catalogue.
const (
	RuleMethod     = "HTTP-METHOD-WRONG"
	RuleEncoding   = "HTTP-ENCODING-UNSUPPORTED"
	RuleIncomplete = "HTTP-BODY-INCOMPLETE"
	RuleSize       = "HTTP-SIZE-EXCEEDED"
	RuleBudget     = "HTTP-BUDGET-EXCEEDED"
	RuleStopping   = "HTTP-STOPPING"
)

// Rules lists every rule that this package can name itself.
var Rules = []string{RuleMethod, RuleEncoding, RuleIncomplete, RuleSize, RuleBudget, RuleStopping,
	RuleProofMissing, RuleProofCheckpoint, RuleProofRequest}

// routes are the doors for clients.
func (s *Server) routes(withMetrics bool) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/soap", s.traffic(s.forSystems(s.soap)))
	if s.o.Validation != nil {
		mux.HandleFunc(validation.Path, s.forSystems(s.validate))
	}
	if s.o.Notices != nil {
		mux.HandleFunc(fhir.Path, s.notices)
	}
	if s.o.Proofs != nil {
		mux.HandleFunc(proofsPath, s.forSystems(func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.limits.WriteTime))
			s.o.Proofs.ServeHTTP(w, r)
		}))
	}
	if s.o.Pages != nil {
		for _, p := range web.Patterns {
			mux.Handle(p, s.o.Pages)
		}
	}
	s.health(mux)
	if withMetrics {
		mux.Handle("GET /metrics", s.metrics.handler())
	}
	return s.guard(mux)
}

// traffic puts what stands around the SOAP door in its place.
func (s *Server) traffic(door http.Handler) http.Handler {
	if s.o.Traffic == nil {
		return door
	}
	return s.o.Traffic(door)
}

// adminRoutes are the doors for the operator.
func (s *Server) adminRoutes() http.Handler {
	mux := http.NewServeMux()
	s.health(mux)
	mux.Handle("GET /metrics", s.metrics.handler())
	mux.Handle("GET /operator", s.operator)
	mux.Handle("GET /assets/", s.operator)
	for pattern, h := range s.o.AdminPages {
		mux.Handle(pattern, h)
	}
	return s.guard(mux)
}

func (s *Server) health(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { line(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", s.readyz)
}

func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	switch {
	case s.stopping.Load():
		line(w, http.StatusServiceUnavailable, "stopping")
	case s.o.Ready == nil:
		line(w, http.StatusOK, "ready")
	default:
		if err := s.o.Ready(r.Context()); err != nil {
			s.o.Log.Warn().Err(err).Msg("not ready")
			text := "the archive is not ready for documents"
			var e *NotReady
			if errors.As(err, &e) {
				text += ": " + strings.Join(e.Failed, ", ")
			}
			line(w, http.StatusServiceUnavailable, text)
			return
		}
		line(w, http.StatusOK, "ready")
	}
}

func line(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n")) // a client that has gone is no fault of ours
}

// guard gives every answer its request id and safe headers, and bounds its writing.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Request-Id", s.o.NewID())
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		if !s.welcome(r) {
			h.Set("Connection", "close")
			line(w, http.StatusForbidden, "the client certificate is not trusted any more")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// welcome judges a client certificate anew: the connection may be older than what
// is known of it.
func (s *Server) welcome(r *http.Request) bool {
	if r.TLS == nil || s.o.TLS == nil || s.o.TLS.VerifyConnection == nil {
		return true
	}
	err := s.o.TLS.VerifyConnection(*r.TLS)
	if err != nil {
		s.o.Log.Warn().Err(err).Msg("client refused")
	}
	return err == nil
}

// soap is the door for messages.
func (s *Server) soap(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet && wantsWSDL(r) {
		s.describe(w, r)
		return
	}
	began := time.Now() // the machine's clock; the archive's may be another
	req := pipeline.Request{
		ID: w.Header().Get("X-Request-Id"), Arrived: s.o.Now(),
		ContentType: r.Header.Get("Content-Type"), SOAPAction: r.Header.Get("SOAPAction"), Peer: peerOf(r.TLS), Lane: laneOf(r),
	}
	a, size, read := s.answer(w, r, req)
	s.prove(w, r, a)
	w.Header().Set("Content-Type", a.ContentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(a.Body)))
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.limits.WriteTime))
	w.WriteHeader(a.Status)
	_, err := w.Write(a.Body)
	took := time.Since(read)
	s.metrics.observe(strconv.Itoa(a.Status), size, took, a.Report)
	s.log(req, r, a, size, read.Sub(began), took, err)
}

// LaneHeader is the HTTP header by which a client lets its messages wait for those of
// others: "bulk". It is a local assumption; nothing is gained by it but patience.
const LaneHeader = "X-Portti-Lane"

func laneOf(r *http.Request) pipeline.Lane {
	if strings.EqualFold(r.Header.Get(LaneHeader), "bulk") {
		return pipeline.Bulk
	}
	return pipeline.Interactive
}

func wantsWSDL(r *http.Request) bool {
	q := strings.ToLower(r.URL.RawQuery)
	return q == "wsdl" || strings.HasPrefix(q, "wsdl=") || strings.HasPrefix(q, "wsdl&")
}

// describe serves the WSDL with the address under which it was asked for.
func (s *Server) describe(w http.ResponseWriter, r *http.Request) {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	_, _ = w.Write(wsdl.Document(scheme + r.Host + "/soap"))
}

// answer reads the message and has it handled; read is when its last octet came.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, req pipeline.Request) (a pipeline.Answer, size int, read time.Time) {
	if f, status := s.refuse(r); f != nil {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(lingerTime))
		if status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", "POST")
		}
		return s.fault(w, req, status, *f), 0, time.Now()
	}
	body, held, err := s.body(w, r)
	defer s.budget.give(held)
	read = time.Now()
	if err != nil {
		f, status := s.bodyFault(err)
		return s.fault(w, req, status, f), len(body), read
	}
	req.Body = body
	return s.handle(r.Context(), w, req), len(body), read
}

// handle asks the Handler. It must not panic; if it does all the same, the panic's
// value, which may hold content, stays out of net/http's log.
func (s *Server) handle(ctx context.Context, w http.ResponseWriter, req pipeline.Request) (a pipeline.Answer) {
	defer func() {
		if p := recover(); p != nil {
			failed := finding.Finding{Rule: pipeline.RuleFailure, Params: []finding.Param{finding.P("request", req.ID)}}
			a = s.fault(w, req, http.StatusInternalServerError, failed)
			a.Report.Failure = &pipeline.PanicError{Value: p, Stack: debug.Stack()}
		}
	}()
	return s.o.Handler.Handle(ctx, req)
}

// refuse tells of a request whose body need not be read.
func (s *Server) refuse(r *http.Request) (*finding.Finding, int) {
	at := finding.Place{Source: finding.SourceRequest}
	if s.stopping.Load() {
		return &finding.Finding{Rule: RuleStopping, Place: at}, http.StatusServiceUnavailable
	}
	if r.Method != http.MethodPost {
		return &finding.Finding{Rule: RuleMethod, Place: at, Value: r.Method}, http.StatusMethodNotAllowed
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return &finding.Finding{Rule: RuleEncoding, Place: at, Value: e}, http.StatusUnsupportedMediaType
	}
	if _, f := soap.ParseMedia(r.Header.Get("Content-Type")); f != nil {
		return f, http.StatusUnsupportedMediaType
	}
	return nil, 0
}

func (s *Server) bodyFault(err error) (finding.Finding, int) {
	at := finding.Place{Source: finding.SourceRequest}
	switch {
	case errors.Is(err, errTooLarge):
		limit := finding.P("limit", strconv.FormatInt(s.limits.Message, 10))
		return finding.Finding{Rule: RuleSize, Place: at, Params: []finding.Param{limit}}, http.StatusRequestEntityTooLarge
	case errors.Is(err, errBudget):
		return finding.Finding{Rule: RuleBudget, Place: at}, http.StatusTooManyRequests
	default:
		return finding.Finding{Rule: RuleIncomplete, Place: at}, http.StatusBadRequest
	}
}

// fault answers without the pipeline, in the version that the media type tells.
// The rest of the body is not read: the connection closes.
func (s *Server) fault(w http.ResponseWriter, req pipeline.Request, status int, f finding.Finding) pipeline.Answer {
	w.Header().Set("Connection", "close")
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "2")
	}
	media, _ := soap.ParseMedia(req.ContentType)
	return pipeline.FaultAnswer(soap.Fault{
		Reply: soap.Reply{Version: media.Version}, Status: status, Sender: status < 500 && status != http.StatusTooManyRequests,
		Findings: []finding.Finding{f}, Profile: s.o.Profile, RequestID: req.ID,
	})
}

// log writes one line for a message: what was asked, how it was answered, how
// long it took. Nothing of its content.
func (s *Server) log(req pipeline.Request, r *http.Request, a pipeline.Answer, size int, reading, took time.Duration, err error) {
	rep := a.Report
	e := s.o.Log.Info()
	if rep.Failure != nil || a.Status >= 500 && rep.Verdict != pipeline.Fault {
		e = s.o.Log.Error().AnErr("failure", rep.Failure)
	}
	stages := zerolog.Dict()
	for _, t := range rep.Timings {
		stages.Dur(t.Stage, t.Took)
	}
	e.Str("request", req.ID).Str("remote", r.RemoteAddr).Int("status", a.Status).Int("bytes", size).
		Stringer("soap", rep.SOAP).Str("interaction", rep.Interaction).Str("service_request", rep.ServiceRequest).
		Str("verdict", string(rep.Verdict)).Str("outcome", rep.Outcome).Strs("rules", rep.Rules).
		Int("document_bytes", rep.Document).Str("peer", req.Peer.Organisation).
		Dur("reading_ms", reading).Dur("took_ms", took).Dict("stages_ms", stages).
		AnErr("unsent", err).Msg("message")
}
