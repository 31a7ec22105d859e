// Package bench runs libxmlsec1 beside package xmldsig: as the other side of a
// benchmark, and as a judge that says of thousands of documents in one process
// whether their signatures are valid. Only tests use it.
//
//	go test ./xmldsig/bench -run '^$' -bench LibXMLSec
//
// See README.md for what is measured and for figures.
package bench

import (
	"bufio"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portti/internal/judge"
)

//go:embed libxmlsec1/xmlsec_verify.c
var source []byte

// Judge is a running libxmlsec1. It is not safe for concurrent use.
type Judge struct {
	cmd *exec.Cmd
	in  *bufio.Writer
	end io.Closer
	out *bufio.Reader
}

// Answer is what libxmlsec1 says of a document.
type Answer struct {
	// Parsed is false where libxml2 does not take the document.
	Parsed bool
	// Valid counts the valid ds:Signature elements of Signatures.
	Valid, Signatures int
	// Wall and CPU are the times of one round.
	Wall, CPU time.Duration
}

// AllValid tells that there are signatures and that all are valid.
func (a Answer) AllValid() bool { return a.Signatures > 0 && a.Valid == a.Signatures }

// Start compiles the C program of this folder and runs it until the test ends. It
// skips the test where cc or libxmlsec1 is missing (see package judge).
func Start(tb testing.TB) *Judge {
	tb.Helper()
	cc, pkg := judge.Need(tb, "cc"), judge.Need(tb, "pkg-config")
	flags, err := exec.Command(pkg, "--cflags", "--libs", "xmlsec1-openssl", "libxml-2.0").Output()
	if err != nil {
		judge.Missing(tb, "libxmlsec1-dev is not installed (Debian: see .ci/run)")
	}
	dir := tb.TempDir()
	src, bin := filepath.Join(dir, "xmlsec_verify.c"), filepath.Join(dir, "xmlsec_verify")
	if err := os.WriteFile(src, source, 0o600); err != nil {
		tb.Fatal(err)
	}
	if out, err := exec.Command(cc, append([]string{"-O2", "-o", bin, src}, strings.Fields(string(flags))...)...).CombinedOutput(); err != nil {
		tb.Fatalf("cc: %v\n%s", err, out)
	}
	j := &Judge{cmd: exec.Command(bin)}
	j.run(tb)
	tb.Cleanup(func() {
		if err := errors.Join(j.end.Close(), j.cmd.Wait()); err != nil {
			tb.Error(err)
		}
	})
	return j
}

func (j *Judge) run(tb testing.TB) {
	tb.Helper()
	in, err := j.cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := j.cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := j.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	j.in, j.end, j.out = bufio.NewWriter(in), in, bufio.NewReader(out)
}

// Verify asks for a verdict and, with rounds above 0, for the time of a round.
func (j *Judge) Verify(tb testing.TB, doc []byte, rounds int) Answer {
	tb.Helper()
	fmt.Fprintf(j.in, "%d %d\n", rounds, len(doc))
	j.in.Write(doc) // a fault comes out of Flush
	if err := j.in.Flush(); err != nil {
		tb.Fatal(err)
	}
	var a Answer
	if _, err := fmt.Fscanf(j.out, "%d %d %d %d\n", &a.Valid, &a.Signatures, &a.Wall, &a.CPU); err != nil {
		tb.Fatalf("libxmlsec1 gave no answer: %v", err)
	}
	a.Parsed = a.Signatures >= 0
	return a
}
