package style

import (
	"html/template"
	"strings"
	"testing"
)

// A page that stands alone lets its own style through and nothing else; no style stands
// in an attribute, which the policy would stop.
func TestPagesThatStandAlone(t *testing.T) {
	p := template.Must(template.New("p").Parse(Alone + `{{template "alone-head" .}}<p>x</p>{{template "alone-foot" .}}`))
	skips := map[string]bool{}
	for _, lang := range []string{"fi", "sv", "en"} {
		var b strings.Builder
		h := Head{Lang: lang, Title: "<i>", Not: "no"}
		if err := p.Execute(&b, h); err != nil {
			t.Fatal(err)
		}
		page := b.String()
		for _, want := range []string{`<html lang="` + lang + `">`, "<title>&lt;i&gt; – portti</title>", string(CSS()), "sha256-", "<h1>&lt;i&gt;</h1>", "</main>", "<footer>"} {
			if !strings.Contains(page, want) {
				t.Errorf("%s lacks %q", lang, want)
			}
		}
		skips[h.Skip()] = true
	}
	if len(skips) != 3 {
		t.Errorf("%v", skips)
	}
	for _, far := range []string{"url(", "@import", "http"} {
		if strings.Contains(string(Sheet()), far) {
			t.Errorf("the sheet holds %s", far)
		}
	}
	if !strings.HasPrefix(Name(), "style-") {
		t.Error(Name())
	}
}
