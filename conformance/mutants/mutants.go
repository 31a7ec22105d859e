// Package mutants holds archives and clients that are each broken in one respect
// that can be seen over the wire, to test the suite itself: every mutant must be
// found by a case, and every case must find a mutant.
//
// An archive mutant stands between the suite and a sound archive, as an HTTP
// transport: it changes what passes.
package mutants

import (
	"bytes"
	"context"
	_ "embed"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"portti/conformance/cases"
	"portti/conformance/run"
	"portti/conformance/wire"
	"portti/internal/finding"

	"go.yaml.in/yaml/v3"
)

// Mutant is a broken archive.
type Mutant struct {
	Name string
	// Why tells what is broken.
	Why string
	// make gives what the mutant does with each exchange; it may keep state.
	make func() func(*Exchange) *Response
	// likely tells of a case that it may find the mutant; nil: any may.
	likely func(*cases.Case) bool
	// logs changes what the archive's logs tell; nil: nothing.
	logs logged
	// Slow tells that the mutant's answers take time: run it with a small limit.
	Slow bool
}

// Exchange is a request on its way to the archive.
type Exchange struct {
	Request *http.Request
	Body    []byte
	next    http.RoundTripper
	hooks   *sync.Map
}

// Response is an answer.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	// Err ends the connection instead.
	Err error
}

// Forward asks the archive behind.
func (x *Exchange) Forward() *Response {
	r := x.Request.Clone(x.Request.Context())
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(x.Body)), int64(len(x.Body))
	res, err := x.next.RoundTrip(r)
	if err != nil {
		return &Response{Err: err}
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return &Response{Status: res.StatusCode, Header: res.Header.Clone(), Body: b, Err: err}
}

// Message tells whether the request is a message to the SOAP door.
func (x *Exchange) Message() bool {
	return x.Request.Method == http.MethodPost && strings.HasSuffix(x.Request.URL.Path, "/soap")
}

// Has tells whether the request holds a text.
func (x *Exchange) Has(text string) bool { return bytes.Contains(x.Body, []byte(text)) }

// Answer reads a response as the suite would.
func (r *Response) Answer() *wire.Answer { return wire.Read(r.Status, r.Header, r.Body) }

// Transport is a mutant before an archive.
type Transport struct {
	act   func(*Exchange) *Response
	logs  logged
	next  http.RoundTripper
	hooks sync.Map
}

// New puts a fresh mutant before next.
func (m *Mutant) New(next http.RoundTripper) *Transport {
	return &Transport{act: m.make(), logs: m.logs, next: next}
}

// Hooks gives the archive's control hooks as the mutant has them: it notes that one was
// called, and changes what its logs tell.
func (t *Transport) Hooks(archive map[string]run.Hook) map[string]run.Hook {
	out := map[string]run.Hook{}
	for name, hook := range archive {
		out[name] = func(ctx context.Context, a run.Asked) ([]byte, error) {
			t.hooks.Store(name, true)
			if t.logs != nil && strings.HasSuffix(name, "-log") {
				return t.logs(ctx, name, a, archive)
			}
			return hook(ctx, a)
		}
	}
	return out
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		body = b
		_ = r.Body.Close() // it has been read to its end
	}
	a := t.act(&Exchange{Request: r, Body: body, next: t.next, hooks: &t.hooks})
	if a.Err != nil {
		return nil, a.Err
	}
	h := a.Header
	if h == nil {
		h = http.Header{}
	}
	h.Del("Content-Length")
	return &http.Response{Status: http.StatusText(a.Status), StatusCode: a.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: io.NopCloser(bytes.NewReader(a.Body)), ContentLength: int64(len(a.Body)), Request: r}, nil
}

//go:embed data/rules.yaml
var rulesData []byte

// ignoring is an entry of rules.yaml.
type ignoring struct {
	Name, Why, Only string
	Rules           []string
}

