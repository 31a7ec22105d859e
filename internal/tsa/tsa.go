// Package tsa asks a time-stamp authority (RFC 3161) for stamps and checks them, and
// answers as one for tests. A stamp's chain is judged at the stamp's own time: a
// certificate ends, what it stamped before does not.
package tsa

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"time"

	"github.com/digitorus/timestamp"
)

// Client asks one authority.
type Client struct {
	URL string
	// Trust are certificates that the authority's must lead to.
	Trust []*x509.Certificate
	HTTP  *http.Client
}

// most bounds an answer.
const most = 64 << 10

// Stamp gives the time-stamp token over a SHA-256, checked.
func (c *Client) Stamp(ctx context.Context, sum [sha256.Size]byte) ([]byte, error) {
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 63))
	if err != nil {
		return nil, err
	}
	q := timestamp.Request{HashAlgorithm: crypto.SHA256, HashedMessage: sum[:], Certificates: true, Nonce: nonce}
	body, err := q.Marshal()
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/timestamp-query")
	res, err := c.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, most))
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("tsa: HTTP %d", res.StatusCode)
	}
	t, err := timestamp.ParseResponse(b)
	if err != nil {
		return nil, fmt.Errorf("tsa: %w", err)
	}
	if t.Nonce == nil || t.Nonce.Cmp(nonce) != 0 {
		return nil, errors.New("tsa: the answer is to another question")
	}
	if _, err := Check(t.RawToken, sum, c.Trust); err != nil {
		return nil, err
	}
	return t.RawToken, nil
}

// ErrStamp is in every error that says that a stamp does not hold.
var ErrStamp = errors.New("time stamp")

// Check checks a token over a SHA-256 and gives its time.
func Check(token []byte, sum [sha256.Size]byte, trusted []*x509.Certificate) (time.Time, error) {
	t, err := timestamp.Parse(token) // which checks the signature
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: %w", ErrStamp, err)
	}
	if t.HashAlgorithm != crypto.SHA256 || !bytes.Equal(t.HashedMessage, sum[:]) {
		return time.Time{}, fmt.Errorf("%w: it is of something else", ErrStamp)
	}
	signer := signerOf(t)
	if signer == nil {
		return time.Time{}, fmt.Errorf("%w: it has no certificate for time stamps", ErrStamp)
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	for _, c := range trusted {
		roots.AddCert(c)
	}
	for _, c := range t.Certificates {
		between.AddCert(c)
	}
	_, err = signer.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: t.Time,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}})
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: %w", ErrStamp, err)
	}
	return t.Time, nil
}

func signerOf(t *timestamp.Timestamp) *x509.Certificate {
	for _, c := range t.Certificates {
		for _, u := range c.ExtKeyUsage {
			if u == x509.ExtKeyUsageTimeStamping {
				return c
			}
		}
	}
	return nil
}

// Authority answers as a time-stamp authority, for tests.
type Authority struct {
	Certificate *x509.Certificate
	Key         crypto.Signer
	Now         func() time.Time
	Policy      []int
}

// ServeHTTP answers one request.
func (a *Authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(io.LimitReader(r.Body, most))
	if err != nil {
		http.Error(w, "unreadable", http.StatusBadRequest)
		return
	}
	q, err := timestamp.ParseRequest(b)
	if err != nil {
		http.Error(w, "no time-stamp query", http.StatusBadRequest)
		return
	}
	t := timestamp.Timestamp{HashAlgorithm: q.HashAlgorithm, HashedMessage: q.HashedMessage, Time: a.Now().UTC().Truncate(time.Second),
		Nonce: q.Nonce, Policy: a.Policy, AddTSACertificate: true}
	answer, err := t.CreateResponseWithOpts(a.Certificate, a.Key, crypto.SHA256)
	if err != nil {
		http.Error(w, "the stamp cannot be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/timestamp-reply")
	w.Write(answer)
}
