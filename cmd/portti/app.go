package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"portti/gateway/access"
	"portti/store"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// The exit codes.
const (
	exitOK      = 0
	exitInvalid = 1
	exitUsage   = 2
	exitSystem  = 3
)

// Main is the program with everything that comes from outside. Tests make their own.
type Main struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Environ        []string
	Now            func() time.Time
	NewID          func() string
	// Program is how the program was called, for command lines that it prints.
	Program string
	// Terminal tells that Stdout and Stderr are the user's own terminal.
	Terminal bool

	config config
	// args is the command line; archive is one that is open already, for a command
	// that this process runs for another.
	args    []string
	archive *store.Store
	// settings are those of the gateway that runs the command.
	settings *access.Settings
}

// NewMain gives the program as the operating system runs it.
func NewMain() *Main {
	return &Main{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Environ: os.Environ(), Program: os.Args[0],
		Now: time.Now, NewID: newUUID, Terminal: terminal(os.Stdout) && terminal(os.Stderr),
	}
}

func terminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

func newUUID() string { return uuid.Must(uuid.NewRandomFromReader(rand.Reader)).String() }

// Run runs the command line and gives the exit code.
func (m *Main) Run(ctx context.Context, args []string) int {
	m.args = args
	root := m.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var e *exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &e):
		m.complain(e)
		return e.code
	default: // cobra's own: an unknown flag or command, missing arguments
		m.complain(&exitError{code: exitUsage, err: err, hint: "see portti help"})
		return exitUsage
	}
}

// complain prints an error. How messages look: prefix, small letters, no full
// stop, and on a line of its own what to do.
func (m *Main) complain(e *exitError) {
	if e.err == nil {
		return
	}
	fmt.Fprintln(m.Stderr, "portti:", e.err)
	if e.hint != "" {
		fmt.Fprintln(m.Stderr, "hint:", e.hint)
	}
}

// exitError is an error with its exit code. One without err has printed already.
type exitError struct {
	code int
	err  error
	hint string
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// errInvalid: the thing examined is not valid; the findings stand on Stdout.
var errInvalid = &exitError{code: exitInvalid}

func usage(err error, hint string) error  { return &exitError{exitUsage, err, hint} }
func system(err error, hint string) error { return &exitError{exitSystem, err, hint} }

// root makes the command tree.
func (m *Main) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "portti",
		Short:         "gateway and archive for social-welfare documents (HL7 CDA over SOAP)",
		Long:          "portti is a gateway and archive for social-welfare documents (HL7 CDA over SOAP).\nIt is not Kela's and not certified.",
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return m.configure(cmd)
		},
	}
	root.SetIn(m.Stdin)
	root.SetOut(m.Stdout)
	root.SetErr(m.Stderr)
	f := root.PersistentFlags()
	f.StringP("config", "C", "", "configuration `FILE` (YAML)")
	f.String("format", "text", "output as text or json; validate also as junit or html")
	f.String("lang", "en", "language of texts: fi, sv or en")
	f.String("profile", "strict", "strict takes forms seen in real social-welfare messages; lenient also health and legacy forms")
	f.String("world", "test", "test or production")
	root.AddCommand(
		m.serveCommand(), m.demoCommand(), m.validateCommand(), m.verifyCommand(),
		m.c14nCommand(), m.frameCommand(), m.sendCommand(), m.queryCommand(), m.errorsCommand(),
		m.sosmetaCommand(), m.codesCommand(), m.orgCommand(), m.accessCommand(), m.pkiCommand(), m.signCommand(), m.archiveCommand(), m.logCommand(), m.versionCommand(), m.conformanceCommand(),
		m.migrateCommand(), m.vectorsCommand(),
	)
	return root
}
