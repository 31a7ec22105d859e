package gateway

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"testing"

	"portti/store/proof"
)

// Who asks gets the proof with the acknowledgement; it holds for exactly what was sent.
func TestARK9_ProofComesWithTheAcknowledgement(t *testing.T) {
	g := start(t, nil)
	d := world().Documents[0]
	send := func(ask string) *http.Response {
		req, err := http.NewRequest(http.MethodPost, g.URL+"/soap", bytes.NewReader(inEnvelope("http://schemas.xmlsoap.org/soap/envelope/", world().Frame(d))))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "text/xml")
		if ask != "" {
			req.Header.Set(ProofHeader, ask)
		}
		res, err := g.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res
	}
	if v := send("").Header.Get(ProofHeader); v != "" {
		t.Errorf("nobody asked, and there is %q", v)
	}
	for range 2 { // a resend is proven too
		b, err := base64.StdEncoding.DecodeString(send("request").Header.Get(ProofHeader))
		if err != nil {
			t.Fatal(err)
		}
		p, _, err := proof.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.VerifyDocument(g.Store.CheckpointKey(), d.Bytes); err != nil {
			t.Error(err)
		}
		if _, err := p.VerifyDocument(g.Store.CheckpointKey(), append([]byte(" "), d.Bytes...)); err == nil {
			t.Error("it holds for other bytes")
		}
	}
}
