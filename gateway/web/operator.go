package web

import (
	"cmp"
	"context"
	"fmt"
	"html/template"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"portti/cda/rules/catalogue"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// Operator is the operator's page of state: what the metrics tell now, and pictures of
// the last hour. It reads the same metrics that Prometheus is given, so that neither
// tells what the other does not, and none of them holds personal data. It belongs on
// the admin listener.
type Operator struct {
	site     *Site
	gatherer prometheus.Gatherer
	ready    func(context.Context) error
	state    func() OperatorState
	facts    []fact
	every    time.Duration

	mu      sync.Mutex
	samples []sample // oldest first
}

// sample is all series at one time.
type sample struct {
	at     time.Time
	values map[string]float64
}

// How often the metrics are looked at, and how many looks are kept.
const (
	sampleTime = 10 * time.Second
	maxSamples = 360
)

// OperatorOptions configure an Operator.
type OperatorOptions struct {
	Lang     catalogue.Lang
	Gatherer prometheus.Gatherer
	// Ready tells why the archive takes nothing now; nil means it is not asked.
	Ready func(context.Context) error
	// State is what the page tells beside the metrics; nil for nothing.
	State func() OperatorState
	// Versions are what runs here: name and version by turns.
	Versions []string
	Now      func() time.Time
}

// NewOperator makes the page; Run fills its pictures.
func NewOperator(o OperatorOptions) *Operator {
	s, err := New(Options{Lang: o.Lang, Now: o.Now})
	if err != nil {
		panic(err) // nothing is asked of it that could be missing
	}
	op := &Operator{site: s, gatherer: o.Gatherer, ready: o.Ready, state: o.State, every: sampleTime}
	for i := 0; i+1 < len(o.Versions); i += 2 {
		op.facts = append(op.facts, fact{o.Versions[i], o.Versions[i+1]})
	}
	return op
}

// Run looks at the metrics until ctx ends.
func (o *Operator) Run(ctx context.Context) {
	t := time.NewTicker(o.every)
	defer t.Stop()
	o.sample()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			o.sample()
		}
	}
}

// sample takes one look.
func (o *Operator) sample() {
	families, err := o.gatherer.Gather()
	if err != nil && len(families) == 0 {
		return // the next look may tell more
	}
	s := sample{at: o.site.sessions.now(), values: map[string]float64{}}
	for _, f := range families {
		if f.GetType() == dto.MetricType_HISTOGRAM {
			for _, m := range f.GetMetric() { // all its series together
				s.values[f.GetName()+" n"] += float64(m.GetHistogram().GetSampleCount())
				s.values[f.GetName()+" sum"] += m.GetHistogram().GetSampleSum()
			}
		}
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for name, v := range valuesOf(f, m) {
				s.values[name] = v
			}
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.samples = append(o.samples, s); len(o.samples) > maxSamples {
		o.samples = slices.Delete(o.samples, 0, len(o.samples)-maxSamples)
	}
}

// valuesOf gives a metric's values by name: a counter's and a gauge's own, of a
// histogram its count, median and 99th percentile.
func valuesOf(f *dto.MetricFamily, m *dto.Metric) map[string]float64 {
	name := f.GetName() + labels(m)
	switch f.GetType() {
	case dto.MetricType_COUNTER:
		return map[string]float64{name: m.GetCounter().GetValue()}
	case dto.MetricType_GAUGE:
		return map[string]float64{name: m.GetGauge().GetValue()}
	case dto.MetricType_HISTOGRAM:
		h := m.GetHistogram()
		return map[string]float64{name + " n": float64(h.GetSampleCount()), name + " p50": quantile(h, 0.5), name + " p99": quantile(h, 0.99)}
	}
	return nil
}

func labels(m *dto.Metric) string {
	var out []string
	for _, l := range m.GetLabel() {
		if l.GetValue() != "" {
			out = append(out, l.GetName()+"="+l.GetValue())
		}
	}
	if len(out) == 0 {
		return ""
	}
	return "{" + strings.Join(out, ",") + "}"
}

// quantile is the upper edge of the bucket in which the quantile lies.
func quantile(h *dto.Histogram, q float64) float64 {
	want := q * float64(h.GetSampleCount())
	for _, b := range h.GetBucket() {
		if float64(b.GetCumulativeCount()) >= want {
			return b.GetUpperBound()
		}
	}
	return math.Inf(1)
}

// operatorPage is the state now, with a picture for each series.
type operatorPage struct {
	page
	Ready    bool
	Live     bool
	Why      string
	Versions []fact
	// Cards are what an operator looks for first.
	Cards        []card
	Certificates []certificateView
	Families     []familyView
}

type familyView struct {
	Name, Help string
	Series     []seriesView
}

type seriesView struct {
	Labels, Value string
	// Picture is an SVG path in a box of pictureWidth by pictureHeight.
	Picture template.HTMLAttr
	Summary string
}

// ServeHTTP shows the page, and serves its style.
func (o *Operator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/operator" {
		o.site.ServeHTTP(w, r)
		return
	}
	o.sample()
	p := operatorPage{page: o.site.page(w, r, "operator"), Ready: true, Versions: o.facts}
	p.Nav = []navLink{{"/operator", p.T("operator"), true}, {"/metrics", "Prometheus", false}}
	if p.Live = r.URL.Query().Get("live") != "0"; p.Live {
		p.Refresh = int(o.every.Seconds())
	}
	if o.ready != nil {
		if err := o.ready(r.Context()); err != nil {
			p.Ready, p.Why = false, err.Error()
		}
	}
	families, err := o.gatherer.Gather()
	if err != nil && len(families) == 0 {
		o.site.fail(w, r, err)
		return
	}
	o.mu.Lock()
	samples := slices.Clone(o.samples)
	o.mu.Unlock()
	o.overview(&p, families, samples, o.site.sessions.now())
	for _, f := range families {
		if v := familyOf(f, samples); len(v.Series) > 0 {
			p.Families = append(p.Families, v)
		}
	}
	o.site.write(w, &p.page, http.StatusOK, "operator", p)
}

