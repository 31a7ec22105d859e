package gateway

import (
	"bytes"
	"context"
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"portti/cda/rules/catalogue"
	"portti/internal/finding"
	"portti/internal/shared"
	"portti/store"
	"portti/xmldsig/trust"
)

// The real social-welfare samples: frame and document of two messages.
const (
	realPlanFrame         = "samples/social/apotti_asiakassuunnitelma_K_RCMR_IN200002FI01.xml"
	realPlan              = "samples/social/apotti_asiakassuunnitelma_S_as-signed.xml"
	realPlanPretty        = "samples/social/apotti_asiakassuunnitelma_S_pretty-printed-BREAKS-signature.xml"
	realRelationshipFrame = "samples/social/apotti_asiakkuusasiakirja_K_RCMR_IN200002FI01.xml"
	realRelationship      = "samples/social/apotti_asiakkuusasiakirja_S_system-signature-BODY-DIGEST-FAILS.xml"
	realHealthFrame       = "samples/frames/RCMR_IN100002FI01.xml"
	realHealthDocument    = "samples/frames/RCMR_IN100002FI01_embedded_cda.xml"
)

// placeholder is what an export leaves where the MIME package belongs.
var placeholder = regexp.MustCompile(`(?s)(<text[^>]*>).*?(</text>)`)

// withPackage puts a document into a real frame as a MIME package.
func withPackage(frame, doc []byte, id string) []byte {
	const line = 76
	var b strings.Builder
	b.WriteString("MIME-Version: 1.0\nContent-Type: multipart/related; boundary=\"=_1\"\n\n--=_1\n" +
		"Content-Type: text/xml; charset=UTF-8\nContent-Transfer-Encoding: BASE64\nContent-ID: &lt;" + id + "&gt;\n\n")
	for s := base64.StdEncoding.EncodeToString(doc); s != ""; {
		n := min(line, len(s))
		b.WriteString(s[:n] + "\n")
		s = s[n:]
	}
	b.WriteString("--=_1--\n")
	return placeholder.ReplaceAllFunc(frame, func(m []byte) []byte {
		parts := placeholder.FindSubmatch(m)
		return slices.Concat(parts[1], []byte(b.String()), parts[2])
	})
}

var documentID = regexp.MustCompile(`(?s)<clinicalDocument.*?<id [^>]*root="([0-9.]+)"`)

func idOf(t *testing.T, frame []byte) string {
	t.Helper()
	m := documentID.FindSubmatch(frame)
	if m == nil {
		t.Fatal("the frame names no document")
	}
	return string(m[1])
}

// startReal runs a gateway with a real document's signers pinned, some minutes
// after it was signed.
func startReal(t *testing.T, doc []byte, arrival time.Time, change func(*Config)) *gate {
	return start(t, func(c *Config) {
		c.Trust = newTrust(t, trust.Options{PinCertificates: signersOf(t, doc)})
		c.Now = func() time.Time { return arrival }
		if change != nil {
			change(c)
		}
	})
}

func TestSharedRealDocumentIsArchivedAndServedBack(t *testing.T) {
	frame, doc := shared.Read(t, realPlanFrame), shared.Read(t, realPlan)
	id := idOf(t, frame)
	g := startReal(t, doc, time.Date(2026, 3, 23, 9, 0, 0, 0, time.UTC), nil)
	r := g.accepted(withPackage(frame, doc, id))
	t.Log(r)
	if got := g.served(id); !bytes.Equal(got, doc) {
		t.Fatalf("%d bytes came back, %d were sent", len(got), len(doc))
	}
	page, err := g.Store.Search(context.Background(), everything, store.Filter{Client: "180418A903L"}, 10, "")
	if err != nil || len(page.Hits) != 1 {
		t.Fatalf("found by client: %v %v", page.Hits, err)
	}
	h := page.Hits[0]
	for _, x := range []struct{ name, got, want string }{
		{"id", h.ID, id}, {"set", h.SetID, id}, {"controller", h.Controller, "1.2.246.10.2012566.10.40"},
		{"register", h.Register, "1"}, {"group", h.Index.Group, "5"}, {"language", h.Index.Language, "fi"},
	} {
		if x.got != x.want {
			t.Errorf("%s is %q, want %q", x.name, x.got, x.want)
		}
	}
	if h.Version.Version != 1 || !h.Index.Effective.Equal(time.Date(2026, 3, 23, 8, 54, 24, 0, time.UTC)) {
		t.Errorf("version %d, effective %v", h.Version.Version, h.Index.Effective)
	}
}

