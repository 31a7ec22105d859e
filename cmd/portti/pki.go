package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"portti/internal/tsa"
	"portti/xmldsig/pki"

	"github.com/spf13/cobra"
)

const pkiWarning = "Test keys only: every key follows from the seed, so who knows the seed knows the keys."

func (m *Main) pkiCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "pki", Short: "a test certificate authority in the shape of the national one",
		Long: "A certificate authority for development, in the shape of the national one: a root, and\n" +
			"issuers of system, professional and TLS certificates, with revocation lists and OCSP.\n" + pkiWarning,
		Example: "  portti pki init ca --base-url http://127.0.0.1:8090\n" +
			"  portti pki issue ca --name system --kind system --oid 1.2.246.10.99999901.10.0 --organisation Esimerkki --system Portti\n" +
			"  portti pki issue ca --name pro --kind professional --number 99900000011 --given Aino-Testi --family Kuvitelma\n" +
			"  portti pki issue ca --name bad --kind system --oid 1.2.246.10.99999901.10.0 --organisation Esimerkki --system Portti --fault expired\n" +
			"  portti pki serve ca --listen 127.0.0.1:8090",
	}
	cmd.AddCommand(m.pkiInit(), m.pkiIssue(), m.pkiRevoke(), m.pkiShow(), m.pkiServe())
	return cmd
}

