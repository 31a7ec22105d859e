package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"portti/store"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"
	"go.yaml.in/yaml/v3"
)

// metricsOf gives the metrics page of a server.
func metricsOf(t *testing.T, s *Server) string {
	t.Helper()
	w := httptest.NewRecorder()
	promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

// names gives the metrics that a page has, with their helps.
func names(page string) map[string]string {
	out := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^# HELP (portti_\S+) (.+)$`).FindAllStringSubmatch(page, -1) {
		out[m[1]] = m[2]
	}
	return out
}

func TestMetricsTellOfTheArchive(t *testing.T) {
	g := start(t, nil)
	g.send(world().Frame(world().Documents[0]))
	page := metricsOf(t, g.Server)
	for _, want := range []string{
		"portti_documents 1\n", `portti_log_rows_total{log="usage"} 1`, `portti_log_rows_total{log="message"} 1`, "portti_leaves ", "portti_queue_length 0\n",
		"portti_queue_limit 256\n", `portti_commit_group_writes_bucket{le="16"}`, "portti_commit_seconds_count", `portti_ready{check="disk"} 1`,
		`portti_ready{check="writer"} 1`, `portti_ready{check="checkpoint"} 1`, "portti_disk_free_bytes", "portti_checkpoint_age_seconds", "portti_database_bytes",
		`portti_stage_seconds_count{stage="commit"} 1`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the metrics lack %q", want)
		}
	}
	for name, help := range names(page) {
		if help == "" || !strings.HasSuffix(help, ".") {
			t.Errorf("%s: help %q", name, help)
		}
	}
}

// watched is an archive that says what a test wants.
type watched struct {
	stats store.Stats
	err   error
	age   time.Duration
	list  error
}

func (w *watched) Stats() store.Stats                   { return w.stats }
func (w *watched) Ready() error                         { return w.err }
func (w *watched) CheckpointAge() (time.Duration, bool) { return w.age, w.age > 0 }
func (w *watched) CheckpointError() error               { return nil }
func (w *watched) ListError() error                     { return w.list }

