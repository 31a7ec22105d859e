package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"portti/cda/frame"
	"portti/cda/rules/catalogue"
	"portti/gateway/pipeline"
	"portti/internal/finding"
	"portti/internal/negotiate"
	"portti/store"
	"portti/store/proof"

	"github.com/rs/zerolog"
)

// The door of proofs of integrity: for systems that want to know later, too, that what
// they sent is there as it was answered. Local assumption: no public source knows of
// such proofs. The formats are those of store/proof/PROOFS.md.
//
//	GET /proofs/documents/OID            the inclusion proof of an archived document
//	GET /proofs/checkpoint               the newest checkpoint, a signed note
//	GET /proofs/consistency?from=N&to=M  that checkpoint N is the beginning of M (default: the newest)
//	GET /proofs/key                      the checkpoint key, to compare with the one handed over
//
// sender=OID names the sending device as frames do (needed where no certificate tells
// who asks) and unit=OID the user's unit, of a joining point. Proofs are given of
// documents in the system's own registers, as its queries would find them; each is a
// use of the document and stands in the usage log before it leaves.
const proofsPath = "/proofs/"

// The rules of this door.
const (
	RuleProofMissing    = "PROOF-DOCUMENT-UNKNOWN"
	RuleProofCheckpoint = "PROOF-CHECKPOINT-UNKNOWN"
	RuleProofRequest    = "PROOF-REQUEST-MALFORMED"
)

// actionProve is the usage log's word for giving a proof.
const actionProve = "prove"

// proofArchive is what the door needs of the store.
type proofArchive interface {
	Lookup(ctx context.Context, sc store.Scope, ids []string, f store.Filter) ([]store.Hit, error)
	Prove(ctx context.Context, sc store.Scope, id string) (*proof.Inclusion, error)
	Consistency(ctx context.Context, from, to int64) (*proof.Consistency, error)
	Checkpoint(ctx context.Context) error
	LastCheckpoint() (proof.Checkpoint, bool)
	CheckpointKey() string
	Log(ctx context.Context, e store.Entries) error
}

// proofs answers at the door.
type proofs struct {
	archive  proofArchive
	standing func(pipeline.Caller) ([]string, []finding.Finding)
	profile  catalogue.Profile
	lang     catalogue.Lang
	// owner is whose log the attempts of nobody are in.
	owner string
	log   zerolog.Logger
	now   func() time.Time
}

// proofAnswer is what goes back: a proof, or why there is none.
type proofAnswer struct {
	status      int
	contentType string
	body        []byte
	findings    []finding.Finding
	failure     error
}

func refusedProof(status int, rule, value string) proofAnswer {
	return proofAnswer{status: status, findings: []finding.Finding{{Rule: rule, Place: finding.Place{Source: finding.SourceRequest}, Value: value}}}
}

// ServeHTTP implements http.Handler.
func (p *proofs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	a := p.answer(r)
	if errors.Is(a.failure, store.ErrNotFound) {
		a = refusedProof(http.StatusNotFound, RuleProofCheckpoint, "")
	} else if a.failure != nil {
		a = p.failed(w.Header().Get("X-Request-Id"), a.failure)
	}
	lang := negotiate.Language(r.Header.Get("Accept-Language"), catalogue.Langs, p.lang)
	var rules []string
	if len(a.findings) > 0 {
		var told struct {
			Findings []catalogue.Resolved `json:"findings"`
		}
		for _, f := range a.findings {
			told.Findings, rules = append(told.Findings, catalogue.Default().Resolve(f, p.profile, lang)), append(rules, f.Rule)
		}
		a.contentType = "application/json; charset=utf-8"
		a.body, _ = json.Marshal(told) // strings and numbers only
		w.Header().Set("Vary", "Accept-Language")
	}
	if a.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "2")
	}
	if a.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodGet)
	}
	w.Header().Set("Content-Type", a.contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	_, err := w.Write(a.body)
	e := p.log.Info()
	if a.failure != nil {
		e = p.log.Error().AnErr("failure", a.failure)
	}
	e.Str("request", w.Header().Get("X-Request-Id")).Str("remote", r.RemoteAddr).Int("status", a.status).Strs("rules", rules).
		Str("peer", peerOf(r.TLS).Organisation).Dur("took_ms", time.Since(began)).AnErr("unsent", err).Msg("proof")
}

