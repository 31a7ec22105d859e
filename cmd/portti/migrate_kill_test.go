package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"portti/fixtures"
	"portti/internal/migrate"
	"portti/internal/share"
	"portti/store"
	"portti/xmldsig/pki"
)

// migrateSize gives rows and kills: 2,000 and 5, or PORTTI_MIGRATE ("20000,50").
func migrateSize(t *testing.T) (rows, kills int) {
	rows, kills = share.Of(2000, 100), share.Of(5, 2)
	if s := os.Getenv("PORTTI_MIGRATE"); s != "" {
		if _, err := fmt.Sscanf(s, "%d,%d", &rows, &kills); err != nil {
			t.Fatal(err)
		}
	}
	return rows, kills
}

// emptying is an old system that is emptied while pusher and gateway are killed. The
// test stands between the two: it counts requests, and strikes at drawn ones.
type emptying struct {
	t          testing.TB
	exe        string
	dir        string
	work, data string
	door       *httptest.Server

	mu       sync.Mutex
	gateway  *exec.Cmd
	url      string
	pusher   *exec.Cmd
	requests int
	strikes  []strike
}

// strike is what happens at a request.
type strike struct {
	at int
	do func(*emptying)
}

// TestMIG1_NothingIsLostOrDoubledWhenKilled: every row of a dirty old system has its
// end, whatever is killed when; the archive holds what it acknowledged, once.
func TestMIG1_NothingIsLostOrDoubledWhenKilled(t *testing.T) {
	rows, kills := migrateSize(t)
	exe, err := exec.LookPath("portti") // testscript's: this very binary
	if err != nil {
		t.Fatal(err)
	}
	w, err := fixtures.NewWorld("migration", fixtures.Options{Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	x := &emptying{t: t, exe: exe, dir: t.TempDir()}
	x.work, x.data = filepath.Join(x.dir, "work"), filepath.Join(x.dir, "archive")
	expected, err := w.WriteOldSystem(filepath.Join(x.dir, "old"), fixtures.OldOptions{Rows: rows})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(x.dir, "ca.pem"), pki.EncodeCertificates(w.Authority.Certificates()...), 0o600); err != nil {
		t.Fatal(err)
	}
	x.build(rows)
	x.door = httptest.NewServer(http.HandlerFunc(x.pass))
	defer x.door.Close()
	x.plan(rows, kills)
	x.serve()
	t.Cleanup(func() { x.kill(x.gateway) })
	x.push(kills)
	x.reconcile(expected)
}

// build makes the documents; it is killed once when half of the rows are done.
func (x *emptying) build(rows int) {
	args := []string{"migrate", "build", "--mapping", filepath.Join(x.dir, "old", "mapping.yaml"), "--trust", filepath.Join(x.dir, "ca.pem"), "--work", x.work}
	first := exec.Command(x.exe, args...)
	if err := first.Start(); err != nil {
		x.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- first.Wait() }()
	for half := false; !half; {
		select {
		case err := <-ended: // quicker than we look: nothing to kill
			if err != nil {
				x.t.Fatal(err)
			}
			return
		default:
			half = x.built() > rows/2
		}
	}
	if err := first.Process.Kill(); err != nil {
		x.t.Fatal(err)
	}
	<-ended // its error is the kill
	if out, err := exec.Command(x.exe, args...).CombinedOutput(); err != nil {
		x.t.Fatalf("build after a kill: %v\n%s", err, out)
	}
}

// built gives how many rows the journal shows to others.
func (x *emptying) built() int {
	n, err := migrate.Peek(x.work)
	if err != nil {
		return 0 // not there yet
	}
	return n
}

// plan draws the moments: kills of pusher and gateway by turns, and one Ctrl-C.
func (x *emptying) plan(rows, kills int) {
	seed := uint64(1)
	if os.Getenv("PORTTI_MIGRATE") != "" {
		seed = uint64(time.Now().UnixNano())
	}
	x.t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 8))
	step := rows / (kills + 1)
	for i := range kills {
		do := (*emptying).killPusher
		if i%2 == 1 {
			do = (*emptying).killGateway
		}
		x.strikes = append(x.strikes, strike{1 + i*step + r.IntN(step), do})
	}
	// Well after the last kill: requests of a killed pusher may still come in.
	x.strikes = append(x.strikes, strike{1 + kills*step + step/2 + r.IntN(step/2), (*emptying).interrupt})
}

