package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"portti/cda/rules/catalogue"
	"portti/conformance/cases"
	"portti/conformance/observe"
	"portti/conformance/report"
	"portti/gateway"
	"portti/gateway/pipeline"

	"github.com/spf13/cobra"
)

// newObserver makes an observer for this program.
func (m *Main) newObserver() *observe.Observer {
	return observe.New(observe.Options{Root: m.config.Root, Suite: suiteVersion(), Rules: report.RulesDigest(), Now: m.Now, NewID: m.NewID})
}

// observeTraffic puts an observer around the SOAP door in the test world, where the
// workbench has pages for it. With --observe it has pages on the admin listener too.
func (m *Main) observeTraffic(c *gateway.Config) error {
	switch {
	case m.config.Observe && c.World == pipeline.Production:
		return usage(errors.New("observe is for the test world"), "")
	case m.config.Observe && c.Admin == "":
		return usage(errors.New("observe needs --admin ADDR for its pages"), "portti serve --data DIR --observe --admin 127.0.0.1:8081")
	case c.World == pipeline.Production:
		return nil
	}
	o := m.newObserver()
	c.Traffic, c.Guide = o.Around, &pagesGuide{o}
	if m.config.Observe {
		c.AdminPages = map[string]http.Handler{observe.Prefix: o.Pages()}
	}
	return nil
}

// observedSystem tells whose messages are observed.
type observedSystem struct{ name, certificate, device string }

func (o observedSystem) told() bool { return o.certificate != "" || o.device != "" }

// observeFlags are those of conformance observe.
type observeFlags struct {
	choice
	reporting
	target string
	listen string
	admin  string
	// system is under test; provider is the second one of a registry-use trial.
	system, provider observedSystem
	tls              gateway.TLSFiles
	files            clientTLS
	hold, delay      time.Duration
	limit            time.Duration
}

func (m *Main) conformanceObserve() *cobra.Command {
	var f observeFlags
	cmd := &cobra.Command{
		Use: "observe --target URL", Args: cobra.NoArgs, Short: "stands before an archive and leads a client system through its cases",
		Long: "Passes messages on to the archive, tells what to send next, judges what comes and\n" +
			"answers as the case demands, also by faults. Point the client system at --listen;\n" +
			"what is asked, done and failed stands on the --admin pages and on this terminal.\n" +
			"Ends when every case is done, with exit code 1 where one failed. A registry-use trial\n" +
			"is one of two systems: tell the provider's by --provider-device or -certificate.",
		Example: "  portti conformance observe --target http://127.0.0.1:8080 --listen 127.0.0.1:8090 --profile storing --report report.html\n" +
			"  curl http://127.0.0.1:8091/conformance/",
		RunE: func(cmd *cobra.Command, _ []string) error { return m.observe(cmd.Context(), &f) },
	}
	fs := cmd.Flags()
	f.choice.flags(fs)
	f.reporting.flags(fs)
	f.files.flags(fs)
	fs.StringVar(&f.target, "target", "", "`URL` of the archive behind")
	fs.StringVar(&f.listen, "listen", "127.0.0.1:8090", "`ADDR`ess for the client system")
	fs.StringVar(&f.admin, "admin", "127.0.0.1:8091", "`ADDR`ess of the pages")
	for _, name := range []string{"listen", "admin"} {
		if err := fs.SetAnnotation(name, ownFlag, []string{""}); err != nil {
			panic(err) // the flags were made above
		}
	}
	fs.StringVar(&f.system.certificate, "certificate", "", "observe only messages of this organisation `OID` in the client certificate")
	fs.StringVar(&f.system.device, "device", "", "observe only messages whose frame names this sender `OID`")
	fs.StringVar(&f.provider.certificate, "provider-certificate", "", "registry-use trial: organisation `OID` in the client certificate of the provider's system")
	fs.StringVar(&f.provider.device, "provider-device", "", "registry-use trial: sender `OID` of the provider's system")
	fs.StringVar(&f.provider.name, "provider-name", "", "what the provider's system is called, with its `VERSION`")
	fs.DurationVar(&f.limit, "limit", 0, "time limit; what is open then stays open (0: none)")
	fs.StringVar(&f.tls.Certificate, "serve-certificate", "", "PEM `FILE` of a server certificate: --listen is HTTPS then")
	fs.StringVar(&f.tls.Key, "serve-key", "", "PEM `FILE` of its key")
	fs.StringVar(&f.tls.ClientCA, "serve-client-ca", "", "PEM `FILE` or folder: issuers of client certificates, which are then asked for")
	fs.DurationVar(&f.delay, "delay", 5*time.Second, "how late the knob delay answers")
	fs.DurationVar(&f.hold, "hold", 2*time.Minute, "how long the knob timeout holds a connection")
	return cmd
}

