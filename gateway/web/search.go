package web

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"portti/cda"
	"portti/store"
)

// searchForm is what the archivist looks for. It comes by POST alone: identity codes
// do not belong into addresses.
type searchForm struct {
	Client, ID, Case, Type, Group, Task, Unit, From, Until, Software string
	Earlier, Nullified                                               bool
	Next                                                             string
}

func readSearch(r *http.Request) *searchForm {
	v := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	return &searchForm{Client: v("client"), ID: v("id"), Case: v("case"), Type: v("type"), Group: v("group"), Task: v("task"),
		Unit: v("unit"), From: v("from"), Until: v("until"), Software: v("software"),
		Earlier: v("earlier") != "", Nullified: v("nullified") != "", Next: v("next")}
}

// filter turns the form into the archive's filter.
func (f *searchForm) filter() (store.Filter, error) {
	out := store.Filter{Client: f.Client, Case: f.Case, Earlier: f.Earlier, Nullified: f.Nullified, Software: f.Software}
	one := func(to *[]string, v string) {
		if v != "" {
			*to = []string{v}
		}
	}
	one(&out.Groups, f.Group)
	one(&out.Tasks, f.Task)
	one(&out.Units, f.Unit)
	if len(f.Type) > 2 { // general types have one or two digits, specific ones more (kanta-interface 13.1)
		one(&out.SpecificTypes, f.Type)
	} else {
		one(&out.GeneralTypes, f.Type)
	}
	var err error
	if out.EffectiveFrom, err = day(f.From, 0); err != nil {
		return out, err
	}
	out.EffectiveUntil, err = day(f.Until, 1)
	return out, err
}

var errDay = errors.New("that is no day")

// day reads a day in Helsinki, later by so many days; "" is the zero time.
func day(s string, later int) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, s, cda.Helsinki())
	if err != nil {
		return time.Time{}, errDay
	}
	return t.AddDate(0, 0, later), nil
}

// onPage is how many hits a page shows; facetHits how many are counted for facets.
const (
	onPage    = 25
	facetHits = 500
)

// resultsPage is the search with its hits.
type resultsPage struct {
	homePage
	Hits   []hitView
	Facets []facet
	// Count is the number of hits, with a plus where there are more.
	Count string
	Next  string
}

type hitView struct {
	ID, Case, Unit, Status, Class string
	Type, Group                   coded
	Tasks                         []coded
	Version                       int
	Effective                     time.Time
}

// facet counts hits by what they have in a field of the search form; Field is "" where
// the form has none.
type facet struct {
	Name, Field string
	Values      []facetValue
}

// facetValue is a value of a field with its text.
type facetValue struct {
	coded
	Value string
	Count int
}

// search answers a search form.
func (s *Site) search(w http.ResponseWriter, r *http.Request, x *session) {
	form := readSearch(r)
	f, err := form.filter()
	if err != nil {
		s.tell(w, r, http.StatusBadRequest, "bad_request", "bad_day")
		return
	}
	if err := s.logSearch(r, x, form); err != nil {
		s.fail(w, r, err)
		return
	}
	if form.ID != "" {
		http.Redirect(w, r, documentURL(form.ID), http.StatusSeeOther)
		return
	}
	all, err := s.Store.Search(r.Context(), x.scope(), f, facetHits, form.Next)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	p := resultsPage{homePage: homePage{page: s.page(w, r, "nav_archive"), Search: form}}
	p.Count = countWord(len(all.Hits), all.Next != "")
	shown := all.Hits[:min(onPage, len(all.Hits))]
	for i := range shown {
		p.Hits = append(p.Hits, s.hit(&p.page, &shown[i]))
	}
	p.Facets = s.facets(&p.page, all.Hits)
	p.Next = all.After(onPage)
	s.write(w, &p.page, http.StatusOK, "search", p)
}

// logSearch writes the search into the usage log before it is answered (LOG-5). The
// client goes in as the client; the rest of the form as detail.
func (s *Site) logSearch(r *http.Request, x *session, form *searchForm) error {
	detail := *form
	detail.Client, detail.Next = "", ""
	b, err := json.Marshal(detail)
	if err != nil {
		return err
	}
	u := x.usage("archivist-search", form.Client, form.ID)
	u.Detail = b
	return s.Store.Log(r.Context(), store.Entries{Usage: []store.Usage{u}})
}

func (s *Site) hit(p *page, h *store.Hit) hitView {
	x := &h.Index
	return hitView{ID: h.ID, Version: h.Version.Version, Effective: x.Effective, Case: x.Case, Unit: x.Unit,
		Type: s.coded(p.Lang, systemType, typeCode(x), ""), Group: s.coded(p.Lang, systemGroup, x.Group, ""),
		Tasks: s.codedAll(p.Lang, systemTask, x.Tasks), Status: p.T("status_" + h.Status.String()), Class: statusClass(h.Status)}
}

func statusClass(st store.Status) string {
	switch st {
	case store.Current:
		return "good"
	case store.NullifiedSeries:
		return "error"
	}
	return "quiet"
}

func countWord(n int, more bool) string {
	out := grouped(n)
	if more {
		out += "+"
	}
	return out
}

// facets counts hits by what an archivist narrows by.
func (s *Site) facets(p *page, hits []store.Hit) []facet {
	var out []facet
	for _, k := range []struct {
		name, field string
		of          func(*store.Index) []string
		text        func(string) coded
	}{
		{"f_group", "group", func(x *store.Index) []string { return []string{x.Group} }, func(v string) coded { return s.coded(p.Lang, systemGroup, v, "") }},
		{"f_type", "type", func(x *store.Index) []string { return []string{typeCode(x)} }, func(v string) coded { return s.coded(p.Lang, systemType, v, "") }},
		{"f_task", "task", func(x *store.Index) []string { return x.Tasks }, func(v string) coded { return s.coded(p.Lang, systemTask, v, "") }},
		{"f_unit", "unit", func(x *store.Index) []string { return []string{x.Unit} }, func(v string) coded { return coded{Text: p.OrganisationName(v)} }},
		{"f_software", "software", func(x *store.Index) []string { return []string{x.Software} }, func(v string) coded { return coded{Text: v} }},
	} {
		counts := map[string]int{}
		for i := range hits {
			for _, v := range k.of(&hits[i].Index) {
				counts[v]++
			}
		}
		out = appendFacet(out, facet{Name: p.T(k.name), Field: k.field}, counts, k.text)
	}
	states := map[string]int{}
	for i := range hits {
		states[hits[i].Status.String()]++
	}
	return appendFacet(out, facet{Name: p.T("f_status")}, states, func(v string) coded { return coded{Text: p.T("status_" + v)} })
}

// facetValues bounds the values of a facet that are shown.
const facetValues = 8

// appendFacet appends a facet with its most frequent values, if there are any.
func appendFacet(out []facet, f facet, counts map[string]int, text func(string) coded) []facet {
	delete(counts, "")
	for v, n := range counts {
		f.Values = append(f.Values, facetValue{text(v), v, n})
	}
	slices.SortFunc(f.Values, func(a, b facetValue) int {
		return cmp.Or(b.Count-a.Count, strings.Compare(a.Text, b.Text))
	})
	if f.Values = f.Values[:min(facetValues, len(f.Values))]; len(f.Values) == 0 {
		return out
	}
	return append(out, f)
}
