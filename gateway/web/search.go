package web

import (
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
	Type, Group, Task             coded
	Version                       int
	Effective                     time.Time
}

type facet struct {
	Name   string
	Values []facetValue
}

type facetValue struct {
	coded
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
		Type: s.typeOf(p.Lang, x), Group: s.coded(p.Lang, systemGroup, x.Group, ""),
		Task: s.codedAll(p.Lang, systemTask, x.Tasks), Status: p.T("status_" + h.Status.String()), Class: statusClass(h.Status)}
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
		name string
		of   func(*store.Hit) coded
	}{
		{"f_group", func(h *store.Hit) coded { return s.coded(p.Lang, systemGroup, h.Index.Group, "") }},
		{"f_type", func(h *store.Hit) coded { return s.typeOf(p.Lang, &h.Index) }},
		{"f_task", func(h *store.Hit) coded { return s.codedAll(p.Lang, systemTask, h.Index.Tasks) }},
		{"f_unit", func(h *store.Hit) coded { return coded{Text: h.Index.Unit} }},
		{"f_software", func(h *store.Hit) coded { return coded{Text: h.Index.Software} }},
		{"f_status", func(h *store.Hit) coded { return coded{Text: p.T("status_" + h.Status.String())} }},
	} {
		counts := map[coded]int{}
		for i := range hits {
			if v := k.of(&hits[i]); v.Text != "" {
				counts[v]++
			}
		}
		if f := topValues(p.T(k.name), counts); len(f.Values) > 0 {
			out = append(out, f)
		}
	}
	return out
}

// facetValues bounds the values of a facet that are shown.
const facetValues = 8

func topValues(name string, counts map[coded]int) facet {
	f := facet{Name: name}
	for v, n := range counts {
		f.Values = append(f.Values, facetValue{v, n})
	}
	slices.SortFunc(f.Values, func(a, b facetValue) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(a.Text, b.Text)
	})
	f.Values = f.Values[:min(facetValues, len(f.Values))]
	return f
}
