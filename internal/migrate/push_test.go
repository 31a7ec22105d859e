package migrate

import (
	"context"
	"crypto/sha256"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func ago() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) }

// clock is a throttle's time, moved by its own sleeping.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
	return ctx.Err()
}

func TestMIG1_TheThrottleBacksOff(t *testing.T) {
	c := &clock{t: ago()}
	th := newThrottle(16, 0, nil, c.now, c.sleep)
	step := func(o outcome, took time.Duration) {
		if err := th.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := c.sleep(t.Context(), took); err != nil {
			t.Fatal(err)
		}
		th.leave(o, took, 20_000, 0)
	}
	for range 300 {
		step(well, 10*time.Millisecond)
	}
	if th.at() != 16 {
		t.Errorf("after 300 quick answers %d at a time, want 16", th.at())
	}
	step(busy, 300*time.Millisecond)
	if th.at() != 8 {
		t.Errorf("after a 503 %d at a time, want 8", th.at())
	}
	for range 200 {
		step(well, 2*time.Second)
	}
	if th.at() > 4 {
		t.Errorf("while answers take 2 s %d at a time", th.at())
	}
	before := c.now()
	if err := th.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	th.leave(busy, 0, 0, 30*time.Second)
	if err := th.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := c.now().Sub(before); d < 30*time.Second {
		t.Errorf("after Retry-After: 30 the next goes out in %v", d)
	}
}

func TestMIG1_RateAndWindows(t *testing.T) {
	c := &clock{t: ago()} // 11:00 in Helsinki
	night, err := ParseWindow("18:00-06:00")
	if err != nil {
		t.Fatal(err)
	}
	th := newThrottle(4, 10, []Window{night}, c.now, c.sleep)
	for range 50 {
		if err := th.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		th.leave(well, time.Millisecond, 0, 0)
	}
	from, to := time.Date(2026, 3, 2, 16, 0, 4, 0, time.UTC), time.Date(2026, 3, 2, 16, 0, 6, 0, time.UTC)
	if now := c.now(); now.Before(from) || now.After(to) {
		t.Errorf("50 documents at 10 a second from 18:00 in Helsinki are out at %v", now)
	}
	for _, bad := range []string{"", "18-6", "25:00-06:00", "06:00-06:00"} {
		if _, err := ParseWindow(bad); err == nil {
			t.Errorf("%q is taken as a window", bad)
		}
	}
}

// shaky is an archive that answers by a plan for each message.
type shaky struct {
	mu    sync.Mutex
	plan  func(n int) (Reply, error)
	n     int
	times map[string]int // how often each frame came
}

func (s *shaky) Send(_ context.Context, framed []byte) (Reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	s.times[string(framed)]++
	return s.plan(s.n)
}

