package store

import (
	"bytes"
	"testing"
)

func TestFrameIsKeptWithoutItsDocumentAndComesBack(t *testing.T) {
	document := body("x", 20_000)
	small := []byte("<ClinicalDocument/>")
	tests := map[string]struct {
		frame, document []byte
		cut             bool
	}{
		"76":              {frameOf(document, 76, "\n"), document, true},
		"76 CRLF":         {frameOf(document, 76, "\r\n"), document, true},
		"64":              {frameOf(document, 64, "\n"), document, true},
		"reference":       {frameOf(document, 76, "&#13;\n"), document, true},
		"hex reference":   {frameOf(document, 76, "&#xD;\n"), document, true},
		"one line":        {frameOf(document, 0, ""), document, true},
		"length 20001":    {frameOf(body("x", 20_001), 76, "\n"), body("x", 20_001), true},
		"length 20002":    {frameOf(body("x", 20_002), 76, "\n"), body("x", 20_002), true},
		"whole lines":     {frameOf(body("x", 57*100), 76, "\n"), body("x", 57*100), true},
		"MTOM":            {append(append([]byte("--b\r\n\r\n"), document...), "\r\n--b--"...), document, true},
		"odd line end":    {frameOf(document, 76, " \n"), document, false},
		"odd line length": {frameOf(document, 75, "\n"), document, false},
		"one line longer": {bytes.Replace(frameOf(document, 76, "\n"), []byte("\n"), nil, 40), document, false},
		"other document":  {frameOf(body("y", 20_000), 76, "\n"), document, false},
		"one byte off":    {flip(frameOf(document, 76, "\n"), 9000), document, false},
		"cut short":       {frameOf(document, 76, "\n")[:10_000], document, false},
		"no document":     {[]byte("<frame/>"), document, false},
		"empty":           {nil, document, false},
		"small":           {frameOf(small, 76, "\n"), small, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := packFrame(tt.frame, tt.document)
			if cut := p[0] == codecCut; cut != tt.cut {
				t.Errorf("cut %v, want %v", cut, tt.cut)
			}
			if tt.cut && len(p) > 400 {
				t.Errorf("the payload of the rest is %d bytes", len(p))
			}
			have, err := unpackFrame(p, tt.document)
			if err != nil || !bytes.Equal(have, tt.frame) {
				t.Errorf("comes back changed: %v", err)
			}
			have, err = unpack(pair(p, pack(tt.document)))
			if err != nil || !bytes.Equal(have, tt.frame) {
				t.Errorf("pair comes back changed: %v", err)
			}
		})
	}
}

func flip(b []byte, at int) []byte {
	b[at] ^= 1
	return b
}

func FuzzFrameComesBack(f *testing.F) {
	document := body("x", 300)
	for _, line := range []int{0, 56, 64, 76} {
		f.Add(frameOf(document, line, "\n"), document)
		f.Add(frameOf(document, line, "&#13;\n"), document)
	}
	f.Fuzz(func(t *testing.T, frame, document []byte) {
		p := packFrame(frame, document)
		have, err := unpackFrame(p, document)
		if err != nil || !bytes.Equal(have, frame) {
			t.Fatalf("comes back changed: %v", err)
		}
	})
}

// A damaged payload gives an error or other bytes, never a panic.
func FuzzUnpackNeverPanics(f *testing.F) {
	document := body("x", 300)
	frame := packFrame(frameOf(document, 76, "\n"), document)
	f.Add(frame)
	f.Add(pair(frame, pack(document)))
	f.Add(pack(document))
	f.Fuzz(func(t *testing.T, p []byte) {
		if b, err := unpackFrame(p, document); err != nil && b != nil {
			t.Fatal("bytes with an error")
		}
		if b, err := unpack(p); err != nil && b != nil {
			t.Fatal("bytes with an error")
		}
	})
}
