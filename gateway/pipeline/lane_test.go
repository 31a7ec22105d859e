package pipeline

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"portti/cda/organisations"
)

// wantEmpty tells what is left behind when everybody has gone and bulk's places rested.
func wantEmpty(t *testing.T, l *lanes) {
	t.Helper()
	time.Sleep(quietTime)
	synctest.Wait()
	if l.used != 0 || l.bulk != 0 || l.present != 0 || len(l.asking)+len(l.first)+len(l.later) != 0 {
		t.Errorf("left behind: %+v", l)
	}
}

// TestMIG1_InteractiveTrafficGoesFirst: a migration waits for whoever else comes.
func TestMIG1_InteractiveTrafficGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLanes(2)
		a, b := l.enter(t.Context(), Bulk), l.enter(t.Context(), Bulk)
		var mu sync.Mutex
		var order []string
		var waiting []*ticket
		come := func(name string, lane Lane) {
			go func() {
				k := l.enter(t.Context(), lane)
				mu.Lock()
				defer mu.Unlock()
				order, waiting = append(order, name), append(waiting, k)
			}()
			synctest.Wait()
		}
		come("bulk", Bulk)
		come("first", Interactive)
		come("second", Interactive)
		a.computed() // quiet when it came: it leaves its place before the archive
		synctest.Wait()
		b.computed()
		synctest.Wait()
		if len(order) != 2 || order[0] != "first" || order[1] != "second" {
			t.Fatalf("in came %v", order)
		}
		waiting[0].computed()
		synctest.Wait()
		if len(order) != 3 {
			t.Fatalf("a place is free, and in came %v", order)
		}
		for _, k := range append(waiting, a, b) {
			k.answered()
		}
		wantEmpty(t, l)
	})
}

// TestMIG1_BulkHasHalfWhileOthersAreAbout: and all of it when it has been quiet.
func TestMIG1_BulkHasHalfWhileOthersAreAbout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLanes(4)
		other := l.enter(t.Context(), Interactive)
		other.computed()
		a, b := l.enter(t.Context(), Bulk), l.enter(t.Context(), Bulk)
		if l.may(Bulk) {
			t.Error("a third bulk message may come in while another client is about")
		}
		a.computed()
		if l.bulk != 2 {
			t.Error("bulk left its place before its commit, with others about")
		}
		other.answered()
		if l.may(Bulk) {
			t.Error("a third bulk message may come in right after another client")
		}
		time.Sleep(quietTime + 1)
		if !l.may(Bulk) {
			t.Error("bulk has no more than half when it is quiet")
		}
		c := l.enter(t.Context(), Bulk)
		c.computed()
		if l.bulk != 2 {
			t.Error("bulk keeps its place when it is quiet")
		}
		for _, k := range []*ticket{a, b, c} {
			k.answered()
		}
		wantEmpty(t, l)
	})
}

// TestMIG1_BulkRestsWhileOthersAreAbout: twice as long as it worked, and not at all when it
// has been quiet.
func TestMIG1_BulkRestsWhileOthersAreAbout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLanes(2)
		l.enter(t.Context(), Interactive).answered()
		working := func(long time.Duration) {
			k := l.enter(t.Context(), Bulk)
			time.Sleep(long)
			k.computed()
			k.answered()
		}
		work := func() { working(10 * time.Millisecond) }
		start := time.Now()
		work()
		if l.mu.Lock(); l.used != 0 {
			t.Error("a place that rests is kept from others")
		}
		l.mu.Unlock()
		work()
		if took := time.Since(start); took != 40*time.Millisecond {
			t.Errorf("two messages took %v, want 10 + 20 + 10 ms", took)
		}
		here := l.enter(t.Context(), Interactive) // stays through a commit that takes long
		time.Sleep(time.Second)
		start = time.Now()
		working(time.Minute)
		work()
		if took := time.Since(start); took != time.Minute+restsMost+10*time.Millisecond {
			t.Errorf("after a minute's work bulk had the next after %v", took)
		}
		here.answered()
		time.Sleep(2 * quietTime)
		synctest.Wait()
		start = time.Now()
		for range 3 {
			work()
		}
		if took := time.Since(start); took != 30*time.Millisecond {
			t.Errorf("with nobody about three messages took %v, want 30 ms", took)
		}
		wantEmpty(t, l)
	})
}

// TestQueriesGoBeforeArchiving: three of them for each document that waits.
func TestQueriesGoBeforeArchiving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLanes(1)
		in := l.enter(t.Context(), Interactive)
		var order []Lane
		come := func(lane Lane) {
			go func() {
				k := l.enter(t.Context(), lane)
				order = append(order, lane) // one place: never two at a time
				k.computed()
				k.answered()
			}()
			synctest.Wait()
		}
		for _, lane := range []Lane{Bulk, Interactive, Interactive, asking, asking, asking, asking} {
			come(lane)
		}
		in.computed()
		in.answered()
		synctest.Wait()
		want := []Lane{asking, asking, asking, Interactive, asking, Interactive, Bulk}
		if !slices.Equal(order, want) {
			t.Errorf("in came %v, want %v", order, want)
		}
		if l.used != 0 || l.present != 0 {
			t.Errorf("left behind: %+v", l)
		}
	})
}

// TestWhoGivesUpLeavesNothing: contexts end while messages wait.
func TestWhoGivesUpLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLanes(1)
		in := l.enter(t.Context(), Interactive)
		ctx, cancel := context.WithCancel(t.Context())
		for _, lane := range []Lane{Interactive, Bulk, Interactive, asking} {
			go func() {
				if l.enter(ctx, lane) != nil {
					t.Error("let in")
				}
			}()
		}
		synctest.Wait()
		cancel()
		synctest.Wait()
		in.computed()
		in.answered()
		if l.used != 0 || l.present != 0 || len(l.asking)+len(l.first)+len(l.later) != 0 {
			t.Errorf("left behind: %+v", l)
		}
	})
}

// TestPRO4_MigratingSystemsGoIntoTheBulkLane whatever header they send.
func TestPRO4_MigratingSystemsGoIntoTheBulkLane(t *testing.T) {
	migrating := System{ID: "m", Organisation: "1.2.3", Profile: organisations.Archiving, Fingerprint: "aa"}
	connecting := System{ID: "c", Organisation: "1.2.3", Profile: organisations.Connecting, Fingerprint: "bb"}
	a := KnownAccess{Systems: Systems{migrating, connecting}}
	for peer, want := range map[Peer]bool{
		{Organisation: "1.2.3", Fingerprint: "aa"}: true, {Organisation: "1.2.3", Fingerprint: "bb"}: false, {Organisation: "1.2.3", Fingerprint: "cc"}: false,
		{Organisation: "1.2.4", Fingerprint: "aa"}: false, {}: false,
	} {
		if a.Migrates(peer) != want {
			t.Errorf("%+v migrates: %t", peer, !want)
		}
	}
}
