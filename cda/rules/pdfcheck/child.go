package pdfcheck

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
)

// Argument is the argument with which a program reads PDFs instead of what it is
// for; variable must be set as well, so that nobody comes here by a slip.
const (
	Argument = "pdf-structure"
	variable = "PORTTI_PDF_STRUCTURE"
)

// init turns the process into a reader of PDFs where it was started as one. It
// stands here and not in a command, so that every program that uses the package
// can start itself, tests too.
func init() {
	if len(os.Args) == 2 && os.Args[1] == Argument && os.Getenv(variable) == "1" {
		os.Exit(serve(os.Stdin, os.Stdout))
	}
}

// largest bounds what is read for one PDF.
const largest = 256 << 20

// serve answers PDFs until the input ends.
func serve(in io.Reader, out io.Writer) int {
	if err := confine(); err != nil {
		return 3
	}
	api.DisableConfigDir()
	for {
		var size [8]byte
		if _, err := io.ReadFull(in, size[:]); err != nil {
			return 0
		}
		n := binary.BigEndian.Uint64(size[:])
		if n > largest {
			return 3
		}
		src := make([]byte, n)
		if _, err := io.ReadFull(in, src); err != nil {
			return 3
		}
		if err := allowProcessor(); err != nil {
			return 3
		}
		if _, err := out.Write([]byte{read(src)}); err != nil {
			return 0
		}
	}
}

// confine bounds the address space: Memory above what the program takes already
// (a Go program reserves much that it never uses).
func confine() error {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return err
	}
	pages, err := strconv.ParseUint(strings.Fields(string(statm))[0], 10, 64)
	if err != nil {
		return err
	}
	debug.SetMemoryLimit(Memory * 3 / 4)
	limit := pages*uint64(os.Getpagesize()) + Memory
	return syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: limit, Max: limit})
}

// allowProcessor allows Processor more of processor time than was used so far.
func allowProcessor() error {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return err
	}
	seconds := uint64(used.Utime.Sec+used.Stime.Sec) + uint64(math.Ceil(Processor.Seconds())) + 1
	return syscall.Setrlimit(syscall.RLIMIT_CPU, &syscall.Rlimit{Cur: seconds, Max: math.MaxInt64})
}

// read gives the answer for one PDF. pdfcpu may panic on what it does not expect.
func read(src []byte) (answer byte) {
	answer = 'u'
	defer func() { _ = recover() }()
	conf := model.NewDefaultConfiguration()
	conf.ValidationMode, conf.Offline, conf.ValidateLinks = model.ValidationRelaxed, true, false
	ctx, err := api.ReadContext(bytes.NewReader(src), conf)
	if err != nil {
		return 'u'
	}
	answer = 'i'
	if err := api.ValidateContext(ctx); err != nil {
		return 'i'
	}
	return 's'
}
