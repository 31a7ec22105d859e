package gateway

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"portti/gateway/pipeline"
	"portti/gateway/soap"

	"github.com/rs/zerolog"
)

// BenchmarkAccept measures the whole way of a new document: from the octets of the
// SOAP request to the acknowledgement after the fsync, and each stage of it. All
// sizes have the same composition (half base64). One message at a time.
//
//	go test ./gateway -run '^$' -bench Accept
func BenchmarkAccept(b *testing.B) {
	for _, size := range []struct {
		name  string
		bytes int
	}{{"20KB", 20_000}, {"200KB", 200_000}, {"2MB", 2_000_000}, {"20MB", 20_000_000}} {
		b.Run(size.name, func(b *testing.B) { benchmarkAccept(b, size.bytes) })
	}
}

func benchmarkAccept(b *testing.B, size int) {
	g, handler := benchGate(b)
	defer func() {
		if err := g.Store.Close(); err != nil {
			b.Error(err)
		}
	}()
	stages := map[string]time.Duration{}
	documents := 0
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		b.StopTimer()
		d, err := world().Sized(size, int64(1_000_000+i))
		if err != nil {
			b.Fatal(err)
		}
		body := inEnvelope(soap.NS11, world().Frame(d))
		documents += len(d.Bytes)
		b.StartTimer()
		a := handler.Handle(context.Background(), pipeline.Request{
			ID: fmt.Sprint(i), Arrived: world().Now, ContentType: "text/xml", Body: body,
		})
		b.StopTimer()
		if a.Status != http.StatusOK || a.Report.Verdict != pipeline.Accepted || a.Report.Outcome != "archived" {
			b.Fatalf("%+v\n%s", a.Report, a.Body)
		}
		for _, t := range a.Report.Timings {
			stages[t.Stage] += t.Took
		}
		b.StartTimer()
	}
	b.StopTimer()
	b.SetBytes(int64(documents / b.N))
	for stage, took := range stages {
		b.ReportMetric(float64(took.Microseconds())/float64(b.N), stage+"-µs/op")
	}
}

// benchGate opens an archive with the pipeline in front, without a listener.
func benchGate(b *testing.B) (*Instance, Handler) {
	b.Helper()
	c := testConfig(b, nil)
	c.Log = zerolog.Nop()
	c.Document = 21 << 20
	g, err := Open(context.Background(), c)
	if err != nil {
		b.Fatal(err)
	}
	return g, g.o.Handler
}

// BenchmarkSenders measures 20 KB documents from 16 senders at a time over HTTP:
// what one gateway takes when commits are shared.
//
//	go test ./gateway -run '^$' -bench Senders -benchtime 1000x
func BenchmarkSenders(b *testing.B) {
	c := testConfig(b, io.Discard)
	c.Log = zerolog.Nop()
	g, err := Open(context.Background(), c)
	if err != nil {
		b.Fatal(err)
	}
	if err := g.Start(); err != nil {
		b.Fatal(err)
	}
	queue := make(chan []byte, b.N)
	for i := range b.N {
		d, err := world().Sized(20_000, int64(3_000_000+i))
		if err != nil {
			b.Fatal(err)
		}
		queue <- inEnvelope(soap.NS11, world().Frame(d))
	}
	close(queue)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	url := "http://" + g.Addr().String() + "/soap"
	var senders sync.WaitGroup
	b.ResetTimer()
	for range 16 {
		senders.Go(func() {
			for body := range queue {
				if r, err := post(client, url, "text/xml", body); err != nil || r.ack == nil || r.ack.Code != "CA" {
					b.Errorf("%v %v", r, err)
				}
			}
		})
	}
	senders.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	client.CloseIdleConnections()
	if err := g.Close(context.Background()); err != nil {
		b.Error(err)
	}
}
