package web

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"portti/cda/frame"
	"portti/cda/rules"
	"portti/cda/rules/catalogue"
	"portti/gateway/pipeline"
	"portti/gateway/soap"
	"portti/internal/finding"
	"portti/internal/xmltree"
)

// workbenchRoutes are the vendor's pages.
func (s *Site) workbenchRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /workbench", s.workbench)
	mux.HandleFunc("POST /workbench/validate", s.validate)
	mux.HandleFunc("GET /workbench/results/{id}", s.result)
	mux.HandleFunc("GET /workbench/messages", s.messages)
	mux.HandleFunc("GET /workbench/messages/{number}", s.oneMessage)
	mux.HandleFunc("GET /workbench/messages/{number}/request", s.messageRequest)
	mux.HandleFunc("GET /workbench/structures", s.structures)
	mux.HandleFunc("GET /workbench/structures/{oid}", s.structure)
	if s.Samples != nil {
		mux.HandleFunc("GET /workbench/samples", s.samples)
		mux.HandleFunc("GET /workbench/samples/{name...}", s.sample)
	}
}

// workbenchPage is the form for pasting.
type workbenchPage struct {
	page
	Limit string
	Fault string
}

func (s *Site) workbench(w http.ResponseWriter, r *http.Request) {
	p := workbenchPage{page: s.page(w, r, "nav_workbench"), Limit: grouped(pasteLimit >> 20)}
	s.write(w, &p.page, http.StatusOK, "workbench", p)
}

// pasteLimit bounds what is pasted or dropped, in bytes.
const pasteLimit = 40 << 20

// inMemory is how much of a form is held in memory; the rest waits in files.
const inMemory = 8 << 20

// outcome is a result of the workbench as it is kept: findings unresolved, so that it
// can be read in any language.
type outcome struct {
	At       time.Time         `json:"at"`
	Verdict  string            `json:"verdict"`
	ID       string            `json:"id,omitempty"`
	Frame    []byte            `json:"frame,omitempty"`
	Document []byte            `json:"document,omitempty"`
	Findings []finding.Finding `json:"findings"`
}

