package web

import (
	"net/http"
	"strings"
	"testing"

	"portti/store/proof"
)

// Each document's page proves its integrity in plain words, and gives the proof that
// portti archive check-proof checks with the public key alone.
func TestUI1_ProofOfIntegrityOnThePage(t *testing.T) {
	h := newHouse(t, nil)
	b := h.browser(cardA)
	b.login()
	d := h.of(h.w.Organisations[0].OID, nil)
	u := "/archive/documents/" + d.OID
	for lang, word := range map[string]string{"fi": "tavulleen sellaisena", "sv": "byte för byte", "en": "byte for byte as it was archived"} {
		want(t, b.get(u+"?lang="+lang), http.StatusOK, word, u+"/proof", "check-proof")
	}
	w := b.get(u + "/proof")
	want(t, w, http.StatusOK)
	if got := w.Header().Get("Content-Disposition"); !strings.Contains(got, d.OID+".proof.json") {
		t.Errorf("%q", got)
	}
	in, _, err := proof.Read(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	c, err := in.VerifyDocument(h.store.CheckpointKey(), d.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	page := b.get(u + "?lang=en")
	want(t, page, http.StatusOK, c.Origin, "led to the root by")
	if _, err := in.VerifyDocument(h.store.CheckpointKey(), append([]byte(" "), d.Bytes...)); err == nil {
		t.Error("the proof holds for other bytes")
	}
	if n := h.actions()["archivist-proof"]; n != 1 {
		t.Errorf("LOG-5: %d rows", n)
	}
	want(t, b.get("/archive/documents/"+h.of(h.w.Organisations[1].OID, nil).OID+"/proof"), http.StatusNotFound)

	// A proof that is of other bytes is told of, and the page stands.
	other := h.of(h.w.Organisations[0].OID, nil)
	x := &session{Who: h.site.Archivists[0], Organisation: h.w.Organisations[0].OID}
	stored, err := h.store.Document(t.Context(), everything, other.OID)
	if err != nil {
		t.Fatal(err)
	}
	stored.Bytes = append([]byte(" "), stored.Bytes...)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u, nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := h.site.proofOf(r, x, &page0, held{Document: stored})
	if err != nil || v.Class != "error" || len(v.Facts) != 0 {
		t.Errorf("%+v %v", v, err)
	}
	stored.Disposed = true
	if v, err = h.site.proofOf(r, x, &page0, held{Document: stored}); err != nil || v.Class != "quiet" {
		t.Errorf("%+v %v", v, err)
	}
}

var page0 = page{Lang: "en"}
