package logs

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"portti/cda/rules/catalogue"
	"portti/store"

	"filippo.io/age"
)

const (
	controller = "1.2.246.10.99999901.10.0"
	client     = "010181-900C"
)

var (
	now  = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC) // a Wednesday
	anna = store.Actor{ID: "1234", Name: "Anna Arkisto"}
)

func archive(t testing.TB) *store.Store {
	t.Helper()
	st, err := store.Open(context.Background(), store.Options{Dir: t.TempDir(), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

func use(client, user, name string, at time.Time, change ...func(*store.Usage, *Detail)) store.Usage {
	u := store.Usage{At: at, DataController: controller, LogController: controller, Client: client, User: user, UserName: name, System: "s",
		DocumentID: "1.2.3", Action: "fetch", Purpose: "1"}
	d := Detail{Case: "c"}
	for _, f := range change {
		f(&u, &d)
	}
	u.Detail = d.JSON()
	return u
}

func put(t testing.TB, st *store.Store, us ...store.Usage) {
	t.Helper()
	if err := st.Log(t.Context(), store.Entries{Usage: us}); err != nil {
		t.Fatal(err)
	}
}

func supply(f Format) *Supply {
	return &Supply{Log: store.UsageLog, Controller: controller, Format: f, By: anna, Purpose: "valvonta", Now: now}
}

// The log row of a supplying is durable before the first octet leaves, tells how many
// rows there were, and is no part of what is supplied.
func TestLOG4_TheSupplyingIsLoggedFirst(t *testing.T) {
	st := archive(t)
	put(t, st, use(client, "u", "Testi Käyttäjä", now.Add(-time.Hour)), use("other", "u", "Testi Käyttäjä", now.Add(-time.Hour)))
	s := supply(JSONLines)
	s.Filter.Client = client
	var out bytes.Buffer
	w := writerFunc(func(b []byte) (int, error) {
		p, err := st.SearchUsage(t.Context(), store.Scope{Controllers: []string{controller}, Purpose: "test"}, store.LogFilter{Action: ActionSupply}, 10, "")
		if err != nil || len(p.Entries) != 1 || p.Entries[0].UserName != anna.Name || p.Entries[0].Client != client || p.Entries[0].Purpose != "valvonta" ||
			!strings.Contains(string(p.Entries[0].Detail), `"rows":1`) {
			t.Errorf("when the first octet leaves the log holds %+v, %v", p.Entries, err)
		}
		return out.Write(b)
	})
	n, err := s.Write(t.Context(), st, w)
	if err != nil || n != 1 || strings.Count(out.String(), "\n") != 1 || strings.Contains(out.String(), ActionSupply) {
		t.Errorf("%d rows, %v: %s", n, err, out.String())
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// failing is an archive whose log cannot be written.
type failing struct{ *store.Store }

func (failing) Log(context.Context, store.Entries) error { return errors.New("full") }

func TestLOG4_NothingIsSuppliedWithoutItsLogRow(t *testing.T) {
	st := archive(t)
	put(t, st, use(client, "u", "x", now.Add(-time.Hour)))
	var out bytes.Buffer
	if _, err := supply(CSV).Write(t.Context(), failing{st}, &out); err == nil || out.Len() != 0 {
		t.Errorf("%q %v", out.String(), err)
	}
	if _, err := Watch(t.Context(), failing{st}, controller, nil, time.Time{}, time.Time{}, anna, now); err == nil {
		t.Error("a look without its log row")
	}
	for _, s := range []*Supply{{Log: store.UsageLog}, {Log: store.UsageLog, Controller: controller, Purpose: "x"}, {Log: "x", Controller: controller, Purpose: "x", By: anna}} {
		if _, err := s.Write(t.Context(), st, io.Discard); err == nil {
			t.Errorf("%+v went through", s)
		}
	}
}

func TestLOG4_FormsOfSupplying(t *testing.T) {
	st := archive(t)
	put(t, st, use(client, "u", "=cmd|calc", now.Add(-time.Hour), func(u *store.Usage, _ *Detail) { u.Refused = "ACCESS-X" }), use(client, "u2", "Bad\x1b[31m", now.Add(-2*time.Hour)))
	for _, f := range Formats {
		var out bytes.Buffer
		if n, err := supply(f).Write(t.Context(), st, &out); err != nil || n != 2 {
			t.Fatalf("%s: %d %v", f, n, err)
		}
		switch f {
		case CSV:
			rows, err := csv.NewReader(&out).ReadAll()
			if err != nil || len(rows) != 3 || rows[1][6] != "'=cmd|calc" || rows[1][11] != "ACCESS-X" || rows[0][4] != "client" || rows[1][4] != client {
				t.Errorf("%v %v", rows, err)
			}
		case JSONLines:
			var e Entry
			if err := json.Unmarshal(bytes.SplitN(out.Bytes(), []byte("\n"), 2)[0], &e); err != nil || e.UserName != "=cmd|calc" || e.Number != 1 || ReadDetail(e.Detail).Case != "c" {
				t.Errorf("%+v %v", e, err)
			}
		case Text:
			if strings.Contains(out.String(), "\x1b") || !strings.Contains(out.String(), client) {
				t.Errorf("%q", out.String())
			}
		}
	}
	if _, err := supply("xml").Write(t.Context(), st, io.Discard); err == nil {
		t.Error("a format that does not exist")
	}
	s := supply(CSV)
	s.Log = store.DisclosureLog
	if err := st.Log(t.Context(), store.Entries{Disclosures: []store.Disclosure{{At: now.Add(-time.Hour), DataController: controller, LogController: controller,
		Client: client, Recipient: "Kela", Description: "päätös", Ground: "703/2023 55", Detail: []byte("no json")}}}); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if n, err := s.Write(t.Context(), st, &out); err != nil || n != 1 || !strings.Contains(out.String(), "Kela,1.2.3") && !strings.Contains(out.String(), "Kela,,päätös") {
		t.Errorf("%s %v", out.String(), err)
	}
}

func TestLOG4_OnlyTheRecipientReadsWhatIsEncrypted(t *testing.T) {
	st := archive(t)
	put(t, st, use(client, "u", "x", now.Add(-time.Hour)))
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	s := supply(JSONLines)
	s.Recipients = []age.Recipient{id.Recipient()}
	var out bytes.Buffer
	if _, err := s.Write(t.Context(), st, &out); err != nil || bytes.Contains(out.Bytes(), []byte(client)) {
		t.Fatalf("%v", err)
	}
	r, err := age.Decrypt(bytes.NewReader(out.Bytes()), id)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil || !bytes.Contains(plain, []byte(client)) {
		t.Errorf("%q %v", plain, err)
	}
	other, _ := age.GenerateX25519Identity()
	if _, err := age.Decrypt(bytes.NewReader(out.Bytes()), other); err == nil {
		t.Error("another reads it too")
	}
}

// Each rule sees its own kind of use, at its threshold and not below.
func TestLOG6_EveryRuleSeesWhatItIsFor(t *testing.T) {
	rules, err := Rules(nil)
	if err != nil {
		t.Fatal(err)
	}
	normal := now.Add(-2 * time.Hour) // 12 o'clock in Finland
	many := func(n int, f func(i int) store.Usage) (out []store.Usage) {
		for i := range n {
			out = append(out, f(i))
		}
		return out
	}
	threshold := map[string]int{}
	for _, r := range rules {
		threshold[r.ID] = r.Threshold
	}
	makers := map[string]func(i int) store.Usage{
		"own-data": func(int) store.Usage { return use(client, client, "Testi", normal) },
		"same-family": func(int) store.Usage {
			return use(client, "u", "Testi TESTINEN", normal, func(_ *store.Usage, d *Detail) { d.ClientName = "Tiina Testinen" })
		},
		"same-address": func(int) store.Usage {
			return use(client, "u", "x", normal, func(_ *store.Usage, d *Detail) { d.UserAddress, d.ClientAddress = "Testikatu 1", "testikatu  1" })
		},
		"special-reasons": func(int) store.Usage {
			return use(client, "u", "x", normal, func(_ *store.Usage, d *Detail) { d.SpecialReason = "3" })
		},
		"without-case": func(int) store.Usage {
			return use(client, "u", "x", normal, func(_ *store.Usage, d *Detail) { d.Case = "" })
		},
		"hours":   func(i int) store.Usage { return use(client, "u", "x", normal.Add(-11*time.Hour)) },
		"volume":  func(int) store.Usage { return use(client, "u", "x", normal) },
		"clients": func(i int) store.Usage { return use(fmt.Sprint("client", i), "u", "x", normal) },
		"refused": func(int) store.Usage {
			return use(client, "u", "x", normal, func(u *store.Usage, _ *Detail) { u.Refused = "ACCESS-X" })
		},
	}
	for _, r := range rules {
		make := makers[r.ID]
		if make == nil {
			t.Errorf("nothing tries rule %s", r.ID)
			continue
		}
		for _, n := range []int{threshold[r.ID] - 1, threshold[r.ID]} {
			st := archive(t)
			put(t, st, many(n, make)...)
			rep, err := Watch(t.Context(), st, controller, []Rule{r}, time.Time{}, time.Time{}, anna, now)
			if err != nil || (len(rep.Sightings) == 1) != (n == threshold[r.ID]) {
				t.Errorf("%s with %d entries: %+v %v", r.ID, n, rep, err)
			}
			if n == threshold[r.ID] && len(rep.Sightings) == 1 && (rep.Sightings[0].Count != n || rep.Sightings[0].Entries[0] == 0) {
				t.Errorf("%s: %+v", r.ID, rep.Sightings[0])
			}
		}
	}
}

// Normal work is seen by no rule, and what entries do not tell is said.
func TestLOG6_NormalWorkIsNotSeen(t *testing.T) {
	st := archive(t)
	for i := range 20 {
		put(t, st, use(fmt.Sprint("c", i%5), "u", "Testi Työntekijä", now.Add(-3*time.Hour+time.Duration(i)*time.Minute)))
	}
	rules, err := Rules(nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Watch(t.Context(), st, controller, rules, time.Time{}, time.Time{}, anna, now)
	if err != nil || len(r.Sightings) != 0 || r.Entries != 20 || r.NotTold["same-address"] != 20 || r.NotTold["same-family"] != 20 {
		t.Errorf("%+v %v", r, err)
	}
	var out bytes.Buffer
	if err := r.WriteText(&out, catalogue.Finnish); err != nil || !strings.Contains(out.String(), "20 entries, 0 sightings") {
		t.Errorf("%s %v", out.String(), err)
	}
	// the look stands in the log, and the next look leaves it out
	p, err := st.SearchUsage(t.Context(), store.Scope{All: true, Purpose: "test"}, store.LogFilter{Action: ActionReport}, 10, "")
	if err != nil || len(p.Entries) != 1 {
		t.Errorf("%+v %v", p, err)
	}
}

func TestLOG6_RulesAreData(t *testing.T) {
	rs, err := Rules([]byte("rules:\n  - {id: volume, kind: entries, threshold: 7}\n  - {id: hours, off: true}\n  - {id: mine, kind: clients, threshold: 2}\n"))
	if err != nil {
		t.Fatal(err)
	}
	by := func(id string) int { return slices.IndexFunc(rs, func(r Rule) bool { return r.ID == id }) }
	if by("hours") >= 0 || rs[by("volume")].Threshold != 7 || by("mine") < 0 {
		t.Errorf("%+v", rs)
	}
	for _, bad := range []string{"rules: [{id: a, kind: nonsense, threshold: 1}]", "rules: [{id: a, kind: entries}]", "rules: [{kind: entries, threshold: 1}]",
		"rules: [{id: a, kind: entries, threshold: 1, per: week}]", "rules: [{id: a, kind: entries, treshold: 1}]", "rules: ["} {
		if _, err := Rules([]byte(bad)); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
	shipped, err := Rules(nil)
	if err != nil {
		t.Fatal(err)
	}
	// what --show prints says the same when it is read again
	shown, err := WriteRules(shipped)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := parseRules(shown); err != nil || !reflect.DeepEqual(again, shipped) {
		t.Errorf("%v: %+v", err, again)
	}
	for _, r := range shipped {
		if r.Source == "" || r.Title.In(catalogue.Finnish) == "" || r.Title.In(catalogue.Swedish) == "" || r.Title.In(catalogue.English) == "" {
			t.Errorf("%s lacks source or title", r.ID)
		}
	}
}