// pass hands a request on, and strikes where it is the time: before it is handed on,
// or when its answer is on the way.
func (x *emptying) pass(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the pusher is gone
	}
	x.mu.Lock()
	x.requests++
	var do func(*emptying)
	after := x.requests%2 == 0
	if len(x.strikes) > 0 && x.requests >= x.strikes[0].at {
		do, x.strikes = x.strikes[0].do, x.strikes[1:]
	}
	url := x.url
	x.mu.Unlock()
	if do != nil && !after {
		do(x)
	}
	q, err := http.NewRequestWithContext(r.Context(), http.MethodPost, url+"/soap", bytes.NewReader(body))
	if err != nil {
		x.t.Error(err)
		return
	}
	q.Header = r.Header.Clone()
	res, err := http.DefaultClient.Do(q)
	if do != nil && after {
		do(x)
	}
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer res.Body.Close()
	w.Header().Set("Content-Type", res.Header.Get("Content-Type"))
	w.WriteHeader(res.StatusCode)
	_, _ = io.Copy(w, res.Body) // either end may be killed under it
}

func (x *emptying) kill(c *exec.Cmd) {
	if err := c.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		x.t.Error(err)
	}
}

func (x *emptying) killPusher() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.kill(x.pusher)
}

func (x *emptying) interrupt() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := x.pusher.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		x.t.Error(err)
	}
}

// killGateway kills it and starts it again; requests that come meanwhile find it gone.
func (x *emptying) killGateway() {
	x.mu.Lock()
	old := x.gateway
	x.mu.Unlock()
	x.kill(old)
	_ = old.Wait() // its error is the kill
	x.serve()
}

// serve is start for the test's own archive.
func (x *emptying) serve() {
	if err := x.start(); err != nil {
		x.t.Error(err)
	}
}

var soapAddress = regexp.MustCompile(`SOAP: +(http://[0-9.:]+)/soap`)

// start starts the gateway and reads where it listens.
func (x *emptying) start() error {
	cmd := exec.Command(x.exe, "serve", "--data", x.data, "--trust", filepath.Join(x.dir, "ca.pem"), "--listen", "127.0.0.1:0")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return err
	}
	var printed strings.Builder
	for b := make([]byte, 1024); ; {
		n, err := out.Read(b)
		printed.Write(b[:n])
		if m := soapAddress.FindStringSubmatch(printed.String()); m != nil {
			x.mu.Lock()
			x.gateway, x.url = cmd, m[1]
			x.mu.Unlock()
			go func() { _, _ = io.Copy(io.Discard, out) }() // ends with the process
			return nil
		}
		if err != nil {
			return fmt.Errorf("the gateway ended: %w: %s", err, printed.String())
		}
	}
}

// push runs pushers until one ends by itself. One that was stopped by Ctrl-C is gone
// on with by the very command that it prints.
func (x *emptying) push(kills int) {
	args := []string{"migrate", "push", "--work", x.work, "--to", x.door.URL + "/soap", "--workers", "8"}
	resumed := false
	for range kills + 5 {
		var out, errs bytes.Buffer
		cmd := exec.Command(x.exe, args...)
		cmd.Stdout, cmd.Stderr = &out, &errs
		x.mu.Lock()
		err := cmd.Start()
		x.pusher = cmd
		x.mu.Unlock()
		if err != nil {
			x.t.Fatal(err)
		}
		err = cmd.Wait()
		x.t.Logf("%v: %s", err, out.String())
		if err == nil {
			if !resumed {
				x.t.Error("no pusher was stopped by Ctrl-C")
			}
			return
		}
		if _, line, found := strings.Cut(errs.String(), "go on by: portti "); found && cmd.ProcessState.ExitCode() == exitSystem {
			args, resumed = strings.Fields(line), true
		}
	}
	x.t.Fatal("the pusher never came to an end")
}

