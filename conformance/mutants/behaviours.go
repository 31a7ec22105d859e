package mutants

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"portti/conformance/wire"
)

var (
	remark   = regexp.MustCompile(`(?s)<acknowledgementDetail typeCode="W">.*?</acknowledgementDetail>`)
	ruleCode = regexp.MustCompile(`(<code code=")[^"]*"`)
)

// change is a mutant that changes the answers to messages.
func change(name, why string, act func(*Exchange, *Response) *Response) *Mutant {
	return &Mutant{Name: name, Why: why, make: stateless(func(x *Exchange) *Response {
		r := x.Forward()
		if r.Err != nil || !x.Message() {
			return r
		}
		return act(x, r)
	})}
}

// refuse is a mutant that refuses messages which it should take.
func refuse(name, why string, which func(*Exchange) bool) *Mutant {
	return change(name, why, func(x *Exchange, r *Response) *Response {
		if r.isAccepted() && which(x) {
			return r.refused()
		}
		return r
	})
}

func has(text string) func(*Exchange) bool { return func(x *Exchange) bool { return x.Has(text) } }

// carries looks into the message's document, which is base64 in the frame.
func carries(test func(document []byte) bool) func(*Exchange) bool {
	return func(x *Exchange) bool {
		d := documentOf(x.Body)
		return d != nil && test(d)
	}
}

// prepares tells of a message that comes before documents: a client relationship or case.
func (x *Exchange) prepares() bool { return x.Has(`code="SP1"`) || x.Has(`code="SP901"`) }

// about looks into the frame of a document that is no relationship or case.
func about(pattern string) func(*Exchange) bool {
	re := regexp.MustCompile(pattern)
	return func(x *Exchange) bool { return !x.prepares() && re.Match(x.Body) }
}

// group refuses one document group.
func group(n, name, what string) *Mutant {
	g := regexp.MustCompile(`documentGroup[^>]* code="` + n + `"`)
	return refuse("refuses-"+name, "refuses every "+what, carries(g.Match))
}

// body refuses one form of bodies within the later phases.
func body(name, why, media, group string) *Mutant {
	g := regexp.MustCompile(`documentGroup[^>]* code="` + group + `"`)
	return refuse(name, why, carries(func(d []byte) bool { return bytes.Contains(d, []byte(media)) && g.Match(d) }))
}

var errCut = errors.New("connection reset")

// idOf is the document's id in the frame, messageOf the message's, setOf the series'.
var (
	inDocument = regexp.MustCompile(`(?s)<clinicalDocument.*?<id root="([^"]*)"`)
	inParent   = regexp.MustCompile(`(?s)<parentDocument.*?<id root="([^"]*)"`)
)

func find(re *regexp.Regexp, b []byte) string {
	m := re.FindSubmatch(b)
	if m == nil {
		return ""
	}
	return string(m[1])
}

// memory is what a mutant with a memory keeps.
type memory struct {
	sync.Mutex
	seen map[string]int
}

func (m *memory) count(key string) int {
	m.Lock()
	defer m.Unlock()
	m.seen[key]++
	return m.seen[key]
}

// remembering is a mutant that acts by how often it has seen a document's id.
func remembering(name, why string, act func(x *Exchange, times int, r func() *Response) *Response) *Mutant {
	return &Mutant{Name: name, Why: why, make: func() func(*Exchange) *Response {
		m := &memory{seen: map[string]int{}}
		return func(x *Exchange) *Response {
			id := find(inDocument, x.Body)
			if !x.Message() || id == "" {
				return x.Forward()
			}
			return act(x, m.count(id), x.Forward)
		}
	}}
}

// plain answers plain requests with a status of its own.
func plain(name, why string, which func(*Exchange, *Response) bool, status int) *Mutant {
	return &Mutant{Name: name, Why: why, make: stateless(func(x *Exchange) *Response {
		r := x.Forward()
		if r.Err == nil && which(x, r) {
			return &Response{Status: status, Header: http.Header{"Content-Type": {"text/plain"}}, Body: []byte("ok")}
		}
		return r
	})}
}