func (m *Main) pkiInit() *cobra.Command {
	var o pki.Options
	var leaf, authority string
	cmd := &cobra.Command{
		Use: "init DIR", Short: "makes an authority in DIR", Args: cobra.ExactArgs(1),
		Example: "  portti pki init ca",
		RunE: func(_ *cobra.Command, args []string) error {
			o.Now, o.Algorithm, o.AuthorityAlgorithm = m.Now(), pki.Algorithm(leaf), pki.Algorithm(authority)
			if _, err := pki.Init(args[0], o); err != nil {
				return usage(err, "portti pki init DIR, where DIR is missing or empty")
			}
			if m.config.Format == "json" {
				return m.pkiPrint(args[0])
			}
			fmt.Fprintf(m.Stdout, "authority: %s (%s)\ntrust it: portti verify --trust %s …\n", args[0], "test keys only", filepath.Join(args[0], "anchors.pem"))
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Seed, "seed", "portti", "what every key and serial number follows from")
	f.StringVar(&o.Name, "name", "", "the authority's `NAME` (O of its subjects)")
	f.StringVar(&o.BaseURL, "base-url", "", "where lists and OCSP will be served (see portti pki serve)")
	f.StringVar(&leaf, "algorithm", "", "keys of what is issued: "+algorithms+" (default rsa2048)")
	f.StringVar(&authority, "authority-algorithm", "", "keys of root and issuers (default rsa2048)")
	return cmd
}

const algorithms = "rsa2048, rsa3072, rsa4096, p256 or p384"

func (m *Main) pkiIssue() *cobra.Command {
	var r pki.Request
	var kind, fault, algorithm string
	cmd := &cobra.Command{
		Use: "issue DIR --name NAME --kind KIND", Short: "issues a certificate, a faulty one on demand", Args: cobra.ExactArgs(1),
		Example: "  portti pki issue ca --name system --kind system --oid 1.2.246.10.99999901.10.0 --organisation Esimerkki --system Portti\n" +
			"  portti pki issue ca --name pro --kind professional --number 99900000011 --given Aino-Testi --family Kuvitelma\n" +
			"  portti pki issue ca --name gate --kind server --oid 1.2.246.10.99999901.10.0 --organisation Esimerkki --system localhost --host localhost --host 127.0.0.1",
		RunE: func(_ *cobra.Command, args []string) error {
			r.Kind, r.Fault, r.Algorithm = pki.Kind(kind), pki.Fault(fault), pki.Algorithm(algorithm)
			if _, err := pki.Issue(args[0], r); err != nil {
				return usage(err, "see portti pki issue --help")
			}
			return m.pkiPrint(args[0], r.Name)
		},
	}
	f := cmd.Flags()
	f.StringVar(&r.Name, "name", "", "`NAME` of the files in DIR/leafs")
	f.StringVar(&kind, "kind", "system", "system, professional, card (to log in by), server or client")
	f.StringVar(&r.Organisation.OID, "oid", "", "the organisation's `OID`")
	f.StringVar(&r.Organisation.Name, "organisation", "", "the organisation's `NAME`")
	f.StringVar(&r.Organisation.Locality, "locality", "", "its municipality")
	f.StringVar(&r.Organisation.System, "system", "", "the system's or host's `NAME`")
	f.StringVar(&r.Person.Number, "number", "", "a professional's registration number, 11 digits")
	f.StringVar(&r.Person.Given, "given", "", "a professional's given names")
	f.StringVar(&r.Person.Family, "family", "", "a professional's family name")
	f.StringVar(&r.Person.Title, "title", "", "a professional's title")
	f.StringArrayVar(&r.Hosts, "host", nil, "a server's DNS name or address; may be repeated")
	f.StringVar(&fault, "fault", "", "what is to be wrong with it: "+faultNames())
	f.StringVar(&algorithm, "algorithm", "", "its key: "+algorithms)
	return cmd
}

func faultNames() string {
	var names []string
	for _, f := range pki.Faults {
		names = append(names, string(f))
	}
	return strings.Join(names, ", ")
}

func (m *Main) pkiRevoke() *cobra.Command {
	var reason, at string
	cmd := &cobra.Command{
		Use: "revoke DIR NAME", Short: "revokes what was issued under NAME", Args: cobra.ExactArgs(2),
		Example: "  portti pki revoke ca system --reason keyCompromise",
		RunE: func(_ *cobra.Command, args []string) error {
			why, known := pki.Reasons[reason]
			if !known {
				return usage(fmt.Errorf("reason is %q", reason), "use one of "+reasonNames())
			}
			when := m.Now()
			if at != "" {
				var err error
				if when, err = time.Parse(time.RFC3339, at); err != nil {
					return usage(err, "--at takes a time such as 2026-03-02T09:00:00Z")
				}
			}
			if err := pki.Revoke(args[0], args[1], when, why); err != nil {
				return usage(err, "")
			}
			return m.pkiPrint(args[0], args[1])
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "cessationOfOperation", "why: "+reasonNames())
	cmd.Flags().StringVar(&at, "at", "", "since when (default now)")
	return cmd
}

func reasonNames() string {
	var names []string
	for n := range pki.Reasons {
		names = append(names, n)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func (m *Main) pkiShow() *cobra.Command {
	return &cobra.Command{
		Use: "show DIR [NAME…]", Short: "tells what stands in DIR", Args: cobra.MinimumNArgs(1),
		Example: "  portti pki show ca",
		RunE:    func(_ *cobra.Command, args []string) error { return m.pkiPrint(args[0], args[1:]...) },
	}
}

// pkiPrint prints certificates of an authority, all where no names are given.
func (m *Main) pkiPrint(dir string, names ...string) error {
	list, err := pki.Show(dir)
	if err != nil {
		return usage(err, "")
	}
	for _, n := range names {
		if !slices.ContainsFunc(list, func(s pki.Summary) bool { return s.Name == n }) {
			return usage(fmt.Errorf("%s: nothing has the name %q", dir, n), "see portti pki show "+dir)
		}
	}
	for _, s := range list {
		if len(names) > 0 && !slices.Contains(names, s.Name) {
			continue
		}
		if m.config.Format == "json" {
			if err := m.printJSON(s); err != nil {
				return err
			}
			continue
		}
		m.pkiPrintOne(dir, s)
	}
	return nil
}

func (m *Main) pkiPrintOne(dir string, s pki.Summary) {
	fmt.Fprintf(m.Stdout, "%s (%s)\n    subject  %s\n    issuer   %s\n    serial   %s\n    valid    %s – %s\n", s.Name, s.Kind, s.Subject, s.Issuer,
		s.Serial, s.NotBefore.Format(time.RFC3339), s.NotAfter.Format(time.RFC3339))
	if s.Fault != "" {
		fmt.Fprintf(m.Stdout, "    fault    %s\n", s.Fault)
	}
	if s.Revoked != nil {
		fmt.Fprintf(m.Stdout, "    revoked  %s\n", s.Revoked.Format(time.RFC3339))
	}
	for _, f := range s.Files {
		fmt.Fprintf(m.Stdout, "    file     %s\n", filepath.Join(dir, f))
	}
}

func (m *Main) pkiServe() *cobra.Command {
	var listen, fault string
	var life, delay time.Duration
	var direct bool
	cmd := &cobra.Command{
		Use: "serve DIR", Short: "serves revocation lists and OCSP, misbehaving on demand", Args: cobra.ExactArgs(1),
		Long: "Serves OCSP at /ocsp/BRANCH, revocation lists at /crl/BRANCH.crl and issuers' certificates at\n" +
			"/ca/BRANCH.crt, where BRANCH is root, service, professional or server. Certificates name\n" +
			"the address that portti pki init was given as --base-url.\n" + pkiWarning,
		Example: "  portti pki init ca --base-url http://127.0.0.1:8090\n  portti pki serve ca --listen 127.0.0.1:8090",
		RunE: func(cmd *cobra.Command, args []string) error {
			bad := pki.Misbehaviour(fault)
			if bad != pki.Proper && !slices.Contains(pki.Misbehaviours, bad) {
				return usage(fmt.Errorf("misbehaviour is %q", fault), "use one of "+misbehaviours())
			}
			h := &pkiHandler{dir: args[0], set: func(r *pki.Responder) {
				r.Now, r.Life, r.Direct, r.Delay = m.Now, life, direct, delay
				r.Fault = func(*http.Request) pki.Misbehaviour { return bad }
			}}
			if _, err := h.responder(); err != nil {
				return usage(err, "")
			}
			return m.pkiListen(cmd.Context(), listen, h)
		},
	}
	f := cmd.Flags()
	f.StringVar(&listen, "listen", "127.0.0.1:8090", "`ADDR`ess")
	f.StringVar(&fault, "misbehave", "", "what is to be wrong with the answers: "+misbehaviours())
	f.DurationVar(&life, "life", time.Hour, "how long an answer or list is good")
	f.DurationVar(&delay, "delay", 30*time.Second, "the wait of the misbehaviour slow")
	f.BoolVar(&direct, "direct", false, "the issuer signs answers itself")
	return cmd
}

func misbehaviours() string {
	var names []string
	for _, b := range pki.Misbehaviours {
		names = append(names, string(b))
	}
	return strings.Join(names, ", ")
}

// pkiListen serves until ctx ends.
func (m *Main) pkiListen(ctx context.Context, addr string, h http.Handler) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return system(err, "choose another address with --listen, such as 127.0.0.1:0")
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10}
	base := "http://" + ln.Addr().String()
	fmt.Fprintf(m.Stdout, "lists:   %s/crl/service.crl\nOCSP:    %s/ocsp/service\nstamps:  %s%s\n%s\n", base, base, base, stampPath, pkiWarning)
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln) }()
	select {
	case err := <-failed:
		return system(err, "")
	case <-ctx.Done():
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := srv.Shutdown(stop); err != nil {
			return system(err, "")
		}
		fmt.Fprintln(m.Stdout, "stopped")
		return nil
	}
}

