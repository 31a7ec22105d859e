package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"portti/conformance/cases"
	"portti/conformance/mutants"
	"portti/conformance/observe"
	"portti/conformance/report"
	"portti/conformance/run"
	"portti/conformance/wire"
	"portti/fixtures"
	"portti/gateway"
	"portti/internal/share"
)

// observed is a gateway with an observer around its door.
type observed struct {
	t          *testing.T
	o          *observe.Observer
	url, pages string
}

func newObserved(t *testing.T) *observed {
	t.Helper()
	var n atomic.Int64
	o := observe.New(observe.Options{
		Root: "1.2.246.10.99999901.10.1.19", Suite: "test", Rules: report.RulesDigest(),
		Wait: func(context.Context, time.Duration) {}, // nobody waits in tests
		Now:  func() time.Time { return fixtures.Default().Now }, NewID: func() string { return fmt.Sprintf("o%d", n.Add(1)) },
	})
	g, url := gatewayForConformance(t, func(c *gateway.Config) {
		c.Admin = "127.0.0.1:0"
		c.Traffic, c.AdminPages = o.Around, map[string]http.Handler{observe.Prefix: o.Pages()}
	})
	return &observed{t: t, o: o, url: url, pages: "http://" + g.AdminAddr().String() + observe.Prefix}
}

// begin begins a session over the pages and gives its id.
func (g *observed) begin(p observe.Plan) string {
	g.t.Helper()
	b, err := json.Marshal(p)
	if err != nil {
		g.t.Fatal(err)
	}
	res, err := http.Post(g.pages+"sessions", "application/json", strings.NewReader(string(b)))
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close()
	var out struct{ ID string }
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil || res.StatusCode != http.StatusCreated {
		g.t.Fatal(err, res.Status)
	}
	return out.ID
}

// get reads a page.
func (g *observed) get(path string) string {
	g.t.Helper()
	res, err := http.Get(g.pages + path)
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		g.t.Fatal(err, res.Status)
	}
	return string(b)
}

func (g *observed) report(id string) *report.Run {
	g.t.Helper()
	r, err := report.Parse([]byte(g.get("sessions/" + id + "?format=json")))
	if err != nil {
		g.t.Fatal(err)
	}
	return r
}

// player is a client of the observed door. Each message has a connection of its own:
// net/http sends again by itself on a kept one that breaks.
func (g *observed) player() *run.Player {
	return &run.Player{World: fixtures.Default(), Now: func() time.Time { return fixtures.Default().Now },
		Client: &wire.Client{Base: g.url, HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}}}
}

// TestTEST2_ASoundClientPassesEveryCase leads a client that does all it is told
// through every case for clients.
func TestTEST2_ASoundClientPassesEveryCase(t *testing.T) {
	g := newObserved(t)
	id := g.begin(observe.Plan{Name: "sound client 1.0"})
	p := g.player()
	for _, c := range cases.Default().Select(cases.Selection{Mode: cases.Client}) {
		if state := g.o.States()[0]; state.Case != c.ID {
			t.Fatalf("%s is asked for, %s is played", state.Case, c.ID)
		}
		if err := p.Play(context.Background(), c); err != nil {
			t.Fatal(err)
		}
	}
	r := g.report(id)
	complainOf(t, r.Results)
	if !g.o.Done() || r.Target.Name != "sound client 1.0" {
		t.Errorf("done %t, target %v", g.o.Done(), r.Target)
	}
	t.Logf("%+v", r.Count())
}

// TestEveryClientMutantIsFound plays each broken client through its golden case.
func TestEveryClientMutantIsFound(t *testing.T) {
	g := newObserved(t)
	for i := 0; i < len(mutants.Clients); i += share.Of(1, 8) {
		m := &mutants.Clients[i]
		c := cases.Default().Case(m.Golden)
		if c == nil {
			t.Errorf("%s: no case %s", m.Name, m.Golden)
			continue
		}
		if got := g.play(m, c); got != report.Failed {
			t.Errorf("%s (%s): %s gives %s", m.Name, m.Why, m.Golden, got)
		}
	}
}

// play leads a broken client through one case and gives the verdict.
func (g *observed) play(m *mutants.Client, c *cases.Case) report.Verdict {
	g.t.Helper()
	id, err := g.o.Begin(observe.Plan{Name: m.Name, IDs: []string{c.ID}})
	if err != nil {
		g.t.Fatal(err)
	}
	p := g.player()
	p.Twist, p.Adults = m.Twist, m.Adults()
	if err := p.Play(context.Background(), c); err != nil {
		g.t.Logf("%s, %s: %v", m.Name, c.ID, err)
	}
	r, err := g.o.End(id) // whatever is left of it is no other's
	if err != nil {
		g.t.Fatal(err)
	}
	return r.Results[0].Verdict
}

// TestEveryClientCaseFindsAMutant: no case passes every broken client.
func TestEveryClientCaseFindsAMutant(t *testing.T) {
	g := newObserved(t)
	for _, c := range share.Sample(cases.Default().Select(cases.Selection{Mode: cases.Client}), 12) {
		found := false
		for i := range mutants.Clients {
			if found = g.play(&mutants.Clients[i], c) == report.Failed; found {
				break
			}
		}
		if !found {
			t.Errorf("%s finds no broken client", c.ID)
		}
	}
}

// TestTEST4_RKO7_TwoSystemsInOneTrial: the organiser's system and the provider's are each
// observed in a session of their own, told apart by the sender of their messages.
func TestTEST4_RKO7_TwoSystemsInOneTrial(t *testing.T) {
	g := newObserved(t)
	w := fixtures.Default()
	organiser := g.begin(observe.Plan{Name: "organiser", Device: w.Organisations[0].OID, Trial: "registry-use", IDs: []string{"CLIENT-REGISTRY-ORGANISER"}})
	provider := g.begin(observe.Plan{Name: "provider", Device: w.Organisations[2].OID, Trial: "registry-use", IDs: []string{"CLIENT-REGISTRY-PROVIDER"}})
	// One player is both: it prepares as the organiser and then writes as the provider.
	if err := g.player().Play(context.Background(), cases.Default().Case("CLIENT-REGISTRY-PROVIDER")); err != nil {
		t.Fatal(err)
	}
	for name, id := range map[string]string{"organiser": organiser, "provider": provider} {
		r := g.report(id)
		complainOf(t, r.Results)
		if r.Count().Passed != 1 || r.Trial != "registry-use" || r.Target.Name != name {
			t.Errorf("%s: %+v, trial %q", name, r.Count(), r.Trial)
		}
	}
	if !strings.Contains(g.get("sessions/"+provider+"?format=html&lang=fi"), "Rekisterinkäyttöoikeuskoe") {
		t.Error("the report does not tell which trial it is of")
	}
}
