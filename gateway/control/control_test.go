package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portti/store"
)

var commands = Commands{
	"say": func(_ context.Context, a Archive, args json.RawMessage, out io.Writer) error {
		_, err := fmt.Fprintf(out, "said %s", args)
		return err
	},
	"find": func(_ context.Context, _ Archive, _ json.RawMessage, out io.Writer) error {
		fmt.Fprint(out, "found")
		return ErrFindings
	},
	"break": func(context.Context, Archive, json.RawMessage, io.Writer) error {
		return &store.Error{Kind: store.ErrFull, Op: "x", Hint: "make room"}
	},
}

// A command says and fails alike, whoever owns the archive.
func TestCommandsAreTheSameThroughTheSocket(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("a-long-name-", 12)) // longer than a socket's name may be
	st, err := store.Open(context.Background(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	stop, err := Serve(dir, Archive{Store: st}, commands)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, Socket)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket: %v %v", info, err)
	}
	run := func(name string) (string, error) {
		var out bytes.Buffer
		err := Run(context.Background(), dir, commands, name, "x", &out, func() (Archive, error) {
			s, err := store.Open(context.Background(), store.Options{Dir: dir})
			return Archive{Store: s}, err
		})
		return out.String(), err
	}
	both := func(owned bool) {
		if out, err := run("say"); err != nil || out != `said "x"` {
			t.Errorf("owned %t: %q %v", owned, out, err)
		}
		if out, err := run("find"); !errors.Is(err, ErrFindings) || out != "found" {
			t.Errorf("owned %t: %q %v", owned, out, err)
		}
		_, err := run("break")
		var theirs *Error
		if owned != errors.As(err, &theirs) || owned && theirs.Hint != "make room" || !owned && !errors.Is(err, store.ErrFull) {
			t.Errorf("owned %t: %v", owned, err)
		}
	}
	both(true)
	if err := errors.Join(stop(), st.Close()); err != nil {
		t.Fatal(err)
	}
	both(false)
	// What a killed owner leaves behind is in nobody's way.
	if err := os.WriteFile(filepath.Join(dir, Socket), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	both(false)
}
