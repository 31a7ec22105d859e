package web

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"time"

	"portti/cda"
	"portti/cda/rules/catalogue"
	"portti/gateway/logs"
	"portti/store"
)

// unusualPath is the report of unusual use (LOG-6).
const unusualPath = "/archive/logs/unusual"

// A look at unusual use reads every row of a period, which takes long on a large log.
// So it goes on beside the pages: the page that starts one waits for patience and shows
// what there is, and so does every page after it.
const (
	patience = 20 * time.Millisecond
	// maxLooks bounds how many looks go on at a time.
	maxLooks = 4
	// usualDays is the period that the form proposes.
	usualDays = 30
	// maxSightings bounds the sightings on a page; the file has all.
	maxSightings = 200
)

// looks are the newest look of each archivist for each controller.
type looks struct {
	mu sync.Mutex
	by map[lookKey]*look
}

// lookKey keeps each report to who asked for it.
type lookKey struct{ card, controller string }

// look is one look. What stands behind done is set before done is closed.
type look struct {
	From, Until string // days, as asked
	began       time.Time
	done        chan struct{}
	report      *logs.Report
	failed      bool
}

func (l *look) ended() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// of gives the session's newest look, nil for none.
func (l *looks) of(x *session) *look {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.by[lookKey{x.Who.Card, x.Organisation}]
}

// begin takes a look in, in the place of the session's last one; reports older than
// oldest are dropped. It refuses while that last one, or as many as may be, go on.
func (l *looks) begin(x *session, n *look, oldest time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	going := 0
	for k, o := range l.by {
		switch {
		case !o.ended():
			going++
		case o.began.Before(oldest):
			delete(l.by, k)
		}
	}
	k := lookKey{x.Who.Card, x.Organisation}
	if last := l.by[k]; going >= maxLooks || last != nil && !last.ended() {
		return false
	}
	if l.by == nil {
		l.by = map[lookKey]*look{}
	}
	l.by[k] = n
	return true
}

// unusualPage is the report of unusual use for the data protection officer.
type unusualPage struct {
	page
	From, Until string
	Fault       string
	// Asked tells that there is a look, Running that it goes on.
	Asked, Running, Failed bool
	Entries                string
	Sightings              []sightingView
	// More is how many sightings are in the file alone.
	More  int
	Rules []watchRule
}

type sightingView struct {
	logs.Sighting
	Title string
	// FromDay and UntilDay bound the rows that it is about.
	FromDay, UntilDay string
	FirstAt, LastAt   time.Time
}

// watchRule is a rule and what it could not tell.
type watchRule struct {
	ID, Title, Limit, NotTold string
}

func (s *Site) unusual(w http.ResponseWriter, r *http.Request, x *session) {
	s.showUnusual(w, r, x, http.StatusOK, "")
}

// lookForUnusual starts a look, or with export=csv gives the newest report as a file.
func (s *Site) lookForUnusual(w http.ResponseWriter, r *http.Request, x *session) {
	if r.PostFormValue("export") == "csv" {
		s.exportUnusual(w, r, x)
		return
	}
	n := &look{From: r.PostFormValue("from"), Until: r.PostFormValue("until"), began: s.Now(), done: make(chan struct{})}
	from, err := day(n.From, 0)
	until, err2 := day(n.Until, 1)
	if err != nil || err2 != nil {
		s.showUnusual(w, r, x, http.StatusBadRequest, "bad_day")
		return
	}
	if !s.runs.lease() {
		s.showUnusual(w, r, x, http.StatusServiceUnavailable, "failed_text")
		return
	}
	if !s.looks.begin(x, n, s.Now().Add(-s.sessions.longest)) {
		s.runs.work.Done()
		s.showUnusual(w, r, x, http.StatusConflict, "unusual_busy")
		return
	}
	go s.look(x, n, from, until)
	wait := time.NewTimer(patience)
	defer wait.Stop()
	select {
	case <-n.done:
	case <-wait.C:
	}
	http.Redirect(w, r, unusualPath, http.StatusSeeOther)
}

// lease takes part in what Close waits for; false where the site is closing.
func (r *suiteRuns) lease() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx.Err() != nil {
		return false
	}
	r.work.Add(1)
	return true
}

// look carries a look through. It logs itself before it reads a row (LOG-5).
func (s *Site) look(x *session, n *look, from, until time.Time) {
	defer s.runs.work.Done()
	defer close(n.done)
	var err error
	n.report, err = logs.Watch(s.runs.ctx, s.Store, x.Organisation, s.UsageRules, from, until, store.Actor{ID: x.Who.Card, Name: x.Who.Name}, s.Now())
	if n.failed = err != nil; n.failed && s.runs.ctx.Err() == nil {
		s.Log.Error().Err(err).Msg("report of unusual use failed")
	}
}