// invented is a CA for a message that the archive behind never sees.
func invented(x *Exchange, version string) *Response {
	ns, media := wire.NS11, "text/xml; charset=utf-8"
	if version == "1.2" || x.Has(wire.NS12) {
		ns, media = wire.NS12, "application/soap+xml; charset=utf-8"
	}
	attr := func(tag, name string) string {
		return find(regexp.MustCompile(`(?s)<`+tag+`[ >].*?`+name+`="([^"]*)"`), x.Body)
	}
	b := fmt.Sprintf(`<s:Envelope xmlns:s="%s"><s:Body><MCCI_IN000002UV01 xmlns="urn:hl7-org:v3" ITSVersion="XML_1.0"><id extension="m%d" root="1.2.3"/>`+
		`<creationTime value="20260302110000+0200"/><processingCode code="D"/><receiver><device><id root="%s"/></device></receiver><sender><device><id root="%s"/></device></sender>`+
		`<acknowledgement typeCode="CA"><targetMessage><id extension="%s" root="1.2"/></targetMessage></acknowledgement></MCCI_IN000002UV01></s:Body></s:Envelope>`,
		ns, time.Now().UnixNano(), attr("sender", "root"), attr("receiver", "root"), find(regexp.MustCompile(`<id extension="([^"]*)"`), x.Body))
	return &Response{Status: http.StatusOK, Header: http.Header{"Content-Type": {media}}, Body: []byte(b)}
}

