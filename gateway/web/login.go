package web

import (
	"net"
	"net/http"

	"portti/store"
	"portti/xmldsig/trust"
)

// archivistRoutes are the archivist's pages.
func (s *Site) archivistRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /archive", s.archiveHome)
	mux.HandleFunc("POST /archive/login", s.login)
	mux.HandleFunc("POST /archive/logout", s.logout)
	for pattern, h := range map[string]archivistHandler{
		"POST /archive/organisation":                       s.chooseOrganisation,
		"POST /archive/search":                             s.search,
		"GET /archive/logs":                                s.logs,
		"POST /archive/logs":                               s.searchLogs,
		"GET " + unusualPath:                               s.unusual,
		"POST " + unusualPath:                              s.lookForUnusual,
		"GET /archive/documents/{id}":                      s.document,
		"GET /archive/documents/{id}/content":              s.content,
		"GET /archive/documents/{id}/original":             s.original,
		"GET /archive/documents/{id}/source":               s.documentSource,
		"GET /archive/documents/{id}/attachments/{number}": s.attachment,
		"GET /archive/documents/{id}/proof":                s.proof,
		"GET /archive/documents/{id}/nullify":              s.askNullify,
		"POST /archive/documents/{id}/nullify":             s.nullify,
	} {
		mux.HandleFunc(pattern, s.archivist(h))
	}
}

// archivistHandler serves a page of a session.
type archivistHandler func(w http.ResponseWriter, r *http.Request, x *session)

// archivist lets in who is logged in, and forms that came from the session's own
// pages. Whoever has not chosen an organisation is led to the choice.
func (s *Site) archivist(h archivistHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		x := s.sessions.of(r)
		switch {
		case x == nil:
			http.Redirect(w, r, "/archive", http.StatusSeeOther)
		case r.Method == http.MethodPost && !x.genuine(r):
			s.tell(w, r, http.StatusForbidden, "forbidden", "form_stale")
		case x.Organisation == "" && r.URL.Path != "/archive/organisation":
			http.Redirect(w, r, "/archive", http.StatusSeeOther)
		default:
			h(w, r, x)
		}
	}
}

// homePage is /archive: the login, the choice of organisation, or the search.
type homePage struct {
	page
	ByCard, ByOIDC bool
	Demo           []Archivist
	Organisations  []string
	Search         *searchForm
}

func (s *Site) archiveHome(w http.ResponseWriter, r *http.Request) {
	p := homePage{page: s.page(w, r, "nav_archive")}
	switch x := p.Session; {
	case x == nil:
		p.ByCard = len(s.Archivists) > 0 && !s.DemoLogin
		p.ByOIDC = s.OIDC != nil
		if s.DemoLogin && fromThisMachine(r) {
			p.Demo = s.Archivists
		}
		s.write(w, &p.page, http.StatusOK, "login", p)
	case x.Organisation == "":
		p.Organisations = x.Who.Controllers
		s.write(w, &p.page, http.StatusOK, "organisations", p)
	default:
		p.Search = &searchForm{}
		s.write(w, &p.page, http.StatusOK, "search", resultsPage{homePage: p})
	}
}

// login begins a session: by the certificate of the connection, whose card number
// stands in the list of archivists, or in the demo world by choice.
func (s *Site) login(w http.ResponseWriter, r *http.Request) {
	who, how := s.byCertificate(r), "certificate"
	if who == nil && s.DemoLogin && fromThisMachine(r) {
		who, how = s.byCard(r.PostFormValue("card")), "demo"
	}
	if who == nil {
		s.tell(w, r, http.StatusForbidden, "forbidden", "login_refused")
		return
	}
	x := session{Who: *who, How: how}
	if len(who.Controllers) == 1 {
		x.Organisation = who.Controllers[0]
	}
	if err := s.Store.Log(r.Context(), store.Entries{Usage: []store.Usage{x.usage("archivist-login", "", "")}}); err != nil {
		s.fail(w, r, err)
		return
	}
	if !s.sessions.begin(w, r, x) {
		s.tell(w, r, http.StatusServiceUnavailable, "failed", "failed_text")
		return
	}
	http.Redirect(w, r, "/archive", http.StatusSeeOther)
}

func (s *Site) byCertificate(r *http.Request) *Archivist {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return nil
	}
	return s.byCard(trust.SubjectOf(r.TLS.VerifiedChains[0][0]).Registration)
}

func (s *Site) byCard(card string) *Archivist {
	for i := range s.Archivists {
		if card != "" && s.Archivists[i].Card == card {
			return &s.Archivists[i]
		}
	}
	return nil
}

// fromThisMachine tells of a client on loopback.
func fromThisMachine(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	ip := net.ParseIP(host)
	return err == nil && ip != nil && ip.IsLoopback()
}

func (s *Site) logout(w http.ResponseWriter, r *http.Request) {
	if x := s.sessions.of(r); x != nil && !x.genuine(r) {
		s.tell(w, r, http.StatusForbidden, "forbidden", "form_stale")
		return
	}
	s.sessions.end(w, r)
	http.Redirect(w, r, "/archive", http.StatusSeeOther)
}

// chooseOrganisation changes the controller that the session acts for. It begins a
// new session, so that the old one's forms are worth nothing.
func (s *Site) chooseOrganisation(w http.ResponseWriter, r *http.Request, x *session) {
	chosen := r.PostFormValue("controller")
	if chosen != "" && !x.Who.may(chosen) {
		s.tell(w, r, http.StatusForbidden, "forbidden", "not_yours")
		return
	}
	next := *x
	next.Organisation = chosen
	if !s.sessions.begin(w, r, next) {
		s.tell(w, r, http.StatusServiceUnavailable, "failed", "failed_text")
		return
	}
	http.Redirect(w, r, "/archive", http.StatusSeeOther)
}

// usage is a row of the usage log about a deed in these pages (LOG-5). The log is
// the chosen controller's, or before the choice the archivist's first one's.
func (x *session) usage(action, client, document string) store.Usage {
	c := x.Organisation
	if c == "" {
		c = x.Who.Controllers[0]
	}
	return store.Usage{DataController: c, LogController: c, Client: client, User: x.Who.Card, UserName: x.Who.Name,
		System: "portti", DocumentID: document, Action: action, Purpose: purpose}
}
