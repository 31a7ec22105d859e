package web

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"slices"
	"sync"
	"time"

	"portti/store"
)

// Archivist is one who may use the archivist's pages (arkistonhoitaja, UI-2): several
// archivists a controller, several controllers an archivist.
type Archivist struct {
	// Card is the number in the subject of the card's certificate.
	Card string
	Name string
	// Controllers are the controllers whose registers the archivist may see.
	Controllers []string
}

// session is a login. Its fields but used are set once.
type session struct {
	Who Archivist
	// Token stands in the session's forms; a request without it changes nothing.
	Token string
	// Organisation is the controller chosen, "" before the choice.
	Organisation string
	// How tells how the archivist logged in, for the log.
	How           string
	begun, active time.Time
}

// scope bounds what the session reads: the chosen controller's registers, enforced
// by the archive (UI-3).
func (s *session) scope() store.Scope {
	if s.Organisation == "" {
		return store.Scope{Purpose: purpose}
	}
	return store.Scope{Controllers: []string{s.Organisation}, Purpose: purpose}
}

// purpose is the purpose of use in logs: a word of our own, marked as such.
const purpose = "archivist"

// maxSessions bounds how many sessions there are at a time.
const maxSessions = 10_000

// sessions live in memory: after a restart everybody logs in again. The cookie's
// value itself is not kept, only its hash.
type sessions struct {
	mu            sync.Mutex
	byID          map[[sha256.Size]byte]*session
	idle, longest time.Duration
	now           func() time.Time
}

func newSessions(o Options) *sessions {
	s := &sessions{byID: map[[sha256.Size]byte]*session{}, idle: o.Idle, longest: o.Longest, now: o.Now}
	if s.idle == 0 {
		s.idle = 15 * time.Minute
	}
	if s.longest == 0 {
		s.longest = 8 * time.Hour
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s
}

// cookieName: with TLS the browser itself holds the cookie to this host and path.
func cookieName(r *http.Request) string {
	if r.TLS != nil {
		return "__Host-portti"
	}
	return "portti-session"
}

func secret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// begin makes a session under a new id and ends the one that the request has, so
// that an id known before the login is worth nothing after it.
func (s *sessions) begin(w http.ResponseWriter, r *http.Request, x session) bool {
	s.end(w, r)
	id := secret()
	x.Token, x.active = secret(), s.now()
	if x.begun.IsZero() {
		x.begun = x.active
	}
	s.mu.Lock()
	s.sweep()
	full := len(s.byID) >= maxSessions
	if !full {
		s.byID[sha256.Sum256([]byte(id))] = &x
	}
	s.mu.Unlock()
	if full {
		return false
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName(r), Value: id, Path: "/", HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode})
	return true
}

// sweep drops sessions that are over; the caller holds mu.
func (s *sessions) sweep() {
	for id, x := range s.byID {
		if s.over(x) {
			delete(s.byID, id)
		}
	}
}

func (s *sessions) over(x *session) bool {
	now := s.now()
	return now.Sub(x.active) > s.idle || now.Sub(x.begun) > s.longest
}

// of gives the session of a request, nil where there is none. It keeps the session
// alive.
func (s *sessions) of(r *http.Request) *session {
	c, err := r.Cookie(cookieName(r))
	if err != nil {
		return nil
	}
	id := sha256.Sum256([]byte(c.Value))
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.byID[id]
	if x == nil {
		return nil
	}
	if s.over(x) {
		delete(s.byID, id)
		return nil
	}
	x.active = s.now()
	return new(*x)
}

// end ends the session of a request.
func (s *sessions) end(w http.ResponseWriter, r *http.Request) {
	name := cookieName(r)
	if c, err := r.Cookie(name); err == nil {
		s.mu.Lock()
		delete(s.byID, sha256.Sum256([]byte(c.Value)))
		s.mu.Unlock()
		http.SetCookie(w, &http.Cookie{Name: name, Path: "/", MaxAge: -1, HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode})
	}
}

// genuine tells whether a form came from this session's page.
func (x *session) genuine(r *http.Request) bool {
	return subtle.ConstantTimeCompare([]byte(r.PostFormValue("csrf")), []byte(x.Token)) == 1
}

// may tells whether the archivist may act for a controller.
func (a *Archivist) may(controller string) bool { return slices.Contains(a.Controllers, controller) }
