package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// gate lets commits through one by one, so that a test decides what queues up.
type gate struct {
	arrived chan struct{}
	open    chan error
	commits atomic.Int64
	off     atomic.Bool
}

func newGate() *gate { return &gate{arrived: make(chan struct{}), open: make(chan error)} }

func (g *gate) wait() error {
	g.commits.Add(1)
	if g.off.Load() {
		return nil
	}
	g.arrived <- struct{}{}
	return <-g.open
}

func gated(g *gate) func(*Options) { return func(o *Options) { o.beforeCommit = g.wait } }

// waitQueued waits until n jobs wait in the queue.
func waitQueued(tb testing.TB, s *Store, n int) {
	tb.Helper()
	for deadline := time.Now().Add(10 * time.Second); len(s.queue) < n; {
		if time.Now().After(deadline) {
			tb.Fatalf("%d jobs queue, want %d", len(s.queue), n)
		}
		time.Sleep(100 * time.Microsecond)
	}
}

// started runs Archive in the background.
func started(s *Store, ctx context.Context, a Archival) <-chan error {
	done := make(chan error, 1)
	go func() {
		out, err := s.Archive(ctx, a)
		if err == nil && out.Kind != Archived {
			err = fmt.Errorf("outcome %+v", out)
		}
		done <- err
	}()
	return done
}

func TestGroupCommitTakesWhatIsQueued(t *testing.T) {
	g := newGate()
	s := open(t, gated(g), func(o *Options) { o.Group = Group{Documents: 16, Bytes: 1 << 20, Time: time.Hour} })
	waits := []<-chan error{started(s, bg, doc(id(0)))}
	<-g.arrived
	for i := 1; i <= 40; i++ {
		waits = append(waits, started(s, bg, doc(id(i))))
	}
	waitQueued(t, s, 40)
	g.open <- nil // the first, alone
	for range 3 { // 16, 16, 8
		<-g.arrived
		g.open <- nil
	}
	for _, w := range waits {
		if err := <-w; err != nil {
			t.Error(err)
		}
	}
	if n := g.commits.Load(); n != 4 {
		t.Errorf("%d commits for 1 + 40 documents", n)
	}
	wantClean(t, s)
}

func TestGroupClosesByBytes(t *testing.T) {
	g := newGate()
	limit := len(pack(body(id(1), 200_000))) * 3 / 2 // two documents pass it
	s := open(t, gated(g), func(o *Options) { o.Group = Group{Documents: 100, Bytes: limit, Time: time.Hour} })
	waits := []<-chan error{started(s, bg, doc(id(0)))}
	<-g.arrived
	for i := 1; i <= 4; i++ {
		waits = append(waits, started(s, bg, docSize(id(i), 200_000)))
	}
	waitQueued(t, s, 4)
	g.off.Store(true)
	g.open <- nil
	for _, w := range waits {
		if err := <-w; err != nil {
			t.Error(err)
		}
	}
	if n := g.commits.Load(); n != 3 {
		t.Errorf("%d commits for 1 + 4 documents, want 3", n)
	}
}

// The answer comes after the commit, not before.
func TestARK11_NoAnswerBeforeTheCommit(t *testing.T) {
	g := newGate()
	s := open(t, gated(g))
	w := started(s, bg, doc(id(1)))
	<-g.arrived
	select {
	case err := <-w:
		t.Fatalf("answered before the commit: %v", err)
	default:
	}
	if _, err := s.Document(bg, all, id(1)); !errors.Is(err, ErrNotFound) {
		t.Errorf("visible before the commit: %v", err)
	}
	g.open <- nil
	if err := <-w; err != nil {
		t.Fatal(err)
	}
	wantBytes(t, s, doc(id(1)))
}

// One document's failure leaves the others of its group alone.
func TestFailureOfOneLeavesItsGroup(t *testing.T) {
	g := newGate()
	s := open(t, gated(g))
	waits := []<-chan error{started(s, bg, doc(id(0)))}
	<-g.arrived
	waits = append(waits, started(s, bg, doc(id(1))))
	waitQueued(t, s, 1)
	bad := doc(id(0))
	bad.Document = []byte("<other/>")
	bad.Answer = func(Outcome) Answer { panic("no answer") }
	panicked := started(s, bg, bad)
	waitQueued(t, s, 2)
	waits = append(waits, started(s, bg, doc(id(2))))
	waitQueued(t, s, 3)
	g.off.Store(true)
	g.open <- nil
	err := <-panicked
	wantErr(t, err, ErrInternal)
	if strings.Contains(err.Error(), "no answer") { // SEC-1: a panic may quote content, and errors are logged
		t.Errorf("the panic's value stands in the error: %v", err)
	}
	for i, w := range waits {
		if err := <-w; err != nil {
			t.Errorf("document %d: %v", i, err)
		}
	}
	if n := count(t, s, `SELECT count(*) FROM message_log`); n != 3 {
		t.Errorf("%d message rows: the failed job left something", n)
	}
	wantClean(t, s)
}

func TestCallWithdrawnWhileItQueuesLeavesNothing(t *testing.T) {
	g := newGate()
	s := open(t, gated(g))
	first := started(s, bg, doc(id(0)))
	<-g.arrived
	ctx, cancel := context.WithCancel(bg)
	queued := started(s, ctx, doc(id(1)))
	waitQueued(t, s, 1)
	cancel()
	if err := <-queued; !errors.Is(err, context.Canceled) {
		t.Errorf("withdrawn call: %v", err)
	}
	g.off.Store(true)
	g.open <- nil
	if err := <-first; err != nil {
		t.Error(err)
	}
	mustArchive(t, s, doc(id(2)))
	if _, err := s.Document(bg, all, id(1)); !errors.Is(err, ErrNotFound) {
		t.Errorf("withdrawn document: %v", err)
	}
}

