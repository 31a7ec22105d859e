package validation

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"portti/cda/frame"
	"portti/cda/rules/catalogue"
	"portti/fixtures"
	"portti/gateway/pipeline"
	"portti/internal/xmltree"
	"portti/xmldsig"
	"portti/xmldsig/trust"
)

func newService(t testing.TB) *Service {
	t.Helper()
	w := fixtures.Default()
	anchors, err := trust.New(trust.Options{AnchorCertificates: w.Authority.Certificates()})
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Options{Parallel: 1, Judge: &pipeline.Judge{
		Profile: catalogue.Strict, World: pipeline.Test, Frames: frame.Reader{Profile: catalogue.Strict},
		Verifier: &xmldsig.Verifier{Trust: anchors, Now: func() time.Time { return w.Now }},
		Limits:   xmltree.Limits{Bytes: 1 << 20},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sampleRequest(t testing.TB) []byte {
	t.Helper()
	w := fixtures.Default()
	d := w.Doc("plan")
	b, err := json.Marshal(map[string]string{
		keyMessageID: "1", keyRequest: "SP17", keyLevel: "1", keyDocument: string(d.Bytes),
		keyFrame: `<?xml version="1.0"?>` + string(w.FrameWith(d, fixtures.FrameOptions{Placeholder: true})),
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOptionsAreRequired(t *testing.T) {
	if _, err := New(Options{Parallel: 1}); err == nil {
		t.Error("a service without an engine")
	}
	if _, err := New(Options{Judge: &pipeline.Judge{}}); err == nil {
		t.Error("a service without a place to judge in")
	}
}

func TestRequestsWaitForAPlaceAndMayGiveUp(t *testing.T) {
	s := newService(t)
	s.places <- struct{}{} // the only one
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a := s.Answer(ctx, Request{ID: "r-1", Body: sampleRequest(t)})
	if a.Status != http.StatusServiceUnavailable || !strings.Contains(string(a.Body), "r-1") {
		t.Errorf("HTTP %d %s", a.Status, a.Body)
	}
	<-s.places
	if a := s.Answer(t.Context(), Request{Body: sampleRequest(t), Arrived: fixtures.DefaultNow}); a.Status != http.StatusOK {
		t.Errorf("HTTP %d %s", a.Status, a.Body)
	}
}

// TestPanicIsAnsweredAsAFailureOfOurs: the engine is broken on purpose.
func TestPanicIsAnsweredAsAFailureOfOurs(t *testing.T) {
	s := newService(t)
	s.Judge = &pipeline.Judge{Profile: catalogue.Strict}
	a := s.Answer(t.Context(), Request{ID: "r-1", Body: sampleRequest(t), Wishes: Wishes{Lang: catalogue.Finnish}})
	var p *pipeline.PanicError
	if a.Status != http.StatusInternalServerError || !errors.As(a.Report.Failure, &p) {
		t.Fatalf("HTTP %d %s, failure %v", a.Status, a.Body, a.Report.Failure)
	}
	var got plainProblem
	if err := json.Unmarshal(a.Body, &got); err != nil || got.Code != "failure" || !strings.Contains(got.Description, "r-1") || strings.Contains(got.Description, "panic") {
		t.Errorf("%v: %s", err, a.Body)
	}
	if len(s.places) != 0 {
		t.Error("the place was not given back")
	}
}

// FuzzRequest: whatever comes in, what goes out is an empty 200 or a JSON 400.
func FuzzRequest(f *testing.F) {
	s := newService(f)
	f.Add(sampleRequest(f))
	for _, seed := range jsonSeeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		a := s.Answer(t.Context(), Request{ID: "r", Body: body, Arrived: fixtures.DefaultNow})
		switch a.Status {
		case http.StatusOK:
			if len(a.Body) > 0 {
				t.Fatalf("body %s", a.Body)
			}
		case http.StatusBadRequest:
			var got plainProblem
			if err := json.Unmarshal(a.Body, &got); err != nil || got.Code == "" || !strings.HasPrefix(got.Description, "1: ") {
				t.Fatalf("%v: %s", err, a.Body)
			}
		default:
			t.Fatalf("HTTP %d %s %v", a.Status, a.Body, a.Report.Failure)
		}
	})
}

func BenchmarkAnswer(b *testing.B) {
	s := newService(b)
	sample := sampleRequest(b)
	body := make([]byte, len(sample))
	b.SetBytes(int64(len(sample)))
	b.ReportAllocs()
	for b.Loop() {
		copy(body, sample)
		if a := s.Answer(b.Context(), Request{Body: body, Arrived: fixtures.DefaultNow}); a.Status != http.StatusOK {
			b.Fatalf("%s", a.Body)
		}
	}
}

func BenchmarkScan(b *testing.B) {
	body := sampleRequest(b)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, ok := scan(body, keyNames); !ok {
			b.Fatal("refused")
		}
	}
}
