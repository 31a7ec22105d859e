package trust

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The endings of files that are read of a folder.
var (
	certificateEndings = []string{".pem", ".crt", ".cer", ".der"}
	listEndings        = []string{".crl"}
)

// maxFile bounds a certificate file in bytes.
const maxFile = 1 << 20

// Load reads certificates from files and folders: PEM (any number in a file) or
// DER (one). Of a folder it reads the files whose names end in .pem, .crt, .cer or
// .der, not its subfolders, and skips keys and other PEM blocks. An error names
// the file; a file without a certificate is one, a folder without a file is not.
func Load(paths ...string) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for _, p := range paths {
		files, err := filesOf(p, certificateEndings...)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			certs, err := loadFile(f)
			if err != nil {
				return nil, err
			}
			for _, c := range certs {
				if !slices.ContainsFunc(out, c.Equal) {
					out = append(out, c)
				}
			}
		}
	}
	return out, nil
}

// loadLists reads revocation lists from files and folders.
func loadLists(paths []string, limit int64) ([]*list, error) {
	if limit <= 0 {
		limit = defaultListLimit
	}
	var out []*list
	for _, p := range paths {
		files, err := filesOf(p, listEndings...)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			b, err := readLimited(f, limit)
			if err != nil {
				return nil, err
			}
			l, err := parseList(b)
			if err != nil {
				return nil, fmt.Errorf("%s: no revocation list: %w", f, err)
			}
			out = append(out, l)
		}
	}
	return out, nil
}

// filesOf gives a file, or a folder's files with these endings.
func filesOf(path string, endings ...string) ([]string, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path) // sorted by name
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		if !e.IsDir() && slices.Contains(endings, strings.ToLower(filepath.Ext(e.Name()))) {
			files = append(files, filepath.Join(path, e.Name()))
		}
	}
	return files, nil
}

func loadFile(name string) ([]*x509.Certificate, error) {
	b, err := readLimited(name, maxFile)
	if err != nil {
		return nil, err
	}
	certs, err := Parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return certs, nil
}

func readLimited(name string, limit int64) ([]byte, error) {
	st, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if st.Size() > limit {
		return nil, fmt.Errorf("%s: larger than %d bytes", name, limit)
	}
	return os.ReadFile(name)
}

// Parse reads the certificates of PEM or of one DER.
func Parse(b []byte) ([]*x509.Certificate, error) {
	if !bytes.Contains(b, []byte("-----BEGIN ")) {
		c, err := x509.ParseCertificate(b)
		if err != nil {
			return nil, fmt.Errorf("neither PEM nor one DER certificate: %w", err)
		}
		return []*x509.Certificate{c}, nil
	}
	var out []*x509.Certificate
	for {
		var block *pem.Block
		if block, b = pem.Decode(b); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", len(out)+1, err)
		}
		out = append(out, c)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no certificate in it")
	}
	return out, nil
}
