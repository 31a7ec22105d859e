package trust

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"
)

// Watch reloads the files whenever they have changed, looking every interval,
// until ctx ends. Each outcome of a reload is told to report (nil leaves it out):
// nil where the new is in force, else an error, after which the old stays until
// the files change once more. A change is another set of files, or another size or
// time of one.
func (s *Store) Watch(ctx context.Context, interval time.Duration, report func(error)) {
	ticks, stop := s.ticker(interval)
	defer stop()
	w := s.watcher(report)
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks:
			w.look()
		}
	}
}

// watcher looks whether files have changed.
type watcher struct {
	*Store
	last   fingerprint
	report func(error)
}

func (s *Store) watcher(report func(error)) *watcher {
	if report == nil {
		report = func(error) {}
	}
	return &watcher{s, s.state.Load().files, report}
}

// look reloads what has changed since the last look.
func (w *watcher) look() {
	if now := w.seen(); now != w.last {
		w.last = now
		w.report(w.Reload())
	}
}

func (s *Store) ticker(interval time.Duration) (<-chan time.Time, func()) {
	if s.options.Ticker != nil {
		return s.options.Ticker(interval)
	}
	t := time.NewTicker(interval)
	return t.C, t.Stop
}

// seen is what the files look like now. What cannot be looked at counts by its
// error: when it can be again, that is a change.
func (s *Store) seen() fingerprint {
	o := &s.options
	h := sha256.New()
	certificates := slices.Concat(o.Anchors, o.Pins, o.Archive, o.Revocation.Responders)
	for _, typ := range slices.Sorted(maps.Keys(o.Issuers)) {
		certificates = append(certificates, o.Issuers[typ]...)
	}
	for _, group := range []struct{ paths, endings []string }{
		{certificates, certificateEndings},
		{o.Revocation.Files, listEndings},
	} {
		for _, p := range group.paths {
			files, err := filesOf(p, group.endings...)
			fmt.Fprintf(h, "%q %v\n", p, err)
			for _, f := range files {
				if st, err := os.Stat(f); err != nil {
					fmt.Fprintf(h, "%q %v\n", f, err)
				} else {
					fmt.Fprintf(h, "%q %d %d\n", f, st.Size(), st.ModTime().UnixNano())
				}
			}
		}
	}
	return fingerprint(h.Sum(nil))
}
