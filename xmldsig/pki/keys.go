package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha3"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"sync"
)

// Algorithm names a kind of key and its size.
type Algorithm string

// The algorithms. Real certificates carry RSA 3072 (professionals) and RSA 4096
// (systems); tests use RSA 2048 for speed. RSA 1024 exists to be refused.
const (
	RSA1024 Algorithm = "rsa1024"
	RSA2048 Algorithm = "rsa2048"
	RSA3072 Algorithm = "rsa3072"
	RSA4096 Algorithm = "rsa4096"
	P256    Algorithm = "p256"
	P384    Algorithm = "p384"
)

// RSA gives the Algorithm of an RSA key of that many bits.
func RSA(bits int) Algorithm { return Algorithm(fmt.Sprintf("rsa%d", bits)) }

// Stream gives the endless octets that follow from a seed and a label, and from
// nothing else. Streams of different labels are independent (SHAKE256 over the
// lengths and the texts of both). It is no source of secrets.
func Stream(seed, label string) io.Reader {
	h := sha3.NewSHAKE256()
	for _, s := range []string{"portti test keys only 1", seed, label} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	return h
}

// keyCache holds the keys already made in this process: a test world is made
// many times over with one seed, and a 4096-bit key takes a second.
var keyCache sync.Map // of cacheKey to func() (crypto.Signer, error)

type cacheKey struct {
	seed, label string
	alg         Algorithm
}

// Key gives the key of a seed, a label and an algorithm: always the same one.
// Test keys only. Its Sign is deterministic too: it ignores the source of
// randomness (RFC 6979 for ECDSA).
func Key(seed, label string, alg Algorithm) (crypto.Signer, error) {
	make1 := sync.OnceValues(func() (crypto.Signer, error) { return newKey(seed, label, alg) })
	f, _ := keyCache.LoadOrStore(cacheKey{seed, label, alg}, make1)
	return f.(func() (crypto.Signer, error))()
}

func newKey(seed, label string, alg Algorithm) (crypto.Signer, error) {
	label = "key/" + string(alg) + "/" + label
	switch alg {
	case P256:
		return newECDSA(elliptic.P256(), seed, label)
	case P384:
		return newECDSA(elliptic.P384(), seed, label)
	}
	bits, err := alg.bits()
	if err != nil {
		return nil, err
	}
	return newRSA(bits, seed, label)
}

// bits gives the size of an RSA key, 0 for other keys. It returns an error for an
// unknown algorithm.
func (a Algorithm) bits() (n int, err error) {
	if a == P256 || a == P384 {
		return 0, nil
	}
	if _, err := fmt.Sscanf(string(a), "rsa%d", &n); err != nil || n < 1024 || n > 8192 || n%256 != 0 || RSA(n) != a {
		return 0, fmt.Errorf("pki: unknown key algorithm %q: use rsa2048, rsa3072, rsa4096, p256 or p384", a)
	}
	return n, nil
}

// newRSA makes an RSA key. crypto/rsa ignores its reader since Go 1.26, so that
// nothing but own code can give the same key twice.
func newRSA(bits int, seed, label string) (crypto.Signer, error) {
	for try := 0; try < 8; try++ {
		primes := make([]*big.Int, 2)
		var wg sync.WaitGroup
		for i := range primes {
			wg.Go(func() { primes[i] = prime(bits/2, Stream(seed, fmt.Sprintf("%s/%d/%d", label, try, i))) })
		}
		wg.Wait()
		if primes[0].Cmp(primes[1]) == 0 {
			continue
		}
		key, err := assemble(primes[0], primes[1])
		if err != nil {
			return nil, fmt.Errorf("pki: RSA key: %w", err)
		}
		return steady{key}, nil
	}
	return nil, errors.New("pki: no two different primes; the stream is broken")
}

const exponent = 65537

