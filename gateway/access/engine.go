package access

import (
	"context"
	"slices"
	"time"

	"portti/store"
)

// StateReader is what the engine reads of the archive; *store.Store is one.
type StateReader interface {
	ClientState(ctx context.Context, sc store.Scope, client string) (store.ClientState, error)
	CaseStatement(ctx context.Context, sc store.Scope, caseID, client string) (*store.Statement, error)
	RelationshipStatement(ctx context.Context, sc store.Scope, id, client string) (*store.Statement, error)
	Lookup(ctx context.Context, sc store.Scope, ids []string, f store.Filter) ([]store.Hit, error)
}

// Contracts tells whether a contract covers a provider's unit for an organiser and
// service task (RKO-2); *organisations.Directory is one.
type Contracts interface {
	Contracted(organiser, provider, task string, at time.Time) bool
}

// Engine decides with the state that the archive holds. Its fields are set before
// use; it is then safe for concurrent use.
type Engine struct {
	State StateReader
	// Contracts are held against rights; nil where no directory was given: rights
	// then stand without.
	Contracts Contracts
	Settings  Settings
}

// deciding is the scope of reads of state: whose will or relationship it is does
// not depend on whose register is asked for.
var deciding = store.Scope{All: true, Purpose: "access"}

// Asking is one requester's asking about one client at one moment.
type Asking struct {
	e         *Engine
	at        time.Time
	requester Requester
	client    Client
	state     State
	view      view
}

// Client reads the state of a client (by identity code, or a temporary id after its root) once; its
// result then decides on each document. It is for one goroutine.
func (e *Engine) Client(ctx context.Context, client string, at time.Time, q Requester) (*Asking, error) {
	s, err := e.State.ClientState(ctx, deciding, client)
	if err != nil {
		return nil, err
	}
	a := &Asking{e: e, at: at, requester: q, view: view{settings: &e.Settings, at: at, state: s}}
	if c := e.Contracts; c != nil {
		a.view.contracted = c.Contracted
	}
	v := &a.view
	a.client = Client{Minor: v.minor(), Protected: v.protected()}
	a.state = State{Informed: v.informed(), Permission: v.permission(), Prohibitions: v.prohibitions(), Units: v.units(), Rights: v.rights()}
	return a, nil
}

// Facts gives all that Decide is told of a document.
func (a *Asking) Facts(op Operation, d Document) Facts {
	f := Facts{Operation: op, At: a.at, Requester: a.requester, Client: a.client, Document: d, State: a.state,
		UnknownCases: a.e.Settings.UnknownCases, Matrix: a.e.Settings.matrix}
	f.State.Relationships = a.view.relationships(d.Controller)
	return f
}

// Document decides whether a document may be given.
func (a *Asking) Document(d Document) Decision { return Decide(a.Facts(Give, d)) }

// Holds tells whether the requester's unit holds a registry-use right of the
// organiser now, for one of the tasks and, where one is named, for the case.
func (a *Asking) Holds(organiser string, tasks []string, caseID string) bool {
	return slices.ContainsFunc(a.state.Rights, func(x Right) bool {
		return x.Unit != "" && x.Unit == a.requester.Unit && x.Organiser == organiser && slices.Contains(tasks, x.Task) &&
			x.at(a.at) == rightHolds && (caseID == "" || slices.Contains(x.Cases, caseID))
	})
}

// Will decides on a client's will alone: informed, permitted and not prohibited. It
// is for the further clients of a document that is to be disclosed by permission.
func (a *Asking) Will(d Document) Decision {
	f := a.Facts(Give, d)
	r := run{f: &f}
	if r.informed() && r.permitted() && r.notProhibited() {
		r.grant(Ground{ByPermission, f.State.Permission.ID, "703/2023 § 55"})
	}
	return r.d
}

// Controllers gives the controllers whose documents some path may lead to: the
// requester's own and those of whom the client is a client. A wide search or a
// disclosure may look at all of them, own use at the own ones alone.
func (a *Asking) Controllers() (out []string) {
	out = slices.Clone(a.requester.Own)
	if len(out) == 0 && a.requester.Organisation != "" {
		out = []string{a.requester.Organisation}
	}
	if a.requester.Use == OwnUse {
		return out
	}
	for _, x := range a.view.state.Statements {
		if !slices.Contains(out, x.Controller) {
			out = append(out, x.Controller)
		}
	}
	return out
}

// Storing decides whether a document about clients may be stored. Where there are
// several clients, one who may not be written about decides.
func (e *Engine) Storing(ctx context.Context, clients []string, at time.Time, q Requester, d Document) (Decision, error) {
	out, _, err := e.StoringBy(ctx, clients, at, q, d)
	return out, err
}

// StoringBy is Storing that tells by what state it decided (store.Archival.Judged).
func (e *Engine) StoringBy(ctx context.Context, clients []string, at time.Time, q Requester, d Document) (Decision, store.StateMark, error) {
	var mark store.StateMark
	out, err := e.storingAll(ctx, clients, at, q, d, &mark)
	return out, mark, err
}

func (e *Engine) storingAll(ctx context.Context, clients []string, at time.Time, q Requester, d Document, mark *store.StateMark) (Decision, error) {
	if len(clients) == 0 {
		clients = []string{""}
	}
	var out Decision
	for i, c := range clients {
		one, err := e.storing(ctx, c, at, q, d, mark)
		if err != nil {
			return Decision{}, err
		}
		if i == 0 || out.Outcome == Given {
			out = one
		}
	}
	if out.Outcome == Refused && attachment[out.Rule] {
		return e.again(ctx, d, out)
	}
	return out, nil
}

