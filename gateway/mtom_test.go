package gateway

import (
	"bytes"
	"html"
	"testing"

	"portti/gateway/soap"
)

const mtomType = `multipart/related; type="application/xop+xml"; start="<root>"; start-info="text/xml"; boundary=B`

// mtom makes an MTOM request of an envelope and one attachment.
func mtom(envelope, attachment []byte) []byte {
	var b bytes.Buffer
	b.WriteString("--B\r\nContent-Type: application/xop+xml; charset=UTF-8; type=\"text/xml\"\r\nContent-ID: <root>\r\n\r\n")
	b.Write(envelope)
	b.WriteString("\r\n--B\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <part>\r\n\r\n")
	b.Write(attachment)
	b.WriteString("\r\n--B--\r\n")
	return b.Bytes()
}

const includePart = `<xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="cid:part"/>`

// TestMTOM sends the same document in the two ways in which a toolkit may take
// octets out of the message: the document out of the MIME package, or the whole
// package.
func TestMTOM(t *testing.T) {
	g := start(t, nil)
	t.Run("the document is the attachment", func(t *testing.T) {
		d := world().Documents[0]
		frame := world().Frame(d)
		text := bytes.Index(frame, []byte("MIME-Version"))
		from := text + bytes.LastIndex(frame[text:bytes.Index(frame, []byte("</text>"))], []byte("&gt;\n\n")) + len("&gt;\n\n")
		to := from + bytes.Index(frame[from:], []byte("\n--")) + 1
		envelope := inEnvelope(soap.NS11, bytes.Join([][]byte{frame[:from], frame[to:]}, []byte(includePart+"\n")))
		r := g.post(mtomType, mtom(envelope, d.Bytes))
		if r.ack == nil || r.ack.Code != "CA" || !bytes.Equal(g.served(d.OID), d.Bytes) {
			t.Fatalf("got %v", r)
		}
	})
	t.Run("the package is the attachment", func(t *testing.T) {
		d := world().Documents[1]
		frame := world().Frame(d)
		from := bytes.Index(frame, []byte("MIME-Version"))
		to := from + bytes.Index(frame[from:], []byte("</text>"))
		pkg := []byte(html.UnescapeString(string(frame[from:to])))
		frame = bytes.Join([][]byte{frame[:from], frame[to:]}, []byte(includePart))
		frame = bytes.Replace(frame, []byte(`mediaType="multipart/related"`), []byte(`mediaType="multipart/related" representation="B64"`), 1)
		r := g.post(mtomType, mtom(inEnvelope(soap.NS11, frame), pkg))
		if r.ack == nil || r.ack.Code != "CA" || !bytes.Equal(g.served(d.OID), d.Bytes) {
			t.Fatalf("got %v", r)
		}
	})
}