// maxSeries bounds the series of a family that are shown: those with the most.
const maxSeries = 12

// familyOf shows a family of this program's own or of its process.
func familyOf(f *dto.MetricFamily, samples []sample) familyView {
	v := familyView{Name: f.GetName(), Help: f.GetHelp()}
	if !strings.HasPrefix(v.Name, "portti_") && !strings.HasPrefix(v.Name, "process_") {
		return v
	}
	metrics := slices.Clone(f.GetMetric())
	slices.SortStableFunc(metrics, func(a, b *dto.Metric) int { return cmp.Compare(weight(b), weight(a)) })
	for _, m := range metrics[:min(maxSeries, len(metrics))] {
		s := seriesView{Labels: labels(m)}
		name := f.GetName() + s.Labels
		var points []float64
		switch f.GetType() {
		case dto.MetricType_HISTOGRAM:
			h := m.GetHistogram()
			s.Value = fmt.Sprintf("n %d, p50 ≤ %s, p99 ≤ %s", h.GetSampleCount(), number(quantile(h, 0.5)), number(quantile(h, 0.99)))
			points = rates(samples, name+" n")
		case dto.MetricType_COUNTER:
			s.Value = number(m.GetCounter().GetValue())
			points = rates(samples, name)
		case dto.MetricType_GAUGE:
			s.Value = number(m.GetGauge().GetValue())
			points = levels(samples, name)
		default:
			continue
		}
		s.Picture, s.Summary = picture(points)
		v.Series = append(v.Series, s)
	}
	return v
}

func weight(m *dto.Metric) float64 {
	return m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
}

func number(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return grouped(int(v))
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

// levels gives a series as it was, rates how much it grew in a second.
func levels(samples []sample, name string) (out []float64) {
	for _, s := range samples {
		if v, ok := s.values[name]; ok {
			out = append(out, v)
		}
	}
	return out
}

func rates(samples []sample, name string) (out []float64) {
	for i := 1; i < len(samples); i++ {
		seconds := samples[i].at.Sub(samples[i-1].at).Seconds()
		// A series that was not there yet had counted nothing.
		if grown := samples[i].values[name] - samples[i-1].values[name]; seconds > 0 && grown >= 0 {
			out = append(out, grown/seconds)
		}
	}
	return out
}

// The box of a picture, in SVG units.
const (
	pictureWidth  = 240
	pictureHeight = 40
)

// picture draws points as a line, and tells their least and greatest in words.
func picture(points []float64) (template.HTMLAttr, string) {
	if len(points) < 2 {
		return "", ""
	}
	low, high := slices.Min(points), slices.Max(points)
	span := high - low
	if span == 0 || math.IsInf(span, 0) || math.IsNaN(span) {
		span = 1
	}
	var b strings.Builder
	for i, v := range points {
		x := float64(i) / float64(len(points)-1) * pictureWidth
		y := pictureHeight - 2 - (v-low)/span*(pictureHeight-4)
		fmt.Fprintf(&b, "%s%.1f %.1f", map[bool]string{true: "M", false: "L"}[i == 0], x, y)
	}
	return template.HTMLAttr(`d="` + b.String() + `"`), number(low) + "–" + number(high)
}
