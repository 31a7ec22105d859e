// Package control lets commands work on an archive that another process owns: the
// owner listens on a unix socket in the data directory, for its own user alone, and
// runs the command there. Where nobody owns the archive, the command opens it itself;
// either way the same function does the work.
package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"portti/store"
)

// Archive is what a command works on.
type Archive struct {
	Store *store.Store
	// Signatures judges a document's signatures; nil leaves them out.
	Signatures store.SignatureJudge
}

// Command does its work on an archive, with arguments as JSON, and writes what is to
// be shown. ErrFindings says that it has shown what is wrong.
type Command func(ctx context.Context, a Archive, args json.RawMessage, out io.Writer) error

// ErrFindings: the thing examined is not in order, and the output says so.
var ErrFindings = errors.New("control: findings")

// Commands are known by name; both sides must have the same.
type Commands map[string]Command

// Socket is the file in the data directory.
const Socket = "archive.sock"

// The result of a command goes in trailers, after its output.
const (
	trailerError    = "Portti-Error"
	trailerHint     = "Portti-Hint"
	trailerFindings = "Portti-Findings"
)

// reach gives a short name of the socket: names of sockets end at 108 bytes, those of
// data directories do not. The file must stay open while the name is used.
func reach(dir string) (string, *os.File, error) {
	d, err := os.Open(dir)
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", d.Fd(), Socket), d, nil
}

// Serve runs commands for others until stop is called. The caller owns dir, so that
// a socket that is there already was left by a process that is gone.
func Serve(dir string, a Archive, cs Commands) (stop func() error, err error) {
	path, d, err := reach(dir)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(filepath.Join(dir, Socket)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, errors.Join(err, d.Close())
	}
	ln, err := net.Listen("unix", path)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("control: %w", err), d.Close())
	}
	if err := os.Chmod(filepath.Join(dir, Socket), 0o600); err != nil {
		return nil, errors.Join(err, ln.Close(), d.Close())
	}
	ctx, cancel := context.WithCancel(context.Background())
	srv := &http.Server{Handler: cs.handler(a), ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx }}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ln) }()
	return func() error {
		cancel()
		end, stopEnd := context.WithTimeout(context.Background(), 10*time.Second)
		defer stopEnd()
		err := srv.Shutdown(end)
		if e := <-done; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
		if e := os.Remove(filepath.Join(dir, Socket)); e != nil && !errors.Is(e, os.ErrNotExist) {
			err = errors.Join(err, e)
		}
		return errors.Join(err, d.Close())
	}, nil
}

func (cs Commands) handler(a Archive) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{name}", func(w http.ResponseWriter, r *http.Request) {
		c := cs[r.PathValue("name")]
		if c == nil {
			http.Error(w, "unknown command", http.StatusNotFound)
			return
		}
		args, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil {
			http.Error(w, "arguments cannot be read", http.StatusBadRequest)
			return
		}
		w.Header().Set("Trailer", trailerError+", "+trailerHint+", "+trailerFindings)
		w.WriteHeader(http.StatusOK)
		err = c(r.Context(), a, args, w)
		switch {
		case errors.Is(err, ErrFindings):
			w.Header().Set(trailerFindings, "1")
		case err != nil:
			w.Header().Set(trailerError, strconv.Quote(err.Error()))
			w.Header().Set(trailerHint, strconv.Quote(hintOf(err)))
		}
	})
	return mux
}

func hintOf(err error) string {
	var e *store.Error
	if errors.As(err, &e) {
		return e.Hint
	}
	return ""
}

// Error is a failure in the process that owns the archive.
type Error struct{ Text, Hint string }

// Error gives the text.
func (e *Error) Error() string { return e.Text }

// Run runs a command on the archive in dir: through the socket of its owner, else on
// what open gives. The archive that open gave is closed afterwards.
func Run(ctx context.Context, dir string, cs Commands, name string, args any, out io.Writer, open func() (Archive, error)) error {
	b, err := json.Marshal(args)
	if err != nil {
		return err
	}
	if path, d, err := reach(dir); err == nil {
		defer d.Close()
		if conn, err := net.Dial("unix", path); err == nil {
			conn.Close()
			return ask(ctx, path, name, b, out)
		}
	}
	a, err := open()
	if err != nil {
		return err
	}
	return errors.Join(cs[name](ctx, a, b, out), a.Store.Close())
}

func ask(ctx context.Context, path, name string, args []byte, out io.Writer) error {
	t := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	defer t.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://archive/"+name, bytes.NewReader(args))
	if err != nil {
		return err
	}
	res, err := (&http.Client{Transport: t}).Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("control: the process that owns the archive does not know %s: HTTP %d", name, res.StatusCode)
	}
	if _, err := io.Copy(out, res.Body); err != nil {
		return err
	}
	if res.Trailer.Get(trailerFindings) != "" {
		return ErrFindings
	}
	if text, err := strconv.Unquote(res.Trailer.Get(trailerError)); err == nil && text != "" {
		hint, _ := strconv.Unquote(res.Trailer.Get(trailerHint)) // without it the error stands all the same
		return &Error{text, hint}
	}
	return nil
}
