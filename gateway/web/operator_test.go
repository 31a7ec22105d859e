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
