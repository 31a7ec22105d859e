package migrate

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"unicode/utf8"
)

// FuzzTable: whatever a table holds, each line is told at most once, in order, and
// the table comes to its end.
func FuzzTable(f *testing.F) {
	for _, s := range []string{"id;file\n1;a\n", "id,file\n\"1\n2\",b\n3;\"x\n", "\xff\xfei\x00d\x00\n\x00", "id\n\xe4\"\n\"\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "t.csv"), b, 0o600); err != nil {
			t.Fatal(err)
		}
		tab, err := openTable(&Mapping{Table: "t.csv", PageSeparator: "|", dir: dir})
		if err != nil {
			return
		}
		defer tab.Close()
		for last := int64(0); ; {
			r, err := tab.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				return
			}
			if r.Number <= last {
				t.Fatalf("row %d after row %d", r.Number, last)
			}
			last = r.Number
			for field, v := range r.Values {
				if !utf8.ValidString(v) || !carriable(v) {
					t.Fatalf("field %s cannot stand in a document: %q", field, v)
				}
			}
		}
	})
}

// FuzzContent: a file becomes content that XML can carry, or is refused.
func FuzzContent(f *testing.F) {
	f.Add("a.html", []byte("<html><body><p>x&nbsp;y<br/></p></body></html>"))
	f.Add("a.tif", []byte("II*\x00\x08\x00\x00\x00\x01\x00"))
	f.Add("a.pdf", []byte("%PDF-1.4\nstartxref\n%%EOF"))
	f.Add("a.txt", []byte("\xe4\x80\r\n\r\nx"))
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		c, err := contentOf(name, b)
		if _, ours := asRefusal(err); err != nil && !ours {
			t.Fatal(err)
		}
		if err == nil && (!utf8.ValidString(c.xhtml) || len(c.source) == 0) {
			t.Fatalf("%q became %+v", name, c)
		}
	})
}
