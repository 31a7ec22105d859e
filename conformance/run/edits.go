package run

import (
	"bytes"
	"fmt"

	"portti/conformance/cases"
	"portti/fixtures"
)

// edited makes the suite's own changes in a finished document, after it was signed.
func edited(d *fixtures.Document, change *cases.Document) error {
	var b []byte
	switch change.Edit {
	case "first-signature-value":
		b = flipAfter(d.Bytes, bytes.Index(d.Bytes, []byte("SignatureValue")))
	case "second-signature-value":
		const closing = "</"
		last := bytes.LastIndex(d.Bytes, []byte("SignatureValue>"))
		b = flipAfter(d.Bytes, bytes.LastIndex(d.Bytes[:max(0, last-len(closing))], []byte("SignatureValue")))
	case "body-character":
		b = flipAfter(d.Bytes, bytes.Index(d.Bytes, []byte("<text ")))
	case "base64-lines":
		b = broken(d.Bytes, bytes.Index(d.Bytes, []byte("<text ")))
	default:
		return nil
	}
	if b == nil {
		return fmt.Errorf("the document cannot have the change %q", change.Edit)
	}
	d.Bytes = b
	return nil
}

// inside gives a place in the text of the element whose tag begins at i.
func inside(b []byte, i int) int {
	const into = 24
	if i < 0 {
		return -1
	}
	j := bytes.IndexByte(b[i:], '>')
	if j < 0 || i+j+into >= len(b) {
		return -1
	}
	return i + j + into
}

// flipAfter puts another base64 character for one in the element's text.
func flipAfter(b []byte, i int) []byte {
	at := inside(b, i)
	if at < 0 {
		return nil
	}
	out := bytes.Clone(b)
	if out[at] == 'A' {
		out[at] = 'B'
	} else {
		out[at] = 'A'
	}
	return out
}

// broken puts a line break into the element's text.
func broken(b []byte, i int) []byte {
	at := inside(b, i)
	if at < 0 {
		return nil
	}
	out := append(bytes.Clone(b[:at]), '\n')
	return append(out, b[at:]...)
}
