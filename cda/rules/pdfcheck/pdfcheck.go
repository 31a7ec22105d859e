// Package pdfcheck reads the structure of PDF bodies by pdfcpu, in processes of
// their own: a PDF from outside may be made to exhaust or break its reader, and
// takes down its own process then.
//
//	c := pdfcheck.New(2)
//	verdict, err := c.Check(ctx, bytes)
//
// What is checked: that the file's cross references and objects can be read, and
// that catalog, pages and the other objects that pdfcpu knows are as PDF 1.x and
// 2.0 say, in its relaxed mode. What is not: fonts, colours, the contents of pages,
// and whether the file keeps to PDF/A. No file outside is opened, nothing is
// fetched, nothing in the PDF is run.
//
// # The processes
//
// A process is this program itself, started with Argument in an environment of one
// variable (see init): it reads PDFs from its standard input and answers each with
// one octet, until the input ends. So the start is paid once, and the processes end
// with their parent. Each may take 512 MB of address space more than it has at its
// start, and 5 seconds of processor time for one PDF; by both limits the document is
// at fault, whatever else the machine does. That a process cannot be started, or
// breaks for another reason, is an error of ours and tells nothing of the document.
package pdfcheck

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Verdict is what was found of a PDF.
type Verdict string

// The verdicts. The zero Verdict is that of a PDF that was not checked.
const (
	Unchecked Verdict = ""
	// Sound: nothing is wrong with its structure.
	Sound Verdict = "sound"
	// Unreadable: cross references or objects cannot be read.
	Unreadable Verdict = "unreadable"
	// Invalid: it can be read, and objects are not as they must be.
	Invalid Verdict = "invalid"
	// Exhausting: reading it takes more than the limits.
	Exhausting Verdict = "exhausting"
)

// The limits of one process.
const (
	Memory    = 512 << 20
	Processor = 5 * time.Second
	// patience is how long an answer may take by the clock: only a machine that is
	// at fault lets it pass.
	patience = 2 * time.Minute
)

// answers are the octets that a process answers with.
var answers = map[byte]Verdict{'s': Sound, 'u': Unreadable, 'i': Invalid}

// Checker hands PDFs to processes, of which at most as many work as it was made
// for. It is safe for concurrent use.
type Checker struct {
	places chan struct{}
	idle   chan *process
}

// New makes a Checker. No process is started before it is needed.
func New(parallel int) *Checker {
	parallel = max(1, parallel)
	return &Checker{places: make(chan struct{}, parallel), idle: make(chan *process, parallel)}
}

// ErrProcess: the process that reads PDFs could not do so.
var ErrProcess = errors.New("pdfcheck: the process that reads PDFs failed")

// Check gives the verdict on a PDF. An error is ours.
func (c *Checker) Check(ctx context.Context, src []byte) (Verdict, error) {
	select {
	case c.places <- struct{}{}:
		defer func() { <-c.places }()
	case <-ctx.Done():
		return Unchecked, ctx.Err()
	}
	p, err := c.process()
	if err != nil {
		return Unchecked, err
	}
	v, err := p.check(src)
	if err != nil {
		return p.epitaph(err)
	}
	c.idle <- p // there are as many places as workers
	return v, nil
}

// Close ends the idle processes.
func (c *Checker) Close() error {
	for {
		select {
		case p := <-c.idle:
			p.end()
		default:
			return nil
		}
	}
}

func (c *Checker) process() (*process, error) {
	select {
	case p := <-c.idle:
		return p, nil
	default:
		return start()
	}
}

// process is one process with its ends of pipes.
type process struct {
	cmd     *exec.Cmd
	in, out *os.File
	errors  *os.File // what it says in dying
}

// start starts this program as a reader of PDFs.
func start() (p *process, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProcess, err)
	}
	var files []*os.File
	pipe := func() (r, w *os.File) {
		if err == nil {
			r, w, err = os.Pipe()
			files = append(files, r, w)
		}
		return r, w
	}
	inR, inW := pipe()
	outR, outW := pipe()
	errR, errW := pipe()
	if err == nil {
		cmd := exec.Command(self, Argument)
		cmd.Env = []string{variable + "=1", "GOMAXPROCS=1"}
		cmd.Stdin, cmd.Stdout, cmd.Stderr = inR, outW, errW
		p = &process{cmd: cmd, in: inW, out: outR, errors: errR}
		err = cmd.Start()
	}
	for _, f := range files {
		if f != nil && (err != nil || f == inR || f == outW || f == errW) {
			f.Close()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProcess, err)
	}
	return p, nil
}

// check hands one PDF over and waits for the answer.
func (p *process) check(src []byte) (Verdict, error) {
	deadline := time.Now().Add(patience)
	if err := errors.Join(p.in.SetWriteDeadline(deadline), p.out.SetReadDeadline(deadline)); err != nil {
		return Unchecked, err
	}
	var size [8]byte
	binary.BigEndian.PutUint64(size[:], uint64(len(src)))
	if _, err := p.in.Write(size[:]); err != nil {
		return Unchecked, err
	}
	if _, err := p.in.Write(src); err != nil {
		return Unchecked, err
	}
	var answer [1]byte
	if _, err := io.ReadFull(p.out, answer[:]); err != nil {
		return Unchecked, err
	}
	v, ok := answers[answer[0]]
	if !ok {
		return Unchecked, fmt.Errorf("answer %q", answer)
	}
	return v, nil
}

// epitaph tells why a process gave no answer: by a limit, which is the document's
// doing, or otherwise.
func (p *process) epitaph(cause error) (Verdict, error) {
	_ = p.cmd.Process.Signal(syscall.SIGCONT)
	if errors.Is(cause, os.ErrDeadlineExceeded) {
		_ = p.cmd.Process.Kill()
	}
	_ = p.errors.SetReadDeadline(time.Now().Add(patience))
	said, _ := io.ReadAll(io.LimitReader(p.errors, 4<<10))
	p.end()
	status, _ := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	text := string(said)
	switch {
	case errors.Is(cause, os.ErrDeadlineExceeded):
	case status.Signaled() && status.Signal() == syscall.SIGXCPU,
		strings.Contains(text, "out of memory"), strings.Contains(text, "cannot allocate memory"), strings.Contains(text, "stack overflow"):
		return Exhausting, nil
	}
	// What it said may hold content of the document: only how it ended is told.
	return Unchecked, fmt.Errorf("%w: %v (%v)", ErrProcess, p.cmd.ProcessState, cause)
}

// end closes the pipes, at which the process ends, and waits for it.
func (p *process) end() {
	p.in.Close()
	p.out.Close()
	p.errors.Close()
	_ = p.cmd.Wait()
}
