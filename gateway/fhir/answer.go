package fhir

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"

	"portti/cda/rules/catalogue"
	"portti/gateway/pipeline"
	"portti/internal/finding"
	"portti/internal/negotiate"
)

// The media types of FHIR R4.
const (
	mediaJSON = "application/fhir+json"
	mediaXML  = "application/fhir+xml"
)

// form tells JSON from XML by a Content-Type; false for any other.
func form(contentType string) (media string, ok bool) {
	mt, params, err := mime.ParseMediaType(contentType)
	if err != nil || params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8") {
		return mediaJSON, false
	}
	switch mt {
	case mediaJSON, "application/json":
		return mediaJSON, true
	case mediaXML, "application/xml", "text/xml":
		return mediaXML, true
	}
	return mediaJSON, false
}

// answerForm is the form of the answer: what Accept names, else that of the request.
func answerForm(r Request) string {
	for _, m := range []string{mediaJSON, mediaXML} {
		if negotiate.Names(r.Accept, m) {
			return m
		}
	}
	m, _ := form(r.ContentType)
	return m
}

// The resources of answers, as encoding/json writes them; encoding/xml's form is
// made by hand below, since FHIR's XML puts values into attributes.

type outcome struct {
	ResourceType string  `json:"resourceType"`
	Issue        []issue `json:"issue"`
}

type issue struct {
	Severity    string   `json:"severity"`
	Code        string   `json:"code"`
	Details     concept  `json:"details"`
	Diagnostics string   `json:"diagnostics"`
	Location    []string `json:"location,omitempty"`
	Expression  []string `json:"expression,omitempty"`
}

type concept struct {
	Coding []coding `json:"coding"`
}

type coding struct {
	System  string `json:"system"`
	Code    string `json:"code"`
	Display string `json:"display,omitempty"`
}

type response struct {
	ResourceType string          `json:"resourceType"`
	Type         string          `json:"type"`
	Entry        []responseEntry `json:"entry"`
}

type responseEntry struct {
	Response struct {
		Status       string `json:"status"`
		Location     string `json:"location"`
		LastModified string `json:"lastModified"`
	} `json:"response"`
}

// System of our rule ids in OperationOutcome, and of the national process errors
// (kanta-facts-2 1.4), of which two are known.
const (
	ruleSystem     = "urn:portti:rules"
	nationalSystem = "urn:oid:1.2.246.537.5.40112.2006"
)

var nationalCodes = map[finding.Stage]coding{
	finding.StageEnvelope: {nationalSystem, "4Y00007", "Virhe sanoman eheydessä."},
	finding.StageRules:    {nationalSystem, "4Y00007", "Virhe sanoman eheydessä."},
	finding.StageAccess:   {nationalSystem, "5Y00009", "Käyttöoikeusvirhe."},
}

// issueCodes are the issue types of FHIR for our stages.
var issueCodes = map[finding.Stage]string{
	finding.StageEnvelope: "structure", finding.StageRules: "invalid", finding.StageAccess: "forbidden", finding.StageCommit: "duplicate",
}

func outcomeOf(fs []finding.Finding, p catalogue.Profile, lang catalogue.Lang) outcome {
	o := outcome{ResourceType: "OperationOutcome"}
	for _, f := range fs {
		r := catalogue.Default().Resolve(f, p, lang)
		i := issue{Severity: r.Severity.String(), Code: issueCodes[r.Stage], Diagnostics: strings.TrimSpace(r.Message + " " + r.Hint)}
		if r.Severity == finding.Info {
			i.Severity = "information"
		}
		if r.Retry || i.Code == "" {
			i.Code = "transient"
		}
		if c, ok := nationalCodes[r.Stage]; ok && r.Severity == finding.Error {
			i.Details.Coding = append(i.Details.Coding, c)
		}
		i.Details.Coding = append(i.Details.Coding, coding{System: ruleSystem, Code: r.Rule})
		if r.Line > 0 {
			i.Location = []string{fmt.Sprintf("line %d, column %d", r.Line, r.Column)}
		}
		if r.XPath != "" {
			i.Expression = []string{r.XPath}
		}
		o.Issue = append(o.Issue, i)
	}
	return o
}

func responseOf(b *bundle, filed []bool, arrived []time.Time) response {
	out := response{ResourceType: "Bundle", Type: "transaction-response"}
	at := make(map[string]int, len(b.notices))
	for i, n := range b.notices {
		at[n.id] = i
	}
	for _, e := range b.root.all("entry") {
		res := e.first("resource")
		id := res.text("id")
		i, ok := at[id]
		if res.kind == "Provenance" {
			i, ok = at[strings.TrimPrefix(strings.TrimPrefix(res.text("target", "reference"), oidURI), "AuditEvent/")]
			id = strings.TrimPrefix(e.text("fullUrl"), oidURI)
		}
		if !ok {
			continue
		}
		var r responseEntry
		r.Response.Status = "200 OK"
		if filed[i] {
			r.Response.Status = "201 Created"
		}
		r.Response.Location = res.kind + "/" + strings.TrimPrefix(id, "urn:uuid:")
		r.Response.LastModified = arrived[i].UTC().Format("2006-01-02T15:04:05.000Z07:00")
		out.Entry = append(out.Entry, r)
	}
	return out
}

// write gives a resource in the form that is wanted.
func write(v any, media string) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings only
	}
	if media == mediaJSON {
		return b
	}
	root, f := readJSON(b)
	if f != nil {
		panic("fhir: an answer of ours is not FHIR")
	}
	var out bytes.Buffer
	out.WriteString(xml.Header)
	writeXML(&out, root, root.kind, true)
	return out.Bytes()
}

// writeXML writes an element of an answer of ours in FHIR's XML.
func writeXML(w *bytes.Buffer, e *element, name string, root bool) {
	w.WriteString("<" + name)
	if root {
		w.WriteString(` xmlns="` + namespace + `"`)
	}
	if e.value != "" {
		w.WriteString(` value="`)
		_ = xml.EscapeText(w, []byte(e.value)) // a bytes.Buffer takes all
		w.WriteString(`"`)
	}
	if len(e.kids) == 0 {
		w.WriteString("/>")
		return
	}
	w.WriteString(">")
	for _, k := range e.kids {
		writeXML(w, k, k.name, false)
	}
	w.WriteString("</" + name + ">")
}

// Fault answers a request that was not read, by findings of the HTTP door.
func (s *Service) Fault(r Request, status int, fs ...finding.Finding) Answer {
	media := answerForm(r)
	a := Answer{Status: status, ContentType: media + "; charset=utf-8", Body: write(outcomeOf(fs, s.Profile, s.lang(r)), media)}
	a.Report = pipeline.Report{Interaction: "fhir", Verdict: pipeline.AtFault, Rules: ruleNames(fs)}
	if status == http.StatusTooManyRequests || status >= 500 {
		a.Report.Verdict = pipeline.NotNow
	}
	return a
}

func ruleNames(fs []finding.Finding) (out []string) {
	seen := make(map[string]bool)
	for _, f := range fs {
		if !seen[f.Rule] {
			seen[f.Rule] = true
			out = append(out, f.Rule)
		}
	}
	return out
}
