package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"portti/gateway/access"
	"portti/gateway/control"
	"portti/gateway/pipeline"
)

// orgControl is the name of the command that runs a line of portti org, or of portti
// access, for others.
const orgControl = "org"

// orgLine is such a command line, run by the process that owns the archive.
type orgLine struct {
	Args    []string `json:"args"`
	Environ []string `json:"environ"`
}

// beside has the owner of the archive run this command line; owned is what is told
// where nobody answers for it.
func (m *Main) beside(ctx context.Context, owned error) error {
	line := orgLine{Args: absolute(m.args)}
	for _, v := range m.Environ {
		if strings.HasPrefix(v, "USER=") || strings.HasPrefix(v, "PORTTI_") {
			line.Environ = append(line.Environ, v)
		}
	}
	err := control.Run(ctx, m.config.Data, control.Commands{orgControl: nil}, orgControl, line, m.Stdout, func() (control.Archive, error) {
		return control.Archive{}, owned
	})
	var theirs *control.Error
	switch {
	case errors.Is(err, control.ErrFindings):
		return errInvalid
	case errors.As(err, &theirs):
		return usage(err, theirs.Hint)
	}
	return err
}

// absolute gives the arguments with the files among them by their whole paths: the
// owner stands in another folder.
func absolute(args []string) []string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = a
		flag, path, ok := strings.Cut(a, "=")
		if !ok {
			flag, path = "", a
		}
		if _, err := os.Stat(path); err != nil || !strings.ContainsAny(path, "./") && i > 0 && !strings.HasPrefix(args[i-1], "-") {
			continue
		}
		if whole, err := filepath.Abs(path); err == nil {
			if out[i] = whole; flag != "" {
				out[i] = flag + "=" + whole
			}
		}
	}
	return out
}

// ofOwner are the commands whose lines the owner of an archive runs for others.
var ofOwner = []string{"portti org ", "portti access "}

// orgFor runs lines of these commands on an archive that is open, and makes what they
// change count at once.
func orgFor(known *pipeline.Organisations, settings *access.Settings) control.Command {
	return func(ctx context.Context, a control.Archive, raw json.RawMessage, out io.Writer) error {
		var line orgLine
		if err := json.Unmarshal(raw, &line); err != nil {
			return err
		}
		m := NewMain()
		m.Stdin, m.Stdout, m.Stderr, m.Environ, m.archive = strings.NewReader(""), out, io.Discard, line.Environ, a.Store
		m.settings = settings
		root := m.root()
		if cmd, _, err := root.Find(line.Args); err != nil || !slices.ContainsFunc(ofOwner, func(p string) bool { return strings.HasPrefix(cmd.CommandPath(), p) }) {
			return fmt.Errorf("control: %s takes lines of portti org and portti access alone", orgControl)
		}
		root.SetArgs(line.Args)
		err := root.ExecuteContext(ctx)
		err = errors.Join(err, known.LoadOrganisations(ctx, a.Store))
		if errors.Is(err, errInvalid) {
			return control.ErrFindings
		}
		return err
	}
}
