package web

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"portti/store"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// OIDC is a login by OpenID Connect with mandates (UI-2: person and the organisations
// they may act for, as Suomi.fi-valtuudet gives them). How the national service names
// its claims is not public here: Mandates is a local assumption that can be changed.
type OIDC struct {
	// Issuer is the provider's address, Client and Secret what it knows this gateway by.
	Issuer, Client, Secret string
	// Redirect is this gateway's address that the provider leads back to:
	// https://…/archive/login/callback.
	Redirect string
	// Mandates is the claim that lists whom the person may act for: objects with
	// "organisation", or plain OIDs; default "mandates".
	Mandates string
	// HTTP asks the provider; nil is http.DefaultClient.
	HTTP *http.Client
}

// pendingTime is how long a login may take, maxPending how many may be on their way.
const (
	pendingTime = 10 * time.Minute
	maxPending  = 1000
)

// pending is a login that is on its way.
type pending struct {
	nonce, verifier string
	begun           time.Time
}

// oidcLogin is the door by OpenID Connect.
type oidcLogin struct {
	OIDC
	site     *Site
	mu       sync.Mutex
	provider *oidc.Provider
	pending  map[string]pending
}

func (s *Site) oidcRoutes(mux *http.ServeMux) {
	l := &oidcLogin{OIDC: *s.OIDC, site: s, pending: map[string]pending{}}
	if l.Mandates == "" {
		l.Mandates = "mandates"
	}
	mux.HandleFunc("POST /archive/login/oidc", l.begin)
	mux.HandleFunc("GET /archive/login/callback", l.back)
}

func (l *oidcLogin) context(ctx context.Context) context.Context {
	if l.HTTP == nil {
		return ctx
	}
	return oidc.ClientContext(ctx, l.HTTP)
}

// discovered gives the provider. It is asked at the first login, not at the start: the
// archive serves without it.
func (l *oidcLogin) discovered(ctx context.Context) (*oidc.Provider, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.provider != nil {
		return l.provider, nil
	}
	// The provider keeps the context for its keys, so it must not end with the request.
	p, err := oidc.NewProvider(l.context(context.WithoutCancel(ctx)), l.Issuer)
	if err == nil {
		l.provider = p
	}
	return p, err
}

func (l *oidcLogin) config(p *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{ClientID: l.Client, ClientSecret: l.Secret, Endpoint: p.Endpoint(), RedirectURL: l.Redirect,
		Scopes: []string{oidc.ScopeOpenID, "profile"}}
}

// stateCookie binds a login to the browser that began it. It must come along when the
// provider leads back, so it is Lax.
const stateCookie = "portti-login"

// begin leads to the provider.
func (l *oidcLogin) begin(w http.ResponseWriter, r *http.Request) {
	p, err := l.discovered(r.Context())
	if err != nil {
		l.site.fail(w, r, fmt.Errorf("web: OpenID provider: %w", err))
		return
	}
	state, x := secret(), pending{nonce: secret(), verifier: oauth2.GenerateVerifier(), begun: l.site.sessions.now()}
	if !l.keep(state, x) {
		l.site.tell(w, r, http.StatusServiceUnavailable, "failed", "failed_text")
		return
	}
	http.SetCookie(w, &http.Cookie{Name: stateCookie, Value: state, Path: "/archive/login", HttpOnly: true, Secure: r.TLS != nil,
		SameSite: http.SameSiteLaxMode, MaxAge: int(pendingTime.Seconds())})
	http.Redirect(w, r, l.config(p).AuthCodeURL(state, oidc.Nonce(x.nonce), oauth2.S256ChallengeOption(x.verifier)), http.StatusSeeOther)
}

func (l *oidcLogin) keep(state string, x pending) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k, v := range l.pending {
		if l.site.sessions.now().Sub(v.begun) > pendingTime {
			delete(l.pending, k)
		}
	}
	if len(l.pending) >= maxPending {
		return false
	}
	l.pending[state] = x
	return true
}

// take gives a login that is on its way, once.
func (l *oidcLogin) take(state string) (pending, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	x, ok := l.pending[state]
	delete(l.pending, state)
	return x, ok && l.site.sessions.now().Sub(x.begun) <= pendingTime
}

// back takes the person that the provider leads back.
func (l *oidcLogin) back(w http.ResponseWriter, r *http.Request) {
	s := l.site
	who, err := l.person(r)
	if err != nil {
		// The provider's words may name the person: the kind of error is enough.
		s.Log.Warn().Str("error", fmt.Sprintf("%T", err)).Msg("login by OpenID Connect refused")
		s.tell(w, r, http.StatusForbidden, "forbidden", "oidc_refused")
		return
	}
	x := session{Who: *who, How: "oidc"}
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
	// A redirect would still count as coming from the provider's site, and the session's
	// strict cookie would stay behind: the page leads on by itself.
	p := messagePage{page: s.page(w, r, "logged_in")}
	p.Text, p.Link, p.LinkText = p.T("logged_in_text"), "/archive", p.T("nav_archive")
	p.Forward = "/archive"
	s.write(w, &p.page, http.StatusOK, "message", p)
}

var errLogin = errors.New("web: this login did not begin here, or too long ago")

// person gives who the provider says has logged in.
func (l *oidcLogin) person(r *http.Request) (*Archivist, error) {
	state := r.URL.Query().Get("state")
	c, err := r.Cookie(stateCookie)
	if err != nil || subtle.ConstantTimeCompare([]byte(c.Value), []byte(state)) != 1 {
		return nil, errLogin
	}
	x, ok := l.take(state)
	if !ok {
		return nil, errLogin
	}
	p, err := l.discovered(r.Context())
	if err != nil {
		return nil, err
	}
	token, err := l.config(p).Exchange(l.context(r.Context()), r.URL.Query().Get("code"), oauth2.VerifierOption(x.verifier))
	if err != nil {
		return nil, err
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := p.VerifierContext(l.context(r.Context()), &oidc.Config{ClientID: l.Client, Now: l.site.sessions.now}).Verify(l.context(r.Context()), raw)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(x.nonce)) != 1 {
		return nil, errLogin
	}
	return l.archivist(id)
}

// archivist reads the claims: the person, and whom they may act for.
func (l *oidcLogin) archivist(id *oidc.IDToken) (*Archivist, error) {
	var claims map[string]json.RawMessage
	if err := id.Claims(&claims); err != nil {
		return nil, err
	}
	who := &Archivist{Card: id.Subject}
	_ = json.Unmarshal(claims["name"], &who.Name) // without a name the subject stands for it
	if who.Name == "" {
		who.Name = id.Subject
	}
	var list []json.RawMessage
	if err := json.Unmarshal(claims[l.Mandates], &list); err != nil {
		return nil, fmt.Errorf("web: mandates: %w", err)
	}
	for _, m := range list {
		var object struct {
			Organisation string `json:"organisation"`
		}
		if json.Unmarshal(m, &object.Organisation) == nil || json.Unmarshal(m, &object) == nil {
			if object.Organisation != "" && !who.may(object.Organisation) {
				who.Controllers = append(who.Controllers, object.Organisation)
			}
		}
	}
	if who.Card == "" || len(who.Controllers) == 0 {
		return nil, errors.New("web: no mandate")
	}
	return who, nil
}
