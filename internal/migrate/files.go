package migrate

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// files gives the octets of a named file of the old system. It is safe for
// concurrent use.
type files interface {
	// read gives at most limit octets more than it refuses: a larger file is
	// ReasonFileSize, a missing one ReasonFileMissing.
	read(name string, limit int64) ([]byte, error)
	io.Closer
}

// openFiles opens a folder, a zip or a tar (also .tar.gz). scratch is a folder for
// what does not fit into memory.
func openFiles(name, scratch string) (files, error) {
	if name == "" {
		return noFiles{}, nil
	}
	st, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	switch low := strings.ToLower(name); {
	case st.IsDir():
		root, err := os.OpenRoot(name)
		if err != nil {
			return nil, err
		}
		return folder{root}, nil
	case strings.HasSuffix(low, ".zip"):
		return openZip(name, scratch)
	case strings.HasSuffix(low, ".tar"):
		return openTar(name, scratch)
	case strings.HasSuffix(low, ".tar.gz"), strings.HasSuffix(low, ".tgz"):
		return openTarGz(name, scratch)
	}
	return nil, fmt.Errorf("%s is no folder, .zip, .tar or .tar.gz", name)
}

// cleanName makes a name of an export one of ours: old systems write backslashes.
func cleanName(name string) string {
	return strings.TrimPrefix(path.Clean("/"+strings.ReplaceAll(name, `\`, "/")), "/")
}

func missing(name string) error { return refuse(ReasonFileMissing, "%s", name) }

// bounded reads a file of at most limit octets.
func bounded(name string, r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, refuse(ReasonFileSize, "%s", name)
	}
	return b, nil
}

type noFiles struct{}

func (noFiles) read(name string, _ int64) ([]byte, error) { return nil, missing(name) }
func (noFiles) Close() error                              { return nil }

// folder reads below one folder and never outside it.
type folder struct{ root *os.Root }

func (d folder) read(name string, limit int64) ([]byte, error) {
	f, err := d.root.Open(filepath.FromSlash(cleanName(name)))
	if err != nil {
		return nil, missing(name)
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || st.IsDir() {
		return nil, missing(name)
	}
	return bounded(name, f, limit)
}

func (d folder) Close() error { return d.root.Close() }

// tarFiles knows where in a tar each file stands; the list is a table on disk.
type tarFiles struct {
	f      *os.File
	index  *index
	remove string // an unpacked tar of ours
}

func openTar(name, scratch string) (_ files, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	t := &tarFiles{f: f}
	defer func() {
		if err != nil {
			t.Close()
		}
	}()
	if t.index, err = openIndex(scratch); err != nil {
		return nil, err
	}
	return t, t.index.fill(t.walk)
}

// walk goes through the tar once.
func (t *tarFiles) walk(add func(entry) error) error {
	r := tar.NewReader(t.f)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", t.f.Name(), err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		at, err := t.f.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		if err := add(entry{name: h.Name, at: at, size: h.Size}); err != nil {
			return err
		}
	}
}

func (t *tarFiles) read(name string, limit int64) ([]byte, error) {
	e, err := t.index.find(name)
	if err != nil {
		return nil, err
	}
	return bounded(name, io.NewSectionReader(t.f, e.at, e.size), limit)
}

func (t *tarFiles) Close() error {
	err := t.f.Close()
	if t.index != nil {
		err = errors.Join(err, t.index.Close())
	}
	if t.remove != "" {
		err = errors.Join(err, os.Remove(t.remove))
	}
	return err
}

// openTarGz unpacks to the scratch folder first: compressed tars cannot be read at
// a place.
func openTarGz(name, scratch string) (files, error) {
	in, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	plain := filepath.Join(scratch, "unpacked.tar")
	out, err := os.OpenFile(plain, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(out, z)
	if err := errors.Join(err, out.Close()); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	f, err := openTar(plain, scratch)
	if err != nil {
		return nil, err
	}
	f.(*tarFiles).remove = plain
	return f, nil
}
