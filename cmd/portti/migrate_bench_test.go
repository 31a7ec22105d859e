package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"portti/fixtures"
	"portti/xmldsig/pki"
)

// benchRows is how many rows a benchmark's old system has: its own number, or that
// of PORTTI_MIGRATE_ROWS (1000000 for the bound of memory).
func benchRows(b *testing.B, rows int) int {
	if s := os.Getenv("PORTTI_MIGRATE_ROWS"); s != "" {
		var err error
		if rows, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	return rows
}

// benchMigration is an old system with an archive beside it, each program a process.
type benchMigration struct {
	b     *testing.B
	exe   string
	dir   string
	world *fixtures.World
}

func newBenchMigration(b *testing.B, o fixtures.OldOptions) *benchMigration {
	b.Helper()
	exe, err := exec.LookPath("portti")
	if err != nil {
		b.Fatal(err)
	}
	w, err := fixtures.NewWorld("bench", fixtures.Options{Now: time.Now()})
	if err != nil {
		b.Fatal(err)
	}
	m := &benchMigration{b, exe, b.TempDir(), w}
	if _, err := w.WriteOldSystem(filepath.Join(m.dir, "old"), o); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(m.dir, "ca.pem"), pki.EncodeCertificates(w.Authority.Certificates()...), 0o600); err != nil {
		b.Fatal(err)
	}
	return m
}

// run runs portti and gives how long it took and the most memory that it held, in MB.
func (m *benchMigration) run(args ...string) (took time.Duration, memory float64) {
	m.b.Helper()
	cmd := exec.Command(m.exe, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	start := time.Now()
	if err := cmd.Start(); err != nil {
		m.b.Fatal(err)
	}
	held := memoryOf(cmd.Process.Pid)
	if err := cmd.Wait(); err != nil {
		m.b.Fatalf("%v: %v\n%s", args, err, out.Bytes())
	}
	took = time.Since(start)
	m.b.Logf("%s", out.Bytes())
	return took, held()
}

// memoryOf follows a process of its own program until it ends and gives the most memory
// that it held, in MB. (What the system tells of an ended child is never less than its
// parent held when it began.)
func memoryOf(pid int) func() float64 {
	most := make(chan float64, 1)
	go func() {
		var held float64
		for {
			b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			_, rest, found := strings.Cut(string(b), "VmHWM:")
			if err != nil || !found { // it has ended
				most <- held
				return
			}
			kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			held = max(held, kb/1024)
			time.Sleep(50 * time.Millisecond)
		}
	}()
	return func() float64 { return <-most }
}

// build builds and gives the time and memory.
func (m *benchMigration) build(work string) (time.Duration, float64) {
	return m.run("migrate", "build", "--mapping", filepath.Join(m.dir, "old", "mapping.yaml"), "--trust", filepath.Join(m.dir, "ca.pem"), "--work", work)
}

// push starts a gateway with an archive of its own and pushes to it.
func (m *benchMigration) push(work, archive string, workers int) (took time.Duration, pusher, gateway float64) {
	m.b.Helper()
	x := &emptying{exe: m.exe, dir: m.dir, data: archive}
	if err := x.start(); err != nil {
		m.b.Fatal(err)
	}
	held := memoryOf(x.gateway.Process.Pid)
	took, pusher = m.run("migrate", "push", "--work", work, "--to", x.url+"/soap", "--workers", strconv.Itoa(workers))
	if err := x.gateway.Process.Signal(os.Interrupt); err != nil {
		m.b.Fatal(err)
	}
	if err := x.gateway.Wait(); err != nil {
		m.b.Fatal(err)
	}
	return took, pusher, held()
}

// BenchmarkMigration measures a migration end to end, pusher, gateway and archive on
// one machine: documents of about 20 KB, judged, their signatures verified, durable.
// The single-client rate is that of one document at a time.
//
//	go test ./cmd/portti -run '^$' -bench 'Migration$' -benchtime 1x
func BenchmarkMigration(b *testing.B) {
	rows := benchRows(b, 1000)
	m := newBenchMigration(b, fixtures.OldOptions{Rows: rows, Text: 13_500, Clean: true})
	for i := range b.N {
		for _, workers := range []int{8, 1} {
			name := fmt.Sprintf("%d-%d", i, workers)
			built, _ := m.build(filepath.Join(m.dir, "work"+name))
			took, _, _ := m.push(filepath.Join(m.dir, "work"+name), filepath.Join(m.dir, "archive"+name), workers)
			b.ReportMetric(float64(rows)/built.Seconds(), "built/s")
			b.ReportMetric(float64(rows)/took.Seconds(), map[int]string{8: "documents/s", 1: "single-documents/s"}[workers])
		}
	}
}

// BenchmarkMigrationMemory measures the memory of builder, pusher and gateway over
// many rows, one in a thousand near 1 MB. Goal: below 300 MB each at a million rows,
// which take some 30 GB of the disk with the old system.
//
//	PORTTI_MIGRATE_ROWS=1000000 go test ./cmd/portti -run '^$' -bench MigrationMemory -benchtime 1x -timeout 24h
func BenchmarkMigrationMemory(b *testing.B) {
	rows := benchRows(b, 2000)
	m := newBenchMigration(b, fixtures.OldOptions{Rows: rows, Large: 700_000, Every: 1000})
	for i := range b.N {
		work, archive := filepath.Join(m.dir, fmt.Sprint("work", i)), filepath.Join(m.dir, fmt.Sprint("archive", i))
		_, built := m.build(work)
		_, pusher, gateway := m.push(work, archive, 8)
		b.ReportMetric(built, "builder-MB")
		b.ReportMetric(pusher, "pusher-MB")
		b.ReportMetric(gateway, "gateway-MB")
		for name, dir := range map[string]string{"old": filepath.Join(m.dir, "old"), "work": work, "archive": archive} {
			b.ReportMetric(float64(onDisk(b, dir))/float64(rows)/1e3, name+"-KB/row")
		}
	}
}

// onDisk gives how many octets the files of a folder take on the disk.
func onDisk(b *testing.B, dir string) (n int64) {
	b.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if s, ok := info.Sys().(*syscall.Stat_t); ok {
			n += s.Blocks * 512
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return n
}