// behaviours are mutants that do more than ignore a rule.
var behaviours = []*Mutant{
	{Name: "acknowledges-without-storing", Why: "an acknowledged document is not found a second later", make: stateless(func(x *Exchange) *Response {
		if x.Message() && x.Has("RCMR_IN200002FI01") && x.Has("<text mediaType") {
			// The verdict is asked for, but of a document that has another id: nothing is kept under this one.
			return invented(x, "")
		}
		return x.Forward()
	})},
	remembering("forgets-resends", "refuses a document that it has", func(_ *Exchange, n int, forward func() *Response) *Response {
		if r := forward(); n > 1 && r.isAccepted() {
			return r.refused()
		} else {
			return r
		}
	}),
	remembering("other-answer-to-resend", "answers a resend with remarks that the first answer lacked", func(_ *Exchange, n int, forward func() *Response) *Response {
		r := forward()
		if n > 1 {
			r.Body = bytes.Replace(r.Body, []byte("</acknowledgement>"), []byte(`<acknowledgementDetail typeCode="I"><code code="STORE-RESENT" codeSystem="2.25.108493439615153174566577556869728612873"/><text>known</text></acknowledgementDetail></acknowledgement>`), 1)
		}
		return r
	}),
	remembering("refuses-after-refusal", "never judges a refused document anew", func(x *Exchange, n int, forward func() *Response) *Response {
		r := forward()
		if n > 1 && r.isAccepted() && !x.Has("RCMR_IN200016FI01") {
			return r.refused()
		}
		return r
	}),
	{Name: "takes-both-versions", Why: "accepts both of two new versions at once", make: func() func(*Exchange) *Response {
		m := &memory{seen: map[string]int{}}
		return func(x *Exchange) *Response {
			r := x.Forward()
			parent := find(inParent, x.Body)
			if x.Message() && parent != "" && r.isRefused() && m.count(parent) > 0 {
				return r.accepted()
			}
			return r
		}
	}},
	{Name: "refuses-all-versions", Why: "takes no new versions", make: stateless(func(x *Exchange) *Response {
		r := x.Forward()
		if x.Message() && find(inParent, x.Body) != "" && r.isAccepted() {
			return r.refused()
		}
		return r
	})},
	{Name: "refuses-third-version", Why: "takes one correction only", make: func() func(*Exchange) *Response {
		deep := regexp.MustCompile(`(?s)<clinicalDocument.*?<versionNumber value="([^"]*)"`)
		return func(x *Exchange) *Response {
			r := x.Forward()
			if v := find(deep, x.Body); x.Message() && v > "2" && r.isAccepted() {
				return r.refused()
			}
			return r
		}
	}},
	{Name: "refuses-eighth-version", Why: "takes a handful of versions only", make: func() func(*Exchange) *Response {
		deep := regexp.MustCompile(`(?s)<clinicalDocument.*?<versionNumber value="([^"]*)"`)
		return func(x *Exchange) *Response {
			r := x.Forward()
			if v := find(deep, x.Body); x.Message() && v > "5" && r.isAccepted() {
				return r.refused()
			}
			return r
		}
	}},
	{Name: "forgets-at-restart", Why: "what it acknowledged is gone after a restart", make: func() func(*Exchange) *Response {
		var kept, lost sync.Map
		return func(x *Exchange) *Response {
			if _, told := x.hooks.LoadAndDelete("restart"); told {
				kept.Range(func(id, _ any) bool { lost.Store(id, true); return true })
			}
			r := x.Forward()
			id := find(inDocument, x.Body)
			if !x.Message() || id == "" || !r.isAccepted() {
				return r
			}
			for _, of := range []string{id, find(inParent, x.Body)} {
				if _, gone := lost.Load(of); gone {
					return r.refused()
				}
			}
			kept.Store(id, true)
			return r
		}
	}},
	{Name: "one-at-a-time", Why: "refuses while it works on another message", make: func() func(*Exchange) *Response {
		var busy sync.Map
		return func(x *Exchange) *Response {
			person := find(regexp.MustCompile(`(?s)<recordTarget.*?extension="([^"]*)"`), x.Body)
			if _, other := busy.LoadOrStore(person, true); other && x.Message() {
				return x.Forward().refused()
			}
			defer busy.Delete(person)
			time.Sleep(20 * time.Millisecond) // the work during which the other comes
			return x.Forward()
		}
	}},
	{Name: "takes-both-contents", Why: "accepts two contents under one id when they come at once", make: stateless(func(x *Exchange) *Response {
		r := x.Forward()
		if x.Message() && r.isRefused() && bytes.Contains(r.Body, []byte("STORE-ID-BYTES")) {
			return r.accepted()
		}
		return r
	})},
	refuse("refuses-everything", "takes nothing", func(*Exchange) bool { return true }),
	refuse("refuses-nullification", "takes no nullifications", has(`"SP910"`)),
	refuse("refuses-soap12", "takes SOAP 1.1 only", has(wire.NS12)),
	refuse("refuses-addressing", "takes no WS-Addressing", has("addressing")),
	refuse("refuses-prefixes", "knows one prefix of the envelope only", func(x *Exchange) bool { return !x.Has("<s:Envelope") }),
	refuse("refuses-soap-action", "takes no SOAPAction", func(x *Exchange) bool {
		return x.Request.Header.Get("SOAPAction") != "" || strings.Contains(x.Request.Header.Get("Content-Type"), "action=")
	}),
	refuse("refuses-folded-headers", "does not unfold MIME headers", has("Message-ID")),
	refuse("refuses-sp1-frames", "demands what frames of relationships lack", func(x *Exchange) bool { return !x.Has("<versionCode") }),
	refuse("refuses-sp17-frames", "demands the trigger's code", has(`typeCode="AUT"><assignedPerson>`)),
	refuse("refuses-attachments", "takes no attachments", has("application/pdf")),
	refuse("refuses-large", "takes nothing above half a megabyte", func(x *Exchange) bool { return len(x.Body) > 500_000 }),
	refuse("refuses-middle", "takes nothing above 60 KB", func(x *Exchange) bool { return len(x.Body) > 60_000 }),
	refuse("refuses-several-clients", "takes documents of one client only", func(x *Exchange) bool { return !x.prepares() && bytes.Count(x.Body, []byte("<recordTarget")) > 1 }),
	refuse("refuses-temporary-ids", "demands identity codes in documents", about(`<patient classCode="PAT"><id extension="[^"]*" root="1\.2\.246\.10\.`)),
	refuse("refuses-minors", "does not know the A of this century in documents", about(`<patient classCode="PAT"><id extension="[0-9]{6}A`)),
	refuse("refuses-other-signs", "does not know the newer century signs in documents", about(`<patient classCode="PAT"><id extension="[0-9]{6}Y`)),
	refuse("refuses-bom", "takes no byte order mark", carries(func(d []byte) bool { return bytes.HasPrefix(d, []byte("\xef\xbb\xbf")) })),
	refuse("refuses-crlf", "takes no CRLF", carries(func(d []byte) bool { return bytes.Contains(d, []byte("\r\n")) })),
	refuse("refuses-utf16", "reads UTF-8 only", func(x *Exchange) bool {
		d := documentOf(x.Body)
		return bytes.HasPrefix(d, []byte{0xfe, 0xff}) || bytes.HasPrefix(d, []byte{0xff, 0xfe}) || bytes.HasPrefix(x.Body, []byte{0xfe, 0xff})
	}),
	refuse("refuses-latin1", "does not read ISO-8859-1", carries(func(d []byte) bool { return bytes.Contains(d, []byte("8859-1")) })),
	refuse("refuses-no-declaration", "demands an XML declaration", carries(func(d []byte) bool { return !bytes.Contains(d[:min(60, len(d))], []byte("?xml")) && d[0] == '<' })),
	refuse("refuses-single-quotes", "demands double quotes in the declaration", carries(func(d []byte) bool { return bytes.Contains(d[:min(60, len(d))], []byte("version='1.0'")) })),
	refuse("refuses-pretty", "takes no line breaks between elements", carries(func(d []byte) bool { return bytes.Count(d, []byte(">\n<")) > 5 || bytes.Count(d, []byte(">\n ")) > 5 })),
	refuse("refuses-hl7-prefix", "knows elements by their prefix", carries(func(d []byte) bool { return bytes.Contains(d, []byte("<hl7:")) })),
	refuse("refuses-default-namespace", "knows the local header by its prefix", carries(func(d []byte) bool { return bytes.Contains(d, []byte(`<localSocialHeader xmlns="urn:hl7finland"`)) })),
	refuse("refuses-swedish", "takes Finnish only", carries(func(d []byte) bool { return bytes.Contains(d, []byte(`languageCode code="sv"`)) })),
	refuse("refuses-english", "takes Finnish and Swedish only", carries(func(d []byte) bool { return bytes.Contains(d, []byte(`languageCode code="en"`)) })),
	refuse("refuses-hidden", "takes nothing hidden from the client", carries(func(d []byte) bool {
		return bytes.Contains(d, []byte("inaccessible")) || bytes.Contains(d, []byte("Inaccessible"))
	})),
	refuse("refuses-special", "takes no special content", carries(func(d []byte) bool { return regexp.MustCompile(`specialContent[^>]*"K"`).Match(d) })),
	refuse("refuses-two-signatures", "takes one signature only", carries(func(d []byte) bool { return bytes.Count(d, []byte("SignatureValue>")) > 2 })),
	refuse("refuses-multi-signature", "knows no signature over several documents", carries(func(d []byte) bool { return bytes.Contains(d, []byte("multipleDocument")) })),
	group("1", "relationships", "client relationship"), group("2", "cases", "case document"), group("3", "old", "old document"),
	group("4", "phase1", "phase I document"), group("5", "phase2", "phase II document"), group("8", "permissions", "permission"), group("9", "prohibitions", "prohibition"),
	body("refuses-pdf", "takes no PDF of phase II", "application/pdf", "5"), body("refuses-old-pdf", "takes no old PDF", "application/pdf", "3"),
	body("refuses-xhtml", "takes no XHTML", "xhtml", "5"),
	change("wrong-target", "acknowledges another message", func(_ *Exchange, r *Response) *Response {
		r.Body = target.ReplaceAll(r.Body, []byte("${1}9"))
		return r
	}),
	change("same-ack-id", "gives every acknowledgement one id", func(_ *Exchange, r *Response) *Response {
		r.Body = ackID.ReplaceAll(r.Body, []byte("${1}1"))
		return r
	}),
	change("no-ack-id", "gives acknowledgements no id", func(_ *Exchange, r *Response) *Response {
		r.Body = regexp.MustCompile(`(<MCCI_IN000002UV01[^>]*>)<id [^>]*/>`).ReplaceAll(r.Body, []byte("$1"))
		return r
	}),
	change("swaps-devices", "leaves sender and receiver as they were", func(_ *Exchange, r *Response) *Response {
		r.Body = bytes.ReplaceAll(r.Body, []byte("<receiver "), []byte("<other "))
		r.Body = bytes.ReplaceAll(r.Body, []byte("</receiver>"), []byte("</other>"))
		r.Body = bytes.ReplaceAll(r.Body, []byte("<sender "), []byte("<receiver "))
		r.Body = bytes.ReplaceAll(r.Body, []byte("</sender>"), []byte("</receiver>"))
		r.Body = bytes.ReplaceAll(r.Body, []byte("<other "), []byte("<sender "))
		r.Body = bytes.ReplaceAll(r.Body, []byte("</other>"), []byte("</sender>"))
		return r
	}),
	change("production-code", "answers with processing code P", func(_ *Exchange, r *Response) *Response {
		r.Body = bytes.Replace(r.Body, []byte(`<processingCode code="D"`), []byte(`<processingCode code="P"`), 1)
		return r
	}),
	change("no-reasons", "refuses without a reason", func(_ *Exchange, r *Response) *Response {
		if r.isRefused() {
			r.Body = anyDetail.ReplaceAll(r.Body, nil)
		}
		return r
	}),
	change("tells-other-remarks", "names another rule in its remarks", func(_ *Exchange, r *Response) *Response {
		if r.isAccepted() {
			r.Body = remark.ReplaceAllFunc(r.Body, func(d []byte) []byte { return ruleCode.ReplaceAll(d, []byte(`${1}CODE-UNCHECKED"`)) })
		}
		return r
	}),
	change("refuses-remarked", "refuses what deserves a remark only", func(_ *Exchange, r *Response) *Response {
		if r.isAccepted() && remark.Match(r.Body) {
			return r.refused()
		}
		return r
	}),
	change("accepts-with-errors", "accepts and tells of errors", func(_ *Exchange, r *Response) *Response {
		if r.isRefused() {
			return r.withCode("CA")
		}
		return r
	}),
	change("always-retry", "answers CR to what is at fault", func(_ *Exchange, r *Response) *Response {
		if r.isRefused() {
			return r.withCode("CR")
		}
		return r
	}),
	change("one-error-only", "names another rule than the one broken", func(_ *Exchange, r *Response) *Response {
		r.Body = regexp.MustCompile(`(<code code=")[A-Z0-9-]+(" codeSystem="2\.25\.)`).ReplaceAll(r.Body, []byte("${1}SYSTEM-FAILURE$2"))
		return r
	}),
	change("status-500", "acknowledges with HTTP 500", func(_ *Exchange, r *Response) *Response {
		if r.Answer().Ack != nil {
			r.Status = http.StatusInternalServerError
		}
		return r
	}),
	change("plain-text", "answers as text/plain", func(_ *Exchange, r *Response) *Response {
		r.Header.Set("Content-Type", "text/plain")
		return r
	}),
	change("always-soap11", "answers SOAP 1.2 with SOAP 1.1", func(_ *Exchange, r *Response) *Response {
		r.Body = bytes.ReplaceAll(r.Body, []byte(wire.NS12), []byte(wire.NS11))
		return r
	}),
	change("no-relates-to", "does not tell to which message it answers", func(_ *Exchange, r *Response) *Response {
		r.Body = regexp.MustCompile(`<[a-z]*:?RelatesTo.*?RelatesTo>`).ReplaceAll(r.Body, nil)
		return r
	}),
	change("leaks-identity", "tells the client's identity code in its answer", func(x *Exchange, r *Response) *Response {
		id := find(regexp.MustCompile(`<patient classCode="PAT"><id extension="([^"]*)"`), x.Body)
		r.Body = bytes.Replace(r.Body, []byte("</acknowledgement>"), []byte("<!-- "+id+" --></acknowledgement>"), 1)
		return r
	}),
	change("fault-for-documents", "answers documents at fault by a SOAP Fault", func(x *Exchange, r *Response) *Response {
		if !r.isRefused() {
			return r
		}
		return soapFault(x)
	}),
	change("acknowledges-broken-messages", "acknowledges what is no message", func(x *Exchange, r *Response) *Response {
		if r.Answer().IsFault {
			return invented(x, "")
		}
		return r
	}),
	change("empty-answers", "answers with nothing", func(_ *Exchange, r *Response) *Response {
		r.Body = nil
		return r
	}),
	change("half-answers", "breaks off its answers", func(_ *Exchange, r *Response) *Response {
		r.Body = r.Body[:len(r.Body)/2]
		return r
	}),
	change("cuts-connections", "closes the connection after storing", func(*Exchange, *Response) *Response { return &Response{Err: errCut} }),
	{Name: "slow", Why: "takes its time", Slow: true, make: stateless(func(x *Exchange) *Response {
		time.Sleep(600 * time.Millisecond) // what the mutant is about
		return x.Forward()
	})},
	plain("takes-any-method", "answers every HTTP method", func(x *Exchange, r *Response) bool { return r.Status == http.StatusMethodNotAllowed }, http.StatusOK),
	plain("takes-any-media", "answers every media type", func(x *Exchange, r *Response) bool { return r.Status == http.StatusUnsupportedMediaType }, http.StatusOK),
	plain("no-limits", "takes messages of any size", func(x *Exchange, r *Response) bool { return r.Status == http.StatusRequestEntityTooLarge }, http.StatusOK),
	plain("no-description", "serves no WSDL", func(x *Exchange, _ *Response) bool { return strings.EqualFold(x.Request.URL.RawQuery, "wsdl") }, http.StatusNotFound),
	plain("silent-on-empty", "answers an empty request with 200", func(x *Exchange, _ *Response) bool { return x.Message() && len(x.Body) == 0 }, http.StatusOK),
	plain("validates-nothing", "calls every document valid", func(x *Exchange, r *Response) bool {
		return strings.Contains(x.Request.URL.Path, "validointi") && r.Status == http.StatusBadRequest
	}, http.StatusOK),
	plain("validates-all-wrong", "calls no document valid", func(x *Exchange, r *Response) bool {
		return strings.Contains(x.Request.URL.Path, "validointi") && r.Status == http.StatusOK
	}, http.StatusBadRequest),
	{Name: "validation-stores", Why: "archives what it should only validate", make: stateless(func(x *Exchange) *Response {
		r := x.Forward()
		if x.Request.Method == http.MethodPost && strings.Contains(x.Request.URL.Path, "validointi") && r.Status == http.StatusOK {
			x.store()
		}
		return r
	})},
}

