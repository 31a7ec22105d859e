package pipeline

import (
	"slices"
	"time"

	"portti/cda"
	"portti/cda/frame"
	"portti/cda/rules"
	"portti/cda/rules/catalogue"
	"portti/internal/finding"
	"portti/internal/xmltree"
	"portti/store"
)

// Access decides whether a message may do what it asks, here and now. It is
// asked after the rules and only where there is an archive.
//
// Implementations must not trust what the message says of its sender beyond what
// the Peer bears out, and must be safe for concurrent use.
type Access interface {
	Decide(AccessQuery) []finding.Finding
}

// AccessQuery is what Access is asked.
type AccessQuery struct {
	Peer  Peer
	Frame *frame.Frame
	// Document is nil where the document could not be read.
	Document *cda.Document
	// Told are the findings about the document so far.
	Told []finding.Finding
	// Signers are the organisations whose systems made valid signatures of type 3.
	Signers []string
	// Arrived is when the message came.
	Arrived time.Time
	// Body is the document's body, nil unless valid signatures cover it.
	Body *cda.Body
	// Suspect, where set, is called when the attempt is to be marked for the archivist.
	Suspect func()
	// Judged, where set, is called with the state of clients that the decision is by.
	Judged func(store.StateMark)
	// Failed, where set, is called with a failure of the archive: the message is then
	// neither taken nor at fault.
	Failed func(error)
}

// KnownAccess checks who stands behind a message: the sender and the signing system
// against their certificates, what the system has joined as, into whose register it
// may store; and that the archive takes social-welfare documents only (ARK-12).
type KnownAccess struct {
	Profile catalogue.Profile
	World   World
	// AcceptHealth archives health documents: in the test world and lenient only.
	AcceptHealth bool
	// Systems are the joined systems of the configuration; those of Organisations
	// stand beside them. Where there are any, a system that is not among them is
	// refused, and each acts for its controllers alone; where there are none, a
	// message must name the organisation of its certificate.
	Systems Systems
	// Organisations is what the archive knows of organisations; nil where nothing.
	Organisations *Organisations
	// Rights are the registry-use rights; nil where nobody has any.
	Rights RegistryRights
}

// systems are all joined systems.
func (a KnownAccess) systems() Systems {
	d := a.Organisations.Directory()
	if d == nil || len(d.Systems) == 0 {
		return a.Systems
	}
	return append(a.Systems[:len(a.Systems):len(a.Systems)], d.Systems...)
}

// Decide implements Access.
func (a KnownAccess) Decide(q AccessQuery) []finding.Finding {
	out := append(a.world(q), a.domain(q)...)
	joined := a.systems()
	switch {
	case q.Peer.Known():
		out = append(out, a.peer(q, joined)...)
	default:
		// Nobody vouches for the sender; what it says of itself binds it all the same.
		named := joined.filter(func(x System) bool { return slices.Contains(x.Devices, q.Frame.Sender.ID.Root) })
		out = append(out, a.joining(q, named)...)
	}
	if len(joined) > 0 {
		out = append(out, a.signers(q, joined)...)
	}
	return out
}

// world demands of messages of the production world that they say they are.
func (a KnownAccess) world(q AccessQuery) []finding.Finding {
	if a.World != Production || q.Frame.ProcessingCode.Code == processingProduction {
		return nil
	}
	c := q.Frame.ProcessingCode
	return []finding.Finding{{Rule: RuleProcessing, Place: q.Frame.Tree.Place(at(c.Node, q.Frame.Root), finding.SourceFrame), Value: c.Code}}
}

// processingProduction is processingCode P.
const processingProduction = "P"

// peer holds the frame against the organisation of the client certificate. OIDs
// are compared as wholes: what lies under an organisation's arc may be another's.
func (a KnownAccess) peer(q AccessQuery, joined Systems) []finding.Finding {
	own, f := q.Peer.Organisation, q.Frame
	if len(joined) == 0 {
		if !slices.Contains([]string{f.Sender.ID.Root, f.User.Organization.ID.Root, f.Document.Custodian.ID.Root}, own) {
			return []finding.Finding{q.fault(RuleSender, f.Sender.Node, f.Sender.ID.Root, own)}
		}
		return nil
	}
	mine := joined.behind(q.Peer, f.Sender.ID.Root)
	if len(mine) == 0 {
		return []finding.Finding{q.fault(RuleSystemUnknown, f.Sender.Node, own, own)}
	}
	out := a.joining(q, mine)
	if !mine.any(func(x System) bool { return x.Names(f.Sender.ID.Root) }) {
		out = append(out, q.fault(RuleSender, f.Sender.Node, f.Sender.ID.Root, own))
	}
	acting, ok := a.acting(q, mine)
	if !ok {
		return append(out, q.fault(RuleJoiningPoint, f.User.Organization.ID.Node, f.User.Organization.ID.Root, own))
	}
	if c := f.Document.Custodian; c.ID.Root != "" {
		if rule := a.mayStoreFor(q, mine, acting, c.ID.Root); rule != "" {
			out = append(out, q.fault(rule, c.Node, c.ID.Root, acting))
		}
	}
	return out
}

// signers demands that whoever signed by a system's certificate may store into the
// document's register.
func (a KnownAccess) signers(q AccessQuery, joined Systems) []finding.Finding {
	if q.Document == nil {
		return nil
	}
	controller := q.Document.Custodian.ID.Root
	var out []finding.Finding
	for _, org := range q.Signers {
		if controller == "" || a.maySignFor(q, joined.of(org), org, controller) {
			continue
		}
		out = append(out, q.fault(RuleSigner, q.Frame.Document.Custodian.Node, controller, org))
	}
	return out
}

// maySignFor tells whether an organisation's systems may sign for a controller: they
// serve it, or the organisation holds a registry-use right.
func (a KnownAccess) maySignFor(q AccessQuery, systems Systems, organisation, controller string) bool {
	return systems.any(func(x System) bool { return x.Serves(controller) }) ||
		len(systems) > 0 && a.Rights != nil && a.Rights.MayStore(q.right(controller, organisation))
}

// fault is a finding at a node of the frame, or about a request that has none.
func (q AccessQuery) fault(rule string, node xmltree.Node, value, organisation string) finding.Finding {
	place := finding.Place{Source: finding.SourceRequest}
	if q.Frame.Tree != nil {
		place = q.Frame.Tree.Place(at(node, q.Frame.Root), finding.SourceFrame)
	}
	return finding.Finding{
		Rule: rule, Place: place, Value: value, Params: []finding.Param{finding.P("organisation", organisation)},
	}
}

// domain refuses health documents, unless they are let in.
func (a KnownAccess) domain(q AccessQuery) []finding.Finding {
	if q.Document == nil {
		return nil
	}
	return rules.Accept(rules.Input{
		Frame: q.Frame, Doc: q.Document, Profile: a.Profile, World: a.World, AcceptHealth: a.AcceptHealth,
	})
}
