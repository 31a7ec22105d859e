package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"portti/cda"
	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/fixtures"
)

const (
	// samples are how many documents, and as many queries, a block measures, one of each
	// every sampleEvery.
	samples     = 200
	sampleEvery = 40 * time.Millisecond
	// lately is how far back a query looks: some hundred documents.
	lately = 4 * time.Second
	// warmUp is how long a migration runs before a block is measured beside it.
	warmUp = 2 * time.Second
	// mostMigrated is how many rows of the old system a second of a block may take; there
	// are nearly twice as many documents.
	mostMigrated = 400
)

// BenchmarkInteractiveDuringMigration measures what another client feels of a migration
// at full speed over the wire: gateway and pusher are processes of their own on this
// machine (the pusher, which stands elsewhere in life, takes the processor that nobody
// else wants), the client archives a 20 KB document and asks for the metadata of a
// client's newest hundred documents 25 times a second. Each op is a pair of blocks,
// without and with the migration, in changing order; the ratio is the median over the
// pairs of the ratios of their 99th percentiles (goal: at most 1.5).
//
//	go test ./cmd/portti -run '^$' -bench InteractiveDuringMigration -benchtime 10x -timeout 60m
func BenchmarkInteractiveDuringMigration(b *testing.B) {
	rows := int((samples*sampleEvery + warmUp).Seconds()) * mostMigrated * b.N
	m := newBenchMigration(b, fixtures.OldOptions{Rows: rows, Text: 13_500, Clean: true})
	work := filepath.Join(ownDisk(b, m.dir), "work")
	m.build(work)
	x := &emptying{t: b, exe: m.exe, dir: m.dir, data: filepath.Join(m.dir, "archive")}
	if err := x.start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { x.kill(x.gateway) })
	c := &interactive{b: b, w: m.world, url: x.url + "/soap", documents: map[bool][]time.Duration{}, queries: map[bool][]time.Duration{}}
	c.prepare()
	syscall.Sync() // what building wrote is not to be waited for in the first block
	b.ResetTimer()
	var documents, queries []float64
	for i := range b.N {
		var d, q [2]time.Duration // without, with
		for _, with := range [2]int{i % 2, 1 - i%2} {
			stop := func() {}
			if with == 1 {
				stop = c.migrate(m.exe, work)
			}
			d[with], q[with] = c.block(with == 1)
			stop()
		}
		documents, queries = append(documents, float64(d[1])/float64(d[0])), append(queries, float64(q[1])/float64(q[0]))
		b.Logf("documents %v alone, %v beside; queries %v, %v", d[0], d[1], q[0], q[1])
	}
	b.StopTimer()
	c.report()
	slices.Sort(documents)
	slices.Sort(queries)
	b.ReportMetric(documents[len(documents)/2], "ratio")
	b.ReportMetric(queries[len(queries)/2], "query-ratio")
	b.ReportMetric(c.migrated/c.migrating, "migrated/s")
	if err := x.gateway.Process.Signal(os.Interrupt); err != nil {
		b.Fatal(err)
	}
	if err := x.gateway.Wait(); err != nil {
		b.Fatal(err)
	}
}

