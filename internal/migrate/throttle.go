package migrate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"portti/cda"
)

// throttle says when the next document may go out: at most so many at a time as the
// archive takes well, not more often than the rate allows, and only within the
// windows. The number at a time grows by one with each round that goes well, and
// falls by a half when the archive says 429 or 503 or does not answer, by a tenth
// when answers take three times as long as the quickest did.
type throttle struct {
	most    int
	rate    float64 // documents a second; 0 for no bound
	windows []Window
	now     func() time.Time
	sleep   func(context.Context, time.Duration) error

	mu      sync.Mutex
	change  chan struct{} // closed and renewed when a place is given back
	limit   float64
	inside  int
	next    time.Time // by the rate
	until   time.Time // by Retry-After
	quick   float64   // quickest mean answer, seconds per 100 KB
	mean    float64
	lowered time.Time
}

func newThrottle(most int, rate float64, windows []Window, now func() time.Time, sleep func(context.Context, time.Duration) error) *throttle {
	return &throttle{most: most, rate: rate, windows: windows, now: now, sleep: sleep, limit: min(2, float64(most)), change: make(chan struct{})}
}

// enter waits for a place.
func (t *throttle) enter(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		wait, full := t.try()
		switch {
		case full != nil:
			select {
			case <-full:
			case <-ctx.Done():
			}
		case wait <= 0:
			return nil
		default:
			if err := t.sleep(ctx, wait); err != nil {
				return err
			}
		}
	}
}

// try takes a place (0, nil), or tells how long or for what to wait.
func (t *throttle) try() (time.Duration, chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if d := untilOpen(t.windows, now); d > 0 {
		return min(d, time.Minute), nil
	}
	if d := t.until.Sub(now); d > 0 {
		return d, nil
	}
	if t.inside >= max(1, int(t.limit)) {
		return 0, t.change
	}
	if t.rate > 0 {
		if d := t.next.Sub(now); d > 0 {
			return d, nil
		}
		if t.next.Before(now) {
			t.next = now
		}
		t.next = t.next.Add(time.Duration(float64(time.Second) / t.rate))
	}
	t.inside++
	return 0, nil
}

// outcome is how a sending went.
type outcome uint8

const (
	well     outcome = iota
	busy             // 429, 503 or CR
	unheard          // no answer
	answered         // refused, but answered in time
)

// leave gives a place back.
func (t *throttle) leave(o outcome, took time.Duration, size int, retryAfter time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.inside--
	now := t.now()
	switch o {
	case busy, unheard:
		if now.Sub(t.lowered) > 200*time.Millisecond { // one fall for all that were under way
			t.limit, t.lowered = max(1, t.limit/2), now
		}
		if retryAfter > 0 {
			t.until = now.Add(min(retryAfter, 5*time.Minute))
		}
	default:
		t.learn(took.Seconds()/(1+float64(size)/100_000), now)
	}
	close(t.change)
	t.change = make(chan struct{})
}

func (t *throttle) learn(each float64, now time.Time) {
	if t.mean == 0 {
		t.mean = each
	}
	t.mean += (each - t.mean) / 16
	if t.quick == 0 || t.mean < t.quick {
		t.quick = t.mean
	}
	t.quick *= 1.0002 // what was quick once need not be for ever
	// With n at a time on one core an answer takes n times as long, and nothing is wrong.
	if t.mean > 3*t.quick*max(1, t.limit/2) && now.Sub(t.lowered) > 200*time.Millisecond {
		t.limit, t.lowered = max(1, t.limit*0.9), now
		return
	}
	t.limit = min(float64(t.most), t.limit+1/t.limit)
}

// at gives how many may be under way now.
func (t *throttle) at() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return max(1, int(t.limit))
}

// Window is a time of day in which documents may be sent, in Finnish local time;
// it may go past midnight.
type Window struct{ from, to int } // minutes

// ParseWindow reads "18:00-06:00".
func ParseWindow(s string) (w Window, err error) {
	a, b, ok := strings.Cut(s, "-")
	if !ok {
		return w, fmt.Errorf("window %q: write 18:00-06:00", s)
	}
	from, err1 := time.Parse("15:04", strings.TrimSpace(a))
	to, err2 := time.Parse("15:04", strings.TrimSpace(b))
	if err := errors.Join(err1, err2); err != nil {
		return w, fmt.Errorf("window %q: write 18:00-06:00", s)
	}
	w = Window{from.Hour()*60 + from.Minute(), to.Hour()*60 + to.Minute()}
	if w.from == w.to {
		return w, fmt.Errorf("window %q is empty", s)
	}
	return w, nil
}

// untilOpen tells how long until one of the windows is open; 0 where one is, or
// where there are none.
func untilOpen(ws []Window, now time.Time) time.Duration {
	if len(ws) == 0 {
		return 0
	}
	now = now.In(cda.Helsinki())
	minute := now.Hour()*60 + now.Minute()
	wait := 24 * 60
	for _, w := range ws {
		if w.from < w.to && minute >= w.from && minute < w.to || w.from > w.to && (minute >= w.from || minute < w.to) {
			return 0
		}
		wait = min(wait, (w.from-minute+24*60)%(24*60))
	}
	return time.Duration(wait)*time.Minute - time.Duration(now.Second())*time.Second
}
