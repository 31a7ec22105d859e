package main

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"portti/internal/judge"
)

// blocks gives the README's fenced blocks of a language.
func blocks(t *testing.T, lang string) []string {
	t.Helper()
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, m := range regexp.MustCompile("(?ms)^```"+lang+"\n(.*?)^```$").FindAllStringSubmatch(string(b), -1) {
		out = append(out, m[1])
	}
	if len(out) == 0 {
		t.Fatalf("the README has no block of %q", lang)
	}
	return out
}

// TestReadmeCommandsWork runs every command of the README as it stands there,
// beside a demo as `make run` starts it; only the port is another.
func TestReadmeCommandsWork(t *testing.T) {
	judge.Need(t, "curl")
	dir, port := demoPlace(t)
	startDemo(t, dir, "127.0.0.1:"+port)
	for _, block := range blocks(t, "sh") {
		for line := range strings.Lines(block) {
			line = strings.TrimSpace(line)
			if line == firstCommand {
				continue // it is up
			}
			out := runLine(t, dir, port, line)
			if out == "" && !strings.Contains(line, ">") || strings.Contains(out, "not found") {
				t.Errorf("%s:\n%s", line, out)
			}
			t.Logf("%s\n%.400s", line, out)
		}
	}
}

// firstCommand is what startDemo does once all is built.
const firstCommand = "make run"

// runLine runs a line of the README beside the demo.
func runLine(t *testing.T, dir, port, line string) string {
	t.Helper()
	cmd := exec.Command("bash", "-o", "pipefail", "-ec", strings.ReplaceAll(line, "127.0.0.1:8080", "127.0.0.1:"+port))
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", line, err, out)
	}
	return string(out)
}

// TestTEST3_FromACloneToAReportInThreeCommands: what the README promises a new user,
// and that nothing else need be done before.
func TestTEST3_FromACloneToAReportInThreeCommands(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(readme), "From a clone to a first report in three commands.")
	if !ok {
		t.Fatal("the README does not promise it")
	}
	_, block, _ := strings.Cut(rest, "```sh\n")
	block, _, _ = strings.Cut(block, "```")
	lines := strings.Split(strings.TrimSpace(block), "\n")
	if len(lines) != 3 || lines[0] != firstCommand {
		t.Fatalf("the commands are %q", lines)
	}
	dir, port := demoPlace(t)
	startDemo(t, dir, "127.0.0.1:"+port)
	if out := runLine(t, dir, port, lines[1]); !strings.Contains(out, "passed") || strings.Contains(out, "failed") {
		t.Errorf("the run tells\n%s", out)
	}
	if out := runLine(t, dir, port, lines[2]); !strings.Contains(out, "valid: signed by key") || !strings.Contains(out, " 0 failed") {
		t.Errorf("verifying tells\n%s", out)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "var", "report.html")); err != nil || !strings.Contains(string(b), "<svg") {
		t.Errorf("the report: %v", err)
	}
}

// TestReadmeFirstCommand: what make run runs once it has built is what startDemo starts.
func TestReadmeFirstCommand(t *testing.T) {
	judge.Need(t, "make")
	out, err := exec.Command("make", "-n", "-C", "../..", "run").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"go build -trimpath", "\nbin/portti demo --data var/demo\n"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("make run does not run %q:\n%s", want, out)
		}
	}
}

// demoPlace gives a directory with bin/portti in it, as after `make build`, and a free port.
func demoPlace(t *testing.T) (dir, port string) {
	t.Helper()
	portti, err := exec.LookPath("portti") // testscript's: this very binary
	if err != nil {
		t.Fatal(err)
	}
	if port, err = freePort(); err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(portti, filepath.Join(dir, "bin", "portti")); err != nil {
		t.Fatal(err)
	}
	return dir, port
}

// startDemo starts the demo and waits until its samples are archived.
func startDemo(t *testing.T, dir, addr string) {
	t.Helper()
	cmd := exec.Command(filepath.Join(dir, "bin", "portti"), "demo", "--data", "var/demo", "--listen", addr)
	cmd.Dir = dir
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var printed strings.Builder
	for b := make([]byte, 4096); !strings.Contains(printed.String(), "stays up"); {
		n, err := out.Read(b)
		printed.Write(b[:n])
		if err != nil {
			t.Fatalf("the demo ended: %v\n%s", err, printed.String())
		}
	}
	t.Cleanup(func() {
		if err := errors.Join(cmd.Process.Signal(os.Interrupt), cmd.Wait()); err != nil {
			t.Errorf("the demo did not stop well: %v", err)
		}
	})
	res, err := (&http.Client{Timeout: time.Minute}).Get("http://" + addr + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
}

// TestReadmeTargetsExist holds the make targets that documents name against the Makefile.
func TestReadmeTargetsExist(t *testing.T) {
	b, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	targets := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^([a-z-]+):`).FindAllStringSubmatch(string(b), -1) {
		targets[m[1]] = true
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("(?m)(?:^|`)make ([a-z-]+)").FindAllStringSubmatch(string(readme), -1)
	if len(named) < 2 {
		t.Fatal("the README names no make targets")
	}
	for _, m := range named {
		if !targets[m[1]] {
			t.Errorf("the README names make %s, which does not exist", m[1])
		}
	}
}