// ownDisk gives a folder in memory where there is one: a pusher stands elsewhere, and
// its writing is not to be felt on the archive's disk.
func ownDisk(b *testing.B, otherwise string) string {
	dir, err := os.MkdirTemp("/dev/shm", "portti")
	if err != nil {
		return otherwise
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// interactive is a client beside migrations; its times are by whether one ran.
type interactive struct {
	b                   *testing.B
	w                   *fixtures.World
	url                 string
	serial              int64
	documents, queries  map[bool][]time.Duration
	migrated, migrating float64
}

// prepare archives what the measured documents belong to.
func (c *interactive) prepare() {
	for _, d := range c.w.Documents {
		if d.Group == fixtures.GroupRelationship || d.Group == fixtures.GroupCase {
			c.send(inEnvelope(c.w.Frame(d)), `typeCode="CA"`)
		}
	}
}

// block gives the 99th percentiles of a block's documents and queries.
func (c *interactive) block(beside bool) (documents, queries time.Duration) {
	var ds, qs []time.Duration
	for range samples {
		c.serial++
		d, err := c.w.Sized(20_000, 7_000_000+c.serial)
		if err != nil {
			c.b.Fatal(err)
		}
		body, query := inEnvelope(c.w.Frame(d)), c.query()
		start := time.Now()
		ds = append(ds, c.send(body, `typeCode="CA"`))
		time.Sleep(sampleEvery/2 - time.Since(start))
		qs = append(qs, c.send(query, `typeCode="AA"`))
		time.Sleep(sampleEvery - time.Since(start))
	}
	c.documents[beside], c.queries[beside] = append(c.documents[beside], ds...), append(c.queries[beside], qs...)
	return percentile(ds, 99), percentile(qs, 99)
}

func percentile(ds []time.Duration, p int) time.Duration {
	ds = slices.Sorted(slices.Values(ds))
	return ds[len(ds)*p/100]
}

// query asks for the newest documents of a client, of those that came lately: all that
// are measured are this one client's, which is soon more than clients have.
func (c *interactive) query() []byte {
	org, p := c.w.Organisations[0], c.w.Professionals[0]
	root, id := c.w.Client("child").ID()
	c.serial++
	var out bytes.Buffer
	err := frame.WriteQuery(&out, frame.Ask{
		Quantity: 20,
		Options: frame.Options{
			MessageID: cda.ID{Root: org.OID, Extension: strconv.FormatInt(900_000+c.serial, 10)}, CreationTime: time.Now(), Sender: org.OID,
			Operation: interactions.QueryMetadata,
			User: frame.User{
				ID: cda.ID{Root: cda.RootHetu, Extension: p.Hetu}, Name: cda.Name{Family: []string{p.Family}, Given: []string{p.Given}},
				Organization: cda.Organization{ID: cda.ID{Root: org.Units[0].OID}},
			},
		},
		Params: []frame.AskParam{
			{Field: interactions.FieldClient, Root: root, Value: id},
			{Field: interactions.FieldArrived, From: time.Now().Add(-lately), Until: time.Now().Add(time.Minute)},
		},
	})
	if err != nil {
		c.b.Fatal(err)
	}
	return inEnvelope(out.Bytes())
}

// send sends a message and gives how long its answer, which must hold want, took.
func (c *interactive) send(body []byte, want string) time.Duration {
	start := time.Now()
	res, err := http.Post(c.url, "text/xml", bytes.NewReader(body))
	if err != nil {
		c.b.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	took := time.Since(start)
	if err != nil || !bytes.Contains(answer, []byte(want)) {
		c.b.Fatalf("%v: %s", err, answer)
	}
	return took
}

var answers = regexp.MustCompile(`(\d+) answers in ([0-9.]+m?[0-9.]*s)`)

// migrate starts a pusher and waits until it is at full speed; stop is its Ctrl-C.
func (c *interactive) migrate(exe, work string) (stop func()) {
	cmd := exec.Command("nice", "-n", "19", exe, "migrate", "push", "--work", work, "--to", c.url)
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		c.b.Fatal(err)
	}
	time.Sleep(warmUp)
	return func() {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			c.b.Fatal(err)
		}
		if err := cmd.Wait(); err == nil {
			c.b.Fatalf("the old system was empty before the end: %s", out.String())
		}
		n := answers.FindStringSubmatch(out.String())
		if n == nil {
			c.b.Fatal(out.String())
		}
		sent, _ := strconv.ParseFloat(n[1], 64)
		took, err := time.ParseDuration(n[2])
		if err != nil {
			c.b.Fatal(err)
		}
		c.migrated, c.migrating = c.migrated+sent, c.migrating+took.Seconds()
	}
}

func (c *interactive) report() {
	for beside, when := range map[bool]string{false: "alone", true: "beside"} {
		for what, ds := range map[string][]time.Duration{"": c.documents[beside], "query-": c.queries[beside]} {
			for _, p := range []int{50, 99} {
				c.b.ReportMetric(float64(percentile(ds, p).Microseconds())/1000, when+"-"+what+"p"+strconv.Itoa(p)+"-ms")
			}
		}
	}
}
