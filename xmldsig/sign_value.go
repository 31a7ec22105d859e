package xmldsig

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"encoding/asn1"
	"fmt"
	"io"
	"math/big"

	goxmldsig "github.com/russellhaering/goxmldsig"
)

// signValue signs SignedInfo's canonical octets: through goxmldsig, but for PSS,
// which it lacks.
func (o *SignOptions) signValue(info string, m method) ([]byte, error) {
	if m.scheme == rsaPSS {
		opts := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: m.hash}
		return o.Key.Sign(rand.Reader, sumOf(m.hash, info), opts)
	}
	key := o.Key
	if m.scheme == ecdsaRaw {
		key = rawECDSA{key}
	}
	ctx, err := goxmldsig.NewSigningContext(key, [][]byte{o.Certificate.Raw})
	if err != nil {
		return nil, err
	}
	if err := ctx.SetSignatureMethod(o.Method); err != nil {
		return nil, err
	}
	return ctx.SignString(info)
}

// rawECDSA is an ECDSA key whose signatures are r and s side by side, each as
// long as the curve's order, as XML signatures have them (XML Signature 1.1,
// 6.4.3), in place of the ASN.1 of crypto.Signer.
type rawECDSA struct{ crypto.Signer }

// Sign implements crypto.Signer.
func (k rawECDSA) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	der, err := k.Signer.Sign(rand, digest, opts)
	if err != nil {
		return nil, err
	}
	var sig struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(der, &sig); err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("the key gave no ECDSA signature: %w", err)
	}
	size := (k.Public().(*ecdsa.PublicKey).Curve.Params().BitSize + 7) / 8
	out := make([]byte, 2*size)
	sig.R.FillBytes(out[:size])
	sig.S.FillBytes(out[size:])
	return out, nil
}
