package store

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	ctlA = "1.2.246.10.99999901.19.1"
	ctlB = "1.2.246.10.99999902.19.1"
	cli1 = "010181-900C"
	cli2 = "020282-901X"
)

var (
	bg   = context.Background()
	inA  = Scope{Controllers: []string{ctlA}, Purpose: "test"}
	inB  = Scope{Controllers: []string{ctlB}, Purpose: "test"}
	all  = Scope{All: true, Purpose: "test"}
	noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
)

// testMaster is a master key; sealed makes an archive encrypted.
var testMaster = Key([]byte("0123456789abcdef0123456789abcdef"))

func sealed(o *Options) { o.Master = testMaster }

// clock is a settable clock.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(time.Millisecond)
	return c.t
}

func (c *clock) set(t time.Time) { c.mu.Lock(); c.t = t; c.mu.Unlock() }

// open opens an archive in a new directory and closes it with the test.
func open(tb testing.TB, opts ...func(*Options)) *Store {
	tb.Helper()
	return openIn(tb, tb.TempDir(), opts...)
}

func openIn(tb testing.TB, dir string, opts ...func(*Options)) *Store {
	tb.Helper()
	o := Options{Dir: dir, Now: (&clock{t: noon}).now, CheckpointEvery: -1}
	for _, f := range opts {
		f(&o)
	}
	s, err := Open(bg, o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
		wantNoOpenFiles(tb, dir)
	})
	return s
}

// wantNoOpenFiles wants no file below dir left open by this process: a forgotten
// connection would hold locks.
func wantNoOpenFiles(tb testing.TB, dir string) {
	tb.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return // no such file system
	}
	for _, fd := range fds {
		if path, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && strings.HasPrefix(path, dir) {
			tb.Errorf("%s is still open", path)
		}
	}
}

// body makes a document of size bytes, the same for the same id.
func body(id string, size int) []byte {
	r := rand.New(rand.NewPCG(uint64(len(id)), hash64(id)))
	b := fmt.Appendf(nil, "<ClinicalDocument><id root=%q/>", id)
	for len(b) < size {
		if r.IntN(2) == 0 {
			b = fmt.Appendf(b, "<entry code=\"%d\">asiakassuunnitelma</entry>", r.IntN(1000))
		} else {
			b = fmt.Appendf(b, "%016x%016x%016x", r.Uint64(), r.Uint64(), r.Uint64())
		}
	}
	return b[:max(size, 40)]
}

func hash64(s string) (h uint64) {
	h = 14695981039346656037
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// doc is a first version of controller A's, ready to archive.
func doc(id string) Archival { return docSize(id, 500) }

func docSize(id string, size int) Archival {
	b := body(id, size)
	return Archival{
		ID: id, SetID: id, Version: 1, Controller: ctlA, Register: "1",
		Document: b, Frame: frameOf(b, 76, "\n"), Facts: []byte("SP1"),
		Index: Index{Clients: []string{cli1}, Author: "99900000001", Group: "5", GeneralType: "15", SpecificType: "15007",
			Phase: "II", Tasks: []string{"24"}, Process: "3", Case: "1.2.246.10.99999901.96.1", Unit: ctlA + ".10",
			Organiser: ctlA, Effective: noon, Language: "fi", Format: "2", Summary: []byte(`{"title":"x"}`)},
		Message: Message{ID: "m-" + id, Device: "1.2.246.10.99999901.18.7", Owner: ctlA, Interaction: "RCMR_IN200002FI01",
			ServiceRequest: "SP1", Answer: Answer{Verdict: "CA", Acknowledgement: []byte("<ack/>"), Findings: []byte("[]")},
			Timings: []byte(`{"parse":60}`)},
		Usage: []Usage{{DataController: ctlA, LogController: ctlA, Client: cli1, User: "99900000001", UserName: "Testi Työntekijä",
			System: "1.2.246.10.99999901.18.7", DocumentID: id, Action: "archive", Purpose: "1"}},
	}
}

// frameOf puts a document into a frame as base64 lines; line 0 is one long line.
func frameOf(document []byte, line int, eol string) []byte {
	b := []byte("<text>MIME-Version: 1.0\n\n")
	text := base64.StdEncoding.EncodeToString(document)
	for line > 0 && len(text) > line {
		b = append(append(b, text[:line]...), eol...)
		text = text[line:]
	}
	return append(append(b, text...), "\n--b--</text>"...)
}

// next is a version that replaces a.
func next(a Archival, id string) Archival {
	n := docSize(id, 500)
	n.SetID, n.Version, n.Replaces, n.Index, n.Controller = a.SetID, a.Version+1, a.ID, a.Index, a.Controller
	return n
}

func archive(tb testing.TB, s *Store, a Archival) Outcome {
	tb.Helper()
	out, err := s.Archive(bg, a)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func mustArchive(tb testing.TB, s *Store, a Archival) Outcome {
	tb.Helper()
	out := archive(tb, s, a)
	if out.Kind != Archived {
		tb.Fatalf("not archived: %+v", out)
	}
	return out
}

func refused(tb testing.TB, s *Store, a Archival, rules ...string) Outcome {
	tb.Helper()
	out := archive(tb, s, a)
	var have []string
	for _, f := range out.Findings {
		have = append(have, f.Rule)
	}
	if out.Kind != Refused || strings.Join(have, " ") != strings.Join(rules, " ") {
		tb.Fatalf("outcome %d with %v, want refusal by %v", out.Kind, have, rules)
	}
	return out
}

func wantErr(tb testing.TB, err error, kind Kind) {
	tb.Helper()
	if !errors.Is(err, kind) {
		tb.Fatalf("error %v, want kind %q", err, kind)
	}
}

func wantBytes(tb testing.TB, s *Store, a Archival) {
	tb.Helper()
	d, err := s.Document(bg, all, a.ID)
	if err != nil {
		tb.Fatal(err)
	}
	if !bytes.Equal(d.Bytes, a.Document) {
		tb.Fatalf("document %s comes back changed", a.ID)
	}
}

// count gives a number from the database, for what the API does not show.
func count(tb testing.TB, s *Store, q string, args ...any) (n int64) {
	tb.Helper()
	if err := s.read.QueryRow(q, args...).Scan(&n); err != nil {
		tb.Fatal(err)
	}
	return n
}

// id makes a document id.
func id(n int) string { return fmt.Sprintf("1.2.246.10.99999901.95777.2026.%d", n) }

// tryDeed tries a deed again until it succeeds or patience ends.
func tryDeed(s *Store, deed func(*Store) error, patience time.Duration) error {
	deadline := time.Now().Add(patience)
	for {
		err := deed(s)
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
}
