package mutants

import (
	"bytes"
	"regexp"

	"portti/fixtures"
)

// asks tells whether the message is a query.
func (x *Exchange) asks() bool {
	return x.Message() && (x.Has("<queryByParameter>") || x.Has("<queryContinuation>"))
}

// asking is a mutant that changes queries on their way.
func asking(name, why string, act func(*Exchange)) *Mutant {
	return &Mutant{Name: name, Why: why, likely: tagged("query"), make: stateless(func(x *Exchange) *Response {
		if x.asks() {
			act(x)
		}
		return x.Forward()
	})}
}

// answering is a mutant that changes the answers to queries.
func answering(name, why string, act func(*Exchange, *Response)) *Mutant {
	return &Mutant{Name: name, Why: why, likely: tagged("query"), make: stateless(func(x *Exchange) *Response {
		r := x.Forward()
		if r.Err == nil && x.asks() {
			act(x, r)
		}
		return r
	})}
}

// param adds a parameter to a query, in place of one of that name.
func (x *Exchange) param(name, value string) {
	x.without(name)
	x.Body = bytes.Replace(x.Body, []byte("</queryByParameter>"), []byte("<"+name+`><value value="`+value+`"/></`+name+"></queryByParameter>"), 1)
}

func (x *Exchange) without(name string) {
	x.Body = regexp.MustCompile(`(?s)<`+name+`>.*?</`+name+`>`).ReplaceAll(x.Body, nil)
}

// as lets the first controller ask in another organisation's place.
func (x *Exchange) as(from string) {
	w := fixtures.Default()
	org, other := w.Organisations[0], w.Organisation(from)
	for _, u := range other.Units {
		x.Body = bytes.ReplaceAll(x.Body, []byte(`"`+u.OID+`"`), []byte(`"`+org.Units[0].OID+`"`))
	}
	sender := regexp.MustCompile(`(?s)(<sender.*?root=")` + regexp.QuoteMeta(other.OID) + `"`)
	x.Body = sender.ReplaceAll(x.Body, []byte("${1}"+org.OID+`"`))
	situation := regexp.MustCompile(`code="90[23]"( codeSystem="1\.2\.246\.537\.6\.1289)`)
	x.Body = situation.ReplaceAll(x.Body, []byte(`code="1"$1`))
}

var (
	subjects = regexp.MustCompile(`(?s)<subject typeCode="SUBJ">.*?</subject>`)
	outcome  = regexp.MustCompile(`(<queryResponseCode code=")[A-Z]+`)
	total    = regexp.MustCompile(`(<resultTotalQuantity value=")`)
	verdict  = regexp.MustCompile(`typeCode="A[AER]"`)
	attached = regexp.MustCompile(`(?s)--[^\n]*\nContent-Type: application/pdf.*?\n(--)`)
)

func (r *Response) none() {
	r.Body = outcome.ReplaceAll(subjects.ReplaceAll(r.Body, nil), []byte("${1}NF"))
}