// All lists the archive mutants.
var All = sync.OnceValue(func() []*Mutant {
	var list []ignoring
	if err := yaml.Unmarshal(rulesData, &list); err != nil {
		panic(err) // embedded data; a test reads them
	}
	out := slices.Concat(behaviours, queries, logging)
	for _, i := range list {
		out = append(out, &Mutant{Name: i.Name, Why: i.Why, make: stateless(i.act), likely: i.likely})
	}
	for _, m := range out {
		if tags := hints[m.Name]; tags != nil {
			m.likely = tagged(tags...)
		}
	}
	slices.SortFunc(out, func(a, b *Mutant) int { return strings.Compare(a.Name, b.Name) })
	return out
})

// Named gives a mutant, or nil.
func Named(name string) *Mutant {
	for _, m := range All() {
		if m.Name == name {
			return m
		}
	}
	return nil
}

func stateless(act func(*Exchange) *Response) func() func(*Exchange) *Response {
	return func() func(*Exchange) *Response { return act }
}

// act turns a refusal into an acceptance where all its errors are ignored.
func (i ignoring) act(x *Exchange) *Response {
	r := x.Forward()
	if r.Err != nil || !x.Message() || !i.covers(r.Answer()) {
		return r
	}
	return r.accepted()
}

func (i ignoring) covers(a *wire.Answer) bool {
	if a.Ack == nil || a.Ack.Code == "CA" {
		return false
	}
	for _, d := range a.Ack.Details {
		if d.Severity != finding.Error {
			continue
		}
		if !slices.ContainsFunc(i.Rules, func(p string) bool { return matches(p, d.Rule) }) || i.Only != "" && !strings.Contains(strings.Join(d.Location, " "), i.Only) {
			return false
		}
	}
	return true
}

func matches(pattern, rule string) bool {
	prefix, open := strings.CutSuffix(pattern, "*")
	return pattern == rule || open && strings.HasPrefix(rule, prefix)
}

var (
	code        = regexp.MustCompile(`typeCode="(CA|CE|CR)"`)
	errorDetail = regexp.MustCompile(`(?s)<acknowledgementDetail typeCode="E">.*?</acknowledgementDetail>`)
	anyDetail   = regexp.MustCompile(`(?s)<acknowledgementDetail .*?</acknowledgementDetail>`)
	target      = regexp.MustCompile(`(<targetMessage><id [^>]*?extension=")([^"]*)`)
	ackID       = regexp.MustCompile(`(<MCCI_IN000002UV01[^>]*><id [^>]*?extension=")([^"]*)`)
)

// accepted makes an acceptance of an acknowledgement.
func (r *Response) accepted() *Response {
	r.Body = errorDetail.ReplaceAll(r.withCode("CA").Body, nil)
	return r
}

// withCode changes the verdict.
func (r *Response) withCode(c string) *Response {
	r.Body = code.ReplaceAll(r.Body, []byte(`typeCode="`+c+`"`))
	return r
}

// refused makes a refusal of an acceptance.
func (r *Response) refused() *Response {
	r.withCode("CE")
	r.Body = bytes.Replace(r.Body, []byte("</acknowledgement>"), []byte(`<acknowledgementDetail typeCode="E"><text>refused</text></acknowledgementDetail></acknowledgement>`), 1)
	return r
}

// isAccepted tells of a CA.
func (r *Response) isAccepted() bool { return bytes.Contains(r.Body, []byte(`typeCode="CA"`)) }
func (r *Response) isRefused() bool {
	return bytes.Contains(r.Body, []byte(`typeCode="CE"`)) || bytes.Contains(r.Body, []byte(`typeCode="CR"`))
}

// likely tells of the cases that expect one of the ignored rules.
func (i ignoring) likely(c *cases.Case) bool {
	return slices.ContainsFunc(c.Steps, func(x cases.Step) bool {
		return slices.ContainsFunc(x.Expect.Rules, func(rule string) bool {
			return slices.ContainsFunc(i.Rules, func(p string) bool { return matches(p, rule) })
		})
	})
}

