package access

import (
	"slices"
	"time"

	"portti/store"
)

// closing gives the moment at which a right closes for a service that ended as
// written; zero where it has no end (RKO-4).
func (s *Settings) closing(controller, end string) time.Time {
	t, _ := moment(end)
	if t.IsZero() {
		return t
	}
	return s.Calendar.Closing(t, s.delay(controller))
}

// view is a client's state as a moment sees it.
type view struct {
	settings   *Settings
	contracted func(organiser, provider, task string, at time.Time) bool
	at         time.Time
	state      store.ClientState
}

// protected tells of a non-disclosure for safety in any client relationship (DOC-9).
func (v *view) protected() bool {
	return slices.ContainsFunc(v.state.Statements, func(x store.Statement) bool {
		r := x.State.Relationship
		return r != nil && r.Client.Self && r.Protected
	})
}

// minor is told from the date of birth that relationships give; unknown is no minor.
func (v *view) minor() bool {
	return slices.ContainsFunc(v.state.Statements, func(x store.Statement) bool {
		r := x.State.Relationship
		return r != nil && r.Client.Self && minor(r.Birth, v.at)
	})
}

// relationships gives those of the client with a controller.
func (v *view) relationships(controller string) (out []RelationshipState) {
	v.eachRelationship(func(x *store.Statement, r *store.Relationship) {
		if x.Controller == controller {
			out = append(out, RelationshipState{ID: r.ID, Set: x.SetID, From: from(r.Begin), Until: until(r.End), Old: r.Old})
		}
	})
	return out
}

func (v *view) eachRelationship(visit func(*store.Statement, *store.Relationship)) {
	for i := range v.state.Statements {
		x := &v.state.Statements[i]
		if r := x.State.Relationship; r != nil && r.Client.Self {
			visit(x, r)
		}
	}
}

// units gives the service units in which the client is a client, also providers'.
// A unit without times of its own is bounded by the relationship.
func (v *view) units() (out []UnitState) {
	v.eachRelationship(func(x *store.Statement, r *store.Relationship) {
		for _, u := range r.Units {
			out = append(out, UnitState{Organiser: x.Controller, Unit: u.Unit, Task: u.Task,
				From: from(or(u.Begin, r.Begin)), Until: until(or(u.End, r.End))})
		}
	})
	return out
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// rights forms the registry-use rights from the organiser's client relationship
// documents and the cases of their tasks (RKO-1): a provider's unit, from the day it
// begins until it ends and the closing delay has run.
func (v *view) rights() (out []Right) {
	v.eachRelationship(func(x *store.Statement, r *store.Relationship) {
		for _, u := range r.Units {
			if !u.Provider || u.Unit == "" {
				continue
			}
			right := Right{ID: r.ID + "/" + u.Task + "/" + u.Unit, Organiser: x.Controller, Task: u.Task, Unit: u.Unit,
				From: from(or(u.Begin, r.Begin)), Until: v.settings.closing(x.Controller, or(u.End, r.End)),
				Cases: v.openCases(x.Controller, u.Task), Suspended: v.suspended(x.Controller, u.Task, u.Unit)}
			right.NoContract = v.contracted != nil && !v.contracted(x.Controller, u.Unit, u.Task, v.at)
			out = append(out, right)
		}
	})
	return out
}

// openCases gives the cases of a task that are open to registry-use rights: not
// closed, or closed no longer than the delay. The client must be in them.
func (v *view) openCases(controller, task string) (out []string) {
	for i := range v.state.Statements {
		x := &v.state.Statements[i]
		c := x.State.Case
		if c == nil || x.Controller != controller || c.Task != task || !v.inCase(c, v.at) {
			continue
		}
		if end := v.settings.closing(controller, c.Closed); covers(from(c.Opened), end, v.at) {
			out = append(out, c.ID)
		}
	}
	return out
}

// caseOf gives the client's case of an id, nil where the client has none; of several
// documents that claim the id the last to arrive counts.
func (v *view) caseOf(id string) (out *store.Statement) {
	for i := range v.state.Statements {
		if x := &v.state.Statements[i]; x.State.Case != nil && x.State.Case.ID == id {
			out = x
		}
	}
	return out
}

// inCase tells whether the client is in a case at t (DOC-8). Who has left keeps no
// right open, save on the day of leaving.
func (v *view) inCase(c *store.Case, t time.Time) bool {
	return slices.ContainsFunc(c.Clients, func(p store.CaseClient) bool {
		return p.Self && covers(from(p.Joined), until(p.Left), t)
	})
}

// suspended gives the last order about a right that has taken effect (RKO-5).
func (v *view) suspended(organiser, task, unit string) bool {
	var last *store.Order
	for i := range v.state.Orders {
		o := &v.state.Orders[i]
		about := o.Organiser == organiser && (o.Task == "" || o.Task == task) && (o.Unit == "" || o.Unit == unit)
		if o.Kind == store.OrderInform || !about || o.At.After(v.at) {
			continue
		}
		if last == nil || !o.Arrived.Before(last.Arrived) {
			last = o
		}
	}
	return last != nil && last.Kind == store.OrderSuspend
}

// informed gives when the client was first informed, as recorded by now.
func (v *view) informed() (t time.Time) {
	for _, i := range v.informings() {
		if t.IsZero() || i.At.Before(t) {
			t = i.At
		}
	}
	return t
}

// informings gives every informing, by arrival.
func (v *view) informings() (out []InformingState) {
	for _, o := range v.state.Orders {
		if o.Kind == store.OrderInform {
			out = append(out, InformingState{o.At, o.Recorder})
		}
	}
	return out
}

// permission gives the statement of permission that arrived last, whoever recorded
// it (LUO-7); prohibitions the prohibitions of the prohibition document that
// arrived last, which holds all that are in force (kanta-interface 12.3).
func (v *view) permission() (out *PermissionState) {
	for _, x := range v.state.Statements {
		if p := x.State.Permission; p != nil && p.Client.Self {
			out = &PermissionState{ID: x.ID, Positive: p.Positive, Given: from(p.Given)}
		}
	}
	return out
}

func (v *view) prohibitions() (out []ProhibitionState) {
	for _, x := range v.state.Statements {
		p := x.State.Prohibition
		if p == nil || !p.Client.Self {
			continue
		}
		out = nil
		for _, i := range p.Items {
			out = append(out, ProhibitionState{ID: x.ID, Level: Level(i.Level), Target: i.Target})
		}
	}
	return out
}
