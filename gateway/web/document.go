package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"portti/cda"
	"portti/cda/rules/catalogue"
	"portti/gateway/pipeline"
	"portti/store"
	"portti/xmldsig"
)

// documentPage is one document: what it says, its series, signatures, findings and
// content.
type documentPage struct {
	page
	ID, URL    string
	Version    store.Version
	Status     string
	Class      string
	Facts      []shownFact
	Series     []versionView
	Signatures []signatureView
	Findings   []findingView
	// Earlier and MoreFindings are how many are not shown: a page stays light.
	Earlier, MoreFindings int
	Attachments           []attachmentView
	// Proof is of integrity; File is the name that downloads have, without ending.
	Proof *proofView
	File  string
	// Kind is "pdf", "xhtml" or "" where there is nothing to show.
	Kind       string
	Structure  coded
	Structured []jsonView
	// Rows tell who used the document last.
	Rows []logRow
	// Nullifiable tells that it is the newest version of a series in force.
	Nullifiable bool
}

type fact struct{ Name, Value string }

// shownFact is a fact whose value may be in another language than the page.
type shownFact struct {
	Name, Value string
	Lang        catalogue.Lang
}

type versionView struct {
	ID, URL, Status, Class string
	Number                 int
	Arrived                time.Time
	Current                bool // the one on the page
}

type signatureView struct {
	Type, Signer, Word, Class string
	Time                      time.Time
	Chain                     []string
}

// document shows a document of the session's organisation.
func (s *Site) document(w http.ResponseWriter, r *http.Request, x *session) {
	d, ok := s.fetch(w, r, x, "archivist-view")
	if !ok {
		return
	}
	series, err := s.Store.Series(r.Context(), x.scope(), d.SetID)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	p := documentPage{page: s.page(w, r, "document"), ID: d.Document.ID, URL: documentURL(d.ID), Version: d.Document.Version,
		Status: "status_" + d.Status.String(), Class: statusClass(d.Status), Nullifiable: d.Status == store.Current && !d.Disposed}
	p.Status = p.T(p.Status)
	p.Earlier = max(0, len(series)-maxVersions)
	for _, v := range series[p.Earlier:] {
		p.Series = append(p.Series, versionView{ID: v.ID, URL: documentURL(v.ID), Number: v.Version, Arrived: v.Arrived,
			Status: p.T("status_" + v.Status.String()), Class: statusClass(v.Status), Current: v.ID == d.ID})
	}
	if p.Rows, err = s.history(r, x, d.Document.ID); err != nil {
		s.fail(w, r, err)
		return
	}
	if d.Judgement != nil {
		s.describe(&p, d.Judgement)
	}
	list, err := s.attachments(r, x, d)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	p.Attachments = attachmentViews(p.URL, list)
	p.File = fileName(d.Document.ID)
	if p.Proof, err = s.proofOf(r, x, &p.page, d); err != nil {
		s.fail(w, r, err)
		return
	}
	s.write(w, &p.page, http.StatusOK, "document", p)
}

// maxVersions and maxFindings bound what a document's page shows of each.
const maxVersions, maxFindings = 100, 100

// held is a document of the archive as the engine of every door judges it, at its
// arrival. Judgement is nil where the content is gone.
type held struct {
	*store.Document
	*pipeline.Judgement
}

// fetch reads a document within the session's scope and logs the deed; false where
// it has answered.
func (s *Site) fetch(w http.ResponseWriter, r *http.Request, x *session, action string) (held, bool) {
	d, err := s.Store.Document(r.Context(), x.scope(), r.PathValue("id"))
	if errors.Is(err, store.ErrNotFound) {
		err = s.logMiss(r, x, action, err)
	}
	if err != nil {
		s.fail(w, r, err)
		return held{}, false
	}
	out := held{Document: d}
	if !d.Disposed {
		out.Judgement = s.Judge.Document(pipeline.Input{Document: d.Bytes, Arrived: d.Arrived})
	}
	if err := s.Store.Log(r.Context(), store.Entries{Usage: []store.Usage{x.usage(action, out.client(), d.ID)}}); err != nil {
		s.fail(w, r, err)
		return held{}, false
	}
	return out, true
}

// logMiss writes an attempt at what is not there for the session into the usage log,
// as refused: guessed addresses are unusual use (LOG-6).
func (s *Site) logMiss(r *http.Request, x *session, action string, missing error) error {
	u := x.usage(action, "", "")
	u.Refused = "NOT-FOUND"
	id := []rune(r.PathValue("id"))
	var err error
	if u.Detail, err = json.Marshal(map[string]string{"asked": string(id[:min(len(id), maxAsked)])}); err != nil {
		return err
	}
	if err := s.Store.Log(r.Context(), store.Entries{Usage: []store.Usage{u}}); err != nil {
		return err
	}
	return missing
}