// Once the writer has taken a call its caller learns the truth, context or not.
func TestCallTakenByTheWriterIsAnswered(t *testing.T) {
	g := newGate()
	s := open(t, gated(g))
	ctx, cancel := context.WithCancel(bg)
	w := started(s, ctx, doc(id(1)))
	<-g.arrived
	cancel()
	g.open <- nil
	if err := <-w; err != nil {
		t.Errorf("taken call: %v", err)
	}
}

func TestFullQueueIsBusy(t *testing.T) {
	g := newGate()
	s := open(t, gated(g), func(o *Options) { o.Queue, o.QueueWait = 1, time.Millisecond })
	first := started(s, bg, doc(id(0)))
	<-g.arrived
	second := started(s, bg, doc(id(1)))
	waitQueued(t, s, 1)
	_, err := s.Archive(bg, doc(id(2)))
	wantErr(t, err, ErrBusy)
	if Rule(err) != RuleBusy {
		t.Errorf("rule %q", Rule(err))
	}
	g.off.Store(true)
	g.open <- nil
	if err := errors.Join(<-first, <-second); err != nil {
		t.Error(err)
	}
}

func TestCloseFinishesWhatWasQueued(t *testing.T) {
	g := newGate()
	dir := t.TempDir()
	s, err := Open(bg, Options{Dir: dir, beforeCommit: g.wait})
	if err != nil {
		t.Fatal(err)
	}
	waits := []<-chan error{started(s, bg, doc(id(0)))}
	<-g.arrived
	for i := 1; i <= 30; i++ {
		waits = append(waits, started(s, bg, doc(id(i))))
	}
	waitQueued(t, s, 30)
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	g.off.Store(true)
	g.open <- nil
	for _, w := range waits {
		if err := <-w; err != nil {
			t.Error(err)
		}
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	s = openIn(t, dir)
	for i := range 31 {
		wantBytes(t, s, doc(id(i)))
	}
}

// A failing fsync of the commit: the callers are told to try again, the archive
// reopens, and what it had acknowledged before is there.
func TestFailingCommitReopensTheArchive(t *testing.T) {
	var failing atomic.Bool
	s := open(t, func(o *Options) {
		o.beforeCommit = func() error {
			if failing.Swap(false) {
				return sqlite3.Error{Code: sqlite3.ErrIoErr, ExtendedCode: sqlite3.ErrIoErrFsync}
			}
			return nil
		}
	})
	mustArchive(t, s, doc(id(1)))
	before := s.w.db
	failing.Store(true)
	_, err := s.Archive(bg, doc(id(2)))
	wantErr(t, err, ErrUnavailable)
	for deadline := time.Now().Add(10 * time.Second); s.Ready() != nil && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	mustArchive(t, s, doc(id(2)))
	if s.w.db == before {
		t.Error("the connection was not replaced")
	}
	wantBytes(t, s, doc(id(1)))
	wantClean(t, s)
}

// Where an acknowledged document turns out to be lost after an I/O error, the
// archive stays closed and says so.
func TestLossFoundAfterAnErrorKeepsTheArchiveClosed(t *testing.T) {
	var spoil func()
	s := open(t, func(o *Options) {
		o.beforeCommit = func() error {
			if spoil == nil {
				return nil
			}
			spoil()
			return sqlite3.Error{Code: sqlite3.ErrIoErr, ExtendedCode: sqlite3.ErrIoErrFsync}
		}
	})
	mustArchive(t, s, doc(id(1)))
	spoil = func() { s.w.marks[0].id = "1.2.3" } // as if another document stood there
	_, err := s.Archive(bg, doc(id(2)))
	wantErr(t, err, ErrUnavailable)
	for deadline := time.Now().Add(10 * time.Second); !errors.Is(s.Ready(), ErrDamaged) && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	_, err = s.Archive(bg, doc(id(3)))
	wantErr(t, err, ErrDamaged)
}

// Reads go on while the writer is in the middle of a commit.
func TestReadersAreNotBlockedByTheWriter(t *testing.T) {
	g := newGate()
	s := open(t, gated(g))
	w := started(s, bg, doc(id(1)))
	<-g.arrived
	g.open <- nil
	if err := <-w; err != nil {
		t.Fatal(err)
	}
	w = started(s, bg, doc(id(2)))
	<-g.arrived // the transaction is open and has written
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() { wantBytes(t, s, doc(id(1))) })
	}
	wg.Wait()
	g.open <- nil
	if err := <-w; err != nil {
		t.Fatal(err)
	}
}

func TestInputThatCannotBeStoredIsRefusedAtTheDoor(t *testing.T) {
	s := open(t)
	for name, edit := range map[string]func(*Archival){
		"id":         func(a *Archival) { a.ID = "" },
		"set":        func(a *Archival) { a.SetID = "" },
		"controller": func(a *Archival) { a.Controller = "" },
		"document":   func(a *Archival) { a.Document = nil },
		"group":      func(a *Archival) { a.Index.Group = "" },
		"usage":      func(a *Archival) { a.Usage[0].LogController = "" },
		"clients":    func(a *Archival) { a.Index.Clients = make([]string, maxKeys+1) },
	} {
		a := doc(id(1))
		edit(&a)
		_, err := s.Archive(bg, a)
		if !errors.Is(err, ErrInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
