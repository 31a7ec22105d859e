package web

import (
	"bytes"
	"cmp"
	"html"
	"net/http"
	"regexp"
	"time"

	"portti/cda"
	"portti/cda/rules/catalogue"
	"portti/cda/sosmeta"
	"portti/gateway/pipeline"

	"github.com/microcosm-cc/bluemonday"
)

// jsonView is a field of the structured form with its heading.
type jsonView struct {
	Name, Value string
	// Lang is the heading's language where it is not the page's.
	Lang   catalogue.Lang
	Fields []jsonView
}

// maxJSONFields bounds the fields that a page shows.
const maxJSONFields = 600

// bodyOf fills in how the document's content is shown. What no valid signature covers
// is not shown.
func (s *Site) bodyOf(p *documentPage, j *pipeline.Judgement) {
	if j.Body == nil {
		return
	}
	if d := j.Body.Display; d != nil && !d.Empty() {
		switch d.Recognised {
		case cda.PDF:
			p.Kind = "pdf"
		case cda.XHTML:
			p.Kind = "xhtml"
		}
	}
	if part := j.Body.JSON; part != nil && !part.Empty() {
		p.Structure, p.Structured = s.structured(p, j, part.Bytes)
	}
}

// structured reads the JSON by its structure and gives its fields under the
// structure's headings, in Swedish for Swedish readers and else in Finnish.
func (s *Site) structured(p *documentPage, j *pipeline.Judgement, src []byte) (coded, []jsonView) {
	set := s.Judge.Structures
	if set == nil {
		set = sosmeta.Default()
	}
	st, ok := set.Lookup(j.Document.Local.ContentSpecification.Value)
	r := sosmeta.Decode(src, sosmeta.Options{})
	var name coded
	if ok {
		r = st.Validate(src, sosmeta.Options{})
		name.Text, name.Lang = national(p.Lang, st.TitleFI, st.TitleSV)
	}
	if r.Broken() || r.Instance.Root() == sosmeta.None {
		return name, nil
	}
	left := maxJSONFields
	v := jsonViews(r.Instance, r.Instance.Root(), p.Lang, &left)
	if len(v) == 1 && v[0].Value == "" { // the document's own key
		v = v[0].Fields
	}
	return name, v
}

// headingLang marks a field's heading.
func headingLang(f *sosmeta.Field, page catalogue.Lang) catalogue.Lang {
	_, mark := national(page, f.FI, f.SV)
	return mark
}

func jsonViews(in *sosmeta.Instance, r sosmeta.Ref, lang catalogue.Lang, left *int) []jsonView {
	var out []jsonView
	for c := range in.Children(r) {
		if *left--; *left < 0 {
			return out
		}
		v := jsonView{Name: in.Key(c)}
		f := in.Field(c)
		if f != nil {
			v.Name, v.Lang = f.Name(string(lang)), headingLang(f, lang)
		}
		switch {
		case in.Type(c) < sosmeta.TypeArray:
			v.Value = plainValue(lang, in.Text(c), in.Type(c))
		case f != nil && in.Type(c) == sosmeta.TypeObject && leaf(f):
			v.Value = leafText(in, c)
		default:
			if v.Fields = jsonViews(in, c, lang, left); len(v.Fields) == 1 && v.Fields[0].Name == v.Name && v.Fields[0].Value == "" {
				v.Fields = v.Fields[0].Fields // a list of one: its heading need not stand twice
			}
		}
		out = append(out, v)
	}
	return out
}

// plainValue gives truth values, days and times as people write them; what is none of
// these stays as it is.
func plainValue(lang catalogue.Lang, text string, t sosmeta.Type) string {
	switch t {
	case sosmeta.TypeTrue:
		return word(lang, "yes")
	case sosmeta.TypeFalse:
		return word(lang, "no")
	}
	if at, err := time.Parse(time.DateOnly, text); err == nil {
		return at.Format("2.1.2006")
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return shownTime(at)
	}
	return text
}

// leaf tells of values that are objects in JSON and one thing to people.
func leaf(f *sosmeta.Field) bool {
	switch f.Representation {
	case sosmeta.Coded, sosmeta.Identifier, sosmeta.Quantity, sosmeta.Measure, sosmeta.Percent:
		return true
	}
	return false
}

func leafText(in *sosmeta.Instance, r sosmeta.Ref) string {
	text := func(key string) string { return in.Text(in.Get(r, key)) }
	if d := text("display"); d != "" {
		return d
	}
	return join(text("value"), text("code"))
}