// maxAsked bounds how much of an id that is not there the log keeps.
const maxAsked = 200

// client gives the main client's id, for the log: whose data they are is known by the
// document alone.
func (h held) client() string {
	if h.Judgement == nil || h.Judgement.Document == nil || len(h.Judgement.Document.Clients) == 0 {
		return ""
	}
	return h.Judgement.Document.Clients[0].ID.PersonKey()
}

// describe fills in what the document itself says.
func (s *Site) describe(p *documentPage, j *pipeline.Judgement) {
	if j.Document == nil {
		return
	}
	p.Facts = s.factsOf(&p.page, &j.Document.Metadata)
	if j.Signatures != nil {
		for i := range j.Signatures.Signatures {
			p.Signatures = append(p.Signatures, signatureOf(&p.page, &j.Signatures.Signatures[i]))
		}
	}
	p.MoreFindings = max(0, len(j.Findings)-maxFindings)
	for _, f := range j.Findings[:min(len(j.Findings), maxFindings)] {
		p.Findings = append(p.Findings, s.findingOf(p.Lang, catalogue.Default().Resolve(f, s.Judge.Profile, p.Lang)))
	}
	s.bodyOf(p, j)
}

func signatureOf(p *page, s *xmldsig.Signature) signatureView {
	v := signatureView{Type: p.T("signature_" + string(rune('0'+s.Type))), Time: s.Time, Word: p.T("signature_bad"), Class: "error"}
	if s.Signer != nil {
		v.Signer = s.Signer.Subject.CommonName
	}
	switch {
	case s.Valid:
		v.Word, v.Class = p.T("signature_valid"), "good"
	case s.Intact:
		v.Word, v.Class = p.T("signature_untrusted"), "warning"
	}
	for _, c := range s.Chain {
		v.Chain = append(v.Chain, c.Subject.CommonName)
	}
	return v
}

// factsOf gives the metadata in plain words.
func (s *Site) factsOf(p *page, m *cda.Metadata) []shownFact {
	var out []shownFact
	put := func(key string, v coded) {
		if v.Text != "" {
			out = append(out, shownFact{p.T(key), v.Text, v.Lang})
		}
	}
	add := func(key, value string) { put(key, coded{Text: value}) }
	code := func(key, system string, c cda.Coded) {
		v := s.coded(p.Lang, system, c.Code, c.Display)
		if v.Lang == "" && c.Display != "" && v.Text == c.Code+" "+c.Display { // the message's own words
			v.Lang = marked(catalogue.Lang(m.Language.Code), p.Lang)
		}
		put(key, v)
	}
	l := &m.Local
	add("m_title", m.Title.Value)
	for _, c := range m.Clients {
		add("m_client", join(c.Name.Full(), c.ID.PersonKey()))
	}
	code("m_group", systemGroup, l.DocumentGroup)
	code("m_type", systemType, m.Code)
	code("m_specific", systemType, l.SpecificType)
	for _, fn := range l.Functions {
		code("m_task", systemTask, fn)
	}
	code("m_process", "1.2.246.537.6.1277", l.ServiceProcess.Code)
	add("m_case", m.Encounter.ID.Root)
	add("m_relationship", l.ClientRelationship.Root)
	for _, a := range m.Authors {
		add("m_author", join(a.Name.Full(), a.ID.PersonKey()))
	}
	add("m_controller", join(m.Custodian.Name.Value, m.Custodian.ID.Root))
	code("m_register", "1.2.246.537.6.1264", l.RegistryType)
	add("m_organiser", join(l.OrganiserName.Value, l.Organiser.Root))
	for _, u := range m.Encounter.Units {
		add("m_unit", join(u.Organization.Name.Value, u.Organization.ID.Root))
	}
	add("m_effective", shownTime(m.EffectiveTime.Time))
	add("m_created", shownTime(l.CreationTime.Time))
	code("m_confidentiality", "1.2.246.777.5.99902", m.Confidentiality)
	code("m_retention", "1.2.246.537.6.1258", l.RetentionClass)
	add("m_language", m.Language.Code)
	add("m_software", join(l.Software.Product, l.Software.Version))
	add("m_structure", l.ContentSpecification.Value)
	add("m_set", m.SetID.Root)
	return out
}

// join puts a name and an id side by side.
func join(name, id string) string {
	if name == "" || id == "" {
		return name + id
	}
	return name + " (" + id + ")"
}
