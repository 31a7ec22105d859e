package pipeline

import (
	"slices"

	"portti/cda"
	"portti/cda/frame"
	"portti/cda/rules"
	"portti/cda/rules/catalogue"
	"portti/internal/finding"
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
}

// KnownAccess checks what can be known without a register of organisations: the
// sender against its certificate, and that the archive takes social-welfare
// documents only (ARK-12).
type KnownAccess struct {
	Profile catalogue.Profile
	World   World
	// AcceptHealth archives health documents: in the test world and lenient only.
	AcceptHealth bool
}

// Decide implements Access.
func (a KnownAccess) Decide(q AccessQuery) []finding.Finding {
	return append(a.sender(q), a.domain(q)...)
}

// sender demands that the organisation of the client certificate is named in the
// frame: as sending device, user's organisation or controller, or as the arc that
// one of them lies under.
func (a KnownAccess) sender(q AccessQuery) []finding.Finding {
	if !q.Peer.Known() {
		return nil
	}
	f := q.Frame
	named := []string{f.Sender.ID.Root, f.User.Organization.ID.Root, f.Document.Custodian.ID.Root}
	if slices.ContainsFunc(named, func(oid string) bool { return oid == q.Peer.Organisation || cda.Below(oid, q.Peer.Organisation) }) {
		return nil
	}
	return []finding.Finding{{
		Rule: RuleSender, Place: f.Tree.Place(at(f.Sender.Node, f.Root), finding.SourceFrame),
		Value: f.Sender.ID.Root, Params: []finding.Param{finding.P("organisation", q.Peer.Organisation)},
	}}
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
