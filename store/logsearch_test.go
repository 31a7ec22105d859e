package store

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// usageOf makes a row of the usage log.
func usageOf(controller, client, user, document, action string, at time.Time) Usage {
	return Usage{At: at, DataController: ctlA, LogController: controller, Client: client, User: user, UserName: "Testi " + user,
		System: "1.2.246.10.99999901.18.7", DocumentID: document, Action: action, Purpose: "1", Detail: []byte(`{"x":1}`)}
}

func TestLOG1_EveryFieldComesBack(t *testing.T) {
	s := open(t)
	u := usageOf(ctlA, cli1, "99900000001", id(1), "fetch", noon)
	u.Refused = "ACCESS-X"
	if err := s.Log(bg, Entries{Usage: []Usage{u}}); err != nil {
		t.Fatal(err)
	}
	p, err := s.SearchUsage(bg, inA, LogFilter{Client: cli1}, 10, "")
	if err != nil || len(p.Entries) != 1 || p.Next != "" {
		t.Fatal(p, err)
	}
	if got := fmt.Sprintf("%+v", p.Entries[0].Usage); got != fmt.Sprintf("%+v", u) {
		t.Errorf("got %s, want %+v", got, u)
	}
}

func TestLOG2_EveryFieldComesBack(t *testing.T) {
	s := open(t)
	d := Disclosure{At: noon, DataController: ctlA, LogController: ctlA, Client: cli1, Discloser: "Luovuttaja", User: "u", UserName: "Saaja",
		Recipient: ctlB, DocumentID: id(1), Description: "päätös", Purpose: "2", Ground: "703/2023 55", Refused: "", Detail: []byte(`{"a":1}`)}
	if err := s.Log(bg, Entries{Disclosures: []Disclosure{d}}); err != nil {
		t.Fatal(err)
	}
	for _, f := range []LogFilter{{Recipient: ctlB}, {Client: cli1, User: "u"}, {DocumentID: id(1)}, {DataController: ctlA, Purpose: "2"}} {
		p, err := s.SearchDisclosures(bg, inA, f, 10, "")
		if err != nil || len(p.Entries) != 1 || fmt.Sprintf("%+v", p.Entries[0].Disclosure) != fmt.Sprintf("%+v", d) {
			t.Errorf("%+v: %+v %v", f, p, err)
		}
	}
	for _, f := range []LogFilter{{Recipient: ctlA}, {Client: cli2}, {Client: cli1, Attempts: RefusedAttempts}, {Until: noon}} {
		if p, err := s.SearchDisclosures(bg, inA, f, 10, ""); err != nil || len(p.Entries) != 0 {
			t.Errorf("%+v: %+v %v", f, p, err)
		}
	}
}

// Every page of every search gives just the rows that a plain loop finds.
func TestLOG4_SearchIsALoopOverTheRows(t *testing.T) {
	s := open(t)
	controllers, clients, users := []string{ctlA, ctlB}, []string{cli1, cli2, ""}, []string{"u1", "u2"}
	var rows []Usage
	rapid.Check(t, func(rt *rapid.T) {
		if len(rows) < 300 {
			var e Entries
			for range rapid.IntRange(1, 12).Draw(rt, "rows") {
				e.Usage = append(e.Usage, usageOf(rapid.SampledFrom(controllers).Draw(rt, "controller"), rapid.SampledFrom(clients).Draw(rt, "client"),
					rapid.SampledFrom(users).Draw(rt, "user"), rapid.SampledFrom([]string{"", id(1), id(2)}).Draw(rt, "document"),
					rapid.SampledFrom([]string{"fetch", "search"}).Draw(rt, "action"), noon.Add(time.Duration(rapid.IntRange(0, 20).Draw(rt, "at"))*time.Second)))
			}
			if err := s.Log(bg, e); err != nil {
				rt.Fatal(err)
			}
			rows = append(rows, e.Usage...)
		}
		f := LogFilter{Client: rapid.SampledFrom(clients).Draw(rt, "by client"), User: rapid.SampledFrom([]string{"", "u1"}).Draw(rt, "by user"),
			DocumentID: rapid.SampledFrom([]string{"", id(1)}).Draw(rt, "by document"), Action: rapid.SampledFrom([]string{"", "fetch"}).Draw(rt, "by action")}
		if rapid.Bool().Draw(rt, "from") {
			f.From, f.Until = noon.Add(5*time.Second), noon.Add(12*time.Second)
		}
		sc := rapid.SampledFrom([]Scope{inA, inB, all, {Controllers: controllers, Purpose: "test"}}).Draw(rt, "scope")
		limit := rapid.IntRange(1, 50).Draw(rt, "limit")
		var got []int64
		for next := ""; ; {
			p, err := s.SearchUsage(bg, sc, f, limit, next)
			if err != nil || len(p.Entries) > limit {
				rt.Fatal(len(p.Entries), err)
			}
			for _, e := range p.Entries {
				got = append(got, e.Seq)
			}
			if next = p.Next; next == "" {
				break
			}
		}
		if want := plainSearch(rows, sc, f); !slices.Equal(got, want) {
			rt.Fatalf("%+v under %v: rows %v, want %v", f, sc, got, want)
		}
	})
}

