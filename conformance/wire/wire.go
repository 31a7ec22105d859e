// Package wire speaks to an archive as a client does, over HTTP alone: envelopes
// of its own making, also wrong ones, and answers read without trust.
package wire

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf16"

	"portti/cda/frame"
	"portti/internal/xmltree"
)

// Namespaces of envelopes and of WS-Addressing 1.0.
const (
	NS11       = "http://schemas.xmlsoap.org/soap/envelope/"
	NS12       = "http://www.w3.org/2003/05/soap-envelope"
	addressing = "http://www.w3.org/2005/08/addressing"
)

// Client sends to one archive.
type Client struct {
	// Base is the address without path, SOAP the path of the SOAP door.
	Base, SOAP string
	HTTP       *http.Client
	// Most is the greatest answer that is read, in bytes; default 64 MB.
	Most int64
}

// Answer is what came back.
type Answer struct {
	Status      int
	ContentType string
	Header      http.Header
	Body        []byte
	// Ack is nil where the answer is no acknowledgement. Fault is the text of a SOAP
	// Fault, FaultRules the rules that its detail names.
	Ack        *frame.Acknowledgement
	Fault      string
	FaultRules []string
	IsFault    bool
	// Response is set where the answer is one to a query; Ack is its acknowledgement.
	Response *frame.Received
	// SOAP is the envelope's version, "" without one; RelatesTo of WS-Addressing.
	SOAP, RelatesTo string
	// Unread tells why the body could not be read as SOAP.
	Unread error
	Took   time.Duration
}

// Request is an HTTP request.
type Request struct {
	Method, Path string
	Header       http.Header
	Body         []byte
}

// Do sends a request and reads the answer; an error means that none came.
func (c *Client) Do(ctx context.Context, r Request) (*Answer, error) {
	began := time.Now()
	req, err := http.NewRequestWithContext(ctx, r.Method, c.Base+r.Path, bytes.NewReader(r.Body))
	if err != nil {
		return nil, err
	}
	if r.Header != nil {
		req.Header = r.Header
	}
	res, err := c.HTTP.Do(req)
	if err != nil {
		return nil, plain(err)
	}
	defer res.Body.Close()
	most := c.Most
	if most <= 0 {
		most = 64 << 20
	}
	a := &Answer{Status: res.StatusCode, Header: res.Header, ContentType: res.Header.Get("Content-Type")}
	if a.Body, err = io.ReadAll(io.LimitReader(res.Body, most)); err != nil {
		return nil, plain(err)
	}
	a.Took = time.Since(began)
	a.read()
	return a, nil
}

// Read reads an answer that came otherwise than by Do.
func Read(status int, h http.Header, body []byte) *Answer {
	a := &Answer{Status: status, Header: h, ContentType: h.Get("Content-Type"), Body: body}
	a.read()
	return a
}

