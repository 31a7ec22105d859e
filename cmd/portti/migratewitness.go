package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"portti/cda"
	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/internal/migrate"
	"portti/store"

	"github.com/spf13/pflag"
)

// witnessFlags say how an archive is asked for what it holds.
type witnessFlags struct {
	to, by, archive, checkpointKey string
	files                          clientTLS
}

func (o *witnessFlags) flags(m *Main, f *pflag.FlagSet) {
	f.StringVar(&o.to, "reconcile", "", "ask the archive at `URL` about every acknowledged document")
	f.StringVar(&o.by, "by", "query", "how --reconcile asks: query (metadata), proof (inclusion proofs) or resend (for archives and systems without either)")
	f.StringVar(&o.checkpointKey, "checkpoint-key", "", "`FILE` of the archive's checkpoint key: query asks for inclusion proofs, too, where the archive offers them")
	f.StringVar(&o.archive, "archive", "", "reconcile by inclusion proofs of the archive in `DIR`, which is not being served")
	o.files.flags(f)
	m.masterFlags(f)
}

// asked tells whether a witness is wanted.
func (o *witnessFlags) asked() bool { return o.to != "" || o.archive != "" }

// witness gives who is asked, and what closes it.
func (m *Main) witness(ctx context.Context, j *migrate.Journal, o witnessFlags) (migrate.Witness, func() error, error) {
	nothing := func() error { return nil }
	switch {
	case o.archive != "":
		return m.proofWitness(ctx, j, o.archive)
	case o.by == "resend":
		connect, err := connector(o.to, o.files, 1)
		if err != nil {
			return nil, nil, usage(err, "")
		}
		t, err := connect()
		if err != nil {
			return nil, nil, usage(err, "")
		}
		w, err := migrate.ResendWitness(j, t, m.Now)
		return w, nothing, err
	case o.by == "proof":
		if o.checkpointKey == "" {
			return nil, nil, usage(errors.New("proofs are checked by --checkpoint-key FILE"), "it is checkpoint.pub of the archive, handed over by a way of its own")
		}
		d, err := newProofDoor(j, o)
		if err != nil {
			return nil, nil, usage(err, "")
		}
		return d, d.Close, nil
	case o.by == "query":
		return m.queriesAndProofs(j, o)
	default:
		return nil, nil, usage(fmt.Errorf("--by is %q", o.by), "use query, proof or resend")
	}
}

// queriesAndProofs asks by metadata queries, and for proofs where their key is given.
func (m *Main) queriesAndProofs(j *migrate.Journal, o witnessFlags) (migrate.Witness, func() error, error) {
	s, err := j.Sending()
	if err != nil {
		return nil, nil, usage(err, "")
	}
	c, err := newArchiveClient(o.to, o.files)
	if err != nil {
		return nil, nil, usage(err, "")
	}
	q := &queryWitness{m: m, c: c, sending: s}
	if o.checkpointKey == "" {
		return q, func() error { return nil }, nil
	}
	d, err := newProofDoor(j, o)
	if err != nil {
		return nil, nil, usage(err, "")
	}
	return migrate.Both(q, d), d.Close, nil
}

// queryWitness asks by metadata queries: a page of ids of one controller at a time.
type queryWitness struct {
	m       *Main
	c       *archiveClient
	sending migrate.Sending
	n       int
}

// Name implements migrate.Witness.
func (w *queryWitness) Name() string { return "metadata query" }

var errQueryRefused = errors.New("the archive refuses the query")

// Holds implements migrate.Witness.
func (w *queryWitness) Holds(ctx context.Context, page []migrate.Kept) ([]bool, error) {
	there := map[string]bool{}
	for controller, ids := range byController(page) {
		ask := w.ask(controller)
		for _, id := range ids {
			ask.Params = append(ask.Params, frame.AskParam{Field: interactions.FieldDocument, Value: id})
		}
		for next := 1; ; {
			a, err := w.m.askOnce(ctx, w.c, ask)
			if err != nil {
				return nil, err
			}
			if a.found == nil || a.exitCode() != exitOK && a.found.Outcome != frame.ResponseNone {
				return nil, fmt.Errorf("%w: %s", errQueryRefused, a.refusal())
			}
			for _, d := range a.found.Documents {
				there[d.ID.Root] = true
			}
			if next += a.found.Current; a.found.Remaining == 0 || a.found.Current == 0 {
				break
			}
			again := w.ask(controller)
			again.QueryID, again.Start = a.found.QueryID, next
			ask = again
		}
	}
	out := make([]bool, len(page))
	for i, k := range page {
		out[i] = there[k.OID]
	}
	return out, nil
}

func byController(page []migrate.Kept) map[string][]string {
	out := map[string][]string{}
	for _, k := range page {
		out[k.Controller] = append(out[k.Controller], k.OID)
	}
	return out
}

// ask begins a query in the name of a controller.
func (w *queryWitness) ask(controller string) frame.Ask {
	sender := w.sending.System.Sender
	if sender == "" {
		sender = controller
	}
	code := "" // D
	if w.sending.Production {
		code = "P"
	}
	u := w.sending.User
	w.n++
	return frame.Ask{Options: frame.Options{
		MessageID: cda.ID{Root: w.sending.System.OID, Extension: messageNumber(w.m.Now(), w.n)}, CreationTime: w.m.Now(), Sender: sender, ProcessingCode: code,
		Operation: interactions.QueryMetadata, ServiceRequest: "SP921", UseSituation: "1",
		User: frame.User{ID: cda.ID{Root: u.Root, Extension: u.ID}, Name: cda.Name{Given: []string{u.Given}, Family: []string{u.Family}},
			Organization: cda.Organization{ID: cda.ID{Root: controller}}},
	}}
}

// refusal names the rules of an answer that gives nothing.
func (a *answer) refusal() string {
	var b bytes.Buffer
	if a.ack == nil {
		return a.fault
	}
	for _, d := range a.ack.Details {
		fmt.Fprintf(&b, "%s ", d.Rule)
	}
	return b.String()
}

// proofWitness proves each document against the archive's checkpoint: its bytes are
// in the tree that the checkpoint's key has signed.
type proofWitness struct {
	j  *migrate.Journal
	st *store.Store
}

func (m *Main) proofWitness(ctx context.Context, j *migrate.Journal, dir string) (migrate.Witness, func() error, error) {
	if !exists(filepath.Join(dir, "archive.db")) {
		return nil, nil, usage(fmt.Errorf("no archive stands in %s", dir), "")
	}
	master, err := m.master(dir)
	if err != nil {
		return nil, nil, err
	}
	st, err := store.Open(ctx, store.Options{Dir: dir, Now: m.Now, Master: master})
	if err != nil {
		return nil, nil, system(err, storeHint(err))
	}
	return &proofWitness{j, st}, st.Close, nil
}

// Name implements migrate.Witness.
func (w *proofWitness) Name() string { return "inclusion proof" }

// Holds implements migrate.Witness.
func (w *proofWitness) Holds(ctx context.Context, page []migrate.Kept) ([]bool, error) {
	out := make([]bool, len(page))
	for i, k := range page {
		p, err := w.st.Prove(ctx, store.Scope{Controllers: []string{k.Controller}, Purpose: "migration"}, k.OID)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		doc, err := w.j.Document(ctx, k.OID)
		if err != nil {
			return nil, err
		}
		_, err = p.VerifyDocument(w.st.CheckpointKey(), doc)
		out[i] = err == nil
	}
	return out, nil
}