// plainSearch gives the numbers of the rows, newest first.
func plainSearch(rows []Usage, sc Scope, f LogFilter) (out []int64) {
	for i, u := range rows {
		if (sc.All || slices.Contains(sc.Controllers, u.LogController)) && (f.Client == "" || f.Client == u.Client) &&
			(f.User == "" || f.User == u.User) && (f.DocumentID == "" || f.DocumentID == u.DocumentID) &&
			(f.Action == "" || f.Action == u.Action) && (f.From.IsZero() || !u.At.Before(f.From)) && (f.Until.IsZero() || u.At.Before(f.Until)) {
			out = append(out, int64(i+1))
		}
	}
	slices.SortFunc(out, func(a, b int64) int {
		if c := rows[b-1].At.Compare(rows[a-1].At); c != 0 {
			return c
		}
		return int(b - a)
	})
	return out
}

func TestLOG4_AContinuationIsOfItsSearch(t *testing.T) {
	s := open(t)
	for range 3 {
		if err := s.Log(bg, Entries{Usage: []Usage{usageOf(ctlA, cli1, "u", "", "fetch", noon)}}); err != nil {
			t.Fatal(err)
		}
	}
	p, err := s.SearchUsage(bg, inA, LogFilter{}, 1, "")
	if err != nil || p.Next == "" {
		t.Fatal(p, err)
	}
	for _, f := range []LogFilter{{Client: cli1}, {Action: "fetch"}} {
		_, err := s.SearchUsage(bg, inA, f, 1, p.Next)
		wantErr(t, err, ErrInput)
	}
	_, err = s.SearchDisclosures(bg, inA, LogFilter{}, 1, p.Next)
	wantErr(t, err, ErrInput)
	_, err = s.SearchUsage(bg, inA, LogFilter{}, 0, "")
	wantErr(t, err, ErrInput)
}

// The logs end after 12 years, by a deed on record; a row told late goes by what it tells.
func TestLOG3_TwelveYearsAndNoLonger(t *testing.T) {
	c := &clock{t: noon}
	s := open(t, func(o *Options) { o.Now = c.now })
	mustArchive(t, s, doc(id(1)))
	late := usageOf(ctlA, cli1, "u", "", "fetch", noon.Add(-time.Hour))
	young := usageOf(ctlA, cli1, "u", "", "fetch", noon.Add(24*time.Hour))
	for _, u := range []Usage{young, late, young} { // the one told late leaves a gap in the middle
		if err := s.Log(bg, Entries{Usage: []Usage{u}, Disclosures: []Disclosure{{At: u.At, DataController: ctlA, LogController: ctlA, Recipient: ctlB}}}); err != nil {
			t.Fatal(err)
		}
	}
	c.set(noon.AddDate(LogYears, 0, 0).Add(-2 * time.Hour))
	for _, log := range []LogName{UsageLog, DisclosureLog} {
		if due, err := s.PurgeDue(bg, log); err != nil || due {
			t.Errorf("%s: due %v before its time, %v", log, due, err)
		}
		if n, err := s.Purge(bg, log, noon.AddDate(100, 0, 0)); n != 0 || err != nil {
			t.Errorf("%s: %d rows went before their time, %v", log, n, err)
		}
	}
	c.set(noon.AddDate(LogYears, 0, 0).Add(time.Hour))
	for log, want := range map[LogName]int64{UsageLog: 2, DisclosureLog: 1} { // that of archiving too
		if due, err := s.PurgeDue(bg, log); err != nil || !due {
			t.Errorf("%s: due %v, %v", log, due, err)
		}
		if n, err := s.Purge(bg, log, noon.AddDate(100, 0, 0)); n != want || err != nil {
			t.Errorf("%s: %d rows went, want %d; %v", log, n, want, err)
		}
	}
	if n := count(t, s, `SELECT count(*) FROM purges`); n != 4 {
		t.Errorf("%d purges on record", n)
	}
	wantClean(t, s)
	_, err := s.Purge(bg, "bodies", noon)
	wantErr(t, err, ErrInput)
}

// The figures of searching: PORTTI_LOG_ROWS rows, 100,000 unless set (the issue asks
// for one million).
func BenchmarkLogSearch(b *testing.B) {
	n, err := strconv.Atoi(os.Getenv("PORTTI_LOG_ROWS"))
	if err != nil {
		n = 100_000
	}
	s := open(b, sealed, func(o *Options) { o.synchronous = "OFF" })
	const batch = 1000
	detail, _ := json.Marshal(map[string]string{"messageId": "urn:oid:1.2.3", "types": "15007", "case": "1.2.246.10.99999901.96.1"})
	for i := 0; i < n; i += batch {
		var e Entries
		for j := i; j < i+batch; j++ {
			u := usageOf([]string{ctlA, ctlB}[j%2], fmt.Sprintf("client-%d", j*7919%(n/20)), fmt.Sprintf("user-%d", j*31%500), id(j%(n/5)), "fetch",
				noon.Add(time.Duration(j)*time.Second))
			u.Detail = detail
			e.Usage = append(e.Usage, u)
		}
		if err := s.Log(bg, e); err != nil {
			b.Fatal(err)
		}
	}
	for name, f := range map[string]func(i int) LogFilter{
		"client":     func(i int) LogFilter { return LogFilter{Client: fmt.Sprintf("client-%d", i*31%(n/20))} },
		"user":       func(i int) LogFilter { return LogFilter{User: fmt.Sprintf("user-%d", i%500)} },
		"document":   func(i int) LogFilter { return LogFilter{DocumentID: id(i * 13 % (n / 5))} },
		"controller": func(i int) LogFilter { return LogFilter{From: noon.Add(time.Duration(i%n) * time.Second)} },
		"rare":       func(i int) LogFilter { return LogFilter{Attempts: RefusedAttempts} }, // looks at as much as a page may
	} {
		b.Run(name, func(b *testing.B) {
			measured(b, func() {
				for i := range b.N {
					if _, err := s.SearchUsage(bg, inA, f(i), 100, ""); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}
