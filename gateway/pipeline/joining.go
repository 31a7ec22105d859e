package pipeline

import (
	"slices"
	"time"

	"portti/cda/frame/interactions"
	"portti/cda/organisations"
	"portti/internal/finding"
)

// RegistryRights tells whether a provider holds a registry-use right
// (rekisterinkäyttöoikeus). It must be safe for concurrent use.
type RegistryRights interface {
	MayStore(RightQuery) bool
}

// RightQuery is what is asked of a registry-use right: may Organisation, in its unit
// Unit, store a document of these clients, case and tasks into Controller's register?
type RightQuery struct {
	Controller, Organisation, Unit, Case string
	Clients, Tasks                       []string
	// New tells that the document is no later version of one archived.
	New bool
	At  time.Time
	// Failed as in AccessQuery.
	Failed func(error)
}

// archivingGroups are the document groups that an archiving application brings: old
// documents, and the relationship and case documents of their kind (PRO-4, DOC-1).
var archivingGroups = []string{"old", "relationship", "case"}

// joining holds a message against what its system has joined as: whether it may
// connect at all (PRO-6), and whether its profile and phases let it do what it asks
// (PRO-1 to PRO-4). systems are those that it can be from.
func (a KnownAccess) joining(q AccessQuery, systems Systems) []finding.Finding {
	if len(systems) == 0 {
		return nil
	}
	fit, f := q.connecting(systems)
	if f != nil {
		return []finding.Finding{*f}
	}
	if rule := q.profile(fit); rule != "" {
		return []finding.Finding{q.fault(rule, q.Frame.Sender.Node, fit[0].ID, systems[0].Organisation)}
	}
	return nil
}

// connecting gives those of the systems that may connect (PRO-6), or why none may.
func (q AccessQuery) connecting(systems Systems) (Systems, *finding.Finding) {
	fit := systems.filter(func(x System) bool { return x.MayConnect(q.at()) == organisations.NoFault })
	if len(systems) == 0 || len(fit) > 0 {
		return fit, nil
	}
	rule := map[organisations.Fault]string{organisations.OutOfTime: RuleSystemTime, organisations.WrongClass: RuleSystemClass,
		organisations.Untested: RuleSystemUntested}[systems[0].MayConnect(q.at())]
	f := q.fault(rule, q.Frame.Sender.Node, systems[0].ID, systems[0].Organisation)
	return nil, &f
}

// profile gives the rule by which none of the systems may do what is asked.
func (q *AccessQuery) profile(systems Systems) string {
	if q.Frame.Interaction == nil || q.Frame.Interaction.Kind != "store" {
		return missing(systems, RuleProfileFetch, func(x System) bool { return x.Profile.MayFetch() })
	}
	group := q.group()
	for _, step := range []struct {
		rule string
		may  func(System) bool
	}{
		{RuleProfileStore, func(x System) bool { return x.Profile.MayStore() }},
		{RuleProfileOld, func(x System) bool {
			return !x.Profile.OldOnly() || group == "" && !q.Frame.Orders() || slices.Contains(archivingGroups, group)
		}},
		{RulePhase, func(x System) bool { return group == "" || x.Takes(group) }},
	} {
		if systems = systems.filter(step.may); len(systems) == 0 {
			return step.rule
		}
	}
	return ""
}

func missing(systems Systems, rule string, may func(System) bool) string {
	if systems.any(may) {
		return ""
	}
	return rule
}

// group is the key of the document's group, "" where it is not known.
func (q *AccessQuery) group() string {
	if q.Document == nil {
		return ""
	}
	t := q.Frame.Table()
	if t == nil {
		t = interactions.Default()
	}
	if g := t.Group(q.Document.Local.DocumentGroup.Code); g != nil {
		return g.Key
	}
	return ""
}

func (q *AccessQuery) at() time.Time { return q.Arrived }

// acting is the organisation in whose name the message comes: of several that a
// joining point sends for, the one that the user's unit belongs to, by the register
// of organisations. ok is false where that one is not among them.
func (a KnownAccess) acting(q AccessQuery, systems Systems) (organisation string, ok bool) {
	own := systems[0].Organisation
	user := q.Frame.User.Organization.ID.Root
	if !systems.any(func(x System) bool { return len(x.SendsFor) > 0 }) || user == "" {
		return own, true
	}
	d := a.Organisations.Directory()
	if s, _ := d.Find(user, time.Time{}); s != organisations.Known && s != organisations.Ended {
		return own, true // not told by the register
	}
	of := d.Organisation(user)
	return of, of == d.Organisation(own) || systems.any(func(x System) bool { return slices.Contains(x.SendsFor, of) })
}

// mayStoreFor tells by what rule an organisation's systems may not store into a
// controller's register, "" where they may: because they serve the controller, or by
// a registry-use right (ArSa05, YY24).
func (a KnownAccess) mayStoreFor(q AccessQuery, systems Systems, acting, controller string) string {
	d := a.Organisations.Directory()
	switch {
	case a.serves(q, systems, acting, controller):
		return ""
	case a.Rights != nil && a.Rights.MayStore(q.right(controller, acting)):
		return ""
	case d.Contracted(controller, acting, "", q.at()):
		return RuleRegistryRight
	}
	return RuleController
}

// serves tells whether the systems serve the controller itself.
func (a KnownAccess) serves(q AccessQuery, systems Systems, acting, controller string) bool {
	return systems.any(func(x System) bool {
		// What it sends for others it may store for each into its own register alone.
		return controller == x.Organisation || controller == acting || slices.Contains(x.Controllers, controller) ||
			slices.Contains(x.SendsFor, controller) && acting == x.Organisation && !a.tells(q.Frame.User.Organization.ID.Root)
	})
}

// tells tells whether the register knows the organisation.
func (a KnownAccess) tells(organisation string) bool {
	s, _ := a.Organisations.Directory().Find(organisation, time.Time{})
	return s == organisations.Known || s == organisations.Ended
}

// right makes the question about a registry-use right.
func (q *AccessQuery) right(controller, organisation string) RightQuery {
	r := RightQuery{Controller: controller, Organisation: organisation, At: q.at(), New: true, Failed: q.Failed}
	if d := q.Document; d != nil {
		r.Unit, r.Case, r.Clients = d.Encounter.Unit().ID.Root, d.Encounter.ID.Root, clientIDs(&d.Metadata)
		r.New = d.Version.Value <= 1
		for _, f := range d.Local.Functions {
			r.Tasks = append(r.Tasks, f.Code)
		}
	}
	return r
}
