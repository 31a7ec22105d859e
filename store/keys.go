package store

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// keyFile holds the index key: see openKey.
const keyFile = "index.key"

// keySize is the length of a key in index and log columns: HMAC-SHA-256 cut to
// 128 bits (RFC 2104, 5), short enough to keep the index small.
const keySize = 16

// The domains keep one value from meaning the same in two columns.
const (
	domainPerson = "person" // identity codes, temporary ids, professionals' and users' ids
	domainName   = "name"
	domainCheck  = "check"
)

type key [keySize]byte

// keyer turns identifying values into keys. Safe for concurrent use.
type keyer struct{ secret []byte }

func (k *keyer) sum(domain string, parts ...string) key {
	m := hmac.New(sha256.New, k.secret)
	io.WriteString(m, domain)
	for _, p := range parts {
		m.Write([]byte{0})
		io.WriteString(m, p)
	}
	var full [sha256.Size]byte
	var out key
	copy(out[:], m.Sum(full[:0]))
	return out
}

// person gives the column value for an identity code or user id; nil for "".
func (k *keyer) person(id string) []byte {
	if id = normalID(id); id == "" {
		return nil
	}
	v := k.sum(domainPerson, id)
	return v[:]
}

// name gives the column value for a person's name; nil for "".
func (k *keyer) name(name string) []byte {
	if name = normalName(name); name == "" {
		return nil
	}
	v := k.sum(domainName, name)
	return v[:]
}

// normalID makes spelling variants of one id equal.
func normalID(id string) string { return strings.ToUpper(strings.Join(strings.Fields(id), " ")) }

// normalName makes case, spacing and Unicode forms of one name equal.
func normalName(name string) string {
	return strings.ToUpper(norm.NFC.String(strings.Join(strings.Fields(name), " ")))
}

// The secret in index.key is the archive's own beside the database: the index key,
// and what the checkpoint key is made of. In an encrypted archive the file holds it
// wrapped by the master key, a line "sealed <hex>" for each master key that opens it
// (two while the master key is being changed).

const sealedLine = "sealed "

// indexKeyName is its name as a wrapped key.
const indexKeyName = "index key"

// openKey reads the index key, or makes one where mayCreate tells that no archive
// exists yet: a lost key must never be silently replaced. master is nil where the
// archive is not encrypted.
func openKey(dir string, random io.Reader, mayCreate bool, master *masterKey) (*keyer, error) {
	path := filepath.Join(dir, keyFile)
	b, err := os.ReadFile(path)
	switch {
	case err == nil:
		return parseKey(path, b, master, mayCreate)
	case !errors.Is(err, os.ErrNotExist):
		return nil, &Error{Kind: ErrKey, Op: "open", Path: path, Err: err}
	case !mayCreate:
		return nil, &Error{Kind: ErrKey, Op: "open", Path: path, Err: err, Hint: indexKeyHint}
	}
	k := &keyer{make([]byte, sha256.Size)}
	if _, err := io.ReadFull(random, k.secret); err != nil {
		return nil, &Error{Kind: ErrKey, Op: "open", Path: path, Err: err}
	}
	return k, fail("open", k.write(dir, random, master))
}

const indexKeyHint = "put back the index.key that belongs to this archive"

// write puts the secret into its file, wrapped by each of masters; in plain where
// there is none.
func (k *keyer) write(dir string, random io.Reader, masters ...*masterKey) error {
	var out []byte
	for _, m := range masters {
		if m == nil {
			continue
		}
		wrapped, err := m.wrap(indexKeyName, k.secret, random)
		if err != nil {
			return err
		}
		out = append(hex.AppendEncode(append(out, sealedLine...), wrapped), '\n')
	}
	if out == nil {
		out = append(hex.AppendEncode(nil, k.secret), '\n')
	}
	return writeFile(filepath.Join(dir, keyFile), out, 0o600)
}

func parseKey(path string, b []byte, master *masterKey, fresh bool) (*keyer, error) {
	bad := func(why error) error {
		return &Error{Kind: ErrKey, Op: "open", Path: path, Err: why, Hint: indexKeyHint}
	}
	text := strings.TrimSpace(string(b))
	if !strings.HasPrefix(text, sealedLine) {
		secret, err := hex.DecodeString(text)
		if err != nil || len(secret) != sha256.Size {
			return nil, bad(errors.New("not 64 hex digits"))
		}
		if master != nil && !fresh {
			return nil, bad(errors.New("it is not sealed"))
		}
		return &keyer{secret}, nil
	}
	if master == nil {
		return nil, masterError(path, errors.New("it is sealed by a master key"))
	}
	why := errors.New("malformed")
	for line := range strings.Lines(text) {
		wrapped, err := hex.DecodeString(strings.TrimSpace(strings.TrimPrefix(line, sealedLine)))
		if err != nil {
			continue
		}
		secret, err := master.unwrap(indexKeyName, wrapped)
		if err == nil && len(secret) == sha256.Size {
			return &keyer{secret}, nil
		}
		if err != nil {
			why = err
		}
	}
	if errors.Is(why, errOtherMaster) {
		return nil, masterError(path, why)
	}
	return nil, bad(why)
}

// writeFile writes a new file so that it is there whole or not at all after a crash.
func writeFile(path string, b []byte, mode os.FileMode) error {
	tmp := path + ".tmp"
	f, err := disk.Open(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return errors.Join(err, disk.Remove(tmp))
	}
	if err := disk.Rename(tmp, path); err != nil {
		return err
	}
	return disk.SyncDir(filepath.Dir(path))
}

var defaultRandom io.Reader = rand.Reader
