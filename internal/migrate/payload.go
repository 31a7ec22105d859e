package migrate

import (
	"bytes"

	"github.com/klauspost/compress/zstd"
)

// Bodies stand packed in the journal: what is written is what a kill-safe build
// waits for, and a work directory of many documents has to fit beside the archive.

var (
	packer   = must(zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(4), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(1<<20)))
	unpacker = must(zstd.NewReader(nil, zstd.WithDecoderConcurrency(4), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(256<<20)))
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // options of our own
	}
	return v
}

// zstdMagic begins what is packed; no document begins with it.
var zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}

// pack gives what is stored for b.
func pack(b []byte) []byte { return packer.EncodeAll(b, make([]byte, 0, len(b)/2+64)) }

// unpack gives the octets that pack was given.
func unpack(b []byte) ([]byte, error) {
	if !bytes.HasPrefix(b, zstdMagic) {
		return b, nil
	}
	return unpacker.DecodeAll(b, nil)
}
