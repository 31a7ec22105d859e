package b64

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	for _, c := range []struct {
		in, want string
		space    int
	}{
		{"", "", 0}, {"Zg==", "f", 0}, {"Zm8=", "fo", 0}, {"Zm9v", "foo", 0}, {"Zm9vYg==", "foob", 0},
		{" Z\tm\r\n9 v ", "foo", 6}, {"\n", "", 1}, {"Z g = = ", "f", 4}, {"+/+/", "\xfb\xff\xbf", 0},
	} {
		got, space, err := Decode([]byte(c.in))
		if err != nil || string(got) != c.want || space != c.space {
			t.Errorf("%q: %q, %d, %v", c.in, got, space, err)
		}
	}
}

func TestDecodeFaults(t *testing.T) {
	for _, c := range []struct {
		in     string
		kind   Kind
		offset int
	}{
		{"Zg", Length, 1}, {"Zg=", Length, 2}, {"Z", Length, 0}, {"Zm9vY", Length, 4},
		{"Zm9v*", Character, 4}, {"Zm-_", Character, 2}, {"Zä==", Character, 1}, {"Zm9v\x00", Character, 4},
		{"=", Padding, 0}, {"Z===", Padding, 1}, {"Zg===", Padding, 4}, {"Zg==Zg==", Padding, 4}, {"Zm8=Zm8=", Padding, 4},
		{"Zm9v====", Padding, 4}, {"Zg=g", Padding, 3},
		{"Zh==", Bits, 2}, {"Zm9=", Bits, 3}, {" Z h==", Bits, 4}, {"Zm9vZ/==", Bits, 6},
	} {
		got, _, err := Decode([]byte(c.in))
		if err == nil || got != nil {
			t.Errorf("%q: decoded to %q", c.in, got)
			continue
		}
		if err.Kind != c.kind || err.Offset != c.offset {
			t.Errorf("%q: %v at %d, want %v at %d", c.in, err.Kind, err.Offset, c.kind, c.offset)
		}
	}
}

// Pieces are one text, and are left as they are.
func TestDecodePieces(t *testing.T) {
	pieces := [][]byte{[]byte("Zm"), []byte(" 9"), nil, []byte("vYg=="), []byte("\n")}
	got, space, err := Decode(pieces...)
	if err != nil || string(got) != "foob" || space != 2 {
		t.Fatalf("%q %d %v", got, space, err)
	}
	if string(bytes.Join(pieces, []byte("|"))) != "Zm| 9||vYg==|\n" {
		t.Fatal("the pieces were changed")
	}
	if _, _, err := Decode([]byte("Zm9v"), []byte("Zm9v!")); err == nil || err.Piece != 1 || err.Offset != 4 || err.Byte != '!' {
		t.Fatalf("place %+v", err)
	}
	if got, _, err := Decode(); err != nil || len(got) != 0 {
		t.Fatalf("no pieces: %q %v", got, err)
	}
}

// What is taken is what RFC 4648 writes: one spelling for each content.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{"Zm9v", "Zg==", "Zh==", "Z g=\n=", "====", "Zm9vYg", strings.Repeat("QUJD", 30)} {
		f.Add([]byte(s), 3)
	}
	f.Fuzz(func(t *testing.T, in []byte, cut int) {
		cut = max(0, min(cut, len(in)))
		got, space, err := Decode(in[:cut], in[cut:])
		bare := strings.NewReplacer(" ", "", "\t", "", "\r", "", "\n", "").Replace(string(in))
		want, wrong := base64.StdEncoding.Strict().DecodeString(bare)
		if (err == nil) != (wrong == nil) {
			t.Fatalf("%q: %v, encoding/base64: %v", in, err, wrong)
		}
		if err != nil {
			if err.Piece < 0 || err.Piece > 1 || err.Kind < Character || err.Kind > Bits {
				t.Fatalf("%q: %+v", in, err)
			}
			return
		}
		if !bytes.Equal(got, want) || space != len(in)-len(bare) || base64.StdEncoding.EncodeToString(got) != bare {
			t.Fatalf("%q: %q, want %q, space %d", in, got, want, space)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	plain := []byte(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("0123456789"), 2000)))
	var wrapped []byte
	for rest := plain; len(rest) > 0; {
		n := min(76, len(rest))
		wrapped = append(append(wrapped, rest[:n]...), '\n')
		rest = rest[n:]
	}
	for name, in := range map[string][]byte{"OneLine": plain, "Wrapped": wrapped} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				if _, _, err := Decode(in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