func TestSharedBothRealSignaturesAreVerified(t *testing.T) {
	doc := shared.Read(t, realPlan)
	now := time.Date(2026, 3, 23, 9, 0, 0, 0, time.UTC)
	j := NewJudge(catalogue.Strict, "", newTrust(t, trust.Options{PinCertificates: signersOf(t, doc)}), 0, func() time.Time { return now })
	out := j.Document(input(doc, now))
	if len(out.Signatures.Signatures) != 2 || out.Body == nil {
		t.Fatalf("%d signatures, body %v", len(out.Signatures.Signatures), out.Body)
	}
	for i, s := range out.Signatures.Signatures {
		if !s.Valid || s.Type != 1 {
			t.Errorf("signature %d: valid %t, type %d", i+1, s.Valid, s.Type)
		}
	}
}

func TestSharedPrettyPrintedDocumentIsRefused(t *testing.T) {
	frame, doc := shared.Read(t, realPlanFrame), shared.Read(t, realPlanPretty)
	g := startReal(t, doc, time.Date(2026, 3, 23, 9, 0, 0, 0, time.UTC), nil)
	refusedForDigest(t, g, withPackage(frame, doc, idOf(t, frame)), idOf(t, frame))
}

func TestSharedDocumentWhoseBodyDigestFailsIsRefused(t *testing.T) {
	frame, doc := shared.Read(t, realRelationshipFrame), shared.Read(t, realRelationship)
	g := startReal(t, doc, time.Date(2026, 7, 17, 12, 0, 0, 0, time.UTC), nil)
	refusedForDigest(t, g, withPackage(frame, doc, idOf(t, frame)), idOf(t, frame))
}

// refusedForDigest demands CE with the digest's finding at a DigestValue, and
// nothing in the archive.
func refusedForDigest(t *testing.T, g *gate, frame []byte, id string) {
	t.Helper()
	r := g.send(frame)
	t.Log(r)
	d := r.detail("SIG-DIGEST-MISMATCH")
	if r.ack == nil || r.ack.Code != "CE" || d == nil {
		t.Fatalf("got %v", r)
	}
	if len(d.Location) != 1 || !regexp.MustCompile(`^document \d+:\d+ /ClinicalDocument\[1\]/.*Reference`).MatchString(d.Location[0]) {
		t.Errorf("place is %q", d.Location)
	}
	if _, err := g.Store.Document(context.Background(), everything, id); err == nil {
		t.Error("a refused document is in the archive")
	}
	st, err := g.Store.DocumentStatus(context.Background(), everything, id)
	if err != nil || len(st) != 1 || st[0].Verdict != "CE" || !bytes.Contains(r.body, st[0].Acknowledgement) {
		t.Errorf("the refusal is not logged as it was answered: %v %v", st, err)
	}
}

func TestARK12_SharedHealthFrame(t *testing.T) {
	frame, doc := shared.Read(t, realHealthFrame), shared.Read(t, realHealthDocument)
	arrival := time.Date(2017, 9, 22, 12, 20, 0, 0, time.UTC)
	t.Run("archived in lenient with accept_health", func(t *testing.T) {
		g := startReal(t, doc, arrival, func(c *Config) { c.Profile, c.AcceptHealth = catalogue.Lenient, true })
		t.Log(g.accepted(frame))
		if !bytes.Equal(g.served("1.2.246.537.10.15675350.10.1.11220.19098"), doc) {
			t.Error("other bytes came back")
		}
	})
	t.Run("valid in lenient, not archived without", func(t *testing.T) {
		g := startReal(t, doc, arrival, func(c *Config) { c.Profile = catalogue.Lenient })
		r := g.send(frame)
		errors := slices.DeleteFunc(r.rules(), func(id string) bool {
			r := catalogue.Default().Rule(id)
			return r != nil && r.Severity.Lenient < finding.Error
		})
		if r.ack.Code != "CE" || len(errors) != 1 {
			t.Fatalf("got %v", r)
		}
	})
	t.Run("refused in strict", func(t *testing.T) {
		g := startReal(t, doc, arrival, nil)
		r := g.send(frame)
		t.Log(r)
		if r.ack == nil || r.ack.Code != "CE" || r.detail("FRAME-ROOT-HEALTH") == nil {
			t.Fatalf("got %v", r)
		}
	})
}