// observe runs until all is done or ctx ends.
func (m *Main) observe(ctx context.Context, f *observeFlags) (err error) {
	if err := f.check(); err != nil {
		return err
	}
	archive, err := f.archive()
	if err != nil {
		return err
	}
	plans, err := f.plans()
	if err != nil {
		return err
	}
	if f.limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.limit)
		defer cancel()
	}
	live := &live{w: io.Discard, lang: m.config.lang(), done: make(chan struct{})}
	if m.config.Format == "text" {
		live.w = m.Stderr
	}
	o := observe.New(observe.Options{
		Root: m.config.Root, Suite: suiteVersion(), Rules: report.RulesDigest(), Now: m.Now, NewID: m.NewID, Delay: f.delay, Hold: f.hold,
		Changed: live.changed,
	})
	live.o = o
	var ids []string
	for _, p := range plans {
		id, err := o.Begin(p)
		if err != nil {
			return usage(err, "portti conformance list --client shows the cases for client systems")
		}
		ids = append(ids, id)
	}
	stop, err := m.observeListen(f, o, archive)
	if err != nil {
		return err
	}
	live.changed()
	select {
	case <-live.done:
	case <-ctx.Done():
	}
	if err := stop(); err != nil {
		return system(err, "")
	}
	out, err := reportOf(o, ids)
	if err != nil {
		return system(err, "")
	}
	return m.finish(out, &f.reporting)
}

// plans are what the flags ask for: one plan, or two where two systems are tested.
func (f *observeFlags) plans() ([]observe.Plan, error) {
	list, err := f.selected(cases.Client)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, usage(errors.New("no case failed in that report"), "leave out --failed for every case")
	}
	f.system.name = f.name
	systems := []observedSystem{f.system}
	ids := make([][]string, 1, 2)
	if f.provider.told() {
		if f.trial != "registry-use" || !f.system.told() {
			return nil, usage(errors.New("two systems are told apart in a registry-use trial"), "--trial registry-use, with --device or --certificate for the organiser's system")
		}
		systems, ids = append(systems, f.provider), append(ids, nil)
	}
	for _, c := range list {
		at := 0
		if len(systems) > 1 && slices.Contains(c.Tags, "provider") {
			at = 1
		}
		ids[at] = append(ids[at], c.ID)
	}
	var out []observe.Plan
	for i, s := range systems {
		if len(ids[i]) > 0 {
			out = append(out, observe.Plan{Name: s.name, Certificate: s.certificate, Device: s.device, Profile: cases.Profile(f.profile), IDs: ids[i], Trial: f.trial})
		}
	}
	return out, nil
}

// reportOf is the report of all sessions in one.
func reportOf(o *observe.Observer, ids []string) (*report.Run, error) {
	out, err := o.Report(ids[0])
	for _, id := range ids[1:] {
		var r *report.Run
		if r, err = o.Report(id); err != nil {
			break
		}
		out.Results = append(out.Results, r.Results...)
		out.Target.Name = strings.Trim(out.Target.Name+" + "+r.Target.Name, "+ ")
		out.Target.Peer += " + " + r.Target.Peer
		if r.Ended.After(out.Ended) {
			out.Ended = r.Ended
		}
	}
	return out, err
}

// live tells on the terminal what is asked for, done and failed, as it changes.
type live struct {
	w    io.Writer
	lang catalogue.Lang
	o    *observe.Observer
	mu   sync.Mutex
	last string
	over bool
	done chan struct{}
}

// changed writes the state where it is another than before.
func (l *live) changed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	for _, s := range l.o.States() {
		s.Write(&b, l.lang)
	}
	if text := b.String(); text != l.last {
		l.last = text
		_, _ = io.WriteString(l.w, text) // a terminal that has gone ends nothing
	}
	if l.o.Done() && !l.over {
		l.over = true
		close(l.done)
	}
}

// archive is the way to the archive behind.
func (f *observeFlags) archive() (http.Handler, error) {
	u, err := url.Parse(f.target)
	if err != nil || u.Host == "" {
		return nil, usage(errors.New("observe needs --target URL"), "portti conformance observe --target http://127.0.0.1:8080")
	}
	tc, err := f.files.config()
	if err != nil {
		return nil, usage(err, "")
	}
	return &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: u.Scheme, Host: u.Host}) },
		Transport: &http.Transport{TLSClientConfig: tc},
	}, nil
}

// observeListen opens both listeners; stop closes them when what is under way is done.
func (m *Main) observeListen(f *observeFlags, o *observe.Observer, archive http.Handler) (stop func() error, err error) {
	traffic := &http.Server{Handler: o.Around(archive), ReadHeaderTimeout: 10 * time.Second}
	scheme := "http"
	if f.tls.Certificate != "" {
		scheme = "https"
		f.tls.Clients = gateway.NoClientCertificates
		if f.tls.ClientCA != "" {
			f.tls.Clients = gateway.RequireClientCertificates
		}
		if traffic.TLSConfig, err = gateway.TLSConfig(f.tls); err != nil {
			return nil, usage(err, "")
		}
	}
	pages := &http.Server{Handler: o.Pages(), ReadHeaderTimeout: 10 * time.Second}
	door, err := net.Listen("tcp", f.listen)
	if err != nil {
		return nil, system(err, "choose another address with --listen, such as 127.0.0.1:0")
	}
	admin, err := net.Listen("tcp", f.admin)
	if err != nil {
		return nil, system(errors.Join(err, door.Close()), "choose another address with --admin, such as 127.0.0.1:0")
	}
	if scheme == "https" {
		go func() { _ = traffic.ServeTLS(door, "", "") }() // ends by Shutdown
	} else {
		go func() { _ = traffic.Serve(door) }()
	}
	go func() { _ = pages.Serve(admin) }()
	fmt.Fprintf(m.Stdout, "client:  %s://%s/soap (archive behind: %s)\nstate:   http://%s%s\n", scheme, door.Addr(), f.target, admin.Addr(), observe.Prefix)
	return func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		return errors.Join(traffic.Shutdown(ctx), pages.Close())
	}, nil
}