// attachment are the rules about a document's case and client relationship.
var attachment = map[string]bool{RuleCaseUnknown: true, RuleCaseClosed: true, RuleCaseClient: true, RuleRelationshipUnknown: true, RuleRelationshipEnded: true}

// again lets through a document that the archive has already: it was judged when it
// came, whatever became of its case since, and nothing new is stored. The archive
// tells whether it is the same.
func (e *Engine) again(ctx context.Context, d Document, refused Decision) (Decision, error) {
	known, err := e.State.Lookup(ctx, deciding, []string{d.ID}, store.Filter{Earlier: true, Nullified: true})
	if err != nil || len(known) == 0 {
		return refused, err
	}
	r := run{f: &Facts{}}
	r.note("case", "archived", d.ID)
	r.grant(Ground{OwnRegister, "", "703/2023 § 9"})
	return r.d, nil
}

func (e *Engine) storing(ctx context.Context, client string, at time.Time, q Requester, d Document, mark *store.StateMark) (Decision, error) {
	a, err := e.Client(ctx, client, at, q)
	if err != nil {
		return Decision{}, err
	}
	f := a.Facts(Store, d)
	// What goes into the own register without a case is in place whatever else changes:
	// many such documents of one client do not wait for each other.
	if r := (run{f: &f}); d.Phase == Phase2 || !r.own() {
		*mark = mark.And(a.view.state.Mark)
	}
	if d.Phase == Phase2 || d.Phase == CaseDocument {
		err = a.attachCase(ctx, client, &f)
	}
	if err == nil && d.Phase == Phase2 {
		err = a.attachRelationship(ctx, client, &f)
	}
	if err != nil {
		return Decision{}, err
	}
	return Decide(f), nil
}

// attachCase finds the case that a document names, or is: among the client's own, or
// else whoever's it is.
func (a *Asking) attachCase(ctx context.Context, client string, f *Facts) (err error) {
	d := &f.Document
	if d.Case == "" {
		return nil
	}
	x := a.view.caseOf(d.Case)
	if x == nil {
		if x, err = a.e.State.CaseStatement(ctx, deciding, d.Case, client); err != nil {
			return err
		}
	}
	f.State.Case = a.caseState(x, d.Effective)
	return nil
}

// attachRelationship is attachCase for the client relationship.
func (a *Asking) attachRelationship(ctx context.Context, client string, f *Facts) error {
	d := &f.Document
	own := slices.ContainsFunc(f.State.Relationships, func(r RelationshipState) bool { return r.ID == d.Relationship })
	if d.Relationship == "" || own {
		return nil
	}
	x, err := a.e.State.RelationshipStatement(ctx, deciding, d.Relationship, client)
	f.State.RelationshipElsewhere = x != nil
	return err
}

func (a *Asking) caseState(x *store.Statement, written time.Time) *CaseState {
	if x == nil {
		return nil
	}
	c := x.State.Case
	return &CaseState{ID: c.ID, Set: x.SetID, Controller: x.Controller, Task: c.Task, Opened: from(c.Opened), Closed: until(c.Closed),
		Strangers: !a.view.inCase(c, written)}
}

// DocumentOf gives the facts of a document found by a search. consent and
// restriction (1286, 1288) stand in the summary that the caller keeps.
func DocumentOf(h *store.Hit, consent, restriction string) Document {
	x := &h.Index
	return Document{
		ID: h.ID, Set: h.SetID, Controller: h.Controller, Phase: Phase(x.Phase), General: x.GeneralType, Specific: x.SpecificType,
		Tasks: x.Tasks, Service: x.Service, Case: x.Case, Relationship: x.Relationship, Effective: x.Effective,
		Nullified: h.Status == store.NullifiedSeries, MinorConsent: consent, Restriction: restriction,
	}
}

// Known is what is known of a client, for showing: it holds no personal data.
type Known struct {
	Informed     time.Time          `json:"informed,omitzero"`
	Informings   []InformingState   `json:"informings,omitempty"`
	Permission   *PermissionState   `json:"permission,omitempty"`
	Prohibitions []ProhibitionState `json:"prohibitions,omitempty"`
	Units        []UnitState        `json:"units,omitempty"`
	Rights       []KnownRight       `json:"rights,omitempty"`
	Protected    bool               `json:"protected,omitempty"`
}

// InformingState is one informing (Kanta-informointi): when, and who recorded it.
type InformingState struct {
	At       time.Time `json:"at"`
	Recorder string    `json:"recorder"`
}

// KnownRight is a right with what it comes to now: "holds", or why not.
type KnownRight struct {
	Right
	Status string `json:"status"`
}

// Known gives the client's state at the moment of asking.
func (a *Asking) Known() Known {
	s := &a.state
	k := Known{Informed: s.Informed, Informings: a.view.informings(), Permission: s.Permission, Prohibitions: s.Prohibitions, Units: s.Units, Protected: a.client.Protected}
	for _, r := range s.Rights {
		status := string(r.at(a.at))
		if status == "" {
			status = "holds"
		}
		k.Rights = append(k.Rights, KnownRight{r, status})
	}
	return k
}
