package soap

import (
	"bufio"
	"encoding/xml"
	"io"
	"net/http"
	"strconv"

	"portti/cda/rules/catalogue"
	"portti/internal/finding"
)

// NSFault is the namespace of the detail of our faults.
const NSFault = "urn:portti:fault:1"

// Reply is the frame of an answer: the version and addressing of the request it
// answers.
type Reply struct {
	Version    Version
	Addressing Addressing
	// MessageID is the answer's own id (urn:uuid:…), used where the request has
	// addressing headers.
	MessageID string
	// Action is the answer's action, such as urn:hl7-org:v3:MCCI_IN000002UV01.
	Action string
	// NotUnderstood are header blocks that a SOAP 1.2 fault names (Part 1, 5.4.8).
	NotUnderstood []Name
}

// Name is the name of an element.
type Name struct{ Space, Local string }

// Write writes an envelope whose Body holds what body writes (one element).
func (r Reply) Write(w io.Writer, body func(io.Writer) error) error {
	bw := bufio.NewWriter(w)
	e := &emitter{w: bw}
	e.raw(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	e.raw(`<soap:Envelope xmlns:soap="` + r.Version.Namespace() + `">`)
	r.header(e)
	e.raw(`<soap:Body>`)
	if e.err != nil {
		return e.err
	}
	if err := body(bw); err != nil {
		return err
	}
	e.raw(`</soap:Body></soap:Envelope>` + "\n")
	if e.err != nil {
		return e.err
	}
	return bw.Flush()
}

// header answers addressing in the namespace of the request, and names what was
// not understood; nothing of both, no header.
func (r Reply) header(e *emitter) {
	if r.Addressing.Namespace == "" && len(r.NotUnderstood) == 0 {
		return
	}
	e.raw(`<soap:Header>`)
	for _, n := range r.NotUnderstood {
		e.raw(`<soap:NotUnderstood`)
		e.attr("xmlns:q", n.Space)
		e.attr("qname", "q:"+n.Local)
		e.raw(`/>`)
	}
	r.addressing(e)
	e.raw(`</soap:Header>`)
}

func (r Reply) addressing(e *emitter) {
	a := r.Addressing
	if a.Namespace == "" {
		return
	}
	anonymous := a.Namespace + "/anonymous"
	if a.Namespace == NSAddressing2004 {
		anonymous = a.Namespace + "/role/anonymous"
	}
	block := func(name, text string) {
		e.raw(`<wsa:` + name + ` xmlns:wsa="` + a.Namespace + `">`)
		e.text(text)
		e.raw(`</wsa:` + name + `>`)
	}
	block("Action", r.Action)
	block("MessageID", r.MessageID)
	if a.MessageID != "" {
		block("RelatesTo", a.MessageID)
	}
	block("To", anonymous)
}

// Fault is a transport fault: the findings that say why the message was not taken.
type Fault struct {
	Reply
	// Status is the HTTP status where the fault's own is not meant (413, 415,
	// 429 …); 0 chooses by version and blame.
	Status int
	// Sender tells that the request is at fault; else it is us.
	Sender   bool
	Findings []finding.Finding
	Profile  catalogue.Profile
	// RequestID is shown, so that a person who asks can be answered from the log.
	RequestID string
}

// HTTPStatus gives the status of the answer: SOAP 1.1 faults are always 500
// (SOAP 1.1, 6.2), SOAP 1.2 has 400 for the sender's faults (Part 2, table 20).
func (f Fault) HTTPStatus() int {
	switch {
	case f.Status != 0:
		return f.Status
	case f.Version == V12 && f.Sender && f.special() == "":
		return http.StatusBadRequest
	default:
		return http.StatusInternalServerError
	}
}

// special gives the fault codes that are the protocol's own.
func (f Fault) special() string {
	for _, x := range f.Findings {
		switch x.Rule {
		case RuleVersionUnknown:
			return "VersionMismatch"
		case RuleHeaderNotKnown:
			return "MustUnderstand"
		}
	}
	return ""
}

// Code gives the local name of the fault code in the fault's version.
func (f Fault) Code() string {
	if s := f.special(); s != "" {
		return s
	}
	switch {
	case f.Version == V12 && f.Sender:
		return "Sender"
	case f.Version == V12:
		return "Receiver"
	case f.Sender:
		return "Client"
	default:
		return "Server"
	}
}

// faultAction is the addressing action of a fault of ours (WS-Addressing 1.0
// SOAP Binding, 6).
const faultAction = "/soap/fault"

// WriteFault writes the envelope of a fault. A version that is unknown is
// answered in 1.1, as SOAP 1.2 Part 1, appendix A asks.
func WriteFault(w io.Writer, f Fault) error {
	if f.Version == Unknown {
		f.Version = V11
	}
	f.Action = f.Addressing.Namespace + faultAction
	f.NotUnderstood = f.notUnderstood()
	return f.Write(w, func(w io.Writer) error {
		e := &emitter{w: w}
		if f.Version == V12 {
			f.body12(e)
		} else {
			f.body11(e)
		}
		return e.err
	})
}

// notUnderstood gives the header blocks for SOAP 1.2; a block without namespace
// has no name that a prefix could give.
func (f Fault) notUnderstood() []Name {
	if f.Version != V12 {
		return nil
	}
	var out []Name
	for _, x := range f.Findings {
		if x.Rule == RuleHeaderNotKnown && len(x.Params) == 1 && x.Params[0].Value != "" {
			out = append(out, Name{x.Params[0].Value, x.Value})
		}
	}
	return out
}

func (f Fault) body11(e *emitter) {
	e.raw(`<soap:Fault>`)
	e.element("faultcode", "soap:"+f.Code())
	e.element("faultstring", f.reason(catalogue.English))
	if f.special() != "MustUnderstand" { // header faults carry no detail (SOAP 1.1, 4.4)
		e.raw(`<detail>`)
		f.detail(e)
		e.raw(`</detail>`)
	}
	e.raw(`</soap:Fault>`)
}

func (f Fault) body12(e *emitter) {
	e.raw(`<soap:Fault><soap:Code>`)
	e.element("soap:Value", "soap:"+f.Code())
	e.raw(`</soap:Code><soap:Reason>`)
	for _, l := range []catalogue.Lang{catalogue.English, catalogue.Finnish, catalogue.Swedish} {
		e.raw(`<soap:Text xml:lang="` + string(l) + `">`)
		e.text(f.reason(l))
		e.raw(`</soap:Text>`)
	}
	e.raw(`</soap:Reason>`)
	if f.special() != "MustUnderstand" {
		e.raw(`<soap:Detail>`)
		f.detail(e)
		e.raw(`</soap:Detail>`)
	}
	e.raw(`</soap:Fault>`)
}

// reason is the first finding in one sentence with rule and place.
func (f Fault) reason(l catalogue.Lang) string {
	if len(f.Findings) == 0 {
		return "system failure"
	}
	r := catalogue.Default().Resolve(f.Findings[0], f.Profile, l)
	s := "[" + r.Rule + "] "
	if r.Line > 0 {
		s += strconv.Itoa(r.Line) + ":" + strconv.Itoa(r.Column) + ": "
	}
	return s + r.Message
}

// detail writes every finding with its texts in three languages.
func (f Fault) detail(e *emitter) {
	e.raw(`<p:findings xmlns:p="` + NSFault + `"`)
	e.attr("request", f.RequestID)
	e.raw(`>`)
	for _, x := range f.Findings {
		writeFinding(e, x, f.Profile)
	}
	e.raw(`</p:findings>`)
}

func writeFinding(e *emitter, x finding.Finding, p catalogue.Profile) {
	c := catalogue.Default()
	r := c.Resolve(x, p, catalogue.English)
	e.raw(`<p:finding`)
	e.attr("rule", r.Rule)
	e.attr("severity", r.Severity.String())
	e.attr("stage", string(r.Stage))
	e.attr("source", string(r.Source))
	if r.Line > 0 {
		e.attr("line", strconv.Itoa(r.Line))
		e.attr("column", strconv.Itoa(r.Column))
	}
	e.attr("retry", strconv.FormatBool(r.Retry))
	e.raw(`>`)
	e.optional("p:xpath", r.XPath)
	e.optional("p:value", r.Value)
	for _, l := range []catalogue.Lang{catalogue.Finnish, catalogue.Swedish, catalogue.English} {
		in := c.Resolve(x, p, l)
		e.raw(`<p:message xml:lang="` + string(l) + `">`)
		e.text(in.Message)
		e.raw(`</p:message><p:hint xml:lang="` + string(l) + `">`)
		e.text(in.Hint)
		e.raw(`</p:hint>`)
	}
	e.optional("p:reference", r.Reference)
	e.raw(`</p:finding>`)
}

// emitter writes XML and keeps the first error.
type emitter struct {
	w   io.Writer
	err error
}

func (e *emitter) raw(s string) {
	if e.err == nil {
		_, e.err = io.WriteString(e.w, s)
	}
}

func (e *emitter) text(s string) {
	if e.err == nil {
		e.err = xml.EscapeText(e.w, []byte(s))
	}
}

func (e *emitter) attr(name, value string) {
	e.raw(` ` + name + `="`)
	e.text(value)
	e.raw(`"`)
}

func (e *emitter) element(name, text string) {
	e.raw(`<` + name + `>`)
	e.text(text)
	e.raw(`</` + name + `>`)
}

func (e *emitter) optional(name, text string) {
	if text != "" {
		e.element(name, text)
	}
}
