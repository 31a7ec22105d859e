package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"

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

// observeFlags are those of conformance observe.
type observeFlags struct {
	choice
	reporting
	target      string
	listen      string
	admin       string
	certificate string
	device      string
	tls         gateway.TLSFiles
	files       clientTLS
	hold, delay time.Duration
}

func (m *Main) conformanceObserve() *cobra.Command {
	var f observeFlags
	cmd := &cobra.Command{
		Use: "observe --target URL", Args: cobra.NoArgs, Short: "stands before an archive and leads a client system through its cases",
		Long: "Passes messages on to the archive, tells what to send next, judges what comes and\n" +
			"answers as the case demands, also by faults. Point the client system at --listen;\n" +
			"what is asked, done and failed stands on the --admin pages and on this terminal.\n" +
			"Ends when every case is done, with exit code 1 where one failed.",
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
	fs.StringVar(&f.certificate, "certificate", "", "observe only messages of this organisation `OID` in the client certificate")
	fs.StringVar(&f.device, "device", "", "observe only messages whose frame names this sender `OID`")
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
	done := make(chan struct{})
	var once sync.Once
	var o *observe.Observer
	o = observe.New(observe.Options{
		Root: m.config.Root, Suite: suiteVersion(), Rules: report.RulesDigest(), Now: m.Now, NewID: m.NewID, Delay: f.delay, Hold: f.hold,
		Changed: func() {
			if o.Done() {
				once.Do(func() { close(done) })
			}
		},
	})
	p := observe.Plan{Name: f.name, Certificate: f.certificate, Device: f.device, Profile: cases.Profile(f.profile), IDs: f.ids, Tags: f.tags, Trial: f.trial}
	id, err := o.Begin(p)
	if err != nil {
		return usage(err, "portti conformance list --client shows the cases for client systems")
	}
	stop, err := m.observeListen(f, o, archive)
	if err != nil {
		return err
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
	if err := stop(); err != nil {
		return system(err, "")
	}
	out, err := o.Report(id)
	if err != nil {
		return system(err, "")
	}
	return m.finish(out, &f.reporting)
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
