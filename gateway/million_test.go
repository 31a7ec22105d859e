package gateway

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portti/cda"
	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/fixtures"
	"portti/gateway/pipeline"
	"portti/gateway/soap"
	"portti/store"
)

// BenchmarkMillion measures an archive that grows: accept rate and query times at its
// start and its end, and queries beside full accept load. PORTTI_BENCH_DOCUMENTS is how
// many documents of 4 KB it holds at the end (20,000 by default); those between start
// and end go in by the store's own commit path, without the pipeline.
//
//	PORTTI_BENCH_DOCUMENTS=1000000 go test ./gateway -run '^$' -bench Million -benchtime 1x -timeout 60m
func BenchmarkMillion(b *testing.B) {
	n, err := strconv.Atoi(os.Getenv("PORTTI_BENCH_DOCUMENTS"))
	if err != nil {
		n = 20_000
	}
	g, handler := benchGate(b)
	defer func() {
		if err := g.Store.Close(); err != nil {
			b.Error(err)
		}
	}()
	m := &growing{b: b, g: g, handler: handler}
	m.prepare(2*accepts + loadedAccepts)
	b.ResetTimer()
	for range b.N {
		m.measure(n)
	}
}

const (
	// accepts is how many documents an accept rate is measured over, looks how many
	// queries a percentile; loadedAccepts are the documents beside which queries are
	// measured under load.
	accepts, looks, loadedAccepts = 600, 2000, 3000
	// perClient is how many of the filling documents a client has.
	perClient = 10
	// beside is how many senders make full load.
	beside = 16
)

// growing is an archive that grows.
type growing struct {
	b       *testing.B
	g       *Instance
	handler Handler
	ready   [][]byte // requests of documents to accept
	known   []string // ids and clients that queries ask for
	clients []string
	number  atomic.Int64
}

// prepare makes requests of new documents.
func (m *growing) prepare(n int) {
	for i := range n {
		s := world().Spec(fixtures.Phase1XHTML)
		s.Serial = int64(5_000_000 + i)
		d, err := world().Build(s)
		if err != nil {
			m.b.Fatal(err)
		}
		m.ready = append(m.ready, inEnvelope(soap.NS11, world().Frame(d)))
	}
}

func (m *growing) measure(n int) {
	m.fill(0, 2*looks)
	m.report("start-accept/s", m.accept(accepts))
	m.look("start")
	m.fill(2*looks, n)
	m.report("end-accept/s", m.accept(accepts))
	m.look("end")
	m.loaded()
}

func (m *growing) report(unit string, value float64) { m.b.ReportMetric(value, unit) }

