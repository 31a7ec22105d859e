package web

import (
	"encoding/json"
	"net/http"
	"strings"

	"portti/store"
)

// nullifyPage is the first or the second step of a nullification.
type nullifyPage struct {
	page
	ID, URL, Reason string
	// Confirm is the second step.
	Confirm bool
	Fault   string
}

// maxReason bounds the reason in characters.
const maxReason = 500

// askNullify asks for the reason.
func (s *Site) askNullify(w http.ResponseWriter, r *http.Request, x *session) {
	d, ok := s.fetch(w, r, x, "archivist-view")
	if !ok {
		return
	}
	p := nullifyPage{page: s.page(w, r, "nullify"), ID: d.ID, URL: documentURL(d.ID)}
	if d.Status != store.Current {
		p.Fault = p.T("nullify_not_current")
	}
	s.write(w, &p.page, http.StatusOK, "nullify", p)
}

// nullify shows what will be done, and does it when that is confirmed.
func (s *Site) nullify(w http.ResponseWriter, r *http.Request, x *session) {
	id := r.PathValue("id")
	p := nullifyPage{page: s.page(w, r, "nullify"), ID: id, URL: documentURL(id), Reason: strings.TrimSpace(r.PostFormValue("reason"))}
	switch {
	case p.Reason == "" || len([]rune(p.Reason)) > maxReason:
		p.Fault = p.T("nullify_reason", maxReason)
		s.write(w, &p.page, http.StatusUnprocessableEntity, "nullify", p)
		return
	case r.PostFormValue("confirmed") != "yes":
		p.Confirm = true
		s.write(w, &p.page, http.StatusOK, "nullify", p)
		return
	}
	out, err := s.Store.Nullify(r.Context(), s.nullification(x, id, p.Reason))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if out.Kind == store.Refused {
		p.Fault = p.T("nullify_refused", out.Findings[0].Rule)
		s.write(w, &p.page, http.StatusConflict, "nullify", p)
		return
	}
	http.Redirect(w, r, p.URL, http.StatusSeeOther)
}

// nullification is the deed as the archive keeps it. The notice stands where a frame
// stands otherwise: who did it, why, how they had logged in.
func (s *Site) nullification(x *session, id, reason string) store.Nullification {
	notice, err := json.Marshal(map[string]string{"deed": "nullification", "document": id, "reason": reason,
		"archivist": x.Who.Card, "name": x.Who.Name, "controller": x.Organisation, "login": x.How})
	if err != nil {
		panic(err) // strings only
	}
	u := x.usage("archivist-nullify", "", id)
	u.Detail = notice
	return store.Nullification{
		DocumentID: id, Controller: x.Organisation, Reason: reasonByArchivist, Frame: notice,
		Message: store.Message{ID: s.NewID(), Device: "portti", Owner: x.Organisation, Interaction: "archivist",
			Answer: store.Answer{Verdict: "CA", Findings: []byte("[]")}},
		Usage: []store.Usage{u},
	}
}

// reasonByArchivist is the code of the reason in the archive: a word of our own; the
// reason in words stands in the notice.
const reasonByArchivist = "archivist"
