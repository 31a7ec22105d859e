package gateway

import (
	"net/http"
	"time"

	"portti/gateway/pipeline"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are the server's own; each server has its registry.
type metrics struct {
	registry *prometheus.Registry
	messages *prometheus.CounterVec
	findings *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	stages   *prometheus.HistogramVec
	bytes    prometheus.Histogram
}

func newMetrics(b *budget) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "portti_messages_total", Help: "Messages answered, by interaction, verdict and HTTP status.",
		}, []string{"interaction", "verdict", "status"}),
		findings: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "portti_findings_total", Help: "Messages with a finding of the rule.",
		}, []string{"rule"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "portti_message_seconds", Help: "Time from the last octet of a message to its answer.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 16),
		}, []string{"verdict"}),
		stages: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "portti_stage_seconds", Help: "Time of one stage of a message's way.",
			Buckets: prometheus.ExponentialBuckets(0.00005, 2, 18),
		}, []string{"stage"}),
		bytes: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "portti_message_bytes", Help: "Size of messages.",
			Buckets: prometheus.ExponentialBuckets(1<<10, 4, 9),
		}),
	}
	inFlight := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "portti_bytes_in_flight", Help: "Bytes of messages in hand.",
	}, func() float64 { return float64(b.used.Load()) })
	m.registry.MustRegister(m.messages, m.findings, m.seconds, m.stages, m.bytes, inFlight,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// observe counts one answered message.
func (m *metrics) observe(status string, size int, took time.Duration, r pipeline.Report) {
	m.messages.WithLabelValues(r.Interaction, string(r.Verdict), status).Inc()
	m.seconds.WithLabelValues(string(r.Verdict)).Observe(took.Seconds())
	m.bytes.Observe(float64(size))
	for _, id := range r.Rules {
		m.findings.WithLabelValues(id).Inc()
	}
	for _, t := range r.Timings {
		m.stages.WithLabelValues(t.Stage).Observe(t.Took.Seconds())
	}
}
