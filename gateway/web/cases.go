package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// caseProfiles are the profiles in their order (PRO-1 to PRO-4).
var caseProfiles = []string{"connecting", "storing", "viewing", "archiving"}

// onCasesPage is how many cases a page lists.
const onCasesPage = 100

// casesPage lists the cases of the joint-test suite.
type casesPage struct {
	page
	Query, Profile, Mode string
	Profiles             []string
	Count                int
	Cases                []caseView
	Next                 string
}

// caseView is a case on a page.
type caseView struct {
	JointCase
	URL, ProfileNames, RequirementIDs string
}

func (p *page) caseOf(c JointCase) caseView {
	var names []string
	for _, k := range c.Profiles {
		names = append(names, p.T("profile_"+k))
	}
	return caseView{c, "/workbench/cases/" + url.PathEscape(c.ID), strings.Join(names, ", "), strings.Join(c.Requirements, " ")}
}

func (s *Site) cases(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	p := casesPage{page: s.page(w, r, "nav_cases"), Query: strings.TrimSpace(q.Get("q")), Profile: q.Get("profile"), Mode: q.Get("mode"), Profiles: caseProfiles}
	from := skipped(q)
	for _, c := range s.Guide.Cases(p.Lang) {
		if p.wants(&c) {
			if p.Count++; p.Count > from && len(p.Cases) < onCasesPage {
				p.Cases = append(p.Cases, p.caseOf(c))
			}
		}
	}
	if next := from + onCasesPage; next < p.Count {
		q.Set("from", strconv.Itoa(next))
		p.Next = "/workbench/cases?" + q.Encode()
	}
	s.write(w, &p.page, http.StatusOK, "cases", p)
}

// wants tells whether a case is asked for: each word must stand in its id, title, area
// or requirements.
func (p *casesPage) wants(c *JointCase) bool {
	if p.Profile != "" && !slices.Contains(c.Profiles, p.Profile) || p.Mode != "" && (p.Mode == "client") != c.Client {
		return false
	}
	text := strings.ToLower(c.ID + " " + c.Title + " " + c.Area + " " + strings.Join(c.Requirements, " "))
	for _, word := range strings.Fields(strings.ToLower(p.Query)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// casePage is one case in full.
type casePage struct {
	page
	Case caseView
	Runs bool // cases for archives can be run from here
}

func (s *Site) oneCase(w http.ResponseWriter, r *http.Request) {
	p := casePage{page: s.page(w, r, ""), Runs: s.Suite != nil}
	list := s.Guide.Cases(p.Lang)
	i := slices.IndexFunc(list, func(c JointCase) bool { return c.ID == r.PathValue("id") })
	if i < 0 {
		s.tell(w, r, http.StatusNotFound, "not_found", "not_found_text")
		return
	}
	p.Case = p.caseOf(list[i])
	p.Title = p.Case.Title
	s.write(w, &p.page, http.StatusOK, "case", p)
}
