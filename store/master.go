package store

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// KeySource gives an archive's master key, 32 bytes. It is asked once when the
// archive is opened.
type KeySource func(context.Context) ([]byte, error)

// masterSize is the length of a master key and of a data key.
const masterSize = 32

// KeyFile takes the master key from a file of 64 hex digits.
func KeyFile(path string) KeySource {
	return func(context.Context) ([]byte, error) {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, masterError(path, err)
		}
		return parseMaster(path, b)
	}
}

// keyCommandTime bounds a key command: a device that does not answer must not
// keep the archive from telling so.
const keyCommandTime = 30 * time.Second

// KeyCommand takes the master key from what a shell command writes to its output:
// a key service's client, or one that asks a hardware module.
func KeyCommand(command string) KeySource {
	return func(ctx context.Context) ([]byte, error) {
		ctx, cancel := context.WithTimeout(ctx, keyCommandTime)
		defer cancel()
		b, err := exec.CommandContext(ctx, "/bin/sh", "-c", command).Output()
		if err != nil {
			return nil, masterError("command", err) // its output may hold a key
		}
		return parseMaster("command", b)
	}
}

// Key is a master key that is at hand already.
func Key(b []byte) KeySource {
	return func(context.Context) ([]byte, error) {
		if len(b) != masterSize {
			return nil, masterError("", fmt.Errorf("%d bytes are not %d", len(b), masterSize))
		}
		return bytes.Clone(b), nil
	}
}

// NewKeyFile makes a master key in a new file, durably and for its owner alone. A
// file that is there already is left as it is, with an error.
func NewKeyFile(path string, random io.Reader) error {
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		return errors.Join(err, fmt.Errorf("%s: %w", path, os.ErrExist))
	}
	b := make([]byte, masterSize)
	if _, err := io.ReadFull(random, b); err != nil {
		return err
	}
	return writeFile(path, append(hex.AppendEncode(nil, b), '\n'), 0o600)
}

func parseMaster(path string, b []byte) ([]byte, error) {
	key, err := hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(key) != masterSize {
		return nil, masterError(path, errors.New("not 64 hex digits"))
	}
	return key, nil
}

const masterHint = "name this archive's master key; without it nothing in the archive can be read"

func masterError(path string, err error) error {
	return &Error{Kind: ErrKey, Op: "master key", Path: path, Err: err, Hint: masterHint}
}

// masterKey wraps data keys and the secrets in files. What it wraps is
//
//	0x01, the key's mark (8 bytes), nonce (12 bytes), AES-256-GCM
//
// under a key derived from it, with the wrapped key's name as associated data.
type masterKey struct {
	mark [8]byte
	aead cipher.AEAD
}

// wrapVersion is the first byte of what a master key wraps.
const wrapVersion = 1

func newMasterKey(secret []byte) (*masterKey, error) {
	derive := func(label string) []byte {
		m := hmac.New(sha256.New, secret)
		io.WriteString(m, label)
		return m.Sum(nil)
	}
	block, err := aes.NewCipher(derive("portti wrap 1"))
	if err != nil {
		return nil, err
	}
	k := new(masterKey)
	copy(k.mark[:], derive("portti master key mark"))
	k.aead, err = cipher.NewGCM(block)
	return k, err
}

func (k *masterKey) wrap(name string, secret []byte, random io.Reader) ([]byte, error) {
	out := append([]byte{wrapVersion}, k.mark[:]...)
	nonce := make([]byte, k.aead.NonceSize())
	if _, err := io.ReadFull(random, nonce); err != nil {
		return nil, err
	}
	return k.aead.Seal(append(out, nonce...), nonce, secret, []byte(name)), nil
}

// errOtherMaster: the thing is wrapped by another master key.
var errOtherMaster = errors.New("it is wrapped by another master key")

func (k *masterKey) unwrap(name string, b []byte) ([]byte, error) {
	head := 1 + len(k.mark)
	switch {
	case len(b) < head+k.aead.NonceSize() || b[0] != wrapVersion:
		return nil, errors.New("wrapped key is malformed")
	case !bytes.Equal(b[1:head], k.mark[:]):
		return nil, errOtherMaster
	}
	nonce := b[head : head+k.aead.NonceSize()]
	out, err := k.aead.Open(nil, nonce, b[head+len(nonce):], []byte(name))
	if err != nil {
		return nil, errors.New("wrapped key is damaged")
	}
	return out, nil
}
