package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portti/cda/organisations"
	"portti/conformance/report"
	"portti/fixtures"
	"portti/gateway"
	"portti/store"
	"portti/xmldsig/pki"
	"portti/xmldsig/trust"

	"github.com/google/uuid"
)

// strange is an archive of which the suite knows nothing but its address: HTTPS, which
// every system enters by its own certificate.
type strange struct {
	t        *testing.T
	world    *fixtures.World
	dir, url string
}

func newStrange(t *testing.T) *strange {
	t.Helper()
	s := &strange{t: t, dir: t.TempDir()}
	d := demoFile{Seed: "systems", Now: time.Now().UTC().Truncate(time.Second)}
	b, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	if s.world, err = fixtures.NewWorld(d.Seed, fixtures.Options{Now: d.Now}); err != nil {
		t.Fatal(err)
	}
	s.write("world.json", b)
	s.write("ca.pem", pki.EncodeCertificates(s.world.Authority.Certificates()...))
	server, err := s.world.Server("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	s.leaf("server", server)
	for _, o := range s.world.Organisations {
		s.leaf(o.Name, o.System.Transport)
	}
	vendor, err := s.world.Authority.Client(pki.Organisation{OID: "1.2.246.10.99999977.10.0", Name: "Keksitty järjestelmätalo", System: "Välittäjä"})
	if err != nil {
		t.Fatal(err)
	}
	s.leaf("vendor", vendor)
	judge, err := trust.New(trust.Options{AnchorCertificates: s.world.Authority.Certificates()})
	if err != nil {
		t.Fatal(err)
	}
	g, _ := gatewayForConformance(t, func(c *gateway.Config) {
		c.Trust, c.Now, c.TLSListen = judge, time.Now, "127.0.0.1:0"
		c.TLS = gateway.TLSFiles{Certificate: s.file("server.crt"), Key: s.file("server.key"), ClientCA: s.file("ca.pem"), Clients: gateway.RequireClientCertificates}
	})
	s.joined(g)
	s.url = "https://" + g.TLSAddr().String()
	return s
}

// joined lets the archive know the register of organisations and which systems have
// joined: no other may send.
func (s *strange) joined(g *gateway.Instance) {
	s.t.Helper()
	j, err := organisations.ParseJoined(s.world.JoinedYAML())
	if err != nil {
		s.t.Fatal(err)
	}
	var entries []store.DirectoryEntry
	put := func(kind, key string, entry any) {
		b, err := organisations.Encode(entry)
		if err != nil {
			s.t.Fatal(err)
		}
		entries = append(entries, store.DirectoryEntry{Kind: kind, Key: key, Content: b})
	}
	s.write("register.xml", s.world.RegisterXML())
	r, err := organisations.ImportFiles(s.world.Now, true, s.file("register.xml"))
	if err != nil {
		s.t.Fatal(err)
	}
	put(store.DirectoryOrganisations, organisations.RegisterOID, r)
	for _, x := range j.Systems {
		put(store.DirectorySystem, x.ID, x)
	}
	for _, x := range j.Contracts {
		put(store.DirectoryContract, x.ID, x)
	}
	if err := g.Store.PutDirectory(s.t.Context(), "test", entries...); err != nil {
		s.t.Fatal(err)
	}
	if err := g.Judge.Organisations.LoadOrganisations(s.t.Context(), g.Store); err != nil {
		s.t.Fatal(err)
	}
}

func (s *strange) file(name string) string { return filepath.Join(s.dir, name) }

func (s *strange) write(name string, b []byte) {
	s.t.Helper()
	if err := os.WriteFile(s.file(name), b, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *strange) leaf(name string, l *pki.Leaf) {
	s.t.Helper()
	if err := pki.WriteLeaf(s.file(name), l); err != nil {
		s.t.Fatal(err)
	}
}

// cert are the flags of a system's certificate.
func (s *strange) cert(name string) []string {
	return []string{"--cert", s.file(name + ".crt"), "--key", s.file(name + ".key")}
}

// runNow runs the command at the time of certificates that are shown now.
func runNow(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	m := &Main{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Now: time.Now, NewID: uuid.NewString}
	return m.Run(context.Background(), args), out.String(), errs.String()
}

// run runs cases by the command and gives their results by id.
func (s *strange) run(flags ...string) (code int, out string, found map[string]report.Case) {
	s.t.Helper()
	name := s.file("report.json")
	code, out, errs := runNow(append([]string{"conformance", "run", "--target", s.url, "--world-dir", s.dir, "--ca", s.file("ca.pem"),
		"--id", "REGISTRY-USE-NOTE", "--id", "REGISTRY-USE-FETCH-NOTE", "--id", "DISCLOSURE-PERMITTED-NOTE", "--id", "STORE-OLD-PDF", "--report", name}, flags...)...)
	b, err := os.ReadFile(name)
	if err != nil {
		s.t.Fatal(err, errs)
	}
	r, err := report.Parse(b)
	if err != nil {
		s.t.Fatal(err)
	}
	found = map[string]report.Case{}
	for _, c := range r.Results {
		found[c.ID] = c
	}
	return code, out, found
}

// TestTEST4_RKO7_TheCommandPlaysTwoSystemsOverMutualTLS: each organisation's messages go
// by its own certificate; what needs one that is not there is not judged.
func TestTEST4_RKO7_TheCommandPlaysTwoSystemsOverMutualTLS(t *testing.T) {
	s := newStrange(t)
	w := s.world
	all := map[report.Verdict][]string{report.Passed: {"REGISTRY-USE-NOTE", "REGISTRY-USE-FETCH-NOTE", "DISCLOSURE-PERMITTED-NOTE", "STORE-OLD-PDF"}}
	for _, x := range []struct {
		name  string
		flags []string
		code  int
		want  map[report.Verdict][]string
		tells string
	}{
		{"the world's certificates", nil, exitOK, all, ""},
		{"each by files", append(s.cert("utuvaara"), "--system", "hoivapilvi="+s.file("hoivapilvi.crt")+","+s.file("hoivapilvi.key"),
			"--system", w.Organisations[1].OID+"="+s.file("sumula.crt")+","+s.file("sumula.key")), exitOK, all, ""},
		{"one system alone", s.cert("utuvaara"), exitOK, map[report.Verdict][]string{report.Passed: {"STORE-OLD-PDF"},
			report.NotJudged: {"REGISTRY-USE-NOTE", "REGISTRY-USE-FETCH-NOTE", "DISCLOSURE-PERMITTED-NOTE"}}, w.Organisations[2].OID + " (" + w.Organisations[2].Title + ")"},
		{"two systems", append(s.cert("utuvaara"), "--system", "hoivapilvi="+s.file("hoivapilvi.crt")+","+s.file("hoivapilvi.key")), exitOK, map[report.Verdict][]string{
			report.Passed: {"REGISTRY-USE-NOTE", "REGISTRY-USE-FETCH-NOTE", "STORE-OLD-PDF"}, report.NotJudged: {"DISCLOSURE-PERMITTED-NOTE"}}, ""},
		// This archive lets nobody send for others: preconditions fail, and where there is none the case does.
		{"another's certificate for all", s.cert("vendor"), exitInvalid, map[report.Verdict][]string{
			report.Blocked: {"REGISTRY-USE-NOTE", "REGISTRY-USE-FETCH-NOTE", "DISCLOSURE-PERMITTED-NOTE", "STORE-OLD-PDF"}}, "precondition"},
	} {
		t.Run(x.name, func(t *testing.T) {
			one := *s
			one.t = t
			code, out, found := one.run(x.flags...)
			if code != x.code || !strings.Contains(out, x.tells) {
				t.Errorf("exit code %d, want %d; tells %q: %t\n%s", code, x.code, x.tells, strings.Contains(out, x.tells), out)
			}
			for v, ids := range x.want {
				for _, id := range ids {
					if found[id].Verdict != v {
						t.Errorf("%s is %s, want %s", id, found[id].Verdict, v)
					}
				}
			}
		})
	}
}

// TestConnectionFlagsThatCannotBe: told before anything is sent.
func TestConnectionFlagsThatCannotBe(t *testing.T) {
	s := newStrange(t)
	pair := s.file("hoivapilvi.crt") + "," + s.file("hoivapilvi.key")
	for _, x := range []struct {
		name, target, system, want string
	}{
		{"plain HTTP", "http://127.0.0.1:1", "hoivapilvi=" + pair, "https"},
		{"no key", s.url, "hoivapilvi=" + s.file("hoivapilvi.crt"), "--system hoivapilvi="},
		{"unknown organisation", s.url, "nobody=" + pair, "utuvaara, sumula, hoivapilvi"},
		{"no file", s.url, "hoivapilvi=none.crt,none.key", "none.crt"},
	} {
		code, _, errs := runNow("conformance", "run", "--target", x.target, "--world-dir", s.dir, "--system", x.system)
		if code != exitUsage || !strings.Contains(errs, x.want) {
			t.Errorf("%s: exit code %d\n%s", x.name, code, errs)
		}
	}
}
