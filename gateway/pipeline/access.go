package pipeline

import (
	"slices"

	"portti/cda"
	"portti/cda/frame"
	"portti/cda/rules"
	"portti/cda/rules/catalogue"
	"portti/internal/finding"
	"portti/internal/xmltree"
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
	// Signers are the organisations whose systems made valid signatures of type 3.
	Signers []string
}

// KnownAccess checks what can be known without a register of organisations: the
// sender and the signing system against their certificates, and that the archive
// takes social-welfare documents only (ARK-12).
type KnownAccess struct {
	Profile catalogue.Profile
	World   World
	// AcceptHealth archives health documents: in the test world and lenient only.
	AcceptHealth bool
	// Systems are the joined systems. Where there are any, a system that is not
	// among them is refused, and each acts for its controllers alone; where there
	// are none, a message must name the organisation of its certificate.
	Systems Systems
}

// Decide implements Access.
func (a KnownAccess) Decide(q AccessQuery) []finding.Finding {
	out := a.domain(q)
	if q.Peer.Known() {
		out = append(out, a.peer(q)...)
	}
	if len(a.Systems) > 0 {
		out = append(out, a.signers(q)...)
	}
	return out
}

// peer holds the frame against the organisation of the client certificate. OIDs
// are compared as wholes: what lies under an organisation's arc may be another's.
func (a KnownAccess) peer(q AccessQuery) []finding.Finding {
	own, f := q.Peer.Organisation, q.Frame
	if len(a.Systems) == 0 {
		if !slices.Contains([]string{f.Sender.ID.Root, f.User.Organization.ID.Root, f.Document.Custodian.ID.Root}, own) {
			return []finding.Finding{q.fault(RuleSender, f.Sender.Node, f.Sender.ID.Root, own)}
		}
		return nil
	}
	if !a.Systems.Joined(own) {
		return []finding.Finding{q.fault(RuleSystemUnknown, f.Sender.Node, own, own)}
	}
	var out []finding.Finding
	if !a.Systems.MaySendAs(own, f.Sender.ID.Root) {
		out = append(out, q.fault(RuleSender, f.Sender.Node, f.Sender.ID.Root, own))
	}
	if c := f.Document.Custodian; c.ID.Root != "" && !a.Systems.MayActFor(own, c.ID.Root) {
		out = append(out, q.fault(RuleController, c.Node, c.ID.Root, own))
	}
	return out
}

// signers demands that whoever signed by a system's certificate may act for the
// document's controller.
func (a KnownAccess) signers(q AccessQuery) []finding.Finding {
	if q.Document == nil {
		return nil
	}
	controller := q.Document.Custodian.ID.Root
	var out []finding.Finding
	for _, org := range q.Signers {
		if controller != "" && !a.Systems.MayActFor(org, controller) {
			out = append(out, q.fault(RuleSigner, q.Frame.Document.Custodian.Node, controller, org))
		}
	}
	return out
}

// fault is a finding at a node of the frame.
func (q AccessQuery) fault(rule string, node xmltree.Node, value, organisation string) finding.Finding {
	return finding.Finding{
		Rule: rule, Place: q.Frame.Tree.Place(at(node, q.Frame.Root), finding.SourceFrame),
		Value: value, Params: []finding.Param{finding.P("organisation", organisation)},
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