func (p *proofs) answer(r *http.Request) proofAnswer {
	if r.Method != http.MethodGet {
		return refusedProof(http.StatusMethodNotAllowed, RuleMethod, r.Method)
	}
	q := r.URL.Query()
	c := pipeline.Caller{Peer: peerOf(r.TLS), Sender: q.Get("sender"), Unit: q.Get("unit"), At: p.now()}
	what, id, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, proofsPath), "/")
	own, refused := p.standing(c)
	if len(refused) > 0 {
		return p.refuse(r.Context(), c, nil, id, proofAnswer{status: http.StatusForbidden, findings: refused})
	}
	switch {
	case what == "documents" && id != "":
		return p.document(r.Context(), c, own, id)
	case id != "":
	case what == "checkpoint":
		return p.checkpoint(r.Context())
	case what == "consistency":
		return p.consistency(r.Context(), q.Get("from"), q.Get("to"))
	case what == "key":
		return textAnswer(p.archive.CheckpointKey() + "\n")
	}
	return refusedProof(http.StatusNotFound, RuleProofRequest, "")
}

func textAnswer(s string) proofAnswer {
	return proofAnswer{status: http.StatusOK, contentType: "text/plain; charset=utf-8", body: []byte(s)}
}

func jsonAnswer(v any) proofAnswer {
	b, err := json.Marshal(v)
	return proofAnswer{status: http.StatusOK, contentType: "application/json", body: b, failure: err}
}

// document proves a document of the caller's own registers.
func (p *proofs) document(ctx context.Context, c pipeline.Caller, own []string, id string) proofAnswer {
	sc := store.Scope{Controllers: own, Purpose: actionProve}
	hits, err := p.archive.Lookup(ctx, sc, []string{id}, store.Filter{Earlier: true, Nullified: true})
	if err != nil {
		return proofAnswer{failure: err}
	}
	missing := refusedProof(http.StatusNotFound, RuleProofMissing, "")
	if len(hits) == 0 {
		return p.refuse(ctx, c, own, id, missing)
	}
	in, err := p.archive.Prove(ctx, sc, id)
	if errors.Is(err, store.ErrNotFound) { // disposed meanwhile
		return p.refuse(ctx, c, own, id, missing)
	}
	if err != nil {
		return proofAnswer{failure: err}
	}
	u := p.usage(c, hits[0].Controller, id)
	summary, _ := frame.ReadSummary(hits[0].Index.Summary)
	if len(summary.Clients) > 0 {
		u.Client = summary.Clients[0].Key()
	}
	if err := p.archive.Log(ctx, store.Entries{Usage: []store.Usage{u}}); err != nil {
		return proofAnswer{failure: err}
	}
	return jsonAnswer(in)
}

// refuse logs an attempt at a document before it is answered.
func (p *proofs) refuse(ctx context.Context, c pipeline.Caller, own []string, id string, a proofAnswer) proofAnswer {
	if id == "" {
		return a
	}
	controller := c.Peer.Organisation
	if len(own) > 0 {
		controller = own[0]
	}
	if controller == "" {
		controller = p.owner
	}
	u := p.usage(c, controller, id)
	u.Refused = a.findings[0].Rule
	if err := p.archive.Log(ctx, store.Entries{Usage: []store.Usage{u}}); err != nil {
		return proofAnswer{failure: err}
	}
	return a
}

func (p *proofs) usage(c pipeline.Caller, controller, id string) store.Usage {
	u := store.Usage{At: c.At, DataController: controller, LogController: controller, System: c.Sender, DocumentID: id, Action: actionProve}
	if u.System == "" {
		u.System = c.Peer.Organisation
	}
	return u
}

func (p *proofs) checkpoint(ctx context.Context) proofAnswer {
	if err := p.archive.Checkpoint(ctx); err != nil {
		return proofAnswer{failure: err}
	}
	c, ok := p.archive.LastCheckpoint()
	if !ok {
		return refusedProof(http.StatusNotFound, RuleProofCheckpoint, "")
	}
	return textAnswer(c.Note)
}

func (p *proofs) consistency(ctx context.Context, from, to string) proofAnswer {
	var size [2]int64
	for i, s := range []string{from, to} {
		if s == "" && i == 1 {
			continue // the newest
		}
		var err error
		if size[i], err = strconv.ParseInt(s, 10, 64); err != nil || size[i] < 1 {
			return refusedProof(http.StatusBadRequest, RuleProofRequest, "")
		}
	}
	c, err := p.archive.Consistency(ctx, size[0], size[1])
	switch {
	case errors.Is(err, store.ErrInput):
		return refusedProof(http.StatusBadRequest, RuleProofRequest, "")
	case err != nil:
		return proofAnswer{failure: err}
	}
	return jsonAnswer(c)
}

// failed answers a failure of ours, or of an archive that can do nothing now.
func (p *proofs) failed(id string, err error) proofAnswer {
	a := proofAnswer{status: http.StatusInternalServerError, failure: err,
		findings: []finding.Finding{{Rule: pipeline.RuleFailure, Params: []finding.Param{finding.P("request", id)}}}}
	var own *store.Error
	if errors.As(err, &own) && own.Retry() || errors.Is(err, context.Canceled) {
		a.status, a.findings = http.StatusServiceUnavailable, []finding.Finding{{Rule: store.RuleBusy}}
	}
	return a
}
