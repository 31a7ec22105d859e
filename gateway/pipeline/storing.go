package pipeline

import (
	"context"
	"slices"
	"strings"
	"time"

	"portti/cda/rules/catalogue"
	"portti/gateway/access"
	"portti/internal/finding"
	"portti/internal/xmltree"
)

// StateAccess is KnownAccess with what the archive knows of clients: whether a
// document may go into its controller's register, by whoever brings it (REK-2,
// RKO-3), and whether its case and client relationship are there (DOC-5, DOC-6).
type StateAccess struct {
	KnownAccess
	Engine *access.Engine
}

// NewStateAccess gives a KnownAccess that asks the engine for rights too.
func NewStateAccess(known KnownAccess, engine *access.Engine) StateAccess {
	if engine.Contracts == nil {
		engine.Contracts = contracts{known.Organisations}
	}
	known.Rights = rights{engine}
	return StateAccess{KnownAccess: known, Engine: engine}
}

// contracts are those of the directory of organisations. Where it holds none there
// is nothing to hold a right against.
type contracts struct{ *Organisations }

// Contracted implements access.Contracts.
func (c contracts) Contracted(organiser, provider, task string, at time.Time) bool {
	d := c.Directory()
	return d == nil || len(d.Contracts) == 0 || d.Contracted(organiser, provider, task, at)
}

// rights answers for KnownAccess from the engine.
type rights struct{ engine *access.Engine }

// MayStore implements RegistryRights. What cannot be read is no right, and a failure of
// ours.
func (r rights) MayStore(q RightQuery) bool {
	for _, client := range q.Clients {
		a, err := r.engine.Client(context.Background(), client, q.At, access.Requester{Organisation: q.Organisation, Unit: q.Unit})
		if err != nil {
			if q.Failed != nil {
				q.Failed(err)
			}
			return false
		}
		if !a.Holds(q.Controller, q.Tasks, q.Case) {
			return false
		}
	}
	return len(q.Clients) > 0
}

// Decide implements Access.
func (a StateAccess) Decide(q AccessQuery) []finding.Finding {
	out := a.KnownAccess.Decide(q)
	d := q.Document
	if d == nil || d.IsHealth() || q.Frame.Interaction == nil || q.Frame.Interaction.Kind != "store" {
		return out
	}
	clients := clientIDs(&d.Metadata)
	if d.Custodian.ID.Root == "" || len(clients) == 0 {
		return out // the rules tell of it
	}
	decision, mark, err := a.Engine.StoringBy(context.Background(), clients, q.Arrived, a.requester(q), q.facts())
	if err != nil {
		q.failed(err)
		return out
	}
	if q.Judged != nil {
		q.Judged(mark)
	}
	if decision.Suspicious && q.Suspect != nil {
		q.Suspect()
	}
	if decision.Rule == access.RuleCaseUnknown && decision.Value == "" && q.toldOfCase(a.Profile) {
		return out
	}
	return append(out, q.findings(&decision, out)...)
}

func (q *AccessQuery) failed(err error) {
	if q.Failed != nil {
		q.Failed(err)
	}
}

// toldOfCase tells that the rules refuse the document for its case id: a case that is
// not named cannot be unknown besides.
func (q *AccessQuery) toldOfCase(p catalogue.Profile) bool {
	return slices.ContainsFunc(q.Told, func(f finding.Finding) bool {
		r := catalogue.Default().Rule(f.Rule)
		return strings.HasPrefix(f.Rule, "META-CASE-") && r != nil && r.Severity.In(p) == finding.Error
	})
}

// findings tells of a decision what has not been told.
func (q *AccessQuery) findings(d *access.Decision, told []finding.Finding) (out []finding.Finding) {
	foreign := func(f finding.Finding) bool { return f.Rule == RuleRegistryRight || f.Rule == RuleController }
	if d.Rule != "" && !(d.Rule == RuleRegistryRight && slices.ContainsFunc(told, foreign)) {
		out = append(out, q.about(d.Rule, d.Value))
	}
	for _, s := range d.Steps {
		if s.Passed && s.Rule != "" {
			out = append(out, q.about(s.Rule, s.Value))
		}
	}
	return out
}

