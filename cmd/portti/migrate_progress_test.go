package main

import (
	"strings"
	"testing"
	"time"

	"portti/internal/migrate"
)

// The line of a push tells what is done and when the rest will be, or when the window
// of the day opens.
func TestMIG1_ProgressTellsWhatIsLeft(t *testing.T) {
	var out strings.Builder
	x := migrate.Pushed{Total: 100, Archived: 40, Rejected: 10, Sent: 50, Workers: 4, Elapsed: 10 * time.Second}
	closed := x
	closed.Closed = 90 * time.Minute
	for want, x := range map[string]migrate.Pushed{
		"40/100 archived, 10 rejected, 0 retries, 5/s, 4 under way, 10s left\n":                    x,
		"40/100 archived, 10 rejected, 0 retries, 5/s, 4 under way, the window opens in 1h30m0s\n": closed,
		"0/100 archived, 0 rejected, 0 retries, 0/s, 0 under way, ? left\n":                        {Total: 100},
		"100/100 archived, 0 rejected, 0 retries, 10/s, 0 under way, 0s left\n":                    {Total: 100, Archived: 100, Sent: 100, Elapsed: 10 * time.Second},
	} {
		out.Reset()
		p := &progress{w: &out}
		p.pushed(x)
		if out.String() != want {
			t.Errorf("%q, want %q", out.String(), want)
		}
	}
}
