package web

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"portti/cda/rules/catalogue"

	"github.com/prometheus/client_golang/prometheus"
)

// The operator's page tells what the metrics tell, draws what changed, and says why the
// archive is not ready.
func TestOperatorShowsTheMetricsOverTime(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	reg := prometheus.NewRegistry()
	count := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "portti_things_total", Help: "Things."}, []string{"kind"})
	level := prometheus.NewGauge(prometheus.GaugeOpts{Name: "portti_level", Help: "Level."})
	seconds := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "portti_seconds", Help: "Time.", Buckets: []float64{0.1, 1, 10}})
	other := prometheus.NewGauge(prometheus.GaugeOpts{Name: "go_something", Help: "Not shown."})
	reg.MustRegister(count, level, seconds, other)
	var why error
	o := NewOperator(OperatorOptions{Lang: catalogue.English, Gatherer: reg, Now: func() time.Time { return now }, Versions: []string{"portti", "1.2.3"},
		Ready: func(context.Context) error { return why }})
	for i := range 5 {
		count.WithLabelValues("a").Add(20)
		level.Set(float64(i * i))
		seconds.Observe(0.05)
		o.sample()
		now = now.Add(10 * time.Second)
	}
	seconds.Observe(5)
	show := func() *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		o.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/operator?lang=en", nil))
		return w
	}
	w := show()
	requirePage(t, "operator", w)
	want(t, w, http.StatusOK, "takes documents", "1.2.3", "portti_things_total", "{kind=a}", "Things.", "<path d=", "n 6, p50 ≤ 0.1, p99 ≤ 10", `http-equiv="refresh" content="10"`)
	if strings.Contains(w.Body.String(), "go_something") {
		t.Error("what is not the program's own is shown")
	}
	if got := rates(o.samples, "portti_things_total{kind=a}"); len(got) < 4 || got[0] != 2 {
		t.Errorf("rates %v", got)
	}
	if got := levels(o.samples, "portti_level"); got[3] != 9 {
		t.Errorf("levels %v", got)
	}
	why = errors.New("the disk is full")
	want(t, show(), http.StatusOK, "takes no documents", "the disk is full")
	for range 2 * maxSamples {
		o.sample()
	}
	if len(o.samples) != maxSamples {
		t.Errorf("%d looks are kept", len(o.samples))
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { o.Run(ctx); close(done) }()
	cancel()
	<-done
}

// The page tells at a glance what calls the operator: certificates that end, a backup that
// is old, missing or failed, a disk and a queue that fill, checkpoints that are late.
func TestOperatorIsCalledByWhatNeedsHim(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	reg := prometheus.NewRegistry()
	set := map[string]prometheus.Gauge{}
	for _, name := range []string{"queue_length", "queue_limit", "disk_free_bytes", "disk_size_bytes", "database_bytes", "checkpoint_age_seconds", "leaves"} {
		set[name] = prometheus.NewGauge(prometheus.GaugeOpts{Name: "portti_" + name, Help: "."})
		reg.MustRegister(set[name])
	}
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "portti_message_seconds", Help: ".", Buckets: []float64{0.001, 0.01, 0.1}}, []string{"verdict"})
	reg.MustRegister(seconds)
	var state OperatorState
	o := NewOperator(OperatorOptions{Lang: catalogue.English, Gatherer: reg, Now: func() time.Time { return now }, State: func() OperatorState { return state }})
	show := func(lang string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		o.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/operator?lang="+lang, nil))
		requirePage(t, "operator", w)
		return w
	}
	want(t, show("en"), http.StatusOK, "no backup was made")
	set["queue_limit"].Set(1000)
	set["disk_size_bytes"].Set(100e9)
	set["disk_free_bytes"].Set(50e9)
	for range 98 {
		seconds.WithLabelValues("CA").Observe(0.005)
	}
	seconds.WithLabelValues("CE").Observe(0.05)
	seconds.WithLabelValues("CE").Observe(0.05)
	o.sample()
	now = now.Add(10 * time.Second)
	for range 20 {
		seconds.WithLabelValues("CA").Observe(0.004)
	}
	o.sample()
	state = OperatorState{
		Checkpoint: 1234, CheckpointAt: now, Backup: OperatorBackup{Made: now.Add(-2 * time.Hour), Number: 7, To: "/backups/a", Written: 5e6},
		Certificates: []OperatorCertificate{{"server", "CN=good", now.AddDate(1, 0, 0)}},
	}
	w := show("en")
	want(t, w, http.StatusOK, "<dd>2</dd>", "≤ 10 ms", "≤ 100 ms", "0 / 1\u00a0000", "50.0 GB / 100 GB (50 %)", "1\u00a0234", "5.0 MB", "/backups/a", "CN=good", "Mean, ms: 0–5.9")
	if n := strings.Count(w.Body.String(), "in order"); n != 7 {
		t.Errorf("%d of 7 things are in order", n)
	}
	set["queue_length"].Set(501)
	set["disk_free_bytes"].Set(9e9)
	set["checkpoint_age_seconds"].Set(11)
	state.Backup.Made = now.Add(-37 * time.Hour)
	state.Certificates = append(state.Certificates, OperatorCertificate{"client-ca", "CN=soon", now.Add(10*24*time.Hour + time.Hour)},
		OperatorCertificate{"trust-anchor", "CN=gone", now.Add(-time.Hour)}, OperatorCertificate{"archive-signature", "CN=x", now.AddDate(2, 0, 0)})
	want(t, show("en"), http.StatusOK, "more than half of the queue", "less than a tenth", "checkpoints fall behind", "older than 36 hours", "ends in 10 days", "expired")
	state.CheckpointFailed, state.Backup.Failed = true, now
	want(t, show("sv"), http.StatusOK, "den senaste kontrollpunkten misslyckades", "den senaste säkerhetskopieringen misslyckades", "går ut om 10 dagar")
	show("fi")
}
