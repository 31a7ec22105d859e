package observe

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"time"

	"portti/cda"
	"portti/cda/frame"
	"portti/conformance/wire"
	"portti/internal/finding"
)

// Knob is a way to answer otherwise than the archive would, so that a client's
// handling is tested too.
type Knob struct {
	Name string
	// Stores tells that the archive behind gets the message all the same.
	Stores bool
	// Resend tells that the client must send the same bytes again afterwards; where
	// it is false it must not, or need not.
	Resend bool
	// Why tells what the knob does, in a few words.
	Why string
	// answer writes the answer; real is the archive's, nil where it was not asked.
	answer func(*turn, *recorded)
}

// turn is one message that a knob answers.
type turn struct {
	*Observer
	w   http.ResponseWriter
	r   *http.Request
	msg *message
}

// Knobs lists the knobs by name.
var Knobs = map[string]*Knob{}

func init() {
	for _, k := range []*Knob{
		{Name: "delay", Stores: true, Why: "the answer comes late", answer: func(t *turn, real *recorded) { t.Wait(t.r.Context(), t.Delay); real.write(t.w) }},
		{Name: "timeout", Resend: true, Why: "no answer; the connection is held, then closed", answer: func(t *turn, _ *recorded) { t.Wait(t.r.Context(), t.Hold); cut() }},
		{Name: "lost-request", Resend: true, Why: "the connection closes before the archive has the message", answer: func(*turn, *recorded) { cut() }},
		{Name: "lost-answer", Stores: true, Resend: true, Why: "stored, but the answer is lost", answer: func(*turn, *recorded) { cut() }},
		{Name: "half-answer", Stores: true, Resend: true, Why: "the answer breaks off half way", answer: half},
		{Name: "drip", Stores: true, Why: "the answer comes a few bytes at a time", answer: drip},
		{Name: "refusal", Why: "CE: the document is at fault", answer: func(t *turn, _ *recorded) { t.acknowledge(frame.Refused, nil) }},
		{Name: "not-now", Resend: true, Why: "CR: cannot take it now", answer: func(t *turn, _ *recorded) { t.acknowledge(frame.NotNow, nil) }},
		{Name: "stored-not-now", Stores: true, Resend: true, Why: "stored, but answered CR", answer: func(t *turn, _ *recorded) { t.acknowledge(frame.NotNow, nil) }},
		{Name: "fault-server", Resend: true, Why: "a SOAP Fault of the server", answer: func(t *turn, _ *recorded) { t.fault(http.StatusInternalServerError, "Server") }},
		{Name: "fault-client", Why: "a SOAP Fault of the client", answer: func(t *turn, _ *recorded) { t.fault(http.StatusInternalServerError, "Client") }},
		{Name: "busy", Resend: true, Why: "HTTP 503 with Retry-After", answer: func(t *turn, _ *recorded) { t.plain(http.StatusServiceUnavailable, "busy") }},
		{Name: "too-many", Resend: true, Why: "HTTP 429 with Retry-After", answer: func(t *turn, _ *recorded) { t.plain(http.StatusTooManyRequests, "too many requests") }},
		{Name: "gateway-page", Resend: true, Why: "HTTP 502 with a proxy's HTML page", answer: func(t *turn, _ *recorded) { t.page() }},
		{Name: "empty-answer", Stores: true, Resend: true, Why: "HTTP 200 without a body", answer: func(t *turn, _ *recorded) { t.plain(http.StatusOK, "") }},
		{Name: "wrong-target", Resend: true, Why: "CA for another message", answer: func(t *turn, _ *recorded) {
			t.acknowledge(frame.Accepted, func(a *frame.Acknowledgement) { a.Target.Extension += "0" })
		}},
		{Name: "unknown-code", Resend: true, Why: "an acknowledgement with a code that there is not", answer: func(t *turn, _ *recorded) { t.acknowledge("CX", nil) }},
		{Name: "child-form", Stores: true, Why: "CA with typeCode as an element", answer: func(t *turn, _ *recorded) {
			t.acknowledge(frame.Accepted, func(a *frame.Acknowledgement) { a.ChildForm = true })
		}},
		{Name: "many-remarks", Stores: true, Why: "CA with hundreds of remarks", answer: func(t *turn, _ *recorded) { t.acknowledge(frame.Accepted, remarks) }},
		{Name: "close-after", Stores: true, Why: "the connection closes after a whole answer", answer: func(t *turn, real *recorded) {
			t.w.Header().Set("Connection", "close")
			real.write(t.w)
		}},
	} {
		Knobs[k.Name] = k
	}
}