// Readiness tells the truth: each thing that keeps documents from being taken shows.
func TestReadinessTellsTheTruth(t *testing.T) {
	for name, c := range map[string]struct {
		archive watched
		dir     string
		want    []string
	}{
		"all well":          {watched{}, t.TempDir(), nil},
		"writer":            {watched{err: errors.New("x")}, t.TempDir(), []string{"writer"}},
		"queue":             {watched{stats: store.Stats{Queue: 3, QueueLimit: 3}}, t.TempDir(), []string{"queue"}},
		"checkpoint":        {watched{age: 2 * maxCheckpointAge}, t.TempDir(), []string{"checkpoint"}},
		"replay list":       {watched{list: errors.New("x")}, t.TempDir(), []string{"replay-list"}},
		"young leaves":      {watched{age: time.Second}, t.TempDir(), nil},
		"directory is gone": {watched{}, t.TempDir() + "/gone", []string{"disk", "directory"}},
	} {
		m := &archiveMetrics{archive: &c.archive, dir: c.dir}
		err := m.ready(t.Context())
		var e *NotReady
		if errors.As(err, &e) != (c.want != nil) || e != nil && !slices.Equal(e.Failed, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s := &Server{o: Options{Log: zerolog.New(io.Discard), Ready: func(context.Context) error {
		return &NotReady{Failed: []string{"disk", "writer"}, err: errors.New("/secret/path")}
	}}}
	w := httptest.NewRecorder()
	s.readyz(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	if w.Code != http.StatusServiceUnavailable || !strings.HasSuffix(w.Body.String(), "for documents: disk, writer\n") || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestMetricsTellWhenCertificatesEnd(t *testing.T) {
	end := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	s := newMetrics(&budget{})
	if err := s.registry.Register(&archiveMetrics{archive: &watched{}, dir: t.TempDir(), certificates: map[string]time.Time{"server": end}}); err != nil {
		t.Fatal(err)
	}
	if page := metricsOf(t, &Server{metrics: s}); !strings.Contains(page, `portti_certificate_expiry_seconds{use="server"} 1.7987616e+09`) {
		t.Errorf("%s", page)
	}
}

// Dashboard and alerts name only metrics that there are, and every archive metric
// stands in one of them.
func TestDashboardAndAlertsAreOfTheseMetrics(t *testing.T) {
	g := start(t, func(c *Config) {})
	g.send(world().Frame(world().Documents[0]))
	have := names(metricsOf(t, g.Server))
	have["portti_certificate_expiry_seconds"] = "of a gateway with HTTPS"
	word := regexp.MustCompile(`portti_[a-z_]+`)
	suffix := regexp.MustCompile(`_(bucket|sum|count)$`)
	seen := map[string]bool{}
	for _, file := range []string{"watching/dashboard.json", "watching/alerts.yaml"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range word.FindAllString(string(b), -1) {
			base := name
			if _, ok := have[base]; !ok {
				base = suffix.ReplaceAllString(name, "")
			}
			if _, ok := have[base]; !ok {
				t.Errorf("%s names %s, which does not exist", file, name)
			}
			seen[base] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(have)) {
		if !seen[name] {
			t.Errorf("neither dashboard nor alerts use %s", name)
		}
	}
}

func TestDashboardAndAlertsHaveTheirForm(t *testing.T) {
	b, err := os.ReadFile("watching/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Title  string
		Panels []struct {
			ID      int
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(b, &d); err != nil || d.Title == "" || len(d.Panels) < 8 {
		t.Fatalf("dashboard: %v, %d panels", err, len(d.Panels))
	}
	ids := map[int]bool{}
	for _, p := range d.Panels {
		if p.Title == "" || len(p.Targets) == 0 || p.Targets[0].Expr == "" || ids[p.ID] {
			t.Errorf("panel %d %q", p.ID, p.Title)
		}
		ids[p.ID] = true
	}
	if b, err = os.ReadFile("watching/alerts.yaml"); err != nil {
		t.Fatal(err)
	}
	var a struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(b, &a); err != nil || len(a.Groups) == 0 {
		t.Fatal(err)
	}
	for _, g := range a.Groups {
		for _, r := range g.Rules {
			if _, err := time.ParseDuration(r.For); err != nil || r.Alert == "" || r.Expr == "" || r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("%s: %+v", g.Name, r)
			}
		}
	}
}

// The gateway ends the retention of logs by itself.
func TestLOG3_RetentionEndsByItself(t *testing.T) {
	now := world().Now
	clock := func() time.Time { return now }
	st, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), Now: func() time.Time { return clock() }})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	row := store.Usage{DataController: "1.2", LogController: "1.2", Action: "fetch"}
	if err := st.Log(t.Context(), store.Entries{Usage: []store.Usage{row}, Message: &store.Message{ID: "m", Owner: "1.2"}}); err != nil {
		t.Fatal(err)
	}
	clock = func() time.Time { return now.AddDate(0, 0, 31) }
	ctx, cancel := context.WithCancel(t.Context())
	tick := make(chan time.Time)
	done := make(chan struct{})
	go func() { upkeep(ctx, st, zerolog.New(io.Discard), tick); close(done) }()
	tick <- time.Time{} // the first round is over
	all := store.Scope{All: true, Purpose: "test"}
	if p, err := st.SearchUsage(t.Context(), all, store.LogFilter{}, 10, ""); err != nil || len(p.Entries) != 1 {
		t.Errorf("%d usage rows after 31 days, %v", len(p.Entries), err)
	}
	if _, err := st.MessageStatus(t.Context(), all, "m"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the message is there after 31 days: %v", err)
	}
	cancel()
	<-done
	clock = func() time.Time { return now.AddDate(store.LogYears, 0, 1) }
	ctx, cancel = context.WithCancel(t.Context())
	cancelled := make(chan struct{})
	go func() { upkeep(ctx, st, zerolog.New(io.Discard), tick); close(cancelled) }()
	tick <- time.Time{}
	cancel()
	<-cancelled
	if p, err := st.SearchUsage(t.Context(), all, store.LogFilter{}, 10, ""); err != nil || len(p.Entries) != 0 {
		t.Errorf("%d usage rows after 12 years, %v", len(p.Entries), err)
	}
}