// fill archives documents of 4 KB by the store alone, as many at a time as make its
// commits full.
func (m *growing) fill(from, to int) {
	content := bytes.Repeat([]byte("<text>Kuvitteellinen asiakirja</text>\n"), 4096/39)
	zero := 0
	var next atomic.Int64
	next.Store(int64(from))
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= to {
					return
				}
				if err := m.put(i, content, &zero); err != nil {
					m.b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	for i := len(m.known); i < to; i += max(1, (to-from)/looks) {
		m.known = append(m.known, fillID(i))
		m.clients = append(m.clients, fillClient(i))
	}
}

func fillID(i int) string     { return fmt.Sprintf("1.2.246.10.99999901.95777.2026.%d", i) }
func fillClient(i int) string { return fmt.Sprintf("client-%d", i/perClient) }

func (m *growing) put(i int, content []byte, none *int) error {
	at := world().Now.Add(-time.Duration(i) * time.Second)
	s := frame.Summary{Time: cda.FormatTS(at), Language: "fi", Clients: []frame.Person{{Root: cda.RootHetu, Extension: fillClient(i)}},
		Local: &frame.SummaryLocal{Group: frame.Code{Code: "4", System: interactions.SystemDocumentGroup}}, Attachments: none}
	a := store.Archival{
		ID: fillID(i), SetID: fillID(i), Version: 1, Controller: first().OID, Register: "1", Document: append(content[:len(content):len(content)], fillID(i)...),
		Frame: []byte("<frame/>"), Facts: []byte("x"),
		Index: store.Index{Clients: []string{fillClient(i)}, Author: "99900000001", Group: "4", GeneralType: "16", Phase: "phase1",
			Tasks: []string{"24"}, Case: "1.2.246.10." + strconv.Itoa(i/perClient), Unit: first().Units[0].OID, Effective: at, Summary: s.JSON()},
		Message: store.Message{ID: "fill " + strconv.Itoa(i), Owner: first().OID, Answer: store.Answer{Verdict: "CA"}},
		Usage:   []store.Usage{{DataController: first().OID, LogController: first().OID, Client: fillClient(i), User: "x", Action: "archive"}},
	}
	out, err := m.g.Store.Archive(context.Background(), a)
	if err == nil && out.Kind != store.Archived {
		err = fmt.Errorf("document %d: %v", i, out.Findings)
	}
	return err
}

// handle takes a message to its answer.
func (m *growing) handle(body []byte, want pipeline.Verdict) {
	a := m.handler.Handle(context.Background(), pipeline.Request{
		ID: strconv.FormatInt(m.number.Add(1), 10), Arrived: world().Now, ContentType: "text/xml", Body: body,
	})
	if a.Report.Verdict != want {
		m.b.Errorf("%+v\n%s", a.Report, a.Body)
	}
}

// accept takes n documents from as many senders as make full load; it gives how many a
// second.
func (m *growing) accept(n int) float64 {
	batch := m.ready[:n]
	m.ready = m.ready[n:]
	queue := make(chan []byte, len(batch))
	for _, r := range batch {
		queue <- r
	}
	close(queue)
	began := time.Now()
	var all sync.WaitGroup
	for range beside {
		all.Go(func() {
			for r := range queue {
				m.handle(r, pipeline.Accepted)
			}
		})
	}
	all.Wait()
	return float64(n) / time.Since(began).Seconds()
}

// look measures queries one after another.
func (m *growing) look(when string) {
	for _, k := range []struct {
		name string
		op   interactions.Operation
	}{{"metadata", interactions.QueryMetadata}, {"fetch", interactions.QueryDocument}} {
		var took []time.Duration
		for i := range looks {
			took = append(took, m.one(k.op, i))
		}
		m.percentiles(when+"-"+k.name, took)
	}
}

// one asks for a client's metadata, or fetches one document.
func (m *growing) one(op interactions.Operation, i int) time.Duration {
	i = i * 7919 % len(m.known)
	p := frame.AskParam{Field: interactions.FieldDocument, Value: m.known[i]}
	if op == interactions.QueryMetadata {
		p = frame.AskParam{Field: interactions.FieldClient, Root: cda.RootHetu, Value: m.clients[i]}
	}
	var b bytes.Buffer
	if err := frame.WriteQuery(&b, asking(first(), op, p)); err != nil {
		m.b.Fatal(err)
	}
	body := inEnvelope(soap.NS11, b.Bytes())
	began := time.Now()
	m.handle(body, "AA")
	return time.Since(began)
}

func (m *growing) percentiles(name string, took []time.Duration) {
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	m.report(name+"-p50-ms", ms(took[len(took)/2]))
	m.report(name+"-p99-ms", ms(took[len(took)*99/100]))
}

// loaded measures queries while documents are accepted as fast as they can be.
func (m *growing) loaded() {
	var done atomic.Bool
	var metadata, fetch []time.Duration
	var all sync.WaitGroup
	all.Go(func() {
		for i := 0; !done.Load(); i++ {
			metadata = append(metadata, m.one(interactions.QueryMetadata, i))
			fetch = append(fetch, m.one(interactions.QueryDocument, i))
		}
	})
	rate := m.accept(loadedAccepts)
	done.Store(true)
	all.Wait()
	m.report("loaded-accept/s", rate)
	m.percentiles("loaded-metadata", metadata)
	m.percentiles("loaded-fetch", fetch)
}
