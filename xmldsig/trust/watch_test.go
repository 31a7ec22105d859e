package trust

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"portti/xmldsig"
	"portti/xmldsig/pki"
)

// watched is a Store with a watcher that looks when the test says so.
type watched struct {
	*watcher
	reports []error
}

func watch(t *testing.T, o Options) *watched {
	t.Helper()
	w := &watched{}
	w.watcher = newStore(t, o).watcher(func(err error) { w.reports = append(w.reports, err) })
	return w
}

// tick looks once and tells whether that reloaded, and with what error.
func (w *watched) tick() (reloaded bool, err error) {
	w.reports = nil
	w.look()
	if len(w.reports) == 0 {
		return false, nil
	}
	return true, w.reports[0]
}

// quiet demands that a look finds nothing new.
func (w *watched) quiet(t *testing.T) {
	t.Helper()
	if reloaded, err := w.tick(); reloaded {
		t.Errorf("reloaded: %v", err)
	}
}

// renewed demands that a look reloads, with an error or not.
func (w *watched) renewed(t *testing.T, fails bool) {
	t.Helper()
	if reloaded, err := w.tick(); !reloaded || (err != nil) != fails {
		t.Errorf("reloaded %v: %v", reloaded, err)
	}
}

func write(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWatchReloadsWhatChanges(t *testing.T) {
	dir := t.TempDir()
	ca := filepath.Join(dir, "ca.pem")
	w := watch(t, Options{Anchors: []string{dir}})
	q := query(system(t), xmldsig.TypeSystem)
	w.quiet(t)
	want(t, w.Judge(q), RuleNoAnchors)

	write(t, ca, pki.EncodeCertificates(authority().Certificates()...))
	w.renewed(t, false)
	want(t, w.Judge(q))
	w.quiet(t)

	write(t, ca, []byte("half a file"))
	w.renewed(t, true)
	want(t, w.Judge(q)) // the old is in force
	w.quiet(t)          // and it is told once

	write(t, ca, pki.EncodeCertificates(authority().Certificates()[0]))
	w.renewed(t, false)
	want(t, w.Judge(q), RuleUnknownIssuer)

	if err := os.Remove(ca); err != nil {
		t.Fatal(err)
	}
	w.renewed(t, false)
	want(t, w.Judge(q), RuleNoAnchors)
}

// A file of the same size that is newer is another file.
func TestWatchSeesANewTime(t *testing.T) {
	s := newScene(t, nil)
	leaf := s.leaf(t).Certificate
	file := filepath.Join(t.TempDir(), "service.crl")
	write(t, file, s.listOf(t, pki.Service, nil))
	w := watch(t, Options{AnchorCertificates: s.ca.Certificates(), Now: s.clock.now, Revocation: Revocation{Mode: Hard, Files: []string{file}}})
	want(t, w.Judge(s.query(leaf)))
	write(t, file, s.listOf(t, pki.Service, nil, leaf))
	if err := os.Chtimes(file, now, now); err != nil {
		t.Fatal(err)
	}
	w.renewed(t, false)
	want(t, w.Judge(s.query(leaf)), RuleRevoked) // what was remembered is forgotten
}

func TestWatchSurvivesAFolderThatGoesAndComes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "trust")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "ca.pem"), pki.EncodeCertificates(authority().Certificates()...))
	w := watch(t, Options{Anchors: []string{dir}})
	q := query(system(t), xmldsig.TypeSystem)
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	w.renewed(t, true)
	want(t, w.Judge(q))
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	w.renewed(t, false)
	want(t, w.Judge(q))
}

func TestWatchLooksAtEveryTickUntilItsEnd(t *testing.T) {
	dir := t.TempDir()
	ticks, stopped := make(chan time.Time), make(chan struct{})
	s := newStore(t, Options{Anchors: []string{dir}, Ticker: func(d time.Duration) (<-chan time.Time, func()) {
		if d != time.Minute {
			t.Errorf("interval %s", d)
		}
		return ticks, func() { close(stopped) }
	}})
	ctx, cancel := context.WithCancel(context.Background())
	reports := make(chan error)
	go s.Watch(ctx, time.Minute, func(err error) { reports <- err })
	write(t, filepath.Join(dir, "ca.pem"), pki.EncodeCertificates(authority().Certificates()...))
	ticks <- time.Time{}
	if err := <-reports; err != nil {
		t.Error(err)
	}
	want(t, s.Judge(query(system(t), xmldsig.TypeSystem)))
	cancel()
	<-stopped
}

func TestWatchWithARealTickerEnds(t *testing.T) {
	s := newStore(t, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.Watch(ctx, time.Hour, nil)
}