func (x *emptying) reconcile(expected []fixtures.OldRow) {
	x.mu.Lock()
	url, gateway := x.url, x.gateway
	x.mu.Unlock()
	if len(x.strikes) > 0 {
		x.t.Errorf("%d strikes were never made (%d requests)", len(x.strikes), x.requests)
	}
	if out, err := exec.Command(x.exe, "migrate", "report", "--work", x.work, "--reconcile", url+"/soap").CombinedOutput(); err != nil {
		x.t.Errorf("report: %v\n%s", err, out)
	} else {
		x.t.Logf("%s", out)
	}
	if out, err := exec.Command(x.exe, "migrate", "report", "--work", x.work, "--reconcile", url+"/soap", "--by", "resend").CombinedOutput(); err != nil {
		x.t.Errorf("report: %v\n%s", err, out)
	}
	got, made := records(x.t, x.work)
	asExpected(x.t, expected, got, "archived")
	temporary := map[string]string{}
	archived := len(made)
	for _, r := range made {
		if r.State != "archived" {
			x.t.Errorf("%+v", r)
		}
	}
	if err := gateway.Process.Signal(os.Interrupt); err != nil {
		x.t.Fatal(err)
	}
	if err := gateway.Wait(); err != nil {
		x.t.Fatal(err)
	}
	proven, err := exec.Command(x.exe, "migrate", "report", "--work", x.work, "--archive", x.data).CombinedOutput()
	if err != nil || !bytes.Contains(proven, []byte("(inclusion proof): Complete")) {
		x.t.Errorf("report by proofs: %v\n%s", err, proven)
	}
	st, err := store.Open(context.Background(), store.Options{Dir: x.data, Master: store.KeyFile(x.data + ".key")})
	if err != nil {
		x.t.Fatal(err)
	}
	defer st.Close()
	for _, want := range expected {
		if want.Want != "" {
			continue
		}
		archived++
		x.holds(st, want, got[want.Line], temporary)
	}
	counts, err := st.Counts(context.Background(), store.Scope{All: true, Purpose: "test"})
	if err != nil {
		x.t.Fatal(err)
	}
	if counts.Documents != int64(archived) {
		x.t.Errorf("the archive has %d documents, want %d", counts.Documents, archived)
	}
}

var temporaryID = regexp.MustCompile(`<id root="(1\.2\.246\.10\.[0-9.]+\.22\.[0-9]+)" extension="([^"]+)"`)

// holds looks at one document in the archive, and at the stability of temporary ids.
func (x *emptying) holds(st *store.Store, want fixtures.OldRow, r migrate.Record, temporary map[string]string) {
	d, err := st.Document(context.Background(), store.Scope{All: true, Purpose: "test"}, r.Document)
	if err != nil {
		x.t.Errorf("row %d: %v", want.Line, err)
		return
	}
	m := temporaryID.FindSubmatch(d.Bytes)
	switch {
	case want.Temporary != (m != nil):
		x.t.Errorf("row %s: temporary id %q, want one: %t", strconv.FormatInt(want.Line, 10), m, want.Temporary)
	case m != nil && temporary[want.Person] == "":
		temporary[want.Person] = string(m[2])
	case m != nil && temporary[want.Person] != string(m[2]):
		x.t.Errorf("client %s has the temporary ids %s and %s", want.Person, temporary[want.Person], m[2])
	case m == nil && !bytes.Contains(d.Bytes, []byte(want.Person)) && strings.Contains(want.Person, "-") && len(want.Person) == 11:
		x.t.Errorf("row %d is not %s's", want.Line, want.Person)
	}
}