// validate judges what was pasted, keeps the result and leads to it.
func (s *Site) validate(w http.ResponseWriter, r *http.Request) {
	select {
	case s.places <- struct{}{}:
		defer func() { <-s.places }()
	case <-r.Context().Done():
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, pasteLimit)
	if err := r.ParseMultipartForm(inMemory); err != nil {
		s.refusePaste(w, r, "paste_unreadable")
		return
	}
	defer func() { _ = r.MultipartForm.RemoveAll() }()
	frameXML, err := part(r, "frame")
	if err != nil {
		s.refusePaste(w, r, "paste_unreadable")
		return
	}
	document, err := part(r, "document")
	if err != nil {
		s.refusePaste(w, r, "paste_unreadable")
		return
	}
	if len(frameXML) == 0 && len(document) == 0 {
		s.refusePaste(w, r, "paste_empty")
		return
	}
	o, err := s.judgePaste(frameXML, document)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	b, err := json.Marshal(o)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	id := s.NewID()
	if err := s.Store.KeepResult(r.Context(), id, b); err != nil {
		s.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/workbench/results/"+id, http.StatusSeeOther)
}

func (s *Site) refusePaste(w http.ResponseWriter, r *http.Request, why string) {
	p := workbenchPage{page: s.page(w, r, "nav_workbench"), Limit: grouped(pasteLimit >> 20)}
	p.Fault = p.T(why)
	s.write(w, &p.page, http.StatusUnprocessableEntity, "workbench", p)
}

// part gives a field of the form: its file, or else its text.
func part(r *http.Request, name string) ([]byte, error) {
	f, _, err := r.FormFile(name + "_file")
	switch {
	case errors.Is(err, http.ErrMissingFile):
		return []byte(strings.TrimLeft(r.PostFormValue(name), " \t\r\n")), nil
	case err != nil:
		return nil, err
	}
	b, err := io.ReadAll(f)
	if len(b) == 0 && err == nil { // browsers send an empty file where none was chosen
		b = []byte(strings.TrimLeft(r.PostFormValue(name), " \t\r\n"))
	}
	return b, errors.Join(err, f.Close())
}

// judgePaste judges by the engine of every door. The first field takes a frame or a
// whole SOAP request; its package is judged where no document stands beside it.
func (s *Site) judgePaste(frameXML, document []byte) (*outcome, error) {
	o := &outcome{At: s.Now(), Frame: frameXML, Document: document}
	in := pipeline.Input{Document: document, Arrived: o.At}
	if len(frameXML) > 0 {
		if err := s.judgeFrame(o, &in); err != nil {
			return nil, err
		}
	}
	decision := pipeline.Decide(o.Findings, nil, s.Judge.Profile)
	if len(in.Document) == 0 {
		decision = pipeline.Reject
	} else {
		j := s.Judge.Document(in)
		if j.Failure != nil {
			return nil, j.Failure
		}
		o.Findings, decision = append(o.Findings, j.Findings...), max(decision, j.Decision)
		if j.Document != nil {
			o.ID = j.Document.ID.Root
		}
	}
	o.Document, o.Verdict = in.Document, decision.String()
	return o, nil
}

func (s *Site) judgeFrame(o *outcome, in *pipeline.Input) error {
	t, err := xmltree.Parse(o.Frame, xmltree.Limits{Bytes: len(o.Frame)})
	if err != nil {
		o.Findings = append(o.Findings, soap.SyntaxFinding(err, finding.SourceFrame, ""))
		return nil
	}
	f, fs, err := s.Judge.Frame(t, frameRoot(t))
	if err != nil {
		return err
	}
	o.Findings = append(o.Findings, fs...)
	if f.Fatal {
		return nil
	}
	in.Frame = f
	if len(in.Document) == 0 {
		var pkg *frame.Package
		pkg, fs = s.Judge.Package(f)
		o.Findings = append(o.Findings, fs...)
		in.Document = pkg.DocumentBytes()
	}
	return nil
}

// frameRoot gives the frame's element: the root, or what stands in a SOAP body.
func frameRoot(t *xmltree.Tree) xmltree.Node {
	for _, ns := range []string{"http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"} {
		if t.Is(t.Root(), ns, "Envelope") {
			if body := t.Child(t.Root(), ns, "Body"); body > 0 {
				for c := range t.Children(body) {
					if t.Kind(c) == xmltree.Element {
						return c
					}
				}
			}
		}
	}
	return t.Root()
}

// resultPage is a result with its findings at their lines.
type resultPage struct {
	page
	ID, Document, Word, Class string
	At                        time.Time
	Findings                  []findingView
	Sources                   []sourceView
}

type sourceView struct {
	Name  string
	Lines []sourceLine
	Cut   bool
}

// result shows a kept result.
func (s *Site) result(w http.ResponseWriter, r *http.Request) {
	b, err := s.Store.Result(r.Context(), r.PathValue("id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	var o outcome
	if err := json.Unmarshal(b, &o); err != nil {
		s.fail(w, r, err)
		return
	}
	p := resultPage{page: s.page(w, r, "result"), ID: r.PathValue("id"), Document: o.ID, At: o.At}
	p.Word, p.Class = verdictWord(p.Lang, o.Verdict)
	found := map[finding.Source]map[int][]findingView{finding.SourceDocument: {}, finding.SourceFrame: {}}
	for _, f := range o.Findings {
		v := s.findingOf(p.Lang, catalogue.Default().Resolve(f, s.Judge.Profile, p.Lang))
		p.Findings = append(p.Findings, v)
		if lines := found[v.Source]; lines != nil && v.Line > 0 {
			lines[v.Line] = append(lines[v.Line], v)
		}
	}
	for _, x := range []struct {
		key, prefix string
		source      finding.Source
		text        []byte
	}{{"source_document", "L", finding.SourceDocument, o.Document}, {"source_frame", "F", finding.SourceFrame, o.Frame}} {
		if len(x.text) > 0 {
			v := sourceView{Name: p.T(x.key)}
			v.Lines, v.Cut = highlighted(x.prefix, x.text, found[x.source])
			p.Sources = append(p.Sources, v)
		}
	}
	s.write(w, &p.page, http.StatusOK, "result", p)
}

func verdictWord(lang catalogue.Lang, verdict string) (text, class string) {
	switch rules.Verdict(verdict) {
	case rules.Accepted:
		return word(lang, "verdict_accepted"), "good"
	case rules.AcceptedWithWarnings:
		return word(lang, "verdict_warnings"), "warning"
	}
	return word(lang, "verdict_rejected"), "error"
}

// samplesPage lists what can be downloaded.
type samplesPage struct {
	page
	Files []string
	// Curl sends the first request among them.
	Curl string
}

func (s *Site) samples(w http.ResponseWriter, r *http.Request) {
	p := samplesPage{page: s.page(w, r, "nav_samples")}
	err := fs.WalkDir(s.Samples, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && path.Ext(name) == ".xml" {
			p.Files = append(p.Files, name)
		}
		return err
	})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	slices.Sort(p.Files)
	if i := slices.IndexFunc(p.Files, func(name string) bool { return path.Dir(name) == "requests" }); i >= 0 {
		u := url.URL{Path: "/workbench/samples/" + p.Files[i]}
		p.Curl = "curl -sS '" + origin(r) + u.EscapedPath() + "' | curl -sS -H 'Content-Type: text/xml' --data-binary @- '" + origin(r) + "/soap'"
	}
	s.write(w, &p.page, http.StatusOK, "samples", p)
}

// sample serves one sample. Keys and whatever else lies there are not served.
func (s *Site) sample(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if !fs.ValidPath(name) || path.Ext(name) != ".xml" {
		s.tell(w, r, http.StatusNotFound, "not_found", "not_found_text")
		return
	}
	b, err := fs.ReadFile(s.Samples, name)
	if err != nil {
		s.tell(w, r, http.StatusNotFound, "not_found", "not_found_text")
		return
	}
	attach(w, path.Base(name), b)
}

// attach serves XML as a file.
func attach(w http.ResponseWriter, name string, b []byte) {
	h := w.Header()
	safeHeaders(h, "sandbox; default-src 'none'")
	h.Set("Content-Type", "application/xml")
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	_, _ = w.Write(b) // a client that has gone is no fault of ours
}
