package pipeline

import (
	"sync"
	"time"

	"portti/cda/frame/interactions"
	"portti/store"
)

// Bounds of answers that are kept open.
const (
	sessionTime = 10 * time.Minute
	maxSessions = 500
)

// session is a query whose answer did not fit one message. What was found is kept by
// id; whether it may be given is decided anew for each part.
type session struct {
	asker       Asker
	interaction *interactions.Interaction
	request     *interactions.ServiceRequest
	selection   selection
	echo        []byte
	// found are the documents in the order of the answer, all that are known so far;
	// next continues the search for more.
	found []string
	next  string
	// given is how many of found the parts up to this one have given, or were decided
	// not to; reached is the most that was ever given.
	given, reached int
	expires        time.Time
}

// open tells whether there is more to give.
func (s *session) open() bool { return s.given < len(s.found) || s.next != "" }

// sessions are the queries that can be continued, by sender and queryId.
type sessions struct {
	mu sync.Mutex
	m  map[string]*session
}

// keep keeps a session, or forgets it where nothing is left. The oldest gives way.
func (ss *sessions) keep(key string, s session, now time.Time) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if ss.m == nil {
		ss.m = map[string]*session{}
	}
	if len(s.found) == 0 && s.next == "" {
		delete(ss.m, key)
		return
	}
	s.expires = now.Add(sessionTime)
	ss.m[key] = &s
	if len(ss.m) > maxSessions {
		ss.evict(now)
	}
}

// evict drops what has expired, and the oldest where nothing has.
func (ss *sessions) evict(now time.Time) {
	oldest := ""
	for k, s := range ss.m {
		switch {
		case now.After(s.expires):
			delete(ss.m, k)
		case oldest == "" || s.expires.Before(ss.m[oldest].expires):
			oldest = k
		}
	}
	if len(ss.m) > maxSessions {
		delete(ss.m, oldest)
	}
}

// get gives a copy of a session; false where there is none.
func (ss *sessions) get(key string, now time.Time) (session, bool) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	s := ss.m[key]
	if s == nil || now.After(s.expires) {
		return session{}, false
	}
	return *s, true
}

// selection is what a query looks for.
type selection struct {
	filter store.Filter
	// documents and series name what is looked for; both empty: it is searched.
	documents, series []string
	// count is how many documents a part may hold.
	count int
	// packages tells which groups come with their documents; all of them where all is set.
	packages []string
	all      bool
}

// carries tells whether a document of the group comes with its package.
func (s *selection) carries(group string) bool {
	for _, g := range s.packages {
		if g == group {
			return true
		}
	}
	return s.all
}
