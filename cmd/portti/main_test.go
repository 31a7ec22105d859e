package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"portti/fixtures"
	"portti/internal/browser"
	"portti/internal/share"
	"portti/xmldsig/pki"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(browser.Tests{M: m}, map[string]func(){"portti": main})
}

func TestScripts(t *testing.T) {
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatal(err, len(scripts))
	}
	testscript.Run(t, testscript.Params{
		Files:               share.Sample(scripts, 17), // each command is a process: slow to start
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			for _, name := range []string{"PORT", "PORT2", "PORT3"} {
				port, err := freePort()
				if err != nil {
					return err
				}
				e.Setenv(name, port)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"code": code, "ready": ready, "until": until, "stamped": stamped},
	})
}

// freePort gives a port that nobody listens on.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// code runs a command that must end with the exit code: code 2 portti validate.
// What it prints can be looked at by stdout and stderr.
func code(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	if neg || err != nil {
		ts.Fatalf("usage: code N command args")
	}
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d\n%s%s", got, want, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

// ready waits until a URL answers 200.
func ready(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: ready URL")
	}
	for range 600 {
		res, err := http.Get(args[0])
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	ts.Fatalf("%s is not ready", args[0])
}

// stamped waits until a proof of an archive that is served bears a time stamp.
func stamped(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: stamped DIR")
	}
	for range 300 {
		if err := ts.Exec("portti", "archive", "prove", "--data", args[0], "leaf:0"); err == nil && strings.Contains(ts.ReadFile("stdout"), `"stamp"`) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	ts.Fatalf("no stamp ever came")
}

// until sends a document by the certificate ca/leafs/own until the output of portti
// send matches: a gateway takes a signal when it comes to it.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: until URL TEXT")
	}
	var out string
	for range 100 {
		// an exit code other than 0 is an answer too
		_ = ts.Exec("portti", "send", "--to", args[0], "--ca", "ca/anchors.pem", "--cert", "ca/leafs/own.crt", "--key", "ca/leafs/own.key",
			"--user", "010181-900C", "--user-name", "Tessa Testaaja", "d/world/documents/decision.xml")
		if out = ts.ReadFile("stdout"); strings.Contains(out, args[1]) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	ts.Fatalf("%q was never answered:\n%s", args[1], out)
}

// runMain runs a command line within the test.
func runMain(environ []string, args ...string) (exit int, stdout, stderr string) {
	var out, err bytes.Buffer
	n := 0
	m := &Main{
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &err, Environ: environ,
		Now:   func() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) },
		NewID: func() string { n++; return fmt.Sprint(n) },
	}
	return m.Run(context.Background(), args), out.String(), err.String()
}

func TestConfigurationComesFromFileEnvironmentAndFlags(t *testing.T) {
	file := t.TempDir() + "/portti.yaml"
	if err := os.WriteFile(file, []byte("lang: fi\nformat: json\ntls:\n  clients: optional\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := &Main{Environ: []string{"PORTTI_LANG=sv", "PORTTI_TLS__CLIENTS=required", "PORTTI_SHARED=x", "HOME=x"}}
	root := m.root()
	cmd, _, err := root.Find([]string{"serve"})
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.ParseFlags([]string{"-C", file, "--data", "d", "--tls-client-ca", "ca.pem", "--accept-health"}); err != nil {
		t.Fatal(err)
	}
	if err := m.configure(cmd); err != nil {
		t.Fatal(err)
	}
	c := m.config
	if c.Lang != "sv" || c.Format != "json" || c.TLS.Clients != "required" || c.TLS.ClientCA != "ca.pem" ||
		c.Data != "d" || !c.AcceptHealth || c.Listen != "127.0.0.1:8080" || c.World != "test" {
		t.Errorf("got %+v", c)
	}
}

func TestWrongUsageIsExitCode2AndSaysWhatToDo(t *testing.T) {
	file := t.TempDir() + "/portti.yaml"
	if err := os.WriteFile(file, []byte("lnag: fi\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"nonsense"}, {"validate"}, {"validate", "--lang", "de", "x"}, {"validate", "--format", "xml", "x"},
		{"validate", "no-such-file.xml"}, {"version", "--no-such-flag"}, {"-C", file, "version"}, {"-C", "no-such-file", "version"},
		{"serve"}, {"demo"}, {"send", "x.xml"}, {"c14n", "no-such-file"}, {"demo", "--data", "x", "--world", "production"},
		{"serve", "--data", "x", "--trust", "no-such-file"}, {"verify", "--pinned", file, "x"},
	} {
		exit, _, stderr := runMain(nil, args...)
		if exit != exitUsage || !strings.HasPrefix(stderr, "portti: ") {
			t.Errorf("%v: exit code %d, %q", args, exit, stderr)
		}
	}
}

// The production world demands encryption, HTTPS and client certificates.
func TestSEC2_ProductionIsRefusedWithoutItsWalls(t *testing.T) {
	for want, args := range map[string][]string{
		"encryption at rest":           {"--encryption", "off", "--tls-listen", "127.0.0.1:0", "--tls-clients", "required"},
		"required client certificates": {"--tls-listen", "127.0.0.1:0", "--tls-clients", "optional"},
		"no plain HTTP":                {"--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0", "--tls-clients", "required"},
	} {
		dir := t.TempDir() + "/a"
		exit, _, stderr := runMain(nil, append([]string{"serve", "--world", "production", "--data", dir}, args...)...)
		if exit != exitSystem || !strings.Contains(stderr, want) {
			t.Errorf("%v: exit code %d, %q", args, exit, stderr)
		}
		if exists(dir + "/archive.db") {
			t.Errorf("%v: an archive was made all the same", args)
		}
	}
}

// The demo's keys stand in the source: nobody else's machine may rest on them.
func TestSEC2_DemoKeysAreRefusedOffLoopback(t *testing.T) {
	dir := t.TempDir()
	if exit, _, stderr := runMain(nil, "demo", "--data", dir+"/d", "--listen", "0.0.0.0:0"); exit != exitUsage || !strings.Contains(stderr, "known to all") {
		t.Errorf("demo: exit code %d, %q", exit, stderr)
	}
	w, err := fixtures.NewWorld(demoSeed, fixtures.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/ca.pem", pki.EncodeCertificates(w.Authority.Certificates()...), 0o600); err != nil {
		t.Fatal(err)
	}
	exit, _, stderr := runMain(nil, "serve", "--data", dir+"/a", "--trust", dir+"/ca.pem", "--listen", "0.0.0.0:0")
	if exit != exitUsage || !strings.Contains(stderr, "demo world") {
		t.Errorf("serve: exit code %d, %q", exit, stderr)
	}
}
