package web

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"

	"portti/store"
	"portti/store/proof"
)

// proofView tells in plain words whether the archive can prove that a document is what
// was archived.
type proofView struct {
	Word, Class string
	// Facts are empty where there is no proof to download.
	Facts []shownFact
}

// proofOf makes the proof of a document's integrity against the newest signed
// checkpoint, and holds it against the very bytes that the page is about. That a proof
// does not hold is told on the page: it must not hide the document.
func (s *Site) proofOf(r *http.Request, x *session, p *page, d held) (*proofView, error) {
	if d.Disposed {
		return &proofView{Word: p.T("proof_disposed"), Class: "quiet"}, nil
	}
	in, err := s.Store.Prove(r.Context(), x.scope(), d.Document.ID)
	var c *proof.Checkpoint
	if err == nil {
		c, err = in.VerifyDocument(s.Store.CheckpointKey(), d.Bytes)
	}
	switch {
	case errors.Is(err, store.ErrDamaged), errors.Is(err, proof.ErrInvalid):
		s.Log.Error().Err(err).Msg("proof of integrity")
		return &proofView{Word: p.T("proof_bad"), Class: "error"}, nil
	case err != nil:
		return nil, err
	}
	v := &proofView{Word: p.T("proof_good"), Class: "good", Facts: []shownFact{
		{Name: p.T("proof_checkpoint"), Value: p.T("proof_checkpoint_text", shownTime(c.At), grouped(int(c.Size)))},
		{Name: p.T("proof_place"), Value: p.T("proof_place_text", grouped(int(in.Index)+1), len(in.Hashes))},
		{Name: p.T("proof_sum"), Value: hex.EncodeToString(d.SHA256[:])},
		{Name: p.T("proof_root"), Value: hex.EncodeToString(c.Root[:])},
		{Name: p.T("proof_origin"), Value: c.Origin},
	}}
	if len(in.Stamp) > 0 {
		v.Facts = append(v.Facts, shownFact{Name: p.T("proof_stamp"), Value: p.T("proof_stamp_text")})
	}
	return v, nil
}

// proof gives the proof as a file for portti archive check-proof.
func (s *Site) proof(w http.ResponseWriter, r *http.Request, x *session) {
	in, err := s.Store.Prove(r.Context(), x.scope(), r.PathValue("id"))
	if errors.Is(err, store.ErrNotFound) {
		err = s.logMiss(r, x, "archivist-proof", err)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	b, err := json.MarshalIndent(in, "", "  ")
	if err == nil {
		// The proof names no client; the log row needs none either.
		err = s.Store.Log(r.Context(), store.Entries{Usage: []store.Usage{x.usage("archivist-proof", "", r.PathValue("id"))}})
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	h := w.Header()
	safeHeaders(h, "sandbox; default-src 'none'")
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", `attachment; filename="`+fileName(r.PathValue("id"))+`.proof.json"`)
	_, _ = w.Write(b) // a client that has gone is no fault of ours
}
