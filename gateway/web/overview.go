package web

import (
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
)

// OperatorState is what the operator's page tells beside the metrics. It holds no
// personal data; paths are of this machine and stay on the admin listener.
type OperatorState struct {
	Certificates []OperatorCertificate
	// Checkpoint is the number of leaves under the last signed checkpoint.
	Checkpoint       int64
	CheckpointAt     time.Time
	CheckpointFailed bool
	Backup           OperatorBackup
}

// OperatorCertificate is a certificate and its end. Use is server, archive-signature,
// client-ca or trust-anchor.
type OperatorCertificate struct {
	Use, Subject string
	End          time.Time
}

// OperatorBackup is the last backup. Made is zero where there is none, Failed where no
// later attempt failed.
type OperatorBackup struct {
	Made, Failed time.Time
	Number       int
	To           string
	Written      int64
	Encrypted    bool
}

// What calls the operator: a certificate that ends soon, a backup that is old, a disk or
// a queue that fills, a checkpoint that is late.
const (
	certificateSoon = 30 * 24 * time.Hour
	backupOld       = 36 * time.Hour
	diskLow         = 0.1
	queueLong       = 0.5
	checkpointLate  = 10.0 // seconds
)

// card is one thing at a glance: how it is, in words, with a picture of the last hour.
type card struct {
	ID, Name, Class, State string
	Facts                  []fact
	Picture                template.HTMLAttr
	Summary                string
}

// certificateView is a certificate on the page.
type certificateView struct {
	Use, Subject, Class, State string
	End                        time.Time
}

// gauges are the metrics by name, those with labels summed.
type gauges map[string]float64

func gaugesOf(families []*dto.MetricFamily) gauges {
	g := gauges{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			g[f.GetName()] += m.GetGauge().GetValue() + m.GetCounter().GetValue()
			if h := m.GetHistogram(); h != nil {
				g[f.GetName()+" n"] += float64(h.GetSampleCount())
			}
		}
	}
	return g
}

// overview tells what an operator looks for first.
func (o *Operator) overview(p *operatorPage, families []*dto.MetricFamily, samples []sample, now time.Time) {
	g := gaugesOf(families)
	p.Cards = []card{p.throughput(g, samples), p.latency(families, samples), p.queue(g, samples), p.disk(g, samples)}
	if o.state == nil {
		return
	}
	s := o.state()
	p.Cards = append(p.Cards, p.checkpoints(g, &s, samples), p.backups(&s.Backup, now))
	for _, c := range s.Certificates {
		p.Certificates = append(p.Certificates, p.certificate(c, now))
	}
}

// card begins a card that is in order. Its words are keys.
func (p *operatorPage) card(id string) card {
	return card{ID: id, Name: p.T("op_" + id), Class: "good", State: p.T("op_good")}
}

// call makes a card one that calls the operator.
func (c *card) call(class, state string) { c.Class, c.State = class, state }

func (p *operatorPage) fact(c *card, key, value string) {
	c.Facts = append(c.Facts, fact{p.T(key), value})
}

func (c *card) draw(points []float64) { c.Picture, c.Summary = picture(points) }

const (
	countSeries = "portti_message_seconds n"
	sumSeries   = "portti_message_seconds sum"
)

func (p *operatorPage) throughput(g gauges, samples []sample) card {
	c := p.card("throughput")
	points := rates(samples, countSeries)
	now := 0.0
	if len(points) > 0 {
		now = points[len(points)-1]
	}
	p.fact(&c, "op_per_second", number(now))
	p.fact(&c, "op_messages", number(g[countSeries]))
	p.fact(&c, "op_documents", number(g["portti_documents"]))
	c.draw(points)
	return c
}

func (p *operatorPage) latency(families []*dto.MetricFamily, samples []sample) card {
	c := p.card("latency")
	all := &dto.Histogram{}
	for _, f := range families {
		if f.GetName() == "portti_message_seconds" {
			for _, m := range f.GetMetric() {
				addHistogram(all, m.GetHistogram())
			}
		}
	}
	if n := all.GetSampleCount(); n > 0 {
		p.fact(&c, "op_median", "≤ "+inMS(quantile(all, 0.5)))
		p.fact(&c, "op_p99", "≤ "+inMS(quantile(all, 0.99)))
	} else {
		p.fact(&c, "op_median", "–")
	}
	c.draw(means(samples))
	return c
}

// addHistogram adds one with the same buckets.
func addHistogram(to, h *dto.Histogram) {
	n := to.GetSampleCount() + h.GetSampleCount()
	to.SampleCount = &n
	if to.Bucket == nil {
		for range h.GetBucket() {
			to.Bucket = append(to.Bucket, &dto.Bucket{})
		}
	}
	for i, b := range h.GetBucket() {
		edge, sum := b.GetUpperBound(), to.Bucket[i].GetCumulativeCount()+b.GetCumulativeCount()
		to.Bucket[i].UpperBound, to.Bucket[i].CumulativeCount = &edge, &sum
	}
}