// plain drops what net/http puts around an error: method and address, which
// reports name once.
func plain(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// read takes the envelope apart.
func (a *Answer) read() {
	t, err := xmltree.Parse(a.Body, xmltree.Limits{})
	if err != nil {
		a.Unread = err
		return
	}
	root := t.Root()
	switch {
	case t.Is(root, NS11, "Envelope"):
		a.SOAP = "1.1"
	case t.Is(root, NS12, "Envelope"):
		a.SOAP = "1.2"
	default:
		a.Unread = fmt.Errorf("<%s> is no envelope", t.Local(root))
		return
	}
	ns := t.Space(root)
	if h := t.Child(root, ns, "Header"); h > 0 {
		for n := range t.Children(h) {
			if t.Local(n) == "RelatesTo" {
				a.RelatesTo = strings.TrimSpace(t.Text(n))
			}
		}
	}
	body := t.Child(root, ns, "Body")
	if body <= 0 || t.FirstElement(body) <= 0 {
		a.Unread = errors.New("the envelope's Body is empty")
		return
	}
	a.content(t, t.FirstElement(body))
}

func (a *Answer) content(t *xmltree.Tree, n xmltree.Node) {
	if t.Local(n) == "Fault" && t.Space(n) == t.Space(t.Root()) {
		a.IsFault = true
		a.Fault = strings.Join(strings.Fields(t.Text(n)), " ")
		for x := n; x < t.End(n); x++ {
			if t.Local(x) == "finding" {
				if r := t.Attr(x, "rule"); r != "" {
					a.FaultRules = append(a.FaultRules, r)
				}
			}
		}
		return
	}
	r, fs := frame.ReadResponse(t, n)
	if len(fs) > 0 {
		a.Unread = fmt.Errorf("<%s> is no acknowledgement", t.Local(n))
		return
	}
	if a.Ack = r.Acknowledgement; r.Outcome != "" {
		a.Response = r
	}
}

// Rules are the rules that the answer names.
func (a *Answer) Rules() []string {
	if a.Ack == nil {
		return a.FaultRules
	}
	var out []string
	for _, d := range a.Ack.Details {
		if d.Rule != "" {
			out = append(out, d.Rule)
		}
	}
	return out
}

// Envelope says how a message is wrapped.
type Envelope struct {
	// Version is 1.1 or 1.2; MessageID, where set, makes WS-Addressing headers.
	Version, MessageID, WSAction, Action string
	Prefix                               string
	UTF16                                bool
	// Break is a way to be wrong, see Breaks.
	Break string
}

// Namespace is the version's.
func (e Envelope) Namespace() string {
	if e.Version == "1.2" {
		return NS12
	}
	return NS11
}

// Message wraps a frame into a request for the SOAP door.
func (c *Client) Message(frame []byte, e Envelope) Request {
	path := c.SOAP
	if path == "" {
		path = "/soap"
	}
	h := http.Header{}
	media := "text/xml; charset=utf-8"
	if e.Version == "1.2" {
		media = "application/soap+xml; charset=utf-8"
		if e.Action != "" {
			media += `; action="` + e.Action + `"`
		}
	} else if e.Action != "" {
		h.Set("SOAPAction", `"`+e.Action+`"`)
	}
	h.Set("Content-Type", media)
	body := e.wrap(frame, h)
	if e.UTF16 {
		body = toUTF16(body)
		h.Set("Content-Type", strings.Replace(media, "charset=utf-8", "charset=utf-16", 1))
	}
	return Request{Method: http.MethodPost, Path: path, Header: h, Body: body}
}

func (e Envelope) wrap(frame []byte, h http.Header) []byte {
	p := e.Prefix
	if p == "" {
		p = "s"
	}
	var b bytes.Buffer
	encoding := "UTF-8"
	if e.UTF16 {
		encoding = "UTF-16"
	}
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="%s"?><%s:Envelope xmlns:%s="%s">`, encoding, p, p, e.Namespace())
	if e.MessageID != "" {
		fmt.Fprintf(&b, `<%s:Header xmlns:wsa="%s"><wsa:MessageID>%s</wsa:MessageID>`, p, addressing, e.MessageID)
		if e.WSAction != "" {
			fmt.Fprintf(&b, `<wsa:Action>%s</wsa:Action>`, e.WSAction)
		}
		fmt.Fprintf(&b, `</%s:Header>`, p)
	}
	fmt.Fprintf(&b, `<%s:Body>`, p)
	b.Write(frame)
	fmt.Fprintf(&b, `</%s:Body></%s:Envelope>`, p, p)
	if e.Break != "" {
		return Breaks[e.Break](b.Bytes(), frame, e, h)
	}
	return b.Bytes()
}

// Breaks are the ways in which an envelope can be wrong: from a sound one, the
// frame within, and the headers, which they may change.
var Breaks = map[string]func(sound, frame []byte, e Envelope, h http.Header) []byte{
	"no-body": func(_, _ []byte, e Envelope, _ http.Header) []byte {
		return []byte(`<s:Envelope xmlns:s="` + e.Namespace() + `"/>`)
	},
	"empty-body": func(_, _ []byte, e Envelope, _ http.Header) []byte {
		return []byte(`<s:Envelope xmlns:s="` + e.Namespace() + `"><s:Body/></s:Envelope>`)
	},
	"two-bodies": func(sound, frame []byte, _ Envelope, _ http.Header) []byte {
		return bytes.Replace(sound, []byte("</s:Body>"), append(bytes.Clone(frame), "</s:Body>"...), 1)
	},
	"no-envelope": func(_, frame []byte, _ Envelope, _ http.Header) []byte { return frame },
	"other-namespace": func(sound, _ []byte, e Envelope, _ http.Header) []byte {
		return bytes.Replace(sound, []byte(e.Namespace()), []byte("urn:example:no-soap"), 1)
	},
	"not-xml": func(_, _ []byte, _ Envelope, _ http.Header) []byte { return []byte("hello") },
	"cut":     func(sound, _ []byte, _ Envelope, _ http.Header) []byte { return sound[:len(sound)/2] },
	"doctype": func(sound, _ []byte, _ Envelope, _ http.Header) []byte {
		return bytes.Replace(sound, []byte("?>"), []byte(`?><!DOCTYPE a [<!ENTITY b "c">]>`), 1)
	},
	"must-understand": func(sound, _ []byte, _ Envelope, _ http.Header) []byte {
		return bytes.Replace(sound, []byte("<s:Body>"), []byte(`<s:Header><x xmlns="urn:example:unknown" s:mustUnderstand="1"/></s:Header><s:Body>`), 1)
	},
	"wrong-action": func(sound, _ []byte, _ Envelope, h http.Header) []byte {
		h.Set("SOAPAction", `"urn:hl7-org:v3:RCMR_IN200016FI01"`)
		return sound
	},
	"media-json": func(sound, _ []byte, _ Envelope, h http.Header) []byte {
		h.Set("Content-Type", "application/json")
		return sound
	},
	"media-other-version": func(sound, _ []byte, e Envelope, h http.Header) []byte {
		h.Set("Content-Type", map[string]string{"1.2": "text/xml"}[e.Version])
		if e.Version != "1.2" {
			h.Set("Content-Type", "application/soap+xml")
		}
		return sound
	},
	"gzip": func(sound, _ []byte, _ Envelope, h http.Header) []byte {
		h.Set("Content-Encoding", "gzip")
		return sound
	},
	"deep": func(_, _ []byte, e Envelope, _ http.Header) []byte {
		const depth = 5000
		return []byte(`<s:Envelope xmlns:s="` + e.Namespace() + `"><s:Body>` + strings.Repeat("<a>", depth) + strings.Repeat("</a>", depth) + `</s:Body></s:Envelope>`)
	},
	"unknown-operation": func(_, _ []byte, e Envelope, _ http.Header) []byte {
		return []byte(`<s:Envelope xmlns:s="` + e.Namespace() + `"><s:Body><RCMR_IN209999FI01 xmlns="urn:hl7-org:v3"/></s:Body></s:Envelope>`)
	},
	"twice-messageid": func(sound, _ []byte, _ Envelope, _ http.Header) []byte {
		return header(sound, `<wsa:MessageID>urn:uuid:00000000-0000-4000-8000-000000000001</wsa:MessageID><wsa:MessageID>urn:uuid:00000000-0000-4000-8000-000000000002</wsa:MessageID>`)
	},
	"other-wsa-action": func(sound, _ []byte, _ Envelope, _ http.Header) []byte {
		return header(sound, `<wsa:Action>urn:hl7-org:v3:RCMR_IN200016FI01</wsa:Action>`)
	},
	"reply-elsewhere": func(sound, _ []byte, _ Envelope, _ http.Header) []byte {
		return header(sound, `<wsa:ReplyTo><wsa:Address>http://client.example/reply</wsa:Address></wsa:ReplyTo>`)
	},
}

func header(sound []byte, content string) []byte {
	return bytes.Replace(sound, []byte("<s:Body>"), []byte(`<s:Header xmlns:wsa="`+addressing+`">`+content+`</s:Header><s:Body>`), 1)
}

// toUTF16 gives UTF-8 text in UTF-16 with a byte order mark.
func toUTF16(b []byte) []byte {
	out := []byte{0xfe, 0xff}
	for _, u := range utf16.Encode([]rune(string(b))) {
		out = binary.BigEndian.AppendUint16(out, u)
	}
	return out
}

// Escape gives text for XML.
func Escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder takes everything
	return b.String()
}
