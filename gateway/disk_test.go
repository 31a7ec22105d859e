//go:build linux

package gateway

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"portti/cda/frame/interactions"
	"portti/fixtures"
	"portti/gateway/soap"
	"portti/store"
	"portti/xmldsig/pki"
)

// limitFiles bounds the size of the files that a process may write, 0 for no bound: a
// write beyond it fails, as on a full disk.
func (v *victim) limitFiles(t *testing.T, n uint64) {
	t.Helper()
	l := syscall.Rlimit{Cur: n, Max: ^uint64(0)}
	if n == 0 {
		l.Cur = l.Max
	}
	_, _, e := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(v.cmd.Process.Pid), syscall.RLIMIT_FSIZE, uintptr(unsafe.Pointer(&l)), 0, 0, 0)
	if e != 0 {
		t.Fatal(e)
	}
}

// ready gives the status and the text of the readiness page.
func (v *victim) ready(t *testing.T) (int, string) {
	t.Helper()
	return get(t, http.DefaultClient, strings.TrimSuffix(v.url, "/soap")+"/readyz")
}

// No room on the disk under a serving gateway: senders are told to send again, askers
// get nothing that is in no log, readiness says so, and when there is room it goes on
// without anybody's help.
func TestARK9_SEC2_AFullDiskIsAnsweredAndPasses(t *testing.T) {
	dir := t.TempDir()
	ca := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(ca, pki.EncodeCertificates(world().Authority.Certificates()...), 0o600); err != nil {
		t.Fatal(err)
	}
	v := startVictim(t, filepath.Join(dir, "archive"), ca)
	before, after := world().Doc("relationship-child"), world().Doc("relationship-mother")
	sends := func(d *fixtures.Document, code string, rules ...string) {
		t.Helper()
		r, err := post(http.DefaultClient, v.url, "text/xml", inEnvelope(soap.NS11, world().Frame(d)))
		if err != nil || r.ack == nil || string(r.ack.Code) != code {
			t.Fatalf("%s: %v %v, want %s", d.Name, r, err, code)
		}
		for _, want := range rules {
			if !strings.Contains(strings.Join(r.rules(), " "), want) {
				t.Errorf("%s: %v, want %s", d.Name, r.rules(), want)
			}
		}
	}
	asks := func(code string) {
		t.Helper()
		a := asking(first(), interactions.QueryMetadata, byClient(world().Client("child")))
		r, err := post(http.DefaultClient, v.url, "text/xml", queryMessage(t, a))
		if err != nil || r.ack == nil || string(r.ack.Code) != code || code != "AA" && strings.Contains(string(r.body), before.OID) {
			t.Errorf("query: %v %v, want %s\n%s", r, err, code, r.body)
		}
	}
	sends(before, "CA")
	asks("AA")
	v.limitFiles(t, 4096)
	for range 2 {
		sends(after, "CR", store.RuleBusy)
		asks("AR")
		if code, text := v.ready(t); code != http.StatusServiceUnavailable || !strings.Contains(text, "writer") {
			t.Errorf("readiness: %d %s", code, text)
		}
	}
	v.limitFiles(t, 0)
	deadline := time.Now().Add(time.Minute)
	for code, text := v.ready(t); code != http.StatusOK; code, text = v.ready(t) {
		if time.Now().After(deadline) {
			t.Fatalf("it does not come back: %d %s", code, text)
		}
		time.Sleep(20 * time.Millisecond)
	}
	sends(after, "CA")
	sends(before, "CA")
	asks("AA")
	v.kill(t)
	st, err := store.Open(context.Background(), store.Options{Dir: filepath.Join(dir, "archive")})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	counts, err := st.Counts(context.Background(), everything)
	if err != nil || counts.Documents != 2 {
		t.Errorf("%+v %v", counts, err)
	}
	if r, err := st.Check(context.Background()); err != nil || !r.OK() {
		t.Errorf("the archive is not sound: %+v %v", r, err)
	}
}
