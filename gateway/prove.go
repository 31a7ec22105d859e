package gateway

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"

	"portti/gateway/pipeline"
	"portti/store"
)

// ProofHeader asks for, and brings, the proof of integrity of the document that an
// acknowledgement is about. Local assumption: no public source knows of such proofs.
// The request says "request"; the answer has the proof (store/proof/PROOFS.md) as
// base64, or "unavailable" where it cannot be had now or is longer than a header may
// be: then `portti archive prove` gives it. The acknowledgement itself is the same.
const ProofHeader = "Portti-Proof"

// The words of the header.
const (
	proofRequest     = "request"
	proofUnavailable = "unavailable"
)

// maxProofHeader keeps the answer's headers within what clients commonly take.
const maxProofHeader = 16 << 10

// prove adds the proof to an answer, where it was asked for. A checkpoint that covers
// the document is made first.
func (s *Server) prove(w http.ResponseWriter, r *http.Request, a pipeline.Answer) {
	if s.o.Prove == nil || a.Archived == "" || r.Header.Get(ProofHeader) != proofRequest {
		return
	}
	value := proofUnavailable
	if b, err := s.o.Prove(r.Context(), a.Archived); err != nil {
		s.o.Log.Error().Err(err).Msg("proof")
	} else if v := base64.StdEncoding.EncodeToString(b); len(v) <= maxProofHeader {
		value = v
	}
	w.Header().Set(ProofHeader, value)
}

// prove proves a document that has just been acknowledged to its sender.
func (i *Instance) prove(ctx context.Context, document string) ([]byte, error) {
	p, err := i.Store.Prove(ctx, store.Scope{All: true, Purpose: "acknowledgement"}, document)
	if err != nil {
		return nil, err
	}
	return json.Marshal(p)
}
