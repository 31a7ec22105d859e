package pipeline

import (
	"time"

	"portti/gateway/soap"
	"portti/internal/finding"
)

// Peer is who stands at the other end of the connection, as TLS told. The zero
// Peer is unknown: no client certificate.
type Peer struct {
	// Organisation is the organisation's OID (subject serialNumber of a service
	// certificate, kanta-interface 15.1).
	Organisation string
	// Name is the system's name (subject CN of a service certificate).
	Name string
	// Fingerprint is the SHA-256 of the certificate in hexadecimal digits.
	Fingerprint string
}

// Known tells whether there was a client certificate.
func (p Peer) Known() bool { return p.Organisation != "" }

// Request is one SOAP request as it came over HTTP.
type Request struct {
	// ID is the request's own id, made by the gateway.
	ID string
	// Arrived is the time of arrival.
	Arrived time.Time
	// ContentType and SOAPAction are the HTTP headers of these names.
	ContentType, SOAPAction string
	// Body must not be changed until Handle has returned.
	Body []byte
	Peer Peer
	// Lane is that of a migration's messages or everyone's.
	Lane Lane
}

// Answer is what goes back over HTTP.
type Answer struct {
	Status      int
	ContentType string
	Body        []byte
	Report      Report
	// Archived is the id of the document that the answer says is in the archive, now or
	// before; "" where it says so of none.
	Archived string
}

// Verdict is the word of an acknowledgement (kanta-interface 8).
type Verdict string

// The verdicts: accepted; the document is at fault, do not resend; cannot take
// it now, resend.
const (
	Accepted Verdict = "CA"
	AtFault  Verdict = "CE"
	NotNow   Verdict = "CR"
	// Fault stands for a transport fault, which carries no acknowledgement.
	Fault Verdict = "fault"
)

// Report is what the technical log and the metrics are told of a request: no
// personal data, no identifier of a document or person.
type Report struct {
	SOAP soap.Version
	// Interaction is the message's name where it is a known one.
	Interaction, ServiceRequest string
	Verdict                     Verdict
	// Outcome is what the store did: "archived", "duplicate", "refused", "" where it was not asked.
	Outcome string
	// Rules are the rules of all findings, without repetition, in order.
	Rules    []string
	Timings  Timings
	Document int // bytes
	// Failure is an error of ours, for the log.
	Failure error
}

// Timings tells how long each stage took, in the order of the stages.
type Timings []Timing

// Timing is one stage's time.
type Timing struct {
	Stage string
	Took  time.Duration
}

// stopwatch measures stages one after another. It goes by the machine's own
// monotonic clock, whatever clock the archive has.
type stopwatch struct {
	last time.Time
	out  Timings
}

func newStopwatch() *stopwatch { return &stopwatch{last: time.Now()} }

// lap ends a stage and begins the next.
func (s *stopwatch) lap(stage string) {
	t := time.Now()
	s.out = append(s.out, Timing{stage, t.Sub(s.last)})
	s.last = t
}

// ruleNames gives each rule once, in order of first sight.
func ruleNames(fs []finding.Finding) []string {
	var out []string
	seen := make(map[string]bool, len(fs))
	for _, f := range fs {
		if !seen[f.Rule] {
			seen[f.Rule] = true
			out = append(out, f.Rule)
		}
	}
	return out
}
