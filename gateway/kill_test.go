package gateway

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"portti/cda/frame/interactions"
	"portti/cda/rules/catalogue"
	"portti/fixtures"
	"portti/gateway/logs"
	"portti/gateway/pipeline"
	"portti/gateway/soap"
	"portti/internal/browser"
	"portti/store"
	"portti/xmldsig/pki"
	"portti/xmldsig/trust"

	"github.com/rs/zerolog"
)

// The variables by which the test starts itself as a gateway of its own process.
const (
	envData = "PORTTI_TEST_DATA"
	envCA   = "PORTTI_TEST_CA"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(envData); dir != "" {
		serveForKilling(dir, os.Getenv(envCA))
	}
	os.Exit(browser.Tests{M: m}.Run())
}

// serveForKilling is the process that is killed: it prints its address and serves.
func serveForKilling(dir, ca string) {
	signal.Ignore(syscall.SIGXFSZ) // a write beyond the bound of files is to fail, not to end the process
	tr, err := trust.New(trust.Options{Anchors: []string{ca}})
	if err != nil {
		panic(err)
	}
	var n atomic.Int64
	g, err := Open(context.Background(), Config{
		Data: dir, Profile: catalogue.Strict, World: pipeline.Test, Lang: catalogue.English, Trust: tr,
		Root: "1.2.246.10.99999901.10.1.18", Owner: "unidentified", Listen: "127.0.0.1:0", Log: zerolog.Nop(),
		Now: func() time.Time { return fixtures.DefaultNow }, NewID: func() string { return fmt.Sprint(n.Add(1)) },
	})
	if err != nil {
		panic(err)
	}
	if err := g.Start(); err != nil {
		panic(err)
	}
	fmt.Println(g.Addr())
	select {}
}

// victim is a gateway process.
type victim struct {
	cmd *exec.Cmd
	url string
}

func startVictim(t *testing.T, dir, ca string) *victim {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envData+"="+dir, envCA+"="+ca)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 64)
	n, err := out.Read(line)
	if err != nil && err != io.EOF {
		t.Fatal(err)
	}
	v := &victim{cmd, "http://" + strings.TrimSpace(string(line[:n])) + "/soap"}
	t.Cleanup(func() { v.kill(t) })
	return v
}

// kill ends the process as a power cut would end it.
func (v *victim) kill(t *testing.T) {
	t.Helper()
	if v.cmd.ProcessState != nil {
		return
	}
	if err := v.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = v.cmd.Wait() // its error is the kill
}

// kills is how often the process is killed: 20 times, or PORTTI_TORTURE. With the 20 of
// the store's own test (store/kill_test.go) that makes the 40 kills of every full test run.
func kills(t *testing.T) int {
	n := 20
	if s := os.Getenv("PORTTI_TORTURE"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// torture is the state across kills.
type torture struct {
	t     *testing.T
	dir   string
	ca    string
	rand  *rand.Rand
	next  int64
	mu    sync.Mutex
	acked map[string]*fixtures.Document // by id: what was acknowledged
	told  map[string]string             // by id: with which rules
	open  map[string]*fixtures.Document // sent, not known to be acknowledged
	asked map[string]bool               // ids of queries that were answered; true once their log was seen
}

// kill -9 of the gateway under load: what was acknowledged is there, once, byte for
// byte; what is sent again gets its first answer; each query that was answered has its
// log, and everything holds together (Check: no log without its deed, no deed without
// its log, no leaf without either).
func TestARK11_LOG1_NothingIsLostByKillOfTheGateway(t *testing.T) {
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pki.EncodeCertificates(world().Authority.Certificates()...), 0o600); err != nil {
		t.Fatal(err)
	}
	seed := uint64(1)
	if os.Getenv("PORTTI_TORTURE") != "" { // the long form strikes at other moments each time
		seed = uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
	}
	x := &torture{
		t: t, dir: filepath.Join(t.TempDir(), "archive"), ca: ca, rand: rand.New(rand.NewPCG(seed, 2)), next: 5_000_000,
		acked: map[string]*fixtures.Document{}, told: map[string]string{}, open: map[string]*fixtures.Document{},
		asked: map[string]bool{},
	}
	for i := range kills(t) {
		x.round()
		x.inspect(i)
	}
	t.Logf("%d documents were acknowledged, %d sent without answer; %d queries were answered", len(x.acked), len(x.open), len(x.asked))
	if len(x.acked) == 0 || len(x.asked) == 0 {
		t.Error("nothing was acknowledged or answered: nothing was tested")
	}
	x.resend()
}

// round serves under load until a kill strikes between any two answers.
func (x *torture) round() {
	v := startVictim(x.t, x.dir, x.ca)
	const senders, most = 4, 24
	left := atomic.Int64{}
	left.Store(1 + x.rand.Int64N(most-8))
	docs := x.documents(most)
	queue := make(chan *fixtures.Document, len(docs))
	for _, d := range docs {
		queue <- d
	}
	close(queue)
	strike := make(chan struct{})
	var group sync.WaitGroup
	for range senders {
		group.Go(func() {
			for d := range queue {
				x.deliver(v.url, d)
				if left.Add(-1) == 0 {
					close(strike)
				}
			}
		})
	}
	dead := make(chan struct{})
	group.Go(func() {
		for x.ask(v.url, dead) {
		}
	})
	<-strike
	v.kill(x.t)
	close(dead)
	group.Wait()
}

// ask asks for a client's documents and notes what was answered; false once the gateway
// is dead.
func (x *torture) ask(url string, dead <-chan struct{}) bool {
	a := asking(first(), interactions.QueryMetadata, byClient(world().Client("child")))
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	r, err := post(c, url, "text/xml", queryMessage(x.t, a))
	switch {
	case err != nil:
		select {
		case <-dead:
			return false
		case <-time.After(time.Millisecond):
			return true
		}
	case r.ack == nil || r.ack.Code != "AA":
		x.t.Errorf("query: %v", r)
		return false
	default:
		x.mu.Lock()
		defer x.mu.Unlock()
		x.asked[a.MessageID.String()] = false
		return true
	}
}

// documents makes documents that no archive has seen; a sender that got no answer
// sends the same again.
func (x *torture) documents(n int) []*fixtures.Document {
	x.t.Helper()
	var out []*fixtures.Document
	for _, d := range x.open {
		if len(out) < n/4 {
			out = append(out, d)
		}
	}
	for len(out) < n {
		x.next++
		// Of one client after another: nobody has thousands of relationships.
		w := world()
		s := w.RelationshipSpec(w.Relationships[int(x.next)%len(w.Relationships)])
		s.Serial = x.next
		d, err := w.Build(s)
		if err != nil {
			x.t.Fatal(err)
		}
		out = append(out, d)
	}
	return out
}

// deliver sends one document and notes what became of it.
func (x *torture) deliver(url string, d *fixtures.Document) {
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	r, err := post(c, url, "text/xml", inEnvelope(soap.NS11, world().Frame(d)))
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case err != nil:
		if x.acked[d.OID] == nil {
			x.open[d.OID] = d
		}
	case r.ack == nil || r.ack.Code != "CA":
		x.t.Errorf("%s: %v", d.OID, r)
	default:
		rules := strings.Join(r.rules(), " ")
		if before, known := x.told[d.OID]; known && before != rules {
			x.t.Errorf("%s was answered %q, now %q", d.OID, before, rules)
		}
		x.acked[d.OID], x.told[d.OID] = d, rules
		delete(x.open, d.OID)
	}
}

