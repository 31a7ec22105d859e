package pipeline

import (
	"time"

	"portti/cda"
	"portti/cda/frame"
	"portti/internal/finding"
)

// Caller is a system at a door where no frame tells who sends.
type Caller struct {
	Peer Peer
	// Sender is the sending device as frames name it, Unit the unit of its user; "" for
	// none.
	Sender, Unit string
	At           time.Time
}

// query is what a frame of the caller's would ask.
func (c Caller) query() AccessQuery {
	f := new(frame.Frame)
	f.Sender.ID, f.User.Organization.ID = cda.ID{Root: c.Sender}, cda.ID{Root: c.Unit}
	return AccessQuery{Peer: c.Peer, Frame: f, Arrived: c.At}
}

// Standing tells by what a system may not come in, or else which controllers'
// registers are its own: the same as for its queries.
func (a KnownAccess) Standing(c Caller) (own []string, refused []finding.Finding) {
	q, joined := c.query(), a.systems()
	mine := joined.behind(c.Peer, c.Sender)
	switch {
	case !c.Peer.Known():
		if c.Sender == "" {
			return nil, nil // nobody
		}
		mine = joined.named(c.Sender)
	case len(joined) == 0:
		if c.Sender != "" && c.Sender != c.Peer.Organisation {
			return nil, []finding.Finding{q.fault(RuleSender, 0, c.Sender, c.Peer.Organisation)}
		}
	case len(mine) == 0:
		return nil, []finding.Finding{q.fault(RuleSystemUnknown, 0, c.Peer.Organisation, c.Peer.Organisation)}
	case c.Sender != "" && !mine.any(func(x System) bool { return x.Names(c.Sender) }):
		return nil, []finding.Finding{q.fault(RuleSender, 0, c.Sender, c.Peer.Organisation)}
	}
	if _, f := q.connecting(mine); f != nil {
		return nil, []finding.Finding{*f}
	}
	return a.Own(q), nil
}

// Joined tells whether a connection is from a system that may connect now; where no
// system has joined, anybody's.
func (a KnownAccess) Joined(p Peer, at time.Time) bool {
	joined := a.systems()
	return len(joined) == 0 || len(a.connected(p, at)) > 0
}

// MayActFor tells whether a connection is from a system that may connect now and acts
// for a controller; where no system has joined, each organisation for itself.
func (a KnownAccess) MayActFor(p Peer, controller string, at time.Time) bool {
	if len(a.systems()) == 0 {
		return p.Organisation == controller
	}
	return a.connected(p, at).any(func(x System) bool { return x.Serves(controller) })
}

// connected gives the systems that a connection can be from and that may connect.
func (a KnownAccess) connected(p Peer, at time.Time) Systems {
	fit, _ := Caller{Peer: p, At: at}.query().connecting(a.systems().behind(p, ""))
	return fit
}