// about is a finding at the place of the document that a rule of access is about.
func (q *AccessQuery) about(rule, value string) finding.Finding {
	if rule == RuleRegistryRight {
		c := q.Frame.Document.Custodian
		return q.fault(rule, c.Node, value, q.Frame.Sender.ID.Root)
	}
	d, node := q.Document, xmltree.Node(0)
	switch rule {
	case access.RuleCaseUnknown, access.RuleCaseClosed, access.RuleCaseClient, access.RuleCaseTask, access.RuleCaseSecond:
		node = at(d.Encounter.ID.Node, d.Encounter.Node)
	case access.RuleRelationshipUnknown, access.RuleRelationshipEnded:
		node = d.Local.ClientRelationship.Node
	case access.RuleRelationshipSecond: // of the relationship's own document: its series
		node = at(d.SetID.Node, d.ID.Node)
	}
	return finding.Finding{Rule: rule, Value: value, Place: d.Tree.Place(at(node, d.Tree.Root()), finding.SourceDocument)}
}

// requester is who stores: whom the connection bears out, in the document's unit.
func (a StateAccess) requester(q AccessQuery) access.Requester {
	return a.storer(q, q.Document.Custodian.ID.Root, q.Document.Encounter.Unit().ID.Root)
}

// storer is who stores into a controller's register from a unit.
func (a StateAccess) storer(q AccessQuery, controller, unit string) access.Requester {
	r := access.Requester{Organisation: q.Peer.Organisation, Unit: unit}
	if r.Organisation == "" {
		r.Organisation = q.Frame.Sender.ID.Root
	}
	r.Own = []string{r.Organisation}
	directory := a.Organisations.Directory()
	joined := a.systems()
	switch {
	case q.Peer.Known() && len(joined) > 0:
		mine := joined.behind(q.Peer, q.Frame.Sender.ID.Root)
		if len(mine) == 0 {
			break
		}
		if acting, ok := a.acting(q, mine); ok {
			r.Organisation, r.Own = acting, []string{acting}
			if a.serves(q, mine, acting, controller) {
				r.Own = append(r.Own, controller)
			}
		}
	case !q.Peer.Known():
		// Nobody vouches for the sender (the test world): what it says is all there is.
		// A sender that is no organisation of the register is a device of the user's.
		if user := q.Frame.User.Organization.ID.Root; a.tells(r.Organisation) {
			r.Own = append(r.Own, directory.Organisation(r.Organisation))
		} else {
			r.Own = append(r.Own, user, directory.Organisation(user))
		}
	}
	if slices.ContainsFunc(r.Own, func(o string) bool { return o != "" && directory.TookOver(controller, o) }) {
		r.Own = append(r.Own, controller) // the register of one that has ceased (REK-4)
	}
	if a.tells(r.Unit) && directory.Organisation(r.Unit) != directory.Organisation(r.Organisation) {
		r.Unit = "" // another organisation's unit gives no right
	}
	return r
}

// facts are the document's, for access.
func (q *AccessQuery) facts() access.Document {
	d := q.Document
	_, replaces := d.Replaces()
	x := access.Document{
		ID: d.ID.Root, Set: d.SetID.Root, Controller: d.Custodian.ID.Root, Phase: access.Phase(phase(q.Frame.Table(), d.Local.DocumentGroup.Code)),
		General: d.Code.Code, Specific: d.Local.SpecificType.Code, Case: d.Encounter.ID.Root, Relationship: d.Local.ClientRelationship.Root,
		Effective: d.EffectiveTime.Time, Later: replaces || d.Version.Value > 1,
	}
	for _, f := range d.Local.Functions {
		x.Tasks = append(x.Tasks, f.Code)
	}
	if s := stateOf(string(x.Phase), &d.Metadata, q.Body); s != nil {
		x.Positive = s.Permission != nil && s.Permission.Positive
		x.Ancient = s.Relationship != nil && s.Relationship.Old
	}
	return x
}
