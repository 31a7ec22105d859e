// Package run plays the client: it takes cases to messages, sends them to an
// archive over the wire, and judges the answers.
//
//	r := run.Runner{World: w, Base: "http://127.0.0.1:8080", Now: time.Now}
//	out, err := r.Run(ctx, cases.Default().Select(cases.Selection{Profile: cases.Storing}))
//
// Each case has clients, a case and ids of its own, so that cases do not meet and
// the suite can run again and again against the same archive. All persons are of
// the 900 series. It needs the keys of the test world whose anchors the archive
// trusts, and nothing else of the archive.
package run

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"portti/cda/rules/catalogue"
	"portti/conformance/cases"
	"portti/conformance/report"
	"portti/conformance/wire"
	"portti/fixtures"
)

// Runner runs cases against one archive.
type Runner struct {
	// World has the keys and organisations by which documents are made.
	World *fixtures.World
	// Target is the archive's address, with or without the SOAP door's path.
	Target string
	// TLS is how the client connects. Systems, by the OID of the organisation that a
	// message names as its sender, have connections of their own: each shows its own
	// certificate. Where there are any, a case that needs another's is not judged.
	TLS     *tls.Config
	Systems map[string]*tls.Config
	// Cases give the words; default cases.Default.
	Cases *cases.Set
	// Parallel is how many cases run at a time; default 4.
	Parallel int
	// Timeout bounds a message, default 30 s; Slow is how long an answer may take
	// before the step fails, default 10 s.
	Timeout, Slow time.Duration
	// FailFast ends the run at the first case that fails, or of which a precondition does.
	FailFast bool
	// Hooks are the control hooks that there are, by name.
	Hooks map[string]Hook
	// Progress is told of each case that is done.
	Progress func(report.Case)
	// Now is the clock of documents.
	Now func() time.Time
	// Transport replaces the HTTP transport of every system (tests).
	Transport http.RoundTripper

	set    *cases.Set
	client *wire.Client
	// systems are the clients of Systems.
	systems map[string]*wire.Client
	maker   *maker
	acks    sync.Map // ids of acknowledgements to message ids
	cancel  context.CancelCauseFunc
}

// Hook does what cannot be done over the wire, such as restarting the archive. Hooks
// that supply log entries give them as JSON lines; see Line.
type Hook func(context.Context, Asked) ([]byte, error)

// Asked tells a hook of what it is asked: the client's identifier and the OID of the
// organisation whose log is wanted. Other hooks get none.
type Asked struct{ Client, Organisation string }

// ErrTarget: the address of the archive is no HTTP address.
var ErrTarget = errors.New("conformance: the target must be an address such as http://127.0.0.1:8080")

// errEnough ends a run at the first failure.
var errEnough = errors.New("conformance: a case failed")

// Run runs the cases and gives the results in their order. Cases that ctx cut off
// are Skipped. An error means that the run could not begin.
func (r *Runner) Run(ctx context.Context, list []*cases.Case) ([]report.Case, error) {
	if err := r.prepare(); err != nil {
		return nil, err
	}
	ctx, r.cancel = context.WithCancelCause(ctx)
	defer r.cancel(nil)
	out := make([]report.Case, len(list))
	var together, alone []int
	for i, c := range list {
		if c.Alone {
			alone = append(alone, i)
		} else {
			together = append(together, i)
		}
	}
	r.work(ctx, list, out, together, r.Parallel)
	r.work(ctx, list, out, alone, 1)
	r.client.HTTP.CloseIdleConnections()
	for _, c := range r.systems {
		c.HTTP.CloseIdleConnections()
	}
	return out, nil
}

func (r *Runner) work(ctx context.Context, list []*cases.Case, out []report.Case, which []int, parallel int) {
	jobs := make(chan int)
	var wg sync.WaitGroup
	for range max(1, parallel) {
		wg.Go(func() {
			for i := range jobs {
				out[i] = r.one(ctx, list[i])
			}
		})
	}
	for _, i := range which {
		jobs <- i
	}
	close(jobs)
	wg.Wait()
}

