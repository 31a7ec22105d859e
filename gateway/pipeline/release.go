package pipeline

import (
	"context"
	"slices"
	"time"

	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/internal/finding"
	"portti/store"
)

// Release decides which of the documents that a query finds are given to the asker.
// It must be safe for concurrent use.
type Release interface {
	// Begin is asked once for a query and once for each continuation of it. Findings
	// that reject refuse the whole query.
	Begin(context.Context, Asker) (Releasing, []finding.Finding, error)
}

// Releasing decides for one query.
type Releasing interface {
	// Scope bounds the search: what lies outside is not looked at.
	Scope() store.Scope
	// Decide is asked for each document found.
	Decide(context.Context, Found) (Ruling, error)
}

// Asker is who asks, and for what: what the message says, and what the connection
// bears out. It holds no part of the message.
type Asker struct {
	Peer Peer
	// Sender is the sending system's OID, User who uses it.
	Sender string
	User   frame.User
	// Own are the controllers that the sending system acts for.
	Own []string
	// Situation is the use situation (1289).
	Situation      string
	ServiceRequest string
	Operation      interactions.Operation
	// Client is the client asked about, "" where the query names documents only.
	Client string
	// Nullified tells that nullified documents are asked for too.
	Nullified bool
	// Params are the values of the parameters that do not narrow the search, by field.
	Params map[interactions.Field][]string
	At     time.Time
}

// Param gives the first value of a field, "" where there is none.
func (a *Asker) Param(f interactions.Field) string {
	if vs := a.Params[f]; len(vs) > 0 {
		return vs[0]
	}
	return ""
}

// Found is a document found: its facts and what an answer would tell of it.
type Found struct {
	store.Hit
	Summary frame.Summary
}

// Client gives the document's main client, "" where it has none.
func (f *Found) Client() string {
	if len(f.Summary.Clients) == 0 {
		return ""
	}
	return f.Summary.Clients[0].Key()
}

// Outcome is what becomes of a document found.
type Outcome uint8

// The outcomes: the document is given; it is left out as if it were not there; the
// whole query is refused.
const (
	Given Outcome = iota
	Hidden
	Refused
)

// Ruling is a decision on one document.
type Ruling struct {
	Outcome Outcome
	// Rule and Value tell why it is not given.
	Rule, Value string
	// Ground is the ground of a disclosure, for its log.
	Ground string
	// Disclosed tells that giving it is a disclosure to another controller.
	Disclosed bool
	// Protected tells that the client is under non-disclosure for safety.
	Protected bool
}

// OwnRegisters gives documents of the asker's own registers and no others (LUO-1).
type OwnRegisters struct{}

// Begin implements Release.
func (OwnRegisters) Begin(_ context.Context, a Asker) (Releasing, []finding.Finding, error) {
	return ownRegisters(a.Own), nil, nil
}

type ownRegisters []string

func (o ownRegisters) Scope() store.Scope {
	return store.Scope{Controllers: o, Purpose: "query"}
}

func (o ownRegisters) Decide(_ context.Context, f Found) (Ruling, error) {
	if slices.Contains(o, f.Controller) {
		return Ruling{}, nil
	}
	return Ruling{Outcome: Hidden, Rule: RuleController, Value: f.Controller}, nil
}

// Owner is an Access that knows for whom a sender acts.
type Owner interface {
	// Own gives the controllers whose registers are the sender's own.
	Own(AccessQuery) []string
}

// Own implements Owner: the organisation that the sending system acts for, and the
// controllers that the system serves beside. A joining point acts for one of its
// organisations at a time. Without a client certificate there is nobody but whom the
// message names; that is for the test world.
func (a KnownAccess) Own(q AccessQuery) []string {
	sender, joined := q.Frame.Sender.ID.Root, a.systems()
	mine := joined.behind(q.Peer, sender)
	if !q.Peer.Known() {
		mine = joined.named(sender)
	}
	if len(mine) == 0 {
		if q.Peer.Known() {
			return []string{q.Peer.Organisation}
		}
		return []string{sender}
	}
	acting, ok := a.acting(q, mine)
	if !ok {
		return nil
	}
	out := []string{acting}
	for _, x := range mine {
		if x.Organisation == acting {
			out = append(out, x.Controllers...)
		}
	}
	return out
}

// asker gathers who asks. The controllers are those of Access.
func (m *message) asker() Asker {
	f := m.frame
	a := Asker{
		Peer: m.req.Peer, Sender: f.Sender.ID.Root, User: f.User, Situation: f.UseSituation.Code,
		ServiceRequest: f.ServiceRequest.Code, Operation: f.Operation(), Own: m.own(),
		Client: f.Asked.First(interactions.FieldClient).Text, Nullified: f.Asked.Flag(interactions.FieldNullified, false),
		Params: map[interactions.Field][]string{}, At: m.req.Arrived,
	}
	if use := f.Asked.First(interactions.FieldUse).Text; use != "" {
		a.Situation = use
	}
	for _, p := range f.Asked.Parameters {
		if !p.Entry.Field.Narrows() {
			a.Params[p.Entry.Field] = append(a.Params[p.Entry.Field], f.Asked.Texts(p.Entry.Field)...)
		}
	}
	return a
}

func (m *message) own() []string {
	if o, ok := m.Access.(Owner); ok {
		return o.Own(AccessQuery{Peer: m.req.Peer, Frame: m.frame})
	}
	return nil
}
