package migrate

import (
	"archive/zip"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// zipOf writes a zip by the library: stored and deflated files by turns.
func zipOf(t *testing.T, n int, before, comment string) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString(before)
	w := zip.NewWriter(&b)
	if err := w.SetComment(comment); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		f, err := w.CreateHeader(&zip.FileHeader{Name: fmt.Sprintf("a/%d.txt", i), Method: []uint16{zip.Store, zip.Deflate}[i%2]})
		if err == nil {
			_, err = f.Write([]byte(zipText(i)))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// wideZip gives a zip the ends of ZIP64, as one of 65,535 files and more has them.
func wideZip(b []byte) []byte {
	end := b[len(b)-zipEndSize:]
	n, length, start := uint64(le.Uint16(end[10:])), uint64(le.Uint32(end[12:])), uint64(le.Uint32(end[16:]))
	at := uint64(len(b) - zipEndSize)
	out := le.AppendUint32(bytes.Clone(b[:at]), zipEnd64)
	out = le.AppendUint64(out, zipEnd64Size-12)
	out = append(out, 45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0) // versions and disks
	for _, v := range []uint64{n, n, length, start} {
		out = le.AppendUint64(out, v)
	}
	out = le.AppendUint64(le.AppendUint32(le.AppendUint32(out, zipLocator64), 0), at)
	out = le.AppendUint32(out, 1)
	out = append(out, end[:8]...)
	return append(out, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0)
}

func zipText(i int) string { return strings.Repeat(fmt.Sprint("text ", i, " "), i%50) }

func openedZip(t *testing.T, b []byte) (files, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "x.zip")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return openZip(name, t.TempDir())
}

// TestMIG1_ZipsOfManyFiles: what the library writes is read back, in the
// form for more files than the first form of zip can count (ZIP64), with something before it, and a comment.
func TestMIG1_ZipsOfManyFiles(t *testing.T) {
	for name, b := range map[string][]byte{
		"few": zipOf(t, 100, "", ""), "something before": zipOf(t, 3, "#!/bin/sh\n", ""), "a comment": zipOf(t, 3, "", "PK\x05\x06 and so on"),
		"ZIP64": wideZip(zipOf(t, 100, "", "")), "none": zipOf(t, 0, "", ""),
	} {
		z, err := openedZip(t, b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		r, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(r.File); i += 1 + len(r.File)/100 {
			if got, err := z.read(r.File[i].Name, 1000); err != nil || string(got) != zipText(i) {
				t.Errorf("%s: %s: %q %v", name, r.File[i].Name, got, err)
			}
		}
		if _, err := z.read("a/none.txt", 1000); !isRefusal(err, ReasonFileMissing) {
			t.Errorf("%s: a file that is not there: %v", name, err)
		}
		if len(r.File) > 49 {
			if _, err := z.read("a/49.txt", 10); !isRefusal(err, ReasonFileSize) {
				t.Errorf("%s: a file that is too large: %v", name, err)
			}
		}
		if err := z.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestMIG1_DamagedZipsGiveNothingWrong: with octets flipped, a file is as it was or
// refused.
func TestMIG1_DamagedZipsGiveNothingWrong(t *testing.T) {
	sound := zipOf(t, 40, "", "")
	r := rand.New(rand.NewPCG(1, 8))
	refused := 0
	for range 60 {
		b := bytes.Clone(sound)
		for range 1 + r.IntN(8) {
			b[r.IntN(len(b))] ^= byte(1 + r.IntN(255))
		}
		z, err := openedZip(t, b)
		if err != nil {
			refused++
			continue
		}
		for i := range 40 {
			got, err := z.read(fmt.Sprintf("a/%d.txt", i), 1000)
			if _, ours := asRefusal(err); err != nil && !ours {
				t.Fatal(err)
			}
			if err != nil {
				refused++
			} else if string(got) != zipText(i) {
				t.Errorf("file %d is %q", i, got)
			}
		}
		if err := z.Close(); err != nil {
			t.Error(err)
		}
	}
	if refused == 0 {
		t.Error("no damage was seen")
	}
	for _, cut := range []int{0, 1, 21, len(sound) - 1, len(sound) / 2} {
		if _, err := openedZip(t, sound[:cut]); err == nil {
			t.Errorf("a zip of %d of %d octets is opened", cut, len(sound))
		}
	}
}
