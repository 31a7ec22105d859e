package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"

	"portti/fixtures"
	"portti/store"
	"portti/xmldsig/trust"

	"github.com/spf13/pflag"
)

func (m *Main) masterFlags(f *pflag.FlagSet) {
	f.String("master-key", "", "`FILE` of the archive's master key, made where there is none yet (default DIR.key beside the data directory)")
	f.String("master-key-command", "", "`COMMAND` that writes the master key, 64 hex digits, to its output")
}

// masterFile is where the master key of an archive is by default: beside its
// directory, so that a copy of the directory is not a copy of the key.
func masterFile(data string) string { return filepath.Clean(data) + ".key" }

// master gives the master key of the archive in data: none for one that is made
// without encryption. For a new archive a missing key file is made, and said so.
func (m *Main) master(data string) (store.KeySource, error) {
	c := &m.config
	if c.MasterKeyCommand != "" {
		if c.MasterKey != "" {
			return nil, usage(errors.New("both a file and a command for the master key"), "give one of --master-key and --master-key-command")
		}
		return store.KeyCommand(c.MasterKeyCommand), nil
	}
	file := c.MasterKey
	if file == "" {
		file = masterFile(data)
	}
	if err := m.endRotation(data, file); err != nil {
		return nil, err
	}
	if exists(file) {
		if inside(data, file) {
			fmt.Fprintf(m.Stderr, "portti: the master key %s lies in the data directory: who copies the archive has its key\n", file)
		}
		return store.KeyFile(file), nil
	}
	switch {
	case exists(filepath.Join(data, "archive.db")):
		if c.MasterKey != "" {
			return store.KeyFile(file), nil // which tells that it is missing
		}
		return nil, nil
	case c.Encryption == "off":
		return nil, nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, system(err, "")
	}
	if err := store.NewKeyFile(file, rand.Reader); err != nil {
		return nil, system(err, "name another file with --master-key")
	}
	fmt.Fprintf(m.Stdout, "encryption: made the master key %s\n"+
		"            Keep a copy of it in another place: without it nothing in the archive can be read, and a backup does not hold it.\n", file)
	return store.KeyFile(file), nil
}

// newKey is the file of a master key that is to come, oldKey that of one that was.
func newKey(file string) string { return file + ".new" }

func (m *Main) oldKey(file string) string {
	return file + "." + m.Now().UTC().Format("20060102T150405Z")
}

// endRotation ends a change of the master key that was broken off when the archive was
// under the new key already, but the key file was not in its place.
func (m *Main) endRotation(data, file string) error {
	next := newKey(file)
	if !exists(next) || !exists(filepath.Join(data, "archive.db")) {
		return nil
	}
	ctx := context.Background()
	if store.MasterOpens(ctx, data, store.KeyFile(file)) == nil || store.MasterOpens(ctx, data, store.KeyFile(next)) != nil {
		return nil // it did not come so far
	}
	old := m.oldKey(file)
	if err := store.ReplaceKeyFile(file, next, old); err != nil {
		return system(err, "the archive is under the key in "+next)
	}
	fmt.Fprintf(m.Stderr, "portti: a change of the master key had been broken off; %s is the new key now\n", file)
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// inside tells whether a file lies in a directory.
func inside(dir, file string) bool {
	d, err1 := filepath.Abs(dir)
	f, err2 := filepath.Abs(file)
	if err1 != nil || err2 != nil {
		return false
	}
	rel, err := filepath.Rel(d, f)
	return err == nil && filepath.IsLocal(rel)
}

// refuseDemoKeys refuses to serve other machines with trust in, or a certificate of,
// the demo world's authority: its keys follow from a seed that stands in the source.
func (m *Main) refuseDemoKeys(certificate string) error {
	c := &m.config
	if (c.Listen == "" || loopback(c.Listen)) && (c.TLSListen == "" || loopback(c.TLSListen)) {
		return nil
	}
	w, err := fixtures.NewWorld(demoSeed, fixtures.Options{})
	if err != nil {
		return system(err, "")
	}
	demo := w.Authority.Certificates()
	for _, name := range []string{c.Trust, c.Pinned, c.TLS.ClientCA, certificate} {
		if name == "" {
			continue
		}
		certs, err := trust.Load(name)
		if err != nil {
			continue // who needs the file says so
		}
		for _, x := range certs {
			for _, d := range demo {
				if slices.Equal(x.RawSubjectPublicKeyInfo, d.RawSubjectPublicKeyInfo) || slices.Equal(x.AuthorityKeyId, d.SubjectKeyId) && len(d.SubjectKeyId) > 0 {
					return usage(fmt.Errorf("%s holds certificates of the demo world, whose keys are known to all", name),
						"listen on 127.0.0.1, or use an authority of your own (portti pki init --seed)")
				}
			}
		}
	}
	return nil
}

// loopback tells whether an address reaches this machine only.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
