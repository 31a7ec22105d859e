package report

import (
	_ "embed"
	"html/template"
	"io"
	"time"

	"portti/cda"
	"portti/cda/rules"
	"portti/cda/rules/catalogue"
	"portti/internal/finding"
	"portti/internal/style"
)

//go:embed report.html
var pageText string

var page = template.Must(template.New("report").Parse(style.Alone + pageText))

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
	Head    style.Head
	Words   *words
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
	words := wordsOf(h.o.Lang)
	v := view{
		Words: words, Head: style.Head{Lang: string(h.o.Lang), Title: words.Title, Not: words.Not},
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
