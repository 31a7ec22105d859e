// Package gateway is the server: listeners, TLS, limits, routes and life cycle.
// What a message means is package pipeline's; the gateway brings its octets in
// and its answer out.
//
//	POST /soap            SOAP 1.1 and 1.2 (also MTOM)
//	GET  /soap?wsdl       the description of the door
//	POST /shark-validointi/validoi/asiakirja/tulos   the validation API (package validation)
//	GET  /                pages for people: error catalogue, workbench, archivist (package web)
//	POST /fhir            disclosure notices (package fhir)
//	GET  /proofs/…        proofs of integrity (proofs.go)
//	GET  /healthz         the process answers
//	GET  /readyz          documents should be sent
//	GET  /metrics         Prometheus; on the admin listener, else on loopback only
//
// Limits have clear answers, each a SOAP Fault with a finding: 413 for a message
// too large, 415 for a type not taken, 429 when too many octets are in hand, 503
// while stopping. A slow sender loses its connection. Stop finishes what was
// accepted.
//
// The technical log tells request id, sizes, times, verdict and rule ids; never
// identity codes, names or content (SEC-1).
package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	stdlog "log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"portti/cda/rules/catalogue"
	"portti/gateway/fhir"
	"portti/gateway/pipeline"
	"portti/gateway/validation"
	"portti/gateway/web"

	"github.com/rs/zerolog"
)

// Handler takes a request to its answer; *pipeline.Pipeline is one. It must not
// panic and must be safe for concurrent use.
type Handler interface {
	Handle(context.Context, pipeline.Request) pipeline.Answer
}

// Limits bound what is taken. Zero fields mean their defaults.
type Limits struct {
	// Message is the greatest size of a request in bytes.
	Message int64
	// InFlight is the greatest number of bytes of all requests in hand; default 256 MB.
	InFlight int64
	// Header is the greatest size of the HTTP headers; default 16 KB.
	Header int
	// Connections is the greatest number of open connections; default 2,000.
	Connections int
	// HeaderTime and IdleTime bound how long a client may take for its headers and
	// between requests; defaults 10 s and 60 s.
	HeaderTime, IdleTime time.Duration
	// BodyGrace and BodyRate bound a slow body: it must be at rate bytes a second
	// on average after the grace; defaults 10 s and 16 KB/s.
	BodyGrace time.Duration
	BodyRate  int64
	// WriteTime bounds writing an answer; default 30 s.
	WriteTime time.Duration
}

func (l Limits) withDefaults() Limits {
	def64 := func(v *int64, d int64) {
		if *v <= 0 {
			*v = d
		}
	}
	defInt := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	defTime := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	def64(&l.Message, MessageLimit(20<<20))
	def64(&l.InFlight, 256<<20)
	def64(&l.BodyRate, 16<<10)
	defInt(&l.Header, 16<<10)
	defInt(&l.Connections, 2000)
	defTime(&l.HeaderTime, 10*time.Second)
	defTime(&l.IdleTime, 60*time.Second)
	defTime(&l.BodyGrace, 10*time.Second)
	defTime(&l.WriteTime, 30*time.Second)
	return l
}

// MessageLimit gives the message limit that goes with a document limit: the
// document as base64 and 1 MB for frame and envelope.
func MessageLimit(document int64) int64 { return document/3*4 + 4 + 1<<20 }

// Options configure a Server.
type Options struct {
	// Handler and Profile (of fault texts) are required.
	Handler Handler
	Profile catalogue.Profile
	// Prove gives the proof of integrity of an archived document; nil gives none.
	Prove func(ctx context.Context, document string) ([]byte, error)
	// Proofs is the door of proofs of integrity; nil leaves it out.
	Proofs http.Handler
	// Validation is the validation API; nil leaves the door out.
	Validation *validation.Service
	// Notices is the door of disclosure notices; nil leaves it out.
	Notices *fhir.Service
	// Pages are the pages for people (package web); nil leaves them out.
	Pages http.Handler
	// Traffic, where set, stands around the SOAP door: it may watch, delay or answer
	// in its place (package conformance/observe). AdminPages are further pages of the
	// admin listener by pattern.
	Traffic    func(http.Handler) http.Handler
	AdminPages map[string]http.Handler
	// Listen is the address of plain HTTP, TLSListen of HTTPS, Admin of the
	// operator's pages; "" leaves a listener out.
	Listen, TLSListen, Admin string
	// TLS is required with TLSListen; see TLSConfig.
	TLS    *tls.Config
	Limits Limits
	// Ready tells why documents should not be sent now: they would be refused, or it is
	// near (a full disk); nil means that they should.
	Ready func(context.Context) error
	Log   zerolog.Logger
	// State is what the operator's page tells beside the metrics; nil for nothing.
	State func() web.OperatorState
	// Lang is the language of the operator's page; Versions are what it tells of: name
	// and version by turns.
	Lang     catalogue.Lang
	Versions []string
	// Now and NewID give time and request ids.
	Now   func() time.Time
	NewID func() string
}

