package store

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"io"

	"portti/store/proof"
)

// The kinds of leaves. The numbers stand in the database and in the leaves.
const (
	leafDocument      = proof.KindDocument
	leafUsage         = proof.KindUsage
	leafDisclosure    = proof.KindDisclosure
	leafNullification = 4
	leafDisposal      = 5
	leafPurge         = 6
	leafDirectory     = 10
	leafTransfer      = 11
	leafTransferStep  = 12
	leafFlag          = 13
	leafEvent         = 41
	leafHold          = 42
	leafRelease       = 43
	leafRun           = 44
	leafNotice        = 45
)

const saltSize = 16

// A leaf's entry is SHA-256 over
//
//	"portti leaf 1" 0x00, kind (1 byte), salt (16 bytes),
//	then each field of the record as an 8-byte big-endian length and its bytes.
//
// The salt keeps a disposed record from being guessed from its hash. Integers go
// in as 8-byte big-endian fields. A Merkle tree over entries hashes them once more
// as its leaves (RFC 6962, 2.1).
type leaf struct {
	kind  byte
	salt  [saltSize]byte
	entry [sha256.Size]byte
}

// record collects the fields of a leaf's record.
type record struct{ b []byte }

func (r *record) bytes(v []byte) *record {
	r.b = binary.BigEndian.AppendUint64(r.b, uint64(len(v)))
	r.b = append(r.b, v...)
	return r
}

func (r *record) text(vs ...string) *record {
	for _, v := range vs {
		r.b = binary.BigEndian.AppendUint64(r.b, uint64(len(v)))
		r.b = append(r.b, v...)
	}
	return r
}

func (r *record) int(vs ...int64) *record {
	for _, v := range vs {
		r.b = binary.BigEndian.AppendUint64(r.b, 8)
		r.b = binary.BigEndian.AppendUint64(r.b, uint64(v))
	}
	return r
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum guards a row that has no leaf against bit rot.
func (r *record) checksum() int64 { return int64(crc32.Checksum(r.b, castagnoli)) }

// newLeaf salts and hashes a record.
func newLeaf(kind byte, r *record, random io.Reader) (leaf, error) {
	l := leaf{kind: kind}
	if _, err := io.ReadFull(random, l.salt[:]); err != nil {
		return l, err
	}
	l.entry = entryHash(kind, l.salt[:], r)
	return l, nil
}

func entryHash(kind byte, salt []byte, r *record) (sum [sha256.Size]byte) {
	h := sha256.New()
	io.WriteString(h, "portti leaf 1\x00")
	h.Write([]byte{kind})
	h.Write(salt)
	h.Write(r.b)
	h.Sum(sum[:0])
	return sum
}
