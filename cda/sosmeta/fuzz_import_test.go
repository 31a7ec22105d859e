package sosmeta

import (
	"bytes"
	"testing"
	"testing/fstest"
)

// FuzzImport: a schema that is taken makes a structure that can be compiled, shown,
// written and read again.
func FuzzImport(f *testing.F) {
	f.Add([]byte(tiny))
	f.Fuzz(func(t *testing.T, src []byte) {
		tb, err := ImportFS(fstest.MapFS{"a.json": {Data: src}})
		if err != nil {
			return
		}
		var b bytes.Buffer
		if _, err := tb.WriteTo(&b); err != nil {
			t.Fatal(err)
		}
		again, err := ReadTable(&b)
		if err != nil {
			t.Fatalf("what was written is not read: %v", err)
		}
		set := NewSet(again)
		if err := set.Show(&b, again.Structures[0].OID, "fi"); err != nil {
			t.Fatal(err)
		}
		again.Structures[0].Validate(src, Options{Facts: true})
	})
}

func FuzzReadTable(f *testing.F) {
	f.Add(embedded[:2000])
	f.Fuzz(func(t *testing.T, src []byte) {
		tb, err := ReadTable(bytes.NewReader(src))
		if err != nil {
			return
		}
		for _, s := range tb.Structures {
			s.Root()
		}
	})
}