// Server is the gateway. Make it with New, then Start, then Stop.
type Server struct {
	o        Options
	limits   Limits
	budget   *budget
	metrics  *metrics
	servers  []*http.Server
	addrs    [3]net.Addr
	stopping atomic.Bool
	failed   chan error
	operator *web.Operator
	// ended ends what runs beside the listeners; watching waits for it.
	ended    context.CancelFunc
	watching sync.WaitGroup
}

// The listeners, as indices of Server.addrs.
const (
	plain = iota
	secure
	admin
)

// New makes a server that does not listen yet.
func New(o Options) (*Server, error) {
	if o.Handler == nil || o.Now == nil || o.NewID == nil {
		return nil, errors.New("gateway: Handler, Now and NewID are required")
	}
	if o.TLSListen != "" && o.TLS == nil {
		return nil, errors.New("gateway: TLSListen needs TLS")
	}
	if o.Listen == "" && o.TLSListen == "" {
		return nil, errors.New("gateway: nothing to listen on")
	}
	s := &Server{o: o, limits: o.Limits.withDefaults(), failed: make(chan error, 3)}
	s.budget = &budget{limit: s.limits.InFlight}
	s.metrics = newMetrics(s.budget)
	s.operator = web.NewOperator(web.OperatorOptions{Lang: o.Lang, Gatherer: s.metrics.registry, Ready: o.Ready, State: o.State, Versions: o.Versions, Now: o.Now})
	return s, nil
}

// Start begins to listen; it returns when every listener stands. Failed tells if
// one falls later.
func (s *Server) Start() error {
	for i, l := range []struct {
		addr    string
		tls     *tls.Config
		handler http.Handler
	}{
		{s.o.Listen, nil, s.routes(s.o.Admin == "" && loopback(s.o.Listen))},
		{s.o.TLSListen, s.o.TLS, s.routes(false)},
		{s.o.Admin, nil, s.adminRoutes()},
	} {
		if l.addr == "" {
			continue
		}
		if err := s.listen(i, l.addr, l.tls, l.handler); err != nil {
			return errors.Join(err, s.Stop(context.Background()))
		}
	}
	if s.o.Admin != "" {
		s.watch()
	}
	return nil
}

// watch lets the operator's page look at the metrics until the server stops.
func (s *Server) watch() {
	ctx, cancel := context.WithCancel(context.Background())
	s.ended = cancel
	s.watching.Go(func() { s.operator.Run(ctx) })
}

func (s *Server) listen(i int, addr string, tc *tls.Config, h http.Handler) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("gateway: %w", err)
	}
	s.addrs[i] = ln.Addr()
	ln = limitListener(ln, s.limits.Connections)
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: s.limits.HeaderTime,
		IdleTimeout:       s.limits.IdleTime,
		MaxHeaderBytes:    s.limits.Header,
		TLSConfig:         tc,
		ErrorLog:          stdlog.New(httpLog{s.o.Log}, "", 0),
	}
	s.servers = append(s.servers, srv)
	go func() {
		serve := srv.Serve
		if tc != nil {
			serve = func(l net.Listener) error { return srv.ServeTLS(l, "", "") }
		}
		if err := serve(ln); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- err
		}
	}()
	return nil
}

// httpLog takes the lines that net/http itself writes (TLS handshakes and the
// like) into our log; they hold addresses, no content.
type httpLog struct{ log zerolog.Logger }

func (h httpLog) Write(b []byte) (int, error) {
	h.log.Warn().Msg(string(trimLine(b)))
	return len(b), nil
}

func trimLine(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == '\n' {
		b = b[:len(b)-1]
	}
	return b
}

// Failed gives the error of a listener that fell.
func (s *Server) Failed() <-chan error { return s.failed }

// Addr is where plain HTTP is listened to, nil where not; TLSAddr and AdminAddr
// likewise.
func (s *Server) Addr() net.Addr { return s.addrs[plain] }

// TLSAddr is where HTTPS is listened to.
func (s *Server) TLSAddr() net.Addr { return s.addrs[secure] }

// AdminAddr is where the operator's pages are.
func (s *Server) AdminAddr() net.Addr { return s.addrs[admin] }

// Stop takes no new messages, finishes those in hand and closes the listeners.
// When ctx ends first the rest is cut off and ctx's error returned.
func (s *Server) Stop(ctx context.Context) error {
	s.stopping.Store(true)
	if s.ended != nil {
		s.ended()
		s.watching.Wait()
	}
	var errs []error
	for _, srv := range s.servers {
		if err := srv.Shutdown(ctx); err != nil {
			errs = append(errs, err, srv.Close())
		}
	}
	return errors.Join(errs...)
}

// loopback tells whether an address reaches this machine only.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