// inspect opens the archive that the kill left behind: everything acknowledged is
// there, once, byte for byte, and every page and proof is sound.
func (x *torture) inspect(round int) {
	x.t.Helper()
	ctx := context.Background()
	st, err := store.Open(ctx, store.Options{Dir: x.dir})
	if err != nil {
		x.t.Fatalf("after kill %d: %v", round+1, err)
	}
	defer st.Close()
	for id, d := range x.acked {
		got, err := st.Document(ctx, everything, id)
		if err != nil || !bytes.Equal(got.Bytes, d.Bytes) {
			x.t.Fatalf("after kill %d: %s was acknowledged and is lost or damaged: %v", round+1, id, err)
		}
		if series, err := st.Series(ctx, everything, d.SetID); err != nil || len(series) != 1 {
			x.t.Fatalf("after kill %d: %s stands %d times: %v", round+1, id, len(series), err)
		}
	}
	x.wantLogged(st, round)
	counts, err := st.Counts(ctx, everything)
	if err != nil {
		x.t.Fatal(err)
	}
	if n := counts.Documents; n < int64(len(x.acked)) || n > int64(len(x.acked)+len(x.open)) {
		x.t.Fatalf("after kill %d: %d documents, %d acknowledged, %d open", round+1, n, len(x.acked), len(x.open))
	}
}

// wantLogged demands the log row of every query that was answered.
func (x *torture) wantLogged(st *store.Store, round int) {
	x.t.Helper()
	for next := ""; ; {
		p, err := st.SearchUsage(context.Background(), everything, store.LogFilter{Action: "search"}, 1000, next)
		if err != nil {
			x.t.Fatal(err)
		}
		for _, e := range p.Entries {
			if id := logs.ReadDetail(e.Detail).Message; x.has(id) {
				x.asked[id] = true
			}
		}
		if next = p.Next; next == "" {
			break
		}
	}
	for id, logged := range x.asked {
		if !logged {
			x.t.Fatalf("after kill %d: query %s was answered and is in no log", round+1, id)
		}
	}
}

func (x *torture) has(id string) bool { _, ok := x.asked[id]; return ok }

// resend sends everything once more: same answer, nothing doubled.
func (x *torture) resend() {
	v := startVictim(x.t, x.dir, x.ca)
	all := map[string]*fixtures.Document{}
	for id, d := range x.acked {
		all[id] = d
	}
	for id, d := range x.open {
		all[id] = d
	}
	for _, d := range all {
		x.deliver(v.url, d)
	}
	if len(x.acked) != len(all) {
		x.t.Errorf("%d of %d are acknowledged after all is sent again", len(x.acked), len(all))
	}
	v.kill(x.t)
	x.inspect(kills(x.t))
	st, err := store.Open(context.Background(), store.Options{Dir: x.dir})
	if err != nil {
		x.t.Fatal(err)
	}
	defer st.Close()
	report, err := st.Check(context.Background())
	if err != nil {
		x.t.Fatal(err)
	}
	if !report.OK() {
		x.t.Errorf("the archive is not sound: %+v", report)
	}
}