// queries are mutants of what archives answer to queries.
var queries = []*Mutant{
	asking("serves-nullified", "serves nullified documents", func(x *Exchange) { x.param("includeNullified", "true"); x.param("newestVersionOnly", "false") }),
	asking("serves-every-version", "gives every version where the newest is asked for", func(x *Exchange) { x.param("newestVersionOnly", "false") }),
	asking("serves-newest-only", "never gives an earlier version", func(x *Exchange) { x.param("newestVersionOnly", "true") }),
	answering("discloses-nothing", "gives nothing to other controllers, whatever the client permits", func(x *Exchange, r *Response) {
		if x.Has(`code="903"`) {
			r.none()
		}
	}),
	{Name: "ignores-suspension", Why: "takes the suspension of a registry-use right and lets it go on", likely: tagged("registry-use"), make: stateless(func(x *Exchange) *Response {
		x.Body = bytes.Replace(x.Body, []byte(`code="SP932"`), []byte(`code="SP933"`), 1)
		return x.Forward()
	})},
	asking("ignores-group", "does not narrow by document group", func(x *Exchange) { x.without("documentGroupCode") }),
	asking("ignores-client", "does not narrow by client", func(x *Exchange) {
		if x.Has("<documentId>") || x.Has("<setId>") || x.Has("<caseId>") {
			x.without("patientId")
		}
	}),
	asking("ignores-register", "gives documents to other controllers", func(x *Exchange) { x.as("sumula") }),
	asking("ignores-registry-right", "gives documents to providers without a registry-use right", func(x *Exchange) { x.as("hoivapilvi") }),
	asking("ignores-prohibition", "ignores prohibition and permission", func(x *Exchange) {
		if x.Has(`code="903"`) {
			x.as("sumula")
		}
	}),
	answering("finds-nothing", "an acknowledged document is never found", func(_ *Exchange, r *Response) { r.none() }),
	answering("finds-nothing-for-providers", "knows no registry-use rights", func(x *Exchange, r *Response) {
		if x.Has(`code="902"`) {
			r.none()
		}
	}),
	answering("finds-no-shared", "finds shared documents by their main client only", func(_ *Exchange, r *Response) {
		if bytes.Count(r.Body, []byte("<recordTarget")) > 2 {
			r.none()
		}
	}),
	answering("finds-no-temporary", "does not find by temporary identifiers", func(x *Exchange, r *Response) {
		if regexp.MustCompile(`(?s)<patientId>[^/]*root="1\.2\.246\.10\.`).Match(x.Body) {
			r.none()
		}
	}),
	answering("serves-other-bytes", "serves a document that it has written anew", func(_ *Exchange, r *Response) {
		r.Body = bytes.ReplaceAll(r.Body, []byte("PD94bWw"), []byte("PD94bXw"))
	}),
	answering("serves-other-forms", "serves every document as UTF-8 without mark", func(_ *Exchange, r *Response) {
		for _, mark := range []string{"77u/PD94", "//48AD8A", "/v8APAA/"} {
			r.Body = bytes.ReplaceAll(r.Body, []byte(mark), []byte("PD94bXxx"))
		}
	}),
	answering("loses-attachments", "gives documents without their attachments", func(_ *Exchange, r *Response) {
		r.Body = attached.ReplaceAll(r.Body, []byte("$1"))
	}),
	answering("wrong-total", "tells one hit more than there are", func(_ *Exchange, r *Response) { r.Body = total.ReplaceAll(r.Body, []byte("${1}1")) }),
	answering("no-status", "does not tell what became of a message", func(x *Exchange, r *Response) {
		if x.Has("SP926") {
			r.none()
		}
	}),
	answering("no-relationships", "does not find client relationships", func(x *Exchange, r *Response) {
		if x.Has("SP923") {
			r.none()
		}
	}),
	answering("no-cases", "does not find cases", func(x *Exchange, r *Response) {
		if x.Has("SP924") {
			r.none()
		}
	}),
	answering("no-summary", "gives no summary", func(x *Exchange, r *Response) {
		if x.Has("SP925") {
			r.none()
		}
	}),
	answering("no-continuation", "forgets what was asked", func(x *Exchange, r *Response) {
		if x.Has("<queryContinuation>") {
			r.none()
		}
	}),
	answering("answers-wrong-queries", "answers queries that are at fault", func(_ *Exchange, r *Response) {
		r.Body = errorDetail.ReplaceAll(verdict.ReplaceAll(r.Body, []byte(`typeCode="AA"`)), nil)
		r.Body = code.ReplaceAll(r.Body, []byte(`typeCode="AA"`))
	}),
	answering("found-where-none", "says OK where nothing was found", func(_ *Exchange, r *Response) {
		r.Body = outcome.ReplaceAll(r.Body, []byte("${1}OK"))
	}),
	{Name: "forgets-bare-nullification", Why: "acknowledges a nullification by frame and does nothing", likely: tagged("nullify"), make: stateless(func(x *Exchange) *Response {
		if x.Message() && x.Has("SP910") && !x.Has("<text mediaType") {
			return invented(x, "")
		}
		return x.Forward()
	})},
}
