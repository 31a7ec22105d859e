package migrate

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
)

// zipFiles reads files of a zip by a list on disk: the library of Go holds the whole
// directory in memory, some 400 octets a file. The form is that of PKWARE's
// APPNOTE 6.3 (4.3.12 to 4.3.16), stored and deflated files, ZIP64 too.
type zipFiles struct {
	f     *os.File
	index *index
}

// The signatures and lengths of APPNOTE 4.3.
const (
	zipLocal, zipLocalSize         = 0x04034b50, 30
	zipEntry, zipEntrySize         = 0x02014b50, 46
	zipEnd, zipEndSize             = 0x06054b50, 22
	zipLocator64, zipLocator64Size = 0x07064b50, 20
	zipEnd64, zipEnd64Size         = 0x06064b50, 56
	zipExtra64                     = 1
	zipEncrypted                   = 1
)

var errZip = errors.New("no sound zip")

func openZip(name, scratch string) (_ files, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	z := &zipFiles{f: f}
	defer func() {
		if err != nil {
			z.Close()
		}
	}()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if z.index, err = openIndex(scratch); err != nil {
		return nil, err
	}
	if err := z.list(st.Size()); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return z, nil
}

// at reads n octets at a place.
func (z *zipFiles) at(place int64, n int) ([]byte, error) {
	b := make([]byte, n)
	if place < 0 {
		return nil, errZip
	}
	_, err := z.f.ReadAt(b, place)
	if errors.Is(err, io.EOF) {
		err = errZip
	}
	return b, err
}

var le = binary.LittleEndian

// end finds the directory: where it begins, its length, and what stands before the
// zip in the file.
func (z *zipFiles) end(size int64) (start, length, before int64, err error) {
	tail, err := z.at(max(0, size-zipEndSize-1<<16), int(min(size, zipEndSize+1<<16)))
	if err != nil {
		return 0, 0, 0, err
	}
	i := len(tail) - zipEndSize
	for ; i >= 0; i-- {
		if le.Uint32(tail[i:]) == zipEnd && i+zipEndSize+int(le.Uint16(tail[i+20:])) <= len(tail) {
			break
		}
	}
	if i < 0 {
		return 0, 0, 0, errZip
	}
	end := size - int64(len(tail)-i)
	entries, length, start := le.Uint16(tail[i+10:]), int64(le.Uint32(tail[i+12:])), int64(le.Uint32(tail[i+16:]))
	if entries == 1<<16-1 || length == 1<<32-1 || start == 1<<32-1 {
		if l, err := z.at(end-zipLocator64Size, zipLocator64Size); err == nil && le.Uint32(l) == zipLocator64 {
			end = int64(le.Uint64(l[8:]))
			b, err := z.at(end, zipEnd64Size)
			if err != nil || le.Uint32(b) != zipEnd64 {
				return 0, 0, 0, errors.Join(errZip, err)
			}
			return int64(le.Uint64(b[48:])), int64(le.Uint64(b[40:])), 0, nil
		}
	}
	before = end - length - start
	if before < 0 {
		return 0, 0, 0, errZip
	}
	return start + before, length, before, nil
}

// list walks the directory once.
func (z *zipFiles) list(size int64) error {
	start, length, before, err := z.end(size)
	if err != nil {
		return err
	}
	if start < 0 || length < 0 || start+length > size {
		return errZip
	}
	return z.index.fill(func(add func(entry) error) error {
		r := newCounted(io.NewSectionReader(z.f, start, length))
		for r.left(length) {
			e, err := readZipEntry(r)
			if err != nil {
				return err
			}
			e.at += before
			if err := add(e); err != nil {
				return err
			}
		}
		return nil
	})
}

// readZipEntry reads one entry of the directory.
func readZipEntry(r io.Reader) (e entry, err error) {
	var head [zipEntrySize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil || le.Uint32(head[:]) != zipEntry {
		return e, errZip
	}
	nameLen, extraLen, commentLen := int(le.Uint16(head[28:])), int(le.Uint16(head[30:])), int(le.Uint16(head[32:]))
	rest := make([]byte, nameLen+extraLen+commentLen)
	if _, err := io.ReadFull(r, rest); err != nil {
		return e, errZip
	}
	e = entry{name: string(rest[:nameLen]), method: int(le.Uint16(head[10:])), crc: le.Uint32(head[16:]),
		packed: int64(le.Uint32(head[20:])), size: int64(le.Uint32(head[24:])), at: int64(le.Uint32(head[42:]))}
	if le.Uint16(head[8:])&zipEncrypted != 0 {
		e.method = -1
	}
	return e, e.wide(rest[nameLen : nameLen+extraLen])
}

// wide takes the numbers that do not fit from the ZIP64 field (APPNOTE 4.5.3).
func (e *entry) wide(extra []byte) error {
	for len(extra) >= 4 {
		id, n := le.Uint16(extra), int(le.Uint16(extra[2:]))
		if extra = extra[4:]; n > len(extra) {
			return nil // padding of old programs
		}
		if id == zipExtra64 {
			field := extra[:n]
			for _, v := range []*int64{&e.size, &e.packed, &e.at} {
				if *v != 1<<32-1 {
					continue
				}
				if len(field) < 8 {
					return errZip
				}
				*v, field = int64(le.Uint64(field)), field[8:]
				if *v < 0 {
					return errZip
				}
			}
		}
		extra = extra[n:]
	}
	return nil
}

// read implements files.
func (z *zipFiles) read(name string, limit int64) ([]byte, error) {
	e, err := z.index.find(name)
	if err != nil {
		return nil, err
	}
	if e.size > limit {
		return nil, refuse(ReasonFileSize, "%s", name)
	}
	b, err := z.unpack(e, limit)
	if err != nil {
		return nil, refuse(ReasonFileKind, "%s cannot be unpacked", name)
	}
	return b, nil
}

// unpack reads an entry and checks its sum.
func (z *zipFiles) unpack(e entry, limit int64) ([]byte, error) {
	head, err := z.at(e.at, zipLocalSize)
	if err != nil || le.Uint32(head) != zipLocal {
		return nil, errors.Join(errZip, err)
	}
	start := e.at + zipLocalSize + int64(le.Uint16(head[26:])) + int64(le.Uint16(head[28:]))
	var r io.Reader = io.NewSectionReader(z.f, start, e.packed)
	switch e.method {
	case 0:
	case 8:
		r = flate.NewReader(r)
	default:
		return nil, errZip
	}
	var b bytes.Buffer
	b.Grow(int(min(e.size, 1<<20)))
	if _, err := io.Copy(&b, io.LimitReader(r, min(limit, e.size)+1)); err != nil {
		return nil, err
	}
	if int64(b.Len()) != e.size || crc32.ChecksumIEEE(b.Bytes()) != e.crc {
		return nil, errZip
	}
	return b.Bytes(), nil
}

// Close implements files.
func (z *zipFiles) Close() error {
	err := z.f.Close()
	if z.index != nil {
		err = errors.Join(err, z.index.Close())
	}
	return err
}
