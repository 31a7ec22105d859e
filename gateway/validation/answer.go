package validation

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"portti/cda/rules"
	"portti/cda/rules/catalogue"
	"portti/cda/rules/report"
	"portti/gateway/pipeline"
	"portti/internal/finding"
	"portti/internal/negotiate"
)

const (
	mediaJSON    = "application/json"
	mediaProblem = "application/problem+json"
)

// The codes of answers; they never change.
const (
	codeInvalid  = "document-invalid"
	codeRequest  = "request-invalid"
	codeMethod   = "method-not-allowed"
	codeMedia    = "media-type-not-supported"
	codeTooLarge = "too-large"
	codeBusy     = "busy"
	codeFailure  = "failure"
)

// Wishes are what a client wants to be told.
type Wishes struct {
	// Detail asks for every finding.
	Detail bool
	// Archive asks what access and the archive would say as well.
	Archive bool
	// Lang is the language of texts, empty where none is asked for.
	Lang catalogue.Lang
}

// AgainstArchive is the value of the query's against that asks for a trial against
// the archive: ?detail=1&against=archive.
const AgainstArchive = "archive"

// WishesOf reads Accept, Accept-Language and the query's detail and against.
func WishesOf(r *http.Request) Wishes {
	detail, err := strconv.ParseBool(r.URL.Query().Get("detail"))
	return Wishes{
		Detail:  err == nil && detail || negotiate.Names(r.Header.Get("Accept"), mediaProblem),
		Archive: r.URL.Query().Get("against") == AgainstArchive,
		Lang:    negotiate.Language(r.Header.Get("Accept-Language"), catalogue.Langs, ""),
	}
}

// Refuse tells of a request whose body need not be read: the finding and the HTTP
// status, or nil.
func Refuse(r *http.Request) (*finding.Finding, int) {
	at := finding.Place{Source: finding.SourceRequest}
	if r.Method != http.MethodPost {
		return &finding.Finding{Rule: RuleMethod, Place: at, Value: r.Method}, http.StatusMethodNotAllowed
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return &finding.Finding{Rule: ruleContentEncoding, Place: at, Value: e}, http.StatusUnsupportedMediaType
	}
	whole := r.Header.Get("Content-Type")
	mt, params, err := mime.ParseMediaType(whole)
	if err != nil || mt != mediaJSON {
		return &finding.Finding{Rule: RuleMedia, Place: at, Value: whole}, http.StatusUnsupportedMediaType
	}
	if c := params["charset"]; c != "" && !strings.EqualFold(c, "utf-8") && !strings.EqualFold(c, "utf8") {
		return &finding.Finding{Rule: RuleCharset, Place: at, Value: c}, http.StatusUnsupportedMediaType
	}
	return nil, 0
}

// answer tells the outcome.
func (s *Service) answer(req Request, o *outcome) Answer {
	if o.failure != nil {
		a := s.Fault(req, http.StatusInternalServerError, finding.Finding{Rule: ruleFailure, Params: requestParam(req)})
		a.Report.Failure = o.failure
		return a
	}
	a := s.begin(req, o.findings)
	a.Report.Verdict = pipeline.Verdict(o.decision.String())
	r := o.result(s.Judge.Profile, a.Lang)
	switch {
	case o.decision != pipeline.Reject && req.Wishes.Detail:
		a.Status, a.ContentType, a.Body = http.StatusOK, mediaJSON, encode(r)
	case o.decision != pipeline.Reject:
		a.Status = http.StatusOK
	default:
		code := codeInvalid
		if o.faulty {
			code = codeRequest
		}
		s.problem(&a, req, http.StatusBadRequest, code, r)
	}
	return a
}

// Fault answers a request that was not judged, by an HTTP status that is not 200.
func (s *Service) Fault(req Request, status int, f finding.Finding) Answer {
	a := s.begin(req, []finding.Finding{f})
	a.Report.Verdict = pipeline.Fault
	resolved := catalogue.Default().Resolve(f, s.Judge.Profile, a.Lang)
	s.problem(&a, req, status, statusCode(status), report.Result{Findings: []catalogue.Resolved{resolved}})
	return a
}

// begin makes an answer with what every answer has.
func (s *Service) begin(req Request, fs []finding.Finding) Answer {
	a := Answer{Lang: req.Wishes.Lang, Report: pipeline.Report{Interaction: "validation", Rules: ruleNames(fs)}}
	if a.Lang == "" {
		a.Lang = s.Lang
	}
	return a
}

func statusCode(status int) string {
	switch status {
	case http.StatusBadRequest:
		return codeRequest
	case http.StatusMethodNotAllowed:
		return codeMethod
	case http.StatusUnsupportedMediaType:
		return codeMedia
	case http.StatusRequestEntityTooLarge:
		return codeTooLarge
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return codeBusy
	default:
		return codeFailure
	}
}

// plainProblem is the answer that the public clients read (kanta-interface 1.2).
type plainProblem struct {
	Code        string `json:"code"`
	Description string `json:"description"`
}

// detailedProblem is the same as problem details (RFC 9457) with every finding.
type detailedProblem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	// Request is the request's id, by which the operator finds it in the log.
	Request string `json:"request,omitempty"`
	plainProblem
	Verdict  rules.Verdict        `json:"verdict,omitempty"`
	Document *report.Document     `json:"document,omitempty"`
	Findings []catalogue.Resolved `json:"findings"`
}

// problem writes the body of an answer that is not 200.
func (s *Service) problem(a *Answer, req Request, status int, code string, r report.Result) {
	plain := plainProblem{code, describe(r.Findings, a.Lang)}
	a.Status = status
	if !req.Wishes.Detail {
		a.ContentType, a.Body = mediaJSON, encode(plain)
		return
	}
	w := words(a.Lang)
	d := detailedProblem{
		Type: "about:blank", Title: w.title(code), Status: status, Detail: w.counted(r.Findings), Request: req.ID,
		plainProblem: plain, Verdict: r.Verdict, Document: r.Document, Findings: r.Findings,
	}
	if s.Errors != "" {
		d.Type = s.Errors
	}
	a.ContentType, a.Body = mediaProblem, encode(d)
}

func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // strings and numbers only
	}
	return b.Bytes()
}

// describe gives the errors as the public clients take them apart: "1: …; 2: …;",
// each with its place and its rule in brackets.
func describe(fs []catalogue.Resolved, lang catalogue.Lang) string {
	w := words(lang)
	var b strings.Builder
	n := 0
	for i := range fs {
		f := &fs[i]
		if f.Severity != finding.Error && f.Rule != ruleMore {
			continue
		}
		if n++; n > 1 {
			b.WriteByte(' ')
		}
		b.WriteString(strconv.Itoa(n) + ": " + oneEntry(f.Message))
		if p := w.place(f); p != "" {
			b.WriteString(" (" + p + ")")
		}
		b.WriteString(" [" + f.Rule + "];")
	}
	return b.String()
}

// numbered is what a client takes for the beginning of an entry.
var numbered = regexp.MustCompile(`([0-9]):(\s|$)`)

// oneEntry keeps a text from being taken for more than one entry: no semicolon, no
// number before a colon and white space, no line end.
func oneEntry(text string) string {
	text = strings.Join(strings.Fields(strings.ReplaceAll(text, ";", ",")), " ")
	return numbered.ReplaceAllString(text, "$1 –$2")
}

// ruleNames gives each rule once, in order of first sight.
func ruleNames(fs []finding.Finding) []string {
	var out []string
	seen := make(map[string]bool, len(fs))
	for i := range fs {
		if id := fs[i].Rule; !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}
