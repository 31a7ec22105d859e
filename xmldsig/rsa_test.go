package xmldsig

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	mrand "math/rand/v2"
	"slices"
	"testing"

	"portti/xmldsig/pki"
)

// largeKeys are RSA keys of the sizes that verifyPKCS1 computes itself, one of an
// odd number of bits.
func largeKeys(tb testing.TB) []*rsa.PrivateKey {
	tb.Helper()
	var out []*rsa.PrivateKey
	for _, bits := range []int{2304, 3072, 4096} {
		k, err := pki.Key("rsa", "large", pki.RSA(bits))
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, pki.Unwrap(k).(*rsa.PrivateKey))
	}
	odd, err := rsa.GenerateKey(rand.Reader, 2057)
	if err != nil {
		tb.Fatal(err)
	}
	return append(out, odd)
}

// raw signs a block as it is: what an owner of the key could make.
func raw(k *rsa.PrivateKey, block []byte) []byte {
	m := new(big.Int).SetBytes(block)
	return m.Exp(m, k.D, k.N).FillBytes(make([]byte, (k.N.BitLen()+7)/8))
}

// Our RSA verification answers as the standard library's, on good values, on
// values that are out of range or of other lengths, on random ones, and on values
// that the key's owner made of blocks padded otherwise.
func TestRSAAnswersAsTheStandardLibrary(t *testing.T) {
	r := mrand.New(mrand.NewPCG(1, 2))
	for _, k := range largeKeys(t) {
		for h, info := range digestInfo {
			sum := make([]byte, h.Size())
			for i := range sum {
				sum[i] = byte(r.IntN(256))
			}
			same := func(name string, sum, sig []byte, want bool) {
				t.Helper()
				ours, theirs := verifyPKCS1(&k.PublicKey, h, sum, sig), rsa.VerifyPKCS1v15(&k.PublicKey, h, sum, sig) == nil
				if ours != theirs || ours != want {
					t.Errorf("%d bits, %v, %s: ours %v, the library's %v", k.N.BitLen(), h, name, ours, theirs)
				}
			}
			sig, err := rsa.SignPKCS1v15(nil, k, h, sum)
			if err != nil {
				t.Fatal(err)
			}
			size := len(sig)
			block := paddedDigest(size, info, sum)
			if !bytes.Equal(raw(k, block), sig) {
				t.Fatal("the padded digest is not what the library signs")
			}
			same("good", sum, sig, true)
			same("other digest", bytes.Repeat([]byte{7}, h.Size()), sig, false)
			same("short digest", sum[1:], sig, false)
			same("empty", sum, nil, false)
			same("zero", sum, make([]byte, size), false)
			same("a zero before", sum, append([]byte{0}, sig...), false)
			same("cut", sum, sig[1:], false)
			same("negated", sum, new(big.Int).Sub(k.N, new(big.Int).SetBytes(sig)).FillBytes(make([]byte, size)), false)
			same("the modulus", sum, k.N.FillBytes(make([]byte, size)), false)
			if over := new(big.Int).Add(k.N, new(big.Int).SetBytes(sig)); over.BitLen() <= 8*size {
				same("plus the modulus", sum, over.FillBytes(make([]byte, size)), false)
			}
			for range 20 {
				x := slices.Clone(sig)
				x[r.IntN(size)] ^= 1 << r.IntN(8)
				same("one bit", sum, x, false)
			}
			for name, other := range otherBlocks(t, size, info, sum) {
				same(name, sum, raw(k, other), false)
			}
		}
	}
}

// otherBlocks are blocks that careless verifiers have taken.
func otherBlocks(t *testing.T, size int, info, sum []byte) map[string][]byte {
	t.Helper()
	good := paddedDigest(size, info, sum)
	at := size - len(info) - len(sum) // where the DER begins
	change := func(f func(b []byte)) []byte { b := slices.Clone(good); f(b); return b }
	noNull := slices.Clone(info)
	noNull = append(noNull[:len(noNull)-4], noNull[len(noNull)-2:]...) // without the NULL
	noNull[1] -= 2
	noNull[3] -= 2
	out := map[string][]byte{
		"block type 2":        change(func(b []byte) { b[1] = 2 }),
		"block type 0":        change(func(b []byte) { b[1] = 0 }),
		"a leading octet":     change(func(b []byte) { b[0] = 1 }),
		"padding not ff":      change(func(b []byte) { b[10] = 0xfe }),
		"padding ends early":  change(func(b []byte) { b[9] = 0 }),
		"no separator":        change(func(b []byte) { b[at-1] = 0xff }),
		"other algorithm":     change(func(b []byte) { b[at+14] ^= 3 }),
		"other length":        change(func(b []byte) { b[at+len(info)-1]-- }),
		"BER length":          change(func(b []byte) { b[at+1] |= 0x80 }),
		"parameters left out": paddedDigest(size, noNull, sum),
		"digest alone":        paddedDigest(size, nil, sum),
		"rubbish after": append(append(append([]byte{0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0}, info...), sum...),
			make([]byte, size-11-len(info)-len(sum))...),
	}
	for name, b := range out {
		if len(b) != size {
			t.Fatalf("%s has %d bytes", name, len(b))
		}
	}
	return out
}

func TestDigestInfoIsTheLibrarys(t *testing.T) {
	k := largeKeys(t)[0]
	for h, info := range digestInfo {
		sum := make([]byte, h.Size())
		sig, err := rsa.SignPKCS1v15(nil, k, h, sum)
		if err != nil {
			t.Fatal(err)
		}
		m := new(big.Int).Exp(new(big.Int).SetBytes(sig), exponent65537, k.N).Bytes()
		if got := m[len(m)-h.Size()-len(info) : len(m)-h.Size()]; !bytes.Equal(got, info) {
			t.Errorf("%v: %s", h, hex.EncodeToString(got))
		}
	}
}

func BenchmarkRSAVerify(b *testing.B) {
	sum := sha256.Sum256([]byte("x"))
	for _, k := range largeKeys(b)[1:3] {
		sig, err := rsa.SignPKCS1v15(nil, k, crypto.SHA256, sum[:])
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("%d/ours", k.N.BitLen()), func(b *testing.B) {
			for b.Loop() {
				if !verifyPKCS1(&k.PublicKey, crypto.SHA256, sum[:], sig) {
					b.Fatal("refused")
				}
			}
		})
		b.Run(fmt.Sprintf("%d/library", k.N.BitLen()), func(b *testing.B) {
			for b.Loop() {
				if rsa.VerifyPKCS1v15(&k.PublicKey, crypto.SHA256, sum[:], sig) != nil {
					b.Fatal("refused")
				}
			}
		})
	}
}