func soapFault(x *Exchange) *Response {
	if x.Has(wire.NS12) {
		return &Response{Status: http.StatusInternalServerError, Header: http.Header{"Content-Type": {"application/soap+xml"}},
			Body: []byte(`<s:Envelope xmlns:s="` + wire.NS12 + `"><s:Body><s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code></s:Fault></s:Body></s:Envelope>`)}
	}
	return &Response{Status: http.StatusInternalServerError, Header: http.Header{"Content-Type": {"text/xml"}},
		Body: []byte(`<s:Envelope xmlns:s="` + wire.NS11 + `"><s:Body><s:Fault><faultcode>s:Client</faultcode></s:Fault></s:Body></s:Envelope>`)}
}

// store sends the frame of a validation to the SOAP door.
func (x *Exchange) store() {
	var v struct {
		Frame string `json:"siirtokehysXml"`
	}
	if json.Unmarshal(x.Body, &v) != nil {
		return
	}
	r := x.Request.Clone(x.Request.Context())
	u := *r.URL
	u.Path, r.URL = "/soap", &u
	r.Header = http.Header{"Content-Type": {"text/xml"}}
	y := &Exchange{Request: r, Body: []byte(`<s:Envelope xmlns:s="` + wire.NS11 + `"><s:Body>` + v.Frame + `</s:Body></s:Envelope>`), next: x.next}
	y.Forward()
}
