package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"portti/gateway"
	"portti/internal/migrate"
	"portti/wsdl/client"

	gowsdl "github.com/hooklift/gowsdl/soap"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
)

type pushFlags struct {
	work, to string
	workers  int
	rate     float64
	windows  []string
	patience time.Duration
	rejected bool
	files    clientTLS
}

func (m *Main) migratePush() *cobra.Command {
	var o pushFlags
	cmd := &cobra.Command{
		Use: "push --work DIR --to URL", Args: cobra.NoArgs, Short: "sends what was built; stop it with Ctrl-C, go on by the same command",
		Example: "  portti migrate push --work migration --to http://127.0.0.1:8080/soap --workers 8\n" +
			"  portti migrate push --work migration --to https://archive/soap --cert c.pem --key c.key --ca ca.pem --window 18:00-06:00 --rate 50",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.work == "" || o.to == "" {
				return usage(errors.New("push needs --work DIR and --to URL"), "portti migrate push --work migration --to http://127.0.0.1:8080/soap")
			}
			return m.withJournal(o.work, func(j *migrate.Journal) error { return m.push(cmd.Context(), o, j) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.work, "work", "", "work `DIR`ectory")
	f.StringVar(&o.to, "to", "", "`URL` of the archive's SOAP door")
	f.IntVar(&o.workers, "workers", 8, "the greatest `NUMBER` of documents under way")
	f.Float64Var(&o.rate, "rate", 0, "the greatest number of documents a second; 0 for no bound")
	f.StringArrayVar(&o.windows, "window", nil, "time of day in which to send, such as 18:00-06:00; may be repeated")
	f.DurationVar(&o.patience, "patience", 10*time.Minute, "give up when the archive has taken nothing for so long")
	f.BoolVar(&o.rejected, "rejected", false, "send again what the archive has rejected, after the cause was mended")
	o.files.flags(f)
	return cmd
}

func (m *Main) push(ctx context.Context, o pushFlags, j *migrate.Journal) error {
	var windows []migrate.Window
	for _, s := range o.windows {
		w, err := migrate.ParseWindow(s)
		if err != nil {
			return usage(err, "")
		}
		windows = append(windows, w)
	}
	connect, err := connector(o.to, o.files, o.workers)
	if err != nil {
		return usage(err, "")
	}
	bar := m.newProgress(false)
	p, err := migrate.Push(ctx, migrate.PushOptions{
		Journal: j, Connect: connect, Workers: o.workers, Rate: o.rate, Windows: windows, Patience: o.patience, Rejected: o.rejected, Now: m.Now, Progress: bar.pushed,
	})
	bar.done()
	fmt.Fprintf(m.Stdout, "%d of %d documents archived, %d rejected, %d to send again; %d answers in %s (%.0f/s), %d retries\n",
		p.Archived, p.Total, p.Rejected, p.Later, p.Sent, p.Elapsed.Round(time.Millisecond), p.PerSecond(), p.Retried)
	switch {
	case errors.Is(err, context.Canceled):
		return system(errors.New("stopped; nothing is lost"), "go on by: "+m.resume())
	case errors.Is(err, migrate.ErrPatience):
		return system(err, "go on by: "+m.resume())
	case errors.Is(err, migrate.ErrJournal):
		return usage(err, "portti migrate build makes one")
	case errors.Is(err, migrate.ErrDoor):
		return system(err, "check --to and --cert, and go on by: "+m.resume())
	case err != nil:
		return system(err, "go on by: "+m.resume())
	case p.Later > 0:
		return system(fmt.Errorf("the archive could not take %d documents now", p.Later), "send them by: "+m.resume())
	}
	return nil
}

// resume is the command line that goes on: this one again. What was rejected and is to be
// sent again is so in the journal by now, so --rejected is left out.
func (m *Main) resume() string {
	words := []string{quoted(m.Program)}
	for _, a := range m.args {
		if name, _, _ := strings.Cut(a, "="); name != "--rejected" {
			words = append(words, quoted(a))
		}
	}
	return strings.Join(words, " ")
}

// plain are the words that a shell takes as they are.
var plain = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

func quoted(s string) string {
	if plain.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// soapTransport sends by the client that is generated from the WSDL.
type soapTransport struct{ c *archiveClient }

// connector makes transports that share connections.
func connector(url string, files clientTLS, workers int) (func() (migrate.Transport, error), error) {
	tc, err := files.config()
	if err != nil {
		return nil, err
	}
	shared := &http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{TLSClientConfig: tc, MaxIdleConnsPerHost: workers, MaxConnsPerHost: workers}}
	return func() (migrate.Transport, error) {
		seen := &recorder{http: shared}
		to := gowsdl.NewClient(url, gowsdl.WithHTTPClient(seen), gowsdl.WithHTTPHeaders(map[string]string{gateway.LaneHeader: "bulk"}))
		return &soapTransport{&archiveClient{client.NewArchive(to), seen}}, nil
	}, nil
}

var errFrame = errors.New("no frame")

// Send implements migrate.Transport. The frame is one of our own: its root declares
// the one namespace that there is, so its inside can stand in the generated element.
func (t *soapTransport) Send(ctx context.Context, framed []byte) (migrate.Reply, error) {
	start, end := bytes.IndexByte(framed, '>'), bytes.LastIndex(framed, []byte("</"))
	if start < 0 || end < start || framed[0] != '<' {
		return migrate.Reply{}, errFrame
	}
	name, _, _ := strings.Cut(string(framed[1:start]), " ")
	err := t.c.call(ctx, name, client.AnyType{InnerXML: string(framed[start+1 : end])}, "XML_1.0")
	if t.c.seen.body == nil && t.c.seen.status == 0 {
		if err == nil {
			err = errNoAnswer
		}
		return migrate.Reply{}, err
	}
	r := migrate.Reply{Status: t.c.seen.status, RetryAfter: retryAfter(t.c.seen.header)}
	a, err := t.c.read()
	switch {
	case err != nil && r.Status == http.StatusOK:
		return r, err
	case err != nil: // an error page of something before the archive
		r.Fault = http.StatusText(r.Status)
		return r, nil
	case a.ack == nil:
		r.Fault = a.fault
		return r, nil
	}
	r.Verdict, r.Acknowledgement = string(a.ack.Code), a.ack.ID.String()
	for _, d := range a.ack.Details {
		if s := d.Severity.String(); s != "info" {
			r.Findings = append(r.Findings, migrate.Finding{Rule: d.Rule, Severity: s, Text: d.Text})
		}
	}
	return r, nil
}

func retryAfter(h http.Header) time.Duration {
	n, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(n) * time.Second
}

// progress shows how far a run is: a bar on a terminal, else a line now and then.
type progress struct {
	w    io.Writer
	bar  *progressbar.ProgressBar
	last time.Time
	text string
	seen bool
}

func (m *Main) newProgress(silent bool) *progress {
	p := &progress{w: m.Stderr, last: time.Now()}
	if silent && !m.Terminal {
		p.w = io.Discard
	}
	if m.Terminal {
		p.bar = progressbar.NewOptions64(-1, progressbar.OptionSetWriter(m.Stderr), progressbar.OptionSetWidth(24), progressbar.OptionThrottle(200*time.Millisecond),
			progressbar.OptionSetElapsedTime(false), progressbar.OptionSetPredictTime(false), progressbar.OptionClearOnFinish())
	}
	return p
}

// linesEvery is how often a run that has no terminal tells where it is.
const linesEvery = 5 * time.Second

func (p *progress) show(done, total int64, text string) {
	if p.bar != nil {
		if total > 0 {
			p.bar.ChangeMax64(total)
		}
		p.bar.Describe(text)
		_ = p.bar.Set64(done) // a terminal that takes no bar is no failure of the run
		return
	}
	p.text = text
	if time.Since(p.last) >= linesEvery {
		fmt.Fprintln(p.w, text)
		p.last, p.seen = time.Now(), true
	}
}

func (p *progress) done() {
	switch {
	case p.bar != nil:
		_ = p.bar.Finish()
	case p.seen:
		fmt.Fprintln(p.w, p.text)
	}
}

func (p *progress) built(b migrate.Built) {
	p.show(b.Rows, -1, fmt.Sprintf("%d rows, %d documents, %d refused, %d duplicates, %.1f MB", b.Rows, b.Documents, b.Refused, b.Duplicates, float64(b.Bytes)/1e6))
}

func (p *progress) pushed(x migrate.Pushed) {
	left := "? left"
	switch r := x.Remaining(); {
	case x.Closed > 0:
		left = "the window opens in " + x.Closed.Round(time.Minute).String()
	case r > 0 || x.Done()+x.Later == x.Total:
		left = r.Round(time.Second).String() + " left"
	}
	p.show(x.Done(), x.Total, fmt.Sprintf("%d/%d archived, %d rejected, %d retries, %.0f/s, %d under way, %s", x.Archived, x.Total, x.Rejected, x.Retried, x.PerSecond(), x.Workers, left))
}
