package web

import (
	"net/http"
	"net/url"
	"strings"

	"portti/cda/rules/catalogue"
	"portti/cda/sosmeta"
)

func (s *Site) sosmeta() *sosmeta.Set {
	if s.Judge.Structures != nil {
		return s.Judge.Structures
	}
	return sosmeta.Default()
}

// structuresPage lists the document structures.
type structuresPage struct {
	page
	Query      string
	Structures []structureView
}

// structureView is a structure in the list; Lang marks its title's language.
type structureView struct {
	OID, Title, Type, URL string
	Lang                  catalogue.Lang
}

// national gives a text that the definitions have in Finnish and mostly in Swedish, and
// its mark on a page.
func national(page catalogue.Lang, fi, sv string) (string, catalogue.Lang) {
	if page == catalogue.Swedish && sv != "" {
		return sv, ""
	}
	return fi, marked(catalogue.Finnish, page)
}

func (s *Site) structures(w http.ResponseWriter, r *http.Request) {
	p := structuresPage{page: s.page(w, r, "nav_structures"), Query: strings.TrimSpace(r.URL.Query().Get("q"))}
	want := strings.ToLower(p.Query)
	for _, st := range s.sosmeta().List() {
		v := structureView{OID: st.OID, Type: st.Type, URL: "/workbench/structures/" + url.PathEscape(st.OID)}
		v.Title, v.Lang = national(p.Lang, st.TitleFI, st.TitleSV)
		if strings.Contains(strings.ToLower(v.OID+" "+v.Title+" "+v.Type), want) {
			p.Structures = append(p.Structures, v)
		}
	}
	s.write(w, &p.page, http.StatusOK, "structures", p)
}

// structurePage is one structure as a tree.
type structurePage struct {
	page
	OID    string
	Fields []fieldView
	Cut    bool
}

// fieldView is a field; Depth is how deep it stands.
type fieldView struct {
	Depth                              int
	Name, Key, Form, Obligation, Codes string
	Lang                               catalogue.Lang // of the name, where it is not the page's
}

// maxFields bounds the fields that a page shows.
const maxFields = 700

func (s *Site) structure(w http.ResponseWriter, r *http.Request) {
	st, ok := s.sosmeta().Lookup(r.PathValue("oid"))
	if !ok {
		s.tell(w, r, http.StatusNotFound, "not_found", "not_found_text")
		return
	}
	p := structurePage{page: s.page(w, r, ""), OID: st.OID}
	p.Title, p.TitleLang = national(p.Lang, st.TitleFI, st.TitleSV)
	p.fields(st.Root(), 0)
	s.write(w, &p.page, http.StatusOK, "structure", p)
}

var obligationKeys = map[sosmeta.Obligation]string{sosmeta.Optional: "optional", sosmeta.Required: "required", sosmeta.Conditional: "conditional"}

func (p *structurePage) fields(f *sosmeta.Field, depth int) {
	for _, c := range f.Fields {
		if len(p.Fields) >= maxFields {
			p.Cut = true
			return
		}
		v := fieldView{Depth: depth, Name: c.Name(string(p.Lang)), Lang: headingLang(c, p.Lang), Key: c.Key, Form: string(c.Representation),
			Obligation: p.T(obligationKeys[c.Obligation]), Codes: c.System}
		if c.Repeats {
			v.Obligation += ", " + p.T("repeats")
		}
		if len(c.Accepted) > 0 {
			v.Codes = join(v.Codes, strings.Join(c.Accepted, ", "))
		}
		p.Fields = append(p.Fields, v)
		if !leaf(c) {
			p.fields(c, depth+1)
		}
	}
}
