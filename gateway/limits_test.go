package gateway

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"portti/cda/rules/catalogue"
	"portti/gateway/pipeline"
	"portti/gateway/soap"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"
)

func TestEveryRuleStandsInTheCatalogue(t *testing.T) {
	for _, id := range Rules {
		if catalogue.Default().Rule(id) == nil {
			t.Errorf("%s is not in the catalogue", id)
		}
	}
}

// slow is a Handler that waits to be let go.
type slow struct {
	entered chan struct{}
	release chan struct{}
}

func (s *slow) Handle(context.Context, pipeline.Request) pipeline.Answer {
	s.entered <- struct{}{}
	<-s.release
	return pipeline.Answer{Status: http.StatusOK, ContentType: soap.V11.ContentType(""), Body: []byte("done")}
}

// bare starts a server around any Handler.
func bare(t *testing.T, h Handler, l Limits) (*Server, string) {
	t.Helper()
	var n int
	var mu sync.Mutex
	s, err := New(Options{Handler: h, Listen: "127.0.0.1:0", Limits: l, Log: zerolog.Nop(), Now: time.Now, NewID: func() string {
		mu.Lock()
		defer mu.Unlock()
		n++
		return fmt.Sprint(n)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return s, s.Addr().String()
}

func TestClearAnswersAtTheDoor(t *testing.T) {
	g := start(t, func(c *Config) { c.Document = 1 << 20 })
	small := inEnvelope(soap.NS11, []byte("<x/>"))
	big := bytes.Repeat([]byte(" "), int(MessageLimit(1<<20))+1)
	request := func(method, contentType string, body io.Reader) *http.Request {
		r, err := http.NewRequest(method, g.URL+"/soap", body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", contentType)
		return r
	}
	compressed := request("POST", "text/xml", bytes.NewReader(small))
	compressed.Header.Set("Content-Encoding", "gzip")
	for _, c := range []struct {
		name   string
		r      *http.Request
		status int
		rule   string
	}{
		{"too large, length told", request("POST", "text/xml", bytes.NewReader(big)), 413, RuleSize},
		{"too large, length untold", request("POST", "text/xml", io.MultiReader(bytes.NewReader(big))), 413, RuleSize},
		{"wrong type", request("POST", "application/json", bytes.NewReader(small)), 415, soap.RuleMediaUnsupported},
		{"wrong charset", request("POST", "text/xml; charset=koi8-r", bytes.NewReader(small)), 415, soap.RuleCharsetUnsupported},
		{"compressed", compressed, 415, RuleEncoding},
		{"method", request("PUT", "text/xml", bytes.NewReader(small)), 405, RuleMethod},
		{"broken XML", request("POST", "text/xml", strings.NewReader("<a>")), 500, soap.RuleXMLSyntax},
		{"unknown message", request("POST", "text/xml", bytes.NewReader(small)), 500, "FRAME-ROOT-UNKNOWN"},
		{"unknown message in 1.2", request("POST", "application/soap+xml", bytes.NewReader(inEnvelope(soap.NS12, []byte("<x/>")))), 400, "FRAME-ROOT-UNKNOWN"},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, err := g.http.Do(c.r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != c.status || !bytes.Contains(body, []byte(c.rule)) || !bytes.Contains(body, []byte("Fault>")) {
				t.Fatalf("HTTP %d %s", res.StatusCode, body)
			}
			if id := res.Header.Get("X-Request-Id"); id == "" || !bytes.Contains(body, []byte(`request="`+id+`"`)) {
				t.Errorf("request id %q is not in the fault", id)
			}
		})
	}
}

func TestTooManyBytesInHandAreAnswered429(t *testing.T) {
	h := &slow{make(chan struct{}, 1), make(chan struct{})}
	_, addr := bare(t, h, Limits{InFlight: 1000})
	body := strings.Repeat("x", 600)
	first := make(chan error, 1)
	go func() {
		res, err := http.Post("http://"+addr+"/soap", "text/xml", strings.NewReader(body))
		if err == nil {
			err = res.Body.Close()
		}
		first <- err
	}()
	<-h.entered
	res, err := http.Post("http://"+addr+"/soap", "text/xml", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != 429 || res.Header.Get("Retry-After") == "" || !bytes.Contains(b, []byte(RuleBudget)) {
		t.Errorf("HTTP %d %v %s", res.StatusCode, res.Header, b)
	}
	close(h.release)
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	// What was held is given back: the same message is taken now.
	go func() { <-h.entered }()
	res, err = http.Post("http://"+addr+"/soap", "text/xml", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 200 {
		t.Errorf("HTTP %d afterwards", res.StatusCode)
	}
}

// panicking is a Handler that breaks its promise.
type panicking struct{}

func (panicking) Handle(context.Context, pipeline.Request) pipeline.Answer { panic("010181-900C") }

func TestPanicOfTheHandlerIsAFaultAndNoSecretInTheLog(t *testing.T) {
	log := &lockedBuffer{}
	s, err := New(Options{Handler: panicking{}, Listen: "127.0.0.1:0", Log: zerolog.New(log), Now: time.Now, NewID: func() string { return "r" }})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	res, err := http.Post("http://"+s.Addr().String()+"/soap", "text/xml", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if err := s.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != 500 || !strings.Contains(log.String(), "panicking") || strings.Contains(log.String(), "010181-900C") {
		t.Errorf("HTTP %d\n%s", res.StatusCode, log)
	}
}

func TestSlowSendersLoseTheirConnection(t *testing.T) {
	h := &slow{make(chan struct{}, 1), make(chan struct{})}
	_, addr := bare(t, h, Limits{HeaderTime: 50 * time.Millisecond, BodyGrace: 50 * time.Millisecond})
	for name, sent := range map[string]string{
		"headers": "POST /soap HTTP/1.1\r\nHost: x\r\n",
		"body":    "POST /soap HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: 100\r\n\r\n<a",
	} {
		t.Run(name, func(t *testing.T) {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := io.WriteString(c, sent); err != nil {
				t.Fatal(err)
			}
			// The server ends the connection: reading comes to an end without our doing.
			if _, err := io.ReadAll(c); err != nil && !strings.Contains(err.Error(), "reset") {
				t.Fatal(err)
			}
		})
	}
}

func TestHugeHeadersAreRefused(t *testing.T) {
	_, addr := bare(t, &slow{}, Limits{Header: 4 << 10})
	r, err := http.NewRequest("POST", "http://"+addr+"/soap", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Large", strings.Repeat("x", 64<<10))
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Fatalf("HTTP %d", res.StatusCode)
	}
}

func TestStopFinishesWhatWasAccepted(t *testing.T) {
	h := &slow{make(chan struct{}, 1), make(chan struct{})}
	s, addr := bare(t, h, Limits{})
	answered := make(chan string, 1)
	go func() {
		res, err := http.Post("http://"+addr+"/soap", "text/xml", strings.NewReader("x"))
		if err != nil {
			answered <- err.Error()
			return
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		answered <- string(b)
	}()
	<-h.entered
	stopped := make(chan error, 1)
	go func() { stopped <- s.Stop(context.Background()) }()
	select {
	case err := <-stopped:
		t.Fatalf("stopped (%v) while a message was in hand", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(h.release)
	if got := <-answered; got != "done" {
		t.Errorf("the message in hand was answered %q", got)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestNothingIsLeftRunning(t *testing.T) {
	here := goleak.IgnoreCurrent()
	t.Run("traffic", func(t *testing.T) {
		g := start(t, nil)
		for range 3 {
			g.send(world().Frame(world().Documents[0]))
		}
	})
	http.DefaultClient.CloseIdleConnections()
	goleak.VerifyNone(t, here)
}

func TestOperationDoors(t *testing.T) {
	g := start(t, nil)
	g.accepted(world().Frame(world().Documents[0]))
	for path, want := range map[string]string{
		"/healthz": "ok", "/readyz": "ready", "/metrics": `portti_messages_total{interaction="RCMR_IN200002FI01",status="200",verdict="CA"} 1`,
		"/soap?wsdl": `location="` + g.URL + `/soap"`,
	} {
		if status, body := get(t, g.http, g.URL+path); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: HTTP %d %s", path, status, body)
		}
	}
	if status, _ := get(t, g.http, g.URL+"/other"); status != 404 {
		t.Errorf("/other: HTTP %d", status)
	}
	if err := g.Store.Close(); err != nil {
		t.Fatal(err)
	}
	if status, body := get(t, g.http, g.URL+"/readyz"); status != 503 {
		t.Errorf("with a closed archive: HTTP %d %s", status, body)
	}
	r := g.send(world().Frame(world().Documents[1]))
	if r.ack == nil || r.ack.Code != "CR" {
		t.Errorf("with a closed archive: %v", r)
	}
}

func TestAdminListenerHasTheMetricsAlone(t *testing.T) {
	g := start(t, func(c *Config) { c.Admin = "127.0.0.1:0" })
	for url, want := range map[string]int{g.URL + "/metrics": 404, "http://" + g.AdminAddr().String() + "/metrics": 200, "http://" + g.AdminAddr().String() + "/soap": 404} {
		res, err := g.http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: HTTP %d", url, res.StatusCode)
		}
	}
}
