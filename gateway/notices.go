package gateway

import (
	"net/http"
	"strconv"
	"time"

	"portti/gateway/fhir"
	"portti/internal/finding"
)

// notices is the door of disclosure notices. It has the limits of the SOAP door.
func (s *Server) notices(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	h := r.Header
	req := fhir.Request{ID: w.Header().Get("X-Request-Id"), Arrived: s.o.Now(), ContentType: h.Get("Content-Type"),
		Accept: h.Get("Accept"), Accent: h.Get("Accept-Language"), Authorization: h.Get("Authorization"), Peer: peerOf(r.TLS)}
	a, size, read := s.noticed(w, r, req)
	w.Header().Set("Vary", "Accept, Accept-Language")
	w.Header().Set("Content-Type", a.ContentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(a.Body)))
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.limits.WriteTime))
	w.WriteHeader(a.Status)
	_, err := w.Write(a.Body)
	took := time.Since(read)
	s.metrics.observe(strconv.Itoa(a.Status), size, took, a.Report)
	e := s.o.Log.Info()
	if a.Report.Failure != nil {
		e = s.o.Log.Error().AnErr("failure", a.Report.Failure)
	}
	e.Str("request", req.ID).Str("remote", r.RemoteAddr).Int("status", a.Status).Int("bytes", size).
		Str("verdict", string(a.Report.Verdict)).Str("outcome", a.Report.Outcome).Strs("rules", a.Report.Rules).
		Str("peer", req.Peer.Organisation).Dur("reading_ms", read.Sub(began)).Dur("took_ms", took).AnErr("unsent", err).Msg("notice")
}

// noticed reads the request and has it answered; read is when its last octet came.
func (s *Server) noticed(w http.ResponseWriter, r *http.Request, req fhir.Request) (a fhir.Answer, size int, read time.Time) {
	f, status := s.refuseNotice(r)
	if f != nil {
		if status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", http.MethodPost)
		}
		return s.unread(w, req, status, *f), 0, time.Now()
	}
	body, held, err := s.body(w, r)
	defer s.budget.give(held)
	read = time.Now()
	if err != nil {
		f, status := s.bodyFault(err)
		return s.unread(w, req, status, f), len(body), read
	}
	req.Body = body
	return s.o.Notices.Answer(r.Context(), req), len(body), read
}

// refuseNotice tells of a request whose body need not be read.
func (s *Server) refuseNotice(r *http.Request) (*finding.Finding, int) {
	at := finding.Place{Source: finding.SourceRequest}
	switch {
	case s.stopping.Load():
		return &finding.Finding{Rule: RuleStopping, Place: at}, http.StatusServiceUnavailable
	case r.Method != http.MethodPost:
		return &finding.Finding{Rule: RuleMethod, Place: at, Value: r.Method}, http.StatusMethodNotAllowed
	case r.Header.Get("Content-Encoding") != "":
		return &finding.Finding{Rule: RuleEncoding, Place: at}, http.StatusUnsupportedMediaType
	}
	return fhir.Refuse(r)
}

// unread answers without the service. The rest of the body is not read: the
// connection closes.
func (s *Server) unread(w http.ResponseWriter, req fhir.Request, status int, f finding.Finding) fhir.Answer {
	w.Header().Set("Connection", "close")
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "2")
	}
	return s.o.Notices.Fault(req, status, f)
}