// means gives the mean time of a message between one look and the next, in ms.
func means(samples []sample) (out []float64) {
	for i := 1; i < len(samples); i++ {
		n := samples[i].values[countSeries] - samples[i-1].values[countSeries]
		mean := 0.0
		if n > 0 {
			mean = 1000 * (samples[i].values[sumSeries] - samples[i-1].values[sumSeries]) / n
		}
		out = append(out, mean)
	}
	return out
}

func inMS(seconds float64) string {
	if math.IsInf(seconds, 0) {
		return "∞"
	}
	return number(math.Round(seconds*1e5)/100) + " ms"
}

func (p *operatorPage) queue(g gauges, samples []sample) card {
	c := p.card("queue")
	limit := g["portti_queue_limit"]
	p.fact(&c, "op_waiting", number(g["portti_queue_length"])+" / "+number(limit))
	p.fact(&c, "op_in_hand", bytesIn(g["portti_bytes_in_flight"]))
	if limit > 0 && g["portti_queue_length"] > queueLong*limit {
		c.call("warning", p.T("op_queue_long"))
	}
	c.draw(levels(samples, "portti_queue_length"))
	return c
}

func (p *operatorPage) disk(g gauges, samples []sample) card {
	c := p.card("disk")
	free, size := g["portti_disk_free_bytes"], g["portti_disk_size_bytes"]
	if size > 0 {
		p.fact(&c, "op_free", bytesIn(free)+" / "+bytesIn(size)+" ("+strconv.Itoa(int(100*free/size))+" %)")
		if free < diskLow*size {
			c.call("warning", p.T("op_disk_low"))
		}
	}
	p.fact(&c, "op_database", bytesIn(g["portti_database_bytes"]))
	p.fact(&c, "op_wal", bytesIn(g["portti_wal_bytes"]))
	c.draw(levels(samples, "portti_database_bytes"))
	return c
}

func (p *operatorPage) checkpoints(g gauges, s *OperatorState, samples []sample) card {
	c := p.card("checkpoints")
	if s.CheckpointAt.IsZero() {
		p.fact(&c, "op_last", p.T("op_none"))
	} else {
		p.fact(&c, "op_last", p.Time(s.CheckpointAt))
		p.fact(&c, "op_leaves", number(float64(s.Checkpoint))+" / "+number(g["portti_leaves"]))
	}
	age := g["portti_checkpoint_age_seconds"]
	p.fact(&c, "op_oldest", number(math.Round(age*100)/100)+" s")
	switch {
	case s.CheckpointFailed:
		c.call("error", p.T("op_checkpoint_failed"))
	case age > checkpointLate:
		c.call("warning", p.T("op_checkpoint_late"))
	}
	c.draw(levels(samples, "portti_checkpoint_age_seconds"))
	return c
}

func (p *operatorPage) backups(b *OperatorBackup, now time.Time) card {
	c := p.card("backups")
	if b.Made.IsZero() {
		p.fact(&c, "op_last", p.T("op_none"))
		c.call("error", p.T("op_backup_missing"))
	} else {
		age := now.Sub(b.Made)
		p.fact(&c, "op_last", p.Time(b.Made)+" ("+strconv.Itoa(b.Number)+".)")
		p.fact(&c, "op_age", number(math.Round(age.Hours()*10)/10)+" h")
		p.fact(&c, "op_size", bytesIn(float64(b.Written)))
		p.fact(&c, "op_to", b.To)
		if age > backupOld {
			c.call("warning", p.T("op_backup_old"))
		}
	}
	if !b.Failed.IsZero() {
		p.fact(&c, "op_failed", p.Time(b.Failed))
		c.call("error", p.T("op_backup_failed"))
	}
	return c
}

func (p *operatorPage) certificate(c OperatorCertificate, now time.Time) certificateView {
	v := certificateView{Use: p.T("op_use_" + strings.ReplaceAll(c.Use, "-", "_")), Subject: c.Subject, End: c.End, Class: "good", State: p.T("op_good")}
	switch left := c.End.Sub(now); {
	case left <= 0:
		v.Class, v.State = "error", p.T("op_expired")
	case left < certificateSoon:
		v.Class, v.State = "warning", p.T("op_days", int(left.Hours()/24))
	}
	return v
}

// bytesIn writes a number of bytes for people.
func bytesIn(n float64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	i := 0
	for ; n >= 1000 && i < len(units)-1; i++ {
		n /= 1000
	}
	return strconv.FormatFloat(n, 'f', map[bool]int{true: 0, false: 1}[i == 0 || n >= 100], 64) + " " + units[i]
}
