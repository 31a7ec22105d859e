package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"portti/cda/rules/catalogue"
	"portti/internal/finding"
	"portti/internal/negotiate"
)

// The error catalogue: /errors lists the rules (?q= and ?area= and ?severity= narrow
// the list), /errors/RULE tells one in full. Who accepts application/json alone is
// given the same as JSON.

// listPage is the list of rules.
type listPage struct {
	page
	Query, Area, Severity string
	Areas                 []areaView
	AllAreas              []areaView
	Severities            []severityView
	Count                 int
	// Next leads to the rest, "" where there is none.
	Next string
}

// onErrorsPage is how many rules a page lists.
const onErrorsPage = 400

type areaView struct {
	ID, Name string
	Rules    []ruleView
}

type severityView struct{ ID, Name string }

type ruleView struct {
	ID, Title, Severity, Class, URL string
}

// list serves /errors.
func (s *Site) listErrors(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	p := listPage{page: s.page(w, r, "catalogue"), Query: strings.TrimSpace(q.Get("q")), Area: q.Get("area"), Severity: q.Get("severity")}
	from := skipped(q)
	var entries []catalogue.Entry
	for _, a := range catalogue.Areas() {
		view := areaView{ID: a.ID, Name: a.Name.In(p.Lang)}
		p.AllAreas = append(p.AllAreas, view)
		for _, rule := range catalogue.Default().InArea(a.ID) {
			if !p.matches(rule) {
				continue
			}
			entries = append(entries, rule.Entry())
			if p.Count++; p.Count > from && p.Count <= from+onErrorsPage {
				view.Rules = append(view.Rules, p.view(rule))
			}
		}
		if len(view.Rules) > 0 {
			p.Areas = append(p.Areas, view)
		}
	}
	if next := from + onErrorsPage; next < p.Count {
		q.Set("from", strconv.Itoa(next))
		p.Next = "/errors?" + q.Encode()
	}
	if wantsJSON(r) {
		writeJSON(w, http.StatusOK, entries)
		return
	}
	for _, v := range []finding.Severity{finding.Error, finding.Warning, finding.Info} {
		p.Severities = append(p.Severities, severityView{v.String(), severityWord(p.Lang, v)})
	}
	s.write(w, &p.page, http.StatusOK, "list", p)
}

// skipped is how many entries of a list the pages before have shown: ?from=.
func skipped(q url.Values) int {
	n, err := strconv.Atoi(q.Get("from"))
	if err != nil || n < 0 || n > 1<<20 {
		return 0
	}
	return n
}

// matches tells whether a rule is asked for.
func (p *listPage) matches(r *catalogue.Rule) bool {
	if p.Area != "" && p.Area != catalogue.AreaOf(r.ID) || p.Severity != "" && p.Severity != r.Severity.Strict.String() {
		return false
	}
	if p.Query == "" {
		return true
	}
	want := strings.ToLower(p.Query)
	return slices.ContainsFunc([]string{r.ID, r.Title.In(p.Lang), r.Text.In(p.Lang), r.Reference, r.Code, strings.Join(r.Requirements, " ")}, func(s string) bool {
		return strings.Contains(strings.ToLower(s), want)
	})
}

func (p *page) view(r *catalogue.Rule) ruleView {
	return ruleView{
		ID: r.ID, Title: r.Title.In(p.Lang), Severity: severityWord(p.Lang, r.Severity.Strict), Class: r.Severity.Strict.String(),
		URL: "/errors/" + url.PathEscape(r.ID) + "?lang=" + string(p.Lang),
	}
}

// rulePage is one rule, or what was meant by one that does not exist.
type rulePage struct {
	page
	Rule                                 *catalogue.Rule
	Text, Hint, Strict, Lenient          string
	Area, Certainty, Requirements, Asked string
	Near                                 []ruleView
}

// one serves /errors/RULE.
func (s *Site) oneError(w http.ResponseWriter, r *http.Request) {
	p := rulePage{page: s.page(w, r, "catalogue"), Asked: r.PathValue("rule")}
	rule := catalogue.Default().Rule(strings.ToUpper(p.Asked))
	if rule == nil {
		s.missing(w, r, &p)
		return
	}
	if wantsJSON(r) {
		writeJSON(w, http.StatusOK, rule.Entry())
		return
	}
	p.Rule, p.Title = rule, rule.ID
	p.Text, p.Hint = rule.Text.In(p.Lang), rule.Hint.In(p.Lang)
	p.Strict, p.Lenient = severityWord(p.Lang, rule.Severity.Strict), severityWord(p.Lang, rule.Severity.Lenient)
	p.Requirements = strings.Join(rule.Requirements, ", ")
	p.Certainty = catalogue.Certainties[rule.Certainty].In(p.Lang)
	for _, a := range catalogue.Areas() {
		if a.ID == catalogue.AreaOf(rule.ID) {
			p.Area = a.Name.In(p.Lang)
		}
	}
	s.write(w, &p.page, http.StatusOK, "rule", p)
}

// missing tells of a rule that does not exist.
func (s *Site) missing(w http.ResponseWriter, r *http.Request, p *rulePage) {
	const suggestions = 5
	near := catalogue.Default().Nearest(p.Asked, suggestions)
	if wantsJSON(r) {
		writeJSON(w, http.StatusNotFound, map[string]any{"code": "not-found", "near": near})
		return
	}
	for _, id := range near {
		p.Near = append(p.Near, p.view(catalogue.Default().Rule(id)))
	}
	p.Title = p.T("no_rule")
	s.write(w, &p.page, http.StatusNotFound, "missing", p)
}

// wantsJSON tells of a client that names JSON and not HTML.
func wantsJSON(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return negotiate.Names(accept, "application/json") && !negotiate.Names(accept, "text/html")
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that has gone is no fault of ours
}
