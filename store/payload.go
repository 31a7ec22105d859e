package store

import (
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// A payload is a BLOB whose first byte names its codec. In an encrypted archive it is
// sealed once more (seal.go) with a codec of its own.
const (
	codecPlain byte = 0
	codecZstd  byte = 1
)

// smallest is the size under which compression is not worth its header.
const smallest = 128

// maxPayload bounds what unpack will inflate to: nothing larger was ever packed.
const maxPayload = 1 << 30

var (
	encoder = must(zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true)))
	decoder = must(zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxPayload)))
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// pack makes a payload of b. It keeps no reference to b.
func pack(b []byte) []byte {
	if len(b) >= smallest {
		dst := make([]byte, 1, 1+len(b)/2+64)
		dst[0] = codecZstd
		if out := encoder.EncodeAll(b, dst); len(out) <= len(b) {
			return out
		}
	}
	return append([]byte{codecPlain}, b...)
}

// unpack gives the bytes of a payload.
func unpack(p []byte) ([]byte, error) {
	if len(p) == 0 {
		return nil, errors.New("empty payload")
	}
	switch p[0] {
	case codecPlain:
		return p[1:], nil
	case codecZstd:
		b, err := decoder.DecodeAll(p[1:], nil)
		if err != nil {
			return nil, err
		}
		return b, nil
	case codecPair:
		return unpackPair(p)
	}
	return nil, fmt.Errorf("unknown payload codec %d", p[0])
}
