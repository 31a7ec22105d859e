package gateway

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"portti/fixtures"
	"portti/store"
	"portti/xmldsig/pki"
	"portti/xmldsig/trust"
)

func (g *gate) file(path, contentType string, body []byte) (int, string) {
	g.t.Helper()
	res, err := g.http.Post(g.URL+path, contentType, bytes.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// At the door of notices mutual TLS is as at /soap: nobody without a certificate, and
// nobody for a controller for whom they do not act; what is refused is logged.
func TestLUO6_MutualTLSAtTheDoorOfNotices(t *testing.T) {
	m := startMTLS(t, trust.Hard)
	w := world()
	body := w.Notices(w.Notice("1.2.246.10.99999901.10.0.95.2026.8.2"))
	for _, c := range []struct {
		organisation *fixtures.Organisation
		want         int
	}{{nil, 0}, {w.Organisations[1], http.StatusForbidden}, {w.Organisations[0], http.StatusOK}} {
		var leaf *pki.Leaf
		if o := c.organisation; o != nil {
			var err error
			if leaf, err = m.ca.Client(pki.Organisation{OID: o.OID, Name: o.Title, System: "ATJ"}); err != nil {
				t.Fatal(err)
			}
		}
		res, err := insisting(t, leaf).Post(m.URL+"/fhir", "application/fhir+json", bytes.NewReader(body))
		if c.want == 0 {
			if err == nil {
				t.Errorf("without a certificate: HTTP %d", res.StatusCode)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != c.want {
			t.Errorf("%s: HTTP %d", c.organisation.OID, res.StatusCode)
		}
	}
	p, err := m.Store.SearchUsage(t.Context(), everything, store.LogFilter{Action: "notice", Attempts: store.RefusedAttempts}, 10, "")
	if err != nil || len(p.Entries) != 1 || p.Entries[0].Client != w.Client("child").Hetu || p.Entries[0].Refused == "" {
		t.Errorf("refused attempts: %+v %v", p, err)
	}
}

// A notice that comes over the wire stands in the disclosure log before its answer
// leaves; sent again it is answered alike and leaves no second row.
func TestLUO6_NoticeOverTheWire(t *testing.T) {
	g := start(t, nil)
	w := world()
	body := w.Notices(w.Notice("1.2.246.10.99999901.10.0.95.2026.8.1"))
	for _, want := range []string{"201 Created", "200 OK"} {
		if status, answer := g.file("/fhir", "application/fhir+json", body); status != http.StatusOK || !strings.Contains(answer, want) {
			t.Errorf("%d %s", status, answer)
		}
		p, err := g.Store.SearchDisclosures(t.Context(), everything, store.LogFilter{Client: w.Client("child").Hetu}, 10, "")
		if err != nil || len(p.Entries) != 1 || p.Entries[0].Description == "" || p.Entries[0].Recipient != "Testiviraston toimisto" {
			t.Fatalf("%+v %v", p, err)
		}
	}
	changed := bytes.Replace(body, []byte("Testiviraston"), []byte("Toisen"), 1)
	if status, answer := g.file("/fhir", "application/fhir+json", changed); status != http.StatusConflict || !strings.Contains(answer, store.RuleNoticeTaken) {
		t.Errorf("%d %s", status, answer)
	}
	for _, c := range []struct {
		contentType, body string
		want              int
	}{{"text/plain", "x", http.StatusUnsupportedMediaType}, {"application/fhir+xml", "<x", http.StatusBadRequest}} {
		if status, answer := g.file("/fhir", c.contentType, []byte(c.body)); status != c.want || !strings.Contains(answer, "OperationOutcome") {
			t.Errorf("%s: %d %s", c.contentType, status, answer)
		}
	}
	res, err := g.http.Get(g.URL + "/fhir")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") != http.MethodPost {
		t.Errorf("GET: %d", res.StatusCode)
	}
	for _, secret := range []string{w.Client("child").Hetu, "Vastaanottaja", "1.2.246.10.99999901.10.0.95.2026.8.1"} {
		if strings.Contains(g.log.String(), secret) {
			t.Errorf("the technical log holds %q", secret)
		}
	}
	r, err := g.Store.Check(t.Context())
	if err != nil || !r.OK() {
		t.Errorf("%+v %v", r, err)
	}
}