// one runs a case, or skips it where the run has ended.
func (r *Runner) one(ctx context.Context, c *cases.Case) report.Case {
	res := Blank(c)
	if ctx.Err() != nil {
		res.Verdict = report.Skipped
		return res
	}
	r.play(ctx, c, &res)
	if r.FailFast && res.Verdict.Bad() {
		r.cancel(errEnough)
	}
	if r.Progress != nil {
		r.Progress(res)
	}
	return res
}

// Blank is the result of a case that has not run.
func Blank(c *cases.Case) report.Case {
	return report.Case{ID: c.ID, Area: c.Area, Version: c.Version, Title: c.Title, Phase: c.Phase,
		Profiles: c.Profiles, Requirements: c.Requirements, Verdict: report.Open}
}

func (r *Runner) prepare() error {
	u, err := url.Parse(r.Target)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return ErrTarget
	}
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&r.Timeout, 30*time.Second)
	set(&r.Slow, 10*time.Second)
	if r.Parallel < 1 {
		r.Parallel = 4
	}
	if r.set = r.Cases; r.set == nil {
		r.set = cases.Default()
	}
	path := strings.TrimSuffix(u.Path, "/")
	if path == "" {
		path = "/soap"
	}
	client := func(c *tls.Config) *wire.Client {
		var t http.RoundTripper = &http.Transport{TLSClientConfig: c, MaxIdleConnsPerHost: 16}
		if r.Transport != nil {
			t = r.Transport
		}
		return &wire.Client{Base: u.Scheme + "://" + u.Host, SOAP: path, HTTP: &http.Client{Transport: t, Timeout: r.Timeout}}
	}
	r.client, r.systems = client(r.TLS), map[string]*wire.Client{}
	for oid, c := range r.Systems {
		r.systems[oid] = client(c)
	}
	r.maker = newMaker(r.World, r.Now())
	return nil
}

// play runs a case's steps one after another. A step that fails ends the case: what
// follows would be judged by it. Where the step is a precondition, or the suite's own
// part of it could not be done, what the case tests was not reached: it is blocked.
func (r *Runner) play(ctx context.Context, c *cases.Case, res *report.Case) {
	res.Began = time.Now().UTC()
	defer func() { res.Took = report.Milliseconds(time.Since(res.Began)) }()
	if c.Control != "" && r.Hooks[c.Control] == nil {
		res.Verdict = report.NotJudged
		res.Steps = append(res.Steps, report.Step{Say: c.Title, Verdict: report.NotJudged,
			Problems: []report.Problem{r.problem("no-hook", "want", c.Control)}})
		return
	}
	s := r.maker.newScene(c)
	res.Verdict = report.Passed
	for i := range c.Steps {
		st := r.step(ctx, s, &c.Steps[i])
		if ctx.Err() != nil {
			res.Verdict = report.Skipped
			return
		}
		res.Steps = append(res.Steps, st)
		if st.Verdict != report.Passed {
			if res.Verdict = st.Verdict; st.Setup && st.Verdict == report.Failed {
				res.Verdict = report.Blocked
			}
			return
		}
	}
}

// problem makes a problem's text; params are names and values.
func (r *Runner) problem(key string, params ...string) report.Problem {
	return NewProblem(r.set, key, params...)
}

// NewProblem fills in a problem's words.
func NewProblem(set *cases.Set, key string, params ...string) report.Problem {
	p := report.Problem{Key: key, Text: report.Text{}}
	for _, l := range catalogue.Langs {
		t := set.Word("problem", key).In(l)
		for i := 0; i+1 < len(params); i += 2 {
			t = strings.ReplaceAll(t, "{"+params[i]+"}", params[i+1])
		}
		p.Text[l] = t
	}
	return p
}

// ByIDs gives the cases of ids, in the set's order; ids that are none come back.
func ByIDs(set *cases.Set, ids []string) (list []*cases.Case, unknown []string) {
	for _, id := range ids {
		if set.Case(id) == nil {
			unknown = append(unknown, id)
		}
	}
	for _, c := range set.Cases {
		if slices.Contains(ids, c.ID) {
			list = append(list, c)
		}
	}
	return list, unknown
}
