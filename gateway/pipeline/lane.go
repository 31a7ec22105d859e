package pipeline

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"time"

	"portti/cda/frame/interactions"
)

// Lane tells for whom a message waits.
type Lane uint8

// The lanes. Bulk is a migration's: it takes what the others leave.
const (
	Interactive Lane = iota
	Bulk
	// asking is the lane of interactive queries: somebody looks at a screen.
	asking
)

// askingTurns is how many queries in a row go before an archiving that waits.
const askingTurns = 3

// askingHead is how many octets of a request tell whether it is a query.
const askingHead = 4096

// quietTime is how long nobody else may have come before a migration may use every
// processor.
const quietTime = time.Second

// restsFor is how many times as long as it worked bulk rests while others are about, and
// restsMost how long at most: where one commit took long, the next need not.
const (
	restsFor  = 2
	restsMost = time.Second
)

// lanes gives out the places to compute. Interactive messages come first, queries among
// them before archiving, each in the order of their coming. While there are any, bulk has
// at most half of the places, keeps each until its commit is done, so that few of its
// documents stand in the writer's queue, and then leaves it unused for twice as long, so
// that who comes mostly finds processor, disk and writer free. When it has been quiet,
// bulk may have all places, and leaves them before it waits for the archive as others do.
// One bulk message is always let in, so that a migration comes to its end under any load.
type lanes struct {
	places int
	now    func() time.Time // monotonic

	mu      sync.Mutex
	used    int // places taken
	bulk    int // of these, by bulk, and those that rest
	present int // interactive messages in hand, from coming to answer
	left    time.Time
	asking  []chan struct{} // queries that wait
	first   []chan struct{} // other interactive messages
	later   []chan struct{} // bulk ones
	turns   int             // queries that went before others, in a row
}

func newLanes(places int) *lanes { return &lanes{places: places, now: time.Now} }

// ticket is a message's stay.
type ticket struct {
	l    *lanes
	lane Lane
	// held tells that the place is taken, still that it is kept through the commit.
	held, still bool
	came        time.Time // when the place was taken
}

// enter waits for a place; nil where ctx ends first.
func (l *lanes) enter(ctx context.Context, lane Lane) *ticket {
	l.mu.Lock()
	if lane != Bulk {
		l.present++
	}
	if l.may(lane) {
		t := l.take(lane)
		l.mu.Unlock()
		return t
	}
	turn := make(chan struct{})
	queue := l.queue(lane)
	*queue = append(*queue, turn)
	l.mu.Unlock()
	select {
	case <-turn: // the place has been taken for us
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.ticket(lane)
	case <-ctx.Done():
		l.giveUp(lane, turn)
		return nil
	}
}

func (l *lanes) queue(lane Lane) *[]chan struct{} {
	switch lane {
	case Bulk:
		return &l.later
	case asking:
		return &l.asking
	default:
		return &l.first
	}
}

// quiet tells that nobody but bulk is about.
func (l *lanes) quiet() bool {
	return l.present == 0 && (l.left.IsZero() || l.now().Sub(l.left) > quietTime)
}

// may tells whether a message of a lane can have a place now.
func (l *lanes) may(lane Lane) bool {
	switch {
	case l.used >= l.places:
		return false
	case lane == asking:
		return len(l.asking) == 0
	case len(l.asking)+len(l.first) > 0:
		return false
	case lane == Interactive:
		return true
	default:
		return l.bulk < max(1, l.places/2) || l.quiet()
	}
}

func (l *lanes) take(lane Lane) *ticket {
	l.used++
	if lane == Bulk {
		l.bulk++
	}
	return l.ticket(lane)
}

// ticket is for a message whose place has been counted.
func (l *lanes) ticket(lane Lane) *ticket {
	return &ticket{l: l, lane: lane, held: true, still: lane == Bulk && !l.quiet(), came: l.now()}
}

// giveUp leaves the queue; a place that was given meanwhile goes to the next.
func (l *lanes) giveUp(lane Lane, turn chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	queue := l.queue(lane)
	for i, c := range *queue {
		if c == turn {
			*queue = append((*queue)[:i:i], (*queue)[i+1:]...)
			l.gone(lane)
			l.wake()
			return
		}
	}
	l.free(lane) // it was given
	l.gone(lane)
	l.wake()
}

func (l *lanes) gone(lane Lane) {
	if lane != Bulk {
		l.present--
		l.left = l.now()
	}
}

func (l *lanes) free(lane Lane) {
	l.used--
	if lane == Bulk {
		l.bulk--
	}
}

// wake gives free places to those who wait.
func (l *lanes) wake() {
	for l.used < l.places && len(l.asking)+len(l.first) > 0 {
		l.used++
		next := l.next()
		close((*next)[0])
		*next = (*next)[1:]
	}
	for len(l.later) > 0 && l.may(Bulk) {
		l.used++
		l.bulk++
		close(l.later[0])
		l.later = l.later[1:]
	}
}

// next gives the queue whose turn it is; one of the two is not empty.
func (l *lanes) next() *[]chan struct{} {
	if len(l.asking) > 0 && (len(l.first) == 0 || l.turns < askingTurns) {
		l.turns++
		return &l.asking
	}
	l.turns = 0
	return &l.first
}

// computed gives the place back, unless it is kept through the commit.
func (t *ticket) computed() {
	if t.still {
		return
	}
	t.l.mu.Lock()
	defer t.l.mu.Unlock()
	t.held = false
	t.l.free(t.lane)
	t.l.wake()
}

// answered ends the stay.
func (t *ticket) answered() {
	t.l.mu.Lock()
	defer t.l.mu.Unlock()
	if t.still && !t.l.quiet() {
		t.l.used--
		time.AfterFunc(min(restsFor*t.l.now().Sub(t.came), restsMost), t.l.rested)
	} else if t.held {
		t.l.free(t.lane)
	}
	t.l.gone(t.lane)
	t.l.wake()
}

// rested ends the rest of one of bulk's places.
func (l *lanes) rested() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bulk--
	l.wake()
}

// lane tells in which lane a request waits. That a message asks is seen by the name of
// its interaction; this decides on the order alone.
func (p *Pipeline) lane(r Request) Lane {
	if r.Lane == Bulk || p.Bulk != nil && p.Bulk(r.Peer) {
		return Bulk
	}
	head := r.Body[:min(len(r.Body), askingHead)]
	if slices.ContainsFunc(p.queries, func(name []byte) bool { return bytes.Contains(head, name) }) {
		return asking
	}
	return Interactive
}

// queryNames gives the names of the interactions that ask.
func queryNames(t *interactions.Table) (out [][]byte) {
	if t == nil {
		t = interactions.Default()
	}
	for _, name := range append(t.Named(interactions.KindQuery), t.Named(interactions.KindContinuation)...) {
		out = append(out, []byte(name))
	}
	return out
}

// Migrates tells that all joined systems of a client's organisation, or those of its
// certificate, are migrating ones (arkistoiva sovellus, PRO-4).
func (a KnownAccess) Migrates(p Peer) bool {
	own := a.systems().filter(func(x System) bool {
		return x.Organisation == p.Organisation && (x.Fingerprint == "" || x.Fingerprint == p.Fingerprint)
	})
	for _, x := range own {
		if !x.Profile.OldOnly() {
			return false
		}
	}
	return p.Known() && len(own) > 0
}
