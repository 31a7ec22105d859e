package xmldsig

import (
	"bytes"
	"crypto"
	"crypto/fips140"
	"crypto/rsa"
	"encoding/hex"
	"math/big"
)

// digestInfo is the DER before a digest in a padded block (RFC 8017, 9.2 note 1).
var digestInfo = map[crypto.Hash][]byte{
	crypto.SHA256: mustHex("3031300d060960864801650304020105000420"),
	crypto.SHA384: mustHex("3041300d060960864801650304020205000430"),
	crypto.SHA512: mustHex("3051300d060960864801650304020305000440"),
}

func mustHex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// exponent65537 is the public exponent of nearly every key.
var exponent65537 = big.NewInt(65537)

// verifyPKCS1 is rsa.VerifyPKCS1v15 with another arithmetic for keys beyond 2048
// bits: that of the standard library is made for secrets, and slow there (a key of
// 4096 bits takes 0.6 ms in constant time, 0.14 ms here), while nothing in a public
// operation is secret. It raises the value to the public exponent and compares all
// of the block with the one that RFC 8017, 8.2.2, has for the digest; nothing is
// parsed. A test holds it against the standard library's answers.
func verifyPKCS1(pub *rsa.PublicKey, h crypto.Hash, sum, sig []byte) bool {
	info := digestInfo[h]
	if info == nil || pub.E != 65537 || pub.N.BitLen() <= 2048 || fips140.Enabled() {
		return rsa.VerifyPKCS1v15(pub, h, sum, sig) == nil
	}
	size := (pub.N.BitLen() + 7) / 8
	if len(sig) != size || len(sum) != h.Size() || pub.N.Bit(0) == 0 || pub.N.Sign() < 0 {
		return false
	}
	s := new(big.Int).SetBytes(sig)
	if s.Cmp(pub.N) >= 0 {
		return false
	}
	got := s.Exp(s, exponent65537, pub.N).FillBytes(make([]byte, size))
	return bytes.Equal(got, paddedDigest(size, info, sum))
}

// paddedDigest is EMSA-PKCS1-v1_5 (RFC 8017, 9.2) of a block of at least 257 bytes,
// where every digest of digestInfo has room.
func paddedDigest(size int, info, sum []byte) []byte {
	out := bytes.Repeat([]byte{0xff}, size)
	tail := out[size-len(info)-len(sum):]
	copy(tail, info)
	copy(tail[len(info):], sum)
	out[0], out[1], out[size-len(info)-len(sum)-1] = 0, 1, 0
	return out
}
