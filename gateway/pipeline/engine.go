package pipeline

import (
	"context"

	"portti/cda/frame/interactions"
	"portti/cda/organisations"
	"portti/gateway/access"
	"portti/internal/finding"
	"portti/store"
)

// EngineRelease decides by the state of the client that the archive holds: own
// register, registry-use right, disclosure (package access).
type EngineRelease struct {
	Engine *access.Engine
	// Organisations is the register in force; it may be empty.
	Organisations *Organisations
}

// Strong is the value of the parameter of field "authentication" that says that the
// user was identified by a card (LUO-5). Code and meaning are ours.
const Strong = "card"

// uses are the use situations (1289) that limit a query. The table of interactions has
// where each comes from.
var uses = map[string]access.Use{"1": access.OwnUse, "902": access.ForOrganiser, "903": access.Disclosed}

// Begin implements Release.
func (r EngineRelease) Begin(ctx context.Context, a Asker) (Releasing, []finding.Finding, error) {
	d := r.directory()
	e := &engineReleasing{engine: *r.Engine, at: a, requester: requester(d, &a), asking: map[string]*access.Asking{}}
	if d != nil && e.engine.Contracts == nil {
		e.engine.Contracts = d
	}
	if a.Client == "" {
		return e, nil, nil
	}
	_, err := e.about(ctx, a.Client)
	return e, nil, err
}

func (r EngineRelease) directory() *organisations.Directory {
	if r.Organisations == nil {
		return nil
	}
	return r.Organisations.Directory()
}

// requester is who asks, as connection and register bear it out. What the message
// alone tells (situation, reasons, tasks) only opens what the law lets the user's own
// organisation answer for.
func requester(d *organisations.Directory, a *Asker) access.Requester {
	q := access.Requester{
		Unit: a.User.Organization.ID.Root, Own: a.Own, Use: uses[a.Situation], Nullified: a.Nullified,
		SpecialReason: a.Param(interactions.FieldSpecialReason), WideSearch: a.Param(interactions.FieldGround),
		Strong:       a.Param(interactions.FieldAuthentication) == Strong,
		ServiceTasks: a.Params[interactions.FieldUserServiceTask], Services: a.Params[interactions.FieldUserService],
	}
	for _, t := range a.Params[interactions.FieldUserTask] {
		q.Tasks = append(q.Tasks, access.WorkTask(t))
	}
	if len(a.Own) > 0 {
		q.Organisation = a.Own[0]
	}
	if _, o := d.Find(q.Organisation, a.At); o != nil {
		q.Public = o.Sector == organisations.Public
	}
	return q
}

// engineReleasing decides for one query; it is for one goroutine.
type engineReleasing struct {
	engine    access.Engine
	at        Asker
	requester access.Requester
	asking    map[string]*access.Asking // by client
}

// about gathers a client's state once.
func (e *engineReleasing) about(ctx context.Context, client string) (*access.Asking, error) {
	if a := e.asking[client]; a != nil {
		return a, nil
	}
	a, err := e.engine.Client(ctx, client, e.at.At, e.requester)
	if err == nil {
		e.asking[client] = a
	}
	return a, err
}

// Scope implements Releasing. Beyond the own registers a query must name its client: a
// request that came over the wire never looks at every register (store.Scope).
func (e *engineReleasing) Scope() store.Scope {
	sc := store.Scope{Controllers: e.at.Own, Purpose: "query"}
	if a := e.asking[e.at.Client]; e.at.Client != "" && a != nil {
		sc.Controllers = a.Controllers()
	}
	return sc
}

// Decide implements Releasing. A document of several clients is decided on for the one
// asked about, else for its main client.
func (e *engineReleasing) Decide(ctx context.Context, f Found) (Ruling, error) {
	client := e.at.Client
	if client == "" {
		client = f.Client()
	}
	a, err := e.about(ctx, client)
	if err != nil {
		return Ruling{}, err
	}
	restriction := ""
	if f.Summary.Local != nil {
		restriction = f.Summary.Local.Restriction.Code
	}
	consent := ""
	if len(f.Summary.MinorConsents) > 0 {
		consent = f.Summary.MinorConsents[0]
	}
	document := access.DocumentOf(&f.Hit, consent, restriction)
	d := a.Document(document)
	if d.Ground.Kind == access.ByPermission {
		if d, err = e.others(ctx, &f, client, document, d); err != nil {
			return Ruling{}, err
		}
	}
	return rulingOf(d), nil
}

// others asks the further clients' will of a document that one client's permission
// opens (DOC-8): each of them must have given it.
func (e *engineReleasing) others(ctx context.Context, f *Found, client string, x access.Document, d access.Decision) (access.Decision, error) {
	for i := range f.Summary.Clients {
		other := f.Summary.Clients[i].Key()
		if other == "" || other == client {
			continue
		}
		a, err := e.about(ctx, other)
		if err != nil {
			return d, err
		}
		if will := a.Will(x); will.Outcome != access.Given {
			return will, nil
		}
	}
	return d, nil
}

// Will implements WillTeller.
func (e *engineReleasing) Will(ctx context.Context, client string) (access.Known, error) {
	a, err := e.about(ctx, client)
	if err != nil {
		return access.Known{}, err
	}
	return a.Known(), nil
}

func rulingOf(d access.Decision) Ruling {
	r := Ruling{Rule: d.Rule, Value: d.Value, Protected: d.Protected}
	switch d.Outcome {
	case access.Given:
		r.Disclosed = d.Ground.Kind != access.OwnRegister
		if r.Disclosed {
			r.Ground = d.Ground.String()
		}
	case access.Hidden:
		r.Outcome = Hidden
	default:
		r.Outcome = Refused
	}
	return r
}
