package pdfcheck

import (
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"portti/fixtures"
)

func sample() []byte { return fixtures.Default().Doc("old-pdf").PDF }

// objects writes a PDF of the given objects, with right cross references; the
// first is the catalog.
func objects(all ...string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	var at []int
	for i, o := range all {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(all)+1)
	for _, x := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", x)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(all)+1, xref)
	return b.Bytes()
}

// bomb is a PDF whose object stream inflates to size octets.
func bomb(size int) []byte {
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	chunk := bytes.Repeat([]byte("0 "), 1<<19)
	for n := 0; n < size; n += len(chunk) {
		_, _ = w.Write(chunk)
	}
	w.Close()
	stream := fmt.Sprintf("<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream", z.Len(), z.String())
	return objects("<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Count 0 /Kids [] >>", stream)
}

func TestDOC12_StructureIsRead(t *testing.T) {
	c := New(1)
	defer c.Close()
	pdf := sample()
	for _, x := range []struct {
		name string
		src  []byte
		want Verdict
	}{
		{"sound", pdf, Sound},
		{"made here", objects("<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Count 1 /Kids [3 0 R] >>", "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 10 10] >>"), Sound},
		{"cut off", pdf[:len(pdf)/3], Unreadable},
		{"text", []byte("Tämä ei ole PDF."), Unreadable},
		{"nothing", nil, Unreadable},
		{"no catalog", bytes.Replace(pdf, []byte("/Type /Catalog"), []byte("/Type /Kataloq"), 1), Invalid},
		{"no pages", objects("<< /Type /Catalog /Pages 9 0 R >>"), Invalid},
		{"sound again", pdf, Sound},
	} {
		got, err := c.Check(t.Context(), x.src)
		if err != nil || got != x.want {
			t.Errorf("%s: %s %v, want %s", x.name, got, err, x.want)
		}
	}
}

// TestSEC1_HostilePDFsTakeDownTheirOwnProcessOnly: whatever they do, the next is read.
func TestSEC1_HostilePDFsTakeDownTheirOwnProcessOnly(t *testing.T) {
	c := New(1)
	defer c.Close()
	deep := strings.Repeat("[", 300_000) + strings.Repeat("]", 300_000)
	for name, src := range map[string][]byte{
		"bomb":      bomb(400 << 20),
		"deep":      objects("<< /Type /Catalog /Pages 2 0 R /X "+deep+" >>", "<< /Type /Pages /Count 0 /Kids [] >>"),
		"loop":      objects("<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Count 1 /Kids [2 0 R] >>"),
		"many":      objects(append([]string{"<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Count 0 /Kids [] >>"}, strings.Split(strings.Repeat("<< >>|", 50_000), "|")...)...),
		"self xref": bytes.Replace(sample(), []byte("/Root"), []byte("/Prev 0 /Root"), 1),
	} {
		if _, err := c.Check(t.Context(), src); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := c.Check(t.Context(), sample()); err != nil || got != Sound {
			t.Errorf("after %s: %s %v", name, got, err)
		}
	}
}

func TestManyAtATime(t *testing.T) {
	c := New(2)
	defer c.Close()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got, err := c.Check(t.Context(), sample()); err != nil || got != Sound {
				t.Errorf("%s %v", got, err)
			}
		})
	}
	wg.Wait()
	if n := len(c.idle); n == 0 || n > 2 {
		t.Errorf("%d processes are kept", n)
	}
}

// TestAProcessThatEndsIsOurFailure: never the document's.
func TestAProcessThatEndsIsOurFailure(t *testing.T) {
	c := New(1)
	p, err := start()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	c.idle <- p
	if v, err := c.Check(t.Context(), sample()); !errors.Is(err, ErrProcess) || v != Unchecked {
		t.Errorf("%q %v", v, err)
	}
	if v, err := c.Check(t.Context(), sample()); err != nil || v != Sound {
		t.Errorf("the next: %q %v", v, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c.places <- struct{}{}
	if _, err := c.Check(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting: %v", err)
	}
}

func BenchmarkCheck(b *testing.B) {
	c := New(1)
	defer c.Close()
	pdf := sample()
	b.SetBytes(int64(len(pdf)))
	for b.Loop() {
		if v, err := c.Check(b.Context(), pdf); err != nil || v != Sound {
			b.Fatal(v, err)
		}
	}
}
