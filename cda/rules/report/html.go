package report

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	"time"

	"portti/cda"
	"portti/cda/rules"
	"portti/cda/rules/catalogue"
	"portti/internal/finding"
)

//go:embed report.html
var pageText string

//go:embed report.css
var pageStyle string

var page = template.Must(template.New("report").Parse(pageText))

// htmlWriter writes one page: a summary, and each document's findings. The page
// has no script and fetches nothing; its policy forbids both.
type htmlWriter struct {
	w       io.Writer
	o       Options
	results []Result
}

// Add keeps the result: the summary stands at the beginning of the page.
func (h *htmlWriter) Add(r Result) error {
	r.Sources = nil
	h.results = append(h.results, r)
	return nil
}

// view is what the page is made of.
type view struct {
	Lang    catalogue.Lang
	Words   *words
	Style   template.CSS
	Policy  string
	Time    string
	Results []resultView
}

type resultView struct {
	Number                  int
	Result                  Result
	Word, Class             string
	Errors, Warnings, Infos int
	Findings                []findingView
}

type findingView struct {
	catalogue.Resolved
	Place, SeverityWord string
}

// Close writes the page.
func (h *htmlWriter) Close() error {
	sum := sha256.Sum256([]byte(pageStyle))
	v := view{
		Lang: h.o.Lang, Words: wordsOf(h.o.Lang), Style: template.CSS(pageStyle),
		Policy: "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'",
	}
	if !h.o.Now.IsZero() {
		v.Time = h.o.Now.In(cda.Helsinki()).Format(time.DateTime)
	}
	for i := range h.results {
		v.Results = append(v.Results, h.view(i))
	}
	return page.Execute(h.w, v)
}

func (h *htmlWriter) view(i int) resultView {
	r := &h.results[i]
	out := resultView{
		Number: i + 1, Result: *r, Word: VerdictWord(r.Verdict, h.o.Lang), Class: "accepted",
		Errors: r.count(finding.Error), Warnings: r.count(finding.Warning), Infos: r.count(finding.Info),
	}
	if r.Verdict == rules.Rejected {
		out.Class = "rejected"
	}
	for i := range r.Findings {
		f := r.Findings[i]
		out.Findings = append(out.Findings, findingView{f, place(&f), wordsOf(h.o.Lang).severity(f.Severity)})
	}
	return out
}