func assemble(p, q *big.Int) (*rsa.PrivateKey, error) {
	one := big.NewInt(1)
	p1, q1 := new(big.Int).Sub(p, one), new(big.Int).Sub(q, one)
	key := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: exponent},
		Primes:    []*big.Int{p, q},
		D:         new(big.Int).ModInverse(big.NewInt(exponent), new(big.Int).Mul(p1, q1)),
	}
	if key.D == nil {
		return nil, errors.New("exponent has no inverse")
	}
	key.Precompute()
	return key, key.Validate()
}

// prime gives a prime of exactly that many bits whose two top bits are set, so
// that the product of two has twice as many bits. It walks upwards from a point
// of the stream over a sieve of small primes: ten times as quick as trying every
// odd number, and good enough for test keys.
func prime(bits int, r io.Reader) *big.Int {
	buf := make([]byte, bits/8)
	for {
		if _, err := io.ReadFull(r, buf); err != nil {
			panic(err) // SHAKE never ends
		}
		buf[0] |= 0xC0
		buf[len(buf)-1] |= 1
		start := new(big.Int).SetBytes(buf)
		if p := firstPrime(start, bits); p != nil {
			return p
		}
	}
}

const (
	window     = 1 << 13 // odd numbers looked at from one start
	smallLimit = 1 << 14
)

// smallPrimes are the odd primes below smallLimit.
var smallPrimes = sync.OnceValue(func() []uint64 {
	composite := make([]bool, smallLimit)
	var primes []uint64
	for n := uint64(3); n < smallLimit; n += 2 {
		if composite[n] {
			continue
		}
		primes = append(primes, n)
		for m := n * n; m < smallLimit; m += 2 * n {
			composite[m] = true
		}
	}
	return primes
})

func firstPrime(start *big.Int, bits int) *big.Int {
	composite := make([]bool, window)
	var mod, small big.Int
	for _, p := range smallPrimes() {
		r := mod.Mod(start, small.SetUint64(p)).Uint64()
		// start + 2k is divisible by p for k ≡ -r/2 (mod p).
		k := (p - r) % p
		if k%2 == 1 {
			k += p
		}
		for k /= 2; k < window; k += p {
			composite[k] = true
		}
	}
	e, one := big.NewInt(exponent), big.NewInt(1)
	for k, c := range composite {
		if c {
			continue
		}
		n := new(big.Int).Add(start, big.NewInt(int64(2*k)))
		if n.BitLen() != bits {
			return nil
		}
		if mod.Mod(n, e).Cmp(one) == 0 {
			continue // no inverse of the exponent
		}
		if n.ProbablyPrime(1) {
			return n
		}
	}
	return nil
}

func newECDSA(c elliptic.Curve, seed, label string) (crypto.Signer, error) {
	r := Stream(seed, label)
	buf := make([]byte, (c.Params().BitSize+7)/8)
	for {
		if _, err := io.ReadFull(r, buf); err != nil {
			return nil, err
		}
		d := new(big.Int).SetBytes(buf)
		if d.Sign() == 0 || d.Cmp(c.Params().N) >= 0 {
			continue
		}
		key, err := ecdsa.ParseRawPrivateKey(c, buf)
		if err != nil {
			return nil, fmt.Errorf("pki: ECDSA key: %w", err)
		}
		return steady{key}, nil
	}
}

// steady is a signer that takes no randomness: same key, same digest, same
// signature. It wraps the key so that callers who hand it crypto/rand.Reader
// still get reproducible bytes. PSS needs a salt and is refused.
type steady struct{ crypto.Signer }

// Sign signs a digest without randomness.
func (s steady) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if _, pss := opts.(*rsa.PSSOptions); pss {
		return nil, errors.New("pki: RSA-PSS signatures are salted and cannot be reproduced: take Unwrap's key")
	}
	return s.Signer.Sign(nil, digest, opts)
}

// Unwrap gives the standard library's key (*rsa.PrivateKey or *ecdsa.PrivateKey)
// within a key of this package, for encoding and for libraries that look at types.
func Unwrap(k crypto.Signer) crypto.Signer {
	if s, ok := k.(steady); ok {
		return s.Signer
	}
	return k
}