func (s *Site) showUnusual(w http.ResponseWriter, r *http.Request, x *session, status int, fault string) {
	p := unusualPage{page: s.page(w, r, "unusual")}
	today := s.Now().In(cda.Helsinki())
	p.From, p.Until = today.AddDate(0, 0, -usualDays).Format(time.DateOnly), today.Format(time.DateOnly)
	if fault != "" {
		p.Fault = p.T(fault)
	}
	p.rules(s.UsageRules, nil)
	if n := s.looks.of(x); n != nil {
		p.Asked, p.From, p.Until = true, n.From, n.Until
		if p.Running = !n.ended(); !p.Running {
			p.tell(n)
		}
	}
	s.write(w, &p.page, status, "unusual", p)
}

// tell fills in what a look found.
func (p *unusualPage) tell(n *look) {
	if p.Failed = n.failed; p.Failed {
		return
	}
	p.rules(n.report.Rules, n.report.NotTold)
	titles := map[string]string{}
	for _, r := range p.Rules {
		titles[r.ID] = r.Title
	}
	p.Entries = grouped(n.report.Entries)
	for _, g := range n.report.Sightings[:min(maxSightings, len(n.report.Sightings))] {
		v := sightingView{Sighting: g, Title: titles[g.Rule], FirstAt: moment(g.First), LastAt: moment(g.Last)}
		v.FromDay, v.UntilDay = v.FirstAt.In(cda.Helsinki()).Format(time.DateOnly), v.LastAt.In(cda.Helsinki()).Format(time.DateOnly)
		p.Sightings = append(p.Sightings, v)
	}
	p.More = len(n.report.Sightings) - len(p.Sightings)
}

// rules fills in the rules that look, and of how many rows each could not tell.
func (p *unusualPage) rules(list []logs.Rule, notTold map[string]int) {
	p.Rules = nil
	for i := range list {
		r := &list[i]
		v := watchRule{ID: r.ID, Title: r.Title.In(p.Lang), Limit: p.T("unusual_limit", r.Threshold)}
		if r.Per == "day" {
			v.Limit = p.T("unusual_limit_day", r.Threshold)
		}
		if k := notTold[r.ID]; k > 0 {
			v.NotTold = p.T("unusual_not_told", grouped(k))
		}
		p.Rules = append(p.Rules, v)
	}
}

func moment(s string) time.Time {
	t, _ := time.Parse(time.RFC3339Nano, s) // the report's own; the zero time shows as nothing
	return t
}

// exportUnusual gives the newest report as CSV. The export is logged before it leaves.
func (s *Site) exportUnusual(w http.ResponseWriter, r *http.Request, x *session) {
	n := s.looks.of(x)
	if n == nil || !n.ended() || n.failed {
		s.showUnusual(w, r, x, http.StatusConflict, "unusual_none_yet")
		return
	}
	detail, err := json.Marshal(map[string]any{"from": n.From, "until": n.Until, "sightings": len(n.report.Sightings)})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	u := x.usage("archivist-unusual-export", "", "")
	u.Detail = detail
	if err := s.Store.Log(r.Context(), store.Entries{Usage: []store.Usage{u}}); err != nil {
		s.fail(w, r, err)
		return
	}
	h := w.Header()
	safeHeaders(h, "sandbox; default-src 'none'")
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="unusual-use.csv"`)
	writeSightings(csv.NewWriter(w), s.lang(w, r), n.report)
}

func writeSightings(out *csv.Writer, lang catalogue.Lang, report *logs.Report) {
	titles := map[string]string{}
	for i := range report.Rules {
		titles[report.Rules[i].ID] = report.Rules[i].Title.In(lang)
	}
	// A client that has gone is no fault of ours.
	_ = out.Write([]string{"controller", "rule", "title", "user", "userName", "day", "count", "first", "last", "entries"})
	for _, g := range report.Sightings {
		entries := ""
		for i, seq := range g.Entries {
			if i > 0 {
				entries += " "
			}
			entries += strconv.FormatInt(seq, 10)
		}
		_ = out.Write(plainCells(report.Controller, g.Rule, titles[g.Rule], g.User, g.UserName, g.Day, strconv.Itoa(g.Count), g.First, g.Last, entries))
	}
	out.Flush()
}
