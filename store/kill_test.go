package store

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"portti/internal/share"
)

func ignoreFileSizeSignal() { signal.Ignore(syscall.SIGXFSZ) }

// killed is the document that the child of run "run" writes as its n-th of worker w.
// Every third is a new version of the one before.
func killed(run string, w, n int) Archival {
	size := []int{500, 20_000, 200_000}[n%3]
	name := func(n int) string { return fmt.Sprintf("1.2.246.10.99999901.95777.%s.%d.%d", run, w, n) }
	a := docSize(name(n), size)
	if n%3 == 2 {
		a.SetID, a.Version, a.Replaces = name(n-1), 2, name(n-1)
	}
	return a
}

const killWorkers = 8

// writeUntilKilled writes with several goroutines and tells of each
// acknowledgement on stdout, until it is killed.
func writeUntilKilled(dir string) {
	run := os.Getenv("PORTTI_STORE_RUN")
	s, err := Open(context.Background(), Options{Dir: dir, Master: testMaster})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	var mu sync.Mutex
	say := func(w, n int, verdict string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Println("ack", w, n, verdict) // one write(2), so never half a line
	}
	for w := range killWorkers {
		go func() {
			for n := 0; ; n++ {
				out, err := s.Archive(context.Background(), killed(run, w, n))
				if err != nil || out.Kind != Archived {
					fmt.Println("error", out, err)
					os.Exit(1)
				}
				say(w, n, out.Receipt.Verdict)
			}
		}()
	}
	select {}
}

// torture gives how often to repeat: PORTTI_TORTURE, or n.
func torture(tb testing.TB, n int) int {
	tb.Helper()
	v := os.Getenv("PORTTI_TORTURE")
	if v == "" {
		return share.Of(n, (n+3)/4)
	}
	m, err := strconv.Atoi(v)
	if err != nil {
		tb.Fatalf("PORTTI_TORTURE: %v", err)
	}
	return m
}

// kill -9 under load: every acknowledged document is there and intact, sending
// again gives the same answer, nothing is doubled. Its 20 kills are one half of the 40
// of a full test run; the other half are the gateway's (gateway/kill_test.go).
func TestARK11_NothingAcknowledgedIsLostByKill(t *testing.T) {
	rounds := torture(t, 20)
	dir := t.TempDir()
	acked := 0
	for round := range rounds {
		run := strconv.Itoa(round)
		lines := killAtRandom(t, dir, run)
		acked += len(lines)
		verifyAfterKill(t, dir, run, lines)
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	t.Logf("%d kills, %d acknowledged documents", rounds, acked)
	if acked == 0 {
		t.Error("no child ever came to acknowledge: nothing was tested")
	}
	wantClean(t, openIn(t, dir, sealed))
}

// killAtRandom runs a child until a random moment after its first acknowledgement
// and gives what it acknowledged.
func killAtRandom(t *testing.T, dir, run string) (lines []string) {
	t.Helper()
	cmd, out := child(t, "write", dir, "PORTTI_STORE_RUN="+run)
	first := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		lines = readAcks(out, first)
	}()
	<-first
	time.Sleep(time.Duration(rand.IntN(120_000)) * time.Microsecond)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-done
	cmd.Wait() // its error is that it was killed
	return lines
}

func readAcks(out *bufio.Scanner, first chan<- struct{}) (lines []string) {
	for out.Scan() {
		if lines = append(lines, out.Text()); len(lines) == 1 {
			close(first)
		}
	}
	if len(lines) == 0 {
		close(first)
	}
	return lines
}

func verifyAfterKill(t *testing.T, dir, run string, lines []string) {
	t.Helper()
	s, err := Open(bg, Options{Dir: dir, Master: testMaster})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	next := make([]int, killWorkers)
	for _, line := range lines {
		var w, n int
		if _, err := fmt.Sscanf(strings.TrimSuffix(line, " CA"), "ack %d %d", &w, &n); err != nil || !strings.HasSuffix(line, " CA") {
			t.Fatalf("child says %q", line)
		}
		a := killed(run, w, n)
		wantBytes(t, s, a)
		if out := archive(t, s, a); out.Kind != Duplicate || out.Receipt.Verdict != "CA" || out.Receipt.MessageID != a.Message.ID {
			t.Errorf("resend of %s gives %+v", a.ID, out)
		}
		next[w] = max(next[w], n+1)
	}
	for w, n := range next {
		// The one in flight may be in or not; sending it must settle it, once.
		a := killed(run, w, n)
		if out := archive(t, s, a); out.Kind != Archived && out.Kind != Duplicate {
			t.Errorf("in flight: %s gives %+v", a.ID, out)
		}
		if out := archive(t, s, a); out.Kind != Duplicate {
			t.Errorf("in flight, again: %s gives %+v", a.ID, out)
		}
		wantBytes(t, s, a)
	}
}
