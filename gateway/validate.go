package gateway

import (
	"net/http"
	"strconv"
	"time"

	"portti/gateway/validation"
	"portti/internal/finding"

	"github.com/rs/zerolog"
)

// validate is the door of the validation API. It has the limits of the SOAP door:
// the same greatest size, the same budget of octets in hand, the same patience.
func (s *Server) validate(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	req := validation.Request{ID: w.Header().Get("X-Request-Id"), Arrived: s.o.Now(), Wishes: validation.WishesOf(r), Peer: peerOf(r.TLS)}
	a, size, read := s.validated(w, r, req)
	h := w.Header()
	h.Set("Vary", "Accept, Accept-Language")
	if a.ContentType != "" {
		h.Set("Content-Type", a.ContentType)
		h.Set("Content-Language", string(a.Lang))
	}
	h.Set("Content-Length", strconv.Itoa(len(a.Body)))
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.limits.WriteTime))
	w.WriteHeader(a.Status)
	_, err := w.Write(a.Body)
	took := time.Since(read)
	s.metrics.observe(strconv.Itoa(a.Status), size, took, a.Report)
	s.logValidation(req, r, a, size, read.Sub(began), took, err)
}

// validated reads the request and has it judged; read is when its last octet came.
func (s *Server) validated(w http.ResponseWriter, r *http.Request, req validation.Request) (a validation.Answer, size int, read time.Time) {
	f, status := validation.Refuse(r)
	if s.stopping.Load() {
		f, status = &finding.Finding{Rule: RuleStopping, Place: finding.Place{Source: finding.SourceRequest}}, http.StatusServiceUnavailable
	}
	if f != nil {
		if status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", http.MethodPost)
		}
		return s.refuseValidation(w, req, status, *f), 0, time.Now()
	}
	body, held, err := s.body(w, r)
	defer s.budget.give(held)
	read = time.Now()
	if err != nil {
		f, status := s.bodyFault(err)
		return s.refuseValidation(w, req, status, f), len(body), read
	}
	req.Body = body
	return s.o.Validation.Answer(r.Context(), req), len(body), read
}

// refuseValidation answers a request that is not judged. The rest of its body is
// not read: the connection closes.
func (s *Server) refuseValidation(w http.ResponseWriter, req validation.Request, status int, f finding.Finding) validation.Answer {
	w.Header().Set("Connection", "close")
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "2")
	}
	return s.o.Validation.Fault(req, status, f)
}

// logValidation writes one line for a request, nothing of its content.
func (s *Server) logValidation(req validation.Request, r *http.Request, a validation.Answer, size int, reading, took time.Duration, err error) {
	rep := a.Report
	e := s.o.Log.Info()
	if rep.Failure != nil {
		e = s.o.Log.Error().AnErr("failure", rep.Failure)
	}
	stages := zerolog.Dict()
	for _, t := range rep.Timings {
		stages.Dur(t.Stage, t.Took)
	}
	e.Str("request", req.ID).Str("remote", r.RemoteAddr).Int("status", a.Status).Int("bytes", size).
		Str("service_request", rep.ServiceRequest).Str("verdict", string(rep.Verdict)).Strs("rules", rep.Rules).
		Int("document_bytes", rep.Document).Dur("reading_ms", reading).Dur("took_ms", took).Dict("stages_ms", stages).
		AnErr("unsent", err).Msg("validation")
}
