package gateway

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portti/cda/frame"
	"portti/cda/rules/catalogue"
	"portti/fixtures"
	"portti/gateway/access"
	"portti/gateway/pipeline"
	"portti/gateway/soap"
	"portti/internal/xmltree"
	"portti/store"
	"portti/xmldsig"
	"portti/xmldsig/trust"

	"github.com/rs/zerolog"
)

// everything is the scope of these tests.
var everything = store.Scope{All: true, Purpose: "test"}

// gate is a running gateway with its log.
type gate struct {
	*Instance
	t    *testing.T
	URL  string
	log  *lockedBuffer
	http *http.Client
}

// lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// world is the fixtures' world; its clock is the gateway's.
func world() *fixtures.World { return fixtures.Default() }

func worldTrust(t testing.TB) xmldsig.Trust {
	t.Helper()
	return newTrust(t, trust.Options{AnchorCertificates: world().Authority.Certificates()})
}

func newTrust(t testing.TB, o trust.Options) xmldsig.Trust {
	t.Helper()
	s, err := trust.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// testMaster is the master key of these tests' archives: they are encrypted, and what is
// measured is measured so.
var testMaster = store.Key([]byte("0123456789abcdef0123456789abcdef"))

// testConfig is a gateway for the fixtures' world.
func testConfig(t testing.TB, log io.Writer) Config {
	t.Helper()
	var n atomic.Int64
	return Config{
		Data: t.TempDir(), Master: testMaster, Profile: catalogue.Strict, World: pipeline.Test, Lang: catalogue.English,
		Trust: worldTrust(t), Root: "1.2.246.10.99999901.10.1.18", Owner: "unidentified",
		Listen: "127.0.0.1:0", Log: zerolog.New(log),
		Now:   func() time.Time { return world().Now },
		NewID: func() string { return fmt.Sprintf("id-%d", n.Add(1)) },
		// Most tests send one document alone; those of access (access_test.go) are strict.
		Access: access.Settings{UnknownCases: true},
	}
}

// start runs a gateway until the test ends.
func start(t *testing.T, change func(*Config)) *gate {
	t.Helper()
	g := &gate{t: t, log: &lockedBuffer{}}
	c := testConfig(t, g.log)
	if change != nil {
		change(&c)
	}
	i, err := Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	g.Instance = i
	g.http = &http.Client{Transport: &http.Transport{}, Timeout: time.Minute}
	t.Cleanup(func() {
		g.http.CloseIdleConnections()
		if t.Failed() && strings.Contains(g.log.String(), `"failure"`) {
			t.Log(g.log.String())
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := i.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	if err := i.Start(); err != nil {
		t.Fatal(err)
	}
	if a := i.Addr(); a != nil {
		g.URL = "http://" + a.String()
	}
	return g
}

// reply is an answer to a test's message.
type reply struct {
	status int
	header http.Header
	body   []byte
	ack    *frame.Acknowledgement // nil for a fault
	fault  string
}

// rules are those of the acknowledgement's details.
func (r *reply) rules() []string {
	var out []string
	for _, d := range r.ack.Details {
		out = append(out, d.Rule)
	}
	return out
}

func (r *reply) detail(rule string) *frame.Detail {
	if r.ack == nil {
		return nil
	}
	for i := range r.ack.Details {
		if r.ack.Details[i].Rule == rule {
			return &r.ack.Details[i]
		}
	}
	return nil
}

func (r *reply) String() string {
	if r.ack == nil {
		return fmt.Sprintf("HTTP %d %s", r.status, r.fault)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP %d %s", r.status, r.ack.Code)
	for _, d := range r.ack.Details {
		fmt.Fprintf(&b, "\n  %s %s %v %s", d.Severity, d.Rule, d.Location, d.Text)
	}
	return b.String()
}

func inEnvelope(ns string, frame []byte) []byte {
	return []byte(`<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="` + ns + `"><s:Body>` + string(withoutDeclaration(frame)) + `</s:Body></s:Envelope>`)
}

func withoutDeclaration(b []byte) []byte {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	if bytes.HasPrefix(b, []byte("<?xml")) {
		return b[bytes.Index(b, []byte("?>"))+2:]
	}
	return b
}

// send sends a frame by SOAP 1.1.
func (g *gate) send(frame []byte) *reply {
	g.t.Helper()
	return g.post("text/xml; charset=utf-8", inEnvelope(soap.NS11, frame))
}

// post sends octets to the SOAP door and reads what comes back.
func (g *gate) post(contentType string, body []byte) *reply {
	g.t.Helper()
	r, err := post(g.http, g.URL+"/soap", contentType, body)
	if err != nil {
		g.t.Fatal(err)
	}
	return r
}

func post(c *http.Client, url, contentType string, body []byte) (*reply, error) {
	res, err := c.Post(url, contentType, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	r := &reply{status: res.StatusCode, header: res.Header}
	if r.body, err = io.ReadAll(res.Body); err != nil {
		return nil, err
	}
	req, _, fs := soap.Read(res.Header.Get("Content-Type"), "", r.body, soap.Options{})
	if req == nil {
		return nil, fmt.Errorf("HTTP %d: not SOAP: %v", r.status, fs)
	}
	if req.Tree.Local(req.Body) == "Fault" {
		r.fault = req.Tree.Text(req.Body)
		return r, nil
	}
	ack, fs := frame.ReadAck(req.Tree, req.Body)
	if len(fs) > 0 {
		return nil, fmt.Errorf("not an acknowledgement: %v", fs)
	}
	r.ack = ack
	return r, nil
}

// accepted sends a frame that must be accepted.
func (g *gate) accepted(frame []byte) *reply {
	g.t.Helper()
	r := g.send(frame)
	if r.ack == nil || r.ack.Code != "CA" {
		g.t.Fatalf("not accepted: %v", r)
	}
	return r
}

// served gives a document out of the archive.
func (g *gate) served(id string) []byte {
	g.t.Helper()
	d, err := g.Store.Document(context.Background(), everything, id)
	if err != nil {
		g.t.Fatal(err)
	}
	return d.Bytes
}

// signersOf gives the certificates in a document's signatures, to pin them.
func signersOf(t testing.TB, doc []byte) []*x509.Certificate {
	t.Helper()
	tree, err := xmltree.Parse(doc, xmltree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	v := &xmldsig.Verifier{Trust: newTrust(t, trust.Options{}), Now: func() time.Time { return world().Now }}
	var out []*x509.Certificate
	for _, s := range v.Document(tree).Signatures {
		out = append(out, s.Signer)
	}
	return out
}
