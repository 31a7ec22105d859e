package web

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// provider is an identity provider that gives out tokens as it is told to.
type provider struct {
	*httptest.Server
	t      *testing.T
	key    *rsa.PrivateKey
	signer jose.Signer
	// claims are added to those of a good token; nil values take claims away.
	claims map[string]any
	codes  map[string]url.Values // by code, the request that got it
	now    func() time.Time
}

func newProvider(t *testing.T, now func() time.Time) *provider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{t: t, key: key, codes: map[string]url.Values{}, now: now}
	if p.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", "k")); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	answer := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(v); err != nil {
			t.Error(err)
		}
	}
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token",
			"jwks_uri": p.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256"}})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Algorithm: "RS256", Use: "sig"}}})
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		asked, ok := p.codes[r.PostFormValue("code")]
		if !ok || r.PostFormValue("code_verifier") == "" {
			http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
			return
		}
		answer(w, map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": p.token(asked.Get("nonce"))})
	})
	return p
}

func (p *provider) token(nonce string) string {
	claims := map[string]any{"iss": p.URL, "aud": "portti", "sub": "person-1", "name": "Outi Osaaja", "nonce": nonce,
		"iat": p.now().Unix(), "exp": p.now().Add(time.Minute).Unix()}
	for k, v := range p.claims {
		if v == nil {
			delete(claims, k)
			continue
		}
		claims[k] = v
	}
	raw, err := jwt.Signed(p.signer).Claims(claims).Serialize()
	if err != nil {
		p.t.Fatal(err)
	}
	return raw
}

// authorize is the person's visit at the provider: it gives the address to come back by.
func (p *provider) authorize(location string) string {
	p.t.Helper()
	u, err := url.Parse(location)
	if err != nil || !strings.HasPrefix(location, p.URL+"/authorize") {
		p.t.Fatalf("led to %q: %v", location, err)
	}
	q := u.Query()
	if q.Get("code_challenge_method") != "S256" || q.Get("nonce") == "" || q.Get("response_type") != "code" {
		p.t.Errorf("asked with %v", q)
	}
	code := "code-" + q.Get("state")[:8]
	p.codes[code] = q
	return "/archive/login/callback?" + url.Values{"state": {q.Get("state")}, "code": {code}}.Encode()
}

// oidcHouse is a house whose archivists come by a provider.
func oidcHouse(t *testing.T) (*house, *provider) {
	var p *provider
	h := newHouse(t, func(o *Options) {
		p = newProvider(t, o.Now)
		o.Archivists = nil
		o.OIDC = &OIDC{Issuer: p.URL, Client: "portti", Secret: "s", Redirect: "https://archive.test/archive/login/callback"}
	})
	return h, p
}

// UI-2: login by mandate: the person and the organisations they may act for, no others.
func TestUI2_LoginByMandate(t *testing.T) {
	h, p := oidcHouse(t)
	own, other := h.w.Organisations[0].OID, h.w.Organisations[1].OID
	p.claims = map[string]any{"mandates": []any{map[string]string{"organisation": own}, own}}
	b := h.browser("")
	want(t, b.get("/archive"), http.StatusOK, "Log in by mandate")
	w := b.post("/archive/login/oidc")
	if w.Code != http.StatusSeeOther {
		t.Fatalf("HTTP %d %s", w.Code, w.Body)
	}
	back := p.authorize(w.Header().Get("Location"))
	w = b.get(back)
	want(t, w, http.StatusOK, "You are logged in", `http-equiv="refresh" content="0; url=/archive"`)
	requireSound(t, "logged in", w)
	want(t, b.get("/archive"), http.StatusOK, "Outi Osaaja", own)
	want(t, b.get("/archive/documents/"+h.of(own, nil).OID), http.StatusOK)
	want(t, b.get("/archive/documents/"+h.of(other, nil).OID), http.StatusNotFound)
	if h.actions()["archivist-login"] != 1 {
		t.Error("LOG-5: the login is not logged")
	}
	// Several mandates: the organisation is chosen.
	p.claims = map[string]any{"mandates": []any{map[string]string{"organisation": own}, map[string]string{"organisation": other}}}
	c := h.browser("")
	want(t, c.get(p.authorize(c.post("/archive/login/oidc").Header().Get("Location"))), http.StatusOK)
	want(t, c.get("/archive"), http.StatusOK, "Choose the controller", own, other)
}

// Tokens that must be refused, each by its fault.
func TestUI2_AttackForgedTokens(t *testing.T) {
	h, p := oidcHouse(t)
	own := h.w.Organisations[0].OID
	good := []any{map[string]string{"organisation": own}}
	for name, claims := range map[string]map[string]any{
		"no mandate":       {},
		"empty mandates":   {"mandates": []any{}},
		"mandates no list": {"mandates": "all"},
		"another audience": {"mandates": good, "aud": "someone"},
		"another issuer":   {"mandates": good, "iss": "https://evil.test"},
		"expired":          {"mandates": good, "exp": h.now().Add(-time.Minute).Unix()},
		"another nonce":    {"mandates": good, "nonce": "x"},
		"no subject":       {"mandates": good, "sub": ""},
	} {
		p.claims = claims
		b := h.browser("")
		w := b.get(p.authorize(b.post("/archive/login/oidc").Header().Get("Location")))
		if w.Code != http.StatusForbidden || strings.Contains(b.get("/archive").Body.String(), "Outi") {
			t.Errorf("%s: HTTP %d", name, w.Code)
		}
	}
	// Signed by another key.
	p.claims = map[string]any{"mandates": good}
	evil, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	own1 := p.signer
	if p.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: evil}, (&jose.SignerOptions{}).WithHeader("kid", "k")); err != nil {
		t.Fatal(err)
	}
	b := h.browser("")
	want(t, b.get(p.authorize(b.post("/archive/login/oidc").Header().Get("Location"))), http.StatusForbidden)
	p.signer = own1

	// Login CSRF: what another browser began is not finished here; nothing goes twice,
	// nor after too long.
	attacker, victim := h.browser(""), h.browser("")
	back := p.authorize(attacker.post("/archive/login/oidc").Header().Get("Location"))
	want(t, victim.get(back), http.StatusForbidden)
	want(t, attacker.get(back), http.StatusOK)
	want(t, attacker.get(back), http.StatusForbidden)
	late := h.browser("")
	back = p.authorize(late.post("/archive/login/oidc").Header().Get("Location"))
	h.pass(pendingTime + time.Second)
	want(t, late.get(back), http.StatusForbidden)
}