// cut ends the connection without an answer.
func cut() { panic(http.ErrAbortHandler) }

func half(t *turn, real *recorded) {
	real.head(t.w)
	_, _ = t.w.Write(real.body.Bytes()[:real.body.Len()/2]) // the client may be gone
	_ = http.NewResponseController(t.w).Flush()
	cut()
}

func drip(t *turn, real *recorded) {
	real.head(t.w)
	const portion = 64
	for b := real.body.Bytes(); len(b) > 0; {
		n := min(portion, len(b))
		_, _ = t.w.Write(b[:n])
		_ = http.NewResponseController(t.w).Flush()
		b = b[n:]
	}
}

func remarks(a *frame.Acknowledgement) {
	for i := range 500 {
		a.Details = append(a.Details, frame.Detail{Severity: finding.Info, Rule: "CODE-UNCHECKED", Text: fmt.Sprintf("remark %d", i+1)})
	}
}

// acknowledge answers in the archive's name.
func (t *turn) acknowledge(code frame.AckCode, change func(*frame.Acknowledgement)) {
	var details []frame.Detail
	if code != frame.Accepted {
		details = []frame.Detail{{Severity: finding.Error, Text: "The joint test answers so (portti conformance observe)."}}
	}
	a := frame.AckFor(t.msg.frame, cda.ID{Root: t.Root, Extension: t.NewID()}, t.Now(), code, details)
	if change != nil {
		change(a)
	}
	var b bytes.Buffer
	// A bytes.Buffer takes everything; the frame was read, so that nothing lacks.
	_ = frame.WriteAck(&b, a)
	t.envelope(http.StatusOK, b.String())
}

func (t *turn) envelope(status int, content string) {
	ns, media := wire.NS11, "text/xml; charset=utf-8"
	if t.msg.soap == "1.2" {
		ns, media = wire.NS12, "application/soap+xml; charset=utf-8"
	}
	t.w.Header().Set("Content-Type", media)
	t.w.WriteHeader(status)
	fmt.Fprintf(t.w, `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="%s"><s:Body>%s</s:Body></s:Envelope>`, ns, content)
}

func (t *turn) fault(status int, who string) {
	text := "The joint test answers so (portti conformance observe)."
	content := "<s:Fault><faultcode>s:" + who + "</faultcode><faultstring>" + text + "</faultstring></s:Fault>"
	if t.msg.soap == "1.2" {
		who = map[string]string{"Server": "Receiver", "Client": "Sender"}[who]
		content = "<s:Fault><s:Code><s:Value>s:" + who + `</s:Value></s:Code><s:Reason><s:Text xml:lang="en">` + text + "</s:Text></s:Reason></s:Fault>"
	}
	t.envelope(status, content)
}

func (t *turn) plain(status int, text string) {
	if status != http.StatusOK {
		t.w.Header().Set("Retry-After", "1")
	}
	t.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	t.w.WriteHeader(status)
	_, _ = t.w.Write([]byte(text))
}

func (t *turn) page() {
	t.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	t.w.WriteHeader(http.StatusBadGateway)
	_, _ = t.w.Write([]byte("<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway<p></body></html>"))
}

// recorded is an answer kept back.
type recorded struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (r *recorded) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *recorded) WriteHeader(status int) { r.status = status }

// Write implements http.ResponseWriter.
func (r *recorded) Write(b []byte) (int, error) { return r.body.Write(b) }

// SetReadDeadline and SetWriteDeadline let the door bound what it does not write to.
func (r *recorded) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements what http.ResponseController asks for.
func (r *recorded) SetWriteDeadline(time.Time) error { return nil }

func (r *recorded) head(w http.ResponseWriter) {
	for k, v := range r.header {
		if !strings.EqualFold(k, "Connection") {
			w.Header()[k] = v
		}
	}
	w.WriteHeader(r.status)
}

func (r *recorded) write(w http.ResponseWriter) {
	r.head(w)
	_, _ = w.Write(r.body.Bytes()) // a client that has gone is no fault of ours
}