// pkiHandler answers for the authority in a directory as it is now: what is issued
// or revoked while it serves is known at the next question.
type pkiHandler struct {
	dir string
	set func(*pki.Responder)

	mu   sync.Mutex
	seen string
	last *pki.Responder
}

// ServeHTTP answers one question.
func (h *pkiHandler) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r, err := h.responder()
	if err == nil && q.URL.Path == stampPath {
		err = stampTest(w, q, r)
		if err == nil {
			return
		}
	}
	if err != nil {
		http.Error(w, "the authority cannot be read", http.StatusInternalServerError)
		return
	}
	r.ServeHTTP(w, q)
}

// stampPath is where the authority stamps time (RFC 3161).
const stampPath = "/tsa"

// stampTest answers as a time-stamp authority of the test authority.
func stampTest(w http.ResponseWriter, q *http.Request, r *pki.Responder) error {
	leaf, err := r.Authority.Stamper(pki.Organisation{OID: "1.2.246.10.99999901.10.0", Name: "portti", System: "Aikaleima"})
	if err != nil {
		return err
	}
	a := tsa.Authority{Certificate: leaf.Certificate, Key: pki.Unwrap(leaf.Key), Now: r.Now, Policy: pki.PolicySystem}
	a.ServeHTTP(w, q)
	return nil
}

// responder reads the directory again where it has changed.
func (h *pkiHandler) responder() (*pki.Responder, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.look()
	if h.last != nil && now == h.seen {
		return h.last, nil
	}
	a, err := pki.Load(h.dir)
	if err != nil {
		return nil, err
	}
	h.last, h.seen = &pki.Responder{Authority: a}, now
	h.set(h.last)
	return h.last, nil
}

// look is what the directory looks like: names, sizes and times.
func (h *pkiHandler) look() string {
	var b strings.Builder
	files, _ := filepath.Glob(filepath.Join(h.dir, "leafs", "*.json")) // the pattern is sound
	for _, f := range append(files, filepath.Join(h.dir, "revoked.json"), filepath.Join(h.dir, "authority.json")) {
		if st, err := os.Stat(f); err == nil { // revoked.json may be missing
			fmt.Fprintln(&b, f, st.Size(), st.ModTime().UnixNano())
		}
	}
	return b.String()
}