// sanitized is what XHTML may hold when it is shown: text, tables, lists, the classes
// of the display form and pictures that come with it (kanta-interface 6.1).
var sanitized = func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("div", "p", "br", "span", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "dl", "dt", "dd",
		"table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption", "strong", "em", "b", "i", "u", "sub", "sup", "pre", "hr", "blockquote", "img")
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^(soc-[a-z0-9-]+ ?)+$`)).Globally()
	p.AllowAttrs("colspan", "rowspan").Matching(bluemonday.Integer).OnElements("td", "th")
	p.AllowAttrs("alt").OnElements("img")
	p.AllowDataURIImages()
	p.AllowAttrs("src").Matching(regexp.MustCompile(`^data:image/(png|jpeg|gif);base64,[A-Za-z0-9+/=\s]+$`)).OnElements("img")
	return p
}()

// contentStyle is the style of the display form, by itself: the frame has no way to
// the page's.
const contentStyle = "body{font:1rem/1.5 system-ui,sans-serif;color:#1a1a1a;background:#ffffff;margin:1rem}" +
	".soc-logo img{max-width:10rem}.soc-title{font-size:1.1rem}table{border-collapse:collapse}td,th{border:1px solid #767676;padding:.2rem .5rem}"

// content serves the display form for the page's frame: a PDF as it is, XHTML cleaned
// and sandboxed.
func (s *Site) content(w http.ResponseWriter, r *http.Request, x *session) {
	d, ok := s.fetch(w, r, x, "archivist-content")
	if !ok {
		return
	}
	j := d.Judgement
	if j == nil || j.Body == nil || j.Body.Display == nil {
		s.tell(w, r, http.StatusNotFound, "not_found", "not_found_text")
		return
	}
	part := j.Body.Display
	h := w.Header()
	switch part.Recognised {
	case cda.PDF:
		safeHeaders(h, "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'")
		h.Set("Content-Type", "application/pdf")
		h.Set("Content-Disposition", "inline")
	case cda.XHTML:
		safeHeaders(h, "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'")
		h.Set("Content-Type", "text/html; charset=utf-8")
		part = &cda.Part{Bytes: xhtmlPage(part.Bytes, cmp.Or(j.Document.Metadata.Language.Code, "fi"))}
	default:
		s.tell(w, r, http.StatusNotFound, "not_found", "not_found_text")
		return
	}
	h.Set("X-Frame-Options", "SAMEORIGIN")
	_, _ = w.Write(part.Bytes) // a client that has gone is no fault of ours
}

func xhtmlPage(fragment []byte, lang string) []byte {
	var b bytes.Buffer
	b.WriteString(`<!DOCTYPE html><html lang="` + html.EscapeString(lang) + `"><head><meta charset="utf-8"><title>portti</title><style>` + contentStyle + `</style></head><body>`)
	b.Write(sanitized.SanitizeBytes(fragment))
	b.WriteString(`</body></html>`)
	return b.Bytes()
}

// original serves the exact octets of the document.
func (s *Site) original(w http.ResponseWriter, r *http.Request, x *session) {
	d, ok := s.fetch(w, r, x, "archivist-download")
	if !ok {
		return
	}
	if d.Disposed {
		s.tell(w, r, http.StatusNotFound, "not_found", "not_found_text")
		return
	}
	h := w.Header()
	safeHeaders(h, "sandbox; default-src 'none'")
	h.Set("Content-Type", "application/xml")
	h.Set("Content-Disposition", `attachment; filename="`+fileName(d.ID)+`.xml"`)
	_, _ = w.Write(d.Bytes) // a client that has gone is no fault of ours
}

// fileName keeps of an id what is safe in a file's name.
func fileName(id string) string {
	return regexp.MustCompile(`[^0-9A-Za-z.-]`).ReplaceAllString(id, "_")
}

// sourcePage shows XML line by line.
type sourcePage struct {
	page
	ID, URL string
	Which   string
	Lines   []sourceLine
	// Cut tells that not all lines are shown.
	Cut bool
}

// documentSource shows the XML of the document, or with ?frame of the request it came in.
func (s *Site) documentSource(w http.ResponseWriter, r *http.Request, x *session) {
	d, ok := s.fetch(w, r, x, "archivist-source")
	if !ok {
		return
	}
	p := sourcePage{page: s.page(w, r, "source_document"), ID: d.ID, URL: documentURL(d.ID)}
	src := d.Bytes
	if r.URL.Query().Has("frame") {
		p.Title = p.T("source_frame")
		frame, err := s.Store.Frame(r.Context(), x.scope(), d.ID)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		src = frame
	}
	p.Lines, p.Cut = highlighted("L", src, nil)
	s.write(w, &p.page, http.StatusOK, "source", p)
}
