package organisations

import (
	"fmt"
	"testing"
	"time"
)

// large is a register of the national one's size (kanta-facts-2 5: over 72,000).
func large(tb testing.TB) *Register {
	tb.Helper()
	var os []Organisation
	for i := range 6000 {
		top := fmt.Sprintf("1.2.246.10.%d.10.0", 90000000+i)
		os = append(os, Organisation{OID: top, Name: "Hyvinvointialue", Sector: Public, Kinds: SocialOperating, BusinessID: "9000000-0"})
		for k := range 11 {
			os = append(os, Organisation{OID: fmt.Sprintf("1.2.246.10.%d.10.%d", 90000000+i, k+1), Parent: top, Name: "Palveluyksikkö, jonka nimi on pitkähkö", Kinds: SocialService})
		}
	}
	r, err := New(true, os...)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func BenchmarkDecodeRegister72000(b *testing.B) {
	src, err := large(b).Encode()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		if _, err := Decode(src); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBelongs72000(b *testing.B) {
	d := NewDirectory(large(b), Joined{})
	at := time.Unix(0, 0)
	for b.Loop() {
		if d.Belongs("1.2.246.10.90003000.10.5", "1.2.246.10.90003000.10.0", at) != Own {
			b.Fatal("not its own")
		}
	}
}
