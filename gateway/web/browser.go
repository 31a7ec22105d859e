package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"portti/cda"
	"portti/cda/rules/catalogue"
	"portti/gateway/soap"
	"portti/internal/finding"
	"portti/store"
)

// messagesPage is the browser of messages, newest first.
type messagesPage struct {
	page
	Filter store.MessageFilter
	// From and Until are days as the form has them.
	From, Until string
	Live        bool
	// LiveURL switches the page's renewing itself on or off.
	LiveURL  string
	Messages []messageView
	More     string // address of the next page
	Verdicts []string
}

type messageView struct {
	store.LoggedMessage
	URL, Class string
	// Total is the time of all stages in ms.
	Total string
}

// everything is the scope of the workbench: the test world, where all are test persons.
var everything = store.Scope{All: true, Purpose: "workbench"}

// liveSeconds is how often a live page renews itself.
const liveSeconds = 5

func (s *Site) messages(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	v := func(name string) string { return strings.TrimSpace(q.Get(name)) }
	p := messagesPage{page: s.page(w, r, "nav_messages"), Live: q.Has("live"), Verdicts: []string{"CA", "CE", "CR", "AA", "AE", "AR"},
		Filter: store.MessageFilter{MessageID: v("message"), DocumentID: v("document"), Device: v("device"), Rule: v("rule"),
			Verdict: v("verdict"), Interaction: v("interaction"), ServiceRequest: v("request")}}
	p.days(v("from"), v("until"))
	if p.Live {
		p.Refresh = liveSeconds
	}
	page, err := s.Store.Messages(r.Context(), everything, p.Filter, onPage, q.Get("next"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	for _, m := range page.Messages {
		p.Messages = append(p.Messages, messageOf(m))
	}
	p.More = moreURL(q, page.Next)
	toggled := url.Values{}
	for k, v := range q {
		toggled[k] = v
	}
	if toggled.Del("next"); p.Live {
		toggled.Del("live")
	} else {
		toggled.Set("live", "1")
	}
	p.LiveURL = "/workbench/messages?" + toggled.Encode()
	s.write(w, &p.page, http.StatusOK, "messages", p)
}

// days narrows by days in Helsinki, both inclusive; what is no day is left out.
func (p *messagesPage) days(from, until string) {
	if t, err := time.ParseInLocation(time.DateOnly, from, cda.Helsinki()); err == nil {
		p.From, p.Filter.From = from, t
	}
	if t, err := time.ParseInLocation(time.DateOnly, until, cda.Helsinki()); err == nil {
		p.Until, p.Filter.Until = until, t.AddDate(0, 0, 1)
	}
}

func moreURL(q url.Values, next string) string {
	if next == "" {
		return ""
	}
	out := url.Values{}
	for k, v := range q {
		out[k] = v
	}
	out.Del("live")
	out.Set("next", next)
	return "/workbench/messages?" + out.Encode()
}

func messageOf(m store.LoggedMessage) messageView {
	v := messageView{LoggedMessage: m, URL: "/workbench/messages/" + strconv.FormatInt(m.Number, 10), Class: "error"}
	switch m.Verdict {
	case "CA", "AA":
		v.Class = "good"
	case "CR", "AR":
		v.Class = "warning"
	}
	total := int64(0)
	for _, t := range timings(m.Timings) {
		total += t.Micros
	}
	v.Total = milliseconds(total)
	return v
}

type timing struct {
	Stage  string
	Micros int64
}

// MS gives the time in milliseconds.
func (t timing) MS() string { return milliseconds(t.Micros) }

func milliseconds(micros int64) string { return strconv.FormatFloat(float64(micros)/1000, 'f', 1, 64) }

// stages are the stages in their order.
var stages = []string{"wait", "envelope", "frame", "mime", "document", "metadata", "xsd", "signature", "rules", "access", "commit", "answer"}

func timings(b []byte) []timing {
	var m map[string]int64
	if len(b) > 0 && json.Unmarshal(b, &m) != nil {
		return nil
	}
	var out []timing
	for stage, micros := range m {
		out = append(out, timing{stage, micros})
	}
	place := func(s string) int {
		if i := slices.Index(stages, s); i >= 0 {
			return i
		}
		return len(stages)
	}
	slices.SortFunc(out, func(a, b timing) int {
		if d := place(a.Stage) - place(b.Stage); d != 0 {
			return d
		}
		return strings.Compare(a.Stage, b.Stage)
	})
	return out
}

// messageDetail is one message with what was asked and answered.
type messageDetail struct {
	page
	Message         messageView
	Timings         []timing
	Findings        []findingView
	Request, Answer []sourceLine
	Cut             bool
	RequestURL      string
	Curl            string
}

func (s *Site) oneMessage(w http.ResponseWriter, r *http.Request) {
	m, ok := s.loggedMessage(w, r)
	if !ok {
		return
	}
	p := messageDetail{page: s.page(w, r, "message"), Message: messageOf(m.LoggedMessage), Timings: timings(m.Timings)}
	p.Title += " " + strconv.FormatInt(m.Number, 10)
	var fs []finding.Finding
	if len(m.Findings) > 0 && json.Unmarshal(m.Findings, &fs) != nil {
		fs = nil // another form of findings, such as a query's
	}
	found := map[int][]findingView{}
	for _, f := range fs {
		v := s.findingOf(p.Lang, catalogue.Default().Resolve(f, s.Judge.Profile, p.Lang))
		p.Findings = append(p.Findings, v)
		if v.Line > 0 && (v.Source == finding.SourceFrame || v.Source == finding.SourceRequest) {
			found[v.Line] = append(found[v.Line], v)
		}
	}
	p.Answer, _ = highlighted("A", m.Acknowledgement, nil)
	if len(m.Request) > 0 {
		p.Request, p.Cut = highlighted("L", m.Request, found)
		p.RequestURL = p.Message.URL + "/request"
		p.Curl = "curl -sS '" + origin(r) + p.RequestURL + "' | curl -sS -H 'Content-Type: " + mediaOf(m.Request) + "' --data-binary @- '" + origin(r) + "/soap'"
	}
	s.write(w, &p.page, http.StatusOK, "one-message", p)
}

// mediaOf is the media type that a request is sent with again.
func mediaOf(request []byte) string {
	if bytes.Contains(request[:min(len(request), 1000)], []byte(soap.NS12)) {
		return "application/soap+xml"
	}
	return "text/xml"
}

// origin is the address by which the client reached the site.
func origin(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

func (s *Site) loggedMessage(w http.ResponseWriter, r *http.Request) (*store.MessageContent, bool) {
	n, err := strconv.ParseInt(r.PathValue("number"), 10, 64)
	if err != nil {
		s.tell(w, r, http.StatusNotFound, "not_found", "not_found_text")
		return nil, false
	}
	m, err := s.Store.LoggedMessage(r.Context(), everything, n)
	if err != nil {
		s.fail(w, r, err)
		return nil, false
	}
	return m, true
}

func (s *Site) messageRequest(w http.ResponseWriter, r *http.Request) {
	m, ok := s.loggedMessage(w, r)
	if !ok {
		return
	}
	attach(w, "message-"+strconv.FormatInt(m.Number, 10)+".xml", m.Request)
}