// ready makes a journal with n documents to send.
func ready(t *testing.T, n int) *Journal {
	t.Helper()
	j, err := OpenJournal(filepath.Join(t.TempDir(), "work"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	s := Sending{System: System{OID: "1.2.246.10.99999938.10.8"}, User: User{Root: "1.2.246.21", ID: "010181-900C", Given: "Tessa", Family: "Testaaja"}}
	b := &builder{BuildOptions: BuildOptions{Journal: j, Mapping: &Mapping{}}}
	if err := j.setSending(s); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		client := person{root: "1.2.246.21", id: "010181-900C", family: "A", given: "B", call: "B"}
		p := &paper{class: classDocument, oid: "1.2.246.10.99999901.95908.2026." + number("x", string(rune('a'+i))), kind: Coded{"11", "Päätös"}, written: ago(), created: ago(), language: "fi",
			client: &client, controller: Organisation{"1.2.246.10.99999901.10.0", "X"}, unit: Organisation{"1.2.246.10.99999901.10.1", "Y"}, content: textContent("z")}
		if _, err := b.store(classDocument, p.oid, int64(i+2), p.oid, "", p.controller.OID, p.written, packed(p.write(&Mapping{})), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.commit(); err != nil {
		t.Fatal(err)
	}
	return j
}

func push(t *testing.T, j *Journal, s *shaky, o PushOptions) (Pushed, error) {
	t.Helper()
	o.Journal, o.Now = j, time.Now
	o.Connect = func() (Transport, error) { return s, nil }
	o.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return Push(t.Context(), o)
}

// TestMIG1_PushEndsEveryDocument: silence and 503 are sent again, CE is not, CR is
// put off after its retries, and another run goes on.
func TestMIG1_PushEndsEveryDocument(t *testing.T) {
	j := ready(t, 6)
	s := &shaky{times: map[string]int{}}
	s.plan = func(n int) (Reply, error) {
		switch {
		case n <= 3:
			return []Reply{{Status: 503}, {}, {Status: 429}}[n-1], []error{nil, errors.New("cut"), nil}[n-1]
		case n == 4:
			return Reply{Verdict: "CE", Status: 200, Findings: []Finding{{Rule: "X", Severity: "error"}}}, nil
		case n < 9:
			return Reply{Verdict: "CR", Status: 200}, nil
		}
		return Reply{Verdict: "CA", Status: 200}, nil
	}
	p, err := push(t, j, s, PushOptions{Workers: 1, Retries: 3})
	if err != nil || p.Archived != 4 || p.Rejected != 1 || p.Later != 1 || p.Total != 6 {
		t.Fatalf("%+v %v", p, err)
	}
	s.plan = func(int) (Reply, error) { return Reply{Verdict: "CA", Status: 200}, nil }
	before := s.n
	if p, err = push(t, j, s, PushOptions{Workers: 4}); err != nil || p.Archived != 5 || p.Rejected != 1 || p.Later != 0 || s.n != before+1 {
		t.Fatalf("the second run: %+v %v, %d messages", p, err, s.n-before)
	}
	states := map[string]int{}
	if err := j.Records(t.Context(), "fi", func(r Record) error { states[r.State]++; return nil }); err != nil {
		t.Fatal(err)
	}
}

// TestMIG1_WhatWasRejectedIsSentAgainWhenAsked and not otherwise.
func TestMIG1_WhatWasRejectedIsSentAgainWhenAsked(t *testing.T) {
	j := ready(t, 3)
	s := &shaky{times: map[string]int{}, plan: func(int) (Reply, error) { return Reply{Verdict: "CE", Status: 200}, nil }}
	if p, err := push(t, j, s, PushOptions{Workers: 2}); err != nil || p.Rejected != 3 {
		t.Fatalf("%+v %v", p, err)
	}
	s.plan = func(int) (Reply, error) { return Reply{Verdict: "CA", Status: 200}, nil }
	if p, err := push(t, j, s, PushOptions{Workers: 2}); err != nil || p.Sent != 0 || p.Rejected != 3 {
		t.Fatalf("not asked: %+v %v", p, err)
	}
	if p, err := push(t, j, s, PushOptions{Workers: 2, Rejected: true}); err != nil || p.Archived != 3 || p.Rejected != 0 {
		t.Fatalf("asked: %+v %v", p, err)
	}
}

// TestMIG1_AWrongAddressIsNoVerdict: what stands at a wrong address, or a door that
// does not know the sender, says nothing of the documents.
func TestMIG1_AWrongAddressIsNoVerdict(t *testing.T) {
	j := ready(t, 3)
	for _, status := range []int{302, 401, 403, 404, 405, 415} {
		s := &shaky{times: map[string]int{}, plan: func(int) (Reply, error) { return Reply{Status: status, Fault: "no"}, nil }}
		if p, err := push(t, j, s, PushOptions{Workers: 2}); !errors.Is(err, ErrDoor) || p.Done() != 0 {
			t.Errorf("HTTP %d: %+v %v", status, p, err)
		}
	}
	s := &shaky{times: map[string]int{}, plan: func(int) (Reply, error) { return Reply{Status: 413, Fault: "too large"}, nil }}
	if p, err := push(t, j, s, PushOptions{Workers: 2}); err != nil || p.Rejected != 3 {
		t.Errorf("HTTP 413: %+v %v", p, err)
	}
}

// TestMIG1_AClosedWindowTriesNoPatience: it is not the archive that is waited for.
func TestMIG1_AClosedWindowTriesNoPatience(t *testing.T) {
	j := ready(t, 2)
	c := &clock{t: ago()} // 11:00 in Helsinki
	night, err := ParseWindow("18:00-06:00")
	if err != nil {
		t.Fatal(err)
	}
	s := &shaky{times: map[string]int{}, plan: func(n int) (Reply, error) {
		if n == 1 {
			return Reply{Status: 503}, nil
		}
		return Reply{Verdict: "CA", Status: 200}, nil
	}}
	p, err := Push(t.Context(), PushOptions{Journal: j, Connect: func() (Transport, error) { return s, nil }, Workers: 1, Windows: []Window{night},
		Patience: time.Minute, Now: c.now, Sleep: c.sleep})
	if err != nil || p.Archived != 2 {
		t.Errorf("%+v %v", p, err)
	}
}

// TestMIG1_PushLosesPatience when nothing is taken, and nothing is lost.
func TestMIG1_PushLosesPatience(t *testing.T) {
	j := ready(t, 3)
	s := &shaky{times: map[string]int{}, plan: func(int) (Reply, error) { return Reply{}, errors.New("nobody there") }}
	p, err := push(t, j, s, PushOptions{Workers: 2, Patience: 30 * time.Millisecond})
	if !errors.Is(err, ErrPatience) || p.Done() != 0 {
		t.Fatalf("%+v %v", p, err)
	}
	s.plan = func(int) (Reply, error) { return Reply{Verdict: "CA", Status: 200}, nil }
	if p, err = push(t, j, s, PushOptions{Workers: 2}); err != nil || p.Archived != 3 {
		t.Fatalf("%+v %v", p, err)
	}
}

func TestMIG1_OneRunHoldsTheJournal(t *testing.T) {
	j := ready(t, 0)
	if _, err := OpenJournal(j.Dir); !errors.Is(err, ErrJournal) {
		t.Errorf("a second run opens the journal: %v", err)
	}
}

// packed is a document as a builder keeps it.
func packed(doc []byte) *signed {
	return &signed{size: int64(len(doc)), sum: sha256.Sum256(doc), packed: pack(doc)}
}
