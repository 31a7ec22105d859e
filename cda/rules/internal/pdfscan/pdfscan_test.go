package pdfscan

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pack compresses, as object streams are.
func pack(s string) string {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	if _, err := z.Write([]byte(s)); err != nil {
		panic(err) // a buffer takes everything
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.String()
}

func object(dict, data string) string {
	return fmt.Sprintf("1 0 obj\n<< %s /Length %d >>\nstream\n%s\nendstream\nendobj\n", dict, len(data), data)
}

const head = "%PDF-1.7\n"

func TestDOC12_Scan(t *testing.T) {
	xmp := object("/Type /Metadata /Subtype /XML", "<pdfaid:part>1</pdfaid:part>")
	for _, c := range []struct {
		name, pdf string
		want      Result
	}{
		{"clean", head + xmp + "trailer << /Root 1 0 R >>", Result{Part: "1"}},
		{"no PDF", "text", Result{Header: -1}},
		{"late header", "x" + head, Result{Header: 1}},
		{"encrypted", head + "trailer << /Encrypt 9 0 R >>", Result{Encrypted: true}},
		{"encrypted, in a cross-reference stream", head + object("/Type /XRef /Encrypt 9 0 R", "x"), Result{Encrypted: true}},
		{"script", head + "<< /S /JavaScript >>", Result{Script: true}},
		{"script, short name", head + "<</JS(x)>>", Result{Script: true}},
		{"script behind escapes", head + "<< /S /J#61vaScr#69pt >>", Result{Script: true}},
		{"a longer name", head + "<< /JavaScriptX 1 /JSON 2 /EncryptMetadata true >>", Result{}},
		{"launch", head + "<</S/Launch>>", Result{Launch: true}},
		{"embedded", head + object("/Type /EmbeddedFile", "x"), Result{Embedded: true}},
		{"script in an object stream", head + object("/Type /ObjStm /Filter /FlateDecode", pack("<< /S /JavaScript >>")), Result{Script: true}},
		{"plain object stream", head + object("/Type /ObjStm", "<< /S /JavaScript >>"), Result{Script: true}},
		{"names in a page are text", head + object("/Length 9", "(see /JavaScript /Encrypt) Tj"), Result{}},
		{"object stream of another filter", head + object("/Type /ObjStm /Filter /LZWDecode", "x"), Result{Partial: true}},
		{"object stream with a predictor", head + object("/Type /ObjStm /Filter /FlateDecode /DecodeParms << >>", pack("x")), Result{Partial: true}},
		{"garbled object stream", head + object("/Type /ObjStm /Filter /FlateDecode", "xxxx"), Result{Partial: true}},
		{"attribute form", head + object("", `<rdf:Description pdfaid:part="2"/>`), Result{Part: "2"}},
		{"packed metadata", head + object("/Filter /FlateDecode", "<pdfaid:part>1</pdfaid:part>"), Result{}},
		{"stream without end", head + "<< >>\nstream\n/JavaScript", Result{}},
		{"the word stream in an object", head + "(a stream) /JS", Result{Script: true}},
		{"a name at the end", head + "/JS", Result{Script: true}},
	} {
		if diff := cmp.Diff(c.want, Scan([]byte(c.pdf), Limits{})); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

// TestBombOfAnObjectStreamIsCutOff: what is inflated is bounded over all streams.
func TestBombOfAnObjectStreamIsCutOff(t *testing.T) {
	bomb := object("/Type /ObjStm /Filter /FlateDecode", pack(strings.Repeat("/A ", 1<<20)))
	r := Scan([]byte(head+strings.Repeat(bomb, 3)), Limits{Inflated: 1 << 16})
	if !r.Partial {
		t.Errorf("read in full: %+v", r)
	}
}

func FuzzScan(f *testing.F) {
	f.Add([]byte(head + object("/Type /ObjStm /Filter /FlateDecode", pack("<< /S /JavaScript >>"))))
	f.Add([]byte(head + "/J#61v >>stream\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := Scan(b, Limits{Inflated: 1 << 16})
		if r.Header < -1 || r.Header >= len(b) && len(b) > 0 {
			t.Errorf("%+v", r)
		}
	})
}