// Likely parts cases into those that probably find the mutant and the others. Of a
// mutant that breaks everything a few are enough.
func (m *Mutant) Likely(list []*cases.Case) (likely, rest []*cases.Case) {
	const few = 5
	for i, c := range list {
		switch {
		case m.likely == nil && i%(len(list)/few) == 0, m.likely != nil && m.likely(c):
			likely = append(likely, c)
		default:
			rest = append(rest, c)
		}
	}
	return likely, rest
}

// Broad tells that the mutant breaks most of what passes, or what most cases begin with,
// so that many find it.
func (m *Mutant) Broad() bool { return m.likely == nil }

// tagged tells of the cases that have one of the tags, which areas are too.
func tagged(tags ...string) func(*cases.Case) bool {
	return func(c *cases.Case) bool {
		return slices.ContainsFunc(tags, func(t string) bool { return t == c.Area || slices.Contains(c.Tags, t) })
	}
}

// hints are the tags of the cases that likely find a mutant.
var hints = map[string][]string{
	"forgets-resends": {"retry"}, "other-answer-to-resend": {"retry"}, "refuses-after-refusal": {"retry"}, "takes-both-versions": {"concurrency"},
	"refuses-all-versions": {"version"}, "refuses-third-version": {"version"}, "refuses-eighth-version": {"version"}, "forgets-at-restart": {"restart"},
	"one-at-a-time": {"concurrency"}, "takes-both-contents": {"concurrency"}, "refuses-nullification": {"nullify"}, "refuses-soap12": {"soap"},
	"refuses-addressing": {"addressing"}, "refuses-prefixes": {"soap"}, "refuses-soap-action": {"soap"}, "refuses-folded-headers": {"mime"},
	"refuses-sp1-frames": {"form"}, "refuses-sp17-frames": {"form"}, "refuses-attachments": {"attachment"}, "refuses-large": {"size"}, "refuses-middle": {"size"},
	"refuses-several-clients": {"shared"}, "refuses-temporary-ids": {"client"}, "refuses-minors": {"client"}, "refuses-other-signs": {"client"},
	"refuses-bom": {"form"}, "refuses-crlf": {"form"}, "refuses-utf16": {"form"}, "refuses-latin1": {"form"}, "refuses-no-declaration": {"form"},
	"refuses-single-quotes": {"form"}, "refuses-pretty": {"form"}, "refuses-hl7-prefix": {"form"}, "refuses-default-namespace": {"form"},
	"refuses-swedish": {"language"}, "refuses-english": {"language"}, "refuses-hidden": {"marks"}, "refuses-special": {"marks"},
	"refuses-two-signatures": {"signature"}, "refuses-multi-signature": {"signature"}, "refuses-old": {"old-pdf"}, "refuses-phase1": {"phase1-pdf"},
	"refuses-permissions": {"permission"}, "refuses-prohibitions": {"prohibition"}, "refuses-pdf": {"phase2-pdf"}, "refuses-old-pdf": {"old-pdf"}, "refuses-xhtml": {"phase2-xhtml"},
	"always-soap11": {"soap"}, "no-relates-to": {"addressing"}, "acknowledges-broken-messages": {"soap"}, "takes-any-method": {"http"},
	"takes-any-media": {"http"}, "no-limits": {"limits"}, "no-description": {"wsdl"}, "silent-on-empty": {"http"}, "validates-nothing": {"validation"},
	"validates-all-wrong": {"validation"}, "validation-stores": {"validation"}, "takes-version-gap": {"order"}, "takes-orphan-version": {"order"},
	"takes-stale-version": {"order"}, "takes-version-after-nullification": {"nullify"}, "takes-version-of-other-client": {"version"},
	"refuses-phase2":      {"plan", "note", "decision", "phase2-structured"},
	"tells-other-remarks": {"remark"}, "refuses-remarked": {"remark"},
	"takes-version-of-other-group": {"version"}, "takes-documents-without-case": {"rights"}, "takes-providers-without-right": {"rights"},
	"ignores-list-of-documents": {"signature"}, "takes-revoked": {"signature"}, "takes-other-frame": {"retry"},
}
